//! The simulated API, called as other people's clients call the real one, so that it does not fit this client alone.
//!
//! The requests of two clients, in the form that `docs/linkup-api.md` gives with its sources (Other clients).

use std::time::Duration;

use bulk_withdraw::sandbox::{Limit, Sandbox, SandboxOptions, SentTime, StockItem};
use serde_json::{Value, json};

use crate::support::{ACCOUNT_ID, KEY, TOKEN};

const PENDING: u64 = 25;
const CREDITS: u64 = 100;
const FIRST_ID: u64 = 7_329_176_687_475_109_888;

/// The `nth` invitation; the first one is the newest.
fn invitation(nth: u64) -> StockItem {
    StockItem::new(FIRST_ID - nth * 4096, SentTime::Age(Duration::from_secs(5 * 24 * 3600)))
}

struct Client {
    http: reqwest::Client,
    sandbox: Sandbox,
    key: &'static str,
}

impl Client {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// Of an API that knows one key, token and account.
    async fn with(change: impl FnOnce(&mut SandboxOptions)) -> Self {
        let mut options = SandboxOptions {
            latency: Duration::ZERO..=Duration::ZERO,
            stock: Some((0..PENDING).map(invitation).collect()),
            credits: Some(CREDITS),
            api_key: Some(KEY.into()),
            login_token: Some(TOKEN.into()),
            account_id: Some(ACCOUNT_ID.into()),
            ..SandboxOptions::default()
        };
        change(&mut options);
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { http, sandbox: Sandbox::start(options).await.unwrap(), key: KEY }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = request.header("x-api-key", self.key).header("accept", "application/json").send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send(self.http.get(format!("{}{path}", self.sandbox.base_url()))).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.sandbox.base_url()));
        self.send(request.header("content-type", "application/json").body(body.to_string())).await
    }

    /// The n8n node's request for this operation, with what its user has set; null takes out.
    async fn n8n(&self, endpoint: &str, parameters: Value) -> (u16, Value) {
        let mut body = json!({"login_token": TOKEN});
        let members = body.as_object_mut().unwrap();
        members.extend(parameters.as_object().unwrap().clone());
        members.retain(|_, value| !value.is_null());
        members.entry("country").or_insert("FR".into());
        self.post(&format!("/v1/network/{endpoint}"), &body).await
    }

    /// The V2 client's request for this action.
    async fn act(&self, action: &str, params: Value) -> (u16, Value) {
        self.post("/v2/network", &json!({"account_id": ACCOUNT_ID, "action": action, "params": params})).await
    }

    /// What the calls so far have cost.
    async fn spent(&self) -> u64 {
        let (status, answer) = self.get("/v2/credits").await;
        assert_eq!(
            (status, &answer["success"], &answer["metadata"]["credits_consumed"]),
            (200, &json!(true), &json!(0))
        );
        CREDITS - answer["data"]["credits"].as_u64().unwrap()
    }
}

fn error_of_v1(message: &str) -> (u16, Value) {
    (200, json!({"status": "error", "message": message}))
}

/// The status, code and price of an error of V2.
fn error_of_v2((status, answer): &(u16, Value)) -> (u16, &str, &Value) {
    assert_eq!(answer["success"], json!(false), "{answer}");
    (*status, answer["error"]["code"].as_str().unwrap(), &answer["metadata"]["credits_consumed"])
}

fn ids_of_v1(answer: &Value) -> Vec<u64> {
    let all = answer["data"]["invitations"].as_array().unwrap();
    all.iter().map(|invitation| invitation["invitation_id"].as_u64().unwrap()).collect()
}

fn ids_of_v2(answer: &Value) -> Vec<u64> {
    let all = answer["data"]["invitations"].as_array().unwrap();
    let id = |urn: &str| urn.strip_prefix("urn:li:invitation:").unwrap().parse().unwrap();
    all.iter().map(|invitation| id(invitation["entity_urn"].as_str().unwrap())).collect()
}

