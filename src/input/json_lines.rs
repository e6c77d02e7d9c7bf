//! Reads JSON Lines: a value a line.
//!
//! Owns the lines. Must not know what a value means.

use std::sync::Arc;

use memchr::memchr;

use super::buffer::Buffer;
use super::columns::ColumnNames;
use super::json_value::{Columns, Item, bad_row};
use crate::invitation::{Row, RowError};

pub(super) struct JsonLines {
    buffer: Buffer,
    names: ColumnNames,
    limit: usize,
    line: u64,
    number: u64,
}

/// The line that the unread bytes begin with: its length without its end, and whether it keeps within the limit.
struct Line {
    length: usize,
    fits: bool,
}

impl JsonLines {
    pub(super) fn new(buffer: Buffer, names: ColumnNames, limit: usize) -> Self {
        Self { buffer, names, limit, line: 1, number: 0 }
    }

    pub(super) fn buffer(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The carried keys of the first lines, in the order in which they appear: those within `ahead` bytes, and of the
    /// first one in any case. A CSV report needs its columns before the first row, and the lines that follow mostly
    /// have the same.
    pub(super) fn peek_columns(&mut self, ahead: usize) -> Vec<Arc<str>> {
        self.buffer.fill_to(ahead);
        while memchr(b'\n', self.buffer.unread()).is_none()
            && self.buffer.unread().len() < self.limit
            && self.buffer.fill()
        {}
        let mut columns = Columns::default();
        let unread = self.buffer.unread();
        for line in unread[..unread.len().min(self.limit)].split(|&byte| byte == b'\n') {
            if let Ok(item) = Item::parse(&String::from_utf8_lossy(line)) {
                columns.add(&item, &self.names);
            }
        }
        columns.0
    }

    fn peek_line(&mut self) -> Option<Line> {
        let mut searched = 0;
        loop {
            let unread = self.buffer.unread();
            let window = &unread[..unread.len().min(self.limit)];
            if let Some(at) = memchr(b'\n', &window[searched..]) {
                return Some(Line { length: searched + at, fits: true });
            }
            searched = window.len();
            if searched == self.limit {
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
        loop {
            let unread = self.buffer.unread();
            if let Some(at) = memchr(b'\n', unread) {
                return self.buffer.consume(at + 1);
            }
            let rest = unread.len();
            self.buffer.consume(rest);
            if !self.buffer.fill() {
                return;
            }
        }
    }

    fn row(&self, line: &Line) -> Option<Result<Row, RowError>> {
        let number = self.number + 1;
        if !line.fits {
            let reason = format!("line {} is longer than 1 MiB: no invitation is; correct or remove it", self.line);
            return Some(Err(bad_row(number, reason)));
        }
        let text = String::from_utf8_lossy(&self.buffer.unread()[..line.length]);
        if text.trim().is_empty() {
            return None;
        }
        Some(match Item::parse(&text) {
            Ok(item) => item.into_row(number, &self.names),
            // serde_json's own words may quote what stands there, a secret as well.
            Err(error) => {
                let column = error.column();
                let line = self.line;
                Err(bad_row(number, format!("line {line} is no valid JSON (from column {column}): one value a line")))
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
