//! `verify`: the ledger is compared with the list and put right, and nothing is settled by a list that proves nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use bulk_withdraw::sandbox::{InvitationKind, ListFaults, Sandbox, SandboxOptions, SentTime, StockItem};
use serde_json::{Value, json};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{
    Api, DAY, Program, Ran, ids, kill, list, on_both_versions, spawn, swift, swiftly, unlimited, until, wait,
    with_stock,
};

on_both_versions!(
    ledger_and_server_agree_afterwards,
    what_is_settled_twice_and_still_pending_is_only_warned_of,
    a_list_that_is_not_whole_settles_nothing,
    clean_settles_by_its_own_list,
    a_stop_while_listing_keeps_what_was_shown,
    a_dry_run_says_the_cost_and_sends_nothing,
);

/// An ID with this ending.
fn with(ending: &str) -> u64 {
    format!("7329176687475109{ending}").parse().unwrap()
}

fn old(id: u64) -> StockItem {
    StockItem::new(id, SentTime::Age(DAY * 40))
}

/// Pending invitations: those with these endings, and as many without as make this number.
async fn with_endings(count: u64, endings: &[&str], change: impl FnOnce(&mut SandboxOptions)) -> Sandbox {
    let plain = ids(count - endings.len() as u64).map(|id| id.parse().unwrap());
    let stock: Vec<_> = endings.iter().map(|ending| with(ending)).chain(plain).map(old).collect();
    with_stock(&stock, change).await
}

/// Remembers the list in the ledger, and runs it with a single call for each row.
async fn list_and_run(program: &Program, sandbox: &Sandbox) {
    program.complete(&format!("list {} -o list.csv", unlimited(sandbox))).await;
    program.complete(&format!("run list.csv {} --retries 0", swiftly(sandbox))).await;
}

async fn verify(program: &Program, base_url: &str, more: &str) -> Ran {
    let arguments = format!("--base-url {base_url} --rate unlimited --retry-base 1ms -o differences.csv {more}");
    program.complete(&format!("verify --yes --summary summary.json {arguments}")).await
}

/// What was found to differ: ID, belief, find and what follows.
fn differences(program: &Program) -> BTreeSet<[String; 4]> {
    let text = program.read("differences.csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(
        reader.headers().unwrap().iter().collect::<Vec<_>>(),
        ["invitation_id", "entity_urn", "account", "believed", "found", "follows"]
    );
    let line = |record: csv::StringRecord| {
        assert_eq!((&record[1], &record[2]), (&*format!("urn:li:invitation:{}", &record[0]), "default"));
        [0, 3, 4, 5].map(|at| record[at].to_owned())
    };
    reader.records().map(|record| line(record.unwrap())).collect()
}

fn expected<const N: usize>(lines: [(&str, &str); N]) -> BTreeSet<[String; 4]> {
    let line = |(ending, words): (&str, &str)| {
        let words: Vec<_> = words.split(' ').collect();
        [with(ending).to_string(), words[0].to_owned(), words[1].to_owned(), words[2].to_owned()]
    };
    lines.into_iter().map(line).collect()
}

