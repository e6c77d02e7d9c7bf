//! Why an input can't be used, in words that say what to do about it.
//!
//! Owns the messages. They name columns and lines, and never hold what stands in a cell.

use std::io;

use super::columns::Ambiguous;

/// Why an input can't be used. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says what it is, and its fields are the words in it")]
pub(crate) enum InputError {
    #[error("{name} cannot be read: check that it exists and that you may read it")]
    Unreadable { name: String, source: io::Error },
    #[error("{name} is a directory: name the file that lists the invitations, or - for stdin")]
    Directory { name: String },
    #[error("{name} is a spreadsheet's own file or an archive: save it as CSV (UTF-8) and pass that file")]
    NotText { name: String },
    #[error("{name} looks like UTF-16 without a byte order mark: save it as UTF-8 (in Excel: \"CSV UTF-8\")")]
    Utf16WithoutBom { name: String },
    #[error("{:?} can't delimit columns: use one like , ; | or a tab", char::from(*delimiter))]
    Delimiter { delimiter: u8 },
    #[error("{name} has no invitation_id column (found: {columns}): name the column of IDs with --id-column")]
    NoIdColumn { name: String, columns: String },
    #[error("{name} has no column {wanted:?} (found: {columns}): give --id-column one of these")]
    NoSuchColumn { name: String, wanted: String, columns: String },
    #[error("{name}: {ambiguous}: remove or rename one of them")]
    AmbiguousColumns { name: String, ambiguous: Ambiguous },
    #[error(
        "{name} holds a column or key {column:?}, which looks like a secret: remove it, and configure tokens and API \
         keys in the environment or the configuration file"
    )]
    Secret { name: String, column: String },
    #[error("{name}: the header on line {line} holds a quoted cell that is not closed: close it or remove the quote")]
    BrokenHeader { name: String, line: u64 },
    #[error("{name} is not a valid JSON document (line {line}, column {column}): {advice}")]
    BrokenDocument { name: String, line: usize, column: usize, advice: &'static str },
    #[error(
        "{name} is JSON, but neither an array of IDs (or of objects with an invitation_id) nor an API answer with \
         data.invitations: pass one of these, or JSON Lines with --input-format jsonl"
    )]
    WrongDocument { name: String },
}

#[derive(Debug, thiserror::Error)]
#[error("{name} could not be read on from line {line}: run again with the whole input, settled rows are skipped")]
pub(crate) struct ReadError {
    name: String,
    line: u64,
    source: io::Error,
}

impl ReadError {
    pub(crate) fn new(name: &str, line: u64, source: io::Error) -> Self {
        Self { name: name.into(), line, source }
    }
}
