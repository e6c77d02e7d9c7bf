//! Several ledgers read as one: those of a run's shares, or of several machines.
//!
//! Owns how records of the same account and invitation go together. Reads ledgers, and writes to none.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, params_from_iter};

use super::connection::{self, bound};
use super::{LedgerError, place, schema};

/// What is read, account and run first, and how it is added.
const TABLES: [(&str, &str); 4] = [
    (
        "SELECT account_id, run_number, kind, invitation_id, sent_at, ended_at, state, credits_charged, credits_possible,
            http_status, outcome, attempts, detail
        FROM calls ORDER BY call",
        "INSERT INTO calls (account_id, run_number, kind, invitation_id, sent_at, ended_at, state, credits_charged,
            credits_possible, http_status, outcome, attempts, detail)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    ),
    (
        // A withdrawal counts before what another ledger calls it later, such as not pending any more.
        "SELECT account_id, NULL, invitation_id, outcome, is_final, at, answer_lost FROM known",
        "INSERT INTO known (account_id, invitation_id, outcome, is_final, at, answer_lost)
        VALUES (?1, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT DO UPDATE SET outcome = excluded.outcome, is_final = excluded.is_final, at = excluded.at
            WHERE (COALESCE(excluded.outcome IN ('withdrawn', 'presumed_withdrawn'), 0), excluded.is_final, excluded.at)
                > (COALESCE(outcome IN ('withdrawn', 'presumed_withdrawn'), 0), is_final, at)",
    ),
    (
        "SELECT account_id, NULL, invitation_id, type, name, profile_url, first_seen_at, last_seen_at, person FROM listed",
        "INSERT INTO listed (account_id, invitation_id, type, name, profile_url, first_seen_at, last_seen_at, person)
        VALUES (?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT DO UPDATE SET
            name = IIF(excluded.name = '', name, excluded.name),
            profile_url = IIF(excluded.profile_url = '', profile_url, excluded.profile_url),
            first_seen_at = MIN(first_seen_at, excluded.first_seen_at),
            last_seen_at = MAX(last_seen_at, excluded.last_seen_at),
            person = COALESCE(excluded.person, person)",
    ),
    (
        "SELECT account_id, run_number, invitation_id, at, believed, outcome FROM differences",
        "INSERT OR IGNORE INTO differences (account_id, run_number, invitation_id, at, believed, outcome)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    ),
];

/// A ledger without a name that holds the records of all these; one that is named twice counts once.
pub(super) fn merged(paths: &[PathBuf]) -> Result<Connection, LedgerError> {
    let all = empty().map_err(LedgerError::no_scratch)?;
    let mut seen = Vec::new();
    for path in paths {
        let path = place::to_read(path)?;
        if !seen.contains(&path) {
            add(&all, &path)?;
            seen.push(path);
        }
    }
    Ok(all)
}

/// On disk, where it grows beyond the cache: SQLite removes the file's name at once.
fn empty() -> rusqlite::Result<Connection> {
    let mut connection = Connection::open("")?;
    bound(&connection)?;
    schema::migrate(&mut connection)?;
    Ok(connection)
}

fn add(all: &Connection, path: &Path) -> Result<(), LedgerError> {
    let ledger = connection::to_read(path)?;
    let added = || {
        // A run may write meanwhile.
        let ledger = ledger.unchecked_transaction()?;
        let transaction = all.unchecked_transaction()?;
        let (accounts, runs) = (add_accounts(&ledger, &transaction)?, add_runs(&ledger, &transaction)?);
        for (select, insert) in TABLES {
            let mut insert = transaction.prepare_cached(insert)?;
            let mut select = ledger.prepare(select)?;
            let columns = select.column_count();
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let mut values = (0..columns).map(|column| row.get(column)).collect::<Result<Vec<Value>, _>>()?;
                for (value, numbers) in values.iter_mut().zip([&accounts, &runs]) {
                    if let Value::Integer(number) = value {
                        *number = numbers.get(number).copied().ok_or(rusqlite::Error::QueryReturnedNoRows)?;
                    }
                }
                insert.execute(params_from_iter(values))?;
            }
        }
        transaction.commit()
    };
    added().map_err(|error: rusqlite::Error| match error.sqlite_error_code() {
        // Of a run's ID: all else that is unique is brought together.
        Some(ErrorCode::ConstraintViolation) => LedgerError::Copy { path: path.to_owned() },
        Some(ErrorCode::DiskFull | ErrorCode::CannotOpen) => LedgerError::no_scratch(error),
        Some(_) | None => LedgerError::unreadable(path, error),
    })
}

/// The numbers by which all ledgers together know what one knows by another.
type Numbers = HashMap<i64, i64>;

fn add_accounts(ledger: &Connection, all: &Connection) -> rusqlite::Result<Numbers> {
    let mut select = ledger.prepare("SELECT id, api, account FROM accounts")?;
    let mut insert = all.prepare("INSERT OR IGNORE INTO accounts (api, account) VALUES (?1, ?2)")?;
    let mut find = all.prepare("SELECT id FROM accounts WHERE api = ?1 AND account = ?2")?;
    let rows = select.query_map([], |row| {
        let (number, names): (i64, [String; 2]) = (row.get(0)?, [row.get(1)?, row.get(2)?]);
        insert.execute(params_from_iter(&names))?;
        Ok((number, find.query_one(params_from_iter(&names), |row| row.get(0))?))
    })?;
    rows.collect()
}

fn add_runs(ledger: &Connection, all: &Connection) -> rusqlite::Result<Numbers> {
    let mut select = ledger.prepare("SELECT number, run_id, command, api, started_at, process_id FROM runs")?;
    let mut insert =
        all.prepare("INSERT INTO runs (run_id, command, api, started_at, process_id) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let rows = select.query_map([], |row| {
        let values = (1..=5).map(|column| row.get(column)).collect::<Result<Vec<Value>, _>>()?;
        Ok((row.get(0)?, insert.insert(params_from_iter(values))?))
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::testing::{Place, id, key, key_of, settle, settlement_at};
    use super::super::{History, LedgerError};
    use crate::outcome::Outcome;

    const AT: &str = "2026-03-01T12:00:00Z";
    const LATER: &str = "2026-03-02T12:00:00Z";

    /// A ledger in which one run settled these.
    async fn ledger(run: &str, settled: &[(&str, &str, Outcome, &str)]) -> Place {
        let place = Place::new();
        let ledger = place.open(run);
        for (account, id, outcome, at) in settled {
            settle(&ledger, &key_of(account, id), &settlement_at(*outcome, at)).await.unwrap();
        }
        ledger.close().await.unwrap();
        place
    }

    #[tokio::test]
    async fn days_are_summed_and_entries_put_in_order_of_time() {
        use Outcome::{Failed, NotPending, Withdrawn};
        // The second ledger has other numbers for the same accounts.
        let one = ledger("a", &[("default", "1", Withdrawn, LATER), ("sales", "2", Withdrawn, AT)]).await;
        let other = ledger("b", &[("sales", "3", NotPending, AT), ("default", "1", Failed, AT)]).await;
        let link = one.dir.path().join("link.db");
        std::os::unix::fs::symlink(&one.path, &link).unwrap();
        let history = History::of_all(&[one.path.clone(), other.path.clone(), link]).unwrap();
        let days = history.by_day(None).unwrap();
        let days: Vec<_> = days
            .iter()
            .map(|line| (line.day.to_string(), line.account.to_string(), line.withdrawn, line.not_pending, line.failed))
            .collect();
        let line = |day: &str, account: &str, withdrawn, not_pending, failed| {
            (day.to_owned(), account.to_owned(), withdrawn, not_pending, failed)
        };
        let expected = [
            line("2026-03-01", "default", 0, 0, 1),
            line("2026-03-01", "sales", 1, 1, 0),
            line("2026-03-02", "default", 1, 0, 0),
        ];
        assert_eq!(days, expected);
        let runs = history.runs(None, None, None).unwrap();
        let runs: Vec<_> = runs.iter().map(|run| (run.run_id.as_str(), run.accounts.as_str(), run.calls)).collect();
        assert_eq!(runs, [("a", "default, sales", 2), ("b", "default, sales", 2)]);
        let entries = history.of(&id("1")).unwrap();
        let entries: Vec<_> = entries.iter().map(|entry| (entry.outcome, entry.run_id.as_deref())).collect();
        assert_eq!(entries, [(Some(Failed), Some("b")), (Some(Withdrawn), Some("a"))]);
    }

    #[tokio::test]
    async fn whoever_one_ledger_withdrew_can_be_invited_again_whatever_another_says_of_it() {
        use Outcome::{NotPending, Withdrawn};
        for settled in [[(Withdrawn, AT), (NotPending, LATER)], [(NotPending, LATER), (Withdrawn, AT)]] {
            let [one, other] = settled;
            let one = ledger("a", &[("default", "1", one.0, one.1)]).await;
            let other = ledger("b", &[("default", "1", other.0, other.1)]).await;
            let history = History::of_all(&[one.path.clone(), other.path.clone()]).unwrap();
            let people = history.reinvitable("2026-03-22".parse().unwrap()).unwrap();
            assert_eq!(people.iter().map(|person| person.invitation_id.as_str()).collect::<Vec<_>>(), ["1"]);
        }
    }

    /// The name comes from the ledger of a list, and so does that somebody is pending again.
    #[tokio::test]
    async fn lists_of_one_ledger_tell_of_the_withdrawals_of_another() {
        let share = ledger("a", &[("default", "1", Outcome::Withdrawn, AT)]).await;
        for (seen_at, expected) in [("2026-02-01T00:00:00Z", vec!["Ada"]), (LATER, vec![])] {
            let lists = Place::new();
            let ledger = lists.open("b");
            ledger.close().await.unwrap();
            let connection = rusqlite::Connection::open(&lists.path).unwrap();
            connection.execute("INSERT INTO accounts SELECT 9, ?1, 'default'", [super::super::testing::API]).unwrap();
            connection
                .execute(
                    "INSERT INTO listed (account_id, invitation_id, type, name, profile_url, first_seen_at, last_seen_at)
                    SELECT 9, ?1, 0, 'Ada', '', 0, unixepoch(?2) * 1000",
                    [key("1").id.as_str(), seen_at],
                )
                .unwrap();
            drop(connection);
            let history = History::of_all(&[lists.path.clone(), share.path.clone()]).unwrap();
            let people = history.reinvitable("2026-03-22".parse().unwrap()).unwrap();
            assert_eq!(people.iter().map(|person| person.name.as_str()).collect::<Vec<_>>(), expected);
        }
    }

    #[tokio::test]
    async fn a_copy_would_count_twice_and_is_refused() {
        let place = ledger("a", &[("default", "1", Outcome::Withdrawn, AT)]).await;
        let copy = place.dir.path().join("copy.db");
        fs::copy(&place.path, &copy).unwrap();
        let error = History::of_all(&[place.path.clone(), copy.clone()]).unwrap_err();
        assert!(matches!(&error, LedgerError::Copy { path } if path.ends_with("copy.db")), "{error}");
    }
}
