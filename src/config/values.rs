//! Values as people write them: durations, ages, switches, paths.

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;

/// Anything that can be parsed from trimmed text.
pub(crate) fn parsed<T: FromStr>(value: &OsStr) -> Option<T> {
    text(value)?.parse().ok()
}

/// Trimmed text with something in it.
pub(crate) fn text(value: &OsStr) -> Option<&str> {
    value.to_str().map(str::trim).filter(|text| !text.is_empty())
}

pub(crate) fn string(value: &OsStr) -> Option<String> {
    text(value).map(str::to_owned)
}

/// A list of texts, as a layer holds it; each with something in it.
pub(crate) fn texts(value: &OsStr) -> Option<Vec<String>> {
    let texts: Vec<String> = serde_json::from_str(text(value)?).ok()?;
    texts.iter().all(|text| !text.trim().is_empty()).then_some(texts)
}

pub(crate) fn path(value: &OsStr) -> Option<PathBuf> {
    (!value.is_empty()).then(|| value.into())
}

pub(crate) fn switch(value: &OsStr) -> Option<bool> {
    match text(value)?.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// A number of workers, from 1 to 1,000: more only wait for each other.
pub(crate) fn workers(value: &OsStr) -> Option<usize> {
    parsed::<NonZeroUsize>(value).map(NonZeroUsize::get).filter(|workers| *workers <= 1_000)
}

/// `500ms`, `1s`, `15m`, `1h 30m`, `2d` (a day is 24 hours). No bare number: nobody could tell its unit.
pub(crate) fn duration(value: &OsStr) -> Option<Duration> {
    let text = text(value)?;
    if let Some(days) = text.strip_suffix('d').and_then(|days| days.trim().parse::<u32>().ok()) {
        return Some(Duration::from_secs(u64::from(days) * 86_400));
    }
    Duration::try_from(text.parse::<SignedDuration>().ok()?).ok()
}

/// A duration longer than zero.
pub(crate) fn time_limit(value: &OsStr) -> Option<Duration> {
    duration(value).filter(|duration| !duration.is_zero())
}

/// `20ms..80ms`
pub(crate) fn duration_range(value: &OsStr) -> Option<(Duration, Duration)> {
    let (min, max) = text(value)?.split_once("..")?;
    let (min, max) = (duration(OsStr::new(min))?, duration(OsStr::new(max))?);
    (min <= max).then_some((min, max))
}

/// `30d`, `4w`, `3mo`, `1y` in days; a month is 30 days, a year 365. Zero is no age: whoever means it leaves it out.
pub(crate) fn age(value: &OsStr) -> Option<u32> {
    let text = text(value)?;
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let days = match unit {
        "d" => 1,
        "w" => 7,
        "mo" => 30,
        "y" => 365,
        _ => return None,
    };
    number.parse::<u32>().ok()?.checked_mul(days).filter(|days| *days > 0)
}

/// One ASCII character that can't be part of an ID or a quote, or `tab`.
pub(crate) fn delimiter(value: &OsStr) -> Option<u8> {
    match value.as_encoded_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Some(*byte),
        b"tab" | b"\\t" => Some(b'\t'),
        _ => None,
    }
}

/// The value of that name.
pub(crate) fn one_of<T: Copy>(value: &OsStr, choices: &[(&str, T)]) -> Option<T> {
    let text = text(value)?.to_ascii_lowercase();
    choices.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_people_write_them() {
        let cases = [
            ("500ms", Some(500)),
            (" 1s ", Some(1_000)),
            ("15m", Some(900_000)),
            ("1h 30m", Some(5_400_000)),
            ("2d", Some(172_800_000)),
            ("0s", Some(0)),
            ("-1s", None),
            ("15", None),
            ("soon", None),
            ("", None),
        ];
        for (text, millis) in cases {
            assert_eq!(duration(OsStr::new(text)), millis.map(Duration::from_millis), "{text:?}");
        }
        assert_eq!(time_limit(OsStr::new("0s")), None);
        for (text, range) in [("20ms..80ms", Some((20, 80))), ("80ms..20ms", None), ("20ms", None)] {
            let range = range.map(|(min, max)| (Duration::from_millis(min), Duration::from_millis(max)));
            assert_eq!(duration_range(OsStr::new(text)), range, "{text:?}");
        }
    }

    #[test]
    fn ages_as_people_write_them() {
        let cases = [
            ("30d", Some(30)),
            ("4w", Some(28)),
            (" 3mo ", Some(90)),
            ("1y", Some(365)),
            ("0d", None),
            ("30", None),
            ("d", None),
            ("-1d", None),
            // A minute? A month?
            ("3m", None),
            ("1.5y", None),
            ("30 d", None),
            ("4294967295w", None),
            ("", None),
        ];
        for (text, days) in cases {
            assert_eq!(age(OsStr::new(text)), days, "{text:?}");
        }
    }

    #[test]
    fn delimiters_and_workers() {
        for (text, byte) in
            [(";", Some(b';')), ("tab", Some(b'\t')), ("\"", None), ("ab", None), ("", None), ("é", None)]
        {
            assert_eq!(delimiter(OsStr::new(text)), byte, "{text:?}");
        }
        for (text, count) in [("1", Some(1)), (" 1000 ", Some(1_000)), ("1001", None), ("0", None), ("x", None)] {
            assert_eq!(workers(OsStr::new(text)), count, "{text:?}");
        }
    }
}
