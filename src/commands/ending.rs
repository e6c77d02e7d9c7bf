//! How the commands that call the API end: summed up, written, said.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;
use tracing::Level;

use super::account_list::ListEnd;
use super::error::CommandError;
use super::job::{Job, Opened};
use super::metrics_file;
use super::output::{OutputError, PAGE_FLAG, SUMMARY_FLAG, late_page, late_summary, write_page, write_summary};
use super::page::OpenPage;
use super::spared::Files;
use crate::config::{self, Layers, Watchers};
use crate::exit;
use crate::ledger::Ledger;
use crate::pace::{Learned, Pace, Rate};
use crate::ping::Pings;
use crate::report::{
    MetricsJob, PageFacts, Report, ReportFile, RunFacts, Screen, Summary, Totals, last_lines, short_page, table,
};
use crate::runner::Bounds;
use crate::stop::{Stop, StopCause, StopReason};

/// A command that has ended, with the file where that is written.
pub(super) enum Done {
    /// `report` is where its lines are.
    Summed { summary: Box<Summary>, file: Option<ReportFile>, page: Option<Box<OpenPage>>, report: Option<PathBuf> },
    /// An error ended it, which was said.
    Failed { summary: Box<Summary>, file: Option<ReportFile>, page: Option<ShortPage> },
    /// A dry run, whose plan was shown.
    Planned { plan: Value, file: Option<ReportFile>, exit_code: u8 },
}

/// What is left to say of a command that an error ended, as a page.
pub(super) struct ShortPage {
    file: ReportFile,
    text: String,
}

impl Done {
    /// What is left to say of a command that an error ended.
    pub(super) async fn failed(error: &CommandError, facts: RunFacts, layers: &Layers, files: &Files) -> Self {
        let summary = Summary {
            facts,
            finished_at: Timestamp::now(),
            totals: Totals::default(),
            rate: layers.get_or_default(&config::RATE).unwrap_or(Rate::Unlimited),
            learned: None,
            input_complete: false,
            stop: Some(error.cause()),
            stopped_accounts: BTreeMap::new(),
            exit_code: error.exit_code(),
        };
        let file = match layers.get(&config::SUMMARY) {
            Some(to) if files.spares(SUMMARY_FLAG) && !error.forbids_a_summary() => late_summary(to).await,
            Some(_) | None => None,
        };
        let page = match layers.get(&config::HTML) {
            Some(to) if files.spares(PAGE_FLAG) && !error.is_of_file(PAGE_FLAG) => late_page(to).await,
            Some(_) | None => None,
        };
        let facts = PageFacts { is_rehearsal: layers.is_set(&config::SIMULATE), ..PageFacts::default() };
        let page = page.map(|file| ShortPage { file, text: short_page(&summary, &facts) });
        Self::Failed { summary: Box::new(summary), file, page }
    }

    /// Writes the summary, and tells whoever is to know. Returns the exit code.
    pub(super) async fn tell(self, quiet: u8, screen: &Screen, watchers: Watchers, pings: Option<Pings>) -> u8 {
        let (mut summary, file, report, has_table) = match self {
            Self::Planned { plan, file, exit_code } => return tell_plan(&plan, file, exit_code, screen),
            Self::Summed { mut summary, file, page, report } => {
                if let Some(page) = page {
                    page.finish(&mut summary, report.as_deref());
                }
                (summary, file, report, true)
            }
            Self::Failed { mut summary, file, page } => {
                if let Some(ShortPage { file, text }) = page
                    && let Err(error) = write_page(file, &text)
                {
                    unwritable(&mut summary, &error);
                }
                (summary, file, None, false)
            }
        };
        write(file, &mut summary);
        if let Some(path) = watchers.metrics_file {
            let share = summary.facts.share.map(|share| share.to_string());
            let job = MetricsJob { account: watchers.account.as_ref(), share: share.as_deref() };
            metrics_file::write(path, &summary, job).await;
        }
        if has_table && !screen.is_json() {
            say(&summary, report.as_deref(), quiet, screen);
        }
        if let Some(pings) = pings {
            pings.end(summary.exit_code, summary.to_json()).await;
        }
        // Behind every warning.
        if screen.is_json() && is_wanted(&summary, quiet) {
            print_end(screen, summary.exit_code, &summary.to_json());
        }
        summary.exit_code
    }
}

fn tell_plan(plan: &Value, file: Option<ReportFile>, exit_code: u8, screen: &Screen) -> u8 {
    let written = write_summary(file, plan);
    if let Err(error) = &written {
        screen.print_failure(&crate::error_chain(error));
    }
    let exit_code = if written.is_ok() { exit_code } else { exit::USAGE };
    if screen.is_json() {
        print_end(screen, exit_code, plan);
    }
    exit_code
}

fn write(file: Option<ReportFile>, summary: &mut Summary) {
    if let Err(error) = write_summary(file, &summary.to_json()) {
        unwritable(summary, &error);
    }
}

/// The page or the summary could not be written. That is no reason to hide a graver one.
pub(super) fn unwritable(summary: &mut Summary, error: &OutputError) {
    let detail = crate::error_chain(error);
    tracing::error!("{detail}");
    if matches!(summary.exit_code, exit::FINE | exit::NOT_FINE) {
        summary.exit_code = exit::UNWRITABLE;
        summary.stop = Some(StopCause { reason: StopReason::ReportUnwritable, detail });
    }
}

