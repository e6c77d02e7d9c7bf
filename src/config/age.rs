//! Ages as people write them, in days.

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write an age like 30d, 4w, 3mo or 1y (a month is 30 days, a year 365)")]
pub(crate) struct AgeError;

/// `30d`, `4w`, `3mo`, `1y` in days (`contract.md`, Output of `list`).
pub(crate) fn parse_age(text: &str) -> Result<u32, AgeError> {
    let text = text.trim();
    let unit = text.find(|c: char| !c.is_ascii_digit()).ok_or(AgeError)?;
    let (number, unit) = text.split_at(unit);
    let days = match unit {
        "d" => 1,
        "w" => 7,
        "mo" => 30,
        "y" => 365,
        _ => return Err(AgeError),
    };
    let number: u32 = number.parse().map_err(|_| AgeError)?;
    number.checked_mul(days).filter(|days| *days > 0).ok_or(AgeError)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(parse_age(text).ok(), days, "{text:?}");
        }
    }
}
