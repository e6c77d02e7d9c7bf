//! What the ledger knows, for people; needs no lock. And forgetting some of it, which does.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::connection::{self, of_write};
use super::lock::Lock;
use super::merged::merged;
use super::record::CallState;
use super::schema::{from_millis, millis};
use super::{LedgerError, place, totals};
use crate::invitation::{AccountName, InvitationId};
use crate::outcome::Outcome;
use crate::policy::Cost;
use crate::stop::Stop;

/// A ledger that is read, whether a run writes it meanwhile or not.
#[derive(Debug)]
pub(crate) struct History {
    connection: Connection,
    path: PathBuf,
    /// Whether it holds several ledgers, one after the other.
    is_merged: bool,
}

/// One day of one account. An invitation that was settled twice counts twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DayLine {
    /// In UTC.
    pub(crate) day: Date,
    /// The API's address.
    pub(crate) api: String,
    pub(crate) account: AccountName,
    pub(crate) withdrawn: u64,
    pub(crate) not_pending: u64,
    /// Everything that is tried again.
    pub(crate) failed: u64,
    /// What all calls of the day cost, pages of the list and calls without an answer included.
    pub(crate) cost: Cost,
}

/// A run, a list or a look, and what its calls came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunLine {
    pub(crate) run_id: String,
    pub(crate) command: String,
    /// The API's address.
    pub(crate) api: String,
    pub(crate) started_at: Timestamp,
    /// When the last call was answered, else when it was sent. There is no other end on record, so that it is known of a
    /// run that was killed, too.
    pub(crate) last_call_at: Option<Timestamp>,
    /// Those that were called for, one after a comma after the other.
    pub(crate) accounts: String,
    pub(crate) calls: u64,
    pub(crate) withdrawn: u64,
    pub(crate) cost: Cost,
}

/// A call for an invitation; that lists showed it, where there was none; or what a list put right.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// When it was answered, else when it was sent; without a call when it was last seen, or when the list began.
    pub(crate) at: Timestamp,
    /// The API's address.
    pub(crate) api: String,
    pub(crate) account: AccountName,
    pub(crate) run_id: Option<String>,
    pub(crate) state: Option<CallState>,
    /// Of the row, where this call settled it; or since the list.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) http_status: Option<u16>,
    /// Calls of the row in that run, where this one settled it.
    pub(crate) attempts: Option<u32>,
    pub(crate) cost: Cost,
    pub(crate) detail: Option<String>,
    /// The outcome before, where a list put it right.
    pub(crate) believed: Option<Outcome>,
    /// `None` where no list of the account showed it.
    pub(crate) seen: Option<Seen>,
}

/// What the lists said of an invitation; texts may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) profile_url: String,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

/// Somebody who was withdrawn, and whom no list has shown as pending since. Texts are empty where no list gave them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reinvitable {
    pub(crate) invitation_id: String,
    pub(crate) name: String,
    pub(crate) profile_url: String,
    pub(crate) account: AccountName,
    /// From this day on they can be invited again, in UTC.
    pub(crate) reinvite_on: Date,
    /// The API's address.
    pub(crate) api: String,
}

impl History {
    /// Opens the ledger to read. Not for a process that has it open as a [`super::Ledger`].
    pub(crate) fn open(path: &Path) -> Result<Self, LedgerError> {
        Ok(Self { connection: connection::to_read(path)?, path: path.to_owned(), is_merged: false })
    }

    /// Several ledgers as one.
    pub(crate) fn of_all(paths: &[PathBuf]) -> Result<Self, LedgerError> {
        match paths {
            [only] => Self::open(only),
            [first, ..] => Ok(Self { connection: merged(paths)?, path: first.clone(), is_merged: true }),
            [] => Err(LedgerError::Missing { path: PathBuf::new() }),
        }
    }

