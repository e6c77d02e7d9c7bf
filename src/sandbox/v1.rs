//! V1: how its requests are parsed and what its answers look like.
//!
//! Owns V1's statuses and bodies. Decides nothing.

use serde_json::{Map, Value, json};

use super::account::{ListPages, PersonState};
use super::simulation::Outgoing;
use super::wire::{
    Caller, Delivery, HttpAnswer, ListCall, PAGE_SIZE, Parameters, Span, StatusCall, Version, WithdrawalCall,
};
use super::{InvitationKind, Reply};

/// `POST /v1/network/withdraw-invitation`. Ignores `country`: what an unknown one does is documented nowhere.
pub(super) fn parse_withdrawal<'a>(api_key: Option<&'a [u8]>, body: &[u8]) -> WithdrawalCall<'a> {
    let parsed = Parameters::parse(body);
    let refusal = parsed.as_ref().err().copied();
    let parameters = parsed.unwrap_or_default();
    WithdrawalCall { caller: caller(api_key, &parameters), invitation_id: parameters.text("invitation_id"), refusal }
}

/// `POST /v1/network/sent-invitations`
pub(super) fn parse_list<'a>(api_key: Option<&'a [u8]>, body: &[u8]) -> ListCall<'a> {
    let parsed = Parameters::parse(body);
    let span = parsed.as_ref().map_err(|refusal| *refusal).and_then(span);
    ListCall { caller: caller(api_key, &parsed.unwrap_or_default()), span }
}

/// `POST /v1/network/invitation-status`
pub(super) fn parse_status<'a>(api_key: Option<&'a [u8]>, body: &[u8]) -> StatusCall<'a> {
    let parsed = Parameters::parse(body);
    let profile_url = parsed.as_ref().map_err(|refusal| *refusal).and_then(|all| all.required("linkedin_url"));
    StatusCall { caller: caller(api_key, &parsed.unwrap_or_default()), profile_url }
}

fn caller<'a>(api_key: Option<&'a [u8]>, parameters: &Parameters) -> Caller<'a> {
    Caller { version: Version::V1, api_key, login: parameters.text("login_token") }
}

/// Pages go before `total_results`. The first page is the default of `start_page`, which is the default of `end_page`
/// (`docs/linkup-api.md`, Sent invitations). With no parameter at all, that makes the first page.
fn span(parameters: &Parameters) -> Result<Span, Reply> {
    let kind = parameters.invitation_kind()?;
    if kind == InvitationKind::Event {
        return Err(Reply::InvalidParameter("invitation_type"));
    }
    let first = parameters.number("start_page", 1)?;
    let last = parameters.number("end_page", first.unwrap_or(1))?;
    let total = parameters.number("total_results", 1)?;
    if let (None, None, Some(count)) = (first, last, total) {
        return Ok(Span { kind, offset: 0, count });
    }
    let first = first.unwrap_or(1);
    let pages = last.unwrap_or(first) - first + 1;
    Ok(Span { kind, offset: (first - 1) * PAGE_SIZE, count: pages * PAGE_SIZE })
}

/// The most frequent answer, so it is not formatted each time.
const SUCCESS: &str = r#"{"status":"success","message":"Connection invitation withdrawn successfully"}"#;
/// Cut before its first value, so that it says neither success nor error.
const CUT: &str = r#"{"status":""#;

pub(super) fn render(answer: &Outgoing) -> Delivery {
    match answer {
        Outgoing::Reply(reply) => render_reply(*reply),
        Outgoing::List(list) => Delivery::Full(HttpAnswer::json(200, list_body(list))),
        Outgoing::Person(person) => Delivery::Full(HttpAnswer::json(200, person_body(person))),
    }
}

