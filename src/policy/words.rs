//! What the API's messages mean. V1 has no error codes, only messages (docs/linkup-api.md, "V1").
//!
//! `not_pending` is final, so a message counts as that only if it plainly says so about the invitation. In doubt a row is
//! `not_found` or `rejected`, which a later run retries.

use super::Meaning;
use super::clause::{InvitationState, Missing, clauses, is_common, missing, statement, words};

/// What a message says, whatever the HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Something about the caller, so about every row: a refused key or login, no credits, a rate limit.
    AboutCaller(Meaning),
    ParameterMissing,
    /// The invitation was withdrawn by this call.
    WithdrawnNow,
    /// The invitation is withdrawn, by this call or before.
    Withdrawn,
    /// The invitation was accepted, declined or withdrawn before, or is no longer pending.
    SettledBefore,
    NotFound,
    /// Something else was not found, such as an account.
    SomethingElseNotFound,
}

/// What a message says; `None` if it is not understood.
pub(super) fn read(message: &str) -> Option<Reading> {
    let text = plain(message);
    if let Some(meaning) = about_caller(&text) {
        return Some(Reading::AboutCaller(meaning));
    }
    if text.contains("missing required parameter") || text.contains("missing parameter") {
        return Some(Reading::ParameterMissing);
    }
    let missing = missing_in(&text);
    match (stated(&text, missing.is_some()), missing) {
        (Some(InvitationState::WithdrawnNow), _) => Some(Reading::WithdrawnNow),
        (Some(InvitationState::Before | InvitationState::Unpending), _) => Some(Reading::SettledBefore),
        (Some(InvitationState::Withdrawn), _) => Some(Reading::Withdrawn),
        (None, _) if claims_success(&text) => Some(Reading::WithdrawnNow),
        (None, Some(Missing::Invitation)) => Some(Reading::NotFound),
        (None, Some(Missing::SomethingElse)) => Some(Reading::SomethingElseNotFound),
        (None, None) => None,
    }
}

/// Whether a message contradicts the `success` that it came with.
pub(super) fn denies(message: &str) -> bool {
    denies_success(&plain(message))
}

/// Whether a message that is not understood casts doubt on the `success` that it came with: "the withdrawal is still
/// pending".
pub(super) fn leaves_in_doubt(message: &str) -> bool {
    let text = plain(message);
    let open = |word| {
        matches!(
            word,
            "pending"
                | "still"
                | "be"
                | "being"
                | "queued"
                | "scheduled"
                | "waiting"
                | "declined"
                | "refused"
                | "rejected"
                | "denied"
        )
    };
    denies_success(&text) || text.contains('?') || words(&text).any(|word| is_doubt(word) || open(word))
}

/// Normalizes a message, since "can't", "cannot" and INVITATION_NOT_PENDING are ways to write the same.
fn plain(message: &str) -> String {
    const SAME: [(&str, &str); 13] = [
        ("_", " "),
        (" - ", "; "),
        ("\u{2018}", "'"),
        ("\u{2019}", "'"),
        ("can't", "can not"),
        ("cannot", "can not"),
        ("n't", " not"),
        ("'ve", " have"),
        ("'s ", " is "),
        ("any more", "anymore"),
        ("connection request", "invitation"),
        // An alternative is not a statement: "was accepted, or it is still pending".
        (", or ", " or "),
        ("credit card", "card"),
    ];
    let text = message.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    SAME.iter().fold(text, |text, (from, to)| text.replace(from, to))
}

/// Without the question mark, which must stay with its sentence.
const SENTENCE_ENDS: [char; 3] = ['.', ';', '!'];

/// What a message says about the caller. Compares whole words: a "corporate limit" is not a rate limit.
fn about_caller(text: &str) -> Option<Meaning> {
    let spaced = spaced(text);
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| spaced.contains(phrase));
    if says(&[" rate limit", " ratelimit", " too many requests ", " toomanyrequests "]) {
        Some(Meaning::RateLimited)
    } else if text.split(SENTENCE_ENDS).any(credits_are_used_up) {
        Some(Meaning::CreditsUsedUp)
    } else if says(&[" api key", " apikey"]) {
        Some(Meaning::KeyRefused)
    } else if says(&[" cookie", " login token", " logintoken", " session expired ", " session has expired "]) {
        Some(Meaning::LoginRefused)
    } else {
        None
    }
}

