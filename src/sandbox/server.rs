//! The HTTP server on loopback: its addresses and connections, and answers that break off on purpose.
//!
//! Decides nothing.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use hyper::body::Frame;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Interval;

use super::simulation::{OpenCall, Outgoing, Simulation};
use super::wire::{Delivery, HttpAnswer};
use super::{Record, SandboxOptions, v1, v2};

/// A simulated LinkUp API, served on loopback until it is stopped or dropped.
pub struct Sandbox {
    address: SocketAddr,
    simulation: SharedSimulation,
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
        let simulation = SharedSimulation::new(Simulation::new(options, Timestamp::now()));
        let server = tokio::spawn(serve(listener, simulation.clone()));
        Ok(Self { address, simulation, server })
    }

    /// The base address for a client.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A copy of what has happened so far.
    #[must_use]
    pub fn record(&self) -> Record {
        self.simulation.lock().record().clone()
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

/// Accepts connections forever. They are tasks of this one, so that aborting it cuts them; `axum::serve` would leave
/// them running.
async fn serve(listener: TcpListener, simulation: SharedSimulation) {
    let router = router(simulation.clone());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    simulation.lock().count_connection();
                    connections.spawn(serve_connection(stream, router.clone()));
                }
                // Most likely out of file descriptors: a connection has to end first.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_connection(stream: TcpStream, router: Router) {
    // Without it, small answers wait for the client's acknowledgements. An error only makes them slower.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    // Connections end in errors on purpose here; the client has to handle them.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn router(simulation: SharedSimulation) -> Router {
    let not_found = async || full(HttpAnswer::not_found());
    let not_allowed = async || full(HttpAnswer::json(405, r#"{"detail":"Method Not Allowed"}"#));
    Router::new()
        .route("/v1/network/withdraw-invitation", post(v1_withdraw))
        .route("/v1/network/sent-invitations", post(v1_list))
        .route("/v1/network/invitation-status", post(v1_status))
        .route("/v1/check", get(v1_check))
        .route("/v2/network", post(v2_network))
        .route("/v2/credits", get(v2_credits))
        .route("/v2/accounts", get(v2_accounts))
        .route("/v2/accounts/{id}", get(v2_account))
        .route("/sandbox/record", get(totals))
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .with_state(simulation)
}

type Shared = State<SharedSimulation>;

async fn v1_withdraw(State(simulation): Shared, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let call = v1::parse_withdrawal(api_key(&headers), &body);
    simulation.begin(|simulation, now| simulation.withdraw(&call, now)).answer(v1::render).await
}

async fn v1_list(State(simulation): Shared, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let call = v1::parse_list(api_key(&headers), &body);
    simulation.begin(|simulation, now| simulation.list(&call, now)).answer(v1::render).await
}

async fn v1_status(State(simulation): Shared, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let call = v1::parse_status(api_key(&headers), &body);
    simulation.begin(|simulation, now| simulation.status(&call, now)).answer(v1::render).await
}

async fn v1_check(State(simulation): Shared, headers: HeaderMap) -> Response<Body> {
    let admitted = simulation.lock().admit(api_key(&headers), Instant::now());
    send(v1::check(admitted)).await
}

async fn v2_network(State(simulation): Shared, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let call = v2::parse(api_key(&headers), &body);
    let in_flight = simulation.begin(|simulation, now| match &call {
        v2::Call::Withdrawal(call) | v2::Call::Other { call, .. } => simulation.withdraw(call, now),
        v2::Call::List(call) => simulation.list(call, now),
        v2::Call::Status(call) => simulation.status(call, now),
    });
    in_flight.answer(|answer| v2::render(answer, call.echo(), Timestamp::now())).await
}

async fn v2_credits(State(simulation): Shared, headers: HeaderMap) -> Response<Body> {
    let balance = simulation.lock().balance(api_key(&headers), Instant::now());
    send(v2::credits(balance, Timestamp::now())).await
}

async fn v2_accounts(State(simulation): Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Response<Body> {
    let id = simulation.lock().account(api_key(&headers), None, Instant::now());
    send(v2::accounts(id, query.as_deref(), Timestamp::now())).await
}

async fn v2_account(State(simulation): Shared, headers: HeaderMap, Path(id): Path<String>) -> Response<Body> {
    let id = simulation.lock().account(api_key(&headers), Some(&id), Instant::now());
    send(v2::account(id, Timestamp::now())).await
}

async fn totals(State(simulation): Shared) -> Response<Body> {
    Json(simulation.lock().record()).into_response()
}

fn api_key(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get("x-api-key").map(HeaderValue::as_bytes)
}

/// The simulation, shared by all connections. Never locked across an `await`.
#[derive(Clone)]
struct SharedSimulation(Arc<Mutex<Simulation>>);

impl SharedSimulation {
    fn new(simulation: Simulation) -> Self {
        Self(Arc::new(Mutex::new(simulation)))
    }

    fn lock(&self) -> MutexGuard<'_, Simulation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, decide: impl FnOnce(&mut Simulation, Instant) -> OpenCall) -> InFlight<'_> {
        let call = decide(&mut self.lock(), Instant::now());
        InFlight { simulation: self, call }
    }
}

/// A call that is being answered. Dropping it ends the call; that also happens if the client goes away.
struct InFlight<'a> {
    simulation: &'a SharedSimulation,
    call: OpenCall,
}

impl InFlight<'_> {
    /// Waits as long as the answer takes, and sends it.
    async fn answer(mut self, render: impl FnOnce(&Outgoing) -> Delivery) -> Response<Body> {
        if !self.call.delay.is_zero() {
            tokio::time::sleep(self.call.delay).await;
        }
        let delivery = render(&self.call.answer);
        self.call.delivered = matches!(delivery, Delivery::Full(_));
        send(delivery).await
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.simulation.lock().end(&self.call);
    }
}

async fn send(delivery: Delivery) -> Response<Body> {
    match delivery {
        Delivery::Full(answer) => full(answer),
        Delivery::Cut { announced, sent } => {
            let mut response = Response::new(Body::new(FailingBody { sent: Some(sent), flushed: false }));
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(announced));
            response
        }
        Delivery::Closed => Response::new(Body::new(FailingBody { sent: None, flushed: true })),
        Delivery::Silence => std::future::pending().await,
        Delivery::Endless => Response::new(Body::new(EndlessBody(tokio::time::interval(BLANK_EVERY)))),
    }
}

