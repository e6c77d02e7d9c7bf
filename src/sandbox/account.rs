//! The account behind the API: its pending invitations, what became of those called for, and its balance.
//!
//! Owns all of that state, which both versions share. Does not know what calls are.

use std::collections::HashMap;
use std::sync::Arc;

use super::call::Span;
use super::list::{Sheet, sheet};
use super::{Ending, ListFaults, Reply, StockItem};

/// What is known of an invitation that has been called for.
#[derive(Default)]
struct Standing {
    withdrawn: bool,
    /// Its ending has had its one occasion.
    ending_shown: bool,
}

/// The account's state.
pub(super) struct Account {
    credits: Option<u64>,
    standings: HashMap<Box<str>, Standing>,
    /// Newest first; withdrawn ones leave a gap, which lists close.
    pending: Vec<Option<Arc<StockItem>>>,
    /// Where each stands, by its ID.
    places: HashMap<u64, usize>,
}

impl Account {
    pub(super) fn new(stock: Vec<StockItem>, credits: Option<u64>) -> Self {
        let places = stock.iter().enumerate().map(|(place, item)| (item.id, place)).collect();
        let pending = stock.into_iter().map(|item| Some(Arc::new(item))).collect();
        Self { credits, standings: HashMap::new(), pending, places }
    }

    /// The balance; `None` is endless.
    pub(super) fn credits(&self) -> Option<u64> {
        self.credits
    }

    /// The ending that this call meets; its one occasion is then over.
    pub(super) fn meet_ending(&mut self, id: &str) -> Option<&'static Ending> {
        let ending = Ending::of(id)?;
        let standing = self.standings.entry(id.into()).or_default();
        let due = ending.always || !(standing.withdrawn || standing.ending_shown);
        standing.ending_shown |= due;
        due.then_some(ending)
    }

    /// Withdraws the invitation if it is pending, as each is until its first withdrawal, in stock or not. That it
    /// costs one credit of the balance, heard of or not, is the least that it can cost; no page says what the balance
    /// counts.
    pub(super) fn withdraw(&mut self, id: &str) -> bool {
        let standing = self.standings.entry(id.into()).or_default();
        if std::mem::replace(&mut standing.withdrawn, true) {
            return false;
        }
        self.spend(1);
        // As many digits as the number has, or it would be another text for it.
        let number = id.parse().ok().filter(|_| !id.starts_with('0'));
        if let Some(place) = number.and_then(|number: u64| self.places.remove(&number)) {
            self.pending[place] = None;
        }
        true
    }

    /// Looks up what is pending, for one credit a page.
    pub(super) fn list(&mut self, span: Span, faults: ListFaults) -> Result<Sheet, Reply> {
        let sheet = sheet(self.pending.iter().flatten(), span, faults);
        let price = sheet.pages as u64;
        if self.credits.is_some_and(|credits| credits < price) {
            return Err(Reply::InsufficientCredits);
        }
        self.spend(price);
        Ok(sheet)
    }

    fn spend(&mut self, credits: u64) {
        self.credits = self.credits.map(|left| left.saturating_sub(credits));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::call::PAGE;
    use super::super::{InvitationType, SentTime};
    use super::*;

    const SPAN: Span = Span { kind: InvitationType::Connection, offset: 0, count: PAGE };

    fn account(ids: impl IntoIterator<Item = u64>, credits: Option<u64>) -> Account {
        let stock = ids.into_iter().map(|id| StockItem::new(id, SentTime::Age(Duration::ZERO)));
        Account::new(stock.collect(), credits)
    }

    fn listed(account: &mut Account) -> Vec<u64> {
        account.list(SPAN, ListFaults::default()).unwrap().items.iter().map(|item| item.id).collect()
    }

    #[test]
    fn a_withdrawal_takes_the_invitation_off_the_list_and_pages_move_up() {
        let mut account = account(1..=20, None);
        assert_eq!(listed(&mut account), (1..=10).collect::<Vec<_>>());
        // The first is another text for an ID in stock, the second is not in stock.
        for (id, withdrawn) in [("07", true), ("99", true), ("7", true), ("7", false), ("1", true)] {
            assert_eq!(account.withdraw(id), withdrawn, "{id}");
        }
        assert_eq!(listed(&mut account), [2, 3, 4, 5, 6, 8, 9, 10, 11, 12]);
    }

    #[test]
    fn a_list_costs_a_credit_a_page_or_is_refused() {
        let mut account = account(1..=20, Some(3));
        let two = Span { count: 2 * PAGE, ..SPAN };
        assert_eq!(account.list(two, ListFaults::default()).unwrap().pages, 2);
        assert_eq!(account.list(two, ListFaults::default()).unwrap_err(), Reply::InsufficientCredits);
        assert_eq!(account.credits(), Some(1));
    }
}
