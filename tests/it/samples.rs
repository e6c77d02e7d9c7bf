//! The README's first command and the samples.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::support::{Program, Ran};

fn sample(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name).display().to_string()
}

/// `cargo run --release -- run samples/invitations.csv --sandbox`, at an unlimited rate.
#[test]
fn the_samples_end_with_0_and_need_no_credentials() {
    for name in ["invitations.csv", "invitations.jsonl"] {
        let program = Program::new();
        let flags = "--sandbox --rate unlimited --retry-base 5ms -o report.csv";
        let ran = program.bare_command(&format!("run {} {flags}", sample(name))).output().unwrap();
        Ran::from(ran).ended_with(0);
        let report = program.report("report.csv");
        assert_eq!(report.lines.len(), 40, "{name}");
        for outcome in ["withdrawn", "presumed_withdrawn", "not_pending", "duplicate"] {
            assert!(report.count(outcome) > 0, "{name} shows no {outcome}");
        }
        assert_eq!(report.header[14..17], ["name", "profile_url", "headline"], "{name}");
    }
}

/// Whom a profile means shows only a list.
#[test]
fn people_are_named_by_their_profiles() {
    let program = Program::new();
    let flags = "--sandbox --dry-run --summary summary.json";
    program.run(&format!("run {} {flags}", sample("people.txt"))).ended_with(0).says("1 per page of 10 for the list");
    let rows = &program.summary()["rows"];
    assert_eq!((&rows["to_look_up"], &rows["to_withdraw"], &rows["invalid"]), (&json!(8), &json!(1), &json!(1)));
}

#[test]
fn the_default_report_is_in_the_working_directory_and_named_after_the_input() {
    let program = Program::new();
    program.write("old ones.jsonl", "\"7329176687475109888\"\n");
    let mut command = program.bare_command("run --sandbox --rate unlimited");
    Ran::from(command.arg("old ones.jsonl").output().unwrap()).ended_with(0);
    let files = program.files();
    let report = files.iter().find(|name| name.starts_with("old ones.results-2")).expect("a report");
    assert!(report.ends_with("Z.jsonl"), "{report}");
    assert!(program.read(report).starts_with("{\"row\":1,\"line\":1,\"invitation_id\":\"7329176687475109888\""));
}

#[test]
fn invalid_rows_do_not_affect_the_others() {
    let program = Program::new();
    program.run(&format!("run {} --sandbox --rate unlimited -o report.csv", sample("messy.csv"))).ended_with(1);
    let report = program.report("report.csv");
    let rows: Vec<u64> = report.lines.keys().copied().collect();
    assert_eq!(rows, (1..=rows.len() as u64).collect::<Vec<_>>());
    assert!(report.count("invalid") >= 4 && report.count("withdrawn") >= 10 && report.count("duplicate") == 1);
    for line in report.lines.values().filter(|line| line["outcome"] == "invalid") {
        assert!(!line["detail"].is_empty() && line["attempts"] == "0", "{line:?}");
    }
}

/// The texts of all files below a directory, by their paths.
fn files(directory: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![(path.display().to_string(), String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned())],
        })
        .collect()
}

/// By a test, or by `.ci/samples`, which has the tools for it.
#[test]
fn each_sample_is_tried() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests: String =
        ["tests", ".ci"].iter().flat_map(|place| files(&root.join(place))).map(|(_, text)| text).collect();
    for (path, _) in files(&root.join("samples")) {
        let name = path.rsplit('/').next().unwrap();
        assert!(tests.contains(&format!("/{name}")) || tests.contains(&format!("\"{name}\"")), "nothing tries {path}");
    }
}
