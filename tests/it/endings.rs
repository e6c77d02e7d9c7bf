//! However a command ends: its summary is written, and a JSON log is one to its last line.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Program, Ran, SWIFTLY, ids, kill, list, spawn, swift, swiftly, wait};

const SANDBOX: &str = "--sandbox --rate unlimited --retry-base 5ms";

/// The log's lines, each an object with what every line has.
#[track_caller]
fn json_lines(ran: &Ran) -> Vec<Value> {
    let lines: Vec<Value> = ran
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}")))
        .collect();
    for line in &lines {
        for name in ["timestamp", "level", "event", "message"] {
            assert!(line[name].is_string(), "no {name} in {line}");
        }
    }
    lines
}

fn events(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["event"].as_str().unwrap()).collect()
}

#[test]
fn a_command_that_fails_leaves_a_summary_too() {
    let program = Program::new();
    program.write("list.csv", list(ids(1))).write("typo.toml", "concurency = 4\n").write("names.csv", "name\nAnn\n");
    let cases = [
        ("run list.csv", "run", json!("v1")),
        ("run missing.csv --yes", "run", json!("v1")),
        ("run names.csv --yes", "run", json!("v1")),
        ("run list.csv --yes --account other", "run", json!(null)),
        ("run list.csv --yes -o list.csv", "run", json!("v1")),
        ("run list.csv --yes --config typo.toml", "run", json!(null)),
        ("run list.csv --dry-run --ledger typo.toml", "run", json!("v1")),
        ("clean --yes", "clean", json!(null)),
        ("clean --older-than 30d", "clean", json!("v1")),
        ("list --account other", "list", json!(null)),
        ("verify", "verify", json!("v1")),
        ("check --base-url http://api.linkupapi.com", "check", json!(null)),
    ];
    for (arguments, command, api) in cases {
        program.write("summary.json", "{\"exit_code\": 0}");
        let ran = program.run(&format!("{arguments} --summary summary.json"));
        ran.ended_with(2);
        let summary = program.summary();
        assert_eq!((&summary["exit_code"], &summary["command"], &summary["api"]), (&json!(2), &json!(command), &api));
        assert_eq!(summary["stop"]["reason"], "usage", "{arguments}");
        let said = ran.stderr.trim().trim_start_matches("bulk-withdraw: ");
        assert_eq!(summary["stop"]["detail"], said, "{arguments}");
        assert_eq!((&summary["rows"]["total"], &summary["calls"]), (&json!(0), &json!(0)));
    }
    assert_eq!(program.read("list.csv"), list(ids(1)));

    let ran = program.run("run missing.csv --yes --summary -");
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap()["exit_code"], 2);
}

