//! The places that set options, one above the other: flags, environment, configuration file.
//!
//! Owns the order of the places and the check of each value in each of them, also of those that another place overrides.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::SettingsError;
use super::credentials::{ACCOUNT_ID, LOGIN_TOKEN, SecretFileError};
use super::file::ConfigFile;
use super::file_error::FileError;
use super::option::{Command, Default, Entry, Opt, PREFIX, Places, list_of, nearest};
use super::options::{CONFIG_FILE, ENTRIES, is_flag_only, setting, settings};

/// The values that one place sets, by the options' names.
pub(crate) type Layer = BTreeMap<&'static str, OsString>;

/// The part of the environment that concerns this program.
#[derive(Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, OsString>);

/// The places, each with what it sets.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    flags: Layer,
    environment: Layer,
    pub(super) file: Option<ConfigFile>,
    /// Who named the file that was read.
    pub(super) file_origin: Option<Origin>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag,
    /// The environment variable of this name.
    Variable(String),
    /// A line of the configuration file, from 1; without a line a file that holds nothing but the value.
    File {
        path: PathBuf,
        line: Option<usize>,
    },
    Default,
}

/// A value, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sourced<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// Why a flag or a variable is refused. Its value is never repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ValueError {
    #[error("{0} is not UTF-8 text: set it again")]
    NotText(String),
    #[error("{0} is empty: give it a value, or unset it")]
    Empty(String),
    #[error("{place} must be {wanted}")]
    Wrong { place: String, wanted: &'static str },
    #[error("{name} has no effect: give {flag} on the command line, and unset it")]
    FlagOnly { name: String, flag: String },
}

impl Environment {
    pub(crate) fn of_process() -> Self {
        const OURS: &[&str] = &[
            PREFIX,
            "LINKUP_",
            "XDG_",
            "HOME",
            "CREDENTIALS_DIRECTORY",
            "CONFIGURATION_DIRECTORY",
            "STATE_DIRECTORY",
            "JOB_COMPLETION",
        ];
        let named = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self(named.filter(|(name, _)| OURS.iter().any(|ours| name.starts_with(ours))).collect())
    }

    /// A variable's trimmed text; `None` where it is not set. One that is set to nothing is an error.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, ValueError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        match value.to_str().map(str::trim) {
            None => Err(ValueError::NotText(name.to_owned())),
            Some("") => Err(ValueError::Empty(name.to_owned())),
            Some(text) => Ok(Some(text)),
        }
    }

    pub(super) fn path(&self, name: &str) -> Result<Option<PathBuf>, ValueError> {
        match self.0.get(name) {
            Some(value) if value.is_empty() => Err(ValueError::Empty(name.to_owned())),
            value => Ok(value.map(PathBuf::from)),
        }
    }

    /// Whether it holds or names the credential of an account.
    pub(super) fn names_an_account(&self) -> bool {
        [LOGIN_TOKEN, ACCOUNT_ID]
            .iter()
            .any(|name| self.0.keys().any(|key| key.strip_suffix("_FILE").unwrap_or(key) == *name))
    }

    /// The program's own directory: the one that systemd made for the service (`systemd.exec`, `StateDirectory=`), the first
    /// where it made several; else `bulk-withdraw` in a directory of the XDG specification, or in one below the home
    /// directory. Relative paths are ignored, as that specification says.
    pub(super) fn directory(&self, of_service: &str, xdg: &str, below_home: &str) -> Option<PathBuf> {
        let absolute = |path: PathBuf| Some(path).filter(|path| path.is_absolute());
        let named = |name: &str| absolute(PathBuf::from(self.0.get(name)?));
        let of_user = || named(xdg).or_else(|| Some(named("HOME")?.join(below_home)));
        let first = self.0.get(of_service).and_then(|paths| std::env::split_paths(paths).next());
        first.and_then(absolute).or_else(|| Some(of_user()?.join("bulk-withdraw")))
    }

    /// The options that are set here, and the first that is wrong.
    fn layer(&self) -> (Layer, Result<(), ValueError>) {
        let (mut layer, mut known) = (Layer::new(), Ok(()));
        for (name, value) in &self.0 {
            if let Some(option) = name.strip_prefix(PREFIX) {
                known = known.and(read_variable(&mut layer, name, &option.to_ascii_lowercase(), value));
            }
        }
        (layer, known)
    }
}

