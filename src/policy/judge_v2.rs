//! What a V2 answer means: its `success`, then its `error.code`, then its message and its HTTP status.
//!
//! What an accepted, declined or withdrawn invitation answers is not documented, so unknown codes are read like messages
//! (docs/linkup-api.md, "V2 errors").

use serde::Deserialize;
use serde_json::Value;

use super::judge::{by_status, contradiction, judge_foreign, members};
use super::words::{self, Reading};
use super::{Meaning, Verdict};
use crate::api::HttpAnswer;

#[derive(Deserialize)]
pub(super) struct AnswerV2 {
    pub(super) success: Option<Value>,
    pub(super) data: Option<Value>,
    error: Option<Value>,
    message: Option<Value>,
    pub(super) metadata: Option<Value>,
}

impl AnswerV2 {
    /// Whether the answer is about another invitation than the one asked for.
    fn names_another(&self, id: &str) -> bool {
        match self.data.as_ref().and_then(|data| data.get("invitation_id")) {
            None | Some(Value::Null) => false,
            Some(Value::String(named)) => named.trim().rsplit(':').next() != Some(id),
            // The digits as sent: as a float it would be another ID.
            Some(Value::Number(named)) => named.as_str() != id,
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => true,
        }
    }

    fn code(&self) -> &str {
        self.error.as_ref().and_then(|error| error.get("code")).and_then(Value::as_str).unwrap_or_default()
    }

    fn message(&self) -> &str {
        let in_error = self.error.as_ref().map(|error| error.get("message").unwrap_or(error));
        [in_error, self.message.as_ref()].into_iter().flatten().find_map(Value::as_str).unwrap_or_default()
    }

    fn has_error(&self) -> bool {
        self.error.as_ref().is_some_and(|error| !error.is_null())
    }

    fn denies_withdrawal(&self) -> bool {
        self.data.as_ref().and_then(|data| data.get("withdrawn")).is_some_and(|withdrawn| *withdrawn != true)
    }
}

pub(super) fn judge_answer(answer: &HttpAnswer, id: &str) -> Verdict {
    let status = answer.http_status;
    let Some(body) = members::<AnswerV2>(&answer.body) else {
        return judge_foreign(status);
    };
    match body.success {
        Some(Value::Bool(true)) => judge_success(status, &body, id),
        Some(Value::Bool(false)) => judge_error(status, &body),
        Some(_) | None if body.has_error() && status >= 400 => judge_error(status, &body),
        Some(_) | None => judge_foreign(status),
    }
}

/// A claim of success is believed unless anything else in the answer contradicts it.
fn judge_success(status: u16, body: &AnswerV2, id: &str) -> Verdict {
    if body.names_another(id) {
        return Verdict::new(Meaning::Lost, format!("HTTP {status} with an answer about another invitation"));
    }
    if (200..300).contains(&status) && !body.has_error() && !body.denies_withdrawal() {
        let message = body.message();
        Verdict::new(Meaning::Withdrawn, if message.is_empty() { "withdrawn" } else { message })
    } else {
        contradiction(status, "success", body.message())
    }
}

