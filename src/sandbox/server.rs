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
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::Reply;
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
        let head = "POST /v1/network/withdraw-invitation HTTP/1.1\r\nhost: x\r\nx-api-key: key\r\nconnection: close";
        let request = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await.unwrap();
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
        let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
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
}
