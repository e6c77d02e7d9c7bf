//! The README, `docs/` and the help: what they show can be typed, and where they point is something.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bulk_withdraw::sandbox::StockItem;
use jiff::Timestamp;
use serde_json::Value;

use crate::command_line::COMMANDS;
use crate::support::{DAY, KEY, Program, Ran, TOKEN, ids, list, spawn, wait, with_stock};

/// Where a shell block or a code span begins with this, it is a command that a reader may type.
const OURS: &str = "bulk-withdraw ";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Each page's name with its text.
fn pages() -> Vec<(PathBuf, String)> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let paths = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let mut paths: Vec<_> = paths.chain([root().join("README.md")]).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The commands that a page shows, in its order: lines of shell blocks, and code spans.
fn commands(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut block = None;
    for line in page.lines().map(str::trim) {
        match (line.strip_prefix("```"), block) {
            (Some(language), None) => block = Some(language),
            (Some(_), Some(_)) => block = None,
            (None, Some("sh")) => found.extend(line.split(" #").next().map(str::to_owned)),
            (None, Some(_)) => {}
            (None, None) => found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned)),
        }
    }
    found.retain(|command| command.contains(OURS) && !command.contains("..."));
    found
}

/// As on a terminal where every question is answered with yes.
fn typed(command: &str) -> String {
    // GNU parallel, one after the other.
    if let Some((each, values)) = command.strip_prefix("parallel -j 8 ").and_then(|rest| rest.split_once(" ::: ")) {
        return format!("set -e; for k in {values}; do {}; done", each.replace("{}", "$k"));
    }
    let asks = ["clean ", "run ", "verify", "--forget"].iter().any(|what| command.contains(&format!("{OURS}{what}")))
        || command.contains("--forget");
    let is_answered = ["--yes", "--dry-run"].iter().any(|flag| command.contains(flag));
    let serves = command.contains(&format!("{OURS}sandbox"));
    match (serves, asks && !is_answered) {
        (true, _) => format!("{command} --help"),
        (false, true) => format!("{command} --yes"),
        (false, false) => command.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_is_shown_works() {
    let program = Program::new();
    let stock = [StockItem::aged(DAY * 40, Timestamp::now()), StockItem::aged(DAY * 3, Timestamp::now())];
    let sandbox = with_stock(&stock, |_| {}).await;
    for name in ["INPUT", "invitations.csv", "list.csv"] {
        program.write(name, list(ids(1)));
    }
    fs::create_dir(program.path("samples")).unwrap();
    fs::copy(root().join("samples/invitations.csv"), program.path("samples/invitations.csv")).unwrap();
    program.write("friends.txt", "https://www.linkedin.com/in/ada-lovelace/\n");
    fs::create_dir(program.path("linkedin")).unwrap();
    for (name, secret) in [("linkedin/api-key", KEY), ("linkedin/login-token", TOKEN)] {
        program.write(name, secret);
    }
    fs::create_dir_all(program.path(".config/bulk-withdraw")).unwrap();
    let configuration = format!("api_key = '{KEY}'\n[accounts.default]\nlogin_token = '{TOKEN}'\n");
    program.write(".config/bulk-withdraw/config.toml", configuration);
    let bin = Path::new(env!("CARGO_BIN_EXE_bulk-withdraw")).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let mut tried = BTreeSet::new();
    // So that `history` has something to show.
    let first = [format!("{OURS}run invitations.csv")];
    let helps = COMMANDS.map(|command| program.run(&format!("{command} --help")).stdout);
    let examples = helps.iter().flat_map(|help| help.lines()).map(str::trim).filter(|line| line.starts_with(OURS));
    let shown = pages().into_iter().flat_map(|(_, text)| commands(&text)).chain(examples.map(str::to_owned));
    for command in first.into_iter().chain(shown) {
        if !tried.insert(command.clone()) {
            continue;
        }
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &typed(&command)]).env_clear().current_dir(program.path("")).stdin(Stdio::null());
        shell.env("HOME", program.path("")).env("PATH", &path).env("BULK_WITHDRAW_RATE", "unlimited");
        shell.env("BULK_WITHDRAW_BASE_URL", sandbox.base_url());
        let ran: Ran = wait(spawn(shell)).await;
        assert_eq!(ran.code, Some(0), "{command}\n{}{}", ran.stdout, ran.stderr);
    }
    assert!(tried.len() > 20, "too few to be all of them: {tried:?}");
}

/// The anchor that a heading gets.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|char| char.is_alphanumeric() || " -_".contains(*char));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    for (page, text) in pages() {
        for target in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if target.contains("://") {
                continue;
            }
            let (file, section) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(path.exists(), "{}: nothing is at {target}", page.display());
            let is_it = |line: &str| line.starts_with('#') && anchor(line.trim_start_matches('#').trim()) == section;
            let has_section = section.is_empty() || fs::read_to_string(&path).unwrap().lines().any(is_it);
            assert!(has_section, "{}: no section at {target}", page.display());
            links += 1;
        }
    }
    assert!(links > 20, "too few to be all of them: {links}");
}

/// The text of all of our Rust files below a directory.
fn sources(directory: &Path) -> Vec<String> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let is_rust = |path: &Path| path.extension().is_some_and(|extension| extension == "rs");
    let read = |path: PathBuf| {
        if path.is_dir() {
            sources(&path)
        } else {
            is_rust(&path).then(|| fs::read_to_string(path).unwrap()).into_iter().collect()
        }
    };
    paths.flat_map(read).collect()
}

