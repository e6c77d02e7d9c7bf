//! A table for people: columns as wide as their widest cell, or as the terminal lets them be; numbers to the right.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::format::{Cell, Encoder, Field};
use super::paper::Paper;
use crate::policy::visible;

/// Between two columns.
const GAP: &str = "  ";

/// How a column is shown.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    name: String,
    /// Where not all have room, the highest go first.
    rank: u8,
    kind: Kind,
    /// Its width where cells are not known ahead.
    usual: usize,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Never shortened.
    Whole,
    Number,
    /// Shortened to no less than this.
    Text(usize),
}

impl Column {
    pub(crate) fn whole(name: &str, rank: u8) -> Self {
        Self { name: name.to_owned(), rank, kind: Kind::Whole, usual: 0 }
    }

    pub(crate) fn number(name: &str, rank: u8) -> Self {
        Self { kind: Kind::Number, ..Self::whole(name, rank) }
    }

    pub(crate) fn text(name: &str, rank: u8, least: usize) -> Self {
        Self { kind: Kind::Text(least), ..Self::whole(name, rank) }
    }

    pub(super) fn usually(self, usual: usize) -> Self {
        Self { usual, ..self }
    }

    /// The least width of one whose cells want this much.
    fn least(&self, wanted: usize) -> usize {
        match self.kind {
            Kind::Whole | Kind::Number => wanted,
            Kind::Text(least) => wanted.min(least.max(self.name.width())),
        }
    }
}

/// Without columns it takes those of its head.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    paper: Paper,
    /// The widths, where lines are written as they come.
    fixed: Option<Vec<Option<usize>>>,
    lines: Vec<Vec<String>>,
}

impl Table {
    /// A table that is written at its end.
    pub(crate) fn new(columns: Vec<Column>, paper: Paper) -> Self {
        Self { columns, paper, fixed: None, lines: Vec::new() }
    }

    /// A table whose lines are written as they come.
    pub(super) fn streamed(columns: Vec<Column>, paper: Paper) -> Self {
        let usual: Vec<_> = columns.iter().map(|column| column.usual.max(column.name.width())).collect();
        let fixed = Some(fit(&columns, usual, paper.width));
        Self { fixed, ..Self::new(columns, paper) }
    }

    fn add(&mut self, line: Vec<String>, out: &mut Vec<u8>) -> io::Result<()> {
        match &self.fixed {
            Some(widths) => self.write(&line, widths, out),
            None => {
                self.lines.push(line);
                Ok(())
            }
        }
    }

    fn write(&self, line: &[String], widths: &[Option<usize>], out: &mut Vec<u8>) -> io::Result<()> {
        let cells = self.columns.iter().zip(line).zip(widths).filter_map(|((column, cell), width)| {
            let width = (*width)?;
            let padding = |text: &str| " ".repeat(width.saturating_sub(text.width()));
            Some(match column.kind {
                Kind::Whole => format!("{cell}{}", padding(cell)),
                Kind::Number => format!("{}{cell}", padding(cell)),
                Kind::Text(_) => {
                    let text = self.paper.shorten(cell, width);
                    format!("{text}{}", padding(&text))
                }
            })
        });
        writeln!(out, "{}", cells.collect::<Vec<_>>().join(GAP).trim_end())
    }
}

/// The width of each column, by what its cells want; `None` of those that have no room.
fn fit(columns: &[Column], wanted: Vec<usize>, room: usize) -> Vec<Option<usize>> {
    let mut widths: Vec<_> = wanted.into_iter().map(Some).collect();
    let total = |widths: &[Option<usize>], width: &dyn Fn(usize, usize) -> usize| {
        let shown = widths.iter().enumerate().filter_map(|(at, wanted)| Some(width(at, (*wanted)?)));
        shown.map(|width| width + GAP.len()).sum::<usize>().saturating_sub(GAP.len())
    };
    let mut by_rank: Vec<_> = (0..columns.len()).collect();
    by_rank.sort_by_key(|at| std::cmp::Reverse(columns[*at].rank));
    // The last one stays, whatever room there is.
    for at in by_rank.iter().rev().skip(1).rev() {
        if total(&widths, &|at, wanted| columns[at].least(wanted)) > room {
            widths[*at] = None;
        }
    }
    for at in by_rank {
        let excess = total(&widths, &|_, wanted| wanted).saturating_sub(room);
        widths[at] = widths[at].map(|wanted| wanted.saturating_sub(excess).max(columns[at].least(wanted)));
    }
    widths
}

impl Encoder for Table {
    fn has_columns(&self) -> bool {
        true
    }

    fn head(&mut self, columns: &mut dyn Iterator<Item = &str>, out: &mut Vec<u8>) -> io::Result<()> {
        if self.columns.is_empty() {
            self.columns = columns.map(|name| Column::whole(name, 0)).collect();
        }
        self.add(self.columns.iter().map(|column| column.name.clone()).collect(), out)
    }

