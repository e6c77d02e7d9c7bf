//! A table for people: columns as wide as their widest cell, numbers to the right.

use std::io::{self, Write};

use super::format::{Cell, Encoder, Field};
use crate::policy::visible;

#[derive(Debug, Default)]
pub(super) struct Table {
    columns: Vec<Column>,
    lines: Vec<Vec<String>>,
}

#[derive(Debug, Default)]
struct Column {
    width: usize,
    has_numbers: bool,
}

impl Encoder for Table {
    fn has_columns(&self) -> bool {
        true
    }

    fn head(&mut self, columns: &mut dyn Iterator<Item = &str>, out: &mut Vec<u8>) -> io::Result<()> {
        self.line(&mut columns.map(|name| (name.into(), Cell::own(name))), out)
    }

    fn line(&mut self, record: &mut dyn Iterator<Item = Field<'_>>, _: &mut Vec<u8>) -> io::Result<()> {
        let mut line = Vec::new();
        for (at, (_, cell)) in record.enumerate() {
            let text = visible(&cell.to_string());
            if at == self.columns.len() {
                self.columns.push(Column::default());
            }
            let column = &mut self.columns[at];
            column.width = column.width.max(text.chars().count());
            column.has_numbers |= matches!(cell, Cell::Number(_));
            line.push(text);
        }
        self.lines.push(line);
        Ok(())
    }

    /// Writes all of it, since any line may have widened a column.
    fn tail(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        for line in self.lines.drain(..) {
            let cells = line.iter().zip(&self.columns).map(|(cell, &Column { width, has_numbers })| {
                if has_numbers { format!("{cell:>width$}") } else { format!("{cell:width$}") }
            });
            writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}
