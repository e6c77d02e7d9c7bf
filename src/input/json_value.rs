//! Turns one JSON value into a row: an object with an ID or a profile's address, or just one of these.
//!
//! Owns what an object's members mean. Must not know whether the value comes from a line or a document.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::columns::{
    ColumnNames, ID_TEXT_CHARS, cut, is_address, is_profile_url, is_secret, is_short, only_address, resolve,
    resolve_or_profile,
};
use crate::invitation::{AccountName, Carried, Country, Row, RowError};

const EXPECTED: &str =
    "not an invitation: expected an object with an invitation_id or a profile_url, or just one of these";

pub(super) enum JsonEntry {
    /// With the one address of its profile.
    Object(Members, Option<Box<str>>),
    Single(Value),
}

/// An object's members in their order. A map would keep the last of two IDs and hide that there were two.
pub(super) struct Members(Vec<(String, Value)>);

/// Where V2's entries have the address (`docs/linkup-api.md`, V2). A key that occurs twice is an error here.
#[derive(Deserialize)]
struct Nested {
    recipient: Recipient,
}

#[derive(Deserialize)]
struct Recipient {
    linkedin_url: Option<Value>,
}

impl JsonEntry {
    pub(super) fn parse(text: &str) -> serde_json::Result<Self> {
        // As `deserialize_any` sees it, a number is an object too (`arbitrary_precision`).
        if text.trim_start().starts_with('{') {
            let members: Members = serde_json::from_str(text)?;
            let profile_url = profile_url(&members, text);
            Ok(Self::Object(members, profile_url))
        } else {
            let value: Value = serde_json::from_str(text)?;
            Ok(match value.as_str().filter(|text| is_address(text)).map(Into::into) {
                Some(url) => Self::Object(Members(vec![("profile_url".to_owned(), value)]), Some(url)),
                None => Self::Single(value),
            })
        }
    }

    /// The first key, at whatever depth, that names a credential.
    fn secret_key(&self) -> Option<&str> {
        match self {
            Self::Object(Members(members), _) => members.iter().find_map(|(key, value)| secret_member(key, value)),
            Self::Single(value) => secret_key(value),
        }
    }

    /// The keys that would be columns of their own in the report.
    fn carried_keys<'a>(&'a self, names: &ColumnNames) -> Vec<&'a str> {
        let Self::Object(members, _) = self else { return Vec::new() };
        let Ok(roles) = names.roles(members.keys()) else { return Vec::new() };
        members.keys().enumerate().filter(|(at, _)| roles.is_carried(*at)).map(|(_, key)| key).collect()
    }

    pub(super) fn into_row(
        self,
        number: u64,
        line: u64,
        names: &ColumnNames,
        refuse_rounded: bool,
    ) -> Result<Row, RowError> {
        if let Some(key) = self.secret_key() {
            let reason = format!("the key {key:?} looks like a secret: remove it; nothing of this row is copied");
            return Err(bad_row(number, line, reason));
        }
        match self {
            Self::Object(members, profile_url) => members.into_row(number, line, names, refuse_rounded, profile_url),
            Self::Single(value @ (Value::String(_) | Value::Number(_))) => {
                let text = text_of(&value).unwrap_or_default();
                let carried = Carried::Fields(Box::default());
                match resolve(Some(&text), None, refuse_rounded) {
                    Ok(id) => {
                        let is_short = is_short(Some(&id), Some(&text), None);
                        let (line, id, account, country, profile_url) = (Some(line), Some(id), None, None, None);
                        Ok(Row { number, line, id, account, country, profile_url, is_short, carried })
                    }
                    Err(error) => {
                        let id_text = cut(&text, ID_TEXT_CHARS);
                        Err(RowError { id_text, ..bad_row(number, line, error.to_string()) })
                    }
                }
            }
            Self::Single(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                Err(bad_row(number, line, EXPECTED.into()))
            }
        }
    }
}

/// A row of which nothing can be shown, or may be.
pub(super) fn bad_row(number: u64, line: u64, reason: String) -> RowError {
    let (id_text, urn_text, carried) = (String::new(), String::new(), Carried::Fields(Box::default()));
    RowError { number, line: Some(line), id_text, urn_text, account: None, reason, carried }
}

