//! The wire format of V1's withdraw call (`seeds/withdraw-invitation.md`).

use std::collections::HashMap;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::{Client, Ending, Withdraw, Withdrawal};
use crate::config::BaseUrl;
use crate::invitation::AccountName;

const WITHDRAW: &str = "/v1/network/withdraw-invitation";

/// The body, exactly (withdraw-invitation, Body Parameters). The ID is a string there.
#[derive(Serialize)]
struct Body<'a> {
    invitation_id: &'a str,
    login_token: &'a str,
    country: &'a str,
}

/// V1 of the API.
#[derive(Debug)]
pub struct V1 {
    client: Client,
    withdraw: url::Url,
    login_tokens: HashMap<AccountName, SecretString>,
}

impl V1 {
    /// V1 at this address, for these accounts.
    #[must_use]
    pub fn new(client: Client, base_url: &BaseUrl, login_tokens: HashMap<AccountName, SecretString>) -> Self {
        Self { client, withdraw: base_url.join(WITHDRAW), login_tokens }
    }
}

impl Withdraw for V1 {
    async fn withdraw(&self, withdrawal: &Withdrawal) -> Ending {
        let Some(login_token) = self.login_tokens.get(&withdrawal.account) else {
            return Ending::NotSent(format!("no login token for the account {}", withdrawal.account));
        };
        let body = Body {
            invitation_id: withdrawal.id.as_str(),
            login_token: login_token.expose_secret(),
            country: withdrawal.country.as_str(),
        };
        self.client.post(&self.withdraw, &body).await
    }

    fn scrub(&self, words: &str) -> String {
        self.client.scrub(words)
    }
}
