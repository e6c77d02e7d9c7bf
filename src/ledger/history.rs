//! What the ledger knows, for people. Reads alone, and needs no lock.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, Row};

use super::{Forget, LedgerError, Settlement, connection};
use crate::invitation::{AccountName, InvitationId};
use crate::policy::Cost;

/// A ledger that is read, while a run writes it or not.
#[derive(Debug)]
pub(crate) struct History {
    connection: Connection,
    path: PathBuf,
}

/// One day of one account, in settlements: an invitation that was settled twice counts twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DayLine {
    pub day: Date,
    /// The API's address.
    pub api: String,
    pub account: AccountName,
    pub withdrawn: u64,
    pub not_pending: u64,
    /// Everything that is tried again.
    pub failed: u64,
    /// What the calls cost, in credits.
    pub cost: Cost,
}

/// One thing that is known of an invitation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// The API's address.
    pub api: String,
    pub account: AccountName,
    /// The run that put it down.
    pub run_id: String,
    pub known: Known,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Known {
    /// What its calls came to.
    Settled(Settlement),
    /// A call for it may have left, and what became of that is not known.
    Intended { at: Timestamp },
}

impl Known {
    fn at(&self) -> Timestamp {
        match self {
            Self::Settled(settlement) => settlement.settled_at,
            Self::Intended { at } => *at,
        }
    }
}

impl History {
    /// Opens the ledger to read. Not for a process that has it open as a [`super::Ledger`].
    pub(crate) fn open(path: &Path) -> Result<Self, LedgerError> {
        Ok(Self { connection: connection::to_read(path)?, path: path.to_owned() })
    }

    /// What was settled, by day, API and account, from this day (UTC) on, oldest first.
    pub(crate) fn by_day(&self, since: Option<Date>) -> Result<Vec<DayLine>, LedgerError> {
        self.read(
            "SELECT substr(settled_at, 1, 10) AS day, api, account,
                COUNT(*) FILTER (WHERE outcome IN ('withdrawn', 'presumed_withdrawn')),
                COUNT(*) FILTER (WHERE outcome = 'not_pending'),
                COUNT(*) FILTER (WHERE outcome NOT IN ('withdrawn', 'presumed_withdrawn', 'not_pending')),
                SUM(credits_charged), SUM(credits_possible)
            FROM settlements JOIN accounts ON accounts.id = account_id
            WHERE settled_at >= ?1
            GROUP BY day, api, account ORDER BY day, api, account",
            // Every time sorts behind an empty text.
            since.map_or_else(String::new, |day| day.to_string()),
            |row| {
                Ok(DayLine {
                    day: row.get(0)?,
                    api: row.get(1)?,
                    account: row.get(2)?,
                    withdrawn: row.get(3)?,
                    not_pending: row.get(4)?,
                    failed: row.get(5)?,
                    cost: Cost { charged: row.get(6)?, possible: row.get(7)? },
                })
            },
        )
    }

    /// All that is known of an invitation, over all APIs and accounts, oldest first.
    pub(crate) fn of(&self, id: &InvitationId) -> Result<Vec<Entry>, LedgerError> {
        // CROSS JOIN keeps the order, so that each account's rows are found by their key.
        let mut entries = self.read(
            "SELECT accounts.api, account, run_id, settled_at, outcome, detail, http_status, attempts,
                credits_charged, credits_possible
            FROM accounts CROSS JOIN settlements ON account_id = accounts.id JOIN runs ON number = run_number
            WHERE invitation_id = ?1 ORDER BY settled_at, settlement",
            id,
            |row| {
                let settlement = Settlement {
                    settled_at: row.get(3)?,
                    outcome: row.get(4)?,
                    detail: row.get(5)?,
                    http_status: row.get(6)?,
                    attempts: row.get(7)?,
                    cost: Cost { charged: row.get(8)?, possible: row.get(9)? },
                };
                entry(row, Known::Settled(settlement))
            },
        )?;
        let intents = self.read(
            "SELECT accounts.api, account, run_id, intended_at
            FROM accounts CROSS JOIN intents ON account_id = accounts.id JOIN runs ON number = run_number
            WHERE invitation_id = ?1",
            id,
            |row| entry(row, Known::Intended { at: row.get(3)? }),
        )?;
        entries.extend(intents);
        entries.sort_by_key(|entry| entry.known.at());
        Ok(entries)
    }

    /// How many settlements and intents [`super::forget`] would remove.
    pub(crate) fn count(&self, what: &Forget) -> Result<u64, LedgerError> {
        what.count(&self.connection).map_err(|error| LedgerError::unreadable(&self.path, error))
    }

