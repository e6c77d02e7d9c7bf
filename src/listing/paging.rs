//! Which page to ask for next, when the list has ended, and signs that it is incomplete.
//!
//! Invitations come and go while a list is read, so its pages shift: one that was on the next page moves to a page that was
//! read already, and is missed. The API does not say so, but the numbers show it. Must not fetch.

use std::collections::HashSet;
use std::collections::hash_map::{Entry, HashMap};

use super::filter::age_days;
use super::page::{Found, Page};
use crate::api::{InvitationType, PageRequest};
use crate::invitation::{AccountName, Country, InvitationId};

#[derive(Debug)]
pub(crate) struct Paging {
    next: PageRequest,
    ended: bool,
    /// With the youngest age that was given; `None`, an age that can't be read, may be any.
    seen: HashMap<InvitationId, Option<u32>>,
    before: HashSet<InvitationId>,
    /// Pages in a row without anything new.
    stale: u32,
    doubts: Doubts,
}

/// Signs that a list is incomplete or wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Doubts {
    /// Invitations that were on more than one page.
    pub repeated: u64,
    pub unusable: u64,
    /// Pages with fewer entries than they should have, although more followed.
    pub short: u64,
    /// Pages that gave an implausible place for the next one.
    pub implausible: u64,
    /// The last total that the API gave, and the number of entries, if they differ.
    pub miscounted: Option<(u64, u64)>,
    /// The pages had nothing new although there should be more.
    pub broken_off: bool,
    /// The totals that the first and the last page gave.
    available: Option<(u64, u64)>,
}

/// What a page brings.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Invitations that were not seen before.
    pub new: Vec<Found>,
    /// Those that were, and are said to be younger now.
    pub younger: Vec<Found>,
}

/// After this many pages in a row without anything new, the list would never end.
const MOST_STALE: u32 = 3;
/// A next page that begins more than this many invitations behind the present one's end is a mistake.
const MOST_SKIPPED: u64 = 1_000;

impl Paging {
    pub(crate) fn new(account: AccountName, country: Country, invitation_type: InvitationType) -> Self {
        let next = PageRequest::first(account, country, invitation_type);
        Self { next, ended: false, seen: HashMap::new(), before: HashSet::new(), stale: 0, doubts: Doubts::default() }
    }

    /// The page to ask for next; `None` when the list has ended.
    pub(crate) fn next(&self) -> Option<&PageRequest> {
        (!self.ended).then_some(&self.next)
    }

    /// So far, each counted once.
    pub(crate) fn invitations(&self) -> u64 {
        self.seen.len() as u64
    }

    /// Takes the page that was asked for.
    pub(crate) fn take(&mut self, page: Page) -> Taken {
        let (entries, usable) = (page.entries(), page.found.len() as u64);
        let is_short = entries < u64::from(PageRequest::SIZE);
        if let Some(available) = page.available {
            let first = self.doubts.available.map_or(available, |(first, _)| first);
            self.doubts.available = Some((first, available));
        }
        let ids: HashSet<_> = page.found.iter().map(|found| found.id.clone()).collect();
        // The page before once more: the API has no pages, or is stuck.
        let is_same = !ids.is_empty() && ids == self.before;
        self.before = ids;
        self.doubts.unusable += if is_same { 0 } else { page.unusable };
        let taken = self.sort_out(page.found);
        let new = taken.new.len() as u64;
        self.stale = if new == 0 { self.stale + 1 } else { 0 };

        let is_whole = is_same && page.has_more.is_none() && page.available == Some(self.listed());
        // By place, not by entries: a page with entries missing need not be the last one.
        let places = u64::from(self.next.number) * u64::from(PageRequest::SIZE);
        let is_last = match (page.has_more, page.available) {
            (Some(has_more), _) => !has_more,
            // More than a page holds: the API has no pages.
            (None, _) if is_whole || entries > u64::from(PageRequest::SIZE) => true,
            // A full page is never taken for the last one, whatever the total: if the API stops counting at a round
            // number, the rest would be hidden. One more page costs less.
            (None, Some(available)) => places >= available && is_short || entries == 0,
            (None, None) => is_short,
        };
        // At least a whole page is missing by the total that came with the last one: no invitation that was accepted
        // meanwhile explains that.
        let place = self.next.offset.max(places - u64::from(PageRequest::SIZE)).saturating_add(entries);
        let lacks_a_page = page.available.is_some_and(|all| place.saturating_add(PageRequest::SIZE.into()) <= all);
        let is_stuck = entries == 0 || is_same || self.stale >= MOST_STALE;
        let broke_off = if is_last { lacks_a_page } else { is_stuck };
        // The same page again is no sign of a shift.
        self.doubts.repeated += if is_whole || is_same && broke_off { 0 } else { usable - new };
        self.doubts.broken_off |= broke_off;
        self.ended = is_last || broke_off;
        if !self.ended {
            self.go_on(entries, page.has_more.is_some(), page.next_offset);
        }
        taken
    }

