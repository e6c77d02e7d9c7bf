//! The requests that are sent: their exact bytes, and how many.

use std::time::Duration;

use serde_json::{Value, json};
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::{ACCOUNT_ID, Api, KEY, Program, Ran, SWIFTLY, TOKEN, on_both_versions, spawn, wait};

on_both_versions!(
    a_withdrawal_is_asked_for_exactly_as_documented,
    a_list_is_asked_for_exactly_as_documented,
    clean_fetches_its_list_first,
    a_check_is_asked_for_exactly_as_documented,
    a_success_is_never_sent_again_whatever_headers_came_with_it,
    a_redirect_is_not_followed,
    an_answer_that_is_too_long_or_compressed_means_nothing,
    retry_after_is_obeyed_within_patience_and_ends_the_run_beyond_it,
    a_call_without_an_answer_in_time_is_lost,
    a_refused_connection_costs_nothing,
    a_success_in_other_words_is_asked_for_once_unless_configured,
);

/// Runs against this server. Returns the calls to withdraw.
async fn run_against(api: Api, server: &MockServer, input: &str, more: &str) -> (Program, Ran, Vec<Request>) {
    let program = Program::on(api);
    program.write("list.csv", input);
    let ran = program.complete(&format!("run list.csv --base-url {} {SWIFTLY} {more}", server.uri())).await;
    let requests = server.received_requests().await.unwrap();
    (program, ran, without_balance(api, requests))
}

/// Checks and removes the request for the balance, which V2 gets once, before the first withdrawal.
fn without_balance(api: Api, mut requests: Vec<Request>) -> Vec<Request> {
    if api == Api::V2 {
        let balance = requests.remove(0);
        assert_eq!((balance.method.as_str(), balance.url.path(), balance.url.query()), ("GET", "/v2/credits", None));
        assert_is_from_us(&balance);
        assert!(balance.body.is_empty(), "{:?}", balance.body);
    }
    for request in &requests {
        assert_eq!((request.method.as_str(), request.url.path()), ("POST", api.withdraw_path()));
    }
    requests
}

/// The key is in its header and nowhere else.
fn assert_is_from_us(request: &Request) {
    assert_eq!(request.headers["x-api-key"], KEY);
    assert_eq!(request.headers["content-type"], "application/json");
    let agent = request.headers["user-agent"].to_str().unwrap();
    assert_eq!(agent, concat!("bulk-withdraw/", env!("CARGO_PKG_VERSION")));
    let names: Vec<_> = request.headers.keys().map(|name| name.as_str()).collect();
    let known = ["x-api-key", "content-type", "accept", "user-agent", "host", "content-length"];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    assert!(!request.url.as_str().contains(KEY));
}

fn bodies(requests: &[Request]) -> Vec<String> {
    requests.iter().map(|request| String::from_utf8(request.body.clone()).unwrap()).collect()
}

/// Even if the other version's credential is set, it is not sent.
async fn a_withdrawal_is_asked_for_exactly_as_documented(api: Api) {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path(api.withdraw_path())).respond_with(api.success()).mount(&server).await;

    let program = Program::on(api);
    program.write("list.csv", "invitation_id,country\n7329176687475109888,\n'2906418534,us\n");
    let flags = format!("{SWIFTLY} --concurrency 1 --api {}", api.name());
    let mut command = program.command(&format!("run list.csv --base-url {} {flags}", server.uri()));
    for (name, value) in Api::BOTH.map(Api::login) {
        command.env(name, value);
    }
    wait(spawn(command)).await.ended_with(0);
    let requests = without_balance(api, server.received_requests().await.unwrap());
    let expected = [("7329176687475109888", "FR"), ("2906418534", "US")].map(|(id, country)| match api {
        Api::V1 => format!(r#"{{"invitation_id":"{id}","login_token":"{TOKEN}","country":"{country}"}}"#),
        // An ID as text, and neither token nor country.
        Api::V2 => {
            format!(r#"{{"account_id":"{ACCOUNT_ID}","action":"withdraw","params":{{"invitation_id":"{id}"}}}}"#)
        }
    });
    assert_eq!(bodies(&requests), expected);
    requests.iter().for_each(assert_is_from_us);
}

/// The path for lists.
fn list_path(api: Api) -> &'static str {
    match api {
        Api::V1 => "/v1/network/sent-invitations",
        Api::V2 => "/v2/network",
    }
}

