//! One request, one answer: the HTTP client and the requests of each API version.
//!
//! Owns what is sent and how a call ended: answered, lost, or never sent. Never retries, sleeps or judges. It is the only
//! module that reads the secrets, so it also masks them in text that came back.

mod accounts;
mod base_url;
mod call;
mod client;
mod scrub;
mod v1;
mod v2;

pub(crate) use accounts::{AccountId, Accounts, ApiVersion, Credentials, SecretPlaces};
pub(crate) use base_url::{BaseUrl, BaseUrlError};
pub(crate) use call::{
    ApiCall, CallKind, CallResult, HttpAnswer, InvitationType, LinkUpApi, PaceHeaders, PageRequest, Withdrawal,
};
pub(crate) use client::{Client, ClientError, client_for};
