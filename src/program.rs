//! The program: parse, start the log, call a command, turn its end into an exit code.

use std::error::Error;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, setrlimit};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer as _, fmt};

use crate::cli::{self, CommandLine};
use crate::config::{self, Color, Command, Environment, Layers, LogFormat, Settings, SettingsError};
use crate::report::{LogLines, Look, Screen};
use crate::{DETAIL, commands, error_chain, exit, runner};

/// A command's error as its one line, and its exit code.
type Failure = (String, u8);

pub(crate) fn main() -> ExitCode {
    let screen = Screen::new(cli::asks_for_json(std::env::args_os()), Look::default());
    let code = start().unwrap_or_else(|(line, code)| {
        screen.print_failure(&line);
        code
    });
    ExitCode::from(code)
}

fn start() -> Result<u8, Failure> {
    forbid_dumps().map_err(usage)?;
    let CommandLine { command, flags } = cli::read().map_err(|line| (line, exit::USAGE))?;
    let mut layers = Layers::of_flags(command, flags).map_err(usage)?;
    let is_json = layers.get_or_default(&config::LOG_FORMAT).map_err(usage)? == LogFormat::Json;
    let screen = Screen::new(is_json, look(&layers).map_err(usage)?);
    start_log(&layers, &screen);
    let environment = Environment::of_process();
    let read = match command {
        // Whatever is set on the machine that builds a package, they are the same.
        Command::Completions | Command::Man => Ok(()),
        Command::Run
        | Command::List
        | Command::Clean
        | Command::History
        | Command::Verify
        | Command::Check
        | Command::Config
        | Command::Sandbox => layers.put_over(&environment),
    };
    let runtime = tokio::runtime::Runtime::new().map_err(usage)?;
    runtime.block_on(carry_out(command, &layers, read, &environment, &screen))
}

/// A dump of the memory would hold the secrets.
fn forbid_dumps() -> io::Result<()> {
    let nothing = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, nothing)?;
    // That limit says nothing to a program that the kernel pipes dumps into.
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

async fn carry_out(
    command: Command,
    layers: &Layers,
    read: Result<(), SettingsError>,
    environment: &Environment,
    screen: &Screen,
) -> Result<u8, Failure> {
    runner::survive_size_limit().map_err(usage)?;
    let ended = match command {
        Command::Run | Command::List | Command::Clean | Command::Verify | Command::Check => {
            return Ok(commands::call(command, layers, read, environment, screen).await);
        }
        Command::History => {
            read.map_err(usage)?;
            commands::history(&config::ledgers(layers, environment).map_err(usage)?, layers, screen)
        }
        Command::Config => {
            read.map_err(usage)?;
            commands::config(&Settings::resolve(command, layers, environment).map_err(usage)?, layers)
        }
        Command::Sandbox => {
            read.map_err(usage)?;
            commands::sandbox(layers, screen).await
        }
        Command::Completions => commands::completions(layers),
        Command::Man => commands::man(layers),
    };
    ended.map_err(|error| (error_chain(&error), error.exit_code()))
}

fn usage(error: impl Error) -> Failure {
    (error_chain(&error), exit::USAGE)
}

/// The log goes to the screen, above the bar. Only this program's own lines: what libraries log at these levels may
/// hold a request's bytes, secrets included.
fn start_log(flags: &Layers, screen: &Screen) {
    let count = |option| flags.get(option).unwrap_or_default();
    let level = match (count(&config::QUIET), count(&config::VERBOSE)) {
        (0, 0) => LevelFilter::INFO,
        (0, 1..) => LevelFilter::DEBUG,
        (1, _) => LevelFilter::WARN,
        (2.., _) => LevelFilter::ERROR,
    };
    let is_json = screen.is_json();
    let lines = LogLines { is_json, has_time: !screen.is_terminal() };
    let color = screen.look().has_color && !is_json;
    let layer = fmt::layer().with_writer(screen.clone()).with_ansi(color).event_format(lines);
    let detail = if is_json || level > LevelFilter::INFO { level } else { LevelFilter::OFF };
    let ours = Targets::new().with_target("bulk_withdraw", level).with_target(DETAIL, detail);
    tracing_subscriber::registry().with(layer.log_internal_errors(false).with_filter(ours)).init();
}

/// What the terminal and the locale allow.
fn look(flags: &Layers) -> Result<Look, config::SettingsError> {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let has_color = match flags.get_or_default(&config::COLOR)? {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            std::io::stderr().is_terminal() && variable("NO_COLOR").is_empty() && !Look::is_dumb(&variable("TERM"))
        }
    };
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].map(variable);
    Ok(Look { has_color, is_utf8: Look::is_utf8(&locale), is_dumb: Look::is_dumb(&variable("TERM")) })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior, getrlimit};

    use super::*;

    #[test]
    fn neither_a_file_nor_a_program_gets_a_dump() {
        forbid_dumps().unwrap();
        assert_eq!(getrlimit(Resource::Core), Rlimit { current: Some(0), maximum: Some(0) });
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
