//! What the sandbox did and answered, for tests to compare with the client's report.
//!
//! Only counts. An answer counts if it was sent in full, since a client can know no more than that. What was done is
//! counted apart from what was answered.

use std::collections::HashMap;

use serde::Serialize;

use super::Reply;
use super::reply::ReplyClass;
use super::wire::Version;

/// Totals over all calls of both versions. Fields named `list_`, and `pages`, are about calls for lists, `in_flight`,
/// `peak_in_flight` and `connections` about all, the others about calls to withdraw. A call of V2 without a known
/// action counts as one to withdraw, and one for a person's invitation as one for a list of one page. Calls to other
/// addresses are answered and not counted.
///
/// `calls` is the sum of `charged`, `not_pending`, `refused`, `rate_limited`, `server_errors` and `lost`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Calls that were read.
    pub calls: u64,
    /// Answers of success sent in full: 1 credit each (`docs/linkup-api.md`, Credits).
    pub charged: u64,
    /// The most credits that can have been charged: on V1 one for every call except those answered by the API's own 500
    /// (`docs/linkup-api.md`, Credits), on V2 one for each charged and each lost call, since errors cost nothing (V2
    /// errors).
    pub possible: u64,
    /// Withdrawals done, whatever was answered.
    pub withdrawn: u64,
    /// Answers that the invitation is not pending.
    pub not_pending: u64,
    /// Answers that refuse the invitation, the request, the key or the cookie, or report missing credits.
    pub refused: u64,
    /// Answers that the rate limit is reached.
    pub rate_limited: u64,
    /// Answers with the API's own 500.
    pub server_errors: u64,
    /// Calls without an answer of the API sent in full, including those not answered yet.
    pub lost: u64,
    /// Calls that were read.
    pub list_calls: u64,
    /// Pages that were fetched, whether or not they were sent.
    pub pages: u64,
    /// Pages sent in full: 1 credit each (`docs/linkup-api.md`, Credits).
    pub list_charged: u64,
    /// The most credits that can have been charged, counted like `possible`: one for each page that was fetched, and for
    /// each call that got none.
    pub list_possible: u64,
    /// Answers that the rate limit is reached.
    pub list_rate_limited: u64,
    /// Calls that are being answered now.
    pub in_flight: u64,
    /// The highest value of `in_flight` so far.
    pub peak_in_flight: u64,
    pub connections: u64,
    /// By invitation ID as it was sent; empty if
    /// [`record_invitations`](super::SandboxOptions::record_invitations) is off.
    #[serde(skip)]
    pub invitations: HashMap<String, InvitationRecord>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvitationRecord {
    pub calls: u64,
    /// Whether a call to this sandbox withdrew it.
    pub withdrawn: bool,
    /// One for each call, in the order of arrival.
    pub answers: Vec<CallRecord>,
    /// Whether a final answer was sent in full: withdrawn, not pending, not found, rejected.
    pub settled: bool,
    pub calls_after_final: u64,
}

/// What became of one call to withdraw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallRecord {
    pub reply: Reply,
    /// Whether this call withdrew the invitation.
    pub withdrew: bool,
    /// Whether the answer was sent in full.
    pub delivered: bool,
}

impl Record {
    /// Counts a call to withdraw that has been decided and not answered yet.
    pub(super) fn begin(&mut self, call: CallRecord) {
        self.calls += 1;
        self.possible += 1;
        self.lost += 1;
        self.withdrawn += u64::from(call.withdrew);
        self.enter();
    }

    pub(super) fn end(&mut self, version: Version, call: CallRecord) {
        self.in_flight -= 1;
        if !call.delivered {
            return;
        }
        let class = call.reply.class();
        let count = match class {
            ReplyClass::Confirmed => &mut self.charged,
            ReplyClass::NotPending => &mut self.not_pending,
            ReplyClass::Refused | ReplyClass::CallerRefused => &mut self.refused,
            ReplyClass::RateLimited => &mut self.rate_limited,
            ReplyClass::ServerError => &mut self.server_errors,
            ReplyClass::Lost => return,
        };
        *count += 1;
        self.lost -= 1;
        self.possible -= u64::from(class.is_free(version));
    }

    /// Counts a call for a list that has been decided and not answered yet. `pages` were fetched for it.
    pub(super) fn begin_list(&mut self, pages: u64) {
        self.list_calls += 1;
        self.pages += pages;
        self.list_possible += pages.max(1);
        self.enter();
    }

    /// `sent` is what was sent in full: the number of pages, or another reply.
    pub(super) fn end_list(&mut self, version: Version, sent: Option<Result<u64, ReplyClass>>) {
        self.in_flight -= 1;
        match sent {
            Some(Ok(pages)) => self.list_charged += pages,
            Some(Err(class)) => {
                self.list_rate_limited += u64::from(class == ReplyClass::RateLimited);
                self.list_possible -= u64::from(class.is_free(version));
            }
            None => {}
        }
    }

    fn enter(&mut self) {
        self.in_flight += 1;
        self.peak_in_flight = self.peak_in_flight.max(self.in_flight);
    }
}

impl InvitationRecord {
    /// Adds a call that has been decided and not answered yet; returns its index in `answers`.
    pub(super) fn begin(&mut self, call: CallRecord) -> usize {
        self.calls += 1;
        self.calls_after_final += u64::from(self.settled);
        self.withdrawn |= call.withdrew;
        self.answers.push(call);
        self.answers.len() - 1
    }

    pub(super) fn end(&mut self, index: usize, call: CallRecord) {
        if let Some(noted) = self.answers.get_mut(index) {
            *noted = call;
        }
        self.settled |= call.delivered && call.reply.class().is_final();
    }
}
