//! What one call of `history` is about.

use std::path::PathBuf;

use jiff::civil::Date;

use crate::invitation::InvitationId;
use crate::ledger::Forget;

/// A checked call of `history`.
#[derive(Clone, Debug)]
pub struct HistoryRequest {
    /// `--ledger`
    pub ledger: PathBuf,
    /// What of it.
    pub view: HistoryView,
    /// `--format`
    pub format: TableFormat,
    /// `--yes`
    pub yes: bool,
}

/// What `history` shows, or does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryView {
    /// Withdrawals and credits by day and account.
    ByDay {
        /// `--since`
        since: Option<Date>,
    },
    /// `--id`: all that is known of one invitation.
    Of(InvitationId),
    /// `--forget`, `--forget-before`
    Forget(Forget),
}

/// `--format`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// Aligned columns.
    Table,
    /// CSV.
    Csv,
    /// A JSON array of objects.
    Json,
}
