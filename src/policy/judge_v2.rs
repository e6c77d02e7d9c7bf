//! What a V2 answer means: its `success`, then its `error.code`, then its message and its HTTP status.
//!
//! What an accepted, declined or withdrawn invitation answers is not documented, so unknown codes are read like messages
//! (docs/linkup-api.md, "V2 errors").

use serde::Deserialize;
use serde_json::Value;

use super::inside::texts;
use super::judge::{by_status, judge_foreign, judge_message, judge_success, members};
use super::words::SuccessMessages;
use super::{Meaning, Verdict};
use crate::api::HttpAnswer;
use crate::stop::Refusal;

/// The members that decide. One that occurs twice makes an answer unreadable.
#[derive(Deserialize)]
#[allow(dead_code, reason = "some are only here to be refused where they occur twice")]
pub(super) struct AnswerV2 {
    pub(super) success: Option<Value>,
    pub(super) data: Option<Value>,
    error: Option<Value>,
    errors: Option<Value>,
    message: Option<Value>,
    pub(super) metadata: Option<Value>,
}

impl AnswerV2 {
    /// Whether it is the API's own form, and not JSON of something in between.
    pub(super) fn is_own(&self, status: u16) -> bool {
        matches!(self.success, Some(Value::Bool(_))) || (status >= 400 && self.error.is_some())
    }
}

pub(super) fn judge_answer(answer: &HttpAnswer, id: &str, confirming: &SuccessMessages) -> Verdict {
    let status = answer.http_status;
    let (Some(decisive), Some(body)) = (members::<AnswerV2>(&answer.body), members::<Value>(&answer.body)) else {
        return judge_foreign(status);
    };
    match decisive.success {
        Some(Value::Bool(true)) => judge_success(status, &body, id, confirming),
        Some(_) | None if decisive.is_own(status) => judge_error(status, &body, id),
        Some(_) | None => judge_foreign(status),
    }
}

