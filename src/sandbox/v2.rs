//! V2: how its requests are parsed and what its answers look like.
//!
//! Owns V2's statuses, error codes and bodies. Decides nothing. How V2 refuses an invitation that is not pending or does
//! not exist is documented nowhere: both likely kinds of codes are used.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::ListPages;
use super::simulation::Outgoing;
use super::wire::{
    Caller, Delivery, HttpAnswer, ListCall, PAGE_SIZE, Parameters, Span, StatusCall, Version, WithdrawalCall,
};
use super::{Reply, v1};

const WITHDRAW: &str = "withdraw";
const LIST_SENT: &str = "list_sent";
const CHECK_INVITATION: &str = "check_invitation";

/// A call to V2's one address for all actions.
pub(super) enum Call<'a> {
    Withdrawal(WithdrawalCall<'a>),
    List(ListCall<'a>),
    Status(StatusCall<'a>),
    /// Another action, or none. Counts as a withdrawal that is refused.
    Other {
        call: WithdrawalCall<'a>,
        action: Option<String>,
    },
}

/// `POST /v2/network`. Checks the account first, then the action, then its parameters.
pub(super) fn parse<'a>(api_key: Option<&'a [u8]>, body: &[u8]) -> Call<'a> {
    let parsed = Parameters::parse(body);
    let malformed = parsed.as_ref().err().copied();
    let parameters = parsed.unwrap_or_default();
    let caller = Caller { version: Version::V2, api_key, login: parameters.text("account_id") };
    let refusal = malformed.or(caller.login.is_none().then_some(Reply::MissingAccountId));
    let action = parameters.text("action");
    match action.as_deref() {
        Some(LIST_SENT) => {
            let span = refusal.map_or_else(|| parameters.object("params").and_then(|params| span(&params)), Err);
            Call::List(ListCall { caller, span })
        }
        Some(CHECK_INVITATION) => {
            let profile_url = refusal.map_or_else(|| parameters.object("params").and_then(|it| profile_url(&it)), Err);
            Call::Status(StatusCall { caller, profile_url })
        }
        Some(WITHDRAW) => {
            let params = parameters.object("params");
            let refusal = refusal.or(params.as_ref().err().copied());
            let invitation_id = params.unwrap_or_default().text("invitation_id");
            Call::Withdrawal(WithdrawalCall { caller, invitation_id, refusal })
        }
        Some(_) | None => {
            let refusal = refusal.or(Some(Reply::InvalidAction));
            Call::Other { call: WithdrawalCall { caller, invitation_id: None, refusal }, action }
        }
    }
}

/// The documentation has two names for it (`docs/linkup-api.md`, V2). That both are taken is a guess.
fn profile_url(params: &Parameters) -> Result<String, Reply> {
    params.required("profile_url").or_else(|missing| params.text("linkedin_url").ok_or(missing))
}

/// The defaults, one page from the start, are documented by a client only (`docs/linkup-api.md`, Sent invitations).
fn span(params: &Parameters) -> Result<Span, Reply> {
    Ok(Span {
        kind: params.invitation_kind()?,
        offset: params.number("offset", 0)?.unwrap_or_default(),
        count: params.number("count", 1)?.unwrap_or(PAGE_SIZE),
    })
}

/// What an answer repeats of its call.
#[derive(Clone, Copy, Default)]
pub(super) struct Echo<'a> {
    action: Option<&'a str>,
    account_id: Option<&'a str>,
    invitation_id: Option<&'a str>,
}

impl Call<'_> {
    pub(super) fn echo(&self) -> Echo<'_> {
        let (action, caller, invitation_id) = match self {
            Self::Withdrawal(call) => (Some(WITHDRAW), &call.caller, call.invitation_id.as_deref()),
            Self::List(call) => (Some(LIST_SENT), &call.caller, None),
            Self::Status(call) => (Some(CHECK_INVITATION), &call.caller, None),
            Self::Other { call, action } => (action.as_deref(), &call.caller, None),
        };
        Echo { action, account_id: caller.login.as_deref(), invitation_id }
    }
}

/// Cut before its first value, so that it says neither success nor error.
const CUT: &str = r#"{"success":"#;
/// About the length of an answer.
const CUT_LENGTH: usize = 200;

pub(super) fn render(answer: &Outgoing, echo: Echo<'_>, now: Timestamp) -> Delivery {
    match answer {
        Outgoing::Reply(reply) => render_reply(*reply, echo, now),
        Outgoing::List(list) => Delivery::Full(success(&list_data(list), echo, list.pages, now)),
        Outgoing::Person(person) => Delivery::Full(success(&v1::person_members(person).into(), echo, 1, now)),
    }
}

