//! What an answer's headers ask of the pace. They never change what the answer means.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::api::PaceHeaders;

/// A reset above this is a moment in Unix seconds, not a number of seconds from now.
const EPOCH_FROM: f64 = 1e9;
/// And above this in Unix milliseconds.
const EPOCH_MILLIS_FROM: f64 = 1e11;

/// How long the API asks us to wait before the next call, if it does.
///
/// `Retry-After` is seconds or an HTTP date (RFC 9110, 10.2.3). `RateLimit-Remaining: 0` with `RateLimit-Reset`
/// (seconds, or Unix time) says the same. No page of the API mentions either; they are obeyed if they come.
pub(crate) fn pace_hint(headers: &PaceHeaders, now: SystemTime) -> Option<Duration> {
    let retry_after = headers.retry_after.as_deref().and_then(|value| moment_or_seconds(value, now));
    let used_up = headers.remaining.as_deref().is_some_and(|value| value.trim() == "0");
    let reset = headers.reset.as_deref().filter(|_| used_up).and_then(|value| moment_or_seconds(value, now));
    retry_after.max(reset)
}

fn moment_or_seconds(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let until = |moment: SystemTime| moment.duration_since(now).unwrap_or_default();
    match value.parse::<f64>() {
        Ok(millis) if millis >= EPOCH_MILLIS_FROM => {
            UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(millis / 1_000.0).ok()?).map(until)
        }
        Ok(seconds) if seconds >= EPOCH_FROM => {
            UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?).map(until)
        }
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => httpdate::parse_http_date(value).ok().map(until),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_headers_ask_for() {
        let now = UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        let date = httpdate::fmt_http_date(now + Duration::from_secs(90));
        let past = httpdate::fmt_http_date(now - Duration::from_secs(90));
        let some = |value: &str| Some(value.to_owned());
        let cases = [
            (None, None, None, None),
            (some("30"), None, None, Some(30.0)),
            (some(" 1.5 "), None, None, Some(1.5)),
            (some("0"), None, None, Some(0.0)),
            (some(&date), None, None, Some(90.0)),
            (some(&past), None, None, Some(0.0)),
            (some("-5"), None, None, None),
            (some("soon"), None, None, None),
            (some("1e400"), None, None, None),
            (some("1e23"), None, None, None),
            (some("NaN"), None, None, None),
            (None, some("0"), some("12"), Some(12.0)),
            (None, some("0"), some("1795000045"), Some(45.0)),
            (None, some("0"), some("1795000045000"), Some(45.0)),
            (None, some("7"), some("12"), None),
            (None, None, some("12"), None),
            (some("30"), some("0"), some("12"), Some(30.0)),
            (some("5"), some("0"), some("12"), Some(12.0)),
        ];
        for (retry_after, remaining, reset, seconds) in cases {
            let headers = PaceHeaders { retry_after, remaining, reset };
            let expected = seconds.map(Duration::from_secs_f64);
            assert_eq!(pace_hint(&headers, now), expected, "{headers:?}");
        }
    }
}
