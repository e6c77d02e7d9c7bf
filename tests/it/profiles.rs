//! `run` with people named by their profiles: exactly those whose profile is certainly the one are withdrawn, by one list.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use bulk_withdraw::sandbox::{ListFaults, StockItem};
use jiff::Timestamp;
use serde_json::json;

use crate::support::{Api, DAY, Program, kill, on_both_versions, spawn, swiftly, until, wait, with_stock, withdrawn};

on_both_versions!(
    fifty_profiles_in_ten_spellings_withdraw_who_is_pending_and_nobody_else,
    who_was_resolved_and_settled_costs_no_list,
    a_list_that_is_not_whole_shows_nobody_s_absence,
    a_list_that_can_not_be_had_leaves_its_people_alone,
);

/// Pending invitations to people whose names begin alike.
fn stock(count: u32) -> Vec<StockItem> {
    let now = Timestamp::now();
    let person = |at| StockItem { profile_url: url(&name(at)), ..StockItem::aged(DAY * (at + 1), now) };
    (0..count).map(person).collect()
}

fn name(at: u32) -> String {
    format!("ada-lovelace-{at}")
}

fn url(name: &str) -> String {
    format!("https://www.linkedin.com/in/{name}")
}

/// The address of this name, spelled in one of ten ways.
fn spelled(name: &str, way: u32) -> String {
    match way % 10 {
        0 => format!("https://www.linkedin.com/in/{name}/"),
        1 => format!("linkedin.com/in/{name}"),
        2 => format!("http://www.linkedin.com/in/{}", name.to_uppercase()),
        3 => format!("https://fr.linkedin.com/in/{name}?originalSubdomain=fr"),
        4 => format!("https://www.linkedin.com/in/{}/", name.replace('-', "%2D")),
        5 => format!("https://www.linkedin.com/in/{name}/details/experience/#top"),
        6 => format!("HTTPS://WWW.LINKEDIN.COM/IN/{name}"),
        7 => format!("www.linkedin.com/comm/in/{name}?trk=eml&lipi=x"),
        8 => format!(" https://uk.linkedin.com/in/{} ", name.replacen('a', "%61", 1)),
        _ => format!("'m.linkedin.com/mwlite/in/{name}"),
    }
}

fn ids<'a>(items: impl IntoIterator<Item = &'a StockItem>) -> BTreeSet<String> {
    items.into_iter().map(|item| item.id.to_string()).collect()
}

