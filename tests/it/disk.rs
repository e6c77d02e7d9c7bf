//! Writes, syncs, renames and the like that fail, run out of space or are cut off by a power cut, one after the other: no
//! row is ever told that the ledger does not keep.
//!
//! `disk.c`, preloaded into the run, lets the n-th such call go wrong. Each test tries every third n until a run has fewer
//! calls, so that together they try each; `BULK_WITHDRAW_DISK=every cargo test disk` tries every n in each way. Files that
//! are renamed without libc (reports that no `-o` names) are out of its reach.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use bulk_withdraw::sandbox::Sandbox;

use crate::support::{Api, LEDGER, Program, Report, ids, list, spawn, swift, swiftly, wait};

const ROWS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_once() {
    try_calls("eio", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full() {
    try_calls("full", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut() {
    try_calls("crash", 3).await;
}

async fn try_calls(mode: &str, first: usize) {
    let tools = tempfile::tempdir().unwrap();
    let shim = tools.path().join("disk.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/disk.c");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).args([&shim, &source]).status().unwrap();
    assert!(built.success());
    let sandbox = swift(|_| {}).await;
    let mut all = ids(u64::MAX);
    let mut codes = BTreeMap::<_, u64>::new();
    let (first, step) = if std::env::var_os("BULK_WITHDRAW_DISK").is_some() { (1, 1) } else { (first, 3) };
    for at in (first..).step_by(step) {
        let trial = Trial::new(mode, at, &shim, all.by_ref().take(ROWS).collect());
        let Some(code) = trial.run(&sandbox).await else { break };
        *codes.entry(code).or_default() += 1;
    }
    let tried: u64 = codes.values().sum();
    assert!(tried > 20, "{codes:?}");
    assert!(codes.keys().any(|code| code.contains(if mode == "crash" { "9" } else { "6" })), "{codes:?}");
}

/// A run whose `at`-th call goes wrong, and the run after it.
struct Trial {
    program: Program,
    rows: Vec<String>,
    mode: String,
    at: usize,
    shim: PathBuf,
}

impl Trial {
    fn new(mode: &str, at: usize, shim: &Path, rows: Vec<String>) -> Self {
        let program = Program::on(Api::V1);
        program.write("list.csv", list(&rows));
        Self { program, rows, mode: mode.to_owned(), at, shim: shim.to_owned() }
    }

    /// How the run ended; `None` if it has fewer calls.
    async fn run(&self, sandbox: &Sandbox) -> Option<String> {
        let Self { program, mode, at, shim, .. } = self;
        let aside = tempfile::tempdir().unwrap();
        let (hit, synced) = (aside.path().join("hit"), aside.path().join("synced"));
        fs::create_dir(&synced).unwrap();
        let arguments = format!("run list.csv {} --concurrency 2", swiftly(sandbox));
        let start = |at: usize| {
            let mut command = program.command(&arguments);
            command.env("LD_PRELOAD", shim).env("DISK_MODE", mode).env("DISK_AT", at.to_string());
            command.env("DISK_DIR", program.path("")).env("DISK_HIT", &hit).env("DISK_SYNCED", &synced);
            spawn(command)
        };
        let child = start(*at);
        let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
        if !hit.exists() {
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            return None;
        }
        let why = format!("{mode} at {at}: {output:?}");
        let report = self.told();
        let told = report.as_ref().map_or(0, |report| report.lines.len());
        let calls = self.calls(sandbox);
        match (output.status.code(), output.status.signal()) {
            (Some(0), None) => assert_eq!((told, calls.clone()), (ROWS, vec![1; ROWS]), "{why}"),
            // Nothing was sent.
            (Some(2), None) => assert_eq!((told, calls.iter().sum::<u64>()), (0, 0), "{why}"),
            (Some(6), None) => assert!(!output.stderr.is_empty(), "{why}"),
            (None, Some(9)) if mode == "crash" => self.cut_power(&synced),
            _ => panic!("{why}"),
        }
        if let Some(summary) = fs::read(program.path("summary.json")).ok().filter(|_| output.status.code() == Some(0)) {
            let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
            assert_eq!(summary["rows"]["withdrawn"], ROWS, "{why}");
        }

        // Without faults, the next run goes on.
        let second = wait(start(0)).await;
        assert_eq!(second.code, Some(0), "{}; then {}", why, second.stderr);
        let after = self.calls(sandbox);
        let now = program.report("report.csv");
        assert_eq!(now.lines.len(), ROWS, "{why}");
        for (row, line) in &now.lines {
            let at = usize::try_from(*row).unwrap() - 1;
            let before = report.as_ref().and_then(|report| report.lines.get(row));
            if before.is_some_and(is_told) {
                assert_eq!(line["outcome"], "already_settled", "row {row} was told and is not kept; {why}");
                assert_eq!(after[at], calls[at], "row {row} was called for again; {why}");
            }
            assert!(sandbox.record().invitations[&line["invitation_id"]].withdrawn, "row {row}; {why}");
            assert!(after[at] <= 2, "row {row}; {why}");
        }
        let ledger = rusqlite::Connection::open(program.path(LEDGER)).unwrap();
        let sql = "SELECT SUM(credits_possible) FROM calls";
        let possible: u64 = ledger.query_one(sql, [], |row| row.get(0)).unwrap();
        assert!(possible >= after.iter().sum(), "the bill of {possible} is too low; {why}");
        Some(output.status.to_string())
    }

    /// The whole lines of the report.
    fn told(&self) -> Option<Report> {
        let text = ["report.csv", "report.csv.partial"]
            .into_iter()
            .find_map(|name| fs::read_to_string(self.program.path(name)).ok())?;
        let end = text.rfind('\n')?;
        Some(Report::parse(&text[..=end]))
    }

    /// What the server was asked for each row.
    fn calls(&self, sandbox: &Sandbox) -> Vec<u64> {
        let record = sandbox.record();
        self.rows.iter().map(|id| record.invitations.get(id).map_or(0, |known| known.calls)).collect()
    }

    /// Leaves of the ledger's files what was synced. The report keeps all: it may be on another disk.
    fn cut_power(&self, synced: &Path) {
        let directory = self.program.path(LEDGER);
        let Ok(files) = fs::read_dir(directory.parent().unwrap()) else { return };
        for file in files {
            let path = file.unwrap().path();
            let content = fs::read(synced.join(path.file_name().unwrap())).unwrap_or_default();
            fs::write(path, content).unwrap();
        }
    }
}

/// Whether a line says that its row is settled, and says no more than that.
fn is_told(line: &BTreeMap<String, String>) -> bool {
    line["outcome"] == "withdrawn" && !line["detail"].ends_with("(this could not be recorded in the ledger)")
}
