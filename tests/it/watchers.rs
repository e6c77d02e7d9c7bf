//! Who is told of a run beside its user: the metrics file and the pings.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{LEDGER, Program, ids, list, spawn, swift, swiftly, unlimited, wait};

const SECRET: &str = "5c9e1d7a-ping-secret";

async fn ping_server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// Path and body of each ping.
async fn pings(server: &MockServer) -> Vec<(String, String)> {
    let requests = server.received_requests().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    requests.iter().map(|request| (request.url.path().to_owned(), text(&request.body))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_is_pinged_with_its_code_and_the_summary() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(3))).write("bad.csv", "invitation_id\nx\n");
    program.write("url", "").write("config.toml", "");
    let flags = swiftly(&sandbox);
    for (arguments, code) in [
        (format!("run list.csv {flags}"), 0),
        (format!("run bad.csv {flags}"), 1),
        (format!("run none.csv {flags}"), 2),
        ("clean --yes --ping-url PING".to_owned(), 2),
        (format!("run list.csv {flags} --metrics-file list.csv"), 2),
        (format!("run list.csv {flags} --config missing.toml --ping-url PING"), 2),
        (format!("list --limit 1 {}", unlimited(&sandbox)), 0),
        (format!("check {}", unlimited(&sandbox)), 0),
    ] {
        let server = ping_server(ResponseTemplate::new(200)).await;
        let address = format!("{}/{SECRET}", server.uri());
        program.write("url", format!("{address}\n"));
        fs::set_permissions(program.path("url"), fs::Permissions::from_mode(0o600)).unwrap();
        let by_file = if arguments.contains("PING") { "" } else { "--ping-url-file url" };
        let ran = program.complete(&format!("{} {by_file}", arguments.replace("PING", &address))).await;
        ran.ended_with(code);
        assert!(!ran.stderr.contains("the ping"), "{}", ran.stderr);
        let told = pings(&server).await;
        let [(start, nothing), (end, body)] = told.as_slice() else { panic!("{arguments}: {told:?}") };
        assert_eq!((start, nothing.as_str()), (&format!("/{SECRET}/start"), ""));
        assert_eq!(end, &format!("/{SECRET}/{code}"));
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["exit_code"], code);
        assert!(body["stop"].get("detail").is_none() && body.get("causes").is_none(), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_held_is_pinged_and_a_dry_run_is_not() {
    let program = Program::new();
    program.write("list.csv", list(ids(3)));
    program.run("run list.csv --sandbox --rate unlimited --ledger runs.db -o report.csv").ended_with(0);
    let held = fs::File::open(program.path("runs.db.lock")).unwrap();
    held.lock().unwrap();
    let server = ping_server(ResponseTemplate::new(200)).await;
    let flags = format!("--sandbox --ledger runs.db --ping-url {}/{SECRET} --metrics-file run.prom", server.uri());
    program.complete(&format!("run list.csv --dry-run {flags}")).await.ended_with(0);
    assert!(pings(&server).await.is_empty() && !program.path("run.prom").exists());
    program.complete(&format!("run list.csv {flags}")).await.ended_with(75);
    let told = pings(&server).await;
    assert_eq!(told.last().unwrap().0, format!("/{SECRET}/75"));
    assert!(program.read("run.prom").contains("bulk_withdraw_last_run_exit_code{command=\"run\"} 75\n"));
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_that_fails_is_a_warning_without_the_secret() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(3)));
    let other = ping_server(ResponseTemplate::new(200)).await;
    let redirect = ResponseTemplate::new(302).insert_header("location", format!("{}/{SECRET}", other.uri()));
    for (server, says) in [
        (Some(ping_server(ResponseTemplate::new(500)).await), "HTTP 500"),
        (Some(ping_server(redirect).await), "redirects are not followed"),
        (None, "refused"),
    ] {
        let host = server.as_ref().map_or("http://127.0.0.1:9".to_owned(), MockServer::uri);
        for format in ["text", "json"] {
            let mut command = program.command(&format!("run list.csv {} --log-format {format} -v", swiftly(&sandbox)));
            command.env("BULK_WITHDRAW_PING_URL", format!("{host}/{SECRET}"));
            let ran = wait(spawn(command)).await;
            ran.ended_with(0).says(says);
            assert_eq!(ran.stderr.matches("/*** ").count() + ran.stderr.matches("/***/").count(), 2, "{}", ran.stderr);
            let written = [ran.stdout, ran.stderr, program.read("report.csv"), program.read("summary.json")];
            assert!(written.iter().all(|text| !text.contains("ping-secret")), "{written:?}");
            if format == "json" {
                let last: Value = serde_json::from_str(written[1].lines().last().unwrap()).unwrap();
                assert_eq!(last["event"], "run_finished");
            }
        }
    }
    assert!(pings(&other).await.is_empty());
    let ledger = fs::read(program.path(LEDGER)).unwrap();
    assert!(!ledger.windows(SECRET.len()).any(|bytes| bytes == SECRET.as_bytes()));
}

