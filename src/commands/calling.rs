//! The one way through a command that calls the API: it begins here, and whatever ends it ends here.

use super::ending::Done;
use super::error::CommandError;
use super::spared::{Files, METRICS_FLAG};
use super::{check, clean, list, run, verify};
use crate::config::{self, Command, Environment, Layers, Settings, SettingsError, Watchers};
use crate::ping::Pings;
use crate::report::{RunFacts, Screen};

/// Carries it out, tells how it ended to all who are to know, and returns the exit code. `read` says whether the layers
/// could be read to their end.
pub(crate) async fn call(
    command: Command,
    layers: &Layers,
    read: Result<(), SettingsError>,
    environment: &Environment,
    screen: &Screen,
) -> u8 {
    // Where it is wrong, the settings say so.
    let share = config::share(layers, environment).ok().flatten();
    let mut facts = RunFacts::begin(command.as_str(), share);
    let files = Files::of(layers, environment, share);
    let (mut watchers, known) = Watchers::of(layers);
    if !files.spares(METRICS_FLAG) {
        watchers.metrics_file = None;
    }
    let pings = watchers.ping.clone().map(Pings::start);
    let settings = read.and_then(|()| Settings::resolve(command, layers, environment));
    let settings = settings.and_then(|settings| known.map(|()| settings)).map_err(CommandError::from);
    let done = match settings {
        Ok(settings) => {
            facts.api = Some(settings.api.as_str());
            let is_kept = !settings.is_rehearsal() || settings.ledger.is_some();
            facts.again = is_kept.then(|| layers.command_line(command));
            facts.allows_none = settings.allows_none();
            tracing::info!(
                target: crate::DETAIL, event = "run_started", run_id = facts.run_id, command = facts.command,
                api = settings.api.as_str(), dry_run = settings.dry_run, version = env!("CARGO_PKG_VERSION"),
                "run {} begins", facts.run_id
            );
            carry_out(&settings, layers, &files, facts.clone(), screen).await
        }
        Err(error) => Err(error),
    };
    let done = match done {
        Ok(done) => done,
        Err(error) => {
            screen.print_failure(&crate::error_chain(&error));
            Done::failed(&error, facts, layers, &files).await
        }
    };
    done.tell(layers.get(&config::QUIET).unwrap_or_default(), screen, watchers, pings).await
}

async fn carry_out(
    settings: &Settings,
    layers: &Layers,
    files: &Files,
    facts: RunFacts,
    screen: &Screen,
) -> Result<Done, CommandError> {
    files.check()?;
    match settings.command {
        Command::Run => run::run(settings, facts, screen).await,
        Command::List => list::list(settings, facts, screen).await,
        Command::Clean => clean::clean(settings, layers, facts, screen).await,
        Command::Verify => verify::verify(settings, facts, screen).await,
        Command::Check => check::check(settings, layers, facts, screen).await,
        Command::History | Command::Config | Command::Sandbox | Command::Completions | Command::Man => {
            Err(CommandError::NotACall)
        }
    }
}
