//! The files that a command may read, so that none of its outputs replaces one.

use std::path::PathBuf;

use super::credentials::{ACCOUNT_ID, API_KEY, DIRECTORY, LOGIN_TOKEN, Located, Place};
use super::layers::{Environment, Layers};
use super::options::{KEEP, PING_URL_FILE, SOURCE};
use crate::input::Source;

/// What each is, and its path: also of those that another place overrides.
pub(crate) fn files_read(layers: &Layers, environment: &Environment) -> Vec<(&'static str, PathBuf)> {
    let input = match layers.get(&SOURCE) {
        Some(Source::Path(path)) => Some(path),
        Some(Source::Stdin) | None => None,
    };
    let config = layers.file_to_read(environment).ok().flatten().map(|file| file.value);
    let named = [
        ("the input", input),
        ("the --keep file", layers.get(&KEEP)),
        ("the configuration file", config),
        ("the file with the address to ping", layers.get(&PING_URL_FILE)),
    ];
    let named = named.into_iter().filter_map(|(what, path)| Some((what, path?)));
    let credentials = credentials(layers, environment).into_iter().map(|path| ("a file with a credential", path));
    named.chain(credentials).collect()
}

fn credentials(layers: &Layers, environment: &Environment) -> Vec<PathBuf> {
    let names = [API_KEY, LOGIN_TOKEN, ACCOUNT_ID];
    let path = |name: &str| environment.path(name).ok().flatten();
    let mut paths: Vec<_> = names.iter().filter_map(|name| path(&format!("{name}_FILE"))).collect();
    if let Some(directory) = path(DIRECTORY) {
        paths.extend(names.iter().map(|name| directory.join(name.to_ascii_lowercase())));
    }
    if let Some(file) = &layers.file {
        let of_accounts = file.accounts.values().flat_map(|account| [&account.login_token, &account.account_id]);
        paths.extend(of_accounts.chain([&file.api_key]).filter_map(|located| path_of(located.as_ref()?)));
    }
    paths
}

fn path_of(located: &Located) -> Option<PathBuf> {
    match &located.value {
        Place::File(path) => Some(path.clone()),
        Place::Text(_) => None,
    }
}