    fn sort_out(&mut self, found: Vec<Found>) -> Taken {
        let mut taken = Taken::default();
        for found in found {
            let age = age_days(&found);
            match self.seen.entry(found.id.clone()) {
                Entry::Vacant(unseen) => {
                    unseen.insert(age);
                    taken.new.push(found);
                }
                Entry::Occupied(mut seen) => {
                    if age < *seen.get() {
                        seen.insert(age);
                        taken.younger.push(found);
                    }
                }
            }
        }
        taken
    }

    fn go_on(&mut self, entries: u64, by_place: bool, said: Option<u64>) {
        let size = u64::from(PageRequest::SIZE);
        // Behind the entries that came: the API's pages may have another size.
        let behind = self.next.offset.saturating_add(if entries > 0 { entries } else { size });
        let said = said.filter(|said| *said > self.next.offset);
        let credible = said.filter(|said| *said <= behind.saturating_add(MOST_SKIPPED));
        self.doubts.implausible += u64::from(said != credible);
        // Nothing is missing if the next page begins right behind.
        let leaves_out = !by_place || credible.is_some_and(|next| next > behind);
        self.doubts.short += u64::from(entries < size && leaves_out);
        self.next.number = self.next.number.saturating_add(1);
        self.next.offset = credible.unwrap_or(behind);
    }

    /// The number of entries, each invitation counted once.
    fn listed(&self) -> u64 {
        self.invitations() + self.doubts.unusable
    }

    /// Whether it was read to its end and nothing says that an invitation is missing: only then does absence mean anything.
    pub(crate) fn is_whole(&self) -> bool {
        self.ended && self.doubts().words().is_empty()
    }

    /// The last total that the API gave.
    pub(crate) fn available(&self) -> Option<u64> {
        self.doubts.available.map(|(_, last)| last)
    }

    /// Of all invitations that were seen.
    pub(crate) fn into_ids(self) -> HashSet<InvitationId> {
        self.seen.into_keys().collect()
    }

    pub(crate) fn doubts(&self) -> Doubts {
        let listed = self.listed();
        let miscounted = self.available().filter(|last| self.ended && *last != listed).map(|last| (last, listed));
        Doubts { miscounted, ..self.doubts.clone() }
    }
}