async fn ledger_and_server_agree_afterwards(api: Api) {
    // A false success; answers lost before and after the withdrawal; 500s once and always.
    let sandbox = with_endings(34, &["205", "601", "603", "501", "503"], |_| {}).await;
    let program = Program::on(api);
    list_and_run(&program, &sandbox).await;
    let outcomes = program.report("report.csv");
    assert_eq!((outcomes.count("unconfirmed"), outcomes.count("failed"), outcomes.count("withdrawn")), (2, 2, 30));
    // Somebody else withdraws one that failed.
    let elsewhere = Program::on(api);
    elsewhere.write("one.csv", list([with("501").to_string()]));
    elsewhere.complete(&format!("run one.csv {}", swiftly(&sandbox))).await.ended_with(0);

    let (before, paid) = (sandbox.record(), program.bill());
    verify(&program, &sandbox.base_url(), "").await.ended_with(1);
    let put_right = expected([
        ("205", "withdrawn pending try_again"),
        ("601", "unconfirmed pending try_again"),
        ("603", "unconfirmed gone settled"),
        ("501", "failed gone settled"),
    ]);
    assert_eq!(differences(&program), put_right);
    let record = sandbox.record();
    let pages = record.list_charged - before.list_charged;
    // Of 34, three are left.
    assert_eq!((pages, record.calls), (1, before.calls));
    assert_eq!(program.bill(), (paid.0 + pages, paid.1 + pages));
    let summary = program.summary();
    assert_eq!(summary["credits"], json!({"charged": pages, "possible": pages}));
    assert_eq!((&summary["command"], &summary["input_complete"]), (&json!("verify"), &json!(true)));
    let history = program.run(&format!("history --format json --id {}", with("205")));
    assert!(history.stdout.contains("withdrawn before; a list showed it as pending"), "{}", history.stdout);

    // Ledger and server agree.
    verify(&program, &sandbox.base_url(), "").await.ended_with(0);
    assert_eq!(differences(&program), BTreeSet::new());
    program.complete(&format!("run list.csv {}", swiftly(&sandbox))).await.ended_with(1);
    let report = program.report("report.csv");
    let line = |ending: &str| report.lines.values().find(|line| line["invitation_id"] == with(ending).to_string());
    for ending in ["205", "601"] {
        assert_eq!(line(ending).unwrap()["outcome"], "withdrawn", "{ending}");
    }
    assert_eq!((report.count("withdrawn"), report.count("failed"), report.count("already_settled")), (2, 1, 31));
    for (ending, outcome) in [("603", "presumed_withdrawn"), ("501", "not_pending")] {
        let detail = &line(ending).unwrap()["detail"];
        let words = (detail.starts_with(&format!("{outcome}: the list of 2")), detail.ends_with("did not show it"));
        assert_eq!(words, (true, true), "{detail}");
    }
    verify(&program, &sandbox.base_url(), "").await.ended_with(0);
    assert_eq!(sandbox.record().withdrawn, 33);
}

async fn what_is_settled_twice_and_still_pending_is_only_warned_of(api: Api) {
    let sandbox = with_endings(12, &["207"], |_| {}).await;
    let program = Program::on(api);
    list_and_run(&program, &sandbox).await;
    verify(&program, &sandbox.base_url(), "").await.ended_with(1);
    assert_eq!(differences(&program), expected([("207", "withdrawn pending try_again")]));
    let run = format!("run list.csv {}", swiftly(&sandbox));
    program.complete(&run).await.ended_with(0);
    assert_eq!(program.report("report.csv").count("withdrawn"), 1);
    for _ in 0..2 {
        verify(&program, &sandbox.base_url(), "").await.ended_with(1).says("settled twice and still pending");
        assert_eq!(differences(&program), expected([("207", "withdrawn pending nothing")]));
    }
    program.complete(&run).await.ended_with(0);
    assert_eq!(program.report("report.csv").count("already_settled"), 12);
    assert_eq!(sandbox.record().invitations[&with("207").to_string()].calls, 2);
}

