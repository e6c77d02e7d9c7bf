//! What `config` shows: each setting, its value and where it came from, with every secret masked.

use std::fmt::Display;
use std::time::Duration;

use super::credentials::{Account, Found};
use super::duration::show_duration;
use super::{Key, Origin, Shared, Sourced, Target};
use crate::api::{Accounts, Credentials};
use crate::invitation::AccountName;

/// One setting, as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// Its key, as the configuration file has it.
    pub name: String,
    /// Its value, or that it is set where it is a secret.
    pub value: String,
    /// Where the value came from.
    pub origin: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConfigFormat {
    Table,
    /// A JSON array of objects.
    Json,
}

const MASKED: &str = "set (masked)";
const NOT_SET: &str = "not set";
const NOT_READ: &str = "not read: the simulated API needs none";

impl Shared {
    /// Each setting, in the order of the configuration file's sample.
    pub(crate) fn listing(&self) -> Vec<Setting> {
        let mut list = vec![match &self.config_file {
            Some(file) => setting("config", file.value.display(), &file.origin),
            None => setting("config", "none", "default"),
        }];
        self.list_credentials(&mut list);
        list.extend(Key::ALL.into_iter().filter_map(|key| self.option(key)));
        list
    }

    fn option(&self, key: Key) -> Option<Setting> {
        let name = key.as_str();
        let time = |time: &Sourced<Duration>| setting(name, show_duration(time.value), &time.origin);
        Some(match key {
            // It stands above, with its reason.
            Key::Api => return None,
            Key::Sandbox => shown(name, &self.sandbox),
            Key::BaseUrl => match &self.base_url {
                Some(base_url) => shown(name, base_url),
                None => setting(name, "not used", &self.sandbox.origin),
            },
            Key::Account => shown(name, &self.account),
            Key::Country => setting(name, self.country.value.as_str(), &self.country.origin),
            Key::Rate => shown(name, &self.rate),
            Key::Concurrency => shown(name, &self.concurrency),
            Key::Retries => shown(name, &self.retries),
            Key::RetryBase => time(&self.retry_base),
            Key::RetryMax => time(&self.retry_max),
            Key::Patience => time(&self.patience),
            Key::Timeout => time(&self.timeout),
            Key::MaxErrors => shown(name, &self.max_errors),
            Key::Ledger => match &self.ledger {
                Some(ledger) => setting(name, ledger.value.display(), &ledger.origin),
                None => setting(name, "thrown away at the end", &self.sandbox.origin),
            },
            Key::Keep => match &self.keep {
                Some(keep) => setting(name, keep.value.display(), &keep.origin),
                None => setting(name, "nobody", "default"),
            },
        })
    }

    fn list_credentials(&self, list: &mut Vec<Setting>) {
        list.push(setting(Key::Api.as_str(), self.api, &self.api_reason));
        let credentials = match &self.target {
            Target::Sandbox { .. } => None,
            Target::Real { credentials, .. } => credentials.as_ref(),
        };
        match &self.found {
            Some(found) => found.list(credentials, list),
            None => {
                list.push(setting("api_key", NOT_READ, &self.sandbox.origin));
                let accounts = self.accounts.keys();
                list.extend(accounts.map(|name| setting(&table(name), NOT_READ, &self.sandbox.origin)));
            }
        }
    }
}

impl Found {
    fn list(&self, credentials: Option<&Credentials>, list: &mut Vec<Setting>) {
        list.push(match &self.api_key {
            Some(key) => setting("api_key", MASKED, &key.origin),
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
    let Account { login_token, account_id, country } = account;
    let table = table(name);
    if let Some(login_token) = login_token {
        list.push(setting(&format!("{table}.login_token"), MASKED, &login_token.origin));
    }
    if let Some(account_id) = account_id {
        let read = match credentials.map(|credentials| &credentials.accounts) {
            Some(Accounts::V2(ids)) => ids.get(name).map(ToString::to_string),
            Some(Accounts::V1(_)) | None => None,
        };
        let value = read.unwrap_or_else(|| "set".to_owned());
        list.push(setting(&format!("{table}.account_id"), value, &account_id.origin));
    }
    if let Some(country) = country {
        list.push(setting(&format!("{table}.country"), country.value.as_str(), &country.origin));
    }
}

fn table(name: &AccountName) -> String {
    format!("accounts.{name}")
}

fn setting(name: &str, value: impl Display, origin: impl Display) -> Setting {
    Setting { name: name.to_owned(), value: value.to_string(), origin: origin.to_string() }
}

fn shown(name: &str, sourced: &Sourced<impl Display>) -> Setting {
    setting(name, &sourced.value, &sourced.origin)
}
