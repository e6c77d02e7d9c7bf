//! The report as JSON Lines: IDs are strings, numbers numbers, absent values null.

use std::io;

use serde_json::{Map, Value};

use super::columns::{Columns, report_name};
use crate::event::Settled;
use crate::invitation::Carried;

/// Writes one row's line.
pub(super) fn line(columns: &Columns, settled: &Settled, out: &mut Vec<u8>) -> io::Result<()> {
    let text = |text: &str| if text.is_empty() { Value::Null } else { Value::from(text) };
    let mut line = Map::new();
    line.insert("row".into(), settled.row.into());
    line.insert("invitation_id".into(), text(&settled.invitation_id));
    line.insert("account".into(), text(settled.account.as_str()));
    line.insert("outcome".into(), settled.outcome.as_str().into());
    line.insert("detail".into(), text(&settled.detail));
    line.insert("http_status".into(), settled.http_status.into());
    line.insert("attempts".into(), settled.attempts.into());
    line.insert("credits".into(), settled.cost.charged.into());
    line.insert("credits_possible".into(), settled.cost.possible.into());
    line.insert("settled_at".into(), super::timestamp(settled.settled_at).into());
    let millis = settled.duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    line.insert("duration_ms".into(), millis.into());
    match &settled.carried {
        Carried::Cells(cells) => {
            for (at, name) in columns.in_report().enumerate() {
                line.insert(name.to_owned(), cells.get(at).map(Value::from).unwrap_or_default());
            }
        }
        // An object may hold members that no earlier one had, so it is named by itself.
        Carried::Fields(fields) => {
            for (name, value) in fields {
                line.insert(report_name(name, |taken| fields.contains_key(taken)), value.clone());
            }
        }
    }
    serde_json::to_writer(&mut *out, &line)?;
    out.push(b'\n');
    Ok(())
}
