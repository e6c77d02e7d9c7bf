//! What calls came to, by run, account and day, kept so that the history need not read years of calls.
//!
//! The sums are of the calls before the mark: the newest `first_call` of a run. None of those is open. What comes after the
//! mark is read from the calls themselves, so a call costs the sums nothing until the mark passes it.

use rusqlite::{Connection, ToSql};

/// In milliseconds.
pub(super) const DAY: i64 = 86_400_000;

/// No call before this one is open.
pub(super) const MARK: &str = "(SELECT COALESCE(MAX(first_call), 0) FROM runs)";

/// The sums of all calls, by `run_number`, `account_id` and `day`, which may be there twice.
pub(super) fn all() -> String {
    format!("SELECT * FROM totals UNION ALL {}", of_calls(1, &format!("call >= {MARK}")))
}

fn of_calls(sign: i8, which: &str) -> String {
    format!(
        "SELECT run_number, account_id, COALESCE(ended_at, sent_at) / {DAY} AS day, {sign} * SUM(state <> 3),
            {sign} * COUNT(*) FILTER (WHERE outcome IN ('withdrawn', 'presumed_withdrawn')),
            {sign} * COUNT(*) FILTER (WHERE outcome = 'not_pending'),
            {sign} * COUNT(*) FILTER (WHERE outcome NOT IN ('withdrawn', 'presumed_withdrawn', 'not_pending')),
            {sign} * SUM(credits_charged), {sign} * SUM(credits_possible), MAX(COALESCE(ended_at, sent_at))
        FROM calls WHERE {which} GROUP BY run_number, account_id, day"
    )
}

/// Adds these calls to the sums, or takes them away.
fn add(connection: &Connection, sign: i8, which: &str, values: &[&dyn ToSql]) -> rusqlite::Result<()> {
    let sql = format!(
        "INSERT INTO totals {}
        ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, withdrawn = withdrawn + excluded.withdrawn,
            not_pending = not_pending + excluded.not_pending, failed = failed + excluded.failed,
            charged = charged + excluded.charged, possible = possible + excluded.possible,
            last_call_at = MAX(last_call_at, excluded.last_call_at)",
        of_calls(sign, which)
    );
    connection.prepare_cached(&sql)?.execute(values).map(drop)
}

/// Moves the mark up to the first call that is open, on behalf of this run.
pub(super) fn move_mark(connection: &Connection, run_number: i64) -> rusqlite::Result<()> {
    let first_open = format!(
        "SELECT COALESCE(
            (SELECT call FROM calls WHERE call >= {MARK} AND state = 0 ORDER BY call LIMIT 1),
            (SELECT MAX(call) + 1 FROM calls), 1)"
    );
    let to: i64 = connection.prepare_cached(&first_open)?.query_one([], |row| row.get(0))?;
    add(connection, 1, &format!("call >= {MARK} AND call < ?1"), &[&to])?;
    connection.prepare_cached("UPDATE runs SET first_call = ?1 WHERE number = ?2")?.execute([to, run_number]).map(drop)
}

/// Changes a call that has ended, and with it the sums if it is in them.
pub(super) fn changing(
    connection: &Connection,
    call: i64,
    change: impl FnOnce() -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let counted = format!("call = ?1 AND call < {MARK}");
    add(connection, -1, &counted, &[&call])?;
    // It may have been the only one of its day, and end on another.
    let sql =
        "DELETE FROM totals WHERE (run_number, account_id) = (SELECT run_number, account_id FROM calls WHERE call = ?1)
        AND calls = 0 AND failed = 0 AND possible = 0";
    connection.prepare_cached(sql)?.execute([call])?;
    change()?;
    add(connection, 1, &counted, &[&call])
}

#[cfg(test)]
mod tests {
    use super::super::record::CallState;
    use super::super::testing::{API, Place, end, intent, key, key_of, run_at, settle, settlement, settlement_at};
    use super::super::{CallIntent, Ledger};
    use super::*;
    use crate::api::CallKind;
    use crate::outcome::Outcome;

    /// The last call is that of the run: where an answer comes after midnight, the day before keeps when it was given up.
    const COLUMNS: &str =
        "run_number, account_id, day, SUM(calls), SUM(withdrawn), SUM(not_pending), SUM(failed), SUM(charged),
        SUM(possible), MAX(MAX(last_call_at)) OVER (PARTITION BY run_number)";

