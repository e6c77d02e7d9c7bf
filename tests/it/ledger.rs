//! Repeated and concurrent runs: what the ledger remembers, protects and shows.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;

use crate::support::{
    Api, KEY, LEDGER, Program, Ran, TOKEN, ids, kill, list, on_both_versions, spawn, swift, swiftly, unlimited, until,
    wait,
};

on_both_versions!(
    a_second_run_sends_nothing_and_reports_every_row_as_settled,
    outcomes_that_are_not_final_are_tried_again,
    an_answer_that_an_earlier_run_lost_makes_it_a_presumed_withdrawal,
);

async fn a_second_run_sends_nothing_and_reports_every_row_as_settled(api: Api) {
    let sandbox = swift(|_| {}).await;
    let program = Program::on(api);
    let accepted = "7329176687475109101".to_owned();
    program.write("list.csv", list(ids(50).chain([accepted])));
    let command = format!("run list.csv {}", swiftly(&sandbox));
    program.complete(&command).await.ended_with(0);
    let (first, calls) = (program.report("report.csv"), sandbox.record().calls);

    program.complete(&command).await.ended_with(0);
    assert_eq!(sandbox.record().calls, calls);
    let second = program.report("report.csv");
    assert_eq!(second.count("already_settled"), 51);
    for (row, line) in &second.lines {
        assert_eq!(line["settled_at"], first.lines[row]["settled_at"], "the time it was settled");
        assert_eq!(line["detail"], format!("{} in an earlier run", first.outcome(*row)));
        assert_eq!((line["attempts"].as_str(), line["credits_possible"].as_str()), ("0", "0"));
    }
    let summary = program.summary();
    assert_eq!((&summary["calls"], &summary["rows"]["already_settled"]), (&0.into(), &51.into()));

    program.complete(&format!("{command} --recheck")).await.ended_with(0);
    assert_eq!(sandbox.record().calls, calls * 2);
    assert_eq!(program.report("report.csv").count("not_pending"), 51);
}

async fn outcomes_that_are_not_final_are_tried_again(api: Api) {
    let sandbox = swift(|_| {}).await;
    let program = Program::on(api);
    let endings = ["107", "109", "503", "605"];
    program.write("list.csv", list(endings.map(|ending| format!("7329176687475109{ending}"))));
    let command = format!("run list.csv {} --retries 1", swiftly(&sandbox));
    for _ in 0..2 {
        program.complete(&command).await.ended_with(1);
        assert_eq!(program.report("report.csv").outcomes(), ["not_found", "rejected", "failed", "unconfirmed"]);
    }
    let record = sandbox.record();
    assert!(record.invitations.values().all(|known| known.calls >= 2), "{:?}", record.invitations);
}

/// After a lost answer, "not pending" most likely means that this program withdrew it, in whichever run.
async fn an_answer_that_an_earlier_run_lost_makes_it_a_presumed_withdrawal(api: Api) {
    let sandbox = swift(|_| {}).await;
    let program = Program::on(api);
    // Withdrawn by the first call, which gets no answer; later calls are told that nothing is pending.
    program.write("list.csv", "7329176687475109609\n");
    let command = format!("run list.csv {} --retries 0 --timeout 200ms", swiftly(&sandbox));
    program.complete(&command).await.ended_with(1);
    assert_eq!(program.report("report.csv").outcome(1), "unconfirmed");
    program.complete(&command).await.ended_with(0);
    let report = program.report("report.csv");
    assert_eq!(report.outcome(1), "presumed_withdrawn");
    assert!(report.lines[&1]["detail"].contains("an earlier run"), "{:?}", report.lines[&1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_at_the_same_time_is_refused_and_names_the_first() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(8)));
    let command = format!("run list.csv {}", swiftly(&sandbox));
    // The first lasts until its input ends.
    let mut from_stdin = program.command(&command.replace("list.csv", "-"));
    from_stdin.stdin(Stdio::piped());
    let mut first = spawn(from_stdin);
    let mut input = first.stdin.take().unwrap();
    input.write_all(list(ids(8)).as_bytes()).unwrap();
    until("the first run's calls", || sandbox.record().charged == 8).await;
    let second = program.complete(&command.replace("report.csv", "second.csv")).await;
    second.ended_with(75).says(&format!("process {}", first.id())).says("since 20").says("--ledger");
    assert!(!program.files().contains(&"second.csv".to_owned()));
    // Removing its lock file does not help.
    fs::remove_file(program.path(&format!("{LEDGER}.lock"))).unwrap();
    let third = program.complete(&command.replace("report.csv", "third.csv")).await;
    third.ended_with(75).says("held by another run: wait until it has ended");
    program.complete(&format!("verify --yes {}", unlimited(&sandbox))).await.ended_with(75);
    assert_eq!(sandbox.record().list_calls, 0);
    assert!(!program.files().contains(&"third.csv".to_owned()));
    // Reading needs no lock.
    program.run("history").ended_with(0);
    drop(input);
    wait(first).await.ended_with(0);
    program.complete(&command).await.ended_with(0);
    assert_eq!(sandbox.record().calls, 8, "the others sent something");
}

