//! Each fault by itself, and all of them at once: report, summary, ledger and the server's own record agree, and a second
//! run calls for nothing that was told as settled.

use std::io::{Read, Write};
use std::net::TcpListener;

use bulk_withdraw::sandbox::{ENDINGS, Ending, Faults, InvitationRecord, Reply, Sandbox};
use serde_json::Value;

use crate::support::{Api, Program, Report, SWIFTLY, ids, list, on_both_versions, swift, swiftly, until, wait};

on_both_versions!(
    each_random_fault_by_itself,
    each_ending_by_itself_comes_out_as_its_help_says,
    all_faults_at_once,
    what_reaches_no_server_costs_nothing,
);

/// Ends calls that the server holds. The others end long before, so that the counts of both sides are the same.
const SHORT: &str = "--timeout 300ms";
const PERSISTENT: &str = "--retries 40 --max-errors 1000000 --concurrency 32";

async fn each_random_fault_by_itself(api: Api) {
    let mut runs = Vec::new();
    for name in Faults::names() {
        let sandbox = swift(|options| {
            options.faults = format!("{name}=40%").parse().unwrap();
            options.seed = Some(3);
        })
        .await;
        let held = if is_held(name) { SHORT } else { "" };
        runs.push(Scene::new(api, name, sandbox, ids(40), held));
    }
    for scene in &mut runs {
        scene.start();
    }
    for scene in &mut runs {
        let report = scene.agree(is_held(scene.name)).await;
        let record = scene.sandbox.record();
        let answers = || record.invitations.values().flat_map(|known| &known.answers);
        let faults = answers().filter(|answer| !matches!(answer.reply, Reply::Withdrawn | Reply::NoLongerPending));
        assert!(faults.count() >= 4, "{}: {record:?}", scene.name);
        let settled = report.count("withdrawn") + report.count("presumed_withdrawn");
        assert_eq!((settled, record.withdrawn), (40, 40), "{}: {:?}", scene.name, report.outcomes());
        scene.agree_again().await;
    }
}

/// Whether only the client's timeout ends such a call.
fn is_held(name: &str) -> bool {
    ["held", "endless"].contains(&name)
}

async fn each_ending_by_itself_comes_out_as_its_help_says(api: Api) {
    let mut runs = Vec::new();
    for ending in ENDINGS {
        let sandbox = swift(|_| {}).await;
        // Only a call without an end lasts until its timeout.
        let is_held = matches!(ending.reply, Reply::Held | Reply::Endless);
        let flags = if is_held { "--timeout 1s --retries 1" } else { "--retries 1" };
        let mut scene = Scene::new(api, ending.digits, sandbox, [with_ending(ending, 0)], flags);
        scene.start();
        runs.push((ending, is_held, scene));
    }
    for (ending, is_held, scene) in &mut runs {
        let report = scene.agree(*is_held).await;
        assert_eq!(report.outcome(1), ending.outcome, "{}: {:?}", ending.digits, report.lines[&1]);
        scene.agree_again().await;
    }
}

fn with_ending(ending: &Ending, at: usize) -> String {
    format!("73291766874{:05}{}", at, ending.digits)
}

/// All that is random, over all endings that stop no run.
async fn all_faults_at_once(api: Api) {
    let names = Faults::names();
    let faults = names.iter().map(|name| format!("{name}=4%")).collect::<Vec<_>>().join(",");
    let sandbox = swift(|options| {
        options.faults = faults.parse().unwrap();
        options.seed = Some(5);
    })
    .await;
    let stops = ["401", "403", "405", "431"];
    let lasting = ENDINGS.iter().filter(|ending| !stops.contains(&ending.digits) && ending.digits != "429");
    let odd = lasting.cycle().take(72).enumerate().map(|(at, ending)| with_ending(ending, at));
    let rows: Vec<String> = ids(120).chain(odd).collect();
    // An always held call ends with its retries.
    let flags = format!("{SHORT} --retries 3");
    let mut scene = Scene::new(api, "all", sandbox, rows, &flags);
    scene.start();
    let report = scene.agree(true).await;
    for outcome in ["withdrawn", "presumed_withdrawn", "unconfirmed", "not_pending"] {
        assert!(report.count(outcome) > 0, "no {outcome}: {:?}", report.outcomes());
    }
    scene.agree_again().await;
}

