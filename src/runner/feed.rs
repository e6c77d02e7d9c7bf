//! The way from the input to the accounts' queues; rows that need no call go straight to the sinks.
//!
//! # Memory, and what a file sorted by account costs
//!
//! Each account has a queue of at most [`QUEUE`] rows, opened at its first row; where a run has only one account, it holds
//! two rows for each worker. Beside the row that each worker has in hand, that is all there is of the input in memory.
//!
//! Where an account's queue is full and another account's is about to run dry, an input that can be read again is read on:
//! from there the rows of the first account are passed over, and a later pass picks them up. So a file that is sorted by
//! account keeps all of its accounts busy. Each later pass reads the whole file again, and fills at least half a queue (or
//! all that is left of an account): with `n` rows there are at most `n / 500` later passes and one for each account, and
//! mostly one for each 500 rows of an account. A pass takes about a second for a million rows. An input that can be read
//! only once waits for the account whose queue is full.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::triage::unsent;
use super::{Bounds, Lists, ReadyRow, Route, Triage};
use crate::event::{Event, Settled};
use crate::input::{InputError, ReadError};
use crate::invitation::{AccountName, Row, RowError};
use crate::listing::People;
use crate::outcome::Outcome;
use crate::stop::{Stop, StopReason};

/// Rows that wait for one of several accounts.
pub(super) const QUEUE: usize = 1_000;

/// An item of an input.
pub(crate) type Item = Result<Result<Row, RowError>, ReadError>;

/// Opens an input again, from its start.
type Again<I> = Box<dyn FnMut() -> Result<I, InputError> + Send>;

/// Rows of an input.
pub(crate) struct Rows<I> {
    pub(crate) first: I,
    /// `None` for an input that can be read only once, which may never end.
    pub(crate) again: Option<Again<I>>,
}

/// The rows of one account, for its workers.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) account: AccountName,
    pub(super) rows: mpsc::Receiver<ReadyRow>,
}

/// Reads the input and hands each row on. Needs a thread of its own, since reading blocks.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) triage: Triage,
    pub(super) lists: Lists,
    pub(super) bounds: Arc<Bounds>,
    pub(super) accounts: Accounts,
    /// Rows that need no call, and the input's end. Weak, so that a reader which is stuck in an input without end can't
    /// keep the sinks waiting.
    pub(super) events: mpsc::WeakSender<Event>,
    /// Whether reading on makes sense.
    pub(super) stop: Stop,
}

/// The accounts that had a row, and the way to their workers.
#[derive(Debug)]
pub(super) struct Accounts {
    by_name: HashMap<AccountName, Lane>,
    /// How many there are, with those that had no row yet.
    count: usize,
    /// Takes each queue as soon as there is one.
    opened: mpsc::Sender<Queue>,
    /// Says that a queue is about to run dry.
    runs_dry: mpsc::Receiver<()>,
    queue: usize,
}

/// One account's rows.
#[derive(Debug)]
struct Lane {
    queue: mpsc::Sender<ReadyRow>,
    stop: Stop,
    /// A full queue is filled again once it has room for so many rows.
    room: usize,
    /// The number of the first row that was not handed on.
    next: u64,
    /// The number of the last row that was seen.
    last: u64,
    /// Whether its rows are passed over until the next pass.
    is_passed_over: bool,
}

/// Nobody listens any more, or the input broke off.
#[derive(Debug)]
struct Ended;

impl Feed {
    /// Reads to the input's end. Returns whether that was reached: a stop ends an input that may never end, and a read
    /// error any.
    pub(super) async fn run<I: Iterator<Item = Item>>(mut self, rows: Rows<I>) -> bool {
        let is_complete = self.feed(rows).await.is_ok();
        self.triage.warn_of_perhaps_kept();
        is_complete
    }

