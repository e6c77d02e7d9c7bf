//! Who is told of a run beside its user: the metrics file and the ping. Known even where other settings are wrong.

use std::path::PathBuf;

use secrecy::ExposeSecret;

use super::SettingsError;
use super::credentials::{CredentialsError, SecretFile, warn_of_exposure};
use super::layers::{Layers, Origin, Sourced};
use super::options::{self, ACCOUNT, DRY_RUN, METRICS_FILE, PING_URL, PING_URL_FILE};
use crate::invitation::AccountName;
use crate::ping::PingUrl;

/// Nobody is told of a dry run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signals {
    pub(crate) metrics_file: Option<PathBuf>,
    pub(crate) ping: Option<PingUrl>,
    /// The account to which the command is restricted.
    pub(crate) account: Option<AccountName>,
}

impl Signals {
    pub(crate) fn of(layers: &Layers) -> Result<Self, SettingsError> {
        if layers.is_set(&DRY_RUN) {
            return Ok(Self::default());
        }
        Ok(Self { metrics_file: layers.get(&METRICS_FILE), ping: ping(layers)?, account: layers.get(&ACCOUNT) })
    }
}

/// Of an address and a file that holds one, the one from the higher place counts.
fn ping(layers: &Layers) -> Result<Option<PingUrl>, SettingsError> {
    let (url, file) = (layers.find(&PING_URL), layers.find(&PING_URL_FILE));
    let Sourced { value: path, origin } = match (url, file) {
        (url, None) => return Ok(url.map(|url| url.value)),
        (Some(url), Some(file)) if height(&url.origin) > height(&file.origin) => return Ok(Some(url.value)),
        (Some(url), Some(file)) if height(&url.origin) == height(&file.origin) => {
            return Err(SettingsError::TwoPings(url.origin.place(&PING_URL.entry)));
        }
        (_, Some(file)) => file,
    };
    let file = SecretFile::read(&path).map_err(|error| CredentialsError::Named(origin.clone(), error))?;
    if file.is_readable_by_others {
        warn_of_exposure(&path);
    }
    let url = file.secret().and_then(|text| text.expose_secret().parse().ok());
    url.map(Some).ok_or_else(|| SettingsError::NoPingUrl(path.display().to_string(), options::PING_WANTED))
}

const fn height(origin: &Origin) -> u8 {
    match origin {
        Origin::Flag => 3,
        Origin::Variable(_) => 2,
        Origin::File { .. } => 1,
        Origin::Default => 0,
    }
}
