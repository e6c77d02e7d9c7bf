//! What a V1 answer means: its body first, its HTTP status second.
//!
//! V1 answers most errors with HTTP 200, so the status says little: by the status only, a rate-limited row would count as
//! withdrawn (docs/linkup-api.md, "V1 errors").

use serde::Deserialize;
use serde_json::Value;

use super::inside::texts;
use super::judge::{by_status, judge_foreign, judge_message, judge_success, members};
use super::words::{Reading, SuccessMessages, read};
use super::{Meaning, Verdict};
use crate::api::HttpAnswer;

/// The members that decide. One that occurs twice makes an answer unreadable.
#[derive(Deserialize)]
#[allow(dead_code, reason = "some are only here to be refused where they occur twice")]
struct AnswerV1 {
    status: Option<Value>,
    message: Option<Value>,
    error: Option<Value>,
    errors: Option<Value>,
    detail: Option<Value>,
    success: Option<Value>,
    data: Option<Value>,
}

/// What the body's `status` claims.
enum Claim {
    Success,
    Error,
    None,
    /// Not a documented value.
    Unknown,
}

pub(super) fn judge_answer(answer: &HttpAnswer, id: &str, confirming: &SuccessMessages) -> Verdict {
    let status = answer.http_status;
    let (Some(decisive), Some(body)) = (members::<AnswerV1>(&answer.body), members::<Value>(&answer.body)) else {
        return judge_foreign(status);
    };
    let claim = match &decisive.status {
        None | Some(Value::Null) => Claim::None,
        Some(Value::String(claim)) if claim.trim().eq_ignore_ascii_case("success") => Claim::Success,
        Some(Value::String(claim)) if claim.trim().eq_ignore_ascii_case("error") => Claim::Error,
        Some(_) => Claim::Unknown,
    };
    match claim {
        Claim::Success => judge_success(status, &body, id, confirming),
        Claim::None | Claim::Unknown if status < 400 => judge_unclaimed(status, &body, id),
        Claim::Error | Claim::None | Claim::Unknown => judge_error(status, &body, id),
    }
}

fn judge_error(status: u16, body: &Value, id: &str) -> Verdict {
    let code = body.pointer("/error/code").and_then(Value::as_str);
    let words = texts(body).first().copied().or(code).map(str::to_owned);
    let is_silent = words.is_none();
    let words = words.unwrap_or_else(|| format!("HTTP {status} without a message"));
    judge_message(status, body, id, words, || by_status(status, is_silent))
}

