//! The command line: what may be typed, and nothing of what it means.
//!
//! Owns clap's types and the help. Reads neither files nor the environment, and holds no default of its own: the help
//! shows those of [`crate::config::defaults`].

mod list_args;
mod run_args;
mod shared_args;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ColorChoice, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

use crate::config::{ConfigFormat, Flags, HistoryRequest, HistoryView, Options, TableFormat, parse_duration};
use crate::invitation::InvitationId;
use crate::ledger::Forget;
use crate::report::Destination;
use crate::sandbox::{self, Faults, ListFaults, SandboxOptions};

pub(crate) use list_args::{CleanArgs, ListArgs};
pub(crate) use run_args::RunArgs;
pub(crate) use shared_args::{KeepingArgs, SharedArgs};

/// Withdraws pending LinkedIn connection invitations in bulk through the LinkUp API.
#[derive(Debug, Parser)]
#[command(name = "bulk-withdraw", version, max_term_width = 100, after_help = CREDENTIALS)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Say less: no progress, warnings and errors alone; twice: no table at the end either
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "verbose", help_heading = "Log")]
    pub quiet: u8,
    /// Say more: every call and its answer
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Log")]
    pub verbose: u8,
    /// How the log on stderr is written
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", help_heading = "Log")]
    pub log_format: LogFormat,
    /// Colours on stderr [NO_COLOR is obeyed]
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Log")]
    pub color: ColorChoice,
}

const CREDENTIALS: &str = "\
Credentials never come from flags: LINKUP_API_KEY, and LINKUP_LOGIN_TOKEN for V1 of the API or
LINKUP_ACCOUNT_ID for V2. Each stands in the environment, in the file that <NAME>_FILE names, in
$CREDENTIALS_DIRECTORY in lower case, or in the configuration file. \"bulk-withdraw config\" shows
what is set, and where.
A withdrawal can't be undone. Rehearse with --sandbox, look ahead with --dry-run.";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Withdraw every invitation listed in a file
    #[command(after_help = EXIT_CODES)]
    Run(Box<RunArgs>),
    /// Print the pending sent invitations, in a form that `run` reads; each page of 10 costs a credit
    List(Box<ListArgs>),
    /// List, and withdraw what is old enough: what a cron job calls
    #[command(after_help = EXIT_CODES)]
    Clean(Box<CleanArgs>),
    /// Show what the ledger knows: withdrawals and credits by day and account, and single invitations
    History(HistoryArgs),
    /// Show each setting, its value and where it came from, secrets masked
    Config(Box<ConfigArgs>),
    /// Serve the simulated LinkUp API on loopback, to rehearse against
    #[command(after_help = endings())]
    Sandbox(SandboxArgs),
}

const EXIT_CODES: &str = "\
Exit codes:
  0  every row is fine          4  stopped: the credits are used up
  1  some row is not fine       5  stopped: too many failures in a row, or refused for too long
  2  usage or input error       6  stopped: report or ledger could not be written
  3  stopped: key or login refused       75  another run holds the ledger; nothing was sent
  129, 130, 143  stopped by SIGHUP, SIGINT, SIGTERM";

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

impl Cli {
    /// What was typed, or the one line that says what is wrong with it. Help and version are printed, and end here.
    pub(crate) fn read() -> Result<Self, String> {
        Self::try_parse().map_err(|error| {
            if !error.use_stderr() {
                error.exit();
            }
            one_line(&error.render().to_string())
        })
    }
}

/// Flags that don't exist, and that somebody with a secret in hand tries.
const SECRET_FLAGS: [&str; 3] = ["'--api-key'", "'--login-token'", "'--account-id'"];

/// clap's paragraph as one line: what is wrong, what was probably meant, where help is.
fn one_line(rendered: &str) -> String {
    let lines = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let wrong = rendered.split("\n\n").next().unwrap_or(rendered);
    let wrong = lines(wrong.trim_start_matches("error: "));
    let meant =
        rendered.lines().filter_map(|line| line.trim().strip_prefix("tip: ")).find(|tip| tip.contains("similar"));
    let meant = meant.map(|tip| format!(" ({tip})")).unwrap_or_default();
    // No tip here: what looks alike would take the secret, and repeat it in its own error.
    if SECRET_FLAGS.iter().any(|flag| wrong.contains(flag)) {
        return format!("{wrong}: credentials never come from flags; see --help");
    }
    format!("{wrong}{meant}; see --help")
}

/// `history`
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// The ledger [default: $XDG_STATE_HOME/bulk-withdraw/ledger.db]
    #[arg(long, value_name = "PATH")]
    ledger: Option<PathBuf>,
    /// Configuration file, which may name the ledger [default: $XDG_CONFIG_HOME/bulk-withdraw/config.toml]
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// From this day on, in UTC
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    since: Option<Date>,
    /// All that is known of one invitation
    #[arg(long, value_name = "ID", value_parser = id, conflicts_with_all = ["since", "forget", "forget_before"])]
    id: Option<InvitationId>,
    /// Forget one invitation, so that a later run asks about it again
    #[arg(long, value_name = "ID", value_parser = id, conflicts_with_all = ["since", "forget_before"])]
    forget: Option<InvitationId>,
    /// Forget everything from before this day, in UTC
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date, conflicts_with = "since")]
    forget_before: Option<Date>,
    /// Don't ask before forgetting
    #[arg(short, long)]
    yes: bool,
    /// How it is written to standard output
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: TableFormatArg,
}

/// `--format`
#[derive(Clone, Copy, Debug, ValueEnum)]
enum TableFormatArg {
    Table,
    Csv,
    Json,
}

