//! Connections to the ledger: how they are opened, and what is refused before SQLite touches it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use url::Url;

use super::schema::{self, FileKind, HEADER_LENGTH, NEWEST};
use super::{LedgerError, place};
use crate::stop::Stop;

/// How long to wait for someone at the sqlite3 shell, or for a reader that closes.
const BUSY: Duration = Duration::from_secs(5);
/// The same for one attempt to write, after which the wait is told of and a stop is noticed.
const BUSY_WRITING: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(20);
/// Page cache of one connection, in KiB. There are few, and together they stay below what a long input may cost.
const CACHE_KIB: i64 = 2_048;

/// Opens the ledger to write, created and brought up to date if need be. Waits while another program has it locked.
pub(super) fn to_write(path: &Path, stop: &Stop) -> Result<Connection, LedgerError> {
    once_unlocked(path, stop, Duration::ZERO, || try_write(path))
}

/// What `attempt` comes to once no other program has the ledger locked. After a stop that is waited for this long at the
/// most.
pub(super) fn once_unlocked<T>(
    path: &Path,
    stop: &Stop,
    after_stop: Duration,
    mut attempt: impl FnMut() -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    let (mut is_said, mut stopped_at) = (false, None);
    loop {
        match attempt() {
            Err(locked @ LedgerError::Locked { .. }) => {
                if stop.is_requested() && stopped_at.get_or_insert_with(Instant::now).elapsed() >= after_stop {
                    return Err(locked);
                }
                if !std::mem::replace(&mut is_said, true) {
                    let path = path.display();
                    tracing::warn!(
                        event = "waiting",
                        reason = "ledger_locked",
                        "the ledger {path} is locked by another program: waiting, nothing is sent meanwhile"
                    );
                }
                // SQLite refuses some attempts at once.
                std::thread::sleep(PAUSE);
            }
            done => {
                if is_said {
                    tracing::info!(event = "resumed", reason = "ledger_locked", "the ledger is free again: going on");
                }
                return done;
            }
        }
    }
}

fn try_write(path: &Path) -> Result<Connection, LedgerError> {
    look(path)?;
    place::create(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(of_write(path))?;
    bound(&connection).map_err(of_write(path))?;
    connection.busy_timeout(BUSY_WRITING).map_err(of_write(path))?;
    let version = schema::version(&connection).map_err(of_write(path))?;
    refuse_newer(path, version)?;
    let migrate = if (1..NEWEST).contains(&version) { migrate_alone } else { schema::migrate };
    migrate(&mut connection).map_err(of_write(path))?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)).map_err(of_write(path))?;
    if mode != "wal" {
        return Err(LedgerError::NoWriteAheadLog { path: path.to_owned(), mode });
    }
    // Each commit is synced: what was told to anyone outlives a power cut.
    connection.pragma_update(None, "synchronous", "full").map_err(of_write(path))?;
    Ok(connection)
}

/// Brings the ledger up to date while no other connection has it open: an older program would go on with its own
/// statements, and the sums would miss its calls. Without a log the file's first bytes tell the version at once.
fn migrate_alone(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "locking_mode", "exclusive")?;
    connection.pragma_update(None, "journal_mode", "delete")?;
    schema::migrate(connection)?;
    connection.pragma_update(None, "locking_mode", "normal")
}

/// Whether there is a ledger that must be brought up to date.
pub(super) fn is_outdated(path: &Path) -> Result<bool, LedgerError> {
    match look(path)? {
        FileKind::Ledger { version } => Ok(version < NEWEST),
        FileKind::Empty | FileKind::Foreign => Ok(false),
    }
}

/// Opens the ledger to read; a run may write meanwhile. Not for a process that has it open already: [`look`] closes a
/// descriptor of the file, and with it go all locks that the process has on it.
pub(super) fn to_read(path: &Path) -> Result<Connection, LedgerError> {
    let path = place::to_read(path)?;
    if look(&path)? == FileKind::Empty {
        return Err(LedgerError::Missing { path });
    }
    let connection = read_beside_writer(&path)?;
    match schema::version(&connection) {
        Ok(version) if version < NEWEST => migrated_copy(&path, &connection),
        Ok(_) => Ok(connection),
        Err(error) => Err(LedgerError::unreadable(&path, error)),
    }
}

/// A copy of an older ledger, brought up to date: only what has the lock may change the ledger itself. The copy has no name
/// any more.
fn migrated_copy(path: &Path, older: &Connection) -> Result<Connection, LedgerError> {
    let directory = super::temporary::directory()?;
    let copy = directory.path().join(super::temporary::NAME);
    // It only reads the ledger, and is refused all the same.
    older.pragma_update(None, "query_only", false).map_err(|error| LedgerError::unreadable(path, error))?;
    let migrated = || {
        older.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
        let mut connection = Connection::open(&copy)?;
        bound(&connection)?;
        schema::migrate(&mut connection)?;
        Ok(connection)
    };
    migrated().map_err(|error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => {
            LedgerError::no_scratch(error)
        }
        Some(_) | None => LedgerError::unreadable(path, error),
    })
}

