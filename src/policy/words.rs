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
    let says_missing = says(&["missing required parameter", "missing parameter"]);

    if says(&["rate limit", "rate-limit", "too many requests"]) {
        Some(Meaning::RateLimited)
    } else if says(&["insufficient credit", "not enough credit", "out of credit", "no credits", "credits exhausted"]) {
        Some(Meaning::CreditsUsedUp)
    } else if says(&["api key", "api-key", "api_key", "apikey"]) {
        Some(Meaning::KeyRefused)
    } else if says(&["cookie", "login token", "login_token", "session expired"]) {
        Some(Meaning::LoginRefused)
    } else if says_missing {
        Some(Meaning::Rejected)
    } else if says(&["withdrawn successfully", "successfully withdrawn"]) {
        Some(Meaning::Withdrawn)
    } else {
        read_state(&text)
    }
}

/// What a message says of the invitation itself.
fn read_state(text: &str) -> Option<Meaning> {
    let not_found = ["not found", "does not exist", "doesn't exist", "no such invitation", "no invitation"]
        .iter()
        .any(|phrase| text.contains(phrase));
    let settled = text.contains("no longer pending")
        || text.contains("not pending")
        || text.contains("isn't pending")
        || ["accepted", "declined", "withdrawn"].iter().any(|state| states(text, state));
    // "Not found or already withdrawn" leaves open which, and a wrong account would be told the same.
    let leaves_it_open = text.contains(" or ") && !text.contains("accepted or declined");
    match (not_found, settled) {
        (true, true) if leaves_it_open => Some(Meaning::NotFound),
        (_, true) => Some(Meaning::NotPending),
        (true, false) => Some(Meaning::NotFound),
        (false, false) => None,
    }
}

/// Whether the text says that the invitation is in `state`, rather than that it could not be brought there
/// ("could not be withdrawn") or that a value is not allowed ("accepted values are").
fn states(text: &str, state: &str) -> bool {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|w| !w.is_empty()).collect();
    words.iter().enumerate().any(|(at, word)| {
        let before = &words[at.saturating_sub(3)..at];
        let denied = before.iter().any(|word| {
            matches!(*word, "not" | "cannot" | "never" | "unable" | "failed" | "to" | "if" | "only" | "must" | "be")
                || word.ends_with("n't")
        });
        let of_a_value = words.get(at + 1).is_some_and(|next| next.starts_with("value") || next.starts_with("format"));
        *word == state && !denied && !of_a_value
    })
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
            ("Insufficient credits on this API key", Some(Meaning::CreditsUsedUp)),
            ("Invalid API key", Some(Meaning::KeyRefused)),
            ("Missing header x-api-key", Some(Meaning::KeyRefused)),
            ("The invitation has already been accepted", Some(Meaning::NotPending)),
            ("Invitation was declined by the recipient", Some(Meaning::NotPending)),
            ("Invitation already withdrawn", Some(Meaning::NotPending)),
            ("INVITATION ALREADY WITHDRAWN", Some(Meaning::NotPending)),
            ("This invitation is no longer pending", Some(Meaning::NotPending)),
            ("Invitation is not pending", Some(Meaning::NotPending)),
            ("Already accepted or declined", Some(Meaning::NotPending)),
            ("Invitation not found", Some(Meaning::NotFound)),
            ("The invitation does not exist", Some(Meaning::NotFound)),
            ("Invitation not found: it was already accepted", Some(Meaning::NotPending)),
            // Leaves open which, so it must not be final.
            ("Invitation not found or already withdrawn", Some(Meaning::NotFound)),
            // The word stands there, but the message does not say so.
            ("The invitation could not be withdrawn", None),
            ("Invitation couldn't be withdrawn at this time", None),
            ("Failed to get invitation withdrawn", None),
            ("Country not accepted", None),
            ("Accepted values are US, UK, FR", None),
            ("Only pending invitations can be withdrawn", None),
            ("Something went wrong", None),
            ("", None),
        ];
        for (message, meaning) in cases {
            assert_eq!(read(message), meaning, "{message:?}");
        }
    }
}