impl Members {
    fn keys(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.iter().map(|(key, _)| key.as_str())
    }

    fn into_row(
        self,
        number: u64,
        line: u64,
        names: &ColumnNames,
        refuse_rounded: bool,
        profile_url: Option<Box<str>>,
    ) -> Result<Row, RowError> {
        let roles = match names.roles(self.keys()) {
            Ok(roles) => roles,
            Err(ambiguous) => {
                let carried = Carried::Fields(Box::new(self.0.into_iter().collect()));
                return Err(RowError { carried, ..bad_row(number, line, format!("{ambiguous}: remove one of them")) });
            }
        };
        let value = |at: Option<usize>| at.map(|at| &self.0[at].1);
        let id_text = value(roles.id).and_then(text_of);
        let entity_urn = value(roles.entity_urn).and_then(text_of);
        let account = name_of(value(roles.account));
        let country = name_of(value(roles.country));
        let id = match (&account, &country) {
            (Ok(_), Ok(_)) => {
                resolve_or_profile(id_text.as_deref(), entity_urn.as_deref(), profile_url.as_deref(), refuse_rounded)
                    .map_err(|error| error.to_string())
            }
            (Err(NotText), _) => Err("the account is not a JSON string".into()),
            (Ok(_), Err(NotText)) => Err("the country is not a JSON string".into()),
        };
        let shown = |text: Option<Cow<'_, str>>| cut(&text.unwrap_or_default(), ID_TEXT_CHARS);
        let is_short = id.as_ref().is_ok_and(|id| is_short(id.as_ref(), id_text.as_deref(), entity_urn.as_deref()));
        let id = id.map_err(|reason| (shown(id_text), shown(entity_urn), reason));
        let account = account.ok().flatten().and_then(AccountName::parse);
        let country = country.ok().flatten().and_then(Country::parse);

        let members = self.0.into_iter().enumerate();
        let carried = members.filter(|(at, _)| roles.is_carried(*at)).map(|(_, member)| member).collect();
        let carried = Carried::Fields(Box::new(carried));
        match id {
            Ok(id) => Ok(Row { number, line: Some(line), id, account, country, profile_url, is_short, carried }),
            Err((id_text, urn_text, reason)) => {
                Err(RowError { id_text, urn_text, account, carried, ..bad_row(number, line, reason) })
            }
        }
    }
}

fn profile_url(Members(members): &Members, text: &str) -> Option<Box<str>> {
    let own = members.iter().filter(|(key, _)| is_profile_url(key)).map(|(_, value)| value);
    let is_nested = members.iter().any(|(key, value)| key == "recipient" && value.is_object());
    let nested = if is_nested { serde_json::from_str::<Nested>(text).ok()?.recipient.linkedin_url } else { None };
    only_address(own.chain(&nested).filter_map(text_of))
}

/// If it were taken for absent, the row would be sent from another account.
struct NotText;

fn name_of(value: Option<&Value>) -> Result<Option<&str>, NotText> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => Err(NotText),
    }
}

/// A value's text. A number keeps its digits: this program makes no float of it.
fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.into()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string().into()),
    }
}

pub(super) fn secret_key(value: &Value) -> Option<&str> {
    match value {
        Value::Object(members) => members.iter().find_map(|(key, value)| secret_member(key, value)),
        Value::Array(values) => values.iter().find_map(secret_key),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn secret_member<'a>(key: &'a str, value: &'a Value) -> Option<&'a str> {
    if is_secret(key) { Some(key) } else { secret_key(value) }
}

/// The carried keys of the entries seen so far, each once.
#[derive(Default)]
pub(super) struct CarriedKeys(pub(super) Vec<Arc<str>>);

impl CarriedKeys {
    pub(super) fn add(&mut self, entry: &JsonEntry, names: &ColumnNames) {
        if entry.secret_key().is_some() {
            return;
        }
        for key in entry.carried_keys(names) {
            if !self.0.iter().any(|column| **column == *key) {
                self.0.push(key.into());
            }
        }
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}
