//! How the sandbox behaves: limit, latency, credentials, and what goes wrong.
//!
//! Values only, checked where they are parsed.

use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use super::{Limit, Reply, StockItem};

/// How a sandbox behaves. The default is the documented API without faults.
#[derive(Clone)]
pub struct SandboxOptions {
    /// The rate limit; `None` for no limit.
    pub limit: Option<Limit>,
    /// How long an answer takes, drawn for each call.
    pub latency: RangeInclusive<Duration>,
    /// What goes wrong at random.
    pub faults: Faults,
    /// Makes the draws repeatable, in the order in which calls arrive.
    pub seed: Option<u64>,
    /// What is wrong with every list.
    pub list_faults: ListFaults,
    /// How many invitations are pending at first, made up by [`stock`](super::stock()). Invitations that are not among
    /// them can be withdrawn all the same.
    pub pending: u32,
    /// The pending invitations themselves, newest first, instead of made-up ones.
    pub stock: Option<Vec<StockItem>>,
    /// The balance in credits; `None` is unlimited. A withdrawal takes one, and so do a page of a list and a
    /// look at one person's invitation.
    pub credits: Option<u64>,
    /// The only key accepted; `None` accepts any that is not empty.
    pub api_key: Option<String>,
    /// The only login token accepted (V1); `None` accepts any that is not empty.
    pub login_token: Option<String>,
    /// The only account ID accepted (V2); `None` accepts any that is not empty.
    pub account_id: Option<String>,
    /// Whether [`Record::invitations`](super::Record::invitations) is filled, which takes memory for each ID.
    pub record_invitations: bool,
}

impl SandboxOptions {
    /// The default of `pending`: a few pages.
    pub const PENDING: u32 = 40;
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            limit: Some(Limit::DOCUMENTED),
            latency: Duration::from_millis(20)..=Duration::from_millis(80),
            faults: Faults::default(),
            seed: None,
            list_faults: ListFaults::default(),
            pending: Self::PENDING,
            stock: None,
            credits: None,
            api_key: None,
            login_token: None,
            account_id: None,
            record_invitations: true,
        }
    }
}

/// Which share of all calls goes wrong, and how. Each is 0.0 to 1.0, and together they are at most 1.0.
///
/// Calls for lists count as well: one whose answer is lost may have cost its pages.
/// Parsed from `rate-limited=10%,500=5%,502=3%,closed=1%,truncated=1%` and the like, each part optional.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Rate-limit error, with HTTP 200 on V1; nothing is done.
    pub rate_limited: f64,
    /// Rate-limit error, with HTTP 429 and a `Retry-After` of 0; nothing is done.
    pub too_many: f64,
    /// The API's own HTTP 500, as JSON; nothing is done.
    pub server_error: f64,
    /// A gateway's HTTP 502 page; in half of the cases the withdrawal is done.
    pub bad_gateway: f64,
    /// Connection closed without an answer; in half of the cases the withdrawal is done.
    pub closed: f64,
    /// Connection closed within the answer's body; in half of the cases the withdrawal is done.
    pub truncated: f64,
    /// No answer until the client goes away; in half of the cases the withdrawal is done.
    pub held: f64,
    /// An answer without an end, blank by blank; in half of the cases the withdrawal is done.
    pub endless: f64,
    /// A web page with HTTP 200; in half of the cases the withdrawal is done.
    pub web_page: f64,
    /// HTTP 307 to the same address; in half of the cases the withdrawal is done.
    pub redirect: f64,
}

impl Faults {
    /// Each fault's name, reply and share.
    fn table(&mut self) -> [(&'static str, Reply, &mut f64); 10] {
        [
            ("rate-limited", Reply::RateLimited, &mut self.rate_limited),
            ("429", Reply::TooManyRequests { retry_after_s: 0 }, &mut self.too_many),
            ("500", Reply::ServerError, &mut self.server_error),
            ("502", Reply::BadGateway, &mut self.bad_gateway),
            ("closed", Reply::Closed, &mut self.closed),
            ("truncated", Reply::Truncated, &mut self.truncated),
            ("held", Reply::Held, &mut self.held),
            ("endless", Reply::Endless, &mut self.endless),
            ("web-page", Reply::WebPage, &mut self.web_page),
            ("redirect", Reply::Redirect, &mut self.redirect),
        ]
    }

    /// The names that are parsed.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        Self::default().table().map(|(name, ..)| name).to_vec()
    }

