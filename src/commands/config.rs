//! `config`: shows each setting, its value and where it came from.

use std::io::{self, Write};

use crate::config::{ConfigFormat, Setting};
use crate::exit;
use crate::report::{Cell, JsonArray, Table, encode};

const COLUMNS: [&str; 3] = ["setting", "value", "origin"];

#[derive(Debug, thiserror::Error)]
#[error("the settings can't be written")]
pub(crate) struct ConfigError(#[from] io::Error);

impl ConfigError {
    /// The process's exit code.
    pub(crate) const fn exit_code(&self) -> u8 {
        exit::UNWRITABLE
    }
}

/// Writes the settings to standard output.
pub(crate) fn config(settings: &[Setting], format: ConfigFormat) -> Result<(), ConfigError> {
    let cells = settings.iter().map(|Setting { name, value, origin }| [name, value, origin].map(Cell::own));
    let text = match format {
        ConfigFormat::Table => encode(Table::default(), COLUMNS, cells),
        ConfigFormat::Json => encode(JsonArray::default(), COLUMNS, cells),
    }?;
    match io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever read it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