/// The calls go out while the first ping waits for its answer.
#[tokio::test(flavor = "multi_thread")]
async fn no_call_waits_for_a_ping() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(3)));
    let server = ping_server(ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(60))).await;
    let flags = format!("{} --ping-url {}/{SECRET}", swiftly(&sandbox), server.uri());
    let began = Instant::now();
    let mut run = program.start_logged(&format!("run list.csv {flags}"));
    while !program.path("report.csv").exists() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    assert_eq!(sandbox.record().charged, 3);
    run.kill().unwrap();
    run.wait().unwrap();
}

#[test]
fn a_ping_s_address_is_masked_and_checked() {
    let program = Program::new();
    program.write("config.toml", format!("ping_url = \"https://hc-ping.example/{SECRET}\"\n"));
    fs::set_permissions(program.path("config.toml"), fs::Permissions::from_mode(0o600)).unwrap();
    for arguments in ["config --config config.toml", "config --format json --config config.toml"] {
        let ran = program.run(arguments);
        assert!(ran.stdout.contains("https://hc-ping.example/***"), "{}", ran.stdout);
        assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET));
    }
    program.write("url", SECRET).write("list.csv", list(ids(1)));
    for arguments in [
        format!("run list.csv --sandbox --rate unlimited --ping-url http://hc-ping.example/{SECRET}"),
        format!("run list.csv --sandbox --rate unlimited --ping-url {SECRET}"),
        "run list.csv --sandbox --rate unlimited --ping-url-file url".to_owned(),
        format!("run list.csv --sandbox --rate unlimited --ping-url-file https://hc-ping.example/{SECRET}"),
        format!(
            "run list.csv --sandbox --rate unlimited --ping-url https://hc-ping.example/{SECRET} --ping-url-file url"
        ),
    ] {
        let ran = program.run(&arguments);
        ran.ended_with(2);
        assert!(!ran.stderr.contains(SECRET), "{}", ran.stderr);
    }
    let ran = program.run(&format!("run list.csv --sandbox --rate unlimited --ping-url-file {SECRET}"));
    ran.ended_with(2).says("--ping-url-file must name a file that holds the address to ping");
    assert!(!ran.stderr.contains(SECRET), "{}", ran.stderr);
    // An address where its file belongs.
    program.write("config.toml", format!("ping_url_file = \"https://hc-ping.example/{SECRET}\"\n"));
    for arguments in ["config --config config.toml", "run list.csv --sandbox --config config.toml --html page.html"] {
        let ran = program.run(arguments);
        ran.ended_with(2).says("ping_url_file must be the path of a file that holds the address to ping");
        assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET), "{} {}", ran.stdout, ran.stderr);
    }
}

