//! Each way in which a run stops before the end of its input: nothing more is sent, and nothing is lost.

use std::fs::{self, File};
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::{
    Api, Program, Ran, SWIFTLY, has_sleeping_thread, ids, kill, kill_until_it_ends, list, on_both_versions, spawn,
    swift, swiftly, until, wait, waits_in_a_pipe_write,
};

on_both_versions!(
    a_refusal_of_everything_stops_the_run_with_its_own_code,
    a_login_that_is_not_known_stops_the_run_at_its_first_call,
    credits_that_run_out_are_warned_of_where_the_balance_can_be_asked,
);

async fn a_refusal_of_everything_stops_the_run_with_its_own_code(api: Api) {
    let cases = [("401", 3, api.account_refused()), ("403", 3, "key_refused"), ("405", 4, "credits_used_up")];
    for (ending, code, reason) in cases {
        let sandbox = swift(|_| {}).await;
        let program = Program::on(api);
        let refused = (0..200).map(|at| format!("73291{at:03}76687475{ending}"));
        program.write("list.csv", list(ids(20).chain(refused)));
        let ran = program.complete(&format!("run list.csv {} --concurrency 8", swiftly(&sandbox))).await;
        ran.ended_with(code).says("stopped");
        let (report, record, summary) = (program.report("report.csv"), sandbox.record(), program.summary());
        assert!(record.refused >= 1 && record.refused <= 8, "{} calls were wasted", record.refused);
        assert_eq!(report.lines.len(), 220);
        assert_eq!(report.count("rejected") as u64, record.refused);
        assert_eq!(report.count("not_attempted") as u64, 220 - record.calls);
        assert_eq!(
            (summary["stop"]["reason"].as_str(), summary["exit_code"].as_i64()),
            (Some(reason), Some(code.into()))
        );
        assert!(summary["input_complete"].as_bool().unwrap());
        assert_eq!(summary["credits"]["charged"], record.charged);
        assert_eq!(summary["credits"]["possible"], record.possible);
        assert_eq!(record.possible, api.possible(&record));
    }
}

async fn a_login_that_is_not_known_stops_the_run_at_its_first_call(api: Api) {
    for (variable, reason) in [(api.login().0, api.account_refused()), ("LINKUP_API_KEY", "key_refused")] {
        let sandbox = swift(|_| {}).await;
        let program = Program::on(api);
        program.write("list.csv", list(ids(50)));
        let mut command = program.command(&format!("run list.csv {} --concurrency 1", swiftly(&sandbox)));
        command.env(variable, "another-0123456789");
        // It says as well which variable to renew.
        wait(spawn(command)).await.ended_with(3).says(&reason.replace('_', " ")).says(variable);
        let (report, record) = (program.report("report.csv"), sandbox.record());
        assert_eq!((record.calls, record.refused, record.withdrawn), (1, 1, 0));
        assert_eq!((report.count("rejected"), report.count("not_attempted")), (1, 49));
        assert_eq!(program.summary()["credits"]["possible"], record.possible);
    }
}

