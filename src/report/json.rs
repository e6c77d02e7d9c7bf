//! JSON: an object per line, or an array of objects. Numbers are numbers, absent values null.

use std::io;

use serde::Serializer as _;
use serde_json::Serializer;

use super::format::{Encoder, Field};

#[derive(Debug)]
pub(super) struct JsonLines;

impl Encoder for JsonLines {
    fn line(&mut self, record: &mut dyn Iterator<Item = Field<'_>>, out: &mut Vec<u8>) -> io::Result<()> {
        Serializer::new(&mut *out).collect_map(record)?;
        out.push(b'\n');
        Ok(())
    }
}

/// An array, indented for people.
#[derive(Debug, Default)]
pub(super) struct JsonArray {
    has_objects: bool,
}

impl Encoder for JsonArray {
    fn head(&mut self, _: &mut dyn Iterator<Item = &str>, out: &mut Vec<u8>) -> io::Result<()> {
        out.push(b'[');
        Ok(())
    }

    fn line(&mut self, record: &mut dyn Iterator<Item = Field<'_>>, out: &mut Vec<u8>) -> io::Result<()> {
        let mut object = Vec::new();
        Serializer::pretty(&mut object).collect_map(record)?;
        let separator: &[u8] = if self.has_objects { b"," } else { b"" };
        out.extend(separator);
        // A string holds no line break as such, so each one begins a line of the object.
        for line in object.split(|byte| *byte == b'\n') {
            out.extend(b"\n  ");
            out.extend(line);
        }
        self.has_objects = true;
        Ok(())
    }

    fn tail(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let end: &[u8] = if self.has_objects { b"\n]\n" } else { b"]\n" };
        out.extend(end);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::format::{Cell, encode};
    use super::JsonArray;

    #[test]
    fn an_array_as_serde_json_writes_it() {
        let nested = json!({"a": [1, 2.50, "line\nbreak"], "empty": {}});
        for records in [vec![], vec![&nested], vec![&nested, &Value::Null]] {
            let objects: Vec<_> = records.iter().map(|value| json!({"n": 1, "name": value})).collect();
            let cells = records.iter().map(|value| [Cell::Number(1), Cell::Json(value)]);
            let text = encode(Box::new(JsonArray::default()), ["n", "name"], cells).unwrap();
            assert_eq!(text, format!("{:#}\n", json!(objects)));
        }
    }
}
