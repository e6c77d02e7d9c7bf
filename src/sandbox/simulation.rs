//! The API without HTTP: what a call does and what is answered.
//!
//! Owns the order of the checks, and puts gateway, account and record together. Reads no clock, opens no socket and never
//! waits: a call comes in as values and leaves as an [`OpenCall`].

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::account::{AccountState, ListPages, PersonState};
use super::gateway::Gateway;
use super::reply::ReplyClass;
use super::wire::{Caller, ListCall, StatusCall, Version, WithdrawalCall};
use super::{CallRecord, Ending, ListFaults, Record, Reply, SandboxOptions, stock};

/// A call that has been decided and not answered yet.
pub(super) struct OpenCall {
    pub(super) answer: Outgoing,
    /// How long the answer takes.
    pub(super) delay: Duration,
    /// Whether the answer was sent in full.
    pub(super) delivered: bool,
    version: Version,
    recorded: Recorded,
}

pub(super) enum Outgoing {
    Reply(Reply),
    List(ListPages),
    Person(PersonState),
}

/// Where the record counts the call.
enum Recorded {
    Withdrawal {
        withdrew: bool,
        /// The invitation's ID, and the call's index in its record.
        place: Option<(String, usize)>,
    },
    List,
}

/// What a call to withdraw does.
struct Effect {
    reply: Reply,
    withdrew: bool,
    /// `None` for the usual latency.
    delay: Option<Duration>,
}

impl From<Reply> for Effect {
    /// Only a reply; nothing is done.
    fn from(reply: Reply) -> Self {
        Self { reply, withdrew: false, delay: None }
    }
}

pub(super) struct Simulation {
    gateway: Gateway,
    account: AccountState,
    list_faults: ListFaults,
    record_invitations: bool,
    record: Record,
}

impl Simulation {
    /// `now` is when the stock's ages are counted from.
    pub(super) fn new(options: SandboxOptions, now: Timestamp) -> Self {
        let gateway = Gateway::new(&options);
        let pending = options.stock.unwrap_or_else(|| stock(options.pending, now));
        Self {
            gateway,
            account: AccountState::new(pending, options.credits),
            list_faults: options.list_faults,
            record_invitations: options.record_invitations,
            record: Record::default(),
        }
    }

    pub(super) fn count_connection(&mut self) {
        self.record.connections += 1;
    }

    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// Withdraws at once, not when the answer is sent: a client that goes away meanwhile undoes nothing.
    pub(super) fn withdraw(&mut self, call: &WithdrawalCall<'_>, now: Instant) -> OpenCall {
        let Effect { reply, withdrew, delay } = self.decide(call, now);
        let undelivered = CallRecord { reply, withdrew, delivered: false };
        self.record.begin(undelivered);
        let place = call.invitation_id.as_ref().filter(|_| self.record_invitations).map(|id| {
            let invitation = self.record.invitations.entry(id.clone()).or_default();
            (id.clone(), invitation.begin(undelivered))
        });
        OpenCall {
            answer: Outgoing::Reply(reply),
            delay: delay.unwrap_or_else(|| self.gateway.draw_latency()),
            delivered: false,
            version: call.caller.version,
            recorded: Recorded::Withdrawal { withdrew, place },
        }
    }

    pub(super) fn list(&mut self, call: &ListCall<'_>, now: Instant) -> OpenCall {
        self.read(&call.caller, now, |simulation| simulation.fetch_pages(call).map(Outgoing::List))
    }

    pub(super) fn status(&mut self, call: &StatusCall<'_>, now: Instant) -> OpenCall {
        self.read(&call.caller, now, |simulation| simulation.look_up(call).map(Outgoing::Person))
    }

    /// Charges at once, like [`Self::withdraw`].
    fn read(
        &mut self,
        caller: &Caller<'_>,
        now: Instant,
        carry_out: impl FnOnce(&mut Self) -> Result<Outgoing, Reply>,
    ) -> OpenCall {
        let (answer, pages) = match self.fetch(caller, now, carry_out) {
            Ok(answer) => {
                let pages = answer.pages_or_class().unwrap_or_default();
                (answer, pages)
            }
            Err((reply, pages)) => (Outgoing::Reply(reply), pages),
        };
        self.record.begin_list(pages);
        let delay = self.gateway.draw_latency();
        OpenCall { answer, delay, delivered: false, version: caller.version, recorded: Recorded::List }
    }

    /// For calls that need only the key. They count toward the rate limit and have no random faults.
    pub(super) fn admit(&mut self, api_key: Option<&[u8]>, now: Instant) -> Result<(), Reply> {
        self.gateway.admit(api_key, now)
    }

    /// The balance, which needs only the key.
    pub(super) fn balance(&mut self, api_key: Option<&[u8]>, now: Instant) -> Result<Option<u64>, Reply> {
        self.admit(api_key, now).map(|()| self.account.credits())
    }

    /// The ID of the account, which needs only the key. If any ID is accepted, it is the one that was asked for.
    pub(super) fn account(
        &mut self,
        api_key: Option<&[u8]>,
        asked: Option<&str>,
        now: Instant,
    ) -> Result<String, Reply> {
        self.admit(api_key, now)?;
        let id = self.gateway.account_id().or(asked).unwrap_or("sandbox");
        if asked.is_none_or(|asked| asked == id) { Ok(id.to_owned()) } else { Err(Reply::InvalidAccount) }
    }

