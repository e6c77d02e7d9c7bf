//! V1's page of sent invitations (`linkup-api.md`, V1, Sent invitations).

use serde_json::Value;

use super::page::{Found, Page, id, sift, text};

pub(super) fn read(body: &Value) -> Option<Page> {
    let claims_success = body.get("status").and_then(Value::as_str).is_some_and(|status| status == "success");
    let data = body.get("data").filter(|_| claims_success)?;
    let page = sift(data.get("invitations")?.as_array()?, found);
    let available = data.get("total_available_results").and_then(Value::as_u64);
    Some(Page { available, ..page })
}

fn found(entry: &Value) -> Option<Found> {
    let state = entry.get("invitation_state").and_then(Value::as_str);
    if state.is_some_and(|state| !state.eq_ignore_ascii_case("pending")) {
        return None;
    }
    Some(Found {
        id: id(entry, &["invitation_id", "entity_urn"])?,
        name: text(entry, "name"),
        profile_url: text(entry, "profile_url"),
        headline: text(entry, "subtitle"),
        invitation_type: text(entry, "invitation_type"),
        sent_time: text(entry, "sent_time"),
        sent_time_days: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ApiVersion;
    use crate::listing::read_page;

    fn read(body: &str) -> Option<Page> {
        read_page(ApiVersion::V1, body.as_bytes(), str::to_owned)
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
            r#"{"status": "success", "data": {"invitations": null}}"#,
            r#"{"status": "success", "data": {}}"#,
        ];
        for body in bodies {
            assert_eq!(read(body), None, "{body}");
        }
        assert_eq!(read(r#"{"status": "success", "data": {"invitations": []}}"#), Some(Page::default()));
    }
}
