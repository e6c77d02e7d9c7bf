//! The flags that several commands have in common.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{destination, with_default};
use crate::api::ApiVersion;
use crate::config::{Flags, Key, Options, Request, Subject, defaults, parse_concurrency, parse_duration};
use crate::invitation::{AccountName, Country};
use crate::pace::Rate;
use crate::report::{Destination, Format, ProgressStyle};

/// The options of every command that calls the API.
#[derive(Debug, Args)]
pub(crate) struct SharedArgs {
    /// Use the simulated API: no credentials, no real call
    #[arg(long, help_heading = "Safety", conflicts_with = "base_url")]
    sandbox: bool,

    #[arg(long, value_name = "N/s|min|h", help_heading = "Pace",
        help = with_default("Calls in a time, evenly spaced; unlimited for loopback addresses alone", defaults::RATE))]
    rate: Option<Rate>,
    #[arg(long, value_name = "N", help_heading = "Pace", value_parser = concurrency,
        help = with_default("Calls in flight at the most", defaults::CONCURRENCY))]
    concurrency: Option<NonZeroUsize>,
    #[arg(long, value_name = "N", help_heading = "Pace",
        help = with_default("Retries of a row; rate-limit answers use up none", defaults::RETRIES))]
    retries: Option<u32>,
    #[arg(long, value_name = "TIME", help_heading = "Pace", value_parser = parse_duration,
        help = with_default("First wait before a retry; each further one doubles it", seconds(defaults::RETRY_BASE)))]
    retry_base: Option<Duration>,
    #[arg(long, value_name = "TIME", help_heading = "Pace", value_parser = parse_duration,
        help = with_default("Longest wait before a retry", seconds(defaults::RETRY_MAX)))]
    retry_max: Option<Duration>,
    #[arg(long, value_name = "TIME", help_heading = "Pace", value_parser = parse_duration,
        help = with_default("Give up after this long without one call that was not rate limited", seconds(defaults::PATIENCE)))]
    patience: Option<Duration>,
    #[arg(long, value_name = "TIME", help_heading = "Pace", value_parser = parse_duration,
        help = with_default("Longest time for one call", seconds(defaults::TIMEOUT)))]
    timeout: Option<Duration>,

    /// Account of rows that name none [default: default, or the only one that is configured]
    #[arg(long, value_name = "NAME", help_heading = "API", value_parser = account)]
    account: Option<AccountName>,
    #[arg(long, value_name = "CODE", help_heading = "API", value_parser = country,
        help = with_default("Country of the API's proxy, for rows that name none and accounts that have none", Country::DEFAULT))]
    country: Option<Country>,
    /// Version of the API [default: the one that the credentials are for]
    #[arg(long, value_name = "v1|v2", help_heading = "API")]
    api: Option<ApiVersion>,
    #[arg(long, value_name = "URL", help_heading = "API",
        help = with_default("The API's address", defaults::BASE_URL))]
    base_url: Option<String>,
    /// Configuration file [default: $XDG_CONFIG_HOME/bulk-withdraw/config.toml]
    #[arg(long, value_name = "PATH", help_heading = "API")]
    config: Option<PathBuf>,
}

/// The options of every command that withdraws.
#[derive(Debug, Args)]
pub(crate) struct KeepingArgs {
    /// Where it is kept what is settled, so that no call is paid for twice
    /// [default: $XDG_STATE_HOME/bulk-withdraw/ledger.db]
    #[arg(long, value_name = "PATH", help_heading = "Safety")]
    ledger: Option<PathBuf>,
    #[arg(long, value_name = "N", help_heading = "Safety",
        help = with_default("Stop after N rows in a row that end neither fine nor invalid; 0 for never", defaults::MAX_ERRORS))]
    max_errors: Option<u32>,
    /// Never withdraw these: a file of invitation IDs or profile URLs, one a line
    #[arg(long, value_name = "FILE", help_heading = "Safety")]
    keep: Option<PathBuf>,
}

/// How a command says what it did.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Report's format [default: by the extension]
    #[arg(long, value_name = "FORMAT", help_heading = "Report")]
    output_format: Option<OutputFormatArg>,
    /// Also write the totals as JSON; - for standard output
    #[arg(long, value_name = "PATH", help_heading = "Report", value_parser = destination)]
    summary: Option<Destination>,
    /// Show how far it is [default: bar on a terminal, plain elsewhere]
    #[arg(long, value_name = "HOW", help_heading = "Report")]
    progress: Option<ProgressArg>,
}

/// `--output-format`
#[derive(Clone, Copy, Debug, ValueEnum)]
enum OutputFormatArg {
    Csv,
    Jsonl,
}

/// `--progress`
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProgressArg {
    /// A bar on a terminal, a line every 30 s elsewhere
    Auto,
    /// A bar
    Bar,
    /// A line every 30 s
    Plain,
    /// Nothing
    None,
}

impl ReportArgs {
    /// A request about this, that writes to this place; `quiet` says how often `-q` stands there.
    pub(super) fn into_request(self, subject: Subject, output: Option<Destination>, quiet: u8) -> Request {
        Request {
            subject,
            output,
            output_format: self.output_format.map(|format| match format {
                OutputFormatArg::Csv => Format::Csv,
                OutputFormatArg::Jsonl => Format::JsonLines,
            }),
            summary: self.summary,
            recheck: false,
            dry_run: false,
            yes: false,
            progress: self.progress.and_then(|progress| match progress {
                ProgressArg::Auto => None,
                ProgressArg::Bar => Some(ProgressStyle::Bar),
                ProgressArg::Plain => Some(ProgressStyle::Plain),
                ProgressArg::None => Some(ProgressStyle::None),
            }),
            quiet,
        }
    }
}

impl SharedArgs {
    /// The flags as the settings take them.
    pub(crate) fn into_flags(self) -> Flags {
        let options = Options {
            rate: self.rate,
            concurrency: self.concurrency,
            retries: self.retries,
            retry_base: self.retry_base,
            retry_max: self.retry_max,
            patience: self.patience,
            timeout: self.timeout,
            account: self.account,
            country: self.country,
            api: self.api,
            base_url: self.base_url,
            // A flag that is not given says nothing.
            sandbox: self.sandbox.then_some(true),
            max_errors: None,
            ledger: None,
            keep: None,
        };
        Flags { config: self.config, options }
    }
}

impl KeepingArgs {
    /// Adds these to the shared ones.
    pub(crate) fn add_to(self, flags: &mut Flags) {
        flags.options.ledger = self.ledger;
        flags.options.keep = self.keep;
        flags.options.max_errors = self.max_errors;
    }
}

/// A whole number of seconds or minutes, as one would type it.
fn seconds(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds > 60 && seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

fn account(text: &str) -> Result<AccountName, &'static str> {
    AccountName::parse(text).ok_or("an account needs a name")
}

fn country(text: &str) -> Result<Country, &'static str> {
    Country::parse(text).ok_or("a country needs a code, like FR")
}

fn concurrency(text: &str) -> Result<NonZeroUsize, String> {
    parse_concurrency(text).ok_or_else(|| format!("write {}", Key::Concurrency.wanted()))
}
