//! What is in the file: its marks, its tables, how our types are stored, and the way there from each older version.

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::record::CallState;
use crate::api::InvitationType;
use crate::invitation::{AccountName, InvitationId};
use crate::outcome::Outcome;

/// Marks the file as ours, in SQLite's header: "bwlg".
const APPLICATION_ID: u32 = 0x6277_6c67;

/// The steps from each version to the next; a file's `user_version` counts those it has. A released step is never
/// changed: new ones go below it.
const STEPS: [&str; 10] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
    include_str!("schema/6.sql"),
    include_str!("schema/7.sql"),
    include_str!("schema/8.sql"),
    include_str!("schema/9.sql"),
    include_str!("schema/10.sql"),
];

/// The newest version that is known here.
#[expect(clippy::cast_possible_truncation, reason = "no list of steps is that long")]
pub(super) const NEWEST: u32 = STEPS.len() as u32;

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Empty,
    /// A ledger whose schema has this version, unless the write-ahead log holds a newer one.
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

/// Takes the steps that the file lacks, in one transaction: where that is cut off, nothing has changed.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = self::version(&transaction)?;
    if version == NEWEST {
        return Ok(());
    }
    for (before, step) in (0..).zip(STEPS) {
        if version <= before {
            transaction.execute_batch(step)?;
        }
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", NEWEST)?;
    transaction.commit()
}

/// The account's number, if the ledger knows it.
pub(super) fn account_id(connection: &Connection, api: &str, account: &AccountName) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM accounts WHERE api = ?1 AND account = ?2")?
        .query_one((api, account), |row| row.get(0))
        .optional()
}

/// A moment as the calls have it: Unix time in milliseconds.
pub(super) fn millis(moment: Timestamp) -> i64 {
    moment.as_millisecond()
}

pub(super) fn from_millis(millis: i64) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(millis).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, millis))
}

impl FromSql for CallState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let state = usize::try_from(value.as_i64()?).ok().and_then(|number| Self::ALL.get(number));
        state.copied().ok_or(FromSqlError::InvalidType)
    }
}

impl ToSql for CallState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok((*self as i64).into())
    }
}

impl ToSql for InvitationType {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number: i64 = match self {
            Self::Connection => 0,
            Self::Organization => 1,
            Self::ContentSeries => 2,
        };
        Ok(number.into())
    }
}

impl FromSql for Outcome {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::from_name(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}

impl ToSql for Outcome {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for AccountName {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::parse(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}

impl ToSql for AccountName {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for InvitationType {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            0 => Ok(Self::Connection),
            1 => Ok(Self::Organization),
            2 => Ok(Self::ContentSeries),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

impl FromSql for InvitationId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::parse(value.as_str()?).map_err(|_| FromSqlError::InvalidType)
    }
}

impl ToSql for InvitationId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Place, id, key, run_at, standing};
    use super::super::{DayLine, History, Ledger, ListOf, RunInfo, Shown, Standing};
    use super::*;
    use crate::policy::Cost;

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

    /// Written by the program's first version, with a run that was killed in the middle.
    fn older() -> Place {
        let place = Place::new();
        std::fs::write(&place.path, include_bytes!("../../tests/data/ledger-1.db")).unwrap();
        place
    }

    /// What the file's runs were billed, and a call for each of the four that the kill cut off.
    const BILL: Cost = Cost { charged: 21, possible: 54 + 4 };

    fn day(place: &Place) -> DayLine {
        let days = History::open(&place.path).unwrap().by_day(None).unwrap();
        assert_eq!(days.len(), 1);
        days.into_iter().next().unwrap()
    }

    #[test]
    fn an_older_ledger_is_brought_up_to_date_with_all_it_knows() {
        let place = older();
        let before = std::fs::read(&place.path).unwrap();
        let read_only = day(&place);
        assert!(std::fs::read(&place.path).unwrap() == before, "only a run may change it");
        assert_eq!(place.listing(), ["ledger.db"]);
        let DayLine { withdrawn, not_pending, failed, cost, .. } = read_only;
        assert_eq!((withdrawn, not_pending, failed, cost), (22, 20, 6, BILL));

        let api = "http://127.0.0.1:18080";
        for run in ["b", "c"] {
            let ledger = Ledger::open(&place.path, &run_at(run, api)).unwrap();
            let stands = |id: &str| standing(&ledger, &key(id));
            // Withdrawn, then not pending when it was checked again: final both times.
            assert!(matches!(stands("7329176687475109888"), Standing::Settled { outcome: Outcome::NotPending, .. }));
            assert!(matches!(stands("7329176687475245056"), Standing::Settled { outcome: Outcome::Withdrawn, .. }));
            // Not found: asked for again. Unconfirmed, or cut off: the same, after a lost answer.
            assert_eq!(stands("7329176687475109107"), Standing::New { lost_before: false });
            for id in ["7329176687475191808", "7329176687475249152", "7329176687475261440"] {
                assert_eq!(stands(id), Standing::New { lost_before: true });
            }
            assert_eq!(stands("7329176687475265536"), Standing::New { lost_before: false });
            drop(ledger);
            assert_eq!(day(&place), read_only);
        }
        let of_one = History::open(&place.path).unwrap().of(&id("7329176687475109888")).unwrap();
        assert_eq!(
            of_one.iter().map(|entry| entry.outcome.unwrap().as_str()).collect::<Vec<_>>(),
            ["withdrawn", "not_pending"]
        );
    }

