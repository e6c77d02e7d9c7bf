//! What a call's result means for its invitation: what both versions of the API have in common.

use serde::Deserialize;

use super::{judge_v1, judge_v2};
use crate::api::{ApiVersion, CallResult};

/// What a call's result means for its invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Meaning {
    /// The API says that it withdrew the invitation.
    Withdrawn,
    /// The API says that the invitation was accepted, declined, withdrawn, or is no longer pending.
    NotPending,
    /// The API knows no such invitation for this account.
    NotFound,
    /// The API refused this invitation for another reason.
    Rejected,
    /// The API key was refused: every row would end like this.
    KeyRefused,
    /// The login token was refused: every row of this account would end like this.
    LoginRefused,
    /// The account ID was refused: every row of this account would end like this.
    AccountRefused,
    CreditsUsedUp,
    /// Too many calls: nothing was done, and the call may have been charged.
    RateLimited,
    /// The API's own 500: nothing was done and nothing charged (docs/linkup-api.md, "Credits").
    ServerError,
    /// The request was sent and no answer of the API came: the invitation may be withdrawn.
    Lost,
    /// Nothing was sent: connection refused, DNS or TLS failure.
    NotSent,
}

#[cfg(test)]
impl Meaning {
    /// For tables that must be complete.
    pub(crate) const ALL: [Self; 12] = [
        Self::Withdrawn,
        Self::NotPending,
        Self::NotFound,
        Self::Rejected,
        Self::KeyRefused,
        Self::LoginRefused,
        Self::AccountRefused,
        Self::CreditsUsedUp,
        Self::RateLimited,
        Self::ServerError,
        Self::Lost,
        Self::NotSent,
    ];
}

/// A [`Meaning`] with a text for the report's `detail`: the API's message, or ours if there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub meaning: Meaning,
    pub words: String,
}

impl Verdict {
    pub(super) fn new(meaning: Meaning, words: impl Into<String>) -> Self {
        Self { meaning, words: words.into() }
    }
}

/// What a call's result means for the invitation with this ID.
pub(crate) fn judge(version: ApiVersion, result: &CallResult, id: &str) -> Verdict {
    match (result, version) {
        (CallResult::NotSent(why), _) => Verdict::new(Meaning::NotSent, why),
        (CallResult::Lost(why), _) => Verdict::new(Meaning::Lost, why),
        (CallResult::Answered(answer), ApiVersion::V1) => judge_v1::judge_answer(answer),
        (CallResult::Answered(answer), ApiVersion::V2) => judge_v2::judge_answer(answer, id),
    }
}

/// The members of a JSON object; `None` for anything else, also if a member of `T` occurs twice.
pub(super) fn members<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    // serde would also accept an array, as the members in their order.
    body.first().filter(|byte| **byte == b'{').and_then(|_| serde_json::from_slice(body).ok())
}

/// An answer that contradicts itself proves nothing.
pub(super) fn contradiction(status: u16, claim: &str, message: &str) -> Verdict {
    let said = if message.trim().is_empty() { String::new() } else { format!(", \"{message}\"") };
    Verdict::new(Meaning::Lost, format!("HTTP {status} with an answer that contradicts itself: status {claim}{said}"))
}

/// What an error means whose text says nothing known.
pub(super) fn by_status(status: u16) -> Meaning {
    match status {
        401 | 403 => Meaning::KeyRefused,
        402 => Meaning::CreditsUsedUp,
        404 => Meaning::NotFound,
        429 => Meaning::RateLimited,
        500 => Meaning::ServerError,
        408 | 501.. => Meaning::Lost,
        _ => Meaning::Rejected,
    }
}

/// A body that is not the API's: a gateway's page, other JSON, a truncated answer, nothing.
pub(super) fn judge_foreign(status: u16) -> Verdict {
    match status {
        // Neither the API nor a gateway carries out a request that it answers with 429.
        429 => Verdict::new(Meaning::RateLimited, "HTTP 429 without an answer of the API"),
        300..400 => Verdict::new(
            Meaning::Lost,
            format!("HTTP {status}: a redirect, which is never followed (check --base-url)"),
        ),
        _ => Verdict::new(Meaning::Lost, format!("HTTP {status} with a body that is not the API's")),
    }
}

/// Characters of a message that are copied into a report.
const MAX_MESSAGE: usize = 300;

/// Text of the API for a report: one line of limited length, without control characters.
pub(crate) fn cut(text: &str) -> String {
    let line = visible(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    match line.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Replaces the characters that a terminal would obey instead of showing: control characters and changes of the text's
/// direction.
pub(crate) fn visible(text: &str) -> String {
    let is_unsafe = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.replace(is_unsafe, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_one_line_of_limited_length() {
        assert_eq!(cut(" first\n second\t"), "first second");
        assert_eq!(cut(&"é".repeat(5_000)).chars().count(), MAX_MESSAGE + 1);
    }

    #[test]
    fn no_message_controls_a_terminal() {
        let cases = [
            ("\u{1b}[2Jgone", "\u{fffd}[2Jgone"),
            ("\u{1b}]0;title\u{7}", "\u{fffd}]0;title\u{fffd}"),
            ("\u{9b}31mred", "\u{fffd}31mred"),
            ("nul\0 del\u{7f} back\u{8}", "nul\u{fffd} del\u{fffd} back\u{fffd}"),
            ("a\u{202e}b\u{202a}", "a\u{fffd}b\u{fffd}"),
            ("a\u{2066}b\u{2069}", "a\u{fffd}b\u{fffd}"),
            // White space is joined first, line breaks of any kind too.
            ("over\rwritten\u{85}and \u{2028}more", "over written and more"),
            ("Zoë – “déjà vu” 招待 👩‍👩‍👧", "Zoë – “déjà vu” 招待 👩‍👩‍👧"),
        ];
        for (words, shown) in cases {
            assert_eq!(cut(words), shown, "{words:?}");
        }
    }
}
