//! Fetching the list: page after page to its end, selected, with what is doubtful about it said.

use std::ops::ControlFlow;

use jiff::Timestamp;

use super::job::{Job, limits, progress_style};
use super::memory::Memory;
use crate::config::Which;
use crate::event::Event;
use crate::listing::{Filter, Found, Listed, Paging, Selection, SelectionCounts, Taken};
use crate::report::Progress;
use crate::runner::NoPage;
use crate::stop::{Stop, StopReason};

/// What a list came to, beside its totals.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) end: ListEnd,
    pub(super) counts: SelectionCounts,
    /// What a later page says is younger, with what follows from that.
    younger: Vec<(Selection, Found)>,
}

/// How the list ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ListEnd {
    /// It was read to its end, or as far as was asked for.
    Complete,
    /// Whoever takes it wants no more.
    NotWanted,
    /// Its pages repeat.
    BrokenOff,
    /// A page can't be had; and why.
    Unavailable(String),
    Stopped,
}

impl ListEnd {
    pub(super) fn is_complete(&self) -> bool {
        *self == Self::Complete
    }

    /// Asks for the stop where a page can't be had: once what was read is worked through.
    pub(super) fn stop_if_unavailable(&self, stop: &Stop) {
        if let Self::Unavailable(why) = self {
            stop.request(StopReason::TooManyFailures, why);
        }
    }
}

impl Fetched {
    /// Drops from all pages' invitations what later pages say is too young.
    pub(super) fn correct(&mut self, selected: &mut Vec<Listed>) {
        for (selection, found) in self.younger.drain(..) {
            rejuvenate(selected, &mut self.counts, selection, found);
        }
    }
}

/// Puts the younger age in place of the older one. Gives the invitation back if it is not among these.
fn rejuvenate(
    selected: &mut Vec<Listed>,
    counts: &mut SelectionCounts,
    selection: Selection,
    found: Found,
) -> Option<Found> {
    let Some(at) = selected.iter().position(|listed| listed.found.id == found.id) else { return Some(found) };
    if selection == Selection::Selected {
        selected[at].found = found;
    } else {
        selected.remove(at);
        counts.selected -= 1;
        counts.add(selection);
    }
    None
}

/// Fetches the list until it ends, a bound of the settings is reached, the stop comes or `take` has enough. `take` gets
/// the selected invitations of each page.
pub(super) async fn fetch(job: &mut Job<'_>, take: impl AsyncFnMut(Vec<Listed>) -> ControlFlow<()>) -> Fetched {
    let (progress, screen) = (progress_style(job.settings), job.screen.clone());
    job.sinks.progress = Some(Progress::of_list(progress, screen));
    // There is a list from now on, even without a page.
    job.sinks.totals.list = Some(Default::default());
    let Job { settings, caller, keep, sinks, stop, .. } = job;
    let Which { older_than, newer_than, invitation_type, limit, max_pages } = settings.which;
    let account = settings.account.clone();
    let country = settings.accounts.get(&account).cloned().flatten().unwrap_or_else(|| settings.country.clone());
    let filter = Filter { older_than, newer_than, keep: keep.clone(), now: Timestamp::now() };
    let mut memory = Memory::begin(caller.journal.clone(), account.clone(), invitation_type);
    let mut paging = Paging::new(account.clone(), country, invitation_type);
    let mut counts = SelectionCounts::default();
    let mut younger = Vec::new();

    let pages = async {
        let mut take = take;
        let mut pages = 0;
        while let Some(next) = paging.next().filter(|_| max_pages.is_none_or(|most| pages < most)) {
            if limit.is_some_and(|most| counts.selected >= most) {
                return ListEnd::Complete;
            }
            let asked_at = Timestamp::now();
            let page = match caller.page(next, &limits(settings)).await {
                Ok(page) => page,
                Err(NoPage::Stopped) => return ListEnd::Stopped,
                Err(NoPage::Unavailable(why)) => return ListEnd::Unavailable(why),
            };
            pages += 1;
            let before = paging.invitations();
            let mut selected = Vec::new();
            let Taken { new, younger: now_younger } = paging.take(page);
            memory.keep(&new, asked_at).await;
            for found in new {
                let selection = filter.select(&found);
                if selection == Selection::Selected && limit.is_some_and(|most| counts.selected >= most) {
                    break;
                }
                counts.add(selection);
                if selection == Selection::Selected {
                    selected.push(Listed { found, account: account.clone() });
                }
            }
            for found in now_younger {
                let selection = filter.select(&found);
                let elsewhere = rejuvenate(&mut selected, &mut counts, selection, found);
                younger.extend(elsewhere.map(|found| (selection, found)));
            }
            caller.tell(Event::PageRead { invitations: paging.invitations() - before }).await;
            if take(selected).await.is_break() {
                return ListEnd::NotWanted;
            }
        }
        if paging.doubts().broken_off { ListEnd::BrokenOff } else { ListEnd::Complete }
    };
    let end = sinks.during(pages).await;
    if let Err(error) = memory.end(paging.is_whole()).await {
        stop.request(StopReason::LedgerUnwritable, crate::error_chain(&error));
    }
    sinks.progress = None;
    for doubt in paging.doubts().words().into_iter().chain(counts.words()) {
        tracing::warn!("the list: {doubt}");
    }
    if let ListEnd::Unavailable(why) = &end {
        tracing::warn!("the list: {why}");
    }
    if !younger.is_empty() {
        tracing::warn!("the list: invitations that a later page says are younger: {}", younger.len());
    }
    Fetched { end, counts, younger }
}