/// A page with these invitations, sent long ago. V1 says how many there are; V2 says where the next page begins, or
/// leaves that to the client.
fn page(api: Api, ids: std::ops::Range<u64>, all: u64, next: Option<u64>) -> ResponseTemplate {
    let has_more = ids.end < all;
    let entries: Vec<Value> = ids
        .map(|id| match api {
            Api::V1 => json!({"invitation_id": 1_000_000 + id, "sent_time": "2 months ago"}),
            Api::V2 => json!({"entity_urn": format!("urn:li:invitation:{}", 1_000_000 + id), "sent_time_days": 60}),
        })
        .collect();
    ResponseTemplate::new(200).set_body_json(match api {
        Api::V1 => json!({"status": "success", "data": {"invitations": entries, "total_available_results": all}}),
        Api::V2 => json!({
            "success": true,
            "data": {"invitations": entries, "pagination": {"has_more": has_more, "next_offset": next}},
            "metadata": {"credits_consumed": 1}
        }),
    })
}

async fn a_list_is_asked_for_exactly_as_documented(api: Api) {
    for (more, kind, country) in
        [("", "CONNECTION", "FR"), ("--type content-series --country de", "CONTENT_SERIES", "DE")]
    {
        let server = MockServer::start().await;
        // The second page says that the third begins later than expected.
        for (priority, ids, next) in [(1, 0..10, None), (2, 10..20, Some(25)), (3, 20..23, None)] {
            let mock = Mock::given(method("POST")).and(path(list_path(api))).respond_with(page(api, ids, 23, next));
            mock.up_to_n_times(1).with_priority(priority).mount(&server).await;
        }
        let program = Program::on(api);
        let flags = format!("--base-url {} --rate unlimited --api {} {more}", server.uri(), api.name());
        let mut command = program.command(&format!("list {flags}"));
        for (name, value) in Api::BOTH.map(Api::login) {
            command.env(name, value);
        }
        let ran = wait(spawn(command)).await;
        ran.ended_with(0);
        assert_eq!(ran.stdout.lines().count(), 1 + 23);
        let requests = server.received_requests().await.unwrap();
        let expected = match api {
            Api::V1 => [1, 2, 3].map(|page| {
                format!(
                    r#"{{"login_token":"{TOKEN}","country":"{country}","invitation_type":"{kind}","start_page":{page},"end_page":{page}}}"#
                )
            }),
            Api::V2 => [0, 10, 25].map(|offset| {
                format!(
                    r#"{{"account_id":"{ACCOUNT_ID}","action":"list_sent","params":{{"count":10,"offset":{offset},"invitation_type":"{kind}"}}}}"#
                )
            }),
        };
        assert_eq!(bodies(&requests), expected);
        for request in &requests {
            assert_eq!((request.method.as_str(), request.url.path()), ("POST", list_path(api)));
            assert_is_from_us(request);
        }
    }
}

async fn clean_fetches_its_list_first(api: Api) {
    let server = MockServer::start().await;
    for (priority, ids) in [(1, 0..10), (2, 10..12)] {
        let mock = Mock::given(method("POST")).and(path(list_path(api))).respond_with(page(api, ids, 12, None));
        mock.up_to_n_times(1).with_priority(priority).mount(&server).await;
    }
    Mock::given(method("POST")).and(path(api.withdraw_path())).respond_with(api.success()).mount(&server).await;
    let program = Program::on(api);
    let flags = format!("--base-url {} {SWIFTLY} --concurrency 1", server.uri());
    program.complete(&format!("clean --older-than 30d {flags}")).await.ended_with(0);
    let mut requests = server.received_requests().await.unwrap();
    let withdrawals = without_balance(api, requests.split_off(2));
    assert!(requests.iter().all(|request| request.url.path() == list_path(api)));
    assert_eq!(withdrawals.len(), 12);
    assert_eq!(program.report("report.csv").count("withdrawn"), 12);
}

/// Without `--login` nothing that surely costs a credit.
async fn a_check_is_asked_for_exactly_as_documented(api: Api) {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(api.success()).mount(&server).await;
    let program = Program::on(api);
    let mut command = program.command(&format!("check --base-url {} --rate unlimited", server.uri()));
    if api == Api::V2 {
        command.env("LINKUP_ACCOUNT_ID", "acc/0?1%-_");
    }
    wait(spawn(command)).await;
    let requests = server.received_requests().await.unwrap();
    let paths: Vec<_> = requests.iter().map(|request| (request.method.as_str(), request.url.path())).collect();
    match api {
        Api::V1 => assert_eq!(paths, [("GET", "/v1/check")]),
        Api::V2 => assert_eq!(paths, [("GET", "/v2/credits"), ("GET", "/v2/accounts/acc%2F0%3F1%25-_")]),
    }
    for request in &requests {
        assert_eq!((request.url.query(), request.body.len()), (None, 0));
        assert_is_from_us(request);
    }
}