    fn line(&mut self, record: &mut dyn Iterator<Item = Field<'_>>, out: &mut Vec<u8>) -> io::Result<()> {
        let record: Vec<_> = record.collect();
        let text = |column: &Column| {
            let cell = record.iter().find(|(name, _)| *name == column.name).map_or(&Cell::Absent, |(_, cell)| cell);
            visible(&cell.to_string())
        };
        self.add(self.columns.iter().map(text).collect(), out)
    }

    /// Writes all of it, since any line may have widened a column.
    fn tail(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        let widest = |at: usize| lines.iter().map(|line| line[at].width()).max().unwrap_or_default();
        let widths = fit(&self.columns, (0..self.columns.len()).map(widest).collect(), self.paper.width);
        lines.iter().try_for_each(|line| self.write(line, &widths, out))
    }
}

#[cfg(test)]
mod tests {
    use super::super::format::encode;
    use super::*;

    fn columns() -> Vec<Column> {
        vec![
            Column::whole("invitation_id", 0).usually(20),
            Column::text("name", 1, 8).usually(28),
            Column::number("age_days", 2),
            Column::text("headline", 3, 16).usually(48),
        ]
    }

    const PEOPLE: [(&str, &str, u64, &str); 3] = [
        (
            "7329176687475109889",
            "Ada King, Countess of Lovelace",
            41,
            "Analyst at the Difference Engine, writer of notes",
        ),
        ("7329176687475109890", "艾达·洛芙莱斯伯爵夫人阁下", 7, "她写了第一个程序"),
        ("72", "red \u{1b}[31m", 365, ""),
    ];

    fn drawn(table: Table) -> String {
        let width = table.paper.width;
        let cells = PEOPLE.map(|(id, name, age, headline)| {
            [Cell::Foreign(headline), Cell::Foreign(id), Cell::Number(age), Cell::foreign(name)]
        });
        let text = encode(Box::new(table), ["headline", "invitation_id", "age_days", "name"], cells).unwrap();
        assert!(text.lines().all(|line| line.width() <= width), "{text}");
        text
    }

    fn at(width: usize) -> Paper {
        Paper { width, ellipsis: "…" }
    }

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        insta::assert_snapshot!(drawn(Table::new(columns(), Paper::UNBOUNDED)), @r"
        invitation_id        name                            age_days  headline
        7329176687475109889  Ada King, Countess of Lovelace        41  Analyst at the Difference Engine, writer of notes
        7329176687475109890  艾达·洛芙莱斯伯爵夫人阁下              7  她写了第一个程序
        72                   red �[31m                            365
        ");
        insta::assert_snapshot!(drawn(Table::new(columns(), at(80))), @r"
        invitation_id        name                            age_days  headline
        7329176687475109889  Ada King, Countess of Lovelace        41  Analyst at the…
        7329176687475109890  艾达·洛芙莱斯伯爵夫人阁下              7  她写了第一个程序
        72                   red �[31m                            365
        ");
        insta::assert_snapshot!(drawn(Table::new(columns(), Paper { ellipsis: "...", ..at(40) })), @r"
        invitation_id        name       age_days
        7329176687475109889  Ada...           41
        7329176687475109890  艾达·...          7
        72                   red �[31m       365
        ");
    }

    #[test]
    fn lines_that_come_one_by_one_have_widths_by_the_terminal() {
        for width in [120, 80, 40] {
            let mut table = Table::streamed(columns(), at(width));
            let mut out = Vec::new();
            table.head(&mut std::iter::empty(), &mut out).unwrap();
            assert!(out.starts_with(b"invitation_id"), "written at once");
        }
        insta::assert_snapshot!(drawn(Table::streamed(columns(), at(120))), @r"
        invitation_id         name                          age_days  headline
        7329176687475109889   Ada King, Countess of…              41  Analyst at the Difference Engine, writer of…
        7329176687475109890   艾达·洛芙莱斯伯爵夫人阁下            7  她写了第一个程序
        72                    red �[31m                          365
        ");
        insta::assert_snapshot!(drawn(Table::streamed(columns(), at(80))), @r"
        invitation_id         name                          age_days  headline
        7329176687475109889   Ada King, Countess of…              41  Analyst at the…
        7329176687475109890   艾达·洛芙莱斯伯爵夫人阁下            7  她写了第一个程序
        72                    red �[31m                          365
        ");
        insta::assert_snapshot!(drawn(Table::streamed(columns(), at(40))), @r"
        invitation_id         name      age_days
        7329176687475109889   Ada…            41
        7329176687475109890   艾达·洛…         7
        72                    red…           365
        ");
    }

    #[test]
    fn the_first_column_is_whole_whatever_room_there_is() {
        let text =
            encode(Box::new(Table::new(columns(), at(10))), ["invitation_id"], [[Cell::own("7329176687475109889")]]);
        assert_eq!(text.unwrap(), "invitation_id\n7329176687475109889\n");
    }
}
