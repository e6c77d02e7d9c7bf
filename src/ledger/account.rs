//! The numbers that stand for accounts in the tables.

use rusqlite::{Connection, OptionalExtension};

use crate::invitation::AccountName;

/// The account's number, if the ledger knows it.
pub(super) fn find(connection: &Connection, api: &str, account: &AccountName) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM accounts WHERE api = ?1 AND account = ?2")?
        .query_one((api, account), |row| row.get(0))
        .optional()
}

/// The account's number, given to it now if it has none.
pub(super) fn find_or_add(connection: &Connection, api: &str, account: &AccountName) -> rusqlite::Result<i64> {
    if let Some(id) = find(connection, api, account)? {
        return Ok(id);
    }
    connection.prepare_cached("INSERT INTO accounts (api, account) VALUES (?1, ?2)")?.execute((api, account))?;
    Ok(connection.last_insert_rowid())
}
