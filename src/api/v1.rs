//! V1's requests (docs/linkup-api.md, "V1" and "Sent invitations").

use std::collections::HashMap;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::ApiCall;
use super::client::HttpRequest;
use crate::invitation::AccountName;

/// The request for a call, or why there is none.
pub(super) fn request(
    call: ApiCall<'_>,
    login_tokens: &HashMap<AccountName, SecretString>,
) -> Result<HttpRequest, String> {
    let login_token = |account: &AccountName| {
        let token = login_tokens.get(account).map(ExposeSecret::expose_secret);
        token.ok_or_else(|| format!("no login token for the account {account}"))
    };
    match call {
        ApiCall::Withdraw(withdrawal) => Ok(HttpRequest {
            path: "/v1/network/withdraw-invitation".into(),
            body: Some(json!({
                // A string here, though V1's list has a number.
                "invitation_id": withdrawal.id.as_str(),
                "login_token": login_token(&withdrawal.account)?,
                "country": withdrawal.country.as_str(),
            })),
        }),
        ApiCall::Page(page) => Ok(HttpRequest {
            path: "/v1/network/sent-invitations".into(),
            body: Some(json!({
                "login_token": login_token(&page.account)?,
                "country": page.country.as_str(),
                "invitation_type": page.invitation_type.as_str(),
                "start_page": page.number,
                "end_page": page.number,
            })),
        }),
        ApiCall::Key(_) => Ok(HttpRequest { path: "/v1/check".into(), body: None }),
        ApiCall::Balance(_) => Err("V1 has no call for the balance".to_owned()),
        ApiCall::Account(_) => Err("V1 has no call for an account".to_owned()),
    }
}
