//! What the API can say to a withdrawal, word for word.
//!
//! Owns statuses and bodies, and what each answer means for the record. Where the page "Withdraw Invitation" shows
//! no words, they are this sandbox's own and say so. Does not choose: see `simulation`.

/// An answer of the API, or the lack of one.
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
    /// A body that is no JSON object, HTTP 400. Undocumented.
    MalformedBody,
    /// No API key, HTTP 401 (listed in the introduction; the words are not).
    MissingApiKey,
    /// A wrong API key, HTTP 403 (as above).
    InvalidApiKey,
    /// A refused cookie (withdraw-invitation, Invalid Cookie).
    InvalidCookie,
    /// The balance is used up (withdraw-invitation, Insufficient Credits).
    InsufficientCredits,
    /// Over the limit, with HTTP 200, as V1 answers most errors (withdraw-invitation, Rate Limit).
    RateLimited,
    /// Over the limit, with HTTP 429 and a `Retry-After`. The status is listed in the introduction,
    /// the header nowhere.
    TooManyRequests {
        /// Seconds.
        retry_after_s: u32,
    },
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
}

/// What goes over the wire.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// An answer in full.
    Full(Page),
    /// An answer whose `sent` bytes are followed by the end of the connection instead of the rest.
    Cut { announced: usize, sent: &'static str },
    /// The end of the connection.
    Closed,
    /// Nothing at all.
    Silence,
}

/// One answer in full.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) retry_after_s: Option<u32>,
    pub(super) body: &'static str,
}

impl Page {
    pub(super) const fn json(status: u16, body: &'static str) -> Self {
        Self { status, content_type: "application/json", retry_after_s: None, body }
    }

    const fn html(status: u16, body: &'static str) -> Self {
        Self { status, content_type: "text/html; charset=utf-8", retry_after_s: None, body }
    }
}

macro_rules! error {
    ($message:literal) => {
        concat!(r#"{"status":"error","message":""#, $message, r#""}"#)
    };
}

const SUCCESS: &str = r#"{"status":"success","message":"Connection invitation withdrawn successfully"}"#;
const RATE_LIMIT: &str = error!("Rate limit exceeded. Please try again later");
/// Cut before its first value, so that it says neither success nor error.
const CUT: &str = r#"{"status":""#;

impl Reply {
    pub(super) fn wire(self) -> Wire {
        let (status, body) = match self {
            Self::Withdrawn => (200, SUCCESS),
            Self::NoLongerPending => (200, error!("This invitation is no longer pending")),
            Self::Accepted => (200, error!("This invitation has already been accepted")),
            Self::Declined => (200, error!("This invitation was declined")),
            Self::AlreadyWithdrawn => (200, error!("This invitation was already withdrawn")),
            Self::NotFound => (200, error!("Invitation not found")),
            Self::Rejected => (200, error!("Operation could not be completed (code 7041)")),
            Self::MissingInvitationId => (200, error!("Missing required parameter: invitation_id")),
            Self::MissingLoginToken => (200, error!("Missing required parameter: login_token")),
            Self::MalformedBody => (400, error!("Request body is not valid JSON")),
            Self::MissingApiKey => (401, error!("Missing API key")),
            Self::InvalidApiKey => (403, error!("Invalid API key")),
            Self::InvalidCookie => (200, error!("Invalid or expired LinkedIn cookie")),
            Self::InsufficientCredits => (200, error!("Insufficient credits available")),
            Self::RateLimited => (200, RATE_LIMIT),
            Self::TooManyRequests { retry_after_s } => {
                return Wire::Full(Page { retry_after_s: Some(retry_after_s), ..Page::json(429, RATE_LIMIT) });
            }
            Self::ServerError => (500, error!("Internal server error")),
            Self::Contradiction => (500, SUCCESS),
            Self::BadGateway => {
                let body =
                    "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n";
                return Wire::Full(Page::html(502, body));
            }
            Self::WebPage => {
                let body = "<!doctype html><title>Welcome</title><p>Please log in to use this network.</p>\n";
                return Wire::Full(Page::html(200, body));
            }
            Self::Closed => return Wire::Closed,
            Self::Truncated => return Wire::Cut { announced: SUCCESS.len(), sent: CUT },
            Self::Held => return Wire::Silence,
        };
        Wire::Full(Page::json(status, body))
    }

    pub(super) fn meaning(self) -> Meaning {
        match self {
            Self::Withdrawn => Meaning::Confirmed,
            Self::NoLongerPending | Self::Accepted | Self::Declined | Self::AlreadyWithdrawn => Meaning::NotPending,
            Self::NotFound | Self::Rejected => Meaning::Refused,
            Self::MissingInvitationId
            | Self::MissingLoginToken
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The five answers that the API's page shows, and the statuses that no page gives them.
    #[test]
    fn documented_answers_are_word_for_word() {
        let cases = [
            (Reply::Withdrawn, "success", "Connection invitation withdrawn successfully"),
            (Reply::MissingInvitationId, "error", "Missing required parameter: invitation_id"),
            (Reply::InvalidCookie, "error", "Invalid or expired LinkedIn cookie"),
            (Reply::InsufficientCredits, "error", "Insufficient credits available"),
            (Reply::RateLimited, "error", "Rate limit exceeded. Please try again later"),
        ];
        for (reply, status, message) in cases {
            let Wire::Full(page) = reply.wire() else { panic!("{reply:?} is not sent in full") };
            let body: serde_json::Value = serde_json::from_str(page.body).unwrap();
            assert_eq!((page.status, page.content_type), (200, "application/json"), "{reply:?}");
            assert_eq!(body, serde_json::json!({"status": status, "message": message}));
        }
    }

    /// Most errors come with HTTP 200; these are the exceptions.
    #[test]
    fn other_statuses_than_200() {
        let cases = [
            (Reply::MalformedBody, 400, "error"),
            (Reply::MissingApiKey, 401, "error"),
            (Reply::InvalidApiKey, 403, "error"),
            (Reply::TooManyRequests { retry_after_s: 1 }, 429, "error"),
            (Reply::ServerError, 500, "error"),
            (Reply::Contradiction, 500, "success"),
        ];
        for (reply, status, says) in cases {
            let Wire::Full(page) = reply.wire() else { panic!("{reply:?} is not sent in full") };
            let body: serde_json::Value = serde_json::from_str(page.body).unwrap();
            assert_eq!((page.status, &body["status"]), (status, &says.into()), "{reply:?}");
        }
    }

    #[test]
    fn a_cut_answer_says_nothing_of_what_happened() {
        let Wire::Cut { announced, sent } = Reply::Truncated.wire() else { panic!("not cut") };
        assert!(sent.len() < announced);
        assert!(!sent.contains("success") && !sent.contains("error"));
    }
}
