//! How long an account's withdrawals will take, within its limits.

use std::time::Duration;

use jiff::Zoned;

use crate::config::AccountSettings;

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forecast {
    /// Withdrawals that the limits leave for this run.
    pub(super) now: u64,
    /// Until the first one may leave.
    pub(super) opens_in: Duration,
    /// The time until the last one; `None` where nothing limits it.
    pub(super) time: Option<Duration>,
    /// Days after this run until the cap has let the rest through; `None` for never.
    pub(super) more_days: Option<u64>,
    /// Withdrawals in 24 hours, those of the last 24 hours included.
    pub(super) per_day: u64,
}

/// What holds for all accounts together.
#[derive(Clone, Copy, Debug)]
pub(super) struct CommonLimits {
    /// Withdrawals at most.
    pub(super) most: u64,
    /// The time between two calls.
    pub(super) interval: Option<Duration>,
}

impl Forecast {
    /// Of so many withdrawals from now on, after the recent ones of the last 24 hours, by the limits of run and account.
    pub(super) fn of(to_send: u64, recent: u64, run: CommonLimits, own: &AccountSettings, moment: &Zoned) -> Self {
        let CommonLimits { most, interval } = run;
        let capped = own.daily_cap.map_or(to_send, |cap| to_send.min(cap.saturating_sub(recent)));
        let now = capped.min(most);
        let more_days = match own.daily_cap {
            _ if capped == to_send => Some(0),
            Some(0) => None,
            Some(cap) => Some((to_send - capped).div_ceil(cap)),
            None => Some(0),
        };
        let gap = own.gap.map(|gap| gap.mean());
        let open = own.between.map_or(DAY, |hours| DAY.mul_f64(hours.share_of_day()));
        let paced = interval.map(|interval| times(interval, now));
        let work = paced.max(gap.map(|gap| times(gap, now.saturating_sub(1))));
        let opening = own.between.and_then(|hours| hours.closed_until(moment));
        let opens_in = opening.and_then(|at| Duration::try_from(at.duration_since(moment.timestamp())).ok());
        let opens_in = opens_in.filter(|_| now > 0).unwrap_or_default();
        let left = own.between.and_then(|hours| hours.open_for(moment)).unwrap_or(open);
        let time = match work {
            Some(work) => Some(opens_in.saturating_add(across_closed_hours(work, left, open))),
            None => Some(opens_in).filter(|wait| !wait.is_zero()),
        };
        let fits = interval.max(gap).filter(|step| !step.is_zero()).map_or(u64::MAX, |step| rounds(open, step));
        Self { now, opens_in, time, more_days, per_day: recent + now.min(fits) }
    }
}

/// The same work where each day is open for part of it only, and the first day for what is left of that.
fn across_closed_hours(work: Duration, left: Duration, open: Duration) -> Duration {
    let closed = DAY.saturating_sub(open);
    match work.checked_sub(left) {
        Some(rest) if !closed.is_zero() => work.saturating_add(times(closed, 1 + rounds(rest, open))),
        Some(_) | None => work,
    }
}

fn times(duration: Duration, count: u64) -> Duration {
    duration.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
}