fn full(answer: HttpAnswer) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    if let Some(seconds) = answer.retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(location) = answer.location {
        response.headers_mut().insert(LOCATION, HeaderValue::from_static(location));
    }
    response
}

/// Shorter than any time-out between two bytes.
const BLANK_EVERY: Duration = Duration::from_millis(50);

/// Blanks, which JSON may begin with, without an end.
struct EndlessBody(Interval);

impl HttpBody for EndlessBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        ready!(self.0.poll_tick(context));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b" ")))))
    }
}

/// A body that ends in an error. hyper then drops the connection with all that it has not flushed yet, which includes
/// the headers unless the body was pending once.
struct FailingBody {
    sent: Option<&'static str>,
    flushed: bool,
}

impl HttpBody for FailingBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(sent) = self.sent.take() {
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(sent.as_bytes())))));
        }
        if !std::mem::replace(&mut self.flushed, true) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::ConnectionAborted))))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::{Faults, InvitationKind, Limit, Reply, SentTime, StockItem};
    use super::*;

    const ID: &str = "7329176687475109888";

    async fn sandbox() -> Sandbox {
        with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut SandboxOptions)) -> Sandbox {
        let mut options = SandboxOptions { latency: Duration::ZERO..=Duration::ZERO, ..SandboxOptions::default() };
        change(&mut options);
        Sandbox::start(options).await.unwrap()
    }

    /// Waits until the record is as a test needs it.
    async fn until(sandbox: &Sandbox, what: &str, holds: impl Fn(&Record) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !holds(&sandbox.record()) {
            assert!(Instant::now() < deadline, "waited for {what}: {:?}", sandbox.record());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
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

    /// All that the server sends until it closes the connection.
    async fn rest(mut stream: TcpStream) -> String {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// The status and the body that a call gets.
    async fn call(sandbox: &Sandbox, path: &str, body: &str) -> (u16, String) {
        let mut stream = connect(sandbox).await;
        send_to(&mut stream, path, body).await;
        status_and_body(&rest(stream).await)
    }

    fn status_and_body(answer: &str) -> (u16, String) {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    fn parse(body: &str) -> Value {
        serde_json::from_str(body).unwrap()
    }

    async fn exchange(sandbox: &Sandbox, id: &str) -> String {
        let mut stream = connect(sandbox).await;
        send(&mut stream, id).await;
        rest(stream).await
    }

    async fn get(sandbox: &Sandbox, method: &str, path: &str) -> String {
        let mut stream = connect(sandbox).await;
        let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nx-api-key: key\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        rest(stream).await
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

    /// An HTTP client may repeat a request by itself if it takes the connection for one that was never accepted.
    #[tokio::test]
    async fn an_http_client_does_not_repeat_a_call_whose_connection_is_closed() {
        let sandbox = sandbox().await;
        drop(rustls::crypto::ring::default_provider().install_default());
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
        // There is no event for "nothing comes": the pause only gives a wrong answer the time to arrive.
        let waited = tokio::time::timeout(Duration::from_millis(50), stream.read_u8()).await;
        assert!(waited.is_err(), "something came: {waited:?}");
        assert_eq!(sandbox.record().in_flight, 1);
        drop(stream);
        until(&sandbox, "the call to end", |record| record.in_flight == 0).await;
        let record = sandbox.record();
        assert_eq!((record.lost, record.withdrawn), (1, 1));
        let answer = record.invitations["7329176687475109609"].answers[0];
        assert_eq!((answer.reply, answer.delivered), (Reply::Held, false));
    }

    #[tokio::test]
    async fn a_withdrawal_is_done_even_if_the_client_goes_away() {
        let hour = Duration::from_secs(3600);
        let sandbox = with(|options| options.latency = hour..=hour).await;
        let mut stream = connect(&sandbox).await;
        send(&mut stream, ID).await;
        until(&sandbox, "the call", |record| record.in_flight > 0).await;
        drop(stream);
        until(&sandbox, "the call to end", |record| record.in_flight == 0).await;
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
        until(&sandbox, "three calls", |record| record.calls == 3).await;
        drop(streams);
        until(&sandbox, "the call to end", |record| record.in_flight == 0).await;
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
        let totals: Value = serde_json::from_str(body).unwrap();
        assert_eq!((&totals["calls"], &totals["charged"]), (&1.into(), &1.into()), "{totals}");
        assert_eq!(totals.get("invitations"), None, "they would make the answer too long");
    }

    #[tokio::test]
    async fn stopping_cuts_connections_and_frees_the_port() {
        let sandbox = sandbox().await;
        let address = sandbox.address;
        let mut stream = connect(&sandbox).await;
        send(&mut stream, "7329176687475109611").await;
        until(&sandbox, "the call", |record| record.in_flight > 0).await;
        sandbox.stop().await;
        assert!(TcpStream::connect(address).await.is_err(), "still listening");
        let end = tokio::time::timeout(Duration::from_secs(60), rest(stream)).await;
        assert_eq!(end.expect("the held connection outlived its server"), "");
    }

    const V1_LIST: &str = "/v1/network/sent-invitations";
    const V2: &str = "/v2/network";
    const LIST_SENT: &str = r#"{"account_id":"mine","action":"list_sent"}"#;

    /// One invitation, sent five days ago.
    fn one() -> Option<Vec<StockItem>> {
        let sent = SentTime::Age(Duration::from_secs(5 * 24 * 3600));
        let item = StockItem {
            name: "Ana García López".into(),
            profile_url: "https://www.linkedin.com/in/ana".into(),
            headline: "CTO".into(),
            kind: InvitationKind::Connection,
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
        let limit = Limit::sliding(0, Duration::from_secs(60));
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
    async fn the_balance_is_answered_if_it_is_limited() {
        let sandbox = with(|options| options.credits = Some(7)).await;
        let answer = status_and_body(&get(&sandbox, "GET", "/v2/credits").await);
        assert_eq!(
            answer,
            (200, r#"{"success":true,"data":{"credits":7},"metadata":{"credits_consumed":0}}"#.to_owned())
        );
        let endless = with(|_| {}).await;
        assert_eq!(status_and_body(&get(&endless, "GET", "/v2/credits").await).0, 404);
        let picky = with(|options| options.api_key = Some("another".into())).await;
        let (status, body) = status_and_body(&get(&picky, "GET", "/v2/credits").await);
        assert_eq!((status, &parse(&body)["error"]["code"]), (403, &json!("INVALID_API_KEY")));
    }
}