fn render_reply(reply: Reply, echo: Echo<'_>, now: Timestamp) -> Delivery {
    let withdrawn = || json!({"withdrawn": true, "invitation_id": echo.invitation_id});
    let error = |status, code| failure(reply, status, code, echo, now);
    match reply {
        Reply::Withdrawn => Delivery::Full(success(&withdrawn(), echo, 1, now)),
        Reply::WithdrawnAsText => Delivery::Full(success(&withdrawn(), echo, 1, now).in_plain_text()),
        Reply::WithdrawnPadded => Delivery::Full(success(&withdrawn(), echo, 1, now).padded()),
        // Without a price, which no client should believe either.
        Reply::Contradiction => {
            Delivery::Full(HttpAnswer::json(500, json!({"success": true, "data": withdrawn()}).to_string()))
        }
        Reply::BadGateway => Delivery::Full(HttpAnswer::bad_gateway()),
        Reply::WebPage => Delivery::Full(HttpAnswer::web_page()),
        Reply::Redirect => Delivery::Full(HttpAnswer::redirect()),
        Reply::Closed => Delivery::Closed,
        Reply::Truncated => Delivery::Cut { announced: CUT_LENGTH, sent: CUT },
        Reply::Held => Delivery::Silence,
        Reply::Endless => Delivery::Endless,
        Reply::NoLongerPending | Reply::Accepted | Reply::AlreadyWithdrawn => error(400, "INVITATION_NOT_PENDING"),
        Reply::NotFound => error(404, "INVITATION_NOT_FOUND"),
        Reply::Rejected => error(400, "OPERATION_FAILED"),
        Reply::Declined
        | Reply::MissingInvitationId
        | Reply::MissingLoginToken
        | Reply::MissingAccountId
        | Reply::MissingParameter(_)
        | Reply::InvalidParameter(_)
        | Reply::MalformedBody => error(400, "INVALID_PARAMS"),
        Reply::InvalidAction => error(400, "INVALID_ACTION"),
        Reply::InvalidAccount => error(404, "INVALID_ACCOUNT"),
        Reply::MissingApiKey | Reply::InvalidApiKey => error(403, "INVALID_API_KEY"),
        Reply::InvalidCookie => error(403, "ACCOUNT_INACTIVE"),
        Reply::InsufficientCredits => error(402, "INSUFFICIENT_CREDITS"),
        Reply::RateLimited | Reply::TooManyRequests { .. } => error(429, "RATE_LIMITED"),
        Reply::ServerError => error(500, "INTERNAL_ERROR"),
    }
}

fn success(data: &Value, echo: Echo<'_>, credits_consumed: usize, now: Timestamp) -> HttpAnswer {
    let metadata = json!({
        "action": echo.action,
        "account_id": echo.account_id,
        "credits_consumed": credits_consumed,
        "timestamp": timestamp(now),
    });
    let body = json!({"success": true, "data": data, "metadata": metadata});
    HttpAnswer::json(200, body.to_string())
}

/// Errors do not repeat the account and cost nothing (`docs/linkup-api.md`, V2 errors).
fn failure(reply: Reply, status: u16, code: &str, echo: Echo<'_>, now: Timestamp) -> Delivery {
    let message = match code {
        "INVALID_API_KEY" => "The provided API key is invalid or missing".into(),
        "ACCOUNT_INACTIVE" => "The account is inactive or suspended".into(),
        _ => reply.message(),
    };
    let body = json!({
        "success": false,
        "error": {"code": code, "message": message},
        "metadata": {"action": echo.action, "credits_consumed": 0, "timestamp": timestamp(now)},
    });
    let answer = HttpAnswer::json(status, body.to_string());
    Delivery::Full(HttpAnswer { retry_after_s: reply.retry_after_s(), ..answer })
}

