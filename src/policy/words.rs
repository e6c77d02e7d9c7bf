//! What the API's words mean. V1 has no error codes (`linkup-api.md`, V1 Answers), so its prose is all there is.
//!
//! `not_pending` is final and never asked again, so words are taken for it only where they plainly say so; in doubt a
//! row is `not_found` or `rejected`, which a later run tries again.

use super::Meaning;

/// What an error message says, or `None` where it is nothing that we know.
///
/// [`Meaning::Withdrawn`] is a message that claims success; under an error status that is a contradiction, which is
/// for the caller to judge.
pub(super) fn read(message: &str) -> Option<Meaning> {
    let text = message.to_lowercase().replace('’', "'");
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    // "rate limit", "rate_limit" and RATE_LIMITED alike.
    let letters: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
    let names = |terms: &[&str]| terms.iter().any(|term| letters.contains(term));

    if names(&["ratelimit", "toomanyrequests"]) {
        Some(Meaning::RateLimited)
    } else if names(&["credit"])
        && names(&["insufficient", "notenough", "outof", "nocredit", "nomore", "exhausted", "usedup", "runout"])
    {
        Some(Meaning::CreditsUsedUp)
    } else if names(&["apikey"]) {
        Some(Meaning::KeyRefused)
    } else if names(&["cookie", "logintoken"]) || says(&["session expired", "session has expired"]) {
        Some(Meaning::LoginRefused)
    } else if says(&["missing required parameter", "missing parameter"]) {
        Some(Meaning::Rejected)
    } else if says(&["withdrawn successfully", "successfully withdrawn"]) {
        Some(Meaning::Withdrawn)
    } else {
        read_state(&text)
    }
}

/// Whether a message under a claim of success says that the invitation was settled before, not now.
pub(super) fn says_before(message: &str) -> bool {
    let text = message.to_lowercase();
    read_state(&text) == Some(Meaning::NotPending) && (text.contains("already") || text.contains("pending"))
}

/// Whether a message under a claim of success denies it.
pub(super) fn denies(message: &str) -> bool {
    let text = message.to_lowercase().replace('’', "'");
    let mut words = words(&text);
    words.any(|word| {
        matches!(word, "not" | "cannot" | "unable" | "error" | "none" | "nothing" | "0") || word.ends_with("n't")
    }) || text.contains("fail")
}

/// What a message says of the invitation itself.
fn read_state(text: &str) -> Option<Meaning> {
    const NOT_FOUND: [&str; 4] = ["not found", "does not exist", "doesn't exist", "no such invitation"];
    let not_found = NOT_FOUND.iter().any(|phrase| text.contains(phrase));
    // Their "not" doubts nothing.
    let text = NOT_FOUND.iter().fold(text.to_owned(), |text, phrase| text.replace(phrase, "missing"));
    let text = text.replace("no longer pending", "unpending").replace("not pending", "unpending");
    let text = text.replace("isn't pending", "unpending");

    let of_the_invitation = ["invit", "connection request", "already"].iter().any(|term| text.contains(term));
    let settled = of_the_invitation
        && !speaks_of_something_else(&text)
        && clauses(&text).iter().any(|clause| states_a_settlement(clause, not_found));
    match (settled, not_found) {
        (true, _) => Some(Meaning::NotPending),
        (false, true) => Some(Meaning::NotFound),
        (false, false) => None,
    }
}

/// Whether the message may speak of something else than the invitation: "your request was declined", "no invitation was
/// withdrawn".
fn speaks_of_something_else(text: &str) -> bool {
    words(&text.replace("connection request", "invitation")).any(|word| {
        matches!(
            word,
            "request"
                | "withdrawal"
                | "session"
                | "agreement"
                | "id"
                | "no"
                | "none"
                | "nothing"
                | "zero"
                | "0"
                | "confirmation"
                | "waiting"
                | "unsure"
                | "check"
        )
    })
}

/// "Cannot withdraw: it was already accepted" says two things, of which the second is plain.
fn clauses(text: &str) -> Vec<String> {
    let mut clauses = vec![String::new()];
    for word in text.split_whitespace() {
        let ends = word.ends_with([':', ';', ',', '.', '!', '-', '–', '—']);
        let begins = matches!(word, "because" | "since" | "as" | "that" | "but");
        if begins {
            clauses.push(String::new());
        } else if let Some(clause) = clauses.last_mut() {
            clause.push_str(word);
            clause.push(' ');
        }
        if ends {
            clauses.push(String::new());
        }
    }
    clauses
}

