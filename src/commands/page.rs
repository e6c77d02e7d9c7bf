//! `--html`: a command's end as a page for people.

use std::path::{Path, PathBuf};

use super::ending::unwritable;
use super::output::write_page;
use super::target;
use crate::config::{PageSettings, Settings, Which};
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
    /// Input and filters.
    what: Vec<String>,
    /// With the API as it is known there.
    ledger: Option<(PathBuf, String)>,
}

impl OpenPage {
    /// `None` where no page is asked for.
    pub(super) fn new(settings: &Settings, file: Option<ReportFile>, observed: Option<Observed>) -> Option<Box<Self>> {
        let (file, observed, asked) = (file?, observed?, settings.page.clone()?);
        let ledger = settings.ledger.clone().map(|path| (path, target::api(settings)));
        let what = what(settings);
        Some(Box::new(Self { file, observed, asked, is_rehearsal: settings.is_rehearsal(), what, ledger }))
    }

    /// Writes the page, once the ledger is closed. The exit code says if that fails.
    pub(super) fn finish(self, summary: &mut Summary, report: Option<&Path>) {
        let Self { file, mut observed, asked, is_rehearsal, what, ledger } = self;
        let runs = by_ledger(ledger, &mut observed).unwrap_or_else(|error| {
            tracing::warn!("the page is without names and runs of the ledger: {}", crate::error_chain(&error));
            Vec::new()
        });
        // The page may be sent to others, for whom our directories mean nothing.
        let report = report.and_then(name);
        let facts = PageFacts { settings: asked.listing, is_rehearsal, asked: what, report, runs };
        if let Err(error) = write_page(file, &page(summary, observed, &facts)) {
            unwritable(summary, &error);
        }
    }
}

fn name(path: &Path) -> Option<String> {
    path.file_name().map(|name| name.to_string_lossy().into_owned())
}

/// Which invitations were asked for, without our directories.
fn what(settings: &Settings) -> Vec<String> {
    let Which { older_than, newer_than, limit, max_pages, matching, not_matching, without_note, max_pending, .. } =
        &settings.which;
    let input = match &settings.source {
        Some(Source::Path(path)) => name(path).map(|name| format!("input {name}")),
        Some(Source::Stdin) => Some("standard input".to_owned()),
        None => None,
    };
    let days = |flag, days: &Option<u32>| days.map(|days| format!("{flag} {days}d"));
    let number = |flag, most: &Option<u64>| most.map(|most| format!("{flag} {most}"));
    let keep = settings.keep.as_deref().and_then(name).map(|name| format!("--keep {name}"));
    let mut what: Vec<_> = input.into_iter().chain(days("--older-than", older_than)).collect();
    what.extend(days("--newer-than", newer_than));
    what.extend(matching.iter().map(|text| format!("--match {text}")));
    what.extend(not_matching.iter().map(|text| format!("--not-match {text}")));
    what.extend(without_note.then(|| "--without-note".to_owned()));
    what.extend(number("--limit", limit));
    what.extend(number("--max-pages", max_pages));
    what.extend(number("--max-pending", max_pending));
    what.extend(number("--max-withdrawals", &settings.max_withdrawals));
    what.extend(keep);
    what
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
    history.runs(Some(&api), None, Some(RUNS))
}
