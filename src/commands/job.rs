//! What the commands that call the API have in common: begin, ask, withdraw.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::account_list::ListEnd;
use super::ending::{Done, close, sum_up};
use super::error::{CommandError, confirm, has_terminal};
use super::intake::Intake;
use super::limits;
use super::lock;
use super::output::{OutputError, Outputs};
use super::page::OpenPage;
use super::people;
use super::plan::Plan;
use super::target::{self, Ready};
use crate::api::{ApiCall, ApiVersion, CallResult, Client, LinkUpApi};
use crate::config::{Command, Settings, Target};
use crate::ledger::{Ledger, LedgerError, Lookup};
use crate::listing::Keep;
use crate::pace::Learned;
use crate::policy::{Cost, Meaning, balance};
use crate::report::{
    EventLog, Heard, Observed, PersonColumns, Progress, ProgressStyle, Report, ReportFile, RunFacts, Screen, Sinks,
    Totals, plural,
};
use crate::runner::{Caller, Judged, Limits, Pool, Triage, on_a_thread};
use crate::sandbox::Sandbox;
use crate::stop::{Stop, StopReason};

/// Events that may wait for the sinks.
const EVENTS: usize = 1_000;

/// Said wherever a withdrawal is asked for.
const WARNING: &str = "A withdrawal can't be undone, and the person can't be invited again for up to three weeks.";

/// What `--yes` does where there is no terminal.
pub(super) const UNASKED: &str = "to withdraw without asking, or --dry-run to see the plan";
const UNASKED_LIST: &str = "to fetch the list without asking, or --dry-run to see its cost";

/// A command's work: where its calls go, who is told, and what it may do.
pub(super) struct Job<'a> {
    pub(super) settings: &'a Settings,
    pub(super) screen: &'a Screen,
    pub(super) stop: &'a Stop,
    pub(super) keep: Keep,
    pub(super) caller: Caller<Client, Option<Ledger>>,
    pub(super) sinks: Sinks,
    pub(super) facts: RunFacts,
    _sandbox: Option<Sandbox>,
}

/// Where the summary and a command's other output go, open.
pub(super) struct Opened<T> {
    pub(super) summary: Option<ReportFile>,
    pub(super) page: Option<ReportFile>,
    pub(super) out: T,
}

impl<'a> Job<'a> {
    /// Takes the ledger, and with it the right to be the only one to withdraw with it.
    pub(super) async fn begin(
        settings: &'a Settings,
        facts: RunFacts,
        keep: Keep,
        screen: &'a Screen,
        stop: &'a Stop,
    ) -> Result<Self, CommandError> {
        let ledger = lock::take(settings, &facts, stop).await?;
        Self::with(settings, keep, screen, stop, facts, Some(ledger)).await
    }

    /// A job that withdraws nothing. It records its calls beside a run that works; without a ledger it goes on.
    pub(super) async fn begin_beside(
        settings: &'a Settings,
        facts: RunFacts,
        keep: Keep,
        screen: &'a Screen,
        stop: &'a Stop,
    ) -> Result<Self, CommandError> {
        let ledger = target::open_ledger_beside(settings, &facts, stop);
        Self::with(settings, keep, screen, stop, facts, ledger).await
    }

    async fn with(
        settings: &'a Settings,
        keep: Keep,
        screen: &'a Screen,
        stop: &'a Stop,
        facts: RunFacts,
        ledger: Option<Ledger>,
    ) -> Result<Self, CommandError> {
        let Ready { api, sandbox } = target::ready(settings).await?;
        stop.underway().set_timeout(settings.timeout);
        let (events, heard) = mpsc::channel(EVENTS);
        let pace = limits::pace(settings, ledger.as_ref())?;
        // Only its plan says whether a run sends anything.
        if settings.command != Command::Run {
            limits::tell_wait(&pace);
        }
        let bounds = Arc::new(limits::bounds(settings, ledger.as_ref(), stop)?);
        let (backoff, confirming) = (settings.backoff, settings.success_messages.clone());
        let stopped = stop.clone();
        let caller = Caller { api, journal: ledger, pace, stop: stopped, bounds, backoff, confirming, events };
        let totals = Totals::new(settings.accounts.keys().cloned());
        let observed = settings.page.as_ref().map(|_| Observed::new(facts.started_at, settings.which.older_than));
        let (log, stopped) = (EventLog::default(), stop.clone());
        let sinks = Sinks { events: heard, report: None, totals, log, progress: None, observed, stop: stopped };
        Ok(Self { settings, screen, stop, keep, caller, sinks, facts, _sandbox: sandbox })
    }

    /// The triage by the ledger as it is now; with `recheck` no row counts as settled.
    pub(super) fn triage(&self, recheck: bool) -> Result<Triage, CommandError> {
        Ok(triage(self.settings, &self.keep, self.lookup(recheck)?))
    }

