//! The sandbox as a running server on loopback: its connections, and their end.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::http::{self, Shared};
use super::simulation::Simulation;
use super::{Record, SandboxOptions};

/// A simulated LinkUp API, served on loopback until it is stopped or dropped.
pub struct Sandbox {
    address: SocketAddr,
    shared: Shared,
    server: JoinHandle<()>,
}

impl Sandbox {
    /// Serves on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start(options: SandboxOptions) -> io::Result<Self> {
        Self::start_on(0, options).await
    }

    /// Serves on this port of 127.0.0.1; 0 takes a free one.
    ///
    /// # Errors
    /// The port can't be bound.
    pub async fn start_on(port: u16, options: SandboxOptions) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let shared = Shared::new(Simulation::new(options, Timestamp::now()));
        let server = tokio::spawn(serve(listener, shared.clone()));
        Ok(Self { address, shared, server })
    }

    /// The base address to give to a client.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A copy of what has happened so far.
    #[must_use]
    pub fn record(&self) -> Record {
        self.shared.record()
    }

    /// Stops listening and cuts all connections; returns once the port is free.
    pub async fn stop(mut self) {
        self.server.abort();
        // The only error is the cancellation that was asked for.
        let _ = (&mut self.server).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Accepts for ever. Its connections are its children, so that aborting it cuts them; `axum::serve` would leave
/// them running.
async fn serve(listener: TcpListener, shared: Shared) {
    let router = http::router(shared.clone());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    shared.count_connection();
                    connections.spawn(converse(stream, router.clone()));
                }
                // Out of file descriptors, most likely: some connection has to end first.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(stream: TcpStream, router: Router) {
    // Without it, small answers wait for the client's acknowledgements; with an error, they just do.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    // Connections end in errors on purpose here, and the client is the one to notice.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::{Faults, InvitationType, Limit, Reply, SentTime, StockItem};
    use super::*;

    const ID: &str = "7329176687475109888";

    async fn sandbox() -> Sandbox {
        let latency = Duration::ZERO..=Duration::ZERO;
        Sandbox::start(SandboxOptions { latency, ..SandboxOptions::default() }).await.unwrap()
    }

    async fn connect(sandbox: &Sandbox) -> TcpStream {
        TcpStream::connect(sandbox.address).await.unwrap()
    }

    async fn send(stream: &mut TcpStream, id: &str) {
        let body = format!(r#"{{"invitation_id":"{id}","login_token":"cookie","country":"FR"}}"#);
        send_to(stream, "/v1/network/withdraw-invitation", &body).await;
    }

    async fn send_to(stream: &mut TcpStream, path: &str, body: &str) {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: key\r\nconnection: close");
        let request = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await.unwrap();
    }

    /// The status and the body that a call gets.
    async fn call(sandbox: &Sandbox, path: &str, body: &str) -> (u16, String) {
        let mut stream = connect(sandbox).await;
        send_to(&mut stream, path, body).await;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        status_and_body(&answer)
    }

    fn status_and_body(answer: &str) -> (u16, String) {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    fn parse(body: &str) -> Value {
        serde_json::from_str(body).unwrap()
    }

    /// All that the server sends until it closes the connection.
    async fn exchange(sandbox: &Sandbox, id: &str) -> String {
        let mut stream = connect(sandbox).await;
        send(&mut stream, id).await;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn get(sandbox: &Sandbox, method: &str, path: &str) -> String {
        let mut stream = connect(sandbox).await;
        let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nx-api-key: key\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_withdrawal_is_answered() {
        let sandbox = sandbox().await;
        let answer = exchange(&sandbox, ID).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("content-type: application/json\r\n"), "{answer}");
        assert!(answer.ends_with(r#"{"status":"success","message":"Connection invitation withdrawn successfully"}"#));
        assert_eq!(sandbox.record().charged, 1);
    }

    #[tokio::test]
    async fn statuses_and_headers_reach_the_wire() {
        let sandbox = sandbox().await;
        let limited = exchange(&sandbox, "7329176687475109431").await;
        assert!(limited.starts_with("HTTP/1.1 429 "), "{limited}");
        assert!(limited.contains("retry-after: 3600\r\n"), "{limited}");
        let gateway = exchange(&sandbox, "7329176687475109521").await;
        assert!(gateway.starts_with("HTTP/1.1 502 "), "{gateway}");
        assert!(gateway.contains("content-type: text/html"), "{gateway}");
    }

    #[tokio::test]
    async fn a_closed_connection_says_nothing_at_all() {
        let sandbox = sandbox().await;
        assert_eq!(exchange(&sandbox, "7329176687475109603").await, "");
        let record = sandbox.record();
        assert_eq!((record.calls, record.lost, record.withdrawn, record.charged), (1, 1, 1, 0));
        assert!(exchange(&sandbox, "7329176687475109603").await.contains("no longer pending"));
    }

    /// A client may send a request again by itself if its connection closes before the request was read.
    #[tokio::test]
    async fn a_closed_connection_is_no_refused_one_to_an_http_client() {
        let sandbox = sandbox().await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let post = |id: &str| {
            let body = format!(r#"{{"invitation_id":"{id}","login_token":"cookie"}}"#);
            let url = format!("{}/v1/network/withdraw-invitation", sandbox.base_url());
            client.post(url).header("x-api-key", "key").body(body).send()
        };
        post(ID).await.unwrap().bytes().await.unwrap();
        let error = post("7329176687475109603").await.unwrap_err();
        assert!(!error.is_connect(), "{error:?}");
        assert!(post("7329176687475109607").await.unwrap().bytes().await.is_err());
        assert_eq!(sandbox.record().calls, 3);
    }

    #[tokio::test]
    async fn a_truncated_answer_ends_before_its_announced_length() {
        let sandbox = sandbox().await;
        let answer = exchange(&sandbox, "7329176687475109607").await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("the head arrives in full");
        let announced = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        assert_eq!(body, r#"{"status":""#);
        assert!(announced.parse::<usize>().unwrap() > body.len(), "{head}");
    }

    #[tokio::test]
    async fn an_answer_is_held_until_the_client_goes_away() {
        let sandbox = sandbox().await;
        let mut stream = connect(&sandbox).await;
        send(&mut stream, "7329176687475109609").await;
        let waited = tokio::time::timeout(Duration::from_millis(50), stream.read_u8()).await;
        assert!(waited.is_err(), "something came: {waited:?}");
        assert_eq!(sandbox.record().in_flight, 1);
        drop(stream);
        while sandbox.record().in_flight > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let record = sandbox.record();
        assert_eq!((record.lost, record.withdrawn), (1, 1));
        let answer = record.invitations["7329176687475109609"].answers[0];
        assert_eq!((answer.reply, answer.delivered), (Reply::Held, false));
    }

    #[tokio::test]
    async fn a_client_that_goes_away_leaves_a_withdrawal_that_nobody_heard_of() {
        let hour = Duration::from_secs(3600);
        let options = SandboxOptions { latency: hour..=hour, ..SandboxOptions::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let mut stream = connect(&sandbox).await;
        send(&mut stream, ID).await;
        while sandbox.record().in_flight == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(stream);
        while sandbox.record().in_flight > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let record = sandbox.record();
        assert_eq!((record.lost, record.withdrawn, record.charged), (1, 1, 0));
    }

    #[tokio::test]
    async fn calls_at_once_are_counted() {
        let sandbox = sandbox().await;
        let mut streams = [connect(&sandbox).await, connect(&sandbox).await, connect(&sandbox).await];
        for stream in &mut streams {
            send(stream, "7329176687475109611").await;
        }
        while sandbox.record().calls < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(streams);
        while sandbox.record().in_flight > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        exchange(&sandbox, ID).await;
        assert_eq!(sandbox.record().peak_in_flight, 3);
    }

    #[tokio::test]
    async fn other_addresses_are_not_found_and_cost_nothing() {
        let sandbox = sandbox().await;
        let elsewhere = get(&sandbox, "POST", "/v1/network/withdraw").await;
        assert!(elsewhere.starts_with("HTTP/1.1 404 ") && elsewhere.ends_with(r#"{"detail":"Not Found"}"#));
        let method = get(&sandbox, "GET", "/v1/network/withdraw-invitation").await;
        assert!(method.starts_with("HTTP/1.1 405 ") && method.ends_with(r#"{"detail":"Method Not Allowed"}"#));
        assert_eq!(sandbox.record(), Record { connections: 2, ..Record::default() });
    }

    #[tokio::test]
    async fn the_record_is_served_as_json() {
        let sandbox = sandbox().await;
        exchange(&sandbox, ID).await;
        let answer = get(&sandbox, "GET", "/sandbox/record").await;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let totals: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&totals["calls"], &totals["charged"]), (&1.into(), &1.into()), "{totals}");
        assert_eq!(totals.get("invitations"), None, "a million of them would be no answer");
    }

    #[tokio::test]
    async fn stopping_cuts_connections_and_frees_the_port() {
        let sandbox = sandbox().await;
        let address = sandbox.address;
        let mut stream = connect(&sandbox).await;
        send(&mut stream, "7329176687475109611").await;
        while sandbox.record().in_flight == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        sandbox.stop().await;
        assert!(TcpStream::connect(address).await.is_err(), "still listening");
        let mut rest = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
        assert!(end.is_ok() && rest.is_empty(), "the held connection outlived its server");
    }

    const V1_LIST: &str = "/v1/network/sent-invitations";
    const V2: &str = "/v2/network";
    const LIST_SENT: &str = r#"{"account_id":"mine","action":"list_sent"}"#;

    async fn with(change: impl FnOnce(&mut SandboxOptions)) -> Sandbox {
        let mut options = SandboxOptions { latency: Duration::ZERO..=Duration::ZERO, ..SandboxOptions::default() };
        change(&mut options);
        Sandbox::start(options).await.unwrap()
    }

    /// One invitation, sent five days ago.
    fn one() -> Option<Vec<StockItem>> {
        let sent = SentTime::Age(Duration::from_secs(5 * 24 * 3600));
        let item = StockItem {
            name: "Ana García López".into(),
            profile_url: "https://www.linkedin.com/in/ana".into(),
            headline: "CTO".into(),
            invitation_type: InvitationType::Connection,
            ..StockItem::new(7_329_176_687_475_109_888, sent)
        };
        Some(vec![item])
    }

    #[tokio::test]
    async fn v1_lists_ids_as_bare_numbers() {
        let sandbox = with(|options| options.stock = one()).await;
        let (status, body) = call(&sandbox, V1_LIST, r#"{"login_token":"cookie","start_page":1,"end_page":1}"#).await;
        assert!(body.contains(r#""invitation_id":7329176687475109888,"#), "{body}");
        let expected = json!({"status": "success", "data": {
            "total_results": 1,
            "total_available_results": 1,
            "invitations": [{
                "name": "Ana García López",
                "profile_url": "https://www.linkedin.com/in/ana",
                "subtitle": "CTO",
                "sent_time": "5 days ago",
                "invitation_id": 7_329_176_687_475_109_888_u64,
                "invitation_state": "PENDING",
                "message": null,
                "entity_urn": "urn:li:fsd_invitation:7329176687475109888",
                "profile_picture": null,
                "invitation_type": "CONNECTION",
            }],
            "pagination": {"start_page": 1, "end_page": 1, "results_per_page": 10, "pages_fetched": 1},
        }});
        assert_eq!((status, parse(&body)), (200, expected));
        assert_eq!((sandbox.record().list_calls, sandbox.record().list_charged), (1, 1));
    }

    #[tokio::test]
    async fn v2_lists_urns() {
        let sandbox = with(|options| options.stock = one()).await;
        let (status, body) = call(&sandbox, V2, LIST_SENT).await;
        let mut body = parse(&body);
        let timestamp = body["metadata"]["timestamp"].take();
        assert!(timestamp.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok()), "{timestamp}");
        let expected = json!({"success": true, "data": {
            "invitations": [{
                "entity_urn": "urn:li:invitation:7329176687475109888",
                "recipient": {
                    "first_name": "Ana",
                    "last_name": "García López",
                    "headline": "CTO",
                    "linkedin_url": "https://www.linkedin.com/in/ana",
                    "profile_picture": null,
                },
                "invitation_type": "CONNECTION",
                "sent_time": "5d",
                "sent_time_days": 5,
            }],
            "total_results": 1,
            "total_available_results": 1,
            "invitation_type": "CONNECTION",
            "pagination": {"offset": 0, "count": 1, "next_offset": null, "has_more": false,
                "results_per_page": 10, "pages_fetched": 1},
        }, "metadata": {"action": "list_sent", "account_id": "mine", "credits_consumed": 1, "timestamp": null}});
        assert_eq!((status, body), (200, expected));
    }

    #[tokio::test]
    async fn pages_follow_each_other_in_both_versions() {
        let sandbox = with(|options| options.pending = 40).await;
        let all = call(&sandbox, V1_LIST, r#"{"login_token":"cookie","total_results":100}"#).await.1;
        let all: Vec<Value> = parse(&all)["data"]["invitations"].as_array().unwrap().clone();
        assert_eq!(all.len(), 36, "those to pages and newsletters are other lists");
        let second = call(&sandbox, V1_LIST, r#"{"login_token":"cookie","start_page":2}"#).await.1;
        assert_eq!(parse(&second)["data"]["invitations"].as_array().unwrap()[..], all[10..20]);
        let body = r#"{"account_id":"mine","action":"list_sent","params":{"offset":30,"count":10}}"#;
        let last = parse(&call(&sandbox, V2, body).await.1);
        assert_eq!(last["data"]["invitations"].as_array().unwrap().len(), 6);
        assert_eq!(last["data"]["pagination"]["has_more"], json!(false));
        let first = parse(&call(&sandbox, V2, LIST_SENT).await.1);
        assert_eq!(first["data"]["pagination"]["next_offset"], json!(10));
    }

    #[tokio::test]
    async fn v2_withdraws_with_real_statuses() {
        let sandbox = with(|options| options.account_id = Some("mine".into())).await;
        let body =
            |id: &str| format!(r#"{{"account_id":"mine","action":"withdraw","params":{{"invitation_id":"{id}"}}}}"#);
        let cases = [
            (body(ID), 200, Value::Null, 1),
            (body(ID), 400, json!("INVITATION_NOT_PENDING"), 0),
            (body("7329176687475109107"), 404, json!("INVITATION_NOT_FOUND"), 0),
            (body("7329176687475109427"), 429, json!("RATE_LIMITED"), 0),
            (body(ID).replace("mine", "yours"), 404, json!("INVALID_ACCOUNT"), 0),
            (body(ID).replace("withdraw", "dance"), 400, json!("INVALID_ACTION"), 0),
        ];
        for (body, expected, code, credits) in cases {
            let (status, answer) = call(&sandbox, V2, &body).await;
            let answer = parse(&answer);
            assert_eq!((status, &answer["error"]["code"]), (expected, &code), "{body}");
            assert_eq!(answer["metadata"]["credits_consumed"], json!(credits), "{body}");
        }
        let record = sandbox.record();
        assert_eq!((record.calls, record.charged, record.possible), (6, 1, 1));
    }

    #[tokio::test]
    async fn rate_limits_differ_by_version() {
        let limit = Limit { calls: 0, window: Duration::from_secs(60) };
        let sandbox = with(|options| options.limit = Some(limit)).await;
        let (status, body) = call(&sandbox, V1_LIST, r#"{"login_token":"cookie"}"#).await;
        assert_eq!((status, &parse(&body)["status"]), (200, &json!("error")));
        let (status, body) = call(&sandbox, V2, LIST_SENT).await;
        assert_eq!((status, &parse(&body)["error"]["code"]), (429, &json!("RATE_LIMITED")));
    }

    #[tokio::test]
    async fn lists_break_off_at_random_like_any_call() {
        let faults = Faults { truncated: 1.0, ..Faults::default() };
        let sandbox = with(|options| options.faults = faults).await;
        let cut = [(V1_LIST, r#"{"login_token":"cookie"}"#, r#"{"status":""#), (V2, LIST_SENT, r#"{"success":"#)];
        for (path, body, sent) in cut {
            assert_eq!(call(&sandbox, path, body).await, (200, sent.to_owned()));
        }
        assert_eq!((sandbox.record().list_charged, sandbox.record().list_possible), (0, 2));
    }

    #[tokio::test]
    async fn the_balance_is_told_where_there_is_one() {
        let sandbox = with(|options| options.credits = Some(7)).await;
        let answer = status_and_body(&get(&sandbox, "GET", "/v2/credits").await);
        assert_eq!(answer, (200, r#"{"success":true,"data":{"credits":7}}"#.to_owned()));
        let endless = with(|_| {}).await;
        assert_eq!(status_and_body(&get(&endless, "GET", "/v2/credits").await).0, 404);
        let picky = with(|options| options.api_key = Some("another".into())).await;
        let (status, body) = status_and_body(&get(&picky, "GET", "/v2/credits").await);
        assert_eq!((status, &parse(&body)["error"]["code"]), (403, &json!("INVALID_API_KEY")));
    }
}
