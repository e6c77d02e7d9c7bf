//! Settings and credentials from all their places, as the real program takes and shows them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{KEY, Program, Ran, SWIFTLY, TOKEN, swift, swiftly};

const DEFAULT: &str = "config.toml";

/// A program whose default configuration file is the one in its directory, readable by its owner alone.
fn program_with(config: &str) -> Program {
    let program = Program::new();
    fs::create_dir_all(program.path(".config/bulk-withdraw")).unwrap();
    program.write(DEFAULT, config);
    restrict(&program, DEFAULT, 0o600);
    std::os::unix::fs::symlink(program.path(DEFAULT), program.path(".config/bulk-withdraw/config.toml")).unwrap();
    program
}

fn restrict(program: &Program, name: &str, mode: u32) {
    fs::set_permissions(program.path(name), fs::Permissions::from_mode(mode)).unwrap();
}

/// The program's run with these variables, and no others.
fn run(program: &Program, arguments: &str, variables: &[(&str, &str)]) -> Ran {
    let mut command = program.bare_command(arguments);
    command.envs(variables.iter().copied());
    let ran = Ran::from(command.output().unwrap());
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains(KEY) && !text.contains(TOKEN), "{text}");
    }
    ran
}

/// What was shown, without the directory's name.
fn shown(program: &Program, text: &str) -> String {
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.replace(&program.path("").display().to_string(), "DIR/");
    text.lines().map(|text| line(text) + "\n").collect()
}

fn tables() -> String {
    format!(
        "account = \"sales\"\nmax_errors = 7\nrate = \"2/s\"\napi_key = \"{KEY}\"\n\n[accounts.sales]\n\
         login_token = \"{TOKEN}\"\ncountry = \"de\"\n"
    )
}

#[test]
fn config_shows_each_setting_and_where_it_came_from() {
    let program = program_with(&tables());
    let variables = [("BULK_WITHDRAW_RATE", "1000/h"), ("BULK_WITHDRAW_TIMEOUT", "90s"), ("LINKUP_API_KEY", KEY)];
    let ran = run(&program, "config --retries 9", &variables);
    ran.ended_with(0);
    assert_eq!(ran.stderr, "");
    insta::assert_snapshot!(shown(&program, &ran.stdout));

    let json = run(&program, "config --retries 9 --format json", &variables);
    let settings: Vec<Value> = serde_json::from_str(&json.stdout).unwrap();
    let lines: String = settings
        .iter()
        .map(|setting| ["setting", "value", "origin"].map(|name| setting[name].as_str().unwrap()).join(" ") + "\n")
        .collect();
    assert_eq!(shown(&program, &ran.stdout), format!("setting value origin\n{}", shown(&program, &lines)));
}

#[test]
fn config_shows_what_is_missing_and_what_a_rehearsal_needs_not() {
    let program = Program::new();
    let bare = run(&program, "config", &[]);
    let v2 = run(&program, "config", &[("LINKUP_API_KEY", KEY), ("LINKUP_ACCOUNT_ID", "acc_1")]);
    let sandbox = run(&program, "config --sandbox", &[("LINKUP_API_KEY", KEY)]);
    let mut text = String::new();
    for (name, ran) in [("nothing", bare), ("v2", v2), ("sandbox", sandbox)] {
        ran.ended_with(0);
        let top = ran.stdout.lines().take(10).map(|line| format!("{line}\n")).collect::<String>();
        text.push_str(&format!("# {name}\n{}", shown(&program, &top)));
    }
    insta::assert_snapshot!(text);
}