/// Whether a clause says outright that the invitation is accepted, declined, withdrawn or no longer pending: "was
/// declined", and neither "may have been declined" nor "LinkedIn declined the request".
fn states_a_settlement(clause: &str, not_found: bool) -> bool {
    let words: Vec<&str> = words(clause).collect();
    let doubted = words.iter().enumerate().any(|(at, word)| match *word {
        // "Not found or already withdrawn" leaves open which, and a wrong account would be told the same.
        "or" => not_found || !(is_state(words.get(at.wrapping_sub(1))) && is_state(words.get(at + 1))),
        "may" | "might" | "could" | "can" | "whether" | "if" | "when" | "unless" | "until" | "unknown" | "maybe"
        | "perhaps" | "probably" | "not" | "never" | "cannot" | "unable" | "only" | "must" | "yet" | "to" | "be"
        | "payment" | "card" | "proxy" | "value" | "values" => true,
        word => word.starts_with("fail") || word.ends_with("n't"),
    });
    let stated = words.iter().enumerate().any(|(at, word)| {
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        *word == "unpending"
            || (is_state(Some(word))
                && before.is_some_and(|before| matches!(*before, "already" | "been" | "was" | "is")))
    });
    stated && !doubted
}

fn is_state(word: Option<&&str>) -> bool {
    matches!(word, Some(&("accepted" | "declined" | "withdrawn")))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_message_means() {
        let cases = [
            // Every message of the seed.
            ("Connection invitation withdrawn successfully", Some(Meaning::Withdrawn)),
            ("Missing required parameter: invitation_id", Some(Meaning::Rejected)),
            ("Invalid or expired LinkedIn cookie", Some(Meaning::LoginRefused)),
            ("Insufficient credits available", Some(Meaning::CreditsUsedUp)),
            ("Rate limit exceeded. Please try again later", Some(Meaning::RateLimited)),
            // Not documented, but plain.
            ("Too many requests", Some(Meaning::RateLimited)),
            ("Ratelimit exceeded", Some(Meaning::RateLimited)),
            ("RATE_LIMITED", Some(Meaning::RateLimited)),
            ("Insufficient credits on this API key", Some(Meaning::CreditsUsedUp)),
            ("You have no more credits", Some(Meaning::CreditsUsedUp)),
            ("INSUFFICIENT_CREDITS", Some(Meaning::CreditsUsedUp)),
            ("Invalid API key", Some(Meaning::KeyRefused)),
            ("Missing header x-api-key", Some(Meaning::KeyRefused)),
            ("The invitation has already been accepted", Some(Meaning::NotPending)),
            ("Invitation was declined by the recipient", Some(Meaning::NotPending)),
            ("Invitation already withdrawn", Some(Meaning::NotPending)),
            ("INVITATION ALREADY WITHDRAWN", Some(Meaning::NotPending)),
            ("This invitation is no longer pending", Some(Meaning::NotPending)),
            ("Invitation is not pending", Some(Meaning::NotPending)),
            ("Already accepted or declined", Some(Meaning::NotPending)),
            ("The invitation has already been accepted or declined", Some(Meaning::NotPending)),
            ("Failed to withdraw: the invitation has already been accepted", Some(Meaning::NotPending)),
            ("Cannot withdraw the invitation because it was declined", Some(Meaning::NotPending)),
            ("Cannot withdraw an invitation that was already accepted", Some(Meaning::NotPending)),
            ("Invitation not found", Some(Meaning::NotFound)),
            ("The invitation does not exist", Some(Meaning::NotFound)),
            ("Invitation not found: it was already accepted", Some(Meaning::NotPending)),
            // Leaves open which, so it must not be final.
            ("Invitation not found or already withdrawn", Some(Meaning::NotFound)),
            ("Invitation not found. It may have been accepted or declined", Some(Meaning::NotFound)),
            ("Invitation not found. It was accepted or declined", Some(Meaning::NotFound)),
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
        for (message, meaning) in cases {
            assert_eq!(read(message), meaning, "{message:?}");
        }
    }
}
