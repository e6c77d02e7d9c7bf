//! Parses one framed record by the csv crate's parser.
//!
//! Owns the buffers that every record uses again, and the doubt whether a cell has swallowed rows. Must not decide where a
//! record ends, nor what a cell means.

use std::borrow::Cow;

use csv_core::ReadRecordResult;

use crate::invitation::InvitationId;

pub(super) struct Record {
    parser: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    width: usize,
}

impl Record {
    pub(super) fn new(delimiter: u8) -> Self {
        let parser = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Self { parser, text: Vec::new(), ends: vec![0; 16], width: 0 }
    }

    pub(super) fn parse(&mut self, record: &[u8]) {
        // Room for all of the text at once, so that only the list of ends can be found too short.
        self.text.resize(self.text.len().max(record.len() + 1), 0);
        self.width = 0;
        let mut written = 0;
        for mut input in [record, b"\n"] {
            while !input.is_empty() {
                let (result, read, wrote, ended) =
                    self.parser.read_record(input, &mut self.text[written..], &mut self.ends[self.width..]);
                input = &input[read..];
                written += wrote;
                self.width += ended;
                match result {
                    ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                    ReadRecordResult::InputEmpty
                    | ReadRecordResult::OutputFull
                    | ReadRecordResult::Record
                    | ReadRecordResult::End => {}
                }
            }
        }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// A cell's text, bad bytes replaced by U+FFFD: it is no digit and no white space, so an ID stays without it.
    pub(super) fn cell(&self, at: usize) -> Option<Cow<'_, str>> {
        let end = *self.ends[..self.width].get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(String::from_utf8_lossy(&self.text[start..end]))
    }

    pub(super) fn cells(&self) -> Vec<String> {
        (0..self.width).filter_map(|at| self.cell(at)).map(Cow::into_owned).collect()
    }
}

/// Whether a line inside a quoted cell looks like a row of `width` cells: an unclosed quote may find its end at any
/// later cell that ends in one (`27"`). Then neither reading of the lines is sure enough for what can't be undone.
pub(super) fn holds_rows(cells: &[String], id: usize, width: usize, delimiter: u8) -> bool {
    cells.iter().enumerate().any(|(at, cell)| {
        // The swallowed row in which the quote finds its end has the rest of its cells behind this one.
        let behind = cells.len() - at - 1;
        cell.split(['\n', '\r']).skip(1).any(|line| {
            let mut parts = line.split(char::from(delimiter));
            let count = parts.clone().count();
            let is_row = count > 1 && (count == width || count + behind == width);
            is_row && parts.nth(id).is_some_and(|part| InvitationId::parse(part).is_ok())
        })
    })
}
