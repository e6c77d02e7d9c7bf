//! What the sandbox did and said, for tests to compare with the client's report.
//!
//! Owns the counting and nothing else. Counts go by what was sent in full, as a client can know no more than that;
//! what was done is kept apart from what was said.

use std::collections::HashMap;

use serde::Serialize;

use super::Reply;
use super::call::Api;
use super::reply::Meaning;

/// What happened to all calls, of both versions: to withdraw an invitation, and, in the fields named `list_` and in
/// `pages`, for the pending ones. A call of V2 without a known action counts as one to withdraw. Calls elsewhere are
/// answered and not counted.
///
/// `calls` is the sum of `charged`, `not_pending`, `refused`, `rate_limited`, `server_errors` and `lost`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Requests to withdraw that were read.
    pub calls: u64,
    /// Answers of success sent in full: 1 credit each (withdraw-invitation, Credit cost).
    pub charged: u64,
    /// The most that can have been charged for withdrawals: on V1 every call but those answered by the API's own 500
    /// (introduction), on V2 those charged and those lost, since errors cost nothing (v2/error-codes).
    pub possible: u64,
    /// Withdrawals done, whatever was answered.
    pub withdrawn: u64,
    /// Answers that nothing is pending any more.
    pub not_pending: u64,
    /// Answers that refuse the invitation, the request, the key, the cookie, or for lack of credits.
    pub refused: u64,
    /// Answers that the limit is reached.
    pub rate_limited: u64,
    /// Answers with the API's own 500.
    pub server_errors: u64,
    /// Calls without an answer of the API sent in full, whatever came instead; those not answered yet included.
    pub lost: u64,
    /// Requests for lists that were read.
    pub list_calls: u64,
    /// Pages that were put together, whatever became of the answer.
    pub pages: u64,
    /// Pages of lists sent in full: 1 credit each (get-sent-invitations, Credit Usage).
    pub list_charged: u64,
    /// The most that can have been charged for lists, counted as `possible` is: 1 for each page that was put together,
    /// and for each call that got none.
    pub list_possible: u64,
    /// Answers to requests for lists that the limit is reached.
    pub list_rate_limited: u64,
    /// Calls being answered now, lists included.
    pub in_flight: u64,
    /// The most calls that were being answered at once, lists included.
    pub peak_in_flight: u64,
    pub connections: u64,
    /// By invitation ID as it was sent; empty where
    /// [`record_invitations`](super::SandboxOptions::record_invitations) is off.
    #[serde(skip)]
    pub invitations: HashMap<String, InvitationRecord>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvitationRecord {
    pub calls: u64,
    /// Whether a call to this sandbox withdrew it.
    pub withdrawn: bool,
    /// What the calls were answered, in the order in which they came.
    pub answers: Vec<Answer>,
    /// Whether a final answer was sent in full: withdrawn, not pending, not found, rejected.
    pub settled: bool,
    pub calls_after_final: u64,
}

/// What became of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub reply: Reply,
    /// Whether this call withdrew the invitation.
    pub withdrew: bool,
    /// Whether the answer was sent in full: not if the client went away first.
    pub delivered: bool,
}

impl Record {
    /// Counts a call that has been read and decided, but not answered.
    pub(super) fn arrived(&mut self, answer: Answer) {
        self.calls += 1;
        self.possible += 1;
        self.lost += 1;
        self.withdrawn += u64::from(answer.withdrew);
        self.entered();
    }

    /// Counts the end of that call.
    pub(super) fn left(&mut self, api: Api, answer: Answer) {
        self.in_flight -= 1;
        if !answer.delivered {
            return;
        }
        let meaning = answer.reply.meaning();
        let count = match meaning {
            Meaning::Confirmed => &mut self.charged,
            Meaning::NotPending => &mut self.not_pending,
            Meaning::Refused | Meaning::CallerRefused => &mut self.refused,
            Meaning::RateLimited => &mut self.rate_limited,
            Meaning::ServerError => &mut self.server_errors,
            Meaning::Lost => return,
        };
        *count += 1;
        self.lost -= 1;
        self.possible -= u64::from(meaning.is_free(api));
    }

    /// Counts a call for so many pages that has been read and decided, but not answered.
    pub(super) fn list_arrived(&mut self, pages: u64) {
        self.list_calls += 1;
        self.pages += pages;
        self.list_possible += pages.max(1);
        self.entered();
    }

    /// Counts the end of that call, answered in full with its pages.
    pub(super) fn list_left(&mut self, pages: u64) {
        self.in_flight -= 1;
        self.list_charged += pages;
    }

    /// Counts the end of that call, answered in full otherwise.
    pub(super) fn list_refused(&mut self, api: Api, meaning: Meaning) {
        self.in_flight -= 1;
        self.list_rate_limited += u64::from(meaning == Meaning::RateLimited);
        self.list_possible -= u64::from(meaning.is_free(api));
    }

    /// Counts the end of that call, whose answer was lost.
    pub(super) fn list_lost(&mut self) {
        self.in_flight -= 1;
    }

    fn entered(&mut self) {
        self.in_flight += 1;
        self.peak_in_flight = self.peak_in_flight.max(self.in_flight);
    }
}

impl InvitationRecord {
    /// Notes a call that has been decided, but not answered; returns its place among the answers.
    pub(super) fn arrived(&mut self, answer: Answer) -> usize {
        self.calls += 1;
        self.calls_after_final += u64::from(self.settled);
        self.withdrawn |= answer.withdrew;
        self.answers.push(answer);
        self.answers.len() - 1
    }

    /// Notes the end of the call at that place.
    pub(super) fn left(&mut self, place: usize, answer: Answer) {
        if let Some(noted) = self.answers.get_mut(place) {
            *noted = answer;
        }
        self.settled |= answer.delivered && answer.reply.meaning().is_final();
    }
}
