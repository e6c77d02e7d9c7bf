//! Who is told of a run beside its user: the metrics file and the ping. Known even where other settings are wrong.

use std::path::PathBuf;

use secrecy::ExposeSecret;

use super::SettingsError;
use super::credentials::SecretFile;
use super::layers::{Layers, Origin, Sourced};
use super::options::{self, ACCOUNT, DRY_RUN, METRICS_FILE, PING_URL, PING_URL_FILE};
use crate::invitation::AccountName;
use crate::ping::PingUrl;

/// Nobody is told of a dry run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watchers {
    pub(crate) metrics_file: Option<PathBuf>,
    pub(crate) ping: Option<PingUrl>,
    /// The account to which the command is restricted.
    pub(crate) account: Option<AccountName>,
}

impl Watchers {
    /// Those that could be found out, and what is wrong with the others.
    pub(crate) fn of(layers: &Layers) -> (Self, Result<(), SettingsError>) {
        if layers.is_set(&DRY_RUN) {
            return (Self::default(), Ok(()));
        }
        let (ping, known) = match ping(layers) {
            Ok(ping) => (ping, Ok(())),
            Err(error) => (None, Err(error)),
        };
        (Self { metrics_file: layers.get(&METRICS_FILE), ping, account: layers.get(&ACCOUNT) }, known)
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
    let unread = |error| SettingsError::PingUrlFile(origin.place(&PING_URL_FILE.entry), error);
    let file = SecretFile::read(&path).map_err(unread)?;
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
