//! What a V2 answer means: its `success`, then its `error.code`, then its words and its HTTP status.
//!
//! What an accepted, declined or withdrawn invitation answers is not documented, so unknown codes are read like messages
//! (docs/linkup-api.md, "V2 errors").

use serde::Deserialize;
use serde_json::Value;

use super::judge::members;
use super::judge_v1::{contradiction, judge_foreign};
use super::words::{self, Said};
use super::{Meaning, Verdict};
use crate::api::{CallResult, HttpAnswer};

/// No call costs more.
const MAX_CREDITS: u64 = 1_000_000;

/// What a call's end means for the invitation of this ID.
pub(super) fn judge_v2(ending: &CallResult, id: &str) -> Verdict {
    match ending {
        CallResult::NotSent(why) => Verdict::new(Meaning::NotSent, why),
        CallResult::Lost(why) => Verdict::new(Meaning::Lost, why),
        CallResult::Answered(answer) => judge_answer(answer, id),
    }
}

/// The members of an answer that are looked at. One that stands there twice makes it no answer of the API's.
#[derive(Deserialize)]
pub(super) struct Body {
    success: Option<Value>,
    data: Option<Value>,
    error: Option<Value>,
    message: Option<Value>,
    metadata: Option<Value>,
}

impl Body {
    /// A JSON object's members; `None` for anything else.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        members(bytes)
    }

    /// What the call was charged (docs/linkup-api.md, "V2"), if the figure is plausible. A fraction counts as a whole credit.
    pub(super) fn credits_consumed(&self) -> Option<u64> {
        let consumed = self.metadata.as_ref()?.get("credits_consumed")?.as_f64()?;
        whole(consumed, f64::ceil).filter(|credits| *credits <= MAX_CREDITS)
    }

    /// Whether a success is that of another invitation than the one asked for.
    fn names_another(&self, id: &str) -> bool {
        match self.data.as_ref().and_then(|data| data.get("invitation_id")) {
            None | Some(Value::Null) => false,
            Some(Value::String(named)) => named.trim().rsplit(':').next() != Some(id),
            // Its digits as they came: a float would name another.
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

/// The credits left, from the answer to the call for the balance (docs/linkup-api.md, "Balance").
pub(crate) fn balance(result: &CallResult) -> Option<u64> {
    let CallResult::Answered(answer) = result else { return None };
    let body =
        Body::parse(&answer.body).filter(|body| answer.http_status == 200 && body.success == Some(true.into()))?;
    whole(body.data?.get("credits")?.as_f64()?, f64::floor)
}

fn whole(number: f64, round: fn(f64) -> f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, and in the range")]
    (0.0..1e15).contains(&number).then_some(round(number) as u64)
}

fn judge_answer(answer: &HttpAnswer, id: &str) -> Verdict {
    let status = answer.http_status;
    let Some(body) = Body::parse(&answer.body) else {
        return judge_foreign(status);
    };
    match body.success {
        Some(Value::Bool(true)) => judge_success(status, &body, id),
        Some(Value::Bool(false)) => judge_error(status, &body),
        Some(_) | None if body.has_error() && status >= 400 => judge_error(status, &body),
        Some(_) | None => judge_foreign(status),
    }
}

/// A body that claims success: believed where nothing else in the answer speaks against it.
fn judge_success(status: u16, body: &Body, id: &str) -> Verdict {
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

/// A body that claims an error: its code first, then its words, then the status.
fn judge_error(status: u16, body: &Body) -> Verdict {
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
            Some(Said::WithdrawnNow) => return contradiction(status, "error", message),
            // V2 knows no login but the account's.
            Some(Said::OfTheCaller(Meaning::LoginRefused)) => Meaning::AccountRefused,
            Some(Said::OfTheCaller(meaning)) => meaning,
            Some(Said::SettledBefore | Said::Withdrawn) => Meaning::NotPending,
            Some(Said::NotFound) => Meaning::NotFound,
            Some(Said::ParameterMissing) => Meaning::Rejected,
            Some(Said::SomethingElseNotFound) if status == 404 => Meaning::Rejected,
            Some(Said::SomethingElseNotFound) | None => by_status(status, code),
        },
    };
    Verdict::new(meaning, words)
}

/// Where neither code nor words say anything that is known.
fn by_status(status: u16, code: &str) -> Meaning {
    match status {
        401 => Meaning::KeyRefused,
        402 => Meaning::CreditsUsedUp,
        403 => Meaning::AccountRefused,
        404 if code.is_empty() => Meaning::NotFound,
        429 => Meaning::RateLimited,
        500 => Meaning::ServerError,
        408 | 501.. => Meaning::Lost,
        _ => Meaning::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(http_status: u16, body: &str) -> Verdict {
        let answer = HttpAnswer { http_status, body: body.as_bytes().to_vec(), ..HttpAnswer::default() };
        judge_v2(&CallResult::Answered(answer), "7")
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
            // The code decides, whatever status came with it.
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
    fn undocumented_codes_are_read_as_words_then_by_their_status() {
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
    fn success_is_believed_where_nothing_speaks_against_it() {
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

    #[test]
    fn the_exact_charge_is_read() {
        let cases = [
            (r#"{"metadata": {"credits_consumed": 1}}"#, Some(1)),
            (r#"{"metadata": {"credits_consumed": 0}}"#, Some(0)),
            (r#"{"metadata": {"credits_consumed": 0.5}}"#, Some(1)),
            (r#"{"metadata": {"credits_consumed": -1}}"#, None),
            (r#"{"metadata": {"credits_consumed": -0.5}}"#, None),
            (r#"{"metadata": {"credits_consumed": 18446744073709551615}}"#, None),
            (r#"{"metadata": {"credits_consumed": "1"}}"#, None),
            (r#"{"metadata": null}"#, None),
            (r#"{}"#, None),
        ];
        for (body, credits) in cases {
            assert_eq!(Body::parse(body.as_bytes()).unwrap().credits_consumed(), credits, "{body}");
        }
    }

    #[test]
    fn only_the_documented_balance_is_read() {
        let cases = [
            (200, r#"{"success": true, "data": {"credits": 4825}, "metadata": {"credits_consumed": 0}}"#, Some(4825)),
            (200, r#"{"success": true, "data": {"credits": 0}}"#, Some(0)),
            (200, r#"{"success": true, "data": {"credits": 7.5}}"#, Some(7)),
            (200, r#"{"success": true, "data": {"credits": -1}}"#, None),
            (200, r#"{"success": true, "data": {"credits": "many"}}"#, None),
            (200, r#"{"success": true, "data": {"balance": 7}}"#, None),
            (200, r#"{"success": true, "credits": 7}"#, None),
            (200, r#"{"success": false, "data": {"credits": 7}}"#, None),
            (200, r#"{"data": {"credits": 7}}"#, None),
            (200, "<html>", None),
            (404, r#"{"success": true, "data": {"credits": 7}}"#, None),
        ];
        for (http_status, body, credits) in cases {
            let answer = HttpAnswer { http_status, body: body.into(), ..HttpAnswer::default() };
            assert_eq!(balance(&CallResult::Answered(answer)), credits, "{body}");
        }
        assert_eq!(balance(&CallResult::Lost(String::new())), None);
    }
}