    /// What was settled and what it cost, by day, API and account, from this day (UTC) on, oldest first.
    pub(crate) fn by_day(&self, since: Option<Date>) -> Result<Vec<DayLine>, LedgerError> {
        let sql = format!(
            "SELECT date(day * 86400, 'unixepoch'), api, account, SUM(withdrawn), SUM(not_pending), SUM(failed), SUM(charged),
                SUM(possible)
            FROM ({}) AS sums JOIN accounts ON accounts.id = account_id
            WHERE day >= ?1
            GROUP BY day, api, account ORDER BY day, api, account",
            totals::all()
        );
        self.read(&sql, since.map_or(0, start_of) / totals::DAY, |row| {
            Ok(DayLine {
                day: row.get(0)?,
                api: row.get(1)?,
                account: row.get(2)?,
                withdrawn: row.get(3)?,
                not_pending: row.get(4)?,
                failed: row.get(5)?,
                cost: Cost { charged: row.get(6)?, possible: row.get(7)? },
            })
        })
    }

    /// All calls for an invitation and who it was for, over all APIs and accounts, oldest first.
    pub(crate) fn of(&self, id: &InvitationId) -> Result<Vec<Entry>, LedgerError> {
        let mut entries = self.read(
            "SELECT COALESCE(calls.ended_at, sent_at), accounts.api, account, run_id, state, outcome, http_status, attempts,
                credits_charged, credits_possible, detail, first_seen_at, last_seen_at, name, profile_url, NULL, call
            FROM calls JOIN accounts ON accounts.id = account_id JOIN runs ON number = run_number
                LEFT JOIN listed USING (account_id, invitation_id)
            WHERE calls.invitation_id = ?1
            UNION ALL
            SELECT last_seen_at, api, account, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, first_seen_at, last_seen_at, name,
                profile_url, NULL, NULL
            FROM listed JOIN accounts ON accounts.id = account_id
            WHERE invitation_id = ?1 AND account_id NOT IN (SELECT account_id FROM calls WHERE invitation_id = ?1)
            UNION ALL
            SELECT at, accounts.api, account, run_id, NULL, outcome, NULL, NULL, 0, 0, NULL, first_seen_at, last_seen_at, name,
                profile_url, believed,
                COALESCE((SELECT MAX(call) FROM calls WHERE invitation_id = ?1 AND sent_at <= at), 0) + 0.5
            FROM differences JOIN accounts ON accounts.id = account_id JOIN runs ON number = run_number
                LEFT JOIN listed USING (account_id, invitation_id)
            WHERE differences.invitation_id = ?1
            ORDER BY 17, 1",
            id,
            |row| {
                Ok(Entry {
                    at: from_millis(row.get(0)?)?,
                    api: row.get(1)?,
                    account: row.get(2)?,
                    run_id: row.get(3)?,
                    state: row.get(4)?,
                    outcome: row.get(5)?,
                    http_status: row.get(6)?,
                    attempts: row.get(7)?,
                    cost: Cost { charged: row.get(8)?, possible: row.get(9)? },
                    detail: row.get(10)?,
                    believed: row.get(15)?,
                    seen: match row.get(11)? {
                        Some(first) => Some(Seen {
                            first: from_millis(first)?,
                            last: from_millis(row.get(12)?)?,
                            name: row.get(13)?,
                            profile_url: row.get(14)?,
                        }),
                        None => None,
                    },
                })
            },
        )?;
        // Ledgers that are read as one have their calls one after the other.
        if self.is_merged {
            entries.sort_by_key(|entry| entry.at);
        }
        Ok(entries)
    }

