//! `clean` and `list`: what is pending is fetched, filtered and withdrawn, with one report and one summary.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

use bulk_withdraw::sandbox::{Faults, InvitationKind, ListFaults, Sandbox, SentTime, StockItem};
use jiff::Timestamp;
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{
    Api, DAY, KEY, LEDGER, Program, SWIFTLY, TOKEN, has_sleeping_thread, kill, kill_until_it_ends, on_both_versions,
    spawn, swiftly, unlimited, until, wait, waits_in_a_pipe_write, with_stock, withdrawn,
};

on_both_versions!(
    of_a_thousand_exactly_the_old_ones_are_withdrawn,
    of_a_thousand_exactly_the_old_ones_are_withdrawn_despite_faults,
    an_invitation_that_may_be_young_is_not_withdrawn_and_is_counted,
    an_invitation_that_may_be_on_the_keep_list_is_not_withdrawn,
    a_dry_run_fetches_the_list_and_withdraws_nothing,
    an_incomplete_list_is_warned_of,
    a_stop_while_listing_withdraws_nothing,
    bounds_of_a_list_fetch_no_page_too_many,
    ten_thousand_on_one_page_are_fetched_once,
    the_oldest_go_until_some_are_left,
    a_list_that_is_not_whole_lets_nobody_go,
);

/// A thousand pending invitations, newest first; the last third is 31 days old or older.
fn thousand() -> (Vec<StockItem>, BTreeSet<String>) {
    let now = Timestamp::now();
    let age = |at: u32| if at < 667 { DAY * at * 29 / 667 } else { DAY * (31 + at - 667) };
    let stock: Vec<_> = (0..1_000).map(|at| StockItem::aged(age(at) + Duration::from_millis(at.into()), now)).collect();
    let old = stock[667..].iter().map(|item| item.id.to_string()).collect();
    (stock, old)
}

/// The report names everyone, and the credits for list and withdrawals are those of the server's record.
fn agrees(program: &Program, sandbox: &Sandbox, stock: &[StockItem], old: &BTreeSet<String>) {
    assert_eq!(withdrawn(sandbox), *old, "not exactly the old ones");
    let (report, summary, record) = (program.report("report.csv"), program.summary(), sandbox.record());
    assert_eq!(report.header[14..], ["name", "profile_url", "headline", "sent_time", "age_days"]);
    assert_eq!(report.lines.len(), old.len());
    for line in report.lines.values() {
        let item = stock.iter().find(|item| item.id.to_string() == line["invitation_id"]).unwrap();
        assert_eq!((&*line["line"], &line["entity_urn"]), ("", &format!("urn:li:invitation:{}", item.id)));
        let plain = |name: &str| line[name].trim_start_matches('\'').to_owned();
        assert_eq!((plain("name"), plain("headline")), (item.name.clone(), item.headline.clone()));
        assert_eq!(line["profile_url"], item.profile_url);
        assert!(line["age_days"].parse::<u32>().unwrap() >= 30, "{line:?}");
        assert!(["withdrawn", "presumed_withdrawn"].contains(&line["outcome"].as_str()), "{line:?}");
    }
    let list = json!({
        "pages": record.list_charged, "invitations": stock.len(),
        "charged": record.list_charged, "possible": record.list_possible,
    });
    assert_eq!(summary["list"], list);
    assert_eq!((report.sum("credits"), report.sum("credits_possible")), (record.charged, record.possible));
    assert_eq!(summary["credits"]["charged"], record.charged + record.list_charged);
    assert_eq!(summary["credits"]["possible"], record.possible + record.list_possible);
    let bill = (record.charged + record.list_charged, record.possible + record.list_possible);
    assert_eq!(program.bill(), bill, "history and server");
    assert_eq!(summary["calls"], record.calls + record.list_calls);
    assert_eq!(summary["rate_limit_answers"], record.rate_limited + record.list_rate_limited);
    assert_eq!(summary["accounts"]["default"]["credits"], summary["credits"]);
    assert_eq!((&summary["command"], &summary["input_complete"]), (&json!("clean"), &json!(true)));
}

async fn a_thousand(api: Api, faults: Faults) {
    let (stock, old) = thousand();
    let sandbox = with_stock(&stock, |options| (options.faults, options.seed) = (faults, Some(11))).await;
    let program = Program::on(api);
    let arguments = format!("clean --older-than 30d {} --retries 12 --daily-cap 500", swiftly(&sandbox));
    let ran = program.complete(&arguments).await;
    ran.ended_with(0);
    assert!(!ran.stderr.contains("WARN"), "{}", ran.stderr);
    agrees(&program, &sandbox, &stock, &old);
}

async fn of_a_thousand_exactly_the_old_ones_are_withdrawn(api: Api) {
    a_thousand(api, Faults::default()).await;
}

async fn of_a_thousand_exactly_the_old_ones_are_withdrawn_despite_faults(api: Api) {
    let faults = Faults { rate_limited: 0.10, server_error: 0.05, ..Faults::default() };
    a_thousand(api, faults).await;
    let faults = Faults { bad_gateway: 0.05, closed: 0.03, truncated: 0.03, ..Faults::default() };
    a_thousand(api, faults).await;
}