/// Whether it is said what the command came to.
fn is_wanted(summary: &Summary, quiet: u8) -> bool {
    let is_fine = summary.exit_code == exit::FINE;
    match quiet {
        0 => true,
        1 => !is_fine,
        2.. => !is_fine || summary.stop.is_some(),
    }
}

fn say(summary: &Summary, report: Option<&Path>, quiet: u8, screen: &Screen) {
    match quiet {
        0 | 1 if is_wanted(summary, quiet) => {
            screen.print(&table(summary, report));
            let lines = last_lines(summary);
            lines.iter().filter(|(label, _)| label.is_empty()).for_each(|(_, command)| screen.print_command(command));
        }
        0 | 1 => {}
        2.. => {
            let is_fine = summary.exit_code == exit::FINE;
            for (label, value) in last_lines(summary).iter().filter(|(label, _)| !is_fine || *label == "stopped") {
                match *label {
                    "" => screen.print_command(value),
                    label => screen.print_failure(&format!("{label}: {value}")),
                }
            }
        }
    }
}

fn print_end(screen: &Screen, exit_code: u8, summary: &Value) {
    let level = if exit_code == exit::FINE { Level::INFO } else { Level::ERROR };
    let fields = summary.as_object().cloned().unwrap_or_default();
    screen.print_end(level, &format!("ended with exit code {exit_code}"), fields);
}

impl Job<'_> {
    /// Ends before the first withdrawal, with a summary of the list that was paid for. `why` is what ended it, where that
    /// was no stop.
    pub(super) async fn end_after_list(
        self,
        opened: Opened<Report>,
        list: &ListEnd,
        why: Option<CommandError>,
    ) -> Done {
        let Opened { summary: file, page, out: report } = opened;
        report.discard();
        let screen = self.screen;
        let (mut summary, page) = self.end(list, page).await;
        if let Some(why) = why {
            // The summary's table says it.
            if !matches!(why, CommandError::Declined(_)) || screen.is_json() {
                screen.print_failure(&crate::error_chain(&why));
            }
            summary.exit_code = why.exit_code();
            summary.stop.get_or_insert_with(|| why.cause());
        }
        Done::Summed { summary, file, page, report: None }
    }

    /// Ends a list, whose exit code is 0 if it is whole, or its reader has seen enough, and what it shows is fine.
    pub(super) async fn end_list(
        self,
        list: &ListEnd,
        is_fine: bool,
        file: Option<ReportFile>,
        page: Option<ReportFile>,
        report: &Path,
    ) -> Done {
        let is_enough = *list == ListEnd::NotWanted;
        let is_stopped = self.stop.is_requested();
        let (mut summary, page) = self.end(list, page).await;
        if is_enough && !is_stopped {
            summary.exit_code = exit::FINE;
        }
        if summary.exit_code == exit::FINE && !is_fine {
            summary.exit_code = exit::NOT_FINE;
        }
        Done::Summed { summary, file, page, report: Some(report.to_owned()) }
    }

    /// Ends a command that only looked: `found` is its exit code if nothing stopped it.
    pub(super) async fn end_look(self, found: u8, file: Option<ReportFile>) -> Done {
        let cause = self.stop.cause();
        let (mut summary, page) = self.end(&ListEnd::Complete, None).await;
        // At a limit, what could not be looked at is unknown.
        if cause.is_none_or(|cause| cause.reason.is_limit()) {
            summary.exit_code = found;
        }
        Done::Summed { summary, file, page, report: None }
    }

    /// Sums up what was done beside the pool.
    async fn end(self, list: &ListEnd, page: Option<ReportFile>) -> (Box<Summary>, Option<Box<OpenPage>>) {
        let Self { settings, stop, caller, sinks, facts, .. } = self;
        close(caller.journal, stop).await;
        let is_cut = *list == ListEnd::Stopped;
        let (pace, bounds) = (&caller.pace, &caller.bounds);
        let page = OpenPage::new(settings, page, sinks.observed);
        (Box::new(sum_up(facts, sinks.totals, pace, bounds, list.is_complete(), is_cut, stop)), page)
    }
}

/// The run in sums, now that it has ended. `is_cut`: whether a stop cuts the input short, so that it is none of its faults
/// to be incomplete.
pub(super) fn sum_up(
    facts: RunFacts,
    totals: Totals,
    pace: &Pace,
    bounds: &Bounds,
    input_complete: bool,
    is_cut: bool,
    stop: &Stop,
) -> Summary {
    let (stop, stopped_accounts) = (stop.cause(), bounds.stopped_accounts().collect::<BTreeMap<_, _>>());
    let reason = stop.as_ref().map(|stop| stop.reason);
    let is_limited = is_cut && reason.is_some_and(StopReason::is_limit);
    let of_accounts = stopped_accounts.values().map(|stop| stop.reason);
    let exit_code = exit::of_run(reason, of_accounts, totals.not_fine == 0 && (input_complete || is_limited));
    let (rate, learned) = (pace.rate(), pace.learned().map(Learned::limit));
    let finished_at = Timestamp::now();
    Summary { facts, finished_at, totals, rate, learned, input_complete, stop, stopped_accounts, exit_code }
}

/// Each outcome was durable before it was told, so a ledger that can't be tidied up is no failure of the run.
pub(super) async fn close(ledger: Option<Ledger>, stop: &Stop) {
    let is_said = stop.cause().is_some_and(|stop| stop.reason == StopReason::LedgerUnwritable);
    if let Some(ledger) = ledger
        && let Err(error) = ledger.close().await
        && !is_said
    {
        tracing::warn!("{}", crate::error_chain(&error));
    }
}