fn ids(range: std::ops::Range<u64>) -> Vec<u64> {
    range.map(|nth| invitation(nth).id).collect()
}

#[tokio::test]
async fn the_node_checks_its_key() {
    let mut client = Client::new().await;
    let (status, answer) = client.get("/v1/check").await;
    assert_eq!((status, &answer["status"]), (200, &json!("success")));
    client.key = "another";
    let (status, answer) = client.get("/v1/check").await;
    assert_eq!((status, &answer["status"]), (403, &json!("error")));
}

#[tokio::test]
async fn the_node_withdraws() {
    let client = Client::new().await;
    let id = invitation(0).id.to_string();
    let success = json!({"status": "success", "message": "Connection invitation withdrawn successfully"});
    let withdraw = |parameters| client.n8n("withdraw-invitation", parameters);
    assert_eq!(withdraw(json!({"invitation_id": id})).await, (200, success));
    assert_eq!(client.spent().await, 1);
    assert_eq!(withdraw(json!({"country": "US"})).await, error_of_v1("Missing required parameter: invitation_id"));
    assert_eq!(
        withdraw(json!({"invitation_id": id, "login_token": "x"})).await,
        error_of_v1("Invalid or expired LinkedIn cookie")
    );
    // Without a token the node leaves it out.
    let (_, answer) = withdraw(json!({"invitation_id": id, "login_token": null})).await;
    assert_eq!(answer["message"], json!("Missing required parameter: login_token"));
}

#[tokio::test]
async fn the_node_lists_by_number_and_by_pages() {
    let client = Client::new().await;
    let cases = [
        (json!({}), 0..10, (1, 1)),
        (json!({"total_results": 23}), 0..23, (1, 3)),
        (json!({"start_page": 2, "end_page": 3}), 10..25, (2, 3)),
        (json!({"invitation_type": "CONNECTION", "start_page": 3, "end_page": 3}), 20..25, (3, 3)),
        (json!({"country": "US", "invitation_type": "ORGANIZATION"}), 0..0, (1, 1)),
    ];
    let mut spent = 0;
    for (parameters, expected, (first, last)) in cases {
        let (status, answer) = client.n8n("sent-invitations", parameters.clone()).await;
        assert_eq!((status, &answer["status"]), (200, &json!("success")), "{parameters}");
        assert_eq!(ids_of_v1(&answer), ids(expected.clone()), "{parameters}");
        let data = &answer["data"];
        assert_eq!(data["total_results"], json!(expected.end - expected.start), "{parameters}");
        assert_eq!(data["total_available_results"], json!(if expected.is_empty() { 0 } else { PENDING }));
        let pages = last - first + 1;
        let pagination = json!({"start_page": first, "end_page": last, "results_per_page": 10, "pages_fetched": pages});
        assert_eq!(data["pagination"], pagination, "{parameters}");
        spent += pages;
        assert_eq!(client.spent().await, spent, "{parameters}");
    }
    let (_, answer) = client.n8n("sent-invitations", json!({"login_token": "x"})).await;
    assert_eq!(answer["message"], json!("Invalid or expired LinkedIn cookie"));
}

#[tokio::test]
async fn the_node_asks_for_one_invitation() {
    let client = Client::new().await;
    let ask = |parameters| client.n8n("invitation-status", parameters);
    let item = invitation(7);
    let pending = json!({
        "status": "success", "invitation_state": "PENDING", "invitation_type": "SENT", "invitation_id": item.id,
        "member_distance": "DISTANCE_2", "message": null,
    });
    assert_eq!(ask(json!({"linkedin_url": item.profile_url})).await, (200, pending));
    client.n8n("withdraw-invitation", json!({"invitation_id": item.id.to_string()})).await;
    for url in [item.profile_url.as_str(), "https://www.linkedin.com/in/somebody-else"] {
        let (status, answer) = ask(json!({"linkedin_url": url})).await;
        assert_eq!((status, &answer["invitation_state"]), (200, &json!("NO_INVITATION")));
        assert_eq!((&answer["invitation_type"], &answer["invitation_id"]), (&Value::Null, &Value::Null));
    }
    assert_eq!(client.spent().await, 4);
    assert_eq!(ask(json!({})).await, error_of_v1("Missing required parameter: linkedin_url"));
    let record = client.sandbox.record();
    assert_eq!((record.charged, record.list_charged), (1, 3));
}

