//! The API key and the login token: where they come from, and that nobody can print them.

use std::env::VarError;

use secrecy::SecretString;

/// The environment's name for the API key.
pub(super) const API_KEY: &str = "LINKUP_API_KEY";
/// The environment's name for V1's login token.
pub(super) const LOGIN_TOKEN: &str = "LINKUP_LOGIN_TOKEN";

/// What V1 needs of its caller.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Sent as `x-api-key`.
    pub api_key: SecretString,
    /// LinkedIn's session cookie, sent in every body.
    pub login_token: SecretString,
}

/// Why there are no credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Neither is set, or one of them is not.
    #[error(
        "no credentials: set {} in the environment (or rehearse with --sandbox, which needs none)",
        .0.join(" and ")
    )]
    Missing(Vec<&'static str>),
    /// Set, but no text.
    #[error("{0} is not UTF-8 text: set it again")]
    NotText(&'static str),
}

impl Credentials {
    /// Reads both with `lookup`, which is the environment outside tests. White space around them is dropped: a line
    /// break at a secret's end is the usual accident.
    ///
    /// # Errors
    /// [`CredentialsError`], which names what is missing and never shows what is there.
    pub fn from_lookup(lookup: impl Fn(&str) -> Result<String, VarError>) -> Result<Self, CredentialsError> {
        let read = |name: &'static str| match lookup(name) {
            Ok(text) if text.trim().is_empty() => Ok(None),
            Ok(text) => Ok(Some(SecretString::from(text.trim()))),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(CredentialsError::NotText(name)),
        };
        match (read(API_KEY)?, read(LOGIN_TOKEN)?) {
            (Some(api_key), Some(login_token)) => Ok(Self { api_key, login_token }),
            (Some(_), None) => Err(CredentialsError::Missing(vec![LOGIN_TOKEN])),
            (None, Some(_)) => Err(CredentialsError::Missing(vec![API_KEY])),
            (None, None) => Err(CredentialsError::Missing(vec![API_KEY, LOGIN_TOKEN])),
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(api_key: Option<&str>, login_token: Option<&str>) -> Result<Credentials, CredentialsError> {
        Credentials::from_lookup(|name| {
            let value = if name == API_KEY { api_key } else { login_token };
            value.map(str::to_owned).ok_or(VarError::NotPresent)
        })
    }

    #[test]
    fn what_is_missing_is_named() {
        let cases = [
            (None, None, vec![API_KEY, LOGIN_TOKEN]),
            (Some("key"), None, vec![LOGIN_TOKEN]),
            (None, Some("token"), vec![API_KEY]),
            (Some("key"), Some(" \n"), vec![LOGIN_TOKEN]),
        ];
        for (api_key, login_token, missing) in cases {
            assert_eq!(read(api_key, login_token).unwrap_err(), CredentialsError::Missing(missing));
        }
    }

    #[test]
    fn secrets_are_trimmed_and_never_shown() {
        let credentials = read(Some("key-1\n"), Some(" token-1")).unwrap();
        assert_eq!(credentials.api_key.expose_secret(), "key-1");
        assert_eq!(credentials.login_token.expose_secret(), "token-1");
        let shown = format!("{credentials:?}");
        assert!(!shown.contains("key-1") && !shown.contains("token-1"), "{shown}");
    }
}
