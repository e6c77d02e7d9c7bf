//! What is said before anything is withdrawn: the plan, what it costs, and the question.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use bulk_withdraw::sandbox::StockItem;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::json;

use crate::support::{
    Api, DAY, LEDGER, Program, Ran, SWIFTLY, ids, list, on_both_versions, spawn, swift, unlimited, wait, with_stock,
    withdrawn,
};

on_both_versions!(a_reviewed_plan_is_carried_out_without_another_list, the_balance_is_said_in_a_dry_run);

/// The exit code, and what a terminal shows on which each question is answered like this.
async fn on_a_terminal(command: Command, answer: &'static str) -> (Option<i32>, String) {
    let answers: &[_] = &[("[y/N] ", answer)];
    typing(command, answers).await
}

/// The same where lines are typed as soon as these words are there, the last again and again.
async fn typing(mut command: Command, lines: &[(&'static str, &'static str)]) -> (Option<i32>, String) {
    let mut lines = lines.to_vec();
    let mut terminal = File::from(openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap());
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let end = File::options().read(true).write(true).open(OsStr::from_bytes(name.to_bytes())).unwrap();
    let mut child = command.stdin(end.try_clone().unwrap()).stderr(end).stdout(Stdio::null()).spawn().unwrap();
    // It holds the other end of the terminal, too.
    drop(command);
    let read = move || {
        let (mut text, mut bytes, mut asked) = (String::new(), [0; 4_096], 0);
        // Linux calls it an error when nobody has the other end any more.
        while let Ok(count @ 1..) = terminal.read(&mut bytes) {
            text.push_str(&String::from_utf8_lossy(&bytes[..count]));
            let (words, line) = lines[0];
            if text.matches(words).count() > asked {
                asked += 1;
                terminal.write_all(format!("{line}\n").as_bytes()).unwrap();
                if lines.len() > 1 {
                    (lines, asked) = (lines.split_off(1), 0);
                }
            }
        }
        (child.wait().unwrap().code(), text.replace('\r', ""))
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

const QUIETLY: &str = "--progress none -o report.csv";

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_shows_the_first_bad_rows_and_asks_by_name() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    let bad = "x\n7.32918E+18\n7329176687475100000\na b\n\"\"\n-1\n1.5\n";
    program.write("list.csv", list(ids(3)) + bad);
    let base = format!("--base-url {}", sandbox.base_url());
    let dry = program.complete(&format!("run list.csv --dry-run --summary summary.json {base}")).await;
    dry.ended_with(0).says("line 6            a spreadsheet has ruined this ID").says("    and 2 more\n");
    let rows = &program.summary()["first_bad_rows"];
    assert_eq!(rows.as_array().unwrap().len(), 5);
    assert_eq!((&rows[1]["row"], &rows[1]["line"], &rows[1]["outcome"]), (&json!(5), &json!(6), &json!("invalid")));
    assert!(rows[1]["reason"].as_str().unwrap().contains("scientific notation"), "{rows}");

    let (code, shown) = on_a_terminal(program.command(&format!("run list.csv {QUIETLY} {base}")), "n").await;
    assert_eq!(code, Some(2), "{shown}");
    insta::assert_snapshot!(shown);
    assert_eq!((sandbox.record().calls, program.files().len()), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_names_who_is_kept() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    let kept: Vec<_> = ids(7).collect();
    program.write("list.csv", list(ids(9))).write("keep.txt", kept.join("\n"));
    let run = format!("run list.csv --dry-run --keep keep.txt --base-url {}", sandbox.base_url());
    let dry = program.complete(&run).await;
    let [_, second, .., fifth, sixth, _] = kept.as_slice() else { panic!("{kept:?}") };
    dry.ended_with(0).says(&format!("    line 3            {second} kept: it is on the --keep list\n"));
    assert!(dry.stderr.contains(fifth.as_str()) && dry.stderr.contains("    and 2 more\n"), "{}", dry.stderr);
    assert!(!dry.stderr.contains(sixth.as_str()), "{}", dry.stderr);

    let stock = some_old();
    let sandbox = with_stock(&stock, |_| {}).await;
    let kept = stock.iter().map(|item| item.id.to_string()).collect::<Vec<_>>();
    program.write("keep.txt", kept[7..].join("\n"));
    let clean = format!("clean --older-than 30d --dry-run --keep keep.txt {}", unlimited(&sandbox));
    let names = "kept                  Person 7, MBA; Person 8, MBA; Person 9, MBA; Person 10, MBA; Person 11, MBA and 2 more\n";
    program.complete(&clean).await.ended_with(0).says(names);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_withdraw_is_said_and_not_asked() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(3)) + "x\n");
    let run = format!("run list.csv {QUIETLY} {}", unlimited(&sandbox));
    let (code, shown) = on_a_terminal(program.command(&run), "y").await;
    assert!(code == Some(1) && shown.contains("Withdraw 3 invitations from default? [y/N] "), "{shown}");
    let (code, shown) = on_a_terminal(program.command(&run), "y").await;
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("\nNothing to withdraw: 3 already settled, 1 invalid.\n"), "{shown}");
    assert!(!shown.contains("[y/N]") && !shown.contains("each retry may cost"), "{shown}");
    assert_eq!((sandbox.record().calls, program.report("report.csv").count("already_settled")), (3, 3));
    // Nobody is old enough.
    let clean = format!("clean --older-than 9y {QUIETLY} {}", unlimited(&sandbox));
    let (code, shown) = on_a_terminal(program.command(&clean), "y").await;
    assert!(
        code == Some(0) && shown.contains("\nNothing to withdraw: none of the ") && !shown.contains("[y/N]"),
        "{shown}"
    );
    let ran = program.complete(&format!("{clean} --yes")).await;
    ran.ended_with(0).says(" INFO Nothing to withdraw: none of the ").says(" pending is old enough.\n");
    assert_eq!(program.complete(&format!("{clean} --yes -q")).await.ended_with(0).stderr, "");
}

