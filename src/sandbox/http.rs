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
use axum::http::request::Parts;
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use hyper::body::Frame;
use jiff::Timestamp;

use super::simulation::{Said, Simulation, Ticket};
use super::wire::{Page, Wire};
use super::{Record, v1, v2};

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

    pub(super) fn count_connection(&self) {
        self.lock().count_connection();
    }

    fn lock(&self) -> MutexGuard<'_, Simulation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrive(&self, decide: impl FnOnce(&mut Simulation, Instant) -> Ticket) -> Visit<'_> {
        let ticket = decide(&mut self.lock(), Instant::now());
        Visit { shared: self, ticket }
    }
}

/// A call being answered. Ends when it is dropped, as happens while it waits when the client goes away.
struct Visit<'a> {
    shared: &'a Shared,
    ticket: Ticket,
}

impl Visit<'_> {
    /// Waits as long as the answer takes, and sends it in these words.
    async fn answer(mut self, words: impl FnOnce(&Said) -> Wire) -> Response<Body> {
        if !self.ticket.delay.is_zero() {
            tokio::time::sleep(self.ticket.delay).await;
        }
        let wire = words(&self.ticket.said);
        self.ticket.delivered = matches!(wire, Wire::Full(_));
        send(wire).await
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.shared.lock().leave(&self.ticket);
    }
}

pub(super) fn router(shared: Shared) -> Router {
    let not_found = async || full(Page::not_found());
    let not_allowed = async || full(Page::json(405, r#"{"detail":"Method Not Allowed"}"#));
    Router::new()
        .route("/v1/network/withdraw-invitation", post(v1_withdraw))
        .route("/v1/network/sent-invitations", post(v1_list))
        .route("/v2/network", post(v2_network))
        .route("/v2/credits", get(v2_credits))
        .route("/sandbox/record", get(totals))
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .with_state(shared)
}

async fn v1_withdraw(State(shared): State<Shared>, request: Request) -> Response<Body> {
    let (parts, body) = match read(request).await {
        Ok(read) => read,
        Err(page) => return full(page),
    };
    let call = v1::read_withdrawal(api_key(&parts), &body);
    shared.arrive(|simulation, now| simulation.withdraw(&call, now)).answer(v1::wire).await
}

async fn v1_list(State(shared): State<Shared>, request: Request) -> Response<Body> {
    let (parts, body) = match read(request).await {
        Ok(read) => read,
        Err(page) => return full(page),
    };
    let call = v1::read_listing(api_key(&parts), &body);
    shared.arrive(|simulation, now| simulation.list(&call, now)).answer(v1::wire).await
}

async fn v2_network(State(shared): State<Shared>, request: Request) -> Response<Body> {
    let (parts, body) = match read(request).await {
        Ok(read) => read,
        Err(page) => return full(page),
    };
    let call = v2::read(api_key(&parts), &body);
    let visit = shared.arrive(|simulation, now| match &call {
        v2::Call::Withdrawal(call) | v2::Call::Other { call, .. } => simulation.withdraw(call, now),
        v2::Call::Listing(call) => simulation.list(call, now),
    });
    visit.answer(|said| v2::wire(said, &call.about(), Timestamp::now())).await
}

async fn v2_credits(State(shared): State<Shared>, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let balance = shared.lock().balance(api_key(&parts), Instant::now());
    send(v2::credits(balance, Timestamp::now())).await
}

/// The request in full, or what is said of one that is too long.
async fn read(request: Request) -> Result<(Parts, Bytes), Page> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MOST_BODY_BYTES).await;
    let body = body.map_err(|_| Page::json(413, r#"{"detail":"Content Too Large"}"#))?;
    Ok((parts, body))
}

fn api_key(parts: &Parts) -> Option<&[u8]> {
    parts.headers.get("x-api-key").map(HeaderValue::as_bytes)
}

async fn totals(State(shared): State<Shared>) -> Response<Body> {
    Json(shared.lock().record()).into_response()
}

async fn send(wire: Wire) -> Response<Body> {
    match wire {
        Wire::Full(page) => full(page),
        Wire::Cut { announced, sent } => {
            let mut response = Response::new(Body::new(Broken { sent: Some(sent), flushed: false }));
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(announced));
            response
        }
        Wire::Closed => Response::new(Body::new(Broken { sent: None, flushed: true })),
        Wire::Silence => std::future::pending().await,
    }
}

fn full(page: Page) -> Response<Body> {
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
