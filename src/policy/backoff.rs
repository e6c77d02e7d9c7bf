//! How long to wait: exponential back-off with jitter, for one row's retry and for the hold of the whole run, and what an
//! answer's headers ask for. Headers only change the pace, never what an answer means.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::api::PaceHeaders;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backoff {
    /// `--retry-base`: the first wait, before jitter.
    pub base: Duration,
    /// `--retry-max`: the longest wait.
    pub max: Duration,
}

/// The wait before a row's next attempt, after `retries` retries; `jitter` is in `0.0..1.0`.
///
/// Between half and all of the doubled base, so that rows which failed together are not retried together, and none is
/// retried at once.
pub(crate) fn retry_delay(backoff: Backoff, retries: u32, jitter: f64) -> Duration {
    let doubled = backoff.base.saturating_mul(2_u32.saturating_pow(retries)).min(backoff.max);
    doubled.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

/// How long every worker waits after a rate-limit answer.
///
/// `refusals` counts the consecutive holds after which the first call was refused again. The hold is never shorter than
/// what the API asks for (`hint`), plus a little jitter, since other programs with the same key wait for the same moment.
/// Nor is it shorter than our own back-off, since an API that asks for 0 seconds and refuses again would charge for each
/// refusal.
pub(crate) fn hold(backoff: Backoff, refusals: u32, hint: Option<Duration>, jitter: f64) -> Duration {
    let own = retry_delay(backoff, refusals, jitter);
    match hint {
        Some(hint) => hint.saturating_add(own.min(hint / 10)).max(own),
        None => own,
    }
}

/// From here on a number is a time in Unix seconds, not a number of seconds from now.
const MIN_UNIX_SECONDS: f64 = 1e9;
/// From here on it is in Unix milliseconds.
const MIN_UNIX_MILLIS: f64 = 1e11;

/// How long the headers ask to wait before the next call, if they do.
///
/// `Retry-After` is seconds or an HTTP date (RFC 9110, 10.2.3). `RateLimit-Remaining: 0` with `RateLimit-Reset`
/// (seconds, or Unix time) says the same. The vendor documents neither (docs/linkup-api.md, "V1").
pub(crate) fn pace_hint(headers: &PaceHeaders, now: SystemTime) -> Option<Duration> {
    let retry_after = headers.retry_after.as_deref().and_then(|value| moment_or_seconds(value, now));
    let used_up = headers.remaining.as_deref().is_some_and(|value| value.trim() == "0");
    let reset = headers.reset.as_deref().filter(|_| used_up).and_then(|value| moment_or_seconds(value, now));
    retry_after.max(reset)
}

fn moment_or_seconds(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let until = |moment: SystemTime| moment.duration_since(now).unwrap_or_default();
    // What is too large for a number is longer than any patience.
    let until_unix = |seconds: f64| {
        let moment = Duration::try_from_secs_f64(seconds).ok().and_then(|since| UNIX_EPOCH.checked_add(since));
        Some(moment.map_or(Duration::MAX, until))
    };
    match value.parse::<f64>() {
        Ok(millis) if millis >= MIN_UNIX_MILLIS => until_unix(millis / 1_000.0),
        Ok(seconds) if seconds >= MIN_UNIX_SECONDS => until_unix(seconds),
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => httpdate::parse_http_date(value).ok().map(until),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { base: Duration::from_secs(1), max: Duration::from_secs(60) };

    #[test]
    fn waits_double_up_to_the_longest_and_jitter_takes_at_most_half() {
        let cases = [
            (0, 0.0, 500),
            (0, 1.0, 1_000),
            (1, 1.0, 2_000),
            (2, 0.5, 3_000),
            (5, 1.0, 32_000),
            (6, 1.0, 60_000),
            (6, 0.0, 30_000),
            (u32::MAX, 1.0, 60_000),
        ];
        for (retries, jitter, millis) in cases {
            assert_eq!(retry_delay(BACKOFF, retries, jitter), Duration::from_millis(millis), "{retries} {jitter}");
        }
    }

    #[test]
    fn a_hold_is_never_shorter_than_what_the_api_asks_for() {
        let cases = [
            (0, None, 1.0, 1_000),
            (3, None, 1.0, 8_000),
            (0, Some(120), 0.0, 120_500),
            (9, Some(120), 1.0, 132_000),
            (0, Some(1), 1.0, 1_100),
            (4, Some(0), 1.0, 16_000),
        ];
        for (refusals, hint, jitter, millis) in cases {
            let hint = hint.map(Duration::from_secs);
            assert_eq!(hold(BACKOFF, refusals, hint, jitter), Duration::from_millis(millis), "{refusals} {hint:?}");
        }
    }

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
        for huge in ["1e400", "1e23", "1e300", &"9".repeat(400), "99999999999999999999999999"] {
            let headers = PaceHeaders { retry_after: some(huge), ..PaceHeaders::default() };
            assert_eq!(pace_hint(&headers, now), Some(Duration::MAX), "{huge}");
        }
    }
}
