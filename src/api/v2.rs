//! V2's requests (docs/linkup-api.md, "V2", "Sent invitations" and "Balance").

use std::collections::HashMap;

use serde_json::{Value, json};

use super::client::HttpRequest;
use super::{AccountId, ApiCall, PageRequest};
use crate::invitation::AccountName;

/// The request for a call, or why there is none.
pub(super) fn request(call: ApiCall<'_>, account_ids: &HashMap<AccountName, AccountId>) -> Result<HttpRequest, String> {
    let action = |account: &AccountName, action: &str, params: Value| {
        let id = account_ids.get(account).ok_or_else(|| format!("no account ID for the account {account}"))?;
        let body = json!({"account_id": id.as_str(), "action": action, "params": params});
        Ok(HttpRequest { path: "/v2/network", body: Some(body) })
    };
    match call {
        ApiCall::Withdraw(withdrawal) => {
            action(&withdrawal.account, "withdraw", json!({"invitation_id": withdrawal.id.as_str()}))
        }
        ApiCall::Page(page) => {
            let invitation_type = page.invitation_type.as_str();
            let params = json!({"count": PageRequest::SIZE, "offset": page.offset, "invitation_type": invitation_type});
            action(&page.account, "list_sent", params)
        }
        ApiCall::Balance(_) => Ok(HttpRequest { path: "/v2/credits", body: None }),
    }
}