#[test]
fn a_summary_of_a_failure_overwrites_nothing() {
    let program = Program::new();
    program.write("list.csv", list(ids(1))).write("keep.txt", "1000001\n").write("old.csv", "older\n");
    program.run(&format!("run list.csv {SANDBOX} --ledger runs.db -o done.csv")).ended_with(0);
    let before: Vec<_> = program.files().iter().map(|name| fs::read(program.path(name)).unwrap()).collect();
    for arguments in [
        "run list.csv --yes --summary list.csv",
        "run list.csv --yes --summary ./list.csv --account other",
        "run list.csv --yes --keep keep.txt --summary keep.txt",
        "run list.csv --yes --keep keep.txt --summary keep.txt --account other",
        "run list.csv --yes --ledger runs.db --summary runs.db --account other",
        "run list.csv --yes -o old.csv --summary old.csv",
        "run list.csv --yes -o old.csv --summary old.csv --account other",
        "run list.csv --yes -o - --summary -",
        "walk --summary old.csv",
        "run list.csv --dryrun --summary old.csv",
    ] {
        let ran = program.run(arguments);
        ran.ended_with(2);
        assert_eq!(ran.stdout, "", "{arguments}");
        let after: Vec<_> = program.files().iter().map(|name| fs::read(program.path(name)).unwrap()).collect();
        assert!(before == after, "{arguments}: {:?}", program.files());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_another_one_keeps_out_waits_for_it_if_asked_to() {
    let sandbox = swift(|options| options.latency = Duration::from_millis(5)..=Duration::from_millis(5)).await;
    let program = Program::new();
    program.write("list.csv", list(ids(40))).write("more.csv", list(ids(41))).make_pipe("pipe");
    let holder = program.start(&format!(
        "run list.csv {} -o pipe",
        swiftly(&sandbox).replace("-o report.csv --summary summary.json", "")
    ));
    while !program.path(&format!("{}.lock", crate::support::LEDGER)).exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let second = |wait: &str| format!("run more.csv {} --log-format json {wait}", swiftly(&sandbox));
    let ran = program.complete(&second("")).await;
    ran.ended_with(75);
    assert_eq!(events(&json_lines(&ran)), ["run_started", "failed", "run_finished"]);
    let summary = program.summary();
    assert_eq!((&summary["exit_code"], &summary["stop"]["reason"]), (&json!(75), &json!("ledger_held")));
    program.complete(&second("--wait-lock 300ms")).await.ended_with(75);

    // A signal ends the wait.
    let stopped = program.start_logged(&second("--wait-lock 10m"));
    while !program.log().contains("wait_lock") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    kill(&stopped, "TERM");
    wait(stopped).await.ended_with(143);
    assert_eq!(program.summary()["stop"]["reason"], "sigterm");

    let waiting = program.start_logged(&second("--wait-lock 10m"));
    while !program.log().contains("wait_lock") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Its reader lets the first run go on.
    let pipe = program.path("pipe");
    let report = tokio::task::spawn_blocking(move || fs::read(pipe));
    let (report, first) = tokio::join!(report, wait(holder));
    first.ended_with(0);
    assert!(report.unwrap().unwrap().starts_with(b"row,"));
    wait(waiting).await.ended_with(0);
    let log: Vec<Value> = program.log().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_lock: Vec<_> = log.iter().filter(|line| line["reason"] == "wait_lock").collect();
    assert_eq!(of_lock.len(), 2, "{}", program.log());
    assert_eq!((&of_lock[0]["event"], &of_lock[1]["event"]), (&json!("waiting"), &json!("resumed")));
    assert_eq!(program.summary()["rows"]["already_settled"], 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_log_is_json_to_its_last_line_which_is_the_summary() {
    let sandbox = swift(|options| options.limit = Some("20/200ms".parse().unwrap())).await;
    let program = Program::new();
    program.write("list.csv", list(ids(60)) + "x\n");
    let documented = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/logs.md")).unwrap();
    let mut seen = BTreeSet::new();
    let rate = "--rate 1000/s --retry-base 5ms --retry-max 20ms --base-url";
    let base = format!("{rate} {} --summary summary.json --log-format json", sandbox.base_url());
    for (arguments, code) in [
        (format!("run list.csv --yes -o report.csv {base}"), 1),
        (format!("run list.csv --dry-run {base}"), 0),
        (format!("list -o pending.csv {base}"), 0),
        (format!("clean --older-than 30d --yes -o cleaned.csv {base}"), 0),
        (format!("clean --older-than 30d --dry-run {base}"), 0),
        (format!("verify --dry-run {base}"), 0),
        (format!("verify --yes -o differences.csv {base}"), 0),
        (format!("check {base}"), 0),
        (format!("run none.csv --yes {base}"), 2),
    ] {
        let ran = program.complete(&arguments).await;
        ran.ended_with(code);
        let lines = json_lines(&ran);
        let mut last = lines.last().unwrap().as_object().unwrap().clone();
        assert_eq!(last["event"], "run_finished", "{arguments}");
        for name in ["timestamp", "level", "event", "message"] {
            last.remove(name);
        }
        assert_eq!(Value::from(last), program.summary(), "{arguments}");
        for line in &lines[..lines.len() - 1] {
            assert_ne!(line["event"], "run_finished", "{arguments}");
            seen.extend(line.as_object().unwrap().keys().cloned());
        }
        if arguments.starts_with("run list.csv --yes") {
            let events = events(&lines);
            assert_eq!(events.iter().filter(|event| **event == "row_settled").count(), 61);
            for event in ["run_started", "withdrawing", "rate_limited", "resumed", "input_ended"] {
                assert!(events.contains(&event), "no {event} in {}", ran.stderr);
            }
        }
        if arguments.starts_with("list") {
            let events = events(&lines);
            assert!(events.contains(&"list_started") && events.contains(&"list_finished"), "{events:?}");
        }
    }
    for name in seen {
        assert!(documented.contains(&format!("`{name}`")), "{name} is not in docs/logs.md");
    }
}

#[test]
fn errors_of_the_command_line_are_json_too() {
    let program = Program::new();
    for arguments in [
        "walk --log-format json",
        "--log-format=json",
        "run --log-format json",
        "run x.csv --dryrun --log-format json",
        "--log-format json run x.csv --rate fast",
        "history --since never --log-format json",
        "config --config missing.toml --log-format json",
        "history --id 7 --log-format json",
    ] {
        let ran = program.run(arguments);
        let lines = json_lines(&ran);
        assert_eq!(lines.len(), 1, "{arguments}: {}", ran.stderr);
        assert_eq!(ran.code == Some(2), lines[0]["event"] == "failed", "{arguments}");
    }
}

#[test]
fn quiet_says_nothing_where_all_is_fine() {
    let program = Program::new();
    program.write("list.csv", list(ids(3))).write("bad.csv", "invitation_id\nx\n");
    for format in ["text", "json"] {
        for quiet in ["-q", "-qq"] {
            let flags = format!("{SANDBOX} -o report.csv --log-format {format} {quiet}");
            let ran = program.run(&format!("run list.csv {flags}"));
            ran.ended_with(0);
            assert_eq!(ran.stderr, "", "{flags}");
            program.run(&format!("list --limit 1 {flags}")).ended_with(0);
        }
    }
    let ran = program.run(&format!("run bad.csv {SANDBOX} -o report.csv --log-format json -q"));
    ran.ended_with(1);
    assert_eq!(events(&json_lines(&ran)), ["run_finished"]);
}

/// The names of events, in the sources and in the documentation.
#[test]
fn each_event_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let documented = fs::read_to_string(root.join("docs/logs.md")).unwrap();
    let rows = documented.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let documented: BTreeSet<&str> =
        rows.flat_map(|names| names.split(", ")).map(|name| name.trim_matches('`')).collect();
    let mut sources = String::new();
    read_sources(&root.join("src"), &mut sources);
    let quoted = |marker: &str| {
        let parts = sources.split(marker).skip(1);
        parts.filter_map(|part| part.strip_prefix('"')?.split('"').next()).map(str::to_owned).collect::<Vec<_>>()
    };
    let markers = ["event = ", "print_as(", "json_line(level, ", "json_line(Level::ERROR, ", "=> "];
    let emitted: BTreeSet<String> = markers[..4].iter().flat_map(|marker| quoted(marker)).collect();
    let by_level = ["notice", "warning", "error", "debug"].map(str::to_owned);
    let emitted: BTreeSet<String> = emitted.into_iter().chain(by_level).collect();
    assert!(emitted.len() > 20, "{emitted:?}");
    assert_eq!(emitted.iter().map(String::as_str).collect::<BTreeSet<_>>(), documented);
}

fn read_sources(directory: &Path, out: &mut String) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_sources(&path, out);
        } else {
            out.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

/// A bar would be one that no terminal clears.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_there_are_no_control_characters() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(20)) + "\u{1b}[31mred\n");
    for format in ["text", "json"] {
        let flags = SWIFTLY.replace("-o report.csv", "-o report.csv --ledger runs.db -v");
        let arguments = format!("run list.csv --base-url {} {flags} --log-format {format}", sandbox.base_url());
        let ran = wait(spawn(program.command(&arguments))).await;
        ran.ended_with(1);
        assert!(!ran.stderr.contains(|c: char| c.is_control() && c != '\n'), "{:?}", ran.stderr);
    }
}
