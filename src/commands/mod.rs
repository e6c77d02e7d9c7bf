//! One file a command, each reading as the command's story: the stages are wired here and live elsewhere.

mod account_list;
mod calling;
mod check;
mod clean;
mod config;
mod ending;
mod error;
mod fetch;
mod findings;
mod forecast;
mod history;
mod history_table;
mod intake;
mod job;
mod limits;
mod list;
mod lock;
mod metrics_file;
mod output;
mod page;
mod people;
mod plan;
mod plan_words;
mod put_right;
mod run;
mod sandbox;
mod target;
mod verify;

pub(crate) use calling::call;
pub(crate) use config::config;
pub(crate) use history::history;
pub(crate) use sandbox::sandbox;
