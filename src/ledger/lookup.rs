//! The gate that every row passes before it may be sent: was it seen in this input, was it settled by an earlier run?

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::listed::WholeList;
use super::record::CallState;
use super::schema::{account_id, from_millis, millis};
use super::{Key, LedgerError, ListOf, connection, listed, pace};
use crate::api::PageRequest;
use crate::invitation::{AccountName, InvitationId};
use crate::outcome::Outcome;
use crate::pace::Past;

/// Where a row stands before anything is sent for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It may be sent.
    New {
        /// Whether an earlier run lost the answer to a call for it, by a crash or by ending it as `unconfirmed`.
        lost_before: bool,
    },
    /// It stood in the input before.
    Duplicate { earlier_row: u64 },
    /// An earlier run settled it for good.
    Settled {
        outcome: Outcome,
        settled_at: Timestamp,
        /// Whether a list did, by not showing it.
        by_list: bool,
    },
}

/// The gate for the rows of one input.
#[derive(Debug)]
pub(crate) struct Lookup {
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

/// No call takes longer. What was withdrawn since some moment is looked for among the calls that were sent since this long
/// before.
const LONGEST_CALL: SignedDuration = SignedDuration::from_hours(24);

/// Look-ups under one snapshot of the ledger: taking one costs more than looking up.
const SNAPSHOT: u32 = 1_000;

/// A forgotten invitation's calls count one by one.
const WITHDRAWN_SINCE: &str = "SELECT MAX(COALESCE(ended_at, sent_at)), COUNT(*)
    FROM (
        SELECT * FROM calls
        WHERE account_id = ?1 AND sent_at >= ?2 AND kind = 0
            AND (state IN (?3, ?4) OR outcome IN ('withdrawn', 'presumed_withdrawn', 'unconfirmed'))
        ORDER BY sent_at DESC LIMIT ?5
    )
    GROUP BY COALESCE(invitation_id, call)";

/// What an account withdrew lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Withdrawn {
    /// One time for each invitation that was, or may have been, withdrawn.
    pub(crate) at: Vec<Timestamp>,
    /// Whether there may be more, at which nobody has looked.
    pub(crate) is_cut: bool,
}

impl Lookup {
    /// The gate as a run would find it now, without lock and without leaving a trace: for `--dry-run`. Not for a
    /// process that has the ledger open; that one has [`super::Ledger::lookup`].
    pub(crate) fn open(path: &Path, api: &str, recheck: bool) -> Result<Self, LedgerError> {
        let ledger = match connection::to_read(path) {
            Ok(ledger) => Some(ledger),
            Err(LedgerError::Missing { .. }) => None,
            Err(error) => return Err(error),
        };
        Self::with(ledger, path, api, recheck)
    }

    /// The gate where nothing is known yet, and duplicates are all there is to find.
    pub(crate) fn without_ledger() -> Result<Self, LedgerError> {
        Self::with(None, Path::new(""), "", false)
    }

