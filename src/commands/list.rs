//! `list`: prints the pending sent invitations, in a form that `run` reads.

use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

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
use crate::runner::{on_a_thread, stop_on_signals};
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
    let mut sink = Sink { file: Some(file), stop: &stop, patience: settings.timeout };

    let way = Way { settings, target: &target, pace: &pace, stop: &stop, screen };
    let lines = Lines(format);
    sink.write(|out| lines.head(out)).await?;
    let mut failure = None;
    let Fetched { listing, .. } = fetch(&way, Keep::default(), async |page: Vec<Listed>| {
        match sink.write(|out| page.iter().try_for_each(|listed| lines.line(listed, out))).await {
            Ok(()) if sink.file.is_some() => ControlFlow::Continue(()),
            Ok(()) => ControlFlow::Break(()),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    })
    .await;
    if let Some(error) = failure {
        return Err(error);
    }
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
    /// How long a stopped list waits for whoever does not read on.
    patience: Duration,
}

impl Sink<'_> {
    /// Writes lines at once. Afterwards there is no file, if whoever read it has gone or can't be waited for.
    async fn write(&mut self, lines: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Result<(), RunError> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let mut out = Vec::new();
        lines(&mut out)?;
        // On a thread of its own: a pipe that is full blocks until somebody reads it.
        let written = on_a_thread("list", move || (file.write(&out), file))?;
        let stuck = async {
            self.stop.requested().await;
            tokio::time::sleep(self.patience).await;
        };
        let (result, file) = tokio::select! {
            written = written => written.map_err(|_| io::Error::other("the thread that writes the list broke off"))?,
            () = stuck => return Err(RunError::Stalled(self.patience)),
        };
        match result {
            Ok(()) => self.file = Some(file),
            // As `head` does, which is nobody's fault.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                tracing::info!("nobody reads the list any more: no further page is bought");
            }
            Err(error) => self.stop.request(
                StopReason::ReportUnwritable,
                format!("the list could not be written ({error}): make room or choose another place with -o"),
            ),
        }
        Ok(())
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
