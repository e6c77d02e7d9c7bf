//! The API key, the login tokens and the account IDs: where they are, which of them count, and that nobody can print
//! the secret ones.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::account::OwnSettings;
use super::file::ConfigFile;
use super::layers::{Environment, Origin, Sourced, ValueError};
use crate::api::{AccountId, Accounts, ApiVersion, Credentials, SecretPlaces};
use crate::invitation::AccountName;

/// The environment's name for the API key.
pub(super) const API_KEY: &str = "LINKUP_API_KEY";
/// The environment's name for V1's login token.
pub(super) const LOGIN_TOKEN: &str = "LINKUP_LOGIN_TOKEN";
/// The environment's name for V2's account ID.
pub(super) const ACCOUNT_ID: &str = "LINKUP_ACCOUNT_ID";
/// Where systemd puts credentials (`systemd.exec`, `LoadCredential=`).
pub(super) const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    #[error(
        "no credentials: set {} in the environment, or put them into the configuration file (--sandbox needs none)",
        .0.join(" and ")
    )]
    Missing(Vec<&'static str>),
    #[error(transparent)]
    Variable(#[from] ValueError),
    #[error("{0} and {0}_FILE are both set: unset one of them")]
    Twice(&'static str),
    #[error("{0} is empty: put the credential there, or leave it out")]
    Empty(String),
    /// What was named is not repeated: it may be the credential itself, which can look like a path.
    #[error("{0} must name a file that holds the credential")]
    Named(Origin, #[source] SecretFileError),
    /// The credentials directory's file.
    #[error("{0}")]
    InDirectory(Origin, #[source] SecretFileError),
    #[error("{0}: an account ID can't contain spaces")]
    UnfitAccountId(Origin),
    #[error(
        "a login token ({login_token}) asks for V1 of the API, and an account ID ({account_id}) for V2: choose with \
         --api v1 or --api v2"
    )]
    BothVersions { login_token: Origin, account_id: Origin },
    #[error("the account {0:?} has no credential: give its table login_token, login_token_file or account_id")]
    EmptyTable(String),
}

/// Where a credential's text is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Text(SecretString),
    File(PathBuf),
}

/// A credential that was found and not read yet.
pub(super) type Located = Sourced<Place>;

#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub(super) login_token: Option<Located>,
    pub(super) account_id: Option<Located>,
    pub(super) own: OwnSettings,
}

/// Why a version of the API is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ApiReason {
    /// `--api` or its likes say so.
    Asked(Origin),
    LoginToken(Origin),
    AccountId(Origin),
    #[default]
    Default,
}

impl fmt::Display for ApiReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked(origin) => write!(f, "{origin}"),
            Self::LoginToken(origin) => write!(f, "a login token is set: {origin}"),
            Self::AccountId(origin) => write!(f, "an account ID is set: {origin}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// All that is configured of credentials.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) api: ApiVersion,
    pub(super) reason: ApiReason,
    pub(super) api_key: Option<Located>,
    /// Whatever version they are for.
    pub(super) accounts: BTreeMap<AccountName, Account>,
}

impl Found {
    /// Finds them without reading any file: the environment's, else the credentials directory's, else the
    /// configuration file's.
    pub(super) fn find(
        environment: &Environment,
        file: Option<&ConfigFile>,
        asked: Option<Sourced<ApiVersion>>,
    ) -> Result<Self, CredentialsError> {
        let api_key = locate(environment, API_KEY)?.or_else(|| file?.api_key.clone());
        let login_token = locate(environment, LOGIN_TOKEN)?;
        let account_id = locate(environment, ACCOUNT_ID)?;
        let mut accounts = file.map(|file| file.accounts.clone()).unwrap_or_default();
        if login_token.is_some() || account_id.is_some() {
            let default = accounts.entry(AccountName::default()).or_default();
            *default = Account { login_token, account_id, own: std::mem::take(&mut default.own) };
        }
        for (name, account) in &accounts {
            // The default one's credential may be in the environment of another call.
            if account.login_token.is_none() && account.account_id.is_none() && *name != AccountName::default() {
                return Err(CredentialsError::EmptyTable(name.to_string()));
            }
        }
        let (api, reason) = choose(asked, &accounts)?;
        Ok(Self { api, reason, api_key, accounts })
    }

