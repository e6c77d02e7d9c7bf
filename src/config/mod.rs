//! From flags, environment, configuration file and defaults to one checked set of settings.
//!
//! Owns every default, once, every check that can be made before anything is read or sent, and where each value came
//! from. Knows nothing of clap and nothing of the network; credentials are secret types from here on.

mod age;
mod credentials;
pub(crate) mod defaults;
mod duration;
mod environment;
mod file;
mod file_error;
mod history;
mod keys;
mod layers;
mod ledger_place;
mod listing;
mod options;
mod origin;
mod request;
mod secret_file;
mod settings;
mod shared;
#[cfg(test)]
mod tests;

pub(crate) use age::parse_age;
pub(crate) use credentials::{ApiReason, CredentialsError};
pub(crate) use duration::parse_duration;
pub(crate) use environment::Environment;
pub(crate) use file_error::FileError;
pub(crate) use history::{HistoryRequest, HistoryView, TableFormat};
pub(crate) use keys::Key;
#[cfg(test)]
pub(crate) use keys::is_flag_alone;
pub(crate) use ledger_place::{NoLedgerPlace, default_ledger};
pub(crate) use listing::{ConfigFormat, Setting};
pub(crate) use options::{Flags, Options, parse_concurrency};
pub(crate) use origin::{Origin, Sourced};
pub(crate) use request::{InputRequest, ListRequest, Request, Subject};
pub(crate) use settings::{Settings, SettingsError};
pub(crate) use shared::{Calls, Shared, Target, ledger_place};
