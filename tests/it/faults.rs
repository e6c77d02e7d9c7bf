//! An API that fails as the real one does, and keeps its own record of what it did: the report must agree with it.

use std::collections::HashMap;

use bulk_withdraw::sandbox::Faults;

use crate::support::{Program, ids, list, swift, swiftly, wait};

/// The server: 10 % rate limits (as HTTP 200), 5 % 500s, 3 % HTML 502s; here a few closed connections and
/// broken answers besides.
#[tokio::test(flavor = "multi_thread")]
async fn the_report_agrees_with_the_server_s_own_record() {
    let sandbox = swift(|options| {
        options.faults =
            Faults { rate_limited: 0.10, server_error: 0.05, bad_gateway: 0.03, closed: 0.01, truncated: 0.01 };
        options.seed = Some(7);
    })
    .await;
    let program = Program::new();
    program.write("list.csv", list(ids(2_000)));
    let ran = wait(program.start(&format!("run list.csv {} --concurrency 32 --retries 12", swiftly(&sandbox)))).await;
    ran.ended_with(0);

    let (report, summary, record) = (program.report("report.csv"), program.summary(), sandbox.record());
    assert_eq!(report.lines.len(), 2_000);
    let by_id: HashMap<&str, _> = report.lines.values().map(|line| (line["invitation_id"].as_str(), line)).collect();
    for (id, known) in &record.invitations {
        let line = by_id[id.as_str()];
        let (outcome, calls) = (line["outcome"].as_str(), line["attempts"].parse::<u64>().unwrap());
        assert_eq!(calls, known.calls, "{id}: {known:?}");
        assert_eq!(known.calls_after_final, 0, "{id} was called after a final answer: {known:?}");
        assert!(known.withdrawn, "{id}: {known:?}");
        let said_so = known.answers.iter().any(|answer| answer.reply == bulk_withdraw::sandbox::Reply::Withdrawn);
        assert_eq!(outcome, if said_so { "withdrawn" } else { "presumed_withdrawn" }, "{id}: {known:?}");
    }
    assert_eq!(record.invitations.len(), 2_000);
    assert!(report.count("presumed_withdrawn") > 5, "the faults left no lost answers to judge");

    assert_eq!(summary["calls"], record.calls);
    assert_eq!(summary["rate_limit_answers"], record.rate_limited);
    assert_eq!(summary["retries"], record.calls - 2_000);
    assert_eq!(summary["credits"]["charged"], record.charged);
    assert_eq!(summary["credits"]["possible"], record.possible);
    assert_eq!((report.sum("attempts"), report.sum("credits")), (record.calls, record.charged));
    assert_eq!(report.sum("credits_possible"), record.possible);
    let rows = summary["rows"].as_object().unwrap();
    let counted: u64 = rows.iter().filter(|(name, _)| *name != "total").map(|(_, count)| count.as_u64().unwrap()).sum();
    assert_eq!((rows["total"].as_u64(), counted), (Some(2_000), 2_000));
    assert_eq!(summary["accounts"]["default"]["credits"], summary["credits"]);
    assert!(record.peak_in_flight <= 32, "{} calls in flight", record.peak_in_flight);
}

/// Each ending of the simulated API's table, as its help promises it.
#[tokio::test(flavor = "multi_thread")]
async fn every_ending_of_the_sandbox_comes_out_as_its_help_says() {
    use bulk_withdraw::sandbox::ENDINGS;
    for ending in ENDINGS {
        let sandbox = swift(|_| {}).await;
        let program = Program::new();
        program.write("list.csv", format!("7329176687475109{}\n", ending.digits));
        let flags = "--timeout 4s --retries 1";
        let ran = wait(program.start(&format!("run list.csv {} {flags}", swiftly(&sandbox)))).await;
        let report = program.report("report.csv");
        assert_eq!(report.outcome(1), ending.outcome, "{}: {:?}\n{}", ending.digits, report.lines[&1], ran.stderr);
    }
}

/// One limiter for all calls: whatever is repeated is paced as well.
#[tokio::test(flavor = "multi_thread")]
async fn retries_are_paced_like_first_calls() {
    let sandbox = swift(|options| options.faults = Faults { server_error: 0.5, ..Faults::default() }).await;
    let program = Program::new();
    program.write("list.csv", list(ids(100)));
    let flags = swiftly(&sandbox).replace("--rate unlimited", "--rate 400/s");
    wait(program.start(&format!("run list.csv {flags} --retries 30"))).await.ended_with(0);
    let (record, summary) = (sandbox.record(), program.summary());
    assert!(record.calls > 150, "only {} calls", record.calls);
    // Two may leave together, the others each one interval apart.
    let shortest = (record.calls - 2) as f64 / 400.0;
    let elapsed = summary["elapsed_s"].as_f64().unwrap();
    assert!(elapsed >= shortest, "{} calls in {elapsed} s", record.calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_used_again() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(500)));
    wait(program.start(&format!("run list.csv {} --concurrency 4", swiftly(&sandbox)))).await.ended_with(0);
    let connections = sandbox.record().connections;
    assert!(connections <= 8, "{connections} connections for 4 workers");
}
