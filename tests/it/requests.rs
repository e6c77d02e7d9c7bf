//! What leaves the machine, to the byte, and how often.

use serde_json::json;
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::{KEY, Program, Ran, SWIFTLY, TOKEN, wait};

const SUCCESS: &str = r#"{"status": "success", "message": "Connection invitation withdrawn successfully"}"#;

async fn run_against(server: &MockServer, input: &str, more: &str) -> (Program, Ran, Vec<Request>) {
    let program = Program::new();
    program.write("list.csv", input);
    let child = program.start(&format!("run list.csv --base-url {} {SWIFTLY} {more}", server.uri()));
    let ran = wait(child).await;
    let requests = server.received_requests().await.unwrap();
    (program, ran, requests)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_is_asked_for_exactly_as_documented() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_raw(SUCCESS, "application/json");
    Mock::given(method("POST")).and(path("/v1/network/withdraw-invitation")).respond_with(answer).mount(&server).await;

    let input = "invitation_id,country\n7329176687475109888,\n'2906418534,us\n";
    let (_, ran, requests) = run_against(&server, input, "--concurrency 1").await;
    ran.ended_with(0);
    let bodies: Vec<_> = requests.iter().map(|request| String::from_utf8(request.body.clone()).unwrap()).collect();
    assert_eq!(
        bodies,
        [
            format!(r#"{{"invitation_id":"7329176687475109888","login_token":"{TOKEN}","country":"FR"}}"#),
            format!(r#"{{"invitation_id":"2906418534","login_token":"{TOKEN}","country":"US"}}"#),
        ]
    );
    for request in &requests {
        assert_eq!((request.method.as_str(), request.url.path()), ("POST", "/v1/network/withdraw-invitation"));
        assert_eq!(request.headers["x-api-key"], KEY);
        assert_eq!(request.headers["content-type"], "application/json");
        let agent = request.headers["user-agent"].to_str().unwrap();
        assert_eq!(agent, concat!("bulk-withdraw/", env!("CARGO_PKG_VERSION")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_is_never_sent_again_whatever_headers_came_with_it() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200)
        .set_body_raw(SUCCESS, "application/json")
        .insert_header("retry-after", "0")
        .insert_header("x-ratelimit-remaining", "0")
        .insert_header("x-ratelimit-reset", "0");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let (program, ran, requests) = run_against(&server, "1000000\n2000000\n", "").await;
    ran.ended_with(0);
    assert_eq!((requests.len(), program.report("report.csv").count("withdrawn")), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let (server, elsewhere) = (MockServer::start().await, MockServer::start().await);
    for status in [301, 302, 303, 307, 308] {
        server.reset().await;
        let answer = ResponseTemplate::new(status).insert_header("location", elsewhere.uri().as_str());
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let (program, ran, requests) = run_against(&server, "1000000\n", "--retries 1").await;
        ran.ended_with(1);
        assert_eq!(requests.len(), 2, "{status}");
        let report = program.report("report.csv");
        assert_eq!(report.outcome(1), "unconfirmed", "{status}");
        assert!(report.lines[&1]["detail"].contains("redirect"), "{:?}", report.lines[&1]);
    }
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0, "key and token were sent elsewhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn loopback_is_reached_without_a_proxy() {
    let (server, proxy) = (MockServer::start().await, MockServer::start().await);
    let answer = ResponseTemplate::new(200).set_body_raw(SUCCESS, "application/json");
    Mock::given(any()).respond_with(answer.clone()).mount(&server).await;
    Mock::given(any()).respond_with(answer).mount(&proxy).await;
    let program = Program::new();
    program.write("list.csv", "1000000\n");
    let arguments = format!("run list.csv --base-url http://localhost:{} {SWIFTLY}", server.address().port());
    let mut command = program.command(&arguments);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, proxy.uri());
    }
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    wait(child).await.ended_with(0);
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
    assert_eq!(proxy.received_requests().await.unwrap().len(), 0, "a proxy was handed the key");
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_obeyed_within_patience_and_ends_the_run_beyond_it() {
    let limited = |seconds: &str| {
        ResponseTemplate::new(200)
            .set_body_json(json!({"status": "error", "message": "Rate limit exceeded. Please try again later"}))
            .insert_header("retry-after", seconds)
    };
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(limited("1")).up_to_n_times(1).with_priority(1).mount(&server).await;
    let answer = ResponseTemplate::new(200).set_body_raw(SUCCESS, "application/json");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let (program, ran, requests) = run_against(&server, "1000000\n", "").await;
    ran.ended_with(0);
    assert_eq!(requests.len(), 2);
    let waited: u64 = program.report("report.csv").sum("duration_ms");
    assert!(waited >= 1_000, "asked again after {waited} ms, not after the second it was told to wait");

    server.reset().await;
    Mock::given(any()).respond_with(limited("3600")).mount(&server).await;
    let (program, ran, requests) = run_against(&server, "1000000\n2000000\n", "--concurrency 1").await;
    ran.ended_with(5).says("3600 s").says("--patience");
    assert_eq!(requests.len(), 1);
    assert_eq!(program.report("report.csv").outcomes(), ["rate_limited", "not_attempted"]);
    assert_eq!(program.summary()["stop"]["reason"], "patience_exhausted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_an_answer_in_time_is_lost() {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(30));
    Mock::given(any()).respond_with(slow).mount(&server).await;
    let (program, ran, requests) = run_against(&server, "1000000\n", "--timeout 100ms --retries 1").await;
    ran.ended_with(1);
    assert_eq!(requests.len(), 2);
    let report = program.report("report.csv");
    assert_eq!(report.outcome(1), "unconfirmed");
    assert_eq!((report.sum("credits"), report.sum("credits_possible")), (0, 2));
    assert_eq!(report.lines[&1]["detail"], "no answer in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_costs_nothing() {
    // A port that was just free: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let program = Program::new();
    program.write("list.csv", "1000000\n");
    let ran = program.run(&format!("run list.csv --base-url http://127.0.0.1:{port} {SWIFTLY} --retries 2"));
    ran.ended_with(1);
    let report = program.report("report.csv");
    assert_eq!((report.outcome(1), report.sum("attempts")), ("failed", 3));
    assert_eq!((report.sum("credits"), report.sum("credits_possible")), (0, 0));
    assert!(report.lines[&1]["detail"].starts_with("no connection"), "{:?}", report.lines[&1]);
}