async fn an_invitation_that_may_be_young_is_not_withdrawn_and_is_counted(api: Api) {
    let now = Timestamp::now();
    let foreign = |days| SentTime::Words { prose: "Gesendet vor 3 Monaten".into(), short: "3 Mon.".into(), days };
    let claims = |days: u64| SentTime::Words { prose: "3 months ago".into(), short: "3mo".into(), days: Some(days) };
    let mut young = StockItem::aged(DAY * 2, now);
    young.sent = claims(90);
    let stock = [
        young,
        StockItem::new(2_906_418_534, foreign(None)),
        // So short an ID contains no time, so only the words count.
        StockItem::new(2_906_418_536, claims(90)),
        StockItem::aged(DAY * 200, now),
    ];
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::on(api);
    let ran = program.complete(&format!("clean --older-than 4w {}", swiftly(&sandbox))).await;
    ran.ended_with(0).says("age can't be read (another language?): 1").says("younger by their IDs: 1");
    let old = stock[2..].iter().map(|item| item.id.to_string()).collect();
    assert_eq!(withdrawn(&sandbox), old);
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_on_the_keep_list_are_not_withdrawn() {
    let now = Timestamp::now();
    let stock: Vec<_> = (1..=6).map(|months| StockItem::aged(DAY * 40 * months, now)).collect();
    let program = Program::new();
    program.write("keep.txt", format!("# friends\n{}\n{}/?utm=1\n", stock[1].id, stock[3].profile_url.to_uppercase()));
    let kept = [stock[1].id.to_string(), stock[3].id.to_string()];

    let sandbox = with_stock(&stock, |_| {}).await;
    let ran = program.complete(&format!("clean --older-than 30d --keep keep.txt {}", swiftly(&sandbox))).await;
    ran.ended_with(0);
    assert_eq!(withdrawn(&sandbox).len(), 4);
    assert!(withdrawn(&sandbox).is_disjoint(&kept.clone().into()));

    // The same with `list` and `run`, where each row is in the report.
    let sandbox = with_stock(&stock, |_| {}).await;
    program.complete(&format!("list -o list.csv {}", unlimited(&sandbox))).await.ended_with(0);
    let arguments = format!("run list.csv --keep keep.txt --ledger other.db {}", swiftly(&sandbox));
    program.complete(&arguments).await.ended_with(0);
    assert!(withdrawn(&sandbox).is_disjoint(&kept.into()));
    let report = program.report("report.csv");
    assert_eq!((report.count("withdrawn"), report.count("not_attempted")), (4, 2));
    assert!(report.lines[&2]["detail"].contains("--keep"), "{:?}", report.lines[&2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_keep_list_ends_the_command_before_any_call() {
    let sandbox = with_stock(&[StockItem::aged(DAY * 40, Timestamp::now())], |_| {}).await;
    let program = Program::new();
    program.write("keep.txt", "Ada Lovelace\n").write("list.csv", "invitation_id\n4096\n");
    for command in ["clean --older-than 30d", "run list.csv"] {
        for (file, words) in [("keep.txt", "keep.txt, line 1"), ("missing.txt", "missing.txt can't be read")] {
            let ran = program.complete(&format!("{command} --keep {file} {}", swiftly(&sandbox))).await;
            ran.ended_with(2).says(words);
        }
    }
    assert_eq!((sandbox.record().list_calls, sandbox.record().calls), (0, 0));
}

/// Three old invitations; the profile URL of the second can't be compared with those of a keep list.
fn three_with_ada() -> Vec<StockItem> {
    let now = Timestamp::now();
    let mut stock: Vec<_> = (1..=3).map(|months| StockItem::aged(DAY * 40 * months, now)).collect();
    stock[1].profile_url = "/in/ada".to_owned();
    stock
}

async fn an_invitation_that_may_be_on_the_keep_list_is_not_withdrawn(api: Api) {
    let stock = three_with_ada();
    let program = Program::on(api);
    program.write("keep.txt", "https://www.linkedin.com/in/ada\n");
    let sandbox = with_stock(&stock, |_| {}).await;
    let ran = program.complete(&format!("clean --older-than 30d --keep keep.txt {}", swiftly(&sandbox))).await;
    ran.ended_with(0).says("addresses can't be compared with those to keep: 1");
    assert_eq!(withdrawn(&sandbox), [0, 2].map(|at| stock[at].id.to_string()).into());
}

/// An input without a column of profile URLs is refused; a row without a URL is not sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_may_be_on_the_keep_list_is_not_sent() {
    let sandbox = with_stock(&three_with_ada(), |_| {}).await;
    let program = Program::new();
    program.write("keep.txt", "https://www.linkedin.com/in/ada\n").write("bare.csv", "invitation_id\n4096\n");
    let flags = format!("--keep keep.txt {}", swiftly(&sandbox));
    let ran = program.complete(&format!("run bare.csv {flags}")).await;
    ran.ended_with(2).says("the input has no column profile_url");
    let ada = "https://www.linkedin.com/in/ADA";
    program.write(
        "saved.jsonl",
        format!("{{\"invitation_id\": 8192, \"recipient\": {{\"linkedin_url\": \"{ada}\"}}}}\n4096\n"),
    );
    program.write("spaced.csv", format!("invitation_id,Profile URL\n8192,{ada}\n4096,linkedin.com/in/bob\n"));
    for (input, outcomes) in
        [("saved.jsonl", ["not_attempted", "not_attempted"]), ("spaced.csv", ["not_attempted", "withdrawn"])]
    {
        let ran = program.complete(&format!("run {input} {flags} --output-format csv")).await;
        let is_said = ran.ended_with(0).stderr.contains("1 rows are not sent: their profiles' addresses");
        assert_eq!(program.report("report.csv").outcomes(), outcomes, "{input}");
        assert_eq!(is_said, input == "saved.jsonl", "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_list_shows_as_pending_is_sent_although_it_is_settled() {
    let stock = [StockItem::aged(DAY * 40, Timestamp::now())];
    let program = Program::new();
    let sandbox = with_stock(&stock, |_| {}).await;
    program.complete(&format!("clean --older-than 30d {}", swiftly(&sandbox))).await.ended_with(0);
    // Pending again, on a second server. The ledger knows a server by its address, so it gets the new one.
    let port = sandbox.base_url().rsplit(':').next().unwrap().to_owned();
    drop(sandbox);
    let again = with_stock(&stock, |_| {}).await;
    let ledger = program.path(LEDGER);
    let ledger = rusqlite::Connection::open(ledger).unwrap();
    let new_port = again.base_url().rsplit(':').next().unwrap().to_owned();
    ledger.execute("UPDATE accounts SET api = REPLACE(api, ?1, ?2)", [&port, &new_port]).unwrap();
    drop(ledger);
    let ran = program.complete(&format!("clean --older-than 30d {}", swiftly(&again))).await;
    ran.ended_with(0).says("settled in the ledger, but pending on the list: 1 invitation; tried again");
    assert_eq!(withdrawn(&again).len(), 1);
    assert_eq!(program.report("report.csv").outcomes(), ["withdrawn"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_for_an_invalid_command() {
    let sandbox = with_stock(&[StockItem::aged(DAY * 40, Timestamp::now())], |_| {}).await;
    let program = Program::new();
    let base = unlimited(&sandbox);
    let cases = [
        (format!("clean --yes {base}"), "--older-than"),
        (format!("clean --older-than 30 --yes {base}"), "--older-than must be an age like 30d"),
        (format!("clean --newer-than 30d --yes {base}"), "--max-pending"),
        (format!("clean --max-pending 7 --limit 7 --yes {base}"), "cannot be used with '--limit <N>'"),
        (format!("clean --max-pending 7 --max-pages 7 --yes {base}"), "cannot be used with '--max-pages <N>'"),
        (format!("clean --max-pending all --yes {base}"), "--max-pending must be a whole number"),
        (format!("list --match= {base}"), "--match must be a text that is not empty"),
        (format!("clean --older-than 30d {base}"), "pass --yes"),
        (format!("clean --older-than 30d --yes --summary - -o - {base}"), "both go to standard output"),
        (format!("list --summary - {base}"), "both go to standard output"),
        (format!("list --type people {base}"), "connection, organization or content_series"),
    ];
    for (arguments, words) in cases {
        program.complete(&arguments).await.ended_with(2).says(words);
    }
    assert_eq!(sandbox.record().list_calls, 0);
    assert_eq!(program.files(), [""; 0]);
}

async fn a_dry_run_fetches_the_list_and_withdraws_nothing(api: Api) {
    let (stock, _) = thousand();
    // On V1, only an empty page shows that the last full one was the last.
    let pages = match api {
        Api::V1 => 101,
        Api::V2 => 100,
    };
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::on(api);
    let flags = format!("--summary summary.json {}", unlimited(&sandbox));
    let ran = program.complete(&format!("clean --older-than 30d --dry-run {flags}")).await;
    ran.ended_with(0).says("fetching the list: 1 credit per page of 10");
    // Whose names and days are no test's.
    let is_fixed = |line: &&str| !["INFO", "oldest ", "newest ", "names "].iter().any(|other| line.contains(other));
    let shown: Vec<_> = ran.stderr.lines().filter(is_fixed).collect();
    insta::with_settings!({snapshot_suffix => api.name()}, { insta::assert_snapshot!(shown.join("\n")) });
    let summary = program.summary();
    assert_eq!((&summary["rows"]["to_withdraw"], &summary["list"]["pages"]), (&json!(333), &json!(pages)));
    assert_eq!(summary["credits"], json!({"charged": pages, "possible": pages + 333}));
    let record = sandbox.record();
    assert_eq!((record.list_calls, record.calls), (pages, 0));
    assert_eq!(program.files(), ["summary.json"], "no ledger, no report");
}

async fn an_incomplete_list_is_warned_of(api: Api) {
    let (stock, _) = thousand();
    let cases = [
        (ListFaults { repeat: true, ..ListFaults::default() }, "on more than one page"),
        (ListFaults { miss: true, ..ListFaults::default() }, "fewer entries than expected"),
        (ListFaults { early_end: true, ..ListFaults::default() }, "the API reports 100 pending"),
        (ListFaults { total_off: true, ..ListFaults::default() }, "the API reports 50 pending"),
    ];
    for (list_faults, words) in cases {
        let sandbox = with_stock(&stock[..100], |options| options.list_faults = list_faults).await;
        let program = Program::on(api);
        if list_faults.early_end {
            let ran = program.complete(&format!("clean --older-than 9y {}", swiftly(&sandbox))).await;
            ran.ended_with(1).says("next                  the list is not whole: run the same command again\n");
            assert_eq!(program.summary()["input_complete"], json!(false));
        }
        // Half of the list is missing: more than anybody accepts meanwhile.
        let code = u8::from(list_faults.early_end);
        program
            .complete(&format!("list -o list.csv {}", unlimited(&sandbox)))
            .await
            .ended_with(code.into())
            .says(words);
        let list = program.read("list.csv");
        let ids: BTreeSet<_> = list.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
        assert_eq!(ids.len(), list.lines().count() - 1, "an invitation is there twice: {list_faults:?}");
    }
}

/// Nothing is withdrawn, and the summary says what the list cost.
async fn a_stop_while_listing_withdraws_nothing(api: Api) {
    let (stock, _) = thousand();
    let sandbox = with_stock(&stock, |options| options.credits = Some(7)).await;
    let program = Program::on(api);
    let ran = program.complete(&format!("clean --older-than 30d {}", swiftly(&sandbox))).await;
    ran.ended_with(4).says("credits used up");
    let (summary, record) = (program.summary(), sandbox.record());
    assert_eq!((&summary["list"]["charged"], &summary["rows"]["total"]), (&json!(7), &json!(0)));
    assert_eq!(summary["credits"]["possible"], record.list_possible);
    assert_eq!((&summary["input_complete"], &summary["exit_code"]), (&json!(false), &json!(4)));
    assert_eq!((record.list_calls, record.calls), (8, 0));

    let sandbox = with_stock(&stock, |options| options.api_key = Some("another".to_owned())).await;
    let program = Program::on(api);
    let ran = program.complete(&format!("clean --older-than 30d {}", swiftly(&sandbox))).await;
    ran.ended_with(3).says("key refused");

    let sandbox = with_stock(&stock, |options| options.faults.server_error = 1.0).await;
    let program = Program::on(api);
    let ran = program.complete(&format!("clean --older-than 30d --retries 3 {}", swiftly(&sandbox))).await;
    ran.ended_with(5).says("page 1 of the list could not be fetched");
    assert_eq!((&program.summary()["calls"], &program.summary()["retries"]), (&json!(4), &json!(3)));
    assert_eq!((sandbox.record().list_calls, sandbox.record().list_possible), (4, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_while_listing_leaves_a_summary() {
    let (stock, _) = thousand();
    let sandbox = with_stock(&stock, |options| {
        options.latency = Duration::from_millis(20)..=Duration::from_millis(20);
    })
    .await;
    let program = Program::new();
    let child = program.start(&format!("clean --older-than 30d {}", swiftly(&sandbox)));
    until("a page", || sandbox.record().list_charged > 1).await;
    kill(&child, "TERM");
    wait(child).await.ended_with(143);
    let (summary, record) = (program.summary(), sandbox.record());
    assert_eq!(summary["list"]["charged"], record.list_charged);
    assert!(record.list_calls < 100 && record.calls == 0, "{record:?}");
}

/// `list | run -`, as a shell connects them.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_piped_into_a_run() {
    let (stock, old) = thousand();
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::new();
    let base = unlimited(&sandbox);
    let mut list = program.start(&format!("list --older-than 30d {base}"));
    let mut run = program.command(&format!("run - {}", swiftly(&sandbox)));
    run.stdin(list.stdout.take().unwrap());
    let run = spawn(run);
    let (list, run) = (wait(list).await, wait(run).await);
    list.ended_with(0);
    run.ended_with(0);
    // Withdrawals meanwhile shift the pages, so the list may miss some, and then says so.
    let done = withdrawn(&sandbox);
    assert!(done.is_subset(&old) && !done.is_empty());
    assert!(
        done == old || list.stderr.contains("the list:"),
        "{} of {}, without a warning: {}",
        done.len(),
        old.len(),
        list.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_whose_reader_goes_away_ends() {
    let (stock, _) = thousand();
    let sandbox = with_stock(&stock, |options| {
        options.latency = Duration::from_millis(5)..=Duration::from_millis(5);
    })
    .await;
    let program = Program::new();
    let mut list = program.start(&format!("list --summary summary.json {}", unlimited(&sandbox)));
    until("a page", || sandbox.record().list_charged > 0).await;
    drop(list.stdout.take());
    let pages = sandbox.record().list_calls;
    wait(list).await.ended_with(0).says("output closed; listing stopped");
    assert_eq!(program.summary()["input_complete"], json!(false));
    assert!(sandbox.record().list_calls <= pages + 2, "{} after {pages}", sandbox.record().list_calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_if_an_output_can_not_be_written() {
    let sandbox = with_stock(&[StockItem::aged(DAY * 40, Timestamp::now())], |_| {}).await;
    let program = Program::new();
    program.write("old.csv", "yesterday's\n");
    let base = unlimited(&sandbox);
    let cases = [
        format!("clean --older-than 30d --yes -o nowhere/x.csv {base}"),
        format!("clean --older-than 30d --yes --summary nowhere/x.json {base}"),
        format!("list -o nowhere/x.csv {base}"),
        format!("list --summary nowhere/x.json {base}"),
    ];
    for arguments in cases {
        program.complete(&arguments).await.ended_with(6).says("nowhere/x.");
    }
    assert_eq!(sandbox.record().list_calls, 0);
    // A list without a page does not replace an older one of its name.
    let nobody = "--base-url http://127.0.0.1:1 --retries 0 --rate unlimited";
    program.complete(&format!("list -o old.csv {nobody}")).await.ended_with(5);
    assert_eq!((program.files(), program.read("old.csv").as_str()), (vec!["old.csv".to_owned()], "yesterday's\n"));
}

/// A signal ends the wait for somebody who opens the pipe, a second one the wait for room in it; nothing more is bought.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_list_that_nobody_reads() {
    let (stock, _) = thousand();
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::new();
    let base = format!("--timeout 500ms {}", unlimited(&sandbox));
    program.make_pipe("pipe");
    for arguments in [
        format!("list -o pipe {base}"),
        format!("list --summary pipe {base}"),
        format!("clean --older-than 30d --yes --summary pipe {base}"),
    ] {
        let child = program.start(&arguments);
        until("the pipe to be opened", || has_sleeping_thread(&child, "outputs")).await;
        kill(&child, "TERM");
        wait(child).await.ended_with(143);
    }
    assert_eq!(sandbox.record().list_calls, 0);

    let mut child = program.start(&format!("list {base}"));
    let unread = child.stdout.take();
    until("a full pipe", || waits_in_a_pipe_write(&child)).await;
    let pages = sandbox.record().list_calls;
    kill_until_it_ends(&mut child).await;
    wait(child).await.ended_with(143);
    assert_eq!(sandbox.record().list_calls, pages);
    drop(unread);
}

/// The README's crontab line, unchanged, in cron's environment.
#[tokio::test(flavor = "multi_thread")]
async fn every_monday_as_the_readme_says() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let line = readme.lines().find_map(|line| line.strip_prefix("15 6 * * 1 ")).unwrap();
    let (stock, old) = thousand();
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::new();
    let place = program.path("linkedin");
    std::fs::create_dir(&place).unwrap();
    for (name, secret) in [("api-key", KEY), ("login-token", TOKEN)] {
        std::fs::write(place.join(name), format!("{secret}\n")).unwrap();
        std::fs::set_permissions(place.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    // Where `cargo install` puts it; cron's PATH does not lead there.
    let bin = program.path(".cargo/bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_bulk-withdraw"), bin.join("bulk-withdraw")).unwrap();
    let mut cron = Command::new("/bin/sh");
    cron.args(["-c", line]).env_clear().env("HOME", program.path("")).stdin(Stdio::null());
    cron.env("PATH", "/usr/bin:/bin");
    cron.env("BULK_WITHDRAW_BASE_URL", sandbox.base_url()).env("BULK_WITHDRAW_RATE", "unlimited");
    cron.env("BULK_WITHDRAW_DAILY_CAP", "500");
    let ran = wait(spawn(cron)).await;
    ran.ended_with(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""), "cron would send a mail");
    assert_eq!(withdrawn(&sandbox), old);
    assert_eq!(program.read("linkedin/clean.log"), "", "all is fine");
    let summary: serde_json::Value = serde_json::from_str(&program.read("linkedin/last-monday.json")).unwrap();
    assert_eq!(summary["rows"]["withdrawn"], 333);
    let reports = program.files_in("linkedin");
    assert!(reports.iter().any(|name| name.starts_with("clean.results-") && name.ends_with("Z.csv")), "{reports:?}");
    assert!(reports.contains(&"last-monday.json".to_owned()));
}

async fn bounds_of_a_list_fetch_no_page_too_many(api: Api) {
    let (stock, _) = thousand();
    let cases = [("--limit 15", 15, 2), ("--max-pages 3", 30, 3), ("--older-than 30d --limit 4", 4, 68)];
    for (flags, lines, pages) in cases {
        let sandbox = with_stock(&stock, |_| {}).await;
        let program = Program::on(api);
        let base = unlimited(&sandbox);
        let ran = program.complete(&format!("list {flags} --output-format jsonl {base}")).await;
        ran.ended_with(0);
        assert_eq!((ran.stdout.lines().count(), sandbox.record().pages), (lines, pages), "{flags}");
        assert!(!ran.stderr.contains("WARN"), "{}", ran.stderr);
    }
}

/// An API without pages: one call, and its whole answer is read, however long.
async fn ten_thousand_on_one_page_are_fetched_once(api: Api) {
    let entries: Vec<_> = (0..10_000)
        .map(|id| json!({"invitation_id": 1_000_000 + id, "sent_time": "2 months ago", "subtitle": "x".repeat(200)}))
        .collect();
    let list = json!({"invitations": entries, "total_available_results": 10_000, "pagination": {"has_more": false}});
    let success = match api {
        Api::V1 => json!({"status": "success", "data": list}),
        Api::V2 => json!({"success": true, "data": list}),
    };
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(success)).mount(&server).await;
    let ran = Program::on(api).complete(&format!("list --rate unlimited --base-url {}", server.uri())).await;
    ran.ended_with(0).says("10000 invitations on 1 page, for ");
    assert!(!ran.stderr.contains("WARN"), "{}", ran.stderr);
    assert_eq!(ran.stdout.lines().count(), 10_001);
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

/// An age in whole days, newest first, as the lists have them.
fn aged(days: impl IntoIterator<Item = u32>) -> Vec<StockItem> {
    let now = Timestamp::now();
    (0..).zip(days).map(|(at, days)| StockItem::aged(DAY * days + Duration::from_millis(at), now)).collect()
}

fn ids_of<'a>(stock: impl IntoIterator<Item = &'a StockItem>) -> BTreeSet<String> {
    stock.into_iter().map(|item| item.id.to_string()).collect()
}

/// By the API's ages, and within the same month or week by the IDs.
async fn the_oldest_go_until_some_are_left(api: Api) {
    let mut stock = aged(0..400);
    // Of another type: neither counted nor withdrawn.
    stock.iter_mut().skip(350).step_by(10).for_each(|item| item.kind = InvitationKind::Organization);
    let connections: Vec<_> = stock.iter().filter(|item| item.kind == InvitationKind::Connection).collect();
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::on(api);
    let ran = program.complete(&format!("clean --max-pending 100 {}", swiftly(&sandbox))).await;
    ran.ended_with(0).says("395 pending: 295 to withdraw, 100 to stay");
    assert!(!ran.stderr.contains("WARN the list:") && !ran.stderr.contains("than --max-pending"), "{}", ran.stderr);
    assert_eq!(withdrawn(&sandbox), ids_of(connections[100..].iter().copied()));
    assert_eq!(program.summary()["input_complete"], json!(true));
    // As many as may stay are left, so the next time nobody goes.
    program.complete(&format!("clean --max-pending 100 {}", swiftly(&sandbox))).await.ended_with(0);
    assert_eq!(program.summary()["rows"]["total"], 0);
    let dry =
        format!("clean --max-pending 98 --older-than 30d --dry-run --summary summary.json {}", unlimited(&sandbox));
    program.complete(&dry).await.ended_with(0).says("under --max-pending 68");
    assert_eq!(program.summary()["rows"]["to_withdraw"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stays_for_another_reason_counts_among_those_left() {
    let mut stock = aged([1, 5, 20, 40, 80, 120, 160, 200, 240, 280]);
    let words = SentTime::Words { prose: "vor 5 Monaten".into(), short: "5 Mon.".into(), days: None };
    stock[6].sent = words;
    stock[7].headline = "Beekeeper at large".to_owned();
    let kept = stock[9].id;
    let program = Program::new();
    program.write("keep.txt", format!("{kept}\n"));
    let filters = "--keep keep.txt --not-match BEEKEEPER";
    for (flags, going, words) in [
        ("--max-pending 7", vec![4, 5, 8], None),
        ("--max-pending 3", vec![0, 1, 2, 3, 4, 5, 8], None),
        ("--max-pending 2", vec![0, 1, 2, 3, 4, 5, 8], Some("3 stay pending, more than --max-pending 2")),
        ("--max-pending 2 --older-than 30d", vec![3, 4, 5, 8], Some("6 stay pending, more than --max-pending 2")),
        ("--max-pending 9 --older-than 30d", vec![8], None),
        ("--max-pending 10", vec![], None),
    ] {
        let sandbox = with_stock(&stock, |_| {}).await;
        let ran = program.complete(&format!("clean {flags} {filters} {}", swiftly(&sandbox))).await;
        assert_eq!(ran.ended_with(0).stderr.contains("stay pending"), words.is_some(), "{flags}: {}", ran.stderr);
        ran.says(words.unwrap_or_default());
        assert_eq!(withdrawn(&sandbox), ids_of(going.into_iter().map(|at: usize| &stock[at])), "{flags}");
    }
}

async fn a_list_that_is_not_whole_lets_nobody_go(api: Api) {
    let stock = aged(0..100);
    for list_faults in [
        ListFaults { repeat: true, ..ListFaults::default() },
        ListFaults { miss: true, ..ListFaults::default() },
        ListFaults { early_end: true, ..ListFaults::default() },
        ListFaults { total_off: true, ..ListFaults::default() },
    ] {
        let sandbox = with_stock(&stock, |options| options.list_faults = list_faults).await;
        let program = Program::on(api);
        let ran = program.complete(&format!("clean --max-pending 5 {}", swiftly(&sandbox))).await;
        ran.ended_with(1).says("the list: ").says("--max-pending needs a whole list, and this one is not");
        let summary = program.summary();
        assert_eq!((&summary["input_complete"], &summary["rows"]["total"]), (&json!(false), &json!(0)));
        assert_eq!(sandbox.record().calls, 0, "{list_faults:?}");
        let dry = format!("clean --max-pending 5 --dry-run --summary summary.json {}", unlimited(&sandbox));
        program.complete(&dry).await.ended_with(2).says("--max-pending needs a whole list");
        assert_eq!(program.summary()["rows"]["to_withdraw"], 0);
    }
    // A page that can't be had.
    let sandbox = with_stock(&stock, |options| options.credits = Some(7)).await;
    let program = Program::on(api);
    program.complete(&format!("clean --max-pending 5 {}", swiftly(&sandbox))).await.ended_with(4);
    assert_eq!(sandbox.record().calls, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_repeat_or_can_not_be_had_let_nobody_go() {
    let (page, none) = (page_of_ten(0, |_| "2 months ago"), json!({"status": "error", "message": "no such page"}));
    for (second, code) in [(page.clone(), 1), (none, 5)] {
        let server = answering(vec![page.clone(), second, json!({"status": "success"})]).await;
        let program = Program::new();
        let ran = program.complete(&format!("clean --max-pending 5 {}", swiftly_to(&server.uri()))).await;
        ran.ended_with(code).says("--max-pending needs a whole list, and this one is not");
        assert_eq!(program.summary()["input_complete"], json!(false));
        assert_eq!(server.received_requests().await.unwrap().len(), 2, "something was withdrawn");
    }
}

/// V1's list with a note, without, and with nothing said; the same filters select what is listed and what is withdrawn.
#[tokio::test(flavor = "multi_thread")]
async fn names_headlines_and_notes_select() {
    let entry = |id: u32, name: &str, headline: &str, note: serde_json::Value| json!({"invitation_id": id, "name": name, "subtitle": headline, "sent_time": "2 months ago", "message": note});
    let mut unsaid = entry(1_000_008, "Dan", "Sales", json!(null));
    unsaid.as_object_mut().unwrap().remove("message");
    let list = json!([
        entry(1_000_002, "Ada", "Analyst", json!(null)),
        entry(1_000_004, "Bea Analyst", "RECRUITER", json!("")),
        entry(1_000_006, "Cid", "Sales, EMEA", json!("Hello Cid")),
        unsaid,
    ]);
    let page = json!({"status": "success", "data": {"invitations": list, "total_available_results": 4}});
    for (flags, ids, words) in [
        ("--match analyst", vec!["1000002", "1000004"], ""),
        ("--match analyst --match EMEA", vec!["1000002", "1000004", "1000006"], ""),
        ("--match analyst --not-match recruiter", vec!["1000002"], ""),
        ("--not-match recruiter --not-match sales", vec!["1000002"], ""),
        ("--without-note", vec!["1000002", "1000004"], "the list doesn't say whether they have a note: 1"),
        ("--without-note --match cid", vec![], ""),
    ] {
        let server = answering(vec![page.clone(), page.clone(), json!({"status": "success"})]).await;
        let program = Program::new();
        let arguments = format!("list {flags} --rate unlimited --base-url {}", server.uri());
        let ran = program.complete(&arguments).await;
        let listed: Vec<_> = ran.ended_with(0).stdout.lines().skip(1).map(|line| line[..7].to_owned()).collect();
        assert_eq!(listed, ids, "{flags}");
        ran.says(words);
        let clean = format!("clean --older-than 30d {flags} {}", swiftly_to(&server.uri()));
        program.complete(&clean).await.ended_with(0).says(words);
        let report = program.report("report.csv");
        let withdrawn: Vec<_> = report.lines.values().map(|line| line["invitation_id"].as_str()).collect();
        assert_eq!(withdrawn, ids, "{flags}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_can_stand_in_the_file_and_v2_tells_of_no_notes() {
    let mut stock = aged([40, 80]);
    stock[1].headline = "Beekeeper".to_owned();
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::on(Api::V2);
    for command in ["list", "clean --older-than 30d --yes"] {
        let ran = program.complete(&format!("{command} --without-note {}", unlimited(&sandbox))).await;
        ran.ended_with(2).says("--without-note needs V1 of the API");
    }
    assert_eq!(sandbox.record().list_calls, 0);
    program.write("config.toml", "not_match = [\"beekeeper\"]\n");
    let ran = program.complete(&format!("list --config config.toml {}", unlimited(&sandbox))).await;
    assert_eq!(ran.ended_with(0).stdout.lines().count(), 2, "{}", ran.stdout);
}

/// A server with these answers, in turn; the last one again and again.
async fn answering(bodies: Vec<serde_json::Value>) -> MockServer {
    let server = MockServer::start().await;
    let next = std::sync::atomic::AtomicUsize::new(0);
    let answer = move |_: &wiremock::Request| {
        let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        ResponseTemplate::new(200).set_body_json(&bodies[at.min(bodies.len() - 1)])
    };
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// V1's page of ten with these ages, of IDs from `first` on.
fn page_of_ten(first: u64, age: impl Fn(u64) -> &'static str) -> serde_json::Value {
    let entries: Vec<_> =
        (first..first + 10).map(|id| json!({"invitation_id": 1_000_000 + id * 2, "sent_time": age(id)})).collect();
    json!({"status": "success", "data": {"invitations": entries, "total_available_results": 90}})
}

/// What was read is withdrawn all the same; the exit code and the summary say that there is more.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_whose_pages_repeat_has_broken_off() {
    let (page, done) = (page_of_ten(0, |_| "2 months ago"), json!({"status": "success"}));
    let server = answering(vec![page.clone(), page.clone(), done]).await;
    let program = Program::new();
    let flags = swiftly_to(&server.uri());
    program.complete(&format!("clean --older-than 30d {flags}")).await.ended_with(1).says("it ended early");
    let (summary, report) = (program.summary(), program.report("report.csv"));
    assert_eq!((&summary["input_complete"], &summary["exit_code"]), (&json!(false), &json!(1)));
    assert_eq!((report.count("withdrawn"), &summary["stop"]), (10, &json!(null)));

    let server = answering(vec![page.clone()]).await;
    let arguments = format!("list -o list.csv --summary summary.json --rate unlimited --base-url {}", server.uri());
    program.complete(&arguments).await.ended_with(1).says("it ended early");
    assert_eq!(program.summary()["input_complete"], json!(false));
    assert_eq!(program.read("list.csv").lines().count(), 11);
    // The user's own end is none.
    program.complete(&format!("{arguments} --max-pages 1")).await.ended_with(0);
    assert_eq!(program.summary()["input_complete"], json!(true));
    program.complete(&format!("{arguments} --limit 10")).await.ended_with(0);

    let dry = format!("clean --older-than 30d --dry-run --rate unlimited --base-url {}", server.uri());
    program.complete(&dry).await.ended_with(2).says("the list broke off");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_a_page_that_can_not_be_had_is_worked_through() {
    let (page, none) = (page_of_ten(0, |_| "2 months ago"), json!({"status": "error", "message": "no such page"}));
    let server = answering(vec![page.clone(), none.clone(), json!({"status": "success"})]).await;
    let program = Program::new();
    let ran = program.complete(&format!("clean --older-than 30d {}", swiftly_to(&server.uri()))).await;
    ran.ended_with(5).says("page 2 of the list could not be fetched").says("once the cause is mended, run the same");
    let summary = program.summary();
    assert_eq!((&summary["input_complete"], &summary["stop"]["reason"]), (&json!(false), &json!("too_many_failures")));
    assert_eq!(program.report("report.csv").count("withdrawn"), 10);

    let server = answering(vec![page, none]).await;
    let arguments = format!("list -o list.csv --rate unlimited --base-url {}", server.uri());
    program.complete(&arguments).await.ended_with(5);
    assert_eq!(program.read("list.csv").lines().count(), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_ages_for_one_id_the_younger_counts() {
    let first = page_of_ten(0, |_| "2 months ago");
    let second = page_of_ten(8, |id| if id == 8 { "2 days ago" } else { "3 months ago" });
    let end = json!({"status": "success", "data": {"invitations": [], "total_available_results": 18}});
    let server = answering(vec![first, second, end, json!({"status": "success"})]).await;
    let program = Program::new();
    let ran = program.complete(&format!("clean --older-than 30d {}", swiftly_to(&server.uri()))).await;
    ran.ended_with(0).says("invitations that a later page says are younger: 1");
    let report = program.report("report.csv");
    let ages: Vec<_> = report.lines.values().map(|line| (&*line["invitation_id"], &*line["age_days"])).collect();
    assert_eq!((ages.len(), report.count("withdrawn")), (17, 17));
    assert!(!ages.iter().any(|(id, _)| *id == "1000016"), "the one of two days was withdrawn");
    assert!(ages.contains(&("1000018", "60")), "{ages:?}");
}

fn swiftly_to(base_url: &str) -> String {
    format!("--base-url {base_url} {SWIFTLY}")
}

/// An entry with two IDs is not withdrawn under either.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_contradicts_itself_is_left_out() {
    let server = MockServer::start().await;
    let list = r#"{"status": "success", "data": {"invitations": [
        {"invitation_id": 1000021, "invitation_id": 1000022, "sent_time": "2 months ago"},
        {"invitation_id": 1000023, "invitation_type": "ORGANIZATION", "sent_time": "2 months ago"}]}}"#;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string(list)).mount(&server).await;
    let arguments = format!("clean --older-than 30d --yes --rate unlimited --base-url {}", server.uri());
    let ran = Program::new().complete(&arguments).await;
    ran.ended_with(0).says("entries left out: 2");
    assert_eq!(server.received_requests().await.unwrap().len(), 1, "something was withdrawn");
}
