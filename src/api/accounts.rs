//! The accounts that can be called for, each known to the API by what its version wants.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;

use crate::invitation::AccountName;

/// V2's name for a LinkedIn account that is connected to LinkUp. No secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AccountId(Arc<str>);

impl AccountId {
    /// An ID, trimmed; `None` where it is empty or holds white space or control characters.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let id = text.trim();
        let is_fit = !id.is_empty() && !id.contains(|c: char| c.is_whitespace() || c.is_control());
        is_fit.then(|| Self(id.into()))
    }

    /// The ID, as the API wants it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The accounts that a version of the API can be called for.
#[derive(Clone, Debug)]
pub(crate) enum Accounts {
    /// LinkedIn's session cookie of each, sent in every body.
    V1(HashMap<AccountName, SecretString>),
    /// The API's own ID of each.
    V2(HashMap<AccountName, AccountId>),
}

impl Accounts {
    pub(crate) fn names(&self) -> Vec<&AccountName> {
        match self {
            Self::V1(accounts) => accounts.keys().collect(),
            Self::V2(accounts) => accounts.keys().collect(),
        }
    }
}

/// What the API needs of its caller.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    /// Sent as `x-api-key`.
    pub api_key: SecretString,
    /// The accounts that can be called for, all of one version.
    pub accounts: Accounts,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_account_id_may_be() {
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
