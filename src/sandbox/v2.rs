//! V2's words: how its requests read and its answers look.
//!
//! Owns V2's statuses, error codes and bodies. Decides nothing. What withdrawing an invitation answers that is not
//! pending, or not there, is documented nowhere: the codes here are guesses, of both kinds that are likely.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::call::{Api, Caller, Listing, PAGE, Parameter, Span, Withdrawal, invitation_type, number};
use super::list::Sheet;
use super::simulation::Said;
use super::v1::json;
use super::wire::{Page, Wire};
use super::{Reply, StockItem};

const WITHDRAW: &str = "withdraw";
const LIST_SENT: &str = "list_sent";

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    account_id: Parameter<'a>,
    #[serde(borrow, default)]
    action: Parameter<'a>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct WithdrawalParams<'a> {
    #[serde(borrow, default)]
    invitation_id: Parameter<'a>,
}

#[derive(Default, Deserialize)]
struct ListParams {
    count: Option<Value>,
    offset: Option<Value>,
    invitation_type: Option<Value>,
}

/// A call of V2, as its one address takes all of them.
pub(super) enum Call<'a> {
    Withdrawal(Withdrawal<'a>),
    Listing(Listing<'a>),
    /// To do something that this sandbox does not know; counts as a withdrawal that is refused.
    Other {
        call: Withdrawal<'a>,
        action: Option<Cow<'a, str>>,
    },
}

/// Reads the account first, then the action, then its parameters.
pub(super) fn read<'a>(api_key: Option<&'a [u8]>, body: &'a [u8]) -> Call<'a> {
    let caller = |login| Caller { api: Api::V2, api_key, login };
    let Ok(body) = serde_json::from_slice::<Body<'_>>(body) else {
        let refusal = Some(Reply::MalformedBody);
        return Call::Other { call: Withdrawal { caller: caller(None), invitation_id: None, refusal }, action: None };
    };
    let caller = caller(body.account_id.into_text());
    let anonymous = caller.login.is_none().then_some(Reply::MissingAccountId);
    let action = body.action.into_text();
    match action.as_deref() {
        Some(LIST_SENT) => {
            let span =
                anonymous.map_or_else(|| read_params(body.params).and_then(|params: ListParams| params.span()), Err);
            Call::Listing(Listing { caller, span })
        }
        Some(WITHDRAW) => {
            let params = read_params(body.params).map(|params: WithdrawalParams<'_>| params.invitation_id.into_text());
            let refusal = anonymous.or(params.as_ref().err().copied());
            Call::Withdrawal(Withdrawal { caller, invitation_id: params.ok().flatten(), refusal })
        }
        Some(_) | None => {
            let refusal = anonymous.or(Some(Reply::InvalidAction));
            Call::Other { call: Withdrawal { caller, invitation_id: None, refusal }, action }
        }
    }
}

/// The parameters; none at all are all of them missing.
fn read_params<'a, T: Default + Deserialize<'a>>(params: Option<&'a RawValue>) -> Result<T, Reply> {
    let read = params.map(|params| serde_json::from_str(params.get())).transpose();
    read.map(Option::unwrap_or_default).map_err(|_| Reply::InvalidParameter("params"))
}

impl ListParams {
    /// That a page from the start is the default is a guess.
    fn span(&self) -> Result<Span, Reply> {
        Ok(Span {
            kind: invitation_type(self.invitation_type.as_ref())?,
            offset: number("offset", self.offset.as_ref(), 0)?.unwrap_or_default(),
            count: number("count", self.count.as_ref(), 1)?.unwrap_or(PAGE),
        })
    }
}

/// What an answer repeats of its call.
pub(super) struct About<'a> {
    action: Option<&'a str>,
    account_id: Option<&'a str>,
    invitation_id: Option<&'a str>,
}

impl Call<'_> {
    pub(super) fn about(&self) -> About<'_> {
        let (action, caller, invitation_id) = match self {
            Self::Withdrawal(call) => (Some(WITHDRAW), &call.caller, call.invitation_id.as_deref()),
            Self::Listing(call) => (Some(LIST_SENT), &call.caller, None),
            Self::Other { call, action } => (action.as_deref(), &call.caller, None),
        };
        About { action, account_id: caller.login.as_deref(), invitation_id }
    }
}