async fn credits_that_run_out_are_warned_of_where_the_balance_can_be_asked(api: Api) {
    let warning = "the balance is 5 credits, and this may take 20";
    for (rows, code) in [(20, 4), (5, 0)] {
        let sandbox = swift(|options| options.credits = Some(5)).await;
        let program = Program::on(api);
        program.write("list.csv", list(ids(rows)));
        let ran = program.complete(&format!("run list.csv {} --concurrency 1", swiftly(&sandbox))).await;
        ran.ended_with(code);
        // V1 has no call for the balance.
        assert_eq!(ran.stderr.contains("the balance is 5 credits"), api == Api::V2, "{}", ran.stderr);
        assert_eq!(ran.stderr.contains(warning), api == Api::V2 && rows == 20, "{}", ran.stderr);
        let (report, summary, record) = (program.report("report.csv"), program.summary(), sandbox.record());
        assert_eq!((report.count("withdrawn"), record.withdrawn, record.charged), (5, 5, 5));
        assert_eq!(summary["credits"]["charged"], 5);
        assert_eq!((summary["calls"].as_u64(), record.calls), (Some(rows.min(6)), rows.min(6)));
        if code == 4 {
            assert_eq!(summary["stop"]["reason"], "credits_used_up");
            assert_eq!((report.count("rejected"), report.count("not_attempted")), (1, 14));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_failures_in_a_row_stop_the_run() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list((0..100).map(|at| format!("73291{at:03}76687475109"))));
    let ran = program.complete(&format!("run list.csv {} --concurrency 1", swiftly(&sandbox))).await;
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
        kill(&child, signal);
        wait(child).await.ended_with(code).says("Stopping");
        let (report, record) = (program.report("report.csv"), sandbox.record());
        assert_eq!(report.lines.len(), 5_000);
        assert_eq!(report.count("withdrawn") as u64, record.calls, "a call in flight was given up");
        assert_eq!(report.count("withdrawn") + report.count("not_attempted"), 5_000);
        assert_eq!((record.calls, record.lost), (record.charged, 0));
        assert_eq!(program.summary()["stop"]["reason"], format!("sig{}", signal.to_lowercase()));
    }
}

/// A run that stops needs no balance.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_the_wait_for_the_balance() {
    let server = MockServer::start().await;
    let asked = Arc::new(AtomicBool::new(false));
    let never = {
        let asked = Arc::clone(&asked);
        move |_: &Request| {
            asked.store(true, Ordering::Relaxed);
            ResponseTemplate::new(404).set_delay(Duration::from_secs(3_600))
        }
    };
    Mock::given(method("GET")).and(path("/v2/credits")).respond_with(never).mount(&server).await;
    let program = Program::on(Api::V2);
    program.write("list.csv", list(ids(5)));
    let flags = "--timeout 1h";
    let child = program.start(&format!("run list.csv --base-url {} {SWIFTLY} {flags}", server.uri()));
    until("the balance to be asked for", || asked.load(Ordering::Relaxed)).await;
    kill(&child, "TERM");
    wait(child).await.ended_with(143).says("stopped by SIGTERM before anything was withdrawn");
    assert_eq!(program.files(), ["list.csv", "summary.json"]);
    assert_eq!(program.summary()["stop"]["reason"], "sigterm");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

/// The input is read once before the run, so that progress is known.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_before_the_first_call_leaves_only_its_summary_behind() {
    let program = Program::new();
    program.write("list.csv", list(ids(600_000)));
    fs::create_dir(program.path("tmp")).unwrap();
    let rehearsals = || fs::read_dir(program.path("tmp")).unwrap().count();
    let mut command = program.bare_command("run list.csv --sandbox --summary summary.json");
    command.env("TMPDIR", program.path("tmp"));
    let child = spawn(command);
    // At the default rate, the run itself would take hours to read so far.
    until("the first pass over the list", || bytes_read(&child, "list.csv") > 500_000).await;
    assert_eq!(rehearsals(), 1);
    kill(&child, "TERM");
    wait(child).await.ended_with(143).says("stopped by SIGTERM before anything was withdrawn");
    assert_eq!((rehearsals(), program.files()), (0, ["list.csv", "summary.json", "tmp"].map(str::to_owned).to_vec()));
    assert_eq!(program.summary()["exit_code"], 143);
}

/// How far the process has read the file of this name (proc(5), `fdinfo`).
fn bytes_read(child: &Child, name: &str) -> u64 {
    let place = format!("/proc/{}", child.id());
    let descriptors = fs::read_dir(format!("{place}/fd")).unwrap().map(|entry| entry.unwrap().path());
    let positions =
        descriptors.filter(|fd| fs::read_link(fd).is_ok_and(|file| file.ends_with(name))).filter_map(|fd| {
            // It may have been closed meanwhile.
            let info = fs::read_to_string(format!("{place}/fdinfo/{}", fd.file_name()?.to_str()?)).ok()?;
            info.lines().find_map(|line| line.strip_prefix("pos:"))?.trim().parse().ok()
        });
    positions.max().unwrap_or_default()
}

