//! Why the ledger can't be used, each with the way out.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Holder;

/// A cause that every row of a failed commit can be given.
type Cause = Arc<dyn Error + Send + Sync>;

/// Why the ledger can't be used. The text names the file and says what to do next; the cause is behind it.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum LedgerError {
    #[error(
        "the ledger {} is held by another run{}: wait until it has ended (--wait-lock 1h), or name another file with --ledger",
        path.display(),
        holder.as_ref().map_or_else(String::new, |holder| format!(" ({holder})"))
    )]
    Held {
        path: PathBuf,
        /// Who holds it; `None` in the moment before that is written down.
        holder: Option<Holder>,
    },
    #[error("{} is not a ledger of bulk-withdraw and was left as it is: name another file with --ledger", path.display())]
    NotALedger { path: PathBuf },
    #[error(
        "the ledger {} was made by a newer bulk-withdraw (its version is {version}, the newest known here is {newest}): \
         update bulk-withdraw, or name another file with --ledger",
        path.display()
    )]
    Newer {
        path: PathBuf,
        version: u32,
        /// The newest version known here.
        newest: u32,
    },
    #[error("there is no ledger at {}: no run has kept one there yet", path.display())]
    Missing { path: PathBuf },
    #[error(
        "the ledger {} has a run that another of these ledgers has, too, and would count twice: one is a copy, so leave out one",
        path.display()
    )]
    Copy { path: PathBuf },
    #[error(
        "the ledger {} can't be there: {} is a link to {}, which does not exist; remove the link, or name another file \
         with --ledger",
        path.display(), link.display(), target.display()
    )]
    LinkToNothing {
        path: PathBuf,
        /// The link, or one to a directory above.
        link: PathBuf,
        target: PathBuf,
    },
    #[error(
        "the ledger {} has {links} names (hard links), and a run under one would damage what a run under another keeps: \
         remove all names but one, or name another file with --ledger",
        path.display()
    )]
    HardLinked {
        path: PathBuf,
        /// How many names it has.
        links: u64,
    },
    #[error(
        "the ledger {} is mounted by itself, and its log would lie beside another name outside: mount (bind) its \
         directory instead",
        path.display()
    )]
    MountPoint { path: PathBuf },
    #[error(
        "the ledger {} would be on a network file system ({kind}), where it can be damaged: name a file on a local \
         disk with --ledger",
        path.display()
    )]
    NetworkFileSystem {
        path: PathBuf,
        /// What the system calls that kind of file system.
        kind: String,
    },
    #[error(
        "the ledger {} can't use a write-ahead log where it is (SQLite stays in mode {mode:?}): name a file on a local \
         disk with --ledger",
        path.display()
    )]
    NoWriteAheadLog {
        path: PathBuf,
        /// SQLite's journal mode instead.
        mode: String,
    },
    #[error("the ledger {} can't be read ({source}): check the file, or name another with --ledger", path.display())]
    Unreadable { path: PathBuf, source: Cause },
    #[error("the ledger {} can't be written ({source}): check disk space and rights", path.display())]
    Unwritable {
        /// The ledger, its lock or its directory.
        path: PathBuf,
        source: Cause,
    },
    /// Said only where a stop ends the wait.
    #[error("the ledger {} is locked by another program: end that first", path.display())]
    Locked { path: PathBuf },
    #[error("the temporary directory can't be written ({source}): make room there, or set TMPDIR to another")]
    NoScratch { source: Cause },
    #[error("the ledger {} is closed already", path.display())]
    Closed { path: PathBuf },
}

impl LedgerError {
    pub(super) fn unreadable(path: &Path, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Unreadable { path: path.to_owned(), source: Arc::new(source) }
    }

    pub(super) fn unwritable(path: &Path, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Unwritable { path: path.to_owned(), source: Arc::new(source) }
    }

    pub(super) fn no_scratch(source: impl Error + Send + Sync + 'static) -> Self {
        Self::NoScratch { source: Arc::new(source) }
    }
}