/// How often the step fits into the whole.
fn rounds(whole: Duration, step: Duration) -> u64 {
    u64::try_from(whole.as_nanos() / step.as_nanos().max(1)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invitation::Country;

    fn at(time: &str) -> Zoned {
        format!("2026-11-22T{time}[UTC]").parse().unwrap()
    }

    #[test]
    fn what_the_limits_of_an_account_come_to() {
        // Cap, gap and hours; to send, recent and calls a second; then now, seconds, more days and those per day.
        let cases = [
            ((None, None, None), (100, 0, None), (100, None, Some(0), 100)),
            ((None, None, None), (100, 7, Some(4)), (100, Some(25), Some(0), 107)),
            ((None, Some("2s..6s"), None), (100, 0, Some(4)), (100, Some(396), Some(0), 100)),
            ((None, Some("0s"), None), (100, 0, None), (100, Some(0), Some(0), 100)),
            ((Some(40), Some("3s"), None), (100, 0, Some(4)), (40, Some(117), Some(2), 40)),
            ((Some(40), None, None), (100, 30, None), (10, None, Some(3), 40)),
            ((Some(40), None, None), (100, 50, None), (0, None, Some(3), 50)),
            ((Some(40), None, None), (30, 10, None), (30, None, Some(0), 40)),
            ((Some(0), None, None), (1, 0, None), (0, None, None, 0)),
            ((Some(0), None, None), (0, 0, None), (0, None, Some(0), 0)),
            // Twelve in an hour, so 96 in eight hours; the 104 that are left take another night and morning.
            ((None, Some("5m"), Some("09:00-17:00")), (200, 0, None), (200, Some(2 * 86_400 + 2_100), Some(0), 96)),
            ((None, Some("5m"), Some("09:00-05:00")), (90, 0, None), (90, Some(26_700), Some(0), 90)),
        ];
        for ((daily_cap, gap, between), (to_send, recent, per_second), (now, seconds, more_days, per_day)) in cases {
            let own = AccountSettings {
                country: Country::default(),
                daily_cap,
                gap: gap.map(|gap: &str| gap.parse().unwrap()),
                between: between.map(|hours: &str| hours.parse().unwrap()),
            };
            let interval = per_second.map(|calls: u32| Duration::from_secs(1) / calls);
            let time = seconds.map(Duration::from_secs);
            let expected = Forecast { now, opens_in: Duration::ZERO, time, more_days, per_day };
            let run = CommonLimits { most: u64::MAX, interval };
            assert_eq!(Forecast::of(to_send, recent, run, &own, &at("09:00")), expected, "{own:?} {to_send} {recent}");
        }
    }

    #[test]
    fn closed_hours_are_waited_for() {
        // Sixty a minute apart; then minutes until the first and until after the last.
        let cases = [
            (Some("09:00-17:00"), "09:00", 60, (0, Some(59))),
            (Some("09:00-17:00"), "16:30", 60, (0, Some(59 + 16 * 60))),
            (Some("09:00-17:00"), "08:15", 60, (45, Some(45 + 59))),
            (Some("09:00-17:00"), "17:00", 60, (16 * 60, Some(16 * 60 + 59))),
            (Some("22:00-06:00"), "05:30", 60, (0, Some(59 + 16 * 60))),
            (Some("22:00-06:00"), "21:00", 60, (60, Some(60 + 59))),
            // Nobody waits for it.
            (Some("09:00-17:00"), "08:15", 0, (0, Some(0))),
            (None, "08:15", 60, (0, Some(59))),
        ];
        for (between, time, to_send, (opens_in, minutes)) in cases {
            let own = AccountSettings {
                country: Country::default(),
                daily_cap: None,
                gap: "1m".parse().ok(),
                between: between.map(|hours: &str| hours.parse().unwrap()),
            };
            let run = CommonLimits { most: u64::MAX, interval: None };
            let forecast = Forecast::of(to_send, 0, run, &own, &at(time));
            let found = (forecast.opens_in.as_secs() / 60, forecast.time.map(|time| time.as_secs() / 60));
            assert_eq!(found, (opens_in, minutes), "{between:?} at {time}");
        }
        let own = AccountSettings {
            country: Country::default(),
            daily_cap: None,
            gap: None,
            between: "09:00-17:00".parse().ok(),
        };
        let run = CommonLimits { most: u64::MAX, interval: None };
        let unlimited = Forecast::of(60, 0, run, &own, &at("08:00"));
        assert_eq!(unlimited.time, Some(Duration::from_secs(3_600)), "without a rate only the opening is waited for");
    }

    #[test]
    fn a_limit_of_the_run_leaves_less_and_adds_no_days() {
        let own = |daily_cap| AccountSettings { country: Country::default(), daily_cap, gap: None, between: None };
        for (daily_cap, more_days) in [(None, 0), (Some(40), 2)] {
            let run = CommonLimits { most: 30, interval: None };
            let (opens_in, more_days) = (Duration::ZERO, Some(more_days));
            let expected = Forecast { now: 30, opens_in, time: None, more_days, per_day: 30 };
            assert_eq!(Forecast::of(100, 0, run, &own(daily_cap), &at("12:00")), expected, "{daily_cap:?}");
        }
    }
}
