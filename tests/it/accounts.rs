//! Several accounts: which rows go to which, what a plan says of each, and what is refused before anything is sent.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Program, Ran, SWIFTLY, ids, list, spawn, swift, unlimited, wait};

/// The program with three accounts and an API that knows any of them.
fn program() -> Program {
    let program = Program::new();
    let accounts =
        ["london", "sales", "tokyo"].map(|name| format!("[accounts.{name}]\nlogin_token = \"token-of-{name}\"\n"));
    program.write("accounts.toml", format!("api_key = \"key\"\n{}daily_cap = 3\ngap = \"1m\"\n", accounts.concat()));
    program
}

async fn complete(program: &Program, arguments: &str) -> Ran {
    wait(spawn(program.bare_command(&format!("{arguments} --config accounts.toml")))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_can_not_be_called_for_is_found_before_anything_is_sent() {
    let sandbox = swift(|options| (options.api_key, options.login_token) = (None, None)).await;
    let program = program();
    let cases = [
        ("1,london\n2,berlin\n", "", "row 2: account \"berlin\" is not configured; configured: london, sales, tokyo"),
        ("1,london\n2,\n", "", "line 3 has no account: add --account london or --account "),
        ("1,london\n2,berlin\n", " --dry-run", "row 2: account \"berlin\" is not configured"),
        ("1,london\n2,\n", " --account berlin", "--account: account \"berlin\" is not configured"),
    ];
    for (rows, more, said) in cases {
        program.write("list.csv", format!("invitation_id,account\n{rows}"));
        let run = format!("run list.csv --base-url {} {SWIFTLY}{more}", sandbox.base_url());
        complete(&program, &run).await.ended_with(2).says(said);
        assert!(!program.files().contains(&"report.csv".to_owned()));
    }
    assert_eq!(sandbox.record().calls, 0);

    // An invalid row names nobody for certain, and a row without an account has the one that is asked for.
    program.write("list.csv", "invitation_id,account\nx,berlin\n1,\n2,london\n");
    let run = format!("run list.csv --account sales --base-url {} {SWIFTLY}", sandbox.base_url());
    complete(&program, &run).await.ended_with(1);
    let accounts = program.summary()["accounts"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(accounts, ["london", "sales"], "those with rows or calls");
    assert_eq!(program.report("report.csv").outcomes(), ["invalid", "withdrawn", "withdrawn"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_stdin_a_row_without_a_usable_account_is_invalid() {
    let sandbox = swift(|options| (options.api_key, options.login_token) = (None, None)).await;
    let program = program();
    let complete = async |more: &str| {
        let run = format!("run - --config accounts.toml --base-url {} {SWIFTLY}{more}", sandbox.base_url());
        let mut command = program.bare_command(&run);
        command.stdin(Stdio::piped());
        let mut run = spawn(command);
        run.stdin.take().unwrap().write_all(b"invitation_id,account\n1,berlin\n2,\n3,london\n").unwrap();
        wait(run).await
    };
    complete(" --dry-run").await.ended_with(0);
    assert_eq!(program.summary()["rows"]["invalid"], 2);
    complete("").await.ended_with(1);
    let report = program.report("report.csv");
    assert_eq!(report.outcomes(), ["invalid", "invalid", "withdrawn"]);
    assert_eq!((report.lines[&1]["account"].as_str(), report.lines[&2]["account"].as_str()), ("berlin", ""));
    assert!(report.lines[&2]["detail"].starts_with("which account?"), "{:?}", report.lines[&2]);
    assert_eq!(sandbox.record().calls, 1);
}

/// The ledger's last 24 hours count, and each account's own limits.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_each_account_s_part() {
    let sandbox = swift(|options| (options.api_key, options.login_token) = (None, None)).await;
    let program = program();
    program.write("first.csv", "invitation_id,account\n1,tokyo\n");
    let base_url = format!("--base-url {}", sandbox.base_url());
    complete(&program, &format!("run first.csv {base_url} {SWIFTLY}")).await.ended_with(0);
    program
        .write("list.csv", "invitation_id,account\n1,tokyo\n2,tokyo\n3,tokyo\n4,tokyo\n4,tokyo\n1,london\nx,london\n");
    let plan = "run list.csv --dry-run --rate 60/min --summary plan.json";
    let ran = complete(&program, &format!("{plan} {base_url}")).await;
    ran.ended_with(0);
    let lines = [
        "to withdraw           4",
        "  london              1, in about 1 s",
        "  tokyo               3, 2 in this run, in about 1 min 00 s",
        "  in this run         at most 3; the rest takes 1 more day (--daily-cap)",
    ];
    ran.says(&lines.join("\n"));
    let plan: Value = serde_json::from_str(&program.read("plan.json")).unwrap();
    let account = |name: &str, outcome: &str| plan["accounts"][name]["rows"][outcome].as_u64().unwrap();
    assert_eq!((account("tokyo", "total"), account("tokyo", "to_withdraw")), (5, 3));
    assert_eq!((account("tokyo", "already_settled"), account("tokyo", "duplicate")), (1, 1));
    assert_eq!((account("london", "total"), account("london", "to_withdraw")), (2, 1));
    assert_eq!(plan["accounts"].as_object().unwrap().len(), 2);
    let tokyo = &plan["accounts"]["tokyo"];
    assert_eq!((&tokyo["this_run"], &tokyo["more_days"], &tokyo["time_s"]), (&json!(2), &json!(1), &json!(60.0)));
    assert_eq!((&plan["rows"]["invalid"], &plan["time_s"]), (&json!(1), &json!(60.0)));
    assert_eq!(sandbox.record().calls, 1);
}

#[test]
fn more_than_careful_tools_do_is_warned_of() {
    let program = Program::new();
    program.write("list.csv", list(ids(101)));
    let said = "account default: 101 withdrawals within 24 hours; 40 to 100 a day";
    let cases = [
        ("--rate unlimited --concurrency 64", true),
        ("--rate unlimited --daily-cap 500 --dry-run", false),
        ("--rate 60/min --dry-run", true),
        // Ninety-six a day.
        ("--rate 60/min --gap 15m --dry-run", false),
        ("--rate 4/h --dry-run", false),
    ];
    for (arguments, is_warned) in cases {
        let ran = program.run(&format!("run list.csv --sandbox -o report.csv {arguments}"));
        ran.ended_with(0);
        assert_eq!(ran.stderr.contains(said), is_warned, "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_taken_of_every_account_or_of_the_one_that_is_asked_for() {
    let sandbox = swift(|options| (options.api_key, options.login_token, options.pending) = (None, None, 3)).await;
    let program = program();
    let names = |ran: &Ran| {
        let mut reader = csv::Reader::from_reader(ran.stdout.as_bytes());
        let rows: Vec<_> = reader.records().map(|record| record.unwrap()[2].to_owned()).collect();
        rows.chunks(3).map(|rows| format!("{} {}", rows.len(), rows[0])).collect::<Vec<_>>()
    };
    let flags = unlimited(&sandbox);
    let all = complete(&program, &format!("list {flags}")).await;
    assert_eq!(names(all.ended_with(0)), ["3 london", "3 sales", "3 tokyo"]);
    let one = complete(&program, &format!("list --account tokyo {flags}")).await;
    assert_eq!(names(one.ended_with(0)), ["3 tokyo"]);
    let limited = complete(&program, &format!("list --limit 4 {flags}")).await;
    assert_eq!(names(limited.ended_with(0)), ["3 london", "1 sales"]);

    let clean = format!("clean --older-than 1d --dry-run --base-url {} {SWIFTLY}", sandbox.base_url());
    complete(&program, &clean).await.ended_with(0);
    let plan = program.summary();
    assert_eq!(plan["list"]["invitations"], 9);
    let old = |name: &str| plan["accounts"][name]["rows"]["to_withdraw"].as_u64().unwrap();
    assert_eq!((old("sales"), old("tokyo"), plan["rows"]["to_withdraw"].as_u64().unwrap()), (2, 2, 6));
}

/// N of each account's own list, and nothing of one that is not whole.
#[tokio::test(flavor = "multi_thread")]
async fn some_may_stay_in_each_account() {
    let sandbox = swift(|options| (options.api_key, options.login_token, options.pending) = (None, None, 9)).await;
    let program = program();
    let dry = format!("clean --max-pending 7 --dry-run --summary summary.json {}", unlimited(&sandbox));
    complete(&program, &dry).await.ended_with(0).says("under --max-pending 21");
    assert_eq!(program.summary()["rows"]["to_withdraw"], 6);
}
