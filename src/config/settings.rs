//! The settings of a command that calls the API: every option decided, every check made that needs neither input nor
//! network.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::account::{AccountSettings, OwnSettings};
use super::credentials::{ApiReason, CredentialsError, Found, SecretFileError, is_exposed, warn_of_exposure};
use super::file_error::FileError;
use super::layers::{Environment, Layers, Sourced, ValueError};
use super::option::Command;
use super::options::{self, LEDGER_PATH};
use super::partition::{PartitionError, shared_rate, this_share, warn_of_no_part};
use crate::api::{ApiVersion, BaseUrl, BaseUrlError, Credentials, InvitationType, SecretPlaces};
use crate::input::{InputOptions, Source};
use crate::invitation::AccountName;
use crate::pace::Rate;
use crate::policy::{Backoff, SuccessMessages};
use crate::report::{Destination, Format, ProgressStyle};
use crate::share::Share;

/// The checked settings of `run`, `list`, `clean`, `verify`, `check` or `config`.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) command: Command,
    pub(crate) target: Target,
    pub(crate) api: ApiVersion,
    pub(super) api_reason: ApiReason,
    /// All that is configured of credentials; `None` for a rehearsal, which reads none.
    pub(super) found: Option<Found>,
    /// The account of rows without one. `None` where several are configured and none is asked for.
    pub(crate) account: Option<AccountName>,
    /// The accounts that can be called for.
    pub(crate) accounts: BTreeMap<AccountName, AccountSettings>,
    pub(crate) max_credits: Option<u64>,
    pub(crate) max_withdrawals: Option<u64>,
    pub(crate) max_duration: Option<Duration>,
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
    pub(crate) wait_lock: Option<Duration>,
    pub(crate) keep: Option<PathBuf>,
    /// Which part of the rows this process takes. Rate and limits are those of that part.
    pub(crate) share: Option<Share>,
    /// The input of `run`.
    pub(crate) source: Option<Source>,
    pub(crate) input: InputOptions,
    pub(crate) which: Which,
    pub(crate) output: Option<Destination>,
    pub(crate) output_format: Option<Format>,
    pub(crate) summary: Option<Destination>,
    pub(crate) page: Option<PageSettings>,
    /// `None` chooses by the terminal.
    pub(crate) progress: Option<ProgressStyle>,
    pub(crate) recheck: bool,
    pub(crate) dry_run: bool,
    pub(crate) yes: bool,
    /// How often `-q` was given.
    pub(crate) quiet: u8,
}

/// `--html`, with what the page says of the settings.
#[derive(Clone, Debug)]
pub(crate) struct PageSettings {
    pub(crate) path: PathBuf,
    /// Name, value and origin of each, secrets masked.
    pub(crate) listing: Vec<[String; 3]>,
}

