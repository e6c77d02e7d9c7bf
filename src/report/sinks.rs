//! Where events go: into the report first, then into totals and onto the screen. One thread, in the order they came.

use std::io;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::{Progress, Report, Totals};
use crate::event::Event;
use crate::stop::{Stop, StopReason};

/// Events that are taken in before the report is written, so that a flood can't keep it waiting.
const MOST_TOGETHER: usize = 1_000;

#[derive(Debug)]
pub(crate) struct Sinks {
    /// The report; none once it has failed.
    pub report: Option<Report>,
    pub totals: Totals,
    /// The bar or the lines.
    pub progress: Progress,
    /// Asked for where the report can't be written.
    pub stop: Stop,
}

impl Sinks {
    /// Listens until the last sender is gone, then finishes the report. Returns the sums.
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
            // What waits is written together; nothing waits for more to come.
            for _ in 0..MOST_TOGETHER {
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
                        "the report could not be finished ({error}); its lines stand in {}",
                        names.last().display()
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

    /// A report that can't be written stops the run; the totals go on being counted.
    fn try_report(&mut self, write: impl FnOnce(&mut Report) -> io::Result<()>) {
        if let Some(report) = &mut self.report
            && let Err(error) = write(report)
        {
            let names = report.names();
            let name = names.last().display();
            let next = "make room or choose another place with -o, then run the same command again";
            self.stop.request(
                StopReason::ReportUnwritable,
                format!("the report {name} could not be written ({error}): {next}"),
            );
            self.report = None;
        }
    }
}
