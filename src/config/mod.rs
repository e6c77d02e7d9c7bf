//! From flags, environment, configuration file and defaults to one checked set of settings.
//!
//! Owns every default, once, every check that can be made before anything is read or sent, and where each value came
//! from. Knows nothing of clap and nothing of the network; credentials are secret types from here on.

mod accounts;
mod age;
mod api_version;
mod base_url;
mod credentials;
pub mod defaults;
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
mod rate;
mod request;
mod secret_file;
mod settings;
mod shared;
#[cfg(test)]
mod tests;

pub use accounts::{AccountId, Accounts};
pub use age::{AgeError, parse_age};
pub use api_version::{ApiVersion, ApiVersionError};
pub use base_url::{BaseUrl, BaseUrlError};
pub use credentials::{ApiReason, Credentials, CredentialsError};
pub use duration::{DurationError, parse_duration};
pub use environment::{Environment, VariableError};
pub use file_error::{FileError, Hint, Problem};
pub use history::{HistoryRequest, HistoryView, TableFormat};
pub use keys::{Key, is_flag_alone};
pub use ledger_place::{NoLedgerPlace, default_ledger};
pub use listing::{ConfigFormat, Setting};
pub use options::{Flags, Options, parse_concurrency};
pub use origin::{Origin, Sourced};
pub use rate::{Per, Rate, RateError};
pub use request::{InputRequest, ListRequest, Request, Subject};
pub use secret_file::SecretFileError;
pub use settings::{Settings, SettingsError};
pub use shared::{Calls, Shared, Target, ledger_place};
