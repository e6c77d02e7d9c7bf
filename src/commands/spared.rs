//! What a command reads and writes, and that no output destroys another file of it: the input, the ledger, credentials,
//! another output, or the output of another share.

use std::path::{Path, PathBuf};

use super::output::{OutputError, SUMMARY_FLAG};
use crate::config::{self, Environment, Layers, files_read};
use crate::files::{resolved, same_file};
use crate::ledger;
use crate::report::{Destination, ReportFile};
use crate::share::Share;

pub(super) const METRICS_FLAG: &str = "--metrics-file";

/// The files of a command, known as soon as the settings could be read, decided or not.
#[derive(Debug)]
pub(super) struct Files {
    outputs: Vec<Output>,
    /// What each is, and its names.
    read: Vec<(&'static str, Vec<PathBuf>)>,
    share: Option<Share>,
}

#[derive(Debug)]
struct Output {
    what: &'static str,
    option: &'static str,
    path: PathBuf,
    /// All under which it is written.
    names: Vec<PathBuf>,
    /// Whether each share needs one of its own.
    is_a_share_s: bool,
}

impl Files {
    pub(super) fn of(layers: &Layers, environment: &Environment, share: Option<Share>) -> Self {
        let path = |destination: Option<Destination>| match destination {
            Some(Destination::Path(path)) => Some(path),
            Some(Destination::Stdout) | None => None,
        };
        // Of two with one name, the first is told of.
        let outputs = [
            ("the metrics file", METRICS_FLAG, layers.get(&config::METRICS_FILE), false),
            ("the page", "--html", layers.get(&config::HTML), true),
            ("the summary", SUMMARY_FLAG, path(layers.get(&config::SUMMARY)), true),
            ("the report", "-o", path(layers.get(&config::OUTPUT)), true),
        ];
        let output = |(what, option, path, is_a_share_s): (_, _, Option<PathBuf>, _)| {
            let path = path?;
            let names = written(&path);
            Some(Output { what, option, path, names, is_a_share_s })
        };
        let mut read: Vec<_> =
            files_read(layers, environment).into_iter().map(|(what, path)| (what, vec![path])).collect();
        let ledger = config::ledger_path(layers, environment, share).ok();
        read.extend(ledger.map(|path| ("the ledger", ledger::files_of(&path))));
        Self { outputs: outputs.into_iter().filter_map(output).collect(), read, share }
    }

    /// Refuses outputs that would destroy something.
    pub(super) fn check(&self) -> Result<(), OutputError> {
        self.outputs.iter().try_for_each(|output| self.check_output(output))
    }

    /// Whether the output of this option would destroy nothing.
    pub(super) fn spares(&self, option: &str) -> bool {
        self.outputs.iter().filter(|output| output.option == option).all(|output| self.check_output(output).is_ok())
    }

    fn check_output(&self, output: &Output) -> Result<(), OutputError> {
        let Output { what, option, path, names, is_a_share_s } = output;
        let read = self.read.iter().map(|(what, names)| (*what, names));
        let written =
            self.outputs.iter().filter(|other| other.option != *option).map(|other| (other.what, &other.names));
        for (other, others) in read.chain(written) {
            if names.iter().any(|name| others.iter().any(|other| same_file(name, other))) {
                return Err(OutputError::Overwrites(what, other, option));
            }
        }
        // A rehearsal keeps another ledger than the user's own, which must outlive it all the same.
        if names.iter().any(|name| ledger::belongs_to_a_ledger(name)) {
            return Err(OutputError::Overwrites(what, "a ledger", option));
        }
        match self.share.filter(|share| *is_a_share_s && share.count() > 1) {
            // Pipes and devices replace nothing.
            Some(share) if !names_share(path, share) && (path.is_file() || !path.exists()) => {
                Err(OutputError::SharedName { option, name: with_share(path, share) })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Every name that is written under for this one: its own, and that under which it grows.
fn written(path: &Path) -> Vec<PathBuf> {
    let path = resolved(path);
    let partial = ReportFile::partial_name(&path);
    vec![path, partial]
}

/// Whether the file's name holds `3-of-8`, and not `3-of-80` or `13-of-8`.
fn names_share(path: &Path, share: Share) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let own = format!("{}-of-{}", share.number(), share.count());
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    name.match_indices(&own)
        .any(|(at, _)| !is_digit(name[..at].chars().next_back()) && !is_digit(name[at + own.len()..].chars().next()))
}

/// `same.csv` as `same-3-of-8.csv`.
fn with_share(path: &Path, share: Share) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(share.suffix());
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_share_from_others() {
        let share = Share::new(3, 8).unwrap();
        for (path, is_its_own, like) in [
            ("report.csv", false, "report-3-of-8.csv"),
            ("report-3-of-8.csv", true, "report-3-of-8-3-of-8.csv"),
            ("3-of-8", true, "3-of-8-3-of-8"),
            ("a.13-of-8", false, "a-3-of-8.13-of-8"),
            ("report-3-of-80.csv", false, "report-3-of-80-3-of-8.csv"),
            ("13-of-8-3-of-8.csv", true, "13-of-8-3-of-8-3-of-8.csv"),
            ("3-of-8/report", false, "3-of-8/report-3-of-8"),
            ("report-03.csv", false, "report-03-3-of-8.csv"),
        ] {
            assert_eq!(names_share(Path::new(path), share), is_its_own, "{path}");
            assert_eq!(with_share(Path::new(path), share), Path::new(like));
        }
    }
}