#[derive(Serialize)]
struct Success<'a, T> {
    success: bool,
    data: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
}

#[derive(Serialize)]
struct Failure<'a> {
    success: bool,
    error: Error,
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
struct Error {
    code: &'static str,
    message: Cow<'static, str>,
}

/// Errors do not show the account (v2/error-codes).
#[derive(Serialize)]
struct Metadata<'a> {
    action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
    credits_consumed: usize,
    timestamp: String,
}

impl<'a> Metadata<'a> {
    fn new(about: &About<'a>, credits_consumed: usize, now: Timestamp) -> Self {
        let timestamp = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Self { action: about.action, account_id: about.account_id, credits_consumed, timestamp }
    }
}

#[derive(Serialize)]
struct Withdrawn<'a> {
    withdrawn: bool,
    invitation_id: Option<&'a str>,
}

/// Cut before its first value, so that it says neither success nor error.
const CUT: &str = r#"{"success":"#;
/// About as long as an answer is.
const CUT_LENGTH: usize = 200;

pub(super) fn wire(said: &Said, about: &About<'_>, now: Timestamp) -> Wire {
    match said {
        Said::Reply(reply) => reply_wire(*reply, about, now),
        Said::Sheet(sheet) => {
            let metadata = Metadata::new(about, sheet.pages, now);
            Wire::Full(Page::json(200, list_body(sheet, metadata)))
        }
    }
}

fn reply_wire(reply: Reply, about: &About<'_>, now: Timestamp) -> Wire {
    let withdrawn = |metadata| {
        let data = Withdrawn { withdrawn: true, invitation_id: about.invitation_id };
        json(&Success { success: true, data, metadata })
    };
    let (status, code) = match reply {
        Reply::Withdrawn => return Wire::Full(Page::json(200, withdrawn(Some(Metadata::new(about, 1, now))))),
        // Says nothing of what it cost, as it is not to be believed.
        Reply::Contradiction => return Wire::Full(Page::json(500, withdrawn(None))),
        Reply::BadGateway => return Wire::Full(Page::bad_gateway()),
        Reply::WebPage => return Wire::Full(Page::web_page()),
        Reply::Closed => return Wire::Closed,
        Reply::Truncated => return Wire::Cut { announced: CUT_LENGTH, sent: CUT },
        Reply::Held => return Wire::Silence,
        Reply::NoLongerPending | Reply::Accepted | Reply::AlreadyWithdrawn => (400, "INVITATION_NOT_PENDING"),
        Reply::NotFound => (404, "INVITATION_NOT_FOUND"),
        Reply::Rejected => (400, "OPERATION_FAILED"),
        Reply::Declined
        | Reply::MissingInvitationId
        | Reply::MissingLoginToken
        | Reply::MissingAccountId
        | Reply::InvalidParameter(_)
        | Reply::MalformedBody => (400, "INVALID_PARAMS"),
        Reply::InvalidAction => (400, "INVALID_ACTION"),
        Reply::InvalidAccount => (404, "INVALID_ACCOUNT"),
        Reply::MissingApiKey | Reply::InvalidApiKey => (403, "INVALID_API_KEY"),
        Reply::InvalidCookie => (403, "ACCOUNT_INACTIVE"),
        Reply::InsufficientCredits => (402, "INSUFFICIENT_CREDITS"),
        Reply::RateLimited | Reply::TooManyRequests { .. } => (429, "RATE_LIMITED"),
        Reply::ServerError => (500, "INTERNAL_ERROR"),
    };
    let message = match code {
        "INVALID_API_KEY" => "The provided API key is invalid or missing".into(),
        "ACCOUNT_INACTIVE" => "The account is inactive or suspended".into(),
        _ => reply.words(),
    };
    let metadata = Metadata { account_id: None, ..Metadata::new(about, 0, now) };
    let body = json(&Failure { success: false, error: Error { code, message }, metadata });
    Wire::Full(Page { retry_after_s: reply.retry_after_s(), ..Page::json(status, body) })
}

#[derive(Serialize)]
struct Data<'a> {
    invitations: Vec<Item<'a>>,
    total_results: usize,
    total_available_results: usize,
    invitation_type: &'static str,
    pagination: Pagination,
}

