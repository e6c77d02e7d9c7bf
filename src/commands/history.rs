//! `history`: what the ledger knows, and forgetting some of it.

use std::io::{self, Write};

use jiff::civil::Date;
use serde_json::{Value, json};

use super::{history_table, prompt};
use std::path::Path;

use crate::config::{self, Layers, SettingsError, TableFormat};
use crate::exit;
use crate::invitation::InvitationId;
use crate::ledger::{DayLine, Entry, Forget, History, Known, LedgerError, forget};
use crate::report::{Screen, harmless, timestamp};

#[derive(Debug, thiserror::Error)]
pub(crate) enum HistoryError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("no terminal to confirm on: pass --yes to forget without asking")]
    NobodyToAsk,
    #[error("nothing was forgotten")]
    Declined,
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("the history can't be written")]
    Output(#[from] io::Error),
    #[error("the history can't be written as CSV")]
    Csv(#[from] csv::Error),
}

impl HistoryError {
    /// The process's exit code.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Ledger(error) => exit::of_ledger(error),
            Self::Output(_) | Self::Csv(_) => exit::UNWRITABLE,
            Self::NobodyToAsk | Self::Declined | Self::Settings(_) => exit::USAGE,
        }
    }
}

/// Shows what the ledger knows, or makes it forget.
pub(crate) fn history(ledger: &Path, layers: &Layers, screen: &Screen) -> Result<u8, HistoryError> {
    match view(ledger, layers, screen) {
        // Whoever read it has seen enough.
        Err(HistoryError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(exit::FINE),
        viewed => viewed.map(|()| exit::FINE),
    }
}

fn view(ledger: &Path, layers: &Layers, screen: &Screen) -> Result<(), HistoryError> {
    let format = layers.get_or_default(&config::TABLE_FORMAT)?;
    if let Some(id) = layers.get(&config::SHOW_ID) {
        let entries = History::open(ledger)?.of(&id)?;
        if entries.is_empty() {
            screen.print(&format!("the ledger knows nothing of {id}\n"));
        }
        let cells = || entries.iter().map(|entry| entry_cells(&id, entry));
        return show(&ENTRY_COLUMNS, cells(), format, || {
            history_table::entries(&ENTRY_COLUMNS, cells().map(|cells| cells.iter().map(text).collect()))
        });
    }
    let forget = layers.get(&config::FORGET).map(Forget::Invitation);
    if let Some(what) = forget.or_else(|| layers.get(&config::FORGET_BEFORE).map(Forget::Before)) {
        return forget_after_asking(ledger, &what, layers.is_set(&config::YES), screen);
    }
    let lines = History::open(ledger)?.by_day(layers.get(&config::SINCE))?;
    if lines.is_empty() {
        screen.print("the ledger knows nothing of that time\n");
    }
    show(&DAY_COLUMNS, lines.iter().map(day_cells), format, || history_table::by_day(&lines))
}

fn forget_after_asking(ledger: &Path, what: &Forget, is_confirmed: bool, screen: &Screen) -> Result<(), HistoryError> {
    let count = History::open(ledger)?.count(what)?;
    if count == 0 {
        screen.print("the ledger knows nothing of that\n");
        return Ok(());
    }
    if !is_confirmed {
        if !prompt::somebody_is_there() {
            return Err(HistoryError::NobodyToAsk);
        }
        screen.print(&format!(
            "{count} records would be forgotten: a later run asks the API again about their invitations, at a credit \
             each.\n"
        ));
        if !prompt::confirmed(screen)? {
            return Err(HistoryError::Declined);
        }
    }
    let forgotten = forget(ledger, what)?;
    screen.print(&format!("{forgotten} records were forgotten\n"));
    Ok(())
}

const DAY_COLUMNS: [&str; 8] =
    ["day", "account", "withdrawn", "not_pending", "failed", "credits", "credits_possible", "api"];

fn day_cells(line: &DayLine) -> [Value; 8] {
    [
        day(line.day),
        line.account.as_str().into(),
        line.withdrawn.into(),
        line.not_pending.into(),
        line.failed.into(),
        line.cost.charged.into(),
        line.cost.possible.into(),
        line.api.as_str().into(),
    ]
}

const ENTRY_COLUMNS: [&str; 11] = [
    "at",
    "invitation_id",
    "account",
    "outcome",
    "http_status",
    "attempts",
    "credits",
    "credits_possible",
    "run_id",
    "api",
    "detail",
];

fn entry_cells(id: &InvitationId, entry: &Entry) -> [Value; 11] {
    let (at, outcome, http_status, attempts, cost, detail) = match &entry.known {
        Known::Settled(settlement) => (
            settlement.settled_at,
            settlement.outcome.as_str(),
            settlement.http_status.into(),
            settlement.attempts.into(),
            Some(settlement.cost),
            settlement.detail.as_str(),
        ),
        Known::Intended { at } => {
            (*at, "intended", Value::Null, Value::Null, None, "a call may have left; its end is not known")
        }
    };
    [
        timestamp(at).into(),
        id.as_str().into(),
        entry.account.as_str().into(),
        outcome.into(),
        http_status,
        attempts,
        cost.map(|cost| cost.charged).into(),
        cost.map(|cost| cost.possible).into(),
        entry.run_id.as_str().into(),
        entry.api.as_str().into(),
        detail.into(),
    ]
}

fn day(day: Date) -> Value {
    day.to_string().into()
}

fn show<const N: usize>(
    columns: &[&str; N],
    lines: impl Iterator<Item = [Value; N]>,
    format: TableFormat,
    table: impl FnOnce() -> String,
) -> Result<(), HistoryError> {
    let mut out = io::stdout().lock();
    match format {
        TableFormat::Json => {
            let objects: Vec<Value> =
                lines.map(|line| columns.iter().map(|name| (*name).to_owned()).zip(line).collect()).collect();
            writeln!(out, "{:#}", json!(objects))?;
        }
        TableFormat::Csv => {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record(columns)?;
            for line in lines {
                csv.write_record(line.iter().map(|cell| harmless(&text(cell))))?;
            }
            csv.flush()?;
        }
        TableFormat::Table => write!(out, "{}", table())?,
    }
    Ok(())
}

fn text(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => cell.to_string(),
    }
}
