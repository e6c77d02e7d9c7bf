//! Why a command that calls the API did not begin, or could not end as it should.

use std::io;

use super::output::OutputError;
use super::target::TargetError;
use crate::exit;
use crate::input::InputError;
use crate::ledger::LedgerError;
use crate::listing::KeepError;
use crate::stop::StopReason;

/// Why a run did not begin: nothing was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error("no terminal to confirm on: pass --yes to withdraw without asking (or look ahead with --dry-run)")]
    NobodyToAsk,
    #[error(transparent)]
    Keep(#[from] KeepError),
    #[error("nothing was withdrawn")]
    Declined,
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("the run can't be set up")]
    Io(#[from] io::Error),
    #[error("stopped by {} before anything was withdrawn: run the same command again", .0.as_str().to_uppercase())]
    Stopped(StopReason),
    #[error(transparent)]
    DryRun(Box<RunError>),
}

impl RunError {
    /// The process's exit code.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Ledger(error) => exit::of_ledger(error),
            Self::Stopped(reason) => exit::of_stop(*reason),
            Self::Output(OutputError::Create { .. } | OutputError::Summary(_)) => exit::UNWRITABLE,
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