/// Puts one variable into the layer. An unknown name is warned about: a slip in a crontab must not go unnoticed.
fn read_variable(layer: &mut Layer, name: &str, option: &str, value: &OsStr) -> Result<(), ValueError> {
    match setting(option).filter(|entry| entry.places != Places::File) {
        Some(_) if value.to_str().map_or(value, |text| OsStr::new(text.trim())).is_empty() => {
            return Err(ValueError::Empty(name.to_owned()));
        }
        Some(entry) => {
            let value = if entry.is_list { lines(name, value)? } else { value.to_owned() };
            check(entry, &value, name)?;
            layer.insert(entry.name, value);
        }
        None if option == CONFIG_FILE.entry.name => {}
        None if is_flag_only(option) => {
            let flag = format!("--{}", option.replace('_', "-"));
            return Err(ValueError::FlagOnly { name: name.to_owned(), flag });
        }
        None => warn_of_unknown(name, option),
    }
    Ok(())
}

/// A list of texts, one per line.
fn lines(name: &str, value: &OsStr) -> Result<OsString, ValueError> {
    let text = value.to_str().ok_or_else(|| ValueError::NotText(name.to_owned()))?;
    Ok(list_of(text.lines().map(str::trim).filter(|line| !line.is_empty())).into())
}

fn check(entry: &Entry, value: &OsStr, place: &str) -> Result<(), ValueError> {
    if (entry.accepts)(value) {
        return Ok(());
    }
    Err(ValueError::Wrong { place: place.to_owned(), wanted: entry.wanted })
}

fn warn_of_unknown(name: &str, option: &str) {
    let known =
        settings().filter(|entry| entry.places != Places::File).map(|entry| entry.name).chain([CONFIG_FILE.entry.name]);
    let meant = nearest(option, known).map(|meant| format!(" (did you mean {PREFIX}{}?)", meant.to_ascii_uppercase()));
    tracing::warn!("the environment variable {name} is not a known setting{}", meant.unwrap_or_default());
}

impl Layers {
    /// Only the command's flags, checked.
    pub(crate) fn of_flags(command: Command, flags: Layer) -> Result<Self, SettingsError> {
        for entry in ENTRIES.iter().filter(|entry| command.takes(entry) || entry.places == Places::GlobalFlag) {
            if let Some(value) = flags.get(entry.name) {
                check(entry, value, &entry.flag())?;
            }
        }
        Ok(Self { flags, ..Self::default() })
    }

    /// Puts these flags above the environment and the configuration file. The default file may be missing; one that is
    /// named must exist. After an error all that could be read is there.
    pub(crate) fn put_over(&mut self, environment: &Environment) -> Result<(), SettingsError> {
        let (layer, known) = environment.layer();
        self.environment = layer;
        let file = self.put_file(environment);
        known?;
        file
    }

    fn put_file(&mut self, environment: &Environment) -> Result<(), SettingsError> {
        let Some(Sourced { value: path, origin }) = self.file_to_read(environment)? else { return Ok(()) };
        let (file, known) = match ConfigFile::read(&path) {
            Err(error) if origin == Origin::Default && is_missing(&error) => return Ok(()),
            read => read?,
        };
        (self.file, self.file_origin) = (Some(file), Some(origin));
        Ok(known?)
    }

    pub(super) fn file_to_read(&self, environment: &Environment) -> Result<Option<Sourced<PathBuf>>, ValueError> {
        if let Some(named) = self.find(&CONFIG_FILE) {
            return Ok(Some(named));
        }
        let variable = CONFIG_FILE.entry.variable();
        if let Some(value) = environment.path(&variable)? {
            return Ok(Some(Sourced { value, origin: Origin::Variable(variable) }));
        }
        let directory = environment.directory("CONFIGURATION_DIRECTORY", "XDG_CONFIG_HOME", ".config");
        Ok(directory.map(|directory| Sourced::default(directory.join("config.toml"))))
    }

    /// The command with its flags, as a shell reads it.
    pub(crate) fn command_line(&self, command: Command) -> String {
        let (arguments, flags): (Vec<&Entry>, Vec<_>) =
            ENTRIES.iter().copied().partition(|entry| entry.places == Places::Argument);
        let entries = arguments.into_iter().chain(flags);
        format!("bulk-withdraw {}{}", command.as_str(), self.words_of(entries))
    }