impl Doubts {
    /// For warnings.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.repeated > 0 {
            words.push(format!(
                "invitations on more than one page: {} (the pages shifted while they were read, so others may be missing)",
                self.repeated
            ));
        }
        if self.short > 0 {
            words.push(format!("pages with fewer entries than expected: {} (invitations may be missing)", self.short));
        }
        if let Some((available, listed)) = self.miscounted {
            words.push(format!("the API reports {available} pending invitations, but its pages had {listed}"));
        }
        if let Some((first, last)) = self.available.filter(|(first, last)| first != last) {
            words.push(format!(
                "the total changed from {first} to {last} while listing (the pages shifted, so some may be missing)"
            ));
        }
        if self.broken_off {
            words.push("it ended early, though the API says that there is more".to_owned());
        }
        if self.implausible > 0 {
            words.push(format!(
                "pages that say wrongly where the next one begins: {} (reading went on where they ended)",
                self.implausible
            ));
        }
        if self.unusable > 0 {
            words.push(format!(
                "entries left out: {} (no certain ID, not pending, of another type, or with a key twice)",
                self.unusable
            ));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: u64) -> Found {
        Found::bare(&id.to_string())
    }

    /// A page as V1 tells it: its entries, and how many there are in all.
    fn v1(ids: impl IntoIterator<Item = u64>, available: u64) -> Page {
        Page { found: ids.into_iter().map(found).collect(), available: Some(available), ..Page::default() }
    }

    fn v2(ids: impl IntoIterator<Item = u64>, has_more: bool) -> Page {
        Page { found: ids.into_iter().map(found).collect(), has_more: Some(has_more), ..Page::default() }
    }

    fn bare(ids: impl IntoIterator<Item = u64>) -> Page {
        Page { found: ids.into_iter().map(found).collect(), ..Page::default() }
    }

    /// Reads these pages. Returns how many were asked for, how many invitations were listed, and the doubts.
    fn read(pages: Vec<Page>) -> (u32, u64, Doubts) {
        let mut paging = Paging::new(AccountName::default(), Country::default(), InvitationType::default());
        let mut asked = 0;
        for page in pages {
            if paging.next().is_none() {
                break;
            }
            asked += 1;
            paging.take(page);
        }
        assert!(paging.next().is_none(), "it would ask for more");
        let doubts = paging.doubts();
        let doubts = Doubts { available: doubts.available.filter(|(first, last)| first != last), ..doubts };
        (asked, paging.invitations(), doubts)
    }

    #[test]
    fn whole_lists_end_where_they_surely_do() {
        let cases = [
            vec![v1(0..0, 0)],
            vec![v1(0..7, 7)],
            vec![v1(0..10, 10), v1(0..0, 10)],
            vec![v1(0..10, 13), v1(10..13, 13)],
            vec![v1(0..10, 20), v1(10..20, 20), v1(0..0, 20)],
            vec![v2(0..0, false)],
            vec![v2(0..10, false)],
            vec![v2(0..10, true), v2(10..20, true), v2(20..23, false)],
            vec![bare(0..10), bare(10..12)],
            // All at once, from an API that has no pages.
            vec![v1(0..25, 25)],
            vec![v1(0..11, 11)],
            vec![bare(0..25)],
            // Pages of another size.
            vec![v2(0..5, true), v2(5..10, true), v2(10..13, false)],
            vec![v2(0..25, true), v2(25..30, false)],
        ];
        for pages in cases {
            let (asked, listed) = (pages.len() as u32, pages.iter().map(Page::entries).sum());
            assert_eq!(read(pages.clone()), (asked, listed, Doubts::default()), "{pages:?}");
        }
    }

    #[test]
    fn what_is_noticed() {
        let none = Doubts::default();
        let cases = [
            // The second page repeats one and so misses another.
            (
                vec![v1(0..10, 20), v1(9..19, 20), v1(0..0, 20)],
                (3, 19, Doubts { repeated: 1, miscounted: Some((20, 19)), ..none.clone() }),
            ),
            // A page leaves two out; the list goes on behind it.
            (
                vec![v1(0..8, 20), v1(10..20, 20), v1(0..0, 20)],
                (3, 18, Doubts { short: 1, miscounted: Some((20, 18)), ..none.clone() }),
            ),
            // It ends early.
            (
                vec![v1(0..10, 40), v1(0..0, 40)],
                (2, 10, Doubts { broken_off: true, miscounted: Some((40, 10)), ..none.clone() }),
            ),
            // By less than a page, as after some that were accepted.
            (vec![v1(0..10, 19), v1(0..0, 19)], (2, 10, Doubts { miscounted: Some((19, 10)), ..none.clone() })),
            // More than the API speaks of: a full page is followed by the next one.
            (vec![v1(0..10, 5), v1(10..12, 5)], (2, 12, Doubts { miscounted: Some((5, 12)), ..none.clone() })),
            // A number that is too small, and a round one at that.
            (
                vec![v1(0..10, 10), v1(10..20, 10), v1(0..0, 10)],
                (3, 20, Doubts { miscounted: Some((10, 20)), ..none.clone() }),
            ),
            // Somebody accepted while it was read, so that the one on the next page moved onto this one.
            (
                vec![v1(0..10, 21), v1(11..21, 20), v1(0..0, 20)],
                (3, 20, Doubts { available: Some((21, 20)), ..none.clone() }),
            ),
            // One page again and again, whatever its order.
            (
                vec![v1(0..10, 90), v1((0..10).rev(), 90)],
                (2, 10, Doubts { broken_off: true, miscounted: Some((90, 10)), ..none.clone() }),
            ),
            (vec![v2(0..10, true), v2(0..10, true)], (2, 10, Doubts { broken_off: true, ..none.clone() })),
            (vec![bare(0..10), bare(0..10)], (2, 10, Doubts { broken_off: true, ..none.clone() })),
            // The same as the one before, and the last: it took the place of another.
            (vec![v2(0..10, true), v2(0..10, false)], (2, 10, Doubts { repeated: 10, ..none.clone() })),
            // Nothing new on other pages.
            (
                vec![v2(0..10, true), v2(10..20, true), v2(0..10, true), v2(10..20, true), v2(0..10, true)],
                (5, 20, Doubts { repeated: 30, broken_off: true, ..none.clone() }),
            ),
            // Nothing but what can't be used, and not the same page for that.
            (
                vec![Page { unusable: 10, ..v1(0..0, 23) }, Page { unusable: 10, ..v1(0..0, 23) }, v1(20..23, 23)],
                (3, 3, Doubts { unusable: 20, ..none.clone() }),
            ),
            // More than a page holds, and still not all.
            (vec![v1(0..25, 40)], (1, 25, Doubts { broken_off: true, miscounted: Some((40, 25)), ..none.clone() })),
            (vec![v2(0..10, true), v2(0..0, true)], (2, 10, Doubts { broken_off: true, ..none.clone() })),
            (
                vec![Page { next_offset: Some(10), ..v2(0..9, true) }, v2(10..12, false)],
                (2, 11, Doubts { short: 1, ..none.clone() }),
            ),
            (
                vec![Page { next_offset: Some(u64::MAX), ..v2(0..10, true) }, v2(10..12, false)],
                (2, 12, Doubts { implausible: 1, ..none.clone() }),
            ),
            (vec![Page { unusable: 2, ..v1(0..3, 5) }], (1, 3, Doubts { unusable: 2, ..none.clone() })),
        ];
        for (pages, expected) in cases {
            assert_eq!(read(pages.clone()), expected, "{pages:?}");
            assert!(!expected.2.words().is_empty());
        }
    }

    /// An API that answers every page with all of as many as a page holds.
    #[test]
    fn a_whole_list_that_comes_twice_is_whole() {
        for unusable in [0, 3] {
            let page = Page { unusable, ..v1(unusable..10, 10) };
            let doubts = Doubts { unusable, ..Doubts::default() };
            assert_eq!(read(vec![page.clone(), page]), (2, 10 - unusable, doubts));
        }
    }

    #[test]
    fn the_next_page_is_asked_for_by_number_and_by_place() {
        let mut paging = Paging::new(AccountName::default(), Country::default(), InvitationType::default());
        let place = |paging: &Paging| paging.next().map(|next| (next.number, next.offset));
        assert_eq!(place(&paging), Some((1, 0)));
        paging.take(v2(0..10, true));
        assert_eq!(place(&paging), Some((2, 10)));
        paging.take(Page { next_offset: Some(25), ..v2(10..20, true) });
        assert_eq!(place(&paging), Some((3, 25)));
        // A place that was read already would never end.
        paging.take(Page { next_offset: Some(25), ..v2(20..30, true) });
        assert_eq!(place(&paging), Some((4, 35)));
        // Pages of another size, and what of them can't be used.
        paging.take(v2(30..35, true));
        assert_eq!(place(&paging), Some((5, 40)));
        paging.take(Page { unusable: 2, ..v2(40..43, true) });
        assert_eq!(place(&paging), Some((6, 45)));
        // Too far to be true, and just not.
        paging.take(Page { next_offset: Some(55 + MOST_SKIPPED + 1), ..v2(45..55, true) });
        assert_eq!(place(&paging), Some((7, 55)));
        paging.take(Page { next_offset: Some(65 + MOST_SKIPPED), ..v2(55..65, true) });
        assert_eq!(place(&paging), Some((8, 65 + MOST_SKIPPED)));
    }

    #[test]
    fn of_two_ages_the_younger_counts() {
        let aged = |id, words: &str| Found { sent_time: words.to_owned(), ..found(id) };
        let page = |found: Vec<Found>| Page { found, has_more: Some(true), ..Page::default() };
        let mut paging = Paging::new(AccountName::default(), Country::default(), InvitationType::default());
        let first =
            vec![aged(1, "3 months ago"), aged(2, "2 weeks ago"), aged(3, "1 year ago"), aged(1, "2 months ago")];
        let taken = paging.take(page(first));
        assert_eq!((taken.new.len(), taken.younger), (3, vec![aged(1, "2 months ago")]));
        let second = vec![aged(1, "3 months ago"), aged(2, "today"), aged(3, "vor 1 Jahr"), aged(4, "today")];
        let taken = paging.take(page(second));
        assert_eq!((taken.new.len(), taken.younger), (1, vec![aged(2, "today"), aged(3, "vor 1 Jahr")]));
        // Nothing is younger than what can't be read.
        assert!(paging.take(page(vec![aged(3, "today"), aged(5, "today")])).younger.is_empty());
    }

    #[test]
    fn no_place_is_too_far_to_be_counted_from() {
        let mut paging = Paging::new(AccountName::default(), Country::default(), InvitationType::default());
        (paging.next.number, paging.next.offset) = (u32::MAX, u64::MAX - 3);
        paging.take(Page { next_offset: Some(u64::MAX), ..v2(0..10, true) });
        paging.take(Page { next_offset: Some(u64::MAX), ..v2(10..20, true) });
        assert_eq!(paging.next().map(|next| (next.number, next.offset)), Some((u32::MAX, u64::MAX)));
    }
}
