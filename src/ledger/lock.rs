//! One run at a time: locks of the operating system, which die with their holder. One is on a file beside the ledger, and
//! says who holds it; a second one is on the ledger itself, for someone may take the first file away under its holder.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::mem::ManuallyDrop;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::LedgerError;
use super::place::{self, beside};
use crate::files;

/// A lock is tried for this often where its file is taken away each time.
const ATTEMPTS: u32 = 100;

/// Who holds a ledger, as the lock file says it to the runs that are turned away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub process_id: u32,
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
    _seal: Option<Seal>,
}

impl Lock {
    /// Takes the lock of the ledger at `ledger`, which is made if need be, without waiting for it.
    pub(super) fn take(ledger: &Path, command: &str, since: Timestamp) -> Result<Self, LedgerError> {
        let path = beside(ledger, ".lock");
        let unwritable = |source| LedgerError::unwritable(&path, source);
        let is_new = !path.exists();
        let mut file = match locked(&path, || open(&path)).map_err(unwritable)? {
            Locked::Ours(file) => file,
            Locked::Theirs(mut file) => {
                return Err(LedgerError::Held { path: ledger.to_owned(), holder: holder_in(&mut file) });
            }
        };
        let seal = match Seal::take(ledger) {
            Ok(seal) => seal,
            Err(error) => {
                remove_if(is_new, &path);
                return Err(error);
            }
        };
        let holder =
            Holder { process_id: std::process::id(), command: command.to_owned(), since: format!("{since:.0}") };
        write(&mut file, &holder).map_err(unwritable)?;
        Ok(Self { file, path, is_new, _seal: seal })
    }

    /// The lock without its seal, which leaves a descriptor open for good: a test may take it a million times.
    #[cfg(test)]
    pub(super) fn unsealed(ledger: &Path, command: &str, since: Timestamp) -> Result<Self, LedgerError> {
        let path = beside(ledger, ".lock");
        let unwritable = |source| LedgerError::unwritable(&path, source);
        let Locked::Ours(mut file) = locked(&path, || open(&path)).map_err(unwritable)? else {
            return Err(LedgerError::Held { path: ledger.to_owned(), holder: None });
        };
        let holder =
            Holder { process_id: std::process::id(), command: command.to_owned(), since: format!("{since:.0}") };
        write(&mut file, &holder).map_err(unwritable)?;
        Ok(Self { file, path, is_new: false, _seal: None })
    }

    /// Lets go of a lock on what is no ledger, and leaves no file beside it that was not there.
    pub(super) fn abandon(self) {
        remove_if(self.is_new, &self.path);
        drop(self.file);
    }
}

/// A lock on the ledger itself, which nobody can take away under its holder. It is `flock(2)`'s, of which SQLite's own
/// locks (`fcntl(2)`) know nothing.
///
/// Closing any descriptor of a file lets go of all of SQLite's locks that this process has on it, so this one is left
/// open to the process's end: a reader of the ledger may outlive the lock.
#[derive(Debug)]
struct Seal(ManuallyDrop<File>);

impl Seal {
    /// Takes it; `None` where the system has no such lock beside SQLite's, or where what stands there can't be a ledger,
    /// as whoever opens it will find.
    fn take(ledger: &Path) -> Result<Option<Self>, LedgerError> {
        // Elsewhere the two kinds of locks exclude each other.
        if !cfg!(target_os = "linux") {
            return Ok(None);
        }
        place::create(ledger)?;
        // Opening a pipe could take for ever.
        if !fs::metadata(ledger).is_ok_and(|metadata| metadata.is_file()) {
            return Ok(None);
        }
        match locked(ledger, || File::open(ledger)) {
            Ok(Locked::Ours(file)) => Ok(Some(Self(ManuallyDrop::new(file)))),
            Ok(Locked::Theirs(_)) => Err(LedgerError::Held { path: ledger.to_owned(), holder: None }),
            Err(_) => Ok(None),
        }
    }
}

impl Drop for Seal {
    fn drop(&mut self) {
        // It can't fail on a file that is open; and the lock ends with the process in any case.
        let _ = self.0.unlock();
    }
}

/// A file after trying for its lock.
enum Locked {
    Ours(File),
    Theirs(File),
}

/// Opens the file at `path` and tries for its lock. Not for good before it is known that the file still stands there:
/// who removes or replaces it leaves a lock that keeps nobody out.
fn locked(path: &Path, mut open: impl FnMut() -> io::Result<File>) -> io::Result<Locked> {
    for _ in 0..ATTEMPTS {
        let file = open()?;
        match file.try_lock() {
            Ok(()) if files::is_at(&file, path)? => return Ok(Locked::Ours(file)),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Locked::Theirs(file)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "it is taken away each time"))
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Removes a lock file that this process made. Whoever has it open already will notice and make another.
fn remove_if(is_new: bool, path: &Path) {
    if is_new {
        let _ = fs::remove_file(path);
    }
}

fn write(file: &mut File, holder: &Holder) -> io::Result<()> {
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
    fn without_its_file_the_lock_holds_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = dir.path().join("ledger.db");
        let lock = beside(&ledger, ".lock");
        let first = take(&ledger).unwrap();
        fs::remove_file(&lock).unwrap();
        assert!(matches!(take(&ledger).unwrap_err(), LedgerError::Held { holder: None, .. }));
        assert!(!lock.exists(), "left by the one that was turned away");
        drop(first);
        let _second = take(&ledger).unwrap();
        assert!(lock.exists());
    }

    #[test]
    fn a_lock_on_a_file_that_was_taken_away_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let mut opened = 0;
        let locked = locked(&path, || {
            let file = open(&path)?;
            opened += 1;
            if opened == 1 {
                fs::remove_file(&path)?;
            }
            Ok(file)
        });
        let Locked::Ours(file) = locked.unwrap() else { panic!("not ours") };
        assert!(files::is_at(&file, &path).unwrap());
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