fn some_old() -> Vec<StockItem> {
    let mut stock: Vec<_> = (0..14).map(|at| StockItem::aged(DAY * (5 + 12 * at), Timestamp::now())).collect();
    (0..).zip(&mut stock).for_each(|(at, item): (usize, _)| {
        item.name = format!("Person {at}, MBA");
        item.headline = "Beekeeper".to_owned();
    });
    stock
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_s_cost_is_said_before_it_is_fetched_and_who_goes_before_it_is_asked() {
    let stock = some_old();
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::new();
    program.write("keep.txt", format!("{}\n", stock[13].id));
    let clean = format!("clean --older-than 30d --keep keep.txt {QUIETLY} {}", unlimited(&sandbox));
    let (code, shown) = on_a_terminal(program.command(&clean), "n").await;
    assert_eq!(code, Some(2), "{shown}");
    // The days are another test's, and so is the table at the end.
    let (plan, _) = shown.split_once("[y/N]").unwrap();
    let words = plan.split_inclusive(char::is_whitespace).map(|word| {
        let is_day = word.trim_end().trim_end_matches(',').parse::<Date>().is_ok();
        if is_day { format!("<day>{}", &word["2026-11-26".len()..]) } else { word.to_owned() }
    });
    insta::assert_snapshot!(words.collect::<String>());
    assert_eq!((sandbox.record().list_calls, sandbox.record().calls), (2, 0));
    let (_, shown) = on_a_terminal(program.command(&clean), "y").await;
    assert!(shown.starts_with("Fetching the list: 1 credit per page of 10, about 2 last time. "), "{shown}");
    assert_eq!(sandbox.record().calls, 10);
    let ran = program.complete(&format!("{clean} --yes")).await;
    ran.ended_with(0).says("fetching the list: 1 credit per page of 10, about ");
}

async fn a_reviewed_plan_is_carried_out_without_another_list(api: Api) {
    let stock = some_old();
    for shares in [1, 2] {
        let sandbox = with_stock(&stock, |_| {}).await;
        let program = Program::on(api);
        let clean = format!("clean --older-than 30d --dry-run {}", unlimited(&sandbox));
        program.complete(&clean).await.ended_with(0);
        assert_eq!(program.files(), [""; 0], "without -o nothing is written");
        program.complete(&format!("{clean} -o no/such/plan.csv")).await.ended_with(2).says("no/such/plan.csv");
        let listed = sandbox.record().list_calls;
        let ran = program.complete(&format!("{clean} -o plan.csv")).await;
        ran.ended_with(0).says("bulk-withdraw run plan.csv ");
        assert_eq!(sandbox.record().list_calls, 2 * listed, "a list was paid for that could not be written");
        assert_eq!(program.files(), ["plan.csv"]);
        let plan = program.read("plan.csv");
        assert!(plan.starts_with("invitation_id,entity_urn,account,name,profile_url,"), "{plan}");
        assert_eq!(plan.lines().count(), 12);
        for share in 1..=shares {
            let own = format!("--partition {share}/{shares} --ledger {share}.db -o {share}-of-{shares}.csv");
            program.complete(&format!("run plan.csv --yes {own} {}", unlimited(&sandbox))).await.ended_with(0);
        }
        let old = stock[3..].iter().map(|item| item.id.to_string()).collect();
        assert_eq!((withdrawn(&sandbox), sandbox.record().list_calls), (old, 2 * listed));
    }
}

/// Copied as it is, it goes to the same API and ledger, within the same limits.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_s_next_step_keeps_the_options_that_it_was_made_with() {
    let sandbox = with_stock(&some_old(), |_| {}).await;
    let program = Program::new();
    let own = "--older-than 30d --max-withdrawals 3 --ledger own.db --dry-run --yes --summary plan.json -o plan.csv";
    let ran = program.complete(&format!("clean {own} {}", unlimited(&sandbox))).await;
    let (_, command) = ran.ended_with(0).stderr.split_once("to withdraw these     bulk-withdraw ").unwrap();
    let (command, _) = command.split_once('\n').unwrap();
    assert!(
        !["--yes", "--dry-run", "--older-than", "plan.json"].iter().any(|flag| command.contains(flag)),
        "{command}"
    );
    program
        .complete(&format!("{command} --yes -o report.csv"))
        .await
        .ended_with(0)
        .says("--max-withdrawals is used up");
    assert_eq!(withdrawn(&sandbox).len(), 3);
    assert!(program.path("own.db").exists() && !program.path(LEDGER).exists());

    let ran = program.complete("clean --older-than 30d --sandbox --dry-run -o plan.csv").await;
    ran.ended_with(0).says("to withdraw these     nothing: this was only a rehearsal (--sandbox)\n");
    assert!(!ran.stderr.contains("bulk-withdraw run"), "{}", ran.stderr);
}

