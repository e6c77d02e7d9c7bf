//! `check`: what it finds, what it says, what it costs, and that it never withdraws.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use wiremock::matchers::{any, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{
    ACCOUNT_ID, Api, KEY, LEDGER, Program, Ran, TOKEN, kill, on_both_versions, spawn, swift, unlimited, until, wait,
};

on_both_versions!(
    where_all_is_well_it_says_so,
    a_refused_key_ends_with_3_and_names_its_place,
    each_account_is_named_with_what_is_wrong,
    no_credits_left_end_with_4,
    what_a_limit_leaves_unchecked_is_unknown,
    where_nobody_answers_it_ends_with_5,
    a_signal_ends_it_and_what_was_found_is_printed,
);

/// What it found, by account.
fn findings(ran: &Ran) -> Vec<Value> {
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains(KEY) && !text.contains(TOKEN), "{text}");
    }
    serde_json::from_str(&ran.stdout).unwrap()
}

fn finding(account: &str, key: &str, login: &str, balance: Option<u64>) -> [Value; 4] {
    [account.into(), key.into(), login.into(), balance.into()]
}

/// Without the detail.
fn states(finding: &Value) -> [Value; 4] {
    ["account", "key", "login", "balance"].map(|column| finding[column].clone())
}

async fn where_all_is_well_it_says_so(api: Api) {
    let sandbox = swift(|options| options.credits = Some(50)).await;
    let program = Program::on(api);
    let check = format!("check --format json {} --summary summary.json", unlimited(&sandbox));
    let (without, with_login, bills) = match api {
        // The price of V1's look at the key is unknown.
        Api::V1 => (("not_checked", None), ("accepted", None), [(0, 1), (1, 3)]),
        Api::V2 => (("accepted", Some(50)), ("accepted", Some(50)), [(0, 0), (0, 0)]),
    };
    for (flag, (login, balance), bill) in [("", without, bills[0]), ("--login", with_login, bills[1])] {
        let ran = program.complete(&format!("{check} {flag}")).await;
        ran.ended_with(0);
        let found = findings(&ran);
        assert_eq!(found.iter().map(states).collect::<Vec<_>>(), [finding("default", "accepted", login, balance)]);
        assert_eq!(found[0]["detail"], "");
        assert_eq!(program.bill(), bill);
    }
    let summary = program.summary();
    assert_eq!(
        (&summary["command"], &summary["exit_code"], &summary["stop"]),
        (&"check".into(), &0.into(), &Value::Null)
    );
    assert_eq!(summary["rows"]["total"], 0);
    assert_eq!((sandbox.record().calls, sandbox.record().withdrawn), (0, 0));

    let table = program.complete(&format!("check -q --format table {}", unlimited(&sandbox))).await;
    assert!(table.stdout.starts_with("account  key       login"), "{}", table.stdout);
    assert!(table.stdout.lines().nth(1).unwrap().starts_with("default  accepted"), "{}", table.stdout);
}

async fn a_refused_key_ends_with_3_and_names_its_place(api: Api) {
    let sandbox = swift(|options| options.api_key = Some("another".to_owned())).await;
    let ran = Program::on(api).complete(&format!("check --login --format json {}", unlimited(&sandbox))).await;
    ran.ended_with(3);
    let found = findings(&ran);
    assert_eq!(states(&found[0])[..2], finding("default", "refused", "unknown", None)[..2]);
    let detail = found[0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("key refused (") && detail.contains("API key"), "{detail}");
    assert!(detail.ends_with(": renew api_key (environment variable LINKUP_API_KEY)"), "{detail}");
    assert_eq!(sandbox.record().list_calls, 0, "nothing more was asked for");
}

