//! The balance in the answer of `GET /v2/credits`, whose shape nobody documents (`linkup-api.md`, V2, Balance): taken
//! where it is clear, done without where it is not.

use serde_json::Value;

use crate::api::CallResult;

/// Where a balance is likely to stand.
const NAMES: [&str; 9] = [
    "balance",
    "credits",
    "remaining",
    "available",
    "credits_remaining",
    "remaining_credits",
    "credits_available",
    "available_credits",
    "credits_left",
];

/// The credits that are left, in credits; `None` where the answer does not say so, or says two things.
pub(crate) fn balance(ending: &CallResult) -> Option<u64> {
    let CallResult::Answered(answer) = ending else { return None };
    if answer.http_status != 200 {
        return None;
    }
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    if body.get("success") == Some(&Value::Bool(false)) {
        return None;
    }
    let mut found = Vec::new();
    for place in [Some(&body), body.get("data")].into_iter().flatten() {
        gather(place, &mut found);
    }
    found.dedup();
    match found.as_slice() {
        [credits] => Some(*credits),
        _ => None,
    }
}

/// The numbers under likely names, also one level deeper: `{"credits": {"remaining": 7}}`.
fn gather(place: &Value, found: &mut Vec<u64>) {
    for value in NAMES.iter().filter_map(|name| place.get(*name)) {
        let inner = NAMES.iter().filter_map(|name| value.get(*name));
        found.extend(std::iter::once(value).chain(inner).filter_map(whole));
    }
    if place.is_number() {
        found.extend(whole(place));
    }
}

/// A number of credits; what is left of one buys nothing.
fn whole(value: &Value) -> Option<u64> {
    let number = value.as_u64().map(|number| number as f64).or_else(|| value.as_f64());
    let number = number.filter(|number| (0.0..1e15).contains(number))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just above")]
    Some(number.floor() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::HttpAnswer;

    #[test]
    fn a_balance_where_it_is_clear() {
        let cases = [
            (200, r#"{"success": true, "data": {"credits": 120}}"#, Some(120)),
            (200, r#"{"success": true, "data": {"balance": 7.5}}"#, Some(7)),
            (200, r#"{"credits_remaining": 0}"#, Some(0)),
            (200, r#"{"data": {"credits": {"remaining": 9, "used": 3}}}"#, Some(9)),
            (200, r#"{"data": {"credits": 9, "remaining": 9}}"#, Some(9)),
            (200, r#"{"data": 12}"#, Some(12)),
            // Two figures, and nobody knows which one counts.
            (200, r#"{"data": {"credits": 100, "remaining": 9}}"#, None),
            (200, r#"{"data": {"used": 100, "limit": 200}}"#, None),
            (200, r#"{"data": {"credits": "many"}}"#, None),
            (200, r#"{"data": {"credits": -1}}"#, None),
            (200, r#"{"success": false, "credits": 5}"#, None),
            (200, "<html>", None),
            (404, r#"{"credits": 5}"#, None),
        ];
        for (http_status, body, credits) in cases {
            let answer = HttpAnswer { http_status, body: body.into(), ..HttpAnswer::default() };
            assert_eq!(balance(&CallResult::Answered(answer)), credits, "{body}");
        }
        assert_eq!(balance(&CallResult::Lost(String::new())), None);
    }
}
