//! Buying the list: page after page to its end, sifted, with what is doubtful about it said.

use std::ops::ControlFlow;

use jiff::Timestamp;

use super::job::{Listing, limits, progress_style};
use super::target::Ready;
use crate::config::{Settings, Which};
use crate::listing::{Filter, Keep, Listed, Paging, Selection, SelectionCounts};
use crate::pace::Pace;
use crate::report::{ListSum, Progress, Screen};
use crate::runner::{ListTally, Lister};
use crate::stop::Stop;

/// What a list came to.
pub(super) struct Fetched {
    /// Its calls, what they cost, and whether that was all.
    pub(super) listing: Listing,
    /// What the filter said.
    pub(super) verdicts: SelectionCounts,
}

/// Where a list's calls go through.
pub(super) struct Way<'a> {
    pub(super) settings: &'a Settings,
    pub(super) target: &'a Ready,
    pub(super) pace: &'a std::sync::Arc<Pace>,
    pub(super) stop: &'a Stop,
    pub(super) screen: &'a Screen,
}

/// Fetches the list until it ends, a bound of the request is reached, the stop comes or `take` has enough. `take` gets
/// those invitations of each page that count.
pub(super) async fn fetch(
    way: &Way<'_>,
    keep: Keep,
    mut take: impl AsyncFnMut(Vec<Listed>) -> ControlFlow<()>,
) -> Fetched {
    let Way { settings, target, pace, stop, screen } = way;
    let Which { older_than, newer_than, invitation_type, limit, max_pages } = settings.which;
    let account = settings.account.clone();
    let country = settings.accounts.get(&account).cloned().flatten().unwrap_or_else(|| settings.country.clone());
    let filter = Filter { older_than, newer_than, keep, now: Timestamp::now() };
    let mut lister = Lister {
        api: &target.api,
        pace: (*pace).clone(),
        stop: (*stop).clone(),
        limits: limits(settings),
        tally: ListTally::default(),
    };
    let progress = Progress::of_list(progress_style(settings), (*screen).clone());
    let mut paging = Paging::new(account.clone(), country, invitation_type);
    let mut verdicts = SelectionCounts::default();
    let mut complete = true;

    while let Some(next) = paging.next().filter(|_| max_pages.is_none_or(|most| lister.tally.pages < most)) {
        if limit.is_some_and(|most| verdicts.selected >= most) {
            break;
        }
        let Some(page) = lister.page(next, |until| progress.show_hold(until)).await else {
            complete = false;
            break;
        };
        let mut counting = Vec::new();
        for found in paging.take(page) {
            let selection = filter.select(&found);
            if selection == Selection::Selected && limit.is_some_and(|most| verdicts.selected >= most) {
                break;
            }
            verdicts.add(selection);
            if selection == Selection::Selected {
                counting.push(Listed { found, account: account.clone() });
            }
        }
        progress.show_pages(lister.tally.pages, paging.invitations());
        if take(counting).await.is_break() {
            complete = false;
            break;
        }
    }
    drop(progress);
    for doubt in paging.doubts().words().into_iter().chain(verdicts.words()) {
        tracing::warn!("the list: {doubt}");
    }
    Fetched { listing: Listing { sum: sum(&lister.tally, paging.invitations()), complete }, verdicts }
}

fn sum(tally: &ListTally, invitations: u64) -> ListSum {
    ListSum {
        pages: tally.pages,
        invitations,
        calls: tally.calls,
        retries: tally.retries,
        rate_limit_answers: tally.rate_limit_answers,
        cost: tally.cost,
    }
}