async fn fifty_profiles_in_ten_spellings_withdraw_who_is_pending_and_nobody_else(api: Api) {
    let stock = stock(65);
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::on(api);
    // Five names that only begin as somebody's who is pending.
    let names = (20..65).map(name).chain((20..25).map(|at| name(at) + "0"));
    let lines = (0..).zip(names).map(|(way, name)| spelled(&name, way) + "\n");
    program.write("people.txt", lines.collect::<String>());

    let ran = program.complete(&format!("run people.txt {} --dry-run", swiftly(&sandbox))).await;
    ran.ended_with(0)
        .says("at most 50")
        .says("at most 50, and before that 1 per page of 10 for the list of account default");
    let plan = program.summary();
    assert_eq!((&plan["rows"]["to_look_up"], &plan["lists_to_fetch"]), (&json!(50), &json!(["default"])));
    assert_eq!((sandbox.record().calls, sandbox.record().list_calls), (0, 0));

    let ran = program.complete(&format!("run people.txt {}", swiftly(&sandbox))).await;
    ran.ended_with(1).says("fetching the list of account default");
    assert_eq!(withdrawn(&sandbox), ids(&stock[20..]));
    let (report, summary, record) = (program.report("report.csv"), program.summary(), sandbox.record());
    assert_eq!((report.count("withdrawn"), report.count("not_found"), report.lines.len()), (45, 5, 50));
    for (row, item) in (1..).zip(&stock[20..]) {
        let line = &report.lines[&row];
        assert_eq!((&line["invitation_id"], &line["outcome"][..]), (&item.id.to_string(), "withdrawn"));
        assert!(line["profile_url"].to_lowercase().contains("linkedin.com"), "{line:?}");
    }
    assert_eq!((&report.lines[&50]["invitation_id"][..], &report.lines[&50]["line"][..]), ("", "50"));
    assert!(record.list_calls <= 8 && record.calls == 45, "one list: {record:?}");
    assert_eq!((&summary["list"]["invitations"], &summary["input_complete"]), (&json!(65), &json!(true)));
    assert_eq!(summary["credits"]["charged"], record.charged + record.list_charged);
    assert_eq!(program.bill(), (record.charged + record.list_charged, record.possible + record.list_possible));

    let ran = program.complete(&format!("run people.txt {}", swiftly(&sandbox))).await;
    ran.ended_with(1).says("run the same command again with --recheck to fetch the list anew for 5 rows\n");
    let report = program.report("report.csv");
    assert_eq!((report.count("already_settled"), report.count("not_found")), (45, 5));
    assert!(report.lines[&50]["detail"].contains("(list of 20"), "{:?}", report.lines[&50]);
    assert!(!report.lines[&1]["reinvite_on"].is_empty() && report.lines[&50]["reinvite_on"].is_empty());
    assert_eq!(program.summary()["calls"], 0);
    assert_eq!((sandbox.record().calls, sandbox.record().list_calls), (record.calls, record.list_calls));

    program.complete(&format!("run people.txt {} --dry-run", swiftly(&sandbox))).await.ended_with(0).says("not_found");
    let rows = &program.summary()["rows"];
    assert_eq!((&rows["to_look_up"], &rows["already_settled"], &rows["not_found"]), (&json!(0), &json!(45), &json!(5)));
}

/// Lets all that the ledger knows have happened so many days earlier.
fn age_ledger(program: &Program, days: i64) {
    let ledger = rusqlite::Connection::open(program.path(".local/state/bulk-withdraw/ledger.db")).unwrap();
    let millis = days * 24 * 3_600_000;
    ledger
        .execute_batch(&format!(
            "UPDATE known SET at = at - {millis};
            UPDATE listed SET first_seen_at = first_seen_at - {millis}, last_seen_at = last_seen_at - {millis};
            UPDATE whole_lists SET began_at = began_at - {millis};"
        ))
        .unwrap();
}

