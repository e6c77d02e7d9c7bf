//! Turns framed CSV records into rows.
//!
//! Owns what a cell means once its column is known. Must not decide where a record ends.

use csv::StringRecord;

use super::columns::{cut, only_address};
use super::csv_framer::{Frame, Framer, Malformed};
use super::csv_header::Layout;
use super::csv_record::{Record, holds_rows};
use super::resolve::{ID_TEXT_CHARS, resolve};
use crate::invitation::{AccountName, Carried, Country, IdError, InvitationId, Row, RowError};

pub(super) struct CsvRows {
    framer: Framer,
    record: Record,
    layout: Layout,
    refuse_rounded: bool,
    number: u64,
    /// Up to this line, what is read may be the text of a quoted cell.
    doubtful_to: u64,
}

impl CsvRows {
    pub(super) fn new(framer: Framer, layout: Layout, refuse_rounded: bool) -> Self {
        let record = Record::new(framer.delimiter);
        Self { framer, record, layout, refuse_rounded, number: 0, doubtful_to: 0 }
    }

    pub(super) fn framer(&mut self) -> &mut Framer {
        &mut self.framer
    }

    fn row(&self, frame: &Frame) -> Result<Row, RowError> {
        let Self { record, layout, number, .. } = self;
        let id_cell = record.cell(layout.id);
        let account = layout.roles.account.and_then(|at| AccountName::parse(&record.cell(at)?));
        let country = layout.roles.country.and_then(|at| Country::parse(&record.cell(at)?));
        let entity_urn = layout.roles.entity_urn.and_then(|at| record.cell(at));
        let addresses = layout.profile_urls.iter().filter_map(|&at| record.cell(at));
        let profile_url = only_address(addresses);
        let carried = Carried::Cells(carried(record, layout));
        let id = self.check_shape(frame).and_then(|()| {
            resolve(id_cell.as_deref(), entity_urn.as_deref(), self.refuse_rounded).map_err(|error| error.to_string())
        });
        match id {
            Ok(id) => Ok(Row { number: *number, id, account, country, profile_url, carried }),
            Err(reason) => {
                let id_text = cut(&id_cell.unwrap_or_default(), ID_TEXT_CHARS);
                Err(RowError { number: *number, id_text, account, reason, carried })
            }
        }
    }

    fn check_shape(&self, frame: &Frame) -> Result<(), String> {
        let (cells, width) = (self.record.width(), self.layout.width);
        if cells > width {
            return Err(format!(
                "{cells} cells where the first record has {width}: the columns may have shifted; quote the cell that \
                 holds the delimiter"
            ));
        }
        if cells < width && frame.line <= self.doubtful_to {
            return Err(format!(
                "line {} stands behind a quote that is not closed and has too few cells for a row, so it may be text \
                 of that cell: correct the quotes",
                frame.line
            ));
        }
        if self.framer.delimiter == b',' && self.splits_number() {
            return Err(IdError::Scientific.to_string());
        }
        if frame.lines() > 1 && holds_rows(&self.record.cells(), self.layout.id, width, self.framer.delimiter) {
            return Err(format!(
                "lines {} to {} are one record by their quotes, yet read like rows of their own (an unclosed quote?): \
                 nothing of them is sent; correct the quotes",
                frame.line,
                frame.line + frame.lines() - 1
            ));
        }
        Ok(())
    }

    /// Whether the delimiter is in truth the decimal comma of `7,32918E+18`: the 7 before it is no ID.
    fn splits_number(&self) -> bool {
        let cells = self.record.cell(self.layout.id).zip(self.record.cell(self.layout.id + 1));
        cells.is_some_and(|(whole, fraction)| {
            whole.len() < 4 && InvitationId::parse(&format!("{whole},{fraction}")) == Err(IdError::Scientific)
        })
    }
}

impl Iterator for CsvRows {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let frame = self.framer.peek()?;
        self.number += 1;
        let row = match frame.shape {
            Ok(()) => {
                self.record.parse(self.framer.bytes(&frame));
                self.row(&frame)
            }
            Err(malformed) => {
                self.doubtful_to = self.doubtful_to.max(frame.reached);
                Err(malformed_row(self.number, frame.line, malformed))
            }
        };
        self.framer.take(&frame);
        Some(row)
    }
}

/// Nothing of the record is quoted: with its quotes in doubt, any part of it may be another cell's text.
fn malformed_row(number: u64, line: u64, malformed: Malformed) -> RowError {
    let reason = format!(
        "line {line}: the record that begins here {malformed} (an unclosed quote?); reading goes on at line {}",
        line + 1
    );
    RowError { number, id_text: String::new(), account: None, reason, carried: Carried::default() }
}

fn carried(record: &Record, layout: &Layout) -> StringRecord {
    let mut cells = StringRecord::new();
    for cell in layout.carried.iter().map_while(|&at| record.cell(at)) {
        cells.push_field(&cell);
    }
    cells
}
