//! The options' names: one key each, and from it the flag, the environment's name and the file's.
//!
//! Owns what may be set in more than one place, and the search for what a mistyped name meant.

/// An option that a flag, the environment and the file may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Rate,
    Concurrency,
    Retries,
    RetryBase,
    RetryMax,
    Patience,
    Timeout,
    MaxErrors,
    Ledger,
    Keep,
    Account,
    Country,
    Api,
    BaseUrl,
    Sandbox,
}

/// The environment's names of options begin so.
pub(super) const PREFIX: &str = "BULK_WITHDRAW_";
/// The environment's name for the configuration file.
pub(super) const CONFIG: &str = "BULK_WITHDRAW_CONFIG";

/// What is said of one call, and so can be given as a flag alone. Passing over one that stands elsewhere could withdraw
/// what was only to be looked at (`dry_run`), so it is refused.
const FLAGS_ALONE: [&str; 21] = [
    "dry_run",
    "yes",
    "recheck",
    "output",
    "output_format",
    "summary",
    "progress",
    "input_format",
    "id_column",
    "delimiter",
    "accept_rounded_ids",
    "quiet",
    "verbose",
    "log_format",
    "color",
    "format",
    "older_than",
    "newer_than",
    "type",
    "limit",
    "max_pages",
];

impl Key {
    /// Every key, in the order in which they are shown.
    pub(crate) const ALL: [Self; 15] = [
        Self::Sandbox,
        Self::Api,
        Self::BaseUrl,
        Self::Account,
        Self::Country,
        Self::Rate,
        Self::Concurrency,
        Self::Retries,
        Self::RetryBase,
        Self::RetryMax,
        Self::Patience,
        Self::Timeout,
        Self::MaxErrors,
        Self::Ledger,
        Self::Keep,
    ];

    /// The file's name for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Concurrency => "concurrency",
            Self::Retries => "retries",
            Self::RetryBase => "retry_base",
            Self::RetryMax => "retry_max",
            Self::Patience => "patience",
            Self::Timeout => "timeout",
            Self::MaxErrors => "max_errors",
            Self::Ledger => "ledger",
            Self::Keep => "keep",
            Self::Account => "account",
            Self::Country => "country",
            Self::Api => "api",
            Self::BaseUrl => "base_url",
            Self::Sandbox => "sandbox",
        }
    }

    /// What its value must be. Said instead of repeating a wrong one, which may be a secret in the wrong place.
    pub(crate) const fn wanted(self) -> &'static str {
        match self {
            Self::Rate => "calls in a time, like \"290/min\", \"4/s\" or \"1000/h\"",
            Self::Concurrency => "a number from 1 to 1000",
            Self::Retries | Self::MaxErrors => "a number, 0 or more",
            Self::RetryBase | Self::RetryMax | Self::Patience | Self::Timeout => {
                "a time, like \"500ms\", \"30s\", \"15m\" or \"2h\""
            }
            Self::Ledger | Self::Keep => "the path of a file",
            Self::Account => "the name of an account",
            Self::Country => "a country's code, like \"FR\"",
            Self::Api => "\"v1\" or \"v2\"",
            Self::BaseUrl => "an address, like \"https://api.example.com\"",
            Self::Sandbox => "true or false",
        }
    }

    /// Whether the file writes it as a number, without quotes.
    pub(super) const fn is_number(self) -> bool {
        matches!(self, Self::Concurrency | Self::Retries | Self::MaxErrors)
    }

    pub(crate) fn flag(self) -> String {
        format!("--{}", self.as_str().replace('_', "-"))
    }

    /// The environment variable that sets it.
    pub(crate) fn variable(self) -> String {
        variable(self.as_str())
    }

    /// The key of this name, as the file writes it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.as_str() == name)
    }
}

/// The environment variable of an option's name.
pub(super) fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase())
}

/// Whether it is the name of an option that can be given as a flag alone.
pub(crate) fn is_flag_alone(name: &str) -> bool {
    FLAGS_ALONE.contains(&name)
}

/// The known name that a mistyped one most likely meant.
pub(super) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Below this, two names have little in common.
    const ALIKE: f64 = 0.8;
    let typed = typed.to_ascii_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&typed, name), name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_one_name_in_each_place() {
        for key in Key::ALL {
            assert_eq!(Key::named(key.as_str()), Some(key));
            assert!(!is_flag_alone(key.as_str()), "{key:?}");
        }
        assert_eq!(
            (Key::RetryBase.flag().as_str(), Key::RetryBase.variable().as_str()),
            ("--retry-base", "BULK_WITHDRAW_RETRY_BASE")
        );
    }

    #[test]
    fn what_a_mistyped_name_meant() {
        let cases = [
            ("concurency", Some("concurrency")),
            ("Concurrency", Some("concurrency")),
            ("base-url", Some("base_url")),
            ("max_error", Some("max_errors")),
            ("retry", Some("retry_max")),
            ("timeouts", Some("timeout")),
            ("colour_of_the_sky", None),
            ("x", None),
        ];
        for (typed, meant) in cases {
            assert_eq!(nearest(typed, Key::ALL.map(Key::as_str)), meant, "{typed}");
        }
    }
}