/// A refused connection, a TLS handshake answered in plain text or with its end, and a name that no DNS knows.
async fn what_reaches_no_server_costs_nothing(api: Api) {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let (refusing, plain, closing) = (port(&free()), free(), free());
    let cases = [
        format!("http://127.0.0.1:{refusing}"),
        format!("https://127.0.0.1:{}", port(&plain)),
        format!("https://localhost:{}", port(&closing)),
        "https://linkup.invalid".to_owned(),
    ];
    for (listener, answer) in [(plain, "HTTP/1.1 400 Bad Request\r\n\r\n"), (closing, "")] {
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // The client may have gone already.
                let _ = stream.read(&mut [0; 1024]).and_then(|_| stream.write_all(answer.as_bytes()));
            }
        });
    }
    // Only loopback addresses may be called without a rate.
    let flags = SWIFTLY.replace("unlimited", "1000/s");
    let mut runs = Vec::new();
    for url in cases {
        let program = Program::on(api);
        program.write("list.csv", list(ids(3)));
        let child = program.start(&format!("run list.csv --base-url {url} {flags} --retries 2 --timeout 4s"));
        runs.push((url, program, child));
    }
    for (url, program, child) in runs {
        let ran = wait(child).await;
        ran.ended_with(1);
        let (report, summary) = (program.report("report.csv"), program.summary());
        assert_eq!(report.outcomes(), ["failed"; 3], "{url}");
        assert!(
            report.lines.values().all(|line| line["detail"].starts_with("no connection")),
            "{:?}",
            report.lines[&1]
        );
        assert_eq!((report.sum("attempts"), &summary["calls"]), (9, &9.into()), "{url}");
        assert_eq!((report.sum("credits_possible"), program.bill()), (0, (0, 0)), "{url}");
        assert_eq!(history(&program), [0, 0, 3], "{url}");
    }
}

/// One program, one server, one list.
struct Scene {
    name: &'static str,
    program: Program,
    sandbox: Sandbox,
    rows: Vec<String>,
    command: String,
    child: Option<std::process::Child>,
}

impl Scene {
    fn new(
        api: Api,
        name: &'static str,
        sandbox: Sandbox,
        rows: impl IntoIterator<Item = String>,
        flags: &str,
    ) -> Self {
        let (program, rows) = (Program::on(api), Vec::from_iter(rows));
        program.write("list.csv", list(&rows));
        let retries =
            if flags.contains("--retries") { PERSISTENT.replace("--retries 40", "") } else { PERSISTENT.to_owned() };
        let command = format!("run list.csv {} {retries} {flags}", swiftly(&sandbox));
        Self { name, program, sandbox, rows, command, child: None }
    }

    fn start(&mut self) {
        self.child = Some(self.program.start(&self.command));
    }

    /// Waits for the run and compares what it told with the server's record. `timed` is whether a timeout ended calls: the
    /// server may then have sent an answer that came too late.
    async fn agree(&mut self, timed: bool) -> Report {
        let Self { name, program, sandbox, rows, child, .. } = self;
        let ran = wait(child.take().unwrap()).await;
        until("the server's end of each call", || sandbox.record().in_flight == 0).await;
        let (report, summary, record) = (program.report("report.csv"), program.summary(), sandbox.record());
        let why = format!("{name}: {:?}\n{summary}\n{}", report.outcomes(), ran.stderr);

        let told: Vec<_> = report.lines.iter().map(|(row, line)| (*row, line["invitation_id"].clone())).collect();
        assert_eq!(told, (1..).zip(rows.iter().cloned()).collect::<Vec<_>>(), "{why}");
        for line in report.lines.values() {
            let known = record.invitations.get(&line["invitation_id"]).cloned().unwrap_or_default();
            agrees(line["outcome"].as_str(), &line["invitation_id"], &known, timed, &why);
            let attempts: u64 = line["attempts"].parse().unwrap();
            assert!(attempts == known.calls || timed && attempts > known.calls, "{line:?}: {known:?}\n{why}");
        }

        let called = report.lines.values().filter(|line| line["attempts"] != "0").count() as u64;
        let calls = report.sum("attempts");
        assert_eq!((&summary["calls"], &summary["retries"]), (&calls.into(), &(calls - called).into()), "{why}");
        let (charged, possible) = (report.sum("credits"), report.sum("credits_possible"));
        for credits in [&summary["credits"], &summary["accounts"]["default"]["credits"]] {
            assert_eq!((&credits["charged"], &credits["possible"]), (&charged.into(), &possible.into()), "{why}");
        }
        assert_eq!(program.bill(), (charged, possible), "the ledger's bill; {why}");
        // The server takes a credit with each withdrawal, answered or not.
        assert!(record.withdrawn <= possible && charged <= record.charged && record.possible <= possible, "{why}");
        if !timed {
            assert_eq!((calls, charged, possible), (record.calls, record.charged, record.possible), "{why}");
            assert_eq!(summary["rate_limit_answers"], record.rate_limited, "{why}");
            assert_eq!(record.possible, self.program.api().possible(&record), "{why}");
        }

        let rows = summary["rows"].as_object().unwrap();
        let named = rows.iter().filter(|(outcome, _)| *outcome != "total");
        assert!(named.clone().all(|(outcome, count)| *count == report.count(outcome)), "{why}");
        let sum: u64 = named.map(|(_, count)| count.as_u64().unwrap()).sum();
        assert_eq!((sum, rows["total"].as_u64()), (told.len() as u64, Some(sum)), "{why}");
        assert_eq!(summary["exit_code"].as_i64(), ran.code.map(i64::from), "{why}");
        let count = |outcomes: &[&str]| outcomes.iter().map(|outcome| report.count(outcome) as u64).sum::<u64>();
        let failed = count(&["not_found", "unconfirmed", "rejected", "rate_limited", "failed"]);
        let settled = [count(&["withdrawn", "presumed_withdrawn"]), count(&["not_pending"]), failed];
        assert_eq!(history(&self.program), settled, "the ledger; {why}");
        report
    }

