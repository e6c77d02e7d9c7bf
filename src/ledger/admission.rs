//! The gate that every row passes before it may be sent: was it seen in this input, was it settled by an earlier run?

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::record::speaks_of_losses;
use super::{Key, LedgerError, account, connection};
use crate::invitation::AccountName;
use crate::outcome::Outcome;

/// Where a row stands before anything is sent for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may be sent.
    New {
        /// Whether an earlier run lost the answer to a call for it, by a crash or by ending it as `unconfirmed`.
        lost_before: bool,
    },
    /// It stood in the input before.
    Duplicate {
        /// In this row.
        earlier_row: u64,
    },
    /// An earlier run settled it for good.
    Settled {
        /// As this.
        outcome: Outcome,
        /// At this time.
        settled_at: Timestamp,
    },
}

/// The gate for the rows of one input.
#[derive(Debug)]
pub struct Admission {
    /// `None` where there is no ledger yet.
    ledger: Option<Connection>,
    path: PathBuf,
    api: String,
    recheck: bool,
    seen: Seen,
    accounts: HashMap<AccountName, Account>,
    /// Look-ups under the present snapshot of the ledger.
    looked_up: u32,
}

#[derive(Clone, Copy, Debug)]
struct Account {
    /// Its number among the keys seen.
    number: u32,
    /// Its number in the ledger, if it stood there at its first row. What this run adds later is seen before it is
    /// looked for there.
    id: Option<i64>,
}

/// Look-ups under one snapshot of the ledger: taking one costs more than looking up.
const SNAPSHOT: u32 = 1_000;

impl Admission {
    /// The gate as a run would find it now, without lock and without leaving a trace: for `--dry-run`. Not for a
    /// process that has the ledger open; that one has [`super::Ledger::admission`].
    ///
    /// # Errors
    /// There is something at `path` that can't be read as a ledger. Nothing there is no error.
    pub fn open(path: &Path, api: &str, recheck: bool) -> Result<Self, LedgerError> {
        let ledger = match connection::to_read(path) {
            Ok(ledger) => Some(ledger),
            Err(LedgerError::Missing { .. }) => None,
            Err(error) => return Err(error),
        };
        Self::with(ledger, path, api, recheck)
    }

    /// The gate where nothing is known yet, and duplicates are all there is to find.
    ///
    /// # Errors
    /// The temporary directory can't be written.
    pub fn without_ledger() -> Result<Self, LedgerError> {
        Self::with(None, Path::new(""), "", false)
    }

    pub(super) fn new(ledger: Connection, path: &Path, api: &str, recheck: bool) -> Result<Self, LedgerError> {
        Self::with(Some(ledger), path, api, recheck)
    }

    fn with(ledger: Option<Connection>, path: &Path, api: &str, recheck: bool) -> Result<Self, LedgerError> {
        Ok(Self {
            ledger,
            path: path.to_owned(),
            api: api.to_owned(),
            recheck,
            seen: Seen::new().map_err(LedgerError::no_scratch)?,
            accounts: HashMap::new(),
            looked_up: 0,
        })
    }

    /// Where this row stands. From now on the key counts as seen, in `row`.
    ///
    /// # Errors
    /// The ledger can't be read, or the temporary directory not written.
    pub fn admit(&mut self, key: &Key, row: u64) -> Result<Standing, LedgerError> {
        let account = self.account(key).map_err(|error| LedgerError::unreadable(&self.path, error))?;
        if let Some(earlier_row) = self.seen.put(account.number, key, row).map_err(LedgerError::no_scratch)? {
            return Ok(Standing::Duplicate { earlier_row });
        }
        self.look_up(account, key).map_err(|error| LedgerError::unreadable(&self.path, error))
    }

    fn account(&mut self, key: &Key) -> rusqlite::Result<Account> {
        if let Some(account) = self.accounts.get(&key.account) {
            return Ok(*account);
        }
        let id = match &self.ledger {
            Some(ledger) => account::find(ledger, &self.api, &key.account)?,
            None => None,
        };
        let number = u32::try_from(self.accounts.len()).unwrap_or(u32::MAX);
        let account = Account { number, id };
        self.accounts.insert(key.account.clone(), account);
        Ok(account)
    }

    fn look_up(&mut self, account: Account, key: &Key) -> rusqlite::Result<Standing> {
        let (Some(ledger), Some(account_id)) = (&self.ledger, account.id) else {
            return Ok(Standing::New { lost_before: false });
        };
        if ledger.is_autocommit() {
            ledger.prepare_cached("BEGIN")?.execute([])?;
            self.looked_up = 0;
        }
        self.looked_up += 1;
        let intent = ledger
            .prepare_cached("SELECT 1 FROM intents WHERE account_id = ?1 AND invitation_id = ?2")?
            .exists(params![account_id, key.id])?;
        let settlements: Vec<(Outcome, Timestamp)> = ledger
            .prepare_cached(
                "SELECT outcome, settled_at FROM settlements
                WHERE account_id = ?1 AND invitation_id = ?2 ORDER BY settlement DESC",
            )?
            .query_map(params![account_id, key.id], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let standing = standing(&settlements, intent, self.recheck);
        // A new row may wait long for its turn, and while a snapshot stands the log can't be folded into the file.
        if matches!(standing, Standing::New { .. }) || self.looked_up >= SNAPSHOT {
            ledger.prepare_cached("COMMIT")?.execute([])?;
        }
        Ok(standing)
    }
}

/// Where an invitation stands by its settlements, newest first, and by whether an intent is open.
///
/// What is settled for good stays so, even if a later run was told to ask again and got no answer.
fn standing(settlements: &[(Outcome, Timestamp)], intent: bool, recheck: bool) -> Standing {
    let last = |wanted: fn(Outcome) -> bool| settlements.iter().copied().find(|(outcome, _)| wanted(*outcome));
    match last(Outcome::is_final) {
        Some((outcome, settled_at)) if !recheck => Standing::Settled { outcome, settled_at },
        Some(_) | None => {
            let unconfirmed = last(speaks_of_losses).is_some_and(|(outcome, _)| outcome == Outcome::Unconfirmed);
            Standing::New { lost_before: intent || unconfirmed }
        }
    }
}

/// The keys of this input and their rows, in a database that SQLite keeps in its cache as far as that reaches, and
/// beyond that in a temporary file that has no name.
#[derive(Debug)]
struct Seen(Connection);

impl Seen {
    fn new() -> rusqlite::Result<Self> {
        let connection = Connection::open("")?;
        // One transaction that never ends, and nothing to roll back to: it is of no use to anyone later.
        connection.execute_batch(
            "PRAGMA journal_mode = OFF;
            PRAGMA synchronous = OFF;
            PRAGMA cache_size = -4096;
            CREATE TABLE seen (
                account       INTEGER NOT NULL,
                invitation_id TEXT NOT NULL,
                row           INTEGER NOT NULL,
                PRIMARY KEY (account, invitation_id)
            ) STRICT, WITHOUT ROWID;
            BEGIN;",
        )?;
        Ok(Self(connection))
    }

    /// Puts a key down; the row of the same key, if it was there.
    fn put(&mut self, account: u32, key: &Key, row: u64) -> rusqlite::Result<Option<u64>> {
        let added = self
            .0
            .prepare_cached("INSERT INTO seen VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
            .execute(params![account, key.id, row])?;
        if added == 1 {
            return Ok(None);
        }
        self.0
            .prepare_cached("SELECT row FROM seen WHERE account = ?1 AND invitation_id = ?2")?
            .query_one(params![account, key.id], |found| found.get(0))
            .optional()
    }
}
