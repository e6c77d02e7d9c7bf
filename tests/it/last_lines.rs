//! The last lines of a command that went wrong, as its user reads them: the cause, what to renew, when and how to go on.

use std::fs::File;
use std::process::Command;
use std::time::Duration;

use bulk_withdraw::sandbox::SandboxOptions;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer};

use crate::support::{Api, KEY, LEDGER, Program, Ran, SWIFTLY, ids, list, spawn, swift, swiftly, wait};

/// What stays when the command is run at each level of `-q`: with `-qq` all of stderr, else what follows the exit code.
async fn said(program: &Program, mut command: impl FnMut(&str) -> Command) -> String {
    let mut said = String::new();
    for quiet in ["", " -q", " -qq"] {
        let ran = wait(spawn(command(quiet))).await;
        let stderr = steady(&ran.stderr, program);
        let last = stderr.split_once("exit code ").filter(|_| quiet != " -qq");
        let last = last.map_or(stderr.as_str(), |(_, last)| last.split_once('\n').unwrap().1);
        said.push_str(
            &format!("{} with code {}:\n{last}", quiet.trim(), ran.code.unwrap()).trim_start().replace(quiet, ""),
        );
    }
    said
}

/// The text without what differs from run to run.
fn steady(text: &str, program: &Program) -> String {
    let text = text.replace(program.path("").to_str().unwrap(), "DIR/");
    let mut steady = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        let is_clock = bare.len() == 5 && bare.as_bytes()[2] == b':' && bare[..2].parse::<u8>().is_ok();
        let shown = match bare {
            _ if bare.starts_with("http://127.0.0.1:") => "URL",
            _ if is_clock => "HH:MM",
            _ => bare,
        };
        steady.push_str(shown);
        steady.push_str(&word[bare.len()..]);
    }
    steady
}

