//! Withdraws pending LinkedIn connection invitations in bulk through the LinkUp API.
//!
//! A withdrawal can't be undone, every call may cost a credit, and the job runs unattended for days. So: never wrong
//! about a row, never wasteful, never losing anything.
//!
//! # The way a row takes
//!
//! ```text
//!  INPUT ──► input ──► share ─► triage ──► queue ────► worker (bounded pool) ──► ledger ──► Event ──► report
//!  csv/jsonl  Row or    ours?    duplicate? bounded,    admit → intent → send     outcome    told      the file,
//!  file/stdin RowError           settled?   one for     → judge → decide          durable    after     totals, log,
//!                                           each account                                               progress
//! ```
//!
//! Without `--partition` all rows are ours; those of other shares leave no trace here.
//!
//! Rows, pages of a list and looks (at key, account and balance) all spend through one function, `Caller::call` in
//! [`runner`]; pace, limits, ledger and the count of credits hang on it and nowhere else. `Caller::ask` repeats it for pages
//! and looks, `Caller::withdraw` for a row.
//!
//! One direction, no way back but the retry loop of one worker. Rows that need no call skip the pool, yet arrive at the same
//! sinks by the same [`event::Event`].
//!
//! # Lists
//!
//! `commands/account_list.rs` reads one account's list, page by page, and keeps in the ledger what it shows.
//!
//! * `list` writes it down.
//! * `clean` reads it to its end first; [`listing`] selects who goes, and they take the way above from triage on.
//! * `verify`, and `clean` by the way, compare the ledger with it: `policy::verify` says what follows, and
//!   `commands/put_right.rs` does it.
//! * `run` fetches it (`commands/people.rs`) where a row names a person by the profile, unless the ledger says which
//!   invitation that is. The reader waits for it, and nothing is withdrawn from that account meanwhile: each withdrawal
//!   shifts the pages that are still to come.
//!
//! # Several accounts
//!
//! Each account has a queue, workers, limits and a stop of its own. The rate, the budgets and the most calls in flight are
//! those of the run, and accounts that wait for a call take turns. A withdrawal waits for its account's gap and hours, takes
//! one of the daily cap and of the run's withdrawals, and then, as every call, a turn, what it can cost, and a permit of the
//! pace (`Caller::admit`).
//!
//! `run` reads a file once ahead, for the plan. Where one account's queue is full and another's runs dry, the reader passes
//! over the first one's rows, and a later pass over the file picks them up (`runner/feed.rs` says what that costs).
//!
//! # Several processes
//!
//! With `--partition` a process takes a share of the rows (`commands/part.rs`), and what the settings say of rate and limits is
//! that share's part. Processes know nothing of each other: a hash of the ID says whose a row is, and arithmetic on K and N what
//! a share has of rate and limits ([`share`]). Each has files of its own: `commands/spared.rs` refuses names that another share
//! could have, and `history` reads the ledgers as one (`ledger/merged.rs`).
//!
//! # Rooms
//!
//! A room may import those above it in this table, never those below; `tests/it/rooms.rs` reads the table and checks that.
//!
//! | room | owns | never |
//! |---|---|---|
//! | [`invitation`], [`outcome`], [`underway`], [`stop`], [`files`], [`share`] | values that travel; what goes on at this moment; which name leads to which file | I/O beyond looking at names |
//! | [`sandbox`] | the simulated API; only tests and the `sandbox` command and rehearsals use it | the real path |
//! | [`api`] | one request, one answer; API versions, address, accounts; the only reader of secrets | retries, sleeps, judges |
//! | [`ping`] | tells a service that watches jobs how a run begins and ends; its address is a secret | holds up a call |
//! | [`input`] | readers: lazily a row, or a row's error | ends early because of a bad row |
//! | [`policy`] | what an answer means and what follows, as pure tables | clock, randomness, I/O |
//! | [`pace`] | when a call may be sent: one limiter, one shared hold, what the API key allows, budgets, gaps and hours | whether to repeat it |
//! | [`event`] | what can happen, as the sinks learn of it | |
//! | [`ledger`] | SQLite: every call, what is known of each invitation, who was listed, what the pace learned, history; the only SQL | decides |
//! | [`exit`] | exit codes | |
//! | [`listing`] | what a page of the list says, whether a list is whole, who is old enough, who is kept, whom a profile means | fetches |
//! | [`report`] | the sinks: results, list, totals, summary, progress, the log, the page; metrics; formats | changes what happened |
//! | [`runner`] | triage, one paid call, the attempts around it (of a row, a page, a look), the pool, what bounds run and accounts, the signals | prints, knows formats, SQL |
//! | [`config`] | the one table of options; flags, environment and file as one checked [`config::Settings`] | network |
//! | `fuzz` | what the fuzz targets assert; only in tests and in `fuzz/` | the product |
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
//! | a limit of accounts | as an option, and `AccountSettings` in [`config`]; `Bounds` in [`runner`]; `commands/forecast.rs` tells of it ahead |
//! | a filter of the list | `Filter` in [`listing`], with its place in `Selection` |
//! | a call that withdraws nothing | [`api::ApiCall`], sent by `Caller::look`; what its answer says in `policy/check.rs` |
//! | something the ledger keeps | a new step in `ledger/schema`; a released one is never changed |
//! | an API version | [`api::ApiVersion`]; its requests beside `api/v2.rs`, its answers beside `policy/judge_v2.rs`, its pages in `listing/page.rs` |
//! | a line of the log that programs read | a `tracing` call with an `event`, and its row in `docs/logs.md` |
//! | a figure for Prometheus | `FAMILIES` in `report/metrics.rs` |
//! | somebody to tell of a run's end | `Done::tell` in `commands/ending.rs`, which every command that calls the API passes, whatever ends it, once its command line could be read; `Watchers` in [`config`] says whom |
//! | a file that is written | `Files` in `commands/spared.rs`, so that it destroys no other |
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
//! * Only a whole list shows that somebody is not pending. In doubt nothing is sent, and nothing settled.
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
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod input;
mod invitation;
mod ledger;
mod listing;
mod outcome;
mod pace;
mod ping;
mod policy;
mod program;
mod report;
mod runner;
pub mod sandbox;
mod share;
mod stop;
mod underway;

