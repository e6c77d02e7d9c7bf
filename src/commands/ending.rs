//! How the commands that call the API end: sum up, write the summary, and say the exit code.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use super::account_list::ListEnd;
use super::error::CommandError;
use super::job::{Job, Opened};
use super::output::write_summary;
use super::page;
use crate::config::Settings;
use crate::exit;
use crate::ledger::Ledger;
use crate::pace::{Learned, Pace};
use crate::report::{Report, ReportFile, RunFacts, Screen, Summary, Totals, table};
use crate::runner::Bounds;
use crate::stop::{Stop, StopReason};

impl Job<'_> {
    /// Ends before the first withdrawal, with a summary of the list that was paid for. `why` is what ended it, where that
    /// was no stop.
    pub(super) async fn end_after_list(self, opened: Opened<Report>, list: &ListEnd, why: Option<CommandError>) -> u8 {
        let Opened { summary, page, out: report } = opened;
        report.discard();
        let screen = self.screen;
        let by_why = |code, _: &Stop| {
            why.map_or(code, |why| {
                screen.print_line(&format!("bulk-withdraw: {}", crate::error_chain(&why)));
                why.exit_code()
            })
        };
        self.end(list, summary, page, None, by_why).await
    }

    /// Ends a list, and returns the exit code: 0 for one that is whole, or whose reader has seen enough, if what it shows
    /// is fine.
    pub(super) async fn end_list(
        self,
        list: &ListEnd,
        is_fine: bool,
        summary: Option<ReportFile>,
        page: Option<ReportFile>,
        report: &Path,
    ) -> u8 {
        let is_enough = *list == ListEnd::NotWanted;
        let by_list = |code, stop: &Stop| {
            let code = if is_enough && !stop.is_requested() { exit::FINE } else { code };
            if code == exit::FINE && !is_fine { exit::NOT_FINE } else { code }
        };
        self.end(list, summary, page, Some(report), by_list).await
    }

    /// Ends a command that only looked, and returns the exit code: `found` says which it is if nothing stopped it.
    pub(super) async fn end_look(self, found: u8, summary: Option<ReportFile>) -> u8 {
        // At a limit, what could not be looked at is unknown.
        let by_stop = |code, stop: &Stop| match stop.cause() {
            Some(cause) if !cause.reason.is_limit() => code,
            Some(_) | None => found,
        };
        self.end(&ListEnd::Complete, summary, None, None, by_stop).await
    }

    /// Sums up what was done beside the pool, and tells. `correct` gets the exit code of a run that came to that.
    async fn end(
        self,
        list: &ListEnd,
        summary_file: Option<ReportFile>,
        page: Option<ReportFile>,
        report: Option<&Path>,
        correct: impl FnOnce(u8, &Stop) -> u8,
    ) -> u8 {
        let Self { settings, screen, stop, caller, sinks, facts, .. } = self;
        close(caller.journal).await;
        let is_cut = *list == ListEnd::Stopped;
        let (pace, bounds) = (&caller.pace, &caller.bounds);
        let mut summary = sum_up(facts, sinks.totals, pace, bounds, list.is_complete(), is_cut, stop);
        summary.exit_code = correct(summary.exit_code, stop);
        page::finish(settings, page.zip(sinks.observed), &mut summary, report);
        tell(settings, screen, summary, summary_file, report)
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
    match settings.quiet {
        1 if summary.exit_code == exit::FINE => {}
        0 | 1 => screen.print(&table(&summary, report)),
        2.. => summary.stop.iter().for_each(|stop| screen.print_line(&format!("bulk-withdraw: stopped, {stop}"))),
    }
    summary.exit_code
}

/// Each outcome was durable before it was told, so a ledger that can't be tidied up is no failure of the run.
pub(super) async fn close(ledger: Option<Ledger>) {
    if let Some(ledger) = ledger
        && let Err(error) = ledger.close().await
    {
        tracing::warn!("{}", crate::error_chain(&error));
    }
}
