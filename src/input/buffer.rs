//! The input's bytes as UTF-8, as far as they have been read and not yet been used.
//!
//! Owns decoding, the one buffer, and the moment the reader ended or failed. Must not know records or lines.

use std::io::{self, Read};

use encoding_rs_io::DecodeReaderBytesBuilder;

/// Bytes asked of the reader at a time.
pub(super) const CHUNK: usize = 64 << 10;

/// Longest record or line that is read; longer ones are taken for the work of an unclosed quote.
pub(super) const RECORD_LIMIT: usize = 1 << 20;

pub(super) struct Buffer {
    reader: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    chunk: usize,
    state: State,
}

enum State {
    Open,
    Ended,
    Failed(io::Error),
}

impl Buffer {
    pub(super) fn new(reader: impl Read + Send + 'static, chunk: usize) -> Self {
        // With or without BOM, UTF-8 passes through: its bad bytes are replaced cell by cell, without a second pass.
        let reader = DecodeReaderBytesBuilder::new().utf8_passthru(true).strip_bom(true).build(reader);
        Self { reader: Box::new(reader), bytes: Vec::new(), start: 0, end: 0, chunk, state: State::Open }
    }

    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start += count.min(self.end - self.start);
    }

    /// Reads once more; `false` where nothing came, because the reader ended or failed.
    pub(super) fn fill(&mut self) -> bool {
        if !matches!(self.state, State::Open) {
            return false;
        }
        self.make_room();
        let read = loop {
            match self.reader.read(&mut self.bytes[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        match read {
            Ok(0) => self.state = State::Ended,
            Ok(count) => self.end += count,
            Err(error) => self.state = State::Failed(error),
        }
        matches!(self.state, State::Open)
    }

    /// Reads until `count` bytes are there, or as many as the input has.
    pub(super) fn fill_to(&mut self, count: usize) {
        while self.unread().len() < count && self.fill() {}
    }

    /// Consumes everything up to and including the byte that `find` finds, and returns that byte; all the rest of the input
    /// where it finds none.
    pub(super) fn skip_past(&mut self, find: impl Fn(&[u8]) -> Option<usize>) -> Option<u8> {
        loop {
            let unread = self.unread();
            let (count, found) = find(unread).map_or((unread.len(), None), |at| (at + 1, Some(unread[at])));
            self.consume(count);
            if found.is_some() || !self.fill() {
                return found;
            }
        }
    }

    /// Whether the reader failed. What is unread then may be half of a record, and half an ID is another ID.
    pub(super) fn has_failed(&self) -> bool {
        matches!(self.state, State::Failed(_))
    }

    /// Why the reader failed; once, and the input has ended from then on.
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Failed(error) => Some(error),
            state @ (State::Open | State::Ended) => {
                self.state = state;
                None
            }
        }
    }

    /// All that is unread and all that the reader still has.
    pub(super) fn into_bytes(mut self) -> io::Result<Vec<u8>> {
        let mut bytes = self.unread().to_vec();
        match self.take_error() {
            Some(error) => Err(error),
            None => self.reader.read_to_end(&mut bytes).map(|_| bytes),
        }
    }

    fn make_room(&mut self) {
        if self.bytes.len() - self.end >= self.chunk {
            return;
        }
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let missing = (self.end + self.chunk).saturating_sub(self.bytes.len());
        self.bytes.reserve_exact(missing);
        self.bytes.resize(self.bytes.len() + missing, 0);
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}
