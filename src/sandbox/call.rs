//! A call as it was read, in either version's words: what is asked, by whom.
//!
//! Values only. Reading is for `v1` and `v2`; whether the caller is let in is for `simulation`.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{InvitationType, Reply};

/// Whose words a call is made in and answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    V1,
    V2,
}

pub(super) struct Caller<'a> {
    pub(super) api: Api,
    pub(super) api_key: Option<&'a [u8]>,
    /// V1's login token, V2's account ID.
    pub(super) login: Option<Cow<'a, str>>,
}

/// A call to withdraw an invitation.
pub(super) struct Withdrawal<'a> {
    pub(super) caller: Caller<'a>,
    pub(super) invitation_id: Option<Cow<'a, str>>,
    /// What is wrong with the request itself.
    pub(super) refusal: Option<Reply>,
}

/// A call for the pending invitations.
pub(super) struct Listing<'a> {
    pub(super) caller: Caller<'a>,
    /// What is asked for, or what is wrong with the request itself.
    pub(super) span: Result<Span, Reply>,
}

/// Items to a page (get-sent-invitations, `results_per_page`).
pub(super) const PAGE: usize = 10;

/// A stretch of the list, counted from the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) kind: InvitationType,
    pub(super) offset: usize,
    pub(super) count: usize,
}

/// A parameter, of which only text is accepted.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Parameter<'a> {
    #[serde(borrow)]
    Text(Cow<'a, str>),
    Other(IgnoredAny),
}

impl Default for Parameter<'_> {
    fn default() -> Self {
        Self::Other(IgnoredAny)
    }
}

impl<'a> Parameter<'a> {
    pub(super) fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text).filter(|text| !text.is_empty()),
            Self::Other(_) => None,
        }
    }
}

/// A whole number of at least `least`, where the parameter is given. More than 32 bits are refused like any nonsense.
pub(super) fn number(name: &'static str, value: Option<&Value>, least: usize) -> Result<Option<usize>, Reply> {
    value
        .map(|value| {
            let number = value.as_u64().and_then(|number| u32::try_from(number).ok()).map(|number| number as usize);
            number.filter(|number| *number >= least).ok_or(Reply::InvalidParameter(name))
        })
        .transpose()
}

/// The type of invitation: the documented default is to connect.
pub(super) fn invitation_type(value: Option<&Value>) -> Result<InvitationType, Reply> {
    value.map_or(Ok(InvitationType::Connection), |value| {
        value.as_str().and_then(InvitationType::named).ok_or(Reply::InvalidParameter("invitation_type"))
    })
}
