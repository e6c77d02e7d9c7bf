//! The list's pages, one call after the other, with the same pace, retries and stops as a withdrawal.

use super::Limits;
use super::ask::{Nothing, Shown};
use super::call::{Caller, Journal, Judged};
use super::pacing::advice;
use crate::api::{ApiCall, CallResult, LinkUpApi, PageRequest};
use crate::listing::{Page, read_page, repeats_key};
use crate::policy::{Meaning, Verdict, cost, cut, judge, page_cost};
use crate::stop::StopReason;

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
        let judge = |result: &CallResult| self.judge_page(request, result);
        self.ask(ApiCall::Page(request), limits, judge).await.map_err(|nothing| match nothing {
            Nothing::Stopped => NoPage::Stopped,
            Nothing::Refused(_, reason, Some(refusal)) => {
                let account = self.bounds.account(&request.account);
                account.stop.request(StopReason::Refused(refusal), advice(refusal, &reason, &account.secrets));
                NoPage::Stopped
            }
            Nothing::Refused(meaning, reason, None) => {
                let next = if meaning == Meaning::Rejected {
                    "the API would refuse it again until that is resolved"
                } else {
                    "retry later"
                };
                let number = request.number;
                NoPage::Unavailable(format!("page {number} of the list could not be fetched ({reason}): {next}"))
            }
        })
    }

    fn judge_page(&self, request: &PageRequest, result: &CallResult) -> Judged<Shown<Page>> {
        let version = self.api.version();
        let read = |body: &[u8]| read_page(version, request.invitation_type, body, |text| self.api.scrub(text));
        if let Some(page) = result.success_body().and_then(read) {
            tracing::debug!(page = request.number, "answer");
            let cost = page_cost(version, result);
            return Judged { meaning: Meaning::Withdrawn, cost, settlement: None, value: Ok(page) };
        }
        let judged = judge(version, result, "", &self.confirming);
        // A success that is no page may have been charged as one.
        let charged_as = if judged.meaning == Meaning::Withdrawn { Meaning::Lost } else { judged.meaning };
        let cost = cost(version, charged_as, result);
        let Verdict { meaning, words, is_unknown: _ } = of_a_list(judged, result);
        let reason = cut(&self.api.scrub(&words));
        tracing::debug!(page = request.number, ?meaning, http_status = result.http_status(), words = %reason, "answer");
        Judged { meaning, cost, settlement: None, value: Err((meaning, reason)) }
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
        | Meaning::Refused(_)
        | Meaning::RateLimited
        | Meaning::ServerError
        | Meaning::Lost
        | Meaning::NotSent => verdict,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::Answers;
    use super::*;
    use crate::api::{ApiVersion, CallKind, InvitationType};
    use crate::event::Event;
    use crate::invitation::{AccountName, Country};

    /// What came of asking for one page, with two retries: whether it came, the calls, the most they can have cost, and
    /// why it did not come.
    async fn asked(version: ApiVersion, bodies: &[&'static str]) -> (bool, u64, u64, String) {
        let answers = bodies.iter().map(|body| (200, *body));
        let (caller, mut heard) = Caller::bare(Answers::new(version, answers));
        let limits = Limits { retries: 2, patience: Duration::from_secs(9) };
        let request = PageRequest::first(AccountName::default(), Country::default(), InvitationType::default());
        let (came, detail) = match caller.page(&request, &limits).await {
            Ok(_) => (true, String::new()),
            Err(NoPage::Unavailable(detail)) => (false, detail),
            Err(NoPage::Stopped) => panic!("{:?}", caller.stop.cause()),
        };
        let (mut calls, mut possible) = (0, 0);
        while let Ok(event) = heard.try_recv() {
            if matches!(event, Event::Retrying { .. }) {
                continue;
            }
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
