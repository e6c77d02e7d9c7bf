//! Reads one JSON document: an array of invitations, or a saved answer of the API.
//!
//! Owns the document's shape. The whole of it is in memory; it is what a person saved, not a stream.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Deserializer, Value, value::RawValue};

use super::columns::ColumnNames;
use super::error::InputError;
use super::json_value::{Columns, Item, secret_key};
use crate::invitation::{Row, RowError};

pub(super) struct JsonDocument {
    items: std::iter::Enumerate<std::vec::IntoIter<Item>>,
    names: ColumnNames,
}

/// The API's answer to a list of sent invitations (`linkup-api.md`, "Sent invitations").
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    invitations: Vec<&'a RawValue>,
}

impl JsonDocument {
    /// Reads the document and its columns, which are those of all its objects.
    pub(super) fn parse(text: &str, names: ColumnNames, name: &str) -> Result<(Self, Vec<Arc<str>>), InputError> {
        let mut items = Vec::new();
        let mut columns = Columns::default();
        for raw in raw_items(text, name)? {
            let item = Item::parse(raw.get()).map_err(|error| broken(text, name, &error))?;
            columns.add(&item, &names);
            items.push(item);
        }
        Ok((Self { items: items.into_iter().enumerate(), names }, columns.0))
    }
}

impl Iterator for JsonDocument {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (index, item) = self.items.next()?;
        Some(item.into_row(index as u64 + 1, &self.names))
    }
}

fn raw_items<'a>(text: &'a str, name: &str) -> Result<Vec<&'a RawValue>, InputError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let document: Value = serde_json::from_str(text).map_err(|error| broken(text, name, &error))?;
    if let Some(key) = secret_key(&document) {
        return Err(InputError::Secret { name: name.into(), column: key.into() });
    }
    let items = if document.is_array() {
        serde_json::from_str(text)
    } else {
        serde_json::from_str(text).map(|answer: Answer<'_>| answer.data.invitations)
    };
    items.map_err(|_| InputError::WrongDocument { name: name.into() })
}

/// Says where, and no more: serde_json's own words may quote what stands there.
fn broken(text: &str, name: &str, error: &serde_json::Error) -> InputError {
    let mut values = Deserializer::from_str(text).into_iter::<Value>();
    let is_lines = values.next().is_some_and(|first| first.is_ok()) && !text[values.byte_offset()..].trim().is_empty();
    let advice =
        if is_lines { "it looks like JSON Lines, so pass --input-format jsonl" } else { "save or export it again" };
    InputError::BrokenDocument { name: name.into(), line: error.line(), column: error.column(), advice }
}
