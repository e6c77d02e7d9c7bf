//! Which format an input has.
//!
//! Owns the guess, where neither option nor extension say it. Must not consume anything.

use serde_json::{Deserializer, Value};

use super::buffer::{Buffer, CHUNK, RECORD_LIMIT};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InputFormat {
    /// Delimited columns with or without a header, or one ID a line.
    Csv,
    /// A JSON value a line.
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

/// Whether the object that stands first is the whole input rather than its first line.
fn object_is_document(buffer: &mut Buffer) -> bool {
    while !buffer.unread().trim_ascii_start().contains(&b'\n') {
        if buffer.unread().len() >= RECORD_LIMIT {
            // No line that could be read is that long; a saved answer may well be.
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
    // It goes on, or is broken: what follows tells.
    buffer.fill_to(CHUNK);
    let text = String::from_utf8_lossy(buffer.unread().trim_ascii());
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let mut values = Deserializer::from_str(&text).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) => values.byte_offset() > first.len() || value.pointer("/data/invitations").is_some(),
        Some(Err(error)) if error.line() > 1 || error.is_eof() => lines.next().is_some_and(|next| {
            // A broken first line is followed by an object of its own, an object that goes on is not.
            !next.starts_with('{') || next.ends_with(',')
        }),
        Some(Err(_)) | None => false,
    }
}
