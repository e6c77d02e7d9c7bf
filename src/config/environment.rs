//! The environment, taken once: what of it bears on this program, and the layer of options in it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use super::keys::{self, CONFIG, Key, PREFIX, is_flag_alone, nearest};
use super::{Options, Origin};

/// Names that bear on this program begin with one of these.
const OURS: [&str; 5] = [PREFIX, "LINKUP_", "XDG_", "HOME", "CREDENTIALS_DIRECTORY"];

/// The part of the environment that bears on this program.
#[derive(Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, OsString>);

/// Why a variable is refused. Its value is never repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VariableError {
    #[error("{0} is not UTF-8 text: set it again")]
    NotText(String),
    #[error("{0} is empty: give it a value, or unset it")]
    Empty(String),
    #[error("{name} wants {wanted}")]
    Wrong {
        name: String,
        /// What its value must be.
        wanted: &'static str,
    },
    #[error("{name} has no effect: give --{flag} on the command line, and unset it")]
    FlagAlone {
        name: String,
        /// The flag's name.
        flag: String,
    },
}

impl Environment {
    pub(crate) fn of_process() -> Self {
        let ours = |name: &String| OURS.iter().any(|ours| name.starts_with(ours));
        let named = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self(named.filter(|(name, _)| ours(name)).collect())
    }

    #[cfg(test)]
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// What a variable holds, as it stands; `None` where it is not set.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, VariableError> {
        match self.0.get(name).map(|value| value.to_str()) {
            Some(None) => Err(VariableError::NotText(name.to_owned())),
            Some(text) => Ok(text),
            None => Ok(None),
        }
    }

    /// The same, trimmed; set to nothing is an error.
    pub(super) fn filled(&self, name: &str) -> Result<Option<&str>, VariableError> {
        match self.text(name)?.map(str::trim) {
            Some("") => Err(VariableError::Empty(name.to_owned())),
            text => Ok(text),
        }
    }

    /// A path; `None` where it is not set.
    pub(super) fn path(&self, name: &str) -> Result<Option<PathBuf>, VariableError> {
        match self.0.get(name) {
            Some(value) if value.is_empty() => Err(VariableError::Empty(name.to_owned())),
            value => Ok(value.map(PathBuf::from)),
        }
    }

    /// A directory of the XDG specification, for which a relative path counts as none.
    pub(super) fn directory(&self, name: &str) -> Option<PathBuf> {
        self.0.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    /// The options that are set here. A name that means nothing is warned about: a slip in a crontab must not go
    /// unnoticed.
    pub(super) fn options(&self) -> Result<Options, VariableError> {
        let mut options = Options::default();
        for name in self.0.keys().filter(|name| *name != CONFIG) {
            let Some(option) = name.strip_prefix(PREFIX).map(str::to_ascii_lowercase) else { continue };
            match Key::named(&option) {
                Some(Key::Ledger) => options.ledger = self.path(name)?,
                Some(Key::Keep) => options.keep = self.path(name)?,
                Some(key) => {
                    let text = self.filled(name)?.unwrap_or_default();
                    if !options.set(key, text) {
                        return Err(VariableError::Wrong { name: name.clone(), wanted: key.wanted() });
                    }
                }
                None if is_flag_alone(&option) => {
                    return Err(VariableError::FlagAlone { name: name.clone(), flag: option.replace('_', "-") });
                }
                None => warn_of(name, &option),
            }
        }
        Ok(options)
    }
}

fn warn_of(name: &str, option: &str) {
    let known = Key::ALL.map(Key::as_str).into_iter().chain(["config"]);
    let meant = nearest(option, known).map(|meant| format!(" (did you mean {}?)", keys::variable(meant)));
    tracing::warn!("the environment variable {name} means nothing here{}", meant.unwrap_or_default());
}

/// Where the environment sets this option.
pub(super) fn origin(key: Key) -> Origin {
    Origin::Variable(key.variable())
}

/// The names alone: some of the values are secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_options_the_environment_sets() {
        let environment = Environment::from([
            ("BULK_WITHDRAW_RATE", " 4/s "),
            ("BULK_WITHDRAW_MAX_ERRORS", "0"),
            ("BULK_WITHDRAW_CONFIG", "/x"),
            ("BULK_WITHDRAW_WITHOUT_MEANING", "1"),
            ("LINKUP_API_KEY", "key"),
        ]);
        let options = environment.options().unwrap();
        assert_eq!((options.rate, options.max_errors), ("4/s".parse().ok(), Some(0)));
        assert_eq!(options.concurrency, None);
        assert!(!format!("{environment:?}").contains("\"key\""));
    }

    #[test]
    fn what_is_refused_names_the_variable_and_never_its_value() {
        let cases = [
            ("BULK_WITHDRAW_RATE", "hidden", "BULK_WITHDRAW_RATE wants calls in a time"),
            ("BULK_WITHDRAW_CONCURRENCY", "0", "BULK_WITHDRAW_CONCURRENCY wants a number from 1"),
            ("BULK_WITHDRAW_TIMEOUT", "", "BULK_WITHDRAW_TIMEOUT is empty"),
            ("BULK_WITHDRAW_LEDGER", "", "BULK_WITHDRAW_LEDGER is empty"),
            ("BULK_WITHDRAW_SANDBOX", "hidden", "BULK_WITHDRAW_SANDBOX wants true or false"),
            ("BULK_WITHDRAW_API", "hidden", "BULK_WITHDRAW_API wants \"v1\" or \"v2\""),
            ("BULK_WITHDRAW_DRY_RUN", "hidden", "BULK_WITHDRAW_DRY_RUN has no effect: give --dry-run"),
        ];
        for (name, value, message) in cases {
            let error = Environment::from([(name, value)]).options().unwrap_err().to_string();
            assert!(error.starts_with(message) && !error.contains("hidden"), "{error}");
        }
    }
}
