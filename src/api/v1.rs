//! The wire format of V1's calls (`seeds/withdraw-invitation.md`; `linkup-api.md`, Sent invitations).

use std::collections::HashMap;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::{ApiVersion, BaseUrl, Client, Ending, List, PageRequest, Withdraw, Withdrawal};
use crate::invitation::AccountName;

const WITHDRAW: &str = "/v1/network/withdraw-invitation";

/// The body, exactly (withdraw-invitation, Body Parameters). The ID is a string there.
#[derive(Serialize)]
struct Body<'a> {
    invitation_id: &'a str,
    login_token: &'a str,
    country: &'a str,
}

const LIST: &str = "/v1/network/sent-invitations";

/// The body, exactly (V1, Sent invitations): one page, from itself to itself.
#[derive(Serialize)]
struct ListBody<'a> {
    login_token: &'a str,
    country: &'a str,
    invitation_type: &'a str,
    start_page: u32,
    end_page: u32,
}

#[derive(Debug)]
pub(crate) struct V1 {
    client: Client,
    withdraw: url::Url,
    list: url::Url,
    login_tokens: HashMap<AccountName, SecretString>,
}

impl V1 {
    /// V1 at this address, for these accounts.
    pub(crate) fn new(client: Client, base_url: &BaseUrl, login_tokens: HashMap<AccountName, SecretString>) -> Self {
        Self { client, withdraw: base_url.join(WITHDRAW), list: base_url.join(LIST), login_tokens }
    }
}

impl V1 {
    fn login_token(&self, account: &AccountName) -> Result<&str, Ending> {
        let token = self.login_tokens.get(account).map(ExposeSecret::expose_secret);
        token.ok_or_else(|| Ending::NotSent(format!("no login token for the account {account}")))
    }
}

impl Withdraw for V1 {
    fn version(&self) -> ApiVersion {
        ApiVersion::V1
    }

    async fn withdraw(&self, withdrawal: &Withdrawal) -> Ending {
        let login_token = match self.login_token(&withdrawal.account) {
            Ok(login_token) => login_token,
            Err(ending) => return ending,
        };
        let body = Body { invitation_id: withdrawal.id.as_str(), login_token, country: withdrawal.country.as_str() };
        self.client.post(&self.withdraw, &body).await
    }

    fn scrub(&self, words: &str) -> String {
        self.client.scrub(words)
    }
}

impl List for V1 {
    async fn page(&self, request: &PageRequest) -> Ending {
        let login_token = match self.login_token(&request.account) {
            Ok(login_token) => login_token,
            Err(ending) => return ending,
        };
        let body = ListBody {
            login_token,
            country: request.country.as_str(),
            invitation_type: request.invitation_type.as_str(),
            start_page: request.number,
            end_page: request.number,
        };
        self.client.post(&self.list, &body).await
    }
}
