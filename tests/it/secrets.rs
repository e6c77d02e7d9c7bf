//! Key and token appear in no output, even where the API repeats them.

use serde_json::{Value, json};
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::command_line::COMMANDS;
use crate::support::{Api, KEY, Program, Ran, SWIFTLY, TOKEN, on_both_versions, spawn, swift, swiftly, wait};

on_both_versions!(
    an_api_that_repeats_key_and_token_is_not_repeated,
    a_list_that_repeats_key_and_token_is_not_repeated,
    a_whole_run_with_every_log_line_shows_no_secret,
    an_escaped_secret_is_masked_as_well,
    no_spelling_of_a_secret_is_shown,
);

/// All that a run printed and wrote.
fn everything(program: &Program, ran: Ran) -> Vec<String> {
    let written = program.files().into_iter().filter(|name| !name.starts_with("list.")).map(|name| program.read(&name));
    [ran.stdout, ran.stderr].into_iter().chain(written).collect()
}

#[track_caller]
fn assert_secrets_are_masked(everything: &[String]) {
    assert!(everything.iter().any(|text| text.contains("***")), "the texts with the secrets were not shown");
    for text in everything {
        assert!(!text.contains(&KEY[..8]) && !text.contains(&TOKEN[..8]), "{text}");
    }
}

async fn an_api_that_repeats_key_and_token_is_not_repeated(api: Api) {
    // On V2 it can only be the key, since no token is sent.
    let echo = api.echoed();
    for (status, message) in [
        (200, format!("Invalid token {echo} for key {KEY}")),
        (500, format!("Crashed on {echo}")),
        (400, format!("{{\"login_token\": \"{echo}\", \"x-api-key\": \"{KEY}\"}}")),
        // A long message is shortened, which must not leave a part of a secret.
        (200, format!("{} {echo}", "x".repeat(280))),
        // These stop the run, with the message as the reason.
        (403, format!("The API key {KEY} is invalid")),
        (402, format!("Insufficient credits for {KEY}")),
        (429, format!("Rate limit exceeded for {KEY}")),
    ] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(api.error(status, &message)).mount(&server).await;
        let program = Program::on(api);
        program.write("list.csv", "1000000\n");
        let flags = "--retries 1 --patience 20ms -vv --log-format json";
        let arguments = format!("--base-url {} {SWIFTLY} {flags}", server.uri());
        let ran = program.complete(&format!("run list.csv {arguments} --html page.html")).await;
        assert_secrets_are_masked(&everything(&program, ran));
        let ran = program.complete(&format!("list {arguments}").replace("--yes", "")).await;
        assert_secrets_are_masked(&everything(&program, ran));
        let ran = program.complete(&format!("clean --older-than 30d {arguments} --html page.html")).await;
        assert_secrets_are_masked(&everything(&program, ran));
        for format in ["table", "json"] {
            let looks = format!("--login --format {format} --retries 0 --patience 20ms --summary summary.json -vv");
            let ran = program.complete(&format!("check {looks} --base-url {} --rate unlimited", server.uri())).await;
            assert_secrets_are_masked(&everything(&program, ran));
        }
    }
}

/// A page that repeats the secret in each text.
fn page(api: Api) -> Value {
    let echo = format!("Ann {}", api.echoed());
    // Shortened in the middle of the secret.
    let long = format!("{} {}", "x".repeat(290), api.echoed());
    match api {
        Api::V1 => json!({"status": "success", "message": echo, "data": {"invitations": [{
            "name": echo, "profile_url": echo, "subtitle": long, "invitation_type": "CONNECTION", "message": echo,
            "sent_time": "2 months ago", "invitation_id": 1000000}], "total_available_results": 1}}),
        Api::V2 => json!({"success": true, "data": {"invitations": [{
            "entity_urn": "urn:li:invitation:1000000", "invitation_type": "CONNECTION", "sent_time": echo, "sent_time_days": 60,
            "recipient": {"first_name": echo, "last_name": echo, "headline": long, "linkedin_url": echo}}],
            "pagination": {"has_more": false}}, "metadata": {"credits_consumed": 1, "account_id": echo}}),
    }
}

