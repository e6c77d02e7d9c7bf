//! Withdraws pending LinkedIn connection invitations in bulk through the LinkUp API.
//!
//! A withdrawal can't be undone, every call may cost a credit, and the job runs unattended for days. So: never wrong
//! about a row, never wasteful, never losing anything.
//!
//! # The way a row takes
//!
//! ```text
//!  INPUT ──► input ──► triage ──► queue ────► worker (bounded pool) ──► ledger ──► Event ──► report
//!  csv/jsonl  Row or    duplicate? bounded,    admit → intent → send     outcome    told      the file,
//!  file/stdin RowError  settled?   one for     → judge → decide          durable    after     totals, progress
//!                                  each account
//! ```
//!
//! `clean` begins one step earlier: the list's pages are fetched, [`listing`] reads them and selects what is old enough,
//! and that takes the same way from triage on. `list` writes it down instead, and `verify` compares the ledger with it
//! (`policy::verify` says what follows; `commands/put_right.rs`, which `clean` goes through too, does it). A row of `run` that
//! names a person by the profile waits in the reader until the account's list, or what the ledger remembers of it, says which
//! invitation that is. Rows, pages and looks (at key, account and
//! balance) all spend through one function, `Caller::call` in [`runner`]; pace, budgets, ledger and the count of credits hang
//! on it and nowhere else.
//!
//! One direction, no way back but the retry loop inside one worker (`withdraw` in [`runner`]). Rows that need no call skip
//! the pool, yet arrive at the same sinks by the same [`event::Event`].
//!
//! # Rooms
//!
//! A room may import those above it in this table, never those below; `tests/it/rooms.rs` reads the table and checks that.
//!
//! | room | owns | never |
//! |---|---|---|
//! | [`invitation`], [`outcome`], [`stop`], [`files`] | values that travel; which name leads to which file | I/O beyond looking at names |
//! | [`sandbox`] | the simulated API; only tests and the `sandbox` command and rehearsals use it | the real path |
//! | [`api`] | one request, one answer; API versions, address, accounts; the only reader of secrets | retries, sleeps, judges |
//! | [`input`] | readers: lazily a row, or a row's error | ends early because of a bad row |
//! | [`policy`] | what an answer means and what follows, as pure tables | clock, randomness, I/O |
//! | [`pace`] | when a call may be sent: one limiter, one shared hold, what the API key allows, budgets, gaps and hours | whether to repeat it |
//! | [`event`] | what can happen, as the sinks learn of it | |
//! | [`ledger`] | SQLite: every call, what is known of each invitation, who was listed, history; the only SQL | decides |
//! | [`exit`] | exit codes | |
//! | [`listing`] | what a page of the list says, whether a list is whole, who is old enough, who is kept, whom a profile means | fetches |
//! | [`report`] | the sinks: results, list, totals, summary, progress; formats | changes what happened |
//! | [`runner`] | triage, one paid call, a row's and a page's attempts around it, the pool, each account's bounds, the signals | prints, knows formats, SQL |
//! | [`config`] | the one table of options; flags, environment and file as one checked [`config::Settings`] | network |
//! | [`cli`] | clap's commands, built from that table | reads files or the environment |
//! | [`commands`] | one story per command, wiring the stages | policy, formats |
//! | `program` | from `main` to a command and its exit code | |
//!
//! # Where does it go?
//!
//! | to add | go to |
//! |---|---|
//! | an outcome | [`outcome::Outcome`]; the compiler names every sink and table that must know it |
//! | a report format | one encoder beside `report/csv.rs`, and its line where `report/format.rs` chooses by name |
//! | an option | its entry in `config/options.rs`, a field of [`config::Settings`], and the code that uses it |
//! | an API version | [`api::ApiVersion`]; its requests beside `api/v2.rs`, its answers beside `policy/judge_v2.rs`, its pages in `listing/page.rs` |
//! | a reason to stop | [`stop::StopReason`] with its scope, and its code in `exit.rs` |
//! | a cause to wait | of all calls [`pace::Pace`]; of one account's, or a limit, `Caller::admit` in [`runner`], before a permit is given |
//!
//! # Rules
//!
//! * A row's failure is a value ([`outcome::Outcome`]), the run's failure an error. Every row leaves exactly once.
//! * An intent is durable before its request is sent, an outcome before anyone is told. Commits are grouped, so that
//!   durability does not cost throughput.
//! * Policy is a table: [`policy::decide`] takes values and returns one, and no second place knows what is retried.
//! * A success is final, whatever headers came with it; headers only move the pace.
//! * A stop has a scope, the run or one account. What holds back one account never holds up another.
//! * What can't be recorded or reported must not happen: a ledger or a report that can't be written stops the run.
//! * Channels are bounded, nothing is global, secrets are types that can't be printed.

// The map above names rooms that only this crate can see.
#![allow(rustdoc::private_intra_doc_links)]

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
