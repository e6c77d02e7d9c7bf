//! `run`: withdraws every invitation listed in a file.

use super::ending::Done;
use super::error::CommandError;
use super::intake::Intake;
use super::job::{self, Job};
use super::limits;
use super::output::Outputs;
use super::part::Part;
use super::plan::Plan;
use super::target;
use crate::config::Settings;
use crate::exit;
use crate::input::{Input, InputError, Source};
use crate::listing::{Keep, KeepError};
use crate::report::{RunFacts, Screen};
use crate::runner::stop_on_signals;
use crate::stop::Stop;

pub(super) async fn run(settings: &Settings, facts: RunFacts, screen: &Screen) -> Result<Done, CommandError> {
    job::refuse_unasked(settings)?;
    let keep = job::keep(settings)?;
    let intake = open(settings)?;
    if keep.names_profiles() && !intake.may_hold_profiles() {
        return Err(KeepError::NoProfiles.into());
    }
    let outputs = Outputs::choose(settings, intake.report_format())?;
    Part::warn_of_other_ledgers(settings);
    if settings.dry_run {
        let looked = dry_run(settings, facts, &keep, intake, &outputs, screen).await;
        return looked.map_err(|error| CommandError::DryRun(Box::new(error)));
    }
    let stop = Stop::default();
    // Before there is a ledger: a rehearsal's own must not outlive a signal.
    stop_on_signals(&stop, screen)?;
    // First the lock: a run that may not run need not be planned.
    let mut job = Job::begin(settings, facts, keep, screen, &stop).await?;
    let plan = plan(&job, &intake)?;
    if plan.as_ref().is_none_or(|plan| plan.now(settings) > 0) {
        limits::tell_wait(&job.caller.pace);
    }
    if let Some(plan) = &plan {
        job.tell_balance(plan.now(settings)).await;
    }
    if job::must_ask(settings) {
        // An input that can be read only once can't be told of ahead, so it wants a yes given ahead, as stdin does.
        let plan = plan.as_ref().ok_or(CommandError::NoTerminal(job::UNASKED))?;
        let declined = "nothing was withdrawn (you answered no)".to_owned();
        job.ask(&plan.table(settings), plan, declined).await?;
        job.facts.are_invalid_shown = plan.shows_each_invalid();
    } else if let Some(plan) = &plan {
        plan.warn(settings);
    }
    let columns = intake.columns();
    let opened = job.open(outputs, |outputs| outputs.begin_report(columns)).await?;
    job.withdraw(intake, opened, plan.as_ref(), None).await
}

async fn dry_run(
    settings: &Settings,
    facts: RunFacts,
    keep: &Keep,
    intake: Intake,
    outputs: &Outputs,
    screen: &Screen,
) -> Result<Done, CommandError> {
    let triage = job::triage(settings, keep, target::look_up(settings, settings.recheck)?).warning();
    let plan = Plan::of(intake, triage, settings, 0, &Stop::default())?;
    let balance = job::balance_ahead(settings, facts, screen, plan.now(settings)).await?;
    // Not before: a plan that fails leaves nothing behind.
    let file = outputs.begin_summary()?;
    let done = if balance.is_some() { "withdrawn" } else { "sent" };
    screen.print_as("plan", &format!("{}dry run: nothing was {done}\n", plan.table(settings)));
    let exit_code = if plan.input_complete { exit::FINE } else { exit::USAGE };
    Ok(Done::Planned { plan: plan.to_json(settings, None, balance), file, exit_code })
}

fn open(settings: &Settings) -> Result<Intake, InputError> {
    let source = settings.source.as_ref().unwrap_or(&Source::Stdin);
    Ok(Intake::Input(Box::new(Input::open(source, &settings.input)?)))
}

/// A pass over the file ahead of the run costs little beside the calls; it finds accounts that are not configured, and tells
/// how far the run is. An input that can be read only once goes without.
fn plan(job: &Job<'_>, intake: &Intake) -> Result<Option<Plan>, CommandError> {
    if !intake.ends() {
        return Ok(None);
    }
    let triage = job.triage(job.settings.recheck)?;
    job::plan(open(job.settings)?, triage, job, job.stop).map(Some)
}
