//! The settings of a command: every option decided, every check made that needs neither input nor network.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::environment::VariableError;
use super::{Calls, CredentialsError, Environment, FileError, Flags, NoLedgerPlace, Request, Shared, Subject, Target};
use crate::api::{ApiVersion, BaseUrlError};
use crate::invitation::{AccountName, Country};
use crate::pace::Rate;
use crate::policy::Backoff;
use crate::report::Destination;

/// The checked settings of `run`, `clean` or `list`.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// What this call is about.
    pub request: Request,
    /// Where the calls go.
    pub target: Target,
    pub api: ApiVersion,
    pub rate: Rate,
    pub concurrency: usize,
    pub retries: u32,
    pub backoff: Backoff,
    pub patience: Duration,
    pub timeout: Duration,
    pub max_errors: u32,
    /// The ledger; none for a rehearsal that names none, which keeps one of its own and throws it away.
    pub ledger: Option<PathBuf>,
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
pub(crate) enum SettingsError {
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Variable(#[from] VariableError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{place} {problem}")]
    BaseUrl { place: String, problem: BaseUrlError },
    #[error(
        "{0} unlimited is for loopback addresses alone: the API refuses more than 300 calls a minute, and may charge \
         for refusals"
    )]
    Unlimited(String),
    #[error(transparent)]
    Ledger(#[from] NoLedgerPlace),
    #[error("report and summary would both go to standard output: give one of them a file (-o or --summary)")]
    BothToStdout,
    #[error("{place}: the account {name:?} is not configured; configured are: {known}")]
    UnknownAccount { place: String, name: String, known: String },
    #[error("which account? Name one with --account, or with `account` in the configuration file: {0}")]
    WhichAccount(String),
    #[error("{0} must be longer than nothing")]
    Zero(String),
}

impl Settings {
    /// Decides every option of a run, as [`Shared::resolve`] does.
    pub(crate) fn resolve(request: Request, flags: Flags, environment: &Environment) -> Result<Self, SettingsError> {
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
    pub(crate) const fn is_rehearsal(&self) -> bool {
        match self.target {
            Target::Sandbox { .. } => true,
            Target::Real { .. } => false,
        }
    }

    /// Whether the report goes to standard output: asked for, or because that is where it goes
    /// for want of a better place.
    pub(crate) fn report_goes_to_stdout(&self) -> bool {
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
