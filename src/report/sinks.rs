//! Where events go: into the report first, then into totals and onto the screen. One thread, in the order they came.

use std::io;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::{Columns, Progress, ReportFile, Totals, csv, jsonl};
use crate::event::{Event, Settled};
use crate::stop::{Stop, StopReason};

/// Events that are taken in before the report is written, so that a flood can't keep it waiting.
const MOST_TOGETHER: usize = 1_000;

/// How the report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    JsonLines,
}

/// The results report: one line for each row, in the order in which rows are settled.
#[derive(Debug)]
pub(crate) struct Report {
    file: ReportFile,
    format: Format,
    columns: Columns,
    buffer: Vec<u8>,
}

impl Report {
    /// Begins a report with its header.
    pub(crate) fn begin(file: ReportFile, format: Format, columns: Columns) -> io::Result<Self> {
        let mut buffer = Vec::new();
        match format {
            Format::Csv => csv::head(&columns, &mut buffer)?,
            Format::JsonLines => {}
        }
        let mut report = Self { file, format, columns, buffer };
        report.write()?;
        Ok(report)
    }

    pub(crate) fn file(&self) -> &ReportFile {
        &self.file
    }

    /// Leaves nothing behind: there is nothing to report.
    pub(crate) fn discard(self) {
        self.file.discard();
    }

    fn add(&mut self, settled: &Settled) -> io::Result<()> {
        match self.format {
            Format::Csv => csv::line(&self.columns, settled, &mut self.buffer),
            Format::JsonLines => jsonl::line(&self.columns, settled, &mut self.buffer),
        }
    }

    fn write(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = self.file.write(&self.buffer);
        self.buffer.clear();
        written
    }
}

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
            self.progress.show(&self.totals);
        }
        self.progress.end();
        if let Some(report) = self.report.take() {
            let names = report.file.names();
            if let Err(error) = report.file.finish() {
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
            let names = report.file.names();
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
