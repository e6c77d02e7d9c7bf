//! The results report: a record per row, in the order in which rows settle. Our columns come first, then the input's under
//! names that can't be mistaken for ours.

use std::borrow::Cow;
use std::fmt::Write;
use std::io;

use super::file::{Names, ReportFile};
use super::format::{Cell, Field, Format, RecordFile};
use crate::event::Settled;
use crate::input::CsvStyle;
use crate::invitation::{AccountName, Carried};

/// Our columns, in the order of [`own_cells`].
const OWN: [&str; 14] = [
    "row",
    "line",
    "invitation_id",
    "entity_urn",
    "account",
    "outcome",
    "detail",
    "http_status",
    "attempts",
    "credits",
    "credits_possible",
    "settled_at",
    "duration_ms",
    "reinvite_on",
];

fn own_cells<'a>(settled: &'a Settled, settled_at: &'a str) -> [Cell<'a>; OWN.len()] {
    let millis = settled.duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    [
        Cell::Number(settled.row),
        Cell::number(settled.line),
        Cell::foreign(&settled.invitation_id),
        Cell::foreign(&settled.entity_urn),
        Cell::foreign(settled.account.as_ref().map_or("", AccountName::as_str)),
        Cell::own(settled.outcome.as_str()),
        Cell::foreign(&settled.detail),
        Cell::number(settled.http_status),
        Cell::Number(settled.attempts.into()),
        Cell::Number(settled.cost.charged),
        Cell::Number(settled.cost.possible),
        Cell::own(settled_at),
        Cell::number(millis),
        settled.reinvite_on().map_or(Cell::Absent, |day| Cell::own(day.to_string())),
    ]
}

/// What the report takes over from the input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Columns {
    /// Each as it is called there and in the report.
    names: Vec<(String, String)>,
    style: CsvStyle,
}

impl Columns {
    pub(crate) fn new(input: impl IntoIterator<Item = impl Into<String>>, style: CsvStyle) -> Self {
        let input: Vec<String> = input.into_iter().map(Into::into).collect();
        let report_name = |name: &String| report_name(name, |taken| input.iter().any(|n| n == taken)).into_owned();
        Self { names: input.iter().map(|name| (name.clone(), report_name(name))).collect(), style }
    }

    fn in_report(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(_, name)| name.as_str())
    }
}

/// The name of an input's column in the report: one that is named like one of ours becomes `input_<name>`, with the
/// prefix repeated while the input has that name too (a report that is used as input).
fn report_name<'a>(name: &'a str, is_taken: impl Fn(&str) -> bool) -> Cow<'a, str> {
    if !OWN.contains(&name) {
        return name.into();
    }
    let mut renamed = format!("input_{name}");
    while is_taken(&renamed) {
        renamed.insert_str(0, "input_");
    }
    renamed.into()
}

#[derive(Debug)]
pub(crate) struct Report {
    file: RecordFile,
    columns: Columns,
    /// Of the row that is being added; the buffer is reused.
    settled_at: String,
}

impl Report {
    pub(crate) fn begin(file: ReportFile, format: Format, columns: Columns) -> io::Result<Self> {
        let file = RecordFile::begin(file, format.encoder(columns.style), OWN.into_iter().chain(columns.in_report()))?;
        let mut report = Self { file, columns, settled_at: String::new() };
        report.write()?;
        Ok(report)
    }

    pub(crate) fn names(&self) -> Names {
        self.file.file.names()
    }

    pub(super) fn add(&mut self, settled: &Settled) -> io::Result<()> {
        let Self { file, columns, settled_at } = self;
        settled_at.clear();
        write!(settled_at, "{:.3}", settled.settled_at).map_err(io::Error::other)?;
        let own = OWN.map(Cow::from).into_iter().zip(own_cells(settled, settled_at));
        match &settled.carried {
            Carried::Cells(cells) => {
                let cell = |at| cells.get(at).map_or(Cell::Absent, Cell::Foreign);
                file.add(own.chain(columns.in_report().enumerate().map(|(at, name)| (name.into(), cell(at)))))
            }
            Carried::Fields(fields) if file.encoder.has_columns() => {
                let cell = |name: &str| fields.get(name).map_or(Cell::Absent, Cell::Json);
                file.add(own.chain(columns.names.iter().map(|(input, name)| (name.into(), cell(input)))))
            }
            Carried::Fields(fields) => {
                let name = |name| report_name(name, |taken| fields.contains_key(taken));
                file.add(
                    own.chain(fields.iter().map(|(input, value)| -> Field<'_> { (name(input), Cell::Json(value)) })),
                )
            }
        }
    }

    pub(super) fn write(&mut self) -> io::Result<()> {
        self.file.write()
    }

    pub(super) fn finish(self) -> io::Result<()> {
        self.file.finish()
    }

    pub(crate) fn discard(self) {
        self.file.file.discard();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_column_is_never_mistaken_for_one_of_ours() {
        let columns =
            Columns::new(["name", "outcome", "row", "input_row", "Row", "line", "reinvite_on"], CsvStyle::default());
        let names: Vec<_> = columns.in_report().collect();
        assert_eq!(
            names,
            ["name", "input_outcome", "input_input_row", "input_row", "Row", "input_line", "input_reinvite_on"]
        );
    }
}
