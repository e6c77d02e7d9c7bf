//! Turns: the most calls in flight, shared out fairly among accounts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::invitation::AccountName;

/// A number of turns. While all are taken, the accounts that wait get them one after the other, whatever each of them has
/// to send.
#[derive(Clone, Debug)]
pub(super) struct Turns(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    free: usize,
    /// The accounts that wait, in the order in which they are served.
    waiting: VecDeque<(AccountName, VecDeque<oneshot::Sender<Turn>>)>,
}

/// The right to have one call in flight, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Turn(Option<Turns>);

impl Turns {
    pub(super) fn new(count: usize) -> Self {
        Self(Arc::new(Mutex::new(State { free: count, waiting: VecDeque::new() })))
    }

    /// Waits for a turn. Cancel-safe.
    pub(super) async fn acquire(&self, account: &AccountName) -> Turn {
        let waits = {
            let mut state = self.lock();
            if state.free > 0 {
                state.free -= 1;
                return Turn(Some(self.clone()));
            }
            state.wait(account)
        };
        match waits.await {
            Ok(turn) => turn,
            // The sender is in the queue until it has sent.
            Err(_) => std::future::pending().await,
        }
    }

    fn give_back(self) {
        loop {
            let next = {
                let mut state = self.lock();
                let next = state.next();
                state.free += usize::from(next.is_none());
                next
            };
            let Some(next) = next else { return };
            match next.send(Turn(Some(self.clone()))) {
                Ok(()) => return,
                // It does not wait any more: the turn is for the next one.
                Err(mut turn) => drop(turn.0.take()),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wait(&mut self, account: &AccountName) -> oneshot::Receiver<Turn> {
        let (sender, receiver) = oneshot::channel();
        match self.waiting.iter_mut().find(|(name, _)| name == account) {
            Some((_, calls)) => calls.push_back(sender),
            None => self.waiting.push_back((account.clone(), VecDeque::from([sender]))),
        }
        receiver
    }

    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let (account, mut calls) = self.waiting.pop_front()?;
        let next = calls.pop_front();
        if !calls.is_empty() {
            self.waiting.push_back((account, calls));
        }
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.0.take() {
            turns.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who gets the turns, one after the other, where there is one turn and these wait for it.
    async fn served(waiting: &str, gone: &[usize]) -> String {
        let turns = Turns::new(1);
        let first = turns.acquire(&AccountName::default()).await;
        let served = Arc::new(Mutex::new(String::new()));
        let mut waits = Vec::new();
        for name in waiting.chars() {
            let (turns, served) = (turns.clone(), Arc::clone(&served));
            waits.push(tokio::spawn(async move {
                let turn = turns.acquire(&AccountName::parse(&name.to_string()).unwrap()).await;
                served.lock().unwrap().push(name);
                tokio::task::yield_now().await;
                drop(turn);
            }));
            tokio::task::yield_now().await;
        }
        for at in gone {
            waits[*at].abort();
            tokio::task::yield_now().await;
        }
        drop(first);
        for wait in waits {
            let _ = wait.await;
        }
        // Nothing was lost on the way.
        drop(turns.acquire(&AccountName::default()).await);
        served.lock().unwrap().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn accounts_take_turns_whatever_each_has_to_send() {
        assert_eq!(served("aaaabbc", &[]).await, "abcabaa");
        assert_eq!(served("aaaa", &[]).await, "aaaa");
        assert_eq!(served("aabb", &[0, 2]).await, "ab");
        assert_eq!(served("ab", &[0, 1]).await, "");
    }
}