async fn who_was_resolved_and_settled_costs_no_list(api: Api) {
    let stock = stock(12);
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::on(api);
    let people = |who: std::ops::Range<u32>, way| who.map(|at| spelled(&name(at), at + way) + "\n").collect::<String>();
    let complete = async |file: &str| {
        let before = sandbox.record();
        program.complete(&format!("run {file} {}", swiftly(&sandbox))).await;
        let after = sandbox.record();
        let report = program.report("report.csv");
        let outcomes: Vec<String> = report.outcomes().into_iter().map(str::to_owned).collect();
        (outcomes, after.list_calls - before.list_calls, after.calls - before.calls)
    };
    program.write("two.txt", people(0..2, 0)).write("again.txt", people(0..2, 3)).write("three.txt", people(0..3, 5));
    let (outcomes, lists, calls) = complete("two.txt").await;
    assert_eq!((outcomes, calls), (vec!["withdrawn".to_owned(); 2], 2));
    assert!(lists > 0);

    age_ledger(&program, 7);
    assert_eq!(complete("again.txt").await, (vec!["already_settled".to_owned(); 2], 0, 0));
    // For somebody new a list that old is fetched anew; on the next day it would be again, if there were anybody.
    let (outcomes, lists, calls) = complete("three.txt").await;
    assert_eq!((outcomes.join(" "), calls), ("already_settled already_settled withdrawn".to_owned(), 1));
    assert!(lists > 0);
    assert_eq!(complete("three.txt").await, (vec!["already_settled".to_owned(); 3], 0, 0));

    // From the day on which they can be invited again, they may have been.
    age_ledger(&program, 15);
    let (outcomes, lists, calls) = complete("two.txt").await;
    assert_eq!((outcomes, calls), (vec!["not_found".to_owned(); 2], 0));
    assert!(lists > 0);

    // A list of the same day tells who is pending, and nobody who is forgotten is told to be absent.
    program.write("five.txt", people(5..6, 0)).write("six.txt", people(6..7, 0));
    assert_eq!(complete("five.txt").await, (vec!["withdrawn".to_owned()], 0, 1));
    program.run(&format!("history --yes --forget {}", stock[6].id)).ended_with(0);
    let (outcomes, lists, calls) = complete("six.txt").await;
    assert_eq!((outcomes, calls), (vec!["withdrawn".to_owned()], 1));
    assert!(lists > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recheck_fetches_the_list_anew() {
    let stock = stock(2);
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::new();
    program.write("ada.txt", url(&name(0)));
    program.complete(&format!("run ada.txt {}", swiftly(&sandbox))).await.ended_with(0);
    let before = sandbox.record();
    program.complete(&format!("run ada.txt --recheck {}", swiftly(&sandbox))).await.ended_with(1);
    assert_eq!(program.report("report.csv").outcomes(), ["not_found"]);
    assert!(sandbox.record().list_calls > before.list_calls && sandbox.record().calls == before.calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_by_profile_and_by_id_is_one() {
    let stock = stock(3);
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::new();
    let (ada, bob) = (&stock[0], &stock[1]);
    let rows = [
        format!("{},", ada.id),
        format!(",{}", ada.profile_url),
        format!(",{}/?x", bob.profile_url),
        format!("{},", bob.id),
        format!(",{}", bob.profile_url.to_uppercase()),
    ];
    program.write("list.csv", format!("invitation_id,profile_url\n{}\n", rows.join("\n")));
    program.complete(&format!("run list.csv {}", swiftly(&sandbox))).await.ended_with(0);
    let report = program.report("report.csv");
    assert_eq!(report.outcomes(), ["withdrawn", "duplicate", "withdrawn", "duplicate", "duplicate"]);
    assert!(report.lines[&5]["detail"].contains("row 3"), "{:?}", report.lines[&5]);
    assert_eq!(withdrawn(&sandbox), ids([ada, bob]));
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_profile_does_not_name_for_certain_stays() {
    let mut stock = stock(5);
    stock[1].profile_url = stock[0].profile_url.to_uppercase();
    stock[3].profile_url = url("ACoAAB1c2d3e4f5");
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::new();
    let cases = [
        (stock[0].profile_url.clone(), "invalid", "several invitations"),
        // One of the list's addresses is of another form, and may be anybody's.
        (url("somebody"), "invalid", "can't be compared with 1 of the addresses"),
        (url("ACoAAB9z9z9z9z9"), "invalid", "can't be compared with 4 of the addresses"),
        (url("acoaab1c2d3e4f5"), "invalid", "not a person's profile URL"),
        ("https://www.linkedin.com/pub/ada-lovelace-2/1/2/3".to_owned(), "invalid", "not a person's profile URL"),
        ("https://www.linkedin.com/company/ada-lovelace-2".to_owned(), "invalid", "not a person's profile URL"),
        ("Ada Lovelace 2".to_owned(), "invalid", "not a person's profile URL"),
        (url("ACoAAB1c2d3e4f5/"), "withdrawn", ""),
        (url("ada-lovelace-4"), "withdrawn", ""),
    ];
    let lines = cases.iter().map(|(url, ..)| format!("{url}\n"));
    program.write("people.csv", format!("profile_url\n{}", lines.collect::<String>()));
    program.complete(&format!("run people.csv {}", swiftly(&sandbox))).await.ended_with(1);
    let report = program.report("report.csv");
    for (row, (url, outcome, words)) in (1..).zip(&cases) {
        assert_eq!(report.outcome(row), *outcome, "{url}");
        assert!(report.lines[&row]["detail"].contains(words), "{:?}", report.lines[&row]);
    }
    assert_eq!(withdrawn(&sandbox), ids(&stock[3..]));
}

/// Rows that name nobody on it for certain cost no list.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_s_list_is_fetched_in_vain() {
    let stock = stock(2);
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::new();
    program.write("keep.txt", format!("{}\n", stock[0].profile_url));
    program.write(
        "people.csv",
        format!("invitation_id,profile_url\n,{}\n,Ada\n8192,\n7.3E18,{0}\n", stock[0].profile_url),
    );
    let ran = program.complete(&format!("run people.csv --keep keep.txt {}", swiftly(&sandbox))).await;
    ran.ended_with(1);
    let outcomes = ["not_attempted", "not_attempted", "not_attempted", "invalid"];
    assert_eq!(program.report("report.csv").outcomes(), outcomes);
    assert_eq!((sandbox.record().calls, sandbox.record().list_calls), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keep_list_protects_people_named_by_their_profiles() {
    let stock = stock(4);
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::new();
    program.write("keep.txt", format!("{}\n{}\n", stock[0].profile_url, stock[1].id));
    program.write("people.txt", (0..4).map(|at| spelled(&name(at), at) + "\n").collect::<String>());
    program.complete(&format!("run people.txt --keep keep.txt {}", swiftly(&sandbox))).await.ended_with(0);
    let report = program.report("report.csv");
    assert_eq!(report.outcomes(), ["not_attempted", "not_attempted", "withdrawn", "withdrawn"]);
    assert_eq!(withdrawn(&sandbox), ids(&stock[2..]));
}

async fn a_list_that_is_not_whole_shows_nobody_s_absence(api: Api) {
    let stock = stock(40);
    let faults = [
        ListFaults { miss: true, ..ListFaults::default() },
        ListFaults { early_end: true, ..ListFaults::default() },
        ListFaults { total_off: true, ..ListFaults::default() },
    ];
    for list_faults in faults {
        let sandbox = with_stock(&stock, |options| options.list_faults = list_faults).await;
        let program = Program::on(api);
        let names = (0..40).map(name).chain(["somebody".to_owned()]);
        program.write("people.txt", names.map(|name| url(&name) + "\n").collect::<String>());
        program.complete(&format!("run people.txt {}", swiftly(&sandbox))).await.ended_with(1);
        let report = program.report("report.csv");
        assert_eq!(report.count("withdrawn"), withdrawn(&sandbox).len(), "{list_faults:?}");
        assert!(report.count("withdrawn") > 10 && report.count("not_found") == 0, "{list_faults:?}");
        assert_eq!(report.count("withdrawn") + report.count("failed"), 41, "{list_faults:?}");
        assert!(report.lines[&41]["detail"].contains("may lack people"), "{:?}", report.lines[&41]);
    }
}

async fn a_list_that_can_not_be_had_leaves_its_people_alone(api: Api) {
    let stock = stock(25);
    let program = Program::on(api);
    program.write("people.txt", format!("{}\n{}\n7\n", url(&name(3)), url(&name(23))));

    let sandbox = with_stock(&stock, |options| options.faults.server_error = 1.0).await;
    let ran = program.complete(&format!("run people.txt --retries 2 {}", swiftly(&sandbox))).await;
    ran.ended_with(5).says("page 1 of the list could not be fetched");
    let report = program.report("report.csv");
    assert_eq!(report.outcomes(), ["failed", "failed", "failed"]);
    assert!(report.lines[&1]["detail"].contains("page 1 of the list"), "{:?}", report.lines[&1]);
    assert_eq!(program.summary()["input_complete"], false);

    // What was read of it is used, and what was not says nothing.
    let sandbox = with_stock(&stock, |options| options.credits = Some(2)).await;
    program.complete(&format!("run people.txt {}", swiftly(&sandbox))).await.ended_with(4).says("credits used up");
    let report = program.report("report.csv");
    assert_eq!(report.outcomes(), ["not_attempted", "not_attempted", "not_attempted"]);
    assert_eq!((sandbox.record().list_charged, withdrawn(&sandbox).len()), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_account_s_list_is_fetched_once() {
    let stock = stock(20);
    let sandbox = with_stock(&stock, |options| (options.api_key, options.login_token) = (None, None)).await;
    let program = Program::new();
    let accounts = ["london", "sales", "tokyo"].map(|name| format!("[accounts.{name}]\nlogin_token = \"of-{name}\"\n"));
    program.write("accounts.toml", format!("api_key = \"key\"\n{}", accounts.concat()));
    let row = |at: u32| format!("{},{}\n", spelled(&name(at), at), ["london", "sales"][at as usize % 2]);
    program.write("people.csv", format!("profile_url,account\n{}", (0..20).map(row).collect::<String>()));
    let run = format!("run people.csv --config accounts.toml {}", swiftly(&sandbox));
    wait(spawn(program.bare_command(&run))).await.ended_with(0);
    assert_eq!(withdrawn(&sandbox), ids(&stock));
    let summary = program.summary();
    // Two full pages and an empty one of each, and none of the third account.
    assert_eq!((sandbox.record().list_calls, &summary["list"]["pages"]), (6, &json!(6)));
    assert_eq!(summary["accounts"]["london"]["credits"]["charged"], 3 + 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_the_list_is_fetched_withdraws_nobody() {
    let stock = stock(200);
    let latency = Duration::from_millis(20);
    let sandbox = with_stock(&stock, |options| options.latency = latency..=latency).await;
    let program = Program::new();
    let lines = (0..200).map(|at| spelled(&name(at), at) + "\n");
    program.write("people.txt", lines.collect::<String>());
    let bill = || (sandbox.record().list_charged, sandbox.record().list_possible);

    let child = program.start(&format!("run people.txt {}", swiftly(&sandbox)));
    until("a page", || sandbox.record().list_charged > 1).await;
    kill(&child, "INT");
    wait(child).await.ended_with(130);
    assert!(sandbox.record().list_calls < 20, "{:?}", sandbox.record());
    assert_eq!(program.report("report.csv").count("not_attempted"), 200);
    assert_eq!((program.bill(), withdrawn(&sandbox).len()), (bill(), 0));

    // A limit that the user set.
    let ran = program.complete(&format!("run people.txt --max-credits 7 {}", swiftly(&sandbox))).await;
    ran.ended_with(0);
    let report = program.report("report.csv");
    assert_eq!(report.count("not_attempted"), 200);
    assert!(report.lines[&9]["detail"].contains("--max-credits"), "{:?}", report.lines[&9]);
    assert_eq!(program.summary()["list"]["charged"], 1, "the first page says that 7 are too few");
    assert_eq!((program.bill(), withdrawn(&sandbox).len()), (bill(), 0));
}

/// The list is fetched at the first row that needs it, with nothing else under way.
#[tokio::test(flavor = "multi_thread")]
async fn on_stdin_the_first_profile_fetches_the_list() {
    let stock = stock(30);
    let latency = Duration::from_millis(20);
    let sandbox = with_stock(&stock, |options| options.latency = latency..=latency).await;
    let program = Program::new();
    let mut command = program.command(&format!("run - --concurrency 2 --id-column ID {}", swiftly(&sandbox)));
    command.stdin(Stdio::piped());
    let mut run = spawn(command);
    let by_id = |at: usize| format!("{},\n", stock[at].id);
    let by_profile = |at: u32| format!(",{}\n", spelled(&name(at), at));
    let rows: String = (0..10).map(by_id).chain((10..20).map(by_profile)).collect();
    run.stdin.take().unwrap().write_all(format!("ID,profile_url\n{rows}").as_bytes()).unwrap();
    let ran = wait(run).await;
    ran.ended_with(0).says("fetching the list of account default");
    assert_eq!(program.report("report.csv").count("withdrawn"), 20);
    assert_eq!(withdrawn(&sandbox), ids(&stock[..20]));
    assert!(!ran.stderr.contains("WARN"), "somebody was withdrawn between its pages: {}", ran.stderr);
    assert!(sandbox.record().list_calls <= 4);
}
