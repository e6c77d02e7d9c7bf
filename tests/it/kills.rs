//! The plug is pulled at any moment, and the same command is given again: every invitation ends withdrawn, none is called
//! again after its success was kept, and the last report has every row exactly once.
//!
//! `BULK_WITHDRAW_KILLS=100 cargo test kills` pulls it a hundred times on each version.

use std::time::Duration;

use bulk_withdraw::sandbox::Sandbox;

use crate::support::{Api, Program, Ran, ids, kill, list, on_both_versions, swift, swiftly, until, wait};

on_both_versions!(
    a_killed_run_goes_on_where_it_stopped,
    a_terminated_run_goes_on_and_repeats_no_call_at_all,
    what_a_killed_run_reported_is_settled,
);

const CONCURRENCY: u64 = 8;

/// What is to be seen on V2 is that its calls are intended and settled like V1's: a few will do.
fn kills(api: Api) -> u64 {
    let few = match api {
        Api::V1 => 8,
        Api::V2 => 4,
    };
    std::env::var("BULK_WITHDRAW_KILLS").map_or(few, |text| text.parse().expect("a number of kills"))
}

/// Runs the same command again and again, ending each run with `signal` somewhere within some dozens of calls, until one
/// ends by itself.
async fn run_with_interruptions(program: &Program, sandbox: &Sandbox, signal: &str, kills: u64) -> (u64, Ran) {
    let command = format!("run list.csv {} --concurrency {CONCURRENCY}", swiftly(sandbox));
    for killed in 0..kills {
        let mut child = program.start(&command);
        let enough = sandbox.record().calls + fastrand::u64(0..60);
        until("calls, or the end", || sandbox.record().calls >= enough || child.try_wait().unwrap().is_some()).await;
        // Not always in the same phase of a call.
        tokio::time::sleep(Duration::from_micros(fastrand::u64(0..6_000))).await;
        if child.try_wait().unwrap().is_some() {
            return (killed, wait(child).await);
        }
        kill(&child, signal);
        wait(child).await;
    }
    (kills, wait(program.start(&command)).await)
}

async fn setting(api: Api) -> (Program, Sandbox, u64) {
    let rows = kills(api) * 60 + 200;
    let program = Program::on(api);
    program.write("list.csv", list(ids(rows)));
    let sandbox = swift(|options| options.latency = Duration::from_millis(1)..=Duration::from_millis(6)).await;
    (program, sandbox, rows)
}

async fn a_killed_run_goes_on_where_it_stopped(api: Api) {
    let (program, sandbox, rows) = setting(api).await;
    let (killed, last) = run_with_interruptions(&program, &sandbox, "KILL", kills(api)).await;
    last.ended_with(0);
    let (report, record) = (program.report("report.csv"), sandbox.record());

    assert_eq!(report.lines.len() as u64, rows);
    let fine = ["withdrawn", "already_settled", "presumed_withdrawn"];
    assert!(report.outcomes().iter().all(|outcome| fine.contains(outcome)), "{:?}", report.outcomes());
    assert!(report.count("already_settled") > 0);
    assert_eq!(record.withdrawn, rows);
    assert!(record.invitations.values().all(|known| known.withdrawn));
    let repeated = record.calls - rows;
    assert!(repeated <= killed * CONCURRENCY, "{repeated} calls were repeated after {killed} kills");
    assert!(record.invitations.values().all(|known| known.calls <= 2 + killed), "one was called again and again");
    assert_eq!(program.summary()["api"], api.name());
    assert_eq!(record.possible, api.possible(&record));
}

async fn a_terminated_run_goes_on_and_repeats_no_call_at_all(api: Api) {
    let (program, sandbox, rows) = setting(api).await;
    let (_, last) = run_with_interruptions(&program, &sandbox, "TERM", kills(api)).await;
    last.ended_with(0);
    let (report, record) = (program.report("report.csv"), sandbox.record());
    assert_eq!(report.lines.len() as u64, rows);
    assert_eq!((record.calls, record.charged, record.withdrawn), (rows, rows, rows));
    assert_eq!(report.count("withdrawn") + report.count("already_settled"), report.lines.len());
}

/// A success that was kept is never asked about again: what the report of a killed run holds was in the ledger before.
async fn what_a_killed_run_reported_is_settled(api: Api) {
    let (program, sandbox, _) = setting(api).await;
    let command = format!("run list.csv {} --concurrency {CONCURRENCY}", swiftly(&sandbox));
    let child = program.start(&command);
    until("calls", || sandbox.record().calls > 60).await;
    kill(&child, "KILL");
    wait(child).await;
    // The last line may be half there.
    let partial = program.read("report.csv.partial");
    let whole = &partial[..=partial.rfind('\n').unwrap()];
    let reported = crate::support::Report::parse(whole);
    assert!(reported.count("withdrawn") > 10);
    wait(program.start(&command)).await.ended_with(0);
    let record = sandbox.record();
    for line in reported.lines.values() {
        assert_eq!(record.invitations[&line["invitation_id"]].calls, 1, "{line:?}");
    }
}