fn timestamp(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The documented members, in the documented order (`docs/linkup-api.md`, V2). There is no `invitation_id`.
fn list_data(list: &ListPages) -> Value {
    let invitation = |item: &super::StockItem| {
        let (first_name, last_name) = item.name.split_once(' ').unwrap_or((&item.name, ""));
        json!({
            "entity_urn": format!("urn:li:invitation:{}", item.id),
            "recipient": {
                "first_name": first_name,
                "last_name": last_name,
                "headline": item.headline,
                "linkedin_url": item.profile_url,
                "profile_picture": null,
            },
            "invitation_type": item.kind.name(),
            "sent_time": item.sent.short(),
            "sent_time_days": item.sent.days(),
        })
    };
    let invitations: Vec<Value> = list.items.iter().map(|item| invitation(item)).collect();
    let count = invitations.len();
    let pagination = json!({
        "offset": list.span.offset,
        "count": count,
        "next_offset": list.next,
        "has_more": list.next.is_some(),
        "results_per_page": PAGE_SIZE,
        "pages_fetched": list.pages,
    });
    json!({
        "invitations": invitations,
        "total_results": count,
        "total_available_results": list.total,
        "invitation_type": list.span.kind.name(),
        "pagination": pagination,
    })
}

/// `GET /v2/credits` (`docs/linkup-api.md`, Balance). A sandbox with unlimited credits has no such address.
pub(super) fn credits(balance: Result<Option<u64>, Reply>, now: Timestamp) -> Delivery {
    match balance.transpose() {
        Some(credits) => free(credits.map(|credits| json!({"credits": credits})), now),
        None => Delivery::Full(HttpAnswer::not_found()),
    }
}

/// `GET /v2/accounts`. A page is `limit` long to the documentation and `count` to a client (`docs/linkup-api.md`,
/// Accounts): both are taken, and that a bad one is refused is a guess.
pub(super) fn accounts(account_id: Result<String, Reply>, query: Option<&str>, now: Timestamp) -> Delivery {
    let items = account_id.and_then(|id| {
        query_number(query, "limit", 1)?;
        query_number(query, "count", 1)?;
        let offset = query_number(query, "offset", 0)?.unwrap_or_default();
        Ok(if offset == 0 { vec![account_data(&id)] } else { Vec::new() })
    });
    free(items.map(|items| json!({"items": items, "total": 1})), now)
}

fn query_number(query: Option<&str>, name: &'static str, least: u32) -> Result<Option<u32>, Reply> {
    let mut pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let Some((_, text)) = pairs.find(|(key, _)| key == name) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| *number >= least);
    number.map(Some).ok_or(Reply::InvalidParameter(name))
}

/// `GET /v2/accounts/{id}`
pub(super) fn account(account_id: Result<String, Reply>, now: Timestamp) -> Delivery {
    free(account_id.map(|id| account_data(&id)), now)
}

/// The documented members; their values, except for the status, are made up.
fn account_data(account_id: &str) -> Value {
    json!({
        "account_id": account_id,
        "platform": "linkedin",
        "account_name": "Sandbox",
        "is_active": true,
        "status": "active",
        "country": "FR",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    })
}

fn free(data: Result<Value, Reply>, now: Timestamp) -> Delivery {
    match data {
        Ok(data) => {
            let body = json!({"success": true, "data": data, "metadata": {"credits_consumed": 0}});
            Delivery::Full(HttpAnswer::json(200, body.to_string()))
        }
        Err(refusal) => render_reply(refusal, Echo::default(), now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-04-26T10:35:00.9Z".parse().unwrap()
    }

    /// The answer to a call with this body, if it is in full.
    fn answer(body: &str, reply: Reply) -> (u16, Value) {
        let call = parse(None, body.as_bytes());
        let Delivery::Full(answer) = render_reply(reply, call.echo(), now()) else {
            panic!("{reply:?} is not in full")
        };
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }

    const WITHDRAWAL: &str =
        r#"{"account_id":"mine","action":"withdraw","params":{"invitation_id":"7453486530700017665"}}"#;

    /// Word for word, except for the account.
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

    /// The documented codes have their documented statuses (`docs/linkup-api.md`, V2 errors); the last ones are guesses.
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
        let call = parse(None, WITHDRAWAL.as_bytes());
        let Delivery::Cut { announced, sent } = render_reply(Reply::Truncated, call.echo(), now()) else {
            panic!("not cut")
        };
        assert!(sent.len() < announced && !sent.contains("true") && !sent.contains("false"));
    }

    /// What is wrong with a request, in the order in which it is looked at.
    #[test]
    fn requests_are_read() {
        let refusal = |body: &str| match parse(None, body.as_bytes()) {
            Call::Withdrawal(call) | Call::Other { call, .. } => call.refusal,
            Call::List(call) => call.span.err(),
            Call::Status(call) => call.profile_url.err(),
        };
        let cases = [
            ("{", Some(Reply::MalformedBody)),
            (r#"{"action":"dance"}"#, Some(Reply::MissingAccountId)),
            (r#"{"account_id":7,"action":"withdraw"}"#, Some(Reply::MissingAccountId)),
            (r#"{"account_id":"mine"}"#, Some(Reply::InvalidAction)),
            (r#"{"account_id":"mine","action":"dance"}"#, Some(Reply::InvalidAction)),
            (r#"{"account_id":"mine","action":"withdraw","params":7}"#, Some(Reply::InvalidParameter("params"))),
            (WITHDRAWAL, None),
            (
                r#"{"account_id":"mine","action":"check_invitation","params":{}}"#,
                Some(Reply::MissingParameter("profile_url")),
            ),
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
