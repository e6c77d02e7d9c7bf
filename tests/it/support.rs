//! What the tests share: a directory for each, the program in it, its report read back, and an API to call.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use bulk_withdraw::sandbox::{Sandbox, SandboxOptions};
use serde_json::Value;

pub const KEY: &str = "key-0123456789abcdef";
pub const TOKEN: &str = "AQEDAtoken0123456789abcdef";

/// The program, in a directory of its own, with nothing of the caller's environment.
pub struct Program {
    dir: tempfile::TempDir,
}

impl Program {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Names of what stands in the directory, sorted; the hidden ones, the ledger's among them, left out.
    pub fn files(&self) -> Vec<String> {
        self.files_in("")
    }

    pub fn files_in(&self, place: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(place)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    }

    /// The program with these arguments, split at spaces; credentials are set.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = self.bare_command(arguments);
        command.env("LINKUP_API_KEY", KEY).env("LINKUP_LOGIN_TOKEN", TOKEN);
        command
    }

    pub fn bare_command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bulk-withdraw"));
        command.args(arguments.split_whitespace()).env_clear().env("HOME", self.dir.path());
        command.current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &str) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    pub fn start(&self, arguments: &str) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub fn report(&self, name: &str) -> Report {
        Report::read(&self.path(name))
    }

    pub fn summary(&self) -> Value {
        serde_json::from_str(&self.read("summary.json")).unwrap()
    }
}

/// A run that has ended.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ran {
    #[track_caller]
    pub fn ended_with(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "no {text:?} in: {}", self.stderr);
        self
    }
}

/// A report, by row number.
pub struct Report {
    pub header: Vec<String>,
    pub lines: BTreeMap<u64, BTreeMap<String, String>>,
}

impl Report {
    pub fn read(path: &Path) -> Self {
        Self::parse(&fs::read_to_string(path).unwrap())
    }

    pub fn parse(text: &str) -> Self {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let mut lines = BTreeMap::new();
        for record in reader.records() {
            let record = record.unwrap();
            let line: BTreeMap<_, _> = header.iter().cloned().zip(record.iter().map(str::to_owned)).collect();
            let row = line["row"].parse().unwrap();
            assert!(lines.insert(row, line).is_none(), "row {row} stands twice");
        }
        Self { header, lines }
    }

    pub fn outcome(&self, row: u64) -> &str {
        &self.lines[&row]["outcome"]
    }

    pub fn outcomes(&self) -> Vec<&str> {
        self.lines.values().map(|line| line["outcome"].as_str()).collect()
    }

    pub fn count(&self, outcome: &str) -> usize {
        self.outcomes().iter().filter(|other| **other == outcome).count()
    }

    pub fn sum(&self, column: &str) -> u64 {
        self.lines.values().map(|line| line[column].parse::<u64>().unwrap()).sum()
    }
}

/// A simulated API that answers at once and has no limit.
pub async fn swift(change: impl FnOnce(&mut SandboxOptions)) -> Sandbox {
    let mut options = SandboxOptions {
        limit: None,
        latency: Duration::ZERO..=Duration::ZERO,
        api_key: Some(KEY.to_owned()),
        login_token: Some(TOKEN.to_owned()),
        ..SandboxOptions::default()
    };
    change(&mut options);
    Sandbox::start(options).await.unwrap()
}

/// The flags for a test's run against this API: as fast as it can, never asking, back-offs of milliseconds.
pub fn swiftly(sandbox: &Sandbox) -> String {
    format!("--base-url {} {SWIFTLY}", sandbox.base_url())
}

pub const SWIFTLY: &str =
    "--yes --rate unlimited --retry-base 1ms --retry-max 8ms -o report.csv --summary summary.json";

/// `count` genuine-looking IDs: multiples of 4,096, so that none has a meaning for the simulated API.
pub fn ids(count: u64) -> impl Iterator<Item = String> {
    (0..count).map(|at| (7_329_176_687_475_109_888 + at * 4_096).to_string())
}

/// A CSV list of these IDs.
pub fn list(ids: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    ids.into_iter().fold("invitation_id\n".to_owned(), |list, id| list + id.as_ref() + "\n")
}

/// Waits for a child without blocking the runtime on which the simulated API runs.
pub async fn wait(child: Child) -> Ran {
    tokio::task::spawn_blocking(move || Ran::from(child.wait_with_output().unwrap())).await.unwrap()
}

/// Sends a signal, as `kill` does.
pub fn kill(child: &Child, signal: &str) -> ExitStatus {
    Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap()
}

/// Waits until something is so, for ten seconds at the most.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..5_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("{what}: still not so after ten seconds");
}