#[tokio::test(flavor = "multi_thread")]
async fn apis_and_accounts_are_kept_apart() {
    let (one, other) = (swift(|_| {}).await, swift(|_| {}).await);
    let program = Program::new();
    program.write("list.csv", list(ids(5)));
    program.complete(&format!("run list.csv {}", swiftly(&one))).await.ended_with(0);
    program.complete(&format!("run list.csv {}", swiftly(&other))).await.ended_with(0);
    assert_eq!((one.record().charged, other.record().charged), (5, 5));
    // A rehearsal has a temporary ledger of its own, unless it names one.
    let rehearsal = "run list.csv --sandbox --rate unlimited -o report.csv";
    program.run(rehearsal).ended_with(0);
    assert_eq!(program.report("report.csv").count("withdrawn"), 5);
    for expected in ["withdrawn", "already_settled"] {
        let ran = program.run(&format!("{rehearsal} --ledger {LEDGER}"));
        ran.ended_with(0);
        assert_eq!(program.report("report.csv").count(expected), 5);
    }
    // To the real API, all of them are still pending.
    program.run(&format!("run list.csv --dry-run --ledger {LEDGER} --summary summary.json")).ended_with(0);
    assert_eq!(program.summary()["rows"]["to_withdraw"], 5);
}

/// `list` takes no lock, so it can look while a run works.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_beside_a_run_is_on_the_bill() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    let mut from_stdin = program.command(&format!("run - {}", swiftly(&sandbox)));
    from_stdin.stdin(Stdio::piped());
    let mut run = spawn(from_stdin);
    let mut input = run.stdin.take().unwrap();
    input.write_all(list(ids(8)).as_bytes()).unwrap();
    until("the run's calls", || sandbox.record().charged == 8).await;
    program.complete(&format!("list -o list.csv {}", unlimited(&sandbox))).await.ended_with(0);
    drop(input);
    wait(run).await.ended_with(0);
    let record = sandbox.record();
    assert!(record.list_charged > 1);
    assert_eq!(program.bill(), (8 + record.list_charged, 8 + record.list_charged));
}

/// An invitation is the same on either version.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_version_settled_is_settled_on_the_other() {
    for [first, second] in [Api::BOTH, [Api::V2, Api::V1]] {
        let sandbox = swift(|_| {}).await;
        let program = Program::on(first);
        program.write("list.csv", list(ids(5)));
        program.complete(&format!("run list.csv {}", swiftly(&sandbox))).await.ended_with(0);
        let mut command = program.command(&format!("run list.csv {} --api {}", swiftly(&sandbox), second.name()));
        let (name, login) = second.login();
        command.env(name, login);
        wait(spawn(command)).await.ended_with(0);
        assert_eq!((program.summary()["api"].as_str(), sandbox.record().calls), (Some(second.name()), 5));
        assert_eq!(program.report("report.csv").count("already_settled"), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_can_read_the_ledger_and_it_holds_no_secret() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(5)));
    program.complete(&format!("run list.csv {}", swiftly(&sandbox))).await.ended_with(0);
    let path = program.path(LEDGER);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let holds = |secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!holds(KEY) && !holds(TOKEN));
    }
}

