//! What one call's end means, before anyone decides what to do about it.

/// What one call's end means for its invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Meaning {
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
    /// The API's own 500: nothing was done and nothing charged (docs/linkup-api.md, "Credits").
    ServerError,
    /// The request was sent and no answer of the API came: it may have been done.
    Lost,
    /// The request never left: refused connection, failed look-up or TLS handshake.
    NotSent,
}

#[cfg(test)]
impl Meaning {
    /// Every meaning, for tables that must be complete.
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

/// A [`Meaning`] with the words for the report's `detail`: the API's own, or ours where it said none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// What the call's end means.
    pub meaning: Meaning,
    pub words: String,
}

impl Verdict {
    pub(super) fn new(meaning: Meaning, words: impl Into<String>) -> Self {
        Self { meaning, words: words.into() }
    }
}

/// The longest piece of an API's message that goes into a report.
const MOST_WORDS: usize = 300;

/// Words for a report: one line of bounded length that commands no terminal, whatever the API sent.
pub(crate) fn cut(words: &str) -> String {
    let line = visible(&words.split_whitespace().collect::<Vec<_>>().join(" "));
    match line.char_indices().nth(MOST_WORDS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The text with a mark in place of each character that a terminal would obey instead of showing it.
pub(crate) fn visible(text: &str) -> String {
    text.replace(is_command, "\u{fffd}")
}

/// A control character, escape sequences' first ones among them, or one that turns the direction of the text around it.
fn is_command(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_one_line_of_bounded_length() {
        assert_eq!(cut(" first\n second\t"), "first second");
        assert_eq!(cut(&"é".repeat(5_000)).chars().count(), MOST_WORDS + 1);
    }
    #[test]
    fn no_words_command_a_terminal() {
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
