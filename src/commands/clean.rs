//! `clean`: lists what is pending, and withdraws what is old enough. What a cron job calls.

use std::ops::ControlFlow;

use super::clean_words::{in_a_line, listed, nothing, to_carry_out, with_plan};
use super::ending::Done;
use super::error::CommandError;
use super::fetch::{Fetched, fetch};
use super::intake::Intake;
use super::job::{self, Job, Opened};
use super::list_cost::ListCost;
use super::output::Outputs;
use super::plan::Plan;
use super::put_right::put_right;
use crate::config::{Layers, Settings};
use crate::exit;
use crate::invitation::Row;
use crate::listing::{Keep, Listed, SelectionCounts};
use crate::outcome::Outcome;
use crate::report::{Destination, Format, ListSink, RunFacts, Screen, plural};
use crate::runner::stop_on_signals;
use crate::stop::{Stop, StopReason};

/// Lists and withdraws.
pub(super) async fn clean(
    settings: &Settings,
    layers: &Layers,
    facts: RunFacts,
    screen: &Screen,
) -> Result<Done, CommandError> {
    // Before a list is paid for.
    job::refuse_unasked(settings)?;
    let keep = job::keep(settings)?;
    let outputs = Outputs::choose(settings, Format::Csv)?;
    let stop = Stop::default();
    stop_on_signals(&stop, screen)?;
    if settings.dry_run {
        let looked = dry_run(settings, layers, facts, keep, outputs, screen, &stop).await;
        return looked.map_err(|error| CommandError::DryRun(Box::new(error)));
    }
    let mut job = Job::begin(settings, facts, keep, screen, &stop).await?;
    let columns = Intake::List(Vec::new().into_iter()).columns();
    let opened = job.open(outputs, |outputs| outputs.begin_report(columns)).await?;
    tell_list_cost(&job)?;
    // To its end before the first withdrawal: each one shifts the pages that are still to come.
    let (selected, fetched) = select(&mut job).await;
    let shown = listed(&job, &selected, &fetched);
    let Fetched { end, counts, lists, .. } = fetched;
    if selected.is_empty() {
        end.stop_if_unavailable(&stop);
    }
    let rows = rows(selected);
    let intake = || Intake::List(rows.clone().into_iter());
    let went_on = go_on(&job, &intake, counts, &shown).await;
    // What the ledger called settled was compared with the list, and warned of.
    put_right(&job, &lists, |_, _| Ok(())).await;
    match went_on {
        Ok(plan) => job.withdraw(intake(), opened, Some(&plan), Some(end)).await,
        Err(CommandError::Stopped(_)) => Ok(job.end_after_list(opened, &end, None).await),
        Err(why) => Ok(job.end_after_list(opened, &end, Some(why)).await),
    }
}

/// Says what will be withdrawn, and asks; unless the stop came meanwhile.
async fn go_on(
    job: &Job<'_>,
    intake: &impl Fn() -> Intake,
    counts: SelectionCounts,
    shown: &str,
) -> Result<Plan, CommandError> {
    // Looks at the stop as well.
    let plan = plan(job, intake, job.stop)?;
    job.tell_balance(plan.now(job.settings)).await;
    let list = job.sinks.totals.list.unwrap_or_default();
    let nothing = nothing(list.invitations, counts, job.settings);
    if job::must_ask(job.settings) {
        let cost = list.cost_words();
        let declined = format!("Nothing was withdrawn (you answered no). The list cost {cost}.");
        job.ask(&with_plan(shown, &plan, &nothing, job.settings), &plan, declined).await?;
    } else {
        tracing::info!("{}", in_a_line(list.invitations, plan.to_send(), counts, job.settings));
        match plan.rows() {
            0 => tracing::info!("{nothing}"),
            _ => plan.warn(job.settings),
        }
    }
    Ok(plan)
}

/// Says what the list costs before it is fetched: also if nothing is withdrawn then.
fn tell_list_cost(job: &Job<'_>) -> Result<(), CommandError> {
    let cost = ListCost::of(job.settings, &job.lookup(false)?)?;
    let words = cost.words();
    if job::must_ask(job.settings) {
        let said = format!("Fetching the list: {words}. It is paid for even if you then say no.\n");
        job.screen.print_as("plan", &said);
    } else {
        tracing::info!("fetching the list: {words}");
    }
    Ok(())
}

