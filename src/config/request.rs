//! What one call of a command is about; nothing of it stands in a file.

use crate::api::InvitationType;
use crate::input::{InputFormat, Source};
use crate::report::{Destination, Format, ProgressStyle};

/// One call of `run`, `clean` or `list`.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub subject: Subject,
    pub output: Option<Destination>,
    pub output_format: Option<Format>,
    pub summary: Option<Destination>,
    pub recheck: bool,
    pub dry_run: bool,
    pub yes: bool,
    /// `--progress`; `None` chooses by the terminal.
    pub progress: Option<ProgressStyle>,
    /// How often `-q` stands there.
    pub quiet: u8,
}

/// What a command works on.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// `run`: the invitations that an input holds.
    Input(InputRequest),
    /// `clean`: those on the account's list.
    Clean(ListRequest),
    List(ListRequest),
}

#[derive(Clone, Debug)]
pub(crate) struct InputRequest {
    pub source: Source,
    pub format: Option<InputFormat>,
    pub id_column: Option<String>,
    pub delimiter: Option<u8>,
    pub accept_rounded_ids: bool,
}

/// Which of the pending invitations are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListRequest {
    pub older_than: Option<u32>,
    pub newer_than: Option<u32>,
    pub invitation_type: InvitationType,
    /// `--limit`: so many of those that count.
    pub limit: Option<u64>,
    pub max_pages: Option<u64>,
}

impl Subject {
    pub(crate) const fn command(&self) -> &'static str {
        match self {
            Self::Input(_) => "run",
            Self::Clean(_) => "clean",
            Self::List(_) => "list",
        }
    }

    /// Whether it comes from standard input.
    pub(crate) fn is_stdin(&self) -> bool {
        match self {
            Self::Input(input) => input.source == Source::Stdin,
            Self::Clean(_) | Self::List(_) => false,
        }
    }
}
