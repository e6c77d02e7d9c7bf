//! An API that fails like the real one: the report must agree with the API's own record.

use std::collections::HashMap;

use bulk_withdraw::sandbox::{Faults, Reply, StockItem, stock};
use jiff::Timestamp;

use crate::support::{Api, Program, ids, list, on_both_versions, swift, swiftly};

on_both_versions!(
    the_report_agrees_with_the_server_s_own_record,
    a_rate_limit_that_never_ends_is_reported_with_the_status_and_price_of_the_version,
    a_list_is_complete_and_its_price_is_right_despite_faults,
);

async fn the_report_agrees_with_the_server_s_own_record(api: Api) {
    let sandbox = swift(|options| {
        options.faults = Faults {
            rate_limited: 0.10,
            server_error: 0.05,
            bad_gateway: 0.03,
            closed: 0.01,
            truncated: 0.01,
            ..Faults::default()
        };
        options.seed = Some(7);
    })
    .await;
    let program = Program::on(api);
    program.write("list.csv", list(ids(2_000)));
    let ran = program.complete(&format!("run list.csv {} --concurrency 32 --retries 12", swiftly(&sandbox))).await;
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
        let said_so = known.answers.iter().any(|answer| answer.reply == Reply::Withdrawn);
        assert_eq!(outcome, if said_so { "withdrawn" } else { "presumed_withdrawn" }, "{id}: {known:?}");
    }
    assert_eq!(record.invitations.len(), 2_000);
    assert!(report.count("presumed_withdrawn") > 5, "the faults lost no answers");

    assert_eq!(summary["calls"], record.calls);
    assert_eq!(summary["rate_limit_answers"], record.rate_limited);
    assert_eq!(summary["retries"], record.calls - 2_000);
    assert_eq!(summary["api"], api.name());
    assert_eq!(summary["credits"]["charged"], record.charged);
    assert_eq!(summary["credits"]["possible"], record.possible);
    assert_eq!(record.possible, api.possible(&record));
    assert_eq!((report.sum("attempts"), report.sum("credits")), (record.calls, record.charged));
    assert_eq!(report.sum("credits_possible"), record.possible);
    let rows = summary["rows"].as_object().unwrap();
    let counted: u64 = rows.iter().filter(|(name, _)| *name != "total").map(|(_, count)| count.as_u64().unwrap()).sum();
    assert_eq!((rows["total"].as_u64(), counted), (Some(2_000), 2_000));
    assert_eq!(summary["accounts"]["default"]["credits"], summary["credits"]);
    assert!(record.peak_in_flight <= 32, "{} calls in flight", record.peak_in_flight);
}

async fn a_rate_limit_that_never_ends_is_reported_with_the_status_and_price_of_the_version(api: Api) {
    let sandbox = swift(|options| options.faults = Faults { rate_limited: 1.0, ..Faults::default() }).await;
    let program = Program::on(api);
    program.write("list.csv", list(ids(3)));
    let flags = "--patience 400ms --concurrency 1";
    let ran = program.complete(&format!("run list.csv {} {flags}", swiftly(&sandbox))).await;
    ran.ended_with(5).says("--patience");
    let (report, summary, record) = (program.report("report.csv"), program.summary(), sandbox.record());
    // The patience for one row and for all of them ends at about the same time.
    assert_eq!(report.outcome(1), "rate_limited");
    assert_eq!(report.count("rate_limited") + report.count("not_attempted"), 3);
    assert_eq!(report.sum("attempts"), record.calls);
    assert_eq!(report.lines[&1]["http_status"], api.rate_limit_status().to_string());
    assert!(record.rate_limited > 1 && record.rate_limited == record.calls, "{record:?}");
    assert_eq!(summary["rate_limit_answers"], record.rate_limited);
    assert_eq!((&summary["credits"]["charged"], &summary["credits"]["possible"]), (&0.into(), &record.possible.into()));
    assert_eq!(record.possible, api.possible(&record));
}

/// One rate limiter for all calls, retries included.
#[tokio::test(flavor = "multi_thread")]
async fn retries_are_paced_like_first_calls() {
    let sandbox = swift(|options| options.faults = Faults { server_error: 0.5, ..Faults::default() }).await;
    let program = Program::new();
    program.write("list.csv", list(ids(100)));
    let flags = swiftly(&sandbox).replace("--rate unlimited", "--rate 400/s");
    program.complete(&format!("run list.csv {flags} --retries 30")).await.ended_with(0);
    let (record, summary) = (sandbox.record(), program.summary());
    assert!(record.calls > 150, "only {} calls", record.calls);
    // Two may be sent at once, each of the others one interval later.
    let shortest = (record.calls - 2) as f64 / 400.0;
    let elapsed = summary["elapsed_s"].as_f64().unwrap();
    assert!(elapsed >= shortest, "{} calls in {elapsed} s", record.calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_used_again() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(500)));
    program.complete(&format!("run list.csv {} --concurrency 4", swiftly(&sandbox))).await.ended_with(0);
    let connections = sandbox.record().connections;
    assert!(connections <= 8, "{connections} connections for 4 workers");
}

const LISTING: &str = "rate-limited=8%,429=2%,500=5%,502=2%,closed=2%,truncated=2%,web-page=1%,redirect=1%";

/// `count` invitations to connect, of all ages.
fn connections(count: u32) -> Vec<StockItem> {
    let items = stock(count, Timestamp::now()).into_iter();
    items.map(|item| StockItem::new(item.id, item.sent)).collect()
}

async fn a_list_is_complete_and_its_price_is_right_despite_faults(api: Api) {
    let stock = connections(1_205);
    let sandbox = swift(|options| {
        (options.faults, options.seed, options.stock) = (LISTING.parse().unwrap(), Some(11), Some(stock.clone()));
    })
    .await;
    let program = Program::on(api);
    let flags = swiftly(&sandbox).replace("--yes", "");
    let ran = program.complete(&format!("list {flags} --retries 12")).await;
    ran.ended_with(0);

    let mut listed = csv::Reader::from_path(program.path("report.csv")).unwrap();
    let listed: Vec<u64> = listed.records().map(|record| record.unwrap()[0].parse().unwrap()).collect();
    assert_eq!(listed, stock.iter().map(|item| item.id).collect::<Vec<_>>());
    let (summary, record) = (program.summary(), sandbox.record());
    assert!(record.list_rate_limited > 5 && record.list_calls > 121 + record.list_rate_limited, "{record:?}");
    assert_eq!((summary["api"].as_str(), summary["list"]["pages"].as_u64()), (Some(api.name()), Some(121)));
    assert_eq!((summary["calls"].as_u64(), record.calls), (Some(record.list_calls), 0));
    assert_eq!(summary["retries"], record.list_calls - 121);
    assert_eq!(summary["rate_limit_answers"], record.list_rate_limited);
    for credits in [&summary["list"], &summary["credits"]] {
        assert_eq!(credits["charged"], record.list_charged);
        assert_eq!(credits["possible"], record.list_possible);
    }
    assert_eq!(record.list_charged, 121);
}
