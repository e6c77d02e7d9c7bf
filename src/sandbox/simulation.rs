//! The API behind the wire: which invitations are pending, and what a call brings about.
//!
//! Owns the order of the checks and all state. Reads no clock, opens no socket and never waits: a call comes in as
//! values and leaves as a [`Ticket`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::faults::Fault;
use super::window::Window;
use super::{Answer, Ending, Record, Reply, SandboxOptions};

/// A withdrawal as it was read.
pub(super) struct Call<'a> {
    pub(super) api_key: Option<&'a [u8]>,
    /// `None` for a body that is no JSON object.
    pub(super) body: Option<Body<'a>>,
}

/// The parameters that are looked at; `country` is not, since no page says what an unknown one does.
#[derive(Deserialize)]
pub(super) struct Body<'a> {
    #[serde(borrow, default)]
    invitation_id: Parameter<'a>,
    #[serde(borrow, default)]
    login_token: Parameter<'a>,
}

/// A parameter, of which only text is accepted.
#[derive(Deserialize)]
#[serde(untagged)]
enum Parameter<'a> {
    #[serde(borrow)]
    Text(Cow<'a, str>),
    Other(IgnoredAny),
}

impl Default for Parameter<'_> {
    fn default() -> Self {
        Self::Other(IgnoredAny)
    }
}

impl Parameter<'_> {
    /// The text, if there is any.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.as_ref()).filter(|text| !text.is_empty()),
            Self::Other(_) => None,
        }
    }
}

impl Call<'_> {
    fn invitation_id(&self) -> Option<&str> {
        self.body.as_ref().and_then(|body| body.invitation_id.text())
    }
}

/// A call that has been decided and is yet to be answered.
pub(super) struct Ticket {
    pub(super) answer: Answer,
    /// How long the answer takes.
    pub(super) delay: Duration,
    /// Where the invitation's record holds this call.
    noted: Option<(String, usize)>,
}

/// What is known of an invitation that has been called for.
#[derive(Default)]
struct Standing {
    withdrawn: bool,
    /// Its ending has had its one occasion.
    ending_shown: bool,
}

impl Standing {
    /// Withdraws the invitation if it is pending, as each is until its first withdrawal. That it costs one credit
    /// of the balance, heard of or not, is the least that it can cost; no page says what the balance counts.
    fn withdraw(&mut self, credits: &mut Option<u64>) -> bool {
        let was_pending = !std::mem::replace(&mut self.withdrawn, true);
        *credits = credits.map(|left| left.saturating_sub(u64::from(was_pending)));
        was_pending
    }
}

/// What a call brings about.
struct Decision {
    reply: Reply,
    withdrew: bool,
    /// Drawn where there is none.
    delay: Option<Duration>,
}

impl From<Reply> for Decision {
    /// Says this and does nothing.
    fn from(reply: Reply) -> Self {
        Self { reply, withdrew: false, delay: None }
    }
}

/// The account behind the API.
pub(super) struct Simulation {
    options: SandboxOptions,
    window: Option<Window>,
    credits: Option<u64>,
    random: fastrand::Rng,
    standings: HashMap<Box<str>, Standing>,
    record: Record,
}

