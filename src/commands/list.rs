//! `list`: prints the pending sent invitations, in a form that `run` reads.

use std::io;
use std::ops::ControlFlow;

use super::error::RunError;
use super::fetch::{Fetched, Way, fetch};
use super::output::{OutputError, Outputs};
use super::stopping::unless_stopped;
use super::{job, target};
use crate::config::Settings;
use crate::exit;
use crate::listing::{Keep, Lines, Listed};
use crate::pace::Pace;
use crate::report::{Format, ReportFile, Screen, Totals};
use crate::runner::stop_on_signals;
use crate::stop::{Stop, StopReason};

/// Lists, and returns the exit code. Each page's lines are written before the next page is bought.
pub(crate) async fn list(settings: &Settings, screen: &Screen) -> Result<u8, RunError> {
    let outputs = Outputs::choose(settings, Format::Csv)?;
    let stop = Stop::default();
    stop_on_signals(&stop)?;
    let facts = job::facts(settings);
    let target = target::ready(settings).await?;
    let pace = Pace::new(settings.rate, settings.patience);
    // To open a pipe takes until somebody reads it.
    let opened = unless_stopped(&stop, "outputs", move || {
        let summary = outputs.begin_summary()?;
        Ok::<_, OutputError>((summary, outputs.begin_list()?))
    });
    let (summary_file, (file, format)) = opened.await??;
    let names = file.names();
    let mut sink = Sink { file: Some(file), stop: &stop };

    let way = Way { settings, target: &target, pace: &pace, stop: &stop, screen };
    let lines = Lines(format);
    sink.write(|out| lines.head(out));
    let Fetched { listing, .. } = fetch(&way, Keep::default(), async |page: Vec<Listed>| {
        sink.write(|out| page.iter().try_for_each(|listed| lines.line(listed, out)));
        if sink.file.is_some() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
    .await;
    sink.end(listing.sum.pages > 0);

    let mut totals = Totals::new([settings.account.clone()]);
    totals.add_list(&settings.account, listing.sum);
    let mut summary = job::sum_up(facts, totals, listing.complete, &stop);
    if !stop.is_requested() {
        // Whole, or as much as whoever reads it wanted.
        summary.exit_code = exit::FINE;
    }
    Ok(job::tell(settings, screen, summary, summary_file, Some(names.last())))
}

/// Where the lines go, for as long as somebody takes them.
struct Sink<'a> {
    file: Option<ReportFile>,
    stop: &'a Stop,
}

impl Sink<'_> {
    /// Writes lines at once. Closes the file if that fails.
    fn write(&mut self, lines: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) {
        let Some(file) = &mut self.file else { return };
        let mut out = Vec::new();
        let Err(error) = lines(&mut out).and_then(|()| file.write(&out)) else { return };
        self.file = None;
        if error.kind() == io::ErrorKind::BrokenPipe {
            // As `head` does, which is no failure.
            tracing::info!("nobody reads the list any more: no further page is bought");
        } else {
            self.stop.request(
                StopReason::ReportUnwritable,
                format!("the list could not be written ({error}): make room or choose another place with -o"),
            );
        }
    }

    /// Makes the list last, if there is anything in it; an older one of its name stays otherwise.
    fn end(self, has_pages: bool) {
        let Some(file) = self.file else { return };
        if !has_pages && self.stop.is_requested() {
            file.discard();
        } else if let Err(error) = file.finish() {
            self.stop.request(StopReason::ReportUnwritable, format!("the list could not be finished ({error})"));
        }
    }
}
