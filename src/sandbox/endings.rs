//! Invitation IDs whose last three digits choose what happens, so that each answer can be rehearsed.
//!
//! Owns the one table that the sandbox obeys and that its help is made from.

use std::time::Duration;

use super::Reply;

/// What happens to an invitation whose ID ends with these digits.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The last three digits of the ID. Odd, as most genuine IDs are not; [`stock`](super::stock()) has none.
    pub digits: &'static str,
    pub reply: Reply,
    /// Whether this happens to every call, or only to the first one.
    pub always: bool,
    /// Whether the invitation is withdrawn, whatever the reply says.
    pub withdraws: bool,
    /// How long the answer takes; `None` for the usual latency.
    pub delay: Option<Duration>,
    /// What happens, for people.
    pub help: &'static str,
    /// The outcome that a client should report in the end.
    pub outcome: &'static str,
}

impl Ending {
    const fn once(digits: &'static str, reply: Reply, help: &'static str, outcome: &'static str) -> Self {
        Self { digits, reply, always: false, withdraws: false, delay: None, help, outcome }
    }

    const fn always(digits: &'static str, reply: Reply, help: &'static str, outcome: &'static str) -> Self {
        Self { always: true, ..Self::once(digits, reply, help, outcome) }
    }

    const fn and_withdraws(self) -> Self {
        Self { withdraws: true, ..self }
    }

    const fn after(self, delay: Duration) -> Self {
        Self { delay: Some(delay), ..self }
    }

    /// Whether an invitation with this ending can be withdrawn at all.
    pub(super) fn can_be_withdrawn(&self) -> bool {
        self.withdraws || !self.always
    }

    pub(super) fn of(invitation_id: &str) -> Option<&'static Self> {
        // Most IDs are even and need no search.
        let is_odd = invitation_id.as_bytes().last().is_some_and(|digit| digit % 2 == 1);
        if is_odd { ENDINGS.iter().find(|ending| invitation_id.ends_with(ending.digits)) } else { None }
    }
}

/// Every ending, grouped by the first digit: 1 and 2 the invitation, 4 refusals, 5 server errors, 6 lost answers.
#[rustfmt::skip]
pub const ENDINGS: &[Ending] = &[
    Ending::always("101", Reply::Accepted, "has been accepted", "not_pending"),
    Ending::always("103", Reply::Declined, "has been declined", "not_pending"),
    Ending::always("105", Reply::AlreadyWithdrawn, "was withdrawn elsewhere", "not_pending"),
    Ending::always("107", Reply::NotFound, "is not found", "not_found"),
    Ending::always("109", Reply::Rejected, "is rejected with an undocumented message", "rejected"),
    Ending::once("201", Reply::Withdrawn, "is withdrawn, but the answer takes 2 seconds", "withdrawn")
        .and_withdraws().after(Duration::from_secs(2)),
    Ending::once("203", Reply::WebPage, "web page with HTTP 200 once, nothing done", "withdrawn"),
    Ending::once("205", Reply::Withdrawn, "a success that withdraws nothing, once", "withdrawn"),
    Ending::always("207", Reply::Withdrawn, "a success that withdraws nothing, always", "withdrawn"),
    Ending::once("209", Reply::WithdrawnAsText, "is withdrawn, but the answer says that it is plain text", "withdrawn")
        .and_withdraws(),
    Ending::once("211", Reply::WithdrawnPadded, "is withdrawn, but the answer is 10 MB long", "withdrawn")
        .and_withdraws(),
    Ending::always("401", Reply::InvalidCookie,
        "the LinkedIn cookie is refused (on V2: the account is inactive)", "rejected"),
    Ending::always("403", Reply::InvalidApiKey, "the API key is refused (HTTP 403)", "rejected"),
    Ending::always("405", Reply::InsufficientCredits, "the credits are used up", "rejected"),
    Ending::once("427", Reply::RateLimited, "rate limited once, with HTTP 200 (429 on V2)", "withdrawn"),
    Ending::once("429", Reply::TooManyRequests { retry_after_s: 1 },
        "rate limited once, with HTTP 429 and Retry-After: 1", "withdrawn"),
    Ending::always("431", Reply::TooManyRequests { retry_after_s: 3600 },
        "always rate limited, with HTTP 429 and Retry-After: 3600", "rate_limited"),
    Ending::once("501", Reply::ServerError, "HTTP 500 (JSON) once, nothing done", "withdrawn"),
    Ending::always("503", Reply::ServerError, "HTTP 500 (JSON) always, nothing done", "failed"),
    Ending::once("505", Reply::Contradiction, "success in the body, but HTTP 500, once; withdrawn",
        "presumed_withdrawn").and_withdraws(),
    Ending::once("521", Reply::BadGateway, "HTTP 502 page once, nothing done", "withdrawn"),
    Ending::once("523", Reply::BadGateway, "HTTP 502 page once, though withdrawn", "presumed_withdrawn")
        .and_withdraws(),
    Ending::once("601", Reply::Closed, "connection closed without an answer once, nothing done", "withdrawn"),
    Ending::once("603", Reply::Closed,
        "connection closed without an answer once, though withdrawn", "presumed_withdrawn").and_withdraws(),
    Ending::always("605", Reply::Closed, "connection closed without an answer always, nothing done", "unconfirmed"),
    Ending::once("607", Reply::Truncated, "answer cut short once, though withdrawn", "presumed_withdrawn")
        .and_withdraws(),
    Ending::once("609", Reply::Held, "no answer to the first call, though withdrawn", "presumed_withdrawn")
        .and_withdraws(),
    Ending::always("611", Reply::Held, "never an answer, though withdrawn", "unconfirmed").and_withdraws(),
    Ending::once("613", Reply::Redirect, "HTTP 307 to the same address once, nothing done", "withdrawn"),
    Ending::once("615", Reply::Endless, "an answer without an end once, though withdrawn", "presumed_withdrawn")
        .and_withdraws(),
];

