//! Who is on an account's list, by profile: which pending invitation a profile's address means.
//!
//! Owns the rule that only a certain match names an invitation, and only a whole list without a doubtful address shows that
//! there is none. Must not fetch.

use std::collections::HashMap;

use jiff::Timestamp;

use super::profile::PersonAddress;
use crate::invitation::InvitationId;
use crate::outcome::Outcome;

/// An invitation, or what a row without one is reported as, and why.
pub(crate) type Search = Result<InvitationId, (Outcome, String)>;

/// The people on one account's list.
#[derive(Clone, Debug, Default)]
pub(crate) struct People {
    by_address: HashMap<PersonAddress, Vec<InvitationId>>,
    /// Invitations whose address says nothing that could be compared.
    unreadable: u64,
    /// What others are reported as, and why, where the list is not whole.
    others: Option<(Outcome, String)>,
    /// When it was fetched, where that was before.
    remembered_from: Option<Timestamp>,
}

impl People {
    /// A list that did not come.
    pub(crate) fn unknown(outcome: Outcome, why: String) -> Self {
        Self { others: Some((outcome, why)), ..Self::default() }
    }

    /// A whole list that was fetched at this moment: IDs and profiles.
    pub(crate) fn remembered(at: Timestamp, list: Vec<(InvitationId, String)>) -> Self {
        let mut people = Self { remembered_from: Some(at), ..Self::default() };
        list.into_iter().for_each(|(id, profile_url)| people.add(id, &profile_url));
        people
    }

    pub(crate) fn add(&mut self, id: InvitationId, profile_url: &str) {
        match PersonAddress::parse(profile_url) {
            Some(address) => self.by_address.entry(address).or_default().push(id),
            None => self.unreadable += 1,
        }
    }

    /// Says that others may be pending too, what they are reported as, and why.
    pub(crate) fn leave_others(&mut self, outcome: Outcome, why: String) {
        self.others = Some((outcome, why));
    }

    /// The pending invitation to this person.
    pub(crate) fn find(&self, address: &PersonAddress) -> Search {
        match (self.by_address.get(address).map(Vec::as_slice), &self.others) {
            (Some([id]), _) => Ok(id.clone()),
            (Some(several @ [_, ..]), _) => {
                let ids: Vec<_> = several.iter().map(InvitationId::as_str).collect();
                Err((Outcome::Invalid, format!("several invitations to this profile are pending: {}", ids.join(", "))))
            }
            (Some([]) | None, Some(others)) => Err(others.clone()),
            (Some([]) | None, None) => Err(match self.incomparable(address) {
                0 => (Outcome::NotFound, format!("no invitation to this profile is pending{}", self.as_of())),
                count => (
                    Outcome::Invalid,
                    format!(
                        "not found on the list, but it can't be compared with {count} of the addresses there: name the \
                         invitation by its ID"
                    ),
                ),
            }),
        }
    }

    fn as_of(&self) -> String {
        let of = |at: Timestamp| format!(" (list of {at:.0}; --recheck fetches a new one)");
        self.remembered_from.map(of).unwrap_or_default()
    }

    fn incomparable(&self, address: &PersonAddress) -> u64 {
        let others = self.by_address.iter().filter(|(other, _)| !other.is_comparable(address));
        self.unreadable + others.map(|(_, ids)| ids.len() as u64).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(list: &[(&str, &str)]) -> People {
        let mut people = People::default();
        for (id, profile_url) in list {
            people.add(InvitationId::parse(id).unwrap(), profile_url);
        }
        people
    }

    const ADA: (&str, &str) = ("7", "https://www.linkedin.com/in/ada");
    const BOB: (&str, &str) = ("8", "https://www.linkedin.com/in/bob");
    const NUMBER: (&str, &str) = ("9", "https://www.linkedin.com/in/ACoAAB1c2d3");

    #[test]
    fn whom_a_profile_names() {
        use Outcome::{Invalid, NotFound};
        const AGAIN: (&str, &str) = ("77", "https://www.linkedin.com/in/ADA/");
        const NOBODY: (&str, &str) = ("10", "");
        const GA: (&str, &str) = ("11", "https://www.linkedin.com/in/\u{304c}");
        const INVISIBLE: (&str, &str) = ("12", "https://www.linkedin.com/in/ada\u{fe0f}");
        const CUT: (&str, &str) = ("13", "https://www.linkedin.com/in/ad\u{2026}");
        type List = &'static [(&'static str, &'static str)];
        let cases: [(List, &str, Result<&str, Outcome>); 13] = [
            (&[ADA, BOB], "linkedin.com/in/ada", Ok("7")),
            (&[ADA, BOB], "linkedin.com/in/cyd", Err(NotFound)),
            (&[], "linkedin.com/in/ada", Err(NotFound)),
            (&[ADA, BOB, AGAIN], "linkedin.com/in/ada", Err(Invalid)),
            (&[ADA, BOB, AGAIN], "linkedin.com/in/bob", Ok("8")),
            // A match is one whatever else is on the list; that there is none is less sure.
            (&[ADA, NUMBER, NOBODY], "linkedin.com/in/ada", Ok("7")),
            (&[ADA, NUMBER], "linkedin.com/in/cyd", Err(Invalid)),
            (&[ADA, NOBODY], "linkedin.com/in/cyd", Err(Invalid)),
            (&[ADA], "linkedin.com/in/ACoAAB1c2d3", Err(Invalid)),
            (&[ADA, NUMBER], "linkedin.com/in/ACoAAB1c2d3", Ok("9")),
            // In another Unicode form; with an invisible character or cut, it may be anybody's.
            (&[ADA, GA], "linkedin.com/in/\u{304b}\u{3099}", Ok("11")),
            (&[BOB, INVISIBLE], "linkedin.com/in/ada", Err(Invalid)),
            (&[BOB, CUT], "linkedin.com/in/ada", Err(Invalid)),
        ];
        for (list, address, expected) in cases {
            let found = people(list).find(&PersonAddress::parse(address).unwrap());
            let found = found.as_ref().map(InvitationId::as_str).map_err(|(outcome, _)| *outcome);
            assert_eq!(found, expected, "{list:?} {address}");
        }
    }

    #[test]
    fn a_list_that_is_not_whole_shows_nobody_s_absence() {
        let mut people = people(&[ADA]);
        people.leave_others(Outcome::Failed, "page 2 did not come".to_owned());
        let find = |name: &str| people.find(&PersonAddress::parse(&format!("linkedin.com/in/{name}")).unwrap());
        assert_eq!(find("ada"), Ok(InvitationId::parse("7").unwrap()));
        assert_eq!(find("bob"), Err((Outcome::Failed, "page 2 did not come".to_owned())));
    }
}
