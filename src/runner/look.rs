//! A look at key, account or balance: one call with the pace and retries of a page. What it finds stops nothing.

use super::Limits;
use super::ask::{Nothing, Shown};
use super::call::{Caller, Journal, Judged};
use crate::api::{ApiCall, CallKind, CallResult, LinkUpApi};
use crate::policy::{Cost, Meaning, Verdict, cost, cut, judge, page_cost};

/// Why there was nothing to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoLook {
    /// The stop says why.
    Stopped,
    /// What the last answer means, and its words.
    Refused(Meaning, String),
}

impl<A: LinkUpApi, J: Journal> Caller<A, J> {
    /// What `read` finds in the call's answer.
    pub(crate) async fn look<T>(
        &self,
        call: ApiCall<'_>,
        limits: &Limits,
        read: impl Fn(&CallResult) -> Option<T>,
    ) -> Result<T, NoLook> {
        let judge = |result: &CallResult| self.judge_look(call.kind(), result, read(result));
        self.ask(call, limits, judge).await.map_err(|nothing| match nothing {
            Nothing::Stopped => NoLook::Stopped,
            Nothing::Refused(meaning, words, _) => NoLook::Refused(meaning, words),
        })
    }

    fn judge_look<T>(&self, kind: CallKind, result: &CallResult, seen: Option<T>) -> Judged<Shown<T>> {
        let version = self.api.version();
        let verdict = judge(version, result, "", &self.confirming);
        let cost = match (kind, &seen) {
            (CallKind::Balance | CallKind::Account, _) => Cost::default(),
            (CallKind::List, Some(_)) => page_cost(version, result),
            // An answer that is not what was asked for may have been charged.
            (CallKind::Key | CallKind::List | CallKind::Withdraw, _) => {
                let is_success = seen.is_some() || verdict.meaning == Meaning::Withdrawn;
                cost(version, if is_success { Meaning::Unclear } else { verdict.meaning }, result)
            }
        };
        let (meaning, value) = match seen {
            Some(seen) => (Meaning::Withdrawn, Ok(seen)),
            None => {
                let (meaning, words) = of_a_look(verdict, result.http_status());
                (meaning, Err((meaning, cut(&self.api.scrub(&words)))))
            }
        };
        tracing::debug!(?kind, ?meaning, http_status = result.http_status(), "answer");
        Judged { meaning, cost, settlement: None, value }
    }
}

/// What an answer means in which there was nothing to see. What came whole is not asked for again.
fn of_a_look(verdict: Verdict, http_status: Option<u16>) -> (Meaning, String) {
    let Verdict { meaning, words, is_unknown: _ } = verdict;
    match meaning {
        Meaning::Withdrawn | Meaning::Unclear => (Meaning::Rejected, "an answer of an unknown form".to_owned()),
        Meaning::NotPending => (Meaning::Rejected, words),
        // No such address there.
        Meaning::Lost if matches!(http_status, Some(404 | 405)) => (Meaning::Rejected, words),
        Meaning::NotFound
        | Meaning::Rejected
        | Meaning::Refused(_)
        | Meaning::RateLimited
        | Meaning::ServerError
        | Meaning::Lost
        | Meaning::NotSent => (meaning, words),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::Answers;
    use super::*;
    use crate::api::ApiVersion;
    use crate::event::Event;
    use crate::invitation::AccountName;
    use crate::stop::Refusal;

    /// What came of a look with two retries, which finds a body that says "here"; with the calls and what they can have
    /// cost.
    async fn looked(call: ApiCall<'_>, answers: &[(u16, &'static str)]) -> (Result<(), NoLook>, u64, Cost) {
        let version = if call.kind() == CallKind::Key { ApiVersion::V1 } else { ApiVersion::V2 };
        let (caller, mut heard) = Caller::bare(Answers::new(version, answers.iter().copied()));
        let read = |result: &CallResult| (result.success_body()? == b"here").then_some(());
        let seen = caller.look(call, &Limits { retries: 2, patience: Duration::from_secs(9) }, read).await;
        assert_eq!(caller.stop.cause(), None);
        let (mut calls, mut spent) = (0, Cost::default());
        while let Ok(event) = heard.try_recv() {
            if let Event::Called(called) = event {
                calls += 1;
                spent += called.cost;
            }
        }
        (seen, calls, spent)
    }

    const KEY_REFUSED: &str = r#"{"status": "error", "message": "Invalid API key"}"#;
    const UNKNOWN_ACCOUNT: &str = r#"{"success": false, "error": {"code": "INVALID_ACCOUNT", "message": "no secret"}}"#;

    /// No refusal stops what is looked at next.
    #[tokio::test(start_paused = true)]
    async fn what_a_look_finds_and_costs() {
        let account = AccountName::default();
        let (key, of_account) = (ApiCall::Key(&account), ApiCall::Account(&account));
        let refused = |meaning, words: &str| Err(NoLook::Refused(meaning, words.to_owned()));
        let not_sent = || refused(Meaning::NotSent, "no connection");
        let cases = [
            (key, vec![(200, "here")], Ok(()), 1, (0, 1)),
            (key, vec![(200, KEY_REFUSED)], refused(Meaning::Refused(Refusal::Key), "Invalid API key"), 1, (0, 1)),
            (key, vec![], not_sent(), 3, (0, 0)),
            (key, vec![(502, "<html>"), (200, "here")], Ok(()), 2, (0, 2)),
            // What came whole is not paid for again.
            (
                key,
                vec![(200, r#"{"status": "success"}"#)],
                refused(Meaning::Rejected, "an answer of an unknown form"),
                1,
                (0, 1),
            ),
            (of_account, vec![(200, "here")], Ok(()), 1, (0, 0)),
            (
                of_account,
                vec![(404, UNKNOWN_ACCOUNT)],
                refused(Meaning::Refused(Refusal::Account), "INVALID_ACCOUNT: no ***"),
                1,
                (0, 0),
            ),
            (of_account, vec![(502, "<html>"), (200, "here")], Ok(()), 2, (0, 0)),
            // No such address: that would not change.
            (
                of_account,
                vec![(404, "<html>")],
                refused(Meaning::Rejected, "HTTP 404 with a body that is not the API's"),
                1,
                (0, 0),
            ),
        ];
        for (call, answers, expected, calls, (charged, possible)) in cases {
            let cost = Cost { charged, possible };
            assert_eq!(looked(call, &answers).await, (expected, calls, cost), "{call:?} {answers:?}");
        }
    }
}