/// Which of the pending invitations are asked for; ages in days.
#[derive(Clone, Debug, Default)]
pub(crate) struct Which {
    pub(crate) older_than: Option<u32>,
    pub(crate) newer_than: Option<u32>,
    pub(crate) invitation_type: InvitationType,
    pub(crate) limit: Option<u64>,
    pub(crate) max_pages: Option<u64>,
    /// Texts of which name or headline must hold one.
    pub(crate) matching: Vec<String>,
    /// Texts of which name and headline may hold none.
    pub(crate) not_matching: Vec<String>,
    pub(crate) without_note: bool,
    /// How many may stay in each account.
    pub(crate) max_pending: Option<u64>,
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
    #[error("no place for the ledger: set HOME, XDG_STATE_HOME or STATE_DIRECTORY, or name a file with --ledger")]
    NoLedgerPlace,
    /// UTC in its place would let withdrawals leave at other hours.
    #[error("the local time, which --between goes by, is not known: set TZ to a name, like Europe/Paris, or to UTC")]
    NoTimeZone(#[source] jiff::Error),
    #[error("{0} and summary would both go to standard output: give {1}")]
    BothToStdout(&'static str, &'static str),
    #[error(
        "clean needs --older-than (the age from which invitations are withdrawn, like 30d) or --max-pending (how many \
         may stay)"
    )]
    NoAge,
    #[error("--html shows what was done, and a dry run does nothing: leave one of them out")]
    NoPage,
    #[error("--without-note needs V1 of the API: V2's list does not say which invitations have a note")]
    NoNotes,
    #[error("{place}: account {name:?} is not configured; configured: {known}")]
    UnknownAccount { place: String, name: String, known: String },
    #[error("{0} must be longer than --timeout: no call could be made in that time")]
    ShortDuration(String),
    #[error("{0} and ping_url_file are both set: unset one of them")]
    TwoPings(String),
    /// What was named is not repeated: it may be the address itself.
    #[error("{0} must name a file that holds the address to ping")]
    PingUrlFile(String, #[source] SecretFileError),
    #[error("{0} must hold {1}")]
    NoPingUrl(String, &'static str),
    #[error(transparent)]
    Partition(#[from] PartitionError),
    #[error("{0} has no value and no default: this is a bug, please report it")]
    NoDefault(&'static str),
}

impl Settings {
    /// Decides every option. No credential is read for a rehearsal, and none is needed for what makes no call.
    pub(crate) fn resolve(command: Command, layers: &Layers, environment: &Environment) -> Result<Self, SettingsError> {
        let older_than = layers.get(&options::OLDER_THAN);
        let max_pending = layers.get(&options::MAX_PENDING);
        if command == Command::Clean && older_than.is_none() && max_pending.is_none() {
            return Err(SettingsError::NoAge);
        }
        let dry_run = layers.is_set(&options::DRY_RUN);
        // The list is paid for to look at it.
        let makes_calls = match command {
            Command::Run | Command::Verify => !dry_run,
            Command::List | Command::Clean | Command::Check => true,
            Command::History | Command::Config | Command::Sandbox | Command::Completions | Command::Man => false,
        };
        let whole_rate = layers.find_or_default(&options::RATE)?;
        let share = share(layers, environment)?;
        let rate = share.map_or(Ok(whole_rate.value), |share| shared_rate(whole_rate.value, share))?;
        let is_rehearsal = layers.is_set(&options::SIMULATE);
        let Way { target, api, api_reason, accounts, found } = if is_rehearsal {
            Way::to_sandbox(layers, environment)
        } else {
            Way::to_api(layers, environment, command, makes_calls, &whole_rate)?
        };
        warn_of_exposure(&exposed_files(layers, found.as_ref()));
        let timeout = layers.get_or_default(&options::TIMEOUT)?;
        let max_duration = layers.find(&options::MAX_DURATION);
        if let Some(Sourced { origin, .. }) = max_duration.as_ref().filter(|longest| longest.value <= timeout) {
            return Err(SettingsError::ShortDuration(origin.place(&options::MAX_DURATION.entry)));
        }
        let of_all = AccountSettings {
            country: layers.get_or_default(&options::COUNTRY)?,
            gap: layers.get(&options::GAP),
            daily_cap: layers.get(&options::DAILY_CAP),
            between: layers.get(&options::BETWEEN),
        };
        let without_note = layers.is_set(&options::WITHOUT_NOTE);
        if without_note && api == ApiVersion::V2 {
            return Err(SettingsError::NoNotes);
        }
        let part_of = |limit| share.map_or(limit, |share| share.part_of(limit));
        if let Some(share) = share {
            warn_of_no_part(layers, &accounts, share);
        }
        let mut settings = Self {
            command,
            target,
            api,
            api_reason,
            found,
            account: choose_account(layers.find(&options::ACCOUNT), &accounts)?,
            accounts: accounts.into_iter().map(|(name, own)| (name, own.or(&of_all, share))).collect(),
            max_credits: layers.get(&options::MAX_CREDITS).map(part_of),
            max_withdrawals: layers.get(&options::MAX_WITHDRAWALS).map(part_of),
            max_duration: max_duration.map(|longest| longest.value),
            rate,
            concurrency: layers.get_or_default(&options::CONCURRENCY)?,
            retries: layers.get_or_default(&options::RETRIES)?,
            backoff: Backoff {
                base: layers.get_or_default(&options::RETRY_BASE)?,
                max: layers.get_or_default(&options::RETRY_MAX)?,
            },
            success_messages: layers.get(&options::SUCCESS_MESSAGES).unwrap_or_default(),
            patience: layers.get_or_default(&options::PATIENCE)?,
            timeout,
            max_errors: layers.get_or_default(&options::MAX_ERRORS)?,
            ledger: if is_rehearsal {
                layers.get(&LEDGER_PATH)
            } else {
                Some(ledger_path(layers, environment, share)?)
            },
            wait_lock: layers.get(&options::WAIT_LOCK),
            keep: layers.get(&options::KEEP),
            share,
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
                matching: layers.get(&options::MATCH).unwrap_or_default(),
                not_matching: layers.get(&options::NOT_MATCH).unwrap_or_default(),
                without_note,
                max_pending,
            },
            output: layers.get(&options::OUTPUT),
            output_format: layers.get(&options::OUTPUT_FORMAT),
            summary: layers.get(&options::SUMMARY),
            page: None,
            progress: layers.get_or_default(&options::PROGRESS)?,
            recheck: layers.is_set(&options::RECHECK),
            dry_run,
            yes: layers.is_set(&options::YES),
            quiet: layers.get(&options::QUIET).unwrap_or_default(),
        };
        if command != Command::Config && settings.accounts.values().any(|own| own.between.is_some()) {
            TimeZone::try_system().map_err(SettingsError::NoTimeZone)?;
        }
        if settings.report_goes_to_stdout() && settings.summary == Some(Destination::Stdout) {
            return Err(match command {
                Command::Check => SettingsError::BothToStdout("table", "the summary a file with --summary"),
                Command::List => SettingsError::BothToStdout("list", "one of them a file with -o or --summary"),
                Command::Run
                | Command::Clean
                | Command::Verify
                | Command::History
                | Command::Config
                | Command::Sandbox
                | Command::Completions
                | Command::Man => SettingsError::BothToStdout("report", "one of them a file with -o or --summary"),
            });
        }
        if let Some(path) = layers.get(&options::HTML) {
            if dry_run {
                return Err(SettingsError::NoPage);
            }
            let listing =
                settings.listing(layers).into_iter().map(|setting| [setting.name, setting.value, setting.origin]);
            settings.page = Some(PageSettings { path, listing: listing.collect() });
        }
        Ok(settings)
    }

    /// Whether a limit is 0, so that no run withdraws anything.
    pub(crate) fn allows_none(&self) -> bool {
        let mut caps = self.accounts.values().map(|own| own.daily_cap);
        self.max_credits == Some(0)
            || self.max_withdrawals == Some(0)
            || !self.accounts.is_empty() && caps.all(|cap| cap == Some(0))
    }

    /// Whether only the simulated API is called.
    pub(crate) const fn is_rehearsal(&self) -> bool {
        match self.target {
            Target::Sandbox => true,
            Target::Real { .. } => false,
        }
    }

    /// The accounts whose lists `clean`, `list` and `verify` take, and that `check` looks at: the one that is asked for, else all.
    pub(crate) fn listed_accounts(&self) -> impl Iterator<Item = (&AccountName, &AccountSettings)> {
        self.accounts.iter().filter(|(name, _)| self.account.as_ref().is_none_or(|asked| asked == *name))
    }

    /// Where the secrets of an account's calls are.
    pub(crate) fn secrets(&self, account: &AccountName) -> SecretPlaces {
        self.found.as_ref().map(|found| found.secret_places(account)).unwrap_or_default()
    }

    pub(crate) fn reads_stdin(&self) -> bool {
        self.source == Some(Source::Stdin)
    }

    /// Whether the report goes to standard output, because `-o` says so or by default.
    pub(crate) fn report_goes_to_stdout(&self) -> bool {
        match (&self.output, self.command) {
            (Some(destination), _) => *destination == Destination::Stdout,
            (None, Command::Run) => self.reads_stdin() && !self.dry_run,
            (None, Command::Verify) => !self.dry_run,
            (None, Command::List | Command::Check) => true,
            (
                None,
                Command::Clean
                | Command::History
                | Command::Config
                | Command::Sandbox
                | Command::Completions
                | Command::Man,
            ) => false,
        }
    }
}

/// The share that this process takes, unless it takes all.
pub(crate) fn share(layers: &Layers, environment: &Environment) -> Result<Option<Share>, PartitionError> {
    layers.get(&options::PARTITION).map(|partition| this_share(partition, environment)).transpose()
}

/// The ledger that the options name, else `ledger.db`, or a share's own, in `$STATE_DIRECTORY` or
/// `$XDG_STATE_HOME/bulk-withdraw`.
pub(crate) fn ledger_path(
    layers: &Layers,
    environment: &Environment,
    share: Option<Share>,
) -> Result<PathBuf, SettingsError> {
    let name = format!("ledger{}.db", share.map(Share::suffix).unwrap_or_default());
    let default = || Some(environment.directory("STATE_DIRECTORY", "XDG_STATE_HOME", ".local/state")?.join(name));
    layers.get(&LEDGER_PATH).or_else(default).ok_or(SettingsError::NoLedgerPlace)
}

/// The ledgers that `history` reads.
pub(crate) fn ledgers(layers: &Layers, environment: &Environment) -> Result<Vec<PathBuf>, SettingsError> {
    match layers.flag(&options::LEDGERS) {
        Some(named) => Ok(named),
        None => ledger_path(layers, environment, None).map(|path| vec![path]),
    }
}

/// The files with secrets that others may read. A rehearsal reads no credentials.
fn exposed_files(layers: &Layers, found: Option<&Found>) -> BTreeSet<PathBuf> {
    let ping = layers.get(&options::PING_URL_FILE).filter(|path| is_exposed(path));
    let Some(found) = found else { return ping.into_iter().collect() };
    let file = layers.file.as_ref().filter(|file| file.is_exposed).map(|file| file.path.clone());
    found.exposed_files().chain(file).chain(ping).collect()
}

/// What depends on where the calls go.
struct Way {
    target: Target,
    api: ApiVersion,
    api_reason: ApiReason,
    accounts: BTreeMap<AccountName, OwnSettings>,
    found: Option<Found>,
}

impl Way {
    /// The accounts of the file can be rehearsed for, whatever their credentials are.
    fn to_sandbox(layers: &Layers, environment: &Environment) -> Self {
        let asked = layers.find(&options::API_VERSION);
        let (api, api_reason) =
            asked.map_or_else(Default::default, |asked| (asked.value, ApiReason::Asked(asked.origin)));
        let named = layers.file.iter().flat_map(|file| &file.accounts);
        let mut accounts: BTreeMap<_, _> = named.map(|(name, account)| (name.clone(), account.own.clone())).collect();
        if accounts.is_empty() || environment.names_an_account() {
            accounts.entry(AccountName::default()).or_default();
        }
        Self { target: Target::Sandbox, api, api_reason, accounts, found: None }
    }

    fn to_api(
        layers: &Layers,
        environment: &Environment,
        command: Command,
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
            // It shows which.
            Err(_) if command == Command::Config => None,
            credentials => Some(credentials?),
        };
        let mut accounts: BTreeMap<_, _> =
            found.usable().map(|(name, account)| (name.clone(), account.own.clone())).collect();
        if accounts.is_empty() {
            // Nothing is called, yet a plan names the account that would be.
            let default = found.accounts.get(&AccountName::default()).map(|account| account.own.clone());
            accounts.insert(AccountName::default(), default.unwrap_or_default());
        }
        let (api, api_reason) = (found.api, found.reason.clone());
        Ok(Self { target: Target::Real { base_url, credentials }, api, api_reason, accounts, found: Some(found) })
    }
}

/// The account that is asked for, else the only one that there is.
fn choose_account(
    asked: Option<Sourced<AccountName>>,
    accounts: &BTreeMap<AccountName, OwnSettings>,
) -> Result<Option<AccountName>, SettingsError> {
    match asked {
        None => Ok(accounts.keys().next().filter(|_| accounts.len() == 1).cloned()),
        Some(Sourced { value, .. }) if accounts.contains_key(&value) => Ok(Some(value)),
        Some(Sourced { value, origin }) => Err(SettingsError::UnknownAccount {
            place: origin.place(&options::ACCOUNT.entry),
            name: value.to_string(),
            known: names(accounts.keys()),
        }),
    }
}

/// Accounts' names for people.
pub(crate) fn names<'a>(accounts: impl Iterator<Item = &'a AccountName>) -> String {
    accounts.map(AccountName::as_str).collect::<Vec<_>>().join(", ")
}