    /// Those whose day to be invited again has come, the earliest first. Neither they nor, where lists give the profile,
    /// another invitation to the same person was shown as pending since the withdrawal.
    pub(crate) fn reinvitable(&self, today: Date) -> Result<Vec<Reinvitable>, LedgerError> {
        let people = self.read(
            "WITH people AS (
                SELECT account_id, profile_url, MAX(last_seen_at) AS last_seen_at FROM listed
                WHERE profile_url <> '' GROUP BY account_id, profile_url
            ), persons AS (
                SELECT account_id, person, MAX(last_seen_at) AS last_seen_at FROM listed
                WHERE person IS NOT NULL GROUP BY account_id, person
            )
            SELECT known.invitation_id, COALESCE(name, ''), COALESCE(listed.profile_url, ''), account, api, outcome, at
            FROM known JOIN accounts ON accounts.id = known.account_id
                LEFT JOIN listed USING (account_id, invitation_id)
                LEFT JOIN people ON people.account_id = known.account_id AND people.profile_url = listed.profile_url
                LEFT JOIN persons ON persons.account_id = known.account_id AND persons.person = listed.person
            WHERE is_final AND at <= ?1
                AND COALESCE(listed.last_seen_at, 0) <= at AND COALESCE(people.last_seen_at, 0) <= at
                AND COALESCE(persons.last_seen_at, 0) <= at
            ORDER BY at, known.invitation_id, known.account_id",
            start_of(today),
            |row| {
                let reinvite_on = row.get::<_, Outcome>(5)?.reinvite_on(from_millis(row.get(6)?)?);
                let person = |reinvite_on| {
                    Ok(Reinvitable {
                        invitation_id: row.get(0)?,
                        name: row.get(1)?,
                        profile_url: row.get(2)?,
                        account: row.get(3)?,
                        api: row.get(4)?,
                        reinvite_on,
                    })
                };
                reinvite_on.filter(|day| *day <= today).map(person).transpose()
            },
        )?;
        Ok(people.into_iter().flatten().collect())
    }

    /// The newest runs, the last of them last: those of this API, if one is named, from this day (UTC) on.
    pub(crate) fn runs(
        &self,
        api: Option<&str>,
        since: Option<Date>,
        most: Option<u32>,
    ) -> Result<Vec<RunLine>, LedgerError> {
        let (since, most) = (since.map_or(0, start_of), most.map_or(-1, i64::from));
        let sql = format!(
            "WITH newest AS (
                SELECT number, run_id, command, api, CAST(ROUND(unixepoch(started_at, 'subsec') * 1000) AS INTEGER) AS began_at FROM runs
                WHERE (?1 IS NULL OR api = ?1) AND began_at >= {since} ORDER BY began_at DESC, number DESC LIMIT {most}
            ), sums AS (
                SELECT run_number, account_id, SUM(calls) AS calls, MAX(last_call_at) AS last_call_at,
                    SUM(withdrawn) AS withdrawn, SUM(charged) AS charged, SUM(possible) AS possible
                FROM ({all}) GROUP BY run_number, account_id
            )
            SELECT run_id, command, newest.api, began_at, MAX(last_call_at), COALESCE(GROUP_CONCAT(account, ', '), ''),
                COALESCE(SUM(calls), 0), COALESCE(SUM(withdrawn), 0), COALESCE(SUM(charged), 0), COALESCE(SUM(possible), 0)
            FROM newest LEFT JOIN sums ON run_number = number LEFT JOIN accounts ON accounts.id = account_id
            GROUP BY number ORDER BY began_at, number",
            all = totals::all(),
        );
        self.read(&sql, api, |row| {
            Ok(RunLine {
                run_id: row.get(0)?,
                command: row.get(1)?,
                api: row.get(2)?,
                started_at: from_millis(row.get(3)?)?,
                last_call_at: row.get::<_, Option<i64>>(4)?.map(from_millis).transpose()?,
                accounts: row.get(5)?,
                calls: row.get(6)?,
                withdrawn: row.get(7)?,
                cost: Cost { charged: row.get(8)?, possible: row.get(9)? },
            })
        })
    }

    /// Name and profile of the person whom an invitation was for, by the lists; texts may be empty.
    pub(crate) fn person(&self, api: &str, account: &str, id: &str) -> Result<Option<(String, String)>, LedgerError> {
        let read = || {
            let mut query = self.connection.prepare_cached(
                "SELECT name, profile_url FROM listed JOIN accounts ON accounts.id = account_id
                WHERE invitation_id = ?1 AND account = ?2 AND api = ?3",
            )?;
            query.query_row([id, account, api], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        };
        read().map_err(|error| LedgerError::unreadable(&self.path, error))
    }

    /// How many invitations [`forget`] would remove.
    pub(crate) fn count(&self, what: &Forget) -> Result<u64, LedgerError> {
        what.count(&self.connection).map_err(|error| LedgerError::unreadable(&self.path, error))
    }

    /// How many other invitations to the same person [`forget`] would take the name and profile from.
    pub(crate) fn count_others(&self, what: &Forget) -> Result<u64, LedgerError> {
        what.count_others(&self.connection).map_err(|error| LedgerError::unreadable(&self.path, error))
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

/// The beginning of a day in UTC, in Unix milliseconds.
fn start_of(day: Date) -> i64 {
    day.to_zoned(TimeZone::UTC).map_or(i64::MAX, |start| millis(start.timestamp()))
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Forget {
    /// An invitation, over all APIs and accounts; and the person's name and profile wherever else they are.
    Invitation(InvitationId),
    /// All invitations whose calls ended before this day began, in UTC, and those that were last listed before.
    Before(Date),
}

/// Other invitations to the person that one is for, under whichever account. An address that does not say for certain whose
/// it is counts only as it is spelled, and not that of a page, which many invitations share.
const OTHERS: &str = "invitation_id <> ?1 AND (
    person IN (SELECT person FROM listed WHERE invitation_id = ?1)
    OR profile_url IN (SELECT profile_url FROM listed WHERE invitation_id = ?1 AND type = 0 AND profile_url <> ''))";

impl Forget {
    fn count(&self, connection: &Connection) -> rusqlite::Result<u64> {
        let count = |called, listed, differing, value: &dyn rusqlite::ToSql| {
            let sql = format!(
                "SELECT COUNT(*) FROM (
                    SELECT account_id, invitation_id FROM calls WHERE invitation_id IS NOT NULL AND {called}
                    UNION SELECT account_id, invitation_id FROM listed WHERE {listed}
                    UNION SELECT account_id, invitation_id FROM differences WHERE {differing})"
            );
            connection.query_one(&sql, [value], |row| row.get(0))
        };
        match self {
            Self::Invitation(id) => count("invitation_id = ?1", "invitation_id = ?1", "invitation_id = ?1", id),
            Self::Before(day) => {
                count("COALESCE(ended_at, sent_at) < ?1", "last_seen_at < ?1", "at < ?1", &start_of(*day))
            }
        }
    }

    fn count_others(&self, connection: &Connection) -> rusqlite::Result<u64> {
        match self {
            Self::Invitation(id) => {
                connection.query_one(&format!("SELECT COUNT(*) FROM listed WHERE {OTHERS}"), [id], |row| row.get(0))
            }
            Self::Before(_) => Ok(0),
        }
    }

    /// Removes the invitations; a call's time, account and cost stay, so that the bill does.
    fn remove(&self, connection: &mut Connection) -> rusqlite::Result<u64> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let count = self.count(&transaction)?;
        let blank = "UPDATE calls SET invitation_id = NULL, detail = NULL WHERE invitation_id IS NOT NULL AND";
        match self {
            Self::Invitation(id) => {
                transaction.execute(&format!("{blank} invitation_id = ?1"), [id])?;
                transaction.execute("DELETE FROM known WHERE invitation_id = ?1", [id])?;
                // Without them it is not whole any more.
                let of_it =
                    format!("account_id IN (SELECT account_id FROM listed WHERE invitation_id = ?1 OR {OTHERS})");
                transaction.execute(&format!("DELETE FROM whole_lists WHERE {of_it}"), [id])?;
                let unname = format!("UPDATE listed SET name = '', profile_url = '', person = NULL WHERE {OTHERS}");
                transaction.execute(&unname, [id])?;
                transaction.execute("DELETE FROM listed WHERE invitation_id = ?1", [id])?;
                transaction.execute("DELETE FROM differences WHERE invitation_id = ?1", [id])?;
            }
            Self::Before(day) => {
                let day = start_of(*day);
                transaction.execute(&format!("{blank} COALESCE(ended_at, sent_at) < ?1"), [day])?;
                // An answer that was lost later is still to be known.
                let is_lost_since = "answer_lost AND (account_id, invitation_id) IN (
                    SELECT account_id, invitation_id FROM calls
                    WHERE (state = ?2 OR outcome = 'unconfirmed') AND invitation_id IS NOT NULL)";
                let forget = format!("UPDATE known SET outcome = NULL, is_final = 0 WHERE at < ?1 AND {is_lost_since}");
                transaction.execute(&forget, params![day, CallState::Lost])?;
                let delete = format!("DELETE FROM known WHERE at < ?1 AND NOT ({is_lost_since})");
                transaction.execute(&delete, params![day, CallState::Lost])?;
                transaction.execute("DELETE FROM whole_lists WHERE began_at < ?1", [day])?;
                transaction.execute("DELETE FROM listed WHERE last_seen_at < ?1", [day])?;
                transaction.execute("DELETE FROM differences WHERE at < ?1", [day])?;
            }
        }
        transaction.commit()?;
        Ok(count)
    }
}

