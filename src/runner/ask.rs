//! A call that withdraws nothing: repeated until its answer shows something, or settles that there is nothing to see.

use super::Limits;
use super::call::{Caller, Journal, Judged, stop_for};
use crate::api::{ApiCall, CallKind, CallResult, LinkUpApi};
use crate::event::Event;
use crate::policy::{Decision, Meaning, PriorCalls, decide};
use crate::stop::Refusal;

/// What an answer shows; or else what it means, and its words.
pub(super) type Shown<T> = Result<T, (Meaning, String)>;

/// Why there is nothing to see.
pub(super) enum Nothing {
    /// The stop says why.
    Stopped,
    /// By the last answer, with what it would stop.
    Refused(Meaning, String, Option<Refusal>),
}

impl<A: LinkUpApi, J: Journal> Caller<A, J> {
    pub(super) async fn ask<T>(
        &self,
        call: ApiCall<'_>,
        limits: &Limits,
        judge: impl Fn(&CallResult) -> Judged<Shown<T>>,
    ) -> Result<T, Nothing> {
        let stop = &self.bounds.account(call.account()).stop;
        let mut prior = PriorCalls::default();
        let mut is_retry = false;
        loop {
            let made = self.call(call, is_retry, |result, _| judge(result));
            let made = match call.kind() {
                // It changes and costs nothing, so a stop need not wait for its answer.
                CallKind::Balance | CallKind::Account => stop.or(made).await.flatten(),
                CallKind::Withdraw | CallKind::List | CallKind::Key => made.await,
            };
            let made = made.ok_or(Nothing::Stopped)?;
            if let Err(error) = made.write.await {
                stop_for(&self.stop, &error);
                return Err(Nothing::Stopped);
            }
            let (meaning, words) = match made.value {
                Ok(shown) => return Ok(shown),
                Err(nothing) => nothing,
            };
            match decide(meaning, prior, limits.retries, self.backoff, fastrand::f64()) {
                Decision::Settle(_) => return Err(Nothing::Refused(meaning, words, None)),
                Decision::SettleAndStop(_, refusal) => return Err(Nothing::Refused(meaning, words, Some(refusal))),
                Decision::Retry(wait) => {
                    let (retry, of) = (prior.retries + 1, limits.retries);
                    self.tell(Event::Retrying { meaning, retry, of }).await;
                    stop.or(tokio::time::sleep(wait)).await.ok_or(Nothing::Stopped)?;
                }
                // The pace holds, and gives up when its patience ends.
                Decision::Hold => {}
            }
            prior = prior.after(meaning);
            is_retry = true;
        }
    }
}
