//! The lists that rows ask for who name people by their profiles: the reader of the input waits for one, and whoever serves
//! it fetches.
//!
//! Owns that nothing is withdrawn from an account while its list is fetched: each withdrawal shifts the pages that are still
//! to come, and somebody would be missed. Does not fetch.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, mpsc, oneshot};

use crate::invitation::AccountName;
use crate::listing::People;

/// One lock for each account: its withdrawals share it, its list has it for itself.
#[derive(Clone, Debug)]
struct Quiet(Arc<HashMap<AccountName, RwLock<()>>>);

/// Where lists are asked for, and withdrawals wait while one is fetched.
#[derive(Clone, Debug)]
pub(crate) struct Lists {
    asked: mpsc::Sender<ListRequest>,
    quiet: Quiet,
    /// The lists that are known to be needed, so that they are fetched before anybody on them is withdrawn.
    wanted: Vec<AccountName>,
}

/// What is asked for.
#[derive(Debug)]
pub(crate) struct ListRequests {
    asked: mpsc::Receiver<ListRequest>,
    quiet: Quiet,
}

#[derive(Debug)]
pub(crate) struct ListRequest {
    pub(crate) account: AccountName,
    pub(crate) reply: oneshot::Sender<People>,
}

/// A way to ask for the lists of these accounts, which begins with those that are wanted for certain.
pub(crate) fn lists(
    accounts: impl IntoIterator<Item = AccountName>,
    wanted: Vec<AccountName>,
) -> (Lists, ListRequests) {
    let quiet = Quiet(Arc::new(accounts.into_iter().map(|account| (account, RwLock::new(()))).collect()));
    // One reader asks, and waits.
    let (ask, asked) = mpsc::channel(1);
    (Lists { asked: ask, quiet: quiet.clone(), wanted }, ListRequests { asked, quiet })
}

impl Lists {
    pub(super) fn take_wanted(&mut self) -> Vec<AccountName> {
        std::mem::take(&mut self.wanted)
    }

    /// Asks for a list and waits until it is there; `None` where nobody fetches any more.
    pub(super) async fn fetch(&self, account: &AccountName) -> Option<People> {
        let (reply, people) = oneshot::channel();
        self.asked.send(ListRequest { account: account.clone(), reply }).await.ok()?;
        people.await.ok()
    }

    /// Waits while a list of the account is fetched, and keeps one from being fetched meanwhile.
    pub(super) async fn withdrawing(&self, account: &AccountName) -> Option<RwLockReadGuard<'_, ()>> {
        Some(self.quiet.0.get(account)?.read().await)
    }
}

impl ListRequests {
    /// The next request; `None` when nobody can ask any more.
    pub(crate) async fn next(&mut self) -> Option<ListRequest> {
        self.asked.recv().await
    }

    /// Waits for the account's withdrawals that are under way, and holds up others meanwhile.
    pub(crate) async fn quiet(&self, account: &AccountName) -> Option<RwLockWriteGuard<'_, ()>> {
        Some(self.quiet.0.get(account)?.write().await)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_millis(10);

    #[tokio::test(start_paused = true)]
    async fn nothing_is_withdrawn_from_an_account_while_its_list_is_fetched() {
        let [sales, other] = ["sales", "other"].map(|name| AccountName::parse(name).unwrap());
        let (lists, requests) = lists([sales.clone(), other.clone()], Vec::new());
        let withdrawing = lists.withdrawing(&sales).await;
        assert!(timeout(SOON, requests.quiet(&sales)).await.is_err(), "one is under way");
        assert!(timeout(SOON, lists.withdrawing(&sales)).await.is_ok(), "as many as there are workers");
        drop(withdrawing);
        let fetching = timeout(SOON, requests.quiet(&sales)).await.unwrap();
        assert!(timeout(SOON, lists.withdrawing(&sales)).await.is_err());
        assert!(timeout(SOON, lists.withdrawing(&other)).await.is_ok(), "another account is not held up");
        drop(fetching);
        assert!(timeout(SOON, lists.withdrawing(&sales)).await.is_ok());
    }
}
