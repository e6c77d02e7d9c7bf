//! Comparing what is believed of an invitation with a list: what follows from being on it, and from not being on it.
//!
//! Narrow on purpose. What is taken for settled and is not stays pending forever; what is tried again by mistake costs a
//! credit.

use jiff::Timestamp;

use crate::api::InvitationType;
use crate::outcome::Outcome;

/// What is believed of an invitation that was called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Belief {
    /// The final one if there is one, else the last one. `None` after a crash, or once a list showed it as pending.
    pub(crate) outcome: Option<Outcome>,
    /// When that was settled.
    pub(crate) at: Timestamp,
    /// When it was first called for; or, if that came to an end or a list showed it since, when it did.
    pub(crate) first_at: Timestamp,
    /// Whether the answer to a call was lost, and nothing since says what became of it.
    pub(crate) answer_lost: bool,
    /// The type of the account's earlier lists that showed it, if any did.
    pub(crate) listed_as: Option<InvitationType>,
    /// Whether it is of the login whose list this is, as far as earlier lists tell: an account's name may get another one.
    pub(crate) is_of_login: bool,
    /// Whether a list has shown it once before although it was settled.
    pub(crate) was_unsettled: bool,
}

/// A list, and what it proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// When its first page was asked for.
    pub(crate) began_at: Timestamp,
    pub(crate) invitation_type: InvitationType,
    pub(crate) absence: Absence,
}

/// What it proves that an invitation is not on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absence {
    ProvesNothing,
    /// It is of the login that this account had at this moment, the earliest at which an earlier list showed an invitation
    /// of this one: what was called for before may have been another login's, under the same name.
    ProvesSince(Timestamp),
    /// The API says that nothing is pending.
    Proves,
}

impl Absence {
    /// `available` is the total that the API gave last, `known_since` when the first list of this account showed an invitation
    /// that this one shows again.
    pub(crate) fn of_list(is_whole: bool, available: Option<u64>, known_since: Option<Timestamp>) -> Self {
        match (is_whole, available, known_since) {
            // Without a total, a page that is left out leaves no trace.
            (false, _, _) | (true, None, _) => Self::ProvesNothing,
            (true, Some(0), _) => Self::Proves,
            (true, Some(_), Some(known_since)) => Self::ProvesSince(known_since),
            (true, Some(_), None) => Self::ProvesNothing,
        }
    }

    fn proves_since(self, moment: Timestamp) -> bool {
        match self {
            Self::ProvesNothing => false,
            Self::ProvesSince(known_since) => known_since <= moment,
            Self::Proves => true,
        }
    }
}

/// Where belief and list differ, or a doubt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) believed: Outcome,
    pub(crate) found: Presence,
    pub(crate) follows: Follows,
}

/// What the list says of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Pending,
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// By the next run that names it.
    TryAgain,
    /// As this outcome.
    Settled(Outcome),
    /// But a warning.
    Nothing,
}

impl Presence {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Gone => "gone",
        }
    }
}

impl Follows {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::TryAgain => "try_again",
            Self::Settled(_) => "settled",
            Self::Nothing => "nothing",
        }
    }
}