/// A key that was pressed while a slow list was fetched is no yes.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_before_the_question_is_no_answer() {
    let late = Duration::from_millis(300);
    let sandbox = with_stock(&some_old(), |options| options.latency = late..=late).await;
    let program = Program::new();
    let clean = program.command(&format!("clean --older-than 30d {QUIETLY} {}", unlimited(&sandbox)));
    let (code, shown) = typing(clean, &[("Fetching the list", "y"), ("[y/N] ", "n")]).await;
    assert_eq!((code, sandbox.record().calls), (Some(2), 0), "{shown}");
    let said = "Nothing was withdrawn (you answered no). The list cost 2 credits.";
    assert_eq!(shown.split_whitespace().collect::<Vec<_>>().join(" ").matches(said).count(), 1, "{shown}");
    assert_eq!(shown.to_lowercase().matches("nothing was withdrawn").count(), 1, "{shown}");
}

/// A cap that is used up leaves nothing to ask about.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_before_the_cap_leaves_room() {
    let sandbox = with_stock(&some_old(), |_| {}).await;
    let program = Program::new();
    let clean = format!("clean --older-than 30d --daily-cap 4 {QUIETLY} {}", unlimited(&sandbox));
    let (_, shown) = on_a_terminal(program.command(&clean), "y").await;
    assert!(shown.contains("Withdraw up to 4 of 11 invitations from default? [y/N] "), "{shown}");
    let (code, shown) = on_a_terminal(program.command(&clean), "y").await;
    assert!(shown.contains("\nNothing can be withdrawn before ") && shown.contains("(--daily-cap 4; 7"), "{shown}");
    assert!(code == Some(0) && !shown.contains("[y/N]"), "{shown}");
    let (_, shown) = on_a_terminal(program.command(&clean.replace("cap 4", "cap 0")), "y").await;
    assert!(shown.contains("\nNothing can be withdrawn: a limit allows none (7 are left).\n"), "{shown}");
    assert!(!shown.contains("[y/N]") && !shown.contains("same command again"), "{shown}");
    assert_eq!(sandbox.record().calls, 4);
}

