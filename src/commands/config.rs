//! `config`: shows each setting, its value and where it came from.

use std::io::{self, Write};

use crate::config::{self, Layers, Setting, Settings, SettingsError};
use crate::exit;
use crate::report::{Cell, encode};

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("the settings can't be written")]
    Output(#[from] io::Error),
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl ConfigError {
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Output(_) => exit::UNWRITABLE,
            Self::Settings(_) => exit::USAGE,
        }
    }
}

/// Writes the settings to standard output.
pub(crate) fn config(settings: &Settings, layers: &Layers) -> Result<u8, ConfigError> {
    let settings = settings.listing(layers);
    let cells = settings.iter().map(|Setting { name, value, origin }| [name, value, origin].map(Cell::own));
    let text = encode(layers.get_or_default(&config::TABLE_FORMAT)?.encoder(), ["setting", "value", "origin"], cells)?;
    match io::stdout().lock().write_all(text.as_bytes()) {
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(exit::FINE),
        written => Ok(written.map(|()| exit::FINE)?),
    }
}