    fn read<T>(
        &self,
        sql: &str,
        parameter: impl rusqlite::ToSql,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, LedgerError> {
        let rows = || self.connection.prepare_cached(sql)?.query_map([parameter], read)?.collect::<Result<_, _>>();
        rows().map_err(|error| LedgerError::unreadable(&self.path, error))
    }
}

fn entry(row: &Row<'_>, known: Known) -> rusqlite::Result<Entry> {
    Ok(Entry { api: row.get(0)?, account: row.get(1)?, run_id: row.get(2)?, known })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{API, Place, key, key_of, run_at, settlement, settlement_at};
    use super::super::{Ledger, LedgerError};
    use super::*;
    use crate::outcome::Outcome;

    #[tokio::test]
    async fn days_are_counted_by_api_and_account() {
        use Outcome::{Failed, NotPending, PresumedWithdrawn, Unconfirmed, Withdrawn};
        let place = Place::new();
        let ledger = place.open("a");
        let settled = [
            ("default", "1", Withdrawn, "2026-03-01T00:00:00Z"),
            ("default", "2", PresumedWithdrawn, "2026-03-01T23:59:59.999Z"),
            ("default", "3", NotPending, "2026-03-01T12:00:00Z"),
            ("default", "4", Failed, "2026-03-01T12:00:00Z"),
            ("default", "4", Unconfirmed, "2026-03-01T12:00:00Z"),
            ("second", "1", Withdrawn, "2026-03-01T12:00:00Z"),
            ("default", "5", Withdrawn, "2026-03-02T00:00:00Z"),
        ];
        for (account, id, outcome, at) in settled {
            ledger.settle(&key_of(account, id), &settlement_at(outcome, at)).await.await.unwrap();
        }
        ledger.close().await.unwrap();
        let sandbox = Ledger::open(&place.path, &run_at("b", "sandbox")).unwrap();
        sandbox.settle(&key("1"), &settlement_at(Withdrawn, "2026-03-02T12:00:00Z")).await.await.unwrap();
        sandbox.close().await.unwrap();

        let line = |day: &str, api: &str, account: &str, withdrawn, not_pending, failed| {
            let settlements = withdrawn + not_pending + failed;
            DayLine {
                day: day.parse().unwrap(),
                api: api.to_owned(),
                account: AccountName::parse(account).unwrap(),
                withdrawn,
                not_pending,
                failed,
                cost: Cost { charged: settlements, possible: 2 * settlements },
            }
        };
        let second_day =
            [line("2026-03-02", API, "default", 1, 0, 0), line("2026-03-02", "sandbox", "default", 1, 0, 0)];
        let history = History::open(&place.path).unwrap();
        let mut both = vec![line("2026-03-01", API, "default", 2, 1, 2), line("2026-03-01", API, "second", 1, 0, 0)];
        both.extend(second_day.clone());
        assert_eq!(history.by_day(None).unwrap(), both);
        assert_eq!(history.by_day(Some("2026-03-02".parse().unwrap())).unwrap(), second_day);
        assert_eq!(history.by_day(Some("2026-03-03".parse().unwrap())).unwrap(), []);
    }

    #[tokio::test]
    async fn all_that_is_known_of_an_invitation() {
        let place = Place::new();
        let ledger = place.open("a");
        // The intent is of today, between the two.
        let (late, early) = ("2199-03-02T12:00:00.123Z", "2026-03-01T12:00:00Z");
        let last = Settlement { http_status: None, ..settlement_at(Outcome::Unconfirmed, late) };
        ledger.settle(&key("7"), &last).await.await.unwrap();
        ledger.settle(&key_of("second", "7"), &settlement_at(Outcome::NotPending, early)).await.await.unwrap();
        ledger.settle(&key("8"), &settlement(Outcome::Withdrawn)).await.await.unwrap();
        ledger.close().await.unwrap();
        let sandbox = Ledger::open(&place.path, &run_at("b", "sandbox")).unwrap();
        let now = Timestamp::now();
        sandbox.intend(&key("7")).await.unwrap();
        sandbox.close().await.unwrap();

        let known = History::open(&place.path).unwrap().of(&key("7").id).unwrap();
        let names = |entry: &Entry| format!("{} {} {}", entry.run_id, entry.api, entry.account);
        let mut names: Vec<_> = known.iter().map(names).collect();
        names.sort();
        assert_eq!(names, [format!("a {API} default"), format!("a {API} second"), "b sandbox default".to_owned()]);
        assert!(known.is_sorted_by_key(|entry| entry.known.at()));
        assert!(known.iter().any(|entry| entry.known == Known::Settled(last.clone())), "{known:?}");
        let intended = known.iter().find_map(|entry| match &entry.known {
            Known::Intended { at } => Some(*at),
            Known::Settled(_) => None,
        });
        assert!(intended.unwrap().duration_since(now).as_millis().abs() < 10_000);
    }

    #[test]
    fn where_no_ledger_is_there_is_none_afterwards() {
        let place = Place::new();
        assert!(matches!(History::open(&place.path), Err(LedgerError::Missing { .. })));
        assert_eq!(place.listing(), [""; 0]);
    }
}
