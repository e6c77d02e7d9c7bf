//! `config`: shows each setting, its value and where it came from.

use std::io::{self, Write};

use super::error::{CommandError, written};
use crate::config::{self, Layers, Setting, Settings, SettingsError};
use crate::report::{Cell, Paper, Table, encode};

/// Writes the settings to standard output, and fails where one of them can't be read.
pub(crate) fn config(settings: &Settings, layers: &Layers) -> Result<u8, CommandError> {
    let listing = settings.listing(layers);
    let cells = listing.iter().map(|Setting { name, value, origin }| [name, value, origin].map(Cell::own));
    let encoder = layers.get_or_default(&config::CONFIG_FORMAT)?.encoder(Table::new(Vec::new(), Paper::UNBOUNDED));
    let text = encode(encoder, ["setting", "value", "origin"], cells)?;
    let code = written(io::stdout().lock().write_all(text.as_bytes()))?;
    settings.unread().map_or(Ok(code), |error| Err(SettingsError::from(error).into()))
}
