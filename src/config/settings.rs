//! The settings of a command that calls the API: every option decided, every check made that needs neither input nor
//! network.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::credentials::{ApiReason, CredentialsError, Found};
use super::file_error::FileError;
use super::layers::{Environment, Layers, Origin, Sourced, ValueError};
use super::option::Command;
use super::options::{self, LEDGER_PATH};
use crate::api::{ApiVersion, BaseUrl, BaseUrlError, Credentials, InvitationType};
use crate::input::{InputOptions, Source};
use crate::invitation::{AccountName, Country};
use crate::pace::Rate;
use crate::policy::{Backoff, SuccessMessages};
use crate::report::{Destination, Format, ProgressStyle};

/// The checked settings of `run`, `list`, `clean`, `check` or `config`.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) command: Command,
    pub(crate) target: Target,
    pub(crate) api: ApiVersion,
    pub(super) api_reason: ApiReason,
    /// All that is configured of credentials; `None` for a rehearsal, which reads none.
    pub(super) found: Option<Found>,
    /// The account of rows without one.
    pub(crate) account: AccountName,
    /// The accounts that can be called for, with the country of each that has one.
    pub(crate) accounts: BTreeMap<AccountName, Option<Country>>,
    /// The country of rows and accounts without one.
    pub(crate) country: Country,
    pub(crate) rate: Rate,
    pub(crate) concurrency: usize,
    pub(crate) retries: u32,
    pub(crate) backoff: Backoff,
    pub(crate) success_messages: SuccessMessages,
    pub(crate) patience: Duration,
    pub(crate) timeout: Duration,
    pub(crate) max_errors: u32,
    /// `None` for a rehearsal that names none: it keeps a temporary one.
    pub(crate) ledger: Option<PathBuf>,
    pub(crate) keep: Option<PathBuf>,
    /// The input of `run`.
    pub(crate) source: Option<Source>,
    pub(crate) input: InputOptions,
    pub(crate) which: Which,
    pub(crate) output: Option<Destination>,
    pub(crate) output_format: Option<Format>,
    pub(crate) summary: Option<Destination>,
    /// `None` chooses by the terminal.
    pub(crate) progress: Option<ProgressStyle>,
    pub(crate) recheck: bool,
    pub(crate) dry_run: bool,
    pub(crate) yes: bool,
    /// How often `-q` was given.
    pub(crate) quiet: u8,
}

/// Which of the pending invitations are asked for; ages in days.
#[derive(Clone, Debug, Default)]
pub(crate) struct Which {
    pub(crate) older_than: Option<u32>,
    pub(crate) newer_than: Option<u32>,
    pub(crate) invitation_type: InvitationType,
    pub(crate) limit: Option<u64>,
    pub(crate) max_pages: Option<u64>,
}

/// Where the calls go.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// The simulated API, in this process; no real call can be made.
    Sandbox,
    /// `credentials` is `None` only for what makes no call.
    Real { base_url: BaseUrl, credentials: Option<Credentials> },
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Value(#[from] ValueError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{place} {problem}")]
    BaseUrl { place: String, problem: BaseUrlError },
    #[error(
        "{0} unlimited is for loopback addresses only: the API refuses more than 300 calls a minute, and may charge \
         for refusals"
    )]
    Unlimited(String),
    #[error("no place for the ledger: set HOME or XDG_STATE_HOME, or name a file with --ledger")]
    NoLedgerPlace,
    #[error("report and summary would both go to standard output: give one of them a file (-o or --summary)")]
    BothToStdout,
    #[error("clean needs --older-than: the age from which invitations are withdrawn, like 30d")]
    NoAge,
    #[error("{place}: account {name:?} is not configured; configured: {known}")]
    UnknownAccount { place: String, name: String, known: String },
    #[error("which account? Name one with --account, or with `account` in the configuration file: {0}")]
    WhichAccount(String),
    #[error("{0} has no value and no default: this is a bug, please report it")]
    NoDefault(&'static str),
}

