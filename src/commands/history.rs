//! `history`: shows records of the ledger, or deletes some.

use std::io::{self, Write};
use std::path::Path;

use super::error::{CommandError, confirm, has_terminal, written};
use super::history_table;
use crate::config::{self, Layers};
use crate::exit;
use crate::invitation::InvitationId;
use crate::ledger::{CallState, DayLine, Entry, Forget, History, forget};
use crate::outcome::Outcome;
use crate::report::{Cell, Screen, TableFormat, encode, plural, timestamp};

/// Shows records of the ledger, or deletes some.
pub(crate) fn history(ledger: &Path, layers: &Layers, screen: &Screen) -> Result<u8, CommandError> {
    let format = layers.get_or_default(&config::TABLE_FORMAT)?;
    if let Some(id) = layers.get(&config::SHOW_ID) {
        let entries = History::open(ledger)?.of(&id)?;
        if entries.is_empty() {
            screen.print(&format!("no records of {id}\n"));
        }
        let cells = entries.iter().map(|entry| entry_cells(&id, entry));
        return print(ENTRY_COLUMNS, cells, format, |cells| Ok(history_table::entries(&ENTRY_COLUMNS, cells)));
    }
    let forget = layers.get(&config::FORGET).map(Forget::Invitation);
    if let Some(what) = forget.or_else(|| layers.get(&config::FORGET_BEFORE).map(Forget::Before)) {
        return forget_after_asking(ledger, &what, layers.is_set(&config::YES), screen);
    }
    let lines = History::open(ledger)?.by_day(layers.get(&config::SINCE))?;
    if lines.is_empty() {
        screen.print("no records of that time\n");
    }
    print(DAY_COLUMNS, lines.iter().map(day_cells), format, |_| history_table::by_day(&lines))
}

fn forget_after_asking(ledger: &Path, what: &Forget, is_confirmed: bool, screen: &Screen) -> Result<u8, CommandError> {
    let count = History::open(ledger)?.count(what)?;
    if count == 0 {
        screen.print("no such records\n");
        return Ok(exit::FINE);
    }
    if !is_confirmed {
        if !has_terminal() {
            return Err(CommandError::NoTerminal("to forget without asking"));
        }
        screen.print(&format!(
            "This deletes what is known of {}: later runs retry them, for at least 1 credit each.\n",
            plural(count, "invitation")
        ));
        if !confirm(screen, "Delete?")? {
            return Err(CommandError::Declined("nothing was deleted"));
        }
    }
    let forgotten = forget(ledger, what)?;
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

const ENTRY_COLUMNS: [&str; 12] = [
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
];

fn entry_cells<'a>(id: &'a InvitationId, entry: &'a Entry) -> [Cell<'a>; 12] {
    let detail = match (entry.state, &entry.detail) {
        (CallState::Open | CallState::Lost, None) => "a call may have been sent; result unknown",
        (CallState::Open | CallState::Lost | CallState::Answered | CallState::NotSent, detail) => {
            detail.as_deref().unwrap_or_default()
        }
    };
    [
        Cell::own(timestamp(entry.at)),
        Cell::own(id.as_str()),
        Cell::Foreign(entry.account.as_str()),
        Cell::own(entry.state.as_str()),
        Cell::own(entry.outcome.map_or("", Outcome::as_str)),
        Cell::number(entry.http_status),
        Cell::number(entry.attempts),
        Cell::Number(entry.cost.charged),
        Cell::Number(entry.cost.possible),
        Cell::own(&entry.run_id),
        Cell::own(&entry.api),
        Cell::foreign(detail),
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
        TableFormat::Csv | TableFormat::Json => encode(format.encoder(), columns, records),
    };
    written(text.and_then(|text| io::stdout().lock().write_all(text.as_bytes())))
}
