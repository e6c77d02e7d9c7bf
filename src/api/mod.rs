//! One request, one reply: the HTTP client and the wire format of each API version.
//!
//! Owns what leaves this machine and how its end is told: answered, lost, or never sent. Never retries, never sleeps,
//! never judges. It alone knows the secrets, and so masks them in words that come back.

mod accounts;
mod base_url;
mod client;
mod either;
mod list;
mod scrub;
mod v1;
mod v2;
mod version;

pub(crate) use accounts::{AccountId, Accounts, Credentials};
pub(crate) use base_url::{BaseUrl, BaseUrlError};
pub(crate) use client::{Client, ClientError};
pub(crate) use either::Api;
pub(crate) use list::{InvitationType, List, PageRequest};
pub(crate) use v1::V1;
pub(crate) use v2::V2;
pub(crate) use version::ApiVersion;

use std::fmt;
use std::future::Future;

use crate::invitation::{AccountName, Country, InvitationId};

/// What the API is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Withdrawal {
    pub id: InvitationId,
    pub account: AccountName,
    /// Where the API's proxy stands; V2 has none.
    pub country: Country,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// An HTTP answer came in full, whosever it is.
    Answered(Answer),
    /// The request was sent, at least in part, and no whole answer came. Says why.
    Lost(String),
    /// The request never left: refused connection, failed look-up, failed TLS handshake. Says why.
    NotSent(String),
}

impl Ending {
    /// The HTTP status, where an answer came.
    pub(crate) fn http_status(&self) -> Option<u16> {
        match self {
            Self::Answered(answer) => Some(answer.http_status),
            Self::Lost(_) | Self::NotSent(_) => None,
        }
    }
}

/// An HTTP answer, not judged.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status, which V1 does not use for its errors.
    pub http_status: u16,
    /// The body, as it came: what of it is shown to anyone goes through [`Withdraw::scrub`].
    pub body: Vec<u8>,
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
pub(crate) struct PaceHeaders {
    pub retry_after: Option<String>,
    /// `RateLimit-Remaining` or `X-RateLimit-Remaining`.
    pub remaining: Option<String>,
    /// `RateLimit-Reset` or `X-RateLimit-Reset`.
    pub reset: Option<String>,
}

/// An API that withdraws invitations: the real one, or a test's.
pub(crate) trait Withdraw: Send + Sync + 'static {
    /// Whose rules its answers are judged by.
    fn version(&self) -> ApiVersion;

    /// Makes one call and says how it ended.
    fn withdraw(&self, withdrawal: &Withdrawal) -> impl Future<Output = Ending> + Send;

    /// Words that came back, with every secret masked that was sent.
    fn scrub(&self, words: &str) -> String;
}
