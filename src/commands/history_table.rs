//! The ledger's history for people, in lines that fit.

use std::io;

use super::history::run_cells;
use crate::ledger::{DayLine, RunLine};
use crate::report::{Cell, Column, Paper, Table, encode, human_duration};

const DAY_COLUMNS: [&str; 7] = ["day", "account", "withdrawn", "not_pending", "failed", "credits", "possible"];

/// A table of days and accounts for each API address.
pub(super) fn by_day(lines: &[DayLine], paper: Paper) -> io::Result<String> {
    let mut apis: Vec<_> = lines.iter().map(|line| &line.api).collect();
    apis.sort();
    apis.dedup();
    let table = |api: &String| {
        let lines = lines.iter().filter(|line| line.api == *api).map(day_cells);
        let columns = vec![
            Column::whole("day", 0),
            Column::text("account", 2, 8),
            Column::number("withdrawn", 0),
            Column::number("not_pending", 5),
            Column::number("failed", 3),
            Column::number("credits", 1),
            Column::number("possible", 4),
        ];
        Ok(paper.folded(api, 0) + &encode(Box::new(Table::new(columns, paper)), DAY_COLUMNS, lines)?)
    };
    Ok(apis.into_iter().map(table).collect::<io::Result<Vec<_>>>()?.join("\n"))
}

fn day_cells(line: &DayLine) -> [Cell<'_>; 7] {
    [
        Cell::own(line.day.to_string()),
        Cell::own(line.account.as_str()),
        Cell::Number(line.withdrawn),
        Cell::Number(line.not_pending),
        Cell::Number(line.failed),
        Cell::Number(line.cost.charged),
        Cell::Number(line.cost.possible),
    ]
}

const RUN_COLUMNS: [&str; 9] =
    ["started_at", "lasted", "command", "accounts", "calls", "withdrawn", "credits", "possible", "run_id"];

pub(super) fn runs(runs: &[RunLine], paper: Paper) -> io::Result<String> {
    let columns = vec![
        Column::whole("started_at", 0),
        Column::whole("lasted", 5),
        Column::whole("command", 2),
        Column::text("accounts", 6, 8),
        Column::number("calls", 7),
        Column::number("withdrawn", 3),
        Column::number("credits", 1),
        Column::number("possible", 8),
        Column::whole("run_id", 4),
    ];
    encode(Box::new(Table::new(columns, paper)), RUN_COLUMNS, runs.iter().map(run_row))
}

fn run_row(run: &RunLine) -> [Cell<'_>; 9] {
    let lasted = run.last_call_at.and_then(|end| end.duration_since(run.started_at).try_into().ok());
    let [run_id, _, _, command, accounts, calls, withdrawn, credits, possible, _] = run_cells(run);
    let started_at = Cell::own(run.started_at.strftime("%F %H:%M").to_string());
    let lasted = lasted.map_or(Cell::Absent, |time| Cell::own(human_duration(time)));
    [started_at, lasted, command, accounts, calls, withdrawn, credits, possible, run_id]
}

/// Who can be invited again.
pub(super) fn reinvitable(paper: Paper) -> Table {
    let columns = [
        Column::whole("invitation_id", 0),
        Column::text("name", 1, 8),
        Column::text("account", 3, 8),
        Column::whole("reinvite_on", 2),
        Column::whole("profile_url", 4),
        Column::whole("api", 5),
    ];
    Table::new(columns.into(), paper)
}

/// Below this a text beside its name would be folded within an ID.
const NARROW: usize = 60;

