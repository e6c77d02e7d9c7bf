//! What `run` and `clean` have in common: a job that alone has its ledger, withdraws, and sums up.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::error::{CommandError, confirm, has_terminal};
use super::intake::Intake;
use super::output::{OutputError, Outputs, write_summary};
use super::plan::Plan;
use super::target::{self, Ready};
use crate::api::{ApiCall, ApiVersion, LinkUpApi};
use crate::config::Settings;
use crate::exit;
use crate::ledger::{Ledger, Lookup};
use crate::listing::Keep;
use crate::pace::Pace;
use crate::report::{
    Columns, ListSum, Progress, ProgressStyle, Report, ReportFile, RunFacts, Screen, Sinks, Summary, Totals, table,
};
use crate::runner::{self, Attempts, Limits, Pool, Triage, on_a_thread};
use crate::stop::{Stop, StopReason};

/// Events that may wait for the sinks.
const EVENTS: usize = 1_000;

/// Said wherever a withdrawal is asked for.
const WARNING: &str = "A withdrawal can't be undone, and the person can't be invited again for up to three weeks.";

/// What `--yes` does where there is no terminal.
pub(super) const UNASKED: &str = "to withdraw without asking (or look ahead with --dry-run)";

/// A job that may begin: no other one has its ledger.
pub(super) struct Job<'a> {
    pub(super) settings: &'a Settings,
    pub(super) screen: &'a Screen,
    pub(super) stop: &'a Stop,
    pub(super) keep: Keep,
    pub(super) pace: Arc<Pace>,
    facts: RunFacts,
    ledger: Ledger,
}

/// Where report and summary go, open.
pub(super) struct Opened {
    summary: Option<ReportFile>,
    report: Report,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Listing {
    pub(super) sum: ListSum,
    /// Whether it was read to its end, or as far as was asked for.
    pub(super) complete: bool,
}

impl<'a> Job<'a> {
    /// Takes the ledger, and with it the right to be the only one on it.
    pub(super) fn begin(
        settings: &'a Settings,
        keep: Keep,
        screen: &'a Screen,
        stop: &'a Stop,
    ) -> Result<Self, CommandError> {
        let facts = facts(settings);
        let ledger = target::open_ledger(settings, &facts)?;
        Ok(Self { settings, screen, stop, keep, pace: Pace::new(settings.rate, settings.patience), facts, ledger })
    }

    /// The gate as the ledger has it now; with `recheck` no row counts as settled.
    pub(super) fn triage(&self, recheck: bool) -> Result<Triage, CommandError> {
        Ok(triage(self.settings, &self.keep, self.ledger.lookup(recheck)?))
    }

    /// Opens report and summary, so that nothing is bought or withdrawn that can't be told of. To open a pipe takes until
    /// somebody reads it.
    pub(super) async fn open(&self, outputs: Outputs, columns: Columns) -> Result<Opened, CommandError> {
        let opened = unless_stopped(self.stop, "outputs", move || {
            let summary = outputs.begin_summary()?;
            Ok::<_, OutputError>(Opened { summary, report: outputs.begin_report(columns)? })
        });
        Ok(opened.await??)
    }