/// Whether a sentence says that there are no credits left, or not enough.
fn credits_are_used_up(sentence: &str) -> bool {
    const USED_UP: [&str; 16] = [
        " insufficient",
        " not enough",
        " out of credit",
        " no credit",
        " no more credit",
        " no remaining credit",
        " credit limit",
        " credits limit",
        " exhausted",
        " depleted",
        " used up ",
        " run out ",
        " ran out ",
        " 0 credits left ",
        " 0 credits remaining ",
        " 0 credits available ",
    ];
    let spaced = spaced(sentence);
    let not_enough = spaced.contains(" enough credit") && spaced.contains(" not ");
    spaced.contains(" credit") && (not_enough || USED_UP.iter().any(|phrase| spaced.contains(phrase)))
}

/// The words with spaces around each, so that a space in a phrase matches a word boundary: " 0 credits" is not in
/// "10 credits".
fn spaced(text: &str) -> String {
    format!(" {} ", words(text).collect::<Vec<_>>().join(" "))
}

/// What a message says was not found: the invitation, if it is mentioned.
fn missing_in(text: &str) -> Option<Missing> {
    let found: Vec<_> = clauses(text).iter().filter_map(|clause| missing(clause)).collect();
    found.iter().find(|missing| **missing == Missing::Invitation).or(found.first()).copied()
}

/// The invitation's state by the strongest clause of a message, unless the message is doubtful.
fn stated(text: &str, is_missing: bool) -> Option<InvitationState> {
    // "Not found or already withdrawn" does not say which, and is also the answer for a wrong account.
    let leaves_open = |word: &str| is_doubt(word) || word.contains("confirm") || (is_missing && word == "or");
    if text.contains('?') || words(text).any(leaves_open) {
        return None;
    }
    let clauses = clauses(text);
    let is_only = clauses.len() == 1;
    let states = |clause: &Vec<&str>| statement(clause, is_only);
    // "It was declined" is about the invitation only if the message mentions nothing else.
    let only_the_invitation =
        clauses.iter().all(|clause| states(clause).is_some() || clause.iter().all(|w| is_common(w)));
    clauses
        .iter()
        .take_while(|clause| !clause.iter().any(|word| only_asks(word)))
        .filter_map(states)
        .filter(|statement| statement.named || only_the_invitation)
        .map(|statement| statement.state)
        .max()
}

/// "Successfully withdrew it", in any form, unless the sentence is hedged or about the future.
fn claims_success(text: &str) -> bool {
    let claims = |sentence: &str| {
        let has = |wanted: &[&str]| words(sentence).any(|word| wanted.contains(&word));
        let hedged = sentence.contains('?') || words(sentence).any(|word| is_doubt(word) || only_asks(word));
        has(&["successfully"]) && has(&["withdrawn", "withdrew"]) && !has(&["be", "being"]) && !hedged
    };
    text.split(SENTENCE_ENDS).any(claims) && !denies_success(text)
}

fn denies_success(text: &str) -> bool {
    let denied = words(text).any(|word| {
        matches!(word, "not" | "unable" | "error" | "none" | "nothing" | "never" | "0" | "zero")
            || word.contains("fail")
    });
    denied || text.contains("no invitation") || text.contains("no pending invitation")
}

/// Words that turn a statement into a guess.
fn is_doubt(word: &str) -> bool {
    matches!(
        word,
        "whether"
            | "if"
            | "unless"
            | "until"
            | "may"
            | "might"
            | "maybe"
            | "perhaps"
            | "possibly"
            | "probably"
            | "likely"
            | "unsure"
            | "unclear"
            | "uncertain"
            | "seems"
            | "appears"
            | "apparently"
    )
}

/// Words of a request or condition, after which nothing is stated: "please check: the invitation was declined".
fn only_asks(word: &str) -> bool {
    matches!(
        word,
        "check"
            | "verify"
            | "ensure"
            | "sure"
            | "determine"
            | "tell"
            | "know"
            | "unknown"
            | "wait"
            | "waiting"
            | "only"
            | "must"
            | "should"
            | "requires"
            | "once"
            | "when"
            | "before"
            | "expected"
    )
}