async fn a_success_is_never_sent_again_whatever_headers_came_with_it(api: Api) {
    let server = MockServer::start().await;
    let answer = api
        .success()
        .insert_header("retry-after", "0")
        .insert_header("x-ratelimit-remaining", "0")
        .insert_header("x-ratelimit-reset", "0");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let (program, ran, requests) = run_against(api, &server, "1000000\n2000000\n", "").await;
    ran.ended_with(0);
    assert_eq!((requests.len(), program.report("report.csv").count("withdrawn")), (2, 2));
}

async fn a_redirect_is_not_followed(api: Api) {
    let (server, elsewhere) = (MockServer::start().await, MockServer::start().await);
    for status in [301, 302, 303, 307, 308] {
        server.reset().await;
        let answer = ResponseTemplate::new(status).insert_header("location", elsewhere.uri().as_str());
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let (program, ran, requests) = run_against(api, &server, "1000000\n", "--retries 1").await;
        ran.ended_with(1);
        assert_eq!(requests.len(), 2, "{status}");
        let report = program.report("report.csv");
        assert_eq!(report.outcome(1), "unconfirmed", "{status}");
        assert!(report.lines[&1]["detail"].contains("redirect"), "{:?}", report.lines[&1]);
        assert_eq!((report.sum("credits"), report.sum("credits_possible")), (0, 2), "{status}");

        server.reset().await;
        let answer = ResponseTemplate::new(status).insert_header("location", elsewhere.uri().as_str());
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let flags = "--rate unlimited --retry-base 1ms --retries 1";
        let ran = program.complete(&format!("list --base-url {} {flags}", server.uri())).await;
        ran.ended_with(5).says("redirect");
        assert_eq!(server.received_requests().await.unwrap().len(), 2, "{status}");
    }
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0, "key and token were sent elsewhere");
}

/// A success, but in 17 MB, or in bytes that grow when they are unpacked: nobody asked for such, and memory has an end.
async fn an_answer_that_is_too_long_or_compressed_means_nothing(api: Api) {
    let success = match api {
        Api::V1 => r#"{"status": "success", "message": "Connection invitation withdrawn successfully"}"#,
        Api::V2 => r#"{"success": true, "data": {"withdrawn": true}, "metadata": {"credits_consumed": 1}}"#,
    };
    let long = |length: usize| {
        ResponseTemplate::new(200).set_body_raw(success.to_owned() + &" ".repeat(length), "application/json")
    };
    // The same in gzip, as one stored block.
    let length = u16::try_from(success.len()).unwrap();
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    let packed = [&head[..], &length.to_le_bytes(), &(!length).to_le_bytes(), success.as_bytes(), &[0; 8]].concat();
    let packed =
        ResponseTemplate::new(200).set_body_raw(packed, "application/json").insert_header("content-encoding", "gzip");
    for (answer, outcome) in [(long(15 << 20), "withdrawn"), (long(17 << 20), "unconfirmed"), (packed, "unconfirmed")] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let (program, _, requests) = run_against(api, &server, "1000000\n", "--retries 1").await;
        assert!(requests.iter().all(|request| !request.headers.contains_key("accept-encoding")));
        assert_eq!(program.report("report.csv").outcomes(), [outcome]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn loopback_is_reached_without_a_proxy() {
    let api = Api::V2;
    let (server, proxy) = (MockServer::start().await, MockServer::start().await);
    Mock::given(any()).respond_with(api.success()).mount(&server).await;
    Mock::given(any()).respond_with(api.success()).mount(&proxy).await;
    let program = Program::on(api);
    program.write("list.csv", "1000000\n");
    let arguments = format!("run list.csv --base-url http://localhost:{} {SWIFTLY}", server.address().port());
    let mut command = program.command(&arguments);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, proxy.uri());
    }
    wait(spawn(command)).await.ended_with(0);
    assert_eq!(without_balance(api, server.received_requests().await.unwrap()).len(), 1);
    assert_eq!(proxy.received_requests().await.unwrap().len(), 0, "a proxy was handed the key");
}

