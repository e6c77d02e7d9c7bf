//! The API's two versions, and the credentials that each needs.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use secrecy::SecretString;

use crate::invitation::AccountName;

/// V1 identifies an account by its login token, V2 by its account ID (docs/linkup-api.md, "Accounts").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ApiVersion {
    #[default]
    V1,
    V2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write v1 or v2")]
pub(crate) struct ApiVersionError;

impl ApiVersion {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

impl FromStr for ApiVersion {
    type Err = ApiVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "v1" => Ok(Self::V1),
            "v2" => Ok(Self::V2),
            _ => Err(ApiVersionError),
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// V2's ID of a LinkedIn account that is connected to LinkUp. Not a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AccountId(Arc<str>);

impl AccountId {
    /// Trims the text; `None` if the rest is empty or contains white space or control characters.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let id = text.trim();
        let is_valid = !id.is_empty() && !id.contains(|c: char| c.is_whitespace() || c.is_control());
        is_valid.then(|| Self(id.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Accounts {
    /// LinkedIn's session cookies, one of which is sent in each body.
    V1(HashMap<AccountName, SecretString>),
    V2(HashMap<AccountName, AccountId>),
}

impl Accounts {
    pub(super) const fn version(&self) -> ApiVersion {
        match self {
            Self::V1(_) => ApiVersion::V1,
            Self::V2(_) => ApiVersion::V2,
        }
    }

    pub(crate) fn names(&self) -> Vec<&AccountName> {
        match self {
            Self::V1(accounts) => accounts.keys().collect(),
            Self::V2(accounts) => accounts.keys().collect(),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub api_key: SecretString,
    pub accounts: Accounts,
}

/// What holds a caller's secrets, in words for whoever has to renew them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretPlaces {
    pub(crate) api_key: String,
    /// The login token or the account's ID.
    pub(crate) login: String,
}

impl Default for SecretPlaces {
    fn default() -> Self {
        Self { api_key: "the API key".to_owned(), login: "the login".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_account_ids_are_valid() {
        let cases = [
            (" acc_1\n", Some("acc_1")),
            ("9b1d-4e", Some("9b1d-4e")),
            ("", None),
            (" ", None),
            ("a b", None),
            ("a\u{7}b", None),
        ];
        for (text, id) in cases {
            assert_eq!(AccountId::parse(text).as_ref().map(AccountId::as_str), id, "{text:?}");
        }
    }
}
