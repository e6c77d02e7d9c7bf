//! `history`: shows records of the ledger, or deletes some.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::error::{CommandError, confirm, has_terminal, written};
use super::output::{OutputError, create_page, write_page};
use super::{history_table, page};
use crate::config::{self, Layers};
use crate::exit;
use crate::files::same_file;
use crate::invitation::InvitationId;
use crate::ledger::{
    CallState, DayLine, Entry, Forget, History, Reinvitable, RunLine, belongs_to_a_ledger, files_of, forget,
};
use crate::outcome::Outcome;
use crate::report::{Cell, Destination, Paper, Screen, Table, TableFormat, encode, history_page, plural, timestamp};

/// Shows records of the ledger, or deletes some.
pub(crate) fn history(ledgers: &[PathBuf], layers: &Layers, screen: &Screen) -> Result<u8, CommandError> {
    let format = layers.get_or_default(&config::TABLE_FORMAT)?.unwrap_or_else(TableFormat::of_stdout);
    let paper = Paper::of_stdout();
    if let Some(id) = layers.get(&config::SHOW_ID) {
        let entries = History::of_all(ledgers)?.of(&id)?;
        if entries.is_empty() {
            screen.print(&format!("no records of {id}\n"));
        }
        let cells = entries.iter().map(|entry| entry_cells(&id, entry));
        return print(ENTRY_COLUMNS, cells, format, |cells| Ok(history_table::entries(&ENTRY_COLUMNS, cells, paper)));
    }
    if layers.is_set(&config::REINVITABLE) {
        let people = History::of_all(ledgers)?.reinvitable(Timestamp::now().to_zoned(TimeZone::UTC).date())?;
        if people.is_empty() {
            screen.print("nobody can be invited again yet\n");
        }
        let cells = people.iter().map(reinvitable_cells);
        return print(REINVITABLE_COLUMNS, cells, format, |cells| {
            encode(Box::new(history_table::reinvitable(paper)), REINVITABLE_COLUMNS, cells)
        });
    }
    let forget = layers.get(&config::FORGET).map(Forget::Invitation);
    if let Some(what) = forget.or_else(|| layers.get(&config::FORGET_BEFORE).map(Forget::Before)) {
        // A person may be in several, and the locks of all would be needed.
        let [ledger] = ledgers else { return Err(CommandError::OneLedger) };
        return forget_after_asking(ledger, &what, layers.is_set(&config::YES), screen);
    }
    let history = History::of_all(ledgers)?;
    if layers.is_set(&config::RUNS) {
        let runs = history.runs(None, layers.get(&config::SINCE), None)?;
        if runs.is_empty() {
            screen.print("no runs of that time\n");
        }
        return print(RUN_COLUMNS, runs.iter().map(run_cells), format, |_| history_table::runs(&runs, paper));
    }
    let lines = history.by_day(layers.get(&config::SINCE))?;
    if let Some(path) = layers.get(&config::HTML) {
        write_history_page(&Destination::Path(path), ledgers, &history, &lines, layers.get(&config::SINCE))?;
    }
    if lines.is_empty() {
        screen.print("no records of that time\n");
    }
    print(DAY_COLUMNS, lines.iter().map(day_cells), format, |_| history_table::by_day(&lines, paper))
}

fn write_history_page(
    place: &Destination,
    ledgers: &[PathBuf],
    history: &History,
    days: &[DayLine],
    since: Option<Date>,
) -> Result<(), CommandError> {
    let written = match place {
        Destination::Path(page) => {
            let mut files = ledgers.iter().flat_map(|ledger| files_of(ledger));
            files.any(|file| same_file(page, &file)) || belongs_to_a_ledger(page)
        }
        Destination::Stdout => false,
    };
    if written {
        return Err(OutputError::Overwrites("the page", "the ledger", "--html").into());
    }
    let file = create_page(place)?;
    let now = Timestamp::now();
    let today = now.to_zoned(TimeZone::UTC).date();
    // With those whose day has not come yet.
    let mut people = history.reinvitable(today.saturating_add(22.days()))?;
    let next = people.iter().map(|person| person.reinvite_on).filter(|day| *day > today).min();
    people.retain(|person| person.reinvite_on <= today);
    let runs = history.runs(None, since, Some(page::RUNS))?;
    let names = ledgers.iter().filter_map(|ledger| ledger.file_name()).map(|name| name.to_string_lossy());
    let names = names.collect::<Vec<_>>().join(", ");
    Ok(write_page(file, &history_page(now, &names, days, &runs, &people, next))?)
}

fn forget_after_asking(ledger: &Path, what: &Forget, is_confirmed: bool, screen: &Screen) -> Result<u8, CommandError> {
    let history = History::open(ledger)?;
    let (count, others) = (history.count(what)?, history.count_others(what)?);
    drop(history);
    if count == 0 {
        screen.print("no such records\n");
        return Ok(exit::FINE);
    }
    if !is_confirmed {
        if !has_terminal() {
            return Err(CommandError::NoTerminal("to forget without asking"));
        }
        screen.print(&format!(
            "This deletes what is known of {}, names and profiles included: later runs retry them, for at least 1 credit each.\n",
            plural(count, "invitation")
        ));
        if others > 0 {
            let others = plural(others, "other invitation");
            screen.print(&format!("It also deletes name and profile from {others} to the same person.\n"));
        }
        if !confirm(screen, "Delete?")? {
            return Err(CommandError::Declined("nothing was deleted (you answered no)".to_owned()));
        }
    }
    let forgotten = forget(ledger, what)?;
    if others > 0 {
        screen.print(&format!(
            "deleted name and profile from {} to the same person\n",
            plural(others, "other invitation")
        ));
    }
    screen.print(&format!("forgot {}; the cost of past calls stays on record\n", plural(forgotten, "invitation")));
    Ok(exit::FINE)
}