/// Without a list there is no plan, and no figures of one.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_a_list_says_why() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let program = Program::new();
    let dry = format!("clean --older-than 30d --dry-run --retries 0 --base-url http://{closed} --summary summary.json");
    let ran = program.complete(&dry).await;
    ran.ended_with(2).says("No plan: page 1 of the list could not be fetched");
    assert_eq!(program.summary()["input_complete"], json!(false));
    assert!(!ran.stderr.contains("pending:") && !ran.stderr.contains("othing to withdraw"), "{}", ran.stderr);
}

/// What was paid for is kept, but a list that stopped before its first page leaves an older plan as it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_a_list_that_broke_off_says_so() {
    let stock: Vec<_> = (0..25).map(|at| StockItem::aged(DAY * (40 + at), Timestamp::now())).collect();
    let sandbox = with_stock(&stock, |options| options.credits = Some(2)).await;
    let program = Program::new();
    let clean = format!("clean --older-than 30d --dry-run -o plan.csv {}", unlimited(&sandbox));
    program.complete(&clean).await.ended_with(2).says("the list broke off");
    assert_eq!(program.read("plan.csv").lines().count(), 21);
    program.complete(&clean).await.ended_with(2).says("No plan: credits used up");
    assert_eq!((program.read("plan.csv").lines().count(), program.files()), (21, vec!["plan.csv".to_owned()]));
}

async fn the_balance_is_said_in_a_dry_run(api: Api) {
    let stock = some_old();
    let sandbox = with_stock(&stock, |options| options.credits = Some(7)).await;
    let program = Program::on(api);
    program.write("two.csv", list(ids(2))).write("ten.csv", list(ids(10)));
    let flags = format!("--dry-run --summary summary.json {}", unlimited(&sandbox));
    let is_known = api == Api::V2;
    for (command, balance, says) in [
        ("run two.csv", 7, "the balance is 7 credits\n"),
        ("run ten.csv", 7, "the balance is 7 credits, and this may take 10"),
        ("clean --older-than 30d", 5, "the balance is 5 credits, and this may take 11"),
    ] {
        let before = sandbox.record();
        let ran = program.complete(&format!("{command} {flags}")).await;
        assert_eq!(ran.ended_with(0).stderr.contains(says), is_known, "{command}: {}", ran.stderr);
        assert_eq!(program.summary()["balance"], if is_known { json!(balance) } else { json!(null) }, "{command}");
        assert_eq!(sandbox.record().calls, before.calls);
        assert_eq!(program.path(LEDGER).exists(), command.starts_with("clean"), "{command} left a ledger");
    }
    // Nobody is asked without credentials, or for a rehearsal.
    let bare = program.bare_command(&format!("run two.csv --api {} {flags}", api.name()));
    let ran = wait(spawn(bare)).await;
    assert!(!ran.ended_with(0).stderr.contains("balance"), "{}", ran.stderr);
    let ran = program.complete("run two.csv --dry-run --sandbox").await;
    assert!(!ran.ended_with(0).stderr.contains("balance"), "{}", ran.stderr);
}

/// A row number that was taken for an ID.
#[tokio::test(flavor = "multi_thread")]
async fn a_short_id_is_asked_about_and_warned_of() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    let long = "7329176687475109888";
    program
        .write("bare.csv", "1,Ada,https://example.test/ada\n2,Bob,https://example.test/bob\n")
        .write("nr.csv", format!("Nr,invitation_id\n3,{long}\n"))
        .write("ids.jsonl", "{\"Nr\": 4}\n5\n")
        .write("urn.csv", "invitation_id,entity_urn\n2906418534,urn:li:invitation:2906418534\nurn:li:invitation:7,\n")
        .write("long.csv", format!("{long}\n"));
    let (said, advice) = ("fewer than 15 digits (first: ", "name the column of IDs with --id-column");
    let flags = format!("--ledger fresh.db {} -o report.csv", unlimited(&sandbox));
    for (input, found) in [
        ("bare.csv", Some(("2 IDs have", "1, line 1"))),
        ("nr.csv", None),
        ("nr.csv --id-column Nr", Some(("1 ID has", "3, line 2"))),
        ("ids.jsonl --id-column Nr --output-format csv", Some(("2 IDs have", "4, line 1"))),
        ("urn.csv", None),
        ("long.csv", None),
    ] {
        let dry = program.complete(&format!("run {input} {flags} --dry-run")).await;
        let ran = program.complete(&format!("run {input} {flags} --yes")).await;
        for ran in [dry, ran] {
            let is_said = ran.ended_with(0).stderr.contains(said);
            assert_eq!(is_said, found.is_some(), "{input}: {}", ran.stderr);
            let (count, first) = found.unwrap_or_default();
            ran.says(count).says(first).says(if is_said { advice } else { "" });
        }
    }
    let run = format!("run bare.csv --recheck {QUIETLY} {}", unlimited(&sandbox));
    let (code, shown) = on_a_terminal(program.command(&run), "n").await;
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("\nwarning               2 IDs have fewer than 15 digits (first: 1, line 1)"), "{shown}");
    assert!(shown.contains("Withdraw 2 invitations (2 with short IDs) from default? [y/N] "), "{shown}");
    let piped = |input: &str| program.shell(&format!("exec < {input}"), &format!("run - --recheck --yes {flags}"));
    let ran = wait(spawn(piped("bare.csv"))).await;
    ran.ended_with(0).says("line 1: 1 is short for an invitation ID").says(advice);
    assert_eq!(ran.stderr.matches("is short").count(), 1, "{}", ran.stderr);
    let ran = wait(spawn(piped("urn.csv"))).await;
    assert!(!ran.ended_with(0).stderr.contains("is short"), "{}", ran.stderr);
}