impl Simulation {
    pub(super) fn new(options: SandboxOptions) -> Self {
        Self {
            window: options.limit.map(Window::new),
            credits: options.credits,
            random: options.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed),
            standings: HashMap::new(),
            record: Record::default(),
            options,
        }
    }

    pub(super) fn count_connection(&mut self) {
        self.record.connections += 1;
    }

    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// Does at once what the call brings about, since a client that goes away while it waits undoes nothing.
    pub(super) fn arrive(&mut self, call: &Call<'_>, now: Instant) -> Ticket {
        let Decision { reply, withdrew, delay } = self.decide(call, now);
        let answer = Answer { reply, withdrew, delivered: false };
        self.record.arrived(answer);
        let noted = call.invitation_id().filter(|_| self.options.record_invitations).map(|id| {
            let invitation = self.record.invitations.entry(id.to_owned()).or_default();
            (id.to_owned(), invitation.arrived(answer))
        });
        Ticket { answer, delay: delay.unwrap_or_else(|| self.draw_latency()), noted }
    }

    /// Ends the call; `ticket.answer.delivered` says how.
    pub(super) fn leave(&mut self, ticket: &Ticket) {
        self.record.left(ticket.answer);
        if let Some((id, place)) = &ticket.noted
            && let Some(invitation) = self.record.invitations.get_mut(id)
        {
            invitation.left(*place, ticket.answer);
        }
    }

    /// The order is a gateway's: the key, the limit, then what can fail or refuse behind it.
    fn decide(&mut self, call: &Call<'_>, now: Instant) -> Decision {
        if let Some(refusal) = self.refuse_key(call.api_key) {
            return refusal.into();
        }
        let admitted = self.window.as_mut().is_none_or(|window| window.admit(now));
        if !admitted {
            return Reply::RateLimited.into();
        }
        match self.options.faults.draw(self.random.f64()) {
            None => self.process(call),
            Some(Fault::RateLimited) => Reply::RateLimited.into(),
            Some(Fault::ServerError) => Reply::ServerError.into(),
            Some(Fault::BadGateway) => self.lose(Reply::BadGateway, call),
            Some(Fault::Closed) => self.lose(Reply::Closed, call),
            Some(Fault::Truncated) => self.lose(Reply::Truncated, call),
        }
    }

    fn refuse_key(&self, api_key: Option<&[u8]>) -> Option<Reply> {
        let Some(key) = api_key.filter(|key| !key.is_empty()) else { return Some(Reply::MissingApiKey) };
        let refused = self.options.api_key.as_ref().is_some_and(|accepted| accepted.as_bytes() != key);
        refused.then_some(Reply::InvalidApiKey)
    }

    /// The invitation to withdraw, or why the call does not get that far.
    fn check<'a>(&self, call: &'a Call<'_>) -> Result<&'a str, Reply> {
        let body = call.body.as_ref().ok_or(Reply::MalformedBody)?;
        let id = body.invitation_id.text().ok_or(Reply::MissingInvitationId)?;
        let token = body.login_token.text().ok_or(Reply::MissingLoginToken)?;
        if self.options.login_token.as_ref().is_some_and(|accepted| accepted != token) {
            return Err(Reply::InvalidCookie);
        }
        if self.credits == Some(0) {
            return Err(Reply::InsufficientCredits);
        }
        if is_well_formed(id) { Ok(id) } else { Err(Reply::NotFound) }
    }

    fn process(&mut self, call: &Call<'_>) -> Decision {
        let id = match self.check(call) {
            Ok(id) => id,
            Err(refusal) => return refusal.into(),
        };
        let standing = self.standings.entry(id.into()).or_default();
        let due = Ending::of(id).filter(|ending| ending.always || !(standing.withdrawn || standing.ending_shown));
        standing.ending_shown |= due.is_some();
        match due {
            Some(ending) => Decision {
                reply: ending.reply,
                withdrew: ending.withdraws && standing.withdraw(&mut self.credits),
                delay: ending.delay,
            },
            None if standing.withdraw(&mut self.credits) => {
                Decision { withdrew: true, ..Decision::from(Reply::Withdrawn) }
            }
            None => Reply::NoLongerPending.into(),
        }
    }

    /// Loses the answer, in half of the cases after the withdrawal was done.
    fn lose(&mut self, reply: Reply, call: &Call<'_>) -> Decision {
        let reached = self.random.bool();
        let pending = self.check(call).ok().filter(|id| Ending::of(id).is_none_or(Ending::can_be_withdrawn));
        let withdrew = reached
            && pending.is_some_and(|id| self.standings.entry(id.into()).or_default().withdraw(&mut self.credits));
        Decision { withdrew, ..Decision::from(reply) }
    }

    fn draw_latency(&mut self) -> Duration {
        let (min, max) = (*self.options.latency.start(), *self.options.latency.end());
        min + max.saturating_sub(min).mul_f64(self.random.f64())
    }
}