    /// The fault for `roll`, which is uniform over 0.0..1.0.
    pub(super) fn draw(mut self, roll: f64) -> Option<Reply> {
        let mut upper = 0.0;
        self.table().into_iter().find_map(|(_, reply, share)| {
            upper += *share;
            (roll < upper).then_some(reply)
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultsError {
    #[error("{0:?} is not <fault>=<share>%, as in 502=3%")]
    Shape(String),
    #[error("unknown fault {0:?}: use one of {names}", names = Faults::names().join(", "))]
    Unknown(String),
    #[error("{0:?} is not a share from 0% to 100%")]
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
            let entry = faults.table().into_iter().find(|(known, ..)| *known == name);
            *entry.ok_or_else(|| FaultsError::Unknown(name.into()))?.2 = percent / 100.0;
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

/// What is wrong with every list; nothing by default.
///
/// Parsed from `repeat,miss,early-end,total-off`, each part optional.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListFaults {
    /// A page begins with the last items of the one before it.
    pub repeat: bool,
    /// A full page leaves an item out.
    pub miss: bool,
    /// The pages end halfway, whatever the total says.
    pub early_end: bool,
    /// The total is half of what it should be.
    pub total_off: bool,
}

impl ListFaults {
    fn table(&mut self) -> [(&'static str, &mut bool); 4] {
        [
            ("repeat", &mut self.repeat),
            ("miss", &mut self.miss),
            ("early-end", &mut self.early_end),
            ("total-off", &mut self.total_off),
        ]
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown list fault {0:?}: use any of {names}", names = ListFaults::default().table().map(|(name, _)| name).join(","))]
pub struct UnknownListFault(String);

impl FromStr for ListFaults {
    type Err = UnknownListFault;

    fn from_str(text: &str) -> Result<Self, UnknownListFault> {
        let mut faults = Self::default();
        for name in text.split(',').map(str::trim) {
            let entry = faults.table().into_iter().find(|(known, _)| *known == name);
            *entry.ok_or_else(|| UnknownListFault(name.to_owned()))?.1 = true;
        }
        Ok(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read() {
        let all = "rate-limited=10%,500=5%, 502=2.5%,closed=1%,truncated=0%".parse();
        let expected =
            Faults { rate_limited: 0.10, server_error: 0.05, bad_gateway: 0.025, closed: 0.01, ..Faults::default() };
        assert_eq!(all, Ok(expected));
        let names = Faults::names();
        let each = names.iter().map(|name| format!("{name}=1%")).collect::<Vec<_>>().join(",");
        assert!(each.parse::<Faults>().unwrap().table().iter().all(|(.., share)| **share == 0.01));
        assert_eq!("502=100%".parse(), Ok(Faults { bad_gateway: 1.0, ..Faults::default() }));
    }

    #[test]
    fn an_error_says_what_is_wrong() {
        let cases = [
            ("", r#""" is not <fault>=<share>%, as in 502=3%"#),
            ("502", r#""502" is not <fault>=<share>%, as in 502=3%"#),
            ("502=3%,", r#""" is not <fault>=<share>%, as in 502=3%"#),
            (
                "503=3%",
                r#"unknown fault "503": use one of rate-limited, 429, 500, 502, closed, truncated, held, endless, web-page, redirect"#,
            ),
            ("502=0.03", r#""0.03" is not a share from 0% to 100%"#),
            ("502=-1%", r#""-1%" is not a share from 0% to 100%"#),
            ("502=101%", r#""101%" is not a share from 0% to 100%"#),
            ("502=NaN%", r#""NaN%" is not a share from 0% to 100%"#),
            ("502=1%,502=2%", r#""502" is given twice"#),
            ("502=60%,500=60%", "the shares add up to more than 100%"),
        ];
        for (text, message) in cases {
            let error = text.parse::<Faults>().unwrap_err().to_string();
            assert_eq!(error, message, "{text:?}");
        }
    }

    #[test]
    fn a_roll_selects_the_fault_in_whose_share_it_lies() {
        let faults = Faults {
            rate_limited: 0.25,
            server_error: 0.25,
            bad_gateway: 0.125,
            closed: 0.125,
            truncated: 0.125,
            ..Faults::default()
        };
        let cases = [
            (0.0, Some(Reply::RateLimited)),
            (0.25, Some(Reply::ServerError)),
            (0.5, Some(Reply::BadGateway)),
            (0.625, Some(Reply::Closed)),
            (0.75, Some(Reply::Truncated)),
            (0.875, None),
            (0.999, None),
        ];
        for (roll, fault) in cases {
            assert_eq!(faults.draw(roll), fault, "{roll}");
        }
        assert_eq!(Faults::default().draw(0.0), None);
    }

    #[test]
    fn list_faults_are_read() {
        let all = ListFaults { repeat: true, miss: true, early_end: true, total_off: true };
        assert_eq!("repeat, miss,early-end,total-off".parse(), Ok(all));
        assert_eq!("miss".parse(), Ok(ListFaults { miss: true, ..ListFaults::default() }));
        for wrong in ["", "miss,", "missing", "Repeat"] {
            assert!(wrong.parse::<ListFaults>().is_err(), "{wrong:?}");
        }
        let error = "x".parse::<ListFaults>().unwrap_err().to_string();
        assert_eq!(error, r#"unknown list fault "x": use any of repeat,miss,early-end,total-off"#);
    }
}
