//! From flags, environment, configuration file and defaults to one checked set of settings.
//!
//! Owns the one table of options, every check that can be made before anything is read or sent, and where each value
//! came from. Knows no network; no other room but `cli` and `commands` knows it. Credentials are secret types from here on.

mod account;
mod credentials;
mod file;
mod file_error;
mod layers;
mod listing;
mod option;
mod options;
mod partition;
mod settings;
mod spared;
#[cfg(test)]
mod tests;
mod values;
mod watchers;

pub(crate) use account::AccountSettings;
#[cfg(any(test, fuzzing))]
pub(crate) use file::error_of_file;
pub(crate) use layers::{Environment, Layer, Layers};
pub(crate) use listing::Setting;
pub(crate) use option::{Command, Default, Entry, Places, list_of};
pub(crate) use options::*;
pub(crate) use settings::{PageSettings, Settings, SettingsError, Target, Which, ledger_path, ledgers, names, share};
pub(crate) use spared::files_read;
pub(crate) use watchers::Watchers;
