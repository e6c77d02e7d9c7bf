//! From flags, environment and defaults to one checked set of settings.
//!
//! Owns every default, once, and every check that can be made before anything is read or sent. Knows nothing of clap
//! and nothing of the network; credentials are secret types from here on.

mod account_id;
mod api_version;
mod base_url;
mod credentials;
pub mod defaults;
mod duration;
mod history;
mod ledger_place;
mod options;
mod rate;
mod settings;

pub use account_id::AccountId;
pub use api_version::{ApiVersion, ApiVersionError};
pub use base_url::{BaseUrl, BaseUrlError};
pub use credentials::{Credentials, CredentialsError};
pub use duration::{DurationError, parse_duration};
pub use history::{HistoryRequest, HistoryView, TableFormat};
pub use ledger_place::{NoLedgerPlace, default_ledger};
pub use options::{Options, RunRequest};
pub use rate::{Per, Rate, RateError};
pub use settings::{RunSettings, SettingsError, Target};
