//! What stands in the file: its marks, its tables, and the way there from each older version.

use rusqlite::{Connection, TransactionBehavior};

/// Marks the file as ours, in SQLite's header: "bwlg".
const APPLICATION_ID: u32 = 0x6277_6c67;

/// The steps from each version to the next; a file's `user_version` counts those it has. A step that was released is
/// never changed: new ones go below it.
const STEPS: [&str; 1] = ["
    CREATE TABLE accounts (
        id      INTEGER PRIMARY KEY,
        api     TEXT NOT NULL,
        account TEXT NOT NULL,
        UNIQUE (api, account)
    ) STRICT;

    CREATE TABLE runs (
        number     INTEGER PRIMARY KEY,
        run_id     TEXT NOT NULL UNIQUE,
        command    TEXT NOT NULL,
        api        TEXT NOT NULL,
        started_at TEXT NOT NULL,
        process_id INTEGER NOT NULL
    ) STRICT;

    -- What calls came to. Rows are added and forgotten, never changed.
    CREATE TABLE settlements (
        account_id       INTEGER NOT NULL REFERENCES accounts,
        invitation_id    TEXT NOT NULL,
        settlement       INTEGER NOT NULL, -- 1 for an invitation's first, then 2, 3, ...
        settled_at       TEXT NOT NULL,    -- RFC 3339 UTC, as every time here
        outcome          TEXT NOT NULL CHECK (outcome IN ('withdrawn', 'presumed_withdrawn', 'not_pending',
                             'not_found', 'unconfirmed', 'rejected', 'rate_limited', 'failed')),
        detail           TEXT NOT NULL,
        http_status      INTEGER,
        attempts         INTEGER NOT NULL,
        credits_charged  INTEGER NOT NULL,
        credits_possible INTEGER NOT NULL,
        run_number       INTEGER NOT NULL REFERENCES runs,
        PRIMARY KEY (account_id, invitation_id, settlement)
    ) STRICT, WITHOUT ROWID;

    -- Calls that may have left and are not settled. One without a run behind it is a lost answer.
    CREATE TABLE intents (
        account_id    INTEGER NOT NULL REFERENCES accounts,
        invitation_id TEXT NOT NULL,
        intended_at   TEXT NOT NULL,
        answer_lost   INTEGER NOT NULL CHECK (answer_lost IN (0, 1)), -- whether that of an earlier call surely is
        run_number    INTEGER NOT NULL REFERENCES runs,
        PRIMARY KEY (account_id, invitation_id)
    ) STRICT, WITHOUT ROWID;

    -- For people: the last word on each invitation.
    CREATE VIEW invitations AS
    SELECT api, account, invitation_id, outcome, detail, settled_at, settlement AS times_settled
    FROM settlements AS word
    JOIN accounts ON accounts.id = word.account_id
    WHERE settlement = (
        SELECT MAX(settlement) FROM settlements
        WHERE account_id = word.account_id AND invitation_id = word.invitation_id
    );
"];

/// The newest version that is known here.
#[expect(clippy::cast_possible_truncation, reason = "no list of steps is that long")]
pub(super) const NEWEST: u32 = STEPS.len() as u32;

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    /// Nothing in it yet.
    Empty,
    /// A ledger whose schema has this version, as far as the write-ahead log does not know better.
    Ledger {
        version: u32,
    },
    Foreign,
}

/// How many bytes [`kind_of`] wants to see: SQLite's header.
pub(super) const HEADER_LENGTH: usize = 100;

/// What a file is that begins with these bytes (<https://sqlite.org/fileformat.html#the_database_header>).
pub(super) fn kind_of(header: &[u8]) -> FileKind {
    let number = |at: usize| {
        let bytes: Option<[u8; 4]> = header.get(at..at + 4)?.try_into().ok();
        bytes.map(u32::from_be_bytes)
    };
    match (number(60), number(68)) {
        _ if header.is_empty() => FileKind::Empty,
        (Some(version), Some(APPLICATION_ID)) if header.starts_with(b"SQLite format 3\0") => {
            FileKind::Ledger { version }
        }
        _ => FileKind::Foreign,
    }
}

/// The version of an open ledger's schema.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Takes the steps that the file lacks, each in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    for (version, step) in (1..).zip(STEPS) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if self::version(&transaction)? < version {
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "user_version", version)?;
            transaction.commit()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_by_its_first_bytes() {
        let header = |id: u32, version: u32| {
            let mut header = [0; HEADER_LENGTH];
            header[..16].copy_from_slice(b"SQLite format 3\0");
            header[60..64].copy_from_slice(&version.to_be_bytes());
            header[68..72].copy_from_slice(&id.to_be_bytes());
            header.to_vec()
        };
        let mut not_sqlite = header(APPLICATION_ID, 1);
        not_sqlite[0] = b's';
        let cases = [
            (vec![], FileKind::Empty),
            (header(APPLICATION_ID, 1), FileKind::Ledger { version: 1 }),
            (header(APPLICATION_ID, 7), FileKind::Ledger { version: 7 }),
            (header(0, 0), FileKind::Foreign),
            (header(42, 1), FileKind::Foreign),
            (not_sqlite, FileKind::Foreign),
            (header(APPLICATION_ID, 1)[..50].to_vec(), FileKind::Foreign),
            (b"invitation_id\n7\n".to_vec(), FileKind::Foreign),
        ];
        for (bytes, kind) in cases {
            assert_eq!(kind_of(&bytes), kind, "{bytes:?}");
        }
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        for _ in 0..2 {
            migrate(&mut connection).unwrap();
            assert_eq!(version(&connection).unwrap(), NEWEST);
        }
    }
}