impl HistoryArgs {
    /// The flags that say where the ledger lies.
    pub(crate) fn flags(&self) -> Flags {
        let options = Options { ledger: self.ledger.clone(), ..Options::default() };
        Flags { config: self.config.clone(), options }
    }

    /// The flags as the command takes them, for this ledger.
    pub(crate) fn into_request(self, ledger: PathBuf) -> HistoryRequest {
        let view = match (self.id, self.forget, self.forget_before) {
            (Some(id), ..) => HistoryView::Of(id),
            (None, Some(id), _) => HistoryView::Forget(Forget::Invitation(id)),
            (None, None, Some(day)) => HistoryView::Forget(Forget::Before(day)),
            (None, None, None) => HistoryView::ByDay { since: self.since },
        };
        let format = match self.format {
            TableFormatArg::Table => TableFormat::Table,
            TableFormatArg::Csv => TableFormat::Csv,
            TableFormatArg::Json => TableFormat::Json,
        };
        HistoryRequest { ledger, view, format, yes: self.yes }
    }
}

/// `config`
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    shared: SharedArgs,
    #[command(flatten)]
    keeping: KeepingArgs,
    /// How it is written to standard output
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: ConfigFormatArg,
}

/// `--format` of `config`
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ConfigFormatArg {
    Table,
    Json,
}

impl ConfigArgs {
    /// The flags as the settings take them, and how they are shown.
    pub(crate) fn into_parts(self) -> (Flags, ConfigFormat) {
        let mut flags = self.shared.into_flags();
        self.keeping.add_to(&mut flags);
        let format = match self.format {
            ConfigFormatArg::Table => ConfigFormat::Table,
            ConfigFormatArg::Json => ConfigFormat::Json,
        };
        (flags, format)
    }
}

/// `sandbox`
#[derive(Debug, Args)]
pub(crate) struct SandboxArgs {
    /// Port on 127.0.0.1; 0 for any that is free
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
    /// Share of calls that go wrong, e.g. rate-limited=10%,500=5%,502=3%,closed=1%,truncated=1%
    #[arg(long, value_name = "SHARES")]
    pub faults: Option<Faults>,
    /// Calls allowed in any 60 s; 0 for any number
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub limit: u32,
    /// Shortest and longest time for an answer
    #[arg(long, value_name = "MIN..MAX", default_value = "20ms..80ms", value_parser = range)]
    pub latency: (Duration, Duration),
    /// Credits to begin with [default: endless]
    #[arg(long, value_name = "N")]
    pub credits: Option<u64>,
    /// Invitations that are pending at first; others can be withdrawn too
    #[arg(long, value_name = "N", default_value_t = SandboxOptions::PENDING,
        value_parser = clap::value_parser!(u32).range(..=MOST_PENDING))]
    pub pending: u32,
    /// What is wrong with lists, any of repeat,miss,early-end,total-off
    #[arg(long, value_name = "NAMES")]
    pub list_faults: Option<ListFaults>,
}

/// More than LinkedIn lets an account have by far, and still little memory.
const MOST_PENDING: i64 = 100_000;

fn endings() -> String {
    format!(
        "The last three digits of an ID choose what happens; the outcome is that of a run:\n{}",
        sandbox::help_table()
    )
}

fn with_default(help: &str, default: impl std::fmt::Display) -> String {
    format!("{help} [default: {default}]")
}

#[expect(clippy::unnecessary_wraps, reason = "clap asks for a Result")]
fn destination(text: &str) -> Result<Destination, String> {
    Ok(Destination::parse(text))
}

fn id(text: &str) -> Result<InvitationId, String> {
    InvitationId::parse(text).map_err(|error| error.to_string())
}

fn date(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| format!("{text:?} is no day: write it like 2026-11-22"))
}

fn range(text: &str) -> Result<(Duration, Duration), String> {
    let (min, max) = text.split_once("..").ok_or("write it like 20ms..80ms")?;
    let read = |text| parse_duration(text).map_err(|error| error.to_string());
    let (min, max) = (read(min)?, read(max)?);
    if min <= max { Ok((min, max)) } else { Err("the shortest is longer than the longest".to_owned()) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::config::{Key, is_flag_alone};

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    /// So that a new flag comes with a decision: may it stand in the environment and in the file, or not?
    #[test]
    fn each_option_is_a_key_or_a_flag_alone() {
        let command = Cli::command();
        for name in ["run", "clean", "list", "config"] {
            let subcommand = command.find_subcommand(name).unwrap();
            let flags = subcommand.get_arguments().chain(command.get_arguments()).filter_map(|flag| flag.get_long());
            for flag in flags.filter(|flag| *flag != "config") {
                let name = flag.replace('-', "_");
                assert!(Key::named(&name).is_some() || is_flag_alone(&name), "--{flag}");
            }
        }
        let run = command.find_subcommand("run").unwrap();
        for key in Key::ALL {
            assert!(run.get_arguments().any(|flag| flag.get_long() == Some(&key.flag()[2..])), "{key:?}");
        }
    }

    #[test]
    fn clap_s_paragraphs_become_one_line() {
        let cases = [
            (vec!["run"], "the following required arguments were not provided: <INPUT>; see --help"),
            (
                vec!["run", "x", "--dryrun"],
                "unexpected argument '--dryrun' found (a similar argument exists: '--dry-run'); see --help",
            ),
            (
                vec!["run", "x", "--api-key=hidden"],
                "unexpected argument '--api-key' found: credentials never come from flags; see --help",
            ),
        ];
        for (arguments, expected) in cases {
            let error = Cli::try_parse_from(std::iter::once("bulk-withdraw").chain(arguments)).unwrap_err();
            assert_eq!(one_line(&error.render().to_string()), expected);
        }
    }
}
