//! One page of the list, in terms that both API versions share.
//!
//! Owns which answer is a page, and which of its entries can be used. Must not fetch or judge an answer that is no page.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::api::{ApiVersion, InvitationType};
use crate::invitation::InvitationId;
use crate::policy::cut;

/// An invitation as a page shows it. Each of its texts may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub id: InvitationId,
    /// The invited person's name.
    pub name: String,
    pub profile_url: String,
    pub headline: String,
    /// In the API's words, as is the time.
    pub invitation_type: String,
    pub sent_time: String,
    pub sent_time_days: Days,
    /// Whether it was sent with a note; `None` where the list does not say.
    pub has_note: Option<bool>,
}

#[cfg(test)]
impl Found {
    /// Of which only the ID is known.
    pub(crate) fn bare(id: &str) -> Self {
        Self {
            id: InvitationId::parse(id).unwrap(),
            name: String::new(),
            profile_url: String::new(),
            headline: String::new(),
            invitation_type: String::new(),
            sent_time: String::new(),
            sent_time_days: Days::Unsaid,
            has_note: None,
        }
    }
}

/// The age in days, as V2 gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Days {
    #[default]
    Unsaid,
    Known(u32),
    /// Not a number of days: then the time in words is not trusted either.
    Unreadable,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub found: Vec<Found>,
    /// Entries that can't be used: no certain ID, not pending, of another type, or with a key twice.
    pub unusable: u64,
    /// The number of invitations on all pages, if the page gives it.
    pub available: Option<u64>,
    /// Whether more pages follow, if the page says so.
    pub has_more: Option<bool>,
    /// Where the next page begins, if the page says so.
    pub next_offset: Option<u64>,
}

impl Page {
    pub(crate) fn entries(&self) -> u64 {
        self.found.len() as u64 + self.unusable
    }
}

/// Reads a page of invitations of one type; `None` for a body that claims no success or has no list. `scrub` masks secrets
/// in its texts before they are cut, so that no half of one is left over.
pub(crate) fn read_page(
    version: ApiVersion,
    asked: InvitationType,
    body: &[u8],
    scrub: impl Fn(&str) -> String,
) -> Option<Page> {
    let body: PageBody<'_> = object(text_of(body)?)?;
    let is_success = match version {
        // As the judge of a withdrawal reads it.
        ApiVersion::V1 => body.status.as_str().is_some_and(|status| status.trim().eq_ignore_ascii_case("success")),
        ApiVersion::V2 => body.success == true,
    };
    let data: ListData<'_> = object(body.data.filter(|_| is_success)?.get())?;
    let entries = data.entries()?;
    let usable = |entry: &&RawValue| object::<Entry<'_>>(entry.get())?.found(version, asked, &scrub);
    let found: Vec<_> = entries.iter().filter_map(usable).collect();
    let unusable = (entries.len() - found.len()) as u64;
    let pagination: Pagination = match version {
        ApiVersion::V1 => Pagination::default(),
        ApiVersion::V2 => members_if_object(data.pagination)?,
    };
    Some(Page {
        found,
        unusable,
        available: data.total_available_results.as_u64(),
        has_more: pagination.has_more.as_bool(),
        next_offset: pagination.next_offset.as_u64(),
    })
}

/// Whether a body is a whole JSON object in which a key of the answer occurs twice: which of the two is meant is unknown,
/// and another call would only cost another credit.
pub(crate) fn repeats_key(body: &[u8]) -> bool {
    text_of(body).is_some_and(|body| object::<IgnoredAny>(body).is_some() && object::<PageBody<'_>>(body).is_none())
}

/// The keys of an answer that this module or the judge reads. As in all these structs, one that occurs twice is an error,
/// and one that is absent is null.
#[derive(Deserialize)]
#[expect(dead_code, reason = "some are only here to be refused where they occur twice")]
struct PageBody<'a> {
    #[serde(default)]
    status: Value,
    #[serde(default)]
    success: Value,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    message: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
    detail: Option<IgnoredAny>,
    metadata: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct ListData<'a> {
    /// `Some(None)` where it is null.
    #[serde(borrow, default, deserialize_with = "even_null")]
    invitations: Option<Option<Vec<&'a RawValue>>>,
    #[serde(default)]
    total_results: Value,
    #[serde(default)]
    total_available_results: Value,
    #[serde(borrow)]
    pagination: Option<&'a RawValue>,
}