#[test]
fn a_file_that_is_not_a_ledger_is_not_changed() {
    let program = Program::new();
    program.write("list.csv", list(ids(5)));
    program
        .write("notes.txt", "not a database")
        .write("broken.db", [b"SQLite format 3\0".as_slice(), &[7; 200]].concat());
    // Another program's database, and one that it left in the middle of a change: opening that one would undo it.
    let other = Connection::open(program.path("foreign.db")).unwrap();
    let change = "CREATE TABLE notes (text); INSERT INTO notes VALUES (zeroblob(200000));
        PRAGMA cache_size = 1; BEGIN; UPDATE notes SET text = randomblob(200000)";
    other.execute_batch(change).unwrap();
    for file in [".db", ".db-journal"] {
        fs::copy(program.path(&format!("foreign{file}")), program.path(&format!("crashed{file}"))).unwrap();
    }
    drop(other);
    let files = program.files();
    for name in ["notes.txt", "broken.db", "list.csv", "foreign.db", "crashed.db"] {
        let before = fs::read(program.path(name)).unwrap();
        for command in ["run list.csv --sandbox --rate unlimited", "run list.csv --dry-run --sandbox", "history"] {
            let ran = program.run(&format!("{command} --ledger {name}"));
            ran.ended_with(2).says(name).says("--ledger");
            assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        }
        assert!(fs::read(program.path(name)).unwrap() == before, "{name} was changed");
    }
    assert_eq!(program.files(), files);
}

#[test]
fn a_hard_linked_ledger_and_a_dangling_link_are_refused() {
    let program = Program::new();
    program.write("list.csv", list(ids(5)));
    program.run("run list.csv --sandbox --rate unlimited -o - --ledger ledger.db").ended_with(0);
    fs::hard_link(program.path("ledger.db"), program.path("second.db")).unwrap();
    symlink("nowhere.db", program.path("link.db")).unwrap();
    symlink("nowhere", program.path("directory")).unwrap();
    let files = program.files();
    for (ledger, says) in [
        ("ledger.db", "has 2 names (hard links)"),
        ("second.db", "has 2 names (hard links)"),
        ("link.db", "link.db is a link to nowhere.db, which does not exist"),
        ("directory/ledger.db", "directory is a link to nowhere, which does not exist"),
    ] {
        for command in [
            "run list.csv --sandbox --rate unlimited",
            "run list.csv --dry-run --sandbox",
            "history",
            "history --forget 7 --yes",
        ] {
            let ran = program.run(&format!("{command} --ledger {ledger}"));
            ran.ended_with(2).says(says).says("or name another file with --ledger");
            assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        }
    }
    assert_eq!(program.files(), files);
    // A symbolic link to a ledger is fine.
    fs::remove_file(program.path("second.db")).unwrap();
    symlink("ledger.db", program.path("second.db")).unwrap();
    program.run("history --ledger second.db").ended_with(0);
}

/// Mounts the ledger over another name in a namespace of its own, where the system lets the tests make one.
#[test]
fn a_ledger_that_is_mounted_by_itself_is_refused() {
    let program = Program::new();
    program.write("list.csv", list(ids(5)));
    program.run("run list.csv --sandbox --rate unlimited -o - --ledger ledger.db").ended_with(0);
    program.write("bound.db", "");
    let script = format!(
        "mount --bind ledger.db bound.db || exit 77; exec '{}' run list.csv --sandbox --ledger bound.db",
        env!("CARGO_BIN_EXE_bulk-withdraw")
    );
    let output = Command::new("unshare").args(["-rm", "sh", "-c", &script]).current_dir(program.path("")).output();
    let ran = match output {
        Ok(output) => Ran::from(output),
        Err(error) => return skipped(&error.to_string()),
    };
    if ran.code == Some(77) || ran.stderr.starts_with("unshare:") {
        return skipped(&ran.stderr);
    }
    ran.ended_with(2).says("bound.db is mounted by itself").says("mount (bind) its directory instead");
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
}