/// JSON that claims neither success nor an error, with an HTTP status that is no error. Only messages about the caller are
/// believed: they settle no row, while an immediate retry would cost a credit.
fn judge_unclaimed(status: u16, body: &Value, id: &str) -> Verdict {
    let message = texts(body).first().copied().unwrap_or_default();
    match read(message, id) {
        Some(Reading::AboutCaller(meaning)) => Verdict::new(meaning, message),
        None
        | Some(
            Reading::Refused | Reading::WithdrawnNow | Reading::Withdrawn | Reading::SettledBefore | Reading::NotFound,
        ) => Verdict::new(Meaning::Lost, format!("HTTP {status} with JSON that is not the API's")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::Refusal;

    fn judged(http_status: u16, body: &str) -> Meaning {
        let answer = HttpAnswer { http_status, body: body.as_bytes().to_vec(), ..HttpAnswer::default() };
        judge_answer(&answer, "7", &SuccessMessages::default()).meaning
    }

    /// The five documented answers (docs/linkup-api.md, "V1"), each with HTTP 200, as V1 sends them, and with the status that they would have.
    #[test]
    fn the_documented_answers() {
        let cases = [
            (
                r#"{"status": "success", "message": "Connection invitation withdrawn successfully"}"#,
                200,
                Meaning::Withdrawn,
            ),
            (r#"{"status": "error", "message": "Missing required parameter: invitation_id"}"#, 400, Meaning::Rejected),
            (
                r#"{"status": "error", "message": "Invalid or expired LinkedIn cookie"}"#,
                401,
                Meaning::Refused(Refusal::Login),
            ),
            (
                r#"{"status": "error", "message": "Insufficient credits available"}"#,
                403,
                Meaning::Refused(Refusal::Credits),
            ),
            (
                r#"{"status": "error", "message": "Rate limit exceeded. Please try again later"}"#,
                429,
                Meaning::RateLimited,
            ),
        ];
        for (body, real_status, meaning) in cases {
            assert_eq!(judged(200, body), meaning, "200 {body}");
            assert_eq!(judged(real_status, body), meaning, "{real_status} {body}");
        }
    }

    #[test]
    fn the_body_first_the_status_second() {
        let error = r#"{"status": "error", "message": "Something went wrong"}"#;
        let gateway = "<html><body><h1>502 Bad Gateway</h1></body></html>";
        let cases = [
            (200, error, Meaning::Rejected),
            (400, error, Meaning::Rejected),
            (401, error, Meaning::Refused(Refusal::Key)),
            (402, error, Meaning::Refused(Refusal::Credits)),
            (403, error, Meaning::Refused(Refusal::Key)),
            (404, error, Meaning::Rejected),
            (429, error, Meaning::RateLimited),
            (500, error, Meaning::ServerError),
            (502, error, Meaning::Lost),
            (503, error, Meaning::Lost),
            (504, error, Meaning::Lost),
            (520, error, Meaning::Lost),
            (307, error, Meaning::Rejected),
            (500, r#"{"detail": "Internal Server Error"}"#, Meaning::ServerError),
            (422, r#"{"detail": [{"loc": ["body"], "msg": "field required"}]}"#, Meaning::Rejected),
            (404, r#"{"detail": "Not Found"}"#, Meaning::NotFound),
            (404, r#"{"detail": "Account not found"}"#, Meaning::Rejected),
            (401, r#"{"detail": "User not found"}"#, Meaning::Refused(Refusal::Key)),
            (401, r#"{"error": {"message": "Bad key"}}"#, Meaning::Refused(Refusal::Key)),
            (403, r#"{"status": 403, "message": "Forbidden"}"#, Meaning::Refused(Refusal::Key)),
            (500, r#"{"status": "error", "message": "Invalid or expired LinkedIn cookie"}"#, Meaning::ServerError),
            (503, r#"{"status": "error", "message": "Rate limit exceeded"}"#, Meaning::Lost),
            (200, r#"{"status": "SUCCESS"}"#, Meaning::Withdrawn),
            (202, r#"{"status": "success", "message": "ok", "more": 1}"#, Meaning::Unclear),
            (200, "\u{feff}{\"status\": \"success\"}", Meaning::Withdrawn),
            (200, r#"{"status": "success", "message": "Invitation already withdrawn"}"#, Meaning::NotPending),
            // Not the API's.
            (200, "", Meaning::Lost),
            (200, gateway, Meaning::Lost),
            (403, gateway, Meaning::Lost),
            (500, "Internal Server Error", Meaning::Lost),
            (502, gateway, Meaning::Lost),
            (503, "", Meaning::Lost),
            (504, gateway, Meaning::Lost),
            (307, "", Meaning::Lost),
            (429, gateway, Meaning::RateLimited),
            (200, "null", Meaning::Lost),
            (200, "[]", Meaning::Lost),
            (200, "true", Meaning::Lost),
            (200, "{}", Meaning::Lost),
            (200, r#"{"message": "Connection invitation withdrawn successfully"}"#, Meaning::Lost),
            (200, r#"{"message": "Invitation not found"}"#, Meaning::Lost),
            (200, r#"{"detail": "Rate limit exceeded"}"#, Meaning::RateLimited),
            (200, r#"{"status": "pending"}"#, Meaning::Lost),
            (200, r#"{"status": true}"#, Meaning::Lost),
            // Truncated.
            (200, r#"{"status": "success", "mess"#, Meaning::Lost),
            (200, r#"{"status": "success"}}"#, Meaning::Lost),
            // Contradictory.
            (500, r#"{"status": "success"}"#, Meaning::Lost),
            (429, r#"{"status": "success"}"#, Meaning::RateLimited),
            (307, r#"{"status": "success"}"#, Meaning::Unclear),
            (200, r#"{"status": "success", "message": "Rate limit exceeded"}"#, Meaning::Unclear),
            (200, r#"{"status": "success", "status": "error"}"#, Meaning::Lost),
            (200, r#"{"status": "success", "message": "The invitation could not be withdrawn"}"#, Meaning::Unclear),
            (200, r#"{"status": "success", "message": "Failed to withdraw invitation"}"#, Meaning::Unclear),
            (200, r#"{"status": "success", "message": "ok", "error": "Rate limit exceeded"}"#, Meaning::Unclear),
            (200, r#"{"status": "success", "error": {"code": "RATE_LIMITED"}}"#, Meaning::Unclear),
            (200, r#"{"status": "success", "success": false}"#, Meaning::Unclear),
            (200, r#"{"status": "success", "data": {"withdrawn": false}}"#, Meaning::Unclear),
            (200, r#"["success", null, null, null]"#, Meaning::Lost),
            // Successes in other words.
            (200, r#"{"status": "success", "message": "Invitation withdrawn"}"#, Meaning::Withdrawn),
            (200, r#"{"status": "success", "message": "The invitation has been withdrawn"}"#, Meaning::Withdrawn),
            (200, r#"{"status": "success", "message": "Request accepted", "error": null}"#, Meaning::Unclear),
            // The message may be in another member.
            (200, r#"{"status": "error", "message": "", "detail": "Rate limit exceeded"}"#, Meaning::RateLimited),
            (200, r#"{"status": "error", "error": {"code": "RATE_LIMITED"}}"#, Meaning::RateLimited),
            (200, r#"{"status": "error", "message": "LinkedIn declined the request"}"#, Meaning::Rejected),
            (
                200,
                r#"{"status": "error", "message": "Connection invitation withdrawn successfully"}"#,
                Meaning::Unclear,
            ),
        ];
        for (status, body, meaning) in cases {
            assert_eq!(judged(status, body), meaning, "{status} {body}");
        }
    }

    proptest::proptest! {
        /// No answer causes a panic, and only a complete claim of success without a contradiction is believed.
        #[test]
        fn only_a_claim_of_success_withdraws(
            status in 100_u16..600,
            claim in "\"(success|error|ok|)\"|null|true|7|\\{\\}",
            message in "\"[a-zA-Z ]{0,20}\"|null|\\[\\]",
            error in "null|false|true|\"x\"|\\{\"code\": \"X\"\\}",
            end in "\\}|\\}\\}|,|",
        ) {
            let body = format!(r#"{{"status": {claim}, "message": {message}, "error": {error}{end}"#);
            let believed = judged(status, &body) == Meaning::Withdrawn;
            let claimed = claim == "\"success\"" && (200..300).contains(&status) && end == "}"
                && matches!(error.as_str(), "null" | "false");
            proptest::prop_assert!(!believed || claimed, "{} {}", status, body);
        }

        #[test]
        fn no_bytes_panic(status in 100_u16..600, body in proptest::collection::vec(proptest::num::u8::ANY, 0..40)) {
            let answer = HttpAnswer { http_status: status, body, ..HttpAnswer::default() };
            proptest::prop_assert_ne!(judge_answer(&answer, "7", &SuccessMessages::default()).meaning, Meaning::Withdrawn);
        }
    }
}
