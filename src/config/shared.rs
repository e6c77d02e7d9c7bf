//! The settings that every command has which calls the API: each decided, checked, and with where it came from.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::credentials::Found;
use super::layers::Layers;
use super::{
    ApiReason, CredentialsError, Environment, Flags, Key, Origin, SettingsError, Sourced, default_ledger, defaults,
};
use crate::api::{ApiVersion, BaseUrl, Credentials};
use crate::invitation::{AccountName, Country};
use crate::pace::Rate;

/// Where the calls go.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// The simulated API, in this process; no real call can be made.
    Sandbox { api: ApiVersion },
    /// The API at this address.
    Real {
        base_url: BaseUrl,
        /// `None` only for what calls nobody, a dry run for one.
        credentials: Option<Credentials>,
    },
}

/// Whether credentials must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calls {
    /// The API is called, so they must.
    Made,
    /// Nobody is called, so they may be missing; what is there must be right.
    None,
}

/// The settings of whatever calls the API.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The configuration file that was read, and who named it.
    pub config_file: Option<Sourced<PathBuf>>,
    /// Where the calls go.
    pub target: Target,
    pub sandbox: Sourced<bool>,
    pub api: ApiVersion,
    pub api_reason: ApiReason,
    /// `--base-url`; not looked at for a rehearsal.
    pub base_url: Option<Sourced<BaseUrl>>,
    /// The account of rows that name none.
    pub account: Sourced<AccountName>,
    /// The accounts that can be called for, with the country of each that has one.
    pub accounts: BTreeMap<AccountName, Option<Country>>,
    /// The country of accounts that have none.
    pub country: Sourced<Country>,
    pub rate: Sourced<Rate>,
    pub concurrency: Sourced<usize>,
    pub retries: Sourced<u32>,
    pub retry_base: Sourced<Duration>,
    pub retry_max: Sourced<Duration>,
    pub patience: Sourced<Duration>,
    pub timeout: Sourced<Duration>,
    pub max_errors: Sourced<u32>,
    /// The ledger; none for a rehearsal that names none, which keeps one of its own and throws it away.
    pub ledger: Option<Sourced<PathBuf>>,
    pub keep: Option<Sourced<PathBuf>>,
    /// All that is configured of credentials; `None` for a rehearsal, which looks for none.
    pub(super) found: Option<Found>,
}

impl Shared {
    /// Decides every option: the flag, else the environment, else the configuration file, else the default. No
    /// credential is looked for where the calls go to the simulated API.
    pub(crate) fn resolve(flags: Flags, environment: &Environment, calls: Calls) -> Result<Self, SettingsError> {
        let layers = Layers::read(flags, environment)?;
        let rate = layers.find_or(Key::Rate, defaults::RATE, |options| options.rate);
        let timeout = layers.find_or(Key::Timeout, defaults::TIMEOUT, |options| options.timeout);
        if timeout.value.is_zero() {
            return Err(SettingsError::Zero(timeout.origin.place(Key::Timeout)));
        }
        let sandbox = layers.find_or(Key::Sandbox, false, |options| options.sandbox);
        let Way { target, api, api_reason, base_url, accounts, found } =
            if sandbox.value { Way::to_sandbox(&layers) } else { Way::to_api(&layers, environment, calls, &rate)? };
        let account = choose_account(layers.find(Key::Account, |options| options.account.clone()), &accounts)?;
        let ledger = match layers.find(Key::Ledger, |options| options.ledger.clone()) {
            None if !sandbox.value => Some(Sourced::default(default_ledger(environment)?)),
            ledger => ledger,
        };
        let concurrency = layers.find(Key::Concurrency, |options| options.concurrency.map(usize::from));
        Ok(Self {
            target,
            sandbox,
            api,
            api_reason,
            base_url,
            account,
            accounts,
            country: layers.find_or(Key::Country, Country::default(), |options| options.country.clone()),
            rate,
            concurrency: concurrency.unwrap_or(Sourced::default(defaults::CONCURRENCY)),
            retries: layers.find_or(Key::Retries, defaults::RETRIES, |options| options.retries),
            retry_base: layers.find_or(Key::RetryBase, defaults::RETRY_BASE, |options| options.retry_base),
            retry_max: layers.find_or(Key::RetryMax, defaults::RETRY_MAX, |options| options.retry_max),
            patience: layers.find_or(Key::Patience, defaults::PATIENCE, |options| options.patience),
            timeout,
            max_errors: layers.find_or(Key::MaxErrors, defaults::MAX_ERRORS, |options| options.max_errors),
            ledger,
            keep: layers.find(Key::Keep, |options| options.keep.clone()),
            found,
            config_file: layers.file.zip(layers.file_origin).map(|(file, origin)| Sourced { value: file.path, origin }),
        })
    }
}

