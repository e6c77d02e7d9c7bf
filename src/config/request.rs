//! What one call of a command is about; nothing of it stands in a file.

use crate::api::InvitationType;
use crate::input::{InputFormat, Source};
use crate::report::{Destination, Format, ProgressStyle};

/// One call of `run`, `clean` or `list`.
#[derive(Clone, Debug)]
pub struct Request {
    /// What it is about.
    pub subject: Subject,
    /// `-o`
    pub output: Option<Destination>,
    /// `--output-format`
    pub output_format: Option<Format>,
    /// `--summary`
    pub summary: Option<Destination>,
    /// `--recheck`
    pub recheck: bool,
    /// `--dry-run`
    pub dry_run: bool,
    /// `--yes`
    pub yes: bool,
    /// `--progress`; `None` chooses by the terminal.
    pub progress: Option<ProgressStyle>,
    /// How often `-q` stands there.
    pub quiet: u8,
}

/// What a command works on.
#[derive(Clone, Debug)]
pub enum Subject {
    /// `run`: the invitations that an input holds.
    Input(InputRequest),
    /// `clean`: those on the account's list.
    Clean(ListRequest),
    /// `list`: the list itself.
    List(ListRequest),
}

/// The input of `run`.
#[derive(Clone, Debug)]
pub struct InputRequest {
    /// INPUT
    pub source: Source,
    /// `--input-format`
    pub format: Option<InputFormat>,
    /// `--id-column`
    pub id_column: Option<String>,
    /// `--delimiter`
    pub delimiter: Option<u8>,
    /// `--accept-rounded-ids`
    pub accept_rounded_ids: bool,
}

/// Which of the pending invitations are asked for.
#[derive(Clone, Debug, Default)]
pub struct ListRequest {
    /// `--older-than`, in days.
    pub older_than: Option<u32>,
    /// `--newer-than`, in days.
    pub newer_than: Option<u32>,
    /// `--type`
    pub invitation_type: InvitationType,
    /// `--limit`: so many of those that count.
    pub limit: Option<u64>,
    /// `--max-pages`
    pub max_pages: Option<u64>,
}

impl Subject {
    /// The command that works on it.
    #[must_use]
    pub const fn command(&self) -> &'static str {
        match self {
            Self::Input(_) => "run",
            Self::Clean(_) => "clean",
            Self::List(_) => "list",
        }
    }

    /// Whether it comes from standard input.
    #[must_use]
    pub fn is_stdin(&self) -> bool {
        match self {
            Self::Input(input) => input.source == Source::Stdin,
            Self::Clean(_) | Self::List(_) => false,
        }
    }
}