/// `GET /v1/check`. That it answers like other calls is a guess, and so are its words.
pub(super) fn check(admitted: Result<(), Reply>) -> Delivery {
    match admitted {
        Ok(()) => Delivery::Full(HttpAnswer::json(200, r#"{"status":"success","message":"API key is valid"}"#)),
        Err(refusal) => render_reply(refusal),
    }
}

fn person_body(person: &PersonState) -> String {
    let mut body = Map::from_iter([("status".to_owned(), json!("success"))]);
    body.extend(person_members(person));
    Value::Object(body).to_string()
}

/// The documented members (`docs/linkup-api.md`, V1, One person's invitation), which V2 has under `data`. The ID is a
/// bare number as in the list, an accepted invitation has none, and distances are LinkedIn's names: all guesses.
pub(super) fn person_members(person: &PersonState) -> Map<String, Value> {
    let (state, kind, id, distance) = match person {
        PersonState::Pending(id) => ("PENDING", Some("SENT"), Some(id), "DISTANCE_2"),
        PersonState::Accepted => ("ACCEPTED", Some("CONNECTED"), None, "DISTANCE_1"),
        PersonState::NoInvitation => ("NO_INVITATION", None, None, "DISTANCE_2"),
    };
    let members = [
        ("invitation_state", json!(state)),
        ("invitation_type", json!(kind)),
        ("invitation_id", json!(id)),
        ("member_distance", json!(distance)),
        ("message", Value::Null),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn render_reply(reply: Reply) -> Delivery {
    let status = match reply {
        Reply::Withdrawn => return Delivery::Full(HttpAnswer::json(200, SUCCESS)),
        Reply::WithdrawnAsText => return Delivery::Full(HttpAnswer::json(200, SUCCESS).in_plain_text()),
        Reply::WithdrawnPadded => return Delivery::Full(HttpAnswer::json(200, SUCCESS).padded()),
        Reply::Contradiction => return Delivery::Full(HttpAnswer::json(500, SUCCESS)),
        Reply::BadGateway => return Delivery::Full(HttpAnswer::bad_gateway()),
        Reply::WebPage => return Delivery::Full(HttpAnswer::web_page()),
        Reply::Redirect => return Delivery::Full(HttpAnswer::redirect()),
        Reply::Closed => return Delivery::Closed,
        Reply::Truncated => return Delivery::Cut { announced: SUCCESS.len(), sent: CUT },
        Reply::Held => return Delivery::Silence,
        Reply::Endless => return Delivery::Endless,
        Reply::TooManyRequests { .. } => 429,
        Reply::MalformedBody => 400,
        Reply::MissingApiKey => 401,
        Reply::InvalidApiKey => 403,
        Reply::ServerError => 500,
        // Most errors come with HTTP 200 (`docs/linkup-api.md`, V1 errors).
        Reply::NoLongerPending
        | Reply::Accepted
        | Reply::Declined
        | Reply::AlreadyWithdrawn
        | Reply::NotFound
        | Reply::Rejected
        | Reply::MissingInvitationId
        | Reply::MissingLoginToken
        | Reply::MissingAccountId
        | Reply::MissingParameter(_)
        | Reply::InvalidParameter(_)
        | Reply::InvalidAction
        | Reply::InvalidAccount
        | Reply::InvalidCookie
        | Reply::InsufficientCredits
        | Reply::RateLimited => 200,
    };
    let body = format!(r#"{{"status":"error","message":"{}"}}"#, reply.message());
    Delivery::Full(HttpAnswer { retry_after_s: reply.retry_after_s(), ..HttpAnswer::json(status, body) })
}

/// The documented members, in the documented order (`docs/linkup-api.md`, Sent invitations). The ID is a bare number,
/// too large for a float.
fn list_body(list: &ListPages) -> String {
    let invitation = |item: &super::StockItem| {
        json!({
            "name": item.name,
            "profile_url": item.profile_url,
            "subtitle": item.headline,
            "sent_time": item.sent.prose(),
            "invitation_id": item.id,
            "invitation_state": "PENDING",
            "message": null,
            "entity_urn": format!("urn:li:fsd_invitation:{}", item.id),
            "profile_picture": null,
            "invitation_type": item.kind.name(),
        })
    };
    let invitations: Vec<Value> = list.items.iter().map(|item| invitation(item)).collect();
    let start_page = list.span.offset / PAGE_SIZE + 1;
    let pagination = json!({
        "start_page": start_page,
        "end_page": start_page + list.pages - 1,
        "results_per_page": PAGE_SIZE,
        "pages_fetched": list.pages,
    });
    let data = json!({
        "total_results": invitations.len(),
        "total_available_results": list.total,
        "invitations": invitations,
        "pagination": pagination,
    });
    json!({"status": "success", "data": data}).to_string()
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
            let Delivery::Full(answer) = render_reply(reply) else { panic!("{reply:?} is not sent in full") };
            let body: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!((answer.status, answer.content_type), (200, "application/json"), "{reply:?}");
            assert_eq!(body, json!({"status": status, "message": message}));
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
            let Delivery::Full(answer) = render_reply(reply) else { panic!("{reply:?} is not sent in full") };
            let body: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!((answer.status, &body["status"]), (status, &says.into()), "{reply:?}");
        }
    }

    #[test]
    fn a_cut_answer_says_nothing_of_what_happened() {
        let Delivery::Cut { announced, sent } = render_reply(Reply::Truncated) else { panic!("not cut") };
        assert!(sent.len() < announced);
        assert!(!sent.contains("success") && !sent.contains("error"));
    }

    #[test]
    fn what_a_list_request_asks_for() {
        let span = |offset, count| Ok(Span { kind: InvitationKind::Connection, offset, count });
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
            (r#"{"invitation_type":"EVENT"}"#, wrong("invitation_type")),
            ("[", Err(Reply::MalformedBody)),
        ];
        for (body, expected) in cases {
            assert_eq!(parse_list(None, body.as_bytes()).span, expected, "{body}");
        }
        let kind = parse_list(None, br#"{"invitation_type":"ORGANIZATION"}"#).span.unwrap().kind;
        assert_eq!(kind, InvitationKind::Organization);
    }
}
