//! Fetching the list: page after page to its end, selected, with what is doubtful about it said.

use std::ops::ControlFlow;

use jiff::Timestamp;

use super::job::{Job, limits, progress_style};
use crate::config::Which;
use crate::event::Event;
use crate::listing::{Filter, Listed, Paging, Selection, SelectionCounts};
use crate::report::Progress;

/// What a list came to, beside its totals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fetched {
    /// Whether it was read to its end, or as far as was asked for.
    pub(super) complete: bool,
    pub(super) counts: SelectionCounts,
}

/// Fetches the list until it ends, a bound of the settings is reached, the stop comes or `take` has enough. `take` gets
/// the selected invitations of each page.
pub(super) async fn fetch(job: &mut Job<'_>, take: impl AsyncFnMut(Vec<Listed>) -> ControlFlow<()>) -> Fetched {
    let (progress, screen) = (progress_style(job.settings), job.screen.clone());
    job.sinks.progress = Some(Progress::of_list(progress, screen));
    // There is a list from now on, even without a page.
    job.sinks.totals.list = Some(Default::default());
    let Job { settings, caller, keep, sinks, .. } = job;
    let Which { older_than, newer_than, invitation_type, limit, max_pages } = settings.which;
    let account = settings.account.clone();
    let country = settings.accounts.get(&account).cloned().flatten().unwrap_or_else(|| settings.country.clone());
    let filter = Filter { older_than, newer_than, keep: keep.clone(), now: Timestamp::now() };
    let mut paging = Paging::new(account.clone(), country, invitation_type);
    let mut counts = SelectionCounts::default();

    let pages = async {
        let mut take = take;
        let mut pages = 0;
        while let Some(next) = paging.next().filter(|_| max_pages.is_none_or(|most| pages < most)) {
            if limit.is_some_and(|most| counts.selected >= most) {
                break;
            }
            let Some(page) = caller.page(next, &limits(settings)).await else { return false };
            pages += 1;
            let before = paging.invitations();
            let mut selected = Vec::new();
            for found in paging.take(page) {
                let selection = filter.select(&found);
                if selection == Selection::Selected && limit.is_some_and(|most| counts.selected >= most) {
                    break;
                }
                counts.add(selection);
                if selection == Selection::Selected {
                    selected.push(Listed { found, account: account.clone() });
                }
            }
            caller.tell(Event::PageRead { invitations: paging.invitations() - before }).await;
            if take(selected).await.is_break() {
                return false;
            }
        }
        true
    };
    let complete = sinks.during(pages).await;
    sinks.progress = None;
    for doubt in paging.doubts().words().into_iter().chain(counts.words()) {
        tracing::warn!("the list: {doubt}");
    }
    Fetched { complete, counts }
}