/// A configuration with two accounts, of which the API accepts the first.
fn with_two_accounts(api: Api) -> Program {
    let program = Program::on(api);
    let (key, good) = match api {
        Api::V1 => ("login_token", TOKEN),
        Api::V2 => ("account_id", ACCOUNT_ID),
    };
    let accounts = format!("[accounts.good]\n{key} = \"{good}\"\n\n[accounts.old]\n{key} = \"AQEDAold01234567\"\n");
    program.write("two.toml", format!("api_key = \"{KEY}\"\n{accounts}"));
    program
}

/// Run with nothing but the configuration.
async fn check_two(program: &Program, arguments: &str) -> Ran {
    wait(spawn(program.bare_command(&format!("check --config two.toml --login --format json {arguments}")))).await
}

async fn each_account_is_named_with_what_is_wrong(api: Api) {
    let sandbox = swift(|_| {}).await;
    let program = with_two_accounts(api);
    let ran = check_two(&program, &unlimited(&sandbox)).await;
    ran.ended_with(3);
    let found = findings(&ran);
    let expected = [finding("good", "accepted", "accepted", None), finding("old", "accepted", "refused", None)];
    assert_eq!(found.iter().map(states).collect::<Vec<_>>(), expected);
    let detail = found[1]["detail"].as_str().unwrap();
    let (what, setting) = match api {
        Api::V1 => ("login refused (Invalid or expired LinkedIn cookie)", "accounts.old.login_token"),
        Api::V2 => ("account refused (INVALID_ACCOUNT: Account not found)", "accounts.old.account_id"),
    };
    assert!(detail.contains(what), "{detail}");
    let place = format!("{setting} (file two.toml:6)");
    assert!(detail.contains(&place), "{place}: {detail}");
    assert!(!ran.stdout.contains("AQEDAold01234567") || api == Api::V2);

    for (account, code) in [("good", 0), ("old", 3)] {
        let ran = check_two(&program, &format!("--account {account} {}", unlimited(&sandbox))).await;
        ran.ended_with(code);
        let found = findings(&ran);
        assert_eq!(found.iter().map(|finding| &finding["account"]).collect::<Vec<_>>(), [account]);
    }
    assert_eq!(sandbox.record().withdrawn, 0);
}

async fn no_credits_left_end_with_4(api: Api) {
    let sandbox = swift(|options| options.credits = Some(0)).await;
    let ran = Program::on(api).complete(&format!("check --login --format json {}", unlimited(&sandbox))).await;
    ran.ended_with(4);
    let found = findings(&ran);
    assert_eq!((&found[0]["key"], &found[0]["balance"]), (&"accepted".into(), &0.into()));
    assert!(found[0]["detail"].as_str().unwrap().contains("no credits left"), "{found:?}");
}

async fn what_a_limit_leaves_unchecked_is_unknown(api: Api) {
    let sandbox = swift(|_| {}).await;
    let check = format!("check --login --max-credits 1 --format json {}", unlimited(&sandbox));
    let ran = Program::on(api).complete(&check).await;
    // V1's look at the key may take the only credit; V2's looks are free.
    let (code, login) = match api {
        Api::V1 => (5, "unknown"),
        Api::V2 => (0, "accepted"),
    };
    ran.ended_with(code);
    assert_eq!(states(&findings(&ran)[0]), finding("default", "accepted", login, None));
    assert_eq!(sandbox.record().list_calls, 0);
}

/// An address where nobody listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

async fn where_nobody_answers_it_ends_with_5(api: Api) {
    let program = with_two_accounts(api);
    let ran = check_two(&program, &format!("--base-url {} --retries 1 --retry-base 1ms", nowhere())).await;
    ran.ended_with(5);
    let found = findings(&ran);
    let expected = [finding("good", "unknown", "unknown", None), finding("old", "unknown", "unknown", None)];
    assert_eq!(found.iter().map(states).collect::<Vec<_>>(), expected);
    for finding in &found {
        let detail = finding["detail"].as_str().unwrap();
        assert!(detail.starts_with("no answer (no connection") && detail.contains("base_url (flag)"), "{detail}");
    }
    // Asked once for both: the first call and its retry, of the key.
    assert_eq!(ran.stderr.matches("calls").count(), 1);
    if api == Api::V1 {
        ran.says("calls                 2 (2 without a connection)");
    }
}