#[cfg(test)]
mod tests {
    use super::Meaning::{CreditsUsedUp, KeyRefused, LoginRefused, RateLimited};
    use super::Reading::{
        AboutCaller, NotFound, ParameterMissing, SettledBefore, SomethingElseNotFound, Withdrawn, WithdrawnNow,
    };
    use super::*;

    #[test]
    fn what_each_message_means() {
        let cases = [
            // The documented messages.
            ("Connection invitation withdrawn successfully", Some(WithdrawnNow)),
            ("Missing required parameter: invitation_id", Some(ParameterMissing)),
            ("Invalid or expired LinkedIn cookie", Some(AboutCaller(LoginRefused))),
            ("Insufficient credits available", Some(AboutCaller(CreditsUsedUp))),
            ("Rate limit exceeded. Please try again later", Some(AboutCaller(RateLimited))),
            // Not documented, but plain.
            ("Too many requests", Some(AboutCaller(RateLimited))),
            ("Ratelimit exceeded", Some(AboutCaller(RateLimited))),
            ("RATE_LIMITED", Some(AboutCaller(RateLimited))),
            ("Insufficient credits on this API key", Some(AboutCaller(CreditsUsedUp))),
            ("You have no more credits", Some(AboutCaller(CreditsUsedUp))),
            ("INSUFFICIENT_CREDITS", Some(AboutCaller(CreditsUsedUp))),
            ("Invalid API key", Some(AboutCaller(KeyRefused))),
            ("Missing header x-api-key", Some(AboutCaller(KeyRefused))),
            ("The invitation has already been accepted", Some(SettledBefore)),
            ("Invitation was declined by the recipient", Some(SettledBefore)),
            ("Invitation already withdrawn", Some(SettledBefore)),
            ("INVITATION ALREADY WITHDRAWN", Some(SettledBefore)),
            ("This invitation is no longer pending", Some(SettledBefore)),
            ("Invitation is not pending", Some(SettledBefore)),
            ("Already accepted or declined", Some(SettledBefore)),
            ("The invitation has already been accepted or declined", Some(SettledBefore)),
            ("Failed to withdraw: the invitation has already been accepted", Some(SettledBefore)),
            ("Cannot withdraw the invitation because it was declined", Some(SettledBefore)),
            ("Cannot withdraw an invitation that was already accepted", Some(SettledBefore)),
            ("Invitation not found", Some(NotFound)),
            ("The invitation does not exist", Some(NotFound)),
            ("Invitation not found: it was already accepted", Some(SettledBefore)),
            // Ambiguous, so it must not be final.
            ("Invitation not found or already withdrawn", Some(NotFound)),
            ("Invitation not found. It may have been accepted or declined", Some(NotFound)),
            ("Invitation not found. It was accepted or declined", Some(NotFound)),
            ("Failed to withdraw invitation. It may have already been accepted", None),
            ("Cannot tell whether the invitation is no longer pending", None),
            ("The invitation is pending or was declined", None),
            // Contains the word, but does not say so.
            ("The invitation could not be withdrawn", None),
            ("Invitation couldn't be withdrawn at this time", None),
            ("Failed to get invitation withdrawn", None),
            ("The invitation has not been accepted or declined yet", None),
            ("Invitations can only be withdrawn if they were not accepted", None),
            ("LinkedIn declined the request", None),
            ("Payment declined", None),
            ("Invitation credits: payment was declined", None),
            ("Connection declined by proxy", None),
            ("Request accepted but LinkedIn did not respond in time", None),
            ("Country not accepted", None),
            ("Accepted values are US, UK, FR", None),
            ("Only pending invitations can be withdrawn", None),
            ("No invitation_id given", None),
            ("Failed to withdraw invitation: your request was declined by LinkedIn", None),
            ("Invitation withdrawal was declined by LinkedIn", None),
            ("No invitation was withdrawn", None),
            ("Unsure that the invitation was withdrawn", None),
            ("Something went wrong", None),
            ("", None),
        ];
        for (message, said) in cases {
            assert_eq!(read(message), said, "{message:?}");
        }
    }