/// One block per entry, with a line for each column that is not empty; long texts are folded.
pub(super) fn entries<'a, const N: usize>(
    columns: &[&str; N],
    entries: impl Iterator<Item = [Cell<'a>; N]>,
    paper: Paper,
) -> String {
    let width = columns.iter().map(|name| name.chars().count()).max().unwrap_or_default() + 2;
    let block = |cells: [Cell<'a>; N]| -> String {
        let named = columns.iter().zip(cells).map(|(name, cell)| (name, cell.to_string()));
        let said = named.filter(|(_, text)| !text.is_empty());
        said.map(|(name, text)| {
            if paper.width < NARROW {
                format!("{name}\n  {}", paper.folded(&text, 2))
            } else {
                format!("{name:width$}{}", paper.folded(&text, width))
            }
        })
        .collect()
    };
    entries.map(block).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invitation::AccountName;
    use crate::policy::Cost;

    const AT_80: Paper = Paper { width: 80, ellipsis: "…" };

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
        let lines = [
            line("https://api.example", "default", 7),
            line("https://api.example", "a name of more than twenty letters\n", 123_456),
            line(&long, "default", 1),
        ];
        let table = by_day(&lines, AT_80).unwrap();
        assert!(widest(&table) <= 80, "{table}");
        assert_eq!(table.matches("day ").count(), 2);
        insta::assert_snapshot!(by_day(&lines[..2], AT_80).unwrap(), @r"
        https://api.example
        day         account            withdrawn  not_pending  failed  credits  possible
        2026-03-01  default                    7            7       7        7         7
        2026-03-01  a name of more…       123456       123456  123456   123456    123456
        ");
        insta::assert_snapshot!(by_day(&lines[..2], Paper { width: 40, ..AT_80 }).unwrap(), @r"
        https://api.example
        day         account   withdrawn  credits
        2026-03-01  default           7        7
        2026-03-01  a name…      123456   123456
        ");
    }

    #[test]
    fn a_run_is_a_line_with_its_id() {
        let run = |run_id: &str, last_call_at: Option<&str>, accounts: &str, count| RunLine {
            run_id: run_id.to_owned(),
            command: "clean".to_owned(),
            api: "https://api.example".to_owned(),
            started_at: "2026-03-01T23:59:00.5Z".parse().unwrap(),
            last_call_at: last_call_at.map(|at| at.parse().unwrap()),
            accounts: accounts.to_owned(),
            calls: count,
            withdrawn: count,
            cost: Cost { charged: count, possible: count + 1 },
        };
        let lines = [
            run("20260301T235900Z-00c0ffee", Some("2026-03-02T01:02:03Z"), "default, sales, support, operations", 123),
            run("20260301T235900Z-0badcafe", None, "", 0),
        ];
        let at = |width| runs(&lines, Paper { width, ..AT_80 }).unwrap();
        insta::assert_snapshot!(at(120), @r"
        started_at        lasted      command  accounts           calls  withdrawn  credits  possible  run_id
        2026-03-01 23:59  1 h 03 min  clean    default, sales,…     123        123      123       124  20260301T235900Z-00c0ffee
        2026-03-01 23:59              clean                           0          0        0         1  20260301T235900Z-0badcafe
        ");
        insta::assert_snapshot!(at(80), @r"
        started_at        command  withdrawn  credits  run_id
        2026-03-01 23:59  clean          123      123  20260301T235900Z-00c0ffee
        2026-03-01 23:59  clean            0        0  20260301T235900Z-0badcafe
        ");
        insta::assert_snapshot!(at(40), @r"
        started_at        command  credits
        2026-03-01 23:59  clean        123
        2026-03-01 23:59  clean          0
        ");
        for width in [120, 80, 40] {
            assert!(widest(&at(width)) <= width);
        }
    }

    #[test]
    fn an_entry_is_a_block_that_loses_nothing() {
        let detail = "words of the API, ".repeat(20);
        let cells = [Cell::own("now"), Cell::Absent, Cell::own(format!("{detail}\u{1b}[2J"))];
        let table = entries(&["at", "http_status", "detail"], [cells.clone(), cells].into_iter(), AT_80);
        assert!(widest(&table) <= 80, "{table}");
        assert!(table.starts_with("at           now\ndetail       words of"), "{table}");
        assert!(table.contains("\n\nat"), "{table}");
        assert!(!table.contains(['\u{1b}']) && !table.contains("http_status"));
        let unfolded: String =
            table.lines().take_while(|line| !line.is_empty()).map(|line| format!("{} ", &line[13..])).collect();
        assert_eq!(unfolded, format!("now {detail}\u{fffd}[2J "));
        let cells = [["20260301T235900Z-00c0ffee", detail.as_str()].map(Cell::own)];
        let narrow = entries(&["run_id", "detail"], cells.into_iter(), Paper { width: 40, ..AT_80 });
        assert!(narrow.starts_with("run_id\n  20260301T235900Z-00c0ffee\ndetail\n  words of"), "{narrow}");
        assert!(widest(&narrow) <= 40, "{narrow}");
    }
}
