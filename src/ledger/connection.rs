//! Connections to the ledger: how they are opened, and what is refused before SQLite touches it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use url::Url;

use super::schema::{self, FileKind, HEADER_LENGTH, NEWEST};
use super::{LedgerError, place};

/// How long to wait for someone at the sqlite3 shell, or for a reader that closes.
const BUSY: Duration = Duration::from_secs(5);
/// Page cache of one connection, in KiB. There are few, and together they stay below what a long input may cost.
const CACHE_KIB: i64 = 2_048;

/// What no statement may outlive: a query that is too clever to be cached, and so on, has no place here.
const STATEMENTS: usize = 16;

/// Opens the ledger to write, made and brought up to date if need be. The caller has its lock.
pub(super) fn to_write(path: &Path) -> Result<Connection, LedgerError> {
    look(path)?;
    place::create(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(of_write(path))?;
    bound(&connection).map_err(of_write(path))?;
    let version = schema::version(&connection).map_err(of_write(path))?;
    refuse_newer(path, version)?;
    schema::migrate(&mut connection).map_err(of_write(path))?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)).map_err(of_write(path))?;
    if mode != "wal" {
        return Err(LedgerError::NoWriteAheadLog { path: path.to_owned(), mode });
    }
    // Each commit is synced: what was told to anyone outlives a power cut.
    connection.pragma_update(None, "synchronous", "full").map_err(of_write(path))?;
    Ok(connection)
}

/// Opens the ledger to read; a run may write meanwhile. Not for a process that has it open already: [`look`] closes a
/// descriptor of the file, and with it go all locks that the process has on it.
pub(super) fn to_read(path: &Path) -> Result<Connection, LedgerError> {
    let path = place::to_read(path)?;
    if look(&path)? == FileKind::Empty {
        return Err(LedgerError::Missing { path });
    }
    read_beside_writer(&path)
}

/// The same for a ledger that this process writes.
pub(super) fn read_beside_writer(path: &Path) -> Result<Connection, LedgerError> {
    let connection = try_read(path, None).or_else(|error| {
        // In a directory that can't be written SQLite has no place for its index of the log. Without a log there is
        // nothing to index, and nobody who could write.
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

fn bound(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
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
