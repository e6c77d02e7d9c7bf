//! What is wrong with a configuration file, told without repeating any value in it.

use std::fmt;
use std::path::PathBuf;

use super::credentials::SecretFileError;
use super::file::{
    ACCOUNT_ID, ACCOUNTS, API_KEY, API_KEY_FILE, BETWEEN, COUNTRY, DAILY_CAP, GAP, LOGIN_TOKEN, LOGIN_TOKEN_FILE,
};
use super::option::nearest;
use super::options::{is_flag_only, setting, settings};

/// The keys beside the options.
pub(super) const OTHER_KEYS: [&str; 3] = [API_KEY, API_KEY_FILE, ACCOUNTS];
/// The keys of an account's table.
pub(super) const ACCOUNT_KEYS: [&str; 7] =
    [LOGIN_TOKEN, LOGIN_TOKEN_FILE, ACCOUNT_ID, COUNTRY, GAP, DAILY_CAP, BETWEEN];

/// Why a configuration file can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("configuration file {}", .0.display())]
    Unreadable(PathBuf, #[source] SecretFileError),
    #[error("{}:{line}: {problem}", path.display())]
    Refused { path: PathBuf, line: usize, problem: Problem },
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("not valid TOML: {0}")]
    Syntax(String),
    #[error("unknown key{}{hint}", Shown(key))]
    Unknown {
        key: String,
        /// What was probably meant.
        hint: Hint,
    },
    #[error("{key} must be {wanted}")]
    Wrong {
        key: String,
        /// What its value must be.
        wanted: &'static str,
    },
    #[error("{0} and its other form are both set: give either the credential or the file that holds it")]
    Twice(String),
    #[error("an account needs a name")]
    NamelessAccount,
    #[error("an account is a table, like [accounts.sales]")]
    NoAccountTable,
    #[error("this account is defined twice")]
    SameAccount,
}

/// What an unknown key probably meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    None,
    Meant(&'static str),
    /// It stands too high.
    IntoAccount,
    /// It stands too low.
    AboveTables,
    /// It has no place in a file.
    FlagOnly(String),
}

impl Problem {
    /// A key beside the options that means nothing there.
    pub(super) fn unknown(key: &str) -> Self {
        let plain = plain(key);
        let hint = if ACCOUNT_KEYS.contains(&plain.as_str()) {
            Hint::IntoAccount
        } else if is_flag_only(&plain) {
            Hint::FlagOnly(plain.replace('_', "-"))
        } else {
            meant(key, settings().map(|entry| entry.name).chain(OTHER_KEYS))
        };
        Self::Unknown { key: key.to_owned(), hint }
    }

    /// A key of an account's table that means nothing there.
    pub(super) fn unknown_of_account(key: &str) -> Self {
        let hint = if setting(&plain(key)).is_some() || OTHER_KEYS.contains(&plain(key).as_str()) {
            Hint::AboveTables
        } else {
            meant(key, ACCOUNT_KEYS)
        };
        Self::Unknown { key: key.to_owned(), hint }
    }
}

fn plain(key: &str) -> String {
    key.to_ascii_lowercase().replace('-', "_")
}

fn meant(key: &str, known: impl IntoIterator<Item = &'static str>) -> Hint {
    nearest(key, known).map_or(Hint::None, Hint::Meant)
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Meant(key) => write!(f, " (did you mean `{key}`?)"),
            Self::IntoAccount => f.write_str(": it belongs in its account's table, like [accounts.default]"),
            Self::AboveTables => f.write_str(": it belongs above the first table, like [accounts.default]"),
            Self::FlagOnly(flag) => write!(f, ": give --{flag} on the command line"),
        }
    }
}

/// A key, unless it is so long or strange that it may be a secret that lost its quotes.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 24;
        let Self(key) = self;
        let is_a_name = key.len() <= LONGEST && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        if is_a_name { write!(f, " `{key}`") } else { Ok(()) }
    }
}