#[test]
fn every_line_of_the_security_page_has_its_tests() {
    let page = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let sources = [sources(&root().join("src")), sources(&root().join("tests"))].concat();
    // With what makes a test of it: the lines before, or the list of those that run on both versions of the API.
    let is_test = |name: &str| {
        let function = format!("fn {name}(");
        sources.iter().filter_map(|text| Some((text, text.split_once(&function)?.0))).any(|(text, before)| {
            let attributes = before.rsplit_once("\n\n").map_or(before, |(_, attributes)| attributes);
            let list = text.split_once("on_both_versions!(").and_then(|(_, rest)| rest.split_once(");"));
            attributes.contains("test]")
                || attributes.contains("test(")
                || list.is_some_and(|(list, _)| list.split(',').any(|listed| listed.trim() == name))
        })
    };
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| who could")).collect();
    assert!(rows.len() > 25, "too few to be all of them: {}", rows.len());
    for row in rows {
        let tests: Vec<_> = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap().split(", ").collect();
        for test in tests {
            let name = test.trim().trim_matches('`');
            assert!(is_test(name), "{name} is no test: {row}");
        }
    }
}

#[test]
fn the_readme_is_read_in_two_minutes() {
    let lines = fs::read_to_string(root().join("README.md")).unwrap().lines().count();
    assert!(lines <= 125, "{lines} lines: the rest belongs into docs/");
}

/// The rows of the first table below this heading: each name of the first column, with the other columns.
fn documented(page: &str, heading: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(root().join("docs").join(page)).unwrap();
    let lines = text.lines().skip_while(|line| *line != heading).skip_while(|line| !line.starts_with('|'));
    let rows = lines.take_while(|line| line.starts_with('|')).filter_map(|line| line[1..].split_once('|'));
    let names = |(names, rest): (&str, &str)| {
        names.split('`').skip(1).step_by(2).map(|name| (name.to_owned(), rest.to_owned())).collect::<Vec<_>>()
    };
    rows.flat_map(names).collect()
}

/// That an object has the documented fields and no others, and that those within them are named beside them.
#[track_caller]
fn is_documented(object: &Value, fields: &BTreeMap<String, String>) {
    let names = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(object), fields.keys().cloned().collect());
    for (name, beside) in fields {
        let inner = match (&object[name], name.as_str()) {
            // Its other fields are named by outcomes, or by accounts.
            (Value::Object(_), "rows") => BTreeSet::from(["total".to_owned()]),
            (Value::Object(accounts), "accounts") => accounts.values().flat_map(names).collect(),
            (inner @ Value::Object(_), _) => names(inner),
            (Value::Array(several), _) => several.iter().filter(|inner| inner.is_object()).flat_map(names).collect(),
            _ => BTreeSet::new(),
        };
        let missing: Vec<_> = inner.iter().filter(|inner| !beside.contains(&format!("`{inner}`"))).collect();
        assert!(missing.is_empty(), "{name}: {missing:?}");
    }
}

/// Summary, plan and report have the fields that are documented: all of them, and no others.
#[test]
fn what_is_written_is_documented() {
    let program = Program::new();
    program.write("list.csv", "invitation_id\n7329176687475109888\n12\nx\n");
    let json = |command: &str| {
        let ran = program.run(&format!("{command} --sandbox --rate unlimited --summary - --yes"));
        serde_json::from_str::<Value>(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr))
    };
    let summary = documented("report.md", "## The summary");
    let plan = documented("credits-and-pace.md", "## The plan");
    let run = json("run list.csv --max-withdrawals 0 -o report.csv");
    assert!(run["stop"].is_object() && run["causes"][0].is_object(), "they are looked at: {run:#}");
    is_documented(&run, &summary);
    let cleaned = json("clean --older-than 30d -o cleaned.csv");
    assert!(cleaned["list"].is_object(), "it is looked at: {cleaned:#}");
    is_documented(&cleaned, &summary);
    let planned = json("run list.csv --dry-run");
    assert!(planned["short_ids"].is_object() && planned["first_bad_rows"][0].is_object(), "{planned:#}");
    is_documented(&planned, &plan);
    is_documented(&json("clean --older-than 30d --dry-run"), &plan);
    let report: BTreeSet<_> = program.report("report.csv").header.into_iter().collect();
    assert_eq!(report, documented("report.md", "## The report").into_keys().collect());
}

/// The help has the outcomes and exit codes in the words of the page.
#[test]
fn the_page_explains_outcomes_and_exit_codes_as_the_help_does() {
    let text = fs::read_to_string(root().join("docs/report.md")).unwrap().replace('`', "");
    for (topic, least) in [("outcomes", 12), ("exit-codes", 9)] {
        let help = Program::new().run(&format!("help {topic}")).stdout;
        let explained = help.lines().filter_map(|line| line.strip_prefix("  ")?.split_once("  "));
        let rows: Vec<_> = explained.map(|(name, words)| format!("\n| {name} | {}", words.trim())).collect();
        assert_eq!(rows.len(), least, "{help}");
        rows.iter().for_each(|row| assert!(text.contains(row), "not in docs/report.md: {row}"));
    }
}
