//! The README's first command and the samples, as a newcomer runs them.

use std::path::Path;

use crate::support::{Program, Report};

fn sample(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name).display().to_string()
}

/// `cargo run --release -- run samples/invitations.csv --sandbox`, but for the waiting between calls.
#[test]
fn the_sample_of_the_readme_ends_fine_without_credentials() {
    for (name, report) in [("invitations.csv", "report.csv"), ("invitations.jsonl", "report.csv")] {
        let program = Program::new();
        let input = sample(name);
        let ran = program
            .bare_command(&format!("run {input} --sandbox --rate unlimited --retry-base 5ms -o {report}"))
            .output()
            .unwrap();
        assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
        let report = program.report(report);
        assert_eq!(report.lines.len(), 40, "{name}");
        for outcome in ["withdrawn", "presumed_withdrawn", "not_pending", "duplicate"] {
            assert!(report.count(outcome) > 0, "{name} shows no {outcome}");
        }
        assert_eq!(report.header[11..14], ["name", "profile_url", "headline"], "{name}");
    }
}

#[test]
fn the_default_report_stands_in_the_working_directory_under_the_input_s_name() {
    let program = Program::new();
    program.write("old ones.jsonl", "\"7329176687475109888\"\n");
    let mut command = program.bare_command("run --sandbox --rate unlimited");
    let ran = command.arg("old ones.jsonl").output().unwrap();
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    let files = program.files();
    let report = files.iter().find(|name| name.starts_with("old ones.results-2")).expect("a report");
    assert!(report.ends_with("Z.jsonl"), "{report}");
    assert!(program.read(report).starts_with("{\"row\":1,\"invitation_id\":\"7329176687475109888\""));
}

#[test]
fn what_goes_wrong_in_practice_costs_the_row_and_nothing_else() {
    let program = Program::new();
    let input = sample("messy.csv");
    let ran = program.bare_command(&format!("run {input} --sandbox --rate unlimited -o report.csv")).output().unwrap();
    assert_eq!(ran.status.code(), Some(1), "{}", String::from_utf8_lossy(&ran.stderr));
    let report: Report = program.report("report.csv");
    let rows: Vec<u64> = report.lines.keys().copied().collect();
    assert_eq!(rows, (1..=rows.len() as u64).collect::<Vec<_>>());
    assert!(report.count("invalid") >= 4 && report.count("withdrawn") >= 10 && report.count("duplicate") == 1);
    for line in report.lines.values().filter(|line| line["outcome"] == "invalid") {
        assert!(!line["detail"].is_empty() && line["attempts"] == "0", "{line:?}");
    }
}