/// Compares a belief with a list.
pub(crate) fn verify(belief: &Belief, list: &Evidence, is_listed: bool) -> Option<Difference> {
    // What was settled later than that, the list may not show yet.
    if belief.at >= list.began_at {
        return None;
    }
    let believed = match belief.outcome {
        Some(outcome) if outcome.is_final() => outcome,
        // An answer that was lost outweighs what came later.
        Some(_) | None if belief.answer_lost => Outcome::Unconfirmed,
        outcome => outcome?,
    };
    if is_listed {
        let follows = if believed.is_final() && belief.was_unsettled { Follows::Nothing } else { Follows::TryAgain };
        let differs = believed.is_final() || matches!(believed, Outcome::Unconfirmed | Outcome::NotFound);
        return differs.then_some(Difference { believed, found: Presence::Pending, follows });
    }
    // A withdrawal asked for by its ID only is one of an invitation to connect (docs/linkup-api.md, Withdraw).
    let invitation_type = belief.listed_as.unwrap_or(InvitationType::Connection);
    let is_of_list = belief.is_of_login && invitation_type == list.invitation_type;
    if !is_of_list || !list.absence.proves_since(belief.first_at) {
        return None;
    }
    let settled = |outcome| Difference { believed, found: Presence::Gone, follows: Follows::Settled(outcome) };
    match believed {
        Outcome::Unconfirmed => Some(settled(Outcome::PresumedWithdrawn)),
        // It may never have been this account's.
        Outcome::Rejected | Outcome::Failed => belief.listed_as.map(|_| settled(Outcome::NotPending)),
        Outcome::Withdrawn
        | Outcome::PresumedWithdrawn
        | Outcome::AlreadySettled
        | Outcome::Duplicate
        | Outcome::NotPending
        | Outcome::NotFound
        | Outcome::RateLimited
        | Outcome::Invalid
        | Outcome::NotAttempted => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes after midnight.
    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    /// A list whose first page was asked for in minute 60.
    fn list(absence: Absence) -> Evidence {
        Evidence { began_at: at(60), invitation_type: InvitationType::Connection, absence }
    }

    /// Known from lists of this type, and settled as this in minute 30.
    fn settled(outcome: Outcome) -> Belief {
        let listed_as = Some(InvitationType::Connection);
        Belief {
            outcome: Some(outcome),
            at: at(30),
            first_at: at(20),
            answer_lost: false,
            listed_as,
            is_of_login: true,
            was_unsettled: false,
        }
    }

    /// As a crash leaves it in the middle of a call.
    fn cut_off() -> Belief {
        Belief { outcome: None, answer_lost: true, ..settled(Outcome::Failed) }
    }

    /// What follows, in the words of the report, and the new outcome if there is one.
    fn follows(belief: &Belief, list: &Evidence, is_listed: bool) -> String {
        match verify(belief, list, is_listed) {
            None => "-".to_owned(),
            Some(Difference { believed, found, follows }) => {
                assert_eq!(found, if is_listed { Presence::Pending } else { Presence::Gone });
                let outcome = match follows {
                    Follows::Settled(outcome) => format!(" as {outcome}"),
                    Follows::TryAgain | Follows::Nothing => String::new(),
                };
                format!("{believed}: {}{outcome}", follows.as_str())
            }
        }
    }

    #[test]
    fn what_a_list_shows() {
        use Outcome::*;
        let late = |outcome| Belief { at: at(60), ..settled(outcome) };
        let again = |outcome| Belief { was_unsettled: true, ..settled(outcome) };
        let of_another_type = Belief { listed_as: Some(InvitationType::Organization), ..settled(Withdrawn) };
        let cases = [
            (settled(Withdrawn), "withdrawn: try_again"),
            (settled(PresumedWithdrawn), "presumed_withdrawn: try_again"),
            (settled(NotPending), "not_pending: try_again"),
            (Belief { listed_as: None, ..settled(Withdrawn) }, "withdrawn: try_again"),
            (of_another_type, "withdrawn: try_again"),
            // Asked again about, and the answer lost.
            (Belief { answer_lost: true, ..settled(Withdrawn) }, "withdrawn: try_again"),
            (again(Withdrawn), "withdrawn: nothing"),
            (again(NotPending), "not_pending: nothing"),
            (again(Unconfirmed), "unconfirmed: try_again"),
            (late(Withdrawn), "-"),
            (late(Unconfirmed), "-"),
            (settled(Unconfirmed), "unconfirmed: try_again"),
            (cut_off(), "unconfirmed: try_again"),
            (Belief { answer_lost: true, ..settled(Failed) }, "unconfirmed: try_again"),
            (settled(NotFound), "not_found: try_again"),
            (settled(Rejected), "-"),
            (settled(Failed), "-"),
            (settled(RateLimited), "-"),
            (Belief { outcome: None, ..settled(Failed) }, "-"),
        ];
        for (belief, expected) in cases {
            // It says so whatever it leaves out.
            for absence in [Absence::ProvesNothing, Absence::ProvesSince(at(10)), Absence::Proves] {
                assert_eq!(follows(&belief, &list(absence), true), expected, "{belief:?}");
            }
        }
    }

    #[test]
    fn what_a_list_does_not_show() {
        use Outcome::*;
        let unlisted = |outcome| Belief { listed_as: None, ..settled(outcome) };
        let of_another_type = |outcome| Belief { listed_as: Some(InvitationType::Organization), ..settled(outcome) };
        let cases = [
            (settled(Unconfirmed), "unconfirmed: settled as presumed_withdrawn"),
            (unlisted(Unconfirmed), "unconfirmed: settled as presumed_withdrawn"),
            (cut_off(), "unconfirmed: settled as presumed_withdrawn"),
            (Belief { answer_lost: true, ..settled(Rejected) }, "unconfirmed: settled as presumed_withdrawn"),
            (of_another_type(Unconfirmed), "-"),
            (settled(Rejected), "rejected: settled as not_pending"),
            (settled(Failed), "failed: settled as not_pending"),
            (unlisted(Rejected), "-"),
            (unlisted(Failed), "-"),
            (of_another_type(Rejected), "-"),
            (settled(NotFound), "-"),
            (settled(RateLimited), "-"),
            (settled(Withdrawn), "-"),
            (settled(PresumedWithdrawn), "-"),
            (settled(NotPending), "-"),
            (Belief { answer_lost: true, ..settled(Withdrawn) }, "-"),
            (Belief { outcome: None, ..settled(Failed) }, "-"),
            (Belief { at: at(60), ..settled(Unconfirmed) }, "-"),
            // Of another login under the same name.
            (Belief { is_of_login: false, ..settled(Unconfirmed) }, "-"),
            (Belief { is_of_login: false, ..unlisted(Unconfirmed) }, "-"),
            (Belief { is_of_login: false, ..settled(Rejected) }, "-"),
        ];
        for (belief, expected) in cases {
            assert_eq!(follows(&belief, &list(Absence::Proves), false), expected, "{belief:?}");
            assert_eq!(follows(&belief, &list(Absence::ProvesSince(at(20))), false), expected, "{belief:?}");
            // The login may have been another one when it was called for.
            assert_eq!(follows(&belief, &list(Absence::ProvesSince(at(21))), false), "-", "{belief:?}");
            assert_eq!(follows(&belief, &list(Absence::ProvesNothing), false), "-", "{belief:?}");
        }
        let pages = Evidence { invitation_type: InvitationType::Organization, ..list(Absence::Proves) };
        assert_eq!(follows(&unlisted(Unconfirmed), &pages, false), "-");
        assert_eq!(follows(&of_another_type(Failed), &pages, false), "failed: settled as not_pending");
    }

    #[test]
    fn which_lists_prove_absence() {
        let known = Some(at(10));
        let cases = [
            (true, Some(20), known, Absence::ProvesSince(at(10))),
            (true, Some(0), known, Absence::Proves),
            (true, Some(0), None, Absence::Proves),
            // Of another login, for all that is known.
            (true, Some(20), None, Absence::ProvesNothing),
            // Not to be counted.
            (true, None, known, Absence::ProvesNothing),
            (true, None, None, Absence::ProvesNothing),
            (false, Some(20), known, Absence::ProvesNothing),
            (false, Some(0), known, Absence::ProvesNothing),
        ];
        for (is_whole, available, known_since, expected) in cases {
            let found = Absence::of_list(is_whole, available, known_since);
            assert_eq!(found, expected, "{is_whole} {available:?} {known_since:?}");
        }
    }
}