/// What it shows all the same is tried again.
async fn a_list_that_is_not_whole_settles_nothing(api: Api) {
    let none = ListFaults::default();
    let cases = [
        ListFaults { repeat: true, ..none },
        ListFaults { miss: true, ..none },
        ListFaults { early_end: true, ..none },
        ListFaults { total_off: true, ..none },
    ];
    for list_faults in cases {
        let sandbox = with_endings(54, &["205", "603", "501"], |options| options.list_faults = list_faults).await;
        let program = Program::on(api);
        program.complete(&format!("list {} -o list.csv", unlimited(&sandbox))).await;
        program.write("some.csv", list(["205", "603", "501"].map(|ending| with(ending).to_string())));
        program.complete(&format!("run some.csv {} --retries 0", swiftly(&sandbox))).await.ended_with(1);
        let ran = verify(&program, &sandbox.base_url(), "").await;
        ran.ended_with(1).says("can't say what became of 1 invitation whose answer was lost: it is not whole");
        assert_eq!(differences(&program), expected([("205", "withdrawn pending try_again")]), "{list_faults:?}");
        assert_eq!(program.summary()["input_complete"], false);
        // Nor does that of `clean`, which withdraws the other two.
        program.complete(&format!("clean --older-than 30d {}", swiftly(&sandbox))).await;
        program.complete(&format!("run some.csv {} --dry-run", swiftly(&sandbox))).await.ended_with(0);
        let rows = &program.summary()["rows"];
        assert_eq!((&rows["already_settled"], &rows["to_withdraw"]), (&json!(2), &json!(1)), "{list_faults:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_another_type_settles_nothing() {
    let pages: Vec<_> =
        (0..3).map(|at| StockItem { kind: InvitationKind::Organization, ..old(8_192 * (at + 1)) }).collect();
    let stock: Vec<_> = [old(with("603")), old(4_096)].into_iter().chain(pages).collect();
    let sandbox = swift(|options| options.stock = Some(stock)).await;
    let program = Program::new();
    program.complete(&format!("list {} --type organization", unlimited(&sandbox))).await.ended_with(0);
    list_and_run(&program, &sandbox).await;
    verify(&program, &sandbox.base_url(), "--type organization").await.ended_with(0);
    assert_eq!(differences(&program), BTreeSet::new());
    verify(&program, &sandbox.base_url(), "").await.ended_with(1);
    assert_eq!(differences(&program), expected([("603", "unconfirmed gone settled")]));
}

/// A list of V1 with these invitations.
async fn show(server: &MockServer, ids: &[u64]) {
    server.reset().await;
    let invitations: Vec<_> =
        ids.iter().map(|id| json!({"invitation_id": id, "name": "Ada", "sent_time": "1 month ago"})).collect();
    let data = json!({"invitations": invitations, "total_results": ids.len(), "total_available_results": ids.len()});
    let page = ResponseTemplate::new(200).set_body_json(json!({"status": "success", "data": data}));
    Mock::given(path("/v1/network/sent-invitations")).respond_with(page).mount(server).await;
    let lost = ResponseTemplate::new(502).set_body_string("<html>");
    Mock::given(path("/v1/network/withdraw-invitation")).respond_with(lost).mount(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_another_login_under_the_same_name_settles_nothing() {
    let server = MockServer::start().await;
    let program = Program::new();
    let common = format!("--base-url {} --rate unlimited --retry-base 1ms --retries 0", server.uri());
    show(&server, &[with("603"), 4_096]).await;
    program.complete(&format!("list {common}")).await.ended_with(0);
    program.write("one.csv", list([with("603").to_string()]));
    let run = format!("run one.csv --yes {common} -o report.csv");
    program.complete(&run).await.ended_with(1);

    // The other login's list is known as well by now, though not from before the first call.
    show(&server, &[8_192, 12_288]).await;
    for _ in 0..3 {
        verify(&program, &server.uri(), "").await.ended_with(0);
        assert_eq!(differences(&program), BTreeSet::new());
        program.complete(&run).await.ended_with(1);
    }
    // The first one's own shows somebody who was pending then.
    show(&server, &[4_096, 16_384]).await;
    verify(&program, &server.uri(), "").await.ended_with(1);
    assert_eq!(differences(&program), expected([("603", "unconfirmed gone settled")]));
}

/// The account's name got another login and its old one back: the old one's list says nothing of the other's invitation.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_comes_back_settles_nothing_of_the_one_between() {
    let server = MockServer::start().await;
    let program = Program::new();
    let common = format!("--base-url {} --rate unlimited --retry-base 1ms --retries 0", server.uri());
    let (first, second) = ([4_096, 16_384], [8_192, with("603")]);
    for login in [&first, &second] {
        show(&server, login).await;
        program.complete(&format!("list {common}")).await.ended_with(0);
    }
    program.write("one.csv", list([with("603").to_string()]));
    program.complete(&format!("run one.csv --yes {common} -o report.csv")).await.ended_with(1);
    for nobody_left in [false, true] {
        show(&server, if nobody_left { &[] } else { &first }).await;
        verify(&program, &server.uri(), "").await;
        assert_eq!(differences(&program), BTreeSet::new());
        program.complete(&format!("clean --older-than 5y --yes {common} --summary summary.json")).await;
    }
    let report = format!("run one.csv --dry-run {common} --summary summary.json");
    program.complete(&report).await.ended_with(0);
    assert_eq!(program.summary()["rows"]["to_withdraw"], 1, "it is still to be sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_the_api_says_is_empty_settles() {
    let server = MockServer::start().await;
    let program = Program::new();
    let common = format!("--base-url {} --rate unlimited --retry-base 1ms --retries 0", server.uri());
    show(&server, &[]).await;
    program.write("one.csv", list([with("603").to_string()]));
    program.complete(&format!("run one.csv --yes {common} -o report.csv")).await.ended_with(1);
    verify(&program, &server.uri(), "").await.ended_with(1);
    assert_eq!(differences(&program), expected([("603", "unconfirmed gone settled")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_account_is_compared_with_its_own_list() {
    let stock = vec![old(with("603")), old(with("205")), old(4_096)];
    let sandbox = swift(|options| {
        (options.api_key, options.login_token) = (None, Some("token-of-sales".to_owned()));
        options.stock = Some(stock);
    })
    .await;
    let program = Program::new();
    let account = |name: &str| format!("[accounts.{name}]\nlogin_token = \"token-of-{name}\"\n");
    program.write("accounts.toml", format!("api_key = \"key\"\n{}{}", account("london"), account("sales")));
    let complete = async |arguments: String| {
        let base = format!("--base-url {} --rate unlimited --config accounts.toml", sandbox.base_url());
        wait(spawn(program.bare_command(&format!("{arguments} {base}")))).await
    };
    complete("list --account sales -o list.csv".to_owned()).await.ended_with(0);
    complete("run list.csv --yes --retries 0 -o report.csv".to_owned()).await.ended_with(1);
    // The other account's login is refused.
    let verify = "verify --yes --summary summary.json -o differences.jsonl";
    complete(verify.to_owned()).await.ended_with(3);
    let lines: Vec<Value> =
        program.read("differences.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |ending: &str, believed: &str, found: &str, follows: &str| {
        json!({
            "invitation_id": with(ending).to_string(), "entity_urn": format!("urn:li:invitation:{}", with(ending)),
            "account": "sales", "believed": believed, "found": found, "follows": follows,
        })
    };
    let expected = [line("205", "withdrawn", "pending", "try_again"), line("603", "unconfirmed", "gone", "settled")];
    assert_eq!(lines, expected);
    complete(format!("{verify} --account sales")).await.ended_with(0);
    assert_eq!(program.read("differences.jsonl"), "");
}

async fn clean_settles_by_its_own_list(api: Api) {
    let sandbox = with_endings(15, &["205", "603"], |_| {}).await;
    let program = Program::on(api);
    list_and_run(&program, &sandbox).await;
    let before = sandbox.record();
    let clean = format!("clean --older-than 30d {}", swiftly(&sandbox));
    // Only what the list shows is sent.
    program.complete(&clean).await.ended_with(0).says("settled in the ledger, but pending on the list: 1 invitation");
    let report = program.report("report.csv");
    assert_eq!((report.lines.len(), report.outcome(1)), (1, "withdrawn"));
    assert_eq!(sandbox.record().list_charged - before.list_charged, 1);
    program.complete(&format!("run list.csv {}", swiftly(&sandbox))).await.ended_with(0);
    assert_eq!(program.report("report.csv").count("already_settled"), 15);
    let history = program.run(&format!("history --id {}", with("603")));
    assert!(history.stdout.contains("unconfirmed before; a list did not show it"), "{}", history.stdout);
}

/// What was read before is put right all the same, and settles nothing.
async fn a_stop_while_listing_keeps_what_was_shown(api: Api) {
    let latency = Duration::from_millis(50);
    let sandbox = with_endings(84, &["205", "603"], |options| options.latency = latency..=latency).await;
    let program = Program::on(api);
    program.complete(&format!("list --limit 5 {}", unlimited(&sandbox))).await.ended_with(0);
    program.write("some.csv", list(["205", "603"].map(|ending| with(ending).to_string())));
    program.complete(&format!("run some.csv {} --retries 0", swiftly(&sandbox))).await.ended_with(1);
    let before = sandbox.record().list_charged;
    let command = format!("verify --yes {} -o differences.csv --summary summary.json", unlimited(&sandbox));
    let child = program.start(&command);
    until("a page", || sandbox.record().list_charged > before).await;
    kill(&child, "TERM");
    wait(child).await.ended_with(143);
    assert_eq!(differences(&program), expected([("205", "withdrawn pending try_again")]));
    assert_eq!(program.summary()["exit_code"], 143);
}

async fn a_dry_run_says_the_cost_and_sends_nothing(api: Api) {
    let sandbox = with_endings(34, &[], |_| {}).await;
    let program = Program::on(api);
    let base = format!("--base-url {}", sandbox.base_url());
    program.complete(&format!("verify --dry-run {base}")).await.ended_with(0).says("not known yet");
    program.complete(&format!("list {}", unlimited(&sandbox))).await.ended_with(0);
    let before = sandbox.record();
    // It writes no report, so its summary may go to standard output.
    let ran = program.complete(&format!("verify --dry-run --summary - {base}")).await;
    assert!(ran.ended_with(0).stdout.starts_with('{'), "{}", ran.stdout);
    let ran = program.complete(&format!("verify --dry-run --summary summary.json {base}")).await;
    ran.ended_with(0).says("about 4").says("dry run: nothing was sent");
    let plan: Value = program.summary();
    assert_eq!((&plan["dry_run"], &plan["credits"]["possible"]), (&json!(true), &json!(4)));
    // Nor without a yes.
    program.complete(&format!("verify {base}")).await.ended_with(2).says("pass --yes to fetch the list");
    assert_eq!(sandbox.record(), before);
}