async fn a_list_that_repeats_key_and_token_is_not_repeated(api: Api) {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(page(api));
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let program = Program::on(api);
    for command in ["list -o report.csv", "list -o report.jsonl", "clean --older-than 30d --yes -o report.csv"] {
        let flags = "--rate unlimited --retry-base 1ms --retries 0 --summary summary.json -vv";
        let ran = program.complete(&format!("{command} --base-url {} {flags}", server.uri())).await;
        assert_secrets_are_masked(&everything(&program, ran));
    }
    // What the ledger keeps of the list.
    assert_secrets_are_masked(&everything(&program, program.run("history --id 1000000")));
}

async fn a_whole_run_with_every_log_line_shows_no_secret(api: Api) {
    let sandbox = swift(|options| options.credits = Some(1_000)).await;
    let program = Program::on(api);
    let rows: String =
        ["101", "107", "109", "501", "521", "603", "607"].map(|end| format!("7329176687475109{end}\n")).concat();
    program.write("list.csv", rows);
    let flags = format!("{} -vv", swiftly(&sandbox));
    for arguments in [
        format!("run list.csv {flags} --html page.html"),
        format!("list {}", flags.replace("--yes", "")),
        format!("clean --older-than 30d {flags}"),
        format!("check --login --base-url {} -vv", sandbox.base_url()),
    ] {
        let mut command = program.command(&arguments);
        // Libraries would log requests.
        command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        let ran = wait(spawn(command)).await;
        ran.says("answer");
        for text in everything(&program, ran) {
            assert!(!text.contains(KEY) && !text.contains(TOKEN), "{text}");
        }
    }
}

#[test]
fn an_input_with_a_secret_column_is_refused_before_anything_is_sent() {
    let flags = "--sandbox --rate unlimited";
    let program = Program::new();
    program.write("list.csv", format!("invitation_id,Login_Token\n1000000,{TOKEN}\n"));
    let ran = program.run(&format!("run list.csv {flags}"));
    ran.ended_with(2).says("Login_Token");
    assert!(!ran.stderr.contains(TOKEN));
    assert_eq!(program.files(), ["list.csv"]);

    program.write("list.jsonl", format!("{{\"invitation_id\": 1000000, \"api_key\": \"{KEY}\"}}\n2000000\n"));
    let ran = program.run(&format!("run list.jsonl {flags} -o report.csv"));
    ran.ended_with(1);
    assert_eq!(program.report("report.csv").outcomes(), ["invalid", "withdrawn"]);
    assert!(!program.read("report.csv").contains(KEY) && !ran.stderr.contains(KEY));
}

/// Every user of the machine sees the command lines of all processes.
#[test]
fn no_flag_takes_a_secret_and_none_is_shown_by_a_mistake() {
    let program = Program::new();
    for command in COMMANDS {
        let help = program.run(&format!("{command} --help")).stdout;
        let flags: Vec<_> = help.split_whitespace().filter(|word| word.starts_with("--")).collect();
        let is_secret = |flag: &&&str| ["key", "token", "password", "secret"].iter().any(|name| flag.contains(name));
        assert_eq!(flags.iter().find(is_secret), None, "{command}");
    }
    program.write("list.csv", "1000000\n");
    // Those that are no flags, and some whose value can't be this.
    for flag in ["--api-key", "--login-token", "--token", "--api", "--rate", "--log-format"] {
        for arguments in [format!("run list.csv {flag} {KEY}"), format!("run list.csv {flag}={KEY}")] {
            let ran = program.run(&arguments);
            ran.ended_with(2).says(flag);
            assert!(!ran.stderr.contains(KEY), "{}", ran.stderr);
        }
    }
}

#[test]
fn a_key_that_no_header_can_hold_is_refused_without_being_shown() {
    let program = Program::new();
    program.write("list.csv", "1000000\n");
    for command in ["run list.csv --yes", "list", "clean --older-than 30d --yes"] {
        let mut command = program.command(&format!("{command} --base-url https://127.0.0.1:9"));
        command.env("LINKUP_API_KEY", "first line\nsecond line");
        let ran = Ran::from(command.output().unwrap());
        ran.ended_with(2).says("the API key contains characters");
        assert!(!ran.stderr.contains("second line"));
    }
}

