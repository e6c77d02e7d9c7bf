//! What the calls of each run, account and day came to, kept in sums beside them.
//!
//! Owns that the sums agree with the calls: whatever ends or settles a call adds to them in the same transaction, and no
//! program that knows no sums has the ledger open any more once they are there. Open calls are not in them: there are few,
//! none before the `first_call` of the last run.

use std::collections::HashMap;

use rusqlite::{Connection, ToSql, params};

use super::record::CallState;
use crate::outcome::Outcome;
use crate::policy::Cost;

/// In milliseconds.
pub(super) const DAY: i64 = 86_400_000;

/// The sums of all calls, by `run_number`, `account_id` and `day`, which may be there twice.
pub(super) const ALL: &str = "SELECT run_number, account_id, day, calls, withdrawn, not_pending, failed, charged, possible,
        last_call_at FROM totals
    UNION ALL
    SELECT run_number, account_id, COALESCE(ended_at, sent_at) / 86400000, 1, 0, 0, 0, credits_charged, credits_possible,
        COALESCE(ended_at, sent_at)
    FROM calls WHERE state = 0 AND call >= (SELECT COALESCE(MAX(first_call), 0) FROM runs)";

const ADD: &str =
    "ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, withdrawn = withdrawn + excluded.withdrawn,
    not_pending = not_pending + excluded.not_pending, failed = failed + excluded.failed,
    charged = charged + excluded.charged, possible = possible + excluded.possible,
    last_call_at = MAX(last_call_at, excluded.last_call_at)";

/// Adds those calls to the sums that the condition names, and that are not in them yet.
pub(super) fn add(connection: &Connection, which: &str, values: &[&dyn ToSql]) -> rusqlite::Result<()> {
    let sql = format!(
        "INSERT INTO totals
        SELECT run_number, account_id, COALESCE(ended_at, sent_at) / {DAY} AS day, SUM(state <> 3),
            COUNT(*) FILTER (WHERE outcome IN ('withdrawn', 'presumed_withdrawn')),
            COUNT(*) FILTER (WHERE outcome = 'not_pending'),
            COUNT(*) FILTER (WHERE outcome NOT IN ('withdrawn', 'presumed_withdrawn', 'not_pending')),
            SUM(credits_charged), SUM(credits_possible), MAX(COALESCE(ended_at, sent_at))
        FROM calls WHERE {which} GROUP BY run_number, account_id, day {ADD}"
    );
    connection.execute(&sql, values).map(drop)
}

/// A run that was added to the ledger.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entered {
    pub(super) run_number: i64,
    /// No call of it has a lower number.
    pub(super) first_call: i64,
}

/// What one transaction of a run adds.
#[derive(Debug, Default)]
pub(super) struct Added {
    /// By account and day.
    sums: HashMap<(i64, i64), Sum>,
    /// Whether a call ended that is in the sums already: as one whose answer was lost.
    is_unclear: bool,
}

#[derive(Debug, Default)]
struct Sum {
    calls: u64,
    withdrawn: u64,
    not_pending: u64,
    failed: u64,
    cost: Cost,
    last_call_at: i64,
}

impl Added {
    pub(super) fn call(&mut self, account_id: i64, ended_at: i64, state: CallState, cost: Cost) {
        let sum = self.sums.entry((account_id, ended_at / DAY)).or_default();
        sum.calls += u64::from(state != CallState::NotSent);
        sum.cost.charged += cost.charged;
        sum.cost.possible += cost.possible;
        sum.last_call_at = sum.last_call_at.max(ended_at);
    }

    pub(super) fn outcome(&mut self, account_id: i64, ended_at: i64, outcome: Outcome) {
        let sum = self.sums.entry((account_id, ended_at / DAY)).or_default();
        let count = match outcome {
            Outcome::Withdrawn | Outcome::PresumedWithdrawn => &mut sum.withdrawn,
            Outcome::NotPending => &mut sum.not_pending,
            Outcome::AlreadySettled
            | Outcome::Duplicate
            | Outcome::NotFound
            | Outcome::Unconfirmed
            | Outcome::Rejected
            | Outcome::RateLimited
            | Outcome::Failed
            | Outcome::Invalid
            | Outcome::NotAttempted => &mut sum.failed,
        };
        *count += 1;
    }

