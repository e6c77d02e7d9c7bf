//! What a call's result means for its invitation: what both versions of the API have in common.

use serde::Deserialize;
use serde_json::Value;

use super::inside::{denial, names_another, says_withdrawn, texts};
use super::words::{Reading, SuccessMessages, read};
use super::{judge_v1, judge_v2};
use crate::api::{ApiVersion, CallResult};
use crate::stop::Refusal;

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
    /// The caller was refused, so every row would end like this: of the run, or of the account.
    Refused(Refusal),
    /// Too many calls: nothing was done, and the call may have been charged.
    RateLimited,
    /// The API's own 500: nothing was done and nothing charged (docs/linkup-api.md, "Credits").
    ServerError,
    /// The request was sent and no answer of the API came: the invitation may be withdrawn.
    Lost,
    /// The answer came, and claims a success that it does not say or contradicts: the invitation may be withdrawn.
    Unclear,
    /// Nothing was sent: connection refused, DNS or TLS failure.
    NotSent,
}

impl Meaning {
    /// Whether the invitation may be withdrawn without anyone knowing.
    pub(crate) const fn leaves_doubt(self) -> bool {
        matches!(self, Self::Lost | Self::Unclear)
    }
}

#[cfg(test)]
impl Meaning {
    /// For tables that must be complete.
    pub(crate) const ALL: [Self; 13] = [
        Self::Withdrawn,
        Self::NotPending,
        Self::NotFound,
        Self::Rejected,
        Self::Refused(Refusal::Key),
        Self::Refused(Refusal::Login),
        Self::Refused(Refusal::Account),
        Self::Refused(Refusal::Credits),
        Self::RateLimited,
        Self::ServerError,
        Self::Lost,
        Self::Unclear,
        Self::NotSent,
    ];
}

/// A [`Meaning`] with a text for the report's `detail`: the API's message, or ours if there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub meaning: Meaning,
    pub words: String,
    /// Whether the API's words are in no table, so that somebody should hear of them.
    pub is_unknown: bool,
}

impl Verdict {
    pub(super) fn new(meaning: Meaning, words: impl Into<String>) -> Self {
        Self { meaning, words: words.into(), is_unknown: false }
    }

    pub(super) fn unknown(meaning: Meaning, words: impl Into<String>) -> Self {
        Self { is_unknown: true, ..Self::new(meaning, words) }
    }
}

/// What a call's result means for the invitation with this ID. `confirming` are messages that confirm a withdrawal beside
/// the known ones.
pub(crate) fn judge(version: ApiVersion, result: &CallResult, id: &str, confirming: &SuccessMessages) -> Verdict {
    match (result, version) {
        (CallResult::NotSent(why), _) => Verdict::new(Meaning::NotSent, why),
        (CallResult::Lost(why), _) => Verdict::new(Meaning::Lost, why),
        (CallResult::Answered(answer), ApiVersion::V1) => judge_v1::judge_answer(answer, id, confirming),
        (CallResult::Answered(answer), ApiVersion::V2) => judge_v2::judge_answer(answer, id, confirming),
    }
}

/// The members of a JSON object; `None` for anything else, also if a member of `T` occurs twice.
pub(super) fn members<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    // serde would also accept an array, as the members in their order.
    let first = body.iter().find(|byte| !b" \t\r\n".contains(byte));
    first.filter(|byte| **byte == b'{').and_then(|_| serde_json::from_slice(body).ok())
}