/// JSON can escape any character.
async fn an_escaped_secret_is_masked_as_well(api: Api) {
    let secret = "AQED+secret<tok>12345";
    let escaped: String = secret.chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
    let server = MockServer::start().await;
    let body = match api {
        Api::V1 => format!("{{\"status\": \"error\", \"message\": \"refused: {escaped}\"}}"),
        Api::V2 => format!(
            "{{\"success\": false, \"error\": {{\"code\": \"{escaped}\", \"message\": \"refused: {escaped}\"}}}}"
        ),
    };
    let answer = ResponseTemplate::new(200).set_body_raw(body, "application/json");
    Mock::given(any()).respond_with(answer.insert_header("location", "/x")).mount(&server).await;
    let program = Program::on(api);
    program.write("list.csv", "1000000\n");
    let mut command = program.command(&format!("run list.csv --base-url {} {SWIFTLY} -v", server.uri()));
    command.env(api.secret(), secret);
    let ran = wait(spawn(command)).await;
    let report = program.read("report.csv");
    assert!(report.contains("refused: ***"), "{report}");
    assert!(!ran.stderr.contains("AQED") && !report.contains("AQED"));
}

/// A secret with all that is escaped somewhere.
const AWKWARD: &str = "AQEDAR/x+Yz qK0123\"4567\\89ab<CD>efGH&iJ=kLmN/oP";