    pub(super) fn lookup(&self, recheck: bool) -> Result<Lookup, LedgerError> {
        match &self.caller.journal {
            Some(ledger) => ledger.lookup(recheck),
            None => target::look_up(self.settings, recheck),
        }
    }

    /// Opens the summary and what else the command writes, so that nothing is paid for that can't be reported. Opening a
    /// pipe blocks until somebody reads it.
    pub(super) async fn open<T: Send + 'static>(
        &self,
        outputs: Outputs,
        begin: impl FnOnce(&Outputs) -> Result<T, OutputError> + Send + 'static,
    ) -> Result<Opened<T>, CommandError> {
        let opened = unless_stopped(self.stop, "outputs", move || {
            let (summary, page) = (outputs.begin_summary()?, outputs.begin_page()?);
            Ok::<_, OutputError>(Opened { summary, page, out: begin(&outputs)? })
        });
        Ok(opened.await??)
    }

    /// Withdraws. `plan` is that of the rows, where they can be read ahead; `list` says how the
    /// list from which they come ended.
    pub(super) async fn withdraw(
        self,
        intake: Intake,
        opened: Opened<Report>,
        plan: Option<&Plan>,
        list: Option<ListEnd>,
    ) -> Result<Done, CommandError> {
        let triage = self.triage(self.settings.recheck || list.is_some())?.warning();
        let triage = triage.warning_of_short_ids(plan.is_none());
        let Self { settings, screen, stop, caller, mut sinks, facts, .. } = self;
        let Opened { summary: file, page, out: report } = opened;
        let report_file = report.names();
        stop.underway().set_results(from_here(report_file.current()));
        let rows = plan.map(Plan::rows);
        tracing::info!(target: crate::DETAIL, event = "withdrawing", rows, "withdrawing");
        let (ledger, pace) = (caller.journal.clone(), Arc::clone(&caller.pace));
        sinks.report = Some(report);
        if let Some(observed) = &mut sinks.observed {
            observed.name_by(PersonColumns::new(intake.column_names().iter().map(String::as_str)));
        }
        let mut progress = Progress::of_rows(progress_style(settings, screen), screen.clone(), rows, settings.patience);
        let unsent = plan.map_or(0, |plan| plan.all.unsent.total());
        progress.expect(settings.rate, pace.learned().map(Learned::limit), unsent);
        sinks.progress = Some(progress);
        let runtime = Handle::current();
        let told = on_a_thread("sinks", move || runtime.block_on(sinks.listen()))?;
        let input_ends = intake.ends();
        let pool =
            Pool { concurrency: settings.concurrency, limits: limits(settings), max_errors: settings.max_errors };
        let bounds = Arc::clone(&caller.bounds);
        let run = people::run(intake.rows(settings), triage, pool, caller, settings, plan);
        let ended = carry_out(run, told, stop).await;
        close(ledger, stop).await;
        let (Heard { totals, observed }, (input_complete, list_of_people)) = ended?;
        if plan.is_none() && settings.share.is_none() && totals.run.rows.total() == 0 && !stop.is_requested() {
            tracing::warn!("the input has no rows");
        }
        let list = list.or(list_of_people);
        if let Some(list) = &list {
            list.stop_if_unavailable(stop);
        }
        let is_cut = !input_ends || list == Some(ListEnd::Stopped);
        let list_complete = list.is_none_or(|list| list.is_complete());
        let summary = Box::new(sum_up(facts, totals, &pace, &bounds, input_complete && list_complete, is_cut, stop));
        let page = OpenPage::new(settings, page, observed);
        Ok(Done::Summed { summary, file, page, report: Some(report_file.current().to_owned()) })
    }

    /// Credits that lists can have cost until now.
    pub(super) fn listed(&self) -> u64 {
        self.sinks.totals.list.unwrap_or_default().cost.possible
    }

    /// Says what the balance is, and whether it may be too small for so many withdrawals.
    pub(super) async fn tell_balance(&self, needed: u64) -> Option<u64> {
        if self.caller.api.version() == ApiVersion::V1 {
            return None;
        }
        let judge = |result: &CallResult, _| {
            let credits = balance(result);
            // What a refusal says is said again to the first withdrawal: not to know the balance must hold up nothing.
            let meaning = if credits.is_some() { Meaning::Withdrawn } else { Meaning::NotSent };
            Judged { meaning, cost: Cost::default(), settlement: None, value: credits }
        };
        let (account, _) = self.settings.listed_accounts().next()?;
        let call = ApiCall::Balance(account);
        // It changes and costs nothing, so a stop need not wait for its answer.
        let made = self.stop.or(self.caller.call(call, false, judge)).await.flatten();
        let balance = made.and_then(|made| made.value)?;
        let credits = plural(balance, "credit");
        if balance < needed {
            tracing::warn!("the balance is {credits}, and this may take {needed}: it stops when they are used up");
        } else {
            tracing::info!("the balance is {credits}");
        }
        Some(balance)
    }

    /// Shows what will be done, and asks; unless that is nothing. `declined` says what a no comes to.
    pub(super) async fn ask(&self, shown: &str, plan: &Plan, declined: String) -> Result<(), CommandError> {
        if plan.to_send() == 0 {
            self.screen.print_as("plan", shown);
            return Ok(());
        }
        if let Some(nothing) = plan.nothing_now(self.settings) {
            self.screen.print_as("plan", &format!("{shown}{nothing}\n"));
            return Ok(());
        }
        self.confirm(&format!("{shown}{WARNING}\n"), &plan.question(self.settings), declined).await
    }

    /// Says this, and asks. `declined` says what a no comes to.
    pub(super) async fn confirm(&self, said: &str, question: &str, declined: String) -> Result<(), CommandError> {
        self.screen.print_as("question", said);
        let (screen, question) = (self.screen.clone(), question.to_owned());
        let confirmed = unless_stopped(self.stop, "prompt", move || confirm(&screen, &question)).await??;
        if confirmed { Ok(()) } else { Err(CommandError::Declined(declined)) }
    }
}

