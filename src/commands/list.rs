//! `list`: prints the pending sent invitations, in a form that `run` reads.

use std::ops::ControlFlow;

use super::ending::Done;
use super::error::CommandError;
use super::fetch::fetch;
use super::job::{Job, Opened};
use super::output::Outputs;
use crate::config::Settings;
use crate::listing::Keep;
use crate::report::{Format, RunFacts, Screen};
use crate::runner::stop_on_signals;
use crate::stop::Stop;

/// Lists. Each page is written before the next one is fetched.
pub(super) async fn list(settings: &Settings, facts: RunFacts, screen: &Screen) -> Result<Done, CommandError> {
    let outputs = Outputs::choose(settings, Format::Csv)?;
    let stop = Stop::default();
    stop_on_signals(&stop)?;
    let mut job = Job::begin_beside(settings, facts, Keep::default(), screen, &stop).await?;
    let asked = stop.clone();
    let has_accounts = settings.listed_accounts().nth(1).is_some();
    let begin = move |outputs: &Outputs| outputs.begin_list(has_accounts, asked);
    let Opened { summary, page, out: mut sink } = job.open(outputs, begin).await?;
    let names = sink.names().clone();
    let fetched = fetch(&mut job, async |page| {
        sink.write(&page);
        if sink.is_open() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
    .await;
    fetched.end.stop_if_unavailable(&stop);
    if let Some(observed) = &mut job.sinks.observed {
        observed.set_backlog(fetched.backlog.clone());
    }
    sink.end(job.sinks.totals.list.is_some_and(|list| list.pages > 0));
    Ok(job.end_list(&fetched.end, true, summary, page, names.current()).await)
}
