//! The time between two withdrawals of one account.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;

/// `--gap`: from `min` to `max`, drawn anew each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    min: Duration,
    max: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a valid gap: write it like 2s..6s, or 3s")]
pub(crate) struct GapError(String);

impl Gap {
    pub(crate) const fn is_zero(self) -> bool {
        self.max.is_zero()
    }

    /// `jitter`: from 0 to 1.
    pub(crate) fn draw(self, jitter: f64) -> Duration {
        self.min + (self.max - self.min).mul_f64(jitter)
    }

    /// The gap of one of so many shares, so that all of them together keep this one.
    pub(crate) fn times(self, shares: u32) -> Self {
        Self { min: self.min.saturating_mul(shares), max: self.max.saturating_mul(shares) }
    }

    /// What a gap comes to, over many.
    pub(crate) fn mean(self) -> Duration {
        self.draw(0.5)
    }
}

impl FromStr for Gap {
    type Err = GapError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let duration = |text: &str| Duration::try_from(text.trim().parse::<SignedDuration>().ok()?).ok();
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let gap = duration(min).zip(duration(max)).map(|(min, max)| Self { min, max });
        gap.filter(|gap| gap.min <= gap.max).ok_or_else(|| GapError(text.to_owned()))
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        write!(f, "{:#}", shown(self.min))?;
        if self.min == self.max { Ok(()) } else { write!(f, "..{:#}", shown(self.max)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_as_people_write_them() {
        let cases = [
            ("2s..6s", Some("2s..6s"), [2_000, 3_000, 6_000]),
            (" 500ms .. 1m ", Some("500ms..1m"), [500, 15_375, 60_000]),
            ("3s", Some("3s"), [3_000, 3_000, 3_000]),
            ("0s", Some("0s"), [0, 0, 0]),
            ("6s..2s", None, [0; 3]),
            ("-1s..2s", None, [0; 3]),
            ("2..6", None, [0; 3]),
            ("2s..", None, [0; 3]),
            ("2s..4s..6s", None, [0; 3]),
            ("", None, [0; 3]),
        ];
        for (text, shown, drawn) in cases {
            let gap = text.parse::<Gap>().ok();
            assert_eq!(gap.map(|gap| gap.to_string()).as_deref(), shown, "{text:?}");
            for (jitter, millis) in [0.0, 0.25, 1.0].into_iter().zip(drawn) {
                let drawn = gap.map_or(Duration::ZERO, |gap| gap.draw(jitter));
                assert_eq!(drawn, Duration::from_millis(millis), "{text:?} {jitter}");
            }
        }
    }
}
