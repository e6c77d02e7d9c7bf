//! V1's words: how its requests read and its answers look.
//!
//! Owns V1's statuses and bodies. Decides nothing.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::{Api, Caller, Listing, PAGE, Parameter, Span, Withdrawal, invitation_type, number};
use super::list::Sheet;
use super::simulation::Said;
use super::wire::{Page, Wire};
use super::{Reply, StockItem};

/// The parameters that are looked at; `country` is not, since no page says what an unknown one does.
#[derive(Deserialize)]
struct WithdrawalBody<'a> {
    #[serde(borrow, default)]
    invitation_id: Parameter<'a>,
    #[serde(borrow, default)]
    login_token: Parameter<'a>,
}

#[derive(Deserialize)]
struct ListBody<'a> {
    #[serde(borrow, default)]
    login_token: Parameter<'a>,
    invitation_type: Option<Value>,
    start_page: Option<Value>,
    end_page: Option<Value>,
    total_results: Option<Value>,
}

/// `POST /v1/network/withdraw-invitation`
pub(super) fn read_withdrawal<'a>(api_key: Option<&'a [u8]>, body: &'a [u8]) -> Withdrawal<'a> {
    let (invitation_id, login, refusal) = match serde_json::from_slice::<WithdrawalBody<'_>>(body) {
        Ok(body) => (body.invitation_id.into_text(), body.login_token.into_text(), None),
        Err(_) => (None, None, Some(Reply::MalformedBody)),
    };
    Withdrawal { caller: Caller { api: Api::V1, api_key, login }, invitation_id, refusal }
}

/// `POST /v1/network/sent-invitations`
pub(super) fn read_listing<'a>(api_key: Option<&'a [u8]>, body: &'a [u8]) -> Listing<'a> {
    let (login, span) = match serde_json::from_slice::<ListBody<'_>>(body) {
        Ok(body) => {
            let span = body.span();
            (body.login_token.into_text(), span)
        }
        Err(_) => (None, Err(Reply::MalformedBody)),
    };
    Listing { caller: Caller { api: Api::V1, api_key, login }, span }
}

impl ListBody<'_> {
    /// `total_results` counts where no page is named; the first page is the default of `start_page`, and that the
    /// default of `end_page` (get-sent-invitations, Body Parameters). With none of them, that makes the first page.
    fn span(&self) -> Result<Span, Reply> {
        let kind = invitation_type(self.invitation_type.as_ref())?;
        let first = number("start_page", self.start_page.as_ref(), 1)?;
        let last = number("end_page", self.end_page.as_ref(), first.unwrap_or(1))?;
        let total = number("total_results", self.total_results.as_ref(), 1)?;
        if let (None, None, Some(count)) = (first, last, total) {
            return Ok(Span { kind, offset: 0, count });
        }
        let first = first.unwrap_or(1);
        let pages = last.unwrap_or(first) - first + 1;
        Ok(Span { kind, offset: (first - 1) * PAGE, count: pages * PAGE })
    }
}

/// The answer of every withdrawal that goes well, so it is not made anew each time.
const SUCCESS: &str = r#"{"status":"success","message":"Connection invitation withdrawn successfully"}"#;
/// Cut before its first value, so that it says neither success nor error.
const CUT: &str = r#"{"status":""#;

pub(super) fn wire(said: &Said) -> Wire {
    match said {
        Said::Reply(reply) => reply_wire(*reply),
        Said::Sheet(sheet) => Wire::Full(Page::json(200, list_body(sheet))),
    }
}

fn reply_wire(reply: Reply) -> Wire {
    let status = match reply {
        Reply::Withdrawn => return Wire::Full(Page::json(200, SUCCESS)),
        Reply::Contradiction => return Wire::Full(Page::json(500, SUCCESS)),
        Reply::BadGateway => return Wire::Full(Page::bad_gateway()),
        Reply::WebPage => return Wire::Full(Page::web_page()),
        Reply::Closed => return Wire::Closed,
        Reply::Truncated => return Wire::Cut { announced: SUCCESS.len(), sent: CUT },
        Reply::Held => return Wire::Silence,
        Reply::TooManyRequests { .. } => 429,
        Reply::MalformedBody => 400,
        Reply::MissingApiKey => 401,
        Reply::InvalidApiKey => 403,
        Reply::ServerError => 500,
        // Most errors come with HTTP 200 (the vendor's migration guide).
        Reply::NoLongerPending
        | Reply::Accepted
        | Reply::Declined
        | Reply::AlreadyWithdrawn
        | Reply::NotFound
        | Reply::Rejected
        | Reply::MissingInvitationId
        | Reply::MissingLoginToken
        | Reply::MissingAccountId
        | Reply::InvalidParameter(_)
        | Reply::InvalidAction
        | Reply::InvalidAccount
        | Reply::InvalidCookie
        | Reply::InsufficientCredits
        | Reply::RateLimited => 200,
    };
    let body = format!(r#"{{"status":"error","message":"{}"}}"#, reply.words());
    Wire::Full(Page { retry_after_s: reply.retry_after_s(), ..Page::json(status, body) })
}

#[derive(Serialize)]
struct Answer<'a> {
    status: &'static str,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    total_results: usize,
    total_available_results: usize,
    invitations: Vec<Item<'a>>,
    pagination: Pagination,
}

