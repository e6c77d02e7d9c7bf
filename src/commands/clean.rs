//! `clean`: lists what is pending, and withdraws what is old enough. What a cron job calls.

use std::ops::ControlFlow;

use super::ending::Done;
use super::error::CommandError;
use super::fetch::{Fetched, fetch};
use super::intake::Intake;
use super::job::{self, Job};
use super::output::Outputs;
use super::plan::Plan;
use super::put_right::put_right;
use crate::config::Settings;
use crate::exit;
use crate::invitation::Row;
use crate::listing::{Keep, Listed, SelectionCounts};
use crate::outcome::Outcome;
use crate::report::{Format, RunFacts, Screen, plural};
use crate::runner::stop_on_signals;
use crate::stop::Stop;

/// Lists and withdraws.
pub(super) async fn clean(settings: &Settings, facts: RunFacts, screen: &Screen) -> Result<Done, CommandError> {
    // Before a list is paid for.
    job::refuse_unasked(settings)?;
    let keep = job::keep(settings)?;
    let outputs = Outputs::choose(settings, Format::Csv)?;
    let stop = Stop::default();
    stop_on_signals(&stop)?;
    if settings.dry_run {
        let looked = dry_run(settings, facts, keep, &outputs, screen, &stop).await;
        return looked.map_err(|error| CommandError::DryRun(Box::new(error)));
    }
    let mut job = Job::begin(settings, facts, keep, screen, &stop).await?;
    let columns = Intake::List(Vec::new().into_iter()).columns();
    let opened = job.open(outputs, |outputs| outputs.begin_report(columns)).await?;
    // To its end before the first withdrawal: each one shifts the pages that are still to come.
    let (rows, Fetched { end, counts, lists, .. }) = rows(&mut job).await;
    if rows.is_empty() {
        end.stop_if_unavailable(&stop);
    }
    let intake = || Intake::List(rows.clone().into_iter());
    let went_on = go_on(&job, &intake, counts).await;
    // What the ledger called settled was compared with the list, and warned of.
    put_right(&job, &lists, |_, _| Ok(())).await;
    match went_on {
        Ok(plan) => job.withdraw(intake(), opened, Some(&plan), Some(end)).await,
        Err(CommandError::Stopped(_)) => Ok(job.end_after_list(opened, &end, None).await),
        Err(why) => Ok(job.end_after_list(opened, &end, Some(why)).await),
    }
}

/// Says what will be withdrawn, and asks; unless the stop came meanwhile.
async fn go_on(job: &Job<'_>, intake: &impl Fn() -> Intake, counts: SelectionCounts) -> Result<Plan, CommandError> {
    // Looks at the stop as well.
    let plan = plan(job, intake, job.stop)?;
    job.tell_balance(plan.now(job.settings)).await;
    if job::must_ask(job.settings) && plan.to_send() > 0 {
        job.ask(&format!("{}{}", listed(job, counts), plan.table(job.settings))).await?;
    } else {
        let pending = job.sinks.totals.list.unwrap_or_default().invitations;
        let (to_send, kept) = (plan.to_send(), counts.kept);
        let left = pending.saturating_sub(to_send).saturating_sub(kept);
        tracing::info!("{pending} pending: withdrawing {to_send}, keeping {kept}, leaving {left} others");
        plan.warn(job.settings);
    }
    Ok(plan)
}

/// The selected invitations of the list, as rows.
async fn rows(job: &mut Job<'_>) -> (Vec<Row>, Fetched) {
    let mut selected: Vec<Listed> = Vec::new();
    let mut fetched = fetch(job, async |page| {
        selected.extend(page);
        ControlFlow::Continue(())
    })
    .await;
    fetched.correct(&mut selected);
    if let Some(max_pending) = job.settings.which.max_pending {
        fetched.leave(&mut selected, max_pending);
    }
    if let Some(observed) = &mut job.sinks.observed {
        fetched.backlog.choose(selected.iter().map(|listed| (&listed.found, &listed.account)));
        observed.set_backlog(fetched.backlog.clone());
    }
    ((1..).zip(selected).map(|(number, listed)| listed.into_row(number)).collect(), fetched)
}

/// Looks ahead. The list has to be paid for to do that.
async fn dry_run(
    settings: &Settings,
    facts: RunFacts,
    keep: Keep,
    outputs: &Outputs,
    screen: &Screen,
    stop: &Stop,
) -> Result<Done, CommandError> {
    let mut job = Job::begin_beside(settings, facts, keep, screen, stop).await?;
    tracing::info!("fetching the list: 1 credit per page of 10");
    let (rows, fetched) = rows(&mut job).await;
    fetched.end.stop_if_unavailable(stop);
    let intake = || Intake::List(rows.clone().into_iter());
    let plan = plan(&job, &intake, &Stop::default())?;
    let file = outputs.begin_summary()?;
    let end = match stop.cause() {
        None if fetched.end.is_complete() => String::new(),
        None => "; the list broke off".to_owned(),
        Some(cause) => format!("; the list broke off, {cause}"),
    };
    let plan_table = format!("{}{}", listed(&job, fetched.counts), plan.table(settings));
    screen.print_as("plan", &format!("{plan_table}dry run: nothing was withdrawn{end}\n"));
    let is_whole = !stop.is_requested() && fetched.end.is_complete();
    let exit_code = if is_whole { exit::FINE } else { exit::USAGE };
    Ok(Done::Planned { plan: plan.to_json(settings, job.sinks.totals.list.as_ref()), file, exit_code })
}

/// The list is fresher than the ledger: what it shows as pending is sent.
fn plan(job: &Job<'_>, intake: &impl Fn() -> Intake, stop: &Stop) -> Result<Plan, CommandError> {
    let by_ledger = job::plan(intake(), job.triage(false)?, job, stop)?;
    let settled = by_ledger.unsent(Outcome::AlreadySettled);
    if settled > 0 {
        tracing::warn!(
            "the ledger calls {settled} of these settled, and the list shows them as pending: they are sent"
        );
    }
    job::plan(intake(), job.triage(true)?, job, stop)
}

/// What was listed, as a table for people.
fn listed(job: &Job<'_>, counts: SelectionCounts) -> String {
    let sum = job.sinks.totals.list.unwrap_or_default();
    let cost = if sum.cost.charged == sum.cost.possible {
        plural(sum.cost.charged, "credit")
    } else {
        format!("{} to {} credits", sum.cost.charged, sum.cost.possible)
    };
    let mut out = format!("{:<22}{sum}, for {cost}\n", "listed");
    let parts = [
        ("to be kept", counts.kept),
        ("perhaps to be kept", counts.might_be_kept),
        ("not matching", counts.other_text),
        ("with a note", counts.has_note),
        ("perhaps with a note", counts.note_unknown),
        ("outside age limits", counts.other_age),
        ("of unknown age", counts.age_unknown),
        ("younger by their ID", counts.younger_by_id),
        ("left by max-pending", counts.left),
    ];
    for (what, count) in parts.into_iter().filter(|(_, count)| *count > 0) {
        out.push_str(&format!("  {what:<20}{count}\n"));
    }
    out
}
