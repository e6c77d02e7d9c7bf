//! Reads the invitations to withdraw, row by row: CSV, plain lists, JSON Lines and saved API answers.
//!
//! Owns decoding, the choice of format and delimiter, and what each column means. A bad row is a value
//! ([`RowError`](crate::invitation::RowError)) and never ends the input; only a file that can't be used at all
//! ([`InputError`]) or a read that breaks off ([`ReadError`]) is an error. Must not know the ledger, the report
//! or the API.

mod buffer;
mod columns;
mod csv_records;
mod csv_rows;
mod json_rows;
mod json_value;
#[cfg(fuzzing)]
mod kept_parsers;
mod open;
#[cfg(test)]
mod tests;

pub(crate) use buffer::InputFormat;
pub(crate) use columns::{is_invitation_id, is_profile_url};
pub(crate) use csv_records::CsvRecords;
pub(crate) use csv_rows::detect_delimiter;
pub(crate) use open::{CsvStyle, Input, InputError, InputOptions, ReadError, Source};
