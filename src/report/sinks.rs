//! Where events go, in the order they came: first into the report, then into the totals and onto the screen.

use std::io;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::{Progress, Report, Totals};
use crate::event::Event;
use crate::stop::{Stop, StopReason};

/// Most events between two writes of the report, so that a flood of them can't delay it.
const MAX_BATCH: usize = 1_000;

#[derive(Debug)]
pub(crate) struct Sinks {
    /// `None` once it could not be written.
    pub report: Option<Report>,
    pub totals: Totals,
    pub progress: Progress,
    /// Requested if the report can't be written.
    pub stop: Stop,
}

impl Sinks {
    /// Listens until the last sender is gone, then finishes the report.
    pub(crate) async fn listen(mut self, mut events: mpsc::Receiver<Event>) -> Totals {
        let mut tick = tokio::time::interval(self.progress.period());
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                event = events.recv() => match event {
                    Some(event) => self.take(event),
                    None => break,
                },
                _ = tick.tick() => {}
            }
            // Events that are there already are written together; none waits for more to come.
            for _ in 0..MAX_BATCH {
                let Ok(event) = events.try_recv() else { break };
                self.take(event);
            }
            self.try_report(Report::write);
            self.progress.show_rows(&self.totals);
        }
        if let Some(report) = self.report.take() {
            let names = report.names();
            if let Err(error) = report.finish() {
                self.stop.request(
                    StopReason::ReportUnwritable,
                    format!(
                        "the report could not be finished ({error}); its lines are in {}",
                        names.current().display()
                    ),
                );
            }
        }
        self.totals
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Settled(settled) => {
                self.try_report(|report| report.add(&settled));
                self.totals.add(&settled);
            }
            Event::Held { until } => self.progress.set_hold(Some(until)),
            Event::Resumed => self.progress.set_hold(None),
            Event::InputEnded { rows } => self.progress.set_total(rows),
        }
    }

    /// A report that can't be written stops the run. The totals are still counted.
    fn try_report(&mut self, write: impl FnOnce(&mut Report) -> io::Result<()>) {
        if let Some(report) = &mut self.report
            && let Err(error) = write(report)
        {
            let names = report.names();
            let name = names.current().display();
            let next = "make room or choose another place with -o, then run the same command again";
            self.stop.request(
                StopReason::ReportUnwritable,
                format!("the report {name} could not be written ({error}): {next}"),
            );
            self.report = None;
        }
    }
}
