//! What the user limits is never passed, whatever goes wrong; and what stops one account stops no other.

use std::time::Duration;

use bulk_withdraw::sandbox::StockItem;
use jiff::Timestamp;

use crate::support::{
    Api, DAY, Program, ids, kill, list, on_both_versions, spawn, swift, swiftly, until, wait, with_stock,
};

on_both_versions!(credits_are_used_up_and_never_passed, kills_pass_no_daily_cap);

async fn credits_are_used_up_and_never_passed(api: Api) {
    let sandbox = swift(|options| options.faults.rate_limited = 0.2).await;
    let program = Program::on(api);
    program.write("list.csv", list(ids(300)));
    let run = format!("run list.csv {} --concurrency 64 --max-credits 100", swiftly(&sandbox));
    program.complete(&run).await.ended_with(0).says("--max-credits");
    let (summary, record) = (program.summary(), sandbox.record());
    assert!((90..=100).contains(&record.possible), "{} of 100 credits", record.possible);
    assert_eq!((summary["stop"]["reason"].as_str(), &summary["exit_code"]), (Some("max_credits"), &0.into()));
    assert_eq!(summary["credits"]["possible"], record.possible);
    assert_eq!(program.report("report.csv").lines.len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_a_list_are_taken_from_the_credits() {
    let now = Timestamp::now();
    let stock = || (0..40).map(|at| StockItem::aged(Duration::from_secs(40 * 86_400 + at), now)).collect();
    // A list that is too dear is left at its first page.
    for (credits, spent, withdrawn) in [(2, 1, 0), (15, 15, 10)] {
        let sandbox = swift(|options| options.stock = Some(stock())).await;
        let program = Program::new();
        let clean = format!("clean --older-than 30d {} --max-credits {credits}", swiftly(&sandbox));
        program.complete(&clean).await.ended_with(0);
        let (summary, record) = (program.summary(), sandbox.record());
        assert_eq!((record.list_possible + record.possible, record.withdrawn), (spent, withdrawn), "{summary:#}");
        assert_eq!(summary["stop"]["reason"], "max_credits");
    }
}

/// A crash leaves calls of which nobody knows whether they were withdrawals: they count.
async fn kills_pass_no_daily_cap(api: Api) {
    let sandbox = swift(|options| options.latency = Duration::from_millis(1)..=Duration::from_millis(6)).await;
    let program = Program::on(api);
    program.write("list.csv", list(ids(200)));
    let run = format!("run list.csv {} --concurrency 8 --daily-cap 40", swiftly(&sandbox));
    for at_calls in [5, 15, 25] {
        let mut child = program.start(&run);
        until("calls", || sandbox.record().calls >= at_calls || child.try_wait().unwrap().is_some()).await;
        kill(&child, "KILL");
        wait(child).await;
    }
    for _ in 0..2 {
        program.complete(&run).await.ended_with(0).says("--daily-cap");
        assert_eq!(program.summary()["stop"]["reason"], "daily_cap");
        let record = sandbox.record();
        assert!((20..=40).contains(&record.withdrawn), "{} were withdrawn", record.withdrawn);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_withdrawals_or_time_ends_a_run_with_code_0() {
    let cases = [("--max-withdrawals 30", "max_withdrawals"), ("--max-duration 500ms --timeout 400ms", "max_duration")];
    for (flags, reason) in cases {
        let sandbox = swift(|options| options.latency = Duration::from_millis(10)..=Duration::from_millis(20)).await;
        let program = Program::new();
        program.write("list.csv", list(ids(2_000)));
        let run = format!("run list.csv {} --concurrency 8 {flags}", swiftly(&sandbox));
        program.complete(&run).await.ended_with(0);
        let (report, record) = (program.report("report.csv"), sandbox.record());
        assert_eq!(program.summary()["stop"]["reason"], reason);
        assert_eq!(report.count("withdrawn") as u64, record.withdrawn);
        assert_eq!(report.count("withdrawn") + report.count("not_attempted"), 2_000);
        assert!(if reason == "max_withdrawals" { record.withdrawn == 30 } else { record.withdrawn < 500 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_ends_its_account_and_the_others_are_worked_through() {
    let sandbox = swift(|options| (options.api_key, options.login_token) = (None, Some("right".to_owned()))).await;
    let program = Program::new();
    let accounts = [("london", "right"), ("sales", "expired"), ("tokyo", "right")];
    let tables = accounts.map(|(name, token)| format!("[accounts.{name}]\nlogin_token = \"{token}\"\n"));
    program.write("accounts.toml", format!("api_key = \"key\"\n{}", tables.concat()));
    let rows =
        (0..90).map(|at| format!("{},{}\n", 7_329_176_687_475_109_888_u64 + at * 4_096, accounts[at as usize / 30].0));
    program.write("list.csv", format!("invitation_id,account\n{}", rows.collect::<String>()));
    let run = format!("run list.csv --config accounts.toml {} --concurrency 2", swiftly(&sandbox));
    wait(spawn(program.bare_command(&run))).await.ended_with(3).says("login refused");
    let (summary, report, record) = (program.summary(), program.report("report.csv"), sandbox.record());
    assert_eq!((record.withdrawn, report.count("withdrawn"), report.lines.len()), (60, 60, 90));
    assert!((1..=2).contains(&record.refused), "{} calls with an expired login", record.refused);
    assert_eq!(summary["stop"], serde_json::Value::Null);
    let reasons = accounts.map(|(name, _)| summary["accounts"][name]["stop"]["reason"].as_str());
    assert_eq!(reasons, [None, Some("login_refused"), None]);
}

/// A list that costs more than may be spent would be paid for anew each time, and nobody would ever be withdrawn.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_too_dear_is_not_fetched_to_its_end() {
    let sandbox = swift(|options| options.pending = 200).await;
    let program = Program::new();
    let clean = format!("clean --older-than 30d --max-credits 5 -q {}", swiftly(&sandbox));
    let ran = program.complete(&clean).await;
    ran.ended_with(0).says("--max-credits 5 is too low: the list needs about ").says(" plus 1 per withdrawal\n");
    assert_eq!(sandbox.record().list_calls, 1, "the first page says how many there are");
    assert_eq!(program.summary()["stop"]["reason"], "max_credits");
    // The same command would end there each time.
    let ran = program.complete(&clean.replace(" -q", "")).await;
    ran.ended_with(0).says("next                  raise --max-credits, which the list alone uses up\n");
    assert!(!ran.stderr.contains("same command again"), "{}", ran.stderr);
    // Where it is enough for list and some, what is left is withdrawn.
    let ran = program.complete(&format!("clean --older-than 30d --max-credits 25 {}", swiftly(&sandbox))).await;
    let summary = program.summary();
    assert!(summary["rows"]["withdrawn"].as_u64().unwrap() > 0, "{}", ran.stderr);
    assert!(summary["credits"]["possible"].as_u64().unwrap() <= 25);

    // So would it where the list costs just as much.
    let stock: Vec<_> = (0..20).map(|at| StockItem::aged(DAY * (40 + at), Timestamp::now())).collect();
    let sandbox = with_stock(&stock, |_| {}).await;
    let ran = program.complete(&format!("clean --older-than 30d --max-credits 3 -q {}", swiftly(&sandbox))).await;
    ran.ended_with(0).says("--max-credits 3 is too low: the list used it up; raise it to 3 plus 1 per withdrawal\n");
    assert_eq!((sandbox.record().list_calls, sandbox.record().calls), (3, 0));
    let ran = program.complete(&format!("clean --older-than 30d --max-credits 3 {}", swiftly(&sandbox))).await;
    assert!(!ran.ended_with(0).stderr.contains("same command again"), "{}", ran.stderr);
}

/// The time that a plan takes is not the run's: a summary tells what became of the rows.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_time_for_a_call_reports_its_rows() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(20_000)));
    let command = format!("run list.csv {} --timeout 1s --max-duration 1001ms", swiftly(&sandbox));
    program.complete(&command).await.ended_with(0);
    assert_eq!(sandbox.record().calls, 0);
    let summary = program.summary();
    assert_eq!(
        (&summary["stop"]["reason"], &summary["rows"]["not_attempted"]),
        (&"max_duration".into(), &20_000.into())
    );
}
