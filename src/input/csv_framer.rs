//! Cuts CSV into records without parsing them, and knows the line each begins on.
//!
//! Owns the recovery from an unclosed quote: parsed as they stand, the lines behind it would be one cell, and
//! every invitation in them lost. The lines behind are read again then, at most the limit's worth of bytes for each
//! malformed record. Must not interpret cells; [`super::csv_record`] has the csv crate do that.

use memchr::{memchr2, memchr3};

use super::buffer::Buffer;

pub(super) struct Framer {
    pub(super) delimiter: u8,
    buffer: Buffer,
    limit: usize,
    line: u64,
    /// The last line ended with CR; an LF that follows belongs to it.
    after_cr: bool,
}

/// The record that the unread bytes begin with.
pub(super) struct Frame {
    /// The line it begins on, from 1.
    pub(super) line: u64,
    /// `Err` where its quotes can't be trusted. Then only its first line is taken, and the next record begins behind.
    pub(super) shape: Result<(), Malformed>,
    /// Bytes without the line end; of a malformed record, those of its first line as far as they were read.
    length: usize,
    breaks: u64,
    /// Of a malformed record, the last line that was looked through for its end.
    pub(super) reached: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("does not end within 1 MiB")]
    TooLong,
    #[error("does not end before the input does")]
    Unclosed,
    #[error("holds a quoted cell that runs on over the next lines and into another cell's quote")]
    RunsOn,
}

impl Frame {
    pub(super) fn lines(&self) -> u64 {
        self.breaks + 1
    }
}

impl Framer {
    pub(super) fn new(buffer: Buffer, limit: usize) -> Self {
        Self { delimiter: b',', buffer, limit, line: 1, after_cr: false }
    }

    pub(super) fn buffer(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn bytes(&self, frame: &Frame) -> &[u8] {
        &self.buffer.unread()[..frame.length]
    }

    /// Finds the next record that is not blank, and leaves it unread. `None` where the input has ended or failed.
    pub(super) fn peek(&mut self) -> Option<Frame> {
        loop {
            self.finish_crlf();
            let frame = self.find_end()?;
            if frame.shape.is_err() || !self.bytes(&frame).trim_ascii().is_empty() {
                return Some(frame);
            }
            self.take(&frame);
        }
    }

    /// Moves behind the record, or behind the first line of a malformed one.
    pub(super) fn take(&mut self, frame: &Frame) {
        self.buffer.consume(frame.length);
        self.line += frame.lines();
        loop {
            let unread = self.buffer.unread();
            if let Some(at) = memchr2(b'\r', b'\n', unread) {
                self.after_cr = unread[at] == b'\r';
                return self.buffer.consume(at + 1);
            }
            let rest = unread.len();
            self.buffer.consume(rest);
            if !self.buffer.fill() {
                return;
            }
        }
    }

    fn finish_crlf(&mut self) {
        if !self.after_cr || (self.buffer.unread().is_empty() && !self.buffer.fill()) {
            return;
        }
        self.after_cr = false;
        if self.buffer.unread().starts_with(b"\n") {
            self.buffer.consume(1);
        }
    }

    fn find_end(&mut self) -> Option<Frame> {
        let mut scan = Scan::default();
        let shape = loop {
            let unread = self.buffer.unread();
            let window = &unread[..unread.len().min(self.limit)];
            if let Some(shape) = scan.advance(window, self.delimiter) {
                break shape;
            }
            if window.len() == self.limit {
                break Err(Malformed::TooLong);
            }
            if self.buffer.fill() {
                continue;
            }
            if self.buffer.has_failed() || self.buffer.unread().is_empty() {
                return None;
            }
            break if scan.state == State::Quoted { Err(Malformed::Unclosed) } else { Ok(()) };
        };
        Some(match shape {
            Ok(()) => Frame { line: self.line, shape, length: scan.at, breaks: scan.breaks, reached: self.line },
            Err(_) => Frame {
                line: self.line,
                shape,
                length: scan.first_break.unwrap_or(scan.at),
                breaks: 0,
                reached: self.line + scan.breaks,
            },
        })
    }
}

/// How far a record has been looked through, by the csv crate's own rules for quotes and line ends.
#[derive(Default)]
struct Scan {
    at: usize,
    state: State,
    /// The quoted cell being read has a line break in it.
    spans_lines: bool,
    first_break: Option<usize>,
    breaks: u64,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    CellStart,
    Unquoted,
    Quoted,
    QuoteInQuoted,
}

impl Scan {
    /// Goes on to the record's end; `None` where the window has none yet.
    fn advance(&mut self, window: &[u8], delimiter: u8) -> Option<Result<(), Malformed>> {
        while let Some(rest) = window.get(self.at..).filter(|rest| !rest.is_empty()) {
            // Inside a cell only these bytes mean anything, so the scan jumps from one to the next.
            let skipped = match self.state {
                State::CellStart | State::QuoteInQuoted => Some(0),
                State::Unquoted => memchr3(delimiter, b'\n', b'\r', rest),
                State::Quoted => memchr3(b'"', b'\n', b'\r', rest),
            };
            let Some(skipped) = skipped else {
                self.at = window.len();
                return None;
            };
            self.at += skipped;
            let byte = rest[skipped];
            let line_end = matches!(byte, b'\n' | b'\r');
            self.state = match self.state {
                State::Quoted if line_end => {
                    self.count_break(window);
                    State::Quoted
                }
                State::Quoted => State::QuoteInQuoted,
                State::QuoteInQuoted if byte == b'"' => State::Quoted,
                State::CellStart if byte == b'"' => {
                    self.spans_lines = false;
                    State::Quoted
                }
                State::CellStart | State::Unquoted | State::QuoteInQuoted if line_end => return Some(Ok(())),
                State::CellStart | State::Unquoted | State::QuoteInQuoted if byte == delimiter => State::CellStart,
                State::QuoteInQuoted if self.spans_lines => return Some(Err(Malformed::RunsOn)),
                State::CellStart | State::Unquoted | State::QuoteInQuoted => State::Unquoted,
            };
            self.at += 1;
        }
        None
    }