/// Parses the command line, carries the command out, and returns the process's exit code.
pub fn main() -> std::process::ExitCode {
    program::main()
}

/// The log's target for what a program wants to know of each row and each wait, and people only with `-v`.
const DETAIL: &str = "bulk_withdraw::detail";

/// An error with its causes, in one line. A cause that only repeats the one before it is left out.
fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = without_code(&error.to_string());
    let mut last = text.clone();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = without_code(&inner.to_string());
        if !text.contains(&said) && !said.ends_with(&last) {
            text.push_str(": ");
            text.push_str(&said);
        }
        last = said;
        cause = inner.source();
    }
    text
}

/// Without the system's numbers for errors, like "(os error 2)", which say nothing that the words before them do not.
fn without_code(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(')'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_nothing_twice() {
        assert_eq!(without_code("a: gone (os error 2), b: full (os error 28)"), "a: gone, b: full");
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Told(&'static str, #[source] Option<Box<Told>>);
        let told = |words: [&'static str; 3]| {
            words.into_iter().rev().fold(None, |source, words| Some(Box::new(Told(words, source)))).unwrap()
        };
        let cases = [
            (["no ledger", "disk is full", "Error code 13: disk is full"], "no ledger: disk is full"),
            (["no ledger (disk is full)", "disk is full", "Error code 13: disk is full"], "no ledger (disk is full)"),
            (["a", "b", "c"], "a: b: c"),
        ];
        for (words, said) in cases {
            assert_eq!(error_chain(&*told(words)), said);
        }
    }
}
