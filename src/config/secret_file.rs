//! Files that hold a secret: read whole, and looked at for who else may read them.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

/// No key, token or configuration is longer.
const LARGEST: u64 = 1024 * 1024;
/// Group and others may read.
const READABLE_BY_OTHERS: u32 = 0o044;

/// Why a file can't be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretFileError {
    #[error("{} can't be read", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    #[error("{} is no text file: it must be UTF-8, and of a mebibyte at the most", .0.display())]
    NotText(PathBuf),
}

/// A file's text, and whether group or others may read it.
pub(super) struct SecretFile {
    pub(super) text: SecretString,
    pub(super) is_readable_by_others: bool,
}

impl SecretFile {
    pub(super) fn read(path: &Path) -> Result<Self, SecretFileError> {
        let unreadable = |error| SecretFileError::Unreadable(path.to_owned(), error);
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        let text = String::from_utf8(bytes).ok().filter(|text| text.len() as u64 <= LARGEST);
        let text = text.ok_or_else(|| SecretFileError::NotText(path.to_owned()))?;
        Ok(Self { text: text.into(), is_readable_by_others: is_readable_by_others(&metadata) })
    }

    /// The secret in it, without the white space around it; `None` where there is nothing else.
    pub(super) fn secret(&self) -> Option<SecretString> {
        let secret = self.text.expose_secret().trim();
        (!secret.is_empty()).then(|| secret.into())
    }
}

/// Only a file of the disk: a pipe's permissions say nothing of who can read what went through it.
fn is_readable_by_others(metadata: &Metadata) -> bool {
    metadata.is_file() && metadata.permissions().mode() & READABLE_BY_OTHERS != 0
}

/// Says that others on this machine may read a secret.
pub(super) fn warn_of_exposure(path: &Path) {
    let path = path.display();
    tracing::warn!("{path} holds a secret, and others may read it: chmod 600 {path}");
}
