//! Reads what is to be withdrawn: CSV, plain lists, JSON Lines and saved API answers, row by row.
//!
//! Owns decoding, the choice of format and delimiter, and what each column means. A bad row is a value
//! ([`RowError`](crate::invitation::RowError)) and never ends the input; only a file that can't be used at all
//! ([`InputError`]) or a read that breaks off ([`ReadError`]) is an error. Must not know the ledger, the report
//! or the API.

mod buffer;
mod columns;
mod csv_records;
mod csv_rows;
mod error;
mod format;
mod json_document;
mod json_lines;
mod json_value;
mod open;
mod resolve;
mod source;
#[cfg(test)]
mod tests;

pub(crate) use columns::is_profile_url;
pub(crate) use error::{InputError, ReadError};
pub(crate) use format::InputFormat;
pub(crate) use open::Input;
pub(crate) use source::{InputOptions, Source};
