//! `--html`: a command's end as a page for people.

use std::path::{Path, PathBuf};

use super::ending::unwritable;
use super::output::write_page;
use super::target;
use crate::config::{PageSettings, Settings};
use crate::input::Source;
use crate::ledger::{History, LedgerError, RunLine};
use crate::report::{Observed, PageFacts, ReportFile, Summary, page};

/// Runs that a page shows.
pub(super) const RUNS: u32 = 12;

/// The page that a command ends with, open, and what it is to say.
pub(super) struct OpenPage {
    file: ReportFile,
    observed: Observed,
    asked: PageSettings,
    is_rehearsal: bool,
    input: Option<PathBuf>,
    /// With the API as it is known there.
    ledger: Option<(PathBuf, String)>,
}

impl OpenPage {
    /// `None` where no page is asked for.
    pub(super) fn new(settings: &Settings, file: Option<ReportFile>, observed: Option<Observed>) -> Option<Box<Self>> {
        let (file, observed, asked) = (file?, observed?, settings.page.clone()?);
        let ledger = settings.ledger.clone().map(|path| (path, target::api(settings)));
        let input = match &settings.source {
            Some(Source::Path(path)) => Some(path.clone()),
            Some(Source::Stdin) | None => None,
        };
        Some(Box::new(Self { file, observed, asked, is_rehearsal: settings.is_rehearsal(), input, ledger }))
    }

    /// Writes the page, once the ledger is closed. The exit code says if that fails.
    pub(super) fn finish(self, summary: &mut Summary, report: Option<&Path>) {
        let Self { file, mut observed, asked, is_rehearsal, input, ledger } = self;
        let runs = by_ledger(ledger, &mut observed).unwrap_or_else(|error| {
            tracing::warn!("the page is without names and runs of the ledger: {}", crate::error_chain(&error));
            Vec::new()
        });
        // The page may be sent to others, for whom our directories mean nothing.
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let (report, input) = (report.and_then(name), input.as_deref().and_then(name));
        let facts =
            PageFacts { command_line: asked.command_line, settings: asked.listing, is_rehearsal, input, report, runs };
        if let Err(error) = write_page(file, &page(summary, observed, &facts)) {
            unwritable(summary, &error);
        }
    }
}

/// Names people whom the input does not, and gives the last runs. A temporary ledger is gone by now.
fn by_ledger(ledger: Option<(PathBuf, String)>, observed: &mut Observed) -> Result<Vec<RunLine>, LedgerError> {
    let Some((path, api)) = ledger.filter(|(path, _)| path.exists()) else { return Ok(Vec::new()) };
    let history = History::open(&path)?;
    for person in observed.people_mut().filter(|person| person.name.is_empty()) {
        if let Some((name, profile_url)) = history.person(&api, &person.account, &person.invitation_id)? {
            person.name_by(&name, &profile_url);
        }
    }
    history.last_runs(Some(&api), RUNS)
}
