//! Reads JSON Lines, one value per line, and JSON documents: an array of invitations, or a saved answer of the API.
//!
//! Owns the lines and the document's shape. Of JSON Lines, only one line is in memory; of a document all of it, since it is
//! a file that a person saved. Must not know what an entry means.

use std::sync::Arc;

use memchr::{memchr, memchr_iter};
use serde::Deserialize;
use serde_json::{Deserializer, Value, value::RawValue};

use super::buffer::{Buffer, RECORD_LIMIT};
use super::columns::ColumnNames;
use super::json_value::{CarriedKeys, JsonEntry, bad_row, secret_key};
use super::open::InputError;
use crate::invitation::{Row, RowError};

pub(super) struct JsonLines {
    buffer: Buffer,
    names: ColumnNames,
    refuse_rounded: bool,
    line: u64,
    number: u64,
}

/// The line at the start of the unread bytes: its length without its end, and whether it is within the limit.
struct Line {
    length: usize,
    fits: bool,
}

impl JsonLines {
    pub(super) fn new(buffer: Buffer, names: ColumnNames, refuse_rounded: bool) -> Self {
        Self { buffer, names, refuse_rounded, line: 1, number: 0 }
    }

    pub(super) fn buffer(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The carried keys of the first line and of those within `ahead` bytes, in order of appearance. A CSV report needs its
    /// columns before the first row, and later lines mostly have the same.
    pub(super) fn peek_columns(&mut self, ahead: usize) -> Vec<Arc<str>> {
        self.buffer.fill_to(ahead);
        self.peek_line();
        let mut columns = CarriedKeys::default();
        let unread = self.buffer.unread();
        for line in unread[..unread.len().min(RECORD_LIMIT)].split(|&byte| byte == b'\n') {
            if let Ok(entry) = JsonEntry::parse(&String::from_utf8_lossy(line)) {
                columns.add(&entry, &self.names);
            }
        }
        columns.0
    }

    fn peek_line(&mut self) -> Option<Line> {
        let mut searched = 0;
        loop {
            let unread = self.buffer.unread();
            let window = &unread[..unread.len().min(RECORD_LIMIT)];
            if let Some(at) = memchr(b'\n', &window[searched..]) {
                return Some(Line { length: searched + at, fits: true });
            }
            searched = window.len();
            if searched == RECORD_LIMIT {
                return Some(Line { length: searched, fits: false });
            }
            if !self.buffer.fill() {
                let ended = !self.buffer.has_failed() && searched > 0;
                return ended.then_some(Line { length: searched, fits: true });
            }
        }
    }

    fn take(&mut self, line: &Line) {
        self.buffer.consume(line.length);
        self.line += 1;
        self.buffer.skip_past(|unread| memchr(b'\n', unread));
    }

    fn row(&self, line: &Line) -> Option<Result<Row, RowError>> {
        let number = self.number + 1;
        if !line.fits {
            let reason =
                format!("line {} is longer than 1 MiB: too long for an invitation; correct or remove it", self.line);
            return Some(Err(bad_row(number, self.line, reason)));
        }
        let text = String::from_utf8_lossy(&self.buffer.unread()[..line.length]);
        if text.trim().is_empty() {
            return None;
        }
        Some(match JsonEntry::parse(&text) {
            Ok(entry) => entry.into_row(number, self.line, &self.names, self.refuse_rounded),
            // serde_json's own message may quote the text, a secret included.
            Err(error) => {
                let (line, column) = (self.line, error.column());
                let reason =
                    format!("line {line} is not valid JSON (from column {column}): expected one value per line");
                Err(bad_row(number, self.line, reason))
            }
        })
    }
}

impl Iterator for JsonLines {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = self.peek_line()?;
            let row = self.row(&line);
            self.take(&line);
            if row.is_some() {
                self.number += 1;
                return row;
            }
        }
    }
}

pub(super) struct JsonDocument {
    /// Each with the line on which it begins.
    entries: std::iter::Enumerate<std::vec::IntoIter<(u64, JsonEntry)>>,
    names: ColumnNames,
    refuse_rounded: bool,
}

/// The API's answer to a request for the sent invitations (`docs/linkup-api.md`, Sent invitations).
#[derive(Deserialize)]
struct SavedAnswer<'a> {
    #[serde(borrow)]
    data: SavedData<'a>,
}

#[derive(Deserialize)]
struct SavedData<'a> {
    #[serde(borrow)]
    invitations: Vec<&'a RawValue>,
}

impl JsonDocument {
    /// Reads the document and its columns, those of all its objects.
    pub(super) fn parse(
        text: &str,
        names: ColumnNames,
        refuse_rounded: bool,
        name: &str,
    ) -> Result<(Self, Vec<Arc<str>>), InputError> {
        let mut entries = Vec::new();
        let mut columns = CarriedKeys::default();
        let (mut line, mut counted) = (1, 0);
        for raw in raw_entries(text, name)? {
            // What is borrowed from the text tells where it is.
            let begin = raw.get().as_ptr().addr() - text.as_ptr().addr();
            line += memchr_iter(b'\n', &text.as_bytes()[counted..begin]).count() as u64;
            counted = begin;
            let entry = JsonEntry::parse(raw.get()).map_err(|error| broken(text, name, &error))?;
            columns.add(&entry, &names);
            entries.push((line, entry));
        }
        Ok((Self { entries: entries.into_iter().enumerate(), names, refuse_rounded }, columns.0))
    }
}

impl Iterator for JsonDocument {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (index, (line, entry)) = self.entries.next()?;
        Some(entry.into_row(index as u64 + 1, line, &self.names, self.refuse_rounded))
    }
}

fn raw_entries<'a>(text: &'a str, name: &str) -> Result<Vec<&'a RawValue>, InputError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let document: Value = serde_json::from_str(text).map_err(|error| broken(text, name, &error))?;
    if let Some(key) = secret_key(&document) {
        return Err(InputError::Secret { name: name.into(), column: key.into() });
    }
    let entries = if document.is_array() {
        serde_json::from_str(text)
    } else {
        serde_json::from_str(text).map(|answer: SavedAnswer<'_>| answer.data.invitations)
    };
    entries.map_err(|_| InputError::WrongDocument { name: name.into() })
}

/// Only says where: serde_json's own message may quote the text.
fn broken(text: &str, name: &str, error: &serde_json::Error) -> InputError {
    let mut values = Deserializer::from_str(text).into_iter::<Value>();
    let is_lines = values.next().is_some_and(|first| first.is_ok()) && !text[values.byte_offset()..].trim().is_empty();
    let advice =
        if is_lines { "it looks like JSON Lines, so pass --input-format jsonl" } else { "save or export it again" };
    InputError::BrokenDocument { name: name.into(), line: error.line(), column: error.column(), advice }
}
