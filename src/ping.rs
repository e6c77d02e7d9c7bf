//! Pings: tell a service that watches jobs (healthchecks.io and its kin) that a run began and how it ended.
//!
//! Owns the address, which is a secret behind the host, and a client of its own. No call waits for a ping.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;

use crate::api::{BaseUrl, BaseUrlError, client_for};

/// The most that pings hold up the exit.
const LIMIT: Duration = Duration::from_secs(10);

/// `https://`, or `http://` with a loopback address. Only its host is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PingUrl {
    base: BaseUrl,
    /// As in healthchecks.io's `?create=1`.
    query: Option<String>,
}

impl FromStr for PingUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('?') {
            Some((_, query)) if query.contains('#') => Err(BaseUrlError::TooMuch),
            Some((base, query)) => Ok(Self { base: base.parse()?, query: Some(query.trim_end().to_owned()) }),
            None => Ok(Self { base: text.parse()?, query: None }),
        }
    }
}

impl fmt::Display for PingUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/***", self.base.join("").origin().ascii_serialization())
    }
}

impl fmt::Debug for PingUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The pings of one run.
#[derive(Debug)]
pub(crate) struct Pings {
    url: PingUrl,
    limit: Duration,
    start: JoinHandle<()>,
}

impl Pings {
    /// Says that the run begins, while it goes on. Within a runtime.
    pub(crate) fn start(url: PingUrl) -> Self {
        Self::start_within(url, LIMIT)
    }

    fn start_within(url: PingUrl, limit: Duration) -> Self {
        let to = url.clone();
        let start = tokio::spawn(async move { ping(&to, "start", None, limit).await });
        Self { url, limit, start }
    }

    /// Says how it ended. The first ping must not arrive after this one, and gets half of the time at most.
    pub(crate) async fn end(self, exit_code: u8, summary: Value) {
        let Self { url, limit, mut start } = self;
        if tokio::time::timeout(limit / 2, &mut start).await.is_err() {
            start.abort();
        }
        ping(&url, &exit_code.to_string(), Some(nameless(summary).to_string()), limit / 2).await;
    }
}

/// The summary without the API's words and the names of files: they may name people.
fn nameless(summary: Value) -> Value {
    match summary {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(name, _)| !matches!(name.as_str(), "detail" | "causes"));
            Value::Object(fields.map(|(name, value)| (name, nameless(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(nameless).collect()),
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
    }
}

async fn ping(url: &PingUrl, what: &str, body: Option<String>, limit: Duration) {
    if let Err(why) = send(url, what, body, limit).await {
        tracing::warn!(event = "ping_failed", ping = what, "the ping {url}/{what} failed: {why}");
    }
}

/// A POST of this body, or a GET. The error does not name the address.
async fn send(url: &PingUrl, what: &str, body: Option<String>, limit: Duration) -> Result<(), String> {
    let said = |error: reqwest::Error| crate::error_chain(&error.without_url());
    let client = client_for(&url.base).timeout(limit).build().map_err(said)?;
    let mut address = url.base.join(&format!("/{what}"));
    address.set_query(url.query.as_deref());
    let request = match body {
        Some(body) => client.post(address).header("content-type", "application/json").body(body),
        None => client.get(address),
    };
    let status = request.send().await.map_err(said)?.status();
    match status.is_success() {
        true => Ok(()),
        false if status.is_redirection() => Err(format!("HTTP {}, and redirects are not followed", status.as_u16())),
        false => Err(format!("HTTP {}", status.as_u16())),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use serde_json::json;
    use wiremock::matchers::any;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    #[test]
    fn only_the_host_is_shown() {
        let url: PingUrl = "https://hc-ping.example:8443/secret-uuid".parse().unwrap();
        assert_eq!(format!("{url} {url:?}"), "https://hc-ping.example:8443/*** https://hc-ping.example:8443/***");
        for text in [
            "http://hc-ping.example/x",
            "ftp://127.0.0.1/x",
            "https://me:pass@hc-ping.example/x",
            "hc-ping",
            "https://x.example/y?a#b",
        ] {
            assert!(text.parse::<PingUrl>().is_err(), "{text}");
        }
        assert!("http://127.0.0.1:8000/x/".parse::<PingUrl>().is_ok());
    }

    #[test]
    fn the_body_names_no_people() {
        let summary = json!({
            "exit_code": 3, "stop": {"reason": "login_refused", "detail": "Ada"},
            "accounts": {"sales": {"calls": 1, "stop": {"reason": "x", "detail": "Ada"}}},
            "causes": [{"cause": "Ada is gone", "count": 1}]
        });
        let expected = json!({
            "exit_code": 3, "stop": {"reason": "login_refused"},
            "accounts": {"sales": {"calls": 1, "stop": {"reason": "x"}}}
        });
        assert_eq!(nameless(summary), expected);
    }

    async fn failure(server: &str, limit: Duration) -> String {
        let url = format!("{server}/secret-uuid").parse().unwrap();
        send(&url, "0", Some("{}".to_owned()), limit).await.unwrap_err()
    }

    #[tokio::test]
    async fn failures_say_what_happened_and_not_where() {
        let server = MockServer::start().await;
        let redirect = ResponseTemplate::new(302).insert_header("location", format!("{}/other", server.uri()));
        for (answer, expected) in
            [(ResponseTemplate::new(500), "HTTP 500"), (redirect, "HTTP 302, and redirects are not followed")]
        {
            server.reset().await;
            Mock::given(any()).respond_with(answer).expect(1).mount(&server).await;
            assert_eq!(failure(&server.uri(), LIMIT).await, expected);
        }
        server.reset().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(200).set_delay(LIMIT)).mount(&server).await;
        let why = failure(&server.uri(), Duration::from_millis(50)).await;
        assert!(why.contains("timed out") && !why.contains("secret"), "{why}");
        let why = failure("http://127.0.0.1:9", LIMIT).await;
        assert!(why.contains("refused") && !why.contains("secret"), "{why}");
    }

    #[tokio::test]
    async fn a_server_that_hangs_holds_up_the_end_only_for_the_limit() {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(200).set_delay(LIMIT)).mount(&server).await;
        let url: PingUrl = server.uri().parse().unwrap();
        let began = Instant::now();
        Pings::start_within(url, Duration::from_millis(200)).end(0, json!({})).await;
        assert!(began.elapsed() < LIMIT / 2, "{:?}", began.elapsed());
    }
}
