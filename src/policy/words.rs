//! What the API's messages mean: a table of whole sentences. V1 has no error codes, only messages (docs/linkup-api.md, "V1").
//!
//! `withdrawn` and `not_pending` are final, so no meaning is derived from single words: what is in no row is not known.

use std::collections::BTreeSet;

use super::Meaning;
use crate::stop::Refusal;

/// What a message says, whatever the HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// The invitation was withdrawn by this call.
    WithdrawnNow,
    /// The invitation is withdrawn, by this call or before.
    Withdrawn,
    /// The invitation was accepted, declined or withdrawn before, or is no longer pending.
    SettledBefore,
    NotFound,
    /// Something about the caller, so about every row: a refused key or login, no credits, a rate limit.
    AboutCaller(Meaning),
    /// Known, and about this call alone.
    Refused,
}

use Reading::{NotFound, Refused, SettledBefore, Withdrawn, WithdrawnNow};

const KEY_REFUSED: Reading = Reading::AboutCaller(Meaning::Refused(Refusal::Key));
const LOGIN_REFUSED: Reading = Reading::AboutCaller(Meaning::Refused(Refusal::Login));
const NO_CREDITS: Reading = Reading::AboutCaller(Meaning::Refused(Refusal::Credits));
const RATE_LIMITED: Reading = Reading::AboutCaller(Meaning::RateLimited);

/// The sentences in their plain form, see [`plain`]: without articles and auxiliary verbs, "connection request" as
/// "invitation". The documented ones are marked.
const SENTENCES: &[(&str, Reading)] = &[
    ("invitation withdrawn successfully", WithdrawnNow), // documented
    ("invitation successfully withdrawn", WithdrawnNow),
    ("successfully withdrew invitation", WithdrawnNow),
    ("successfully withdrawn invitation", WithdrawnNow),
    ("withdrawn successfully", WithdrawnNow),
    ("successfully withdrawn", WithdrawnNow),
    ("1 invitation withdrawn successfully", WithdrawnNow),
    ("1 invitation withdrawn", WithdrawnNow),
    ("invitation withdrawal successful", WithdrawnNow),
    ("invitation withdrawn", Withdrawn),
    ("invitation withdrawn and is no longer pending", Withdrawn),
    ("you withdrew invitation", Withdrawn),
    ("invitation accepted", SettledBefore),
    ("invitation already accepted", SettledBefore),
    ("invitation accepted by recipient", SettledBefore),
    ("invitation already accepted by recipient", SettledBefore),
    ("invitation already accepted and cannot be withdrawn", SettledBefore),
    ("invitation declined", SettledBefore),
    ("invitation already declined", SettledBefore),
    ("invitation declined by recipient", SettledBefore),
    ("invitation already declined by recipient", SettledBefore),
    ("invitation already declined and cannot be withdrawn", SettledBefore),
    ("invitation accepted or declined", SettledBefore),
    ("invitation already accepted or declined", SettledBefore),
    ("invitation already accepted , declined or withdrawn", SettledBefore),
    ("invitation already accepted , declined , or withdrawn", SettledBefore),
    ("invitation already withdrawn", SettledBefore),
    ("you already withdrew invitation", SettledBefore),
    ("invitation no longer pending", SettledBefore),
    ("invitation not pending", SettledBefore),
    ("invitation not pending anymore", SettledBefore),
    ("invitation not found", NotFound),
    ("invitation does not exist", NotFound),
    ("invitation could not be found", NotFound),
    ("could not find invitation", NotFound),
    ("no invitation found", NotFound),
    ("no such invitation", NotFound),
    ("not found", NotFound),
    ("rate limit exceeded", RATE_LIMITED), // documented, with a second sentence
    ("rate limit exceeded , please try again later", RATE_LIMITED),
    ("rate limit exceeded please try again later", RATE_LIMITED),
    ("api rate limit exceeded", RATE_LIMITED),
    ("rate limit reached", RATE_LIMITED),
    ("rate limited", RATE_LIMITED),
    ("ratelimit exceeded", RATE_LIMITED),
    ("too many requests", RATE_LIMITED),
    ("too many requests , please try again later", RATE_LIMITED),
    ("429 too many requests", RATE_LIMITED),
    ("insufficient credits available", NO_CREDITS), // documented
    ("insufficient credits", NO_CREDITS),
    ("not enough credits", NO_CREDITS),
    ("not enough credits available", NO_CREDITS),
    ("you do not have enough credits", NO_CREDITS),
    ("you have no more credits", NO_CREDITS),
    ("no credits left", NO_CREDITS),
    ("0 credits left", NO_CREDITS),
    ("no credits remaining", NO_CREDITS),
    ("you ran out of credits", NO_CREDITS),
    ("you have run out of credits", NO_CREDITS),
    ("out of credits", NO_CREDITS),
    ("credits exhausted", NO_CREDITS),
    ("invalid api key", KEY_REFUSED),
    ("invalid or missing api key", KEY_REFUSED),
    ("invalid or expired api key", KEY_REFUSED),
    ("api key invalid", KEY_REFUSED),
    ("api key is invalid", KEY_REFUSED),
    ("api key is missing", KEY_REFUSED),
    ("api key not found", KEY_REFUSED),
    ("missing api key", KEY_REFUSED),
    ("missing header x api key", KEY_REFUSED),
    ("invalid or expired linkedin cookie", LOGIN_REFUSED), // documented
    ("invalid linkedin cookie", LOGIN_REFUSED),
    ("linkedin cookie expired", LOGIN_REFUSED),
    ("linkedin cookie has expired", LOGIN_REFUSED),
    ("cookie expired", LOGIN_REFUSED),
    ("cookie has expired", LOGIN_REFUSED),
    ("invalid cookie", LOGIN_REFUSED),
    ("invalid or expired cookie", LOGIN_REFUSED),
    ("invalid login token", LOGIN_REFUSED),
    ("invalid or expired login token", LOGIN_REFUSED),
    ("login token expired", LOGIN_REFUSED),
    ("login token not found", LOGIN_REFUSED),
    ("linkedin session expired", LOGIN_REFUSED),
    ("linkedin session has expired", LOGIN_REFUSED),
    ("session has expired", LOGIN_REFUSED),
    ("session expired", LOGIN_REFUSED),
    ("missing required parameter : invitation id", Refused), // documented
    ("missing required parameter : login token", Refused),
    ("missing required parameter : account id", Refused),
];