/// The documented fields, in the order of the example (get-sent-invitations).
#[derive(Serialize)]
struct Item<'a> {
    name: &'a str,
    profile_url: &'a str,
    subtitle: &'a str,
    sent_time: Cow<'a, str>,
    /// A bare number, above what a float can hold.
    invitation_id: u64,
    invitation_state: &'static str,
    message: Option<&'a str>,
    entity_urn: String,
    profile_picture: Option<&'a str>,
    invitation_type: &'static str,
}

#[derive(Serialize)]
struct Pagination {
    start_page: usize,
    end_page: usize,
    results_per_page: usize,
    pages_fetched: usize,
}

impl<'a> From<&'a StockItem> for Item<'a> {
    fn from(item: &'a StockItem) -> Self {
        Self {
            name: &item.name,
            profile_url: &item.profile_url,
            subtitle: &item.headline,
            sent_time: item.sent.prose(),
            invitation_id: item.id,
            invitation_state: "PENDING",
            message: None,
            entity_urn: format!("urn:li:fsd_invitation:{}", item.id),
            profile_picture: None,
            invitation_type: item.invitation_type.name(),
        }
    }
}

fn list_body(sheet: &Sheet) -> String {
    let start_page = sheet.span.offset / PAGE + 1;
    let data = Data {
        total_results: sheet.items.len(),
        total_available_results: sheet.total,
        invitations: sheet.items.iter().map(|item| Item::from(&**item)).collect(),
        pagination: Pagination {
            start_page,
            end_page: start_page + sheet.pages - 1,
            results_per_page: PAGE,
            pages_fetched: sheet.pages,
        },
    };
    json(&Answer { status: "success", data })
}

/// As JSON, which can't fail for text, numbers and lists of them.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::InvitationType;
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
            let Wire::Full(page) = reply_wire(reply) else { panic!("{reply:?} is not sent in full") };
            let body: serde_json::Value = serde_json::from_str(&page.body).unwrap();
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
            let Wire::Full(page) = reply_wire(reply) else { panic!("{reply:?} is not sent in full") };
            let body: serde_json::Value = serde_json::from_str(&page.body).unwrap();
            assert_eq!((page.status, &body["status"]), (status, &says.into()), "{reply:?}");
        }
    }

    #[test]
    fn a_cut_answer_says_nothing_of_what_happened() {
        let Wire::Cut { announced, sent } = reply_wire(Reply::Truncated) else { panic!("not cut") };
        assert!(sent.len() < announced);
        assert!(!sent.contains("success") && !sent.contains("error"));
    }

    #[test]
    fn what_a_list_request_asks_for() {
        let span = |offset, count| Ok(Span { kind: InvitationType::Connection, offset, count });
        let wrong = |name| Err(Reply::InvalidParameter(name));
        let cases = [
            ("{}", span(0, 10)),
            (r#"{"start_page":null,"total_results":null}"#, span(0, 10)),
            (r#"{"start_page":3}"#, span(20, 10)),
            (r#"{"end_page":3}"#, span(0, 30)),
            (r#"{"start_page":2,"end_page":4}"#, span(10, 30)),
            (r#"{"total_results":25}"#, span(0, 25)),
            (r#"{"start_page":2,"total_results":25}"#, span(10, 10)),
            (r#"{"start_page":0}"#, wrong("start_page")),
            (r#"{"start_page":"1"}"#, wrong("start_page")),
            (r#"{"start_page":18446744073709551615}"#, wrong("start_page")),
            (r#"{"start_page":3,"end_page":2}"#, wrong("end_page")),
            (r#"{"total_results":1.5}"#, wrong("total_results")),
            (r#"{"invitation_type":"PEOPLE"}"#, wrong("invitation_type")),
            ("[", Err(Reply::MalformedBody)),
        ];
        for (body, expected) in cases {
            assert_eq!(read_listing(None, body.as_bytes()).span, expected, "{body}");
        }
        let kind = read_listing(None, br#"{"invitation_type":"ORGANIZATION"}"#).span.unwrap().kind;
        assert_eq!(kind, InvitationType::Organization);
    }
}