    /// Names of the accounts that this version can be called for.
    pub(super) fn usable(&self) -> impl Iterator<Item = (&AccountName, &Account)> {
        self.accounts.iter().filter(|(_, account)| match self.api {
            ApiVersion::V1 => account.login_token.is_some(),
            ApiVersion::V2 => account.account_id.is_some(),
        })
    }

    /// Reads what the version needs.
    pub(super) fn read(&self) -> Result<Credentials, CredentialsError> {
        let api_key = self.api_key.as_ref().map(read).transpose()?;
        let (accounts, name) = match self.api {
            ApiVersion::V1 => (Accounts::V1(self.login_tokens()?), LOGIN_TOKEN),
            ApiVersion::V2 => (Accounts::V2(self.account_ids()?), ACCOUNT_ID),
        };
        match (api_key, accounts.names().is_empty()) {
            (Some(api_key), false) => Ok(Credentials { api_key, accounts }),
            (Some(_), true) => Err(CredentialsError::Missing(vec![name])),
            (None, false) => Err(CredentialsError::Missing(vec![API_KEY])),
            (None, true) => Err(CredentialsError::Missing(vec![API_KEY, name])),
        }
    }

    /// The files that it reads secrets from, and others may read as well.
    pub(super) fn exposed_files(&self) -> impl Iterator<Item = PathBuf> {
        let tokens = self.usable().filter_map(|(_, account)| account.login_token.as_ref());
        let tokens = tokens.filter(|_| self.api == ApiVersion::V1);
        tokens.chain(&self.api_key).filter_map(|located| match &located.value {
            Place::File(path) if !is_systemds(&located.origin) && is_exposed(path) => Some(path.clone()),
            Place::File(_) | Place::Text(_) => None,
        })
    }

    /// Where the secrets of an account's calls are.
    pub(super) fn secret_places(&self, name: &AccountName) -> SecretPlaces {
        let account = self.accounts.get(name);
        let (login, key) = match self.api {
            ApiVersion::V1 => (account.and_then(|account| account.login_token.as_ref()), "login_token"),
            ApiVersion::V2 => (account.and_then(|account| account.account_id.as_ref()), "account_id"),
        };
        let unknown = SecretPlaces::default();
        SecretPlaces {
            api_key: self.api_key.as_ref().map_or(unknown.api_key, |located| place(located, "api_key")),
            login: login.map_or(unknown.login, |located| place(located, &format!("accounts.{name}.{key}"))),
        }
    }

    fn login_tokens(&self) -> Result<HashMap<AccountName, SecretString>, CredentialsError> {
        let located = self.accounts.iter().filter_map(|(name, account)| Some((name, account.login_token.as_ref()?)));
        located.map(|(name, token)| Ok((name.clone(), read(token)?))).collect()
    }

    fn account_ids(&self) -> Result<HashMap<AccountName, AccountId>, CredentialsError> {
        let located = self.accounts.iter().filter_map(|(name, account)| Some((name, account.account_id.as_ref()?)));
        located.map(|(name, id)| Ok((name.clone(), read_account_id(id)?))).collect()
    }
}

/// The version that is asked for, else the one that the credentials are for.
fn choose(
    asked: Option<Sourced<ApiVersion>>,
    accounts: &BTreeMap<AccountName, Account>,
) -> Result<(ApiVersion, ApiReason), CredentialsError> {
    if let Some(Sourced { value, origin }) = asked {
        return Ok((value, ApiReason::Asked(origin)));
    }
    let login_token = accounts.values().find_map(|account| account.login_token.as_ref());
    let account_id = accounts.values().find_map(|account| account.account_id.as_ref());
    match (login_token.map(|token| token.origin.clone()), account_id.map(|id| id.origin.clone())) {
        (Some(login_token), Some(account_id)) => Err(CredentialsError::BothVersions { login_token, account_id }),
        (Some(login_token), None) => Ok((ApiVersion::V1, ApiReason::LoginToken(login_token))),
        (None, Some(account_id)) => Ok((ApiVersion::V2, ApiReason::AccountId(account_id))),
        (None, None) => Ok((ApiVersion::default(), ApiReason::Default)),
    }
}

/// A credential's place, as whoever renews it looks for it; `key` is its name in the configuration file.
fn place(located: &Located, key: &str) -> String {
    let line = |path: &Path, line: &usize| format!("{}:{line}", path.display());
    match (&located.value, &located.origin) {
        (Place::Text(_), Origin::Variable(name)) => name.clone(),
        (Place::File(path), Origin::Variable(name)) => format!("{} ({name})", path.display()),
        (Place::Text(_), Origin::File { path, line: Some(at) }) => format!("{key} ({})", line(path, at)),
        (Place::File(secret), Origin::File { path, line: Some(at) }) => {
            format!("{} ({key}_file, {})", secret.display(), line(path, at))
        }
        (_, Origin::File { path, line: None }) => path.display().to_string(),
        (_, Origin::Flag | Origin::Default) => key.to_owned(),
    }
}

