//! CSV: a head with the columns' names, then a line per record.

use std::io::{self, Write};

use memchr::{memchr2, memchr3};
use serde_json::Value;

use super::format::{Cell, Encoder, Field};
use crate::input::CsvStyle;

/// Room that a field needs beside its own bytes, each of which may be doubled: a delimiter and two quotes.
const AROUND_A_FIELD: usize = 3;

#[derive(Debug, Default)]
pub(super) struct Csv {
    writer: csv_core::Writer,
    has_bom: bool,
    /// Of the field that is being written; the buffer is reused.
    text: Vec<u8>,
}

impl Csv {
    pub(super) fn new(CsvStyle { delimiter, has_bom }: CsvStyle) -> Self {
        let writer = csv_core::WriterBuilder::new().delimiter(delimiter).build();
        Self { writer, has_bom, text: Vec::new() }
    }

    fn record<'a>(&mut self, cells: impl Iterator<Item = Cell<'a>>, out: &mut Vec<u8>) -> io::Result<()> {
        for (at, cell) in cells.enumerate() {
            self.text.clear();
            write!(self.text, "{cell}")?;
            if may_be_a_formula(&cell)
                && let Some(harmless) = without_formulas(&self.text)
            {
                self.text = harmless.into_bytes();
            }
            let mut end = out.len();
            out.resize(end + 2 * self.text.len() + AROUND_A_FIELD, 0);
            if at > 0 {
                end += self.writer.delimiter(&mut out[end..]).1;
            }
            end += self.writer.field(&self.text, &mut out[end..]).2;
            out.truncate(end);
        }
        let end = out.len();
        out.resize(end + AROUND_A_FIELD, 0);
        let written = self.writer.terminator(&mut out[end..]).1;
        out.truncate(end + written);
        Ok(())
    }
}

impl Encoder for Csv {
    fn has_columns(&self) -> bool {
        true
    }

    fn head(&mut self, columns: &mut dyn Iterator<Item = &str>, out: &mut Vec<u8>) -> io::Result<()> {
        if self.has_bom {
            out.extend("\u{feff}".as_bytes());
        }
        self.record(columns.map(Cell::Foreign), out)
    }

    fn line(&mut self, record: &mut dyn Iterator<Item = Field<'_>>, out: &mut Vec<u8>) -> io::Result<()> {
        self.record(record.map(|(_, cell)| cell), out)
    }
}

/// A number can't begin a formula, though -5 begins like one; other JSON values don't begin like one.
fn may_be_a_formula(cell: &Cell<'_>) -> bool {
    match cell {
        Cell::Foreign(_) | Cell::Json(Value::String(_)) => true,
        Cell::Absent | Cell::Number(_) | Cell::Own(_) | Cell::Json(_) => false,
    }
}

/// What begins a formula; the wide ones do in East Asian spreadsheets.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// An apostrophe makes text of what would be a formula: at the cell's begin, and behind whatever another spreadsheet takes
/// for the cell's end, as those do that expect semicolons. `None` where nothing would be one.
fn without_formulas(text: &[u8]) -> Option<String> {
    // Most texts have none of these; the wide ones begin with 0xEF.
    let has_one = memchr3(b'=', b'+', b'-', text).is_some() || memchr2(b'@', 0xEF, text).is_some();
    if !has_one && !text.first().is_some_and(|first| b"\t\r\n".contains(first)) {
        return None;
    }
    let text = String::from_utf8_lossy(text);
    let (mut out, mut begins) = (String::with_capacity(text.len() + 1), true);
    for c in text.chars() {
        if begins && (FORMULA.contains(&c) || out.is_empty() && matches!(c, '\t' | '\r' | '\n')) {
            out.push('\'');
        }
        // Quotes at a cell's begin are not part of it.
        begins = matches!(c, ',' | ';' | '\t' | '|' | '\r' | '\n') || begins && c == '"';
        out.push(c);
    }
    (out.len() > text.len()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(cell: Cell<'_>) -> String {
        let mut out = Vec::new();
        Csv::default().line(&mut [("".into(), cell), ("".into(), Cell::Absent)].into_iter(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_cell_is_a_formula() {
        let cases = [
            ("=1+1", "'=1+1"),
            ("+49 30 1234", "'+49 30 1234"),
            ("-", "'-"),
            ("@home", "'@home"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("plain", "plain"),
            ("a=b", "a=b"),
            ("", ""),
            ("＝1", "'＝1"),
            // A spreadsheet that expects semicolons, or ends the cell at the line break, begins another cell there.
            ("Ada;=1+1", "Ada;'=1+1"),
            ("Ada;\"=1+1", "\"Ada;\"\"'=1+1\""),
            ("Ada\n@x", "\"Ada\n'@x\""),
            ("a; -b", "a; -b"),
        ];
        for (text, expected) in cases {
            assert_eq!(line(Cell::Foreign(text)), format!("{expected},\n"), "{text:?}");
            assert_eq!(line(Cell::Json(&Value::from(text))), format!("{expected},\n"), "{text:?} as JSON");
        }
        assert_eq!(line(Cell::Json(&Value::from(-5))), "-5,\n");
        assert_eq!(line(Cell::Json(&Value::Null)), ",\n");
        assert_eq!(line(Cell::own("-sales")), "-sales,\n");
    }

    #[test]
    fn it_is_written_as_its_input_is() {
        let mut out = Vec::new();
        let mut csv = Csv::new(CsvStyle { delimiter: b';', has_bom: true });
        csv.head(&mut ["a;b", "c,d"].into_iter(), &mut out).unwrap();
        csv.line(&mut [("".into(), Cell::Foreign("=1")), ("".into(), Cell::Number(7))].into_iter(), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "\u{feff}\"a;b\";c,d\n'=1;7\n");
    }

    #[test]
    fn what_is_special_is_quoted() {
        for delimiter in *b",;\t| :-" {
            for text in ["a,b", "a\"b", "a\nb", "\"\"\"", "\",\"\n", "", "ä", " ", "a;b|c\td", "10:15", "a-b"] {
                let mut line = Vec::new();
                let mut cells = [("".into(), Cell::Foreign(text)), ("".into(), Cell::Absent)].into_iter();
                Csv::new(CsvStyle { delimiter, has_bom: false }).line(&mut cells, &mut line).unwrap();
                let mut read = csv::ReaderBuilder::new();
                let mut read = read.has_headers(false).delimiter(delimiter).from_reader(line.as_slice());
                let record = read.records().next().unwrap().unwrap();
                assert_eq!((&record[0], &record[1], record.len()), (text, "", 2), "{:?}", char::from(delimiter));
            }
        }
    }
}
