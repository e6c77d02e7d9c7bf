//! What is kept of the pace: what was learned of the rate limit, and when the last calls were sent.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, params};

use super::schema::{from_millis, millis};
use crate::pace::{Certainty, Learned, Past};

/// SQLite keeps the order of a CROSS JOIN: backwards through the calls, and no further than it has to.
const NEWEST: &str = "SELECT sent_at FROM calls CROSS JOIN accounts ON accounts.id = account_id WHERE api = ?1
    ORDER BY call DESC LIMIT ?2";

/// What was learned until now, and the calls of the last `window`; at most so many, the newest.
pub(super) fn past(
    connection: &Connection,
    api: &str,
    window: Duration,
    most: u32,
    now: Timestamp,
) -> rusqlite::Result<Past> {
    let learned = connection
        .prepare_cached("SELECT calls, window_ms, certainty, rest, learned_at FROM pace WHERE api = ?1")?
        .query_one([api], |row| {
            let (window_ms, learned_at): (u64, i64) = (row.get(1)?, row.get(4)?);
            let window = Duration::from_millis(window_ms);
            let learned = Learned { calls: row.get(0)?, window, certainty: row.get(2)?, rest: row.get(3)? };
            // One from the future may be of any age.
            Ok((learned, ago(from_millis(learned_at)?, now).unwrap_or(Duration::MAX)))
        })
        .optional();
    // It only helps, so what can't be read is not worth an end.
    let learned = learned.unwrap_or_else(|error| {
        tracing::warn!("what earlier runs learned of the rate limit can't be read and is not used: {error}");
        None
    });
    let learned = learned.filter(|(learned, _)| learned.is_sound());
    let mut newest = connection.prepare_cached(NEWEST)?;
    let mut calls = Vec::new();
    let mut age = Duration::ZERO;
    for sent_at in newest.query_map(params![api, most], |row| row.get(0))? {
        // Where the clock was set back since, only the order is known: it was sent before the one that was last looked at.
        age = ago(from_millis(sent_at?)?, now).unwrap_or(age);
        if age >= window {
            break;
        }
        calls.push(age);
    }
    calls.sort_unstable_by(|one, other| other.cmp(one));
    Ok(Past { learned, calls })
}

/// Keeps what was learned; `None` forgets it.
pub(super) fn keep(
    connection: &Connection,
    api: &str,
    learned: Option<Learned>,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let Some(Learned { calls, window, certainty, rest }) = learned else {
        connection.prepare_cached("DELETE FROM pace WHERE api = ?1")?.execute([api])?;
        return Ok(());
    };
    let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
    connection.prepare_cached("INSERT OR REPLACE INTO pace VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(params![
        api,
        calls,
        window_ms,
        certainty,
        rest,
        millis(at)
    ])?;
    Ok(())
}

fn ago(moment: Timestamp, now: Timestamp) -> Option<Duration> {
    Duration::try_from(now.duration_since(moment)).ok().filter(|_| now.duration_since(moment) >= SignedDuration::ZERO)
}

impl FromSql for Certainty {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let known = usize::try_from(value.as_i64()?).ok().and_then(|number| Self::ALL.get(number));
        known.copied().ok_or(FromSqlError::InvalidType)
    }
}

