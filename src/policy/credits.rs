//! What a call costs: what was surely charged, and the most that can have been.

use std::ops::AddAssign;

use super::Meaning;

/// Credits of one call, or of many added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Surely charged, in credits.
    pub charged: u64,
    /// The most that can have been charged, in credits.
    pub possible: u64,
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.charged = self.charged.saturating_add(other.charged);
        self.possible = self.possible.saturating_add(other.possible);
    }
}

/// The cost of one V1 call. One page of the vendor says that a withdrawal costs one credit, another that every answered call
/// does, except with HTTP 500. Both can be true, hence two figures (docs/linkup-api.md, "Credits").
pub(super) fn cost_v1(meaning: Meaning, http_status: Option<u16>) -> Cost {
    let possible = match meaning {
        Meaning::NotSent | Meaning::ServerError => 0,
        // A lost answer is not the API's own, so its status says nothing about what was charged.
        Meaning::Withdrawn | Meaning::Lost => 1,
        Meaning::NotPending
        | Meaning::NotFound
        | Meaning::Rejected
        | Meaning::KeyRefused
        | Meaning::LoginRefused
        | Meaning::AccountRefused
        | Meaning::CreditsUsedUp
        | Meaning::RateLimited => u64::from(http_status != Some(500)),
    };
    Cost { charged: u64::from(meaning == Meaning::Withdrawn), possible }
}

/// The cost of one V2 call. Its answer says what it consumed, and errors cost nothing (docs/linkup-api.md, "Credits"); a
/// call whose answer was lost may have cost one credit.
pub(super) fn cost_v2(meaning: Meaning, consumed: Option<u64>) -> Cost {
    let charged = consumed.unwrap_or_default();
    let possible = match meaning {
        Meaning::Lost => charged.max(1),
        // A success that does not say what it cost.
        Meaning::Withdrawn if consumed.is_none() => 1,
        Meaning::Withdrawn
        | Meaning::NotPending
        | Meaning::NotFound
        | Meaning::Rejected
        | Meaning::KeyRefused
        | Meaning::LoginRefused
        | Meaning::AccountRefused
        | Meaning::CreditsUsedUp
        | Meaning::RateLimited
        | Meaning::ServerError
        | Meaning::NotSent => charged,
    };
    Cost { charged, possible }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_v2_call_costs() {
        let cases = [
            (Meaning::Withdrawn, Some(1), (1, 1)),
            (Meaning::Withdrawn, Some(2), (2, 2)),
            (Meaning::Withdrawn, None, (0, 1)),
            (Meaning::NotPending, Some(0), (0, 0)),
            (Meaning::NotFound, Some(1), (1, 1)),
            (Meaning::RateLimited, None, (0, 0)),
            (Meaning::ServerError, Some(0), (0, 0)),
            (Meaning::Lost, None, (0, 1)),
            (Meaning::Lost, Some(0), (0, 1)),
            (Meaning::Lost, Some(3), (3, 3)),
            (Meaning::NotSent, None, (0, 0)),
        ];
        for (meaning, consumed, (charged, possible)) in cases {
            assert_eq!(cost_v2(meaning, consumed), Cost { charged, possible }, "{meaning:?} {consumed:?}");
        }
    }

    #[test]
    fn what_each_call_costs() {
        let cases = [
            (Meaning::Withdrawn, Some(200), (1, 1)),
            (Meaning::NotPending, Some(200), (0, 1)),
            (Meaning::NotFound, Some(404), (0, 1)),
            (Meaning::Rejected, Some(200), (0, 1)),
            (Meaning::Rejected, Some(500), (0, 0)),
            (Meaning::KeyRefused, Some(403), (0, 1)),
            (Meaning::LoginRefused, Some(200), (0, 1)),
            (Meaning::AccountRefused, Some(403), (0, 1)),
            (Meaning::CreditsUsedUp, Some(200), (0, 1)),
            (Meaning::RateLimited, Some(200), (0, 1)),
            (Meaning::RateLimited, Some(429), (0, 1)),
            (Meaning::RateLimited, Some(500), (0, 0)),
            (Meaning::ServerError, Some(500), (0, 0)),
            (Meaning::Lost, None, (0, 1)),
            (Meaning::Lost, Some(502), (0, 1)),
            (Meaning::Lost, Some(500), (0, 1)),
            (Meaning::NotSent, None, (0, 0)),
        ];
        for (meaning, status, (charged, possible)) in cases {
            assert_eq!(cost_v1(meaning, status), Cost { charged, possible }, "{meaning:?} {status:?}");
        }
        for meaning in Meaning::ALL {
            assert!(cases.iter().any(|case| case.0 == meaning), "no case for {meaning:?}");
        }
    }
}
