//! The gate that a row passes on its way: what is about to be sent and what became of it is kept before anyone acts on it
//! or is told.

use std::future::Future;

use crate::ledger::{DurableWrite, Key, Ledger, LedgerError, Settlement};

/// Keeps intents and outcomes durably: the ledger, or a test's.
pub(crate) trait Gate: Send + Sync + 'static {
    /// A settlement that stands in line: ends once it is kept.
    type DurableWrite: Future<Output = Result<(), LedgerError>> + Send + 'static;
    /// A call is about to leave. It must not, unless this is kept.
    fn intend(&self, key: &Key) -> impl Future<Output = Result<(), LedgerError>> + Send;
    /// The call surely came to nothing, so that its intent must not look like a lost answer after a crash.
    fn retract(&self, key: &Key) -> impl Future<Output = Result<(), LedgerError>> + Send;
    /// This is what the row's calls came to. It is kept before any later intent is; nobody may be told before.
    fn settle(&self, key: &Key, settlement: &Settlement) -> impl Future<Output = Self::DurableWrite> + Send;
}

impl Gate for Ledger {
    type DurableWrite = DurableWrite;

    fn intend(&self, key: &Key) -> impl Future<Output = Result<(), LedgerError>> + Send {
        Self::intend(self, key)
    }

    fn retract(&self, key: &Key) -> impl Future<Output = Result<(), LedgerError>> + Send {
        Self::retract(self, key)
    }

    fn settle(&self, key: &Key, settlement: &Settlement) -> impl Future<Output = DurableWrite> + Send {
        Self::settle(self, key, settlement)
    }
}
