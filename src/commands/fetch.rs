//! Fetching the list: page after page to its end, selected, with what is doubtful about it said.

use std::collections::HashSet;
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::account_list::{AccountList, ListEnd, ReadList};
use super::job::{Job, progress_style};
use crate::api::Client;
use crate::config::{Command, Settings, Which};
use crate::invitation::AccountName;
use crate::ledger::{Ledger, ListOf};
use crate::listing::{Filter, Listed, Selection, SelectionCounts, Taken, TextFilter, leave_oldest};
use crate::policy::visible;
use crate::report::{Backlog, Progress};
use crate::runner::Caller;

/// People whom a plan names.
pub(super) const NAMES: usize = 5;

/// What a list came to, beside its totals.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) end: ListEnd,
    pub(super) counts: SelectionCounts,
    /// The first that are kept.
    pub(super) kept: Vec<Listed>,
    /// The lists, as far as they were read.
    pub(super) lists: Vec<ReadList>,
    /// For the page, as far as it was read.
    pub(super) backlog: Backlog,
    /// What a later page says is younger, with what follows from that.
    younger: Vec<(Selection, Listed)>,
}

impl Fetched {
    /// Drops from all pages' invitations what later pages say is too young.
    pub(super) fn correct(&mut self, selected: &mut Vec<Listed>) {
        for (selection, younger) in self.younger.drain(..) {
            rejuvenate(selected, &mut self.counts, selection, younger);
        }
    }

    /// Leaves of each account's selected invitations the oldest, so that `max_pending` stay; none where its list is not
    /// whole.
    pub(super) fn leave(&mut self, selected: &mut Vec<Listed>, max_pending: u64) {
        let (all, now) = (std::mem::take(selected), Timestamp::now());
        for ReadList { of: ListOf { account, .. }, is_whole, ids, .. } in &self.lists {
            let mut going: Vec<_> = all.iter().filter(|listed| listed.account == *account).cloned().collect();
            let name = visible(account.as_str());
            if !is_whole {
                tracing::warn!("{name}: --max-pending needs a whole list, and this one is not: nothing is withdrawn");
                continue;
            }
            let pending = ids.len() as u64;
            leave_oldest(&mut going, pending, max_pending, now);
            let going_ids: HashSet<_> = going.iter().map(|listed| &listed.found.id).collect();
            let stays = |listed: &&Listed| listed.account == *account && !going_ids.contains(&listed.found.id);
            self.backlog.leave(all.iter().filter(stays).map(|listed| (&listed.found, &listed.account)));
            let stay = pending - going.len() as u64;
            if stay > max_pending {
                tracing::warn!(
                    "{name}: {stay} stay pending, more than --max-pending {max_pending}: the others are kept, filtered \
                     out, too recent or of unknown age"
                );
            }
            selected.append(&mut going);
        }
        self.counts.selected = selected.len() as u64;
        self.counts.left = (all.len() - selected.len()) as u64;
    }
}

/// Puts the younger age in place of the older one. Gives the invitation back if it is not among these.
fn rejuvenate(
    selected: &mut Vec<Listed>,
    counts: &mut SelectionCounts,
    selection: Selection,
    younger: Listed,
) -> Option<Listed> {
    let is_it = |listed: &Listed| listed.account == younger.account && listed.found.id == younger.found.id;
    let Some(at) = selected.iter().position(is_it) else { return Some(younger) };
    if selection == Selection::Selected {
        selected[at] = younger;
    } else {
        selected.remove(at);
        counts.selected -= 1;
        counts.add(selection);
    }
    None
}

/// Fetches the lists, one account's after the other's, until they end, a bound of the settings is reached, the stop comes or
/// `take` has enough. `take` gets the selected invitations of each page.
pub(super) async fn fetch(job: &mut Job<'_>, take: impl AsyncFnMut(Vec<Listed>) -> ControlFlow<()>) -> Fetched {
    let (progress, screen) = (progress_style(job.settings, job.screen), job.screen.clone());
    job.sinks.progress = Some(Progress::of_list(progress, screen, job.settings.patience));
    // There is a list from now on, even without a page.
    job.sinks.totals.list = Some(Default::default());
    let Job { settings, caller, keep, sinks, .. } = job;
    let Which { older_than, newer_than, without_note, max_pending, .. } = settings.which;
    let filter = Filter {
        older_than,
        newer_than,
        texts: TextFilter::new(&settings.which.matching, &settings.which.not_matching),
        without_note,
        needs_age: max_pending.is_some(),
        keep: keep.clone(),
        now: Timestamp::now(),
    };
    let mut fetch = Fetch {
        settings,
        caller,
        filter,
        take,
        pages: 0,
        fetched: Fetched {
            end: ListEnd::Complete,
            counts: SelectionCounts::default(),
            kept: Vec::new(),
            lists: Vec::new(),
            backlog: Backlog::new(older_than),
            younger: Vec::new(),
        },
    };
    caller.bounds.watch_time(&caller.stop);
    sinks.during(fetch.accounts()).await;
    let mut fetched = fetch.fetched;
    let are_whole =
        fetched.lists.len() == settings.listed_accounts().count() && fetched.lists.iter().all(|list| list.is_whole);
    fetched.backlog.end(are_whole.then(|| fetched.lists.iter().map(|list| list.ids.len() as u64).sum()));
    sinks.progress = None;
    for doubt in fetched.counts.words() {
        tracing::warn!("the list: {doubt}");
    }
    if !fetched.younger.is_empty() {
        tracing::warn!("the list: invitations that a later page says are younger: {}", fetched.younger.len());
    }
    fetched
}

