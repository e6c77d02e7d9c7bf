//! One file a command, each reading as the command's story: the stages are wired here and live elsewhere.

mod aligned;
mod clean;
mod config;
mod error;
mod fetch;
mod history;
mod history_table;
mod intake;
mod job;
mod ledger;
mod list;
mod output;
mod plan;
mod prompt;
mod run;
mod sandbox;
mod stopping;
mod target;

pub use clean::clean;
pub use config::{ConfigError, config};
pub use error::RunError;
pub use history::{HistoryError, history};
pub use list::list;
pub use output::OutputError;
pub use run::run;
pub use sandbox::{SandboxError, sandbox};
pub use target::TargetError;
