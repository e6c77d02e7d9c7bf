//! Report and summary: their contents, where they go, and what they never overwrite.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::support::{Program, Ran, Report, ids, list, swift, swiftly};

const SANDBOX: &str = "--sandbox --rate unlimited --retry-base 1ms";

/// Replaces times and durations, which differ from run to run.
fn without_times(report: &str) -> String {
    let moment = |text: &str| text.len() == 24 && text.ends_with('Z') && text.starts_with("20");
    let day = |text: &str| text.len() == 10 && text.starts_with("20") && text.as_bytes()[4] == b'-';
    let mut replaced = String::new();
    for line in report.lines() {
        let mut after_moment = false;
        let cells: Vec<_> = line
            .split(',')
            .map(|cell| {
                let shown = if day(cell) {
                    "<day>"
                } else if moment(cell) {
                    "<time>"
                } else if after_moment && !cell.is_empty() {
                    "<ms>"
                } else {
                    cell
                };
                after_moment = moment(cell);
                shown
            })
            .collect();
        replaced.push_str(&cells.join(","));
        replaced.push('\n');
    }
    replaced
}

const INPUT: &str = "\
invitation_id,name,row,account
7329176687475109888,=cmd(),first,
7329176687475109101,\"Ann, of \"\"X\"\"\",second,
7.32918E+18,Bob,third,
7329176687475109888,Cid,fourth,
seven,Dan,fifth,nobody
7329176687475109607,Eve,sixth,default
";

/// Whatever a name holds, it neither acts on the terminal nor makes a line of its own.
#[test]
fn no_name_controls_the_terminal() {
    let program = Program::new();
    let evil = "a\u{1b}[2J\r\u{9b}31m\nb\u{202e}.csv";
    program.write("list.csv", list(ids(3))).write(evil, list(ids(3)));
    // In an error, a log in color, a log as JSON with a summary's table, a plan, a setting.
    for (arguments, name, code) in [
        ("run --sandbox --rate unlimited --yes", format!("no/{evil}"), 2),
        ("run list.csv --sandbox --rate unlimited --color always -o results.csv --keep", evil.to_owned(), 0),
        ("run list.csv --sandbox --rate unlimited --log-format json -o", format!("report-{evil}"), 0),
        ("run --sandbox --dry-run", evil.to_owned(), 0),
        ("config --sandbox --keep", evil.to_owned(), 0),
    ] {
        let mut command = program.command(arguments);
        let ran = Ran::from(command.arg(name).env("BULK_WITHDRAW_X\u{1b}[2J\rY", "1").output().unwrap());
        ran.ended_with(code);
        let shown = format!("{}\n{}", ran.stdout, ran.stderr);
        let mut escapes = shown.split('\u{1b}').skip(1);
        let of_the_log = |rest: &str| ["[0m", "[2m", "[32m", "[33m"].iter().any(|color| rest.starts_with(color));
        assert!(escapes.all(of_the_log), "{arguments}: {shown:?}");
        assert!(!shown.contains(['\r', '\u{9b}', '\u{202e}', '\u{85}']), "{arguments}: {shown:?}");
        assert!(!shown.lines().any(|line| line.starts_with("b\u{fffd}.csv")), "{arguments}: {shown:?}");
    }
}

