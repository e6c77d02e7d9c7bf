//! One call: what is asked of the API, how the call ended, and the trait that the real API and the tests' fakes share.

use std::fmt;
use std::future::Future;
use std::str::FromStr;

use super::ApiVersion;
use crate::invitation::{AccountName, Country, InvitationId};

/// The API: the real one ([`Client`](super::Client)), or a test's fake.
pub(crate) trait LinkUpApi: Send + Sync + 'static {
    fn version(&self) -> ApiVersion;

    /// Makes one call and returns how it ended.
    fn send(&self, call: ApiCall<'_>) -> impl Future<Output = CallResult> + Send;

    /// Masks every secret that this API is sent.
    fn scrub(&self, text: &str) -> String;
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum ApiCall<'a> {
    Withdraw(&'a Withdrawal),
    /// One page of the list per call, since each page costs a credit.
    Page(&'a PageRequest),
    /// V2 only. It is the key's, asked on behalf of an account.
    Balance(&'a AccountName),
    /// Whether the key is accepted, asked on behalf of an account. V1 only; V2's balance says it.
    Key(&'a AccountName),
    /// Whether the account is known and connected. V2 only; V1's page of the list says it.
    Account(&'a AccountName),
}

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallKind {
    Withdraw,
    List,
    Balance,
    Key,
    Account,
}

impl ApiCall<'_> {
    pub(crate) const fn kind(&self) -> CallKind {
        match self {
            Self::Withdraw(_) => CallKind::Withdraw,
            Self::Page(_) => CallKind::List,
            Self::Balance(_) => CallKind::Balance,
            Self::Key(_) => CallKind::Key,
            Self::Account(_) => CallKind::Account,
        }
    }

    pub(crate) const fn account(&self) -> &AccountName {
        match self {
            Self::Withdraw(withdrawal) => &withdrawal.account,
            Self::Page(page) => &page.account,
            Self::Balance(account) | Self::Key(account) | Self::Account(account) => account,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Withdrawal {
    pub id: InvitationId,
    pub account: AccountName,
    /// The country of the API's proxy; V2 has none.
    pub country: Country,
}

/// One page of an account's pending invitations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageRequest {
    pub account: AccountName,
    /// The country of the API's proxy; V2 has none.
    pub country: Country,
    pub invitation_type: InvitationType,
    /// The page, from 1, for V1.
    pub number: u32,
    /// The number of invitations before the page, for V2.
    pub offset: u64,
}

impl PageRequest {
    /// Invitations per page (docs/linkup-api.md, "Sent invitations").
    pub(crate) const SIZE: u32 = 10;

    /// The first one.
    pub(crate) const fn first(account: AccountName, country: Country, invitation_type: InvitationType) -> Self {
        Self { account, country, invitation_type, number: 1, offset: 0 }
    }
}

/// The types of invitation that the API lists (docs/linkup-api.md, "Sent invitations").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum InvitationType {
    #[default]
    Connection,
    /// An invitation to follow a page.
    Organization,
    /// An invitation to subscribe to a newsletter.
    ContentSeries,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write connection, organization or content_series")]
pub(crate) struct InvitationTypeError;

impl InvitationType {
    /// As the API writes it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "CONNECTION",
            Self::Organization => "ORGANIZATION",
            Self::ContentSeries => "CONTENT_SERIES",
        }
    }
}

impl FromStr for InvitationType {
    type Err = InvitationTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_uppercase().replace('-', "_").as_str() {
            "CONNECTION" => Ok(Self::Connection),
            "ORGANIZATION" => Ok(Self::Organization),
            "CONTENT_SERIES" => Ok(Self::ContentSeries),
            _ => Err(InvitationTypeError),
        }
    }
}

impl fmt::Display for InvitationType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallResult {
    /// A complete HTTP answer, from the API or from something in between.
    Answered(HttpAnswer),
    /// At least part of the request was sent, and no complete answer came. Holds the reason.
    Lost(String),
    /// Nothing was sent: connection refused, DNS or TLS failure. Holds the reason.
    NotSent(String),
}

impl CallResult {
    /// The body of an answer under a status of success.
    pub(crate) fn success_body(&self) -> Option<&[u8]> {
        match self {
            Self::Answered(answer) if (200..300).contains(&answer.http_status) => Some(&answer.body),
            Self::Answered(_) | Self::Lost(_) | Self::NotSent(_) => None,
        }
    }

    pub(crate) fn http_status(&self) -> Option<u16> {
        match self {
            Self::Answered(answer) => Some(answer.http_status),
            Self::Lost(_) | Self::NotSent(_) => None,
        }
    }
}

/// An HTTP answer that was not judged yet.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct HttpAnswer {
    pub http_status: u16,
    /// The raw body. Text from it must go through [`LinkUpApi::scrub`] before it is shown.
    pub body: Vec<u8>,
    pub pace: PaceHeaders,
}

/// Leaves out the body, which may contain a secret.
impl fmt::Debug for HttpAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { http_status, body, pace } = self;
        write!(f, "HTTP {http_status}, {} bytes, {pace:?}", body.len())
    }
}

/// The raw values of the headers that ask for another pace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PaceHeaders {
    pub retry_after: Option<String>,
    /// `RateLimit-Remaining` or `X-RateLimit-Remaining`.
    pub remaining: Option<String>,
    /// `RateLimit-Reset` or `X-RateLimit-Reset`.
    pub reset: Option<String>,
}
