//! The list's pages, one call after the other, with the same pace, retries and stops as a withdrawal.

use std::sync::Arc;

use jiff::Timestamp;

use super::Limits;
use super::pacing::{advice, tell_pace};
use crate::api::{Ending, List, PageRequest};
use crate::listing::{Page, read_page};
use crate::pace::Pace;
use crate::policy::{Cost, Decision, History, Meaning, cost, cut, decide, judge, page_cost};
use crate::stop::{Stop, StopReason};

/// Fetches pages and counts what they cost.
#[derive(Debug)]
pub struct Lister<'a, A> {
    /// Where the calls go.
    pub api: &'a A,
    /// When they may leave.
    pub pace: Arc<Pace>,
    /// Whether any may leave at all.
    pub stop: Stop,
    /// How often and how patiently.
    pub limits: Limits,
    /// What it came to so far.
    pub tally: ListTally,
}

/// What a list's calls came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListTally {
    /// Pages that came.
    pub pages: u64,
    /// Calls made, those that never left included.
    pub calls: u64,
    /// Calls beyond each page's first.
    pub retries: u64,
    /// Calls that were answered with a rate limit.
    pub rate_limit_answers: u64,
    /// What the calls cost, in credits.
    pub cost: Cost,
}

impl<A: List> Lister<'_, A> {
    /// Fetches one page. `None` where the list must stop: whoever asks the stop learns why. `held` is told until when a
    /// rate limit holds everything back.
    pub async fn page(&mut self, request: &PageRequest, held: impl Fn(Timestamp)) -> Option<Page> {
        let version = self.api.version();
        let mut history = History::default();
        let earlier = self.tally.calls;
        loop {
            let leave = self.stop.or(self.pace.leave()).await?;
            let ending = self.api.page(request).await;
            self.tally.retries += u64::from(self.tally.calls > earlier);
            self.tally.calls += 1;
            let (meaning, words, page) =
                match page_in(&ending, |body| {
                    read_page(version, request.invitation_type, body, |text| self.api.scrub(text))
                }) {
                    Some(page) => (Meaning::Withdrawn, String::new(), Some(page)),
                    None => {
                        let verdict = judge(version, &ending);
                        (of_a_list(verdict.meaning), cut(&self.api.scrub(&verdict.words)), None)
                    }
                };
            tracing::debug!(page = request.number, came = page.is_some(), http_status = ending.http_status(),
                words = %words, "answer");
            let change = tell_pace(&self.pace, &self.stop, self.limits.backoff, leave, &ending, meaning);
            if let Some(page) = page {
                self.tally.pages += 1;
                self.tally.cost += page_cost(version, &ending);
                return Some(page);
            }
            self.tally.cost += cost(version, meaning, &ending);
            if let Some(until) = change.held_until() {
                held(until);
            }
            match decide(meaning, history, self.limits.retries, self.limits.backoff, fastrand::f64()) {
                Decision::Settle(_) => {
                    let why = format!("page {} of the list could not be fetched ({words})", request.number);
                    self.stop.request(StopReason::TooManyFailures, format!("{why}: run the same command again later"));
                    return None;
                }
                Decision::SettleAndStop(_, reason) => {
                    self.stop.request(reason, advice(reason, &words));
                    return None;
                }
                Decision::Retry(wait) => self.stop.or(tokio::time::sleep(wait)).await?,
                // The pace holds, and gives up when its patience ends: nobody else asks meanwhile.
                Decision::Hold => self.tally.rate_limit_answers += 1,
            }
            history = history.after(meaning);
        }
    }
}

/// The page in a whole answer of success.
fn page_in(ending: &Ending, read: impl Fn(&[u8]) -> Option<Page>) -> Option<Page> {
    match ending {
        Ending::Answered(answer) if (200..300).contains(&answer.http_status) => read(&answer.body),
        Ending::Answered(_) | Ending::Lost(_) | Ending::NotSent(_) => None,
    }
}

/// What words about an invitation mean where a list was asked for.
fn of_a_list(meaning: Meaning) -> Meaning {
    match meaning {
        // A success without a list is no answer of the API's.
        Meaning::Withdrawn => Meaning::Lost,
        Meaning::NotPending | Meaning::NotFound => Meaning::Rejected,
        Meaning::Rejected
        | Meaning::KeyRefused
        | Meaning::LoginRefused
        | Meaning::AccountRefused
        | Meaning::CreditsUsedUp
        | Meaning::RateLimited
        | Meaning::ServerError
        | Meaning::Lost
        | Meaning::NotSent => meaning,
    }
}
