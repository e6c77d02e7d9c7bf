//! `config`: shows each setting, its value and where it came from.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::aligned::aligned;
use crate::config::{self, Layers, Setting, Settings, SettingsError, TableFormat};
use crate::exit;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("the settings can't be written")]
    Output(#[from] io::Error),
    #[error("the settings can't be written as CSV")]
    Csv(#[from] csv::Error),
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl ConfigError {
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Output(_) | Self::Csv(_) => exit::UNWRITABLE,
            Self::Settings(_) => exit::USAGE,
        }
    }
}

/// Writes the settings to standard output.
pub(crate) fn config(settings: &Settings, layers: &Layers) -> Result<u8, ConfigError> {
    let settings = settings.listing(layers);
    let text = match layers.get_or_default(&config::TABLE_FORMAT)? {
        TableFormat::Table => {
            let header = ["setting", "value", "origin"].map(str::to_owned);
            let lines = settings.iter().map(|Setting { name, value, origin }| [name, value, origin].map(Clone::clone));
            aligned(&std::iter::once(header).chain(lines).collect::<Vec<_>>(), 3).into_bytes()
        }
        TableFormat::Json => {
            let objects = settings
                .iter()
                .map(|Setting { name, value, origin }| json!({"setting": name, "value": value, "origin": origin}));
            format!("{:#}\n", objects.collect::<Value>()).into_bytes()
        }
        TableFormat::Csv => {
            let mut csv = csv::Writer::from_writer(Vec::new());
            csv.write_record(["setting", "value", "origin"])?;
            for Setting { name, value, origin } in &settings {
                csv.write_record([name, value, origin])?;
            }
            csv.into_inner().map_err(|error| io::Error::other(error.to_string()))?
        }
    };
    match io::stdout().lock().write_all(&text) {
        // Whoever read it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(exit::FINE),
        written => Ok(written.map(|()| exit::FINE)?),
    }
}