#[tokio::test]
async fn the_client_withdraws() {
    let client = Client::new().await;
    let id = invitation(0).id.to_string();
    let (status, answer) = client.act("withdraw", json!({"invitation_id": id})).await;
    assert_eq!((status, &answer["success"]), (200, &json!(true)));
    assert_eq!(answer["data"], json!({"withdrawn": true, "invitation_id": id}));
    let metadata = &answer["metadata"];
    assert_eq!((&metadata["action"], &metadata["account_id"]), (&json!("withdraw"), &json!(ACCOUNT_ID)));
    assert_eq!((&metadata["credits_consumed"], metadata["timestamp"].is_string()), (&json!(1), true));
    assert_eq!(client.spent().await, 1);
    let refused = client.act("withdraw", json!({})).await;
    assert_eq!(error_of_v2(&refused), (400, "INVALID_PARAMS", &json!(0)));
}

#[tokio::test]
async fn the_client_lists_by_count_and_offset() {
    let client = Client::new().await;
    let cases = [
        (json!({}), 0..10, Some(10), 1),
        (json!({"count": 20, "offset": 0}), 0..20, Some(20), 2),
        (json!({"count": 10, "offset": 20, "invitation_type": "CONNECTION"}), 20..25, None, 1),
        (json!({"invitation_type": "EVENT"}), 0..0, None, 1),
    ];
    let mut spent = 0;
    for (params, expected, next, pages) in cases {
        let (status, answer) = client.act("list_sent", params.clone()).await;
        assert_eq!((status, &answer["success"]), (200, &json!(true)), "{params}");
        assert_eq!(ids_of_v2(&answer), ids(expected.clone()), "{params}");
        let pagination = json!({
            "offset": expected.start, "count": expected.end - expected.start, "next_offset": next,
            "has_more": next.is_some(), "results_per_page": 10, "pages_fetched": pages,
        });
        assert_eq!(answer["data"]["pagination"], pagination, "{params}");
        assert_eq!(answer["metadata"]["credits_consumed"], json!(pages), "{params}");
        spent += pages;
        assert_eq!(client.spent().await, spent, "{params}");
    }
}

#[tokio::test]
async fn the_client_asks_for_one_invitation() {
    let accepted = StockItem::new(FIRST_ID + 213, invitation(0).sent);
    assert!(accepted.id.to_string().ends_with("101"), "the ending of accepted invitations");
    let stock = vec![accepted.clone(), invitation(0)];
    let client = Client::with(|options| options.stock = Some(stock)).await;
    let cases = [
        ("profile_url", invitation(0), "PENDING", json!("SENT"), json!(invitation(0).id)),
        ("linkedin_url", accepted, "ACCEPTED", json!("CONNECTED"), Value::Null),
        ("profile_url", invitation(1), "NO_INVITATION", Value::Null, Value::Null),
    ];
    for (name, item, state, kind, id) in cases {
        let (status, answer) = client.act("check_invitation", json!({name: item.profile_url})).await;
        assert_eq!((status, &answer["metadata"]["credits_consumed"]), (200, &json!(1)), "{state}");
        let data = &answer["data"];
        assert_eq!((&data["invitation_state"], &data["invitation_type"]), (&json!(state), &kind));
        assert_eq!((&data["invitation_id"], data["member_distance"].is_string()), (&id, true), "{state}");
    }
    assert_eq!(client.spent().await, 3);
    let refused = client.act("check_invitation", json!({})).await;
    assert_eq!(error_of_v2(&refused), (400, "INVALID_PARAMS", &json!(0)));
    assert_eq!(client.spent().await, 3);
}