fn locate(environment: &Environment, name: &'static str) -> Result<Option<Located>, CredentialsError> {
    let file_name = format!("{name}_FILE");
    match (environment.text(name)?, environment.path(&file_name)?) {
        (Some(_), Some(_)) => Err(CredentialsError::Twice(name)),
        (Some(text), None) => {
            Ok(Some(Located { value: Place::Text(text.into()), origin: Origin::Variable(name.to_owned()) }))
        }
        (None, Some(path)) => Ok(Some(Located { value: Place::File(path), origin: Origin::Variable(file_name) })),
        (None, None) => {
            let path = environment.path(DIRECTORY)?.map(|directory| directory.join(name.to_ascii_lowercase()));
            // One that is there and can't be looked at is an error later, not a credential that is missing.
            let path = path.filter(|path| !path.try_exists().is_ok_and(|exists| !exists));
            Ok(path.map(|path| Located { value: Place::File(path.clone()), origin: Origin::File { path, line: None } }))
        }
    }
}

/// Its text. White space around it is dropped: a line break at a secret's end is the usual accident.
pub(super) fn read(located: &Located) -> Result<SecretString, CredentialsError> {
    let path = match &located.value {
        Place::Text(text) => return Ok(text.clone()),
        Place::File(path) => path,
    };
    let refused = if is_systemds(&located.origin) { CredentialsError::InDirectory } else { CredentialsError::Named };
    let file = SecretFile::read(path).map_err(|error| refused(located.origin.clone(), error))?;
    file.secret().ok_or_else(|| CredentialsError::Empty(path.display().to_string()))
}

pub(super) fn read_account_id(located: &Located) -> Result<AccountId, CredentialsError> {
    let text = read(located)?;
    AccountId::parse(text.expose_secret()).ok_or_else(|| CredentialsError::UnfitAccountId(located.origin.clone()))
}

/// No key, token or configuration is longer.
const LARGEST: u64 = 1024 * 1024;
/// Group and others may read.
const READABLE_BY_OTHERS: u32 = 0o044;

/// Why a file can't be read; whoever knows that its name is no secret adds it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretFileError {
    #[error("can't be read")]
    Unreadable(#[from] io::Error),
    #[error("is no text file: it must be UTF-8, of at most 1 MiB")]
    NotText,
}

/// A file's text, and whether group or others may read it.
pub(super) struct SecretFile {
    pub(super) text: SecretString,
    pub(super) is_readable_by_others: bool,
}

impl SecretFile {
    pub(super) fn read(path: &Path) -> Result<Self, SecretFileError> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes)?;
        let text = String::from_utf8(bytes).ok().filter(|text| text.len() as u64 <= LARGEST);
        let text = text.ok_or(SecretFileError::NotText)?;
        Ok(Self { text: text.into(), is_readable_by_others: is_readable_by_others(&metadata) })
    }

    /// The secret in it, without the white space around it; `None` where there is nothing else.
    pub(super) fn secret(&self) -> Option<SecretString> {
        let secret = self.text.expose_secret().trim();
        (!secret.is_empty()).then(|| secret.into())
    }
}

/// Only a file of the disk: a pipe's permissions say nothing of who can read what went through it.
fn is_readable_by_others(metadata: &Metadata) -> bool {
    metadata.is_file() && metadata.permissions().mode() & READABLE_BY_OTHERS != 0
}

/// Says which files with a secret others on this machine may read.
pub(super) fn warn_of_exposure(paths: &BTreeSet<PathBuf>) {
    let names = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ");
    match paths.len() {
        0 => {}
        1 => tracing::warn!("{names} holds a secret, and others may read it: chmod 600 {names}"),
        _ => tracing::warn!("files with secrets that others may read: chmod 600 {names}"),
    }
}

/// In the credentials directory systemd sees to it, and its access lists look like permissions of the group.
const fn is_systemds(origin: &Origin) -> bool {
    matches!(origin, Origin::File { line: None, .. })
}

/// Whether others may read a file that holds a secret.
pub(super) fn is_exposed(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| is_readable_by_others(&metadata))
}
