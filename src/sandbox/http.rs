//! The simulation's HTTP face: addresses, headers and bodies, and connections that break on purpose.
//!
//! Decides nothing.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use hyper::body::Frame;

use super::Record;
use super::reply::{Page, Wire};
use super::simulation::{self, Call, Simulation, Ticket};

/// No request of this API comes near.
const MOST_BODY_BYTES: usize = 64 * 1024;

/// The simulation, shared by all connections. Never locked across a wait.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Simulation>>);

impl Shared {
    pub(super) fn new(simulation: Simulation) -> Self {
        Self(Arc::new(Mutex::new(simulation)))
    }

    pub(super) fn record(&self) -> Record {
        self.lock().record().clone()
    }

    /// Counts a connection that was accepted.
    pub(super) fn count_connection(&self) {
        self.lock().count_connection();
    }

    fn lock(&self) -> MutexGuard<'_, Simulation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrive(&self, call: &Call<'_>) -> Visit<'_> {
        let mut simulation = self.lock();
        let ticket = simulation.arrive(call, Instant::now());
        Visit { shared: self, ticket }
    }
}

/// A call being answered. Ends when it is dropped, as happens while it waits when the client goes away.
struct Visit<'a> {
    shared: &'a Shared,
    ticket: Ticket,
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.shared.lock().leave(&self.ticket);
    }
}

pub(super) fn router(shared: Shared) -> Router {
    let not_found = async || full(&Page::json(404, r#"{"detail":"Not Found"}"#));
    let not_allowed = async || full(&Page::json(405, r#"{"detail":"Method Not Allowed"}"#));
    Router::new()
        .route("/v1/network/withdraw-invitation", post(withdraw))
        .route("/sandbox/record", get(totals))
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .with_state(shared)
}

async fn withdraw(State(shared): State<Shared>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST_BODY_BYTES).await else {
        return full(&Page::json(413, r#"{"detail":"Content Too Large"}"#));
    };
    let mut visit = shared.arrive(&read_call(&parts.headers, &body));
    if !visit.ticket.delay.is_zero() {
        tokio::time::sleep(visit.ticket.delay).await;
    }
    match visit.ticket.answer.reply.wire() {
        Wire::Full(page) => {
            visit.ticket.answer.delivered = true;
            full(&page)
        }
        Wire::Cut { announced, sent } => {
            let mut response = Response::new(Body::new(Broken { sent: Some(sent), flushed: false }));
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(announced));
            response
        }
        Wire::Closed => Response::new(Body::new(Broken { sent: None, flushed: true })),
        Wire::Silence => std::future::pending().await,
    }
}

fn read_call<'a>(headers: &'a HeaderMap, body: &'a [u8]) -> Call<'a> {
    Call {
        api_key: headers.get("x-api-key").map(HeaderValue::as_bytes),
        body: serde_json::from_slice::<simulation::Body<'_>>(body).ok(),
    }
}

async fn totals(State(shared): State<Shared>) -> Response<Body> {
    Json(shared.lock().record()).into_response()
}

fn full(page: &Page) -> Response<Body> {
    let mut response = Response::new(Body::from(page.body));
    *response.status_mut() = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    if let Some(seconds) = page.retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A body that fails. hyper then drops the connection, and with it all that it has not flushed: the headers too,
/// unless the body has made it wait.
struct Broken {
    sent: Option<&'static str>,
    flushed: bool,
}

impl HttpBody for Broken {
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
