//! How long to wait: exponential back-off with jitter, for one row's retry and for the hold of the whole run.

use std::time::Duration;

/// The bounds of every back-off (`--retry-base`, `--retry-max`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backoff {
    /// The first wait, before jitter.
    pub base: Duration,
    /// No wait is longer.
    pub max: Duration,
}

/// The wait before a row's next attempt, `retries` of which are used up; `jitter` is in `0.0..1.0`.
///
/// Between half and all of the doubled base: rows that failed together must not come back together, yet none comes
/// back at once.
pub(crate) fn retry_delay(backoff: Backoff, retries: u32, jitter: f64) -> Duration {
    let doubled = backoff.base.saturating_mul(2_u32.saturating_pow(retries)).min(backoff.max);
    doubled.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

/// How long every worker holds back after a rate-limit answer.
///
/// `refusals` counts the times in a row that the API refused whoever asked first after a hold. The hold is never
/// shorter than what the API asks for (`hint`), and a little jitter is laid on top of that, since other programs on
/// the same key were told the same; nor is it shorter than our own back-off, since an API that says "0" and refuses
/// again would sell us one refusal after the other.
pub(crate) fn hold(backoff: Backoff, refusals: u32, hint: Option<Duration>, jitter: f64) -> Duration {
    let own = retry_delay(backoff, refusals, jitter);
    match hint {
        Some(hint) => hint.saturating_add(own.min(hint / 10)).max(own),
        None => own,
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
}
