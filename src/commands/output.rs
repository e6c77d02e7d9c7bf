//! Where a run's report and summary go, decided and opened before anything is sent.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::config::{self, Command, Environment, Layers, Settings};
use crate::files::{resolved, same_file};
use crate::input::Source;
use crate::ledger;
use crate::report::{Columns, Destination, DifferenceReport, Format, ListSink, Report, ReportFile};
use crate::runner::on_a_thread;
use crate::share::Share;
use crate::stop::Stop;

/// Why report or summary can't go where they should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    #[error("{0} would overwrite {1}: choose another name with {2}")]
    Overwrites(&'static str, &'static str, &'static str),
    #[error("{path} exists, and may be another share's {what}: have {number} in the name of this share's ({option})")]
    AnotherShares { what: &'static str, path: String, number: u32, option: &'static str },
    #[error("the format of {0} is not known by its name: end it in .csv or .jsonl, or pass --output-format")]
    UnknownFormat(String),
    #[error("{what} {path} can't be written; choose another place with {option}")]
    Create { what: &'static str, path: String, option: &'static str, source: io::Error },
    #[error("{what} {path} could not be written")]
    Write { what: &'static str, path: String, source: io::Error },
}

pub(super) const SUMMARY_FLAG: &str = "--summary";
pub(super) const PAGE_FLAG: &str = "--html";

/// Numbers that are tried for one name.
const MOST_NAMES: u32 = 1_000;

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
    /// Chooses names and format, and refuses those that would destroy something. Creates nothing.
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
        let mut outputs = Self { report, format: by_input, is_for_people, summary: settings.summary.clone(), page };
        outputs.spare(settings)?;
        outputs.format = match (settings.output_format, &outputs.report) {
            (Some(format), _) => format,
            (None, Place::Named(Destination::Path(path))) if path.extension().is_some() => {
                Format::of_path(path).ok_or_else(|| OutputError::UnknownFormat(path.display().to_string()))?
            }
            (None, Place::Named(_) | Place::Unnamed { .. }) => by_input,
        };
        Ok(outputs)
    }

    /// Refuses to overwrite the input, the ledger, or the report by the summary, under their final names or while they
    /// grow.
    fn spare(&self, settings: &Settings) -> Result<(), OutputError> {
        let report = match &self.report {
            Place::Named(destination) => written(Some(destination)),
            // It takes a name that nobody has.
            Place::Unnamed { .. } => Vec::new(),
        };
        let summary = written(self.summary.as_ref());
        let page = written(self.page.as_ref());
        let spared = Spared::new(settings.source.as_ref(), settings.keep.clone(), settings.ledger.as_deref());
        spared.refuse("the report", &report, "-o")?;
        spared.refuse("the summary", &summary, SUMMARY_FLAG)?;
        spared.refuse("the page", &page, PAGE_FLAG)?;
        refuse_clash("the page", &page, "the report", &report, PAGE_FLAG)?;
        refuse_clash("the page", &page, "the summary", &summary, PAGE_FLAG)?;
        refuse_clash("the summary", &summary, "the report", &report, SUMMARY_FLAG)?;
        let named = match &self.report {
            Place::Named(destination) => Some(destination),
            Place::Unnamed { .. } => None,
        };
        settings.share.map_or(Ok(()), |share| {
            refuse_another_share_s("report", named, share, "-o")?;
            refuse_another_share_s("summary", self.summary.as_ref(), share, SUMMARY_FLAG)?;
            refuse_another_share_s("page", self.page.as_ref(), share, PAGE_FLAG)
        })
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

    pub(super) fn begin_list(&self, stop: Stop) -> Result<ListSink, OutputError> {
        self.begin("the list", |file| ListSink::begin(file, self.format, stop))
    }

    pub(super) fn begin_differences(&self) -> Result<DifferenceReport, OutputError> {
        let format = (!self.is_for_people).then_some(self.format);
        self.begin("the report", |file| DifferenceReport::begin(file, format))
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

/// Files that no output may replace.
struct Spared([(&'static str, Vec<PathBuf>); 3]);

impl Spared {
    fn new(source: Option<&Source>, keep: Option<PathBuf>, ledger: Option<&Path>) -> Self {
        let input = match source {
            Some(Source::Path(path)) => vec![path.clone()],
            Some(Source::Stdin) | None => Vec::new(),
        };
        let ledger = ledger.map(ledger::files_of).unwrap_or_default();
        let keep = keep.into_iter().collect();
        Self([("the input", input), ("the --keep file", keep), ("the ledger", ledger)])
    }

    /// The same before the settings are decided.
    fn of(layers: &Layers, environment: &Environment) -> Self {
        let share = config::share(layers, environment).ok().flatten();
        let ledger = config::ledger_path(layers, environment, share).ok();
        Self::new(layers.get(&config::SOURCE).as_ref(), layers.get(&config::KEEP), ledger.as_deref())
    }

    fn refuse(&self, what: &'static str, names: &[PathBuf], option: &'static str) -> Result<(), OutputError> {
        for (other, others) in &self.0 {
            refuse_clash(what, names, other, others, option)?;
        }
        // A rehearsal keeps another ledger than the user's own, which must outlive it all the same.
        if names.iter().any(|name| ledger::belongs_to_a_ledger(name)) {
            return Err(OutputError::Overwrites(what, "a ledger", option));
        }
        Ok(())
    }
}

/// Refuses a metrics file that would overwrite anything else.
pub(super) fn spare_others(metrics_file: &Path, layers: &Layers, environment: &Environment) -> Result<(), OutputError> {
    let (what, option) = ("the metrics file", "--metrics-file");
    let names = written(Some(&Destination::Path(metrics_file.to_owned())));
    Spared::of(layers, environment).refuse(what, &names, option)?;
    refuse_clash(what, &names, "the report", &written(layers.get(&config::OUTPUT).as_ref()), option)?;
    refuse_clash(what, &names, "the page", &page_of(layers), option)?;
    refuse_clash(what, &names, "the summary", &written(layers.get(&config::SUMMARY).as_ref()), option)
}

fn page_of(layers: &Layers) -> Vec<PathBuf> {
    written(layers.get(&config::HTML).map(Destination::Path).as_ref())
}

/// A pipe that nobody reads must not keep a failed command from its end.
const LATE: Duration = Duration::from_secs(2);

/// Opens the summary of a command that failed; `None` where it would destroy something, or can't be opened.
pub(super) async fn late_summary(layers: &Layers, environment: &Environment) -> Option<ReportFile> {
    let destination = layers.get(&config::SUMMARY)?;
    let (names, report) = (written(Some(&destination)), written(layers.get(&config::OUTPUT).as_ref()));
    let is_free = Spared::of(layers, environment).refuse("the summary", &names, SUMMARY_FLAG).is_ok()
        && refuse_clash("the summary", &names, "the report", &report, SUMMARY_FLAG).is_ok()
        && refuse_clash("the summary", &names, "the page", &page_of(layers), SUMMARY_FLAG).is_ok();
    if !is_free {
        return None;
    }
    open_late("summary", move || ReportFile::create(&destination)).await
}

/// Opens the page of a command that failed, for the same reason: one of an earlier run must not pass for its own.
pub(super) async fn late_page(layers: &Layers, environment: &Environment) -> Option<ReportFile> {
    let path = layers.get(&config::HTML)?;
    let (names, destination) = (page_of(layers), Destination::Path(path));
    let report = written(layers.get(&config::OUTPUT).as_ref());
    let summary = written(layers.get(&config::SUMMARY).as_ref());
    let share = config::share(layers, environment).ok()?;
    let is_free = Spared::of(layers, environment).refuse("the page", &names, PAGE_FLAG).is_ok()
        && refuse_clash("the page", &names, "the report", &report, PAGE_FLAG).is_ok()
        && refuse_clash("the page", &names, "the summary", &summary, PAGE_FLAG).is_ok()
        && share.is_none_or(|share| refuse_another_share_s("page", Some(&destination), share, PAGE_FLAG).is_ok());
    if !is_free {
        return None;
    }
    open_late("page", move || ReportFile::create_private(&destination)).await
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

fn cannot_create(what: &'static str, place: &Destination, option: &'static str, source: io::Error) -> OutputError {
    let path = match place {
        Destination::Stdout => "on standard output".to_owned(),
        Destination::Path(path) => path.display().to_string(),
    };
    OutputError::Create { what, path, option, source }
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

/// Every name that is written under for this destination.
fn written(destination: Option<&Destination>) -> Vec<PathBuf> {
    match destination {
        None | Some(Destination::Stdout) => Vec::new(),
        Some(Destination::Path(path)) => {
            let path = resolved(path);
            let partial = ReportFile::partial_name(&path);
            vec![path, partial]
        }
    }
}

fn refuse_clash(
    what: &'static str,
    names: &[PathBuf],
    other: &'static str,
    others: &[PathBuf],
    option: &'static str,
) -> Result<(), OutputError> {
    let clash = names.iter().any(|name| others.iter().any(|other| same_file(name, other)));
    if clash { Err(OutputError::Overwrites(what, other, option)) } else { Ok(()) }
}

/// A file of an earlier run is replaced, but that of a share which has just ended must not be by the next one.
fn refuse_another_share_s(
    what: &'static str,
    destination: Option<&Destination>,
    share: Share,
    option: &'static str,
) -> Result<(), OutputError> {
    match destination {
        Some(Destination::Path(path)) if share.count() > 1 && path.is_file() && !names_share(path, share) => {
            Err(OutputError::AnotherShares { what, path: path.display().to_string(), number: share.number(), option })
        }
        Some(Destination::Path(_) | Destination::Stdout) | None => Ok(()),
    }
}

/// Whether the path holds the share's number, counted from 1 or, as Kubernetes does, from 0.
fn names_share(path: &Path, share: Share) -> bool {
    let path = path.to_string_lossy();
    let mut numbers = path.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
    numbers.any(|number: u32| number == share.number() || number == share.number() - 1)
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

    #[test]
    fn a_name_tells_its_share_from_others() {
        let share = Share::new(3, 8).unwrap();
        for (path, is_its_own) in [
            ("report.csv", false),
            ("report-3.csv", true),
            ("report-03-of-8.csv", true),
            ("pod-2/report.csv", true),
            ("report-13.csv", false),
            ("of-8.csv", false),
            ("20261122T210509.csv", false),
        ] {
            assert_eq!(names_share(Path::new(path), share), is_its_own, "{path}");
        }
    }
}
