//! `--html`: a command's end as a page for people.

use std::path::Path;

use super::output::write_page;
use super::target;
use crate::config::{PageSettings, Settings};
use crate::exit;
use crate::ledger::{History, LedgerError, RunLine};
use crate::report::{Observed, PageFacts, ReportFile, Summary, page};

/// Runs that a page shows.
pub(super) const RUNS: u32 = 12;

/// Writes the page, once the ledger is closed. The exit code says if that fails.
pub(super) fn finish(
    settings: &Settings,
    open: Option<(ReportFile, Observed)>,
    summary: &mut Summary,
    report: Option<&Path>,
) {
    let Some(((file, mut observed), asked)) = open.zip(settings.page.as_ref()) else { return };
    let runs = by_ledger(settings, &mut observed).unwrap_or_else(|error| {
        tracing::warn!("the page is without names and runs of the ledger: {}", crate::error_chain(&error));
        Vec::new()
    });
    let PageSettings { command_line, listing, .. } = asked;
    // The page may be sent to others, for whom our directories mean nothing.
    let report = report.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let facts = PageFacts {
        command_line,
        settings: listing,
        is_rehearsal: settings.is_rehearsal(),
        report: report.as_deref(),
        runs: &runs,
    };
    if let Err(error) = write_page(file, &page(summary, observed, &facts)) {
        tracing::error!("{}", crate::error_chain(&error));
        summary.exit_code = exit::UNWRITABLE;
    }
}

/// Names people whom the input does not, and gives the last runs. A temporary ledger is gone by now.
fn by_ledger(settings: &Settings, observed: &mut Observed) -> Result<Vec<RunLine>, LedgerError> {
    let Some(path) = settings.ledger.as_deref().filter(|path| path.exists()) else { return Ok(Vec::new()) };
    let (history, api) = (History::open(path)?, target::api(settings));
    for person in observed.people_mut().filter(|person| person.name.is_empty()) {
        if let Some((name, profile_url)) = history.person(&api, &person.account, &person.invitation_id)? {
            person.name_by(&name, &profile_url);
        }
    }
    history.last_runs(Some(&api), RUNS)
}