impl<'a> ListData<'a> {
    /// The list; an empty one where it is null, or where it is absent and a number says that there is none.
    fn entries(&self) -> Option<&[&'a RawValue]> {
        let number = self.total_results.as_u64().or_else(|| self.total_available_results.as_u64());
        match &self.invitations {
            Some(entries) => Some(entries.as_deref().unwrap_or_default()),
            None => (number == Some(0)).then_some(&[]),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pagination {
    has_more: Value,
    next_offset: Value,
}

/// An invitation as either version writes it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry<'a> {
    invitation_id: Value,
    entity_urn: Value,
    invitation_state: Value,
    invitation_type: Value,
    sent_time: Value,
    sent_time_days: Value,
    name: Value,
    profile_url: Value,
    subtitle: Value,
    /// `None` where it is absent.
    #[serde(deserialize_with = "even_null")]
    message: Option<Value>,
    #[serde(borrow)]
    recipient: Option<&'a RawValue>,
}

/// The invited person as V2 writes them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Recipient {
    first_name: Value,
    last_name: Value,
    headline: Value,
    linkedin_url: Value,
}

impl Entry<'_> {
    /// `None` unless it is certainly a pending invitation of the type that was asked for.
    fn found(&self, version: ApiVersion, asked: InvitationType, scrub: impl Fn(&str) -> String) -> Option<Found> {
        let is_pending = is_null_or(&self.invitation_state, |state| state.trim().eq_ignore_ascii_case("pending"));
        if !is_pending || !is_null_or(&self.invitation_type, |text| text.parse() == Ok(asked)) {
            return None;
        }
        // One line of bounded length.
        let text = |value: &Value| cut(&scrub(value.as_str().unwrap_or_default()));
        let (name, profile_url, headline) = match version {
            ApiVersion::V1 => (text(&self.name), text(&self.profile_url), text(&self.subtitle)),
            ApiVersion::V2 => {
                let Recipient { first_name, last_name, headline, linkedin_url } = members_if_object(self.recipient)?;
                let name = format!("{} {}", text(&first_name), text(&last_name));
                (name.trim().to_owned(), text(&linkedin_url), text(&headline))
            }
        };
        let id = self.id()?;
        let (invitation_type, sent_time) = (text(&self.invitation_type), text(&self.sent_time));
        let (sent_time_days, has_note) = (self.days(), self.has_note(version));
        Some(Found { id, name, profile_url, headline, invitation_type, sent_time, sent_time_days, has_note })
    }

