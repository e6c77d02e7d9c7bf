//! One request, one reply: the HTTP client and the wire format of each API version.
//!
//! Owns what leaves this machine and how its end is told: answered, lost, or never sent. Never retries, never sleeps,
//! never judges. It alone knows the secrets, and so masks them in words that come back.

mod client;
mod either;
mod list;
mod scrub;
mod v1;
mod v2;

pub use client::{Client, ClientError};
pub use either::Api;
pub use list::{InvitationType, List, PageRequest};
pub use v1::V1;
pub use v2::V2;

use std::fmt;
use std::future::Future;

use crate::config::ApiVersion;
use crate::invitation::{AccountName, Country, InvitationId};

/// What the API is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// The invitation to withdraw.
    pub id: InvitationId,
    /// The account that sent it.
    pub account: AccountName,
    /// Where the API's proxy stands; V2 has none.
    pub country: Country,
}

/// How one call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// An HTTP answer came in full, whosever it is.
    Answered(Answer),
    /// The request was sent, at least in part, and no whole answer came. Says why.
    Lost(String),
    /// The request never left: refused connection, failed look-up, failed TLS handshake. Says why.
    NotSent(String),
}

impl Ending {
    /// The HTTP status, where an answer came.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        match self {
            Self::Answered(answer) => Some(answer.http_status),
            Self::Lost(_) | Self::NotSent(_) => None,
        }
    }
}

/// An HTTP answer, not judged.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status, which V1 does not use for its errors.
    pub http_status: u16,
    /// The body, as it came: what of it is shown to anyone goes through [`Withdraw::scrub`].
    pub body: Vec<u8>,
    /// What bears on the pace.
    pub pace: PaceHeaders,
}

/// Without the body's text, which may hold a secret.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { http_status, body, pace } = self;
        write!(f, "HTTP {http_status}, {} bytes, {pace:?}", body.len())
    }
}

/// The headers that ask for another pace, as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaceHeaders {
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// `RateLimit-Remaining` or `X-RateLimit-Remaining`.
    pub remaining: Option<String>,
    /// `RateLimit-Reset` or `X-RateLimit-Reset`.
    pub reset: Option<String>,
}

/// An API that withdraws invitations: the real one, or a test's.
pub trait Withdraw: Send + Sync + 'static {
    /// Whose rules its answers are judged by.
    fn version(&self) -> ApiVersion;

    /// Makes one call and says how it ended.
    fn withdraw(&self, withdrawal: &Withdrawal) -> impl Future<Output = Ending> + Send;

    /// Words that came back, with every secret masked that was sent.
    fn scrub(&self, words: &str) -> String;
}
