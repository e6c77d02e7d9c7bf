//! The list's pages, one call after the other, with the same pace, retries and stops as a withdrawal.

use super::Limits;
use super::call::{Caller, Journal, Judged, stop_for};
use super::pacing::advice;
use crate::api::{ApiCall, CallResult, LinkUpApi, PageRequest};
use crate::listing::{Page, read_page, repeats_key};
use crate::policy::{Decision, Meaning, PriorCalls, Verdict, cost, cut, decide, judge, page_cost};

/// What a call for a page came to.
enum PageCall {
    Page(Page),
    /// No page; and why, for people.
    Without(Decision, Meaning, String),
}

/// Why a page did not come.
#[derive(Debug)]
pub(crate) enum NoPage {
    /// The stop says why.
    Stopped,
    /// It can't be had, for this reason. What came before it can still be used.
    Unavailable(String),
}

impl<A: LinkUpApi, J: Journal> Caller<A, J> {
    /// Fetches one page.
    pub(crate) async fn page(&self, request: &PageRequest, limits: &Limits) -> Result<Page, NoPage> {
        let mut prior = PriorCalls::default();
        let mut is_retry = false;
        let stop = &self.bounds.account(&request.account).stop;
        loop {
            let call = ApiCall::Page(request);
            let made = self.call(call, is_retry, |result, _| self.judge_page(request, prior, limits, result)).await;
            let made = made.ok_or(NoPage::Stopped)?;
            if let Err(error) = made.write.await {
                stop_for(&self.stop, &error);
                return Err(NoPage::Stopped);
            }
            let (decision, meaning, reason) = match made.value {
                PageCall::Page(page) => return Ok(page),
                PageCall::Without(decision, meaning, reason) => (decision, meaning, reason),
            };
            match decision {
                Decision::Settle(_) => {
                    let next = if meaning == Meaning::Rejected {
                        "the API refuses it, so asking again is of no use before that is resolved"
                    } else {
                        "run the same command again later"
                    };
                    let detail = format!("page {} of the list could not be fetched ({reason}): {next}", request.number);
                    return Err(NoPage::Unavailable(detail));
                }
                Decision::SettleAndStop(_, why) => {
                    stop.request(why, advice(why, &reason));
                    return Err(NoPage::Stopped);
                }
                Decision::Retry(wait) => stop.or(tokio::time::sleep(wait)).await.ok_or(NoPage::Stopped)?,
                // The pace holds, and gives up when its patience ends.
                Decision::Hold => {}
            }
            prior = prior.after(meaning);
            is_retry = true;
        }
    }

    fn judge_page(
        &self,
        request: &PageRequest,
        prior: PriorCalls,
        limits: &Limits,
        result: &CallResult,
    ) -> Judged<PageCall> {
        let version = self.api.version();
        let read = |body: &[u8]| read_page(version, request.invitation_type, body, |text| self.api.scrub(text));
        if let Some(page) = result.success_body().and_then(read) {
            tracing::debug!(page = request.number, "answer");
            let cost = page_cost(version, result);
            return Judged { meaning: Meaning::Withdrawn, cost, settlement: None, value: PageCall::Page(page) };
        }
        let judged = judge(version, result, "", &self.confirming);
        // A success that is no page may have been charged as one.
        let charged_as = if judged.meaning == Meaning::Withdrawn { Meaning::Lost } else { judged.meaning };
        let cost = cost(version, charged_as, result);
        let Verdict { meaning, words, is_unknown: _ } = of_a_list(judged, result);
        let reason = cut(&self.api.scrub(&words));
        tracing::debug!(page = request.number, ?meaning, http_status = result.http_status(), words = %reason, "answer");
        let decision = decide(meaning, prior, limits.retries, self.backoff, fastrand::f64());
        Judged { meaning, cost, settlement: None, value: PageCall::Without(decision, meaning, reason) }
    }
}

/// What an answer without a page means where a list was asked for. What came whole is not paid for again.
fn of_a_list(verdict: Verdict, result: &CallResult) -> Verdict {
    let rejected = |words: &str| Verdict { meaning: Meaning::Rejected, words: words.to_owned(), is_unknown: false };
    match verdict.meaning {
        // Its words, if any, are those of a withdrawal.
        Meaning::Withdrawn | Meaning::Unclear => rejected("an answer of success without a list"),
        Meaning::Lost if result.success_body().is_some_and(repeats_key) => {
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
    use crate::api::{ApiVersion, CallKind, HttpAnswer, InvitationType};
    use crate::event::Event;
    use crate::invitation::{AccountName, Country};

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
    /// why it did not come.
    async fn asked(version: ApiVersion, bodies: &[&'static str]) -> (bool, u64, u64, String) {
        let api = Bodies(version, Mutex::new(bodies.iter().copied().collect()));
        let (caller, mut heard) = Caller::bare(api);
        let limits = Limits { retries: 2, patience: Duration::from_secs(9) };
        let request = PageRequest::first(AccountName::default(), Country::default(), InvitationType::default());
        let (came, detail) = match caller.page(&request, &limits).await {
            Ok(_) => (true, String::new()),
            Err(NoPage::Unavailable(detail)) => (false, detail),
            Err(NoPage::Stopped) => panic!("{:?}", caller.stop.cause()),
        };
        let (mut calls, mut possible) = (0, 0);
        while let Ok(event) = heard.try_recv() {
            let Event::Called(called) = event else { panic!("{event:?}") };
            assert_eq!((called.kind, called.is_retry), (CallKind::List, calls > 0));
            calls += 1;
            possible += called.cost.possible;
        }
        (came, calls, possible, detail)
    }

    #[tokio::test(start_paused = true)]
    async fn a_whole_answer_that_is_no_page_is_not_paid_for_again() {
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
