//! What the API can say to a call, lists apart: the answers, their words, and what they mean for the record.
//!
//! Where the page "Withdraw Invitation" shows no words, they are this sandbox's own and say so. Does not choose (see
//! `simulation`), and knows neither statuses nor bodies, which differ by version: see `v1` and `v2`.

use std::borrow::Cow;

use super::call::Api;

/// An answer of the API, or the lack of one. The statuses named here are V1's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// Success (withdraw-invitation, Success Response).
    Withdrawn,
    /// Withdrawn before, by a call to this sandbox. Which words the API uses is documented nowhere.
    NoLongerPending,
    /// Accepted by the person. The page's notes say that the call fails, not in which words.
    Accepted,
    /// Declined by the person. Undocumented words, as above.
    Declined,
    /// Withdrawn by other means than this sandbox. Undocumented words.
    AlreadyWithdrawn,
    /// No such invitation for this account. Undocumented words.
    NotFound,
    /// Refused in words that no page shows and no client can know.
    Rejected,
    /// Documented for `invitation_id`. A JSON number in its place is refused in the same way.
    MissingInvitationId,
    /// The documented words with the other parameter's name.
    MissingLoginToken,
    /// V2's `account_id` is missing.
    MissingAccountId,
    /// A parameter of this name that means nothing. Undocumented words.
    InvalidParameter(&'static str),
    /// V2 knows no such action.
    InvalidAction,
    /// V2 knows no such account.
    InvalidAccount,
    /// A body that is no JSON object, HTTP 400. Undocumented.
    MalformedBody,
    /// No API key, HTTP 401 (listed in the introduction; the words are not).
    MissingApiKey,
    /// A wrong API key, HTTP 403 (as above).
    InvalidApiKey,
    /// A refused cookie (withdraw-invitation, Invalid Cookie); on V2 the account is inactive.
    InvalidCookie,
    /// The balance is used up (withdraw-invitation, Insufficient Credits).
    InsufficientCredits,
    /// Over the limit, with HTTP 200, as V1 answers most errors (withdraw-invitation, Rate Limit).
    RateLimited,
    /// Over the limit, with HTTP 429 and a `Retry-After`. The status is listed in the introduction,
    /// the header nowhere.
    TooManyRequests { retry_after_s: u32 },
    /// The API's own HTTP 500, as JSON: nothing was done and nothing is charged (introduction).
    ServerError,
    /// Success in the body, failure in the status.
    Contradiction,
    /// A gateway's HTTP 502 page.
    BadGateway,
    /// Some page with HTTP 200, such as a captive portal's.
    WebPage,
    /// The connection is closed after the request was read.
    Closed,
    /// The connection is closed within the body, before it says anything.
    Truncated,
    /// Nothing comes until the client goes away.
    Held,
}

/// What an answer amounts to once it was sent in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Success: a withdrawal is confirmed and charged.
    Confirmed,
    /// Nothing is pending any more.
    NotPending,
    /// Refused for a reason that lies in this invitation.
    Refused,
    /// Refused for a reason that lies in the caller: key, cookie, credits, request.
    CallerRefused,
    RateLimited,
    ServerError,
    /// Not an answer of the API.
    Lost,
}

impl Meaning {
    /// Whether a call for this invitation after such an answer is a mistake.
    pub(super) fn is_final(self) -> bool {
        match self {
            Self::Confirmed | Self::NotPending | Self::Refused => true,
            Self::CallerRefused | Self::RateLimited | Self::ServerError | Self::Lost => false,
        }
    }

    /// Whether such an answer certainly costs nothing: on V1 the API's own 500 alone (introduction), on V2 every
    /// error (v2/error-codes).
    pub(super) fn is_free(self, api: Api) -> bool {
        match self {
            Self::Confirmed | Self::Lost => false,
            Self::NotPending | Self::Refused | Self::CallerRefused | Self::RateLimited => api == Api::V2,
            Self::ServerError => true,
        }
    }
}

impl Reply {
    pub(super) fn words(self) -> Cow<'static, str> {
        let words = match self {
            Self::Withdrawn | Self::Contradiction => "Connection invitation withdrawn successfully",
            Self::NoLongerPending => "This invitation is no longer pending",
            Self::Accepted => "This invitation has already been accepted",
            Self::Declined => "This invitation was declined",
            Self::AlreadyWithdrawn => "This invitation was already withdrawn",
            Self::NotFound => "Invitation not found",
            Self::Rejected => "Operation could not be completed (code 7041)",
            Self::MissingInvitationId => "Missing required parameter: invitation_id",
            Self::MissingLoginToken => "Missing required parameter: login_token",
            Self::MissingAccountId => "Missing required parameter: account_id",
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
            Self::BadGateway | Self::WebPage | Self::Closed | Self::Truncated | Self::Held => "",
        };
        words.into()
    }

    pub(super) fn retry_after_s(self) -> Option<u32> {
        if let Self::TooManyRequests { retry_after_s } = self { Some(retry_after_s) } else { None }
    }

    pub(super) fn meaning(self) -> Meaning {
        match self {
            Self::Withdrawn => Meaning::Confirmed,
            Self::NoLongerPending | Self::Accepted | Self::Declined | Self::AlreadyWithdrawn => Meaning::NotPending,
            Self::NotFound | Self::Rejected => Meaning::Refused,
            Self::MissingInvitationId
            | Self::MissingLoginToken
            | Self::MissingAccountId
            | Self::InvalidParameter(_)
            | Self::InvalidAction
            | Self::InvalidAccount
            | Self::MalformedBody
            | Self::MissingApiKey
            | Self::InvalidApiKey
            | Self::InvalidCookie
            | Self::InsufficientCredits => Meaning::CallerRefused,
            Self::RateLimited | Self::TooManyRequests { .. } => Meaning::RateLimited,
            Self::ServerError => Meaning::ServerError,
            Self::Contradiction | Self::BadGateway | Self::WebPage | Self::Closed | Self::Truncated | Self::Held => {
                Meaning::Lost
            }
        }
    }
}
