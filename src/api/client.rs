//! The HTTP client: sends the requests of either API version, and masks its secrets in text that came back, so that an API
//! which echoes a token can't put it into a report or a log.

use std::borrow::Cow;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::scrub::Scrubber;
use super::{
    Accounts, ApiCall, ApiVersion, BaseUrl, CallResult, Credentials, HttpAnswer, LinkUpApi, PaceHeaders, v1, v2,
};

/// docs/linkup-api.md, "V1" and "V2".
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// A larger body is discarded, so that it can't exhaust the memory. Enough for a list of 10,000 in one page.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// A call that has no connection after this long was not sent.
const MAX_CONNECT_TIME: Duration = Duration::from_secs(20);

/// The API over HTTP. Connections are reused.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base_url: BaseUrl,
    accounts: Accounts,
    scrubber: Scrubber,
}

/// A POST with this body, or a GET.
pub(super) struct HttpRequest {
    pub(super) path: Cow<'static, str>,
    pub(super) body: Option<Value>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("the API key contains characters that an HTTP header can't contain: copy it again, without line breaks")]
    InvalidKey,
    #[error(
        "no secure connection can be set up: install the system's CA certificates (the package ca-certificates), or name \
         a PEM file of them in SSL_CERT_FILE"
    )]
    NoTrust(#[source] reqwest::Error),
    #[error("the HTTP client could not be set up")]
    Http(#[source] reqwest::Error),
}

impl Client {
    /// `timeout` limits a call from its start to the last byte of its answer.
    pub(crate) fn new(
        base_url: &BaseUrl,
        credentials: &Credentials,
        timeout: Duration,
        connections: usize,
    ) -> Result<Self, ClientError> {
        let Credentials { api_key, accounts } = credentials;
        let mut key = HeaderValue::from_str(api_key.expose_secret()).map_err(|_| ClientError::InvalidKey)?;
        key.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (API_KEY, key),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        let builder = client_for(base_url)
            .default_headers(headers)
            .timeout(timeout)
            // Shorter than the call's timeout, which would not tell whether anything was sent.
            .connect_timeout(MAX_CONNECT_TIME.min(timeout.mul_f64(0.75)))
            .pool_max_idle_per_host(connections)
            .tcp_nodelay(true);
        let set_up = if base_url.is_encrypted() { ClientError::NoTrust } else { ClientError::Http };
        let http = builder.build().map_err(set_up)?;
        let tokens: Vec<&SecretString> = match accounts {
            Accounts::V1(login_tokens) => login_tokens.values().collect(),
            Accounts::V2(_) => Vec::new(),
        };
        let scrubber = Scrubber::new(std::iter::once(api_key).chain(tokens));
        Ok(Self { http, base_url: base_url.clone(), accounts: accounts.clone(), scrubber })
    }
}

/// A client that sends to this address and nowhere else, each request once.
pub(crate) fn client_for(address: &BaseUrl) -> reqwest::ClientBuilder {
    // reqwest looks for it there. It fails where another client has done this already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        // A 307 would send the body, with its token, to another address.
        .redirect(reqwest::redirect::Policy::none())
        // Each call may cost a credit and is counted, so only `policy` decides on retries.
        .retry(reqwest::retry::never());
    if address.is_loopback() {
        // A proxy would see the key, and DNS could point "localhost" to another machine.
        builder = builder.no_proxy().resolve_to_addrs("localhost", &loopback_addresses());
    } else {
        builder = builder.https_only(true);
    }
    if !address.is_encrypted() {
        // So that rehearsals need no certificates on the machine.
        builder = builder.tls_certs_only([]);
    }
    builder
}

impl LinkUpApi for Client {
    fn version(&self) -> ApiVersion {
        self.accounts.version()
    }

    async fn send(&self, call: ApiCall<'_>) -> CallResult {
        let request = match &self.accounts {
            Accounts::V1(login_tokens) => v1::request(call, login_tokens),
            Accounts::V2(account_ids) => v2::request(call, account_ids),
        };
        let HttpRequest { path, body } = match request {
            Ok(request) => request,
            Err(why) => return CallResult::NotSent(why),
        };
        let url = self.base_url.join(&path);
        let request = match body {
            Some(body) => self.http.post(url).body(body.to_string()),
            None => self.http.get(url),
        };
        match receive(request).await {
            Ok(answer) => CallResult::Answered(answer),
            Err(error) if error.is_connect() || error.is_builder() => CallResult::NotSent(describe(&error)),
            Err(error) => CallResult::Lost(describe(&error)),
        }
    }

    fn scrub(&self, text: &str) -> String {
        self.scrubber.scrub(text)
    }
}

async fn receive(request: reqwest::RequestBuilder) -> Result<HttpAnswer, reqwest::Error> {
    let mut response = request.send().await?;
    let http_status = response.status().as_u16();
    let pace = pace_headers(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BODY {
            body.clear();
            break;
        }
    }
    Ok(HttpAnswer { http_status, body, pace })
}

/// The addresses of "localhost". Port 0 keeps the port of the URL.
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

/// What happened and the innermost cause, without the URL, which is the same for every call.
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
    let cause = crate::without_code(&cause.to_string()).replace("Connection refused", "connection refused");
    // The innermost cause of a timeout only repeats that it timed out.
    if error.is_timeout() || cause.is_empty() { what.to_owned() } else { format!("{what} ({cause})") }
}
