//! Parse, start the log, call a command, turn its end into an exit code.

use std::io::IsTerminal;
use std::process::ExitCode;

use bulk_withdraw::cli::{Cli, Command, LogFormat};
use bulk_withdraw::commands;
use bulk_withdraw::config::RunSettings;
use bulk_withdraw::report::Screen;
use bulk_withdraw::{error_chain, exit};
use clap::{ColorChoice, Parser};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let screen = Screen::default();
    start_log(&cli, &screen);
    let ended =
        tokio::runtime::Runtime::new().map_err(Into::into).and_then(|runtime| runtime.block_on(call(cli, &screen)));
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            screen.print(&format!("bulk-withdraw: {}\n", error_chain(error.as_ref())));
            ExitCode::from(exit::USAGE)
        }
    }
}

async fn call(cli: Cli, screen: &Screen) -> Result<u8, Box<dyn std::error::Error>> {
    match cli.command {
        Command::Run(args) => {
            let (request, options) = args.into_parts(cli.quiet);
            let settings = RunSettings::resolve(request, options, |name| std::env::var(name))?;
            Ok(commands::run(settings, screen).await?)
        }
        Command::Sandbox(args) => {
            commands::sandbox(args, screen).await?;
            Ok(exit::FINE)
        }
    }
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
