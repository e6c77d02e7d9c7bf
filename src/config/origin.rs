//! Where a value came from.

use std::fmt;
use std::path::PathBuf;

use super::Key;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag,
    /// The environment variable of this name.
    Variable(String),
    /// A line of the configuration file, or a whole file with one credential in it.
    File {
        path: PathBuf,
        /// Its line, from 1; `None` where the whole file is the value.
        line: Option<usize>,
    },
    Default,
}

impl Origin {
    /// How an error names the setting: as whoever set it wrote it.
    pub(super) fn place(&self, key: Key) -> String {
        match self {
            Self::Flag | Self::Default => key.flag(),
            Self::Variable(name) => name.clone(),
            Self::File { .. } => format!("{} ({self})", key.as_str()),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::File { path, line: Some(line) } => write!(f, "file {}:{line}", path.display()),
            Self::File { path, line: None } => write!(f, "file {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sourced<T> {
    pub value: T,
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// A value that nobody set.
    pub(super) const fn default(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }
}