    /// Counts the end of a call, answered or not.
    pub(super) fn end(&mut self, call: &OpenCall) {
        let OpenCall { answer, delivered, version, recorded, .. } = call;
        match (recorded, answer) {
            (Recorded::Withdrawal { withdrew, place }, Outgoing::Reply(reply)) => {
                let ended = CallRecord { reply: *reply, withdrew: *withdrew, delivered: *delivered };
                self.record.end(*version, ended);
                if let Some((id, index)) = place
                    && let Some(invitation) = self.record.invitations.get_mut(id)
                {
                    invitation.end(*index, ended);
                }
            }
            (Recorded::List | Recorded::Withdrawal { .. }, answer) => {
                let sent = delivered.then(|| answer.pages_or_class());
                self.record.end_list(*version, sent);
            }
        }
    }

    /// In the order of a real gateway: the key, the rate limit, then what can fail or refuse behind it.
    fn decide(&mut self, call: &WithdrawalCall<'_>, now: Instant) -> Effect {
        if let Err(refusal) = self.gateway.admit(call.caller.api_key, now) {
            return refusal.into();
        }
        match self.gateway.draw_fault() {
            None => self.carry_out(call),
            Some(fault) if fault.class() == ReplyClass::Lost => self.lose_answer(fault, call),
            Some(fault) => fault.into(),
        }
    }

    /// The invitation to withdraw, or why the call is refused.
    fn check<'a>(&self, call: &'a WithdrawalCall<'_>) -> Result<&'a str, Reply> {
        if let Some(refusal) = call.refusal {
            return Err(refusal);
        }
        let id = call.invitation_id.as_deref().ok_or(Reply::MissingInvitationId)?;
        self.check_caller(&call.caller)?;
        if is_well_formed(id) { Ok(id) } else { Err(Reply::NotFound) }
    }

    fn check_caller(&self, caller: &Caller<'_>) -> Result<(), Reply> {
        let has_no_credits = self.account.credits() == Some(0);
        let no_credits = has_no_credits.then_some(Reply::InsufficientCredits);
        self.gateway.refuse_login(caller).or(no_credits).map_or(Ok(()), Err)
    }

    fn carry_out(&mut self, call: &WithdrawalCall<'_>) -> Effect {
        let id = match self.check(call) {
            Ok(id) => id,
            Err(refusal) => return refusal.into(),
        };
        match self.account.take_ending(id) {
            Some(ending) => Effect {
                reply: ending.reply,
                withdrew: ending.withdraws && self.account.withdraw(id),
                delay: ending.delay,
            },
            None if self.account.withdraw(id) => Effect { withdrew: true, ..Effect::from(Reply::Withdrawn) },
            None => Reply::NoLongerPending.into(),
        }
    }

    /// Loses the answer, in half of the cases after the withdrawal was done.
    fn lose_answer(&mut self, fault: Reply, call: &WithdrawalCall<'_>) -> Effect {
        let is_carried_out = self.gateway.draw_carried_out();
        let pending = self.check(call).ok().filter(|id| Ending::of(id).is_none_or(Ending::can_be_withdrawn));
        let withdrew = is_carried_out && pending.is_some_and(|id| self.account.withdraw(id));
        Effect { withdrew, ..Effect::from(fault) }
    }

    /// What was asked for; or another reply, and how many pages were fetched for nothing.
    fn fetch(
        &mut self,
        caller: &Caller<'_>,
        now: Instant,
        carry_out: impl FnOnce(&mut Self) -> Result<Outgoing, Reply>,
    ) -> Result<Outgoing, (Reply, u64)> {
        self.admit(caller.api_key, now).map_err(|refusal| (refusal, 0))?;
        let Some(fault) = self.gateway.draw_fault() else {
            return carry_out(self).map_err(|refusal| (refusal, 0));
        };
        let is_carried_out = fault.class() == ReplyClass::Lost && self.gateway.draw_carried_out();
        let answer = if is_carried_out { carry_out(self) } else { Err(fault) };
        Err((fault, answer.map_or(0, |answer| answer.pages_or_class().unwrap_or_default())))
    }

    fn fetch_pages(&mut self, call: &ListCall<'_>) -> Result<ListPages, Reply> {
        let span = call.span?;
        self.check_caller(&call.caller)?;
        self.account.list(span, self.list_faults)
    }

    fn look_up(&mut self, call: &StatusCall<'_>) -> Result<PersonState, Reply> {
        let profile_url = call.profile_url.as_deref().map_err(|refusal| *refusal)?;
        self.check_caller(&call.caller)?;
        Ok(self.account.person(profile_url))
    }
}

impl Outgoing {
    fn pages_or_class(&self) -> Result<u64, ReplyClass> {
        match self {
            Self::List(list) => Ok(list.pages as u64),
            Self::Person(_) => Ok(1),
            Self::Reply(reply) => Err(reply.class()),
        }
    }
}

#[cfg(test)]
impl Simulation {
    pub(super) fn set_faults(&mut self, faults: super::Faults) {
        self.gateway.faults = faults;
    }
}

/// 1 to 20 digits: a 64-bit number as text.
fn is_well_formed(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}