/// Removes invitations; returns how many. Takes the ledger's lock.
pub(crate) fn forget(path: &Path, what: &Forget) -> Result<u64, LedgerError> {
    place::to_read(path)?;
    let path = place::to_write(path)?;
    let lock = Lock::take(&path, "history", Timestamp::now())?;
    let stop = Stop::default();
    match connection::to_write(&path, &stop) {
        Ok(mut connection) => {
            let remove = || what.remove(&mut connection).map_err(of_write(&path));
            let removed = connection::once_unlocked(&path, &stop, Duration::ZERO, remove);
            if removed.is_ok() {
                clear_traces(&connection, &path);
            }
            drop(connection);
            drop(lock);
            removed
        }
        Err(error) => {
            lock.abandon();
            Err(error)
        }
    }
}

/// SQLite leaves what was deleted in unused parts of the file, where anybody who has it finds the names.
fn clear_traces(connection: &Connection, path: &Path) {
    if let Err(error) = connection.execute_batch("VACUUM") {
        let path = path.display();
        tracing::warn!(
            "{path} may still hold what was forgotten, in its unused parts ({error}): `sqlite3 {path} VACUUM` clears them"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        API, Place, end, id, intent, key, key_of, run_at, settle, settlement, settlement_at, standing,
    };
    use super::super::{Ledger, LedgerError, RunInfo, Standing};
    use super::*;

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
            settle(&ledger, &key_of(account, id), &settlement_at(outcome, at)).await.unwrap();
        }
        ledger.close().await.unwrap();
        let sandbox = Ledger::open(&place.path, &run_at("b", "sandbox")).unwrap();
        settle(&sandbox, &key("1"), &settlement_at(Withdrawn, "2026-03-02T12:00:00Z")).await.unwrap();
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
    async fn runs_are_shown_with_what_their_calls_came_to() {
        use Outcome::{Failed, Withdrawn};
        let place = Place::new();
        let ledger = place.open("a");
        let at = "2026-03-01T12:34:56Z";
        for (account, id, outcome) in
            [("default", "1", Withdrawn), ("second", "1", Withdrawn), ("default", "2", Failed)]
        {
            settle(&ledger, &key_of(account, id), &settlement_at(outcome, at)).await.unwrap();
        }
        ledger.close().await.unwrap();
        // Killed before it called.
        drop(Ledger::open(&place.path, &run_at("b", "sandbox")).unwrap());

        let history = History::open(&place.path).unwrap();
        let runs = history.runs(None, None, None).unwrap();
        let line = |run: &RunLine| {
            let RunLine { run_id, api, accounts, calls, withdrawn, cost, .. } = run.clone();
            format!("{run_id} {api} [{accounts}] {calls} {withdrawn} {} {}", cost.charged, cost.possible)
        };
        let lines = [format!("a {API} [default, second] 3 2 3 6"), "b sandbox [] 0 0 0 0".to_owned()];
        assert_eq!(runs.iter().map(line).collect::<Vec<_>>(), lines);
        assert_eq!(runs[0].last_call_at, Some(at.parse().unwrap()));
        assert_eq!((runs[1].last_call_at, runs[1].command.as_str()), (None, "run"));
        let day = runs[0].started_at.to_zoned(TimeZone::UTC).date();
        assert_eq!(history.runs(None, Some(day), None).unwrap(), runs);
        assert_eq!(history.runs(None, Some(day.tomorrow().unwrap()), None).unwrap(), []);
        assert_eq!(history.runs(None, None, Some(1)).unwrap(), runs[1..]);
        assert_eq!(history.runs(Some(API), None, None).unwrap(), runs[..1]);
    }

    #[tokio::test]
    async fn a_run_began_to_the_millisecond() {
        let place = Place::new();
        let started_at = "2026-03-01T10:00:00.123Z".parse().unwrap();
        drop(Ledger::open(&place.path, &RunInfo { started_at, ..run_at("a", API) }).unwrap());
        let runs = History::open(&place.path).unwrap().runs(None, None, None).unwrap();
        assert_eq!(runs.iter().map(|run| run.started_at).collect::<Vec<_>>(), [started_at]);
    }

    #[tokio::test]
    async fn all_calls_for_an_invitation() {
        let place = Place::new();
        let ledger = place.open("a");
        let call = ledger.open_call(intent(&key("7"))).await.unwrap();
        ledger.close_call(call, end(CallState::Lost), Some(key("7")), None).await.await.unwrap();
        settle(&ledger, &key("7"), &settlement(Outcome::PresumedWithdrawn)).await.unwrap();
        settle(&ledger, &key_of("second", "7"), &settlement(Outcome::NotPending)).await.unwrap();
        settle(&ledger, &key("8"), &settlement(Outcome::Withdrawn)).await.unwrap();
        ledger.close().await.unwrap();
        let sandbox = Ledger::open(&place.path, &run_at("b", "sandbox")).unwrap();
        sandbox.open_call(intent(&key("7"))).await.unwrap();

        let entries = History::open(&place.path).unwrap().of(&key("7").id).unwrap();
        let line = |entry: &Entry| {
            let Entry { run_id, api, account, state, outcome, cost, .. } = entry;
            let (run_id, state) = (run_id.as_deref().unwrap(), state.unwrap().as_str());
            let outcome = outcome.map_or("-", Outcome::as_str);
            format!("{run_id} {api} {account} {state} {outcome} {}", cost.possible)
        };
        assert_eq!(
            entries.iter().map(line).collect::<Vec<_>>(),
            [
                format!("a {API} default answer_lost - 2"),
                format!("a {API} default answered presumed_withdrawn 2"),
                format!("a {API} second answered not_pending 2"),
                "b sandbox default open - 1".to_owned(),
            ]
        );
        let last = &entries[1];
        assert_eq!((last.attempts, last.http_status), (Some(2), Some(200)));
        assert_eq!(last.detail.as_deref(), Some("the API's words for presumed_withdrawn"));
        assert_eq!(timestamp_of(last), "2026-03-01T12:00:00.25Z");
    }

    fn timestamp_of(entry: &Entry) -> String {
        entry.at.to_string()
    }

    #[test]
    fn where_no_ledger_is_there_is_none_afterwards() {
        let place = Place::new();
        assert!(matches!(History::open(&place.path), Err(LedgerError::Missing { .. })));
        assert_eq!(place.listing(), [""; 0]);
    }

    const NEW: Standing = Standing::New { lost_before: false };

    async fn filled() -> Place {
        let place = Place::new();
        let ledger = place.open("a");
        for (key, at) in [
            (key("7"), "2026-02-28T23:59:59.999Z"),
            (key("8"), "2026-03-01T00:00:00Z"),
            (key_of("second", "7"), "2026-03-02T12:00:00Z"),
        ] {
            settle(&ledger, &key, &settlement_at(Outcome::Withdrawn, at)).await.unwrap();
        }
        ledger.open_call(intent(&key_of("third", "7"))).await.unwrap();
        ledger.close().await.unwrap();
        place
    }

    /// What is removed, after the count that a prompt would show.
    fn counted_and_removed(place: &Place, what: &Forget) -> (u64, u64) {
        let counted = History::open(&place.path).unwrap().count(what).unwrap();
        (counted, forget(&place.path, what).unwrap())
    }

    #[tokio::test]
    async fn an_invitation_is_forgotten_for_every_account() {
        let place = filled().await;
        let bill = History::open(&place.path).unwrap().by_day(None).unwrap();
        assert_eq!(counted_and_removed(&place, &Forget::Invitation(id("7"))), (3, 3));
        assert_eq!(counted_and_removed(&place, &Forget::Invitation(id("7"))), (0, 0));
        assert_eq!(History::open(&place.path).unwrap().of(&id("7")).unwrap(), []);
        assert_eq!(History::open(&place.path).unwrap().by_day(None).unwrap(), bill, "the bill stays");
        let ledger = place.open("b");
        assert_eq!(standing(&ledger, &key("7")), NEW);
        assert_eq!(standing(&ledger, &key_of("third", "7")), NEW);
        assert!(matches!(standing(&ledger, &key("8")), Standing::Settled { .. }));
    }

    #[tokio::test]
    async fn what_was_put_down_before_a_day_is_forgotten() {
        let place = filled().await;
        let before = |day: &str| Forget::Before(day.parse().unwrap());
        assert_eq!(counted_and_removed(&place, &before("2026-02-28")), (0, 0));
        assert_eq!(counted_and_removed(&place, &before("2026-03-01")), (1, 1));
        let ledger = place.open("b");
        assert_eq!(standing(&ledger, &key("7")), NEW);
        assert!(matches!(standing(&ledger, &key("8")), Standing::Settled { .. }));
        drop(ledger);
        // The intent is of today.
        assert_eq!(counted_and_removed(&place, &before("9999-01-01")), (3, 3));
    }

    #[tokio::test]
    async fn an_answer_that_was_lost_later_is_not_forgotten() {
        use Outcome::{Failed, Unconfirmed, Withdrawn};
        let place = Place::new();
        let ledger = place.open("a");
        for (key, outcome, at) in [
            (key("7"), Failed, "2026-02-01T12:00:00Z"),
            (key("8"), Withdrawn, "2026-02-01T12:00:00Z"),
            (key("8"), Unconfirmed, "2026-03-05T12:00:00Z"),
            (key("9"), Unconfirmed, "2026-02-01T12:00:00Z"),
        ] {
            settle(&ledger, &key, &settlement_at(outcome, at)).await.unwrap();
        }
        // Cut off today.
        ledger.open_call(intent(&key("7"))).await.unwrap();
        drop(ledger);
        drop(place.open("b"));
        assert_eq!(counted_and_removed(&place, &Forget::Before("2026-03-01".parse().unwrap())), (3, 3));
        let ledger = place.open("c");
        for (digits, lost_before) in [("7", true), ("8", true), ("9", false)] {
            assert_eq!(standing(&ledger, &key(digits)), Standing::New { lost_before }, "{digits}");
        }
    }

    #[tokio::test]
    async fn nothing_is_forgotten_under_a_run_and_nothing_made_where_there_is_no_ledger() {
        let place = filled().await;
        let ledger = place.open("b");
        assert!(matches!(forget(&place.path, &Forget::Invitation(id("7"))), Err(LedgerError::Held { .. })));
        drop(ledger);
        let nowhere = place.dir.path().join("nowhere.db");
        assert!(matches!(forget(&nowhere, &Forget::Invitation(id("7"))), Err(LedgerError::Missing { .. })));
        assert!(!nowhere.exists());
    }
}
