//! The places that set options, one above the other: flags, environment, configuration file.

use std::io;
use std::path::PathBuf;

use super::environment::{self, VariableError};
use super::file::ConfigFile;
use super::file_error::FileError;
use super::keys::CONFIG;
use super::secret_file::SecretFileError;
use super::{Environment, Flags, Key, Options, Origin, SettingsError, Sourced};

/// The places, each with what it sets.
#[derive(Debug, Default)]
pub(super) struct Layers {
    flags: Options,
    environment: Options,
    pub(super) file: Option<ConfigFile>,
    /// Who named the file that was read.
    pub(super) file_origin: Option<Origin>,
}

impl Layers {
    /// Reads the environment's layer, and the file's where there is one. The default file may be missing, one that
    /// somebody named may not.
    pub(super) fn read(flags: Flags, environment: &Environment) -> Result<Self, SettingsError> {
        let named = named_file(flags.config, environment)?;
        let mut layers = Self { flags: flags.options, environment: environment.options()?, ..Self::default() };
        if let Some(Sourced { value: path, origin }) = named {
            layers.file = match ConfigFile::read(&path) {
                Err(error) if origin == Origin::Default && is_missing(&error) => None,
                file => Some(file?),
            };
            layers.file_origin = layers.file.is_some().then_some(origin);
        }
        Ok(layers)
    }

    /// What the highest place says that says anything.
    pub(super) fn find<T>(&self, key: Key, of: impl Fn(&Options) -> Option<T>) -> Option<Sourced<T>> {
        let flag = of(&self.flags).map(|value| Sourced { value, origin: Origin::Flag });
        let variable = || of(&self.environment).map(|value| Sourced { value, origin: environment::origin(key) });
        let line = || {
            let file = self.file.as_ref()?;
            let origin = Origin::File { path: file.path.clone(), line: file.lines.get(&key).copied() };
            of(&file.options).map(|value| Sourced { value, origin })
        };
        flag.or_else(variable).or_else(line)
    }

    pub(super) fn find_or<T>(&self, key: Key, default: T, of: impl Fn(&Options) -> Option<T>) -> Sourced<T> {
        self.find(key, of).unwrap_or(Sourced::default(default))
    }
}

fn named_file(flag: Option<PathBuf>, environment: &Environment) -> Result<Option<Sourced<PathBuf>>, VariableError> {
    if let Some(value) = flag {
        return Ok(Some(Sourced { value, origin: Origin::Flag }));
    }
    if let Some(value) = environment.path(CONFIG)? {
        return Ok(Some(Sourced { value, origin: Origin::Variable(CONFIG.to_owned()) }));
    }
    let home = || Some(environment.directory("HOME")?.join(".config"));
    let directory = environment.directory("XDG_CONFIG_HOME").or_else(home);
    Ok(directory.map(|directory| Sourced::default(directory.join("bulk-withdraw/config.toml"))))
}

fn is_missing(error: &FileError) -> bool {
    match error {
        FileError::Unreadable(SecretFileError::Unreadable(_, error)) => error.kind() == io::ErrorKind::NotFound,
        FileError::Unreadable(SecretFileError::NotText(_)) | FileError::Refused { .. } => false,
    }
}
