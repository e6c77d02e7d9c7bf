//! The settings of a run: every option decided, every check made that needs neither input nor network.

use std::env::VarError;
use std::path::PathBuf;
use std::time::Duration;

use super::{
    BaseUrl, BaseUrlError, Credentials, CredentialsError, NoLedgerPlace, Options, Rate, RunRequest, default_ledger,
    defaults,
};
use crate::input::Source;
use crate::invitation::{AccountName, Country};
use crate::policy::Backoff;
use crate::report::Destination;

/// Where the calls go.
#[derive(Clone, Debug)]
pub enum Target {
    /// The simulated API, in this process; no real call can be made.
    Sandbox,
    /// V1 of the API at this address.
    V1 {
        /// The address.
        base_url: BaseUrl,
        /// `None` only for a dry run, which calls nobody.
        credentials: Option<Credentials>,
    },
}

/// A checked run.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// What this call is about.
    pub request: RunRequest,
    /// Where the calls go.
    pub target: Target,
    /// `--rate`
    pub rate: Rate,
    /// `--concurrency`
    pub concurrency: usize,
    /// `--retries`
    pub retries: u32,
    /// `--retry-base` and `--retry-max`
    pub backoff: Backoff,
    /// `--patience`
    pub patience: Duration,
    /// `--timeout`
    pub timeout: Duration,
    /// `--max-errors`
    pub max_errors: u32,
    /// The ledger; none for a rehearsal that names none, which keeps one of its own and throws it away.
    pub ledger: Option<PathBuf>,
    /// The account of rows that name none.
    pub account: AccountName,
    /// The country of rows that name none.
    pub country: Country,
}

/// Why a run can't begin.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Key or token are missing.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The API's address is none.
    #[error("--base-url {0}")]
    BaseUrl(#[from] BaseUrlError),
    /// No limit, on a real address.
    #[error(
        "--rate unlimited is for loopback addresses alone: the API refuses more than 300 calls a minute, and may \
         charge for refusals"
    )]
    Unlimited,
    /// Nobody knows where the ledger should lie.
    #[error(transparent)]
    Ledger(#[from] NoLedgerPlace),
    /// Report and summary in one stream.
    #[error("report and summary would both go to standard output: give one of them a file (-o or --summary)")]
    BothToStdout,
    /// An account that nobody configured.
    #[error("the account {0:?} is not configured: the environment holds the account \"default\" alone")]
    UnknownAccount(String),
    /// A time-out or pause of nothing.
    #[error("--{0} must be longer than nothing")]
    Zero(&'static str),
}

impl RunSettings {
    /// Decides every option: what `options` sets, else its default. `environment` is asked for credentials, and only
    /// where a real call may be made.
    ///
    /// # Errors
    /// [`SettingsError`], before anything is read or sent.
    pub fn resolve(
        request: RunRequest,
        options: Options,
        environment: impl Fn(&str) -> Result<String, VarError>,
    ) -> Result<Self, SettingsError> {
        let rate = options.rate.unwrap_or(defaults::RATE);
        let timeout = options.timeout.unwrap_or(defaults::TIMEOUT);
        let target = if request.sandbox {
            Target::Sandbox
        } else {
            let base_url: BaseUrl = options.base_url.as_deref().unwrap_or(defaults::BASE_URL).parse()?;
            let credentials = match Credentials::from_lookup(&environment) {
                Err(_) if request.dry_run => None,
                credentials => Some(credentials?),
            };
            if rate == Rate::Unlimited && !base_url.is_loopback() {
                return Err(SettingsError::Unlimited);
            }
            Target::V1 { base_url, credentials }
        };
        let ledger = match (options.ledger, &target) {
            (Some(ledger), _) => Some(ledger),
            (None, Target::Sandbox) => None,
            (None, Target::V1 { .. }) => Some(default_ledger(&environment)?),
        };
        let account = options.account.unwrap_or_default();
        if account != AccountName::default() {
            return Err(SettingsError::UnknownAccount(account.to_string()));
        }
        if timeout.is_zero() {
            return Err(SettingsError::Zero("timeout"));
        }
        let settings = Self {
            target,
            rate,
            concurrency: options.concurrency.map_or(defaults::CONCURRENCY, usize::from),
            retries: options.retries.unwrap_or(defaults::RETRIES),
            backoff: Backoff {
                base: options.retry_base.unwrap_or(defaults::RETRY_BASE),
                max: options.retry_max.unwrap_or(defaults::RETRY_MAX),
            },
            patience: options.patience.unwrap_or(defaults::PATIENCE),
            timeout,
            max_errors: options.max_errors.unwrap_or(defaults::MAX_ERRORS),
            ledger,
            account,
            country: options.country.unwrap_or_default(),
            request,
        };
        if settings.report_goes_to_stdout() && settings.summary_goes_to_stdout() {
            return Err(SettingsError::BothToStdout);
        }
        Ok(settings)
    }

    /// Whether the report goes to standard output: asked for, or because the input comes from standard input.
    #[must_use]
    pub fn report_goes_to_stdout(&self) -> bool {
        match &self.request.output {
            Some(destination) => *destination == Destination::Stdout,
            None => self.request.input == Source::Stdin && !self.request.dry_run,
        }
    }

    fn summary_goes_to_stdout(&self) -> bool {
        self.request.summary == Some(Destination::Stdout)
    }
}
