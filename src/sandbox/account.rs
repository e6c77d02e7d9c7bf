//! The LinkedIn account behind the API: its pending invitations, what was done to them, and the balance.
//!
//! Owns that state, which both versions share. Knows invitations and pages, but no requests.

use std::collections::HashMap;
use std::sync::Arc;

use super::reply::ReplyClass;
use super::wire::{PAGE_SIZE, Span};
use super::{Ending, ListFaults, Reply, StockItem};

/// Items of the page before that a page repeats with [`ListFaults::repeat`].
const REPEATED: usize = 2;
/// The position on a full page that is left out with [`ListFaults::miss`].
const MISSED: usize = 4;

/// An invitation that has been called for.
#[derive(Default)]
struct InvitationState {
    withdrawn: bool,
    /// Whether its ending, if it happens only once, has happened.
    ending_shown: bool,
}

pub(super) struct AccountState {
    credits: Option<u64>,
    called: HashMap<Box<str>, InvitationState>,
    /// Newest first. A withdrawn invitation leaves a `None`, which lists skip.
    pending: Vec<Option<Arc<StockItem>>>,
    /// Index into `pending` by ID.
    positions: HashMap<u64, usize>,
}

/// Pages of the list, as one answer returns them.
#[derive(Debug)]
pub(super) struct ListPages {
    pub(super) span: Span,
    pub(super) items: Vec<Arc<StockItem>>,
    /// The number of all pending invitations, as the answer says it.
    pub(super) total: usize,
    /// How many pages were fetched for 1 credit each; at least one.
    pub(super) pages: usize,
    /// The offset of the next page; `None` after the last one.
    pub(super) next: Option<usize>,
}

/// What is between the account and a person (`docs/linkup-api.md`, V1, One person's invitation).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PersonState {
    /// An invitation with this ID is pending.
    Pending(u64),
    /// The invitation was accepted.
    Accepted,
    /// None is pending: none was sent, or it was declined or withdrawn.
    NoInvitation,
}

impl AccountState {
    pub(super) fn new(stock: Vec<StockItem>, credits: Option<u64>) -> Self {
        let positions = stock.iter().enumerate().map(|(position, item)| (item.id, position)).collect();
        let pending = stock.into_iter().map(|item| Some(Arc::new(item))).collect();
        Self { credits, called: HashMap::new(), pending, positions }
    }

    /// The balance; `None` is unlimited.
    pub(super) fn credits(&self) -> Option<u64> {
        self.credits
    }

    /// The ending that applies to this call. One that happens once applies to the first call only, and no longer once
    /// the invitation is withdrawn.
    pub(super) fn take_ending(&mut self, id: &str) -> Option<&'static Ending> {
        let ending = Ending::of(id)?;
        let state = self.called.entry(id.into()).or_default();
        let applies = ending.always || !(state.withdrawn || state.ending_shown);
        state.ending_shown |= applies;
        applies.then_some(ending)
    }

    /// Withdraws the invitation if it is pending. Every ID is pending until its first withdrawal, in stock or not. The
    /// credit is taken even if the answer will be lost; whether the API does the same is documented nowhere.
    pub(super) fn withdraw(&mut self, id: &str) -> bool {
        let state = self.called.entry(id.into()).or_default();
        if std::mem::replace(&mut state.withdrawn, true) {
            return false;
        }
        self.spend(1);
        // With leading zeros it is not the ID of the list.
        let number = id.parse().ok().filter(|_| !id.starts_with('0'));
        if let Some(position) = number.and_then(|number: u64| self.positions.remove(&number)) {
            self.pending[position] = None;
        }
        true
    }

    /// Fetches pages of the list, for one credit each.
    pub(super) fn list(&mut self, span: Span, faults: ListFaults) -> Result<ListPages, Reply> {
        let list = cut_out(self.pending.iter().flatten(), span, faults);
        let price = list.pages as u64;
        if self.credits.is_some_and(|credits| credits < price) {
            return Err(Reply::InsufficientCredits);
        }
        self.spend(price);
        Ok(list)
    }

    /// Looks up a person's invitation, for one credit. Only the people in stock have one. Says what a call to withdraw
    /// would say as well, since the list is not fresh: it may still show an invitation that is not pending.
    pub(super) fn person(&mut self, profile_url: &str) -> PersonState {
        self.spend(1);
        let profile_url = profile_url.trim_end_matches('/');
        let Some(item) = self.pending.iter().flatten().find(|item| item.profile_url == profile_url) else {
            return PersonState::NoInvitation;
        };
        match Ending::of(&item.id.to_string()) {
            Some(Ending { reply: Reply::Accepted, .. }) => PersonState::Accepted,
            Some(ending) if !ending.can_be_withdrawn() && ending.reply.class() == ReplyClass::NotPending => {
                PersonState::NoInvitation
            }
            Some(_) | None => PersonState::Pending(item.id),
        }
    }

    fn spend(&mut self, credits: u64) {
        self.credits = self.credits.map(|left| left.saturating_sub(credits));
    }
}