/// What may stand before a sentence that is not about success, as a clause or a sentence of its own.
const REFUSALS: &[&str] = &[
    "error",
    "bad request",
    "withdrawal failed",
    "cannot withdraw",
    "cannot withdraw invitation",
    "could not withdraw",
    "could not withdraw invitation",
    "failed to withdraw",
    "failed to withdraw invitation",
    "unable to withdraw",
    "unable to withdraw invitation",
    "invitation cannot be withdrawn",
    "invitation could not be withdrawn",
];
/// "Error: bad request: cannot withdraw: ...".
const MAX_REFUSALS: usize = 3;
const JOINTS: &[&str] = &[":", ";", ",", "-", "–", "—", "because", "since", "as"];

/// What a message about the invitation with this ID says; `None` if it is not known. Its first sentence decides, whatever
/// sentences follow ("This action cannot be undone").
pub(super) fn read(message: &str, id: &str) -> Option<Reading> {
    let text = plain(message, id);
    let mut sentences = text.split(" . ").map(|sentence| sentence.strip_suffix(" .").unwrap_or(sentence));
    let mut sentence = sentences.next()?.to_owned();
    let mut is_refused = false;
    for _ in 0..MAX_REFUSALS {
        let Some((refusal, rest)) = refused(&sentence) else { break };
        is_refused = true;
        let rest = rest.map_or_else(|| sentences.next(), Some)?;
        sentence = match rest.strip_prefix("it ") {
            Some(rest) if refusal.contains(INVITATION) => format!("{INVITATION} {rest}"),
            Some(_) | None => rest.to_owned(),
        };
    }
    let reading = SENTENCES.iter().find(|(known, _)| *known == sentence).map(|(_, reading)| *reading)?;
    // "Failed to withdraw: invitation withdrawn" says nothing.
    (!is_refused || !matches!(reading, WithdrawnNow | Withdrawn)).then_some(reading)
}