    async fn feed<I: Iterator<Item = Item>>(&mut self, Rows { first, mut again }: Rows<I>) -> Result<(), Ended> {
        for account in self.lists.take_wanted() {
            self.learn(account).await;
        }
        let pass = if again.is_some() { Pass::First } else { Pass::Only };
        let (rows, is_whole) = self.pass(first, pass).await?;
        if is_whole {
            self.tell(Event::InputEnded { rows }).await?;
        }
        while let Some(again) = again.as_mut().filter(|_| self.accounts.have_more()) {
            self.accounts.begin_pass().await;
            let input = again().map_err(|error| broken_off(&error))?;
            // Where it broke off before, it may break off again.
            let (read, _) = self.pass(input.take(usize::try_from(rows).unwrap_or(usize::MAX)), Pass::Later).await?;
            if read < rows {
                tracing::error!("the input changed while it was read; its rows that were passed over are not reported");
                return Err(Ended);
            }
        }
        if is_whole { Ok(()) } else { Err(Ended) }
    }

    /// Reads the input once. Returns the number of its rows, bad ones included, and whether that is all of them.
    async fn pass(&mut self, rows: impl Iterator<Item = Item>, pass: Pass) -> Result<(u64, bool), Ended> {
        let mut read = 0;
        for row in rows {
            let row = match row {
                Ok(row) => row,
                Err(error) => {
                    broken_off(&error);
                    return Ok((read, false));
                }
            };
            read += 1;
            match row.as_ref().ok().and_then(|row| Some((row.number, self.triage.account_of(row)?.clone()))) {
                Some((number, account)) => {
                    self.accounts.open(&account, &self.bounds).await?;
                    if self.accounts.takes(&account, number, pass).await {
                        self.hand_on(row, Some(&account)).await?;
                    }
                }
                None if pass == Pass::Later => {}
                None => self.hand_on(row, None).await?,
            }
            if pass == Pass::Only && self.stop.is_requested() {
                return Err(Ended);
            }
        }
        Ok((read, true))
    }

    async fn hand_on(&mut self, mut row: Result<Row, RowError>, account: Option<&AccountName>) -> Result<(), Ended> {
        let settled = loop {
            match self.triage.route(row) {
                Route::List(name, waiting) => {
                    self.learn(name).await;
                    row = Ok(waiting);
                }
                Route::Call(ready) => match account.and_then(|account| self.accounts.by_name.get(account)) {
                    Some(lane) => match lane.queue(ready).await {
                        Ok(()) => return Ok(()),
                        Err(settled) => break *settled,
                    },
                    None => break unsent(ready, Outcome::NotAttempted, self.stop.before_this_row()),
                },
                Route::NoCall(settled) => break settled,
                Route::Unknown(settled, error) => {
                    self.stop.request(StopReason::LedgerUnwritable, crate::error_chain(&error));
                    break settled;
                }
            }
        };
        self.tell(Event::Settled(settled)).await
    }

    /// Waits for the account's list.
    async fn learn(&mut self, account: AccountName) {
        let fetched = self.lists.fetch(&account).await;
        let stopped = || People::unknown(Outcome::NotAttempted, self.bounds.account(&account).stop.before_this_row());
        let people = fetched.unwrap_or_else(stopped);
        self.triage.learn(account, people);
    }

    async fn tell(&mut self, event: Event) -> Result<(), Ended> {
        let events = self.events.upgrade().ok_or(Ended)?;
        events.send(event).await.map_err(|_| Ended)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// Of an input that can be read only once.
    Only,
    First,
    Later,
}

fn broken_off(error: &dyn std::error::Error) -> Ended {
    tracing::error!("{}; the rows read so far are reported", crate::error_chain(error));
    Ended
}

impl Accounts {
    /// For so many accounts, each with a queue of this length.
    pub(super) fn new(count: usize, queue: usize, opened: mpsc::Sender<Queue>, runs_dry: mpsc::Receiver<()>) -> Self {
        Self { by_name: HashMap::new(), count, opened, runs_dry, queue }
    }