/// A run of ten rows, of which some end this way, one call after the other.
async fn with_ending(ending: &str, change: impl Fn(&mut SandboxOptions), flags: &str) -> String {
    let sandbox = swift(change).await;
    let program = Program::new();
    let of_ending = (0..4).map(|at| format!("73291{at:03}76687475{ending}"));
    program.write("list.csv", list(ids(6).chain(of_ending)));
    said(&program, |quiet| {
        let _ = std::fs::remove_file(program.path(LEDGER));
        program.command(&format!("run list.csv {} --concurrency 1{flags}{quiet}", swiftly(&sandbox)))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn credits_used_up() {
    insta::assert_snapshot!(with_ending("405", |_| {}, "").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_failed() {
    insta::assert_snapshot!(with_ending("109", |_| {}, "").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn key_refused() {
    insta::assert_snapshot!(with_ending("403", |_| {}, "").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_the_user() {
    insta::assert_snapshot!(with_ending("109", |_| {}, " --max-withdrawals 2").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn login_of_one_account_refused() {
    let sandbox = swift(|options| options.login_token = Some("right".to_owned())).await;
    let program = Program::new();
    let accounts = [("london", "right"), ("sales-eu", "expired-0123456789")];
    let tables = accounts.map(|(name, token)| format!("[accounts.{name}]\nlogin_token = \"{token}\"\n"));
    program.write("accounts.toml", format!("api_key = \"{KEY}\"\n{}", tables.concat()));
    let rows = ids(6).enumerate().map(|(at, id)| format!("{id},{}\n", accounts[at / 3].0));
    program.write("list.csv", format!("invitation_id,account\n{}", rows.collect::<String>()));
    std::fs::set_permissions(program.path("accounts.toml"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    let run = format!("run list.csv --config accounts.toml {} --concurrency 1", swiftly(&sandbox));
    insta::assert_snapshot!(said(&program, |quiet| program.bare_command(&format!("{run}{quiet}"))).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_a_file_of_its_own_is_named() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(1))).write("token", "another-0123456789");
    let mut command = program.bare_command(&format!("run list.csv {}", swiftly(&sandbox)));
    command.env("LINKUP_API_KEY", KEY).env("LINKUP_LOGIN_TOKEN_FILE", program.path("token"));
    let place = format!("renew {} (LINKUP_LOGIN_TOKEN_FILE)", program.path("token").display());
    wait(spawn(command)).await.ended_with(3).says(&place);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_connection() {
    let program = Program::new();
    program.write("list.csv", list(ids(32)));
    // Nobody listens on it.
    let port = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() };
    let run = format!("run list.csv --base-url http://127.0.0.1:{port} {SWIFTLY} --max-errors 0");
    insta::assert_snapshot!(said(&program, |quiet| program.command(&format!("{run}{quiet}"))).await);
    // A call that never connected repeats none.
    let ran = program.complete(&run).await;
    let calls = program.summary()["calls"].clone();
    assert_eq!(program.summary()["retries"].as_u64(), calls.as_u64().map(|calls| calls - 32));
    ran.says(&format!("calls                 {calls} ({calls} without a connection)\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limited_for_too_long() {
    let server = MockServer::start().await;
    let limited = Api::V1.rate_limited().insert_header("retry-after", "3600");
    Mock::given(any()).respond_with(limited).mount(&server).await;
    let program = Program::new();
    program.write("list.csv", list(ids(3)));
    let run = format!("run list.csv --base-url {} {SWIFTLY} --concurrency 1", server.uri());
    let said = said(&program, |quiet| program.command(&format!("{run}{quiet}"))).await;
    // Near midnight with its date.
    let dated = |word: &&str| word.len() == 10 && word.matches('-').count() == 2;
    let said: Vec<_> = said.split(' ').filter(|word| !dated(word)).collect();
    insta::assert_snapshot!(said.join(" "));
}

/// A limit on the size of files stands in for a full disk.
#[tokio::test(flavor = "multi_thread")]
async fn full_disk() {
    let sandbox = swift(|options| options.latency = Duration::from_millis(1)..=Duration::from_millis(1)).await;
    let program = Program::new();
    program.write("list.csv", list(ids(1_000)));
    let flags = swiftly(&sandbox).replace("-o report.csv --summary summary.json", "-o /dev/null");
    let said = said(&program, |quiet| {
        let _ = std::fs::remove_dir_all(program.path(".local"));
        program.shell("ulimit -f 600", &format!("run list.csv {flags}{quiet}"))
    })
    .await;
    // How many rows fit differs.
    let is_count = |word: &&str| word.parse::<u64>().is_ok_and(|count| count > 99);
    let said: Vec<_> = said.split(' ').filter(|word| !is_count(word)).collect();
    insta::assert_snapshot!(said.join(" "));
}

#[tokio::test(flavor = "multi_thread")]
async fn report_that_does_not_fit() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(1)));
    let flags = swiftly(&sandbox).replace("-o report.csv", "-o /dev/full");
    let run = format!("run list.csv {flags} --recheck");
    insta::assert_snapshot!(said(&program, |quiet| program.command(&format!("{run}{quiet}"))).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_pipe() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(1)));
    let flags = swiftly(&sandbox).replace("-o report.csv", "-o -");
    let mut said = String::new();
    for quiet in ["", " -q", " -qq"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = program.command(&format!("run list.csv {flags} --recheck{quiet}"));
        command.stdout(writer).stderr(std::process::Stdio::piped());
        let ran = wait(command.spawn().unwrap()).await;
        said.push_str(&format!("{quiet}\n{}", steady(&ran.stderr, &program)));
    }
    insta::assert_snapshot!(said);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_run_holds_the_ledger() {
    let program = Program::new();
    program.write("list.csv", list(ids(1)));
    std::fs::create_dir_all(program.path(".local/state/bulk-withdraw")).unwrap();
    let lock = File::create(program.path(&format!("{LEDGER}.lock"))).unwrap();
    lock.lock().unwrap();
    let run = format!("run list.csv --base-url http://127.0.0.1:9 {SWIFTLY}");
    insta::assert_snapshot!(said(&program, |quiet| program.command(&format!("{run}{quiet}"))).await);
}

/// Its ledger is thrown away, so that the same command would begin anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_is_not_gone_on_with() {
    let program = Program::new();
    program.write("list.csv", list((0..2).map(|at| format!("73291{at:03}76687475405"))));
    let ran = program.run("run list.csv --sandbox -o report.csv");
    ran.ended_with(4).says("next                  nothing: this was only a rehearsal (--sandbox)\n");
    assert!(!ran.stderr.contains("same command again"), "{}", ran.stderr);
}

/// Rows of one cause count as one, and what is one row's own is left out.
#[tokio::test(flavor = "multi_thread")]
async fn causes_are_in_the_summary() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    let failing = (0..3).map(|at| format!("73291{at:03}76687475109"));
    program.write("list.csv", list(ids(2).chain(failing).chain(["none".to_owned()])));
    let run = |flags: &str| format!("run list.csv {} --concurrency 1 {flags}", swiftly(&sandbox));
    program.complete(&run("")).await.ended_with(1);
    let causes = program.summary()["causes"].clone();
    insta::assert_snapshot!(format!("{causes:#}"));
    let ran: Ran = program.complete(&run("--log-format json")).await;
    let last: serde_json::Value = serde_json::from_str(ran.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(last["causes"], causes);
}