    #[test]
    fn a_plain_statement_about_the_invitation_is_believed() {
        let settled = [
            "This invitation was already accepted and cannot be withdrawn",
            "Invitation cannot be withdrawn (already accepted)",
            "Invitation can't be withdrawn [it has been declined]",
            "Can’t withdraw; it’s no longer pending",
            "Failed to withdraw the invitation - already declined",
            "Invitation 7329176687475109888 was already accepted",
            "Invitation with ID 7329176687475109888 has been accepted on 2026-05-01",
            "The recipient has accepted the invitation",
            "The recipient declined your invitation",
            "Cannot withdraw: the recipient has already accepted",
            "The LinkedIn invitation was accepted by the user",
            "The invitation was either accepted or declined",
            "The invitation has already been accepted, declined, or withdrawn",
            "Invitation already accepted/declined",
            "Connection request already accepted",
            "Your invite was declined",
            "You already withdrew this invitation",
            "You have already withdrawn this invitation",
            "Cannot withdraw an invitation which is no longer pending",
            "Invitation is not currently pending",
            "Invitation isn’t pending anymore",
            "Invitation is no longer in pending state",
            "The invitation status is not pending",
            "INVITATION_NOT_PENDING",
            "No longer pending",
            "invitation_already_withdrawn",
            "INVITATION_ACCEPTED",
            "Invitation has already been withdrawn.",
            "Invitation already accepted. Please check your network",
        ];
        for message in settled {
            assert_eq!(read(message), Some(SettledBefore), "{message:?}");
        }
        let withdrawn = [
            "The pending invitation has been withdrawn",
            "Invitation withdrawn",
            "The invitation has been withdrawn and is no longer pending",
            "You withdrew this invitation",
        ];
        for message in withdrawn {
            assert_eq!(read(message), Some(Withdrawn), "{message:?}");
        }
        let now = [
            "Pending invitation withdrawn successfully",
            "1 invitation withdrawn successfully and no longer pending",
            "Successfully withdrew the invitation",
            "Invitation withdrawn successfully. If you wish, invite somebody else",
        ];
        for message in now {
            assert_eq!(read(message), Some(WithdrawnNow), "{message:?}");
        }
    }

    /// These contain the words, but say nothing about the invitation, or nothing certain.
    #[test]
    fn what_is_hedged_or_about_something_else_is_not_believed() {
        let cases = [
            "Account suspended: user agreement not accepted",
            "Agreement withdrawn: already declined",
            "Session lost, it was already withdrawn",
            "Withdrawal failed: it was declined",
            "The user accepted",
            "The user accepted the terms of the invitation",
            "Timeout while waiting for confirmation that the invitation was withdrawn",
            "The invitation was withdrawn but LinkedIn did not confirm",
            "Waiting for LinkedIn: the invitation was withdrawn",
            "Please check that the invitation is no longer pending",
            "Please check: the invitation is no longer pending",
            "Invitation id is withdrawn from the documentation",
            "Invitation accepted for processing",
            "LinkedIn declined the request",
            "LinkedIn declined the invitation",
            "The invitation was declined by LinkedIn",
            "It may have been accepted",
            "The invitation may have been accepted",
            "Perhaps: the invitation was already accepted",
            "The invitation seems to be wrong: it was already accepted",
            "Unsure whether the invitation was already withdrawn",
            "Was the invitation already withdrawn?",
            "Already withdrawn?",
            "The invitation was accepted or is pending",
            "The invitation was accepted, or it is still pending",
            "The invitation is pending, already accepted, or withdrawn",
            "Invitation accepted: no",
            "The invitation was never accepted",
            "The invitation is not yet pending",
            "Invitations that were already accepted cannot be withdrawn",
            "Once an invitation is withdrawn, it cannot be undone",
            "The operation will fail if the invitation has already been accepted or declined",
            "You can only withdraw invitations that you have sent and are still pending",
            "not withdrawn successfully",
            "could not be successfully withdrawn",
            "The invitation could not be successfully withdrawn",
            "The invitation may have been withdrawn successfully",
            "Waiting until it is withdrawn successfully",
            "The invitation will be withdrawn successfully",
            "Withdrawn successfully?",
            "0 invitations withdrawn successfully",
            "No invitation withdrawn successfully",
        ];
        for message in cases {
            assert_eq!(read(message), None, "{message:?}");
        }
    }

