//! The log's share of the events: a line for each settled row, each page, and the end of each hold.

use jiff::Timestamp;

use crate::event::{Event, Settled};
use crate::invitation::AccountName;

/// Logs events. Waits begin where they are decided on, and are logged there.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    /// Until when calls are held back, if nobody said yet that they are accepted again.
    held_until: Option<Timestamp>,
}

impl EventLog {
    pub(super) fn add(&mut self, event: &Event) {
        match event {
            Event::Settled(settled) => row_settled(settled),
            Event::PageRead { invitations } => {
                tracing::info!(target: crate::DETAIL, event = "page_read", invitations, "a page of the list was read");
            }
            Event::Held { until, .. } => self.held_until = Some(*until),
            Event::Resumed => self.resume(),
            // A hold that the API asked for without a refusal.
            Event::Called(called)
                if !called.is_rate_limited() && self.held_until.is_some_and(|until| until <= Timestamp::now()) =>
            {
                self.resume();
            }
            Event::Called(_)
            | Event::UnknownWords(_)
            | Event::ListCounted { .. }
            | Event::Learned(_)
            | Event::Retrying { .. } => {}
            Event::InputEnded { rows } => {
                tracing::info!(target: crate::DETAIL, event = "input_ended", rows, "the input was read to its end");
            }
        }
    }

    fn resume(&mut self) {
        if self.held_until.take().is_some() {
            tracing::info!(event = "resumed", reason = "rate_limited", "the API accepts calls again");
        }
    }
}

fn row_settled(settled: &Settled) {
    let Settled { row, line, invitation_id, account, outcome, attempts, http_status, cost, detail, .. } = settled;
    tracing::info!(
        target: crate::DETAIL, event = "row_settled", row, line, invitation_id,
        account = account.as_ref().map(AccountName::as_str), outcome = outcome.as_str(), attempts, http_status,
        credits = cost.charged, credits_possible = cost.possible, detail, "row {row}: {outcome}"
    );
}
