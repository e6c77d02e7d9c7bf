//! What a V1 answer means: its body first, its HTTP status second.
//!
//! V1 answers most errors with HTTP 200, so the status says little: by the status only, a rate-limited row would count as
//! withdrawn (docs/linkup-api.md, "V1 errors").

use serde::Deserialize;
use serde_json::Value;

use super::judge::{by_status, contradiction, judge_foreign, members};
use super::words::{self, Reading};
use super::{Meaning, Verdict};
use crate::api::HttpAnswer;

/// The documented members of an answer, and those in which web frameworks and V2 put an error.
#[derive(Deserialize)]
struct AnswerV1 {
    status: Option<Value>,
    message: Option<Value>,
    error: Option<Value>,
    detail: Option<Value>,
    success: Option<Value>,
    data: Option<Value>,
}

impl AnswerV1 {
    /// The message, in whichever member it is; without one, the error's code.
    fn message(&self) -> &str {
        let nested = |name| self.error.as_ref().and_then(|error| error.get(name));
        [self.message.as_ref(), nested("message"), self.error.as_ref(), self.detail.as_ref(), nested("code")]
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .find(|text| !text.trim().is_empty())
            .unwrap_or_default()
    }

    /// Whether anything but `status` says that the call failed.
    fn denies_success(&self) -> bool {
        let is_error = |value: &Value| !(value.is_null() || *value == false || *value == "");
        let withdrawn = self.data.as_ref().and_then(|data| data.get("withdrawn"));
        self.error.as_ref().is_some_and(is_error)
            || [self.success.as_ref(), withdrawn].into_iter().flatten().any(|claim| *claim != true)
    }
}

/// What the body's `status` claims.
enum Claim {
    Success,
    Error,
    None,
    /// Not a documented value.
    Unknown,
}

pub(super) fn judge_answer(answer: &HttpAnswer) -> Verdict {
    let status = answer.http_status;
    let Some(body) = members::<AnswerV1>(&answer.body) else {
        return judge_foreign(status);
    };
    let claim = match &body.status {
        None | Some(Value::Null) => Claim::None,
        Some(Value::String(claim)) if claim.trim().eq_ignore_ascii_case("success") => Claim::Success,
        Some(Value::String(claim)) if claim.trim().eq_ignore_ascii_case("error") => Claim::Error,
        Some(_) => Claim::Unknown,
    };
    let message = body.message();
    match claim {
        Claim::Success if body.denies_success() => contradiction(status, "success", message),
        Claim::Success => judge_success(status, message),
        Claim::Error => judge_error(status, message),
        Claim::None | Claim::Unknown if status < 400 => judge_unclaimed(status, message),
        Claim::None | Claim::Unknown => judge_error(status, message),
    }
}

/// The documented confirmation (docs/linkup-api.md, "V1").
const CONFIRMATION: &str = "Connection invitation withdrawn successfully";

/// A claim of success is believed unless anything else in the answer contradicts it.
fn judge_success(status: u16, message: &str) -> Verdict {
    if !(200..300).contains(&status) {
        return contradiction(status, "success", message);
    }
    // A shortcut for most answers: reading a message costs more than everything else here.
    if message == CONFIRMATION {
        return Verdict::new(Meaning::Withdrawn, message);
    }
    match words::read(message) {
        // Settled before this call.
        Some(Reading::SettledBefore) => Verdict::new(Meaning::NotPending, message),
        // Clear enough in spite of "success", and a retry would pay for the same answer.
        Some(Reading::NotFound) => Verdict::new(Meaning::NotFound, message),
        Some(Reading::WithdrawnNow | Reading::Withdrawn) if !words::denies(message) => {
            Verdict::new(Meaning::Withdrawn, message)
        }
        None if !words::leaves_in_doubt(message) => Verdict::new(Meaning::Withdrawn, message),
        None
        | Some(
            Reading::WithdrawnNow
            | Reading::Withdrawn
            | Reading::AboutCaller(_)
            | Reading::ParameterMissing
            | Reading::SomethingElseNotFound,
        ) => contradiction(status, "success", message),
    }
}

