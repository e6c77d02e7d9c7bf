//! Taking back what the ledger knows, at its owner's word: the invitations are asked about again.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, TransactionBehavior};

use super::connection::{self, of_write};
use super::lock::Lock;
use super::{LedgerError, place};
use crate::invitation::InvitationId;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Forget {
    /// All that is known of an invitation, over all APIs and accounts.
    Invitation(InvitationId),
    /// All that was put down before this day began, in UTC.
    Before(Date),
}

impl Forget {
    /// The tables, each with the condition for what goes, and the condition's parameter.
    fn conditions(&self) -> ([(&'static str, &'static str); 2], String) {
        match self {
            Self::Invitation(id) => {
                let by_key = "account_id IN (SELECT id FROM accounts) AND invitation_id = ?1";
                ([("settlements", by_key), ("intents", by_key)], id.to_string())
            }
            Self::Before(day) => {
                ([("settlements", "settled_at < ?1"), ("intents", "intended_at < ?1")], day.to_string())
            }
        }
    }

    pub(super) fn count(&self, connection: &Connection) -> rusqlite::Result<u64> {
        let (conditions, parameter) = self.conditions();
        let mut counted = 0;
        for (table, condition) in conditions {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE {condition}");
            counted += connection.query_one(&sql, [&parameter], |row| row.get::<_, u64>(0))?;
        }
        Ok(counted)
    }

    fn remove(&self, connection: &mut Connection) -> rusqlite::Result<u64> {
        let (conditions, parameter) = self.conditions();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut removed = 0;
        for (table, condition) in conditions {
            removed += transaction.execute(&format!("DELETE FROM {table} WHERE {condition}"), [&parameter])? as u64;
        }
        // An account's name is something that is known, too.
        transaction.execute(
            "DELETE FROM accounts
            WHERE id NOT IN (SELECT account_id FROM settlements UNION SELECT account_id FROM intents)",
            [],
        )?;
        transaction.commit()?;
        Ok(removed)
    }
}

/// Removes what the ledger knows; returns how many settlements and intents that were. Takes the ledger's lock.
pub(crate) fn forget(path: &Path, what: &Forget) -> Result<u64, LedgerError> {
    place::to_read(path)?;
    let path = place::to_write(path)?;
    let lock = Lock::take(&path, "history", Timestamp::now())?;
    match connection::to_write(&path) {
        Ok(mut connection) => {
            let removed = what.remove(&mut connection).map_err(of_write(&path));
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

#[cfg(test)]
mod tests {
    use super::super::testing::{Place, id, key, key_of, settlement_at, standing};
    use super::super::{History, Standing};
    use super::*;
    use crate::outcome::Outcome;

    const NEW: Standing = Standing::New { lost_before: false };

    async fn filled() -> Place {
        let place = Place::new();
        let ledger = place.open("a");
        for (key, at) in [
            (key("7"), "2026-02-28T23:59:59.999Z"),
            (key("8"), "2026-03-01T00:00:00Z"),
            (key_of("second", "7"), "2026-03-02T12:00:00Z"),
        ] {
            ledger.settle(&key, &settlement_at(Outcome::Withdrawn, at)).await.await.unwrap();
        }
        ledger.intend(&key_of("third", "7")).await.unwrap();
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
        assert_eq!(counted_and_removed(&place, &Forget::Invitation(id("7"))), (3, 3));
        assert_eq!(counted_and_removed(&place, &Forget::Invitation(id("7"))), (0, 0));
        assert_eq!(History::open(&place.path).unwrap().of(&id("7")).unwrap(), []);
        let accounts: Vec<String> = Connection::open(&place.path)
            .unwrap()
            .prepare("SELECT account FROM accounts")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(accounts, ["default"]);
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