/// A list of this program that LibreOffice 7.4 opened and saved: as .xlsx and from there as CSV, and as CSV with semicolons.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_a_spreadsheet_has_saved_is_withdrawn_by_its_urns() {
    for saved in [
        "invitation_id,entity_urn,account,name,age_days,sent_on\n\
         7.53159000001452E+018,urn:li:invitation:7531590000014524416,default,Ravi van den Berg,0,2026-11-26\n\
         7.53129807645613E+018,urn:li:invitation:7531298076456128513,default,José O'Neill,0,2026-11-25\n",
        "\"invitation_id\";\"entity_urn\";\"account\";\"name\";\"age_days\";\"sent_on\"\n\
         7.53159000001452E+018;\"urn:li:invitation:7531590000014524416\";\"default\";\"Ravi van den Berg\";0;2026-11-26\n\
         7.53129807645613E+018;\"urn:li:invitation:7531298076456128513\";\"default\";\"José O'Neill\";0;2026-11-25\n",
    ] {
        let sandbox = swift(|_| {}).await;
        let program = Program::new();
        program.write("saved.csv", saved);
        let run = format!("run saved.csv {SWIFTLY} --base-url {}", sandbox.base_url());
        program.complete(&run).await.ended_with(0);
        let report = program.report("report.csv");
        let ids: Vec<_> = report.lines.values().map(|line| line["invitation_id"].as_str()).collect();
        assert_eq!(ids, ["7531590000014524416", "7531298076456128513"]);
        assert_eq!(report.count("withdrawn"), 2);
    }
}

#[test]
fn a_plan_counts_the_time_until_its_hours_begin() {
    let program = Program::new();
    program.write("list.csv", list(ids(3)));
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    let hour = |ahead: i64| now.saturating_add(ahead.hours()).strftime("%H:%M").to_string();
    let planned = |hours: String| {
        let run = format!("run list.csv --dry-run --summary summary.json --between {hours}");
        let ran = Ran::from(program.command(&run).env("TZ", "UTC").output().unwrap());
        let is_said = ran.ended_with(0).stderr.contains(", when --between opens\n");
        (program.summary()["time_s"].as_f64().unwrap(), is_said)
    };
    let (closed, is_said) = planned(format!("{}-{}", hour(3), hour(4)));
    assert!(is_said && (2.9 * 3_600.0..3.1 * 3_600.0).contains(&closed), "{closed}");
    let (open, is_said) = planned(format!("{}-{}", hour(-1), hour(2)));
    assert!(!is_said && open < 60.0, "{open}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_that_the_plan_says_is_not_said_again() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    let run = format!("run list.csv {QUIETLY} --base-url {}", sandbox.base_url());
    for (bad, times) in [("a b\n", 1), ("a b\na c\na d\na e\na f\na g\n", 6)] {
        program.write("list.csv", format!("invitation_id\n{bad}"));
        let (code, text) = on_a_terminal(program.command(&run), "n").await;
        assert_eq!((code, text.matches("not an invitation ID").count()), (Some(1), times), "{text}");
        assert_eq!(text.contains("1 x invalid, as the plan above says"), times == 1, "{text}");
    }
}