    /// The run's calls have to be counted anew.
    pub(super) fn count_anew(&mut self) {
        self.is_unclear = true;
    }

    /// The run has no call before its first one: where its calls are counted anew, years of others are not looked at.
    pub(super) fn write(
        &mut self,
        connection: &Connection,
        Entered { run_number, first_call }: Entered,
    ) -> rusqlite::Result<()> {
        if std::mem::take(&mut self.is_unclear) {
            self.sums.clear();
            connection.execute("DELETE FROM totals WHERE run_number = ?1", [run_number])?;
            return add(connection, "call >= ?2 AND run_number = ?1 AND state <> 0", &[&run_number, &first_call]);
        }
        for ((account_id, day), sum) in self.sums.drain() {
            let Sum { calls, withdrawn, not_pending, failed, cost, last_call_at } = sum;
            let sql = format!("INSERT INTO totals VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) {ADD}");
            connection.prepare_cached(&sql)?.execute(params![
                run_number,
                account_id,
                day,
                calls,
                withdrawn,
                not_pending,
                failed,
                cost.charged,
                cost.possible,
                last_call_at
            ])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::testing::{Place, end, intent, key, key_of, settle, settlement, settlement_at};
    use super::*;

    /// What the program keeps, and what the calls say.
    fn kept_and_counted(place: &Place) -> [Vec<String>; 2] {
        let mut ledger = Connection::open(&place.path).unwrap();
        let transaction = ledger.transaction().unwrap();
        let rows = || {
            let sql = "SELECT concat_ws(' ', run_number, account_id, day, calls, withdrawn, not_pending, failed, charged, possible,
                last_call_at) FROM totals ORDER BY 1";
            let mut rows = transaction.prepare(sql).unwrap();
            rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        let kept = rows();
        transaction.execute("DELETE FROM totals", []).unwrap();
        add(&transaction, "state <> 0", &[]).unwrap();
        [kept, rows()]
    }

    #[tokio::test]
    async fn the_sums_agree_with_the_calls_after_whatever_happens_to_one() {
        use Outcome::{Failed, NotPending, Withdrawn};
        let place = Place::new();
        let ledger = place.open("a");
        for (account, id, outcome, at) in [
            ("default", "1", Withdrawn, "2026-03-01T00:00:00Z"),
            ("default", "2", NotPending, "2026-03-02T00:00:00Z"),
            ("second", "1", Failed, "2026-03-01T12:00:00Z"),
        ] {
            settle(&ledger, &key_of(account, id), &settlement_at(outcome, at)).await.unwrap();
        }
        let not_sent = ledger.open_call(intent(&key("3"))).await.unwrap();
        ledger.close_call(not_sent, end(CallState::NotSent), Some(key("3")), None).await.await.unwrap();
        // Settled after its last call, answered after it was taken for lost, and cut off.
        let later = ledger.open_call(intent(&key("4"))).await.unwrap();
        ledger.close_call(later, end(CallState::Answered), Some(key("4")), None).await.await.unwrap();
        ledger.settle(later, key("4"), settlement(Failed)).await.await.unwrap();
        let late = ledger.open_call(intent(&key("5"))).await.unwrap();
        ledger.close_call(late, end(CallState::Lost), Some(key("5")), None).await.await.unwrap();
        ledger
            .close_call(late, end(CallState::Answered), Some(key("5")), Some(settlement(Withdrawn)))
            .await
            .await
            .unwrap();
        ledger.open_call(intent(&key("6"))).await.unwrap();
        let crashed = place.after_a_crash();
        let [kept, counted] = kept_and_counted(&crashed);
        assert_eq!((kept.len(), &kept), (counted.len(), &counted));
        let next = crashed.open("b");
        let late = next.open_call(intent(&key("7"))).await.unwrap();
        for state in [CallState::Lost, CallState::Answered] {
            next.close_call(late, end(state), Some(key("7")), None).await.await.unwrap();
        }
        next.close().await.unwrap();
        let [kept, counted] = kept_and_counted(&crashed);
        assert_eq!(kept, counted);
        assert!(kept.len() >= 5, "{kept:?}");
    }
}
