//! Every way in which a run stops before its input is done: nothing more is sent, and nothing is lost.

use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Program, Ran, ids, kill, list, swift, swiftly, until, wait};

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_everything_stops_the_run_with_its_own_code() {
    let cases = [("401", 3, "login_refused"), ("403", 3, "key_refused"), ("405", 4, "credits_used_up")];
    for (ending, code, reason) in cases {
        let sandbox = swift(|_| {}).await;
        let program = Program::new();
        let refused = (0..200).map(|at| format!("73291{at:03}76687475{ending}"));
        program.write("list.csv", list(ids(20).chain(refused)));
        let ran = wait(program.start(&format!("run list.csv {} --concurrency 8", swiftly(&sandbox)))).await;
        ran.ended_with(code).says("stopped");
        let (report, record, summary) = (program.report("report.csv"), sandbox.record(), program.summary());
        assert!(record.refused >= 1 && record.refused <= 8, "{} calls were wasted", record.refused);
        assert_eq!(report.lines.len(), 220);
        assert_eq!(report.count("rejected") as u64, record.refused);
        assert_eq!(report.count("not_attempted") as u64, 200 - record.refused);
        assert_eq!(
            (summary["stop"]["reason"].as_str(), summary["exit_code"].as_i64()),
            (Some(reason), Some(code.into()))
        );
        assert!(summary["input_complete"].as_bool().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_failures_in_a_row_stop_the_run() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list((0..100).map(|at| format!("73291{at:03}76687475109"))));
    let ran = wait(program.start(&format!("run list.csv {} --concurrency 1", swiftly(&sandbox)))).await;
    ran.ended_with(5).says("--max-errors");
    assert_eq!(sandbox.record().calls, 20);
    let report = program.report("report.csv");
    assert_eq!((report.count("rejected"), report.count("not_attempted")), (20, 80));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_finishes_what_is_in_flight_and_reports_every_row() {
    for (signal, code) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        let sandbox = swift(|options| options.latency = Duration::from_millis(20)..=Duration::from_millis(40)).await;
        let program = Program::new();
        program.write("list.csv", list(ids(5_000)));
        let child = program.start(&format!("run list.csv {} --concurrency 8", swiftly(&sandbox)));
        until("calls", || sandbox.record().calls > 50).await;
        assert!(kill(&child, signal).success());
        wait(child).await.ended_with(code).says(&format!("SIG{signal}"));
        let (report, record) = (program.report("report.csv"), sandbox.record());
        assert_eq!(report.lines.len(), 5_000);
        assert_eq!(report.count("withdrawn") as u64, record.calls, "a call in flight was given up");
        assert_eq!(report.count("withdrawn") + report.count("not_attempted"), 5_000);
        assert_eq!((record.calls, record.lost), (record.charged, 0));
        assert_eq!(program.summary()["stop"]["reason"], format!("sig{}", signal.to_lowercase()));
    }
}

/// The input is read once before the run begins, to tell how far it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_before_the_first_call_leaves_nothing_behind() {
    for (signal, code) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        let program = Program::new();
        program.write("list.csv", list(ids(600_000)));
        fs::create_dir(program.path("tmp")).unwrap();
        let rehearsals = || fs::read_dir(program.path("tmp")).unwrap().count();
        let mut command = program.bare_command("run list.csv --sandbox --summary summary.json");
        command.env("TMPDIR", program.path("tmp")).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        until("the rehearsal's ledger", || rehearsals() > 0).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        kill(&child, signal);
        wait(child).await.ended_with(code).says(&format!("stopped by SIG{signal} before anything was withdrawn"));
        assert_eq!((rehearsals(), program.files()), (0, vec!["list.csv".to_owned(), "tmp".to_owned()]));
    }
}

/// To open a pipe for writing takes until somebody opens it for reading.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_the_wait_for_a_reader_of_the_report() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(5)));
    assert!(Command::new("mkfifo").arg(program.path("pipe")).status().unwrap().success());
    let child = program.start(&format!("run list.csv {}", swiftly(&sandbox).replace("-o report.csv", "-o pipe")));
    until("the ledger", || program.path(".local/state/bulk-withdraw/ledger.db-wal").exists()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    kill(&child, "TERM");
    wait(child).await.ended_with(143).says("before anything was withdrawn");
    assert_eq!(sandbox.record().calls, 0);
}