/// A claim of an error: the message first, then the HTTP status.
fn judge_error(status: u16, message: &str) -> Verdict {
    let meaning = match words::read(message) {
        Some(Reading::WithdrawnNow) => return contradiction(status, "error", message),
        Some(Reading::AboutCaller(meaning)) => meaning,
        Some(Reading::ParameterMissing) => Meaning::Rejected,
        Some(Reading::SettledBefore | Reading::Withdrawn) => Meaning::NotPending,
        Some(Reading::NotFound) => Meaning::NotFound,
        // So the 404 is not about the invitation.
        Some(Reading::SomethingElseNotFound) if status == 404 => Meaning::Rejected,
        None | Some(Reading::SomethingElseNotFound) => by_status(status),
    };
    let words = if message.trim().is_empty() { format!("HTTP {status} without a message") } else { message.to_owned() };
    Verdict::new(meaning, words)
}

/// JSON that claims neither success nor an error, with an HTTP status that is no error. Only messages about the caller are
/// believed: they settle no row, while an immediate retry would cost a credit.
fn judge_unclaimed(status: u16, message: &str) -> Verdict {
    match words::read(message) {
        Some(Reading::AboutCaller(meaning)) => Verdict::new(meaning, message),
        None
        | Some(
            Reading::ParameterMissing
            | Reading::WithdrawnNow
            | Reading::Withdrawn
            | Reading::SettledBefore
            | Reading::NotFound
            | Reading::SomethingElseNotFound,
        ) => Verdict::new(Meaning::Lost, format!("HTTP {status} with JSON that is not the API's")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(http_status: u16, body: &str) -> Meaning {
        judge_answer(&HttpAnswer { http_status, body: body.as_bytes().to_vec(), ..HttpAnswer::default() }).meaning
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
            (r#"{"status": "error", "message": "Invalid or expired LinkedIn cookie"}"#, 401, Meaning::LoginRefused),
            (r#"{"status": "error", "message": "Insufficient credits available"}"#, 403, Meaning::CreditsUsedUp),
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
            (401, error, Meaning::KeyRefused),
            (402, error, Meaning::CreditsUsedUp),
            (403, error, Meaning::KeyRefused),
            (404, error, Meaning::NotFound),
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
            (401, r#"{"detail": "User not found"}"#, Meaning::KeyRefused),
            (401, r#"{"error": {"message": "Bad key"}}"#, Meaning::KeyRefused),
            (403, r#"{"status": 403, "message": "Forbidden"}"#, Meaning::KeyRefused),
            (500, r#"{"status": "error", "message": "Invalid or expired LinkedIn cookie"}"#, Meaning::LoginRefused),
            (503, r#"{"status": "error", "message": "Rate limit exceeded"}"#, Meaning::RateLimited),
            (200, r#"{"status": "SUCCESS"}"#, Meaning::Withdrawn),
            (202, r#"{"status": "success", "message": "ok", "more": 1}"#, Meaning::Withdrawn),
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
            (429, r#"{"status": "success"}"#, Meaning::Lost),
            (307, r#"{"status": "success"}"#, Meaning::Lost),
            (200, r#"{"status": "success", "message": "Rate limit exceeded"}"#, Meaning::Lost),
            (200, r#"{"status": "success", "status": "error"}"#, Meaning::Lost),
            (200, r#"{"status": "success", "message": "The invitation could not be withdrawn"}"#, Meaning::Lost),
            (200, r#"{"status": "success", "message": "Failed to withdraw invitation"}"#, Meaning::Lost),
            (200, r#"{"status": "success", "message": "ok", "error": "Rate limit exceeded"}"#, Meaning::Lost),
            (200, r#"{"status": "success", "error": {"code": "RATE_LIMITED"}}"#, Meaning::Lost),
            (200, r#"{"status": "success", "success": false}"#, Meaning::Lost),
            (200, r#"{"status": "success", "data": {"withdrawn": false}}"#, Meaning::Lost),
            (200, r#"["success", null, null, null]"#, Meaning::Lost),
            // Successes in other words.
            (200, r#"{"status": "success", "message": "Invitation withdrawn"}"#, Meaning::Withdrawn),
            (200, r#"{"status": "success", "message": "The invitation has been withdrawn"}"#, Meaning::Withdrawn),
            (200, r#"{"status": "success", "message": "Request accepted", "error": null}"#, Meaning::Withdrawn),
            // The message may be in another member.
            (200, r#"{"status": "error", "message": "", "detail": "Rate limit exceeded"}"#, Meaning::RateLimited),
            (200, r#"{"status": "error", "error": {"code": "RATE_LIMITED"}}"#, Meaning::RateLimited),
            (200, r#"{"status": "error", "message": "LinkedIn declined the request"}"#, Meaning::Rejected),
            (200, r#"{"status": "error", "message": "Connection invitation withdrawn successfully"}"#, Meaning::Lost),
        ];
        for (status, body, meaning) in cases {
            assert_eq!(judged(status, body), meaning, "{status} {body}");
        }
    }

    /// The same words mean one thing under an error and another under a success.
    #[test]
    fn prose_under_an_error_and_under_a_success() {
        use Meaning::{Lost, NotFound, NotPending, Rejected, Withdrawn};
        let cases = [
            ("The invitation was accepted", NotPending, NotPending),
            ("The invitation was declined by the recipient", NotPending, NotPending),
            ("No longer pending", NotPending, NotPending),
            ("It is no longer pending", NotPending, NotPending),
            ("Invitation already withdrawn", NotPending, NotPending),
            ("The invitation has been withdrawn", NotPending, Withdrawn),
            ("The pending invitation has been withdrawn", NotPending, Withdrawn),
            ("The invitation has been withdrawn and is no longer pending", NotPending, Withdrawn),
            ("Invitation withdrawn", NotPending, Withdrawn),
            ("Invitation withdrawn successfully. If you wish, invite somebody else", Lost, Withdrawn),
            ("Pending invitation withdrawn successfully", Lost, Withdrawn),
            ("Successfully withdrew the invitation", Lost, Withdrawn),
            ("No pending invitation found", NotFound, NotFound),
            ("Nothing to withdraw", NotFound, NotFound),
            ("Not found", NotFound, NotFound),
            ("0 invitations withdrawn successfully", Rejected, Lost),
            ("No invitation was withdrawn", Rejected, Lost),
            ("not withdrawn successfully", Rejected, Lost),
            ("could not be successfully withdrawn", Rejected, Lost),
            ("The invitation can’t be withdrawn", Rejected, Lost),
            ("Account not found", Rejected, Lost),
            ("The withdrawal is still pending", Rejected, Lost),
            ("The invitation may have been withdrawn", Rejected, Lost),
            ("The invitation may have been withdrawn successfully", Rejected, Lost),
            ("The invitation will be withdrawn successfully", Rejected, Lost),
            ("Unsure whether the invitation was already withdrawn", Rejected, Lost),
            ("Please check that the invitation is no longer pending", Rejected, Lost),
            ("Timeout while waiting for confirmation that the invitation was withdrawn", Rejected, Lost),
            ("LinkedIn declined the request", Rejected, Lost),
            ("Withdrawn?", Rejected, Lost),
            ("Done", Rejected, Withdrawn),
            ("Request accepted", Rejected, Withdrawn),
        ];
        for (message, under_error, under_success) in cases {
            let body = |status| serde_json::json!({"status": status, "message": message}).to_string();
            assert_eq!(judged(200, &body("error")), under_error, "error: {message:?}");
            assert_eq!(judged(200, &body("success")), under_success, "success: {message:?}");
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
            proptest::prop_assert_ne!(judge_answer(&answer).meaning, Meaning::Withdrawn);
        }
    }
}