impl Settings {
    /// Decides every option. No credential is read for a rehearsal, and none is needed for what makes no call.
    pub(crate) fn resolve(command: Command, layers: &Layers, environment: &Environment) -> Result<Self, SettingsError> {
        let older_than = layers.get(&options::OLDER_THAN);
        if command == Command::Clean && older_than.is_none() {
            return Err(SettingsError::NoAge);
        }
        let dry_run = layers.is_set(&options::DRY_RUN);
        // The list is paid for to look at it.
        let makes_calls = match command {
            Command::Run => !dry_run,
            Command::List | Command::Clean | Command::Check => true,
            Command::History | Command::Config | Command::Sandbox => false,
        };
        let rate = layers.find_or_default(&options::RATE)?;
        let is_rehearsal = layers.is_set(&options::SIMULATE);
        let Way { target, api, api_reason, mut accounts, found } =
            if is_rehearsal { Way::to_sandbox(layers) } else { Way::to_api(layers, environment, makes_calls, &rate)? };
        let account = match layers.find(&options::ACCOUNT) {
            // Each in turn.
            None if command == Command::Check => accounts.keys().next().cloned().unwrap_or_default(),
            asked => {
                let is_only = asked.is_some() && command == Command::Check;
                let account = choose_account(asked, &accounts)?;
                accounts.retain(|name, _| !is_only || *name == account);
                account
            }
        };
        let settings = Self {
            command,
            target,
            api,
            api_reason,
            found,
            account,
            accounts,
            country: layers.get_or_default(&options::COUNTRY)?,
            rate: rate.value,
            concurrency: layers.get_or_default(&options::CONCURRENCY)?,
            retries: layers.get_or_default(&options::RETRIES)?,
            backoff: Backoff {
                base: layers.get_or_default(&options::RETRY_BASE)?,
                max: layers.get_or_default(&options::RETRY_MAX)?,
            },
            success_messages: layers.get(&options::SUCCESS_MESSAGES).unwrap_or_default(),
            patience: layers.get_or_default(&options::PATIENCE)?,
            timeout: layers.get_or_default(&options::TIMEOUT)?,
            max_errors: layers.get_or_default(&options::MAX_ERRORS)?,
            ledger: if is_rehearsal { layers.get(&LEDGER_PATH) } else { Some(ledger_path(layers, environment)?) },
            keep: layers.get(&options::KEEP),
            source: layers.get(&options::SOURCE),
            input: InputOptions {
                id_column: layers.get(&options::ID_COLUMN),
                delimiter: layers.get(&options::DELIMITER),
                format: layers.get(&options::INPUT_FORMAT),
                accept_rounded_ids: layers.is_set(&options::ACCEPT_ROUNDED_IDS),
            },
            which: Which {
                older_than,
                newer_than: layers.get(&options::NEWER_THAN),
                invitation_type: layers.get_or_default(&options::INVITATION_TYPE)?,
                limit: layers.get(&options::LIMIT),
                max_pages: layers.get(&options::MAX_PAGES),
            },
            output: layers.get(&options::OUTPUT),
            output_format: layers.get(&options::OUTPUT_FORMAT),
            summary: layers.get(&options::SUMMARY),
            progress: layers.get_or_default(&options::PROGRESS)?,
            recheck: layers.is_set(&options::RECHECK),
            dry_run,
            yes: layers.is_set(&options::YES),
            quiet: layers.get(&options::QUIET).unwrap_or_default(),
        };
        if settings.report_goes_to_stdout() && settings.summary == Some(Destination::Stdout) {
            return Err(SettingsError::BothToStdout);
        }
        Ok(settings)
    }

    /// Whether only the simulated API is called.
    pub(crate) const fn is_rehearsal(&self) -> bool {
        match self.target {
            Target::Sandbox => true,
            Target::Real { .. } => false,
        }
    }

    pub(crate) fn reads_stdin(&self) -> bool {
        self.source == Some(Source::Stdin)
    }

    /// Whether the report goes to standard output, because `-o` says so or by default.
    pub(crate) fn report_goes_to_stdout(&self) -> bool {
        match (&self.output, self.command) {
            (Some(destination), _) => *destination == Destination::Stdout,
            (None, Command::Run) => self.reads_stdin() && !self.dry_run,
            (None, Command::List | Command::Check) => true,
            (None, Command::Clean | Command::History | Command::Config | Command::Sandbox) => false,
        }
    }
}

