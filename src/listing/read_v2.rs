//! V2's page of sent invitations (`linkup-api.md`, V2, List).

use serde_json::Value;

use super::page::{Found, Page, id, sift, text};

pub(super) fn read(body: &Value) -> Option<Page> {
    let data = body.get("data").filter(|_| body.get("success") == Some(&Value::Bool(true)))?;
    let page = sift(data.get("invitations")?.as_array()?, found);
    let pagination = data.get("pagination");
    let number = |name| pagination.and_then(|pagination| pagination.get(name)).and_then(Value::as_u64);
    let has_more = pagination.and_then(|pagination| pagination.get("has_more")).and_then(Value::as_bool);
    let available = data.get("total_available_results").and_then(Value::as_u64);
    Some(Page { has_more, next_offset: number("next_offset"), available, ..page })
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
        sent_time_days: entry.get("sent_time_days").and_then(Value::as_u64).and_then(|days| days.try_into().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ApiVersion;
    use crate::listing::read_page;

    fn read(body: &str) -> Option<Page> {
        read_page(ApiVersion::V2, body.as_bytes(), str::to_owned)
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
        assert_eq!((found.sent_time.as_str(), found.sent_time_days), ("5d", Some(5)));
        assert_eq!((page.has_more, page.next_offset, page.unusable), (Some(true), Some(10), 1));
    }

    #[test]
    fn what_is_no_page() {
        let bodies = [
            r#"{"success": false, "error": {"code": "RATE_LIMITED", "message": "Slow down"}}"#,
            r#"{"success": "true", "data": {"invitations": []}}"#,
            r#"{"success": true, "data": {"withdrawn": true}}"#,
            r#"{"status": "success", "data": {"invitations": []}}"#,
        ];
        for body in bodies {
            assert_eq!(read(body), None, "{body}");
        }
    }
}