/// What else is wrong with the settings, they are told of it.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_beside_theirs_are_told() {
    let program = Program::new();
    program.write("list.csv", list(ids(1))).write("url", "no address");
    let file = |server: &MockServer, more: &str| {
        format!("ping_url = \"{}/x\"\nmetrics_file = \"run.prom\"\n{more}", server.uri())
    };
    for (more, variables, says) in [
        ("a_key_of_tomorrow = 1\n", None, "unknown key `a_key_of_tomorrow`"),
        ("rate = \"often\"\n", None, "rate must be"),
        ("[accounts.a]\nlogin_tokn = \"x\"\n", None, "unknown key `login_tokn`"),
        ("", Some(("BULK_WITHDRAW_RATE", "often")), "BULK_WITHDRAW_RATE must be"),
        ("", Some(("BULK_WITHDRAW_YES", "1")), "BULK_WITHDRAW_YES has no effect"),
    ] {
        let server = ping_server(ResponseTemplate::new(200)).await;
        program.write("config.toml", file(&server, more));
        fs::set_permissions(program.path("config.toml"), fs::Permissions::from_mode(0o600)).unwrap();
        let mut command = program.command("run list.csv --yes --config config.toml");
        command.envs(variables);
        wait(spawn(command)).await.ended_with(2).says(says);
        let told: Vec<_> = pings(&server).await.into_iter().map(|(path, _)| path).collect();
        assert_eq!(told, ["/x/start", "/x/2"], "{says}");
        assert!(program.read("run.prom").contains("bulk_withdraw_last_run_exit_code{command=\"run\"} 2\n"), "{says}");
        fs::remove_file(program.path("run.prom")).unwrap();
    }
    // Each of the two is told though the other can't be.
    let ran = program.run("run list.csv --yes --ping-url-file url --metrics-file run.prom");
    ran.ended_with(2).says("url must hold an https:// address");
    assert!(program.path("run.prom").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_s_query_follows_its_path() {
    let program = Program::new();
    program.write("list.csv", list(ids(1)));
    let server = ping_server(ResponseTemplate::new(200)).await;
    let flags = format!("--sandbox --rate unlimited --ping-url {}/key/slug?create=1", server.uri());
    program.complete(&format!("run list.csv {flags}")).await.ended_with(0);
    let told = server.received_requests().await.unwrap();
    let told: Vec<_> = told.iter().map(|told| told.url.as_str().split_once("/key").unwrap().1.to_owned()).collect();
    assert_eq!(told, ["/slug/start?create=1", "/slug/0?create=1"]);
}

/// It may be anything: a list, a script, another program's metrics.
#[test]
fn a_metrics_file_of_somebody_else_s_is_left_alone() {
    let program = Program::new();
    program.write("list.csv", list(ids(1))).write(".profile", "export A=1\n").write("node.prom", "node_load1 0.5\n");
    program.write("bytes", [0xff, 0xfe]).write("empty.prom", "\n");
    for name in [".profile", "node.prom", "bytes"] {
        let before = fs::read(program.path(name)).unwrap();
        let flags = "--sandbox --rate unlimited -o report.csv --log-format json";
        let ran = program.run(&format!("run list.csv {flags} --metrics-file {name}"));
        ran.ended_with(0).says("it holds something else than this program's metrics").says("\"metrics_failed\"");
        assert!(fs::read(program.path(name)).unwrap() == before, "{name}");
        assert!(!program.path(&format!("{name}.partial")).exists());
    }
    for _ in 0..2 {
        program.run("run list.csv --sandbox --rate unlimited -o - --metrics-file empty.prom -q").ended_with(0);
        assert!(program.read("empty.prom").contains("bulk_withdraw_last_run_exit_code"));
    }
}

#[test]
fn a_metrics_file_that_another_run_writes_is_called_so() {
    let program = Program::new();
    program.write("list.csv", list(ids(1))).write("run.prom.partial", "");
    let held = fs::File::open(program.path("run.prom.partial")).unwrap();
    held.lock().unwrap();
    let ran = program.run("run list.csv --sandbox --rate unlimited -o report.csv --metrics-file run.prom");
    ran.ended_with(0).says("the metrics file run.prom can't be written: another run writes it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_file_is_readable_and_keeps_the_last_success() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(3)));
    let flags = format!("{} --metrics-file run.prom", swiftly(&sandbox));
    let mut command = program.shell("umask 077", &format!("clean --older-than 30d {flags}"));
    command.env("TZ", "Asia/Tokyo");
    wait(spawn(command)).await.ended_with(0);
    let mode = fs::metadata(program.path("run.prom")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    let text = program.read("run.prom");
    let summary = program.summary();
    let has = |text: &str, line: String| assert!(text.contains(&line), "no {line} in {text}");
    let of_default = "{command=\"clean\",account=\"default\"}";
    has(&text, format!("bulk_withdraw_pending_invitations{of_default} {}\n", summary["list"]["invitations"]));
    has(&text, format!("bulk_withdraw_last_run_calls{of_default} {}\n", summary["calls"]));
    has(&text, format!("bulk_withdraw_last_run_credits_charged{of_default} {}\n", summary["credits"]["charged"]));
    let success = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("bulk_withdraw_last_success_timestamp_seconds{")).unwrap();
        line.to_owned()
    };
    let succeeded = success(&text);
    program.complete(&format!("clean {flags}")).await.ended_with(2);
    let failed = program.read("run.prom");
    assert_eq!(success(&failed), succeeded);
    has(&failed, "bulk_withdraw_last_run_exit_code{command=\"clean\"} 2\n".to_owned());
    has(&failed, format!("bulk_withdraw_pending_invitations{of_default} "));
    assert_eq!(program.summary()["exit_code"], json!(2));

    program.complete(&format!("run list.csv {} --metrics-file no/such.prom", swiftly(&sandbox))).await.ended_with(0);
    for name in ["list.csv", "report.csv", "summary.json"] {
        let before = program.read(name);
        let arguments = format!("run list.csv {} --metrics-file {name}", swiftly(&sandbox));
        let ran = program.complete(&arguments).await;
        ran.ended_with(2).says("the metrics file would overwrite");
        assert!(name == "summary.json" || program.read(name) == before, "{name}");
    }
    assert_eq!(program.read("list.csv"), list(ids(3)));
}
