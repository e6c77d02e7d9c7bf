//! The program: parse, start the log, call a command, turn its end into an exit code.

use std::error::Error;
use std::io::IsTerminal;
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, setrlimit};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer as _, fmt};

use crate::cli::{self, CommandLine};
use crate::config::{self, Color, Command, Environment, Layers, LogFormat, Settings};
use crate::report::Screen;
use crate::{commands, error_chain, exit, runner};

/// A command's error as its one line, and its exit code.
type Failure = (String, u8);

pub(crate) fn main() -> ExitCode {
    let screen = Screen::default();
    let code = start(&screen).unwrap_or_else(|(line, code)| {
        screen.print_line(&format!("bulk-withdraw: {line}"));
        code
    });
    ExitCode::from(code)
}

fn start(screen: &Screen) -> Result<u8, Failure> {
    // A dump of the memory would hold the secrets.
    let nothing = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, nothing).map_err(usage)?;
    let CommandLine { command, flags } = cli::read().map_err(|line| (line, exit::USAGE))?;
    let flags = Layers::of_flags(command, flags).map_err(usage)?;
    start_log(&flags, screen).map_err(usage)?;
    let environment = Environment::of_process();
    let layers = flags.over(&environment).map_err(usage)?;
    let runtime = tokio::runtime::Runtime::new().map_err(usage)?;
    runtime.block_on(carry_out(command, &layers, &environment, screen))
}

async fn carry_out(
    command: Command,
    layers: &Layers,
    environment: &Environment,
    screen: &Screen,
) -> Result<u8, Failure> {
    runner::survive_size_limit().map_err(usage)?;
    let settings = || Settings::resolve(command, layers, environment).map_err(usage);
    let ended = match command {
        Command::Run => commands::run(&settings()?, screen).await,
        Command::List => commands::list(&settings()?, screen).await,
        Command::Clean => commands::clean(&settings()?, screen).await,
        Command::History => {
            commands::history(&config::ledger_path(layers, environment, None).map_err(usage)?, layers, screen)
        }
        Command::Verify => commands::verify(&settings()?, screen).await,
        Command::Check => commands::check(&settings()?, layers, screen).await,
        Command::Config => commands::config(&settings()?, layers),
        Command::Sandbox => commands::sandbox(layers, screen).await,
    };
    ended.map_err(|error| (error_chain(&error), error.exit_code()))
}

fn usage(error: impl Error) -> Failure {
    (error_chain(&error), exit::USAGE)
}

/// The log goes to the screen, above the bar. Only this program's own lines: what libraries log at these levels may
/// hold a request's bytes, secrets included.
fn start_log(flags: &Layers, screen: &Screen) -> Result<(), config::SettingsError> {
    let count = |option| flags.get(option).unwrap_or_default();
    let level = match (count(&config::QUIET), count(&config::VERBOSE)) {
        (0, 0) => LevelFilter::INFO,
        (0, 1..) => LevelFilter::DEBUG,
        (1, _) => LevelFilter::WARN,
        (2.., _) => LevelFilter::ERROR,
    };
    let color = match flags.get_or_default(&config::COLOR)? {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    };
    let lines = fmt::layer().with_writer(screen.clone()).with_target(false).with_ansi(color).log_internal_errors(false);
    let layer = match flags.get_or_default(&config::LOG_FORMAT)? {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let ours = Targets::new().with_target("bulk_withdraw", level);
    tracing_subscriber::registry().with(layer.with_filter(ours)).init();
    Ok(())
}
