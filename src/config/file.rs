//! The configuration file: TOML with known keys only, each value of its kind. No error repeats a value.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::credentials::{Account, Located, Place, SecretFile};
use super::file_error::{FileError, Problem};
use super::layers::{Origin, Sourced};
use super::option::{Entry, Opt, list_of};
use super::options::{self, setting};
use crate::invitation::AccountName;

pub(super) const API_KEY: &str = "api_key";
pub(super) const API_KEY_FILE: &str = "api_key_file";
pub(super) const ACCOUNTS: &str = "accounts";
/// The keys of an account's table.
pub(super) const LOGIN_TOKEN: &str = "login_token";
pub(super) const LOGIN_TOKEN_FILE: &str = "login_token_file";
pub(super) const ACCOUNT_ID: &str = "account_id";
pub(super) const COUNTRY: &str = "country";
pub(super) const GAP: &str = "gap";
pub(super) const DAILY_CAP: &str = "daily_cap";
pub(super) const BETWEEN: &str = "between";

/// What a configuration file says.
#[derive(Debug, Default)]
pub(super) struct ConfigFile {
    pub(super) path: PathBuf,
    /// Each option's value and line, from 1.
    options: BTreeMap<&'static str, (OsString, usize)>,
    pub(super) api_key: Option<Located>,
    pub(super) accounts: BTreeMap<AccountName, Account>,
    /// A secret stands in it, and others may read it.
    pub(super) is_exposed: bool,
}

type Pair<'a, 'i> = (&'a Spanned<std::borrow::Cow<'i, str>>, &'a Spanned<DeValue<'i>>);

impl ConfigFile {
    /// What could be read, and the first thing in it that is wrong.
    pub(super) fn read(path: &Path) -> Result<(Self, Result<(), FileError>), FileError> {
        let file = SecretFile::read(path).map_err(|error| FileError::Unreadable(path.to_owned(), error))?;
        let (mut read, known) = Reader { path, text: file.text.expose_secret() }.read()?;
        let is_here = |located: &Option<Located>| matches!(located, Some(Sourced { value: Place::Text(_), .. }));
        let holds_secret = read.option(options::PING_URL.entry.name).is_some()
            || is_here(&read.api_key)
            || read.accounts.values().any(|account| is_here(&account.login_token));
        read.is_exposed = holds_secret && file.is_readable_by_others;
        Ok((read, known))
    }

    pub(super) fn option(&self, name: &str) -> Option<Sourced<&OsStr>> {
        let (value, line) = self.options.get(name)?;
        Some(Sourced { value, origin: Origin::File { path: self.path.clone(), line: Some(*line) } })
    }

    /// A file of this text.
    #[cfg(any(test, fuzzing))]
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let (file, known) = Reader { path, text }.read()?;
        known.map(|()| file)
    }
}

/// What is wrong with a file of this text.
#[cfg(any(test, fuzzing))]
pub(crate) fn error_of_file(text: &str) -> Option<String> {
    ConfigFile::parse(Path::new("config.toml"), text).err().map(|error| error.to_string())
}

/// A list of texts as the layers hold it.
fn texts(items: &DeArray<'_>) -> Option<String> {
    let texts: Option<Vec<_>> = items.iter().map(|item| item.get_ref().as_str()).collect();
    Some(list_of(texts?.into_iter()))
}