/// The endings as text for a terminal, one per line, with the outcome to expect.
#[must_use]
pub fn help_table() -> String {
    let outcome_width = ENDINGS.iter().map(|ending| ending.outcome.len()).max().unwrap_or_default();
    ENDINGS
        .iter()
        .map(|Ending { digits, outcome, help, .. }| format!("...{digits}  {outcome:outcome_width$}  {help}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_id_in_stock_has_an_ending() {
        let mut seen = HashSet::new();
        for ending in ENDINGS {
            let number: u32 = ending.digits.parse().unwrap();
            assert_eq!(ending.digits.len(), 3, "{}", ending.digits);
            assert_eq!(number % 2, 1, "{number} is even, like most IDs");
            assert!(seen.insert(number), "{number} is there twice");
        }
    }

    #[test]
    fn an_ending_is_found_by_the_last_digits_only() {
        assert_eq!(Ending::of("7329176687475109107").map(|ending| ending.reply), Some(Reply::NotFound));
        assert!(Ending::of("1077329176687475108").is_none());
        assert!(Ending::of("07").is_none());
        assert!(Ending::of("").is_none());
    }

    #[test]
    fn the_help_has_a_line_for_each_ending() {
        let help = help_table();
        assert_eq!(help.lines().count(), ENDINGS.len());
        for (line, ending) in help.lines().zip(ENDINGS) {
            assert!(line.starts_with(&format!("...{}", ending.digits)) && line.ends_with(ending.help), "{line}");
        }
    }

    #[test]
    fn the_samples_end_in_outcomes_that_are_fine() {
        let csv = csv::Reader::from_reader(include_str!("../../samples/invitations.csv").as_bytes())
            .records()
            .map(|record| record.unwrap()[0].to_owned())
            .collect();
        let jsonl = include_str!("../../samples/invitations.jsonl").lines().map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let id = row.get("invitation_id").or(row.get("entity_urn")).unwrap().to_string();
            id.trim_matches('"').trim_start_matches("urn:li:fsd_invitation:").to_owned()
        });
        let samples: [Vec<String>; 2] = [csv, jsonl.collect()];
        for ids in samples {
            for id in &ids {
                let number: u64 = id.parse().unwrap();
                match Ending::of(id) {
                    Some(Ending { outcome, .. }) => {
                        assert!(
                            ["withdrawn", "presumed_withdrawn", "not_pending"].contains(outcome),
                            "{id}: {outcome}"
                        );
                    }
                    None => assert_eq!(number % 4096, 0, "{id} has no ending and is not genuine-looking"),
                }
            }
            let distinct: HashSet<_> = ids.iter().collect();
            assert_eq!(distinct.len(), ids.len() - 1, "one row is a duplicate");
        }
    }
}
