//! What a call cost: what was surely charged, and the most that can have been. And the balance, which V2 can be asked for.

use std::ops::AddAssign;

use super::Meaning;
use super::judge::members;
use super::judge_v2::AnswerV2;
use crate::api::{ApiVersion, CallResult};

/// No call costs more.
const MAX_CREDITS: u64 = 1_000_000;

/// The credits of one or more calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Surely charged.
    pub charged: u64,
    /// The most that can have been charged.
    pub possible: u64,
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.charged = self.charged.saturating_add(other.charged);
        self.possible = self.possible.saturating_add(other.possible);
    }
}

/// What a call with this result and meaning cost.
pub(crate) fn cost(version: ApiVersion, meaning: Meaning, result: &CallResult) -> Cost {
    match version {
        ApiVersion::V1 => cost_v1(meaning, result.http_status()),
        ApiVersion::V2 => cost_v2(meaning, credits_consumed(result)),
    }
}

/// What a page of the list cost: one credit on V1 (docs/linkup-api.md, "Sent invitations"), what the answer says on V2.
pub(crate) fn page_cost(version: ApiVersion, result: &CallResult) -> Cost {
    cost(version, Meaning::Withdrawn, result)
}

/// The cost of one V1 call. One page of the vendor says that a withdrawal costs one credit, another that every answered call
/// does, except with HTTP 500. Both can be true, hence two figures (docs/linkup-api.md, "Credits").
fn cost_v1(meaning: Meaning, http_status: Option<u16>) -> Cost {
    let possible = match meaning {
        Meaning::NotSent | Meaning::ServerError => 0,
        // The status of a lost answer is not the API's, so it says nothing about the charge.
        Meaning::Withdrawn | Meaning::Lost | Meaning::Unclear => 1,
        Meaning::NotPending | Meaning::NotFound | Meaning::Rejected | Meaning::Refused(_) | Meaning::RateLimited => {
            u64::from(http_status != Some(500))
        }
    };
    Cost { charged: u64::from(meaning == Meaning::Withdrawn), possible }
}

/// The cost of one V2 call. Its answer says what it consumed, and errors cost nothing (docs/linkup-api.md, "Credits"); a
/// call whose answer was lost, or does not say, may have cost one credit.
fn cost_v2(meaning: Meaning, consumed: Option<u64>) -> Cost {
    let charged = consumed.unwrap_or_default();
    let possible = match meaning {
        Meaning::Lost | Meaning::Unclear | Meaning::Withdrawn => consumed.unwrap_or(1),
        Meaning::NotPending
        | Meaning::NotFound
        | Meaning::Rejected
        | Meaning::Refused(_)
        | Meaning::RateLimited
        | Meaning::ServerError
        | Meaning::NotSent => charged,
    };
    Cost { charged, possible }
}

/// What a V2 call was charged (docs/linkup-api.md, "V2"), if the figure is plausible. A fraction counts as a whole credit.
fn credits_consumed(result: &CallResult) -> Option<u64> {
    let own = parse(result).filter(|answer| answer.is_own(result.http_status().unwrap_or_default()))?;
    let consumed = own.metadata?.get("credits_consumed")?.as_f64()?;
    whole(consumed, f64::ceil).filter(|credits| *credits <= MAX_CREDITS)
}

/// The credits left, from the answer to the call for the balance (docs/linkup-api.md, "Balance").
pub(crate) fn balance(result: &CallResult) -> Option<u64> {
    let is_ok = |answer: &AnswerV2| result.http_status() == Some(200) && answer.success == Some(true.into());
    let answer = parse(result).filter(is_ok)?;
    whole(answer.data?.get("credits")?.as_f64()?, f64::floor)
}

fn whole(number: f64, round: fn(f64) -> f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, and in the range")]
    (0.0..1e15).contains(&number).then_some(round(number) as u64)
}