async fn retry_after_is_obeyed_within_patience_and_ends_the_run_beyond_it(api: Api) {
    let limited = |seconds: &str| api.rate_limited().insert_header("retry-after", seconds);
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(limited("1")).up_to_n_times(1).with_priority(1).mount(&server).await;
    Mock::given(method("POST")).respond_with(api.success()).mount(&server).await;
    let (program, ran, requests) = run_against(api, &server, "1000000\n", "").await;
    ran.ended_with(0);
    assert_eq!(requests.len(), 2);
    let waited: u64 = program.report("report.csv").sum("duration_ms");
    assert!(waited >= 1_000, "asked again after {waited} ms, not after the second it was told to wait");

    server.reset().await;
    Mock::given(any()).respond_with(limited("3600")).mount(&server).await;
    let (program, ran, requests) = run_against(api, &server, "1000000\n2000000\n", "--concurrency 1").await;
    ran.ended_with(5).says("(in 1 h)").says("--patience");
    assert_eq!(requests.len(), 1);
    assert_eq!(program.report("report.csv").outcomes(), ["rate_limited", "not_attempted"]);
    assert_eq!(program.summary()["stop"]["reason"], "patience_exhausted");
}

async fn a_call_without_an_answer_in_time_is_lost(api: Api) {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    Mock::given(any()).respond_with(slow).mount(&server).await;
    let (program, ran, requests) = run_against(api, &server, "1000000\n", "--timeout 100ms --retries 1").await;
    ran.ended_with(1);
    assert_eq!(requests.len(), 2);
    let report = program.report("report.csv");
    assert_eq!(report.outcome(1), "unconfirmed");
    assert_eq!((report.sum("credits"), report.sum("credits_possible")), (0, 2));
    assert_eq!(report.lines[&1]["detail"], "no answer in time");
}

async fn a_refused_connection_costs_nothing(api: Api) {
    // A port that was just free, so nothing listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let program = Program::on(api);
    program.write("list.csv", "1000000\n");
    let ran = program.run(&format!("run list.csv --base-url http://127.0.0.1:{port} {SWIFTLY} --retries 2"));
    ran.ended_with(1);
    let report = program.report("report.csv");
    assert_eq!((report.outcome(1), report.sum("attempts")), ("failed", 3));
    assert_eq!((report.sum("credits"), report.sum("credits_possible")), (0, 0));
    assert!(report.lines[&1]["detail"].starts_with("no connection"), "{:?}", report.lines[&1]);
}

/// V2 says what each call cost; the cost is in doubt only where it does not.
#[tokio::test(flavor = "multi_thread")]
async fn v2_s_exact_charges_are_added_up() {
    let success = |metadata: Value| json!({"success": true, "data": {"withdrawn": true}, "metadata": metadata});
    let error = |code: &str, credits: u64| json!({"success": false, "error": {"code": code}, "metadata": {"credits_consumed": credits}});
    let json = |status, body| ResponseTemplate::new(status).set_body_json(body);
    // The ID, its answers, and the result: outcome, charged, possible.
    let cases = [
        ("1000000", vec![json(200, success(json!({"credits_consumed": 2})))], ("withdrawn", "2", "2")),
        ("2000000", vec![json(200, success(json!({"credits_consumed": 0})))], ("withdrawn", "0", "0")),
        ("3000000", vec![json(200, success(Value::Null))], ("withdrawn", "0", "1")),
        ("4000000", vec![json(400, error("INVITATION_NOT_PENDING", 0))], ("not_pending", "0", "0")),
        ("5000000", vec![json(404, error("INVITATION_NOT_FOUND", 1))], ("not_found", "1", "1")),
        (
            "6000000",
            vec![
                json(500, error("INTERNAL_ERROR", 0)),
                ResponseTemplate::new(502).set_body_string("<html>Bad Gateway</html>"),
                json(429, error("RATE_LIMITED", 0)),
                json(200, success(json!({"credits_consumed": 1}))),
            ],
            ("withdrawn", "1", "2"),
        ),
    ];
    let server = MockServer::start().await;
    for (id, answers, _) in &cases {
        for (place, answer) in (1..).zip(answers) {
            let body = wiremock::matchers::body_string_contains(format!("\"{id}\""));
            let mock = Mock::given(method("POST")).and(body).respond_with(answer.clone());
            mock.up_to_n_times(1).with_priority(place).mount(&server).await;
        }
    }
    let input: String = cases.iter().map(|(id, _, _)| format!("{id}\n")).collect();
    let (program, ran, requests) = run_against(Api::V2, &server, &input, "").await;
    ran.ended_with(1);
    assert_eq!(requests.len(), 9);
    let (report, summary) = (program.report("report.csv"), program.summary());
    for (line, (id, _, expected)) in report.lines.values().zip(&cases) {
        let told = (line["outcome"].as_str(), line["credits"].as_str(), line["credits_possible"].as_str());
        assert_eq!((line["invitation_id"].as_str(), told), (*id, *expected));
    }
    assert_eq!(summary["credits"], json!({"charged": 4, "possible": 6}));
}