    fn count_break(&mut self, window: &[u8]) {
        self.spans_lines = true;
        self.first_break.get_or_insert(self.at);
        let ends_crlf = window[self.at] == b'\n' && self.at > 0 && window[self.at - 1] == b'\r';
        self.breaks += u64::from(!ends_crlf);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::buffer::{CHUNK, RECORD_LIMIT};
    use super::super::csv_record::Record;
    use super::*;

    type Framed = (u64, Result<String, Malformed>);

    fn framer(bytes: &[u8], chunk: usize, limit: usize) -> Framer {
        Framer::new(Buffer::new(std::io::Cursor::new(bytes.to_vec()), chunk), limit)
    }

    fn frames(bytes: &[u8], chunk: usize, limit: usize) -> Vec<Framed> {
        let mut framer = framer(bytes, chunk, limit);
        let mut frames = Vec::new();
        while let Some(frame) = framer.peek() {
            let text = String::from_utf8_lossy(framer.bytes(&frame)).into_owned();
            frames.push((frame.line, frame.shape.map(|()| text)));
            framer.take(&frame);
        }
        frames
    }

    #[test]
    fn records_end_where_the_csv_crate_ends_them() {
        let record = |line, text: &str| (line, Ok(text.to_string()));
        let cases: [(&str, Vec<Framed>); 15] = [
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
        ];
        for (text, expected) in cases {
            for chunk in [1, 2, 3, CHUNK] {
                assert_eq!(frames(text.as_bytes(), chunk, RECORD_LIMIT), expected, "{text:?} by {chunk}");
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
                assert_eq!(frames(text.as_bytes(), chunk, 8), expected, "{text:?} by {chunk}");
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
        let mut framer = framer(bytes, chunk, RECORD_LIMIT);
        let mut record = Record::new(framer.delimiter);
        let mut records = Vec::new();
        while let Some(frame) = framer.peek() {
            frame.shape.unwrap();
            record.parse(framer.bytes(&frame));
            records.push(record.cells());
            framer.take(&frame);
        }
        records
    }

    /// The lines of a text by the framer's rule, blank or not.
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
        fn any_bytes_are_framed_line_by_line_in_bounded_memory(
            bytes in prop::collection::vec(prop::sample::select(b"\"\",,\n\n\r7a \xFF".to_vec()), 0..400),
            chunk in 1_usize..20,
            limit in 2_usize..60,
        ) {
            let mut framer = framer(&bytes, chunk, limit);
            let lines = lines(&bytes);
            let mut expected_line = 1;
            while let Some(frame) = framer.peek() {
                // What lies between two records is blank: nothing is lost.
                for skipped in expected_line..frame.line {
                    prop_assert_eq!(lines[skipped as usize - 1].trim(), "");
                }
                prop_assert!(frame.line >= expected_line);
                let first_line = &lines[frame.line as usize - 1];
                let text = String::from_utf8_lossy(framer.bytes(&frame)).into_owned();
                prop_assert!(text.starts_with(first_line.as_str()) || first_line.starts_with(&text));
                expected_line = frame.line + frame.lines();
                framer.take(&frame);
                prop_assert!(framer.buffer.capacity() <= limit + 2 * chunk);
            }
            for rest in lines.iter().skip(expected_line as usize - 1) {
                prop_assert_eq!(rest.trim(), "");
            }
            prop_assert_eq!(frames(&bytes, chunk, limit), frames(&bytes, 1000, limit));
        }
    }
}