fn parse(result: &CallResult) -> Option<AnswerV2> {
    match result {
        CallResult::Answered(answer) => members(&answer.body),
        CallResult::Lost(_) | CallResult::NotSent(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::HttpAnswer;
    use crate::stop::Refusal;

    fn answered(http_status: u16, body: &str) -> CallResult {
        CallResult::Answered(HttpAnswer { http_status, body: body.into(), ..HttpAnswer::default() })
    }

    #[test]
    fn what_each_v2_call_costs() {
        let cases = [
            (Meaning::Withdrawn, Some(1), (1, 1)),
            (Meaning::Withdrawn, Some(2), (2, 2)),
            (Meaning::Withdrawn, None, (0, 1)),
            (Meaning::NotPending, Some(0), (0, 0)),
            (Meaning::NotFound, Some(1), (1, 1)),
            (Meaning::RateLimited, None, (0, 0)),
            (Meaning::ServerError, Some(0), (0, 0)),
            (Meaning::Lost, None, (0, 1)),
            (Meaning::Lost, Some(0), (0, 0)),
            (Meaning::Lost, Some(3), (3, 3)),
            (Meaning::Unclear, None, (0, 1)),
            (Meaning::Unclear, Some(1), (1, 1)),
            (Meaning::NotSent, None, (0, 0)),
        ];
        for (meaning, consumed, (charged, possible)) in cases {
            assert_eq!(cost_v2(meaning, consumed), Cost { charged, possible }, "{meaning:?} {consumed:?}");
        }
    }

    /// V2's own form says what it cost under a gateway's status too.
    #[test]
    fn what_a_lost_v2_answer_costs() {
        let cases = [
            (r#"{"success": true, "metadata": {"credits_consumed": 1}}"#, (1, 1)),
            (r#"{"success": false, "error": {"code": "X"}, "metadata": {"credits_consumed": 0}}"#, (0, 0)),
            (r#"{"success": true}"#, (0, 1)),
            ("<html>", (0, 1)),
        ];
        for (body, (charged, possible)) in cases {
            let cost = cost(ApiVersion::V2, Meaning::Lost, &answered(502, body));
            assert_eq!(cost, Cost { charged, possible }, "{body}");
        }
    }

    #[test]
    fn what_each_v1_call_costs() {
        let cases = [
            (Meaning::Withdrawn, Some(200), (1, 1)),
            (Meaning::NotPending, Some(200), (0, 1)),
            (Meaning::NotFound, Some(404), (0, 1)),
            (Meaning::Rejected, Some(200), (0, 1)),
            (Meaning::Rejected, Some(500), (0, 0)),
            (Meaning::Refused(Refusal::Key), Some(403), (0, 1)),
            (Meaning::Refused(Refusal::Login), Some(200), (0, 1)),
            (Meaning::Refused(Refusal::Account), Some(403), (0, 1)),
            (Meaning::Refused(Refusal::Credits), Some(200), (0, 1)),
            (Meaning::RateLimited, Some(200), (0, 1)),
            (Meaning::RateLimited, Some(429), (0, 1)),
            (Meaning::RateLimited, Some(500), (0, 0)),
            (Meaning::ServerError, Some(500), (0, 0)),
            (Meaning::Lost, None, (0, 1)),
            (Meaning::Lost, Some(502), (0, 1)),
            (Meaning::Lost, Some(500), (0, 1)),
            (Meaning::Unclear, Some(200), (0, 1)),
            (Meaning::NotSent, None, (0, 0)),
        ];
        for (meaning, status, (charged, possible)) in cases {
            assert_eq!(cost_v1(meaning, status), Cost { charged, possible }, "{meaning:?} {status:?}");
        }
        for meaning in Meaning::ALL {
            assert!(cases.iter().any(|case| case.0 == meaning), "no case for {meaning:?}");
        }
    }

    #[test]
    fn the_exact_charge_is_read() {
        let cases = [
            (r#"{"success": true, "metadata": {"credits_consumed": 1}}"#, Some(1)),
            (r#"{"success": true, "metadata": {"credits_consumed": 0}}"#, Some(0)),
            (r#"{"success": true, "metadata": {"credits_consumed": 0.5}}"#, Some(1)),
            (r#"{"success": true, "metadata": {"credits_consumed": -1}}"#, None),
            (r#"{"success": true, "metadata": {"credits_consumed": -0.5}}"#, None),
            (r#"{"success": true, "metadata": {"credits_consumed": 18446744073709551615}}"#, None),
            (r#"{"success": true, "metadata": {"credits_consumed": "1"}}"#, None),
            (r#"{"success": true, "metadata": null}"#, None),
            (r#"{}"#, None),
            (r#"{"metadata": {"credits_consumed": 1}}"#, None),
        ];
        for (body, credits) in cases {
            assert_eq!(credits_consumed(&answered(200, body)), credits, "{body}");
        }
    }

    #[test]
    fn only_the_documented_balance_is_read() {
        let cases = [
            (200, r#"{"success": true, "data": {"credits": 4825}, "metadata": {"credits_consumed": 0}}"#, Some(4825)),
            (200, r#"{"success": true, "data": {"credits": 0}}"#, Some(0)),
            (200, r#"{"success": true, "data": {"credits": 7.5}}"#, Some(7)),
            (200, r#"{"success": true, "data": {"credits": -1}}"#, None),
            (200, r#"{"success": true, "data": {"credits": "many"}}"#, None),
            (200, r#"{"success": true, "data": {"balance": 7}}"#, None),
            (200, r#"{"success": true, "credits": 7}"#, None),
            (200, r#"{"success": false, "data": {"credits": 7}}"#, None),
            (200, r#"{"data": {"credits": 7}}"#, None),
            (200, "<html>", None),
            (404, r#"{"success": true, "data": {"credits": 7}}"#, None),
        ];
        for (http_status, body, credits) in cases {
            assert_eq!(balance(&answered(http_status, body)), credits, "{body}");
        }
        assert_eq!(balance(&CallResult::Lost(String::new())), None);
    }
}
