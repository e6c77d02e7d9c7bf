//! What lists showed is remembered: who an invitation was for, who can be invited again, and that they can be forgotten.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde_json::Value;

use crate::support::{Api, LEDGER, Program, Ran, on_both_versions, swift, swiftly, unlimited};

on_both_versions!(history_says_who_it_was, who_was_withdrawn_can_be_invited_again, who_is_forgotten_is_named_no_more);

fn json(ran: &Ran) -> Vec<Value> {
    ran.ended_with(0);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// The ledger, to look at and to let time pass in it.
fn ledger(program: &Program) -> Connection {
    Connection::open(program.path(LEDGER)).unwrap()
}

async fn history_says_who_it_was(api: Api) {
    let sandbox = swift(|_| {}).await;
    let program = Program::on(api);
    program.complete(&format!("list --limit 3 -o list.csv {}", unlimited(&sandbox))).await.ended_with(0);
    let mut reader = csv::Reader::from_path(program.path("list.csv")).unwrap();
    let listed: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    // All that was paid for is kept, not only what was asked for.
    let kept: u64 = ledger(&program).query_one("SELECT COUNT(*) FROM listed", [], |row| row.get(0)).unwrap();
    assert_eq!((listed.len(), kept), (3, 10));

    let [id, name, profile_url] = ["invitation_id", "name", "profile_url"].map(|column| listed[0][column].clone());
    let show = format!("history --id {id} --format json");
    let before = json(&program.run(&show));
    let seen = |entry: &Value| ["name", "profile_url"].map(|column| entry[column].as_str().unwrap().to_owned());
    assert_eq!(before.iter().map(seen).collect::<Vec<_>>(), [[name.as_str(), &profile_url]]);
    assert_eq!((&before[0]["call"], &before[0]["run_id"]), (&Value::Null, &Value::Null));

    program.write("one.csv", &id);
    program.complete(&format!("run one.csv {}", swiftly(&sandbox))).await.ended_with(0);
    let after = json(&program.run(&show));
    assert_eq!(after.iter().map(seen).collect::<Vec<_>>(), [[name.as_str(), &profile_url]]);
    assert_eq!((&after[0]["outcome"], &after[0]["first_seen"]), (&"withdrawn".into(), &before[0]["first_seen"]));
    assert!(
        program
            .run(&format!("history --id {id} --format table"))
            .stdout
            .contains(&format!("name              {name}\n"))
    );
    assert!(program.run(&format!("history --id {id}")).stdout.contains(",name,profile_url,first_seen,"));
}

async fn who_was_withdrawn_can_be_invited_again(api: Api) {
    let sandbox = swift(|options| options.pending = 20).await;
    let program = Program::on(api);
    program.complete(&format!("clean --older-than 60d {}", swiftly(&sandbox))).await.ended_with(0);
    let report = program.report("report.csv");
    let withdrawn: Vec<_> = report.lines.values().filter(|line| line["outcome"] == "withdrawn").collect();
    assert!(withdrawn.len() > 1);
    let nobody = program.run("history --reinvitable");
    nobody.ended_with(0).says("nobody can be invited again yet\n");

    let pass = |days: u32| {
        let passed = i64::from(days) * 86_400_000;
        let ledger = ledger(&program);
        ledger.execute("UPDATE known SET at = at - ?1", [passed]).unwrap();
        ledger
            .execute("UPDATE listed SET first_seen_at = first_seen_at - ?1, last_seen_at = last_seen_at - ?1", [passed])
    };
    pass(20).unwrap();
    assert_eq!(json(&program.run("history --reinvitable --format json")), [Value::Null; 0]);
    pass(1).unwrap();
    let people = json(&program.run("history --reinvitable --format json"));
    let line = |person: &Value| {
        ["invitation_id", "name", "profile_url", "account"].map(|column| person[column].as_str().unwrap().to_owned())
    };
    let mut found: Vec<_> = people.iter().map(line).collect();
    let mut expected: Vec<_> = withdrawn
        .iter()
        .map(|line| ["invitation_id", "name", "profile_url", "account"].map(|column| line[column].clone()))
        .collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    let csv = program.run("history --reinvitable --format csv").stdout;
    assert!(csv.starts_with("invitation_id,name,profile_url,account,reinvite_on,api\n"), "{csv}");

    // A list that shows one of them as pending knows better.
    ledger(&program)
        .execute("UPDATE listed SET last_seen_at = ?1 WHERE invitation_id = ?2", (i64::MAX / 2, &found[0][0]))
        .unwrap();
    let people = json(&program.run("history --reinvitable --format json"));
    assert_eq!(people.len(), expected.len() - 1);
    assert!(people.iter().all(|person| person["invitation_id"] != found[0][0]));
}

async fn who_is_forgotten_is_named_no_more(api: Api) {
    let sandbox = swift(|_| {}).await;
    let program = Program::on(api);
    program.complete(&format!("list -o list.csv {}", unlimited(&sandbox))).await.ended_with(0);
    let (bill, list) = (program.bill(), program.read("list.csv"));
    let ids: Vec<_> = list.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    let (id, others) = (ids[0], ids.len() - 1);
    program.run(&format!("history --forget {id} --yes")).ended_with(0).says("forgot 1 invitation;");
    program.run(&format!("history --id {id}")).ended_with(0).says("no records of");
    program
        .run("history --forget-before 2999-01-01 --yes")
        .ended_with(0)
        .says(&format!("forgot {others} invitations;"));
    assert_eq!(program.bill(), bill);
    let bytes = std::fs::read(program.path(LEDGER)).unwrap();
    let address = b"linkedin.com/in/";
    assert!(!bytes.windows(address.len()).any(|window| window == address));
}

/// Only of such a list a missing invitation can be said to be gone.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_list_that_was_read_whole_is_kept_as_such() {
    let whole = |program: &Program| {
        let count =
            "SELECT COUNT(*) FROM whole_lists JOIN accounts ON accounts.id = account_id WHERE account = 'default'";
        ledger(program).query_one(count, [], |row| row.get::<_, u64>(0)).unwrap()
    };
    for (faults, flags, expected) in [
        ("", "", 1),
        ("", "--older-than 60d", 1),
        ("", "--type organization", 1),
        ("", "--limit 5", 0),
        ("", "--max-pages 2", 0),
        ("repeat", "", 0),
        ("miss", "", 0),
        ("early-end", "", 0),
        ("total-off", "", 0),
    ] {
        let sandbox = swift(|options| options.list_faults = faults.parse().unwrap_or_default()).await;
        let program = Program::new();
        program.complete(&format!("list {flags} {}", unlimited(&sandbox))).await;
        assert_eq!(whole(&program), expected, "{faults} {flags}");
    }
}