/// The ledger that the options name, else `$XDG_STATE_HOME/bulk-withdraw/ledger.db`.
pub(crate) fn ledger_path(layers: &Layers, environment: &Environment) -> Result<PathBuf, SettingsError> {
    let default = || Some(environment.directory("XDG_STATE_HOME", ".local/state")?.join("bulk-withdraw/ledger.db"));
    layers.get(&LEDGER_PATH).or_else(default).ok_or(SettingsError::NoLedgerPlace)
}

/// What depends on where the calls go.
struct Way {
    target: Target,
    api: ApiVersion,
    api_reason: ApiReason,
    accounts: BTreeMap<AccountName, Option<Country>>,
    found: Option<Found>,
}

impl Way {
    /// The accounts of the file can be rehearsed for, whatever their credentials are.
    fn to_sandbox(layers: &Layers) -> Self {
        let asked = layers.find(&options::API_VERSION);
        let (api, api_reason) =
            asked.map_or_else(Default::default, |asked| (asked.value, ApiReason::Asked(asked.origin)));
        let named = layers.file.iter().flat_map(|file| &file.accounts);
        let mut accounts: BTreeMap<_, _> = named.map(|(name, account)| (name.clone(), account.country())).collect();
        accounts.entry(AccountName::default()).or_default();
        Self { target: Target::Sandbox, api, api_reason, accounts, found: None }
    }

    fn to_api(
        layers: &Layers,
        environment: &Environment,
        makes_calls: bool,
        rate: &Sourced<Rate>,
    ) -> Result<Self, SettingsError> {
        let Sourced { value, origin } = layers.find_or_default(&options::BASE_URL)?;
        let place = || origin.place(&options::BASE_URL.entry);
        let base_url: BaseUrl = value.parse().map_err(|problem| SettingsError::BaseUrl { place: place(), problem })?;
        if rate.value == Rate::Unlimited && !base_url.is_loopback() {
            return Err(SettingsError::Unlimited(rate.origin.place(&options::RATE.entry)));
        }
        let found = Found::find(environment, layers.file.as_ref(), layers.find(&options::API_VERSION))?;
        let credentials = match found.read() {
            Err(CredentialsError::Missing(_)) if !makes_calls => None,
            credentials => Some(credentials?),
        };
        if let Some(file) = layers.file.as_ref().filter(|file| file.is_exposed) {
            super::credentials::warn_of_exposure(&file.path);
        }
        let mut accounts: BTreeMap<_, _> =
            found.usable().map(|(name, account)| (name.clone(), account.country())).collect();
        if accounts.is_empty() {
            // Nothing is called, yet a plan names the account that would be.
            let default = found.accounts.get(&AccountName::default()).and_then(super::credentials::Account::country);
            accounts.insert(AccountName::default(), default);
        }
        let (api, api_reason) = (found.api, found.reason.clone());
        Ok(Self { target: Target::Real { base_url, credentials }, api, api_reason, accounts, found: Some(found) })
    }
}

/// The account that is asked for; else `default`, or the only one that there is.
fn choose_account(
    asked: Option<Sourced<AccountName>>,
    accounts: &BTreeMap<AccountName, Option<Country>>,
) -> Result<AccountName, SettingsError> {
    let known = || accounts.keys().map(AccountName::as_str).collect::<Vec<_>>().join(", ");
    let asked = asked.unwrap_or_else(|| {
        let only = accounts.keys().next().filter(|_| accounts.len() == 1);
        Sourced { value: only.cloned().unwrap_or_default(), origin: Origin::Default }
    });
    match asked {
        Sourced { value, .. } if accounts.contains_key(&value) => Ok(value),
        Sourced { origin: Origin::Default, .. } => Err(SettingsError::WhichAccount(known())),
        Sourced { value, origin } => Err(SettingsError::UnknownAccount {
            place: origin.place(&options::ACCOUNT.entry),
            name: value.to_string(),
            known: known(),
        }),
    }
}