/// Lists that are being fetched.
struct Fetch<'a, T> {
    settings: &'a Settings,
    caller: &'a Caller<Client, Option<Ledger>>,
    filter: Filter,
    take: T,
    pages: u64,
    fetched: Fetched,
}

impl<T: AsyncFnMut(Vec<Listed>) -> ControlFlow<()>> Fetch<'_, T> {
    /// What keeps one account's list back holds up no other's.
    async fn accounts(&mut self) {
        // A list that is to be withdrawn would be out of date by then.
        let withdraws = self.settings.command == Command::Clean && !self.settings.dry_run;
        let names: Vec<_> = self.settings.listed_accounts().map(|(name, _)| name.clone()).collect();
        if withdraws && self.caller.hours_begin(&names).await.is_none() {
            self.fetched.end = ListEnd::Stopped;
            return;
        }
        for (account, _) in self.settings.listed_accounts() {
            let end = self.account(account).await;
            if let ListEnd::Unavailable(why) = &end {
                tracing::warn!("{}: {why}", self.name(account));
            }
            let is_over = end == ListEnd::NotWanted || self.caller.stop.is_requested();
            // A stop does not hide that an earlier list is not whole.
            if end == ListEnd::NotWanted
                || matches!(end, ListEnd::Unavailable(_))
                || self.fetched.end == ListEnd::Complete
            {
                self.fetched.end = end;
            }
            if is_over {
                break;
            }
        }
    }

    /// How warnings name the list.
    fn name(&self, account: &AccountName) -> String {
        let is_only_one = self.settings.account.is_some();
        if is_only_one { "the list".to_owned() } else { format!("the list of {}", visible(account.as_str())) }
    }

    async fn account(&mut self, account: &AccountName) -> ListEnd {
        let Which { invitation_type, limit, max_pages, max_pending, .. } = self.settings.which;
        let needs_whole = max_pending.is_some() || self.settings.command == Command::Verify;
        let mut list = AccountList::begin(self.caller, self.settings, account, invitation_type, needs_whole);
        let end = loop {
            let is_enough = limit.is_some_and(|most| self.fetched.counts.selected >= most);
            if is_enough || max_pages.is_some_and(|most| self.pages >= most) {
                break list.end_here();
            }
            let taken = match list.next().await {
                Ok(taken) => taken,
                Err(end) => break end,
            };
            self.pages += 1;
            let selected = self.select(account, taken);
            if (self.take)(selected).await.is_break() {
                break ListEnd::NotWanted;
            }
        };
        let list = list.finish(&self.name(account)).await;
        self.fetched.lists.push(list);
        end
    }

    /// The selected invitations of a page.
    fn select(&mut self, account: &AccountName, Taken { new, younger }: Taken) -> Vec<Listed> {
        let limit = self.settings.which.limit;
        let Fetched { counts, kept, younger: elsewhere, backlog, .. } = &mut self.fetched;
        let mut selected = Vec::new();
        for found in new {
            let selection = self.filter.select(&found);
            if selection == Selection::Selected && limit.is_some_and(|most| counts.selected >= most) {
                break;
            }
            counts.add(selection);
            backlog.add(&found, account, selection);
            if selection == Selection::Selected {
                selected.push(Listed { found, account: account.clone() });
            } else if selection == Selection::Kept && kept.len() < NAMES {
                kept.push(Listed { found, account: account.clone() });
            }
        }
        for found in younger {
            let selection = self.filter.select(&found);
            let listed = Listed { found, account: account.clone() };
            elsewhere.extend(rejuvenate(&mut selected, counts, selection, listed).map(|listed| (selection, listed)));
        }
        selected
    }
}
