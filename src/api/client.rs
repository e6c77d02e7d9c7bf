//! The HTTP client: what every call of either API version has in common.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::scrub::Scrubber;
use super::{Answer, BaseUrl, Ending, PaceHeaders};

/// The header that carries the API key (withdraw-invitation, Header Parameters).
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// A longer body is not the API's, and a run of days must not be ended by one. Long enough for a list of 10,000 that
/// comes as one page.
const LARGEST_BODY: usize = 16 * 1024 * 1024;
/// A connection that is not there after this long was not made: nothing was sent.
const LONGEST_CONNECT: Duration = Duration::from_secs(20);

/// Sends one request at a time for whoever asks; connections are kept and used again.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    scrubber: Scrubber,
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("the API key holds characters that no HTTP header may hold: copy it again, without line breaks")]
    KeyUnfit,
    #[error("the HTTP client could not be set up")]
    Http(#[source] reqwest::Error),
}

impl Client {
    /// A client for this address and key. `timeout` bounds a call from its start to the last byte of its answer.
    /// `secrets` are masked wherever the API repeats them.
    pub(crate) fn new<'a>(
        base_url: &BaseUrl,
        api_key: &'a SecretString,
        secrets: impl IntoIterator<Item = &'a SecretString>,
        timeout: Duration,
        connections: usize,
    ) -> Result<Self, ClientError> {
        let mut key = HeaderValue::from_str(api_key.expose_secret()).map_err(|_| ClientError::KeyUnfit)?;
        key.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (API_KEY, key),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            // A 307 would repeat the body, token included, to wherever it points.
            .redirect(reqwest::redirect::Policy::none())
            // Every call is counted and may cost; only the policy may repeat one.
            .retry(reqwest::retry::never())
            .timeout(timeout)
            // Before the call's own time-out, which can't tell a lost answer from a connection that never was.
            .connect_timeout(LONGEST_CONNECT.min(timeout.mul_f64(0.75)))
            .pool_max_idle_per_host(connections)
            .tcp_nodelay(true);
        if base_url.is_loopback() {
            // A proxy would be handed the key, and "localhost" must not be looked up elsewhere.
            builder = builder.no_proxy().resolve_to_addrs("localhost", &loopback_addresses());
        } else {
            builder = builder.https_only(true);
        }
        let http = builder.build().map_err(ClientError::Http)?;
        let scrubber = Scrubber::new(std::iter::once(api_key).chain(secrets));
        Ok(Self { http, scrubber })
    }

    /// Posts `body` as JSON and says how the call ended.
    pub(super) async fn post(&self, url: &url::Url, body: &impl Serialize) -> Ending {
        let body = match serde_json::to_vec(body) {
            Ok(body) => body,
            Err(error) => return Ending::NotSent(format!("the request could not be written: {error}")),
        };
        exchange(self.http.post(url.clone()).body(body)).await
    }

    /// Gets a page and says how the call ended.
    pub(super) async fn get(&self, url: &url::Url) -> Ending {
        exchange(self.http.get(url.clone())).await
    }

    /// Words that came back, with key and tokens masked.
    pub(super) fn scrub(&self, words: &str) -> String {
        self.scrubber.scrub(words)
    }
}

async fn exchange(request: reqwest::RequestBuilder) -> Ending {
    match receive(request).await {
        Ok(answer) => Ending::Answered(answer),
        Err(error) => {
            let why = describe(&error);
            if error.is_connect() || error.is_builder() { Ending::NotSent(why) } else { Ending::Lost(why) }
        }
    }
}

async fn receive(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    let mut response = request.send().await?;
    let http_status = response.status().as_u16();
    let pace = pace_headers(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST_BODY {
            body.clear();
            break;
        }
    }
    Ok(Answer { http_status, body, pace })
}

/// Where "localhost" may lead; port 0 leaves the address's own port.
fn loopback_addresses() -> [SocketAddr; 2] {
    [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].map(|ip| SocketAddr::new(ip, 0))
}

fn pace_headers(headers: &HeaderMap) -> PaceHeaders {
    let text = |names: [&str; 2]| {
        names.iter().find_map(|name| headers.get(*name)?.to_str().ok()).map(std::borrow::ToOwned::to_owned)
    };
    PaceHeaders {
        retry_after: text(["retry-after", "x-retry-after"]),
        remaining: text(["ratelimit-remaining", "x-ratelimit-remaining"]),
        reset: text(["ratelimit-reset", "x-ratelimit-reset"]),
    }
}

/// An error for people: what happened, with the innermost cause, without the address that every line would repeat.
fn describe(error: &reqwest::Error) -> String {
    let what = if error.is_connect() && error.is_timeout() {
        "no connection in time"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_timeout() {
        "no answer in time"
    } else if error.is_body() || error.is_decode() {
        "the answer broke off"
    } else {
        "the connection closed without an answer"
    };
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let cause = cause.to_string();
    // A time-out's innermost cause only says so again.
    if error.is_timeout() || cause.is_empty() { what.to_owned() } else { format!("{what} ({cause})") }
}
