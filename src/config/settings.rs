//! The settings of a command: every option decided, every check made that needs neither input nor network.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::environment::VariableError;
use super::{
    ApiVersion, BaseUrlError, Calls, CredentialsError, Environment, FileError, Flags, NoLedgerPlace, Rate, Request,
    Shared, Subject, Target,
};
use crate::invitation::{AccountName, Country};
use crate::policy::Backoff;
use crate::report::Destination;

/// The checked settings of `run`, `clean` or `list`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What this call is about.
    pub request: Request,
    /// Where the calls go.
    pub target: Target,
    /// The version of the API that is called.
    pub api: ApiVersion,
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
    /// `--keep`
    pub keep: Option<PathBuf>,
    /// The account of rows that name none.
    pub account: AccountName,
    /// The accounts that can be called for, with the country of each that has one.
    pub accounts: BTreeMap<AccountName, Option<Country>>,
    /// The country of rows that name none, and whose account has none.
    pub country: Country,
}

/// Why a run can't begin.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// They are missing, or can't be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// A variable of the environment that can't be used.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// The configuration file can't be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The API's address is none.
    #[error("{place} {problem}")]
    BaseUrl {
        /// Who says so.
        place: String,
        /// What is wrong with it.
        problem: BaseUrlError,
    },
    /// No limit, on a real address.
    #[error(
        "{0} unlimited is for loopback addresses alone: the API refuses more than 300 calls a minute, and may charge \
         for refusals"
    )]
    Unlimited(String),
    /// Nobody knows where the ledger should lie.
    #[error(transparent)]
    Ledger(#[from] NoLedgerPlace),
    /// Report and summary in one stream.
    #[error("report and summary would both go to standard output: give one of them a file (-o or --summary)")]
    BothToStdout,
    /// An account that nobody configured, for this version of the API.
    #[error("{place}: the account {name:?} is not configured; configured are: {known}")]
    UnknownAccount {
        /// Who says so.
        place: String,
        /// The name.
        name: String,
        /// Those that are.
        known: String,
    },
    /// Several, and none is the default one.
    #[error("which account? Name one with --account, or with `account` in the configuration file: {0}")]
    WhichAccount(String),
    /// A time-out or pause of nothing.
    #[error("{0} must be longer than nothing")]
    Zero(String),
}

impl Settings {
    /// Decides every option of a run, as [`Shared::resolve`] does.
    ///
    /// # Errors
    /// [`SettingsError`], before anything is read or sent.
    pub fn resolve(request: Request, flags: Flags, environment: &Environment) -> Result<Self, SettingsError> {
        let calls = match request.subject {
            Subject::Input(_) if request.dry_run => Calls::None,
            // A list has to be bought to look at it.
            Subject::Input(_) | Subject::Clean(_) | Subject::List(_) => Calls::Made,
        };
        let shared = Shared::resolve(flags, environment, calls)?;
        let settings = Self {
            request,
            target: shared.target,
            api: shared.api,
            rate: shared.rate.value,
            concurrency: shared.concurrency.value,
            retries: shared.retries.value,
            backoff: Backoff { base: shared.retry_base.value, max: shared.retry_max.value },
            patience: shared.patience.value,
            timeout: shared.timeout.value,
            max_errors: shared.max_errors.value,
            ledger: shared.ledger.map(|ledger| ledger.value),
            keep: shared.keep.map(|keep| keep.value),
            account: shared.account.value,
            accounts: shared.accounts,
            country: shared.country.value,
        };
        if settings.report_goes_to_stdout() && settings.summary_goes_to_stdout() {
            return Err(SettingsError::BothToStdout);
        }
        Ok(settings)
    }

    /// Whether nothing real is called.
    #[must_use]
    pub const fn is_rehearsal(&self) -> bool {
        match self.target {
            Target::Sandbox { .. } => true,
            Target::Real { .. } => false,
        }
    }

    /// Whether the report goes to standard output: asked for, or because that is where it goes
    /// for want of a better place.
    #[must_use]
    pub fn report_goes_to_stdout(&self) -> bool {
        match &self.request.output {
            Some(destination) => *destination == Destination::Stdout,
            None => match self.request.subject {
                Subject::Input(_) => self.request.subject.is_stdin() && !self.request.dry_run,
                Subject::Clean(_) => false,
                Subject::List(_) => true,
            },
        }
    }

    fn summary_goes_to_stdout(&self) -> bool {
        self.request.summary == Some(Destination::Stdout)
    }
}