/// The same for a ledger that this process writes.
pub(super) fn read_beside_writer(path: &Path) -> Result<Connection, LedgerError> {
    let connection = try_read(path, None).or_else(|error| {
        // In a directory that can't be written SQLite has no place for its index of the log. Without a log it needs
        // none, if it takes the file for unchanging; a run of someone who may write can then garble what is read here,
        // and nothing else.
        let no_place = matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly));
        if no_place && is_empty(&place::beside(path, "-wal")) {
            try_read(path, Some("immutable=1"))
        } else {
            Err(error)
        }
    });
    let connection = connection.map_err(|error| LedgerError::unreadable(path, error))?;
    let version = schema::version(&connection).map_err(|error| LedgerError::unreadable(path, error))?;
    refuse_newer(path, version)?;
    Ok(connection)
}

/// An error while writing, told apart by whose fault it is.
pub(super) fn of_write(path: &Path) -> impl Fn(rusqlite::Error) -> LedgerError {
    move |error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => LedgerError::unreadable(path, error),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => LedgerError::Locked { path: path.to_owned() },
        Some(_) | None => LedgerError::unwritable(path, error),
    }
}

fn try_read(path: &Path, query: Option<&str>) -> rusqlite::Result<Connection> {
    // Reading and writing, because the last one to close tidies the log away; `query_only` keeps it from more.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = match query {
        None => Connection::open_with_flags(path, flags)?,
        Some(query) => {
            let mut url = Url::from_file_path(path).map_err(|()| rusqlite::Error::InvalidPath(PathBuf::from(path)))?;
            url.set_query(Some(query));
            Connection::open_with_flags(url.as_str(), flags)?
        }
    };
    bound(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    // SQLite opens lazily: only now does it show whether it can be read.
    schema::version(&connection)?;
    Ok(connection)
}

/// What every connection of ours is bound to.
pub(super) fn bound(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    // Without it SQLite plans some statements anew each time that other values are bound to them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)
}

