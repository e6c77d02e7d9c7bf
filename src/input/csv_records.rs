//! Splits CSV into records, and knows on which line each begins.
//!
//! Owns the recovery from an unclosed quote. To the csv crate all lines behind one are a single cell, and the invitations
//! in them would be lost; so only the record's first line is dropped, and parsing starts again at the next. Must not know
//! what a cell means.

use std::borrow::Cow;
use std::io::Cursor;

use csv_core::ReadRecordResult;
use memchr::{memchr2, memchr2_iter};

use super::buffer::{Buffer, CHUNK};
#[cfg(fuzzing)]
use super::kept_parsers::{Parser, parser};
use super::open::CsvStyle;

pub(crate) struct CsvRecords {
    parser: Parser,
    delimiter: u8,
    buffer: Buffer,
    limit: usize,
    /// What a line begins with that is skipped.
    comment: Option<u8>,
    line: u64,
    /// The last line ended with CR; an LF that follows belongs to it.
    after_cr: bool,
    /// The cells of the record that was parsed last, one behind the other, and where each ends.
    text: Vec<u8>,
    ends: Vec<usize>,
    width: usize,
}

/// Where a record is. Its cells are read from [`CsvRecords`], until the next one is parsed.
pub(crate) struct CsvRecord {
    /// The line on which it begins, from 1.
    pub(crate) line: u64,
    /// How many lines it has; of a malformed record, only the first is consumed.
    pub(crate) lines: u64,
    pub(crate) malformed: Option<Malformed>,
    /// The last line that was read to find its end.
    pub(super) reached: u64,
    /// Bytes without the line end.
    length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("does not end within 1 MiB")]
    TooLong,
    #[error("does not end before the input does")]
    Unclosed,
    #[error("holds a quoted cell that runs on over the next lines and into another cell's quote")]
    RunsOn,
}

impl CsvRecords {
    /// `limit` is the most bytes of a record, its line end included.
    pub(super) fn new(buffer: Buffer, limit: usize) -> Self {
        let delimiter = b',';
        let parser = parser(delimiter);
        let (text, ends) = (vec![0; 1024], vec![0; 16]);
        Self { parser, delimiter, buffer, limit, comment: None, line: 1, after_cr: false, text, ends, width: 0 }
    }

    /// Records of a text in memory, of any length; lines that begin with `#` are skipped.
    pub(crate) fn with_comments(text: &str) -> Self {
        let buffer = Buffer::new(Cursor::new(text.to_owned()), CHUNK);
        Self { comment: Some(b'#'), ..Self::new(buffer, usize::MAX) }
    }

    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    pub(super) fn style(&self) -> CsvStyle {
        CsvStyle { delimiter: self.delimiter, has_bom: self.buffer.has_bom() }
    }

    pub(super) fn set_delimiter(&mut self, delimiter: u8) {
        if self.delimiter != delimiter {
            self.delimiter = delimiter;
            self.parser = parser(delimiter);
        }
        self.parser.reset();
    }

    pub(super) fn buffer(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// A cell's text, bad bytes replaced by U+FFFD: it is no digit and no white space, so an ID with one stays invalid.
    pub(super) fn cell(&self, at: usize) -> Option<Cow<'_, str>> {
        let end = *self.ends[..self.width].get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(String::from_utf8_lossy(&self.text[start..end]))
    }

    pub(crate) fn cells(&self) -> Vec<String> {
        (0..self.width).filter_map(|at| self.cell(at)).map(Cow::into_owned).collect()
    }

    /// The bytes of a record that has not been consumed yet.
    pub(super) fn raw(&self, record: &CsvRecord) -> &[u8] {
        &self.buffer.unread()[..record.length]
    }

    /// Parses the next record that is not blank, and leaves it unread. `None` where the input has ended or failed.
    pub(super) fn peek(&mut self) -> Option<CsvRecord> {
        loop {
            self.finish_crlf();
            let record = self.parse()?;
            if record.malformed.is_some() || !self.raw(&record).trim_ascii().is_empty() {
                return Some(record);
            }
            self.consume(&record);
        }
    }

    /// Moves behind the record, or behind the first line of a malformed one.
    pub(super) fn consume(&mut self, record: &CsvRecord) {
        self.buffer.consume(record.length);
        self.line += record.lines;
        self.after_cr = self.buffer.skip_past(|unread| memchr2(b'\r', b'\n', unread)) == Some(b'\r');
    }

    fn finish_crlf(&mut self) {
        if self.after_cr && self.first_byte() == Some(b'\n') {
            self.buffer.consume(1);
        }
        self.after_cr = false;
    }

    fn first_byte(&mut self) -> Option<u8> {
        self.buffer.fill_to(1);
        self.buffer.unread().first().copied()
    }

