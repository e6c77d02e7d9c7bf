//! The report as CSV.

use std::io;

use serde_json::Value;

use super::columns::{Columns, OWN};
use crate::event::Settled;
use crate::invitation::Carried;

/// Writes the header line.
pub(super) fn head(columns: &Columns, out: &mut Vec<u8>) -> io::Result<()> {
    let mut line = csv::Writer::from_writer(out);
    line.write_record(OWN.into_iter().map(ToOwned::to_owned).chain(columns.in_report().map(harmless)))?;
    line.flush()
}

/// Writes one row's line.
pub(super) fn line(columns: &Columns, settled: &Settled, out: &mut Vec<u8>) -> io::Result<()> {
    let mut line = csv::Writer::from_writer(out);
    line.write_field(settled.row.to_string())?;
    line.write_field(harmless(&settled.invitation_id))?;
    line.write_field(harmless(settled.account.as_str()))?;
    line.write_field(settled.outcome.as_str())?;
    line.write_field(harmless(&settled.detail))?;
    line.write_field(settled.http_status.map_or_else(String::new, |status| status.to_string()))?;
    line.write_field(settled.attempts.to_string())?;
    line.write_field(settled.cost.charged.to_string())?;
    line.write_field(settled.cost.possible.to_string())?;
    line.write_field(super::timestamp(settled.settled_at))?;
    line.write_field(settled.duration.map_or_else(String::new, |duration| duration.as_millis().to_string()))?;
    match &settled.carried {
        Carried::Cells(cells) => {
            for at in 0..columns.in_input().count() {
                line.write_field(harmless(cells.get(at).unwrap_or_default()))?;
            }
        }
        Carried::Fields(fields) => {
            for name in columns.in_input() {
                line.write_field(fields.get(name).map(cell).unwrap_or_default())?;
            }
        }
    }
    line.write_record(None::<&[u8]>)?;
    line.flush()
}

/// A JSON value as a cell: text as it is, nothing for null, anything else as JSON.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => harmless(text),
        // A number can't begin a formula, and -5 is one.
        Value::Number(number) => number.to_string(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// A cell that no spreadsheet takes for a formula: a leading apostrophe makes it text.
pub(crate) fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        let cases = [
            ("=1+1", "'=1+1"),
            ("+49 30 1234", "'+49 30 1234"),
            ("-", "'-"),
            ("@home", "'@home"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("plain", "plain"),
            ("a=b", "a=b"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(harmless(text), expected, "{text:?}");
            assert_eq!(cell(&Value::from(text)), expected, "{text:?} as JSON");
        }
        assert_eq!(cell(&Value::from(-5)), "-5");
        assert_eq!(cell(&Value::Null), "");
    }
}
