//! The place of a rehearsal's ledger: a directory that goes when the ledger is closed, or with a later rehearsal where
//! the run was killed.
//!
//! Owns the names in there. Opens no database.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::LedgerError;
use super::place::{SIDE_FILES, beside};

/// No name that anyone would give to a ledger which is to stay.
pub(super) const NAME: &str = "rehearsal.db";
const PREFIX: &str = "bulk-withdraw-rehearsal-";
/// As many random letters and digits follow the prefix.
const RANDOM: usize = 6;
/// A run that has just made its directory holds no lock in there yet, so only what is much older may be left.
const LEFT: Duration = Duration::from_secs(3_600);

/// Makes the directory, and clears away those that killed rehearsals of the same user have left.
pub(super) fn directory() -> Result<TempDir, LedgerError> {
    let all = std::env::temp_dir();
    let directory = tempfile::Builder::new()
        .prefix(PREFIX)
        .rand_bytes(RANDOM)
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in(&all)
        .map_err(LedgerError::no_scratch)?;
    sweep(&all, directory.path());
    Ok(directory)
}

/// What can't be cleared away is no concern of this run.
fn sweep(all: &Path, own: &Path) {
    let (Ok(entries), Ok(own)) = (fs::read_dir(all), own.symlink_metadata()) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if is_name(&entry.file_name()) && path.symlink_metadata().is_ok_and(|found| is_left(&found, &own)) {
            remove_unheld(&path);
        }
    }
}

fn is_name(name: &OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
    random.is_some_and(|random| random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Whether it is a directory like this run's own, into which nobody else can have put anything, and old.
fn is_left(found: &Metadata, own: &Metadata) -> bool {
    let age = found.modified().ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
    found.is_dir()
        && found.uid() == own.uid()
        && found.permissions().mode() & 0o777 == 0o700
        && age.is_some_and(|age| age > LEFT)
}

/// Removes the ledger's files and then the directory, unless a run holds it. Anything else in there stays, and the
/// directory with it.
fn remove_unheld(directory: &Path) {
    let ledger = directory.join(NAME);
    let lock_file = beside(&ledger, ".lock");
    let lock = File::open(&lock_file);
    if let Ok(lock) = &lock {
        if lock.try_lock().is_err() {
            return;
        }
        for suffix in SIDE_FILES.iter().filter(|suffix| **suffix != ".lock") {
            let _ = fs::remove_file(beside(&ledger, suffix));
        }
        let _ = fs::remove_file(&ledger);
        // Last, so that what a kill leaves now is known for what it is.
        let _ = fs::remove_file(&lock_file);
    }
    let _ = fs::remove_dir(directory);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_killed_rehearsal_left_is_cleared_away() {
        let all = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - LEFT - Duration::from_secs(60);
        let make = |name: &str, files: &[&str]| {
            let directory = all.path().join(name);
            fs::create_dir(&directory).unwrap();
            for file in files {
                fs::write(directory.join(file), "").unwrap();
            }
            fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
            File::open(&directory).unwrap().set_modified(old).unwrap();
            directory
        };
        let files = ["rehearsal.db", "rehearsal.db-wal", "rehearsal.db-shm", "rehearsal.db.lock"];
        make("bulk-withdraw-rehearsal-killed", &files);
        make("bulk-withdraw-rehearsal-killd2", &["rehearsal.db.lock"]);
        make("bulk-withdraw-rehearsal-empty1", &[]);

        let held = make("bulk-withdraw-rehearsal-held11", &files);
        let holder = File::open(held.join("rehearsal.db.lock")).unwrap();
        holder.lock().unwrap();
        let young = make("bulk-withdraw-rehearsal-young1", &files);
        File::open(&young).unwrap().set_modified(SystemTime::now()).unwrap();
        let open = make("bulk-withdraw-rehearsal-open11", &files);
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        make("bulk-withdraw-rehearsal-nolock", &["rehearsal.db"]);
        make("bulk-withdraw-rehearsal-more11", &["rehearsal.db.lock", "notes"]);
        make("bulk-withdraw-rehearsal-mine", &files);
        make("bulk-withdraw-rehearsal-mine.1", &files);
        make("bulk-withdraw-mine11", &["ledger.db", "ledger.db.lock"]);
        make("elsewhere", &files);
        std::os::unix::fs::symlink("elsewhere", all.path().join("bulk-withdraw-rehearsal-link11")).unwrap();

        let own = make("bulk-withdraw-rehearsal-own111", &files);
        File::open(&own).unwrap().set_modified(SystemTime::now()).unwrap();
        sweep(all.path(), &own);
        let left = super::super::testing::listing(all.path());
        let expected = ["held11", "link11", "mine", "mine.1", "more11", "nolock", "open11", "own111", "young1"];
        let mut expected = expected.map(|name| format!("bulk-withdraw-rehearsal-{name}")).to_vec();
        expected.extend(["bulk-withdraw-mine11", "elsewhere"].map(str::to_owned));
        expected.sort();
        assert_eq!(left, expected);
        for kept in [held, young, open, own, all.path().join("elsewhere")] {
            assert_eq!(fs::read_dir(&kept).unwrap().count(), files.len(), "{}", kept.display());
        }
        assert!(all.path().join("bulk-withdraw-rehearsal-more11/notes").exists());
    }

    #[test]
    fn a_directory_made_here_is_known_as_such() {
        let directory = directory().unwrap();
        assert!(is_name(directory.path().file_name().unwrap()));
        assert_eq!(directory.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
}
