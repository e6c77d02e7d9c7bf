//! Key and token appear in no output, even where the API repeats them.

use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{KEY, Program, SWIFTLY, TOKEN, swift, swiftly, wait};

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_repeats_key_and_token_is_not_repeated() {
    for (status, message) in [
        (200, format!("Invalid token {TOKEN} for key {KEY}")),
        (500, format!("Crashed on {TOKEN}")),
        (400, format!("{{\"login_token\": \"{TOKEN}\", \"x-api-key\": \"{KEY}\"}}")),
        // Where words are cut off, no half of a secret may stand before the cut.
        (200, format!("{} {TOKEN}", "x".repeat(290))),
    ] {
        let server = MockServer::start().await;
        let body = json!({"status": "error", "message": message});
        Mock::given(any()).respond_with(ResponseTemplate::new(status).set_body_json(body)).mount(&server).await;
        let program = Program::new();
        program.write("list.csv", "1000000\n");
        let arguments = format!("run list.csv --base-url {} {SWIFTLY} --retries 1 -vv --log-format json", server.uri());
        let ran = wait(program.start(&arguments)).await;
        let everything = [ran.stdout, ran.stderr, program.read("report.csv"), program.read("summary.json")];
        assert!(everything[1].contains("***") || everything[2].contains("***"), "the message was not shown at all");
        for text in everything {
            assert!(!text.contains(KEY) && !text.contains(TOKEN), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_run_with_every_log_line_shows_no_secret() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    let rows: String =
        ["101", "107", "109", "501", "521", "603", "607"].map(|end| format!("7329176687475109{end}\n")).concat();
    program.write("list.csv", rows);
    let mut command = program.command(&format!("run list.csv {} -vv", swiftly(&sandbox)));
    // What libraries would log if they were let.
    command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let ran = wait(child).await;
    ran.says("attempt=1");
    for text in [&ran.stdout, &ran.stderr, &program.read("report.csv"), &program.read("summary.json")] {
        assert!(!text.contains(KEY) && !text.contains(TOKEN), "{text}");
    }
}

#[test]
fn an_input_with_a_secret_column_is_refused_before_anything_is_sent() {
    let program = Program::new();
    program.write("list.csv", format!("invitation_id,Login_Token\n1000000,{TOKEN}\n"));
    let ran = program.run("run list.csv --sandbox");
    ran.ended_with(2).says("Login_Token");
    assert!(!ran.stderr.contains(TOKEN));
    assert_eq!(program.files(), ["list.csv"]);

    program.write("list.jsonl", format!("{{\"invitation_id\": 1000000, \"api_key\": \"{KEY}\"}}\n2000000\n"));
    let ran = program.run("run list.jsonl --sandbox --rate unlimited -o report.csv");
    ran.ended_with(1);
    assert_eq!(program.report("report.csv").outcomes(), ["invalid", "withdrawn"]);
    assert!(!program.read("report.csv").contains(KEY) && !ran.stderr.contains(KEY));
}

#[test]
fn a_key_that_no_header_can_hold_is_refused_without_being_shown() {
    let program = Program::new();
    program.write("list.csv", "1000000\n");
    let mut command = program.command("run list.csv --yes");
    command.env("LINKUP_API_KEY", "first line\nsecond line");
    let ran = crate::support::Ran::from(command.output().unwrap());
    ran.ended_with(2).says("the API key holds characters");
    assert!(!ran.stderr.contains("second line"));
}

/// JSON has many spellings of one character; what counts is what they come to.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_comes_back_in_escapes_is_masked_as_well() {
    let token = "AQED+secret<tok>12345";
    let escaped: String = token.chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
    let server = MockServer::start().await;
    let body = format!("{{\"status\": \"error\", \"message\": \"refused: {escaped}\"}}");
    let answer = ResponseTemplate::new(200).set_body_raw(body, "application/json");
    Mock::given(any()).respond_with(answer.insert_header("location", "/x")).mount(&server).await;
    let program = Program::new();
    program.write("list.csv", "1000000\n");
    let mut command = program.command(&format!("run list.csv --base-url {} {SWIFTLY} -v", server.uri()));
    command.env("LINKUP_LOGIN_TOKEN", token);
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let ran = wait(child).await;
    let report = program.read("report.csv");
    assert!(report.contains("refused: ***"), "{report}");
    assert!(!ran.stderr.contains("AQED") && !report.contains("AQED"));
}
