//! Durations as people write them: `500ms`, `1s`, `15m`, `1h 30m`, `2d`.

use std::time::Duration;

use jiff::SignedDuration;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no duration: write it like 500ms, 30s, 15m or 2h")]
pub(crate) struct DurationError(String);

/// Reads a duration; a day is 24 hours.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let error = || DurationError(text.to_owned());
    let text = text.trim();
    if let Some(days) = text.strip_suffix('d').and_then(|days| days.trim().parse::<u32>().ok()) {
        return Ok(Duration::from_secs(u64::from(days) * 86_400));
    }
    let duration: SignedDuration = text.parse().map_err(|_| error())?;
    Duration::try_from(duration).map_err(|_| error())
}

/// The same, as one would type it.
pub(super) fn show_duration(duration: Duration) -> String {
    SignedDuration::try_from(duration).map_or_else(|_| format!("{duration:?}"), |duration| format!("{duration:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_people_write_them() {
        let cases = [
            ("500ms", Some(500)),
            ("1s", Some(1_000)),
            ("60s", Some(60_000)),
            ("15m", Some(900_000)),
            ("1h 30m", Some(5_400_000)),
            ("1h30m", Some(5_400_000)),
            ("2d", Some(172_800_000)),
            ("0s", Some(0)),
            ("5", None),
            ("-1s", None),
            ("", None),
            ("soon", None),
        ];
        for (text, millis) in cases {
            assert_eq!(parse_duration(text).ok(), millis.map(Duration::from_millis), "{text:?}");
        }
    }
}