impl ToSql for Certainty {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok((*self as i64).into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Ledger;
    use super::super::testing::{API, Place, intent, key, run_at};
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const LEARNED: Learned = Learned { calls: 99.5, window: MINUTE, certainty: Certainty::Confirmed, rest: 4 };

    #[tokio::test]
    async fn what_was_learned_is_there_for_the_next_run_until_it_is_forgotten() {
        let place = Place::new();
        let other = Learned { calls: 1.0, certainty: Certainty::Near, ..LEARNED };
        for (run, kept) in [("a", Some(LEARNED)), ("b", Some(other)), ("c", None)] {
            let ledger = place.open(run);
            ledger.keep_pace(kept).await.await.unwrap();
            ledger.close().await.unwrap();
            let next = place.open(&format!("{run} next"));
            let past = next.past(MINUTE, 10).unwrap();
            assert_eq!(past.learned.map(|(learned, _)| learned), kept);
            assert!(past.learned.is_none_or(|(_, ago)| ago < MINUTE));
            drop(next);
            let elsewhere =
                Ledger::open(&place.path, &run_at(&format!("{run} elsewhere"), "https://other.example")).unwrap();
            assert_eq!(elsewhere.past(MINUTE, 10).unwrap().learned, None);
        }
    }

    /// It only helps, so what is damaged or senseless is left aside.
    #[tokio::test]
    async fn what_can_not_be_reckoned_with_is_not_used() {
        let place = Place::new();
        let ledger = place.open("a");
        ledger.keep_pace(Some(LEARNED)).await.await.unwrap();
        ledger.close().await.unwrap();
        let connection = Connection::open(&place.path).unwrap();
        let learned = || past(&connection, API, MINUTE, 9, Timestamp::now()).unwrap().learned;
        assert!(learned().is_some());
        for (column, value) in [("certainty", 7), ("rest", 0), ("rest", 99), ("calls", -5), ("window_ms", 0)] {
            connection.execute_batch(&format!("BEGIN; UPDATE pace SET {column} = {value}")).unwrap();
            assert_eq!(learned(), None, "{column} {value}");
            connection.execute_batch("ROLLBACK").unwrap();
        }
        let tomorrow = millis(Timestamp::now()) + 86_400_000;
        connection.execute("UPDATE pace SET learned_at = ?1", [tomorrow]).unwrap();
        assert_eq!(learned().map(|(_, ago)| ago), Some(Duration::MAX));
    }

    #[test]
    fn the_newest_calls_are_found_without_reading_all() {
        let place = Place::new();
        drop(place.open("a"));
        let connection = Connection::open(&place.path).unwrap();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {NEWEST}")).unwrap();
        let steps = statement.query_map(params![API, 0], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<_> = steps.map(Result::unwrap).collect();
        assert_eq!(steps[0], "SCAN calls", "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("ORDER BY")), "{steps:?}");
    }

    #[tokio::test]
    async fn the_calls_of_the_last_window_are_known_oldest_first() {
        let place = Place::new();
        let ledger = place.open("a");
        for id in ["7", "8", "9"] {
            ledger.open_call(intent(&key(id))).await.unwrap();
        }
        ledger.close().await.unwrap();
        let connection = Connection::open(&place.path).unwrap();
        let now = Timestamp::now();
        let ages = [100_000, 50_000, 20_000];
        for (call, age) in (1..).zip(ages) {
            let sent_at = millis(now) - age;
            connection.execute("UPDATE calls SET sent_at = ?2 WHERE call = ?1", [call, sent_at]).unwrap();
        }
        let secs = |secs: &[u64]| secs.iter().map(|secs| Duration::from_secs(*secs)).collect::<Vec<_>>();
        let calls = |most, now| past(&connection, API, MINUTE, most, now).unwrap().calls;
        let rounded: Vec<_> =
            calls(9, now).iter().map(|ago| Duration::from_secs(ago.as_secs_f64().round() as u64)).collect();
        assert_eq!(rounded, secs(&[50, 20]));
        assert_eq!(calls(1, now).len(), 1);
        // After a clock was set back they may have been sent just now, but for those that others of known age follow.
        assert_eq!(calls(9, now - SignedDuration::from_hours(9)), secs(&[0, 0, 0]));
        connection
            .execute("UPDATE calls SET sent_at = ?1 WHERE call = 3", [millis(now) - 32_400_000 - 40_000])
            .unwrap();
        assert_eq!(
            calls(9, now - SignedDuration::from_hours(9)).iter().map(Duration::as_secs).collect::<Vec<_>>(),
            [40; 3]
        );
        connection.execute("UPDATE calls SET sent_at = ?1 WHERE call = 3", [millis(now) - 33_400_000]).unwrap();
        assert_eq!(calls(9, now - SignedDuration::from_hours(9)), []);
    }
}
