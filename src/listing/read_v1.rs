//! V1's page of sent invitations (`linkup-api.md`, V1, Sent invitations).

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::page::{Found, ListData, Page, Reader, days, id, list, object, text};

#[derive(Deserialize)]
struct Body<'a> {
    status: Option<Value>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

pub(super) fn read(body: &str, reader: &Reader<'_>) -> Option<Page> {
    let Body { status, data } = object(body)?;
    // As the judge of a withdrawal reads it.
    let status = status.as_ref().and_then(Value::as_str)?;
    let data = data.filter(|_| status.trim().eq_ignore_ascii_case("success"))?;
    let data: ListData<'_> = object(data.get())?;
    let page = reader.sift(list(&data)?, found);
    Some(Page { available: data.available(), ..page })
}

fn found(entry: &Value) -> Option<Found> {
    Some(Found {
        id: id(entry, &["invitation_id", "entity_urn"])?,
        name: text(entry, "name"),
        profile_url: text(entry, "profile_url"),
        headline: text(entry, "subtitle"),
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
    use crate::listing::read_page;

    fn read(body: &str) -> Option<Page> {
        read_page(ApiVersion::V1, InvitationType::Connection, body.as_bytes(), str::to_owned)
    }

    #[test]
    fn a_documented_page_is_read_exactly() {
        let page = read(
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
            // Twice is not once, whichever it is, however deep, and where an escape hides it.
            (r#"{"invitation_id": 21, "invitation_id": 22}"#, None),
            (r#"{"invitation_id": 21, "invitation_id": 21}"#, None),
            (r#"{"invitation_id": 21, "invitation\u005fid": 22}"#, None),
            (r#"{"invitation_id": 7, "sent_time": "today", "sent_time": "1 year ago"}"#, None),
            (r#"{"invitation_id": 7, "x": [{"y": 1, "y": 1}]}"#, None),
            (r#"{"invitation_id": 7, "x": [{"y": 1.5e3}, {"y": -7, "z": true}]}"#, Some("7")),
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
            let page = read(&format!(r#"{{"status": "success", "data": {{"invitations": [{entry}]}}}}"#)).unwrap();
            assert_eq!(page.found.first().map(|found| found.id.as_str()), expected, "{entry}");
            assert_eq!(page.unusable, u64::from(expected.is_none()), "{entry}");
        }
    }

    #[test]
    fn what_is_no_page() {
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
            // What stands twice.
            r#"{"status": "error", "status": "success", "data": {"invitations": []}}"#,
            r#"{"status": "success", "data": {}, "data": {"invitations": []}}"#,
            r#"{"status": "success", "data": {"invitations": [], "invitations": [{"invitation_id": 7}]}}"#,
            // Broken off.
            r#"{"status": "success", "data": {"invitations": [{"invitation_id": 7}]}"#,
        ];
        for body in bodies {
            assert_eq!(read(body), None, "{body}");
        }
    }

    #[test]
    fn an_empty_list_in_whatever_words() {
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
            assert_eq!(read(body), Some(page), "{body}");
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
}
