//! Parse, start the log, call a command, turn its end into an exit code.

use std::io::IsTerminal;
use std::process::ExitCode;

use crate::cli::{Cli, Command, LogFormat};
use crate::commands;
use crate::config::{Calls, Environment, Flags, Request, Settings, Shared, Subject, ledger_place};
use crate::report::Screen;
use crate::{error_chain, exit};
use clap::ColorChoice;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

pub(crate) fn main() -> ExitCode {
    let screen = Screen::default();
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(line) => {
            screen.print(&format!("bulk-withdraw: {line}\n"));
            return ExitCode::from(exit::USAGE);
        }
    };
    start_log(&cli, &screen);
    let code = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(call(cli, &screen)),
        Err(error) => failed(&screen, &error, exit::USAGE),
    };
    ExitCode::from(code)
}

async fn call(cli: Cli, screen: &Screen) -> u8 {
    let environment = Environment::of_process();
    match cli.command {
        Command::Run(args) => call_api(args.into_parts(cli.quiet), &environment, screen).await,
        Command::List(args) => call_api(args.into_parts(cli.quiet), &environment, screen).await,
        Command::Clean(args) => call_api(args.into_parts(cli.quiet), &environment, screen).await,
        Command::History(args) => match ledger_place(args.flags(), &environment) {
            Ok(ledger) => match commands::history(&args.into_request(ledger), screen) {
                Ok(()) => exit::FINE,
                Err(error) => failed(screen, &error, error.exit_code()),
            },
            Err(error) => failed(screen, &error, exit::USAGE),
        },
        Command::Config(args) => {
            let (flags, format) = args.into_parts();
            match Shared::resolve(flags, &environment, Calls::None) {
                Ok(settings) => match commands::config(&settings.listing(), format) {
                    Ok(()) => exit::FINE,
                    Err(error) => failed(screen, &error, error.exit_code()),
                },
                Err(error) => failed(screen, &error, exit::USAGE),
            }
        }
        Command::Sandbox(args) => match commands::sandbox(args, screen).await {
            Ok(()) => exit::FINE,
            Err(error) => failed(screen, &error, exit::USAGE),
        },
    }
}

async fn call_api((request, flags): (Request, Flags), environment: &Environment, screen: &Screen) -> u8 {
    let settings = match Settings::resolve(request, flags, environment) {
        Ok(settings) => settings,
        Err(error) => return failed(screen, &error, exit::USAGE),
    };
    let ended = match &settings.request.subject {
        Subject::Input(input) => commands::run(&settings, input, screen).await,
        Subject::Clean(list) => commands::clean(&settings, list, screen).await,
        Subject::List(list) => commands::list(&settings, list, screen).await,
    };
    ended.unwrap_or_else(|error| failed(screen, &error, error.exit_code()))
}

/// One line that says what is wrong, with its causes.
fn failed(screen: &Screen, error: &dyn std::error::Error, code: u8) -> u8 {
    screen.print(&format!("bulk-withdraw: {}\n", error_chain(error)));
    code
}

/// The log goes to the screen, above the bar. Only this program's own lines: what libraries log at these levels may
/// hold a request's bytes, secrets included.
fn start_log(cli: &Cli, screen: &Screen) {
    let level = match (cli.quiet, cli.verbose) {
        (0, 0) => LevelFilter::INFO,
        (0, 1..) => LevelFilter::DEBUG,
        (1.., _) => LevelFilter::WARN,
    };
    let color = match cli.color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    };
    let lines = fmt::layer().with_writer(screen.clone()).with_target(false).with_ansi(color).log_internal_errors(false);
    let layer = match cli.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let ours = Targets::new().with_target("bulk_withdraw", level);
    tracing_subscriber::registry().with(layer.with_filter(ours)).init();
}
