//! `run`: withdraws every invitation listed in a file.

use std::io::{self, IsTerminal};
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::output::{OutputError, Outputs, write_summary};
use super::plan::Plan;
use super::stopping::{stalled, stopped, unless_stopped};
use super::target::{self, Ready, TargetError};
use super::{ledger, prompt};
use crate::config::RunSettings;
use crate::exit;
use crate::input::{Input, InputError, InputOptions, Source};
use crate::ledger::{Admission, Ledger, LedgerError};
use crate::pace::Pace;
use crate::report::{
    Columns, Progress, ProgressStyle, Report, ReportFile, RunFacts, Screen, Sinks, Summary, Totals, table,
};
use crate::runner::{self, Attempts, Limits, Pool, Roster, on_a_thread, stop_on_signals};
use crate::stop::{Stop, StopCause, StopReason};

/// Events that may wait for the sinks.
const EVENTS: usize = 1_000;

/// Why a run did not begin: nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The input can't be used.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The report or the summary can't be written there.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Nobody can be asked, and nobody said yes.
    #[error("nobody can be asked here: pass --yes to withdraw without asking (or look ahead with --dry-run)")]
    NobodyToAsk,
    /// Asked, and answered with anything but yes.
    #[error("nothing was sent")]
    Declined,
    /// The ledger can't be used, or another run holds it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No API to call.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Signals, the terminal, a thread.
    #[error("the run can't be set up")]
    Io(#[from] io::Error),
    /// A signal came before the first call.
    #[error("stopped by {} before anything was sent: run the same command again", .0.as_str().to_uppercase())]
    Stopped(StopReason),
    /// The run was to stop, and the report would take nothing more.
    #[error(
        "stopped, and the report could not be written: nobody has read it for {0:?}; what is settled is kept, so run the \
         same command again"
    )]
    Stalled(Duration),
    /// A look ahead that failed: it was to write nothing but its plan, so no run has stopped.
    #[error(transparent)]
    DryRun(Box<RunError>),
}

impl RunError {
    /// The process's exit code.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Ledger(error) => exit::of_ledger(error),
            Self::Stopped(reason) => exit::of_stop(*reason),
            Self::Output(OutputError::Create { .. } | OutputError::Summary(_)) | Self::Stalled(_) => exit::UNWRITABLE,
            Self::Output(OutputError::Overwrites(..))
            | Self::Input(_)
            | Self::NobodyToAsk
            | Self::Declined
            | Self::Target(_)
            | Self::Io(_)
            | Self::DryRun(_) => exit::USAGE,
        }
    }
}

/// Withdraws, and returns the exit code.
///
/// # Errors
/// [`RunError`]: nothing was sent.
pub async fn run(settings: RunSettings, screen: &Screen) -> Result<u8, RunError> {
    let can_ask = settings.request.input != Source::Stdin && prompt::somebody_is_there();
    if must_ask(&settings) && !can_ask {
        return Err(RunError::NobodyToAsk);
    }
    let input = open(&settings)?;
    let outputs = Outputs::choose(&settings, &input)?;
    if settings.request.dry_run {
        return dry_run(&settings, input, &outputs, screen).map_err(|error| RunError::DryRun(Box::new(error)));
    }
    let facts = facts(&settings);
    let stop = Stop::default();
    // Before there is a ledger: a rehearsal's own must not outlive a signal.
    stop_on_signals(&stop)?;
    // First the lock: a run that may not run need not be planned.
    let ledger = ledger::open(&settings, &facts)?;
    let style = progress_style(&settings);
    let plan = plan(&settings, &ledger, style, &input, &stop)?;
    if must_ask(&settings) {
        ask(&settings, plan, screen, &stop).await?;
    }

    let target = target::ready(&settings).await?;
    let (summary_file, report) = begin(outputs, &input, &stop).await?;
    let report_file = report.file().names();
    let progress = Progress::begin(style, screen.clone(), plan.map(|plan| plan.rows()));
    let ended = withdraw(&settings, input, target, &ledger, Told { report, progress, stop }).await;
    if let Err(error) = ledger.close().await {
        // Each outcome was durable before it was told, so a ledger that can't be tidied is no failure of the run.
        tracing::warn!("{}", crate::error_chain(&error));
    }

    let mut summary = ended?.summary(facts);
    if let Err(error) = write_summary(summary_file, &summary.to_json()) {
        tracing::error!("{}", crate::error_chain(&error));
        summary.exit_code = exit::UNWRITABLE;
    }
    if settings.request.quiet < 2 {
        screen.print(&table(&summary, report_file.last()));
    }
    Ok(summary.exit_code)
}

/// Who hears of a run while it works.
struct Told {
    report: Report,
    progress: Progress,
    stop: Stop,
}

/// What a run came to.
struct Ended {
    totals: Totals,
    input_complete: bool,
    stop: Option<StopCause>,
}

impl Ended {
    fn summary(self, facts: RunFacts) -> Summary {
        let Self { totals, input_complete, stop } = self;
        let exit_code = exit::of_run(stop.as_ref().map(|stop| stop.reason), input_complete && totals.all_fine());
        Summary { facts, finished_at: Timestamp::now(), totals, input_complete, stop, exit_code }
    }
}

