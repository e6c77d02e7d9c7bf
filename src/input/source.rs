//! Where an input comes from, and what its user has said about it.

use std::path::PathBuf;

use super::format::InputFormat;

/// Where the input comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Stdin,
    /// A file, a FIFO or a device.
    Path(PathBuf),
}

/// What the user has said about the input.
#[derive(Clone, Debug, Default)]
pub(crate) struct InputOptions {
    /// Name of the column that holds the IDs, where it is not `invitation_id`.
    pub id_column: Option<String>,
    /// The delimiter of CSV; found by itself where absent.
    pub delimiter: Option<u8>,
    /// The format; told from the extension or the content where absent.
    pub format: Option<InputFormat>,
    /// Lets IDs pass that a spreadsheet seems to have rounded.
    pub accept_rounded_ids: bool,
}