    /// Withdraws, and returns the exit code. `rows` is how many there are, where that is known.
    pub(super) async fn withdraw(
        self,
        intake: Intake,
        opened: Opened,
        target: Ready,
        rows: Option<u64>,
        list: Option<Listing>,
    ) -> Result<u8, CommandError> {
        let Self { settings, screen, stop, .. } = self;
        let Opened { summary: summary_file, report } = opened;
        let report_file = report.names();
        let recheck = settings.recheck || list.is_some();
        let triage = self.triage(recheck)?.warning();
        let mut totals = Totals::new(settings.accounts.keys().cloned());
        if let Some(list) = &list {
            totals.add_list(&settings.account, list.sum);
        }

        let progress = Progress::of_rows(progress_style(settings), screen.clone(), rows);
        let sinks = Sinks { report: Some(report), totals, progress, stop: stop.clone() };
        let (events, heard) = mpsc::channel(EVENTS);
        let runtime = Handle::current();
        let told = on_a_thread("sinks", move || runtime.block_on(sinks.listen(heard)))?;
        let attempts = Attempts {
            api: target.api,
            gate: self.ledger.clone(),
            pace: self.pace,
            stop: stop.clone(),
            limits: limits(settings),
            events,
        };
        let pool =
            Pool { concurrency: settings.concurrency, max_errors: settings.max_errors, input_ends: intake.ends() };
        let ended = carry_out(runner::run(intake, triage, pool, attempts), told, stop).await;
        if let Err(error) = self.ledger.close().await {
            // Each outcome was durable before it was told, so a ledger that can't be tidied is no failure of the run.
            tracing::warn!("{}", crate::error_chain(&error));
        }
        let (totals, input_complete) = ended?;
        let list_complete = list.is_none_or(|list| list.complete);
        let summary = sum_up(self.facts, totals, input_complete && list_complete, stop);
        Ok(tell(settings, screen, summary, summary_file, Some(report_file.current())))
    }

    /// Ends before the first withdrawal, with a summary of the list that was bought. `why` is what ended it, where that
    /// was no stop.
    pub(super) async fn end_after_list(
        self,
        opened: Opened,
        list: &Listing,
        why: Option<CommandError>,
    ) -> Result<u8, CommandError> {
        if let Err(error) = self.ledger.close().await {
            tracing::warn!("{}", crate::error_chain(&error));
        }
        opened.report.discard();
        let mut totals = Totals::new(self.settings.accounts.keys().cloned());
        totals.add_list(&self.settings.account, list.sum);
        let mut summary = sum_up(self.facts, totals, list.complete, self.stop);
        if let Some(why) = why {
            summary.exit_code = why.exit_code();
            self.screen.print(&format!("bulk-withdraw: {}\n", crate::error_chain(&why)));
        }
        Ok(tell(self.settings, self.screen, summary, opened.summary, None))
    }