/// Reads one file's text. `path` is where it stands: paths in it are taken from there, so that a cron job finds them from
/// anywhere.
struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    /// Goes on after a wrong key or value: metrics and pings are to tell of it.
    fn read(&self) -> Result<(ConfigFile, Result<(), FileError>), FileError> {
        // The error itself would show the line, and the line may hold a secret.
        let table = DeTable::parse(self.text).map_err(|error| {
            self.error(error.span().map_or(0, |span| span.start), Problem::Syntax(error.message().to_owned()))
        })?;
        let mut file = ConfigFile { path: self.path.to_owned(), ..ConfigFile::default() };
        let mut known = Ok(());
        for pair in table.get_ref() {
            known = known.and(self.key(&mut file, pair));
        }
        Ok((file, known))
    }

    fn key(&self, file: &mut ConfigFile, pair: Pair<'_, '_>) -> Result<(), FileError> {
        let name = pair.0.get_ref().as_ref();
        match (setting(name), name) {
            (Some(entry), _) => self.option(file, entry, pair),
            (None, API_KEY) => self.credential(&mut file.api_key, pair, self.secret(pair)?),
            (None, API_KEY_FILE) => self.credential(&mut file.api_key, pair, self.file(pair)?),
            (None, ACCOUNTS) => self.accounts(&mut file.accounts, pair),
            (None, _) => Err(self.error(pair.0.span().start, Problem::unknown(name))),
        }
    }

    fn option(&self, file: &mut ConfigFile, entry: &'static Entry, pair: Pair<'_, '_>) -> Result<(), FileError> {
        let text = self.text_of(entry, pair)?;
        let value = if entry.is_path() { self.beside(Path::new(&text)).into_os_string() } else { text.into() };
        file.options.insert(entry.name, (value, self.line(pair.0.span().start)));
        Ok(())
    }

    /// An option's value as a flag would have it.
    fn text_of(&self, entry: &Entry, pair: Pair<'_, '_>) -> Result<String, FileError> {
        let text = match pair.1.get_ref() {
            DeValue::String(text) if !entry.is_list => Some(text.trim().to_owned()),
            DeValue::Array(items) if entry.is_list => texts(items),
            DeValue::Integer(number) if entry.is_number() => Some(number.to_string()),
            DeValue::Boolean(switch) if entry.is_switch() => Some(switch.to_string()),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Boolean(_)
            | DeValue::Float(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        };
        let text = text.filter(|text| (entry.accepts)(OsStr::new(text)));
        text.ok_or_else(|| self.wrong(pair, entry.wanted))
    }

    /// The value of an option for one account.
    fn own<T>(&self, option: &Opt<T>, pair: Pair<'_, '_>) -> Result<Option<Sourced<T>>, FileError> {
        let text = self.text_of(&option.entry, pair)?;
        Ok((option.read)(OsStr::new(&text)).map(|value| Sourced { value, origin: self.origin(pair) }))
    }

    fn accounts(&self, accounts: &mut BTreeMap<AccountName, Account>, entry: Pair<'_, '_>) -> Result<(), FileError> {
        let DeValue::Table(tables) = entry.1.get_ref() else {
            return Err(self.wrong(entry, "a table for each account, like [accounts.sales]"));
        };
        for (key, value) in tables {
            let name = AccountName::parse(key.get_ref());
            let name = name.ok_or_else(|| self.error(key.span().start, Problem::NamelessAccount))?;
            let DeValue::Table(table) = value.get_ref() else {
                return Err(self.error(key.span().start, Problem::NoAccountTable));
            };
            if accounts.insert(name, self.account(table)?).is_some() {
                return Err(self.error(key.span().start, Problem::SameAccount));
            }
        }
        Ok(())
    }

    fn account(&self, table: &DeTable<'_>) -> Result<Account, FileError> {
        let mut account = Account::default();
        for entry in table {
            let own = &mut account.own;
            match entry.0.get_ref().as_ref() {
                LOGIN_TOKEN => self.credential(&mut account.login_token, entry, self.secret(entry)?)?,
                LOGIN_TOKEN_FILE => self.credential(&mut account.login_token, entry, self.file(entry)?)?,
                ACCOUNT_ID => self.credential(&mut account.account_id, entry, self.secret(entry)?)?,
                COUNTRY => own.country = self.own(&options::COUNTRY, entry)?,
                GAP => own.gap = self.own(&options::GAP, entry)?,
                DAILY_CAP => own.daily_cap = self.own(&options::DAILY_CAP, entry)?,
                BETWEEN => own.between = self.own(&options::BETWEEN, entry)?,
                name => return Err(self.error(entry.0.span().start, Problem::unknown_of_account(name))),
            }
        }
        Ok(account)
    }

    /// Keeps a credential, of which one is enough.
    fn credential(&self, slot: &mut Option<Located>, entry: Pair<'_, '_>, place: Place) -> Result<(), FileError> {
        match slot.replace(Located { value: place, origin: self.origin(entry) }) {
            None => Ok(()),
            Some(_) => Err(self.error(entry.0.span().start, Problem::Twice(entry.0.get_ref().to_string()))),
        }
    }

    fn secret(&self, entry: Pair<'_, '_>) -> Result<Place, FileError> {
        Ok(Place::Text(self.filled(entry)?.into()))
    }

    fn file(&self, entry: Pair<'_, '_>) -> Result<Place, FileError> {
        Ok(Place::File(self.beside(Path::new(self.filled(entry)?))))
    }

    /// A text with something in it.
    fn filled<'v>(&self, entry: Pair<'v, '_>) -> Result<&'v str, FileError> {
        let text = match entry.1.get_ref() {
            DeValue::String(text) => text.trim(),
            DeValue::Integer(_)
            | DeValue::Boolean(_)
            | DeValue::Float(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => "",
        };
        if text.is_empty() { Err(self.wrong(entry, "a text in quotes, not empty")) } else { Ok(text) }
    }

    fn beside(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    fn origin(&self, entry: Pair<'_, '_>) -> Origin {
        Origin::File { path: self.path.to_owned(), line: Some(self.line(entry.0.span().start)) }
    }

    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }

    fn wrong(&self, entry: Pair<'_, '_>, wanted: &'static str) -> FileError {
        self.error(entry.0.span().start, Problem::Wrong { key: entry.0.get_ref().to_string(), wanted })
    }

    fn error(&self, at: usize, problem: Problem) -> FileError {
        FileError::Refused { path: self.path.to_owned(), line: self.line(at), problem }
    }
}
