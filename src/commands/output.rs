//! Where a run's report and summary go, decided and opened before anything is sent.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::config::{Command, Settings};
use crate::input::Source;
use crate::report::{Columns, Destination, DifferenceReport, Format, ListSink, Report, ReportFile, why_unwritten};
use crate::runner::on_a_thread;
use crate::share::Share;
use crate::stop::Stop;

/// Why report or summary can't go where they should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    #[error("{0} would overwrite {1}: choose another name with {2}")]
    Overwrites(&'static str, &'static str, &'static str),
    #[error("{option}: other shares would write to the same file: name it like {}", name.display())]
    SharedName { option: &'static str, name: PathBuf },
    #[error("{}", unknown_format(.0))]
    UnknownFormat(String),
    #[error("{what} {path} can't be written: {}", why_unwritten(why, option))]
    Create { what: &'static str, path: String, option: &'static str, why: io::Error },
    #[error("{what} {path} could not be written")]
    Write { what: &'static str, path: String, source: io::Error },
}

pub(super) const SUMMARY_FLAG: &str = "--summary";
pub(super) const PAGE_FLAG: &str = "--html";

/// Numbers that are tried for one name.
const MOST_NAMES: u32 = 1_000;

/// Spreadsheets' own files.
const SPREADSHEETS: [&str; 5] = ["xlsx", "xls", "xlsm", "ods", "numbers"];

fn unknown_format(path: &str) -> String {
    let extension = Path::new(path).extension().unwrap_or_default().to_string_lossy().to_lowercase();
    if SPREADSHEETS.contains(&extension.as_str()) {
        return format!(
            "{path} can't be written as a spreadsheet's own file: end its name in .csv, which spreadsheets open"
        );
    }
    format!("the format of {path} is not known by its name: end it in .csv or .jsonl, or pass --output-format")
}

/// Report and summary, chosen and free to be written.
#[derive(Debug)]
pub(super) struct Outputs {
    report: Place,
    format: Format,
    /// Whether it goes to a terminal, and nothing is said about its format.
    is_for_people: bool,
    summary: Option<Destination>,
    page: Option<Destination>,
}

/// Where the report goes.
#[derive(Debug)]
enum Place {
    /// Where the user said, or to standard output.
    Named(Destination),
    /// `<stem>.results-<UTC time><suffix>.<extension>` in the working directory, as soon as it begins.
    Unnamed { stem: String, suffix: String, extension: &'static str },
}

impl Outputs {
    /// Chooses names and format. Creates nothing; [`super::spared::Files`] has refused what would destroy something.
    pub(super) fn choose(settings: &Settings, by_input: Format) -> Result<Self, OutputError> {
        let report = match &settings.output {
            Some(destination) => Place::Named(destination.clone()),
            None if settings.report_goes_to_stdout() => Place::Named(Destination::Stdout),
            None => {
                let format = settings.output_format.unwrap_or(by_input);
                Place::unnamed(settings.source.as_ref(), settings.command, settings.share, format)
            }
        };
        let is_for_people =
            settings.report_goes_to_stdout() && settings.output_format.is_none() && io::stdout().is_terminal();
        let page = settings.page.as_ref().map(|page| Destination::Path(page.path.clone()));
        let format = match (settings.output_format, &report) {
            (Some(format), _) => format,
            (None, Place::Named(Destination::Path(path))) if path.extension().is_some() => {
                Format::of_path(path).ok_or_else(|| OutputError::UnknownFormat(path.display().to_string()))?
            }
            (None, Place::Named(_) | Place::Unnamed { .. }) => by_input,
        };
        Ok(Self { report, format, is_for_people, summary: settings.summary.clone(), page })
    }

    pub(super) fn begin_report(&self, columns: Columns) -> Result<Report, OutputError> {
        let begin = |file| Report::begin(file, self.format, columns);
        match &self.report {
            Place::Named(place) => ReportFile::create(place)
                .and_then(begin)
                .map_err(|source| cannot_create("the report", place, "-o", source)),
            Place::Unnamed { stem, suffix, extension } => {
                let names = default_names(stem, suffix, extension, Timestamp::now());
                ReportFile::create_unnamed(names.clone()).and_then(begin).map_err(|source| {
                    let place = Destination::Path(names.take(1).collect());
                    cannot_create("the report", &place, "-o", source)
                })
            }
        }
    }

    pub(super) fn begin_list(&self, has_accounts: bool, stop: Stop) -> Result<ListSink, OutputError> {
        self.begin("the list", |file| ListSink::begin(file, self.format_of_list(), has_accounts, stop))
    }

    pub(super) fn begin_differences(&self) -> Result<DifferenceReport, OutputError> {
        self.begin("the report", |file| DifferenceReport::begin(file, self.format_of_list()))
    }

    /// `None` for people.
    fn format_of_list(&self) -> Option<Format> {
        (!self.is_for_people).then_some(self.format)
    }

    /// Begins what has no default name.
    fn begin<T>(&self, what: &'static str, begin: impl FnOnce(ReportFile) -> io::Result<T>) -> Result<T, OutputError> {
        let place = match &self.report {
            Place::Named(place) => place,
            Place::Unnamed { .. } => &Destination::Stdout,
        };
        ReportFile::create(place).and_then(begin).map_err(|source| cannot_create(what, place, "-o", source))
    }

    /// Opens the page, for the same reason.
    pub(super) fn begin_page(&self) -> Result<Option<ReportFile>, OutputError> {
        self.page.as_ref().map(create_page).transpose()
    }

    /// Opens the summary, so that a run of days does not find out at its end that it can't be written.
    pub(super) fn begin_summary(&self) -> Result<Option<ReportFile>, OutputError> {
        let create = |destination: &Destination| {
            ReportFile::create(destination)
                .map_err(|source| cannot_create("the summary", destination, SUMMARY_FLAG, source))
        };
        self.summary.as_ref().map(create).transpose()
    }
}

/// A pipe that nobody reads must not keep a failed command from its end.
const LATE: Duration = Duration::from_secs(2);

/// Opens the summary of a command that failed; `None` where it can't be opened.
pub(super) async fn late_summary(destination: Destination) -> Option<ReportFile> {
    open_late("summary", move || ReportFile::create(&destination)).await
}

/// Opens the page of a command that failed, for the same reason: one of an earlier run must not pass for its own.
pub(super) async fn late_page(path: PathBuf) -> Option<ReportFile> {
    open_late("page", move || ReportFile::create_private(&Destination::Path(path))).await
}

async fn open_late(
    what: &'static str,
    open: impl FnOnce() -> io::Result<ReportFile> + Send + 'static,
) -> Option<ReportFile> {
    let opened = on_a_thread(what, open).ok()?;
    let why = match tokio::time::timeout(LATE, opened).await {
        Ok(Ok(Ok(file))) => return Some(file),
        Ok(Ok(Err(error))) => error.to_string(),
        Ok(Err(_)) => "it broke off".to_owned(),
        Err(_) => "nobody reads it".to_owned(),
    };
    tracing::warn!("the {what} can't be written: {why}");
    None
}

/// Writes the summary and finishes it.
pub(super) fn write_summary(file: Option<ReportFile>, summary: &Value) -> Result<(), OutputError> {
    file.map_or(Ok(()), |file| write_all("the summary", file, &format!("{summary:#}\n")))
}

/// Opens a page. It names people, so that only its owner may read it.
pub(super) fn create_page(destination: &Destination) -> Result<ReportFile, OutputError> {
    ReportFile::create_private(destination).map_err(|source| cannot_create("the page", destination, PAGE_FLAG, source))
}

/// Writes the page and finishes it.
pub(super) fn write_page(file: ReportFile, page: &str) -> Result<(), OutputError> {
    write_all("the page", file, page)
}

fn write_all(what: &'static str, mut file: ReportFile, text: &str) -> Result<(), OutputError> {
    let path = file.name().display().to_string();
    let written = file.write(text.as_bytes()).and_then(|()| file.finish());
    written.map_err(|source| OutputError::Write { what, path, source })
}

fn cannot_create(what: &'static str, place: &Destination, option: &'static str, why: io::Error) -> OutputError {
    let path = match place {
        Destination::Stdout => "on standard output".to_owned(),
        Destination::Path(path) => path.display().to_string(),
    };
    OutputError::Create { what, path, option, why }
}

impl Place {
    fn unnamed(source: Option<&Source>, command: Command, share: Option<Share>, format: Format) -> Self {
        let stem = match source {
            Some(Source::Stdin) => "stdin".into(),
            Some(Source::Path(path)) => path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            None => command.as_str().to_owned(),
        };
        let suffix = share.map(Share::suffix).unwrap_or_default();
        Self::Unnamed { stem, suffix, extension: format.extension() }
    }
}

/// The names for a report that begins now: more than one, since another run may begin within the same second.
fn default_names(stem: &str, suffix: &str, extension: &str, now: Timestamp) -> impl Iterator<Item = PathBuf> + Clone {
    let name = format!("{stem}.results-{}{suffix}", now.strftime("%Y%m%dT%H%M%SZ"));
    (1..=MOST_NAMES).map(move |number| match number {
        1 => PathBuf::from(format!("{name}.{extension}")),
        _ => PathBuf::from(format!("{name}-{number}.{extension}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_name_stands_in_the_working_directory() {
        let now: Timestamp = "2026-11-22T21:05:09Z".parse().unwrap();
        let cases = [
            ("lists/old ones.csv", None, Format::Csv, "old ones.results-20261122T210509Z.csv"),
            ("/tmp/a.b.jsonl", None, Format::JsonLines, "a.b.results-20261122T210509Z.jsonl"),
            ("ids", Share::new(3, 8), Format::Csv, "ids.results-20261122T210509Z-3-of-8.csv"),
        ];
        for (input, share, format, name) in cases {
            let Place::Unnamed { stem, suffix, extension } =
                Place::unnamed(Some(&Source::Path(input.into())), Command::Run, share, format)
            else {
                panic!("named");
            };
            let mut names = default_names(&stem, &suffix, extension, now);
            assert_eq!(names.next().unwrap(), Path::new(name));
            let (name, extension) = name.rsplit_once('.').unwrap();
            assert_eq!(names.next().unwrap(), PathBuf::from(format!("{name}-2.{extension}")));
        }
    }
}