    fn parse(&mut self) -> Option<CsvRecord> {
        self.width = 0;
        let first = self.first_byte()?;
        // The parser would skip such lines too, and nobody would count them.
        let is_blank = matches!(first, b'\r' | b'\n') || self.comment == Some(first);
        let (end, malformed) = if is_blank { (0, None) } else { self.parse_cells()? };
        let mut record = CsvRecord { line: self.line, lines: 1, malformed, reached: self.line, length: end };
        if let Some(first_break) = memchr2(b'\r', b'\n', self.raw(&record)) {
            let breaks = line_breaks(self.raw(&record));
            record.reached += breaks;
            record.malformed = malformed.or_else(|| self.runs_on(&record).then_some(Malformed::RunsOn));
            match record.malformed {
                None => record.lines += breaks,
                Some(_) => record.length = first_break,
            }
        }
        if record.malformed.is_some() {
            self.parser.reset();
            self.width = 0;
        }
        Some(record)
    }

    /// Parses up to the record's end, and returns how many bytes that are, the line end not counted.
    fn parse_cells(&mut self) -> Option<(usize, Option<Malformed>)> {
        let (mut at, mut written) = (0, 0);
        loop {
            let window = self.buffer.unread().len().min(self.limit);
            let is_used_up = at == window;
            if is_used_up {
                if window == self.limit {
                    return Some((at, Some(Malformed::TooLong)));
                }
                if self.buffer.fill() {
                    continue;
                }
                if self.buffer.has_failed() {
                    return None;
                }
            }
            // At the input's end, a line end closes the last record, unless it is within quotes.
            let input = if is_used_up { b"\n" } else { &self.buffer.unread()[at..window] };
            let (result, read, wrote, ended) =
                self.parser.read_record(input, &mut self.text[written..], &mut self.ends[self.width..]);
            written += wrote;
            self.width += ended;
            match result {
                ReadRecordResult::Record | ReadRecordResult::End if is_used_up => return Some((at, None)),
                ReadRecordResult::Record | ReadRecordResult::End => return Some((at + read - 1, None)),
                ReadRecordResult::InputEmpty if is_used_up => return Some((at, Some(Malformed::Unclosed))),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            }
            at += if is_used_up { 0 } else { read };
        }
    }

    /// Whether text follows the closing quote of a cell that spans lines: then that quote was meant to open another cell.
    fn runs_on(&self, record: &CsvRecord) -> bool {
        let raw = String::from_utf8_lossy(self.raw(record));
        let mut rest = raw.as_ref();
        // Each such cell must be there as a writer quotes it, one after the other.
        self.cells().iter().filter(|cell| cell.contains(['\n', '\r'])).any(|cell| {
            let quoted = format!("\"{}\"", cell.replace('"', "\"\""));
            let behind = rest.split_once(&quoted).map(|(_, behind)| behind);
            rest = behind.unwrap_or_default();
            behind.is_none()
        })
    }
}

impl Iterator for CsvRecords {
    type Item = CsvRecord;

    fn next(&mut self) -> Option<CsvRecord> {
        let record = self.peek()?;
        self.consume(&record);
        Some(record)
    }
}

#[cfg(not(fuzzing))]
type Parser = csv_core::Reader;

#[cfg(not(fuzzing))]
fn parser(delimiter: u8) -> Parser {
    csv_core::ReaderBuilder::new().delimiter(delimiter).build()
}