/// The documented fields, in the order of the example (v2/network/list-sent). There is no `invitation_id`.
#[derive(Serialize)]
struct Item<'a> {
    entity_urn: String,
    recipient: Recipient<'a>,
    invitation_type: &'static str,
    sent_time: Cow<'a, str>,
    sent_time_days: Option<u64>,
}

#[derive(Serialize)]
struct Recipient<'a> {
    first_name: &'a str,
    last_name: &'a str,
    headline: &'a str,
    linkedin_url: &'a str,
    profile_picture: Option<&'a str>,
}

#[derive(Serialize)]
struct Pagination {
    offset: usize,
    count: usize,
    next_offset: Option<usize>,
    has_more: bool,
    results_per_page: usize,
    pages_fetched: usize,
}

impl<'a> From<&'a StockItem> for Item<'a> {
    fn from(item: &'a StockItem) -> Self {
        let (first_name, last_name) = item.name.split_once(' ').unwrap_or((&item.name, ""));
        Self {
            entity_urn: format!("urn:li:invitation:{}", item.id),
            recipient: Recipient {
                first_name,
                last_name,
                headline: &item.headline,
                linkedin_url: &item.profile_url,
                profile_picture: None,
            },
            invitation_type: item.invitation_type.name(),
            sent_time: item.sent.short(),
            sent_time_days: item.sent.days(),
        }
    }
}

fn list_body(sheet: &Sheet, metadata: Metadata<'_>) -> String {
    let data = Data {
        invitations: sheet.items.iter().map(|item| Item::from(&**item)).collect(),
        total_results: sheet.items.len(),
        total_available_results: sheet.total,
        invitation_type: sheet.span.kind.name(),
        pagination: Pagination {
            offset: sheet.span.offset,
            count: sheet.items.len(),
            next_offset: sheet.next,
            has_more: sheet.next.is_some(),
            results_per_page: PAGE,
            pages_fetched: sheet.pages,
        },
    };
    json(&Success { success: true, data, metadata: Some(metadata) })
}

