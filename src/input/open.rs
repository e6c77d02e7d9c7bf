//! Opens an input and yields its rows.
//!
//! Owns the order of the checks that come before the first row. Must not know a format's rules.

use std::{
    fs::File,
    io::{self, Read},
    sync::Arc,
};

use super::buffer::{Buffer, CHUNK, RECORD_LIMIT};
use super::columns::ColumnNames;
use super::csv_records::CsvRecords;
use super::csv_rows::{CsvColumns, CsvRows};
use super::error::{InputError, ReadError};
use super::format::InputFormat;
use super::json_document::JsonDocument;
use super::json_lines::JsonLines;
use super::source::{InputOptions, Source};
use crate::invitation::{Row, RowError};

/// An input being read: an iterator over its rows that never holds more than one record (a JSON document apart).
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
    /// Opens the source and reads as much of it as tells its format and columns.
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
        refuse_foreign(buffer.unread(), name)?;
        let format = match options.format.or_else(|| InputFormat::of_extension(extension?)) {
            Some(format) => format,
            None => InputFormat::guess(&mut buffer),
        };
        let (rows, columns) = match format {
            InputFormat::Csv => open_csv(buffer, name, options)?,
            InputFormat::JsonLines => {
                let names = ColumnNames::new(options.id_column.as_deref());
                let mut rows = JsonLines::new(buffer, names, RECORD_LIMIT);
                // A pipe may take hours for as much, and its first row should not wait for it.
                let columns = if is_regular_file { rows.peek_columns(CHUNK) } else { rows.peek_columns(0) };
                (Rows::JsonLines(rows), columns)
            }
            InputFormat::Json => open_document(buffer, name, options)?,
        };
        Ok(Self { rows, name: name.into(), columns, format, is_regular_file })
    }

    /// Names of the carried columns as they came, each made unique, in the order of
    /// [`Carried::Cells`](crate::invitation::Carried::Cells). JSON Lines may carry more later on.
    pub(crate) fn columns(&self) -> &[Arc<str>] {
        &self.columns
    }

    pub(crate) fn format(&self) -> InputFormat {
        self.format
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
        let error = match &mut self.rows {
            Rows::Csv(rows) => {
                let line = rows.records().line();
                rows.records().buffer().take_error().map(|error| (line, error))
            }
            Rows::JsonLines(rows) => {
                let line = rows.line();
                rows.buffer().take_error().map(|error| (line, error))
            }
            Rows::Json(_) | Rows::Ended => None,
        };
        self.rows = Rows::Ended;
        error.map(|(line, error)| Err(ReadError::new(&self.name, line, error)))
    }
}

/// Enough to know what is no text.
const MAGIC_BYTES: usize = 4;
const ZIP: &[u8] = b"PK\x03\x04";
const OLE: &[u8] = b"\xD0\xCF\x11\xE0";

fn refuse_failed(buffer: &mut Buffer, name: &str) -> Result<(), InputError> {
    match buffer.take_error() {
        Some(source) => Err(InputError::Unreadable { name: name.into(), source }),
        None => Ok(()),
    }
}

fn refuse_foreign(bytes: &[u8], name: &str) -> Result<(), InputError> {
    let nul_bytes = bytes.iter().filter(|&&byte| byte == 0).count();
    if bytes.starts_with(ZIP) || bytes.starts_with(OLE) {
        Err(InputError::NotText { name: name.into() })
    } else if nul_bytes > 0 && nul_bytes >= bytes.len() / 4 {
        // Every other byte of plain text in UTF-16; a stray one is for the row that holds it.
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
    let (rows, columns) = JsonDocument::parse(&text, names, name)?;
    Ok((Rows::Json(rows), columns))
}
