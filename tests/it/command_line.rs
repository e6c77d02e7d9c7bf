//! What the program says before it does anything: help, mistakes, questions.

use std::fs;

use crate::support::{Program, Ran};

/// The help on a terminal of 80 columns.
fn help(arguments: &str) -> String {
    let program = Program::new();
    let ran = program.command(arguments).env("COLUMNS", "80").output().unwrap();
    let ran = Ran::from(ran);
    ran.ended_with(0);
    ran.stdout
}

pub const COMMANDS: [&str; 11] =
    ["", "run", "list", "clean", "history", "verify", "check", "config", "sandbox", "completions", "man"];

#[test]
fn the_help_is_what_people_read() {
    for command in COMMANDS {
        let name = format!("bulk-withdraw {command}").trim_end().replace(' ', "-");
        insta::assert_snapshot!(name, help(&format!("{command} --help")));
    }
    insta::assert_snapshot!("the_common_options_of_clean", help("clean -h"));
}

#[test]
fn the_help_is_short_and_wraps_no_line_twice() {
    for command in COMMANDS {
        for (flag, most) in [("-h", 50), ("--help", 100)] {
            let help = help(&format!("{command} {flag}"));
            let lines: Vec<_> = help.lines().collect();
            assert!(lines.len() <= most, "{command} {flag}: {} lines", lines.len());
            let is_wrapped = |line: &str| line.starts_with(&" ".repeat(20));
            for pair in lines.windows(2) {
                assert!(pair[0].chars().count() <= 80, "{command} {flag}: {}", pair[0]);
                assert!(!(is_wrapped(pair[0]) && is_wrapped(pair[1])), "{command} {flag}: {}", pair[1]);
            }
        }
    }
}

/// One clear line that says what to do, code 2, nothing sent, nothing written.
#[test]
fn mistakes_end_in_one_clear_line() {
    let program = Program::new();
    program.write("list.csv", "invitation_id\n7329176687475109888\n").write("names.csv", "name,url\nAnn,x\n");
    program.write("broken.json", "{\"data\": ");
    fs::create_dir(program.path("dir")).unwrap();
    let files = program.files();
    let cases = [
        "run list.csv",
        "run missing.csv --yes",
        "run dir --yes",
        "run names.csv --yes",
        "run list.csv --yes --id-column number",
        "run broken.json --yes",
        "run list.csv --yes --rate unlimited",
        "run list.csv --yes --account other",
        "run list.csv --yes --timeout 0s",
        "run list.csv --yes --base-url http://api.linkupapi.com",
        "run list.csv --yes --base-url https://me:secret@api.linkupapi.com",
        "run list.csv --yes --rate 290",
        "run list.csv --yes --concurrency 0",
        "run list.csv --yes --retry-base 5",
        "run list.csv --yes --delimiter ab",
        "run list.csv --sandbox --base-url http://127.0.0.1:1",
        "run list.csv --yes --login-token x",
        "sandbox --faults 500=200%",
        "run",
        "run list.csv --dryrun",
        "walk",
    ];
    let mut said = String::new();
    for arguments in cases {
        let ran = program.run(arguments);
        ran.ended_with(2);
        assert_eq!((ran.stdout.as_str(), ran.stderr.lines().count()), ("", 1), "{arguments}: {}", ran.stderr);
        said.push_str(&format!("$ bulk-withdraw {arguments}\n{}", ran.stderr));
    }
    insta::assert_snapshot!(said);
    assert_eq!(program.files(), files);
}

#[test]
fn missing_credentials_are_named() {
    let program = Program::new();
    program.write("list.csv", "7329176687475109888\n");
    let cases = [
        (None, None, "LINKUP_API_KEY and LINKUP_LOGIN_TOKEN"),
        (Some("key"), None, "set LINKUP_LOGIN_TOKEN in"),
        (None, Some("token"), "set LINKUP_API_KEY in"),
        (Some("key"), Some(""), "LINKUP_LOGIN_TOKEN is empty"),
    ];
    for (key, token, message) in cases {
        let mut command = program.bare_command("run list.csv --yes");
        if let Some(key) = key {
            command.env("LINKUP_API_KEY", key);
        }
        if let Some(token) = token {
            command.env("LINKUP_LOGIN_TOKEN", token);
        }
        let ran = Ran::from(command.output().unwrap());
        ran.ended_with(2).says(message);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    }
}

#[test]
fn a_dry_run_says_what_would_happen_and_sends_nothing() {
    let program = Program::new();
    program.write("list.csv", "invitation_id\n7329176687475109888\n2906418534\n7329176687475109888\nx\n");
    // No credentials, and an address where nobody listens: a call would fail.
    let mut command = program.bare_command("run list.csv --dry-run --base-url http://127.0.0.1:9 --summary -");
    let ran = Ran::from(command.output().unwrap());
    ran.ended_with(0);
    insta::assert_snapshot!(format!("{}\n{}", ran.stderr, ran.stdout));
    assert_eq!(program.files(), ["list.csv"]);
}
