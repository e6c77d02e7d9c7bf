//! One layer of settings: what the flags say, or the environment, or the file.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::{Key, parse_duration};
use crate::api::ApiVersion;
use crate::invitation::{AccountName, Country};
use crate::pace::Rate;

/// The options that may come from several places; what a layer does not set is `None`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub rate: Option<Rate>,
    pub concurrency: Option<NonZeroUsize>,
    pub retries: Option<u32>,
    pub retry_base: Option<Duration>,
    pub retry_max: Option<Duration>,
    pub patience: Option<Duration>,
    pub timeout: Option<Duration>,
    pub max_errors: Option<u32>,
    pub ledger: Option<PathBuf>,
    pub keep: Option<PathBuf>,
    pub account: Option<AccountName>,
    pub country: Option<Country>,
    /// `--base-url`, unchecked: a wrong one may hold a password, which no parser's message must repeat.
    pub base_url: Option<String>,
    pub api: Option<ApiVersion>,
    pub sandbox: Option<bool>,
}

/// What the command line says of the settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    pub config: Option<PathBuf>,
    pub options: Options,
}

/// More workers than this have nothing to do but to wait for each other.
const MOST_WORKERS: usize = 1_000;

/// A number of workers, from 1 on; `None` for anything else.
pub(crate) fn parse_concurrency(text: &str) -> Option<NonZeroUsize> {
    text.trim().parse().ok().filter(|workers: &NonZeroUsize| workers.get() <= MOST_WORKERS)
}

impl Options {
    /// Sets what the environment or the file says of a key. Returns whether it is a value for it.
    pub(super) fn set(&mut self, key: Key, text: &str) -> bool {
        fn fill<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
            *slot = value;
            slot.is_some()
        }
        match key {
            Key::Rate => fill(&mut self.rate, text.parse().ok()),
            Key::Concurrency => fill(&mut self.concurrency, parse_concurrency(text)),
            Key::Retries => fill(&mut self.retries, text.trim().parse().ok()),
            Key::RetryBase => fill(&mut self.retry_base, parse_duration(text).ok()),
            Key::RetryMax => fill(&mut self.retry_max, parse_duration(text).ok()),
            Key::Patience => fill(&mut self.patience, parse_duration(text).ok()),
            Key::Timeout => fill(&mut self.timeout, parse_duration(text).ok()),
            Key::MaxErrors => fill(&mut self.max_errors, text.trim().parse().ok()),
            Key::Ledger => fill(&mut self.ledger, (!text.is_empty()).then(|| text.into())),
            Key::Keep => fill(&mut self.keep, (!text.is_empty()).then(|| text.into())),
            Key::Account => fill(&mut self.account, AccountName::parse(text)),
            Key::Country => fill(&mut self.country, Country::parse(text)),
            Key::Api => fill(&mut self.api, text.parse().ok()),
            Key::BaseUrl => fill(&mut self.base_url, Some(text.to_owned())),
            Key::Sandbox => fill(&mut self.sandbox, parse_switch(text)),
        }
    }
}

fn parse_switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}