/// The path as a person in this directory would type it.
fn from_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path).to_owned()
}

/// Lets the run go to its end and the sinks to theirs. What the run came to stands beside the sums.
async fn carry_out<T>(
    run: impl Future<Output = io::Result<T>>,
    told: oneshot::Receiver<Heard>,
    stop: &Stop,
) -> Result<(Heard, T), CommandError> {
    let done = run.await?;
    let heard = told.await.unwrap_or_else(|_| {
        stop.request(StopReason::ReportUnwritable, "the report broke off: this is a bug, please report it");
        Heard::default()
    });
    Ok((heard, done))
}

/// The balance, told to a dry run of `run`: that costs nothing and is recorded nowhere. `None` on V1, and where there are no
/// credentials or only a rehearsal's.
pub(super) async fn balance_ahead(
    settings: &Settings,
    facts: RunFacts,
    screen: &Screen,
    needed: u64,
) -> Result<Option<u64>, CommandError> {
    let is_known = matches!(&settings.target, Target::Real { credentials: Some(_), .. });
    if settings.api == ApiVersion::V1 || !is_known {
        return Ok(None);
    }
    let stop = Stop::default();
    let job = Job::with(settings, Keep::default(), screen, &stop, facts, None).await?;
    Ok(job.tell_balance(needed).await)
}

/// Nothing is withdrawn without a yes: given ahead, or asked for.
pub(super) fn must_ask(settings: &Settings) -> bool {
    !(settings.yes || settings.is_rehearsal() || settings.dry_run)
}

/// Refuses at once where a yes is wanted and nobody can be asked for it.
pub(super) fn refuse_unasked(settings: &Settings) -> Result<(), CommandError> {
    let can_ask = !settings.reads_stdin() && has_terminal();
    let what = if settings.command == Command::Verify { UNASKED_LIST } else { UNASKED };
    if must_ask(settings) && !can_ask { Err(CommandError::NoTerminal(what)) } else { Ok(()) }
}

/// Whom never to withdraw.
pub(super) fn keep(settings: &Settings) -> Result<Keep, CommandError> {
    Ok(settings.keep.as_deref().map(Keep::read).transpose()?.unwrap_or_default())
}

/// Who may be called for.
pub(super) fn triage(settings: &Settings, keep: &Keep, lookup: Lookup) -> Triage {
    let accounts = settings.accounts.iter().map(|(name, account)| (name.clone(), account.country.clone()));
    Triage::new(accounts, settings.account.clone(), lookup, keep.clone())
}

pub(super) fn limits(settings: &Settings) -> Limits {
    Limits { retries: settings.retries, patience: settings.patience }
}

pub(super) fn progress_style(settings: &Settings, screen: &Screen) -> ProgressStyle {
    match settings.progress {
        _ if settings.quiet > 0 => ProgressStyle::None,
        Some(style) => style,
        // The rows scroll by already, and a bar would stand between them.
        None if settings.report_goes_to_stdout() && io::stdout().is_terminal() => ProgressStyle::None,
        None if screen.can_draw() => ProgressStyle::Bar,
        None => ProgressStyle::Plain,
    }
}

/// The plan of rows that can be read twice, unless the stop comes first.
pub(super) fn plan(intake: Intake, triage: Triage, job: &Job<'_>, stop: &Stop) -> Result<Plan, CommandError> {
    let plan = Plan::of(intake, triage, job.settings, job.listed(), stop)?;
    if stop.is_requested() { Err(stopped(stop)) } else { Ok(plan) }
}

/// What this comes to, unless the stop is asked for before it is done, however long it blocks.
async fn unless_stopped<T: Send + 'static>(
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
