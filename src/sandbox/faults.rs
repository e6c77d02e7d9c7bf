//! What goes wrong at random: shares of all calls, and the draw.
//!
//! Draws from a number it is given, so that one seeded source serves the whole sandbox.

use std::str::FromStr;

use super::Reply;

/// One thing that can go wrong with a call, whatever it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    RateLimited,
    ServerError,
    BadGateway,
    Closed,
    Truncated,
}

impl Fault {
    /// What the call gets.
    pub(super) fn reply(self) -> Reply {
        match self {
            Self::RateLimited => Reply::RateLimited,
            Self::ServerError => Reply::ServerError,
            Self::BadGateway => Reply::BadGateway,
            Self::Closed => Reply::Closed,
            Self::Truncated => Reply::Truncated,
        }
    }

    /// Whether the call may have been carried out all the same.
    pub(super) fn loses_the_answer(self) -> bool {
        match self {
            Self::RateLimited | Self::ServerError => false,
            Self::BadGateway | Self::Closed | Self::Truncated => true,
        }
    }
}

/// Which share of all calls goes wrong, and how; each 0.0 to 1.0, together at most 1.0.
///
/// Lists are calls too: what is done there is that their pages are put together, and paid for.
/// Parsed from `rate-limited=10%,500=5%,502=3%,closed=1%,truncated=1%`, each part optional.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Rate-limit error, with HTTP 200 on V1; nothing is done.
    pub rate_limited: f64,
    /// The API's own HTTP 500, as JSON; nothing is done.
    pub server_error: f64,
    /// A gateway's HTTP 502 page; in half of the cases the withdrawal is done.
    pub bad_gateway: f64,
    /// Connection closed without an answer; in half of the cases the withdrawal is done.
    pub closed: f64,
    /// Connection closed within the answer's body; in half of the cases the withdrawal is done.
    pub truncated: f64,
}

impl Faults {
    /// The names that [`Faults::from_str`] knows.
    const NAMES: [&'static str; 5] = ["rate-limited", "500", "502", "closed", "truncated"];

    fn share_mut(&mut self, name: &str) -> Option<&mut f64> {
        match name {
            "rate-limited" => Some(&mut self.rate_limited),
            "500" => Some(&mut self.server_error),
            "502" => Some(&mut self.bad_gateway),
            "closed" => Some(&mut self.closed),
            "truncated" => Some(&mut self.truncated),
            _ => None,
        }
    }

    fn shares(&self) -> [(Fault, f64); 5] {
        [
            (Fault::RateLimited, self.rate_limited),
            (Fault::ServerError, self.server_error),
            (Fault::BadGateway, self.bad_gateway),
            (Fault::Closed, self.closed),
            (Fault::Truncated, self.truncated),
        ]
    }

    /// The fault that `roll`, even over 0.0..1.0, falls on.
    pub(super) fn draw(&self, roll: f64) -> Option<Fault> {
        let mut upper = 0.0;
        self.shares().into_iter().find_map(|(fault, share)| {
            upper += share;
            (roll < upper).then_some(fault)
        })
    }
}

/// Why a text says nothing about faults.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultsError {
    #[error("{0:?} is not <fault>=<share>%, as in 502=3%")]
    Shape(String),
    #[error("unknown fault {0:?}: use one of {names}", names = Faults::NAMES.join(", "))]
    Unknown(String),
    #[error("{0:?} is no share from 0% to 100%")]
    Share(String),
    #[error("{0:?} is given twice")]
    Twice(String),
    #[error("the shares add up to more than 100%")]
    TooMany,
}

impl FromStr for Faults {
    type Err = FaultsError;

    fn from_str(text: &str) -> Result<Self, FaultsError> {
        let mut faults = Self::default();
        let mut seen = Vec::new();
        let mut total = 0.0;
        for part in text.split(',').map(str::trim) {
            let (name, share) = part.split_once('=').ok_or_else(|| FaultsError::Shape(part.into()))?;
            let percent = parse_percent(share).ok_or_else(|| FaultsError::Share(share.into()))?;
            *faults.share_mut(name).ok_or_else(|| FaultsError::Unknown(name.into()))? = percent / 100.0;
            if seen.contains(&name) {
                return Err(FaultsError::Twice(name.into()));
            }
            seen.push(name);
            total += percent;
        }
        if total > 100.0 { Err(FaultsError::TooMany) } else { Ok(faults) }
    }
}

fn parse_percent(share: &str) -> Option<f64> {
    let percent = share.strip_suffix('%')?.parse().ok()?;
    (0.0..=100.0).contains(&percent).then_some(percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read() {
        let all = "rate-limited=10%,500=5%, 502=2.5%,closed=1%,truncated=0%".parse();
        let expected =
            Faults { rate_limited: 0.10, server_error: 0.05, bad_gateway: 0.025, closed: 0.01, truncated: 0.0 };
        assert_eq!(all, Ok(expected));
        assert_eq!("502=100%".parse(), Ok(Faults { bad_gateway: 1.0, ..Faults::default() }));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let cases = [
            ("", r#""" is not <fault>=<share>%, as in 502=3%"#),
            ("502", r#""502" is not <fault>=<share>%, as in 502=3%"#),
            ("502=3%,", r#""" is not <fault>=<share>%, as in 502=3%"#),
            ("503=3%", r#"unknown fault "503": use one of rate-limited, 500, 502, closed, truncated"#),
            ("502=0.03", r#""0.03" is no share from 0% to 100%"#),
            ("502=-1%", r#""-1%" is no share from 0% to 100%"#),
            ("502=101%", r#""101%" is no share from 0% to 100%"#),
            ("502=NaN%", r#""NaN%" is no share from 0% to 100%"#),
            ("502=1%,502=2%", r#""502" is given twice"#),
            ("502=60%,500=60%", "the shares add up to more than 100%"),
        ];
        for (text, message) in cases {
            let error = text.parse::<Faults>().unwrap_err().to_string();
            assert_eq!(error, message, "{text:?}");
        }
    }

    #[test]
    fn every_known_name_has_a_share() {
        for name in Faults::NAMES {
            assert!(Faults::default().share_mut(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_roll_falls_on_the_share_it_lies_in() {
        let faults =
            Faults { rate_limited: 0.25, server_error: 0.25, bad_gateway: 0.125, closed: 0.125, truncated: 0.125 };
        let cases = [
            (0.0, Some(Fault::RateLimited)),
            (0.25, Some(Fault::ServerError)),
            (0.5, Some(Fault::BadGateway)),
            (0.625, Some(Fault::Closed)),
            (0.75, Some(Fault::Truncated)),
            (0.875, None),
            (0.999, None),
        ];
        for (roll, fault) in cases {
            assert_eq!(faults.draw(roll), fault, "{roll}");
        }
        assert_eq!(Faults::default().draw(0.0), None);
    }
}