#[tokio::test]
async fn the_client_looks_up_its_accounts() {
    let client = Client::new().await;
    // The client pages by `count`, the documentation by `limit`.
    for query in ["", "?count=50&offset=0", "?limit=1"] {
        let (status, answer) = client.get(&format!("/v2/accounts{query}")).await;
        let (items, total) = (&answer["data"]["items"], &answer["data"]["total"]);
        assert_eq!((status, &items[0]["account_id"], total), (200, &json!(ACCOUNT_ID), &json!(1)), "{query}");
        assert_eq!((&items[0]["is_active"], &items[0]["status"]), (&json!(true), &json!("active")));
        let members =
            ["account_id", "platform", "account_name", "is_active", "status", "country", "created_at", "updated_at"];
        assert!(items[0].as_object().unwrap().keys().eq(members), "{items}");
        let (status, one) = client.get(&format!("/v2/accounts/{ACCOUNT_ID}")).await;
        assert_eq!((status, &one["data"]), (200, &items[0]));
    }
    let (_, second) = client.get("/v2/accounts?count=50&offset=50").await;
    assert_eq!((&second["data"]["items"], &second["data"]["total"]), (&json!([]), &json!(1)));
    let other = client.get("/v2/accounts/another").await;
    assert_eq!(error_of_v2(&other), (404, "INVALID_ACCOUNT", &json!(0)));
    let invalid = client.get("/v2/accounts?count=0").await;
    assert_eq!(error_of_v2(&invalid), (400, "INVALID_PARAMS", &json!(0)));
    assert_eq!(client.spent().await, 0);
}

/// What each call answers to these, whoever sends it.
#[tokio::test]
async fn keys_accounts_credits_and_limits_are_checked_everywhere() {
    const V1: [&str; 3] = ["withdraw-invitation", "sent-invitations", "invitation-status"];
    const V2: [&str; 3] = ["withdraw", "list_sent", "check_invitation"];
    let all = || json!({"invitation_id": "4096", "linkedin_url": "https://www.linkedin.com/in/x"});

    let client = Client { key: "another", ..Client::new().await };
    for endpoint in V1 {
        assert_eq!(client.n8n(endpoint, all()).await.0, 403, "{endpoint}");
    }
    for action in V2 {
        assert_eq!(error_of_v2(&client.act(action, all()).await), (403, "INVALID_API_KEY", &json!(0)), "{action}");
    }
    for path in ["/v2/credits", "/v2/accounts", "/v2/accounts/x"] {
        assert_eq!(error_of_v2(&client.get(path).await), (403, "INVALID_API_KEY", &json!(0)), "{path}");
    }

    let client = Client::with(|options| options.account_id = Some("another".into())).await;
    for action in V2 {
        assert_eq!(error_of_v2(&client.act(action, all()).await), (404, "INVALID_ACCOUNT", &json!(0)), "{action}");
    }

    let client = Client::with(|options| options.credits = Some(0)).await;
    for (endpoint, action) in V1.into_iter().zip(V2) {
        assert_eq!(client.n8n(endpoint, all()).await, error_of_v1("Insufficient credits available"));
        assert_eq!(error_of_v2(&client.act(action, all()).await), (402, "INSUFFICIENT_CREDITS", &json!(0)), "{action}");
    }

    let none = Limit::sliding(0, Duration::from_secs(60));
    let client = Client::with(|options| options.limit = Some(none)).await;
    for (endpoint, action) in V1.into_iter().zip(V2) {
        assert_eq!(client.n8n(endpoint, all()).await, error_of_v1("Rate limit exceeded. Please try again later"));
        assert_eq!(error_of_v2(&client.act(action, all()).await), (429, "RATE_LIMITED", &json!(0)), "{action}");
    }
}