    /// The sums before the mark and of all calls: as they are kept and read, then as the calls say. And the mark.
    fn kept_and_counted(place: &Place) -> ([Vec<String>; 2], [Vec<String>; 2], i64) {
        let ledger = Connection::open(&place.path).unwrap();
        let rows = |sums: String| -> Vec<String> {
            let sql = format!(
                "SELECT concat_ws(' ', {COLUMNS}) FROM ({sums}) GROUP BY run_number, account_id, day ORDER BY 1"
            );
            let mut rows = ledger.prepare(&sql).unwrap();
            rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        let counted = |which: &str| rows(format!("SELECT * FROM totals WHERE false UNION ALL {}", of_calls(1, which)));
        let kept = [rows("SELECT * FROM totals".to_owned()), rows(all())];
        let mark = ledger.query_one(&format!("SELECT {MARK}"), [], |row| row.get(0)).unwrap();
        (kept, [counted(&format!("call < {MARK}")), counted("true")], mark)
    }

    #[tokio::test]
    async fn the_sums_agree_with_the_calls_after_whatever_happens_to_one() {
        use Outcome::{Failed, NotPending, Withdrawn};
        let place = Place::new();
        let ledger = place.open("a");
        // As it is after a thousand calls.
        let pass = |place: &Place, run| move_mark(&Connection::open(&place.path).unwrap(), run).unwrap();
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
        pass(&place, 1);
        ledger.settle(later, key("4"), settlement(Failed)).await.await.unwrap();
        let answered_late = settlement_at(Withdrawn, "2999-01-01T00:00:00Z");
        let late = ledger.open_call(intent(&key("5"))).await.unwrap();
        ledger.close_call(late, end(CallState::Lost), Some(key("5")), None).await.await.unwrap();
        pass(&place, 1);
        ledger
            .close_call(late, end(CallState::Answered), Some(key("5")), Some(answered_late.clone()))
            .await
            .await
            .unwrap();
        // The only call of its account, on another day in the end.
        let moved = key_of("third", "1");
        let late = ledger.open_call(intent(&moved)).await.unwrap();
        ledger.close_call(late, end(CallState::Lost), Some(moved.clone()), None).await.await.unwrap();
        pass(&place, 1);
        ledger
            .close_call(late, end(CallState::Answered), Some(moved), Some(answered_late.clone()))
            .await
            .await
            .unwrap();
        ledger.open_call(intent(&key("6"))).await.unwrap();
        settle(&ledger, &key("8"), &settlement(Failed)).await.unwrap();
        pass(&place, 1);
        let crashed = place.after_a_crash();
        let (kept, counted, mark) = kept_and_counted(&crashed);
        assert_eq!(kept, counted);
        assert_eq!(mark, 8, "the first call that is open");
        let next = crashed.open("b");
        let late = next.open_call(intent(&key("7"))).await.unwrap();
        for state in [CallState::Lost, CallState::Answered] {
            next.close_call(late, end(state), Some(key("7")), None).await.await.unwrap();
            pass(&crashed, 2);
        }
        next.close().await.unwrap();
        let (kept, counted, mark) = kept_and_counted(&crashed);
        assert_eq!(kept, counted);
        assert_eq!((kept[0].len(), mark), (kept[1].len(), 11), "all are before the mark");
    }

    #[tokio::test]
    async fn the_mark_stops_at_the_first_call_that_is_open() {
        let place = Place::new();
        let ledger = place.open("a");
        let settled = settlement(Outcome::Withdrawn);
        settle(&ledger, &key("1"), &settled).await.unwrap();
        let open = ledger.open_call(intent(&key("2"))).await.unwrap();
        settle(&ledger, &key("3"), &settled).await.unwrap();
        let mut marks = Vec::new();
        for is_open in [true, false] {
            if !is_open {
                ledger.close_call(open, end(CallState::Lost), Some(key("2")), None).await.await.unwrap();
            }
            move_mark(&Connection::open(&place.path).unwrap(), 1).unwrap();
            let (kept, counted, mark) = kept_and_counted(&place);
            assert_eq!(kept, counted, "{is_open}");
            marks.push(mark);
        }
        assert_eq!(marks, [2, 4]);
    }

    /// Each of them moves it, and neither over a call that the other has open.
    #[tokio::test]
    async fn a_list_beside_a_run_moves_the_same_mark() {
        let place = Place::new();
        let run = place.open("a");
        let held = run.open_call(intent(&key("1"))).await.unwrap();
        let list = Ledger::open_beside(&place.path, &run_at("b", API)).unwrap();
        let page = CallIntent { kind: CallKind::List, invitation: None, ..intent(&key("1")) };
        let mut marks = Vec::new();
        for id in 2..12 {
            let call = list.open_call(page.clone()).await.unwrap();
            settle(&run, &key(&id.to_string()), &settlement(Outcome::Withdrawn)).await.unwrap();
            list.close_call(call, end(CallState::Answered), None, None).await.await.unwrap();
            if id == 6 {
                run.close_call(held, end(CallState::Answered), Some(key("1")), None).await.await.unwrap();
            }
            let (kept, counted, mark) = kept_and_counted(&place);
            assert_eq!(kept, counted, "{id}");
            marks.push(mark);
        }
        assert_eq!(marks[..4], [1; 4]);
        assert!(marks.is_sorted() && marks[9] > 15, "{marks:?}");
    }
}
