//! One file a command, each reading as the command's story: the stages are wired here and live elsewhere.

mod aligned;
mod config;
mod history;
mod history_table;
mod ledger;
mod output;
mod plan;
mod prompt;
mod run;
mod sandbox;
mod stopping;
mod target;

pub use config::{ConfigError, config};
pub use history::{HistoryError, history};
pub use output::OutputError;
pub use run::{RunError, run};
pub use sandbox::{SandboxError, sandbox};
pub use target::TargetError;