/// Says so in the terminal itself, past the test harness, which shows nothing of a test that passes.
fn skipped(why: &str) {
    let said = format!("SKIPPED a_ledger_that_is_mounted_by_itself_is_refused: {}\n", why.trim());
    let _ = std::io::stderr().write_all(said.as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_can_not_be_written_ends_with_6_before_anything_is_sent() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(5))).write("file", "");
    // A file in place of the directory, since root can write into a read-only directory.
    let ran = program.complete(&format!("run list.csv {} --ledger file/ledger.db", swiftly(&sandbox))).await;
    ran.ended_with(6).says("file/ledger.db");
    assert_eq!(sandbox.record().calls, 0);
}

/// Else what it settles would go into a file that nobody finds again, and be asked for once more.
#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_removed_or_replaced_stops_the_run() {
    for replaced in [false, true] {
        let sandbox = swift(|options| options.latency = Duration::from_millis(20)..=Duration::from_millis(20)).await;
        let program = Program::new();
        program.write("list.csv", list(ids(5_000)));
        let child = program.start(&format!("run list.csv {}", swiftly(&sandbox)));
        until("the first calls", || sandbox.record().calls > 8).await;
        if replaced {
            // Kept, so that its inode is not given to the other one; and there is one at each moment.
            fs::hard_link(program.path(LEDGER), program.path("old.db")).unwrap();
            fs::copy(program.path(LEDGER), program.path("other.db")).unwrap();
            fs::rename(program.path("other.db"), program.path(LEDGER)).unwrap();
        } else {
            fs::remove_file(program.path(LEDGER)).unwrap();
        }
        let how =
            if replaced { "ledger.db was replaced during the run" } else { "ledger.db was removed during the run" };
        wait(child).await.ended_with(6).says(how);
        assert!(sandbox.record().calls < 5_000, "it went on");
    }
}

const LOCKED: &str = "ledger.db is locked by another program: waiting";

/// Takes the ledger as somebody at the sqlite3 shell does who has begun to change it.
fn locked(program: &Program) -> Connection {
    let other = Connection::open(program.path(LEDGER)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

/// Locked for longer than one attempt takes, while outcomes wait to be recorded.
#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_locked_is_waited_for_with_nothing_sent() {
    for stopped in [false, true] {
        let sandbox = swift(|options| options.latency = Duration::from_millis(200)..=Duration::from_millis(200)).await;
        let program = Program::new();
        program.write("list.csv", list(ids(100)));
        let run = format!("run list.csv {} --concurrency 4", swiftly(&sandbox));
        let child = program.start_logged(&run);
        until("the first calls", || sandbox.record().calls > 8).await;
        let other = locked(&program);
        until("the wait", || program.log().contains(LOCKED)).await;
        let calls = sandbox.record().calls;
        if stopped {
            kill(&child, "TERM");
        }
        // The wait is told of after one attempt; here a second one fails.
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        assert_eq!(sandbox.record().calls, calls, "sent while it could not be recorded");
        other.execute_batch("COMMIT").unwrap();
        let ran = wait(child).await;
        ran.ended_with(if stopped { 143 } else { 0 });
        assert_eq!(program.log().matches(LOCKED).count(), 1, "{}", program.log());
        let outcomes = program.report("report.csv");
        assert_eq!((outcomes.lines.len(), outcomes.count("withdrawn") as u64), (100, sandbox.record().withdrawn));
        program.complete(&run).await.ended_with(0);
        let record = sandbox.record();
        assert_eq!((record.calls, record.withdrawn), (100, 100), "called again");
    }
}

/// What could not be recorded before a run had to end is at least in its report, and the exit code says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_ever_for_a_locked_ledger() {
    let sandbox = swift(|options| options.latency = Duration::from_millis(200)..=Duration::from_millis(200)).await;
    let program = Program::new();
    program.write("list.csv", list(ids(100)));
    let child = program.start_logged(&format!("run list.csv {} --concurrency 4", swiftly(&sandbox)));
    until("the first calls", || sandbox.record().calls > 8).await;
    let _other = locked(&program);
    until("the wait", || program.log().contains(LOCKED)).await;
    kill(&child, "TERM");
    wait(child).await.ended_with(6);
    let log = program.log();
    assert!(log.contains("is locked by another program: end that first"), "{log}");
    let outcomes = program.report("report.csv");
    assert_eq!((outcomes.lines.len(), outcomes.count("withdrawn") as u64), (100, sandbox.record().withdrawn));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_locked_at_the_start_is_waited_for_unless_a_signal_comes() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(5)));
    let run = format!("run list.csv {}", swiftly(&sandbox));
    program.complete(&run).await.ended_with(0);
    program.write("list.csv", list(ids(10)));
    for stopped in [true, false] {
        let other = locked(&program);
        let child = program.start_logged(&run);
        until("the wait", || program.log().contains(LOCKED)).await;
        if stopped {
            kill(&child, "TERM");
            wait(child).await.ended_with(143);
            assert!(program.log().contains("before anything was withdrawn"), "{}", program.log());
        } else {
            tokio::time::sleep(Duration::from_millis(1_200)).await;
            other.execute_batch("COMMIT").unwrap();
            wait(child).await.ended_with(0);
        }
        assert_eq!(sandbox.record().calls, if stopped { 5 } else { 10 });
    }
}