/// `GET /v2/credits`. The shape is a guess; an endless balance is as if there were no such address.
pub(super) fn credits(balance: Result<Option<u64>, Reply>, now: Timestamp) -> Wire {
    match balance {
        Ok(Some(credits)) => {
            Wire::Full(Page::json(200, format!(r#"{{"success":true,"data":{{"credits":{credits}}}}}"#)))
        }
        Ok(None) => Wire::Full(Page::not_found()),
        Err(refusal) => reply_wire(refusal, &About { action: None, account_id: None, invitation_id: None }, now),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        "2026-04-26T10:35:00.9Z".parse().unwrap()
    }

    /// The answer to a call with this body, if it is in full.
    fn answer(body: &str, reply: Reply) -> (u16, Value) {
        let call = read(None, body.as_bytes());
        let Wire::Full(page) = reply_wire(reply, &call.about(), now()) else { panic!("{reply:?} is not in full") };
        (page.status, serde_json::from_str(&page.body).unwrap())
    }

    const WITHDRAWAL: &str =
        r#"{"account_id":"mine","action":"withdraw","params":{"invitation_id":"7453486530700017665"}}"#;

    /// Word for word but for the account (v2/network/withdraw).
    #[test]
    fn the_documented_success() {
        let expected = json!({
            "success": true,
            "data": {"withdrawn": true, "invitation_id": "7453486530700017665"},
            "metadata": {
                "action": "withdraw",
                "account_id": "mine",
                "credits_consumed": 1,
                "timestamp": "2026-04-26T10:35:00Z",
            },
        });
        assert_eq!(answer(WITHDRAWAL, Reply::Withdrawn), (200, expected));
    }

    /// The documented codes have their documented statuses (v2/error-codes); the last ones are guesses.
    #[test]
    fn errors_have_codes_and_real_statuses() {
        let cases = [
            (Reply::MissingApiKey, 403, "INVALID_API_KEY"),
            (Reply::InvalidApiKey, 403, "INVALID_API_KEY"),
            (Reply::InvalidAccount, 404, "INVALID_ACCOUNT"),
            (Reply::InvalidCookie, 403, "ACCOUNT_INACTIVE"),
            (Reply::InvalidAction, 400, "INVALID_ACTION"),
            (Reply::MissingAccountId, 400, "INVALID_PARAMS"),
            (Reply::MissingInvitationId, 400, "INVALID_PARAMS"),
            (Reply::InvalidParameter("count"), 400, "INVALID_PARAMS"),
            (Reply::MalformedBody, 400, "INVALID_PARAMS"),
            (Reply::RateLimited, 429, "RATE_LIMITED"),
            (Reply::TooManyRequests { retry_after_s: 1 }, 429, "RATE_LIMITED"),
            (Reply::InsufficientCredits, 402, "INSUFFICIENT_CREDITS"),
            (Reply::ServerError, 500, "INTERNAL_ERROR"),
            (Reply::Accepted, 400, "INVITATION_NOT_PENDING"),
            (Reply::AlreadyWithdrawn, 400, "INVITATION_NOT_PENDING"),
            (Reply::NoLongerPending, 400, "INVITATION_NOT_PENDING"),
            (Reply::Declined, 400, "INVALID_PARAMS"),
            (Reply::NotFound, 404, "INVITATION_NOT_FOUND"),
            (Reply::Rejected, 400, "OPERATION_FAILED"),
        ];
        let metadata = json!({"action": "withdraw", "credits_consumed": 0, "timestamp": "2026-04-26T10:35:00Z"});
        for (reply, status, code) in cases {
            let (sent, body) = answer(WITHDRAWAL, reply);
            assert_eq!((sent, &body["success"], &body["error"]["code"]), (status, &json!(false), &json!(code)));
            assert!(!body["error"]["message"].as_str().unwrap().is_empty(), "{reply:?}");
            assert_eq!(body["metadata"], metadata, "{reply:?}");
        }
    }

    #[test]
    fn a_contradiction_says_success_and_no_price() {
        let (status, body) = answer(WITHDRAWAL, Reply::Contradiction);
        assert_eq!((status, &body["success"], body.get("metadata")), (500, &json!(true), None));
    }

    #[test]
    fn a_cut_answer_says_nothing_of_what_happened() {
        let call = read(None, WITHDRAWAL.as_bytes());
        let Wire::Cut { announced, sent } = reply_wire(Reply::Truncated, &call.about(), now()) else {
            panic!("not cut")
        };
        assert!(sent.len() < announced && !sent.contains("true") && !sent.contains("false"));
    }

    /// What is wrong with a request, in the order in which it is looked at.
    #[test]
    fn requests_are_read() {
        let refusal = |body: &str| match read(None, body.as_bytes()) {
            Call::Withdrawal(call) | Call::Other { call, .. } => call.refusal,
            Call::Listing(call) => call.span.err(),
        };
        let cases = [
            ("{", Some(Reply::MalformedBody)),
            (r#"{"action":"dance"}"#, Some(Reply::MissingAccountId)),
            (r#"{"account_id":7,"action":"withdraw"}"#, Some(Reply::MissingAccountId)),
            (r#"{"account_id":"mine"}"#, Some(Reply::InvalidAction)),
            (r#"{"account_id":"mine","action":"dance"}"#, Some(Reply::InvalidAction)),
            (r#"{"account_id":"mine","action":"withdraw","params":7}"#, Some(Reply::InvalidParameter("params"))),
            (WITHDRAWAL, None),
            (r#"{"action":"list_sent"}"#, Some(Reply::MissingAccountId)),
            (r#"{"account_id":"mine","action":"list_sent"}"#, None),
            (r#"{"account_id":"mine","action":"list_sent","params":null}"#, None),
            (
                r#"{"account_id":"mine","action":"list_sent","params":{"count":0}}"#,
                Some(Reply::InvalidParameter("count")),
            ),
            (
                r#"{"account_id":"mine","action":"list_sent","params":{"offset":-1}}"#,
                Some(Reply::InvalidParameter("offset")),
            ),
            (
                r#"{"account_id":"mine","action":"list_sent","params":{"invitation_type":"connection"}}"#,
                Some(Reply::InvalidParameter("invitation_type")),
            ),
        ];
        for (body, expected) in cases {
            assert_eq!(refusal(body), expected, "{body}");
        }
    }
}
