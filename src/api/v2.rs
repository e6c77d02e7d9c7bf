//! The wire format of V2's calls (`linkup-api.md`, V2): one address, an action, its parameters.

use std::collections::HashMap;

use serde::Serialize;

use super::{AccountId, ApiVersion, BaseUrl, Client, Ending, List, PageRequest, Withdraw, Withdrawal};
use crate::invitation::AccountName;

const NETWORK: &str = "/v2/network";
const CREDITS: &str = "/v2/credits";

/// The body, exactly (V2, Withdraw and List).
#[derive(Serialize)]
struct Body<'a, P> {
    account_id: &'a str,
    action: &'static str,
    params: P,
}

/// The ID is a string there.
#[derive(Serialize)]
struct WithdrawParams<'a> {
    invitation_id: &'a str,
}

#[derive(Serialize)]
struct ListParams<'a> {
    count: u32,
    offset: u64,
    invitation_type: &'a str,
}

#[derive(Debug)]
pub(crate) struct V2 {
    client: Client,
    network: url::Url,
    credits: url::Url,
    account_ids: HashMap<AccountName, AccountId>,
}

impl V2 {
    /// V2 at this address, for these accounts.
    pub(crate) fn new(client: Client, base_url: &BaseUrl, account_ids: HashMap<AccountName, AccountId>) -> Self {
        Self { client, network: base_url.join(NETWORK), credits: base_url.join(CREDITS), account_ids }
    }

    async fn act(&self, account: &AccountName, action: &'static str, params: impl Serialize) -> Ending {
        let Some(account_id) = self.account_ids.get(account) else {
            return Ending::NotSent(format!("no account ID for the account {account}"));
        };
        self.client.post(&self.network, &Body { account_id: account_id.as_str(), action, params }).await
    }

    /// Asks for the balance (V2, Balance), which needs the key alone.
    pub(crate) async fn balance(&self) -> Ending {
        self.client.get(&self.credits).await
    }
}

impl Withdraw for V2 {
    fn version(&self) -> ApiVersion {
        ApiVersion::V2
    }

    async fn withdraw(&self, withdrawal: &Withdrawal) -> Ending {
        self.act(&withdrawal.account, "withdraw", WithdrawParams { invitation_id: withdrawal.id.as_str() }).await
    }

    fn scrub(&self, words: &str) -> String {
        self.client.scrub(words)
    }
}

impl List for V2 {
    async fn page(&self, request: &PageRequest) -> Ending {
        let params = ListParams {
            count: PageRequest::SIZE,
            offset: request.offset,
            invitation_type: request.invitation_type.as_str(),
        };
        self.act(&request.account, "list_sent", params).await
    }
}
