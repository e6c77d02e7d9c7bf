//! The pace over whole runs: what a refusal teaches, and what the next run on the same ledger begins with.

use std::time::Duration;

use bulk_withdraw::sandbox::Limit;

use crate::support::{Api, Program, ids, list, on_both_versions, swift};

on_both_versions!(a_limit_below_the_rate_is_learned_and_kept_for_the_next_run);

/// 20 calls in 400 ms are allowed, and 58 configured.
async fn a_limit_below_the_rate_is_learned_and_kept_for_the_next_run(api: Api) {
    let limit = Limit::sliding(20, Duration::from_millis(400));
    let sandbox = swift(|options| options.limit = Some(limit)).await;
    let program = Program::on(api);
    program.write("first.csv", list(ids(60))).write("second.csv", list(ids(78).skip(60)));
    let options = format!(
        "--yes --base-url {} --rate 58/400ms --retry-base 10ms -o report.csv --summary summary.json",
        sandbox.base_url()
    );

    let ran = program.complete(&format!("run first.csv {options}")).await;
    ran.ended_with(0).says("rate limited: the next call is sent in 1 s, at ").says("the API key allows about ");
    let summary = program.summary();
    let refused = summary["rate_limit_answers"].as_u64().unwrap();
    // All workers may have sent one when the first is refused.
    assert!((1..=20).contains(&refused), "{refused} refused");
    let learned = summary["pace"]["learned"].as_str().unwrap();
    let calls: u64 = learned.strip_suffix("/400ms").unwrap().parse().unwrap();
    assert!((8..=25).contains(&calls), "{learned}");

    let ran = program.complete(&format!("run second.csv {options}")).await;
    ran.ended_with(0).says(&format!("the API key allowed about {learned} in earlier runs: sending "));
    assert_eq!(program.summary()["rate_limit_answers"], 0);
    assert_eq!(program.summary()["pace"]["learned"], *learned);

    // The plan reckons with it, too.
    program.write("third.csv", list(ids(80).skip(78)));
    let rate = program.summary()["pace"]["rate"].as_str().unwrap().to_owned();
    program.complete(&format!("run third.csv --dry-run {options}")).await.ended_with(0).says(&format!(", at {rate}\n"));

    // Without a rate there is no pace to learn, or to apply.
    let unlimited = options.replace("58/400ms", "unlimited");
    program.complete(&format!("run third.csv {unlimited}")).await.ended_with(0);
    let pace = &program.summary()["pace"];
    assert_eq!((&pace["rate"], pace["learned"].is_null()), (&"unlimited".into(), true));
}

/// Nobody is told to wait for a call that does not follow.
#[tokio::test(flavor = "multi_thread")]
async fn a_wait_for_the_first_call_is_told_only_where_there_is_one() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("first.csv", list(ids(1))).write("second.csv", list(ids(2)));
    let options = format!("--yes --base-url {} --rate 1/60s -o report.csv", sandbox.base_url());
    program.complete(&format!("run first.csv {options}")).await.ended_with(0);
    let ran = program.complete(&format!("run first.csv {options}")).await;
    assert!(!ran.ended_with(0).stderr.contains("still count towards the rate limit"), "{}", ran.stderr);
    let mut run = program.start_logged(&format!("run second.csv {options}"));
    while !program.log().contains("calls of earlier runs still count towards the rate limit") {
        assert!(run.try_wait().unwrap().is_none(), "{}", program.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    run.kill().unwrap();
    run.wait().unwrap();
}