/// The ways in which servers repeat it, and those in which people and programs quote it.
fn spellings() -> Vec<(&'static str, String)> {
    let each = |spell: &dyn Fn(u8) -> String| AWKWARD.bytes().map(spell).collect::<String>();
    let percent = |byte: u8, is_kept: &dyn Fn(u8) -> bool| match byte {
        _ if byte.is_ascii_alphanumeric() || is_kept(byte) => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let encoded = each(&|byte| percent(byte, &|_| false));
    let with_slashes = each(&|byte| percent(byte, &|byte| byte == b'/'));
    let form = encoded.replace("%20", "+");
    let lower_hex = each(&|byte| percent(byte, &|_| false).replace("%2F", "%2f").replace("%5C", "%5c"));
    let all_percent = each(&|byte| format!("%{byte:02X}"));
    let json = json!(AWKWARD).to_string().trim_matches('"').to_owned();
    let slashed = json.replace('/', "\\/");
    let html_safe = slashed.replace('<', "\\u003C").replace('>', "\\u003E").replace('&', "\\u0026");
    let all_json = each(&|byte| format!("\\u{byte:04x}"));
    let twice_json = json!(slashed).to_string().trim_matches('"').to_owned();
    let (first, last) = (AWKWARD[..12].to_owned(), AWKWARD[AWKWARD.len() - 12..].to_owned());
    vec![
        ("as it is", AWKWARD.to_owned()),
        ("in upper case", AWKWARD.to_uppercase()),
        ("in lower case", AWKWARD.to_lowercase()),
        ("named", format!("li_at={AWKWARD}")),
        ("percent-encoded", encoded.clone()),
        ("percent-encoded in lower case", encoded.to_lowercase()),
        ("percent-encoded in upper case", encoded.to_uppercase()),
        ("percent-encoded, hexadecimal digits of both cases", lower_hex),
        ("percent-encoded but for slashes", with_slashes.clone()),
        ("the same in lower case", with_slashes.to_lowercase()),
        ("as a form", form.clone()),
        ("as a form, in lower case", form.to_lowercase()),
        ("every character percent-encoded", all_percent.clone()),
        ("the same in lower case", all_percent.to_lowercase()),
        ("percent-encoded twice", encoded.replace('%', "%25")),
        ("percent-encoded thrice", encoded.replace('%', "%2525")),
        ("JSON", json.clone()),
        ("JSON with slashes escaped", slashed.clone()),
        ("JSON for HTML", html_safe.clone()),
        ("JSON in upper case", html_safe.to_uppercase()),
        ("JSON in lower case", html_safe.to_lowercase()),
        ("every character JSON-escaped", all_json.clone()),
        ("the same in upper case", all_json.to_uppercase()),
        ("JSON in JSON", twice_json),
        ("JSON, percent-encoded", slashed.replace('\\', "%5C").replace('/', "%2F").replace('"', "%22")),
        (
            "percent-encoded, every character JSON-escaped",
            encoded.bytes().map(|byte| format!("\\u{byte:04x}")).collect(),
        ),
        ("its beginning", first),
        ("its end", last.clone()),
        ("its end in upper case", last.to_uppercase()),
        ("without its ends", AWKWARD[3..AWKWARD.len() - 3].to_owned()),
        ("behind a percent sign", format!("100%{AWKWARD}")),
    ]
}

/// On V1 it is the token that is repeated, set as a cookie with its name; on V2 the key.
async fn no_spelling_of_a_secret_is_shown(api: Api) {
    let spellings = spellings();
    assert_eq!(spellings.len(), 31);
    let server = MockServer::start().await;
    let messages: Vec<String> = spellings.iter().map(|(_, spelled)| format!("refused: {spelled}")).collect();
    let id_of = |request: &wiremock::Request| {
        let body: Value = request.body_json().unwrap();
        let id = body.get("invitation_id").or_else(|| body.pointer("/params/invitation_id")).unwrap();
        id.as_str().unwrap().parse::<usize>().unwrap()
    };
    let answer = move |request: &wiremock::Request| api.error(400, &messages[id_of(request) - 1_000_000]);
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    let program = Program::on(api);
    program.write("list.csv", (0..31).map(|at| format!("{}\n", 1_000_000 + at)).collect::<String>());
    let flags = "--ledger runs.db --max-errors 100 -v -v";
    let mut command = program.command(&format!("run list.csv --base-url {} {SWIFTLY} {flags}", server.uri()));
    command.env(api.secret(), if api == Api::V1 { format!("li_at={AWKWARD}") } else { AWKWARD.to_owned() });
    let ran = wait(spawn(command)).await;
    ran.ended_with(1);
    assert_eq!(program.report("report.csv").count("rejected"), 31);
    // But for what stands before two of them.
    assert!(program.read("report.csv").matches("refused: ***").count() >= 29);

    let written = program.files().into_iter().filter(|name| name != "list.csv");
    let written =
        written.map(|name| String::from_utf8_lossy(&std::fs::read(program.path(&name)).unwrap()).into_owned());
    let everything: Vec<String> = written.chain([ran.stdout, ran.stderr]).collect();
    assert!(everything.len() >= 5, "report, summary, ledger, stdout and stderr");
    for (what, spelled) in spellings {
        // Quotes and backslashes are spelled anew in JSON and CSV, so that only parts can be compared.
        for part in spelled.split(['"', '\\']).filter(|part| part.len() >= 8) {
            assert!(everything.iter().all(|text| !text.contains(part)), "{what}: {part}");
        }
        for part in spelled.as_bytes().windows(12).map(|part| String::from_utf8_lossy(part)) {
            assert!(everything.iter().all(|text| !text.contains(&*part)), "{what}: {part}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_that_repeats_the_key_is_not_repeated() {
    for status in [200, 403, 500] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status).set_body_json(json!({"credits": KEY, "message": KEY, KEY: 7}));
        Mock::given(method("GET")).and(path("/v2/credits")).respond_with(answer).mount(&server).await;
        Mock::given(method("POST")).respond_with(Api::V2.success()).mount(&server).await;
        let program = Program::on(Api::V2);
        program.write("list.csv", "1000000\n");
        let ran = program.complete(&format!("run list.csv --base-url {} {SWIFTLY} -vv", server.uri())).await;
        ran.ended_with(0);
        for text in everything(&program, ran) {
            assert!(!text.contains(&KEY[..8]), "{text}");
        }
    }
}