/// What a claim of success means. It must be said: with no message, or with nothing but messages that confirm it.
pub(super) fn judge_success(status: u16, body: &Value, id: &str, confirming: &SuccessMessages) -> Verdict {
    let texts = texts(body);
    let message = texts.first().copied().unwrap_or_default();
    if status == 429 {
        return Verdict::new(Meaning::RateLimited, contradiction(status, "success", message));
    }
    if status >= 500 {
        return Verdict::new(Meaning::Lost, contradiction(status, "success", message));
    }
    if !(200..300).contains(&status) {
        return Verdict::new(Meaning::Unclear, contradiction(status, "success", message));
    }
    if let Some(why) = denial(body, id) {
        let words = format!("{} ({why})", contradiction(status, "success", message));
        return Verdict::new(Meaning::Unclear, words);
    }
    let says = |text: &str| if confirming.contains(text) { Some(Reading::WithdrawnNow) } else { read(text, id) };
    let readings: Vec<_> = texts.iter().map(|text| says(text)).collect();
    let all_say = |wanted: [Reading; 2]| readings.iter().all(|said| said.is_some_and(|said| wanted.contains(&said)));
    if all_say([Reading::WithdrawnNow, Reading::Withdrawn]) {
        Verdict::new(Meaning::Withdrawn, if message.is_empty() { "withdrawn" } else { message })
    } else if all_say([Reading::SettledBefore, Reading::Withdrawn]) {
        Verdict::new(Meaning::NotPending, message)
    } else {
        let odd = texts.iter().zip(&readings).find(|(_, reading)| reading.is_none()).map_or(message, |(text, _)| text);
        let words = format!("a success that does not say \"withdrawn\": \"{odd}\"");
        Verdict { is_unknown: readings.contains(&None), ..Verdict::new(Meaning::Unclear, words) }
    }
}

/// What an error means whose code says nothing known: by its status where that is above all words, else by its message.
/// `by_status` decides where the message is not known.
pub(super) fn judge_message(
    status: u16,
    body: &Value,
    id: &str,
    words: String,
    by_status: impl FnOnce() -> Meaning,
) -> Verdict {
    let texts = texts(body);
    let message = texts.first().copied().unwrap_or_default();
    if let Some(meaning) = above_words(status) {
        return Verdict::new(meaning, words);
    }
    if says_withdrawn(body) {
        return Verdict::new(Meaning::Unclear, contradiction(status, "error", message));
    }
    let code = body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default();
    match read(code, id).or_else(|| read(message, id)) {
        Some(Reading::WithdrawnNow) => Verdict::new(Meaning::Unclear, contradiction(status, "error", message)),
        Some(Reading::AboutCaller(meaning)) => Verdict::new(meaning, words),
        Some(Reading::Refused) => Verdict::new(Meaning::Rejected, words),
        Some(Reading::NotFound) => Verdict::new(Meaning::NotFound, words),
        Some(Reading::SettledBefore | Reading::Withdrawn) => {
            let agrees = |text: &&str| matches!(read(text, id), Some(Reading::SettledBefore | Reading::Withdrawn));
            let is_plain = !names_another(body, id) && (read(code, id).is_some() || texts.iter().all(agrees));
            Verdict::new(if is_plain { Meaning::NotPending } else { Meaning::Rejected }, words)
        }
        None if message.is_empty() && code.is_empty() => Verdict::new(by_status(), words),
        None => Verdict::unknown(by_status(), words),
    }
}

/// A status that outranks all words.
pub(super) fn above_words(status: u16) -> Option<Meaning> {
    match status {
        429 => Some(Meaning::RateLimited),
        500 => Some(Meaning::ServerError),
        501.. => Some(Meaning::Lost),
        _ => None,
    }
}

/// An answer that contradicts itself proves nothing.
fn contradiction(status: u16, claim: &str, message: &str) -> String {
    let said = if message.is_empty() { String::new() } else { format!(", \"{message}\"") };
    format!("HTTP {status} with an answer that contradicts itself: status {claim}{said}")
}

/// What an error means whose text says nothing known.
pub(super) fn by_status(status: u16, is_silent: bool) -> Meaning {
    match status {
        401 | 403 => Meaning::Refused(Refusal::Key),
        402 => Meaning::Refused(Refusal::Credits),
        408 => Meaning::Lost,
        // With words it may be something else that was not found.
        404 if is_silent => Meaning::NotFound,
        status => above_words(status).unwrap_or(Meaning::Rejected),
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
    text.replace(is_obeyed, "\u{fffd}")
}

pub(crate) fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