/// States of a call, as the ledger has them.
const OPEN: u32 = 0;
const NOT_SENT: u32 = 3;

/// The calls in the ledger of a program that is working; none before there is one.
fn calls_in_state(program: &Program, state: u32) -> u32 {
    let path = program.path(LEDGER);
    let count =
        |ledger: Connection| ledger.query_one("SELECT COUNT(*) FROM calls WHERE state = ?1", [state], |row| row.get(0));
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).and_then(count).unwrap_or_default()
}

async fn a_signal_ends_it_and_what_was_found_is_printed(api: Api) {
    let program = Program::on(api);
    let arguments = format!("check --format json --base-url {} --retry-base 60s", nowhere());
    let child = program.start(&arguments);
    until("the first call", || calls_in_state(&program, NOT_SENT) > 0).await;
    kill(&child, "TERM");
    let ran = wait(child).await;
    ran.ended_with(143);
    let found = findings(&ran);
    assert_eq!(states(&found[0]), finding("default", "unknown", "unknown", None));
    assert!(found[0]["detail"].as_str().unwrap().contains("not checked to the end: SIGTERM"), "{found:?}");
}

/// Whatever shows that the key is refused, every account is told so and no further call is made.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_late_is_refused_for_all() {
    let server = MockServer::start().await;
    let answer = |status, body: Value| ResponseTemplate::new(status).set_body_json(body);
    let refused = json!({"success": false, "error": {"code": "INVALID_API_KEY", "message": "no"}});
    Mock::given(path("/v2/credits")).respond_with(answer(404, json!({"detail": "Not Found"}))).mount(&server).await;
    Mock::given(any()).respond_with(answer(403, refused)).mount(&server).await;
    let ran = check_two(&with_two_accounts(Api::V2), &format!("--base-url {} --rate unlimited", server.uri())).await;
    ran.ended_with(3);
    for finding in findings(&ran) {
        assert_eq!(finding["key"], "refused");
        let detail = finding["detail"].as_str().unwrap();
        assert!(detail.ends_with("key refused (INVALID_API_KEY: no): renew api_key (file two.toml:1)"), "{detail}");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

/// What changes and costs nothing is not waited for.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_cuts_off_what_is_free() {
    let server = MockServer::start().await;
    let late = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
    Mock::given(any()).respond_with(late).mount(&server).await;
    let program = Program::on(Api::V2);
    let child = program.start(&format!("check --format json --base-url {}", server.uri()));
    until("the call", || calls_in_state(&program, OPEN) > 0).await;
    let asked = Instant::now();
    kill(&child, "TERM");
    let ran = wait(child).await;
    ran.ended_with(143);
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
    assert_eq!(states(&findings(&ran)[0]), finding("default", "unknown", "unknown", None));
    assert_eq!(program.bill(), (0, 0));
}

/// `--sandbox` reads no credentials, and the simulated API has no balance unless it is given one.
#[test]
fn a_rehearsal_checks_the_simulated_api() {
    let program = Program::new();
    for api in Api::BOTH {
        let ran = Program::new().run(&format!("check --login --sandbox --format json --api {}", api.name()));
        ran.ended_with(0);
        assert_eq!(states(&findings(&ran)[0]), finding("default", "accepted", "accepted", None));
    }
    assert!(!program.path(".local").exists());
    program.run("check --sandbox --summary -").ended_with(2).says("both go to standard output");
}

/// Where no ledger can be opened it warns and goes on, as `list` does.
#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_without_a_ledger() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("file", "");
    let ran = program.complete(&format!("check --ledger file/ledger.db {}", unlimited(&sandbox))).await;
    ran.ended_with(0).says("these calls are not recorded");
}