/// The selected invitations of the list.
async fn select(job: &mut Job<'_>) -> (Vec<Listed>, Fetched) {
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
    let most = job.settings.max_credits.filter(|_| job.caller.bounds.credits_left() == Some(0));
    if let Some(most) = most.filter(|_| !selected.is_empty() && !job.stop.is_requested()) {
        tracing::warn!(
            "--max-credits {most} is too low: the list used it up; raise it to {most} plus 1 per withdrawal"
        );
    }
    if let Some(observed) = &mut job.sinks.observed {
        fetched.backlog.choose(selected.iter().map(|listed| (&listed.found, &listed.account)));
        observed.set_backlog(fetched.backlog.clone());
    }
    (selected, fetched)
}

fn rows(selected: Vec<Listed>) -> Vec<Row> {
    (1..).zip(selected).map(|(number, listed)| listed.into_row(number)).collect()
}

/// Looks ahead. The list has to be paid for to do that, so it is written where that is asked for, for `run`.
async fn dry_run(
    settings: &Settings,
    layers: &Layers,
    facts: RunFacts,
    keep: Keep,
    outputs: Outputs,
    screen: &Screen,
    stop: &Stop,
) -> Result<Done, CommandError> {
    let mut job = Job::begin_beside(settings, facts, keep, screen, stop).await?;
    let (is_wanted, asked) = (settings.output.is_some(), stop.clone());
    let has_accounts = settings.listed_accounts().nth(1).is_some();
    let begin = move |outputs: &Outputs| is_wanted.then(|| outputs.begin_list(has_accounts, asked)).transpose();
    let Opened { summary: file, out: sink, .. } = job.open(outputs, begin).await?;
    tell_list_cost(&job)?;
    let (selected, fetched) = select(&mut job).await;
    fetched.end.stop_if_unavailable(stop);
    let has_pages = job.sinks.totals.list.is_some_and(|list| list.pages > 0);
    let is_written = sink.is_some_and(|sink| write(sink, &selected, has_pages, stop));
    let shown = listed(&job, &selected, &fetched);
    let rows = rows(selected);
    let intake = || Intake::List(rows.clone().into_iter());
    let mut plan = plan(&job, &intake, &Stop::default())?;
    if !has_pages && let Some(cause) = stop.cause() {
        screen.print_as("plan", &format!("No plan: {cause}\n"));
        plan.input_complete = false;
        let plan = plan.to_json(settings, job.sinks.totals.list.as_ref(), None);
        return Ok(Done::Planned { plan, file, exit_code: exit::USAGE });
    }
    let balance = job.tell_balance(plan.now(settings)).await;
    let end = match stop.cause() {
        None if fetched.end.is_complete() => String::new(),
        None => "; the list broke off".to_owned(),
        Some(cause) if cause.reason == StopReason::ReportUnwritable => format!("; {cause}"),
        Some(cause) => format!("; the list broke off, {cause}"),
    };
    let path = match &settings.output {
        Some(Destination::Path(path)) if is_written && plan.to_send() > 0 => to_carry_out(path, settings, layers),
        Some(Destination::Path(_) | Destination::Stdout) | None => String::new(),
    };
    let pending = job.sinks.totals.list.unwrap_or_default().invitations;
    let shown = with_plan(&shown, &plan, &nothing(pending, fetched.counts, settings), settings) + &path;
    screen.print_as("plan", &format!("{shown}dry run: nothing was withdrawn{end}\n"));
    let is_whole = !stop.is_requested() && fetched.end.is_complete();
    let exit_code = if is_whole { exit::FINE } else { exit::USAGE };
    plan.input_complete &= fetched.end.is_complete();
    let plan = plan.to_json(settings, job.sinks.totals.list.as_ref(), balance);
    Ok(Done::Planned { plan, file, exit_code })
}

/// Writes the plan, and finishes it. Returns whether that was possible.
fn write(mut sink: ListSink, selected: &[Listed], has_pages: bool, stop: &Stop) -> bool {
    sink.write(selected);
    sink.end(has_pages);
    has_pages && stop.cause().is_none_or(|cause| cause.reason != StopReason::ReportUnwritable)
}

/// The list is fresher than the ledger: what it shows as pending is sent.
fn plan(job: &Job<'_>, intake: &impl Fn() -> Intake, stop: &Stop) -> Result<Plan, CommandError> {
    let by_ledger = job::plan(intake(), job.triage(false)?, job, stop)?;
    let settled = by_ledger.unsent(Outcome::AlreadySettled);
    if settled > 0 {
        let by_run = if job.settings.dry_run { " (by `run` only with --recheck)" } else { "" };
        tracing::warn!(
            "settled in the ledger, but pending on the list: {}; tried again{by_run}",
            plural(settled, "invitation")
        );
    }
    job::plan(intake(), job.triage(true)?, job, stop)
}