/// Sets the stages up and lets the rows through, until the input or a stop ends it.
async fn withdraw(
    settings: &RunSettings,
    input: Input,
    target: Ready,
    ledger: &Ledger,
    Told { report, progress, stop }: Told,
) -> Result<Ended, RunError> {
    let roster = roster(settings, ledger.admission(settings.request.recheck)?).warning();
    let totals = Totals::new(settings.accounts.keys().cloned());
    let pulse = report.pulse();
    let sinks = Sinks { report: Some(report), totals, progress, stop: stop.clone() };
    let (events, heard) = mpsc::channel(EVENTS);
    let runtime = Handle::current();
    let told = on_a_thread("sinks", move || runtime.block_on(sinks.listen(heard)))?;
    let attempts = Attempts {
        api: target.api,
        gate: ledger.clone(),
        pace: Pace::new(settings.rate, settings.patience),
        stop: stop.clone(),
        limits: Limits { retries: settings.retries, backoff: settings.backoff, patience: settings.patience },
        events,
    };
    let pool = Pool {
        concurrency: settings.concurrency,
        max_errors: settings.max_errors,
        input_ends: input.is_regular_file(),
    };
    tokio::select! {
        ended = carry_out(runner::run(input, roster, pool, attempts), told, &stop) => ended,
        () = stalled(&stop, &pulse, settings.timeout) => Err(RunError::Stalled(settings.timeout)),
    }
}

/// Lets the run go to its end and the sinks to theirs.
async fn carry_out(
    run: impl Future<Output = io::Result<bool>>,
    told: oneshot::Receiver<Totals>,
    stop: &Stop,
) -> Result<Ended, RunError> {
    let input_complete = run.await?;
    let totals = told.await.unwrap_or_else(|_| {
        stop.request(StopReason::ReportUnwritable, "the report broke off: this is a bug, please report it");
        Totals::default()
    });
    Ok(Ended { totals, input_complete, stop: stop.cause() })
}

/// Nothing is withdrawn without a yes: given ahead, or asked for.
fn must_ask(settings: &RunSettings) -> bool {
    let request = &settings.request;
    !(request.yes || settings.is_rehearsal() || request.dry_run)
}

/// Says what will be done, and asks. An input that can be read only once can't be told of ahead, so it wants a yes given
/// ahead, as standard input does.
async fn ask(settings: &RunSettings, plan: Option<Plan>, screen: &Screen, stop: &Stop) -> Result<(), RunError> {
    let plan = plan.ok_or(RunError::NobodyToAsk)?;
    screen.print(&format!("{}{}\n", plan.table(settings), prompt::WARNING));
    let screen = screen.clone();
    let confirmed = unless_stopped(stop, "prompt", move || prompt::confirmed(&screen)).await??;
    if confirmed { Ok(()) } else { Err(RunError::Declined) }
}

/// Begins report and summary. To open a pipe takes until somebody reads it.
async fn begin(outputs: Outputs, input: &Input, stop: &Stop) -> Result<(Option<ReportFile>, Report), RunError> {
    let columns = Columns::new(input.columns().iter().map(ToString::to_string));
    let begun = unless_stopped(stop, "outputs", move || {
        let summary = outputs.begin_summary()?;
        Ok::<_, OutputError>((summary, outputs.begin_report(columns)?))
    });
    Ok(begun.await??)
}

fn dry_run(settings: &RunSettings, input: Input, outputs: &Outputs, screen: &Screen) -> Result<u8, RunError> {
    let plan = Plan::of(input, roster(settings, ledger::look(settings)?).warning(), &Stop::default())?;
    // Not before: a plan that fails leaves nothing behind.
    let summary_file = outputs.begin_summary()?;
    screen.print(&plan.table(settings));
    screen.print("dry run: nothing was sent\n");
    write_summary(summary_file, &plan.to_json(settings))?;
    Ok(if plan.input_complete { exit::FINE } else { exit::USAGE })
}

fn open(settings: &RunSettings) -> Result<Input, InputError> {
    let request = &settings.request;
    let options = InputOptions {
        id_column: request.id_column.clone(),
        delimiter: request.delimiter,
        format: request.input_format,
        accept_rounded_ids: request.accept_rounded_ids,
    };
    Input::open(&request.input, &options)
}

/// A pass over the file ahead of the run costs little beside the calls, and tells how far it is. An input that can be
/// read only once goes without.
fn plan(
    settings: &RunSettings,
    ledger: &Ledger,
    style: ProgressStyle,
    input: &Input,
    stop: &Stop,
) -> Result<Option<Plan>, RunError> {
    if input.is_regular_file() && (must_ask(settings) || style != ProgressStyle::None) {
        let roster = roster(settings, ledger.admission(settings.request.recheck)?);
        let plan = Plan::of(open(settings)?, roster, stop)?;
        if stop.is_requested() { Err(stopped(stop)) } else { Ok(Some(plan)) }
    } else {
        Ok(None)
    }
}

fn roster(settings: &RunSettings, admission: Admission) -> Roster {
    Roster::new(settings.accounts.clone(), settings.account.clone(), settings.country.clone(), admission)
}

fn progress_style(settings: &RunSettings) -> ProgressStyle {
    let request = &settings.request;
    match request.progress {
        _ if request.quiet > 0 => ProgressStyle::None,
        Some(style) => style,
        // The rows scroll by already, and a bar would stand between them.
        None if settings.report_goes_to_stdout() && io::stdout().is_terminal() => ProgressStyle::None,
        None if io::stderr().is_terminal() => ProgressStyle::Bar,
        None => ProgressStyle::Plain,
    }
}

fn facts(settings: &RunSettings) -> RunFacts {
    let started_at = Timestamp::now();
    let run_id = format!("{}-{:08x}", started_at.strftime("%Y%m%dT%H%M%SZ"), fastrand::u32(..));
    RunFacts { run_id, command: "run", api: settings.api.as_str(), started_at }
}