const DAY_COLUMNS: [&str; 8] =
    ["day", "account", "withdrawn", "not_pending", "failed", "credits", "credits_possible", "api"];

fn day_cells(line: &DayLine) -> [Cell<'_>; 8] {
    [
        Cell::own(line.day.to_string()),
        Cell::Foreign(line.account.as_str()),
        Cell::Number(line.withdrawn),
        Cell::Number(line.not_pending),
        Cell::Number(line.failed),
        Cell::Number(line.cost.charged),
        Cell::Number(line.cost.possible),
        Cell::own(&line.api),
    ]
}

const RUN_COLUMNS: [&str; 10] = [
    "run_id",
    "started_at",
    "last_call_at",
    "command",
    "accounts",
    "calls",
    "withdrawn",
    "credits",
    "credits_possible",
    "api",
];

pub(super) fn run_cells(run: &RunLine) -> [Cell<'_>; 10] {
    [
        Cell::own(&run.run_id),
        Cell::own(timestamp(run.started_at)),
        run.last_call_at.map_or(Cell::Absent, |at| Cell::own(timestamp(at))),
        Cell::own(&run.command),
        Cell::foreign(&run.accounts),
        Cell::Number(run.calls),
        Cell::Number(run.withdrawn),
        Cell::Number(run.cost.charged),
        Cell::Number(run.cost.possible),
        Cell::own(&run.api),
    ]
}

const ENTRY_COLUMNS: [&str; 16] = [
    "at",
    "invitation_id",
    "account",
    "call",
    "outcome",
    "http_status",
    "attempts",
    "credits",
    "credits_possible",
    "run_id",
    "api",
    "detail",
    "name",
    "profile_url",
    "first_seen",
    "last_seen",
];

fn entry_cells<'a>(id: &'a InvitationId, entry: &'a Entry) -> [Cell<'a>; 16] {
    let detail = match (entry.state, entry.believed, &entry.detail) {
        (None, Some(believed), _) => {
            let verb = if entry.outcome.is_some() { "did not show it" } else { "showed it as pending" };
            Cell::own(format!("{believed} before; a list {verb}"))
        }
        (None, None, _) => Cell::own("listed as pending; no call was made"),
        (Some(CallState::Open | CallState::Lost), _, None) => Cell::own("a call may have been sent; result unknown"),
        (Some(CallState::Open | CallState::Lost | CallState::Answered | CallState::NotSent), _, detail) => {
            Cell::foreign(detail.as_deref().unwrap_or_default())
        }
    };
    [
        Cell::own(timestamp(entry.at)),
        Cell::own(id.as_str()),
        Cell::Foreign(entry.account.as_str()),
        entry.state.map_or(Cell::Absent, |state| Cell::own(state.as_str())),
        Cell::own(entry.outcome.map_or("", Outcome::as_str)),
        Cell::number(entry.http_status),
        Cell::number(entry.attempts),
        Cell::Number(entry.cost.charged),
        Cell::Number(entry.cost.possible),
        entry.run_id.as_deref().map_or(Cell::Absent, Cell::own),
        Cell::own(&entry.api),
        detail,
        entry.seen.as_ref().map_or(Cell::Absent, |seen| Cell::foreign(&seen.name)),
        entry.seen.as_ref().map_or(Cell::Absent, |seen| Cell::foreign(&seen.profile_url)),
        entry.seen.as_ref().map_or(Cell::Absent, |seen| Cell::own(timestamp(seen.first))),
        entry.seen.as_ref().map_or(Cell::Absent, |seen| Cell::own(timestamp(seen.last))),
    ]
}

const REINVITABLE_COLUMNS: [&str; 6] = ["invitation_id", "name", "profile_url", "account", "reinvite_on", "api"];

fn reinvitable_cells(person: &Reinvitable) -> [Cell<'_>; 6] {
    [
        Cell::own(&person.invitation_id),
        Cell::foreign(&person.name),
        Cell::foreign(&person.profile_url),
        Cell::Foreign(person.account.as_str()),
        Cell::own(person.reinvite_on.to_string()),
        Cell::own(&person.api),
    ]
}

fn print<'a, const N: usize, Records: Iterator<Item = [Cell<'a>; N]>>(
    columns: [&'static str; N],
    records: Records,
    format: TableFormat,
    table: impl FnOnce(Records) -> io::Result<String>,
) -> Result<u8, CommandError> {
    let text = match format {
        TableFormat::Table => table(records),
        TableFormat::Csv | TableFormat::Json => {
            encode(format.encoder(Table::new(Vec::new(), Paper::UNBOUNDED)), columns, records)
        }
    };
    written(text.and_then(|text| io::stdout().lock().write_all(text.as_bytes())))
}
