//! Taking back what the ledger knows, at its owner's word: the invitations are asked about again.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, TransactionBehavior};

use super::connection::{self, of_write};
use super::lock::Lock;
use super::{LedgerError, place};
use crate::invitation::InvitationId;

/// What is to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forget {
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
///
/// # Errors
/// [`LedgerError::Held`] while a run works; [`LedgerError::Missing`] where there is no ledger; it is no ledger, or
/// can't be written.
pub fn forget(path: &Path, what: &Forget) -> Result<u64, LedgerError> {
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
            lock.withdraw();
            Err(error)
        }
    }
}