/// The pipe is open and full, and what reads it has gone to sleep.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_nobody_takes_does_not_keep_a_run_from_stopping() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(20_000)));
    assert!(Command::new("mkfifo").arg(program.path("pipe")).status().unwrap().success());
    let flags = swiftly(&sandbox).replace("-o report.csv", "-o pipe");
    let child = program.start(&format!("run list.csv {flags} --timeout 1s"));
    let pipe = program.path("pipe");
    let reader = tokio::task::spawn_blocking(move || File::open(pipe).unwrap()).await.unwrap();
    let mut calls = 0;
    until("the pipe to be full", || {
        std::thread::sleep(Duration::from_millis(200));
        let before = std::mem::replace(&mut calls, sandbox.record().calls);
        calls > 0 && calls == before
    })
    .await;
    kill(&child, "TERM");
    wait(child).await.ended_with(6).says("the report could not be written: nobody has read it for 1s");
    drop(reader);
    // What nobody was told of is known all the same.
    wait(program.start(&format!("run list.csv {}", swiftly(&sandbox)))).await.ended_with(0);
    assert_eq!((sandbox.record().calls, program.report("report.csv").lines.len()), (20_000, 20_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() {
    let hour = Duration::from_secs(3_600);
    let sandbox = swift(|options| options.latency = hour..=hour).await;
    let program = Program::new();
    program.write("list.csv", list(ids(10)));
    let child = program.start(&format!("run list.csv {} --timeout 1h", swiftly(&sandbox)));
    until("a call", || sandbox.record().in_flight > 0).await;
    kill(&child, "INT");
    tokio::time::sleep(Duration::from_millis(100)).await;
    kill(&child, "TERM");
    wait(child).await.ended_with(143);
    assert!(program.files().contains(&"report.csv.partial".to_owned()), "{:?}", program.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_run_does_not_wait_for_a_standard_input_that_goes_on() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    let mut command = program.command(&format!("run - {}", swiftly(&sandbox)));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(list(ids(30)).as_bytes()).unwrap();
    input.flush().unwrap();
    until("the rows", || sandbox.record().charged == 30).await;
    kill(&child, "TERM");
    wait(child).await.ended_with(143).says("not read to its end");
    let report = program.report("report.csv");
    assert_eq!(report.count("withdrawn"), 30);
    assert_eq!(program.summary()["input_complete"], false);
    drop(input);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_can_not_be_written_stops_the_run() {
    let sandbox = swift(|options| options.latency = Duration::from_millis(5)..=Duration::from_millis(5)).await;
    let program = Program::new();
    program.write("list.csv", list(ids(2_000)));
    let flags = swiftly(&sandbox).replace("-o report.csv", "-o /dev/full");
    let ran = wait(program.start(&format!("run list.csv {flags} --concurrency 4"))).await;
    ran.ended_with(6).says("/dev/full");
    let calls = sandbox.record().calls;
    assert!(calls <= 4, "{calls} calls, though nobody could be told of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_the_report_that_goes_away_stops_the_run() {
    let sandbox = swift(|options| options.latency = Duration::from_millis(5)..=Duration::from_millis(5)).await;
    let program = Program::new();
    program.write("list.csv", list(ids(2_000)));
    let flags = swiftly(&sandbox).replace("-o report.csv", "-o -");
    let mut child = program.start(&format!("run list.csv {flags} --concurrency 4"));
    until("calls", || sandbox.record().calls > 20).await;
    drop(child.stdout.take());
    let at_the_end = sandbox.record().calls;
    wait(child).await.ended_with(6).says("could not be written");
    let more = sandbox.record().calls - at_the_end;
    assert!(more <= 40, "{more} more calls");
}

#[test]
fn a_closed_stderr_is_no_reason_to_end_a_run() {
    let program = Program::new();
    program.write("list.csv", list(ids(3)));
    let script = format!(
        "'{}' run list.csv --sandbox --rate unlimited -o report.csv -v 2>&-",
        env!("CARGO_BIN_EXE_bulk-withdraw")
    );
    let ran = Command::new("sh").args(["-c", &script]).current_dir(program.path("")).output().unwrap();
    assert_eq!(ran.status.code(), Some(0));
    assert_eq!(program.report("report.csv").count("withdrawn"), 3);
}

#[test]
fn a_standard_input_that_can_not_be_read_is_an_input_error() {
    let program = Program::new();
    // A directory can be opened and not read, as a broken disk.
    let mut command = program.bare_command("run - --sandbox --rate unlimited -o report.csv");
    let ran = Ran::from(command.stdin(File::open(program.path("")).unwrap()).output().unwrap());
    ran.ended_with(2).says("stdin");
}

/// Closing a terminal sends SIGHUP more than once, and nobody is there to mean "at once" by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_never_ends_it_at_once() {
    let sandbox = swift(|options| options.latency = Duration::from_millis(150)..=Duration::from_millis(200)).await;
    let program = Program::new();
    program.write("list.csv", list(ids(100)));
    let child = program.start(&format!("run list.csv {} --concurrency 4", swiftly(&sandbox)));
    until("a call", || sandbox.record().in_flight > 0).await;
    for _ in 0..3 {
        kill(&child, "HUP");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    wait(child).await.ended_with(129);
    let record = sandbox.record();
    assert_eq!((record.lost, record.calls), (0, program.report("report.csv").count("withdrawn") as u64));
}

#[tokio::test(flavor = "multi_thread")]
async fn nohup_means_it() {
    let sandbox = swift(|options| options.latency = Duration::from_millis(20)..=Duration::from_millis(20)).await;
    let program = Program::new();
    program.write("list.csv", list(ids(60)));
    let script = format!(
        "trap '' HUP; exec '{}' run list.csv {} --concurrency 4",
        env!("CARGO_BIN_EXE_bulk-withdraw"),
        swiftly(&sandbox)
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(program.path("")).env("HOME", program.path(""));
    command.env("LINKUP_API_KEY", crate::support::KEY).env("LINKUP_LOGIN_TOKEN", crate::support::TOKEN);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("calls", || sandbox.record().calls > 4).await;
    kill(&child, "HUP");
    wait(child).await.ended_with(0);
    assert_eq!(sandbox.record().charged, 60);
}

/// A pipe can be read only once, so nobody can be told of it ahead and asked.
#[test]
fn a_named_pipe_wants_a_yes_given_ahead() {
    let program = Program::new();
    assert!(Command::new("mkfifo").arg(program.path("pipe")).status().unwrap().success());
    program.run("run pipe").ended_with(2).says("--yes");
}
