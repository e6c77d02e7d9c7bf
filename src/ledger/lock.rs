//! One run at a time: a lock of the operating system on a file beside the ledger, which dies with its holder.
//!
//! Not on the ledger itself: closing any descriptor of that would take SQLite's own locks away.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::LedgerError;
use super::place::beside;

/// Who holds a ledger, as the lock file says it to the runs that are turned away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process.
    pub process_id: u32,
    /// Its command.
    pub command: String,
    /// When it began, RFC 3339 UTC.
    pub since: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`, process {}, since {}", self.command, self.process_id, self.since)
    }
}

/// The lock, until it is dropped or the process dies. The file stays: it means nothing without the lock on it.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
    is_new: bool,
}

impl Lock {
    /// Takes the lock of the ledger at `ledger`, without waiting for it.
    pub(super) fn take(ledger: &Path, command: &str, since: Timestamp) -> Result<Self, LedgerError> {
        let path = beside(ledger, ".lock");
        let unwritable = |source| LedgerError::unwritable(&path, source);
        let is_new = !path.exists();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LedgerError::Held { path: ledger.to_owned(), holder: holder_in(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
        let holder =
            Holder { process_id: std::process::id(), command: command.to_owned(), since: format!("{since:.0}") };
        write(&mut file, &holder).map_err(unwritable)?;
        Ok(Self { file, path, is_new })
    }

    /// Lets go of a lock on what is no ledger, and leaves no file beside it that was not there.
    pub(super) fn abandon(self) {
        if self.is_new {
            // Whoever takes the lock in this moment refuses the ledger as well, so two locks do no harm.
            let _ = fs::remove_file(&self.path);
        }
        drop(self.file);
    }
}

fn write(file: &mut File, holder: &Holder) -> std::io::Result<()> {
    let mut text = serde_json::to_string(holder)?;
    text.push('\n');
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())
}

fn holder_in(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(ledger: &Path) -> Result<Lock, LedgerError> {
        Lock::take(ledger, "run", "2026-03-01T10:00:00.5Z".parse().unwrap())
    }

    #[test]
    fn a_second_run_is_told_who_holds_the_ledger() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = dir.path().join("ledger.db");
        let first = take(&ledger).unwrap();
        let LedgerError::Held { path, holder } = take(&ledger).unwrap_err() else { panic!("not held") };
        assert_eq!(path, ledger);
        assert_eq!(
            holder.unwrap(),
            Holder {
                process_id: std::process::id(),
                command: "run".to_owned(),
                since: "2026-03-01T10:00:00Z".to_owned()
            }
        );
        drop(first);
        take(&ledger).unwrap();
    }

    #[test]
    fn a_file_that_a_dead_run_left_locks_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = dir.path().join("ledger.db");
        let lock = beside(&ledger, ".lock");
        fs::write(&lock, "{\"process_id\":1,\"command\":\"a longer command than this\",\"since\":\"then\"}\n").unwrap();
        let _held = take(&ledger).unwrap();
        let holder: Holder = serde_json::from_str(&fs::read_to_string(&lock).unwrap()).unwrap();
        assert_eq!((holder.process_id, holder.command.as_str()), (std::process::id(), "run"));
    }

    #[test]
    fn an_unreadable_holder_holds_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = dir.path().join("ledger.db");
        let _held = take(&ledger).unwrap();
        fs::write(beside(&ledger, ".lock"), "").unwrap();
        let error = take(&ledger).unwrap_err();
        assert!(matches!(&error, LedgerError::Held { holder: None, .. }), "{error}");
    }
}
