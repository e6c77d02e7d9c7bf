//! Where the ledger lies: its true path, its directory, and the file with its owner's rights alone.
//!
//! Opens no database.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::LedgerError;
use super::network::{is_network, kind_of};
use crate::files::resolved;

/// What SQLite and the lock add to the ledger's name.
pub(super) const SIDE_FILES: [&str; 4] = ["-wal", "-shm", "-journal", ".lock"];

/// The path to write at: links followed, its directory made if need be. Every name of one ledger comes out as the same
/// path, so that they share one lock.
pub(super) fn to_write(path: &Path) -> Result<PathBuf, LedgerError> {
    let unwritable = |source| LedgerError::unwritable(path, source);
    let absolute = std::path::absolute(path).map_err(unwritable)?;
    refuse_network(&absolute)?;
    if let Ok(existing) = fs::canonicalize(&absolute) {
        return Ok(existing);
    }
    let (Some(directory), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(unwritable(io::ErrorKind::IsADirectory.into()));
    };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(unwritable)?;
    Ok(fs::canonicalize(directory).map_err(unwritable)?.join(name))
}

/// The path to read at, which must exist.
pub(super) fn to_read(path: &Path) -> Result<PathBuf, LedgerError> {
    fs::canonicalize(path).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            LedgerError::Missing { path: path.to_owned() }
        } else {
            LedgerError::unreadable(path, error)
        }
    })
}

/// Makes the file, if there is none, before SQLite would with everyone's rights. SQLite gives its side files the same.
pub(super) fn create(path: &Path) -> Result<(), LedgerError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(LedgerError::unwritable(path, error)),
    }
}

/// The files of the ledger at `path`, there or not: what else writes to one of them destroys it.
#[must_use]
pub fn files_of(path: &Path) -> Vec<PathBuf> {
    let path = resolved(path);
    let mut files: Vec<_> = SIDE_FILES.iter().map(|suffix| beside(&path, suffix)).collect();
    files.push(path);
    files
}

/// The path of a file that lies beside the ledger.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn refuse_network(path: &Path) -> Result<(), LedgerError> {
    // Elsewhere than on Linux there is no such file, and SQLite's own refusal must do.
    let Ok(mountinfo) = fs::read("/proc/self/mountinfo") else { return Ok(()) };
    let Some(existing) = path.ancestors().find_map(|part| fs::canonicalize(part).ok()) else { return Ok(()) };
    match kind_of(&existing, &String::from_utf8_lossy(&mountinfo)) {
        Some(kind) if is_network(kind) => {
            Err(LedgerError::NetworkFileSystem { path: path.to_owned(), kind: kind.to_owned() })
        }
        Some(_) | None => Ok(()),
    }
}
