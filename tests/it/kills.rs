//! A run is killed at any moment and the same command is run again: in the end every invitation is withdrawn, none was
//! called for again after its success was durable, and the last report has every row exactly once.
//!
//! `BULK_WITHDRAW_KILLS=100 cargo test kills` kills a hundred times on each version. A failing test prints its seed;
//! `BULK_WITHDRAW_SEED` repeats its random numbers, though not the timing of the machine.

use std::time::Duration;

use bulk_withdraw::sandbox::{Faults, Sandbox, StockItem};
use jiff::Timestamp;

use crate::support::{Api, DAY, Program, Ran, Report, ids, kill, list, on_both_versions, swift, swiftly, until, wait};

on_both_versions!(a_killed_run_goes_on_where_it_stopped, the_bill_of_killed_cleans_is_never_too_low);

const CONCURRENCY: u64 = 8;

/// Fewer on V2, whose calls go through the same ledger.
fn kills(api: Api) -> u64 {
    let few = match api {
        Api::V1 => 8,
        Api::V2 => 4,
    };
    std::env::var("BULK_WITHDRAW_KILLS").map_or(few, |text| text.parse().expect("a number of kills"))
}

/// A program, a simulated API, and the draws of one test.
struct Scene {
    program: Program,
    sandbox: Sandbox,
    random: fastrand::Rng,
    kills: u64,
    rows: u64,
}

/// Runs the same command repeatedly and ends each run with `signal` within some dozens of calls, until one ends by
/// itself. Returns how many were ended, and the last run.
async fn run_with_interruptions(scene: &mut Scene, signal: &str) -> (u64, Ran) {
    let Scene { program, sandbox, random, kills, .. } = scene;
    let command = command(sandbox);
    for killed in 0..*kills {
        let mut child = program.start(&command);
        let enough = sandbox.record().calls + random.u64(0..60);
        until("calls, or the end", || sandbox.record().calls >= enough || child.try_wait().unwrap().is_some()).await;
        // Not for a condition: it varies the phase of a call in which the signal comes.
        tokio::time::sleep(Duration::from_micros(random.u64(0..6_000))).await;
        if child.try_wait().unwrap().is_some() {
            return (killed, wait(child).await);
        }
        kill(&child, signal);
        wait(child).await;
    }
    (*kills, program.complete(&command).await)
}

fn command(sandbox: &Sandbox) -> String {
    format!("run list.csv {} --concurrency {CONCURRENCY}", swiftly(sandbox))
}

