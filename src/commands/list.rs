//! `list`: prints the pending sent invitations, in a form that `run` reads.

use std::ops::ControlFlow;

use super::error::CommandError;
use super::fetch::{Fetched, Way, fetch};
use super::job::unless_stopped;
use super::output::{OutputError, Outputs};
use super::{job, target};
use crate::config::Settings;
use crate::exit;
use crate::listing::Keep;
use crate::pace::Pace;
use crate::report::{Format, Screen, Totals};
use crate::runner::stop_on_signals;
use crate::stop::Stop;

/// Lists, and returns the exit code. Each page's lines are written before the next page is bought.
pub(crate) async fn list(settings: &Settings, screen: &Screen) -> Result<u8, CommandError> {
    let outputs = Outputs::choose(settings, Format::Csv)?;
    let stop = Stop::default();
    stop_on_signals(&stop)?;
    let facts = job::facts(settings);
    let target = target::ready(settings).await?;
    let pace = Pace::new(settings.rate, settings.patience);
    // Opening a pipe blocks until somebody reads it.
    let asked = stop.clone();
    let opened = unless_stopped(&stop, "outputs", move || {
        let summary = outputs.begin_summary()?;
        Ok::<_, OutputError>((summary, outputs.begin_list(asked)?))
    });
    let (summary_file, mut sink) = opened.await??;
    let names = sink.names().clone();

    let way = Way { settings, target: &target, pace: &pace, stop: &stop, screen };
    let Fetched { listing, .. } = fetch(&way, Keep::default(), async |page| {
        sink.write(&page);
        if sink.is_open() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
    .await;
    sink.end(listing.sum.pages > 0);

    let mut totals = Totals::new([settings.account.clone()]);
    totals.add_list(&settings.account, listing.sum);
    let mut summary = job::sum_up(facts, totals, listing.complete, &stop);
    if !stop.is_requested() {
        // The list is whole, or its reader closed the pipe early.
        summary.exit_code = exit::FINE;
    }
    Ok(job::tell(settings, screen, summary, summary_file, Some(names.current())))
}
