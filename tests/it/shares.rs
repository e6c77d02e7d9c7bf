//! `--partition`: processes that know nothing of each other, and share one input, one folder and one API key.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use bulk_withdraw::sandbox::{Limit, Sandbox};
use serde_json::Value;

use crate::support::{Program, ids, list, spawn, swift, swiftly, wait, withdrawn};

const SHARES: u64 = 8;
const STATE: &str = ".local/state/bulk-withdraw";

/// All at once, against one limit: with a call too many in any window one would be refused.
#[tokio::test(flavor = "multi_thread")]
async fn eight_shares_withdraw_each_invitation_once_and_within_one_limit() {
    let rows = 130;
    let limit = Limit::sliding(100, Duration::from_secs(2));
    let sandbox = swift(|options| options.limit = Some(limit)).await;
    let program = Program::new();
    // Two rows that are no invitations, and one that stands twice.
    let text = list(ids(rows)) + "none\n" + &ids(1).collect::<String>() + "\nnone either\n";
    program.write("list.csv", text);
    let share = |number: u64| {
        let options = format!("--yes --rate 96/2s --summary sum-{number}-of-8.json --base-url {}", sandbox.base_url());
        spawn(program.command(&format!("run list.csv --partition {number}/{SHARES} {options}")))
    };
    let started: Vec<_> = (1..=SHARES).map(share).collect();
    for child in started {
        let ran = wait(child).await;
        assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.stderr);
    }

    let record = sandbox.record();
    assert_eq!((record.withdrawn, record.calls, record.rate_limited), (rows, rows, 0));
    assert_eq!(withdrawn(&sandbox), ids(rows).collect::<BTreeSet<_>>());
    assert!(record.invitations.values().all(|known| known.calls == 1));

    // Each row is in one report, and each report has a name of its own.
    let mut reported = BTreeSet::new();
    for number in 1..=SHARES {
        let ending = format!("Z-{number}-of-{SHARES}.csv");
        let names =
            program.files().into_iter().filter(|name| name.starts_with("list.results-") && name.ends_with(&ending));
        let [name] = <[String; 1]>::try_from(names.collect::<Vec<_>>()).unwrap();
        let report = program.report(&name);
        assert!(report.lines.keys().all(|row| reported.insert(*row)), "{name} repeats a row of another");
        let summary: Value = serde_json::from_str(&program.read(&format!("sum-{number}-of-8.json"))).unwrap();
        assert_eq!(summary["partition"], format!("{number}/{SHARES}"));
        assert_eq!(summary["rows"]["total"], report.lines.len());
        assert_eq!(summary["pace"]["rate"], "11/2s");
        assert!(program.files_in(STATE).contains(&format!("ledger-{number}-of-{SHARES}.db")));
    }
    assert_eq!(reported, (1..=rows + 3).collect());

    let ledgers: Vec<_> = (1..=SHARES).map(|number| format!("{STATE}/ledger-{number}-of-{SHARES}.db")).collect();
    let history = |named: &str| {
        let ran = program.run(&format!("history --format json {named}"));
        ran.ended_with(0);
        let days: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
        ["withdrawn", "credits", "credits_possible"]
            .map(|name| days.iter().map(|day| day[name].as_u64().unwrap()).sum())
    };
    assert_eq!(history(&format!("--ledger {}", ledgers.join(" "))), [rows; 3], "as a shell's pattern gives them");
    assert_eq!(history(&format!("--ledger {}", ledgers.join(" --ledger "))), [rows; 3]);
    let one: [u64; 3] = history(&format!("--ledger {}", ledgers[0]));
    assert!(one[0] > 0 && one[0] < rows);
    let id: String = ids(1).collect();
    program.run(&format!("history --id {id} --ledger {}", ledgers.join(" "))).ended_with(0);
    let forget = format!("history --forget {id} --yes --ledger {}", ledgers.join(" "));
    program.run(&forget).ended_with(2).says("name only one with --ledger");
}

/// As `swiftly`, with names of the share's own.
fn shared(sandbox: &Sandbox, number: u32, count: u32) -> String {
    let swiftly = swiftly(sandbox);
    swiftly
        .replace("report.csv", &format!("report-{number}-of-{count}.csv"))
        .replace("summary.json", &format!("summary-{number}-of-{count}.json"))
}

