//! The input's bytes as UTF-8, from when they are read until they are consumed, and the format they seem to have.
//!
//! Owns decoding, the one buffer, the moment the reader ended or failed, and the guess at the format where neither option
//! nor extension say it. Must not know what a row means.

use std::io::{self, Cursor, Read};

use encoding_rs_io::DecodeReaderBytesBuilder;
use serde_json::{Deserializer, Value};

/// Bytes asked of the reader at a time. A fuzzer opens many small inputs, and reaches the ends of small buffers.
pub(super) const CHUNK: usize = if cfg!(fuzzing) { 256 } else { 64 << 10 };

/// Longest record or line that is read; a longer one is most likely due to an unclosed quote.
pub(super) const RECORD_LIMIT: usize = if cfg!(fuzzing) { 512 } else { 1 << 20 };

pub(super) struct Buffer {
    reader: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    chunk: usize,
    state: ReaderState,
    has_bom: bool,
}

/// Of UTF-8 and UTF-16.
const BOMS: [&[u8]; 3] = [b"\xEF\xBB\xBF", b"\xFF\xFE", b"\xFE\xFF"];

enum ReaderState {
    Open,
    Ended,
    Failed(io::Error),
}

impl Buffer {
    pub(super) fn new(mut reader: impl Read + Send + 'static, chunk: usize) -> Self {
        // The decoder does not tell whether there was one.
        let mut first = Vec::new();
        let read = reader.by_ref().take(3).read_to_end(&mut first);
        let state = read.map_or_else(ReaderState::Failed, |_| ReaderState::Open);
        let has_bom = BOMS.iter().any(|bom| first.starts_with(bom));
        // With or without BOM, UTF-8 passes through: its bad bytes are replaced cell by cell, without a second pass.
        let mut decoder = DecodeReaderBytesBuilder::new();
        let reader = decoder.utf8_passthru(true).strip_bom(true).build(Cursor::new(first).chain(reader));
        Self { reader: Box::new(reader), bytes: Vec::new(), start: 0, end: 0, chunk, state, has_bom }
    }

    /// Whether it began with a byte order mark.
    pub(super) fn has_bom(&self) -> bool {
        self.has_bom
    }

    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start += count.min(self.end - self.start);
    }

    /// Reads once more; `false` where nothing came, because the reader ended or failed.
    pub(super) fn fill(&mut self) -> bool {
        if !matches!(self.state, ReaderState::Open) {
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
            Ok(0) => self.state = ReaderState::Ended,
            Ok(count) => self.end += count,
            Err(error) => self.state = ReaderState::Failed(error),
        }
        matches!(self.state, ReaderState::Open)
    }

    /// Reads until `count` bytes are unread, or as many as the input has.
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

    /// Whether the reader failed. Then what is unread may be half a record, and half an ID is another ID.
    pub(super) fn has_failed(&self) -> bool {
        matches!(self.state, ReaderState::Failed(_))
    }

    /// Why the reader failed; once, and the input has ended from then on.
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        match std::mem::replace(&mut self.state, ReaderState::Ended) {
            ReaderState::Failed(error) => Some(error),
            state @ (ReaderState::Open | ReaderState::Ended) => {
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InputFormat {
    /// Delimited columns with or without a header, or one ID per line.
    Csv,
    /// One JSON value per line.
    JsonLines,
    /// One JSON array, or a saved answer of the API.
    Json,
}

impl InputFormat {
    pub(super) fn of_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    pub(super) fn guess(buffer: &mut Buffer) -> Self {
        match first_byte(buffer) {
            Some(b'[') => Self::Json,
            Some(b'{') if object_is_document(buffer) => Self::Json,
            Some(b'{') => Self::JsonLines,
            Some(_) | None => Self::Csv,
        }
    }
}

fn first_byte(buffer: &mut Buffer) -> Option<u8> {
    loop {
        let unread = buffer.unread();
        if let Some(&byte) = unread.iter().find(|byte| !byte.is_ascii_whitespace()) {
            return Some(byte);
        }
        if unread.len() >= RECORD_LIMIT || !buffer.fill() {
            return None;
        }
    }
}

/// Whether the object at the start is the whole input rather than its first line.
fn object_is_document(buffer: &mut Buffer) -> bool {
    while !buffer.unread().trim_ascii_start().contains(&b'\n') {
        if buffer.unread().len() >= RECORD_LIMIT {
            // No line of JSON Lines may be that long; a saved answer may.
            return true;
        }
        if !buffer.fill() {
            break;
        }
    }
    let first = buffer.unread().trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default();
    if let Ok(value) = serde_json::from_slice::<Value>(first) {
        return value.pointer("/data/invitations").is_some();
    }
    // It goes on or is broken: the next line decides.
    buffer.fill_to(CHUNK);
    let text = String::from_utf8_lossy(buffer.unread().trim_ascii());
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let mut values = Deserializer::from_str(&text).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) => values.byte_offset() > first.len() || value.pointer("/data/invitations").is_some(),
        Some(Err(error)) if error.line() > 1 || error.is_eof() => lines.next().is_some_and(|next| {
            // A broken first line is followed by another object, one that goes on is not.
            !next.starts_with('{') || next.ends_with(',')
        }),
        Some(Err(_)) | None => false,
    }
}
