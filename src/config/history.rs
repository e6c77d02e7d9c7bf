//! What one call of `history` is about.

use std::path::PathBuf;

use jiff::civil::Date;

use crate::invitation::InvitationId;
use crate::ledger::Forget;

/// A checked call of `history`.
#[derive(Clone, Debug)]
pub(crate) struct HistoryRequest {
    pub ledger: PathBuf,
    pub view: HistoryView,
    pub format: TableFormat,
    pub yes: bool,
}

/// What `history` shows, or does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HistoryView {
    /// Withdrawals and credits by day and account.
    ByDay {
        since: Option<Date>,
    },
    Of(InvitationId),
    Forget(Forget),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TableFormat {
    Table,
    Csv,
    /// A JSON array of objects.
    Json,
}
