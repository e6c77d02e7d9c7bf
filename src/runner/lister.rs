//! The list's pages, one call after the other, with the same pace, retries and stops as a withdrawal.

use std::sync::Arc;

use jiff::Timestamp;

use super::Limits;
use super::pacing::{advice, tell_pace};
use crate::api::{ApiCall, CallResult, LinkUpApi, PageRequest};
use crate::listing::{Page, read_page, repeats_key};
use crate::pace::Pace;
use crate::policy::{Cost, Decision, Meaning, PriorCalls, Verdict, cost, cut, decide, judge, page_cost};
use crate::stop::{Stop, StopReason};

/// Fetches pages and counts what they cost.
#[derive(Debug)]
pub(crate) struct Lister<'a, A> {
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
pub(crate) struct ListTally {
    pub pages: u64,
    /// Calls made, those that never left included.
    pub calls: u64,
    /// Calls beyond each page's first.
    pub retries: u64,
    pub rate_limit_answers: u64,
    /// What the calls cost, in credits.
    pub cost: Cost,
}

impl<A: LinkUpApi> Lister<'_, A> {
    /// Fetches one page. `None` where the list must stop: whoever asks the stop learns why. `held` is told until when a
    /// rate limit holds everything back.
    pub(crate) async fn page(&mut self, request: &PageRequest, held: impl Fn(Timestamp)) -> Option<Page> {
        let version = self.api.version();
        let mut history = PriorCalls::default();
        let earlier = self.tally.calls;
        loop {
            let permit = self.stop.or(self.pace.acquire()).await?;
            let ending = self.api.send(ApiCall::Page(request)).await;
            self.tally.retries += u64::from(self.tally.calls > earlier);
            self.tally.calls += 1;
            let judged = judge(version, &ending, "");
            // A success that is no page may have been charged as one.
            let charged_as = if judged.meaning == Meaning::Withdrawn { Meaning::Lost } else { judged.meaning };
            let (meaning, words, page) = match page_in(&ending, |body| {
                read_page(version, request.invitation_type, body, |text| self.api.scrub(text))
            }) {
                Some(page) => (Meaning::Withdrawn, String::new(), Some(page)),
                None => {
                    let Verdict { meaning, words } = of_a_list(judged, &ending);
                    (meaning, cut(&self.api.scrub(&words)), None)
                }
            };
            tracing::debug!(page = request.number, came = page.is_some(), http_status = ending.http_status(),
                words = %words, "answer");
            let change = tell_pace(&self.pace, &self.stop, self.limits.backoff, permit, &ending, meaning);
            if let Some(page) = page {
                self.tally.pages += 1;
                self.tally.cost += page_cost(version, &ending);
                return Some(page);
            }
            self.tally.cost += cost(version, charged_as, &ending);
            if let Some(until) = change.held_until() {
                held(until);
            }
            match decide(meaning, history, self.limits.retries, self.limits.backoff, fastrand::f64()) {
                Decision::Settle(_) => {
                    let why = format!("page {} of the list could not be fetched ({words})", request.number);
                    let next = if meaning == Meaning::Rejected {
                        "the API refuses it, so asking again is no use before that is mended"
                    } else {
                        "run the same command again later"
                    };
                    self.stop.request(StopReason::TooManyFailures, format!("{why}: {next}"));
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
fn page_in(ending: &CallResult, read: impl Fn(&[u8]) -> Option<Page>) -> Option<Page> {
    match ending {
        CallResult::Answered(answer) if (200..300).contains(&answer.http_status) => read(&answer.body),
        CallResult::Answered(_) | CallResult::Lost(_) | CallResult::NotSent(_) => None,
    }
}

/// What an answer without a page means where a list was asked for. What came whole is not bought again.
fn of_a_list(verdict: Verdict, ending: &CallResult) -> Verdict {
    let rejected = |words: &str| Verdict { meaning: Meaning::Rejected, words: words.to_owned() };
    match verdict.meaning {
        // Its words, if any, are those of a withdrawal.
        Meaning::Withdrawn => rejected("an answer of success without a list"),
        Meaning::Lost if page_in(ending, |body| repeats_key(body).then(Page::default)).is_some() => {
            rejected("an answer that says something twice, and so nothing for certain")
        }
        Meaning::NotPending | Meaning::NotFound => Verdict { meaning: Meaning::Rejected, ..verdict },
        Meaning::Rejected
        | Meaning::KeyRefused
        | Meaning::LoginRefused
        | Meaning::AccountRefused
        | Meaning::CreditsUsedUp
        | Meaning::RateLimited
        | Meaning::ServerError
        | Meaning::Lost
        | Meaning::NotSent => verdict,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::api::{ApiVersion, HttpAnswer, InvitationType};
    use crate::invitation::{AccountName, Country};
    use crate::pace::Rate;
    use crate::policy::Backoff;

    /// Answers each call with HTTP 200 and the next of these bodies.
    struct Bodies(ApiVersion, Mutex<VecDeque<&'static str>>);

    impl LinkUpApi for Bodies {
        fn version(&self) -> ApiVersion {
            self.0
        }

        async fn send(&self, _: ApiCall<'_>) -> CallResult {
            let body = self.1.lock().unwrap().pop_front().unwrap_or("<html>");
            CallResult::Answered(HttpAnswer { http_status: 200, body: body.into(), ..HttpAnswer::default() })
        }

        fn scrub(&self, text: &str) -> String {
            text.to_owned()
        }
    }

    /// What came of asking for one page, with two retries: whether it came, the calls, the most they can have cost, and
    /// what stopped the list.
    async fn asked(version: ApiVersion, bodies: &[&'static str]) -> (bool, u64, u64, String) {
        let api = Bodies(version, Mutex::new(bodies.iter().copied().collect()));
        let (stop, patience) = (Stop::default(), Duration::from_secs(9));
        let backoff = Backoff { base: Duration::from_secs(1), max: Duration::from_secs(1) };
        let limits = Limits { retries: 2, backoff, patience };
        let pace = Pace::new(Rate::Unlimited, patience);
        let mut lister = Lister { api: &api, pace, stop: stop.clone(), limits, tally: ListTally::default() };
        let (account, country) = (AccountName::default(), Country::default());
        let request =
            PageRequest { account, country, invitation_type: InvitationType::default(), number: 1, offset: 0 };
        let came = lister.page(&request, |_| {}).await.is_some();
        let detail = stop.cause().map(|cause| cause.detail).unwrap_or_default();
        (came, lister.tally.calls, lister.tally.cost.possible, detail)
    }

    #[tokio::test(start_paused = true)]
    async fn a_whole_answer_that_is_no_page_is_not_bought_again() {
        let (without, twice) = ("an answer of success without a list", "an answer that says something twice");
        let cases = [
            (ApiVersion::V1, r#"{"status": "success", "data": {}}"#, without),
            (ApiVersion::V1, r#"{"status": "Success", "message": ""}"#, without),
            (ApiVersion::V1, r#"{"status": "success", "data": {"invitations": [], "invitations": []}}"#, without),
            (ApiVersion::V1, r#"{"status": "success", "data": {}, "data": {"invitations": []}}"#, twice),
            (ApiVersion::V2, r#"{"success": true, "data": {}}"#, without),
            (ApiVersion::V2, r#"{"success": true, "success": true, "data": {"invitations": []}}"#, twice),
        ];
        for (version, body, words) in cases {
            let (came, calls, possible, detail) = asked(version, &[body]).await;
            assert_eq!((came, calls, possible), (false, 1, 1), "{body}");
            assert!(detail.contains(words), "{body}: {detail}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_the_api_s_or_not_whole_is_asked_for_again() {
        let cases = [
            (ApiVersion::V1, r#"{"status": "success", "data": {"invitations": [] "#),
            (ApiVersion::V1, "<html>"),
            (ApiVersion::V1, ""),
            (ApiVersion::V2, r#"{"status": "success", "data": {"invitations": []}}"#),
        ];
        for (version, body) in cases {
            let page = match version {
                ApiVersion::V1 => r#"{"status": "Success", "data": {"invitations": null}}"#,
                ApiVersion::V2 => r#"{"success": true, "data": {"total_available_results": 0}}"#,
            };
            assert_eq!(asked(version, &[body, page]).await, (true, 2, 2, String::new()), "{body}");
        }
    }
}