    /// Runs the same command again: what was told as settled is not called for.
    async fn agree_again(&self) {
        let Self { name, program, sandbox, command, .. } = self;
        let (first, before) = (program.report("report.csv"), sandbox.record());
        wait(program.start(command)).await;
        until("the server's end of each call", || sandbox.record().in_flight == 0).await;
        let (second, after) = (program.report("report.csv"), sandbox.record());
        for (row, line) in &first.lines {
            if SETTLED.contains(&line["outcome"].as_str()) {
                let id = &line["invitation_id"];
                let calls = after.invitations[id].calls - before.invitations[id].calls;
                assert_eq!((second.outcome(*row), calls), ("already_settled", 0), "{name}: {line:?}");
            }
        }
    }
}

const SETTLED: [&str; 3] = ["withdrawn", "presumed_withdrawn", "not_pending"];

/// Whether an outcome may be told of an invitation of which the server knows this.
#[track_caller]
fn agrees(outcome: &str, id: &str, known: &InvitationRecord, timed: bool, why: &str) {
    let ending = ENDINGS.iter().find(|ending| id.ends_with(ending.digits));
    let is_lie = ending.is_some_and(|ending| ending.reply == Reply::Withdrawn && !ending.withdraws);
    let is_gone = ending
        .is_some_and(|ending| matches!(ending.reply, Reply::Accepted | Reply::Declined | Reply::AlreadyWithdrawn));
    let confirms = |reply| matches!(reply, Reply::Withdrawn | Reply::WithdrawnAsText | Reply::WithdrawnPadded);
    let confirmed = known.answers.iter().any(|answer| answer.delivered && confirms(answer.reply));
    let lost = || known.answers.iter().any(|answer| !answer.delivered || is_lost(answer.reply));
    let agrees = match outcome {
        "withdrawn" => confirmed && (known.withdrawn || is_lie),
        // An answer was lost, and a later one says that nothing is pending.
        "presumed_withdrawn" => (known.withdrawn || is_gone) && (lost() || timed),
        "unconfirmed" => lost() || timed,
        "not_pending" => !known.withdrawn && is_gone,
        "not_found" | "rejected" | "rate_limited" | "failed" => !known.withdrawn && !confirmed,
        "not_attempted" => known.calls == 0,
        _ => false,
    };
    assert!(agrees, "{id} is told as {outcome}: {known:?}\n{why}");
}

fn is_lost(reply: Reply) -> bool {
    matches!(reply, Reply::Contradiction | Reply::BadGateway | Reply::WebPage | Reply::Redirect)
}

/// What the ledger counts: withdrawn, not pending, failed.
fn history(program: &Program) -> [u64; 3] {
    let ran = program.run("history --format json");
    let days: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
    ["withdrawn", "not_pending", "failed"].map(|column| days.iter().map(|day| day[column].as_u64().unwrap()).sum())
}
