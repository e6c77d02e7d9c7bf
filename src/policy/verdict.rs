//! What one call's end means, before anyone decides what to do about it.

/// What one call's end means for its invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// The API says that it withdrew the invitation.
    Withdrawn,
    /// The API says that it was accepted, declined, withdrawn, or is no longer pending.
    NotPending,
    /// The API knows no such invitation for this account.
    NotFound,
    /// The API refused this one for another reason.
    Rejected,
    /// The API key was refused: it would say the same of every row.
    KeyRefused,
    /// The login token (LinkedIn's cookie) was refused: it would say the same of every row of this account.
    LoginRefused,
    /// The account was refused, by its ID: it would say the same of every row of this account.
    AccountRefused,
    /// The API says that the credits are used up.
    CreditsUsedUp,
    /// Too many calls: nothing was done, and the call may have been charged.
    RateLimited,
    /// The API's own 500: nothing was done, nothing was charged (`linkup-api.md`, Credits).
    ServerError,
    /// The request was sent and no answer of the API came: it may have been done (`contract.md`, Outcomes).
    Lost,
    /// The request never left: refused connection, failed look-up or TLS handshake.
    NotSent,
}

impl Meaning {
    /// Every meaning, for tables that must be complete.
    pub const ALL: [Self; 12] = [
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

/// A [`Meaning`] with the words for the report's `detail`: the API's own, or ours where it said none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What the call's end means.
    pub meaning: Meaning,
    /// Why, for people.
    pub words: String,
}

impl Verdict {
    pub(super) fn new(meaning: Meaning, words: impl Into<String>) -> Self {
        Self { meaning, words: words.into() }
    }
}

/// The longest piece of an API's message that goes into a report.
const MOST_WORDS: usize = 300;

/// Words for a report: one line of bounded length, whatever the API sent.
#[must_use]
pub fn cut(words: &str) -> String {
    let line: String = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST_WORDS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_one_line_of_bounded_length() {
        assert_eq!(cut(" first\n second\t"), "first second");
        assert_eq!(cut(&"é".repeat(5_000)).chars().count(), MOST_WORDS + 1);
    }
}