/// A claim of an error: its code first, then its message, then the HTTP status.
fn judge_error(status: u16, body: &AnswerV2) -> Verdict {
    let (code, message) = (body.code(), body.message());
    let words = match (code, message) {
        ("", "") => format!("HTTP {status} without a message"),
        (one, "") | ("", one) => one.to_owned(),
        (code, message) => format!("{code}: {message}"),
    };
    let meaning = match code.to_ascii_uppercase().as_str() {
        "INVALID_API_KEY" => Meaning::KeyRefused,
        // A wrong account, not a missing invitation (docs/linkup-api.md, "V2 errors").
        "ACCOUNT_INACTIVE" | "INVALID_ACCOUNT" => Meaning::AccountRefused,
        "INSUFFICIENT_CREDITS" => Meaning::CreditsUsedUp,
        "RATE_LIMITED" => Meaning::RateLimited,
        "INTERNAL_ERROR" => Meaning::ServerError,
        "INVALID_ACTION" => Meaning::Rejected,
        _ => match words::read(code).or_else(|| words::read(message)) {
            Some(Reading::WithdrawnNow) => return contradiction(status, "error", message),
            // On V2 the login belongs to the account.
            Some(Reading::AboutCaller(Meaning::LoginRefused)) => Meaning::AccountRefused,
            Some(Reading::AboutCaller(meaning)) => meaning,
            Some(Reading::SettledBefore | Reading::Withdrawn) => Meaning::NotPending,
            Some(Reading::NotFound) => Meaning::NotFound,
            Some(Reading::ParameterMissing) => Meaning::Rejected,
            Some(Reading::SomethingElseNotFound) if status == 404 => Meaning::Rejected,
            Some(Reading::SomethingElseNotFound) | None => match status {
                403 => Meaning::AccountRefused,
                404 if !code.is_empty() => Meaning::Rejected,
                status => by_status(status),
            },
        },
    };
    Verdict::new(meaning, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(http_status: u16, body: &str) -> Verdict {
        let answer = HttpAnswer { http_status, body: body.as_bytes().to_vec(), ..HttpAnswer::default() };
        judge_answer(&answer, "7")
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
            (403, "INVALID_API_KEY", Meaning::KeyRefused),
            (403, "ACCOUNT_INACTIVE", Meaning::AccountRefused),
            (404, "INVALID_ACCOUNT", Meaning::AccountRefused),
            (400, "INVALID_ACTION", Meaning::Rejected),
            (400, "INVALID_PARAMS", Meaning::Rejected),
            (402, "INSUFFICIENT_CREDITS", Meaning::CreditsUsedUp),
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
            (400, "BAD", "LinkedIn cookie expired", Meaning::AccountRefused),
            (401, "UNAUTHORIZED", "no", Meaning::KeyRefused),
            (403, "FORBIDDEN", "no", Meaning::AccountRefused),
            (402, "PAY", "no", Meaning::CreditsUsedUp),
            (429, "SLOW", "no", Meaning::RateLimited),
            (500, "ODD", "no", Meaning::ServerError),
            (503, "UPSTREAM", "no", Meaning::Lost),
            (400, "ODD", "no", Meaning::Rejected),
            (404, "", "", Meaning::NotFound),
            (404, "ODD", "no", Meaning::Rejected),
            (400, "ODD", "Invitation withdrawn successfully", Meaning::Lost),
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
            (200, r#"{"success": true, "data": {"withdrawn": true, "invitation_id": "8"}}"#, Meaning::Lost),
            (200, r#"{"success": true, "data": {"withdrawn": true, "invitation_id": 8}}"#, Meaning::Lost),
            (200, r#"{"success": true, "data": {"withdrawn": false}}"#, Meaning::Lost),
            (200, r#"{"success": true, "error": {"code": "RATE_LIMITED"}}"#, Meaning::Lost),
            (500, r#"{"success": true, "data": {"withdrawn": true}}"#, Meaning::Lost),
            (200, r#"{"success": "true", "data": {"withdrawn": true}}"#, Meaning::Lost),
            (200, r#"{"success": true, "success": false}"#, Meaning::Lost),
            (200, r#"{"status": "success"}"#, Meaning::Lost),
            (200, "[true]", Meaning::Lost),
            (502, "<html>Bad Gateway</html>", Meaning::Lost),
            (429, "slow down", Meaning::RateLimited),
            (403, r#"{"error": {"code": "INVALID_API_KEY"}}"#, Meaning::KeyRefused),
            (400, r#"{"success": false, "error": "Invitation not found"}"#, Meaning::NotFound),
        ];
        for (status, body, meaning) in cases {
            assert_eq!(judged(status, body).meaning, meaning, "{status} {body}");
        }
    }
}
