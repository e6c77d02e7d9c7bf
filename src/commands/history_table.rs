//! The ledger's history for people, in lines of at most 80 columns.

use std::io;

use crate::ledger::DayLine;
use crate::policy::visible;
use crate::report::{Cell, TableFormat, encode};

const WIDTH: usize = 80;
/// Most characters of an account's name, since the counts beside it need the rest.
const MAX_NAME: usize = 16;

const HEADER: [&str; 7] = ["day", "account", "withdrawn", "not_pending", "failed", "credits", "possible"];

/// A table of days and accounts for each API address.
pub(super) fn by_day(lines: &[DayLine]) -> io::Result<String> {
    let mut apis: Vec<_> = lines.iter().map(|line| &line.api).collect();
    apis.sort();
    apis.dedup();
    let table = |api: &String| {
        let lines = lines.iter().filter(|line| line.api == *api).map(cells);
        Ok(folded(api, 0) + &encode(TableFormat::Table.encoder(), HEADER, lines)?)
    };
    Ok(apis.into_iter().map(table).collect::<io::Result<Vec<_>>>()?.join("\n"))
}

fn cells(line: &DayLine) -> [Cell<'_>; 7] {
    [
        Cell::own(line.day.to_string()),
        Cell::own(cut(&visible(line.account.as_str()))),
        Cell::Number(line.withdrawn),
        Cell::Number(line.not_pending),
        Cell::Number(line.failed),
        Cell::Number(line.cost.charged),
        Cell::Number(line.cost.possible),
    ]
}

/// One block per entry, with a line for each column that is not empty; long texts are folded.
pub(super) fn entries<'a, const N: usize>(columns: &[&str; N], entries: impl Iterator<Item = [Cell<'a>; N]>) -> String {
    let width = columns.iter().map(|name| name.chars().count()).max().unwrap_or_default() + 2;
    let block = |cells: [Cell<'a>; N]| -> String {
        let named = columns.iter().zip(cells).map(|(name, cell)| (name, cell.to_string()));
        let said = named.filter(|(_, text)| !text.is_empty());
        said.map(|(name, text)| format!("{name:width$}{}", folded(&text, width))).collect()
    };
    entries.map(block).collect::<Vec<_>>().join("\n")
}

/// A text that begins `indent` columns into its line, folded at the line's width.
fn folded(text: &str, indent: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for character in visible(text).chars() {
        if used == WIDTH - indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            used = 0;
        }
        out.push(character);
        used += 1;
    }
    out.push('\n');
    out
}

fn cut(name: &str) -> String {
    if name.chars().count() <= MAX_NAME {
        return name.to_owned();
    }
    name.chars().take(MAX_NAME - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invitation::AccountName;
    use crate::policy::Cost;

    fn widest(table: &str) -> usize {
        table.lines().map(|line| line.chars().count()).max().unwrap()
    }

    #[test]
    fn days_are_grouped_by_api_and_fit() {
        let line = |api: &str, account: &str, count| DayLine {
            day: "2026-03-01".parse().unwrap(),
            api: api.to_owned(),
            account: AccountName::parse(account).unwrap(),
            withdrawn: count,
            not_pending: count,
            failed: count,
            cost: Cost { charged: count, possible: count },
        };
        let long = format!("https://{}.example", "z".repeat(100));
        let table = by_day(&[
            line("https://api.example", "default", 7),
            line("https://api.example", "a name of more than twenty letters\n", 123_456),
            line(&long, "default", 1),
        ])
        .unwrap();
        assert!(widest(&table) <= WIDTH, "{table}");
        assert!(table.starts_with("https://api.example\nday         account           withdrawn  not"), "{table}");
        assert!(
            table.contains("2026-03-01  a name of more …     123456       123456  123456   123456    123456"),
            "{table}"
        );
        assert_eq!(table.matches("day ").count(), 2);
    }

    #[test]
    fn an_entry_is_a_block_that_loses_nothing() {
        let detail = "words of the API, ".repeat(20);
        let cells = [Cell::own("now"), Cell::Absent, Cell::own(format!("{detail}\u{1b}[2J"))];
        let table = entries(&["at", "http_status", "detail"], [cells.clone(), cells].into_iter());
        assert_eq!(widest(&table), WIDTH);
        assert!(table.starts_with("at           now\ndetail       words of"), "{table}");
        assert!(table.contains("\n\nat"), "{table}");
        assert!(!table.contains(['\u{1b}']) && !table.contains("http_status"));
        let unfolded: String = table.lines().take_while(|line| !line.is_empty()).map(|line| &line[13..]).collect();
        assert_eq!(unfolded, format!("now{detail}\u{fffd}[2J"));
    }
}