/// 1 to 20 digits: a 64-bit number as text.
fn is_well_formed(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::{Faults, Limit};
    use super::*;

    const ID: &str = "7329176687475109888";

    fn withdraw(id: &str) -> String {
        format!(r#"{{"invitation_id":"{id}","login_token":"cookie","country":"FR"}}"#)
    }

    impl Simulation {
        /// One call with this key and body, answered in full.
        fn answer(&mut self, api_key: Option<&str>, body: &str) -> (Reply, bool) {
            let call = Call { api_key: api_key.map(str::as_bytes), body: serde_json::from_str(body).ok() };
            let mut ticket = self.arrive(&call, Instant::now());
            ticket.answer.delivered = true;
            self.leave(&ticket);
            (ticket.answer.reply, ticket.answer.withdrew)
        }

        fn answer_id(&mut self, id: &str) -> (Reply, bool) {
            self.answer(Some("key"), &withdraw(id))
        }
    }

    #[test]
    fn an_invitation_is_pending_until_it_is_withdrawn() {
        let mut api = Simulation::new(SandboxOptions::default());
        assert_eq!(api.answer_id(ID), (Reply::Withdrawn, true));
        assert_eq!(api.answer_id(ID), (Reply::NoLongerPending, false));
        assert_eq!(api.answer_id(ID), (Reply::NoLongerPending, false));
        let invitation = &api.record().invitations[ID];
        assert_eq!((invitation.calls, invitation.calls_after_final), (3, 2));
        assert_eq!((api.record().charged, api.record().withdrawn, api.record().not_pending), (1, 1, 2));
    }

    #[test]
    fn requests_are_refused_for_what_is_wrong_with_them() {
        let options = SandboxOptions {
            api_key: Some("key".into()),
            login_token: Some("cookie".into()),
            ..SandboxOptions::default()
        };
        let good = withdraw(ID);
        let cases = [
            (None, good.as_str(), Reply::MissingApiKey),
            (Some(""), &good, Reply::MissingApiKey),
            (Some("other"), &good, Reply::InvalidApiKey),
            (Some("key"), "{", Reply::MalformedBody),
            (Some("key"), "", Reply::MalformedBody),
            (Some("key"), r#"{"login_token":"cookie"}"#, Reply::MissingInvitationId),
            (Some("key"), r#"{"invitation_id":"","login_token":"cookie"}"#, Reply::MissingInvitationId),
            (
                Some("key"),
                r#"{"invitation_id":7329176687475109888,"login_token":"cookie"}"#,
                Reply::MissingInvitationId,
            ),
            (Some("key"), r#"{"invitation_id":null,"login_token":"cookie"}"#, Reply::MissingInvitationId),
            (Some("key"), r#"{"invitation_id":"7"}"#, Reply::MissingLoginToken),
            (Some("key"), r#"{"invitation_id":"7","login_token":"other"}"#, Reply::InvalidCookie),
            (Some("key"), r#"{"invitation_id":"urn:li:invitation:7","login_token":"cookie"}"#, Reply::NotFound),
            (Some("key"), r#"{"invitation_id":"123456789012345678901","login_token":"cookie"}"#, Reply::NotFound),
        ];
        let mut api = Simulation::new(options);
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
        let mut api = Simulation::new(options);
        for ending in super::super::ENDINGS {
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
        let answered =
            record.charged + record.not_pending + record.refused + record.rate_limited + record.server_errors;
        assert_eq!(record.calls, answered + record.lost, "every call is counted as one thing: {record:?}");
        assert_eq!(record.possible, record.calls - record.server_errors);
    }

    #[test]
    fn calls_over_the_limit_are_recorded_and_do_nothing() {
        let limit = Limit { calls: 2, window: Duration::from_secs(3600) };
        let mut api = Simulation::new(SandboxOptions { limit: Some(limit), ..SandboxOptions::default() });
        let replies = ["2", "4", "6", "6"].map(|id| api.answer_id(id));
        let limited = (Reply::RateLimited, false);
        assert_eq!(replies, [(Reply::Withdrawn, true), (Reply::Withdrawn, true), limited, limited]);
        assert_eq!((api.record().rate_limited, api.record().possible, api.record().charged), (2, 4, 2));
        assert!(!api.record().invitations["6"].withdrawn);
    }

    #[test]
    fn the_balance_falls_by_one_a_withdrawal() {
        let mut api = Simulation::new(SandboxOptions { credits: Some(2), ..SandboxOptions::default() });
        let lost_but_done = "7329176687475109523";
        let replies = [ID, ID, lost_but_done, "4096"].map(|id| api.answer_id(id).0);
        let expected = [Reply::Withdrawn, Reply::NoLongerPending, Reply::BadGateway, Reply::InsufficientCredits];
        assert_eq!(replies, expected);
        assert_eq!((api.record().withdrawn, api.record().charged), (2, 1));
    }

    #[test]
    fn random_faults_come_in_their_shares_and_lose_half_of_the_deeds() {
        let faults = Faults { rate_limited: 0.2, server_error: 0.2, bad_gateway: 0.1, closed: 0.1, truncated: 0.2 };
        let options = SandboxOptions { faults, seed: Some(7), limit: None, ..SandboxOptions::default() };
        let mut api = Simulation::new(options);
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
            let may_be_done =
                matches!(answer.reply, Reply::Withdrawn | Reply::BadGateway | Reply::Closed | Reply::Truncated);
            assert!(may_be_done || !answer.withdrew, "{id}: {answer:?}");
        }
    }

    #[test]
    fn a_fault_withdraws_nothing_that_could_not_be_withdrawn() {
        let faults = Faults { closed: 1.0, ..Faults::default() };
        let mut api =
            Simulation::new(SandboxOptions { faults, seed: Some(7), limit: None, ..SandboxOptions::default() });
        for _ in 0..100 {
            assert_eq!(api.answer_id("7329176687475109101"), (Reply::Closed, false));
            assert_eq!(api.answer(Some("key"), r#"{"invitation_id":"7"}"#), (Reply::Closed, false));
        }
        let done: Vec<_> = (0..100).filter(|_| api.answer_id(ID).1).collect();
        assert_eq!(done.len(), 1, "withdrawn once, however often it is tried");
    }

    #[test]
    fn an_ending_is_over_once_a_fault_has_withdrawn_the_invitation() {
        let contradiction = "7329176687475109505";
        let faults = Faults { closed: 1.0, ..Faults::default() };
        let mut api = Simulation::new(SandboxOptions { faults, limit: None, ..SandboxOptions::default() });
        while !api.answer_id(contradiction).1 {}
        api.options.faults = Faults::default();
        assert_eq!(api.answer_id(contradiction), (Reply::NoLongerPending, false));
    }

    #[test]
    fn a_seed_makes_the_draws_repeatable() {
        let draws = || {
            let faults = "rate-limited=20%,500=20%,502=20%,closed=20%".parse().unwrap();
            let options = SandboxOptions { faults, seed: Some(42), ..SandboxOptions::default() };
            let mut api = Simulation::new(options);
            (1..100).map(|number: u64| api.answer_id(&(number * 4096).to_string())).collect::<Vec<_>>()
        };
        assert_eq!(draws(), draws());
    }

    #[test]
    fn the_latency_is_drawn_from_its_range() {
        let latency = Duration::from_millis(20)..=Duration::from_millis(80);
        let options = SandboxOptions { latency: latency.clone(), seed: Some(7), ..SandboxOptions::default() };
        let mut api = Simulation::new(options);
        let call = Call { api_key: Some(b"key"), body: None };
        let drawn: Vec<_> = (0..100).map(|_| api.arrive(&call, Instant::now()).delay).collect();
        assert!(drawn.iter().all(|delay| latency.contains(delay)));
        assert!(drawn.iter().max() > drawn.iter().min());
    }

    #[test]
    fn an_answer_that_was_not_sent_in_full_counts_as_lost() {
        let mut api = Simulation::new(SandboxOptions::default());
        let body = withdraw(ID);
        let call = Call { api_key: Some(b"key"), body: serde_json::from_str(&body).ok() };
        let ticket = api.arrive(&call, Instant::now());
        assert_eq!((api.record().lost, api.record().in_flight), (1, 1));
        api.leave(&ticket);
        let record = api.record();
        assert_eq!((record.lost, record.charged, record.possible, record.withdrawn, record.in_flight), (1, 0, 1, 1, 0));
        assert!(!record.invitations[ID].settled);
    }

    #[test]
    fn invitations_can_be_left_out_of_the_record() {
        let mut api = Simulation::new(SandboxOptions { record_invitations: false, ..SandboxOptions::default() });
        assert_eq!([ID, ID].map(|id| api.answer_id(id).0), [Reply::Withdrawn, Reply::NoLongerPending]);
        assert!(api.record().invitations.is_empty());
    }
}
