//! Opens an input and yields its rows.
//!
//! Owns the order of the checks that come before the first row, and the messages that say why an input can't be used:
//! they name columns and lines, never a cell's content. Must not know a format's rules.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use super::buffer::{Buffer, CHUNK, InputFormat, RECORD_LIMIT};
use super::columns::{Ambiguous, ColumnNames};
use super::csv_records::CsvRecords;
use super::csv_rows::{CsvColumns, CsvRows};
use super::json_rows::{JsonDocument, JsonLines};
use crate::invitation::{Row, RowError};

/// Where the input comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Stdin,
    /// A file, a FIFO or a device.
    Path(PathBuf),
}

/// What the user says about the input.
#[derive(Clone, Debug, Default)]
pub(crate) struct InputOptions {
    /// Name of the column that holds the IDs, where it is not `invitation_id`.
    pub id_column: Option<String>,
    /// The delimiter of CSV; detected where absent.
    pub delimiter: Option<u8>,
    /// The format; detected from the extension or the content where absent.
    pub format: Option<InputFormat>,
    /// Accept IDs that a program seems to have rounded.
    pub accept_rounded_ids: bool,
}

/// How CSV is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CsvStyle {
    pub delimiter: u8,
    pub has_bom: bool,
}

impl Default for CsvStyle {
    fn default() -> Self {
        Self { delimiter: b',', has_bom: false }
    }
}

/// Why an input can't be used. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error("{name} can't be read")]
    Unreadable { name: String, source: io::Error },
    #[error("{name} is a directory: name the file that lists the invitations, or - for stdin")]
    Directory { name: String },
    #[error(
        "{name} is a spreadsheet's own file or an archive: save it as CSV (UTF-8), or unpack it, and pass that file"
    )]
    NotText { name: String },
    #[error("{name} looks like UTF-16 without a byte order mark: save it as UTF-8 (in Excel: \"CSV UTF-8\")")]
    Utf16WithoutBom { name: String },
    #[error("{:?} can't delimit columns: use one like , ; | or a tab", char::from(*delimiter))]
    Delimiter { delimiter: u8 },
    #[error(
        "{name} has no column invitation_id or profile_url (found: {columns}): rename the column of profile URLs to \
         profile_url, or name the column that holds the IDs with --id-column"
    )]
    NoIdColumn { name: String, columns: String },
    #[error("{name} has no column {wanted:?} (found: {columns}): give --id-column one of these")]
    NoSuchColumn { name: String, wanted: String, columns: String },
    #[error(
        "{name} has no header, and several IDs, profile URLs or other numbers in its first line: write one per line, or \
         put a header like invitation_id,name above the columns"
    )]
    SeveralIds { name: String },
    #[error(
        "{name}: line {line} has an ID and a profile URL: add a header line, like \
         invitation_id{0}name{0}profile_url",
        char::from(*delimiter)
    )]
    IdAndProfile { name: String, line: u64, delimiter: u8 },
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
#[error("{name} can't be read from line {line} on: run again with the whole input; settled rows are skipped")]
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

/// An input being read: an iterator over its rows that holds one record at most (except for JSON documents).
pub(crate) struct Input {
    rows: Rows,
    name: String,
    columns: Vec<Arc<str>>,
    format: InputFormat,
    is_regular_file: bool,
}

enum Rows {
    Csv(Box<CsvRows>),
    JsonLines(JsonLines),
    Json(JsonDocument),
    Ended,
}

impl Input {
    /// Opens the source and reads as much of it as its format and columns need.
    pub(crate) fn open(source: &Source, options: &InputOptions) -> Result<Self, InputError> {
        let path = match source {
            Source::Stdin => return Self::from_reader(io::stdin(), "stdin", None, options),
            Source::Path(path) => path,
        };
        let name = path.display().to_string();
        let unreadable = |source| InputError::Unreadable { name: name.clone(), source };
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(InputError::Directory { name });
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        Self::read(file, &name, extension, options, metadata.is_file())
    }

    /// Reads from `reader`; messages call it `name`.
    pub(crate) fn from_reader(
        reader: impl Read + Send + 'static,
        name: &str,
        extension: Option<&str>,
        options: &InputOptions,
    ) -> Result<Self, InputError> {
        Self::read(reader, name, extension, options, false)
    }

    fn read(
        reader: impl Read + Send + 'static,
        name: &str,
        extension: Option<&str>,
        options: &InputOptions,
        is_regular_file: bool,
    ) -> Result<Self, InputError> {
        let mut buffer = Buffer::new(reader, CHUNK);
        buffer.fill_to(MAGIC_BYTES);
        refuse_failed(&mut buffer, name)?;
        refuse_foreign(buffer.unread(), name, extension)?;
        let format = match options.format.or_else(|| InputFormat::of_extension(extension?)) {
            Some(format) => format,
            None => InputFormat::guess(&mut buffer),
        };
        let (rows, columns) = match format {
            InputFormat::Csv => open_csv(buffer, name, options)?,
            InputFormat::JsonLines => {
                let names = ColumnNames::new(options.id_column.as_deref());
                let mut rows = JsonLines::new(buffer, names, !options.accept_rounded_ids);
                // A pipe may take hours for as much, and its first row should not wait for it.
                let columns = if is_regular_file { rows.peek_columns(CHUNK) } else { rows.peek_columns(0) };
                (Rows::JsonLines(rows), columns)
            }
            InputFormat::Json => open_document(buffer, name, options)?,
        };
        Ok(Self { rows, name: name.into(), columns, format, is_regular_file })
    }

