//! `config`: shows each setting, its value and where it came from.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::aligned::aligned;
use crate::config::{ConfigFormat, Setting};
use crate::exit;

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
    let text = match format {
        ConfigFormat::Table => {
            let header = ["setting", "value", "origin"].map(str::to_owned);
            let lines = settings.iter().map(|Setting { name, value, origin }| [name, value, origin].map(Clone::clone));
            aligned(&std::iter::once(header).chain(lines).collect::<Vec<_>>(), 3)
        }
        ConfigFormat::Json => {
            let objects = settings
                .iter()
                .map(|Setting { name, value, origin }| json!({"setting": name, "value": value, "origin": origin}));
            format!("{:#}\n", objects.collect::<Value>())
        }
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever read it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
