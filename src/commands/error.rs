//! Why a command that calls the API did not begin, or could not end as it should.

use std::io;
use std::time::Duration;

use super::output::OutputError;
use super::target::TargetError;
use crate::exit;
use crate::input::InputError;
use crate::ledger::LedgerError;
use crate::listing::KeepError;
use crate::stop::StopReason;

/// Why a run did not begin: nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The input can't be used.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The report or the summary can't be written there.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Nobody can be asked, and nobody said yes.
    #[error("nobody can be asked here: pass --yes to withdraw without asking (or look ahead with --dry-run)")]
    NobodyToAsk,
    /// The list of whom to keep can't be used.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// Asked, and answered with anything but yes.
    #[error("nothing was withdrawn")]
    Declined,
    /// The ledger can't be used, or another run holds it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No API to call.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Signals, the terminal, a thread.
    #[error("the run can't be set up")]
    Io(#[from] io::Error),
    /// A signal came before the first call.
    #[error("stopped by {} before anything was withdrawn: run the same command again", .0.as_str().to_uppercase())]
    Stopped(StopReason),
    /// The run was to stop, and the report would take nothing more.
    #[error(
        "stopped, and the report could not be written: nobody has read it for {0:?}; what is settled is kept, so run the \
         same command again"
    )]
    Stalled(Duration),
    /// A look ahead that failed: it was to write nothing but its plan, so no run has stopped.
    #[error(transparent)]
    DryRun(Box<RunError>),
}

impl RunError {
    /// The process's exit code.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Ledger(error) => exit::of_ledger(error),
            Self::Stopped(reason) => exit::of_stop(*reason),
            Self::Output(OutputError::Create { .. } | OutputError::Summary(_)) | Self::Stalled(_) => exit::UNWRITABLE,
            Self::Output(OutputError::Overwrites(..))
            | Self::Input(_)
            | Self::Keep(_)
            | Self::NobodyToAsk
            | Self::Declined
            | Self::Target(_)
            | Self::Io(_)
            | Self::DryRun(_) => exit::USAGE,
        }
    }
}