    /// The ID, as a string, a number or a URN. `None` where there are two different ones.
    fn id(&self) -> Option<InvitationId> {
        let mut id = None;
        for value in [&self.invitation_id, &self.entity_urn] {
            let parsed = match value {
                Value::String(text) => InvitationId::parse(text).ok()?,
                // From its digits: above 2^53 a float would be another invitation.
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

    fn has_note(&self, version: ApiVersion) -> Option<bool> {
        match (version, self.message.as_ref()?) {
            (ApiVersion::V1, Value::Null) => Some(false),
            (ApiVersion::V1, Value::String(note)) => Some(!note.trim().is_empty()),
            (ApiVersion::V1, Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => None,
            (ApiVersion::V2, _) => None,
        }
    }

    fn days(&self) -> Days {
        if !is_null_or(&self.sent_time, |_| true) {
            Days::Unreadable
        } else if self.sent_time_days.is_null() {
            Days::Unsaid
        } else {
            whole_number(&self.sent_time_days).map_or(Days::Unreadable, Days::Known)
        }
    }
}

fn is_null_or(value: &Value, is: impl Fn(&str) -> bool) -> bool {
    value.is_null() || value.as_str().is_some_and(is)
}

/// Also if it is written as 5.0.
fn whole_number(value: &Value) -> Option<u32> {
    let number =
        value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just above")]
    Some(number as u32)
}

fn text_of(body: &[u8]) -> Option<&str> {
    std::str::from_utf8(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).ok()
}

fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    // serde would take an array for the members in their order.
    text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok())?
}

/// The members of what may be something else than an object.
fn members_if_object<'a, T: Deserialize<'a> + Default>(raw: Option<&'a RawValue>) -> Option<T> {
    match raw.filter(|raw| raw.get().starts_with('{')) {
        Some(raw) => object(raw.get()),
        None => Some(T::default()),
    }
}

fn even_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_v1(body: &str) -> Option<Page> {
        read_page(ApiVersion::V1, InvitationType::Connection, body.as_bytes(), str::to_owned)
    }

    #[test]
    fn a_documented_page_is_read_exactly_v1() {
        let page = read_v1(
            r#"{"status": "success", "data": {"invitations": [{
                "name": "Ada Lovelace", "profile_url": "https://www.linkedin.com/in/ada/", "subtitle": "Analyst",
                "sent_time": "Sent 3 weeks ago", "invitation_id": 7329176687475109889, "invitation_state": "PENDING",
                "message": null, "entity_urn": "urn:li:fsd_invitation:7329176687475109889", "profile_picture": "x",
                "invitation_type": "CONNECTION"}],
                "total_results": 1, "total_available_results": 41,
                "pagination": {"start_page": 1, "end_page": 1, "results_per_page": 10, "pages_fetched": 1}}}"#,
        )
        .unwrap();
        let [found] = page.found.as_slice() else { panic!("{page:?}") };
        // Above 2^53, and no float has this last digit.
        assert_eq!(found.id.as_str(), "7329176687475109889");
        assert_eq!((found.name.as_str(), found.headline.as_str()), ("Ada Lovelace", "Analyst"));
        assert_eq!((found.sent_time.as_str(), found.invitation_type.as_str()), ("Sent 3 weeks ago", "CONNECTION"));
        assert_eq!((page.available, page.unusable, page.entries()), (Some(41), 0, 1));
        assert_eq!(found.has_note, Some(false));
    }

    #[test]
    fn entries_without_a_certain_id_are_counted_and_not_used() {
        let entries = [
            (r#"{"invitation_id": 7}"#, Some("7")),
            (r#"{"invitation_id": "7"}"#, Some("7")),
            (r#"{"entity_urn": "urn:li:fsd_invitation:7"}"#, Some("7")),
            (r#"{"invitation_id": null, "entity_urn": "urn:li:fsd_invitation:7"}"#, Some("7")),
            (r#"{"invitation_id": 7, "entity_urn": "urn:li:fsd_invitation:8"}"#, None),
            (r#"{"invitation_id": 7.5}"#, None),
            (r#"{"invitation_id": 7.32918E+18}"#, None),
            (r#"{"invitation_id": ["7"]}"#, None),
            (r#"{"name": "nobody"}"#, None),
            (r#"{"invitation_id": 7, "invitation_state": "ACCEPTED"}"#, None),
            ("7", None),
            ("null", None),
            // A key that matters, twice, even where an escape hides it.
            (r#"{"invitation_id": 21, "invitation_id": 22}"#, None),
            (r#"{"invitation_id": 21, "invitation_id": 21}"#, None),
            (r#"{"invitation_id": 21, "invitation\u005fid": 22}"#, None),
            (r#"{"invitation_id": 7, "sent_time": "today", "sent_time": "1 year ago"}"#, None),
            (r#"{"invitation_id": 7, "profile_url": "a", "profile_url": "b"}"#, None),
            (r#"{"invitation_id": 7, "message": null, "message": "b"}"#, None),
            (r#"{"invitation_id": 7, "distance": "a", "distance": "b", "x": [{"y": 1, "y": 2}]}"#, Some("7")),
            // What it says of its state.
            (r#"{"invitation_id": 7, "invitation_state": " pending "}"#, Some("7")),
            (r#"{"invitation_id": 7, "invitation_state": null}"#, Some("7")),
            (r#"{"invitation_id": 7, "invitation_state": ""}"#, None),
            (r#"{"invitation_id": 7, "invitation_state": 3}"#, None),
            (r#"{"invitation_id": 7, "invitation_state": true}"#, None),
            (r#"{"invitation_id": 7, "invitation_state": ["PENDING"]}"#, None),
            // And of its type.
            (r#"{"invitation_id": 7, "invitation_type": "connection"}"#, Some("7")),
            (r#"{"invitation_id": 7, "invitation_type": null}"#, Some("7")),
            (r#"{"invitation_id": 7, "invitation_type": "ORGANIZATION"}"#, None),
            (r#"{"invitation_id": 7, "invitation_type": "FOLLOW"}"#, None),
            (r#"{"invitation_id": 7, "invitation_type": ["CONNECTION"]}"#, None),
        ];
        for (entry, expected) in entries {
            let page = read_v1(&format!(r#"{{"status": "success", "data": {{"invitations": [{entry}]}}}}"#)).unwrap();
            assert_eq!(page.found.first().map(|found| found.id.as_str()), expected, "{entry}");
            assert_eq!(page.unusable, u64::from(expected.is_none()), "{entry}");
        }
    }

    #[test]
    fn what_is_no_page_v1() {
        let bodies = [
            "",
            "<html>",
            "[]",
            r#"{"status": "error", "message": "Rate limit exceeded. Please try again later"}"#,
            r#"{"status": "error", "data": {"invitations": []}}"#,
            r#"{"data": {"invitations": []}}"#,
            r#"{"status": "success", "data": {}}"#,
            r#"{"status": "success", "data": []}"#,
            r#"{"status": "success", "data": null}"#,
            r#"{"status": "success", "data": {"invitations": {}}}"#,
            r#"{"status": "success", "data": {"invitations": ""}}"#,
            r#"{"status": "success", "data": {"total_available_results": 3}}"#,
            r#"{"status": "success", "data": {"total_results": 3, "total_available_results": 0}}"#,
            r#"{"status": "success", "data": {"total_available_results": "0"}}"#,
            r#"["success", {"invitations": []}]"#,
            // A key that occurs twice.
            r#"{"status": "error", "status": "success", "data": {"invitations": []}}"#,
            r#"{"status": "success", "data": {}, "data": {"invitations": []}}"#,
            r#"{"status": "success", "data": {"invitations": [], "invitations": [{"invitation_id": 7}]}}"#,
            // Broken off.
            r#"{"status": "success", "data": {"invitations": [{"invitation_id": 7}]}"#,
        ];
        for body in bodies {
            assert_eq!(read_v1(body), None, "{body}");
        }
    }

    #[test]
    fn an_empty_list_in_whatever_words_v1() {
        let none_available = Page { available: Some(0), ..Page::default() };
        let cases = [
            (r#"{"status": "success", "data": {"invitations": []}}"#, Page::default()),
            (r#"{"status": "Success", "data": {"invitations": []}}"#, Page::default()),
            (r#"{"status": " SUCCESS", "data": {"invitations": null}}"#, Page::default()),
            (r#"{"status": "success", "data": {"total_results": 0}}"#, Page::default()),
            (
                r#"{"status": "success", "data": {"invitations": null, "total_available_results": 0}}"#,
                none_available.clone(),
            ),
            (r#"{"status": "success", "data": {"total_available_results": 0}}"#, none_available),
            // A page beyond the end.
            (
                r#"{"status": "success", "data": {"total_results": 0, "total_available_results": 41}}"#,
                Page { available: Some(41), ..Page::default() },
            ),
            // A number that is none is none.
            (r#"{"status": "success", "data": {"invitations": [], "total_available_results": -4}}"#, Page::default()),
            (r#"{"status": "success", "data": {"invitations": [], "total_available_results": "4"}}"#, Page::default()),
        ];
        for (body, page) in cases {
            assert_eq!(read_v1(body), Some(page), "{body}");
        }
    }

    #[test]
    fn what_is_asked_for_is_what_counts() {
        let body = r#"{"status": "success", "data": {"invitations": [
            {"invitation_id": 7, "invitation_type": "Content_Series"}, {"invitation_id": 8, "invitation_type": "CONNECTION"},
            {"invitation_id": 9}]}}"#;
        let page = read_page(ApiVersion::V1, InvitationType::ContentSeries, body.as_bytes(), str::to_owned).unwrap();
        let ids: Vec<_> = page.found.iter().map(|found| found.id.as_str()).collect();
        assert_eq!((ids.as_slice(), page.unusable), (["7", "9"].as_slice(), 1));
    }

    fn read_v2(body: &str) -> Option<Page> {
        read_page(ApiVersion::V2, InvitationType::Connection, body.as_bytes(), str::to_owned)
    }

    #[test]
    fn a_documented_page_is_read_exactly_v2() {
        let page = read_v2(
            r#"{"success": true, "data": {"invitations": [{
                "entity_urn": "urn:li:invitation:7329176687475109889",
                "recipient": {"first_name": "Ada", "last_name": "Lovelace", "headline": "Analyst",
                    "linkedin_url": "https://www.linkedin.com/in/ada", "profile_picture": null},
                "invitation_type": "CONNECTION", "sent_time": "5d", "sent_time_days": 5}, {"entity_urn": "urn:li:x:1"}],
                "pagination": {"offset": 0, "count": 10, "next_offset": 10, "has_more": true,
                    "results_per_page": 10, "pages_fetched": 1}},
                "metadata": {"credits_consumed": 1}}"#,
        )
        .unwrap();
        let [found] = page.found.as_slice() else { panic!("{page:?}") };
        assert_eq!(found.id.as_str(), "7329176687475109889");
        assert_eq!((found.name.as_str(), found.headline.as_str()), ("Ada Lovelace", "Analyst"));
        assert_eq!((found.sent_time.as_str(), found.sent_time_days), ("5d", Days::Known(5)));
        assert_eq!((page.has_more, page.next_offset, page.unusable), (Some(true), Some(10), 1));
    }

    #[test]
    fn what_is_no_page_v2() {
        let bodies = [
            r#"{"success": false, "error": {"code": "RATE_LIMITED", "message": "Slow down"}}"#,
            r#"{"success": "true", "data": {"invitations": []}}"#,
            r#"{"success": true, "data": {"withdrawn": true}}"#,
            r#"{"status": "success", "data": {"invitations": []}}"#,
            r#"{"success": true, "data": {"total_available_results": 3}}"#,
            r#"{"success": false, "success": true, "data": {"invitations": []}}"#,
            r#"{"success": true, "data": {"invitations": []}, "data": {"invitations": []}}"#,
            r#"{"success": true, "data": {"invitations": [], "pagination": {"has_more": true, "has_more": false}}}"#,
        ];
        for body in bodies {
            assert_eq!(read_v2(body), None, "{body}");
        }
    }

    #[test]
    fn an_empty_list_in_whatever_words_v2() {
        let bodies = [
            r#"{"success": true, "data": {"invitations": [], "pagination": {"has_more": false}}}"#,
            r#"{"success": true, "data": {"invitations": null, "pagination": {"has_more": false}}}"#,
            r#"{"success": true, "data": {"total_results": 0, "pagination": {"has_more": false}}}"#,
        ];
        for body in bodies {
            assert_eq!(read_v2(body), Some(Page { has_more: Some(false), ..Page::default() }), "{body}");
        }
        let body = r#"{"success": true, "data": {"total_available_results": 0}}"#;
        assert_eq!(read_v2(body), Some(Page { available: Some(0), ..Page::default() }));
    }

    #[test]
    fn entries_that_are_not_certain_are_counted_and_not_used() {
        let entries = [
            (r#"{"entity_urn": "urn:li:invitation:7"}"#, true),
            (r#"{"entity_urn": "urn:li:invitation:7", "entity_urn": "urn:li:invitation:8"}"#, false),
            // Whom to keep is known by the profile's address.
            (
                r#"{"entity_urn": "urn:li:invitation:7", "recipient": {"linkedin_url": "a", "linkedin_url": "b"}}"#,
                false,
            ),
            (r#"{"entity_urn": "urn:li:invitation:7", "invitation_type": "ORGANIZATION"}"#, false),
            (r#"{"entity_urn": "urn:li:invitation:7", "invitation_state": 1}"#, false),
            (r#"{"entity_urn": "urn:li:invitation:7", "invitation_state": "WITHDRAWN"}"#, false),
        ];
        for (entry, usable) in entries {
            let page = read_v2(&format!(r#"{{"success": true, "data": {{"invitations": [{entry}]}}}}"#)).unwrap();
            assert_eq!((page.found.len(), page.unusable), (usize::from(usable), u64::from(!usable)), "{entry}");
        }
    }

    #[test]
    fn an_age_that_is_no_whole_number_can_not_be_read() {
        let cases = [
            ("", Days::Unsaid),
            (r#", "sent_time_days": null"#, Days::Unsaid),
            (r#", "sent_time_days": 0"#, Days::Known(0)),
            (r#", "sent_time_days": 5.0"#, Days::Known(5)),
            (r#", "sent_time_days": 4294967295"#, Days::Known(u32::MAX)),
            (r#", "sent_time_days": 4294967296"#, Days::Unreadable),
            (r#", "sent_time_days": -3"#, Days::Unreadable),
            (r#", "sent_time_days": 5.5"#, Days::Unreadable),
            (r#", "sent_time_days": 1e999"#, Days::Unreadable),
            (r#", "sent_time_days": "5""#, Days::Unreadable),
            (r#", "sent_time_days": [5]"#, Days::Unreadable),
            (r#", "sent_time_days": false"#, Days::Unreadable),
            (r#", "sent_time_days": 90, "sent_time": 3"#, Days::Unreadable),
            (r#", "sent_time_days": 90, "sent_time": null"#, Days::Known(90)),
        ];
        for (members, days) in cases {
            let entry = format!(r#"{{"entity_urn": "urn:li:invitation:7"{members}}}"#);
            let page = read_v2(&format!(r#"{{"success": true, "data": {{"invitations": [{entry}]}}}}"#)).unwrap();
            assert_eq!(page.found[0].sent_time_days, days, "{entry}");
        }
    }

    #[test]
    fn v1_alone_tells_of_notes() {
        let cases = [
            (r#", "message": null"#, Some(false)),
            (r#", "message": """#, Some(false)),
            (r#", "message": " ""#, Some(false)),
            (r#", "message": "Hello""#, Some(true)),
            ("", None),
            (r#", "message": 7"#, None),
            (r#", "message": {"text": "Hello"}"#, None),
        ];
        for (members, expected) in cases {
            let list = format!(r#"{{"invitations": [{{"invitation_id": 7{members}}}]}}"#);
            let v1 = read_v1(&format!(r#"{{"status": "success", "data": {list}}}"#)).unwrap();
            let v2 = read_v2(&format!(r#"{{"success": true, "data": {list}}}"#)).unwrap();
            assert_eq!((v1.found[0].has_note, v2.found[0].has_note), (expected, None), "{members}");
        }
    }

    #[test]
    fn a_key_of_the_answer_that_occurs_twice() {
        let cases = [
            (r#"{"status": "error", "status": "success", "data": {}}"#, true),
            ("\u{feff} {\"metadata\": 1, \"data\": {}, \"metadata\": 2}", true),
            (r#"{"success": true, "data": {"x": 1, "x": 2}, "other": 1, "other": 2}"#, false),
            (r#"{"data": {}, "data": {}"#, false),
            (r#"[{"data": {}, "data": {}}]"#, false),
            ("<html>", false),
        ];
        for (body, expected) in cases {
            assert_eq!(repeats_key(body.as_bytes()), expected, "{body}");
        }
    }
}