/// Refuses what is no ledger of ours before SQLite opens it, since that alone may change it: a journal beside a
/// foreign database would be rolled back.
fn look(path: &Path) -> Result<FileKind, LedgerError> {
    let header = match read_header(path) {
        Ok(Some(header)) => header,
        Ok(None) => return Err(LedgerError::NotALedger { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(LedgerError::unreadable(path, error)),
    };
    let kind = schema::kind_of(&header);
    match kind {
        FileKind::Empty => {}
        FileKind::Ledger { version } => refuse_newer(path, version)?,
        FileKind::Foreign => return Err(LedgerError::NotALedger { path: path.to_owned() }),
    }
    Ok(kind)
}

/// Whether a ledger stands at this path, or the ledger to which the file at this path belongs. Not for a process that
/// has it open: this closes a descriptor of the file, and with it go all locks that the process has on it.
pub(crate) fn belongs_to_a_ledger(path: &Path) -> bool {
    let is_ledger = |path: &Path| {
        let header = read_header(path).ok().flatten().unwrap_or_default();
        matches!(schema::kind_of(&header), FileKind::Ledger { .. })
    };
    let of_side_file = |suffix: &&str| path.to_str().and_then(|name| name.strip_suffix(*suffix)).map(Path::new);
    is_ledger(path) || place::SIDE_FILES.iter().filter_map(of_side_file).any(is_ledger)
}

/// The file's first bytes; `None` where it is no file but a directory, a pipe or a device.
fn read_header(path: &Path) -> io::Result<Option<Vec<u8>>> {
    if !fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let mut header = Vec::with_capacity(HEADER_LENGTH);
    File::open(path)?.take(HEADER_LENGTH as u64).read_to_end(&mut header)?;
    Ok(Some(header))
}

fn refuse_newer(path: &Path, version: u32) -> Result<(), LedgerError> {
    if version > NEWEST {
        return Err(LedgerError::Newer { path: path.to_owned(), version, newest: NEWEST });
    }
    Ok(())
}

fn is_empty(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |metadata| metadata.len() == 0)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Place, key, run, settle, settlement, standing};
    use super::super::{Forget, History, Ledger, Standing, forget};
    use super::*;
    use crate::outcome::Outcome;

    type Content = Vec<(String, Vec<u8>)>;

    fn content(place: &Place) -> Content {
        place.listing().into_iter().map(|name| (name.clone(), fs::read(place.dir.path().join(name)).unwrap())).collect()
    }

    /// Everything that opens a ledger, each on the same file: all must refuse it in the same way and leave it be.
    fn refusals(place: &Place) -> Vec<LedgerError> {
        let before = content(place);
        let errors = vec![
            Ledger::open(&place.path, &run("a")).unwrap_err(),
            History::open(&place.path).unwrap_err(),
            forget(&place.path, &Forget::Invitation(key("7").id)).unwrap_err(),
        ];
        assert!(content(place) == before, "changed, or no longer alone: {:?}", place.listing());
        errors
    }

    #[test]
    fn a_foreign_file_is_refused_and_left_as_it_was() {
        let text = Place::new();
        fs::write(&text.path, "invitation_id\n7\n".repeat(1_000)).unwrap();

        // Someone's database whose last transaction is still in its log, and one that waits to be rolled back.
        let in_log = Place::new();
        let theirs = Connection::open(&in_log.path).unwrap();
        theirs.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1);").unwrap();
        let in_log = in_log.after_a_crash();
        let to_roll_back = Place::new();
        let theirs = Connection::open(&to_roll_back.path).unwrap();
        theirs.execute_batch("PRAGMA cache_size = 1; CREATE TABLE t (x); BEGIN;").unwrap();
        for _ in 0..100 {
            theirs.execute("INSERT INTO t VALUES (randomblob(3000))", []).unwrap();
        }
        let to_roll_back = to_roll_back.after_a_crash();
        assert_eq!(to_roll_back.listing(), ["ledger.db", "ledger.db-journal"]);

        for place in [text, in_log, to_roll_back] {
            for error in refusals(&place) {
                assert!(matches!(&error, LedgerError::NotALedger { .. }), "{error}");
            }
        }
    }

    #[test]
    fn a_newer_ledger_is_refused_by_name_and_left_as_it_was() {
        let place = Place::new();
        drop(place.open("a"));
        fs::remove_file(place.dir.path().join("ledger.db.lock")).unwrap();
        Connection::open(&place.path).unwrap().pragma_update(None, "user_version", NEWEST + 6).unwrap();
        // It crashed: opening the file is enough to fold its log in.
        let newer = Connection::open(&place.path).unwrap();
        newer.execute_batch("CREATE TABLE of_tomorrow (x)").unwrap();
        let place = place.after_a_crash();
        for error in refusals(&place) {
            let LedgerError::Newer { version, newest, .. } = &error else { panic!("{error}") };
            assert_eq!((*version, *newest), (NEWEST + 6, NEWEST));
        }
    }

    #[test]
    fn a_damaged_ledger_is_refused() {
        let place = Place::new();
        drop(place.open("a"));
        let bytes = fs::read(&place.path).unwrap();
        fs::write(&place.path, &bytes[..5_000]).unwrap();
        let error = Ledger::open(&place.path, &run("b")).unwrap_err();
        assert!(matches!(&error, LedgerError::Unreadable { .. }), "{error}");
        assert!(fs::read(&place.path).unwrap() == bytes[..5_000]);
    }

    #[test]
    fn a_directory_is_no_ledger_and_an_empty_file_becomes_one() {
        let place = Place::new();
        fs::create_dir(&place.path).unwrap();
        let error = Ledger::open(&place.path, &run("a")).unwrap_err();
        assert!(matches!(&error, LedgerError::NotALedger { .. }), "{error}");
        fs::remove_dir(&place.path).unwrap();

        fs::write(&place.path, "").unwrap();
        assert!(matches!(History::open(&place.path), Err(LedgerError::Missing { .. })));
        drop(place.open("b"));
        History::open(&place.path).unwrap();
    }

    #[tokio::test]
    async fn a_ledger_is_read_while_a_run_writes_it() {
        let place = Place::new();
        let ledger = place.open("a");
        let history = History::open(&place.path).unwrap();
        assert_eq!(history.of(&key("7").id).unwrap(), []);
        settle(&ledger, &key("7"), &settlement(Outcome::Withdrawn)).await.unwrap();
        assert_eq!(history.of(&key("7").id).unwrap().len(), 1);
    }

    /// A link in the way of the log's index stands for a directory that can't be written, which would not stop root.
    #[tokio::test]
    async fn a_ledger_is_read_where_nothing_can_be_written_unless_a_log_is_left() {
        let place = Place::new();
        let ledger = place.open("a");
        settle(&ledger, &key("7"), &settlement(Outcome::Withdrawn)).await.unwrap();
        let crashed = place.after_a_crash();
        ledger.close().await.unwrap();
        for (place, readable) in [(&place, true), (&crashed, false)] {
            let index = place.dir.path().join("ledger.db-shm");
            let _ = fs::remove_file(&index);
            std::os::unix::fs::symlink("nowhere", &index).unwrap();
            match History::open(&place.path) {
                Ok(history) => assert_eq!((history.of(&key("7").id).unwrap().len(), readable), (1, true)),
                Err(error) => assert!(!readable && matches!(error, LedgerError::Unreadable { .. })),
            }
        }
    }

    #[tokio::test]
    async fn the_view_for_people_has_the_last_word_on_each_invitation() {
        let place = Place::new();
        let ledger = place.open("a");
        settle(&ledger, &key("7"), &settlement(Outcome::Failed)).await.unwrap();
        settle(&ledger, &key("7"), &settlement(Outcome::Withdrawn)).await.unwrap();
        assert!(matches!(standing(&ledger, &key("7")), Standing::Settled { .. }));
        let rows: Vec<(String, String, String)> = Connection::open(&place.path)
            .unwrap()
            .prepare("SELECT api || ' ' || account || ' ' || invitation_id, outcome, settled_at FROM v_invitations")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(
            rows,
            [("https://api.example default 7".to_owned(), "withdrawn".to_owned(), "2026-03-01 12:00:00".to_owned())]
        );
    }
}
