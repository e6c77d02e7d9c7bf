//! Where the ledger lies: its true path, its directory, and the file with its owner's rights alone.
//!
//! Opens no database.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
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
        refuse_other_names(&existing)?;
        return Ok(existing);
    }
    refuse_link_to_nothing(&absolute)?;
    let (Some(directory), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(unwritable(io::ErrorKind::IsADirectory.into()));
    };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(unwritable)?;
    Ok(fs::canonicalize(directory).map_err(unwritable)?.join(name))
}

/// The path to read at, which must exist.
pub(super) fn to_read(path: &Path) -> Result<PathBuf, LedgerError> {
    match fs::canonicalize(path) {
        Ok(existing) => refuse_other_names(&existing).map(|()| existing),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            refuse_link_to_nothing(path)?;
            Err(LedgerError::Missing { path: path.to_owned() })
        }
        Err(error) => Err(LedgerError::unreadable(path, error)),
    }
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
pub(crate) fn files_of(path: &Path) -> Vec<PathBuf> {
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

/// SQLite's log lies beside a name, so a file of two names has two logs, and each knows nothing of the other.
fn refuse_other_names(path: &Path) -> Result<(), LedgerError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.nlink() > 1 => {
            Err(LedgerError::HardLinked { path: path.to_owned(), links: metadata.nlink() })
        }
        // What else is wrong with it shows when it is opened.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn refuse_link_to_nothing(path: &Path) -> Result<(), LedgerError> {
    let leads_nowhere = |part: &Path| fs::metadata(part).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    let dangling = |part: &Path| Some((part.to_owned(), fs::read_link(part).ok()?)).filter(|_| leads_nowhere(part));
    match path.ancestors().find_map(dangling) {
        Some((link, target)) => Err(LedgerError::LinkToNothing { path: path.to_owned(), link, target }),
        None => Ok(()),
    }
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