/// Where one of the two has no room, the other still gets what there is to tell. Limits as below.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_for_one_file_keeps_nothing_from_the_other() {
    // Short rows fill the ledger's log first, rows that carry much the report: the log is used anew from 4 MiB on.
    for (carried, limit, reason) in [(0, 600, "ledger"), (50_000, 12_000, "report")] {
        let sandbox = swift(|options| options.latency = Duration::from_millis(10)..=Duration::from_millis(10)).await;
        let program = Program::new();
        let note = "x".repeat(carried);
        let rows = ids(400).map(|id| format!("{id},{note}\n")).collect::<String>();
        program.write("list.csv", format!("invitation_id,note\n{rows}"));
        let run = format!("run list.csv {}", swiftly(&sandbox));
        let ran = wait(spawn(program.shell(&format!("ulimit -f {limit}"), &run))).await;
        ran.ended_with(6).says(&format!("stopped               the {reason} "));
        let (summary, record) = (program.summary(), sandbox.record());
        assert!(record.withdrawn > 0 && record.withdrawn < 400, "{reason}: {record:?}");
        assert_eq!(
            (&summary["rows"]["withdrawn"], &summary["calls"]),
            (&record.withdrawn.into(), &record.calls.into())
        );
        if reason == "ledger" {
            let report = program.report("report.csv");
            assert_eq!((report.lines.len(), report.count("withdrawn") as u64), (400, record.withdrawn));
        } else {
            program.complete(&run).await.ended_with(0);
            let record = sandbox.record();
            assert_eq!((record.calls, record.withdrawn), (400, 400), "called again");
        }
    }
}

