//! One layer of settings: what the flags say, and later what the environment and the file say.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::Rate;
use crate::input::{InputFormat, Source};
use crate::invitation::{AccountName, Country};
use crate::report::{Destination, Format, ProgressStyle};

/// The options that may come from several places; what a layer does not set is `None`.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `--rate`
    pub rate: Option<Rate>,
    /// `--concurrency`
    pub concurrency: Option<NonZeroUsize>,
    /// `--retries`
    pub retries: Option<u32>,
    /// `--retry-base`
    pub retry_base: Option<Duration>,
    /// `--retry-max`
    pub retry_max: Option<Duration>,
    /// `--patience`
    pub patience: Option<Duration>,
    /// `--timeout`
    pub timeout: Option<Duration>,
    /// `--max-errors`
    pub max_errors: Option<u32>,
    /// `--ledger`
    pub ledger: Option<PathBuf>,
    /// `--account`
    pub account: Option<AccountName>,
    /// `--country`
    pub country: Option<Country>,
    /// `--base-url`, unchecked: a wrong one may hold a password, which no parser's message must repeat.
    pub base_url: Option<String>,
}

/// What one call of `run` is about; nothing of it stands in a file.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// INPUT
    pub input: Source,
    /// `--input-format`
    pub input_format: Option<InputFormat>,
    /// `--id-column`
    pub id_column: Option<String>,
    /// `--delimiter`
    pub delimiter: Option<u8>,
    /// `--accept-rounded-ids`
    pub accept_rounded_ids: bool,
    /// `-o`
    pub output: Option<Destination>,
    /// `--output-format`
    pub output_format: Option<Format>,
    /// `--summary`
    pub summary: Option<Destination>,
    /// `--recheck`
    pub recheck: bool,
    /// `--sandbox`
    pub sandbox: bool,
    /// `--dry-run`
    pub dry_run: bool,
    /// `--yes`
    pub yes: bool,
    /// `--progress`; `None` chooses by the terminal.
    pub progress: Option<ProgressStyle>,
    /// How often `-q` stands there.
    pub quiet: u8,
}
