//! Calls and answers as values, the same for both versions of the API.
//!
//! Decides nothing. What a body of either version looks like is for `v1` and `v2`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{InvitationKind, Reply};

/// The version that a call was made to and is answered in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

pub(super) struct Caller<'a> {
    pub(super) version: Version,
    pub(super) api_key: Option<&'a [u8]>,
    /// V1's login token, V2's account ID.
    pub(super) login: Option<String>,
}

/// A call to withdraw an invitation.
pub(super) struct WithdrawalCall<'a> {
    pub(super) caller: Caller<'a>,
    pub(super) invitation_id: Option<String>,
    /// Why the request itself is invalid.
    pub(super) refusal: Option<Reply>,
}

/// A call for the pending invitations.
pub(super) struct ListCall<'a> {
    pub(super) caller: Caller<'a>,
    /// What is asked for, or why the request itself is invalid.
    pub(super) span: Result<Span, Reply>,
}

/// A call for one person's invitation.
pub(super) struct StatusCall<'a> {
    pub(super) caller: Caller<'a>,
    /// Whose it is, or why the request itself is invalid.
    pub(super) profile_url: Result<String, Reply>,
}

/// Invitations per page (`docs/linkup-api.md`, Sent invitations).
pub(super) const PAGE_SIZE: usize = 10;

/// A part of the list; offset 0 is the newest invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) kind: InvitationKind,
    pub(super) offset: usize,
    pub(super) count: usize,
}

/// The members of a request's JSON object. A null counts as absent.
#[derive(Default)]
pub(super) struct Parameters(Map<String, Value>);

impl Parameters {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Reply> {
        serde_json::from_slice(body).map(Self).map_err(|_| Reply::MalformedBody)
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text that is not empty. Values of other types count as absent.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// A text that has to be there, or the reply that names it as missing.
    pub(super) fn required(&self, name: &'static str) -> Result<String, Reply> {
        self.text(name).ok_or(Reply::MissingParameter(name))
    }

    /// A whole number of 32 bits, `least` or more.
    pub(super) fn number(&self, name: &'static str, least: usize) -> Result<Option<usize>, Reply> {
        let valid = |value: &Value| usize::try_from(u32::try_from(value.as_u64()?).ok()?).ok();
        let check = |value| valid(value).filter(|number| *number >= least).ok_or(Reply::InvalidParameter(name));
        self.get(name).map(check).transpose()
    }

    /// `invitation_type`, whose default is `CONNECTION` (`docs/linkup-api.md`, Sent invitations).
    pub(super) fn invitation_kind(&self) -> Result<InvitationKind, Reply> {
        let name = "invitation_type";
        self.get(name).map_or(Ok(InvitationKind::Connection), |value| {
            value.as_str().and_then(InvitationKind::named).ok_or(Reply::InvalidParameter(name))
        })
    }

    /// The members of an object within; an absent object has none.
    pub(super) fn object(self, name: &'static str) -> Result<Self, Reply> {
        match self.0.into_iter().find_map(|(key, value)| (key == name).then_some(value)) {
            None | Some(Value::Null) => Ok(Self::default()),
            Some(Value::Object(members)) => Ok(Self(members)),
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                Err(Reply::InvalidParameter(name))
            }
        }
    }
}

/// What is sent for a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Full(HttpAnswer),
    /// The `sent` bytes of a body whose length was announced as `announced`, then the end of the connection.
    Cut {
        announced: usize,
        sent: &'static str,
    },
    /// The end of the connection.
    Closed,
    /// Nothing, on a connection that stays open.
    Silence,
    /// A blank after the other, without an end.
    Endless,
}

/// In bytes.
const PADDING: usize = 10_000_000;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct HttpAnswer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) retry_after_s: Option<u32>,
    pub(super) location: Option<&'static str>,
    pub(super) body: Cow<'static, str>,
}

impl HttpAnswer {
    pub(super) fn json(status: u16, body: impl Into<Cow<'static, str>>) -> Self {
        Self { status, content_type: "application/json", retry_after_s: None, location: None, body: body.into() }
    }

    fn html(status: u16, body: &'static str) -> Self {
        Self { content_type: "text/html; charset=utf-8", ..Self::json(status, body) }
    }

    pub(super) fn in_plain_text(self) -> Self {
        Self { content_type: "text/plain", ..self }
    }

    /// Padded with blanks, which JSON allows.
    pub(super) fn padded(self) -> Self {
        let body = self.body.into_owned() + &" ".repeat(PADDING);
        Self { body: body.into(), ..self }
    }

    /// For addresses that the API does not have.
    pub(super) fn not_found() -> Self {
        Self::json(404, r#"{"detail":"Not Found"}"#)
    }

    /// From a gateway in front of the API that can't reach it.
    pub(super) fn bad_gateway() -> Self {
        Self::html(
            502,
            "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n",
        )
    }

    /// To the address that was called.
    pub(super) fn redirect() -> Self {
        Self { location: Some("?again"), ..Self::html(307, "") }
    }

    /// From a captive portal.
    pub(super) fn web_page() -> Self {
        Self::html(200, "<!doctype html><title>Welcome</title><p>Please log in to use this network.</p>\n")
    }
}