    /// Shows what will be done, and asks.
    pub(super) async fn ask(&self, plan: &str) -> Result<(), CommandError> {
        self.screen.print(&format!("{plan}{WARNING}\n"));
        let screen = self.screen.clone();
        let confirmed = unless_stopped(self.stop, "prompt", move || confirm(&screen, "Go on?")).await??;
        if confirmed { Ok(()) } else { Err(CommandError::Declined("nothing was withdrawn")) }
    }
}

/// Lets the run go to its end and the sinks to theirs. Whether the input was read to its end stands beside the sums.
async fn carry_out(
    run: impl Future<Output = io::Result<bool>>,
    told: oneshot::Receiver<Totals>,
    stop: &Stop,
) -> Result<(Totals, bool), CommandError> {
    let input_complete = run.await?;
    let totals = told.await.unwrap_or_else(|_| {
        stop.request(StopReason::ReportUnwritable, "the report broke off: this is a bug, please report it");
        Totals::default()
    });
    Ok((totals, input_complete))
}

/// The run in sums, now that it has ended.
pub(super) fn sum_up(facts: RunFacts, totals: Totals, input_complete: bool, stop: &Stop) -> Summary {
    let stop = stop.cause();
    let exit_code = exit::of_run(stop.as_ref().map(|stop| stop.reason), input_complete && totals.all_fine());
    Summary { facts, finished_at: Timestamp::now(), totals, input_complete, stop, exit_code }
}

/// Writes the summary and shows it. Returns the exit code.
pub(super) fn tell(
    settings: &Settings,
    screen: &Screen,
    mut summary: Summary,
    file: Option<ReportFile>,
    report: Option<&Path>,
) -> u8 {
    if let Err(error) = write_summary(file, &summary.to_json()) {
        tracing::error!("{}", crate::error_chain(&error));
        summary.exit_code = exit::UNWRITABLE;
    }
    if settings.quiet < 2 {
        screen.print(&table(&summary, report));
    }
    summary.exit_code
}

/// Nothing is withdrawn without a yes: given ahead, or asked for.
pub(super) fn must_ask(settings: &Settings) -> bool {
    !(settings.yes || settings.is_rehearsal() || settings.dry_run)
}

/// Refuses at once where a yes is wanted and nobody can be asked for it.
pub(super) fn refuse_unasked(settings: &Settings) -> Result<(), CommandError> {
    let can_ask = !settings.reads_stdin() && has_terminal();
    if must_ask(settings) && !can_ask { Err(CommandError::NoTerminal(UNASKED)) } else { Ok(()) }
}

/// Whom never to withdraw.
pub(super) fn keep(settings: &Settings) -> Result<Keep, CommandError> {
    Ok(settings.keep.as_deref().map(Keep::read).transpose()?.unwrap_or_default())
}

/// Who may be called for.
pub(super) fn triage(settings: &Settings, keep: &Keep, lookup: Lookup) -> Triage {
    Triage::new(settings.accounts.clone(), settings.account.clone(), settings.country.clone(), lookup)
        .keeping(keep.clone())
}

pub(super) fn limits(settings: &Settings) -> Limits {
    Limits { retries: settings.retries, backoff: settings.backoff, patience: settings.patience }
}

pub(super) fn progress_style(settings: &Settings) -> ProgressStyle {
    match settings.progress {
        _ if settings.quiet > 0 => ProgressStyle::None,
        Some(style) => style,
        // The rows scroll by already, and a bar would stand between them.
        None if settings.report_goes_to_stdout() && io::stdout().is_terminal() => ProgressStyle::None,
        None if io::stderr().is_terminal() => ProgressStyle::Bar,
        None => ProgressStyle::Plain,
    }
}

pub(super) fn facts(settings: &Settings) -> RunFacts {
    let started_at = Timestamp::now();
    let run_id = format!("{}-{:08x}", started_at.strftime("%Y%m%dT%H%M%SZ"), fastrand::u32(..));
    RunFacts { run_id, command: settings.command.as_str(), api: settings.api.as_str(), started_at }
}

/// Says what the balance is, and whether it may be too small for so many withdrawals.
pub(super) async fn tell_balance(target: &Ready, pace: &Arc<Pace>, stop: &Stop, needed: u64) {
    if target.api.version() == ApiVersion::V1 {
        return;
    }
    let Some(permit) = stop.or(pace.acquire()).await else { return };
    // It changes nothing, so nobody need wait for its answer.
    let result = stop.or(target.api.send(ApiCall::Balance)).await;
    // It may have been refused for its rate; what it is told of that, the first withdrawal is told again.
    drop(permit);
    match result.and_then(|result| crate::policy::balance(&result)) {
        Some(credits) if credits < needed => {
            tracing::warn!("the balance is {credits} credits, and this may take {needed}: the run will stop for more");
        }
        Some(credits) => tracing::info!("the balance is {credits} credits"),
        None => {}
    }
}

/// The plan of rows that can be read twice, unless the stop comes first.
pub(super) fn plan(intake: Intake, triage: Triage, stop: &Stop) -> Result<Plan, CommandError> {
    let plan = Plan::of(intake, triage, stop)?;
    if stop.is_requested() { Err(stopped(stop)) } else { Ok(plan) }
}

/// What this comes to, unless the stop is asked for before it is done, however long it blocks.
pub(super) async fn unless_stopped<T: Send + 'static>(
    stop: &Stop,
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CommandError> {
    if stop.is_requested() {
        return Err(stopped(stop));
    }
    match stop.or(on_a_thread(name, work)?).await {
        Some(done) => done.map_err(|_| CommandError::Io(io::Error::other(format!("the thread {name} broke off")))),
        None => Err(stopped(stop)),
    }
}

pub(super) fn stopped(stop: &Stop) -> CommandError {
    CommandError::Stopped(stop.cause().map_or(StopReason::Broken, |cause| cause.reason))
}