async fn a_success_in_other_words_is_asked_for_once_unless_configured(api: Api) {
    let queued = |message: &str| {
        ResponseTemplate::new(200).set_body_json(match api {
            Api::V1 => json!({"status": "success", "message": message}),
            Api::V2 => json!({"success": true, "message": message, "metadata": {"credits_consumed": 1}}),
        })
    };
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(queued("Withdrawal queued")).mount(&server).await;
    let (program, ran, requests) = run_against(api, &server, "1000000\n2000000\n", "").await;
    ran.ended_with(1)
        .says("2 × a success that does not say \"withdrawn\": \"Withdrawal queued\"")
        .says("add it to success_messages");
    assert_eq!(requests.len(), 2);
    let report = program.report("report.csv");
    assert_eq!(report.outcomes(), ["unconfirmed", "unconfirmed"]);
    let charged = if api == Api::V1 { "0" } else { "1" };
    assert!(report.lines.values().all(|line| line["credits"] == charged && line["credits_possible"] == "1"));

    program.write("own.toml", "success_messages = [\"Done\", \" withdrawal QUEUED\"]\n");
    let more = format!("--base-url {} {SWIFTLY} --config own.toml", server.uri());
    program.complete(&format!("run list.csv {more}")).await.ended_with(0);
    assert_eq!(program.report("report.csv").outcomes(), ["withdrawn", "withdrawn"]);
}

/// The balance only warns, so an answer of another form delays nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_without_a_balance() {
    let json = |status, body: Value| ResponseTemplate::new(status).set_body_json(body);
    let answers = [
        json(404, json!({"detail": "Not Found"})),
        json(403, json!({"success": false, "error": {"code": "INVALID_API_KEY", "message": "Invalid API key"}})),
        json(402, json!({"success": false, "error": {"code": "INSUFFICIENT_CREDITS", "message": "none"}})),
        json(429, json!({"success": false, "error": {"code": "RATE_LIMITED"}})).insert_header("retry-after", "3600"),
        json(500, json!({"credits": 0})),
        json(200, json!({"success": true, "data": {"used": 3}})),
        json(200, json!({"credits": "many"})),
        json(200, json!([1, 2])),
        ResponseTemplate::new(200).set_body_string("<html>Welcome</html>"),
        ResponseTemplate::new(200),
        json(200, json!({"credits": 0})).set_delay(Duration::from_secs(30)),
        ResponseTemplate::new(307).insert_header("location", "/v2/elsewhere"),
    ];
    for answer in answers {
        let server = MockServer::start().await;
        Mock::given(method("GET")).respond_with(answer.clone()).mount(&server).await;
        Mock::given(method("POST")).respond_with(Api::V2.success()).mount(&server).await;
        let (program, ran, requests) = run_against(Api::V2, &server, "1000000\n", "--timeout 1s").await;
        ran.ended_with(0);
        assert_eq!(requests.len(), 1, "{answer:?}");
        assert!(!ran.stderr.contains("balance"), "{answer:?}: {}", ran.stderr);
        // The request for the balance does not count as a call.
        let summary = program.summary();
        assert_eq!((&summary["calls"], &summary["rate_limit_answers"]), (&1.into(), &0.into()), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_shown_with_a_warning_if_it_is_too_small() {
    for (body, said) in [
        (json!({"success": true, "data": {"credits": 2}}), "the balance is 2 credits"),
        (json!({"success": true, "data": {"credits": 1}}), "the balance is 1 credit, and this may take 2"),
        (json!({"success": true, "data": {"credits": 0}}), "the balance is 0 credits, and this may take 2"),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(200).set_body_json(&body);
        Mock::given(method("GET")).and(path("/v2/credits")).respond_with(answer).mount(&server).await;
        Mock::given(method("POST")).respond_with(Api::V2.success()).mount(&server).await;
        // The balance may be wrong, so the calls are made anyway.
        let (_, ran, requests) = run_against(Api::V2, &server, "1000000\n2000000\n", "").await;
        ran.ended_with(0).says(said);
        assert_eq!(ran.stderr.contains("may take"), said.contains("may take"), "{}", ran.stderr);
        assert_eq!(requests.len(), 2);
    }
}
