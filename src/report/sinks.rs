//! Where events go, in the order they came: first into the report, then into the totals and onto the screen.

use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior};

use super::{EventLog, Observed, Progress, Report, Totals};
use crate::event::Event;
use crate::stop::{Stop, StopReason};

/// After a batch this large, more are on their way: they gather for a moment, so that one write serves them.
const FLOOD: usize = 8;
const MOMENT: Duration = Duration::from_millis(1);

/// Most events between two writes of the report, so that a flood of them can't delay it.
const MAX_BATCH: usize = 1_000;

#[derive(Debug)]
pub(crate) struct Sinks {
    pub events: mpsc::Receiver<Event>,
    /// `None` before there is one, and once it could not be written.
    pub report: Option<Report>,
    pub totals: Totals,
    pub log: EventLog,
    pub progress: Option<Progress>,
    /// What a page needs, where one is asked for.
    pub observed: Option<Observed>,
    /// Requested if the report can't be written.
    pub stop: Stop,
}

/// What the sinks came to.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub totals: Totals,
    pub observed: Option<Observed>,
}

impl Sinks {
    /// Listens while `work` goes on, and takes in all that it has told.
    pub(crate) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut tick = self.tick();
        loop {
            let done = tokio::select! {
                biased;
                Some(event) = self.events.recv() => {
                    self.take(event);
                    None
                }
                done = &mut work => Some(done),
                _ = tick.tick() => None,
            };
            self.take_batch();
            if let Some(done) = done {
                return done;
            }
        }
    }

    /// Listens until the last sender is gone, then finishes the report.
    pub(crate) async fn listen(mut self) -> Heard {
        let mut tick = self.tick();
        loop {
            tokio::select! {
                biased;
                event = self.events.recv() => match event {
                    Some(event) => self.take(event),
                    None => break,
                },
                _ = tick.tick() => {}
            }
            if self.take_batch() >= FLOOD {
                tokio::time::sleep(MOMENT).await;
            }
        }
        if let Some(report) = self.report.take() {
            let names = report.names();
            if let Err(error) = report.finish() {
                let lines = if error.kind() == io::ErrorKind::NotFound {
                    String::new()
                } else {
                    format!("; its lines are in {}", names.current().display())
                };
                let said =
                    format!("the report could not be finished ({}){lines}", crate::without_code(&error.to_string()));
                self.stop.request(StopReason::ReportUnwritable, said);
            }
        }
        Heard { totals: self.totals, observed: self.observed }
    }

    fn tick(&self) -> Interval {
        let period = self.progress.as_ref().map_or(Duration::from_secs(1), Progress::period);
        let mut tick = tokio::time::interval(period);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick
    }

    /// Takes events that are there already, so that they are written together. Returns how many.
    fn take_batch(&mut self) -> usize {
        let mut taken = 0;
        while taken < MAX_BATCH
            && let Ok(event) = self.events.try_recv()
        {
            self.take(event);
            taken += 1;
        }
        self.try_report(Report::write);
        if let Some(progress) = &self.progress {
            progress.show(&self.totals, &self.stop);
        }
        taken
    }

    fn take(&mut self, event: Event) {
        self.log.add(&event);
        if let Some(observed) = &mut self.observed {
            observed.take(&event);
        }
        if let Some(progress) = &mut self.progress {
            progress.take(&event);
        }
        match event {
            Event::Settled(settled) => {
                self.try_report(|report| report.add(&settled));
                self.totals.add_row(&settled);
            }
            Event::Called(called) => self.totals.add_call(&called),
            Event::UnknownWords(words) => self.totals.add_unknown_words(words),
            Event::PageRead { invitations } => self.totals.add_page(invitations),
            Event::ListCounted { account, pending } => drop(self.totals.pending.insert(account, pending)),
            Event::Held { .. }
            | Event::Resumed
            | Event::Retrying { .. }
            | Event::Learned(_)
            | Event::InputEnded { .. } => {}
        }
    }

    /// A report that can't be written stops the run. The totals are still counted.
    fn try_report(&mut self, write: impl FnOnce(&mut Report) -> io::Result<()>) {
        if let Some(report) = &mut self.report
            && let Err(error) = write(report)
        {
            let names = report.names();
            let name = names.current().display();
            let why = if error.kind() == io::ErrorKind::NotFound {
                format!("{error}: leave it alone while a run writes it")
            } else {
                why_unwritten(&error, "-o")
            };
            let said = format!("the report {name} could not be written: {why}");
            self.stop.request(StopReason::ReportUnwritable, said);
            self.report = None;
        }
    }
}

/// Why a file could not be written, with what to do about that.
pub(crate) fn why_unwritten(error: &io::Error, option: &str) -> String {
    let kind = error.kind();
    let error = crate::without_code(&error.to_string());
    if kind == io::ErrorKind::BrokenPipe {
        return format!("its reader closed it; let it read to the end, or choose a file with {option}");
    }
    let is_full =
        matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge);
    format!("{error}: {}choose another place with {option}", if is_full { "make room, or " } else { "" })
}
