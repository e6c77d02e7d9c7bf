//! One page of the list, in terms that both API versions share.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{read_v1, read_v2};
use crate::api::ApiVersion;
use crate::api::InvitationType;
use crate::invitation::InvitationId;
use crate::policy::cut;

/// An invitation as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub id: InvitationId,
    /// Whom it went to; may be empty, as may each of the texts.
    pub name: String,
    /// Their profile's address.
    pub profile_url: String,
    /// What they say of themselves.
    pub headline: String,
    /// As the API writes it.
    pub invitation_type: String,
    /// When it was sent, in the API's words.
    pub sent_time: String,
    /// The same in days, where the API says so (V2).
    pub sent_time_days: Days,
}

/// An age in days, as the API says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Days {
    #[default]
    Unsaid,
    Known(u32),
    /// It says something that is no age: then nothing that stands beside it is certain either.
    Unreadable,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub found: Vec<Found>,
    /// Entries that can't be used: no certain ID, not called pending, of another type, or with a key twice.
    pub unusable: u64,
    /// How many invitations there are on all pages, where the page says so.
    pub available: Option<u64>,
    /// Whether there are more, where the page says so.
    pub has_more: Option<bool>,
    /// Where the next page begins, where the page says so.
    pub next_offset: Option<u64>,
}

impl Page {
    pub(crate) fn entries(&self) -> u64 {
        self.found.len() as u64 + self.unusable
    }
}

/// Reads a page of invitations of one type; `None` for a body that claims no success or holds no list. `scrub` masks
/// secrets in its texts, before any of them is cut: no half of one may be left over.
pub(crate) fn read_page(
    version: ApiVersion,
    asked: InvitationType,
    body: &[u8],
    scrub: impl Fn(&str) -> String,
) -> Option<Page> {
    let reader = Reader { asked, scrub: &scrub };
    let body = std::str::from_utf8(without_mark(body)).ok()?;
    match version {
        ApiVersion::V1 => read_v1::read(body, &reader),
        ApiVersion::V2 => read_v2::read(body, &reader),
    }
}

/// Whether a body is whole JSON that says something twice: nobody knows which of the two is meant, and whoever asks again
/// buys the same again.
pub(crate) fn says_twice(body: &[u8]) -> bool {
    let body = without_mark(body);
    serde_json::from_slice::<Value>(body).is_ok() && serde_json::from_slice::<Once>(body).is_err()
}

fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// What is needed to read an entry.
pub(super) struct Reader<'a> {
    asked: InvitationType,
    scrub: &'a dyn Fn(&str) -> String,
}

impl Reader<'_> {
    /// Sorts a list's entries into what can be used and how many can't.
    pub(super) fn sift(&self, entries: &[&RawValue], read: impl Fn(&Value) -> Option<Found>) -> Page {
        let usable = |entry: &&RawValue| {
            let mut entry = unambiguous(entry)?;
            mask(&mut entry, self.scrub);
            read(&entry).filter(|_| is_pending(&entry) && self.is_asked_for(&entry))
        };
        let found: Vec<_> = entries.iter().filter_map(usable).collect();
        let unusable = (entries.len() - found.len()) as u64;
        Page { found, unusable, ..Page::default() }
    }

    /// Whether an entry is of the type that was asked for, as far as it says.
    fn is_asked_for(&self, entry: &Value) -> bool {
        match entry.get("invitation_type") {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.parse() == Ok(self.asked),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => false,
        }
    }
}

fn is_pending(entry: &Value) -> bool {
    match entry.get("invitation_state") {
        None | Some(Value::Null) => true,
        Some(Value::String(state)) => state.trim().eq_ignore_ascii_case("pending"),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => false,
    }
}

fn mask(value: &mut Value, scrub: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = scrub(text),
        Value::Array(values) => values.iter_mut().for_each(|value| mask(value, scrub)),
        Value::Object(members) => members.values_mut().for_each(|value| mask(value, scrub)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// An object's members as a struct has them. One of these that stands there twice makes it unreadable.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    // serde would take an array for the members in their order.
    text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok())?
}

/// A value in which no object has a key twice: a [`Value`] alone would keep the last and hide that there were two.
pub(super) fn unambiguous(raw: &RawValue) -> Option<Value> {
    serde_json::from_str::<Once>(raw.get()).ok()?;
    serde_json::from_str(raw.get()).ok()
}

/// The list in `data`; an empty one where it is null, or where none is there and a number says that nothing is.
pub(super) fn list<'a, 'b>(data: &'b ListData<'a>) -> Option<&'b [&'a RawValue]> {
    let said = data.total_results.as_ref().and_then(Value::as_u64).or_else(|| data.available());
    match &data.invitations {
        Some(entries) => Some(entries.as_deref().unwrap_or_default()),
        None => (said == Some(0)).then_some(&[]),
    }
}

/// What both versions' `data` has in common.
#[derive(serde::Deserialize)]
pub(super) struct ListData<'a> {
    /// `Some(None)` where it is null.
    #[serde(borrow, default, deserialize_with = "even_null")]
    invitations: Option<Option<Vec<&'a RawValue>>>,
    total_results: Option<Value>,
    total_available_results: Option<Value>,
    #[serde(borrow)]
    pub(super) pagination: Option<&'a RawValue>,
}

impl ListData<'_> {
    /// How many there are in all, where a number says so.
    pub(super) fn available(&self) -> Option<u64> {
        self.total_available_results.as_ref().and_then(Value::as_u64)
    }
}

fn even_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Any JSON in which no object has a key twice.
struct Once;

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON without a key that stands twice")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self, A::Error> {
        while values.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    /// A number comes this way too, as an object of one key (`arbitrary_precision`).
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        let mut keys = HashSet::new();
        while let Some((key, Self)) = members.next_entry::<String, Self>()? {
            if !keys.insert(key) {
                return Err(A::Error::custom("a key stands twice"));
            }
        }
        Ok(self)
    }
}

/// A member's text, if it is one, as one line of bounded length; else nothing.
pub(super) fn text(entry: &Value, name: &str) -> String {
    cut(entry.get(name).and_then(Value::as_str).unwrap_or_default())
}

/// What an entry says of its age in days. Words that are none make it unreadable too.
pub(super) fn days(entry: &Value) -> Days {
    let said = |name| entry.get(name).filter(|value| !value.is_null());
    if said("sent_time").is_some_and(|words| !words.is_string()) {
        return Days::Unreadable;
    }
    match said("sent_time_days") {
        None => Days::Unsaid,
        Some(value) => whole(value).map_or(Days::Unreadable, Days::Known),
    }
}

/// A whole number, as 5 or as 5.0.
fn whole(value: &Value) -> Option<u32> {
    let number =
        value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just above")]
    Some(number as u32)
}

/// The ID in these members, each a string, a number or a URN. None where they name two invitations, since nobody knows
/// which one is meant.
pub(super) fn id(entry: &Value, members: &[&str]) -> Option<InvitationId> {
    let mut id = None;
    for value in members.iter().filter_map(|name| entry.get(*name)) {
        let parsed = match value {
            Value::String(text) => InvitationId::parse(text).ok()?,
            // Its text as it came: above 2^53 a float would be another invitation.
            Value::Number(number) => InvitationId::parse(&number.to_string()).ok()?,
            Value::Null => continue,
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        if id.as_ref().is_some_and(|id| *id != parsed) {
            return None;
        }
        id = Some(parsed);
    }
    id
}
