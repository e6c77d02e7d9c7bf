//! The two versions behind one question: what a call's end means, and what it cost.

use serde::Deserialize;

use super::credits::{cost_v1, cost_v2};
use super::judge_v2::Body;
use super::{Cost, Meaning, Verdict, judge_v1, judge_v2};
use crate::api::ApiVersion;
use crate::api::CallResult;

/// An answer's members, where it is a JSON object; `None` for anything else.
pub(super) fn members<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    // serde would take an array for the members in their order.
    body.first().filter(|byte| **byte == b'{').and_then(|_| serde_json::from_slice(body).ok())
}

/// What a call's end means for the invitation of this ID.
pub(crate) fn judge(version: ApiVersion, ending: &CallResult, id: &str) -> Verdict {
    match version {
        ApiVersion::V1 => judge_v1::judge_v1(ending),
        ApiVersion::V2 => judge_v2::judge_v2(ending, id),
    }
}

/// What a call that ended so and meant this cost, in credits.
pub(crate) fn cost(version: ApiVersion, meaning: Meaning, ending: &CallResult) -> Cost {
    match version {
        ApiVersion::V1 => cost_v1(meaning, ending.http_status()),
        ApiVersion::V2 => {
            let consumed = match ending {
                CallResult::Answered(answer) => Body::parse(&answer.body).and_then(|body| body.credits_consumed()),
                CallResult::Lost(_) | CallResult::NotSent(_) => None,
            };
            cost_v2(meaning, consumed)
        }
    }
}

/// What a page of the list cost: one credit on V1 (docs/linkup-api.md, "Sent invitations"), what the answer says on V2.
pub(crate) fn page_cost(version: ApiVersion, ending: &CallResult) -> Cost {
    cost(version, Meaning::Withdrawn, ending)
}
