//! V2's page of sent invitations (`linkup-api.md`, V2, List).

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::page::{Found, ListData, Page, Reader, days, id, list, object, text, unambiguous};

#[derive(Deserialize)]
struct Body<'a> {
    success: Option<Value>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

pub(super) fn read(body: &str, reader: &Reader<'_>) -> Option<Page> {
    let Body { success, data } = object(body)?;
    let data = data.filter(|_| success == Some(Value::Bool(true)))?;
    let data: ListData<'_> = object(data.get())?;
    let page = reader.sift(list(&data)?, found);
    let pagination = match data.pagination {
        Some(pagination) => unambiguous(pagination)?,
        None => Value::Null,
    };
    let has_more = pagination.get("has_more").and_then(Value::as_bool);
    let next_offset = pagination.get("next_offset").and_then(Value::as_u64);
    Some(Page { has_more, next_offset, available: data.available(), ..page })
}

fn found(entry: &Value) -> Option<Found> {
    let nobody = Value::Null;
    let recipient = entry.get("recipient").unwrap_or(&nobody);
    let name = format!("{} {}", text(recipient, "first_name"), text(recipient, "last_name"));
    Some(Found {
        id: id(entry, &["invitation_id", "entity_urn"])?,
        name: name.trim().to_owned(),
        profile_url: text(recipient, "linkedin_url"),
        headline: text(recipient, "headline"),
        invitation_type: text(entry, "invitation_type"),
        sent_time: text(entry, "sent_time"),
        sent_time_days: days(entry),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ApiVersion;
    use crate::api::InvitationType;
    use crate::listing::{Days, read_page};

    fn read(body: &str) -> Option<Page> {
        read_page(ApiVersion::V2, InvitationType::Connection, body.as_bytes(), str::to_owned)
    }

    #[test]
    fn a_documented_page_is_read_exactly() {
        let page = read(
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
    fn what_is_no_page() {
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
            assert_eq!(read(body), None, "{body}");
        }
    }

    #[test]
    fn an_empty_list_in_whatever_words() {
        let bodies = [
            r#"{"success": true, "data": {"invitations": [], "pagination": {"has_more": false}}}"#,
            r#"{"success": true, "data": {"invitations": null, "pagination": {"has_more": false}}}"#,
            r#"{"success": true, "data": {"total_results": 0, "pagination": {"has_more": false}}}"#,
        ];
        for body in bodies {
            assert_eq!(read(body), Some(Page { has_more: Some(false), ..Page::default() }), "{body}");
        }
        let body = r#"{"success": true, "data": {"total_available_results": 0}}"#;
        assert_eq!(read(body), Some(Page { available: Some(0), ..Page::default() }));
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
            let page = read(&format!(r#"{{"success": true, "data": {{"invitations": [{entry}]}}}}"#)).unwrap();
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
            let page = read(&format!(r#"{{"success": true, "data": {{"invitations": [{entry}]}}}}"#)).unwrap();
            assert_eq!(page.found[0].sent_time_days, days, "{entry}");
        }
    }
}
