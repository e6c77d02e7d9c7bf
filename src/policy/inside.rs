//! What stands inside an answer: its texts, and whatever contradicts its claim.

use serde_json::Value;

use super::words::{is_id, is_invitation_urn};

/// The texts of an answer that say something, the documented `message` first.
pub(super) fn texts(body: &Value) -> Vec<&str> {
    let mut texts = Vec::new();
    collect("message", body.get("message").unwrap_or(&Value::Null), &mut texts);
    for (name, value) in body.as_object().into_iter().flatten().filter(|(name, _)| *name != "message") {
        collect(name, value, &mut texts);
    }
    texts
}

fn collect<'a>(name: &str, value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => {
            let says = matches!(name, "message" | "detail" | "data" | "error" | "errors") && !text.trim().is_empty();
            texts.extend(says.then_some(text.as_str()));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(name, item, texts)),
        // Not deeper: the note of an invitation is a `message` too.
        Value::Object(members) if matches!(name, "message" | "detail" | "data" | "error" | "errors") => {
            members.iter().for_each(|(name, value)| collect(name, value, texts));
        }
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What in an answer contradicts the claim that the invitation with this ID is withdrawn.
pub(super) fn denial(body: &Value, id: &str) -> Option<&'static str> {
    find(body, &|name, value| {
        let (is_denied, why) = match name {
            "error" | "errors" | "errorcode" | "errormessage" => (!is_nothing(value), "an error inside"),
            "success" | "withdrawn" => (*value != true, "success denied inside"),
            "status" | "state" | "invitationstate" => (!is_good(value), "another status inside"),
            "message" | "detail" => (!value.is_string(), "a message that is no text"),
            _ => (is_another(name, value, id), "an answer about another invitation"),
        };
        (is_denied && !value.is_null()).then_some(why)
    })
}

/// Whether an answer is about another invitation than the one asked for.
pub(super) fn names_another(body: &Value, id: &str) -> bool {
    find(body, &|name, value| (!value.is_null() && is_another(name, value, id)).then_some("")).is_some()
}

/// Whether an answer says inside that the invitation is withdrawn.
pub(super) fn says_withdrawn(body: &Value) -> bool {
    find(body, &|name, value| (name == "withdrawn" && *value == true).then_some("")).is_some()
}

/// What `check` finds first in a member at any depth, its name without case and separators.
fn find(value: &Value, check: &dyn Fn(&str, &Value) -> Option<&'static str>) -> Option<&'static str> {
    match value {
        Value::Object(members) => members.iter().find_map(|(name, value)| {
            let plain: String =
                name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect();
            check(&plain, value).or_else(|| find(value, check))
        }),
        Value::Array(items) => items.iter().find_map(|item| find(item, check)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn is_another(name: &str, value: &Value, id: &str) -> bool {
    let is_named = matches!(name, "invitationid" | "invitationurn");
    match value {
        Value::String(text) => (is_named || is_invitation_urn(text.trim())) && !is_id(text, id),
        // The digits as sent: as a float it would be another ID.
        Value::Number(number) => is_named && number.as_str() != id,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => is_named,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(is_error) => !is_error,
        Value::Number(number) => number.as_u64() == Some(0),
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// Whether a status says nothing but success.
fn is_good(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            matches!(text.trim().to_ascii_lowercase().as_str(), "success" | "ok" | "done" | "completed" | "withdrawn")
        }
        Value::Number(code) => code.as_u64().is_some_and(|code| (200..300).contains(&code)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => *value == true,
    }
}