/// The pages of a span. No page after the end of the list is fetched or paid for (a guess).
fn cut_out<'a>(pending: impl Iterator<Item = &'a Arc<StockItem>>, span: Span, faults: ListFaults) -> ListPages {
    let all: Vec<_> = pending.filter(|item| item.kind == span.kind).collect();
    let total = if faults.total_off { all.len() / 2 } else { all.len() };
    let end = if faults.early_end { (all.len() / 2).next_multiple_of(PAGE_SIZE) } else { usize::MAX };
    let listed = &all[..end.min(all.len())];

    let mut list = ListPages { span, items: Vec::new(), total, pages: 0, next: Some(span.offset) };
    let last = span.offset.saturating_add(span.count);
    while let Some(at) = list.next.filter(|at| *at < last) {
        let length = PAGE_SIZE.min(last - at);
        let from = if faults.repeat { at - at / PAGE_SIZE * REPEATED } else { at };
        let to = from.saturating_add(length);
        let page = &listed[from.min(listed.len())..to.min(listed.len())];
        let missed = (faults.miss && page.len() == PAGE_SIZE).then_some(MISSED);
        let shown = page.iter().enumerate().filter(|(position, _)| Some(*position) != missed);
        list.items.extend(shown.map(|(_, item)| Arc::clone(item)));
        list.pages += 1;
        list.next = (to < listed.len()).then_some(at + length);
    }
    list
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::super::{InvitationKind, SentTime};
    use super::*;

    fn item(id: u64) -> StockItem {
        StockItem::new(id, SentTime::Age(Duration::ZERO))
    }

    fn account(credits: Option<u64>) -> AccountState {
        AccountState::new((1..=20).map(item).collect(), credits)
    }

    fn pending(count: u64) -> Vec<Arc<StockItem>> {
        (0..count).map(|id| Arc::new(item(id))).collect()
    }

    fn span(offset: usize, count: usize) -> Span {
        Span { kind: InvitationKind::Connection, offset, count }
    }

    fn ids(list: &ListPages) -> Vec<u64> {
        list.items.iter().map(|item| item.id).collect()
    }

    #[test]
    fn a_withdrawal_takes_the_invitation_off_the_list_and_pages_move_up() {
        let mut account = account(None);
        let listed = |account: &mut AccountState| ids(&account.list(span(0, 10), ListFaults::default()).unwrap());
        assert_eq!(listed(&mut account), (1..=10).collect::<Vec<_>>());
        // The first is another text for an ID in stock, the second is not in stock.
        for (id, withdrawn) in [("07", true), ("99", true), ("7", true), ("7", false), ("1", true)] {
            assert_eq!(account.withdraw(id), withdrawn, "{id}");
        }
        assert_eq!(listed(&mut account), [2, 3, 4, 5, 6, 8, 9, 10, 11, 12]);
    }

    #[test]
    fn a_list_costs_a_credit_a_page_or_is_refused() {
        let mut account = account(Some(3));
        assert_eq!(account.list(span(0, 20), ListFaults::default()).unwrap().pages, 2);
        assert_eq!(account.list(span(0, 20), ListFaults::default()).unwrap_err(), Reply::InsufficientCredits);
        assert_eq!(account.credits(), Some(1));
    }

    #[test]
    fn a_span_is_cut_out_and_its_pages_counted() {
        let pending = pending(25);
        let cases = [
            ((0, 10), 0..10, 1, Some(10)),
            ((10, 10), 10..20, 1, Some(20)),
            ((20, 10), 20..25, 1, None),
            ((30, 10), 0..0, 1, None),
            ((0, 25), 0..25, 3, None),
            ((0, 11), 0..11, 2, Some(11)),
            ((3, 4), 3..7, 1, Some(7)),
            ((0, usize::MAX), 0..25, 3, None),
        ];
        for ((offset, count), expected, pages, next) in cases {
            let list = cut_out(pending.iter(), span(offset, count), ListFaults::default());
            assert_eq!(ids(&list), expected.collect::<Vec<_>>(), "{offset}+{count}");
            assert_eq!((list.pages, list.next, list.total), (pages, next, 25), "{offset}+{count}");
        }
    }

    #[test]
    fn one_type_is_listed_at_a_time() {
        let mut pending = pending(3);
        Arc::make_mut(&mut pending[1]).kind = InvitationKind::ContentSeries;
        let other = Span { kind: InvitationKind::ContentSeries, ..span(0, 10) };
        let default = ListFaults::default();
        assert_eq!(ids(&cut_out(pending.iter(), span(0, 10), default)), [0, 2]);
        assert_eq!(ids(&cut_out(pending.iter(), other, default)), [1]);
    }

    /// Page by page, as a client reads that trusts `next`: what it sees, and the total that it is told.
    #[test]
    fn list_faults_do_what_their_names_say() {
        let cases = [
            // On each page two of the one before; nothing is left out.
            ("repeat", 35, 4 * 2, 35),
            ("miss", 32, 0, 35),
            ("early-end", 20, 0, 35),
            ("total-off", 35, 0, 17),
        ];
        let pending = pending(35);
        for (name, seen, repeated, total) in cases {
            let faults = name.parse().unwrap();
            let (mut all, mut next) = (Vec::new(), Some(0));
            while let Some(at) = next {
                let list = cut_out(pending.iter(), span(at, PAGE_SIZE), faults);
                assert_eq!(list.total, total, "{name}");
                all.extend(ids(&list));
                next = list.next;
            }
            let distinct: HashSet<_> = all.iter().collect();
            assert_eq!((distinct.len(), all.len() - distinct.len()), (seen, repeated), "{name}");
        }
    }
}
