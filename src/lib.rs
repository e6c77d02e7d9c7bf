//! Withdraws pending LinkedIn connection invitations in bulk through the LinkUp API.
//!
//! A withdrawal can't be undone, every call may cost a credit, and the job runs unattended for days. So: never wrong
//! about a row, never wasteful, never losing anything.
//!
//! # The way a row takes
//!
//! ```text
//!  INPUT ──► input ──► ledger.admit ──► queue ──► runner (bounded pool) ──► ledger.settle ──► Event ──► report
//!  csv/jsonl  Row or    duplicate?       bounded    pace → intent → send      durable, then            the file,
//!  file/stdin RowError  settled before?             → judge → decide          told to anyone           totals, progress
//! ```
//!
//! `clean` begins one step earlier: [`runner::Lister`] fetches the list's pages, `listing` reads and sifts them, and
//! what is old enough takes the same way from `ledger.admit` on. `list` writes it down instead.
//!
//! One direction, no way back but the retry loop inside one worker (`withdraw` of [`runner::Attempts`] reads aloud). Rows
//! that need no call skip the pool, yet arrive at the same sinks by the same [`event::Event`].
//!
//! # Rooms
//!
//! | room | owns | never |
//! |---|---|---|
//! | `cli` | what may be typed | reads files or the environment |
//! | `config` | flags, environment, configuration file and defaults, checked; credentials as secret types | network |
//! | `commands` | one story a command, wiring the stages | policy, formats |
//! | `invitation`, `outcome`, `event`, `stop`, `exit` | the values that travel | I/O |
//! | `files` | which name leads to which file | opens or changes any |
//! | `input` | readers: lazily a row or a row's error | ends early on a bad row |
//! | `api` | one request, one reply; alone knows the secrets | retries, sleeps, judges |
//! | `policy` | what an answer means and what follows, as tables | clock, randomness, I/O |
//! | `pace` | when a call may leave: one limiter, one shared "not before" | whether to retry |
//! | `ledger` | SQLite: admit, intend, settle, history; the only SQL | decides |
//! | `listing` | what a page of the list says, where a list can't be whole, who is old enough, whom to keep | fetches |
//! | `runner` | the pool, one row's attempts, one page's attempts, the signals | prints, knows formats |
//! | `report` | the sinks: results report, totals, summary, progress | changes what happened |
//! | [`sandbox`] | the simulated API | the real path |
//!
//! # Rules that hold the walls up
//!
//! * A row's failure is a value ([`outcome::Outcome`]), the run's failure an error. Every row leaves exactly once.
//! * The ledger is a gate: an intent is durable before its request leaves, an outcome before anyone is told. Commits
//!   are grouped, so that durability costs no throughput.
//! * Policy is a table: [`policy::decide`] takes values and returns one, and no second place knows what is retried.
//! * A success is final, whatever headers came with it; headers only move the pace.
//! * What can't be kept or told must not happen: a ledger or a report that can't be written stops the run.
//! * Channels are bounded, nothing is global, secrets are types that can't be printed.

mod api;
mod cli;
mod commands;
mod config;
mod event;
mod exit;
mod files;
mod input;
mod invitation;
mod ledger;
mod listing;
mod outcome;
mod pace;
mod policy;
mod program;
mod report;
mod runner;
pub mod sandbox;
mod stop;

/// Parses the command line, carries the command out, and returns the process's exit code.
pub fn main() -> std::process::ExitCode {
    program::main()
}

/// An error with its causes, in one line.
fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
