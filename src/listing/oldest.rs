//! Which invitations go where only some may stay pending (`--max-pending`): the oldest. Pure.

use std::cmp::Reverse;
use std::collections::HashSet;

use jiff::Timestamp;

use super::filter::age_days;
use super::{Found, Listed};
use crate::policy::sent_at;

/// Leaves of an account's selected invitations those that go, so that `max_pending` of all its `pending` ones stay. In
/// doubt, an invitation is younger: of its two ages the lower counts, and without one it stays.
pub(crate) fn leave_oldest(selected: &mut Vec<Listed>, pending: u64, max_pending: u64, now: Timestamp) {
    let excess = usize::try_from(pending.saturating_sub(max_pending)).unwrap_or(usize::MAX);
    let aged = selected.iter().enumerate().filter_map(|(at, listed)| Some((days(&listed.found, now)?, at)));
    let mut oldest_first: Vec<_> = aged
        .map(|(days, at)| {
            let sent = sent_at(selected[at].found.id.as_str());
            // Of the same age in days, those whose IDs tell the time come first, and then the end of the list, which
            // begins with the newest.
            (Reverse(days), sent.is_none(), sent, Reverse(at))
        })
        .collect();
    oldest_first.sort_unstable();
    let going: HashSet<_> = oldest_first.into_iter().take(excess).map(|(.., Reverse(at))| at).collect();
    let mut at = 0..;
    selected.retain(|_| at.next().is_some_and(|at| going.contains(&at)));
}

/// The oldest and the newest of these, in the same order of ages.
pub(crate) fn oldest_and_newest(listed: &[Listed]) -> Option<(&Listed, &Listed)> {
    let age = |(at, listed): &(usize, &Listed)| {
        (listed.age_days().map(Reverse), sent_at(listed.found.id.as_str()), Reverse(*at))
    };
    let oldest = listed.iter().enumerate().min_by_key(age)?;
    let newest = listed.iter().enumerate().max_by_key(age)?;
    Some((oldest.1, newest.1))
}

/// The days that have passed by the API's words and by the ID, where that tells the time.
fn days(found: &Found, now: Timestamp) -> Option<u32> {
    let by_words = age_days(found)?;
    let by_id = sent_at(found.id.as_str()).map(|sent| now.duration_since(sent).as_hours().max(0) / 24);
    Some(by_id.and_then(|days| u32::try_from(days).ok()).map_or(by_words, |days| days.min(by_words)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::invitation::AccountName;
    use crate::listing::{Filter, Keep, Selection, TextFilter};

    const DAY_MILLIS: u64 = 86_400_000;

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    /// An ID that was sent so many days ago, with a number of its own.
    fn id_of(days: u64, number: u64) -> String {
        let now = u64::try_from(now().as_millisecond()).unwrap();
        (((now - days * DAY_MILLIS) << 22) + number * 4_096).to_string()
    }

    fn found(id: &str, words: &str) -> Found {
        Found { sent_time: words.to_owned(), ..Found::bare(id) }
    }

    /// Which of an account's whole list go.
    fn going(list: &[Found], older_than: Option<u32>, max_pending: u64) -> Vec<Found> {
        let (texts, keep) = (TextFilter::default(), Keep::default());
        let filter =
            Filter { older_than, newer_than: None, texts, without_note: false, needs_age: true, keep, now: now() };
        let selected = list.iter().filter(|found| filter.select(found) == Selection::Selected);
        let mut selected: Vec<_> =
            selected.map(|found| Listed { found: found.clone(), account: AccountName::default() }).collect();
        leave_oldest(&mut selected, list.len() as u64, max_pending, now());
        selected.into_iter().map(|listed| listed.found).collect()
    }

    #[test]
    fn who_goes() {
        let list = [
            found(&id_of(1, 0), "yesterday"),
            // Older by its words than by its ID, and the other way round.
            found(&id_of(2, 0), "3 months ago"),
            found(&id_of(200, 0), "2 weeks ago"),
            found(&id_of(33, 0), "1 month ago"),
            found(&id_of(58, 0), "1 month ago"),
            // No time in so short an ID: younger than those of its month that are older for certain.
            found("2906418534", "1 month ago"),
            found("2906418536", "1 month ago"),
            found(&id_of(300, 0), "vor 10 Monaten"),
            found(&id_of(90, 0), "3 months ago"),
        ];
        let cases: [(Option<u32>, u64, &[usize]); 12] = [
            (None, 9, &[]),
            (None, 100, &[]),
            (None, 8, &[8]),
            (None, 7, &[4, 8]),
            (None, 6, &[3, 4, 8]),
            (None, 5, &[3, 4, 6, 8]),
            (None, 4, &[3, 4, 5, 6, 8]),
            (None, 3, &[2, 3, 4, 5, 6, 8]),
            (None, 2, &[1, 2, 3, 4, 5, 6, 8]),
            // The one whose age can't be read stays, however few may.
            (None, 0, &[0, 1, 2, 3, 4, 5, 6, 8]),
            // With an age as well, only what is that old.
            (Some(60), 4, &[8]),
            (Some(30), 7, &[4, 8]),
        ];
        for (older_than, max_pending, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|at| list[*at].clone()).collect();
            assert_eq!(going(&list, older_than, max_pending), expected, "{older_than:?} {max_pending}");
        }
    }

    proptest! {
        #[test]
        fn enough_stay_and_nobody_goes_before_somebody_older(
            invitations in prop::collection::vec((0_u64..500, prop::option::of(0_u32..20), any::<bool>()), 0..60),
            older_than in prop::option::of(1_u32..400),
            max_pending in 0_u64..70,
        ) {
            let invitation = |(number, (days, months, tells_time)): (u64, &(u64, Option<u32>, bool))| {
                let id = if *tells_time { id_of(*days, number) } else { (2_906_418_534 + number).to_string() };
                found(&id, &months.map_or("vor 3 Monaten".to_owned(), |months| format!("{months} months ago")))
            };
            let list: Vec<_> = (0..).zip(&invitations).map(invitation).collect();
            let going = going(&list, older_than, max_pending);
            let (stays, goes): (Vec<_>, Vec<_>) = list.iter().partition(|found| !going.contains(found));
            prop_assert!(goes.is_empty() || stays.len() as u64 >= max_pending);
            let least = older_than.unwrap_or_default();
            let eligible = |found: &&Found| days(found, now()).is_some_and(|days| days >= least);
            prop_assert!(goes.iter().all(eligible));
            let oldest_that_stays = stays.into_iter().filter(eligible).filter_map(|found| days(found, now())).max();
            for found in &goes {
                prop_assert!(days(found, now()) >= oldest_that_stays);
            }
            // No more stay than must, unless nobody eligible is left.
            let left = (list.len() - goes.len()) as u64;
            prop_assert!(left <= max_pending.max(list.len() as u64 - list.iter().filter(eligible).count() as u64));
        }
    }
}