/// Limits are divided, and a share whose part is nothing sends nothing.
#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_for_all_shares_together() {
    for limit in ["--max-withdrawals 10", "--max-credits 10", "--daily-cap 10"] {
        let sandbox = swift(|_| {}).await;
        let program = Program::new();
        program.write("list.csv", list(ids(200)));
        for (number, part) in [(1, 4), (2, 3), (3, 3)] {
            let run = format!("run list.csv --partition {number}/3 {limit} {}", shared(&sandbox, number, 3));
            program.complete(&run).await.ended_with(0);
            let summary: Value = serde_json::from_str(&program.read(&format!("summary-{number}-of-3.json"))).unwrap();
            assert_eq!(summary["rows"]["withdrawn"], part, "{limit}");
        }
        assert_eq!(sandbox.record().withdrawn, 10, "{limit}");
        let nothing = limit.replace("10", "2");
        let calls = sandbox.record().calls;
        let run = format!("run list.csv --partition 3/3 {nothing} {}", shared(&sandbox, 3, 3));
        let ran = program.complete(&run).await;
        ran.ended_with(0).says("allows none");
        assert_eq!(sandbox.record().calls, calls, "{nothing}");
        // Also where little is said, and only if it is the share that has none.
        let option = limit.split(' ').next().unwrap();
        let says = format!("{option}: 2 for 3 shares leaves none for share 3/3: take at least 3");
        program.complete(&format!("{run} -q")).await.ended_with(0).says(&says);
        let run = format!("run list.csv --partition 2/3 {nothing} {} --dry-run", shared(&sandbox, 2, 3));
        assert!(!program.complete(&run).await.ended_with(0).stderr.contains("leaves none"));
    }
}

#[test]
fn what_can_not_be_shared_is_refused_before_anything_is_sent() {
    let program = Program::new();
    program.write("list.csv", list(ids(3)));
    program.write("people.csv", "profile_url\nhttps://www.linkedin.com/in/ada\n");
    let cases = [
        ("list.csv --partition 0/8", "--partition must be a share, like 3/8, or auto"),
        (
            "list.csv --partition 1/146",
            "--partition: 146 shares need a --rate of at least 292 calls in its time, and it is 290/min",
        ),
        ("list.csv --partition auto", "--partition auto: JOB_COMPLETION_INDEX is not set"),
        ("people.csv --partition 2/8", "row 1 names a person by the profile URL"),
    ];
    for (arguments, words) in cases {
        let ran = program.run(&format!("run {arguments} --sandbox"));
        ran.ended_with(2).says(words);
        assert_eq!(ran.stderr.lines().last().map(|line| line.starts_with("bulk-withdraw: ")), Some(true));
    }
    program
        .run("clean --older-than 30d --partition 1/2 --sandbox")
        .ended_with(2)
        .says("unexpected argument '--partition'");
}

/// Neither by the report, the summary or the page of one that works nor by the summary of one that is refused.
#[test]
fn shares_never_write_to_each_other_s_files() {
    let program = Program::new();
    program.write("list.csv", list(ids(20))).write("same.csv", "of another share\n").write("same.json", "of another\n");
    for (arguments, option, like) in [
        ("3/8 -o same.csv", "-o", "same-3-of-8.csv"),
        ("3/8 -o new-3-of-80.csv", "-o", "new-3-of-80-3-of-8.csv"),
        ("3/8 --summary same.json", "--summary", "same-3-of-8.json"),
        ("3/8 --summary same.json --dry-run", "--summary", "same-3-of-8.json"),
        ("3/8 --summary same.json --keep missing.txt", "--summary", "same-3-of-8.json"),
        ("3/8 --html in-3-of-8/page.html", "--html", "in-3-of-8/page-3-of-8.html"),
    ] {
        let ran = program.run(&format!("run list.csv --sandbox --partition {arguments}"));
        ran.ended_with(2).says(&format!("{option}: other shares would write to the same file: name it like {like}\n"));
    }
    // Refused for another reason.
    program.run("run list.csv --rate 2/s --partition 3/8 --summary same.json --sandbox").ended_with(2);
    assert_eq!(
        (program.read("same.csv").as_str(), program.read("same.json").as_str()),
        ("of another share\n", "of another\n")
    );
    assert_eq!(program.files(), ["list.csv", "same.csv", "same.json"]);
    let named = "-o same-3-of-8.csv --summary 3-of-8.json --html p.3-of-8.html";
    program.run(&format!("run list.csv --sandbox --rate 16/10ms --partition 3/8 {named}")).ended_with(0);
    program.run("run list.csv --sandbox --rate 16/10ms --partition 1/1 -o same.csv --summary /dev/null").ended_with(0);
    program.run("run list.csv --sandbox --rate 16/10ms --partition 3/8 -o - --summary /dev/null").ended_with(0);
}