    pub(super) fn with(ledger: Option<Connection>, path: &Path, api: &str, recheck: bool) -> Result<Self, LedgerError> {
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

    /// As [`super::Ledger::past`].
    pub(crate) fn past(&self, window: Duration, most: u32) -> Result<Past, LedgerError> {
        let past = |ledger| pace::past(ledger, &self.api, window, most, Timestamp::now());
        let past = self.ledger.as_ref().map(past).transpose();
        Ok(past.map_err(|error| LedgerError::unreadable(&self.path, error))?.unwrap_or_default())
    }

    /// What an account withdrew since this moment. A call whose answer was lost, or that a crash cut off, may have done it.
    /// Where there is a `most`, only so many calls are looked at, the newest.
    pub(crate) fn withdrawn_since(
        &self,
        account: &AccountName,
        since: Timestamp,
        most: Option<u32>,
    ) -> Result<Withdrawn, LedgerError> {
        let read = |ledger| self.read_withdrawn(ledger, account, since, most);
        let withdrawn = self.ledger.as_ref().map(read).transpose();
        Ok(withdrawn.map_err(|error| LedgerError::unreadable(&self.path, error))?.unwrap_or_default())
    }

    fn read_withdrawn(
        &self,
        ledger: &Connection,
        account: &AccountName,
        since: Timestamp,
        most: Option<u32>,
    ) -> rusqlite::Result<Withdrawn> {
        let account = account_id(ledger, &self.api, account)?;
        let sent_since = millis(since.saturating_sub(LONGEST_CALL).unwrap_or(Timestamp::MIN));
        let limit = most.map_or(-1, i64::from);
        let mut statement = ledger.prepare_cached(WITHDRAWN_SINCE)?;
        let mut rows = statement.query(params![account, sent_since, CallState::Open, CallState::Lost, limit])?;
        let (mut at, mut calls, mut are_all_since) = (Vec::new(), 0, true);
        while let Some(row) = rows.next()? {
            let withdrawn_at = from_millis(row.get(0)?)?;
            calls += row.get::<_, i64>(1)?;
            if withdrawn_at >= since {
                at.push(withdrawn_at);
            } else {
                are_all_since = false;
            }
        }
        Ok(Withdrawn { at, is_cut: calls == limit && are_all_since })
    }

    /// Where this row stands. From now on the key counts as seen, in `row`.
    pub(crate) fn standing(&mut self, key: &Key, row: u64) -> Result<Standing, LedgerError> {
        let account = self.account(&key.account).map_err(|error| LedgerError::unreadable(&self.path, error))?;
        if let Some(earlier_row) = self.seen.put(account.number, key, row).map_err(LedgerError::no_scratch)? {
            return Ok(Standing::Duplicate { earlier_row });
        }
        self.look_up(account, key).map_err(|error| LedgerError::unreadable(&self.path, error))
    }

    /// The invitation by which a person is settled at this moment; `None` as well if settled rows are to be rechecked.
    pub(crate) fn settled_person(
        &self,
        account: &AccountName,
        person: &str,
        now: Timestamp,
    ) -> Result<Option<InvitationId>, LedgerError> {
        self.recall(account, |ledger, account_id| {
            Ok(listed::settled_by(&listed::invited(ledger, account_id, person)?, now).cloned())
        })
    }

    /// The last list of connections that was read whole, if that was since this moment; not if settled rows are to be
    /// rechecked.
    pub(crate) fn whole_list(&self, account: &AccountName, since: Timestamp) -> Result<Option<WholeList>, LedgerError> {
        self.recall(account, |ledger, account_id| listed::whole_list(ledger, account_id, since))
    }

    /// How many pages the last list had that was read whole; `None` without one, and as above.
    pub(crate) fn last_pages(&self, list: &ListOf) -> Result<Option<u64>, LedgerError> {
        let count = |ledger: &Connection, account_id| listed::last_count(ledger, account_id, list.invitation_type);
        let pending = self.recall(&list.account, count)?;
        Ok(pending.map(|pending| pending.div_ceil(PageRequest::SIZE.into()).max(1)))
    }

    /// What the ledger remembers of an account's lists.
    fn recall<T>(
        &self,
        account: &AccountName,
        read: impl FnOnce(&Connection, i64) -> rusqlite::Result<Option<T>>,
    ) -> Result<Option<T>, LedgerError> {
        let Some(ledger) = self.ledger.as_ref().filter(|_| !self.recheck) else { return Ok(None) };
        let recall = || {
            let id = match self.accounts.get(account) {
                Some(account) => account.id,
                None => account_id(ledger, &self.api, account)?,
            };
            id.map_or(Ok(None), |id| read(ledger, id))
        };
        recall().map_err(|error| LedgerError::unreadable(&self.path, error))
    }

    fn account(&mut self, name: &AccountName) -> rusqlite::Result<Account> {
        if let Some(account) = self.accounts.get(name) {
            return Ok(*account);
        }
        let id = match &self.ledger {
            Some(ledger) => account_id(ledger, &self.api, name)?,
            None => None,
        };
        let number = u32::try_from(self.accounts.len()).unwrap_or(u32::MAX);
        let account = Account { number, id };
        self.accounts.insert(name.clone(), account);
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
        let known = ledger
            .prepare_cached(
                "SELECT is_final, outcome, at, by_list, answer_lost FROM known
                WHERE account_id = ?1 AND invitation_id = ?2",
            )?
            .query_one(params![account_id, key.id], |row| {
                let settled =
                    if row.get(0)? { Some((row.get(1)?, from_millis(row.get(2)?)?, row.get(3)?)) } else { None };
                Ok((settled, row.get(4)?))
            })
            .optional()?;
        let standing = match known {
            Some((Some((outcome, settled_at, by_list)), _)) if !self.recheck => {
                Standing::Settled { outcome, settled_at, by_list }
            }
            Some((_, lost_before)) => Standing::New { lost_before },
            None => Standing::New { lost_before: false },
        };
        // A new row may wait long for its turn, and while a snapshot stands the log can't be folded into the file.
        if matches!(standing, Standing::New { .. }) || self.looked_up >= SNAPSHOT {
            ledger.prepare_cached("COMMIT")?.execute([])?;
        }
        Ok(standing)
    }
}

/// The keys of this input and their rows, in a database that SQLite keeps in its cache as far as that reaches, and
/// beyond that in a temporary file that has no name.
#[derive(Debug)]
struct Seen(Connection);

impl Seen {
    fn new() -> rusqlite::Result<Self> {
        let connection = Connection::open("")?;
        connection::bound(&connection)?;
        // One transaction that never ends, and nothing to roll back to: it is of no use to anyone later.
        connection.execute_batch(
            "PRAGMA journal_mode = OFF;
            PRAGMA synchronous = OFF;
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

#[cfg(test)]
mod tests {
    use super::super::testing::{
        API, NOON, Place, end, id, intent, key, key_of, moment, run, run_at, settle, settlement, standing_of,
    };
    use super::super::{Ledger, Settlement};
    use super::*;

    const NEW: Standing = Standing::New { lost_before: false };
    const LOST: Standing = Standing::New { lost_before: true };

    #[tokio::test]
    async fn where_an_invitation_stands_by_its_settlements() {
        use Outcome::{Failed, NotFound, NotPending, Rejected, Unconfirmed, Withdrawn};
        // Oldest first; then what settled it for good, and whether a loss is unresolved.
        let cases: [(&[Outcome], Option<Outcome>, bool); 9] = [
            (&[], None, false),
            (&[Withdrawn], Some(Withdrawn), false),
            (&[Unconfirmed, NotPending], Some(NotPending), false),
            (&[Failed], None, false),
            (&[Unconfirmed], None, true),
            // An outcome that says nothing about losses does not end one.
            (&[Unconfirmed, Rejected], None, true),
            (&[NotFound, Unconfirmed], None, true),
            // Asked again, without an answer: what is settled stays so.
            (&[Withdrawn, NotFound], Some(Withdrawn), false),
            (&[Withdrawn, Unconfirmed], Some(Withdrawn), true),
        ];
        for (outcomes, expected, lost_before) in cases {
            let place = Place::new();
            let ledger = place.open("a");
            for outcome in outcomes {
                settle(&ledger, &key("7"), &settlement(*outcome)).await.unwrap();
            }
            let settled = match standing_of(&mut ledger.lookup(false).unwrap(), &key("7")) {
                Standing::Settled { outcome, .. } => Some(outcome),
                Standing::New { .. } | Standing::Duplicate { .. } => None,
            };
            assert_eq!(settled, expected, "{outcomes:?}");
            let rechecked = standing_of(&mut ledger.lookup(true).unwrap(), &key("7"));
            assert_eq!(rechecked, Standing::New { lost_before }, "{outcomes:?}");
        }
    }

    #[test]
    fn the_second_of_two_rows_is_a_duplicate_of_the_first() {
        let place = Place::new();
        let mut lookup = place.open("a").lookup(false).unwrap();
        assert_eq!(lookup.standing(&key("7"), 1).unwrap(), NEW);
        assert_eq!(lookup.standing(&key("8"), 2).unwrap(), NEW);
        assert_eq!(lookup.standing(&key_of("other", "7"), 3).unwrap(), NEW);
        for row in [4, 5] {
            assert_eq!(lookup.standing(&key("7"), row).unwrap(), Standing::Duplicate { earlier_row: 1 });
        }
    }

    #[tokio::test]
    async fn what_a_run_settles_itself_is_a_duplicate_and_no_earlier_run_s() {
        let place = Place::new();
        settle(&place.open("a"), &key("1"), &settlement(Outcome::Failed)).await.unwrap();
        let ledger = place.open("b");
        let mut lookup = ledger.lookup(false).unwrap();
        assert_eq!(lookup.standing(&key("7"), 1).unwrap(), NEW);
        settle(&ledger, &key("7"), &settlement(Outcome::Withdrawn)).await.unwrap();
        assert_eq!(lookup.standing(&key("7"), 2).unwrap(), Standing::Duplicate { earlier_row: 1 });
    }

    #[tokio::test]
    async fn a_settled_invitation_is_skipped_unless_it_is_to_be_rechecked() {
        let place = Place::new();
        let ledger = place.open("a");
        settle(&ledger, &key("7"), &settlement(Outcome::Withdrawn)).await.unwrap();
        settle(&ledger, &key("8"), &settlement(Outcome::NotFound)).await.unwrap();
        ledger.close().await.unwrap();

        let ledger = place.open("b");
        let mut lookup = ledger.lookup(false).unwrap();
        let settled = Standing::Settled { outcome: Outcome::Withdrawn, settled_at: moment(NOON), by_list: false };
        assert_eq!(standing_of(&mut lookup, &key("7")), settled);
        assert_eq!(standing_of(&mut lookup, &key("8")), NEW);
        assert_eq!(standing_of(&mut lookup, &key("9")), NEW);
        let mut recheck = ledger.lookup(true).unwrap();
        assert_eq!(standing_of(&mut recheck, &key("7")), NEW);
        assert_eq!(recheck.standing(&key("7"), 2).unwrap(), Standing::Duplicate { earlier_row: 1 });
    }

    #[tokio::test]
    async fn accounts_and_apis_are_kept_apart() {
        let place = Place::new();
        settle(&place.open("a"), &key("7"), &settlement(Outcome::Withdrawn)).await.unwrap();
        let ledger = place.open("b");
        let mut lookup = ledger.lookup(false).unwrap();
        assert_eq!(standing_of(&mut lookup, &key_of("other", "7")), NEW);
        assert!(matches!(standing_of(&mut lookup, &key("7")), Standing::Settled { .. }));
        drop((lookup, ledger));
        let sandbox = Ledger::open(&place.path, &run_at("c", "sandbox")).unwrap();
        assert_eq!(standing_of(&mut sandbox.lookup(false).unwrap(), &key("7")), NEW);
    }

    #[tokio::test]
    async fn an_unconfirmed_end_is_a_loss_for_the_next_run() {
        let place = Place::new();
        settle(&place.open("a"), &key("7"), &settlement(Outcome::Unconfirmed)).await.unwrap();
        assert_eq!(standing_of(&mut place.open("b").lookup(false).unwrap(), &key("7")), LOST);
    }

    /// What it came to, and how many hours ago.
    type Call = (Option<Outcome>, CallState, i64);

    #[tokio::test]
    async fn what_counts_as_withdrawn_in_the_last_day() {
        use Outcome::{Failed, NotFound, NotPending, PresumedWithdrawn, Unconfirmed, Withdrawn};
        let now = Timestamp::now();
        let hours_ago = |hours| now - SignedDuration::from_hours(hours);
        // The calls for an invitation; then whether it counts.
        let cases: [(&[Call], bool); 12] = [
            (&[(Some(Withdrawn), CallState::Answered, 1)], true),
            (&[(Some(Withdrawn), CallState::Answered, 23)], true),
            (&[(Some(Withdrawn), CallState::Answered, 25)], false),
            (&[(Some(PresumedWithdrawn), CallState::Answered, 1)], true),
            (&[(Some(NotPending), CallState::Answered, 1)], false),
            (&[(Some(NotFound), CallState::Answered, 1)], false),
            (&[(Some(Failed), CallState::Answered, 1)], false),
            // A success that was not said plainly.
            (&[(Some(Unconfirmed), CallState::Answered, 1)], true),
            (&[(None, CallState::Answered, 0), (Some(Withdrawn), CallState::Answered, 1)], true),
            (&[(None, CallState::Lost, 0)], true),
            (&[(None, CallState::Lost, 0), (Some(PresumedWithdrawn), CallState::Answered, 1)], true),
            (&[(None, CallState::NotSent, 0)], false),
        ];
        for (calls, counts) in cases {
            let place = Place::new();
            let ledger = place.open("a");
            for (outcome, state, hours) in calls {
                let call = ledger.open_call(intent(&key("7"))).await.unwrap();
                let settlement =
                    outcome.map(|outcome| Settlement { settled_at: hours_ago(*hours), ..settlement(outcome) });
                ledger.close_call(call, end(*state), Some(key("7")), settlement).await.await.unwrap();
            }
            let lookup = ledger.lookup(false).unwrap();
            let known = lookup.withdrawn_since(&AccountName::default(), hours_ago(24), None).unwrap();
            assert_eq!(known.at.len(), usize::from(counts), "{calls:?}");
        }
    }

    #[tokio::test]
    async fn a_crash_in_the_middle_leaves_what_counts_as_withdrawn() {
        let place = Place::new();
        let ledger = place.open("a");
        for digits in ["1", "2", "3"] {
            ledger.open_call(intent(&key(digits))).await.unwrap();
        }
        ledger.open_call(intent(&key_of("other", "1"))).await.unwrap();
        let crashed = place.after_a_crash();
        let since = Timestamp::now() - SignedDuration::from_hours(24);
        let counts = |lookup: Lookup| {
            let of = |name| lookup.withdrawn_since(&AccountName::parse(name).unwrap(), since, None).unwrap().at.len();
            ["default", "other"].map(of)
        };
        let expected = [3, 1];
        // While they are in flight, after the crash, to a dry run; and once they were forgotten.
        assert_eq!(counts(ledger.lookup(false).unwrap()), expected);
        assert_eq!(counts(Lookup::open(&crashed.path, API, false).unwrap()), expected);
        drop(crashed.open("b"));
        super::super::forget(&crashed.path, &super::super::Forget::Invitation(id("1"))).unwrap();
        assert_eq!(counts(crashed.open("c").lookup(false).unwrap()), expected);
        assert_eq!(
            counts(Ledger::open(&crashed.path, &run_at("d", "sandbox")).unwrap().lookup(false).unwrap()),
            [0, 0]
        );
        assert_eq!(counts(Lookup::without_ledger().unwrap()), [0, 0]);
    }

    /// A busy account leaves the others their own.
    #[tokio::test]
    async fn only_the_newest_calls_of_each_account_are_looked_at() {
        let place = Place::new();
        let ledger = place.open("a");
        ledger.open_call(intent(&key_of("other", "1"))).await.unwrap();
        for digits in ["1", "2", "2", "3"] {
            ledger.open_call(intent(&key(digits))).await.unwrap();
        }
        let lookup = ledger.lookup(false).unwrap();
        let since = Timestamp::now() - SignedDuration::from_hours(24);
        let known = |name, most| {
            let Withdrawn { at, is_cut } =
                lookup.withdrawn_since(&AccountName::parse(name).unwrap(), since, most).unwrap();
            (at.len(), is_cut)
        };
        let cases = [("default", Some(3), 2, true), ("default", Some(5), 3, false), ("other", Some(3), 1, false)];
        for (name, most, count, is_cut) in cases {
            assert_eq!(known(name, most), (count, is_cut), "{name} {most:?}");
        }
        assert_eq!(known("default", None), (3, false));
        // Where the newest calls go back further than what is asked for, none is left out.
        settle(&ledger, &key_of("third", "1"), &settlement(Outcome::Withdrawn)).await.unwrap();
        ledger.open_call(intent(&key_of("third", "2"))).await.unwrap();
        assert_eq!(known("third", Some(2)), (1, false));
    }

    #[test]
    fn what_was_withdrawn_is_found_without_reading_all_calls() {
        let place = Place::new();
        let lookup = place.open("a").lookup(false).unwrap();
        let explain = format!("EXPLAIN QUERY PLAN {WITHDRAWN_SINCE}");
        let mut statement = lookup.ledger.as_ref().unwrap().prepare(&explain).unwrap();
        let steps = statement.query_map(params![0, 0, 0, 0, 0], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<_> = steps.map(Result::unwrap).collect();
        assert!(
            steps.iter().any(|step| step.contains("calls USING INDEX calls_by_account (account_id=? AND sent_at>?)")),
            "{steps:?}"
        );
    }

    #[test]
    fn a_dry_run_leaves_no_trace() {
        let place = Place::new();
        let mut lookup = Lookup::open(&place.path, API, false).unwrap();
        assert_eq!(standing_of(&mut lookup, &key("7")), NEW);
        assert_eq!(place.listing(), [""; 0]);

        drop(Ledger::open(&place.path, &run("a")).unwrap());
        let before = place.listing();
        let mut lookup = Lookup::open(&place.path, API, false).unwrap();
        assert_eq!(standing_of(&mut lookup, &key("7")), NEW);
        drop(lookup);
        assert_eq!(place.listing(), before);
    }

    /// Rows that wait for their turn must not hold a snapshot: the log would grow for as long as they wait.
    #[tokio::test]
    async fn a_new_row_leaves_the_log_free_to_be_folded_in() {
        let place = Place::new();
        settle(&place.open("a"), &key("7"), &settlement(Outcome::Withdrawn)).await.unwrap();
        let ledger = place.open("b");
        let mut lookup = ledger.lookup(false).unwrap();
        standing_of(&mut lookup, &key("7"));
        assert!(!lookup.ledger.as_ref().unwrap().is_autocommit());
        standing_of(&mut lookup, &key("8"));
        assert!(lookup.ledger.as_ref().unwrap().is_autocommit());
    }
}
