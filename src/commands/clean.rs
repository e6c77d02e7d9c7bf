//! `clean`: lists what is pending, and withdraws what is old enough. What a cron job calls.

use std::ops::ControlFlow;

use super::error::CommandError;
use super::fetch::{Fetched, Way, fetch};
use super::intake::Intake;
use super::job::{self, Job, Listing};
use super::output::{Outputs, write_summary};
use super::plan::Plan;
use super::target;
use super::target::Ready;
use crate::config::Settings;
use crate::exit;
use crate::invitation::Row;
use crate::listing::{Keep, Listed, SelectionCounts};
use crate::outcome::Outcome;
use crate::pace::Pace;
use crate::report::{Format, ListSum, Screen};
use crate::runner::{Triage, stop_on_signals};
use crate::stop::Stop;

/// Lists, withdraws, and returns the exit code.
pub(crate) async fn clean(settings: &Settings, screen: &Screen) -> Result<u8, CommandError> {
    // Before a list is paid for.
    job::refuse_unasked(settings)?;
    let keep = job::keep(settings)?;
    let outputs = Outputs::choose(settings, Format::Csv)?;
    let stop = Stop::default();
    stop_on_signals(&stop)?;
    if settings.dry_run {
        return dry_run(settings, keep, &outputs, screen, &stop).await;
    }
    let job = Job::begin(settings, keep, screen, &stop)?;
    let opened = job.open(outputs, Intake::List(Vec::new().into_iter()).columns()).await?;
    let target = target::ready(settings).await?;
    let way = Way { settings, target: &target, pace: &job.pace, stop: &stop, screen };
    // To its end before the first withdrawal: each one shifts the pages that are still to come.
    let (rows, Fetched { listing, verdicts }) = rows(&way, job.keep.clone()).await;
    let intake = || Intake::List(rows.clone().into_iter());
    match go_on(&job, &target, &intake, &listing, verdicts).await {
        Ok(plan) => job.withdraw(intake(), opened, target, Some(plan.rows()), Some(listing)).await,
        Err(CommandError::Stopped(_)) => job.end_after_list(opened, &listing, None).await,
        Err(why) => job.end_after_list(opened, &listing, Some(why)).await,
    }
}

/// Says what will be withdrawn, and asks; unless the stop came meanwhile.
async fn go_on(
    job: &Job<'_>,
    target: &Ready,
    intake: &impl Fn() -> Intake,
    listing: &Listing,
    verdicts: SelectionCounts,
) -> Result<Plan, CommandError> {
    // Looks at the stop as well.
    let settled = job::plan(intake(), job.triage(false)?, job.stop)?;
    warn_of_settled(settled);
    let plan = job::plan(intake(), job.triage(true)?, job.stop)?;
    job::tell_balance(target, &job.pace, job.stop, plan.to_send).await;
    if job::must_ask(job.settings) && plan.to_send > 0 {
        job.ask(&format!("{}{}", listed(&listing.sum, verdicts), plan.table(job.settings))).await?;
    } else {
        let (listed, kept) = (listing.sum.invitations, verdicts.kept);
        tracing::info!("{listed} are pending; {} are withdrawn now, {kept} are kept", plan.to_send);
    }
    Ok(plan)
}

/// The list's invitations that count, as rows.
async fn rows(way: &Way<'_>, keep: Keep) -> (Vec<Row>, Fetched) {
    let mut taken: Vec<Listed> = Vec::new();
    let fetched = fetch(way, keep, async |page| {
        taken.extend(page);
        ControlFlow::Continue(())
    })
    .await;
    ((1..).zip(taken).map(|(number, listed)| listed.into_row(number)).collect(), fetched)
}

/// Looks ahead. The list has to be bought for that.
async fn dry_run(
    settings: &Settings,
    keep: Keep,
    outputs: &Outputs,
    screen: &Screen,
    stop: &Stop,
) -> Result<u8, CommandError> {
    let look = async {
        let target = target::ready(settings).await?;
        let pace = Pace::new(settings.rate, settings.patience);
        tracing::info!("the list has to be bought to look at it: a credit for each page of 10");
        let way = Way { settings, target: &target, pace: &pace, stop, screen };
        let (rows, Fetched { listing, verdicts }) = rows(&way, keep.clone()).await;
        let intake = || Intake::List(rows.clone().into_iter());
        let triage = |recheck| -> Result<Triage, CommandError> {
            Ok(job::triage(settings, &keep, target::look_up(settings, recheck)?))
        };
        warn_of_settled(Plan::of(intake(), triage(false)?, &Stop::default())?);
        let plan = Plan::of(intake(), triage(true)?, &Stop::default())?;
        let summary_file = outputs.begin_summary()?;
        screen.print(&format!("{}{}", listed(&listing.sum, verdicts), plan.table(settings)));
        match stop.cause() {
            None => screen.print("dry run: nothing was withdrawn\n"),
            Some(cause) => screen.print(&format!("dry run: nothing was withdrawn; the list broke off, {cause}\n")),
        }
        write_summary(summary_file, &plan.to_json(settings, Some(&listing.sum)))?;
        Ok(if stop.is_requested() { exit::USAGE } else { exit::FINE })
    };
    look.await.map_err(|error| CommandError::DryRun(Box::new(error)))
}

/// The list is fresher than the ledger: what it shows as pending is sent.
fn warn_of_settled(plan: Plan) {
    let settled = plan.unsent.of(Outcome::AlreadySettled);
    if settled > 0 {
        tracing::warn!(
            "the ledger calls {settled} of these settled, and the list shows them as pending: they are sent"
        );
    }
}

/// What was listed, as a table for people.
fn listed(sum: &ListSum, verdicts: SelectionCounts) -> String {
    let cost = if sum.cost.charged == sum.cost.possible {
        format!("{}", sum.cost.charged)
    } else {
        format!("{} to {}", sum.cost.charged, sum.cost.possible)
    };
    let mut out =
        format!("{:<22}{} invitations on {} pages, for {cost} credits\n", "listed", sum.invitations, sum.pages);
    let parts = [
        ("to be kept", verdicts.kept),
        ("perhaps to be kept", verdicts.might_be_kept),
        ("of another age", verdicts.other_age),
        ("of unknown age", verdicts.age_unknown),
        ("younger by their ID", verdicts.younger_by_id),
    ];
    for (what, count) in parts.into_iter().filter(|(_, count)| *count > 0) {
        out.push_str(&format!("  {what:<20}{count}\n"));
    }
    out
}
