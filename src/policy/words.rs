//! What the API's words mean. V1 has no error codes, only messages (docs/linkup-api.md, "V1").
//!
//! `not_pending` is final and never asked again, so words are taken for it only where they plainly say so of the
//! invitation; in doubt a row is `not_found` or `rejected`, which a later run tries again.

use super::Meaning;
use super::clause::{Missing, State, clauses, is_common, missing, statement, words};

/// What a message says, whatever status it came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Something of the caller that holds for every row: a refused key or login, no credits, a rate limit.
    OfTheCaller(Meaning),
    /// The request lacks something.
    ParameterMissing,
    /// The invitation was withdrawn by this call.
    WithdrawnNow,
    /// The invitation is withdrawn, by this call or before.
    Withdrawn,
    /// The invitation was accepted, declined or withdrawn before, or is no longer pending.
    SettledBefore,
    NotFound,
    /// Something else is not there, an account perhaps.
    SomethingElseNotFound,
}

/// What a message says, or `None` where it is nothing that we know.
pub(super) fn read(message: &str) -> Option<Said> {
    let text = plain(message);
    if let Some(meaning) = of_the_caller(&text) {
        return Some(Said::OfTheCaller(meaning));
    }
    if text.contains("missing required parameter") || text.contains("missing parameter") {
        return Some(Said::ParameterMissing);
    }
    let missing = missing_in(&text);
    match (stated(&text, missing.is_some()), missing) {
        (Some(State::WithdrawnNow), _) => Some(Said::WithdrawnNow),
        (Some(State::Before | State::Unpending), _) => Some(Said::SettledBefore),
        (Some(State::Withdrawn), _) => Some(Said::Withdrawn),
        (None, _) if claims_success(&text) => Some(Said::WithdrawnNow),
        (None, Some(Missing::Invitation)) => Some(Said::NotFound),
        (None, Some(Missing::SomethingElse)) => Some(Said::SomethingElseNotFound),
        (None, None) => None,
    }
}

/// Whether a message under a claim of success denies it.
pub(super) fn denies(message: &str) -> bool {
    denies_success(&plain(message))
}

/// Whether a message that says nothing we know leaves a claim of success in doubt: "the withdrawal is still pending".
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

/// One way of writing for what people and programs write in many: "can't" and "cannot", INVITATION_NOT_PENDING.
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
        // What is only one of two is not said by itself: "was accepted, or it is still pending".
        (", or ", " or "),
        ("credit card", "card"),
    ];
    let text = message.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    SAME.iter().fold(text, |text, (from, to)| text.replace(from, to))
}

/// Not the question mark, which belongs to what it doubts.
const SENTENCE_ENDS: [char; 3] = ['.', ';', '!'];

/// What a message says of the caller. By whole words: a "corporate limit" is no rate limit.
fn of_the_caller(text: &str) -> Option<Meaning> {
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

/// The words with a space on either side, so that a space in a phrase is a word's bound: " 0 credits" is not in
/// "10 credits".
fn spaced(text: &str) -> String {
    format!(" {} ", words(text).collect::<Vec<_>>().join(" "))
}

/// What a message says is not there; the invitation, if it speaks of that too.
fn missing_in(text: &str) -> Option<Missing> {
    let found: Vec<_> = clauses(text).iter().filter_map(|clause| missing(clause)).collect();
    found.iter().find(|missing| **missing == Missing::Invitation).or(found.first()).copied()
}

/// What a message plainly says of the invitation's state: the weightiest of its clauses, if nothing in it doubts.
fn stated(text: &str, is_missing: bool) -> Option<State> {
    // "Not found or already withdrawn" leaves open which, and a wrong account would be told the same.
    let leaves_open = |word: &str| is_doubt(word) || word.contains("confirm") || (is_missing && word == "or");
    if text.contains('?') || words(text).any(leaves_open) {
        return None;
    }
    let clauses = clauses(text);
    let alone = clauses.len() == 1;
    let states = |clause: &Vec<&str>| statement(clause, alone);
    // Whom "it was declined" speaks of is sure only where nothing else is spoken of.
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

/// "Successfully withdrew it", in whatever words, unless the sentence hedges or speaks of what is to be.
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

/// Words that make a guess of whatever they stand beside.
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

/// Words of a clause that asks, demands or waits for what the next ones say: "please check: the invitation was declined".
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
    use super::Said::{
        NotFound, OfTheCaller, ParameterMissing, SettledBefore, SomethingElseNotFound, Withdrawn, WithdrawnNow,
    };
    use super::*;

    #[test]
    fn what_each_message_means() {
        let cases = [
            // The documented messages.
            ("Connection invitation withdrawn successfully", Some(WithdrawnNow)),
            ("Missing required parameter: invitation_id", Some(ParameterMissing)),
            ("Invalid or expired LinkedIn cookie", Some(OfTheCaller(LoginRefused))),
            ("Insufficient credits available", Some(OfTheCaller(CreditsUsedUp))),
            ("Rate limit exceeded. Please try again later", Some(OfTheCaller(RateLimited))),
            // Not documented, but plain.
            ("Too many requests", Some(OfTheCaller(RateLimited))),
            ("Ratelimit exceeded", Some(OfTheCaller(RateLimited))),
            ("RATE_LIMITED", Some(OfTheCaller(RateLimited))),
            ("Insufficient credits on this API key", Some(OfTheCaller(CreditsUsedUp))),
            ("You have no more credits", Some(OfTheCaller(CreditsUsedUp))),
            ("INSUFFICIENT_CREDITS", Some(OfTheCaller(CreditsUsedUp))),
            ("Invalid API key", Some(OfTheCaller(KeyRefused))),
            ("Missing header x-api-key", Some(OfTheCaller(KeyRefused))),
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
            // Leaves open which, so it must not be final.
            ("Invitation not found or already withdrawn", Some(NotFound)),
            ("Invitation not found. It may have been accepted or declined", Some(NotFound)),
            ("Invitation not found. It was accepted or declined", Some(NotFound)),
            ("Failed to withdraw invitation. It may have already been accepted", None),
            ("Cannot tell whether the invitation is no longer pending", None),
            ("The invitation is pending or was declined", None),
            // The word stands there, but the message does not say so.
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

    /// Each of these says it of the invitation, outright.
    #[test]
    fn a_plain_statement_of_the_invitation_is_taken() {
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

    /// The telling words stand there, and yet nothing is said of the invitation, or not for sure.
    #[test]
    fn what_is_hedged_or_said_of_something_else_is_nothing_that_we_know() {
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

    /// Before the colon they take the plainness from what follows; a mere remark does not.
    #[test]
    fn a_hedge_or_a_demand_spoils_what_follows() {
        let after = |word: &str| read(&format!("{word}: the invitation was already accepted"));
        let spoilers = [
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
        for word in spoilers {
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
            ("API key not found", OfTheCaller(KeyRefused)),
            ("Login token not found", OfTheCaller(LoginRefused)),
        ];
        for (message, said) in cases {
            assert_eq!(read(message), Some(said), "{message:?}");
        }
        assert_eq!(read("Invitation found"), None);
    }

    #[test]
    fn credits_and_rate_limits_are_told_by_whole_words() {
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
            assert_eq!(read(message), meaning.map(OfTheCaller), "{message:?}");
        }
    }
}