/// One clear line that says what to do, code 2, and no secret in it.
#[test]
fn a_wrong_configuration_ends_in_one_clear_line() {
    let program = Program::new();
    let write = |name: &str, text: String| {
        program.write(name, text);
        restrict(&program, name, 0o600);
    };
    write("typo.toml", "concurency = 4\n".to_owned());
    write("value.toml", "\nrate = \"fast\"\n".to_owned());
    write("unclosed.toml", format!("# keep\napi_key = \"{KEY}\n[accounts.default]\nlogin_token = \"{TOKEN}\"\n"));
    write("number.toml", format!("[accounts.default]\nlogin_token = [\"{TOKEN}\"]\n"));
    write("url.toml", format!("base_url = \"https://me:{KEY}@api.example\"\n"));
    write("held.toml", format!("api_key_file = \"{KEY}\"\n[accounts.default]\nlogin_token = \"{TOKEN}\"\n"));
    let like_a_path = format!("/{TOKEN}/{KEY}");
    write("misplaced.toml", format!("api_key = \"{KEY}\"\nlogin_token = \"{TOKEN}\"\n"));
    let both = [("LINKUP_API_KEY", KEY), ("LINKUP_LOGIN_TOKEN", TOKEN)];
    let cases: Vec<(&str, Vec<(&str, &str)>)> = vec![
        ("config --config missing.toml", vec![]),
        ("config --config typo.toml", vec![]),
        ("config --config value.toml", vec![]),
        ("config --config unclosed.toml", vec![]),
        ("config --config number.toml", vec![]),
        ("config --config url.toml", vec![]),
        ("config --config misplaced.toml", vec![]),
        ("config --account other", both.to_vec()),
        ("config", [both.as_slice(), &[("LINKUP_ACCOUNT_ID", "acc_1")]].concat()),
        ("config", [both.as_slice(), &[("LINKUP_API_KEY_FILE", "key")]].concat()),
        ("config", vec![("LINKUP_API_KEY_FILE", "key")]),
        ("config", vec![("LINKUP_API_KEY_FILE", KEY), both[1]]),
        ("run x.csv --yes", vec![both[0], ("LINKUP_LOGIN_TOKEN_FILE", &like_a_path)]),
        ("list", vec![both[0], ("LINKUP_ACCOUNT_ID_FILE", KEY)]),
        ("config --config held.toml", vec![]),
        ("config", vec![("BULK_WITHDRAW_RATE", "fast")]),
        ("config", vec![("BULK_WITHDRAW_DRY_RUN", "1")]),
        ("config", vec![("BULK_WITHDRAW_CONFIG", "missing.toml")]),
        ("history --config typo.toml", vec![]),
        ("run x.csv --yes --config typo.toml", both.to_vec()),
        ("run x.csv --yes --api-key x", vec![]),
    ];
    let mut said = String::new();
    for (arguments, variables) in cases {
        let ran = run(&program, arguments, &variables);
        ran.ended_with(2);
        // `config` shows the rest.
        assert!(ran.stdout.is_empty() || arguments.starts_with("config"), "{arguments}: {}", ran.stdout);
        assert_eq!(ran.stderr.lines().count(), 1, "{arguments}: {}", ran.stderr);
        let names: String = variables.iter().map(|(name, _)| format!("{name}=... ")).collect();
        said.push_str(&format!("$ {names}bulk-withdraw {arguments}\n{}", ran.stderr));
    }
    insta::assert_snapshot!(said);
}

