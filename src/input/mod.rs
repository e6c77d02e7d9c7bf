//! Reads what is to be withdrawn.

mod buffer;
mod columns;
mod csv_framer;
mod csv_record;
mod resolve;