/// A claim of an error: its code first, then its message, then the HTTP status.
fn judge_error(status: u16, body: &Value, id: &str) -> Verdict {
    let code = body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default();
    let message = texts(body).first().copied().unwrap_or_default();
    let words = match (code, message) {
        ("", "") => format!("HTTP {status} without a message"),
        (one, "") | ("", one) => one.to_owned(),
        (code, message) => format!("{code}: {message}"),
    };
    let documented = match code.to_ascii_uppercase().as_str() {
        // Under whatever status: the upstream failed, and would again.
        "CHANNEL_ERROR" => return Verdict::new(Meaning::Rejected, words),
        // A gateway's status says that nobody knows, a 429 that nothing was done.
        _ if status == 429 || status > 500 => None,
        "INVALID_API_KEY" => Some(Meaning::Refused(Refusal::Key)),
        // A wrong account, not a missing invitation (docs/linkup-api.md, "V2 errors").
        "ACCOUNT_INACTIVE" | "INVALID_ACCOUNT" => Some(Meaning::Refused(Refusal::Account)),
        "INSUFFICIENT_CREDITS" => Some(Meaning::Refused(Refusal::Credits)),
        "RATE_LIMITED" => Some(Meaning::RateLimited),
        "INTERNAL_ERROR" => Some(Meaning::ServerError),
        "INVALID_ACTION" => Some(Meaning::Rejected),
        _ => None,
    };
    if let Some(meaning) = documented {
        return Verdict::new(meaning, words);
    }
    let is_silent = code.is_empty() && message.is_empty();
    let verdict = judge_message(status, body, id, words, || match status {
        403 => Meaning::Refused(Refusal::Account),
        status => by_status(status, is_silent),
    });
    // On V2 the login belongs to the account.
    if verdict.meaning == Meaning::Refused(Refusal::Login) {
        Verdict { meaning: Meaning::Refused(Refusal::Account), ..verdict }
    } else {
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(http_status: u16, body: &str) -> Verdict {
        let answer = HttpAnswer { http_status, body: body.as_bytes().to_vec(), ..HttpAnswer::default() };
        judge_answer(&answer, "7", &SuccessMessages::default())
    }

    fn error(code: &str, message: &str) -> String {
        serde_json::json!({
            "success": false, "error": {"code": code, "message": message}, "metadata": {"credits_consumed": 0}
        })
        .to_string()
    }

    #[test]
    fn what_the_documented_codes_mean() {
        let cases = [
            (403, "INVALID_API_KEY", Meaning::Refused(Refusal::Key)),
            (403, "ACCOUNT_INACTIVE", Meaning::Refused(Refusal::Account)),
            (404, "INVALID_ACCOUNT", Meaning::Refused(Refusal::Account)),
            (400, "INVALID_ACTION", Meaning::Rejected),
            (400, "INVALID_PARAMS", Meaning::Rejected),
            (402, "INSUFFICIENT_CREDITS", Meaning::Refused(Refusal::Credits)),
            (429, "RATE_LIMITED", Meaning::RateLimited),
            (500, "INTERNAL_ERROR", Meaning::ServerError),
            // The code decides, whatever the status.
            (200, "RATE_LIMITED", Meaning::RateLimited),
            (500, "rate_limited", Meaning::RateLimited),
        ];
        for (status, code, meaning) in cases {
            let verdict = judged(status, &error(code, "whatever it says"));
            assert_eq!(verdict.meaning, meaning, "{status} {code}");
            assert_eq!(verdict.words, format!("{code}: whatever it says"));
        }
    }

    #[test]
    fn undocumented_codes_are_read_as_messages_then_by_their_status() {
        let cases = [
            (400, "INVALID_PARAMS", "This invitation is no longer pending", Meaning::NotPending),
            (400, "INVALID_PARAMS", "Invitation not found", Meaning::NotFound),
            (404, "NOT_FOUND", "Invitation not found", Meaning::NotFound),
            (404, "INVITATION_NOT_FOUND", "", Meaning::NotFound),
            (409, "INVITATION_NOT_PENDING", "Conflict", Meaning::NotPending),
            (404, "ACCOUNT_NOT_FOUND", "", Meaning::Rejected),
            (409, "CONFLICT", "This invitation was already accepted", Meaning::NotPending),
            (400, "BAD", "LinkedIn cookie expired", Meaning::Refused(Refusal::Account)),
            (401, "UNAUTHORIZED", "no", Meaning::Refused(Refusal::Key)),
            (403, "FORBIDDEN", "no", Meaning::Refused(Refusal::Account)),
            (402, "PAY", "no", Meaning::Refused(Refusal::Credits)),
            (429, "SLOW", "no", Meaning::RateLimited),
            (500, "ODD", "no", Meaning::ServerError),
            (503, "UPSTREAM", "no", Meaning::Lost),
            (400, "ODD", "no", Meaning::Rejected),
            (404, "", "", Meaning::NotFound),
            (404, "ODD", "no", Meaning::Rejected),
            (400, "ODD", "Invitation withdrawn successfully", Meaning::Unclear),
        ];
        for (status, code, message, meaning) in cases {
            assert_eq!(judged(status, &error(code, message)).meaning, meaning, "{status} {code} {message}");
        }
    }

    #[test]
    fn success_is_believed_unless_contradicted() {
        let cases = [
            (200, r#"{"success": true, "data": {"withdrawn": true, "invitation_id": "7"}}"#, Meaning::Withdrawn),
            (200, r#"{"success": true, "data": {"invitation_id": "7"}, "error": null}"#, Meaning::Withdrawn),
            (200, r#"{"success": true, "data": {"invitation_id": 7}}"#, Meaning::Withdrawn),
            (200, r#"{"success": true, "data": {"invitation_id": "urn:li:invitation:7"}}"#, Meaning::Withdrawn),
            (200, r#"{"success": true, "data": {"withdrawn": true, "invitation_id": "8"}}"#, Meaning::Unclear),
            (200, r#"{"success": true, "data": {"withdrawn": true, "invitation_id": 8}}"#, Meaning::Unclear),
            (200, r#"{"success": true, "data": {"withdrawn": false}}"#, Meaning::Unclear),
            (200, r#"{"success": true, "error": {"code": "RATE_LIMITED"}}"#, Meaning::Unclear),
            (200, r#"{"success": true, "data": {"withdrawn": true}, "message": "accepted"}"#, Meaning::Unclear),
            (500, r#"{"success": true, "data": {"withdrawn": true}}"#, Meaning::Lost),
            (200, r#"{"success": "true", "data": {"withdrawn": true}}"#, Meaning::Lost),
            (200, r#"{"success": true, "success": false}"#, Meaning::Lost),
            (200, r#"{"status": "success"}"#, Meaning::Lost),
            (200, "[true]", Meaning::Lost),
            (502, "<html>Bad Gateway</html>", Meaning::Lost),
            (429, "slow down", Meaning::RateLimited),
            (403, r#"{"error": {"code": "INVALID_API_KEY"}}"#, Meaning::Refused(Refusal::Key)),
            (400, r#"{"success": false, "error": "Invitation not found"}"#, Meaning::NotFound),
        ];
        for (status, body, meaning) in cases {
            assert_eq!(judged(status, body).meaning, meaning, "{status} {body}");
        }
    }
}