#[test]
fn a_secret_that_others_may_read_is_warned_of() {
    let program = program_with(&tables());
    program.write("key", KEY).write("open.toml", "rate = \"4/s\"\n");
    let key = [("LINKUP_API_KEY_FILE", "key")];
    let path = program.path(".config/bulk-withdraw/config.toml").display().to_string();
    let one = format!("{path} holds a secret, and others may read it: chmod 600 {path}\n");
    let both = format!("files with secrets that others may read: chmod 600 {path} key\n");
    for (config, key_mode, warning) in [(0o600, 0o600, ""), (0o640, 0o600, &one), (0o604, 0o644, &both)] {
        restrict(&program, DEFAULT, config);
        restrict(&program, "key", key_mode);
        let ran = run(&program, "config", &key);
        ran.ended_with(0);
        assert!(ran.stderr.ends_with(warning), "{}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), usize::from(!warning.is_empty()), "{}", ran.stderr);
    }
    // Nothing secret in the file, and nothing read for a rehearsal.
    restrict(&program, "open.toml", 0o644);
    assert_eq!(run(&program, "config --config open.toml", &[]).stderr, "");
    assert_eq!(run(&program, "config --sandbox", &key).stderr, "");
    // An address to ping is a secret as well.
    program.write("url", "https://hc-ping.example/x").write("ping.toml", "ping_url = \"https://hc-ping.example/x\"\n");
    for (flags, name) in [("--sandbox --ping-url-file url", "url"), ("--config ping.toml", "ping.toml")] {
        for (mode, warnings) in [(0o600, 0), (0o640, 1)] {
            restrict(&program, name, mode);
            let ran = run(&program, &format!("config {flags}"), &[]);
            assert_eq!(ran.stderr.matches(&format!("chmod 600 {name}\n")).count(), warnings, "{}", ran.stderr);
        }
    }
}

#[test]
fn config_shows_the_rest_where_one_secret_can_not_be_read() {
    let program = Program::new();
    program.write("c.toml", "api_key = \"key\"\nrate = \"4/s\"\n[accounts.sales]\nlogin_token_file = \"gone\"\n");
    restrict(&program, "c.toml", 0o600);
    let ran = run(&program, "config --config c.toml --format csv", &[]);
    ran.ended_with(2).says("file c.toml:4 must name a file that holds the credential: can't be read");
    for line in ["api_key,set (masked),file c.toml:1\n", "rate,4/s,file c.toml:2\n", "accounts.sales.login_token,"] {
        assert!(ran.stdout.contains(line), "{line} is not in {}", ran.stdout);
    }
    let line = ran.stdout.lines().find(|line| line.starts_with("accounts.sales.login_token,")).unwrap();
    assert!(line.contains("No such file or directory"), "{line}");
}

#[test]
fn a_slip_in_the_environment_does_not_go_unnoticed() {
    let program = Program::new();
    let ran = run(&program, "config", &[("BULK_WITHDRAW_RATES", "1/s"), ("BULK_WITHDRAW_XYZZY", "1")]);
    ran.ended_with(0).says("BULK_WITHDRAW_RATES is not a known setting (did you mean BULK_WITHDRAW_RATE?)");
    ran.says("BULK_WITHDRAW_XYZZY is not a known setting\n");
    // Whoever sets this wants no real call: that must hold without the flag.
    program.write("list.csv", "1000000\n");
    let variables = [("BULK_WITHDRAW_SANDBOX", "1"), ("BULK_WITHDRAW_RATE", "unlimited")];
    run(&program, "run list.csv -o report.csv", &variables).ended_with(0).says("rehearsing against the simulated API");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_takes_all_it_needs_from_a_file() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", "1000000\n").write("token", format!("{TOKEN}\n")).write("key", format!("{KEY}\n"));
    let config = "api_key_file = \"key\"\nledger = \"mine.db\"\n[accounts.default]\nlogin_token_file = \"token\"\n";
    program.write("cron.toml", config);
    for name in ["token", "key"] {
        restrict(&program, name, 0o600);
    }
    let arguments = format!("run list.csv --config cron.toml {}", swiftly(&sandbox));
    let ran = tokio::task::spawn_blocking(move || {
        let ran = run(&program, &arguments, &[]);
        ran.ended_with(0);
        assert!(program.path("mine.db").exists());
        run(&program, "history --config cron.toml --format csv", &[])
    });
    assert!(ran.await.unwrap().stdout.contains(",default,1,"));
    assert_eq!(sandbox.record().charged, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_row_goes_with_its_account_s_token_and_country() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(serde_json::json!({"status": "success"}));
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let program = program_with(&format!("{}\n[accounts.other]\nlogin_token = \"other-token\"\n", tables()));
    let rows = "invitation_id,account,country\n1,,\n2,other,\n3,sales,us\n4,other,it\n";
    program.write("list.csv", rows);
    let arguments = format!("run list.csv --country ES --base-url {} {SWIFTLY}", server.uri());
    let ran = tokio::task::spawn_blocking(move || {
        let ran = run(&program, &arguments, &[]);
        assert_eq!(program.summary()["accounts"]["other"]["calls"], 2);
        ran
    });
    ran.await.unwrap().ended_with(0);
    let mut sent: Vec<_> = server
        .received_requests()
        .await
        .unwrap()
        .iter()
        .map(|request| request.body_json::<Value>().unwrap())
        .map(|body| ["invitation_id", "login_token", "country"].map(|name| body[name].as_str().unwrap().to_owned()))
        .collect();
    sent.sort();
    let expected = [["1", TOKEN, "DE"], ["2", "other-token", "ES"], ["3", TOKEN, "US"], ["4", "other-token", "IT"]];
    assert_eq!(sent, expected);
}