/// A limit on the size of files stands in for a full disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_the_run_and_loses_nothing() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(1_000)));
    let flags = swiftly(&sandbox).replace("-o report.csv", "-o /dev/null");
    let mut command = program.shell("ulimit -f 600", &format!("run list.csv {flags}"));
    let ran = tokio::task::spawn_blocking(move || Ran::from(command.output().unwrap())).await.unwrap();
    ran.ended_with(6).says("can't be written").says("run the same command again");
    let charged = sandbox.record().charged;
    assert!(charged > 0 && charged < 1_000, "{charged} before the limit");

    program.complete(&format!("run list.csv {}", swiftly(&sandbox))).await.ended_with(0);
    let (report, record) = (program.report("report.csv"), sandbox.record());
    assert_eq!(report.lines.len(), 1_000);
    assert_eq!(record.withdrawn, 1_000);
    assert!(record.calls <= 1_000 + 16, "{} calls for 1,000 rows", record.calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_knows_what_is_settled_and_takes_no_lock() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("first.csv", list(ids(5))).write("list.csv", list(ids(8)));
    program.complete(&format!("run first.csv {}", swiftly(&sandbox))).await.ended_with(0);
    let calls = sandbox.record().calls;
    let ran = program.run(&format!("run list.csv --dry-run --summary - --base-url {}", sandbox.base_url()));
    ran.ended_with(0);
    let plan: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&plan["rows"]["already_settled"], &plan["rows"]["to_withdraw"]), (&5.into(), &3.into()));
    assert_eq!(sandbox.record().calls, calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn history_shows_days_and_single_invitations() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    let id = "7329176687475109888";
    program.write("list.csv", format!("{id}\n7329176687475109101\n7329176687475109107\n7329176687475109523\n"));
    program.complete(&format!("run list.csv {}", swiftly(&sandbox))).await.ended_with(1);

    let json = |arguments: &str| -> Vec<Value> {
        let ran = program.run(&format!("history --format json {arguments}"));
        ran.ended_with(0);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let days = json("");
    assert_eq!(days.len(), 1);
    let day = &days[0];
    let counts =
        ["withdrawn", "not_pending", "failed", "credits", "credits_possible"].map(|name| day[name].as_u64().unwrap());
    assert_eq!(counts, [2, 1, 1, 1, 5]);
    assert_eq!((day["account"].as_str(), day["api"].as_str()), (Some("default"), Some(sandbox.base_url().as_str())));
    assert!(json("--since 2999-01-01").is_empty());

    let known = json(&format!("--id {id}"));
    assert_eq!(known.len(), 1);
    assert_eq!((known[0]["outcome"].as_str(), known[0]["credits"].as_u64()), (Some("withdrawn"), Some(1)));
    let csv = program.run("history --format csv").stdout;
    assert!(csv.starts_with("day,account,withdrawn,not_pending,failed,credits,credits_possible,api\n20"), "{csv}");
    let table = program.run(&format!("history --id {id} --format table")).stdout;
    assert!(table.contains("Connection invitation withdrawn successfully"), "{table}");
    for view in ["", &format!("--id {id}"), "--id 7329176687475109523"] {
        let table = program.run(&format!("history --format table {view}")).stdout;
        assert!(table.starts_with("at  ") || table.starts_with("http:"), "{table}");
    }
    for (view, what) in [("--id 1000000", "of 1000000"), ("--since 2999-01-01", "of that time")] {
        let ran = program.run(&format!("history --format table {view}"));
        ran.ended_with(0).says(&format!("no records {what}\n"));
        assert_eq!((ran.stdout.as_str(), ran.stderr.lines().count()), ("", 1));
    }
    assert_eq!(program.run("history --id 1000000").stdout.lines().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forgotten_is_called_for_again() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(3)));
    let command = format!("run list.csv {}", swiftly(&sandbox));
    program.complete(&command).await.ended_with(0);
    let id = ids(1).next().unwrap();
    program.run(&format!("history --forget {id}")).ended_with(2).says("--yes");
    program
        .run(&format!("history --forget {id} --yes"))
        .ended_with(0)
        .says("forgot 1 invitation; the cost of past calls stays on record\n");
    program.complete(&command).await.ended_with(0);
    let report = program.report("report.csv");
    assert_eq!((report.count("not_pending"), report.count("already_settled")), (1, 2));
    program.run("history --forget-before 2999-01-01 --yes").ended_with(0);
    program.complete(&command).await.ended_with(0);
    assert_eq!(program.report("report.csv").count("not_pending"), 3);
}

#[test]
fn a_history_without_a_ledger_is_an_error() {
    let program = Program::new();
    let ran = program.run("history");
    ran.ended_with(2).says("there is no ledger at");
    assert_eq!(ran.stderr.lines().count(), 1);
}
