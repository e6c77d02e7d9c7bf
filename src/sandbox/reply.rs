//! What the API can answer to a call, except for lists: the replies, their messages, and how the record counts them.
//!
//! Messages that the API's documentation does not show are this sandbox's own, and say so. Chooses no reply (see
//! `simulation`), and knows no statuses and no bodies, which differ by version (see `v1` and `v2`).

use std::borrow::Cow;

use super::wire::Version;

/// An answer of the API, or a failure to answer. Statuses are V1's; "documented" means `docs/linkup-api.md`, V1 errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// Success (`docs/linkup-api.md`, V1 and V2).
    Withdrawn,
    /// The same, labelled as plain text.
    WithdrawnAsText,
    /// The same, padded with blanks to 10 MB.
    WithdrawnPadded,
    /// Withdrawn before, by a call to this sandbox. Undocumented message.
    NoLongerPending,
    /// Accepted by the person. Undocumented message.
    Accepted,
    /// Declined by the person. Undocumented message.
    Declined,
    /// Withdrawn by other means than this sandbox. Undocumented message.
    AlreadyWithdrawn,
    /// No such invitation for this account. Undocumented message.
    NotFound,
    /// Refused with a message that no client can know.
    Rejected,
    /// `invitation_id` is missing or is not a text. Documented message.
    MissingInvitationId,
    /// The documented message with the other parameter's name.
    MissingLoginToken,
    /// V2's `account_id` is missing.
    MissingAccountId,
    /// The documented message with this other parameter's name.
    MissingParameter(&'static str),
    /// The parameter of this name has an invalid value. Undocumented message.
    InvalidParameter(&'static str),
    /// V2 has no such action.
    InvalidAction,
    /// V2 has no such account.
    InvalidAccount,
    /// The body is not a JSON object; HTTP 400. Undocumented.
    MalformedBody,
    /// No API key; HTTP 401. The status is documented, the message is not.
    MissingApiKey,
    /// A wrong API key; HTTP 403. The status is documented, the message is not.
    InvalidApiKey,
    /// The cookie is refused (documented); on V2 the account is inactive.
    InvalidCookie,
    /// The credits are used up (documented).
    InsufficientCredits,
    /// Over the limit, with HTTP 200, as V1 answers most errors (documented).
    RateLimited,
    /// Over the limit, with HTTP 429 and a `Retry-After` in seconds. The status is documented, the header is not.
    TooManyRequests { retry_after_s: u32 },
    /// The API's own HTTP 500, as JSON: nothing was done and nothing is charged (`docs/linkup-api.md`, Credits).
    ServerError,
    /// The body says success, the status failure.
    Contradiction,
    /// A gateway's HTTP 502 page.
    BadGateway,
    /// A web page with HTTP 200, such as a captive portal's.
    WebPage,
    /// HTTP 307 to the same address, so that a client which follows it calls again.
    Redirect,
    /// The connection is closed after the request was read.
    Closed,
    /// The connection is closed within the body, before it says anything.
    Truncated,
    /// No answer until the client goes away.
    Held,
    /// An answer that goes on, blank by blank, until the client goes away.
    Endless,
}

/// How the record counts a reply that was sent in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReplyClass {
    /// The withdrawal is confirmed and charged.
    Confirmed,
    NotPending,
    /// Refused because of the invitation.
    Refused,
    /// Refused because of the caller: key, cookie, credits, request.
    CallerRefused,
    RateLimited,
    ServerError,
    /// Not an answer of the API.
    Lost,
}

impl ReplyClass {
    /// Whether a client that calls for this invitation again makes a mistake.
    pub(super) fn is_final(self) -> bool {
        match self {
            Self::Confirmed | Self::NotPending | Self::Refused => true,
            Self::CallerRefused | Self::RateLimited | Self::ServerError | Self::Lost => false,
        }
    }

    /// Whether it certainly costs nothing: on V1 only the API's own 500 (`docs/linkup-api.md`, Credits), on V2 every
    /// error (V2 errors).
    pub(super) fn is_free(self, version: Version) -> bool {
        match self {
            Self::Confirmed | Self::Lost => false,
            Self::NotPending | Self::Refused | Self::CallerRefused | Self::RateLimited => version == Version::V2,
            Self::ServerError => true,
        }
    }
}

impl Reply {
    pub(super) fn message(self) -> Cow<'static, str> {
        let message = match self {
            Self::Withdrawn | Self::WithdrawnAsText | Self::WithdrawnPadded | Self::Contradiction => {
                "Connection invitation withdrawn successfully"
            }
            Self::NoLongerPending => "This invitation is no longer pending",
            Self::Accepted => "This invitation has already been accepted",
            Self::Declined => "This invitation was declined",
            Self::AlreadyWithdrawn => "This invitation was already withdrawn",
            Self::NotFound => "Invitation not found",
            Self::Rejected => "Operation could not be completed (code 7041)",
            Self::MissingInvitationId => "Missing required parameter: invitation_id",
            Self::MissingLoginToken => "Missing required parameter: login_token",
            Self::MissingAccountId => "Missing required parameter: account_id",
            Self::MissingParameter(name) => return format!("Missing required parameter: {name}").into(),
            Self::InvalidParameter(name) => return format!("Invalid parameter: {name}").into(),
            Self::InvalidAction => "Unsupported action",
            Self::InvalidAccount => "Account not found",
            Self::MalformedBody => "Request body is not valid JSON",
            Self::MissingApiKey => "Missing API key",
            Self::InvalidApiKey => "Invalid API key",
            Self::InvalidCookie => "Invalid or expired LinkedIn cookie",
            Self::InsufficientCredits => "Insufficient credits available",
            Self::RateLimited | Self::TooManyRequests { .. } => "Rate limit exceeded. Please try again later",
            Self::ServerError => "Internal server error",
            Self::BadGateway
            | Self::WebPage
            | Self::Redirect
            | Self::Closed
            | Self::Truncated
            | Self::Held
            | Self::Endless => "",
        };
        message.into()
    }

    pub(super) fn retry_after_s(self) -> Option<u32> {
        if let Self::TooManyRequests { retry_after_s } = self { Some(retry_after_s) } else { None }
    }

    pub(super) fn class(self) -> ReplyClass {
        match self {
            Self::Withdrawn | Self::WithdrawnAsText | Self::WithdrawnPadded => ReplyClass::Confirmed,
            Self::NoLongerPending | Self::Accepted | Self::Declined | Self::AlreadyWithdrawn => ReplyClass::NotPending,
            Self::NotFound | Self::Rejected => ReplyClass::Refused,
            Self::MissingInvitationId
            | Self::MissingLoginToken
            | Self::MissingAccountId
            | Self::MissingParameter(_)
            | Self::InvalidParameter(_)
            | Self::InvalidAction
            | Self::InvalidAccount
            | Self::MalformedBody
            | Self::MissingApiKey
            | Self::InvalidApiKey
            | Self::InvalidCookie
            | Self::InsufficientCredits => ReplyClass::CallerRefused,
            Self::RateLimited | Self::TooManyRequests { .. } => ReplyClass::RateLimited,
            Self::ServerError => ReplyClass::ServerError,
            Self::Contradiction
            | Self::BadGateway
            | Self::WebPage
            | Self::Redirect
            | Self::Closed
            | Self::Truncated
            | Self::Held
            | Self::Endless => ReplyClass::Lost,
        }
    }
}