/// The ledger that the options name, else the user's own: for what looks at nothing else.
pub(crate) fn ledger_place(flags: Flags, environment: &Environment) -> Result<PathBuf, SettingsError> {
    if let Some(ledger) = flags.options.ledger {
        return Ok(ledger);
    }
    match Layers::read(flags, environment)?.find(Key::Ledger, |options| options.ledger.clone()) {
        Some(ledger) => Ok(ledger.value),
        None => Ok(default_ledger(environment)?),
    }
}

/// What depends on where the calls go.
struct Way {
    target: Target,
    api: ApiVersion,
    api_reason: ApiReason,
    base_url: Option<Sourced<BaseUrl>>,
    accounts: BTreeMap<AccountName, Option<Country>>,
    found: Option<Found>,
}

impl Way {
    /// The accounts of the file can be rehearsed for, whatever their credentials are.
    fn to_sandbox(layers: &Layers) -> Self {
        let asked = layers.find(Key::Api, |options| options.api);
        let (api, api_reason) =
            asked.map_or_else(Default::default, |asked| (asked.value, ApiReason::Asked(asked.origin)));
        let named = layers.file.iter().flat_map(|file| &file.accounts);
        let named = named.map(|(name, account)| (name.clone(), country_of(account)));
        let mut accounts: BTreeMap<_, _> = named.collect();
        accounts.entry(AccountName::default()).or_default();
        Self { target: Target::Sandbox { api }, api, api_reason, base_url: None, accounts, found: None }
    }

    fn to_api(
        layers: &Layers,
        environment: &Environment,
        calls: Calls,
        rate: &Sourced<Rate>,
    ) -> Result<Self, SettingsError> {
        let Sourced { value, origin } =
            layers.find_or(Key::BaseUrl, defaults::BASE_URL.to_owned(), |options| options.base_url.clone());
        let base_url: BaseUrl =
            value.parse().map_err(|problem| SettingsError::BaseUrl { place: origin.place(Key::BaseUrl), problem })?;
        if rate.value == Rate::Unlimited && !base_url.is_loopback() {
            return Err(SettingsError::Unlimited(rate.origin.place(Key::Rate)));
        }
        let found = Found::find(environment, layers.file.as_ref(), layers.find(Key::Api, |options| options.api))?;
        let credentials = match found.read() {
            Err(CredentialsError::Missing(_)) if calls == Calls::None => None,
            credentials => Some(credentials?),
        };
        if let Some(file) = layers.file.as_ref().filter(|file| file.is_exposed) {
            super::secret_file::warn_of_exposure(&file.path);
        }
        let mut accounts: BTreeMap<_, _> =
            found.usable().map(|(name, account)| (name.clone(), country_of(account))).collect();
        if accounts.is_empty() {
            // Nobody is called for, yet a plan wants the account that would be.
            let default = found.accounts.get(&AccountName::default()).and_then(country_of);
            accounts.insert(AccountName::default(), default);
        }
        Ok(Self {
            target: Target::Real { base_url: base_url.clone(), credentials },
            api: found.api,
            api_reason: found.reason.clone(),
            base_url: Some(Sourced { value: base_url, origin }),
            accounts,
            found: Some(found),
        })
    }
}

fn country_of(account: &super::credentials::Account) -> Option<Country> {
    account.country.as_ref().map(|country| country.value.clone())
}

/// The account that is asked for; else `default`, or the only one that there is.
fn choose_account(
    asked: Option<Sourced<AccountName>>,
    accounts: &BTreeMap<AccountName, Option<Country>>,
) -> Result<Sourced<AccountName>, SettingsError> {
    let known = || accounts.keys().map(AccountName::as_str).collect::<Vec<_>>().join(", ");
    match asked {
        Some(asked) if accounts.contains_key(&asked.value) => Ok(asked),
        Some(Sourced { value, origin }) => Err(SettingsError::UnknownAccount {
            place: origin.place(Key::Account),
            name: value.to_string(),
            known: known(),
        }),
        None if accounts.contains_key(&AccountName::default()) => {
            Ok(Sourced { value: AccountName::default(), origin: Origin::Default })
        }
        None => {
            let mut names = accounts.keys();
            match (names.next(), names.next()) {
                (Some(only), None) => Ok(Sourced::default(only.clone())),
                (None | Some(_), _) => Err(SettingsError::WhichAccount(known())),
            }
        }
    }
}