/// The refusal that a sentence is or begins with, and what stands behind it in the same sentence.
fn refused(sentence: &str) -> Option<(&'static str, Option<&str>)> {
    REFUSALS.iter().find_map(|refusal| {
        let rest = sentence.strip_prefix(refusal)?;
        if rest.is_empty() {
            return Some((*refusal, None));
        }
        let (joint, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
        JOINTS.contains(&joint).then_some((*refusal, Some(rest)))
    })
}

const INVITATION: &str = "invitation";

/// A message as the table writes it: INVITATION_NOT_PENDING and "The invitation isn't pending." are the same. Only the
/// ID that was asked for is left out, since another one's fate is not this one's.
fn plain(message: &str, id: &str) -> String {
    const SAME: [(&str, &str); 8] = [
        ("_", " "),
        ("\u{2018}", "'"),
        ("\u{2019}", "'"),
        ("can't", "cannot"),
        ("can not", "cannot"),
        ("n't", " not"),
        ("it's", "it is"),
        ("connection request", INVITATION),
    ];
    // Most messages hold none of them.
    let replaced =
        |text: String, (from, to): &(&str, &str)| if text.contains(from) { text.replace(from, to) } else { text };
    let text = SAME.iter().fold(message.to_lowercase(), replaced);
    let mut kept: Vec<&str> = Vec::new();
    for written in text.split_whitespace() {
        let word = written.trim_start_matches(['(', '[', '"', '\'', '#']);
        let end = word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '"', '\'', '…']);
        let (word, end) = word.split_at(end.len());
        for part in word.split('-').filter(|part| !part.is_empty()) {
            push(&mut kept, part, id);
        }
        match end {
            "" if word == "-" => kept.push(word),
            "" => {}
            "!" => kept.push("."),
            end => kept.push(end),
        }
    }
    kept.join(" ")
}

fn push<'a>(kept: &mut Vec<&'a str>, word: &'a str, id: &str) {
    let last = kept.last().copied().unwrap_or_default();
    match word {
        "the" | "this" | "your" | "a" | "an" => {}
        "has" | "had" | "was" | "is" | "been" if matches!(last, INVITATION | "it" | "already") => {}
        "previously" => kept.push("already"),
        "invite" | INVITATION => {
            while kept.last().is_some_and(|word| matches!(*word, "pending" | "sent" | "connection" | "linkedin")) {
                kept.pop();
            }
            kept.push(INVITATION);
        }
        _ if is_id(word, id) => {
            let label = kept.iter().rev().take_while(|word| matches!(**word, "id" | "with" | "number" | ":")).count();
            if kept.len() > label && kept[kept.len() - label - 1] == INVITATION {
                kept.truncate(kept.len() - label);
            } else {
                kept.push(word);
            }
        }
        _ => kept.push(word),
    }
}

/// Whether a text is this ID, or a URN of it.
pub(super) fn is_id(text: &str, id: &str) -> bool {
    let text = text.trim();
    text == id || (is_invitation_urn(text) && text.rsplit(':').next() == Some(id))
}

pub(super) fn is_invitation_urn(text: &str) -> bool {
    text.starts_with("urn:li:") && text.contains("invitation:")
}

/// Texts with which this API is known to confirm a withdrawal, as its user configured them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SuccessMessages(BTreeSet<String>);

impl SuccessMessages {
    /// `None` if one is empty.
    pub(crate) fn new(texts: impl IntoIterator<Item = String>) -> Option<Self> {
        let texts: BTreeSet<_> = texts.into_iter().map(|text| folded(&text)).collect();
        (!texts.contains("")).then_some(Self(texts))
    }

    pub(super) fn contains(&self, message: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&folded(message))
    }
}

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_in_its_plain_form_and_stands_once() {
        for (at, (sentence, reading)) in SENTENCES.iter().enumerate() {
            assert_eq!(plain(sentence, "7"), *sentence);
            assert_eq!(read(sentence, "7"), Some(*reading), "{sentence}");
            assert!(SENTENCES[..at].iter().all(|(earlier, _)| earlier != sentence), "{sentence} stands twice");
        }
        for refusal in REFUSALS {
            assert_eq!(plain(refusal, "7"), *refusal);
        }
    }

    #[test]
    fn configured_messages_are_compared_whole() {
        let messages = SuccessMessages::new(["Invitation annulée".to_owned(), " Done ".to_owned()]).unwrap();
        for (message, is_one) in
            [("invitation ANNULÉE ", true), ("DONE", true), ("done.", false), ("not done", false), ("", false)]
        {
            assert_eq!(messages.contains(message), is_one, "{message:?}");
        }
        assert_eq!(SuccessMessages::new([" ".to_owned()]), None);
    }
}