    /// `run` on this list, with those of the flags that it takes. What a dry run writes is not what the run writes, and a run
    /// of a plan that was looked at asks.
    pub(crate) fn run_of(&self, list: &Path) -> String {
        const NOT_OF_THE_RUN: &[&str] = &["dry_run", "yes", "output", "output_format", "summary"];
        let is_taken = |entry: &&Entry| Command::Run.takes(entry) || entry.places == Places::GlobalFlag;
        let entries = ENTRIES.iter().copied().filter(is_taken).filter(|entry| !NOT_OF_THE_RUN.contains(&entry.name));
        let path = list.to_string_lossy();
        // It would be taken for flags.
        let path = if path.starts_with('-') { format!("./{path}").into() } else { path };
        format!("bulk-withdraw run {}{}", quoted(&path), self.words_of(entries))
    }

    fn words_of<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> String {
        let mut line = String::new();
        for entry in entries {
            let Some(value) = self.flags.get(entry.name) else { continue };
            // What follows its host is a secret.
            if entry.name == "ping_url" {
                continue;
            }
            let flag = if entry.places == Places::Argument { String::new() } else { format!("{} ", entry.flag()) };
            // It may hold a password, which is refused then.
            let text = match value.to_string_lossy() {
                text if entry.name == "base_url" && text.contains('@') => "(its address)".into(),
                text => text,
            };
            match (entry.is_switch(), entry.is_list) {
                (true, _) => match text.parse().unwrap_or(1) {
                    1 => line.push_str(&format!(" {}", flag.trim_end())),
                    // As -qq.
                    count => line.push_str(&format!(" -{}", entry.name[..1].repeat(count))),
                },
                (false, true) => {
                    let texts: Vec<String> = serde_json::from_str(&text).unwrap_or_default();
                    texts.iter().for_each(|text| line.push_str(&format!(" {flag}{}", quoted(text))));
                }
                (false, false) => line.push_str(&format!(" {flag}{}", quoted(&text))),
            }
        }
        line
    }

    /// What the highest place says that sets the option, as text.
    pub(super) fn raw(&self, entry: &Entry) -> Option<Sourced<&OsStr>> {
        let flag = || Some(Sourced { value: self.flags.get(entry.name)?.as_os_str(), origin: Origin::Flag });
        let variable = || {
            let value = self.environment.get(entry.name)?.as_os_str();
            Some(Sourced { value, origin: Origin::Variable(entry.variable()) })
        };
        let line = || self.file.as_ref()?.option(entry.name);
        flag().or_else(variable).or_else(line)
    }

    pub(crate) fn find<T>(&self, option: &Opt<T>) -> Option<Sourced<T>> {
        let Sourced { value, origin } = self.raw(&option.entry)?;
        // Each place was checked when it was read.
        (option.read)(value).map(|value| Sourced { value, origin })
    }

    /// What a flag says, where other places set it in another form.
    pub(super) fn flag<T>(&self, option: &Opt<T>) -> Option<T> {
        (option.read)(self.flags.get(option.entry.name)?)
    }

    /// The value of an option that somebody sets.
    pub(crate) fn get<T>(&self, option: &Opt<T>) -> Option<T> {
        self.find(option).map(|found| found.value)
    }

    /// The same, or the default.
    pub(crate) fn find_or_default<T>(&self, option: &Opt<T>) -> Result<Sourced<T>, SettingsError> {
        let default = || match option.entry.default {
            Default::Text(text) => (option.read)(OsStr::new(text)).map(Sourced::default),
            Default::None | Default::Depends(_) => None,
        };
        self.find(option).or_else(default).ok_or(SettingsError::NoDefault(option.entry.name))
    }

    pub(crate) fn get_or_default<T>(&self, option: &Opt<T>) -> Result<T, SettingsError> {
        self.find_or_default(option).map(|found| found.value)
    }

    pub(crate) fn is_set(&self, switch: &Opt<bool>) -> bool {
        self.get(switch).unwrap_or_default()
    }
}

/// A word of a command line, in quotes where a shell would read something else.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,%+@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn is_missing(error: &FileError) -> bool {
    match error {
        FileError::Unreadable(_, SecretFileError::Unreadable(error)) => error.kind() == io::ErrorKind::NotFound,
        FileError::Unreadable(_, SecretFileError::NotText) | FileError::Refused { .. } => false,
    }
}

impl Origin {
    /// How an error names the setting: as its user wrote it.
    pub(super) fn place(&self, entry: &Entry) -> String {
        match self {
            Self::Flag | Self::Default => entry.flag(),
            Self::Variable(name) => name.clone(),
            Self::File { .. } => format!("{} ({self})", entry.name),
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

impl<T> Sourced<T> {
    pub(super) const fn default(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }
}

/// Names only: some of the values are secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        variables.as_slice().into()
    }
}

impl From<&[(&str, &str)]> for Environment {
    fn from(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect())
    }
}