    async fn open(&mut self, name: &AccountName, bounds: &Bounds) -> Result<(), Ended> {
        if self.by_name.contains_key(name) {
            return Ok(());
        }
        let (queue, rows) = mpsc::channel(self.queue);
        self.opened.send(Queue { account: name.clone(), rows }).await.map_err(|_| Ended)?;
        let stop = bounds.account(name).stop.clone();
        // Other accounts don't wait for that.
        let room = if self.count > 1 { 1 } else { self.queue / 4 };
        self.by_name.insert(name.clone(), Lane { queue, stop, room, next: 0, last: 0, is_passed_over: false });
        Ok(())
    }

    /// Whether this row is handed on now: not if that was done before, or if it is passed over.
    async fn takes(&mut self, name: &AccountName, number: u64, pass: Pass) -> bool {
        let Some(lane) = self.by_name.get_mut(name) else { return false };
        lane.last = lane.last.max(number);
        if number < lane.next || lane.is_passed_over {
            return false;
        }
        let passes_over = pass != Pass::Only && self.passes_over(name, number, pass).await;
        if let Some(lane) = self.by_name.get_mut(name) {
            lane.is_passed_over = passes_over;
            lane.next = if passes_over { number } else { number + 1 };
        }
        !passes_over
    }

    /// Whether the account's queue is full and another one needs rows that come later. Waits until that is decided.
    async fn passes_over(&mut self, name: &AccountName, number: u64, pass: Pass) -> bool {
        while self.by_name.get(name).is_some_and(Lane::is_full) {
            match self.another_runs_dry(name, number, pass) {
                Some(true) => return true,
                // All workers are gone.
                Some(false) if self.runs_dry.recv().await.is_none() => return false,
                Some(false) => {}
                // There is nobody to read on for, so a place in the queue is waited for.
                None => return false,
            }
        }
        false
    }

    /// Whether another account needs rows. `None` where none has rows that come after this one.
    fn another_runs_dry(&self, name: &AccountName, number: u64, pass: Pass) -> Option<bool> {
        if pass == Pass::First && self.by_name.len() < self.count {
            return Some(true);
        }
        let is_ahead = |lane: &Lane| pass == Pass::First || lane.is_passed_over || lane.last > number;
        let others = self.by_name.iter().filter(|(other, lane)| *other != name && is_ahead(lane));
        others.map(|(_, lane)| lane.runs_dry()).reduce(|one, another| one || another)
    }

    /// Whether rows were passed over.
    fn have_more(&self) -> bool {
        self.by_name.values().any(Lane::has_more)
    }

    /// Waits until a queue needs rows that were passed over. They are taken from now on.
    async fn begin_pass(&mut self) {
        while !self.by_name.values().any(|lane| lane.has_more() && lane.runs_dry()) {
            if self.runs_dry.recv().await.is_none() {
                break;
            }
        }
        for lane in self.by_name.values_mut() {
            lane.is_passed_over = false;
        }
    }
}

impl Lane {
    fn has_more(&self) -> bool {
        self.next <= self.last
    }

    /// Whether a row would have to wait for its place in the queue.
    fn is_full(&self) -> bool {
        self.queue.capacity() == 0 && !self.is_over()
    }

    fn runs_dry(&self) -> bool {
        let waiting = self.queue.max_capacity() - self.queue.capacity();
        waiting <= low(self.queue.max_capacity()) || self.is_over()
    }

    /// Whether its rows need no place in the queue.
    fn is_over(&self) -> bool {
        self.queue.is_closed() || self.stop.is_requested()
    }

    /// Queues a row. After a stop, it gives it back as settled.
    async fn queue(&self, ready: ReadyRow) -> Result<(), Box<Settled>> {
        let stopped = |ready| Box::new(unsent(ready, Outcome::NotAttempted, self.stop.before_this_row()));
        if self.stop.is_requested() {
            return Err(stopped(ready));
        }
        if self.queue.capacity() == 0 {
            // Waking up for each row that was taken costs more than the row. If it is closed, sending fails as well.
            drop(self.queue.reserve_many(self.room).await);
        }
        self.queue.send(ready).await.map_err(|mpsc::error::SendError(ready)| stopped(ready))
    }
}

/// From this number of rows on, a queue needs more.
pub(super) const fn low(queue: usize) -> usize {
    queue / 2
}
