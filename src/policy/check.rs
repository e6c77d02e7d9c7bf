//! What the answers say that `check` asks for.

use serde_json::Value;

use super::judge::members;
use super::judge_v2::AnswerV2;
use crate::api::CallResult;

/// Whether V1 says that it accepts the key. That this answers like other calls is a guess (docs/linkup-api.md, "V1"), so only
/// a plain success counts.
pub(crate) fn accepts_key(result: &CallResult) -> bool {
    let is_nothing = |value: Option<&Value>| value.is_none_or(|value| value.is_null() || *value == false);
    result.success_body().and_then(members::<Value>).is_some_and(|body| {
        let claim = body.get("status").and_then(Value::as_str).unwrap_or_default();
        claim.trim().eq_ignore_ascii_case("success") && is_nothing(body.get("error")) && is_nothing(body.get("errors"))
    })
}

/// Whether V2 calls an account connected; `None` where it does not tell of one (docs/linkup-api.md, "Accounts").
pub(crate) fn is_connected(result: &CallResult) -> Option<bool> {
    let answer: AnswerV2 = members(result.success_body()?)?;
    let data = answer.data.filter(|_| answer.success == Some(true.into()))?;
    data.get("account_id")?;
    let is_active = data.get("is_active").is_none_or(|is_active| *is_active != false);
    let status = data.get("status").and_then(Value::as_str).unwrap_or("active");
    Some(is_active && status.trim().eq_ignore_ascii_case("active"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::HttpAnswer;

    fn answered(http_status: u16, body: &str) -> CallResult {
        CallResult::Answered(HttpAnswer { http_status, body: body.into(), ..HttpAnswer::default() })
    }

    #[test]
    fn only_a_plain_success_accepts_a_key() {
        let cases = [
            (200, r#"{"status": "success", "message": "API key is valid"}"#, true),
            (200, r#"{"status": " Success "}"#, true),
            (200, r#"{"status": "success", "error": null, "data": {"email": "x"}}"#, true),
            (200, r#"{"status": "success", "error": "Invalid API key"}"#, false),
            (200, r#"{"status": "error", "message": "Invalid API key"}"#, false),
            (200, r#"{"valid": true}"#, false),
            (200, r#"["success"]"#, false),
            (200, "<html>", false),
            (403, r#"{"status": "success"}"#, false),
        ];
        for (status, body, is_accepted) in cases {
            assert_eq!(accepts_key(&answered(status, body)), is_accepted, "{status} {body}");
        }
        assert!(!accepts_key(&CallResult::Lost(String::new())));
    }

    #[test]
    fn which_account_is_connected() {
        let cases = [
            (
                200,
                r#"{"success": true, "data": {"account_id": "a", "is_active": true, "status": "active"}}"#,
                Some(true),
            ),
            (200, r#"{"success": true, "data": {"account_id": "a"}}"#, Some(true)),
            (200, r#"{"success": true, "data": {"account_id": "a", "is_active": false}}"#, Some(false)),
            (200, r#"{"success": true, "data": {"account_id": "a", "status": "inactive"}}"#, Some(false)),
            (200, r#"{"success": true, "data": {}}"#, None),
            (200, r#"{"success": true, "data": null}"#, None),
            (200, r#"{"success": false, "data": {"account_id": "a"}}"#, None),
            (404, r#"{"success": true, "data": {"account_id": "a"}}"#, None),
            (200, "<html>", None),
        ];
        for (status, body, expected) in cases {
            assert_eq!(is_connected(&answered(status, body)), expected, "{status} {body}");
        }
    }
}
