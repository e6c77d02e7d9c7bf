//! From settled to told: the sinks hear of a row once its outcome is kept.
//!
//! A worker need not wait for that. What it settled stands in line before its next intent, so that a crash still finds at
//! most one call of each worker without its outcome; and one commit serves both.

use tokio::sync::mpsc;

use crate::event::{Event, Settled};
use crate::ledger::LedgerError;
use crate::stop::{Stop, StopReason};

/// A row that is settled, and its outcome about to be kept.
#[derive(Debug)]
pub(super) struct Settling<K> {
    pub(super) settled: Settled,
    pub(super) keeping: K,
}

/// Tells of each row once it is kept, in the order in which they were settled, until no worker is left.
pub(super) async fn tell_when_kept<K>(mut line: mpsc::Receiver<Settling<K>>, events: mpsc::Sender<Event>, stop: Stop)
where
    K: Future<Output = Result<(), LedgerError>>,
{
    while let Some(Settling { mut settled, keeping }) = line.recv().await {
        if let Err(error) = keeping.await {
            stop_for(&stop, &error);
            settled.detail.push_str(" (this could not be kept in the ledger)");
        }
        tell(&events, &stop, Event::Settled(settled)).await;
    }
}

/// A ledger that can't be written stops the run.
pub(super) fn stop_for(stop: &Stop, error: &LedgerError) {
    stop.request(StopReason::LedgerUnwritable, crate::error_chain(error));
}

/// Tells the sinks. If they are gone, nothing more may be sent: nobody would know of it.
pub(super) async fn tell(events: &mpsc::Sender<Event>, stop: &Stop, event: Event) {
    if events.send(event).await.is_err() {
        stop.request(StopReason::ReportUnwritable, "the report is not written any more");
    }
}
