//! The API behind the wire: what a call brings about.
//!
//! Owns the order of the checks, and puts gate, account and record together. Reads no clock, opens no socket and never
//! waits: a call comes in as values and leaves as a [`Ticket`].

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::account::Account;
use super::call::{Api, Caller, Listing, Withdrawal};
use super::faults::Fault;
use super::gate::Gate;
use super::list::Sheet;
use super::{Answer, Ending, ListFaults, Record, Reply, SandboxOptions, stock};

/// A call that has been decided and is yet to be answered.
pub(super) struct Ticket {
    pub(super) api: Api,
    pub(super) said: Said,
    /// How long the answer takes.
    pub(super) delay: Duration,
    /// Whether the answer was sent in full.
    pub(super) delivered: bool,
    counted: Counted,
}

pub(super) enum Said {
    Reply(Reply),
    Sheet(Sheet),
}

/// As what the call is in the record.
enum Counted {
    Withdrawal {
        withdrew: bool,
        /// Where the invitation's record holds this call.
        noted: Option<(String, usize)>,
    },
    List,
}

/// What a withdrawal brings about.
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

pub(super) struct Simulation {
    gate: Gate,
    account: Account,
    list_faults: ListFaults,
    record_invitations: bool,
    record: Record,
}

impl Simulation {
    /// `now` is when the stock's ages are counted from.
    pub(super) fn new(options: SandboxOptions, now: Timestamp) -> Self {
        let gate = Gate::new(&options);
        let pending = options.stock.unwrap_or_else(|| stock(options.pending, now));
        Self {
            gate,
            account: Account::new(pending, options.credits),
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

    /// Does at once what the call brings about, since a client that goes away while it waits undoes nothing.
    pub(super) fn withdraw(&mut self, call: &Withdrawal<'_>, now: Instant) -> Ticket {
        let Decision { reply, withdrew, delay } = self.decide(call, now);
        let answer = Answer { reply, withdrew, delivered: false };
        self.record.arrived(answer);
        let noted = call.invitation_id.as_deref().filter(|_| self.record_invitations).map(|id| {
            let invitation = self.record.invitations.entry(id.to_owned()).or_default();
            (id.to_owned(), invitation.arrived(answer))
        });
        Ticket {
            api: call.caller.api,
            said: Said::Reply(reply),
            delay: delay.unwrap_or_else(|| self.gate.draw_latency()),
            delivered: false,
            counted: Counted::Withdrawal { withdrew, noted },
        }
    }

    /// Takes at once what the list costs, heard of or not.
    pub(super) fn list(&mut self, call: &Listing<'_>, now: Instant) -> Ticket {
        let (said, pages) = match self.look_up(call, now) {
            Ok(sheet) => {
                let pages = sheet.pages as u64;
                (Said::Sheet(sheet), pages)
            }
            Err((reply, pages)) => (Said::Reply(reply), pages),
        };
        self.record.list_arrived(pages);
        let delay = self.gate.draw_latency();
        Ticket { api: call.caller.api, said, delay, delivered: false, counted: Counted::List }
    }

    /// The balance, for a key alone; takes a place in the limit's window, and nothing goes wrong at random.
    pub(super) fn balance(&mut self, api_key: Option<&[u8]>, now: Instant) -> Result<Option<u64>, Reply> {
        self.gate.admit(api_key, now).map(|()| self.account.credits())
    }

    /// Ends the call; `ticket.delivered` says how.
    pub(super) fn leave(&mut self, ticket: &Ticket) {
        match (&ticket.counted, &ticket.said) {
            (Counted::Withdrawal { withdrew, noted }, Said::Reply(reply)) => {
                let answer = Answer { reply: *reply, withdrew: *withdrew, delivered: ticket.delivered };
                self.record.left(ticket.api, answer);
                if let Some((id, place)) = noted
                    && let Some(invitation) = self.record.invitations.get_mut(id)
                {
                    invitation.left(*place, answer);
                }
            }
            (Counted::List, Said::Reply(reply)) if ticket.delivered => {
                self.record.list_refused(ticket.api, reply.meaning());
            }
            (_, Said::Sheet(sheet)) if ticket.delivered => self.record.list_left(sheet.pages as u64),
            (Counted::List, Said::Reply(_)) | (_, Said::Sheet(_)) => self.record.list_lost(),
        }
    }

    /// The order is a gateway's: the key, the limit, then what can fail or refuse behind it.
    fn decide(&mut self, call: &Withdrawal<'_>, now: Instant) -> Decision {
        if let Err(refusal) = self.gate.admit(call.caller.api_key, now) {
            return refusal.into();
        }
        match self.gate.draw_fault() {
            None => self.attempt(call),
            Some(fault) if fault.loses_the_answer() => self.lose(fault, call),
            Some(fault) => fault.reply().into(),
        }
    }

    /// The invitation to withdraw, or why the call does not get that far.
    fn check<'a>(&self, call: &'a Withdrawal<'_>) -> Result<&'a str, Reply> {
        if let Some(refusal) = call.refusal {
            return Err(refusal);
        }
        let id = call.invitation_id.as_deref().ok_or(Reply::MissingInvitationId)?;
        self.check_caller(&call.caller)?;
        if is_well_formed(id) { Ok(id) } else { Err(Reply::NotFound) }
    }

    fn check_caller(&self, caller: &Caller<'_>) -> Result<(), Reply> {
        let broke = self.account.credits() == Some(0);
        let refusal = self.gate.refuse_login(caller).or_else(|| broke.then_some(Reply::InsufficientCredits));
        refusal.map_or(Ok(()), Err)
    }

    fn attempt(&mut self, call: &Withdrawal<'_>) -> Decision {
        let id = match self.check(call) {
            Ok(id) => id,
            Err(refusal) => return refusal.into(),
        };
        match self.account.meet_ending(id) {
            Some(ending) => Decision {
                reply: ending.reply,
                withdrew: ending.withdraws && self.account.withdraw(id),
                delay: ending.delay,
            },
            None if self.account.withdraw(id) => Decision { withdrew: true, ..Decision::from(Reply::Withdrawn) },
            None => Reply::NoLongerPending.into(),
        }
    }

    /// Loses the answer, in half of the cases after the withdrawal was done.
    fn lose(&mut self, fault: Fault, call: &Withdrawal<'_>) -> Decision {
        let reached = self.gate.draw_reached();
        let pending = self.check(call).ok().filter(|id| Ending::of(id).is_none_or(Ending::can_be_withdrawn));
        let withdrew = reached && pending.is_some_and(|id| self.account.withdraw(id));
        Decision { withdrew, ..Decision::from(fault.reply()) }
    }

    /// What is pending; or what is said instead, and how many pages were put together for nothing.
    fn look_up(&mut self, call: &Listing<'_>, now: Instant) -> Result<Sheet, (Reply, u64)> {
        self.gate.admit(call.caller.api_key, now).map_err(|refusal| (refusal, 0))?;
        let Some(fault) = self.gate.draw_fault() else {
            return self.put_together(call).map_err(|refusal| (refusal, 0));
        };
        let reached = fault.loses_the_answer() && self.gate.draw_reached();
        let pages = if reached { self.put_together(call).map_or(0, |sheet| sheet.pages) } else { 0 };
        Err((fault.reply(), pages as u64))
    }

    fn put_together(&mut self, call: &Listing<'_>) -> Result<Sheet, Reply> {
        let span = call.span?;
        self.check_caller(&call.caller)?;
        self.account.list(span, self.list_faults)
    }
}

#[cfg(test)]
impl Simulation {
    pub(super) fn set_faults(&mut self, faults: super::Faults) {
        self.gate.faults = faults;
    }
}

/// 1 to 20 digits: a 64-bit number as text.
fn is_well_formed(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}
