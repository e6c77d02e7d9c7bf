//! `verify`: fetches each account's list once, and compares the ledger with it.

use std::ops::ControlFlow;

use super::ending::Done;
use super::error::CommandError;
use super::fetch::fetch;
use super::job::{self, Job, Opened};
use super::list_cost::ListCost;
use super::output::Outputs;
use super::put_right::put_right;
use super::target;
use crate::api::ApiVersion;
use crate::config::Settings;
use crate::exit;
use crate::listing::Keep;
use crate::report::{Format, RunFacts, Screen, plural, why_unwritten};
use crate::runner::stop_on_signals;
use crate::stop::{Stop, StopReason};

pub(super) async fn verify(settings: &Settings, facts: RunFacts, screen: &Screen) -> Result<Done, CommandError> {
    job::refuse_unasked(settings)?;
    let outputs = Outputs::choose(settings, Format::Csv)?;
    if settings.dry_run {
        return dry_run(settings, &outputs, screen).map_err(|error| CommandError::DryRun(Box::new(error)));
    }
    let stop = Stop::default();
    stop_on_signals(&stop, screen)?;
    let mut job = Job::begin(settings, facts, Keep::default(), screen, &stop).await?;
    let cost = ListCost::of(settings, &job.lookup(false)?)?;
    if job::must_ask(settings) {
        let declined = "nothing was fetched (you answered no)".to_owned();
        job.confirm(&format!("{}\n", cost.table()), "Fetch the list?", declined).await?;
    } else {
        tracing::info!("fetching the list: {}", cost.words());
    }
    let Opened { summary, page: _, out: mut report } = job.open(outputs, Outputs::begin_differences).await?;
    let names = report.names();
    if settings.api == ApiVersion::V2 {
        tracing::info!("LinkUp's own log of calls (/v2/logs) is not compared: its form is not documented");
    }
    let fetched = fetch(&mut job, async |_| ControlFlow::Continue(())).await;
    fetched.end.stop_if_unavailable(&stop);
    let sum = put_right(&job, &fetched.lists, |account, differences| report.add(account, differences)).await;
    let has_pages = job.sinks.totals.list.is_some_and(|list| list.pages > 0);
    match stop.cause().map(|cause| cause.reason) {
        Some(StopReason::ReportUnwritable) => {}
        Some(_) if !has_pages => report.discard(),
        cause @ (Some(_) | None) => {
            // Its columns' names alone would say nothing.
            let is_same = report.is_table && cause.is_none() && sum.total() == 0;
            let compared = plural(sum.compared, "settled invitation");
            let ended = match is_same {
                true => report.end_with(&format!("No differences: {compared} compared.")),
                false => report.finish(),
            };
            if let Err(error) = ended {
                let said = format!("the report could not be finished: {}", why_unwritten(&error, "-o"));
                stop.request(StopReason::ReportUnwritable, said);
            }
        }
    }
    Ok(job.end_list(&fetched.end, sum.total() == 0, summary, None, names.current()).await)
}

/// Says what it would cost. Neither the ledger's lock nor a call is needed for that.
fn dry_run(settings: &Settings, outputs: &Outputs, screen: &Screen) -> Result<Done, CommandError> {
    let cost = ListCost::of(settings, &target::look_up(settings, false)?)?;
    let file = outputs.begin_summary()?;
    screen.print_as("plan", &format!("{}\ndry run: nothing was sent\n", cost.table()));
    Ok(Done::Planned { plan: cost.to_json(), file, exit_code: exit::FINE })
}
