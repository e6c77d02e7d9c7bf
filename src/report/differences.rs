//! The output of `verify`: a record per invitation about which ledger and list differ.

use std::io;

use super::file::{Names, ReportFile};
use super::format::{Cell, Field, Format, RecordFile};
use super::paper::Paper;
use super::table::{Column, Table};
use crate::input::CsvStyle;
use crate::invitation::{AccountName, InvitationId};
use crate::policy::Difference;

const COLUMNS: [&str; 6] = ["invitation_id", "entity_urn", "account", "believed", "found", "follows"];

/// What people see of it.
fn table(paper: Paper) -> Table {
    let columns = [
        Column::whole("invitation_id", 0),
        Column::text("account", 2, 8),
        Column::whole("believed", 3),
        Column::whole("found", 4),
        Column::whole("follows", 1),
    ];
    Table::new(columns.into(), paper)
}

fn record<'a>(
    account: &'a AccountName,
    id: &'a InvitationId,
    difference: &Difference,
) -> impl Iterator<Item = Field<'a>> {
    let cells = [
        Cell::own(id.as_str()),
        Cell::own(id.urn()),
        // As the user wrote it, so that `run` finds the account again.
        Cell::own(account.as_str()),
        Cell::own(difference.believed.as_str()),
        Cell::own(difference.found.as_str()),
        Cell::own(difference.follows.as_str()),
    ];
    COLUMNS.map(Into::into).into_iter().zip(cells)
}

#[derive(Debug)]
pub(crate) struct DifferenceReport {
    file: RecordFile,
    /// Whether it is a table for people.
    pub(crate) is_table: bool,
}

impl DifferenceReport {
    /// Without a format it is a table for people, which is written at its end.
    pub(crate) fn begin(file: ReportFile, format: Option<Format>) -> io::Result<Self> {
        let encoder = match format {
            Some(format) => format.encoder(CsvStyle::default()),
            None => Box::new(table(Paper::of_stdout())),
        };
        let mut file = RecordFile::begin(file, encoder, COLUMNS.into_iter())?;
        file.write()?;
        Ok(Self { file, is_table: format.is_none() })
    }

    pub(crate) fn names(&self) -> Names {
        self.file.file.names()
    }

    pub(crate) fn add(&mut self, account: &AccountName, differences: &[(InvitationId, Difference)]) -> io::Result<()> {
        for (id, difference) in differences {
            self.file.add(record(account, id, difference))?;
        }
        self.file.write()
    }

    pub(crate) fn finish(self) -> io::Result<()> {
        self.file.finish()
    }

    /// Ends with this sentence in place of a table without lines.
    pub(crate) fn end_with(mut self, sentence: &str) -> io::Result<()> {
        self.file.file.write(format!("{sentence}\n").as_bytes())?;
        self.file.file.finish()
    }

    pub(crate) fn discard(self) {
        self.file.file.discard();
    }
}