/// Opening a pipe for writing blocks until a reader opens it.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_the_wait_for_a_reader_of_the_report() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(5)));
    program.make_pipe("pipe");
    let child = program.start(&format!("run list.csv {}", swiftly(&sandbox).replace("-o report.csv", "-o pipe")));
    until("the report to be opened", || has_sleeping_thread(&child, "outputs")).await;
    kill(&child, "TERM");
    wait(child).await.ended_with(143).says("before anything was withdrawn");
    assert_eq!(sandbox.record().calls, 0);
}

/// The pipe is open and full, and its reader reads no more.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_a_run_whose_report_nobody_takes() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(2_000)));
    program.make_pipe("pipe");
    let flags = swiftly(&sandbox).replace("-o report.csv", "-o pipe");
    let mut child = program.start(&format!("run list.csv {flags}"));
    let pipe = program.path("pipe");
    let reader = tokio::task::spawn_blocking(move || File::open(pipe).unwrap()).await.unwrap();
    until("a full pipe", || waits_in_a_pipe_write(&child)).await;
    kill_until_it_ends(&mut child).await;
    wait(child).await.ended_with(143);
    drop(reader);
    // What is settled is not sent again, whether or not its line was read; only calls in flight were cut off.
    let days: Value = serde_json::from_str(&program.run("history --format json").stdout).unwrap();
    let (settled, calls) = (days[0]["withdrawn"].as_u64().unwrap(), sandbox.record().calls);
    assert!(settled > 0 && calls - settled <= 16, "{settled} of {calls} calls are settled");
    program.complete(&format!("run list.csv {}", swiftly(&sandbox))).await.ended_with(0);
    let record = sandbox.record();
    assert_eq!(record.calls - calls, 2_000 - settled);
    assert_eq!((record.withdrawn, program.report("report.csv").lines.len()), (2_000, 2_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_same_signal_a_second_later_ends_it_at_once() {
    let hour = Duration::from_secs(3_600);
    let sandbox = swift(|options| options.latency = hour..=hour).await;
    let program = Program::new();
    program.write("list.csv", list(ids(10)));
    let mut child = program.start_logged(&format!("run list.csv {} --timeout 1h", swiftly(&sandbox)));
    until("a call", || sandbox.record().in_flight > 0).await;
    kill(&child, "INT");
    until("the first signal to be answered", || program.log().contains("Stopping: ")).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for other in ["TERM", "HUP"] {
        kill(&child, other);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(child.try_wait().unwrap().is_none(), "another signal ended it");
    kill(&child, "INT");
    wait(child).await.ended_with(130);
    assert!(program.files().contains(&"report.csv.partial".to_owned()), "{:?}", program.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_after_that_no_number_holds_is_longer_than_any_patience() {
    for retry_after in ["99999999999999999999999999", "18446744073709551616", "1e400"] {
        let server = MockServer::start().await;
        let refusal = Api::V2.rate_limited().insert_header("retry-after", retry_after);
        Mock::given(method("POST")).respond_with(refusal).mount(&server).await;
        let program = Program::on(Api::V2);
        program.write("list.csv", list(ids(3)));
        let flags = "--concurrency 1 --patience 200d";
        let ran = program.complete(&format!("run list.csv --base-url {} {SWIFTLY} {flags}", server.uri())).await;
        ran.ended_with(5).says("longer than");
        let withdrawals = server.received_requests().await.unwrap();
        assert_eq!(withdrawals.iter().filter(|request| request.method.as_str() == "POST").count(), 1, "{retry_after}");
    }
}

/// What systemd with `SendSIGHUP`, GNU `timeout`, a closing terminal and impatient people send. How often each is sent
/// where `BULK_WITHDRAW_SIGNALS` does not say.
const PAIRS: [(&str, &str); 6] =
    [("TERM", "HUP"), ("HUP", "TERM"), ("TERM", "TERM"), ("INT", "INT"), ("HUP", "INT"), ("INT", "TERM")];
const FEW: u64 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_of_signals_ends_a_run_in_order_and_no_call_is_repeated() {
    let rounds = std::env::var("BULK_WITHDRAW_SIGNALS");
    let rounds = rounds.map_or(FEW, |text| text.parse().expect("a number of pairs of each kind"));
    for (first, second) in PAIRS {
        let sandbox = swift(|options| options.latency = Duration::from_millis(30)..=Duration::from_millis(60)).await;
        let program = Program::new();
        let rows = rounds * 40 + 20;
        program.write("list.csv", list(ids(rows)));
        let command = format!("run list.csv {} --concurrency 8", swiftly(&sandbox));
        let code = |signal| match signal {
            "HUP" => 129,
            "INT" => 130,
            _ => 143,
        };
        for round in 0..rounds {
            let before = sandbox.record().calls;
            let child = program.start(&command);
            until("eight calls in flight", || sandbox.record().in_flight == 8).await;
            kill_twice(&child, first, second);
            let ran = wait(child).await;
            // Signals that are pending together are not seen in order.
            let codes = [code(first), code(second)].map(Some);
            assert!(codes.contains(&ran.code), "SIG{first} SIG{second}, {round}: {:?} {}", ran.code, ran.stderr);
            let (report, record) = (program.report("report.csv"), sandbox.record());
            assert_eq!(report.lines.len() as u64, rows);
            assert_eq!(report.count("withdrawn") as u64, record.calls - before, "a call in flight was given up");
            assert_eq!((report.count("already_settled") as u64, record.lost), (before, 0));
        }
        program.complete(&command).await.ended_with(0);
        let record = sandbox.record();
        assert_eq!((record.calls, record.withdrawn), (rows, rows), "SIG{first} SIG{second}");
        assert!(record.invitations.values().all(|known| known.calls == 1));
    }
}

/// From one shell, so that no start of a process lies between them.
fn kill_twice(child: &Child, first: &str, second: &str) {
    let script = format!("kill -{first} {pid}; kill -{second} {pid}", pid = child.id());
    assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
}

/// Whatever the limit is that it was started with.
#[tokio::test(flavor = "multi_thread")]
async fn no_memory_dump_can_be_made_of_a_run() {
    let hour = Duration::from_secs(3_600);
    let sandbox = swift(|options| options.latency = hour..=hour).await;
    let program = Program::new();
    program.write("list.csv", list(ids(1)));
    let mut child =
        spawn(program.shell("ulimit -S -c $(ulimit -H -c)", &format!("run list.csv {}", swiftly(&sandbox))));
    until("a call", || sandbox.record().in_flight > 0).await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_run_does_not_wait_for_the_end_of_standard_input() {
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
    let ran = program.complete(&format!("run list.csv {flags} --concurrency 4")).await;
    ran.ended_with(6).says("/dev/full");
    let calls = sandbox.record().calls;
    assert!(calls <= 4, "{calls} calls that could not be reported");
}

/// Else the lines to come would go into a file without a name, and at the end another file would get the report's.
#[tokio::test(flavor = "multi_thread")]
async fn a_growing_report_that_is_removed_or_replaced_stops_the_run() {
    for replaced in [false, true] {
        let sandbox = swift(|options| options.latency = Duration::from_millis(20)..=Duration::from_millis(20)).await;
        let program = Program::new();
        program.write("list.csv", list(ids(5_000)));
        let child = program.start(&format!("run list.csv {}", swiftly(&sandbox)));
        let partial = program.path("report.csv.partial");
        until("the first lines", || fs::metadata(&partial).is_ok_and(|file| file.len() > 1_000)).await;
        fs::remove_file(&partial).unwrap();
        if replaced {
            program.write("report.csv.partial", "someone else's");
        }
        let ran = wait(child).await;
        ran.ended_with(6).says("report.csv.partial was removed or replaced during the run");
        assert!(sandbox.record().calls < 5_000, "it went on");
        assert!(!program.files().contains(&"report.csv".to_owned()));
        assert_eq!(fs::read_to_string(&partial).ok().as_deref(), replaced.then_some("someone else's"));
        let (summary, record) = (program.summary(), sandbox.record());
        assert_eq!((summary["exit_code"].as_u64(), summary["calls"].as_u64()), (Some(6), Some(record.calls)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_the_growing_report_s_place_is_found_before_any_call() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(3))).write("other", "kept");
    std::os::unix::fs::symlink("other", program.path("report.csv.partial")).unwrap();
    let ran = program.complete(&format!("run list.csv {}", swiftly(&sandbox))).await;
    ran.ended_with(6).says("report.csv.partial is not a regular file");
    assert_eq!((sandbox.record().calls, program.read("other").as_str()), (0, "kept"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_whose_reader_goes_away_stops_the_run() {
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
fn a_closed_stderr_does_not_end_a_run() {
    let program = Program::new();
    program.write("list.csv", list(ids(3)));
    let flags = "--rate unlimited -o report.csv --summary summary.json -v";
    let ran = program.shell(":", &format!("run list.csv --sandbox {flags} 2>&-")).output().unwrap();
    assert_eq!(ran.status.code(), Some(0));
    assert_eq!(program.report("report.csv").count("withdrawn"), 3);
    assert_eq!(program.summary()["exit_code"], 0);
}

#[test]
fn a_standard_input_that_can_not_be_read_is_an_input_error() {
    let program = Program::new();
    // A directory can be opened but not read, like a file on a broken disk.
    let mut command = program.bare_command("run - --sandbox -o report.csv");
    let ran = Ran::from(command.stdin(File::open(program.path("")).unwrap()).output().unwrap());
    ran.ended_with(2).says("stdin");
}

/// Closing a terminal may send SIGHUP more than once, which must not count as a second Ctrl-C.
#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_never_ends_it_at_once() {
    let sandbox = swift(|options| options.latency = Duration::from_millis(150)..=Duration::from_millis(200)).await;
    let program = Program::new();
    program.write("list.csv", list(ids(100)));
    let child = program.start_logged(&format!("run list.csv {} --concurrency 4", swiftly(&sandbox)));
    until("a call", || sandbox.record().in_flight > 0).await;
    kill(&child, "HUP");
    until("the first hangup to be answered", || program.log().contains("Stopping")).await;
    for _ in 0..2 {
        kill(&child, "HUP");
        // That the program has handled it shows nowhere. The calls in flight give it at least 150 ms for that.
        until("the signal to be delivered", || !has_pending_hangup(&child)).await;
    }
    wait(child).await.ended_with(129);
    let record = sandbox.record();
    assert_eq!((record.lost, record.calls), (0, program.report("report.csv").count("withdrawn") as u64));
}

/// Whether a SIGHUP was sent and not delivered yet (proc(5), `ShdPnd`).
fn has_pending_hangup(child: &Child) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).unwrap();
    u64::from_str_radix(pending.trim(), 16).unwrap() & 1 == 1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_that_nohup_ignores_stays_ignored() {
    let sandbox = swift(|options| options.latency = Duration::from_millis(20)..=Duration::from_millis(20)).await;
    let program = Program::new();
    program.write("list.csv", list(ids(60)));
    let command = program.shell("trap '' HUP", &format!("run list.csv {} --concurrency 4", swiftly(&sandbox)));
    let child = spawn(command);
    until("calls", || sandbox.record().calls > 4).await;
    kill(&child, "HUP");
    wait(child).await.ended_with(0);
    assert_eq!(sandbox.record().charged, 60);
}

/// A pipe can be read only once, so there is no plan to confirm.
#[test]
fn a_named_pipe_needs_yes() {
    let program = Program::new();
    program.make_pipe("pipe");
    program.run("run pipe").ended_with(2).says("--yes");
}