#[test]
fn a_share_warns_of_ledgers_that_it_does_not_look_at() {
    let program = Program::new();
    program.write("list.csv", list(ids(8)));
    fs::create_dir_all(program.path(STATE)).unwrap();
    let names = ["ledger-1-of-4.db", "ledger-2-of-4.db", "ledger-1-of-2.db", "ledger.db", "other.db"];
    for name in names {
        program.write(&format!("{STATE}/{name}"), "");
    }
    let warns = |share: &str| {
        let ran = program.run(&format!("run list.csv --dry-run --partition {share} -q"));
        ran.ended_with(0);
        ran.stderr.lines().find(|line| line.contains("asked again")).map(str::to_owned)
    };
    let warning = warns("2/2").unwrap();
    assert!(warning.contains(": ledger-*-of-4.db, ledger.db; what they settled is asked again"), "{warning}");
    fs::remove_file(program.path(&format!("{STATE}/ledger.db"))).unwrap();
    fs::remove_file(program.path(&format!("{STATE}/ledger-1-of-2.db"))).unwrap();
    assert_eq!(warns("3/4"), None);
}

/// By all shares together no more can be withdrawn than the list has.
#[test]
fn a_plan_counts_the_rows_of_all_shares() {
    let program = Program::new();
    program.write("list.csv", list(ids(200)));
    let mut is_capped = false;
    for number in 1..=8 {
        let ran = program.run(&format!("run list.csv --sandbox --dry-run --partition {number}/8"));
        let number_after = |words: &str| {
            let rest = ran.stderr.split(words).nth(1).and_then(|rest| rest.split_whitespace().next());
            rest.unwrap().parse::<u64>().unwrap()
        };
        let own = number_after("rows ");
        assert_eq!(number_after("all shares together make about "), 200.min(own * 8), "{}", ran.stderr);
        is_capped |= own * 8 > 200;
    }
    assert!(is_capped);
}

#[test]
fn kubernetes_says_which_share_it_is() {
    let program = Program::new();
    program.write("list.csv", list(ids(40)));
    let run = |index: &str, completions: &str| {
        let mut command =
            program.bare_command("run list.csv --partition auto --sandbox --dry-run --summary summary-3-of-3.json");
        command.env("JOB_COMPLETION_INDEX", index).env("JOB_COMPLETIONS", completions);
        crate::support::Ran::from(command.output().unwrap())
    };
    run("2", "3").ended_with(0).says("partition             3/3");
    assert!(program.read("summary-3-of-3.json").contains("\"partition\": \"3/3\""));
    run("3", "3").ended_with(2).says("the first from 0 and below the second");
}

/// Of a stream nothing can be said ahead.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_on_stdin_is_invalid_in_one_share() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("people.txt", ids(4).collect::<Vec<_>>().join("\n") + "\nhttps://www.linkedin.com/in/ada\n");
    let (mut invalid, mut rows) = (0, 0);
    for number in [1, 2] {
        let report = format!("report-{number}-of-2.csv");
        let options = format!("--yes --rate unlimited --base-url {} -o {report}", sandbox.base_url());
        let mut command = program.command(&format!("run - --partition {number}/2 {options}"));
        command.stdin(fs::File::open(program.path("people.txt")).unwrap());
        wait(spawn(command)).await;
        let report = program.report(&report);
        invalid += report.count("invalid");
        rows += report.lines.len();
    }
    assert_eq!((invalid, rows, sandbox.record().withdrawn), (1, 5, 4));
    assert_eq!(sandbox.record().list_calls, 0);
}