#[test]
fn a_report_as_csv() {
    let program = Program::new();
    program.write("list.csv", INPUT);
    program.run(&format!("run list.csv {SANDBOX} --concurrency 1 -o report.csv")).ended_with(1);
    let mut lines: Vec<_> = without_times(&program.read("report.csv")).lines().map(str::to_owned).collect();
    // Rows that need no call don't wait for those that do.
    lines[1..].sort();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_report_as_json_lines() {
    let program = Program::new();
    program.write(
        "list.jsonl",
        "{\"invitation_id\": 7329176687475109888, \"name\": \"=cmd()\", \"tags\": [1, 2.50], \"row\": null}\n\"x\"\n",
    );
    program.run(&format!("run list.jsonl {SANDBOX} -o report.jsonl")).ended_with(1);
    let mut lines: Vec<Value> =
        program.read("report.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.sort_by_key(|line| line["row"].as_u64());
    for line in &mut lines {
        assert!(line["settled_at"].as_str().unwrap().ends_with('Z'));
        line["settled_at"] = "<time>".into();
        if line["reinvite_on"].is_string() {
            line["reinvite_on"] = "<day>".into();
        }
        if line["duration_ms"].is_number() {
            line["duration_ms"] = "<ms>".into();
        }
    }
    let text: Vec<_> = lines.iter().map(|line| format!("{line:#}")).collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn a_report_names_lines_urns_and_the_day_to_invite_again() {
    let program = Program::new();
    // Withdrawn, accepted already, presumed withdrawn; a URN for a ruined ID, a ruined ID, and the first one again.
    let input = "invitation_id;entity_urn;note\r\n7329176687475109888;;\"two\r\nlines\"\r\n\r\n7329176687475109101;;\r\n\
                 7329176687475109607;;\r\n7.3E+18;urn:li:fsd_invitation:7329176687475113984;\r\n\
                 7.3E+18;urn:li:member:7;\r\n7329176687475109888;;\r\n";
    program.write("list.csv", format!("\u{feff}{input}"));
    let arguments = format!("run list.csv {SANDBOX} --ledger mine.db -o");
    for (report, outcomes) in [
        ("first.csv", ["withdrawn", "not_pending", "presumed_withdrawn", "withdrawn", "invalid", "duplicate"]),
        (
            "again.csv",
            ["already_settled", "already_settled", "already_settled", "already_settled", "invalid", "duplicate"],
        ),
    ] {
        program.run(&format!("{arguments} {report}")).ended_with(1);
        // Delimiter and byte order mark are those of the input.
        let text = program.read(report);
        assert!(text.starts_with("\u{feff}row;line;invitation_id;entity_urn;account;"), "{text}");
        let report = Report::parse(&text);
        assert_eq!(report.outcomes(), outcomes);
        let cells = |name: &str| report.lines.values().map(|line| line[name].clone()).collect::<Vec<_>>();
        assert_eq!(cells("line"), ["2", "5", "6", "7", "8", "9"]);
        let urn = |id: &str| format!("urn:li:invitation:{id}");
        let urns =
            ["7329176687475109888", "7329176687475109101", "7329176687475109607", "7329176687475113984"].map(urn);
        assert_eq!(cells("entity_urn")[..4], urns);
        assert_eq!(cells("entity_urn")[4..], ["urn:li:member:7".to_owned(), urns[0].clone()]);
        assert!(!report.header.contains(&"input_entity_urn".to_owned()), "{:?}", report.header);
        for line in report.lines.values() {
            let is_withdrawn = ["1", "3", "4"].contains(&line["row"].as_str());
            let day: Timestamp = line["settled_at"].parse().unwrap();
            let day = (day + Duration::from_secs(21 * 86_400)).strftime("%F").to_string();
            assert_eq!(line["reinvite_on"], if is_withdrawn { day } else { String::new() }, "{line:?}");
        }
    }
}

/// A name's ending says how to write; one that says nothing ends the command before anything is sent or created.
#[test]
fn the_format_of_a_report_must_be_known() {
    let program = Program::new();
    program.write("list.csv", INPUT);
    for arguments in [
        "run list.csv -o report.text",
        "run list.csv -o report.text --dry-run",
        "list -o report.txt",
        "clean --older-than 30d -o report.json",
    ] {
        let ran = program.run(&format!("{arguments} {SANDBOX}"));
        ran.ended_with(2).says("the format of report.").says("end it in .csv or .jsonl, or pass --output-format");
        assert_eq!(program.files(), ["list.csv"]);
    }
    for name in ["report.xlsx", "report.ODS"] {
        for arguments in ["run list.csv", "list", "clean --older-than 30d --dry-run"] {
            let ran = program.run(&format!("{arguments} -o {name} {SANDBOX}"));
            ran.ended_with(2).says(name).says("end its name in .csv, which spreadsheets open");
        }
    }
    assert_eq!(program.files(), ["list.csv"]);
    program.run(&format!("run list.csv -o report.txt --output-format jsonl {SANDBOX}")).ended_with(1);
    assert!(program.read("report.txt").starts_with("{\"row\":"));
    program.run(&format!("run list.csv -o report {SANDBOX}")).ended_with(1);
    assert!(program.read("report").starts_with("row,"));
}

/// From the call, not from its answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_s_duration_includes_its_call() {
    let latency = Duration::from_millis(60);
    let sandbox = swift(|options| options.latency = latency..=latency).await;
    let program = Program::new();
    program.write("list.csv", list(ids(2)));
    program.complete(&format!("run list.csv {}", swiftly(&sandbox))).await.ended_with(0);
    let report = program.report("report.csv");
    for line in report.lines.values() {
        let duration: u64 = line["duration_ms"].parse().unwrap();
        assert!(line["attempts"] == "1" && duration >= 60, "{line:?}");
    }
}

#[test]
fn a_report_can_be_the_input_of_the_next_run() {
    let program = Program::new();
    program.write("list.csv", INPUT);
    program.run(&format!("run list.csv {SANDBOX} -o first.csv")).ended_with(1);
    program.run(&format!("run first.csv {SANDBOX} -o second.csv")).ended_with(1);
    let (first, second) = (program.report("first.csv"), program.report("second.csv"));
    assert_eq!(first.lines.len(), second.lines.len());
    for name in ["input_row", "input_input_row", "input_outcome", "name"] {
        assert!(second.header.contains(&name.to_owned()), "{:?}", second.header);
    }
    assert_eq!(second.lines.values().filter(|line| line["name"] == "'=cmd()").count(), 1);
}

#[test]
fn the_report_of_standard_input_goes_to_standard_output() {
    for (input, is_csv) in
        [("invitation_id\n7329176687475109888\n", true), ("{\"invitation_id\": 7329176687475109888}\n", false)]
    {
        let program = Program::new();
        let mut command = program.bare_command(&format!("run - {SANDBOX}"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let ran = Ran::from(child.wait_with_output().unwrap());
        ran.ended_with(0);
        if is_csv {
            assert_eq!(Report::parse(&ran.stdout).outcomes(), ["withdrawn"]);
        } else {
            let line: Value = serde_json::from_str(&ran.stdout).unwrap();
            assert_eq!(
                (&line["outcome"], &line["invitation_id"]),
                (&"withdrawn".into(), &"7329176687475109888".into())
            );
        }
        assert!(program.files().is_empty());
    }
}

#[test]
fn a_summary_is_one_json_object() {
    let program = Program::new();
    program.write("list.csv", INPUT);
    let ran = program.run(&format!("run list.csv {SANDBOX} -o report.csv --summary -"));
    ran.ended_with(1);
    let mut summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    for name in ["run_id", "started_at", "finished_at"] {
        assert!(summary[name].is_string(), "{name}");
        summary[name] = "<differs>".into();
    }
    assert!(summary["elapsed_s"].as_f64().unwrap() > 0.0);
    summary["elapsed_s"] = "<differs>".into();
    insta::assert_snapshot!(format!("{summary:#}"));
}

#[test]
fn the_table_for_people() {
    let program = Program::new();
    program.write("list.csv", INPUT);
    let ran = program.run(&format!("run list.csv {SANDBOX} -o report.csv -q"));
    ran.ended_with(1);
    let table: Vec<_> =
        ran.stderr.lines().filter(|line| !line.starts_with("time") && !line.starts_with("report")).collect();
    insta::assert_snapshot!(table.join("\n"));
    let report = ran.stderr.lines().find(|line| line.starts_with("report")).unwrap();
    assert!(report.ends_with("report.csv"), "{report}");
    // Of it the last lines.
    let ran = program.run(&format!("run list.csv {SANDBOX} -o report.csv -qq"));
    assert_eq!(ran.stderr.lines().filter(|line| line.starts_with("bulk-withdraw: cause: 1 × ")).count(), 2);
}

#[test]
fn quiet_says_nothing_where_all_is_fine_and_why_it_stopped_at_most() {
    let program = Program::new();
    program.write("fine.csv", list(ids(2)));
    assert_eq!(program.run(&format!("run fine.csv {SANDBOX} -o report.csv -q")).ended_with(0).stderr, "");
    let ran = program.run(&format!("run fine.csv {SANDBOX} -o report.csv -qq --max-withdrawals 1"));
    assert_eq!(ran.ended_with(0).stderr, "bulk-withdraw: stopped: --max-withdrawals is used up\n");
}

/// It is what was asked for.
#[test]
fn quiet_leaves_out_no_plan() {
    let program = Program::new();
    program.write("list.csv", list(ids(2)));
    for quiet in ["-q", "-qq"] {
        let ran = program.run(&format!("run list.csv {SANDBOX} --dry-run {quiet} --log-format json"));
        let lines = ran.ended_with(0).stderr.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        assert_eq!(lines.map(|line| line["event"].clone()).collect::<Vec<_>>(), ["plan", "run_finished"]);
        assert!(program.run(&format!("run list.csv {SANDBOX} --dry-run {quiet}")).stderr.starts_with("rows "));
    }
}

#[test]
fn an_output_never_overwrites_the_input_or_another_output() {
    let program = Program::new();
    program.write("list.csv", INPUT);
    fs::hard_link(program.path("list.csv"), program.path("link.csv")).unwrap();
    fs::copy(program.path("list.csv"), program.path("crashed.csv.partial")).unwrap();
    let cases = [
        ("run list.csv -o list.csv", "would overwrite the input"),
        ("run list.csv -o ./list.csv", "would overwrite the input"),
        ("run list.csv -o link.csv", "would overwrite the input"),
        ("run crashed.csv.partial --input-format csv -o crashed.csv", "would overwrite the input"),
        ("run list.csv -o report.csv --summary list.csv", "would overwrite the input"),
        ("run list.csv -o report.csv --summary report.csv", "would overwrite the report"),
        ("run list.csv -o report.csv --summary ./report.csv", "would overwrite the report"),
        ("run list.csv -o report.partial --summary report", "would overwrite the report"),
        ("run list.csv -o report --summary report.partial", "would overwrite the report"),
        ("run list.csv -o - --summary -", "standard output"),
        ("run - --summary -", "standard output"),
    ];
    for (arguments, message) in cases {
        let ran = program.run(&format!("{arguments} {SANDBOX}"));
        ran.ended_with(2).says(message);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    }
    assert_eq!(program.read("list.csv"), INPUT);
    assert_eq!(program.read("crashed.csv.partial"), INPUT);
    assert_eq!(program.files(), ["crashed.csv.partial", "link.csv", "list.csv"]);
}

/// Also through links and other spellings, and before either of them exists.
#[test]
fn the_ledger_is_not_overwritten() {
    let names = [
        ("-o known.db --ledger known.db", "the report"),
        ("-o known.db-wal --ledger known.db", "the report"),
        ("-o known.db-shm --ledger known.db", "the report"),
        ("-o known.db-journal --ledger known.db", "the report"),
        ("-o known.db.lock --ledger known.db", "the report"),
        ("-o sub/../known.db --ledger ./known.db", "the report"),
        ("-o link.db --ledger known.db", "the report"),
        ("-o known.db --ledger link.db", "the report"),
        ("-o known.db-wal --ledger link.db", "the report"),
        ("-o dir/known.db --ledger known.db", "the report"),
        ("-o report.csv --ledger report.csv.partial", "the report"),
        ("-o linked.csv --ledger ledger.db", "the report"),
        ("-o new.db --ledger new.db", "the report"),
        ("-o dangling.csv --ledger new.db", "the report"),
        ("-o dir/new.db-wal --ledger new.db", "the report"),
        ("-o new/../new.db --ledger new.db", "the report"),
        ("-o report.csv --summary known.db --ledger known.db", "the summary"),
        ("-o report.csv --summary new.db.lock --ledger new.db", "the summary"),
    ];
    let program = Program::new();
    program.write("list.csv", "7329176687475109888\n").write("report.csv", "");
    fs::create_dir(program.path("sub")).unwrap();
    for (link, target) in [
        ("link.db", "known.db"),
        ("dir", "."),
        ("dangling.csv", "new.db"),
        // Its `.partial` is created beside its target, where the ledger is.
        ("linked.csv", "ledger"),
        ("ledger.db", "ledger.partial"),
    ] {
        symlink(target, program.path(link)).unwrap();
    }
    program.write("ledger", "").write("ledger.partial", "");
    program.run(&format!("run list.csv {SANDBOX} --ledger known.db -o -")).ended_with(0);
    let (files, ledger) = (program.files(), fs::read(program.path("known.db")).unwrap());
    for (arguments, what) in names {
        for rehearsal in ["", "--dry-run"] {
            let ran = program.run(&format!("run list.csv {SANDBOX} {arguments} {rehearsal}"));
            ran.ended_with(2).says(&format!("{what} would overwrite the ledger: choose another name"));
            assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        }
    }
    // A rehearsal with another ledger, or without one.
    for (arguments, what) in [
        ("-o known.db", "the report"),
        ("-o link.db", "the report"),
        ("-o known.db-wal --ledger other.db", "the report"),
        ("-o - --summary known.db.lock", "the summary"),
    ] {
        let ran = program.run(&format!("run list.csv {SANDBOX} {arguments}"));
        ran.ended_with(2).says(&format!("{what} would overwrite a ledger: choose another name"));
    }
    assert!(fs::read(program.path("known.db")).unwrap() == ledger);
    assert_eq!(program.files(), files);
    // The default ledger, before it exists.
    let ran = program.run("run list.csv --yes --base-url http://127.0.0.1:9 -o .local/state/bulk-withdraw/ledger.db");
    ran.ended_with(2).says("would overwrite the ledger");
    assert!(!program.path(".local").exists());
}

/// Whichever place names them, and whether or not that place counts.
#[test]
fn no_output_replaces_a_file_that_the_settings_name() {
    let program = Program::new();
    program
        .write("list.csv", list(ids(1)))
        .write("config.toml", "api_key_file = \"key\"\n[accounts.a]\nlogin_token_file = \"token\"\n");
    fs::create_dir(program.path("secrets")).unwrap();
    for name in ["key", "token", "env-key", "secrets/linkup_login_token", "url"] {
        program.write(name, "http://127.0.0.1:9/secret");
        fs::set_permissions(program.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let options = [
        ("-o", "the report"),
        ("--summary", "the summary"),
        ("--html", "the page"),
        ("--metrics-file", "the metrics file"),
    ];
    for (name, is) in [
        ("config.toml", "the configuration file"),
        ("./key", "a file with a credential"),
        ("token", "a file with a credential"),
        ("env-key", "a file with a credential"),
        ("secrets/linkup_login_token", "a file with a credential"),
        ("url", "the file with the address to ping"),
    ] {
        let before = program.read(name);
        for (option, what) in options {
            let run =
                "run list.csv --sandbox --rate unlimited --output-format csv --config config.toml --ping-url-file url";
            // A later `-o` would count.
            let report = if option == "-o" { "" } else { "-o report.csv" };
            let mut command = program.bare_command(&format!("{run} {report} {option} {name}"));
            command.env("LINKUP_API_KEY_FILE", "env-key").env("CREDENTIALS_DIRECTORY", "secrets");
            let ran = Ran::from(command.output().unwrap());
            ran.ended_with(2).says(&format!("{what} would overwrite {is}: choose another name with {option}"));
            assert_eq!(program.read(name), before, "{option}");
        }
    }
    assert!(!program.path("report.csv").exists());
}

#[test]
fn an_output_that_can_not_be_written_ends_the_run_before_any_call() {
    let program = Program::new();
    program.write("list.csv", INPUT);
    for arguments in ["-o no/such/report.csv", "-o report.csv --summary no/such/summary.json"] {
        let ran = program.run(&format!("run list.csv {arguments} {SANDBOX}"));
        ran.ended_with(6).says("no/such/").says("choose another place");
        assert_eq!(program.files(), ["list.csv"]);
    }
}

#[test]
fn a_dry_run_that_fails_ends_with_2_and_leaves_at_most_its_summary() {
    let program = Program::new();
    program.write("list.csv", INPUT).write("file", "");
    // Long enough to be opened as a ledger, too short to be read.
    program.run(&format!("run list.csv {SANDBOX} --ledger broken.db -o - --yes")).ended_with(1);
    let ledger = fs::read(program.path("broken.db")).unwrap();
    program.write("broken.db", &ledger[..5_000]);
    let files = program.files();
    for (arguments, says) in [
        ("--summary no/such/summary.json", "choose another place with --summary"),
        ("--summary /dev/full", "the summary /dev/full could not be written"),
        ("--summary summary.json --ledger broken.db", "broken.db can't be read"),
        ("--summary summary.json --ledger file/ledger.db", "file/ledger.db can't be read"),
    ] {
        let ran = program.run(&format!("run list.csv {SANDBOX} --dry-run {arguments}"));
        ran.ended_with(2).says(says);
        assert_eq!(ran.stderr.matches("bulk-withdraw: ").count(), 1, "{}", ran.stderr);
        if program.path("summary.json").exists() {
            assert_eq!(program.summary()["stop"]["reason"], "usage");
            fs::remove_file(program.path("summary.json")).unwrap();
        }
        assert_eq!(program.files(), files, "{arguments}");
    }
}

/// Each has its own ledger, so none is refused; they start within a second or two.
#[test]
fn runs_that_start_together_write_a_report_each() {
    let program = Program::new();
    program.write("list.csv", "7329176687475109888\n");
    let runs: Vec<_> = (0..12).map(|_| program.start(&format!("run list.csv {SANDBOX}"))).collect();
    for run in runs {
        Ran::from(run.wait_with_output().unwrap()).ended_with(0);
    }
    let mut reports = program.files();
    reports.retain(|name| name != "list.csv");
    assert_eq!(reports.len(), 12, "{reports:?}");
    for name in reports {
        assert_eq!(program.report(&name).outcomes(), ["withdrawn"], "{name}");
    }
}

#[test]
fn an_empty_input_is_a_finished_run() {
    for input in ["", "invitation_id\n"] {
        let program = Program::new();
        program.write("list.csv", input);
        let ran = program.run(&format!("run list.csv {SANDBOX} -o report.csv --summary summary.json"));
        ran.ended_with(0).says("WARN Nothing to withdraw: the input has no rows");
        assert_eq!(program.summary()["rows"]["total"], 0);
        let mut piped = program.shell("exec < list.csv", &format!("run - {SANDBOX} -o other.csv"));
        Ran::from(piped.output().unwrap()).ended_with(0).says("WARN the input has no rows");
        assert!(program.read("report.csv").starts_with("row,line,invitation_id,entity_urn,account,outcome,"));
    }
}