    /// Its withdrawals have their day, and names as soon as a list shows them.
    #[tokio::test]
    async fn an_older_ledger_learns_who_was_listed() {
        let place = older();
        let today = "2999-01-01".parse().unwrap();
        let people = |place: &Place| History::open(&place.path).unwrap().reinvitable(today).unwrap();
        let before = people(&place);
        assert!(!before.is_empty() && before.iter().all(|person| person.name.is_empty()), "{before:?}");
        let run = RunInfo { command: "list", ..run_at("b", "http://127.0.0.1:18080") };
        let ledger = Ledger::open_beside(&place.path, &run).unwrap();
        let list = ListOf { account: AccountName::default(), invitation_type: InvitationType::Connection };
        let shown = Shown {
            id: id(&before[0].invitation_id),
            name: "Ada".to_owned(),
            profile_url: String::new(),
            person: None,
        };
        ledger.keep_page(list, vec![shown], Timestamp::UNIX_EPOCH).await.await.unwrap();
        ledger.close().await.unwrap();
        assert_eq!(people(&place)[0].name, "Ada");
    }

    /// `list` records beside the run that brought the ledger up to date.
    #[tokio::test]
    async fn calls_are_recorded_beside_the_first_run_after_an_upgrade() {
        let place = older();
        let _first = place.open("b");
        Ledger::open_beside(&place.path, &run_at("c", "http://127.0.0.1:18080")).unwrap().close().await.unwrap();
        assert!(place.listing().contains(&"ledger.db-wal".to_owned()), "the run has its log again");
    }

    /// A `list` of an older program, which knows nothing of the sums, is waited for.
    #[test]
    fn an_older_ledger_is_brought_up_to_date_once_no_older_program_has_it_open() {
        let place = older();
        let mut connection = Connection::open(&place.path).unwrap();
        let transaction = connection.transaction().unwrap();
        STEPS[1..8].iter().for_each(|step| transaction.execute_batch(step).unwrap());
        transaction.pragma_update(None, "user_version", 8).unwrap();
        transaction.commit().unwrap();
        connection.pragma_update(None, "journal_mode", "wal").unwrap();
        let kept = "SELECT SUM(calls) FROM totals";
        let counted = "SELECT COUNT(*) FROM calls WHERE state IN (1, 2)";
        let before: u32 = connection.query_one(counted, [], |row| row.get(0)).unwrap();

        let path = place.path.clone();
        let opening = std::thread::spawn(move || Ledger::open(&path, &run_at("b", "http://127.0.0.1:18080")));
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert!(!opening.is_finished(), "not waited for");
        let call = "INSERT INTO calls (run_number, account_id, kind, sent_at, state, credits_charged, credits_possible)
            VALUES (1, 1, 1, 1, 1, 1, 1)";
        connection.execute(call, []).unwrap();
        connection.close().unwrap();
        drop(opening.join().unwrap().unwrap());
        let connection = Connection::open(&place.path).unwrap();
        for sql in [kept, counted] {
            assert_eq!(connection.query_one(sql, [], |row| row.get::<_, u32>(0)).unwrap(), before + 1, "{sql}");
        }
    }

    #[test]
    fn a_step_that_was_cut_off_is_taken_again() {
        let place = older();
        let connection = Connection::open(&place.path).unwrap();
        // Written to the log before its time, as a large step is.
        connection.execute_batch("PRAGMA cache_size = 1; BEGIN IMMEDIATE").unwrap();
        connection.execute_batch(STEPS[1]).unwrap();
        let cut_off = place.after_a_crash();
        assert!(std::fs::metadata(cut_off.dir.path().join("ledger.db-wal")).unwrap().len() > 4_096);
        assert_eq!(version(&Connection::open(&cut_off.path).unwrap()).unwrap(), 1);
        drop(cut_off.open("b"));
        assert_eq!(version(&Connection::open(&cut_off.path).unwrap()).unwrap(), NEWEST);
        assert_eq!(day(&cut_off).cost, BILL);
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
