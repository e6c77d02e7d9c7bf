//! V2's requests (docs/linkup-api.md, "V2", "Sent invitations", "Balance" and "Accounts").

use std::collections::HashMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::client::HttpRequest;
use super::{AccountId, ApiCall, PageRequest};
use crate::invitation::AccountName;

/// What an ID may hold that has no meaning in a path.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-');

/// The request for a call, or why there is none.
pub(super) fn request(call: ApiCall<'_>, account_ids: &HashMap<AccountName, AccountId>) -> Result<HttpRequest, String> {
    let id = |account: &AccountName| {
        account_ids.get(account).ok_or_else(|| format!("no account ID for the account {account}"))
    };
    let action = |account: &AccountName, action: &str, params: Value| {
        let body = json!({"account_id": id(account)?.as_str(), "action": action, "params": params});
        Ok(HttpRequest { path: "/v2/network".into(), body: Some(body) })
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
        ApiCall::Balance(_) => Ok(HttpRequest { path: "/v2/credits".into(), body: None }),
        ApiCall::Account(account) => {
            let id = utf8_percent_encode(id(account)?.as_str(), IN_PATH);
            Ok(HttpRequest { path: format!("/v2/accounts/{id}").into(), body: None })
        }
        ApiCall::Key(_) => Err("V2 has no call for the key".to_owned()),
    }
}
