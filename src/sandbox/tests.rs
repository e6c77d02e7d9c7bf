//! The simulation's rules, tested with values: no socket, no clock.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::simulation::{OpenCall, Outgoing, Simulation};
use super::v2::Call;
use super::wire::{ListCall, WithdrawalCall};
use super::*;

const ID: &str = "7329176687475109888";

fn withdraw(id: &str) -> String {
    format!(r#"{{"invitation_id":"{id}","login_token":"cookie","country":"FR"}}"#)
}

fn v2_withdraw(id: &str) -> String {
    format!(r#"{{"account_id":"mine","action":"withdraw","params":{{"invitation_id":"{id}"}}}}"#)
}

fn simulation(options: SandboxOptions) -> Simulation {
    Simulation::new(options, Timestamp::UNIX_EPOCH + Duration::from_secs(1_800_000_000))
}

fn reply(open: &OpenCall) -> Reply {
    match &open.answer {
        Outgoing::Reply(reply) => *reply,
        Outgoing::List(list) => panic!("{list:?}"),
        Outgoing::Person(person) => panic!("{person:?}"),
    }
}

fn ids(open: &OpenCall) -> Vec<u64> {
    match &open.answer {
        Outgoing::Reply(reply) => panic!("{reply:?}"),
        Outgoing::Person(person) => panic!("{person:?}"),
        Outgoing::List(list) => list.items.iter().map(|item| item.id).collect(),
    }
}

impl Simulation {
    /// Ends the call as answered in full.
    fn deliver(&mut self, mut open: OpenCall) -> OpenCall {
        open.delivered = true;
        self.end(&open);
        open
    }

    fn deliver_withdrawal(&mut self, call: &WithdrawalCall<'_>) -> (Reply, bool) {
        let before = self.record().withdrawn;
        let open = self.withdraw(call, Instant::now());
        let open = self.deliver(open);
        (reply(&open), self.record().withdrawn > before)
    }

    /// One call with this key and body, answered in full.
    fn answer(&mut self, api_key: Option<&str>, body: &str) -> (Reply, bool) {
        self.deliver_withdrawal(&v1::parse_withdrawal(api_key.map(str::as_bytes), body.as_bytes()))
    }

    fn answer_id(&mut self, id: &str) -> (Reply, bool) {
        self.answer(Some("key"), &withdraw(id))
    }

    fn answer_v2(&mut self, body: &str) -> (Reply, bool) {
        match v2::parse(Some(b"key"), body.as_bytes()) {
            Call::Withdrawal(call) | Call::Other { call, .. } => self.deliver_withdrawal(&call),
            Call::List(_) | Call::Status(_) => panic!("{body}"),
        }
    }

    fn answer_list(&mut self, call: &ListCall<'_>) -> OpenCall {
        let open = self.list(call, Instant::now());
        self.deliver(open)
    }

    fn list_v1(&mut self, body: &str) -> OpenCall {
        self.answer_list(&v1::parse_list(Some(b"key"), body.as_bytes()))
    }

    fn list_v2(&mut self, body: &str) -> OpenCall {
        match v2::parse(Some(b"key"), body.as_bytes()) {
            Call::List(call) => self.answer_list(&call),
            Call::Withdrawal(_) | Call::Status(_) | Call::Other { .. } => panic!("{body}"),
        }
    }
}

#[test]
fn an_invitation_is_pending_until_it_is_withdrawn() {
    let mut api = simulation(SandboxOptions::default());
    assert_eq!(api.answer_id(ID), (Reply::Withdrawn, true));
    assert_eq!(api.answer_id(ID), (Reply::NoLongerPending, false));
    assert_eq!(api.answer_id(ID), (Reply::NoLongerPending, false));
    let invitation = &api.record().invitations[ID];
    assert_eq!((invitation.calls, invitation.calls_after_final), (3, 2));
    assert_eq!((api.record().charged, api.record().withdrawn, api.record().not_pending), (1, 1, 2));
}

#[test]
fn requests_are_refused_for_what_is_wrong_with_them() {
    let options =
        SandboxOptions { api_key: Some("key".into()), login_token: Some("cookie".into()), ..SandboxOptions::default() };
    let good = withdraw(ID);
    let cases = [
        (None, good.as_str(), Reply::MissingApiKey),
        (Some(""), &good, Reply::MissingApiKey),
        (Some("other"), &good, Reply::InvalidApiKey),
        (Some("key"), "{", Reply::MalformedBody),
        (Some("key"), "", Reply::MalformedBody),
        (Some("key"), r#"{"login_token":"cookie"}"#, Reply::MissingInvitationId),
        (Some("key"), r#"{"invitation_id":"","login_token":"cookie"}"#, Reply::MissingInvitationId),
        (Some("key"), r#"{"invitation_id":7329176687475109888,"login_token":"cookie"}"#, Reply::MissingInvitationId),
        (Some("key"), r#"{"invitation_id":null,"login_token":"cookie"}"#, Reply::MissingInvitationId),
        (Some("key"), r#"{"invitation_id":"7"}"#, Reply::MissingLoginToken),
        (Some("key"), r#"{"invitation_id":"7","login_token":"other"}"#, Reply::InvalidCookie),
        (Some("key"), r#"{"invitation_id":"urn:li:invitation:7","login_token":"cookie"}"#, Reply::NotFound),
        (Some("key"), r#"{"invitation_id":"123456789012345678901","login_token":"cookie"}"#, Reply::NotFound),
    ];
    let mut api = simulation(options);
    for (key, body, reply) in cases {
        assert_eq!(api.answer(key, body), (reply, false), "{key:?} {body}");
    }
    assert_eq!(
        api.answer(Some("key"), r#"{"invitation_id":"\u0037","login_token":"\u0063ookie"}"#).0,
        Reply::Withdrawn
    );
}

/// Each ending's first two calls, against what its row in the table says.
#[test]
fn endings_do_what_their_table_says() {
    let options = SandboxOptions { latency: Duration::ZERO..=Duration::ZERO, ..SandboxOptions::default() };
    let mut api = simulation(options);
    for ending in ENDINGS {
        let id = format!("7329176687475109{}", ending.digits);
        assert_eq!(api.answer_id(&id), (ending.reply, ending.withdraws), "{id}, first call");
        let second = match (ending.always, ending.withdraws) {
            (true, _) => (ending.reply, false),
            (false, true) => (Reply::NoLongerPending, false),
            (false, false) => (Reply::Withdrawn, true),
        };
        assert_eq!(api.answer_id(&id), second, "{id}, second call");
        assert_eq!(api.record().invitations[&id].withdrawn, ending.can_be_withdrawn(), "{id}");
    }
    let record = api.record();
    let answered = record.charged + record.not_pending + record.refused + record.rate_limited + record.server_errors;
    assert_eq!(record.calls, answered + record.lost, "every call is counted as one thing: {record:?}");
    assert_eq!(record.possible, record.calls - record.server_errors);
}

#[test]
fn calls_over_the_limit_are_recorded_and_do_nothing() {
    let limit = Limit::sliding(2, Duration::from_secs(3600));
    let mut api = simulation(SandboxOptions { limit: Some(limit), ..SandboxOptions::default() });
    let replies = ["2", "4", "6", "6"].map(|id| api.answer_id(id));
    let limited = (Reply::RateLimited, false);
    assert_eq!(replies, [(Reply::Withdrawn, true), (Reply::Withdrawn, true), limited, limited]);
    assert_eq!((api.record().rate_limited, api.record().possible, api.record().charged), (2, 4, 2));
    assert!(!api.record().invitations["6"].withdrawn);
}

#[test]
fn a_withdrawal_takes_one_from_the_balance() {
    let mut api = simulation(SandboxOptions { credits: Some(2), ..SandboxOptions::default() });
    let lost_but_withdrawn = "7329176687475109523";
    let replies = [ID, ID, lost_but_withdrawn, "4096"].map(|id| api.answer_id(id).0);
    let expected = [Reply::Withdrawn, Reply::NoLongerPending, Reply::BadGateway, Reply::InsufficientCredits];
    assert_eq!(replies, expected);
    assert_eq!((api.record().withdrawn, api.record().charged), (2, 1));
}

#[test]
fn random_faults_have_their_shares_and_half_of_the_lost_answers_are_withdrawals() {
    let faults = Faults {
        rate_limited: 0.2,
        server_error: 0.2,
        bad_gateway: 0.1,
        closed: 0.1,
        truncated: 0.2,
        ..Faults::default()
    };
    let options = SandboxOptions { faults, seed: Some(7), limit: None, ..SandboxOptions::default() };
    let mut api = simulation(options);
    for number in 1..=4000_u64 {
        api.answer_id(&(number * 4096).to_string());
    }
    let record = api.record();
    let near = |count: u64, expected: u64| count.abs_diff(expected) < 150;
    assert!(near(record.rate_limited, 800) && near(record.server_errors, 800), "{record:?}");
    assert!(near(record.lost, 1600) && near(record.charged, 800), "{record:?}");
    assert!(near(record.withdrawn - record.charged, 800), "{record:?}");
    for (id, invitation) in &record.invitations {
        let answer = invitation.answers[0];
        let may_withdraw =
            matches!(answer.reply, Reply::Withdrawn | Reply::BadGateway | Reply::Closed | Reply::Truncated);
        assert!(may_withdraw || !answer.withdrew, "{id}: {answer:?}");
    }
}

#[test]
fn a_fault_withdraws_nothing_that_could_not_be_withdrawn() {
    let faults = Faults { closed: 1.0, ..Faults::default() };
    let mut api = simulation(SandboxOptions { faults, seed: Some(7), limit: None, ..SandboxOptions::default() });
    for _ in 0..100 {
        assert_eq!(api.answer_id("7329176687475109101"), (Reply::Closed, false));
        assert_eq!(api.answer(Some("key"), r#"{"invitation_id":"7"}"#), (Reply::Closed, false));
    }
    let done: Vec<_> = (0..100).filter(|_| api.answer_id(ID).1).collect();
    assert_eq!(done.len(), 1, "withdrawn more than once, or never");
}

#[test]
fn an_ending_is_over_once_a_fault_has_withdrawn_the_invitation() {
    let contradiction = "7329176687475109505";
    let faults = Faults { closed: 1.0, ..Faults::default() };
    let mut api = simulation(SandboxOptions { faults, limit: None, ..SandboxOptions::default() });
    while !api.answer_id(contradiction).1 {}
    api.set_faults(Faults::default());
    assert_eq!(api.answer_id(contradiction), (Reply::NoLongerPending, false));
}

#[test]
fn a_seed_makes_the_draws_repeatable() {
    let draws = || {
        let faults = "rate-limited=20%,500=20%,502=20%,closed=20%".parse().unwrap();
        let options = SandboxOptions { faults, seed: Some(42), ..SandboxOptions::default() };
        let mut api = simulation(options);
        (1..100).map(|number: u64| api.answer_id(&(number * 4096).to_string())).collect::<Vec<_>>()
    };
    assert_eq!(draws(), draws());
}

#[test]
fn the_latency_is_drawn_from_its_range() {
    let latency = Duration::from_millis(20)..=Duration::from_millis(80);
    let options = SandboxOptions { latency: latency.clone(), seed: Some(7), ..SandboxOptions::default() };
    let mut api = simulation(options);
    let call = v1::parse_withdrawal(Some(b"key"), b"");
    let drawn: Vec<_> = (0..100).map(|_| api.withdraw(&call, Instant::now()).delay).collect();
    assert!(drawn.iter().all(|delay| latency.contains(delay)));
    assert!(drawn.iter().max() > drawn.iter().min());
}

#[test]
fn an_answer_that_was_not_sent_in_full_counts_as_lost() {
    let mut api = simulation(SandboxOptions::default());
    let body = withdraw(ID);
    let open = api.withdraw(&v1::parse_withdrawal(Some(b"key"), body.as_bytes()), Instant::now());
    assert_eq!((api.record().lost, api.record().in_flight), (1, 1));
    api.end(&open);
    let record = api.record();
    assert_eq!((record.lost, record.charged, record.possible, record.withdrawn, record.in_flight), (1, 0, 1, 1, 0));
    assert!(!record.invitations[ID].settled);
}

#[test]
fn invitations_can_be_left_out_of_the_record() {
    let mut api = simulation(SandboxOptions { record_invitations: false, ..SandboxOptions::default() });
    assert_eq!([ID, ID].map(|id| api.answer_id(id).0), [Reply::Withdrawn, Reply::NoLongerPending]);
    assert!(api.record().invitations.is_empty());
}

const V1_LIST: &str = r#"{"login_token":"cookie"}"#;
const V2_LIST: &str = r#"{"account_id":"mine","action":"list_sent"}"#;

#[test]
fn both_versions_see_each_other_s_withdrawals() {
    let mut api = simulation(SandboxOptions::default());
    let before = ids(&api.list_v1(V1_LIST));
    let [first, second] = [before[0].to_string(), before[1].to_string()];
    assert_eq!(api.answer_id(&first), (Reply::Withdrawn, true));
    assert_eq!(api.answer_v2(&v2_withdraw(&first)), (Reply::NoLongerPending, false));
    assert_eq!(api.answer_v2(&v2_withdraw(&second)), (Reply::Withdrawn, true));
    assert_eq!(api.answer_id(&second), (Reply::NoLongerPending, false));
    let after = [ids(&api.list_v1(V1_LIST)), ids(&api.list_v2(V2_LIST))];
    for after in after {
        assert_eq!(after[..8], before[2..]);
        assert_eq!(after.len(), 10, "the next page moves up");
    }
}

#[test]
fn both_versions_share_the_limit() {
    let limit = Limit::sliding(3, Duration::from_secs(3600));
    let mut api = simulation(SandboxOptions { limit: Some(limit), credits: Some(9), ..SandboxOptions::default() });
    assert_eq!(api.answer_id("4096").0, Reply::Withdrawn);
    ids(&api.list_v2(V2_LIST));
    assert_eq!(api.balance(Some(b"key"), Instant::now()), Ok(Some(7)));
    assert_eq!(api.balance(Some(b"key"), Instant::now()), Err(Reply::RateLimited));
    assert_eq!(api.answer_v2(&v2_withdraw("8192")), (Reply::RateLimited, false));
    assert_eq!(reply(&api.list_v1(V1_LIST)), Reply::RateLimited);
    assert_eq!((api.record().rate_limited, api.record().list_rate_limited), (1, 1));
}

#[test]
fn endings_do_the_same_on_v2() {
    let (mut v1, mut v2) = (simulation(SandboxOptions::default()), simulation(SandboxOptions::default()));
    for ending in ENDINGS {
        let id = format!("7329176687475109{}", ending.digits);
        for _ in 0..3 {
            assert_eq!(v2.answer_v2(&v2_withdraw(&id)), v1.answer_id(&id), "{id}");
        }
    }
    let (v1, v2) = (v1.record(), v2.record());
    assert_eq!(v2.possible, v2.charged + v2.lost, "errors of V2 cost nothing");
    assert_eq!(Record { possible: v1.possible, ..v2.clone() }, *v1, "all else is counted alike");
}

#[test]
fn only_the_account_of_the_options_is_known() {
    let options = SandboxOptions { account_id: Some("mine".into()), ..SandboxOptions::default() };
    let mut api = simulation(options);
    let other = v2_withdraw(ID).replace("mine", "yours");
    assert_eq!(api.answer_v2(&other), (Reply::InvalidAccount, false));
    assert_eq!(reply(&api.list_v2(&V2_LIST.replace("mine", "yours"))), Reply::InvalidAccount);
    assert_eq!(api.answer_v2(&v2_withdraw(ID)), (Reply::Withdrawn, true));
    assert_eq!(api.answer_v2(&v2_withdraw("")), (Reply::MissingInvitationId, false));
    assert_eq!(api.answer_v2(&v2_withdraw("urn:li:invitation:7")), (Reply::NotFound, false));
    assert_eq!((api.record().calls, api.record().possible), (4, 1));
}

#[test]
fn lists_are_counted_apart_from_withdrawals() {
    let options = SandboxOptions { login_token: Some("cookie".into()), ..SandboxOptions::default() };
    let mut api = simulation(options);
    api.list_v1(r#"{"login_token":"cookie","start_page":1,"end_page":3}"#);
    api.list_v2(V2_LIST);
    assert_eq!(reply(&api.list_v1(r#"{"login_token":"other"}"#)), Reply::InvalidCookie);
    assert_eq!(reply(&api.list_v1("{}")), Reply::MissingLoginToken);
    assert_eq!(reply(&api.list_v2(&V2_LIST.replace("mine", ""))), Reply::MissingAccountId);
    let lost = v1::parse_list(Some(b"key"), V1_LIST.as_bytes());
    let open = api.list(&lost, Instant::now());
    api.end(&open);
    let expected = Record {
        list_calls: 6,
        pages: 5,
        list_charged: 4,
        // Pages that were sent or lost, and V1's two errors.
        list_possible: 7,
        peak_in_flight: 1,
        ..Record::default()
    };
    assert_eq!(*api.record(), expected);
}

#[test]
fn lists_take_from_the_balance() {
    let mut api = simulation(SandboxOptions { credits: Some(4), ..SandboxOptions::default() });
    api.list_v1(r#"{"login_token":"cookie","start_page":1,"end_page":3}"#);
    assert_eq!(api.answer_id("4096").0, Reply::Withdrawn);
    assert_eq!(reply(&api.list_v2(V2_LIST)), Reply::InsufficientCredits);
    assert_eq!(api.answer_v2(&v2_withdraw("8192")).0, Reply::InsufficientCredits);
    assert_eq!(api.balance(Some(b"key"), Instant::now()), Ok(Some(0)));
    assert_eq!(api.balance(None, Instant::now()), Err(Reply::MissingApiKey));
}

#[test]
fn random_faults_apply_to_lists_too() {
    let faults = Faults {
        rate_limited: 0.2,
        server_error: 0.2,
        bad_gateway: 0.1,
        closed: 0.1,
        truncated: 0.2,
        ..Faults::default()
    };
    let options = SandboxOptions { faults, seed: Some(7), limit: None, ..SandboxOptions::default() };
    let mut api = simulation(options);
    let call = v1::parse_list(Some(b"key"), V1_LIST.as_bytes());
    let mut lost = 0;
    for _ in 0..4000 {
        let mut open = api.list(&call, Instant::now());
        open.delivered = matches!(v1::render(&open.answer), wire::Delivery::Full(_));
        lost += u64::from(matches!(open.answer, Outgoing::Reply(Reply::BadGateway | Reply::Closed | Reply::Truncated)));
        api.end(&open);
    }
    let record = api.record();
    let near = |count: u64, expected: u64| count.abs_diff(expected) < 150;
    assert!(near(record.list_charged, 800) && near(record.list_rate_limited, 800), "{record:?}");
    assert!(near(lost, 1600) && near(record.pages - record.list_charged, 800), "{record:?}");
    assert!(near(record.list_possible, 3200) && record.in_flight == 0, "{record:?}");
}

#[test]
fn a_given_stock_is_listed_unchanged() {
    let words = SentTime::Words { prose: "Gesendet vor 3 Wochen".into(), short: "3 Wo.".into(), days: None };
    let stock = vec![StockItem::new(2_906_418_534, words), StockItem::new(101, SentTime::Age(Duration::ZERO))];
    let mut api = simulation(SandboxOptions { stock: Some(stock), ..SandboxOptions::default() });
    assert_eq!(ids(&api.list_v1(V1_LIST)), [2_906_418_534, 101]);
    // LinkedIn's list is not fresh: an accepted invitation may still be on it.
    assert_eq!(api.answer_id("101"), (Reply::Accepted, false));
    assert_eq!(api.answer_id("2906418534"), (Reply::Withdrawn, true));
    assert_eq!(ids(&api.list_v1(V1_LIST)), [101]);
}

/// Half of the lost answers cost a credit all the same.
#[test]
fn a_look_at_one_invitation_fails_and_costs_like_a_list() {
    let faults = Faults { truncated: 1.0, ..Faults::default() };
    let options = SandboxOptions { faults, seed: Some(7), credits: Some(200), ..SandboxOptions::default() };
    let mut api = simulation(options);
    let call = v1::parse_status(Some(b"key"), br#"{"linkedin_url":"https://a","login_token":"cookie"}"#);
    for _ in 0..100 {
        let open = api.status(&call, Instant::now());
        assert_eq!(reply(&open), Reply::Truncated);
        api.end(&open);
    }
    let record = api.record().clone();
    assert!((30..70).contains(&record.pages) && record.list_charged == 0, "{record:?}");
    assert_eq!((record.list_calls, record.list_possible), (100, 100));
    assert_eq!(api.balance(Some(b"key"), Instant::now()), Ok(Some(200 - record.pages)));
}
