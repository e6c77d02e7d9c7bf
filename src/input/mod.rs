//! Reads what is to be withdrawn.

mod buffer;
mod csv_framer;
mod csv_record;