#[expect(clippy::print_stderr, reason = "shown where a test fails")]
fn random() -> fastrand::Rng {
    let seed = std::env::var("BULK_WITHDRAW_SEED");
    let seed = seed.map_or_else(|_| fastrand::u64(..), |text| text.parse().expect("a number as seed"));
    eprintln!("BULK_WITHDRAW_SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

async fn scene(api: Api) -> Scene {
    let mut random = random();
    let kills = kills(api);
    let rows = kills * 60 + 200;
    let program = Program::on(api);
    program.write("list.csv", list(ids(rows)));
    let sandbox = swift(|options| {
        options.latency = Duration::from_millis(1)..=Duration::from_millis(6);
        options.seed = Some(random.u64(..));
    })
    .await;
    Scene { program, sandbox, random, kills, rows }
}

async fn a_killed_run_goes_on_where_it_stopped(api: Api) {
    let mut scene = scene(api).await;
    let (killed, last) = run_with_interruptions(&mut scene, "KILL").await;
    last.ended_with(0);
    let Scene { program, sandbox, rows, .. } = scene;
    let (report, record) = (program.report("report.csv"), sandbox.record());

    assert_eq!(report.lines.len() as u64, rows);
    let fine = ["withdrawn", "already_settled", "presumed_withdrawn"];
    assert!(report.outcomes().iter().all(|outcome| fine.contains(outcome)), "{:?}", report.outcomes());
    assert!(report.count("already_settled") > 0);
    assert_eq!(record.withdrawn, rows);
    assert!(record.invitations.values().all(|known| known.withdrawn));
    let repeated = record.calls - rows;
    assert!(repeated <= killed * CONCURRENCY, "{repeated} calls were repeated after {killed} kills");
    assert!(record.invitations.values().all(|known| known.calls <= 2 + killed), "one was called for too often");
    assert_eq!(program.summary()["api"], api.name());
    assert_eq!(record.possible, api.possible(&record));
}

/// Killed while it lists or withdraws, with refusals, server errors and lost answers.
async fn the_bill_of_killed_cleans_is_never_too_low(api: Api) {
    let (mut random, kills) = (random(), kills(api));
    let now = Timestamp::now();
    let age = |at: u64| DAY * 31 + Duration::from_secs(at);
    let stock = (0..kills * 20 + 150).map(|at| StockItem::aged(age(at), now)).collect::<Vec<_>>();
    let rows = stock.len() as u64;
    let sandbox = swift(|options| {
        options.latency = Duration::from_millis(1)..=Duration::from_millis(6);
        options.seed = Some(random.u64(..));
        options.stock = Some(stock);
        options.faults = Faults {
            rate_limited: 0.05,
            server_error: 0.05,
            bad_gateway: 0.03,
            closed: 0.03,
            truncated: 0.03,
            ..Faults::default()
        };
    })
    .await;
    let program = Program::on(api);
    let command = format!(
        "clean --older-than 30d {} --concurrency {CONCURRENCY} --retries 12 --max-errors 1000000",
        swiftly(&sandbox)
    );
    let calls = || {
        let record = sandbox.record();
        record.calls + record.list_calls
    };
    let mut killed = 0;
    while killed < kills {
        let mut child = program.start(&command);
        // The pages of the list, and some dozens of withdrawals.
        let enough = calls() + random.u64(0..rows / 10 + 60);
        until("calls, or the end", || calls() >= enough || child.try_wait().unwrap().is_some()).await;
        tokio::time::sleep(Duration::from_micros(random.u64(0..6_000))).await;
        let has_ended = child.try_wait().unwrap().is_some();
        if !has_ended {
            kill(&child, "KILL");
        }
        wait(child).await;
        if has_ended {
            break;
        }
        killed += 1;
        compare_bills(&program, &sandbox, killed).await;
    }
    program.complete(&command).await.ended_with(0);
    compare_bills(&program, &sandbox, killed).await;
    assert_eq!(sandbox.record().withdrawn, rows);
    assert!(killed > kills / 2, "it was killed {killed} times only");
}

/// A kill can hide an answer from the program, so that it takes a call which was free for one that may not have been.
async fn compare_bills(program: &Program, sandbox: &Sandbox, killed: u64) {
    until("the server's end of each call", || sandbox.record().in_flight == 0).await;
    let record = sandbox.record();
    let (charged, possible) = program.bill();
    let (server_charged, server_possible) =
        (record.charged + record.list_charged, record.possible + record.list_possible);
    let hidden = killed * (CONCURRENCY + 1);
    assert!(
        (server_possible..=server_possible + hidden).contains(&possible),
        "{possible} for {server_possible}, {killed} kills"
    );
    assert!(
        (server_charged.saturating_sub(hidden)..=server_charged).contains(&charged),
        "{charged} for {server_charged}, {killed} kills"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_run_goes_on_and_repeats_no_call_at_all() {
    let mut scene = scene(Api::V1).await;
    let (_, last) = run_with_interruptions(&mut scene, "TERM").await;
    last.ended_with(0);
    let Scene { program, sandbox, rows, .. } = scene;
    let (report, record) = (program.report("report.csv"), sandbox.record());
    assert_eq!(report.lines.len() as u64, rows);
    assert_eq!((record.calls, record.charged, record.withdrawn), (rows, rows, rows));
    assert_eq!(report.count("withdrawn") + report.count("already_settled"), report.lines.len());
}

/// What the report of a killed run says was in the ledger before, so it is not called for again.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_run_reported_is_settled() {
    let Scene { program, sandbox, .. } = scene(Api::V1).await;
    let command = command(&sandbox);
    let child = program.start(&command);
    until("calls", || sandbox.record().calls > 60).await;
    kill(&child, "KILL");
    wait(child).await;
    // The last line may be incomplete.
    let partial = program.read("report.csv.partial");
    let whole = &partial[..=partial.rfind('\n').unwrap()];
    let reported = Report::parse(whole);
    assert!(reported.count("withdrawn") > 10);
    program.complete(&command).await.ended_with(0);
    let record = sandbox.record();
    for line in reported.lines.values() {
        assert_eq!(record.invitations[&line["invitation_id"]].calls, 1, "{line:?}");
    }
}
