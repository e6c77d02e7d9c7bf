//! Formats: how a record, whatever it holds, becomes bytes.
//!
//! A new format is one file with its [`Encoder`], and one entry in each match of [`Format`] if users may choose it.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, IsTerminal};
use std::path::Path;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::csv::Csv;
use super::file::ReportFile;
use super::json::{JsonArray, JsonLines};
use super::table::Table;
use crate::input::CsvStyle;

/// The formats of the results report and of `list`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    JsonLines,
}

impl Format {
    pub(crate) fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            _ => None,
        }
    }

    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    pub(super) fn encoder(self, style: CsvStyle) -> Box<dyn Encoder> {
        match self {
            Self::Csv => Box::new(Csv::new(style)),
            Self::JsonLines => Box::new(JsonLines),
        }
    }
}

/// How `history`, `check` and `config` write to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TableFormat {
    Table,
    Csv,
    Json,
}

impl TableFormat {
    /// What suits whoever reads standard output.
    pub(crate) fn of_stdout() -> Self {
        if io::stdout().is_terminal() { Self::Table } else { Self::Csv }
    }

    pub(crate) fn encoder(self, table: Table) -> Box<dyn Encoder> {
        match self {
            Self::Table => Box::new(table),
            Self::Csv => Box::new(Csv::default()),
            Self::Json => Box::new(JsonArray::default()),
        }
    }
}

/// Appends records to a buffer.
pub(crate) trait Encoder: fmt::Debug + Send {
    /// Whether each record must have exactly the columns of the head. Otherwise each record names its columns itself.
    fn has_columns(&self) -> bool {
        false
    }

    fn head(&mut self, _columns: &mut dyn Iterator<Item = &str>, _out: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    fn line(&mut self, record: &mut dyn Iterator<Item = Field<'_>>, out: &mut Vec<u8>) -> io::Result<()>;

    fn tail(&mut self, _out: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }
}

/// A column's name and what a record holds there.
pub(crate) type Field<'a> = (Cow<'a, str>, Cell<'a>);

#[derive(Clone, Debug)]
pub(crate) enum Cell<'a> {
    Absent,
    Number(u64),
    /// Text of this program or its user.
    Own(Cow<'a, str>),
    /// Text of the input or the API, which may try to be a formula.
    Foreign(&'a str),
    Json(&'a Value),
}

impl<'a> Cell<'a> {
    pub(crate) fn number(number: Option<impl Into<u64>>) -> Self {
        number.map_or(Self::Absent, |number| Self::Number(number.into()))
    }

    pub(crate) fn own(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Own(text.into())
    }

    /// Foreign text, absent if empty.
    pub(crate) fn foreign(text: &'a str) -> Self {
        if text.is_empty() { Self::Absent } else { Self::Foreign(text) }
    }
}

/// As text; a JSON value that is no text as JSON.
impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent | Self::Json(Value::Null) => Ok(()),
            Self::Number(number) => number.fmt(f),
            Self::Own(text) => f.write_str(text),
            Self::Foreign(text) => f.write_str(text),
            Self::Json(Value::String(text)) => f.write_str(text),
            Self::Json(value) => value.fmt(f),
        }
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_none(),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Own(text) => serializer.serialize_str(text),
            Self::Foreign(text) => serializer.serialize_str(text),
            Self::Json(value) => value.serialize(serializer),
        }
    }
}

/// Records of the same columns as one text, from head to tail.
pub(crate) fn encode<'a, const N: usize>(
    mut encoder: Box<dyn Encoder>,
    columns: [&'static str; N],
    records: impl IntoIterator<Item = [Cell<'a>; N]>,
) -> io::Result<String> {
    let mut out = Vec::new();
    encoder.head(&mut columns.into_iter(), &mut out)?;
    for cells in records {
        encoder.line(&mut columns.map(Cow::Borrowed).into_iter().zip(cells), &mut out)?;
    }
    encoder.tail(&mut out)?;
    String::from_utf8(out).map_err(io::Error::other)
}

/// More is written at once, so that long lines neither fill the memory nor wait for a pause.
const MOST_BUFFERED: usize = 1 << 16;

/// A file of records. What is added waits in a buffer until [`RecordFile::write`].
#[derive(Debug)]
pub(super) struct RecordFile {
    pub file: ReportFile,
    pub encoder: Box<dyn Encoder>,
    buffer: Vec<u8>,
}

impl RecordFile {
    pub(super) fn begin<'a>(
        file: ReportFile,
        mut encoder: Box<dyn Encoder>,
        mut columns: impl Iterator<Item = &'a str>,
    ) -> io::Result<Self> {
        let mut buffer = Vec::new();
        encoder.head(&mut columns, &mut buffer)?;
        Ok(Self { file, encoder, buffer })
    }

    pub(super) fn add<'a>(&mut self, mut record: impl Iterator<Item = Field<'a>>) -> io::Result<()> {
        self.encoder.line(&mut record, &mut self.buffer)?;
        if self.buffer.len() < MOST_BUFFERED { Ok(()) } else { self.write() }
    }

    pub(super) fn write(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = self.file.write(&self.buffer);
        self.buffer.clear();
        written
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.encoder.tail(&mut self.buffer)?;
        self.write()?;
        self.file.finish()
    }
}
