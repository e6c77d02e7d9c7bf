//! Why a command did not begin, or could not end as it should: one error for all commands, each with its exit code.

use std::io::{self, BufRead, IsTerminal};

use rustix::termios::{QueueSelector, tcflush};

use super::output::{OutputError, SUMMARY_FLAG};
use super::part::NoIdError;
use super::plan::AccountError;
use crate::api::ClientError;
use crate::config::SettingsError;
use crate::exit;
use crate::input::InputError;
use crate::ledger::LedgerError;
use crate::listing::KeepError;
use crate::report::Screen;
use crate::stop::{StopCause, StopReason};

#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    NoId(#[from] NoIdError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    Keep(#[from] KeepError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("the simulated API can't be served on 127.0.0.1:{port}; choose another --port")]
    Sandbox { port: u16, source: io::Error },
    #[error("no terminal to confirm on: pass --yes {0}")]
    NoTerminal(&'static str),
    #[error("--forget and --forget-before work on one ledger at a time: name only one with --ledger")]
    OneLedger,
    #[error("{0}")]
    Declined(String),
    #[error("the run can't be set up")]
    Io(#[from] io::Error),
    #[error("standard output can't be written")]
    Stdout(#[source] io::Error),
    #[error("stopped by {} before anything was withdrawn: run the same command again", .0.as_str().to_uppercase())]
    Stopped(StopReason),
    /// A dry run that failed. It was to write nothing but its plan, so it ends like a mistake in the command line.
    #[error(transparent)]
    DryRun(Box<CommandError>),
    #[error("no credentials: this is a bug, please report it")]
    NoCredentials,
    #[error("it calls no API: this is a bug, please report it")]
    NotACall,
}

impl CommandError {
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Ledger(error) => exit::of_ledger(error),
            Self::Stopped(reason) => exit::of_stop(*reason),
            Self::Output(OutputError::Create { .. } | OutputError::Write { .. }) | Self::Stdout(_) => exit::UNWRITABLE,
            Self::Output(
                OutputError::Overwrites(..) | OutputError::SharedName { .. } | OutputError::UnknownFormat(_),
            )
            | Self::Settings(_)
            | Self::Input(_)
            | Self::Account(_)
            | Self::NoId(_)
            | Self::Keep(_)
            | Self::Client(_)
            | Self::Sandbox { .. }
            | Self::NoTerminal(_)
            | Self::OneLedger
            | Self::Declined(_)
            | Self::Io(_)
            | Self::DryRun(_)
            | Self::NoCredentials
            | Self::NotACall => exit::USAGE,
        }
    }

    /// The same as the stop in the summary.
    pub(super) fn cause(&self) -> StopCause {
        let reason = match (self, self.exit_code()) {
            (Self::Stopped(reason), _) => *reason,
            (_, exit::HELD) => StopReason::LedgerHeld,
            (Self::Ledger(_), exit::UNWRITABLE) => StopReason::LedgerUnwritable,
            (_, exit::UNWRITABLE) => StopReason::ReportUnwritable,
            (_, _) => StopReason::Usage,
        };
        StopCause { reason, detail: crate::error_chain(self) }
    }

    /// Whether it is about the summary itself, which can't be written then.
    pub(super) fn forbids_a_summary(&self) -> bool {
        let error = if let Self::DryRun(inner) = self { inner } else { self };
        error.is_of_file(SUMMARY_FLAG) || matches!(error, Self::Settings(SettingsError::BothToStdout(..)))
    }

    /// Whether what this option names could not be created, which was said.
    pub(super) fn is_of_file(&self, flag: &str) -> bool {
        matches!(self, Self::Output(OutputError::Create { option, .. }) if *option == flag)
    }
}

/// Written output, unless its reader has seen enough and gone.
pub(super) fn written(result: io::Result<()>) -> Result<u8, CommandError> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(exit::FINE),
        written => written.map(|()| exit::FINE).map_err(CommandError::Stdout),
    }
}

/// Whether there is a terminal to confirm on.
pub(super) fn has_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks, and takes only a yes for one.
pub(super) fn confirm(screen: &Screen, question: &str) -> io::Result<bool> {
    // What was typed before is no answer to it.
    tcflush(io::stdin(), QueueSelector::IFlush)?;
    screen.print_as("question", &format!("{question} [y/N] "));
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
