//! `list`: prints the pending sent invitations, in a form that `run` reads.

use std::io;
use std::ops::ControlFlow;

use super::error::RunError;
use super::fetch::{Fetched, Way, fetch};
use super::output::Outputs;
use super::{job, target};
use crate::config::{ListRequest, Settings};
use crate::listing::{Keep, Lines, Listed};
use crate::pace::Pace;
use crate::report::{Format, ReportFile, Screen, Totals};
use crate::runner::stop_on_signals;
use crate::stop::{Stop, StopReason};

/// Lists, and returns the exit code. Each page's lines are written before the next page is bought.
///
/// # Errors
/// [`RunError`]: nothing was sent.
pub async fn list(settings: &Settings, list: &ListRequest, screen: &Screen) -> Result<u8, RunError> {
    let outputs = Outputs::choose(settings, Format::Csv)?;
    let stop = Stop::default();
    stop_on_signals(&stop)?;
    let facts = job::facts(settings);
    let target = target::ready(settings).await?;
    let pace = Pace::new(settings.rate, settings.patience);
    let summary_file = outputs.begin_summary()?;
    let (mut file, format) = outputs.begin_list()?;
    let lines = Lines(format);

    let way = Way { settings, target: &target, pace: &pace, stop: &stop, screen };
    let mut reader_is_gone = !write(&mut file, &stop, |out| lines.head(out));
    let Fetched { sum, .. } = fetch(&way, list, Keep::default(), |page: Vec<Listed>| {
        reader_is_gone |= !write(&mut file, &stop, |out| page.iter().try_for_each(|listed| lines.line(listed, out)));
        if reader_is_gone { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .await;
    let names = file.names();
    if let Err(error) = file.finish()
        && !reader_is_gone
    {
        stop.request(StopReason::ReportUnwritable, format!("the list could not be finished ({error})"));
    }

    let mut totals = Totals::new([settings.account.clone()]);
    totals.add_list(&settings.account, sum);
    let summary = job::sum_up(facts, totals, true, &stop);
    Ok(job::tell(settings, screen, summary, summary_file, Some(names.last())))
}

/// Writes lines at once. Returns whether more are wanted: not if whoever read them has gone, as `head` does, which is
/// nobody's fault.
fn write(file: &mut ReportFile, stop: &Stop, lines: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> bool {
    let mut out = Vec::new();
    match lines(&mut out).and_then(|()| file.write(&out)) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            tracing::info!("nobody reads the list any more: no further page is bought");
            false
        }
        Err(error) => {
            stop.request(
                StopReason::ReportUnwritable,
                format!("the list could not be written ({error}): make room or choose another place with -o"),
            );
            false
        }
    }
}