fn line_breaks(bytes: &[u8]) -> u64 {
    let is_own = |at: &usize| bytes[*at] == b'\r' || *at == 0 || bytes[*at - 1] != b'\r';
    memchr2_iter(b'\r', b'\n', bytes).filter(is_own).count() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::buffer::{CHUNK, RECORD_LIMIT};
    use super::*;

    type Read = (u64, Result<String, Malformed>);

    fn open(bytes: &[u8], chunk: usize, limit: usize) -> CsvRecords {
        CsvRecords::new(Buffer::new(std::io::Cursor::new(bytes.to_vec()), chunk), limit)
    }

    fn read(bytes: &[u8], chunk: usize, limit: usize) -> Vec<Read> {
        let mut records = open(bytes, chunk, limit);
        let mut read = Vec::new();
        while let Some(record) = records.peek() {
            let text = String::from_utf8_lossy(records.raw(&record)).into_owned();
            read.push((record.line, record.malformed.map_or(Ok(text), Err)));
            records.consume(&record);
        }
        read
    }

    #[test]
    fn records_end_where_the_csv_crate_ends_them() {
        let record = |line, text: &str| (line, Ok(text.to_string()));
        let cases: [(&str, Vec<Read>); 16] = [
            ("", vec![]),
            ("\n \r\n\t\n", vec![]),
            ("a\nb", vec![record(1, "a"), record(2, "b")]),
            ("a\r\nb\r\n", vec![record(1, "a"), record(2, "b")]),
            ("a\rb\r\rc", vec![record(1, "a"), record(2, "b"), record(4, "c")]),
            ("a\n\n\nb", vec![record(1, "a"), record(4, "b")]),
            (",,\nb", vec![record(1, ",,"), record(2, "b")]),
            ("a,\"x\r\ny\n\rz\"\nb", vec![record(1, "a,\"x\r\ny\n\rz\""), record(5, "b")]),
            ("a,\"x\n\"\"y\"\"\n\"\nb", vec![record(1, "a,\"x\n\"\"y\"\"\n\""), record(4, "b")]),
            ("a\"b\nc", vec![record(1, "a\"b"), record(2, "c")]),
            ("\"a\"b\nc", vec![record(1, "\"a\"b"), record(2, "c")]),
            ("\"x\ny\",\"a\"b\nc", vec![record(1, "\"x\ny\",\"a\"b"), record(3, "c")]),
            ("a,\"x\nb\nc", vec![(1, Err(Malformed::Unclosed)), record(2, "b"), record(3, "c")]),
            ("a,\"x\r\nb\r\nc,\"y\"\r\n", vec![(1, Err(Malformed::RunsOn)), record(2, "b"), record(3, "c,\"y\"")]),
            ("a\nb,\"x", vec![record(1, "a"), (2, Err(Malformed::Unclosed))]),
            // Two cells of the same text, and only the second is quoted right.
            ("a,\"\n\"b,\"\nb\"", vec![(1, Err(Malformed::RunsOn)), record(2, "\"b,\""), record(3, "b\"")]),
        ];
        for (text, expected) in cases {
            for chunk in [1, 2, 3, CHUNK] {
                assert_eq!(read(text.as_bytes(), chunk, RECORD_LIMIT), expected, "{text:?} by {chunk}");
            }
        }
    }

    #[test]
    fn a_record_over_the_limit_costs_its_first_line_alone() {
        let record = |line, text: &str| (line, Ok(text.to_string()));
        let cases = [
            ("aaaaaaaaaa\nb", vec![(1, Err(Malformed::TooLong)), record(2, "b")]),
            ("aaaaaaaaaa\r\n\r\nb", vec![(1, Err(Malformed::TooLong)), record(3, "b")]),
            (
                "\"a\nb\nc\nd\ne\"\nf",
                vec![
                    (1, Err(Malformed::TooLong)),
                    record(2, "b"),
                    record(3, "c"),
                    record(4, "d"),
                    record(5, "e\""),
                    record(6, "f"),
                ],
            ),
            ("aaaaaaa\nb", vec![record(1, "aaaaaaa"), record(2, "b")]),
        ];
        for (text, expected) in cases {
            for chunk in [1, 5, CHUNK] {
                assert_eq!(read(text.as_bytes(), chunk, 8), expected, "{text:?} by {chunk}");
            }
        }
    }

    fn csv_crate(bytes: &[u8]) -> Vec<Vec<String>> {
        csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(bytes)
            .byte_records()
            .map(|record| record.unwrap().iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect())
            .collect()
    }

    fn ours(bytes: &[u8], chunk: usize) -> Vec<Vec<String>> {
        let mut records = open(bytes, chunk, RECORD_LIMIT);
        let mut read = Vec::new();
        while let Some(record) = records.next() {
            assert_eq!(record.malformed, None);
            read.push(records.cells());
        }
        read
    }

    /// The lines of a text, blank or not.
    fn lines(bytes: &[u8]) -> Vec<String> {
        let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n");
        text.split('\n').map(str::to_string).collect()
    }

    proptest! {
        #[test]
        fn well_formed_csv_reads_as_the_csv_crate_reads_it(
            records in prop::collection::vec(prop::collection::vec("[a,\"\r\né ]{0,6}", 1..40), 0..8),
            crlf: bool,
            always: bool,
            chunk in 1_usize..30,
        ) {
            let mut writer = csv::WriterBuilder::new()
                .flexible(true)
                .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
                .quote_style(if always { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary })
                .from_writer(Vec::new());
            for record in &records {
                // Blank lines are no records of ours.
                writer.write_record(std::iter::once("7").chain(record.iter().map(String::as_str))).unwrap();
            }
            let bytes = writer.into_inner().unwrap();
            prop_assert_eq!(ours(&bytes, chunk), csv_crate(&bytes));
        }

        #[test]
        fn any_bytes_are_read_line_by_line_in_bounded_memory(
            bytes in prop::collection::vec(prop::sample::select(b"\"\",,\n\n\r7a \xFF".to_vec()), 0..400),
            chunk in 1_usize..20,
            limit in 2_usize..60,
        ) {
            let mut records = open(&bytes, chunk, limit);
            let lines = lines(&bytes);
            let mut expected_line = 1;
            while let Some(record) = records.peek() {
                // What lies between two records is blank: nothing is lost.
                for skipped in expected_line..record.line {
                    prop_assert_eq!(lines[skipped as usize - 1].trim(), "");
                }
                prop_assert!(record.line >= expected_line);
                let first_line = &lines[record.line as usize - 1];
                let text = String::from_utf8_lossy(records.raw(&record)).into_owned();
                prop_assert!(text.starts_with(first_line.as_str()) || first_line.starts_with(&text));
                expected_line = record.line + record.lines;
                records.consume(&record);
                prop_assert!(records.buffer.capacity() <= limit + 2 * chunk);
            }
            for rest in lines.iter().skip(expected_line as usize - 1) {
                prop_assert_eq!(rest.trim(), "");
            }
            prop_assert_eq!(read(&bytes, chunk, limit), read(&bytes, 1000, limit));
        }
    }
}
