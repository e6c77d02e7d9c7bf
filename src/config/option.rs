//! What an option is: its one entry, and the value that is read from it.
//!
//! Owns an option's names and the check of a text against it. Must not know any single option: those are the table in
//! [`super::options`].

use std::ffi::OsStr;

/// All that is said about an option anywhere: flags, environment, configuration file, help, documentation.
#[derive(Debug)]
pub(crate) struct Entry {
    /// As the configuration file writes it: `retry_base`.
    pub(crate) name: &'static str,
    pub(crate) short: Option<char>,
    /// The value's placeholder in the help; a switch has none.
    pub(crate) value: &'static str,
    pub(crate) default: Default,
    /// One line of at most 60 characters, in the imperative or as a noun; shown in the help and in `docs/`.
    pub(crate) help: &'static str,
    /// What a value must be, said in place of a wrong one: that may be a secret in the wrong place.
    pub(crate) wanted: &'static str,
    pub(crate) heading: &'static str,
    pub(crate) places: Places,
    /// The commands that take it, as a sum of [`Command`] bits.
    pub(crate) on: u16,
    /// Names of the options that must not be given with it.
    pub(crate) conflicts: &'static [&'static str],
    /// Whether its value is a list of texts: a flag that can be repeated, a variable with one text per line, an array in
    /// the configuration file. [`list_of`] is how a layer holds it.
    pub(crate) is_list: bool,
    /// Whether `-h` shows it too; `--help` shows all.
    pub(crate) is_common: bool,
    pub(crate) accepts: fn(&OsStr) -> bool,
}

/// An option and how its value is read.
pub(crate) struct Opt<T: 'static> {
    pub(crate) entry: Entry,
    pub(crate) read: fn(&OsStr) -> Option<T>,
}

/// The value of an option that nobody sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Default {
    None,
    /// This text is read as if the user had typed it.
    Text(&'static str),
    /// It depends on something else; these are words for the help.
    Depends(&'static str),
}

/// Where an option may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Places {
    /// As a flag, in the environment and in the configuration file.
    Everywhere,
    /// In the configuration file only.
    File,
    /// As a flag only, because it is about one call. An overlooked `dry_run` in a file would withdraw what was only to be
    /// looked at, so elsewhere it is refused.
    Flag,
    /// As a flag that every command takes, also before the command's name.
    GlobalFlag,
    /// As the command's argument.
    Argument,
}

/// A command of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Command {
    Run = 1,
    List = 2,
    Clean = 4,
    History = 8,
    Config = 16,
    Sandbox = 32,
    Verify = 64,
    Check = 128,
    Completions = 256,
    Man = 512,
}

impl Command {
    pub(crate) const ALL: [Self; 10] = [
        Self::Run,
        Self::List,
        Self::Clean,
        Self::History,
        Self::Verify,
        Self::Check,
        Self::Config,
        Self::Sandbox,
        Self::Completions,
        Self::Man,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::List => "list",
            Self::Clean => "clean",
            Self::History => "history",
            Self::Config => "config",
            Self::Sandbox => "sandbox",
            Self::Verify => "verify",
            Self::Check => "check",
            Self::Completions => "completions",
            Self::Man => "man",
        }
    }

    /// Whether this command takes the option.
    pub(crate) const fn takes(self, entry: &Entry) -> bool {
        entry.on & self as u16 != 0
    }
}

/// Environment variables that set options begin with this.
pub(crate) const PREFIX: &str = "BULK_WITHDRAW_";

impl Entry {
    pub(crate) fn flag(&self) -> String {
        match self.places {
            Places::Argument => format!("<{}>", self.value),
            Places::Everywhere | Places::File | Places::Flag | Places::GlobalFlag => {
                format!("--{}", self.name.replace('_', "-"))
            }
        }
    }

    pub(crate) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_ascii_uppercase())
    }

    pub(crate) const fn is_switch(&self) -> bool {
        self.value.is_empty()
    }

    /// Whether it names a file: in the configuration file, one beside it.
    pub(crate) fn is_path(&self) -> bool {
        matches!(self.value, "PATH" | "FILE")
    }

    /// Whether the configuration file writes it as a bare number.
    pub(crate) fn is_number(&self) -> bool {
        self.value == "N"
    }
}

/// A list of texts as one value: JSON.
pub(crate) fn list_of<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.collect::<serde_json::Value>().to_string()
}

/// The known name that a mistyped one most likely meant.
pub(crate) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Below this similarity, two names have little in common.
    const ALIKE: f64 = 0.8;
    let typed = typed.to_ascii_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&typed, name), name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}