    /// Names of the carried columns, made unique, in the order of
    /// [`Carried::Cells`](crate::invitation::Carried::Cells). JSON Lines may carry more later on.
    pub(crate) fn columns(&self) -> &[Arc<str>] {
        &self.columns
    }

    pub(crate) fn format(&self) -> InputFormat {
        self.format
    }

    /// How its CSV is written; the usual way where it is none, or has no rows (any more).
    pub(crate) fn csv_style(&self) -> CsvStyle {
        match &self.rows {
            Rows::Csv(rows) => rows.style(),
            Rows::JsonLines(_) | Rows::Json(_) | Rows::Ended => CsvStyle::default(),
        }
    }

    /// Whether it can be read a second time from its start: not so stdin, a FIFO or a device.
    pub(crate) fn is_regular_file(&self) -> bool {
        self.is_regular_file
    }
}

impl Iterator for Input {
    type Item = Result<Result<Row, RowError>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = match &mut self.rows {
            Rows::Csv(rows) => rows.next(),
            Rows::JsonLines(rows) => rows.next(),
            Rows::Json(rows) => rows.next(),
            Rows::Ended => None,
        };
        if let Some(row) = row {
            return Some(Ok(row));
        }
        let (line, error) = match &mut self.rows {
            Rows::Csv(rows) => (rows.records().line(), rows.records().buffer().take_error()),
            Rows::JsonLines(rows) => (rows.line(), rows.buffer().take_error()),
            Rows::Json(_) | Rows::Ended => (0, None),
        };
        self.rows = Rows::Ended;
        error.map(|source| Err(ReadError::new(&self.name, line, source)))
    }
}

/// Enough to recognize what is not text.
const MAGIC_BYTES: usize = 4;
const ZIP: &[u8] = b"PK\x03\x04";
const OLE: &[u8] = b"\xD0\xCF\x11\xE0";
const GZIP: &[u8] = b"\x1F\x8B";
const ZSTD: &[u8] = b"\x28\xB5\x2F\xFD";
const XZ: &[u8] = b"\xFD7zX";
const BZIP2: &[u8] = b"BZh";

fn refuse_failed(buffer: &mut Buffer, name: &str) -> Result<(), InputError> {
    match buffer.take_error() {
        Some(source) => Err(InputError::Unreadable { name: name.into(), source }),
        None => Ok(()),
    }
}

/// What an empty file can't be told by.
const SPREADSHEETS: [&str; 3] = ["xlsx", "xls", "ods"];

fn refuse_foreign(bytes: &[u8], name: &str, extension: Option<&str>) -> Result<(), InputError> {
    // Not of more, which depends on how much a pipe holds at that moment.
    let first = &bytes[..bytes.len().min(MAGIC_BYTES)];
    let nul_bytes = first.iter().filter(|&&byte| byte == 0).count();
    // Text may begin as bzip2 does.
    let is_bzip2 = bytes.starts_with(BZIP2) && bytes.get(BZIP2.len()).is_some_and(u8::is_ascii_digit);
    let is_spreadsheet = extension.is_some_and(|of| SPREADSHEETS.iter().any(|one| of.eq_ignore_ascii_case(one)));
    if [ZIP, OLE, GZIP, ZSTD, XZ].iter().any(|magic| bytes.starts_with(magic))
        || is_bzip2
        || (is_spreadsheet && bytes.is_empty())
    {
        Err(InputError::NotText { name: name.into() })
    } else if nul_bytes > 0 && nul_bytes * 2 >= first.len() {
        // Every other byte of plain text in UTF-16; a stray one only spoils its row.
        Err(InputError::Utf16WithoutBom { name: name.into() })
    } else {
        Ok(())
    }
}

fn open_csv(buffer: Buffer, name: &str, options: &InputOptions) -> Result<(Rows, Vec<Arc<str>>), InputError> {
    let mut records = CsvRecords::new(buffer, RECORD_LIMIT);
    match CsvColumns::find(&mut records, name, options)? {
        Some(mut columns) => {
            let names = std::mem::take(&mut columns.names);
            Ok((Rows::Csv(Box::new(CsvRows::new(records, columns, !options.accept_rounded_ids))), names))
        }
        None => refuse_failed(records.buffer(), name).map(|()| (Rows::Ended, Vec::new())),
    }
}

fn open_document(buffer: Buffer, name: &str, options: &InputOptions) -> Result<(Rows, Vec<Arc<str>>), InputError> {
    let bytes = buffer.into_bytes().map_err(|source| InputError::Unreadable { name: name.into(), source })?;
    let text = String::from_utf8_lossy(&bytes);
    let names = ColumnNames::new(options.id_column.as_deref());
    let (rows, columns) = JsonDocument::parse(&text, names, !options.accept_rounded_ids, name)?;
    Ok((Rows::Json(rows), columns))
}