    #[test]
    fn a_hedge_or_a_request_before_a_statement_makes_it_doubtful() {
        let after = |word: &str| read(&format!("{word}: the invitation was already accepted"));
        let hedges = [
            "whether",
            "if",
            "unless",
            "until",
            "may",
            "might",
            "maybe",
            "perhaps",
            "possibly",
            "probably",
            "likely",
            "unsure",
            "unclear",
            "uncertain",
            "seems",
            "appears",
            "apparently",
            "check",
            "verify",
            "confirm",
            "unconfirmed",
            "confirmation",
            "ensure",
            "sure",
            "determine",
            "tell",
            "know",
            "unknown",
            "wait",
            "waiting",
            "only",
            "must",
            "should",
            "requires",
            "once",
            "when",
            "before",
            "expected",
        ];
        for word in hedges {
            assert_eq!(after(word), None, "{word:?}");
        }
        for word in ["Error", "Bad request", "Failed to withdraw", "LinkedIn says"] {
            assert_eq!(after(word), Some(SettledBefore), "{word:?}");
        }
    }

    #[test]
    fn what_is_not_found_is_the_invitation_or_something_else() {
        let cases = [
            ("Invitation could not be found", NotFound),
            ("Invitation cannot be found", NotFound),
            ("The invitation couldn’t be found", NotFound),
            ("Could not find invitation", NotFound),
            ("Unable to find the pending invitation", NotFound),
            ("No invitation found", NotFound),
            ("No such invitation", NotFound),
            ("No pending invitation found", NotFound),
            ("There is no pending invitation to withdraw", NotFound),
            ("Nothing to withdraw", NotFound),
            ("INVITATION_NOT_FOUND", NotFound),
            ("Invitation does not exist", NotFound),
            ("Invitation 123 not found for this account", NotFound),
            ("Already accepted or does not exist", NotFound),
            ("Not found", NotFound),
            ("Account not found", SomethingElseNotFound),
            ("User not found", SomethingElseNotFound),
            ("User not found for invitation 123", SomethingElseNotFound),
            ("No account found for this invitation", SomethingElseNotFound),
            ("Could not find account of the invitation", SomethingElseNotFound),
            ("No such account", SomethingElseNotFound),
            ("Page not found", SomethingElseNotFound),
            ("API key not found", AboutCaller(KeyRefused)),
            ("Login token not found", AboutCaller(LoginRefused)),
        ];
        for (message, said) in cases {
            assert_eq!(read(message), Some(said), "{message:?}");
        }
        assert_eq!(read("Invitation found"), None);
    }

    #[test]
    fn credits_and_rate_limits_are_recognized_by_whole_words() {
        let cases = [
            ("You don't have enough credits", Some(CreditsUsedUp)),
            ("You don’t have enough credits", Some(CreditsUsedUp)),
            ("Not enough credits", Some(CreditsUsedUp)),
            ("Credit limit reached", Some(CreditsUsedUp)),
            ("Credits depleted", Some(CreditsUsedUp)),
            ("Credits exhausted", Some(CreditsUsedUp)),
            ("Your credits are used up", Some(CreditsUsedUp)),
            ("You ran out of credits", Some(CreditsUsedUp)),
            ("Out of credits", Some(CreditsUsedUp)),
            ("No credits left", Some(CreditsUsedUp)),
            ("0 credits left", Some(CreditsUsedUp)),
            ("10 credits left", None),
            ("Insufficient permissions. You have 5 credits", None),
            ("No credit card on file", None),
            ("You have enough credits", None),
            ("Insufficient accreditation", None),
            ("Corporate limit reached", None),
            ("The operate limits", None),
            ("Rate limit exceeded", Some(RateLimited)),
            ("RATE_LIMITED", Some(RateLimited)),
            ("RATE_LIMIT_EXCEEDED", Some(RateLimited)),
            ("RateLimitExceeded", Some(RateLimited)),
            ("Rate limiting applies", Some(RateLimited)),
            ("rate-limit reached", Some(RateLimited)),
            ("Too many requests", Some(RateLimited)),
            ("429 Too Many Requests.", Some(RateLimited)),
        ];
        for (message, meaning) in cases {
            assert_eq!(read(message), meaning.map(AboutCaller), "{message:?}");
        }
    }
}
