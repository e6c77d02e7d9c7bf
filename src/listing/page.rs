//! One page of the list, in terms that both API versions share.

use serde_json::Value;

use super::{read_v1, read_v2};
use crate::config::ApiVersion;
use crate::invitation::InvitationId;
use crate::policy::cut;

/// An invitation as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its ID, exact.
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
    pub sent_time_days: Option<u32>,
}

/// What one page holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Its pending invitations.
    pub found: Vec<Found>,
    /// Entries without a usable ID, or that the page itself does not call pending.
    pub unusable: u64,
    /// How many invitations there are on all pages, where the page says so.
    pub available: Option<u64>,
    /// Whether there are more, where the page says so.
    pub has_more: Option<bool>,
    /// Where the next page begins, where the page says so.
    pub next_offset: Option<u64>,
}

impl Page {
    /// Entries of any kind.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.found.len() as u64 + self.unusable
    }
}

/// Reads a page; `None` for a body that claims no success or holds no list. `scrub` masks secrets in its texts, before
/// any of them is cut: no half of one may be left over.
#[must_use]
pub fn read_page(version: ApiVersion, body: &[u8], scrub: impl Fn(&str) -> String) -> Option<Page> {
    let mut body: Value = serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).ok()?;
    mask(&mut body, &scrub);
    match version {
        ApiVersion::V1 => read_v1::read(&body),
        ApiVersion::V2 => read_v2::read(&body),
    }
}

fn mask(value: &mut Value, scrub: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = scrub(text),
        Value::Array(values) => values.iter_mut().for_each(|value| mask(value, scrub)),
        Value::Object(members) => members.values_mut().for_each(|value| mask(value, scrub)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Sorts a list's entries into what can be used and how many can't.
pub(super) fn sift(entries: &[Value], read: impl Fn(&Value) -> Option<Found>) -> Page {
    let found: Vec<_> = entries.iter().filter_map(read).collect();
    let unusable = (entries.len() - found.len()) as u64;
    Page { found, unusable, ..Page::default() }
}

/// A member's text, if it is one, as one line of bounded length; else nothing.
pub(super) fn text(entry: &Value, name: &str) -> String {
    cut(entry.get(name).and_then(Value::as_str).unwrap_or_default())
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
