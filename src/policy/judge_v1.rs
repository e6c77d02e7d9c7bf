//! What a V1 answer means: its body decides first, its HTTP status second.
//!
//! V1 answers most errors with HTTP 200 (`linkup-api.md`, "HTTP status can't be trusted"): whoever looks at the status
//! alone counts a rate-limited row as withdrawn.

use serde::Deserialize;
use serde_json::Value;

use super::{Meaning, Verdict, words};
use crate::api::{Answer, Ending};

/// The longest piece of an API's message that goes into a report.
const MOST_WORDS: usize = 300;

/// What a call's end means for its invitation.
#[must_use]
pub fn judge_v1(ending: &Ending) -> Verdict {
    match ending {
        Ending::NotSent(why) => Verdict::new(Meaning::NotSent, why),
        Ending::Lost(why) => Verdict::new(Meaning::Lost, why),
        Ending::Answered(answer) => judge_answer(answer),
    }
}

/// The members of an answer that are documented, and those in which web frameworks put an error's message. A member
/// that stands there twice makes it no answer of the API's.
#[derive(Deserialize)]
struct Body {
    status: Option<Value>,
    message: Option<Value>,
    error: Option<Value>,
    detail: Option<Value>,
}

impl Body {
    /// The message, wherever it stands.
    fn message(&self) -> Option<&str> {
        let nested = self.error.as_ref().and_then(|error| error.get("message"));
        [self.message.as_ref(), nested, self.error.as_ref(), self.detail.as_ref()]
            .into_iter()
            .flatten()
            .find_map(Value::as_str)
    }
}

/// What the body's `status` claims.
enum Claim {
    Success,
    Error,
    /// No `status` there.
    None,
    /// A `status` that the API's page does not know.
    Unknown,
}

fn judge_answer(answer: &Answer) -> Verdict {
    let status = answer.http_status;
    let body = answer.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&answer.body);
    let Ok(body) = serde_json::from_slice::<Body>(body) else {
        return judge_foreign(status);
    };
    let claim = match &body.status {
        None | Some(Value::Null) => Claim::None,
        Some(Value::String(claim)) if claim.trim().eq_ignore_ascii_case("success") => Claim::Success,
        Some(Value::String(claim)) if claim.trim().eq_ignore_ascii_case("error") => Claim::Error,
        Some(_) => Claim::Unknown,
    };
    let message = body.message().unwrap_or_default();
    match claim {
        Claim::Success => judge_success(status, message),
        Claim::Error => judge_error(status, message),
        Claim::None | Claim::Unknown if status < 400 => judge_unclaimed(status, message),
        Claim::None | Claim::Unknown => judge_error(status, message),
    }
}

/// A body that claims success: believed where nothing else in the answer speaks against it.
fn judge_success(status: u16, message: &str) -> Verdict {
    let contradiction = || {
        let said = quoted(message);
        Verdict::new(Meaning::Lost, format!("HTTP {status} whose body contradicts itself: status success{said}"))
    };
    if !(200..300).contains(&status) {
        return contradiction();
    }
    match words::read(message) {
        None | Some(Meaning::Withdrawn) => Verdict::new(Meaning::Withdrawn, cut(message)),
        Some(Meaning::NotPending) => Verdict::new(Meaning::NotPending, cut(message)),
        Some(
            Meaning::NotFound
            | Meaning::Rejected
            | Meaning::KeyRefused
            | Meaning::LoginRefused
            | Meaning::CreditsUsedUp
            | Meaning::RateLimited
            | Meaning::ServerError
            | Meaning::Lost
            | Meaning::NotSent,
        ) => contradiction(),
    }
}

/// A body that claims an error: its words first, then the status.
fn judge_error(status: u16, message: &str) -> Verdict {
    let meaning = match words::read(message) {
        Some(Meaning::Withdrawn) => {
            let said = quoted(message);
            return Verdict::new(
                Meaning::Lost,
                format!("HTTP {status} whose body contradicts itself: status error{said}"),
            );
        }
        Some(meaning) => meaning,
        None => match status {
            401 | 403 => Meaning::KeyRefused,
            402 => Meaning::CreditsUsedUp,
            404 => Meaning::NotFound,
            429 => Meaning::RateLimited,
            500 => Meaning::ServerError,
            408 | 501.. => Meaning::Lost,
            _ => Meaning::Rejected,
        },
    };
    let words = if message.trim().is_empty() { format!("HTTP {status} without a message") } else { cut(message) };
    Verdict::new(meaning, words)
}

/// JSON that claims neither success nor error under a status that is none: only words that speak of the caller, not of
/// the invitation, are taken at their word. They settle nothing, and to ask again at once would cost.
fn judge_unclaimed(status: u16, message: &str) -> Verdict {
    match words::read(message) {
        Some(
            meaning @ (Meaning::RateLimited | Meaning::KeyRefused | Meaning::LoginRefused | Meaning::CreditsUsedUp),
        ) => Verdict::new(meaning, cut(message)),
        None
        | Some(
            Meaning::Withdrawn
            | Meaning::NotPending
            | Meaning::NotFound
            | Meaning::Rejected
            | Meaning::ServerError
            | Meaning::Lost
            | Meaning::NotSent,
        ) => Verdict::new(Meaning::Lost, format!("HTTP {status} with JSON that is not the API's")),
    }
}

/// A body that is not the API's: a gateway's page, a piece of JSON, nothing.
fn judge_foreign(status: u16) -> Verdict {
    match status {
        // Whoever answers this, API or gateway, did not pass the request on.
        429 => Verdict::new(Meaning::RateLimited, "HTTP 429 without an answer of the API"),
        300..400 => Verdict::new(
            Meaning::Lost,
            format!("HTTP {status}: a redirect, which is never followed (check --base-url)"),
        ),
        _ => Verdict::new(Meaning::Lost, format!("HTTP {status} with a body that is not the API's")),
    }
}

fn quoted(message: &str) -> String {
    if message.trim().is_empty() { String::new() } else { format!(", \"{}\"", cut(message)) }
}

/// One line of bounded length, whatever the API sent.
fn cut(message: &str) -> String {
    let line: String = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST_WORDS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(http_status: u16, body: &str) -> Meaning {
        judge_v1(&Ending::Answered(Answer { http_status, body: body.as_bytes().to_vec(), ..Answer::default() })).meaning
    }

    /// The five answers of the API's page, each with HTTP 200, as V1 sends them, and with the status that they would have.
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
            (200, r#"{"status": "error", "message": "Connection invitation withdrawn successfully"}"#, Meaning::Lost),
        ];
        for (status, body, meaning) in cases {
            assert_eq!(judged(status, body), meaning, "{status} {body}");
        }
    }

    #[test]
    fn the_api_s_words_become_one_line_of_bounded_length() {
        let body = format!(r#"{{"status": "error", "message": "first\nsecond {}"}}"#, "x".repeat(5_000));
        let answer = Answer { http_status: 200, body: body.into_bytes(), ..Answer::default() };
        let words = judge_v1(&Ending::Answered(answer)).words;
        assert!(words.starts_with("first second xxx"), "{words}");
        assert_eq!(words.chars().count(), MOST_WORDS + 1);
    }

    proptest::proptest! {
        #[test]
        fn no_answer_whatever_panics_and_only_a_claim_of_success_withdraws(status in 100_u16..600, body in ".{0,80}") {
            let meaning = judged(status, &body);
            proptest::prop_assert_ne!(meaning, Meaning::Withdrawn);
        }
    }
}
