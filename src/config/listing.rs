//! What `config` shows: each setting, its value and where it came from, with every secret masked.

use std::fmt::Display;

use super::account::OwnSettings;
use super::credentials::{Account, CredentialsError, Found, Located, read};
use super::file::{BETWEEN, COUNTRY, DAILY_CAP, GAP};
use super::layers::{Layers, Origin, Sourced};
use super::option::{Default, Entry};
use super::options::{self, API_VERSION, settings};
use super::settings::{Settings, Target};
use crate::api::{Accounts, Credentials};
use crate::invitation::AccountName;

/// One setting, as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// Its key, as the configuration file has it.
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) origin: String,
}

const MASKED: &str = "set (masked)";
const NOT_SET: &str = "not set";
const NOT_READ: &str = "not read: the simulated API needs none";

impl Settings {
    /// Each setting, in the order of the configuration file's sample.
    pub(crate) fn listing(&self, layers: &Layers) -> Vec<Setting> {
        let file = layers.file.as_ref().zip(layers.file_origin.as_ref());
        let mut list = vec![match file {
            Some((file, origin)) => setting("config", file.path.display(), origin),
            None => setting("config", "none", Origin::Default),
        }];
        list.push(setting(API_VERSION.entry.name, self.api, &self.api_reason));
        self.list_credentials(layers, &mut list);
        let others = settings().filter(|entry| entry.name != API_VERSION.entry.name);
        list.extend(others.map(|entry| self.list_option(layers, entry)));
        list
    }

    /// Why a credential that is configured can't be read, where `config` goes on without it.
    pub(crate) fn unread(&self) -> Option<CredentialsError> {
        let found = match self.target {
            Target::Real { credentials: None, .. } => self.found.as_ref(),
            Target::Real { credentials: Some(_), .. } | Target::Sandbox => None,
        };
        found?.read().err().filter(|error| !matches!(error, CredentialsError::Missing(_)))
    }

    fn list_option(&self, layers: &Layers, entry: &Entry) -> Setting {
        let is_rehearsal = self.is_rehearsal();
        if is_rehearsal && entry.name == options::BASE_URL.entry.name {
            return setting(entry.name, "not used", sandbox_origin(layers));
        }
        if entry.name == options::PING_URL.entry.name
            && let Some(Sourced { value, origin }) = layers.find(&options::PING_URL)
        {
            return setting(entry.name, value, origin);
        }
        if let Some(Sourced { value, origin }) = layers.raw(entry) {
            return setting(entry.name, value.display(), origin);
        }
        let default = match entry.default {
            Default::Text(text) => text.to_owned(),
            Default::None if entry.is_switch() => "false".to_owned(),
            Default::None => NOT_SET.to_owned(),
            Default::Depends(_) if entry.name == options::ACCOUNT.entry.name => {
                self.account.as_ref().map_or_else(|| NOT_SET.to_owned(), AccountName::to_string)
            }
            Default::Depends(_) if entry.name == options::LEDGER_PATH.entry.name => match &self.ledger {
                Some(ledger) => ledger.display().to_string(),
                None => return setting(entry.name, "temporary", sandbox_origin(layers)),
            },
            Default::Depends(words) => words.to_owned(),
        };
        setting(entry.name, default, Origin::Default)
    }

    fn list_credentials(&self, layers: &Layers, list: &mut Vec<Setting>) {
        let credentials = match &self.target {
            Target::Sandbox => None,
            Target::Real { credentials, .. } => credentials.as_ref(),
        };
        match &self.found {
            Some(found) => found.list(credentials, list),
            None => {
                let names = self.accounts.keys().map(table);
                let names = std::iter::once("api_key".to_owned()).chain(names);
                list.extend(names.map(|name| setting(&name, NOT_READ, sandbox_origin(layers))));
            }
        }
    }
}

fn sandbox_origin(layers: &Layers) -> Origin {
    layers.find(&options::SIMULATE).map_or(Origin::Default, |found| found.origin)
}

impl Found {
    fn list(&self, credentials: Option<&Credentials>, list: &mut Vec<Setting>) {
        list.push(match &self.api_key {
            Some(key) => setting("api_key", masked(key, credentials), &key.origin),
            None => setting("api_key", NOT_SET, Origin::Default),
        });
        if self.usable().next().is_none() {
            list.push(setting("accounts", NOT_SET, Origin::Default));
        }
        for (name, account) in &self.accounts {
            list_account(name, account, credentials, list);
        }
    }
}

fn list_account(name: &AccountName, account: &Account, credentials: Option<&Credentials>, list: &mut Vec<Setting>) {
    let Account { login_token, account_id, own: OwnSettings { country, gap, daily_cap, between } } = account;
    let table = table(name);
    if let Some(login_token) = login_token {
        list.push(setting(&format!("{table}.login_token"), masked(login_token, credentials), &login_token.origin));
    }
    if let Some(account_id) = account_id {
        let read = match credentials.map(|credentials| &credentials.accounts) {
            Some(Accounts::V2(ids)) => ids.get(name).map(ToString::to_string),
            Some(Accounts::V1(_)) | None => None,
        };
        let value = read.or_else(|| why_unread(account_id, credentials)).unwrap_or_else(|| "set".to_owned());
        list.push(setting(&format!("{table}.account_id"), value, &account_id.origin));
    }
    let own = [
        country.as_ref().map(|own| (COUNTRY, own.value.as_str().to_owned(), &own.origin)),
        gap.as_ref().map(|own| (GAP, own.value.to_string(), &own.origin)),
        daily_cap.as_ref().map(|own| (DAILY_CAP, own.value.to_string(), &own.origin)),
        between.as_ref().map(|own| (BETWEEN, own.value.to_string(), &own.origin)),
    ];
    let own = own.into_iter().flatten();
    list.extend(own.map(|(name, value, origin)| setting(&format!("{table}.{name}"), value, origin)));
}

fn masked(secret: &Located, credentials: Option<&Credentials>) -> String {
    why_unread(secret, credentials).unwrap_or_else(|| MASKED.to_owned())
}

/// Why it can't be had, where not all could be read.
fn why_unread(located: &Located, credentials: Option<&Credentials>) -> Option<String> {
    let error = if credentials.is_none() { read(located).err() } else { None };
    error.map(|error| crate::error_chain(&error))
}

fn table(name: &AccountName) -> String {
    format!("accounts.{name}")
}

fn setting(name: &str, value: impl Display, origin: impl Display) -> Setting {
    Setting { name: name.to_owned(), value: value.to_string(), origin: origin.to_string() }
}
