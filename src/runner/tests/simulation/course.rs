//! What a seed comes to: input, accounts, limits and server of a whole simulation, and how each of its runs goes.

use std::ops::RangeInclusive;
use std::time::Duration;

use fastrand::Rng;

use crate::api::ApiVersion;
use crate::invitation::{AccountName, Row, RowError};
use crate::pace::{Hours, Rate};
use crate::runner::tests::{bad_row, row};
use crate::sandbox::Limit;

/// An account's place among all, and an invitation's ID.
pub(super) type Id = (usize, u64);

const NAMES: [&str; 3] = ["a", "b", "c"];
/// IDs that are no spreadsheet's leftovers.
pub(super) const FIRST_ID: u64 = 7_329_176_687_475_109_888;
/// The longest that the disk takes for a commit.
pub(super) const SLOWEST_DISK: Duration = Duration::from_millis(30);
/// The longest that a call waits for its intent: while one commit is under way, and for its own.
pub(super) const SLOWEST_INTENT: Duration = Duration::from_millis(65);
/// The longest that an answer takes.
pub(super) const SLOWEST_ANSWER: Duration = Duration::from_secs(40);

pub(super) fn name(account: usize) -> AccountName {
    AccountName::parse(NAMES[account]).unwrap()
}

/// What stays the same from run to run.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) version: ApiVersion,
    pub(super) accounts: Vec<Account>,
    pub(super) rows: Vec<Planned>,
    pub(super) rate: Rate,
    /// What the server allows.
    pub(super) limit: Limit,
    /// Whether the server says "withdrawn" again of what is withdrawn.
    pub(super) repeats_success: bool,
    /// Whether V1 charges each call, or each withdrawal.
    pub(super) charges_calls: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Account {
    /// In milliseconds.
    pub(super) gap: Option<(u64, u64)>,
    pub(super) hours: Option<Hours>,
    pub(super) cap: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Planned {
    Good(Id),
    Bad,
    /// Of an account that is not configured.
    Foreign(u64),
}

/// How one run goes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RunPlan {
    pub(super) concurrency: usize,
    pub(super) retries: u32,
    pub(super) max_errors: u32,
    pub(super) patience: Duration,
    pub(super) backoff: Duration,
    pub(super) max_credits: Option<u64>,
    pub(super) max_withdrawals: Option<u64>,
    pub(super) max_duration: Option<Duration>,
    pub(super) has_caps: bool,
    /// When a signal comes.
    pub(super) signal: Option<Duration>,
    /// Steps until it is killed.
    pub(super) kill: Option<u64>,
    /// The share of calls that go wrong.
    pub(super) faults: f64,
    pub(super) slowest: Duration,
    /// Events that may wait for the report.
    pub(super) events: usize,
    pub(super) input_ends: bool,
    /// Whether the rows are in another order than before.
    pub(super) shuffles: bool,
}

fn draw(random: &mut Rng, range: RangeInclusive<u64>) -> u64 {
    random.u64(range)
}

fn perhaps<T>(random: &mut Rng, chance: f64, value: impl FnOnce(&mut Rng) -> T) -> Option<T> {
    (random.f64() < chance).then(|| value(random))
}

impl Course {
    pub(super) fn draw(random: &mut Rng) -> Self {
        let accounts: Vec<_> = (0..random.usize(1..=NAMES.len())).map(|_| Account::draw(random)).collect();
        // Few, so that there are duplicates.
        let ids = draw(random, 1..=20);
        let most = 1 << random.usize(1..=5);
        let mut rows: Vec<_> =
            (0..random.usize(1..=most)).map(|_| Planned::draw(random, accounts.len(), ids)).collect();
        if random.bool() {
            rows.sort_by_key(|row| if let Planned::Good((account, _)) = row { *account } else { 0 });
        }
        let rates = ["290/min", "60/min", "20/min", "5/s", "3/10s", "2/20s"];
        let limits = ["300/min", "30/min", "5/10s,fixed", "100/min,bucket=5", "20/min,counts-refused"];
        Self {
            version: if random.bool() { ApiVersion::V1 } else { ApiVersion::V2 },
            accounts,
            rows,
            rate: rates[random.usize(..rates.len())].parse().unwrap(),
            limit: limits[random.usize(..limits.len())].parse().unwrap(),
            repeats_success: random.u8(..8) == 0,
            charges_calls: random.bool(),
        }
    }

    /// The input, as it is read.
    pub(super) fn input(&self) -> Vec<Result<Row, RowError>> {
        let of = |number, id: u64, account| row(number, &id.to_string()).map(|row| Row { account, ..row });
        let rows = (1..).zip(&self.rows).map(|(number, planned)| match *planned {
            // The first account is that of rows which name none.
            Planned::Good((0, id)) => of(number, id, None),
            Planned::Good((account, id)) => of(number, id, Some(name(account))),
            Planned::Bad => bad_row(number),
            Planned::Foreign(id) => of(number, id, AccountName::parse("somebody else")),
        });
        rows.collect()
    }
}

impl Account {
    fn draw(random: &mut Rng) -> Self {
        let hours = ["09:00-17:00", "22:00-06:00", "08:00-08:01", "06:00-08:01", "12:00-11:59"];
        Self {
            gap: perhaps(random, 0.3, |random| {
                let least = draw(random, 1..=5_000);
                (least, least + draw(random, 0..=5_000))
            }),
            hours: perhaps(random, 0.3, |random| hours[random.usize(..hours.len())].parse().unwrap()),
            cap: perhaps(random, 0.3, |random| draw(random, 0..=4)),
        }
    }
}

impl Planned {
    fn draw(random: &mut Rng, accounts: usize, ids: u64) -> Self {
        // Most genuine IDs are such multiples.
        let id = FIRST_ID + 4_096 * draw(random, 1..=ids);
        match random.u8(..20) {
            0 => Self::Bad,
            1 => Self::Foreign(id),
            _ => Self::Good((random.usize(..accounts), id)),
        }
    }
}

impl RunPlan {
    pub(super) fn draw(random: &mut Rng) -> Self {
        let fraction = random.f64();
        Self {
            concurrency: random.usize(1..=6),
            retries: random.u32(0..=4),
            max_errors: perhaps(random, 0.3, |random| random.u32(1..=6)).unwrap_or_default(),
            patience: Duration::from_secs(draw(random, 20..=900)),
            backoff: Duration::from_millis(draw(random, 100..=2_000)),
            max_credits: perhaps(random, 0.2, |random| draw(random, 0..=20)),
            max_withdrawals: perhaps(random, 0.2, |random| draw(random, 0..=12)),
            max_duration: perhaps(random, 0.15, |random| Duration::from_millis(draw(random, 1..=100_000))),
            has_caps: true,
            signal: perhaps(random, 0.25, |random| Duration::from_millis(1 << draw(random, 0..=17))),
            // As often among the first steps as among the last.
            kill: perhaps(random, 0.5, |random| {
                let most = 1 << draw(random, 1..=8);
                draw(random, 1..=most)
            }),
            faults: if random.bool() { fraction * fraction * 0.8 } else { 0.05 },
            slowest: Duration::from_millis(10 << draw(random, 0..=11)),
            events: random.usize(1..=40),
            input_ends: random.u8(..4) > 0,
            shuffles: random.u8(..3) == 0,
        }
    }

    /// A run in which nothing goes wrong, and which nothing ends before its time.
    pub(super) fn calm() -> Self {
        Self {
            concurrency: 4,
            retries: 5,
            max_errors: 0,
            patience: Duration::from_secs(900),
            backoff: Duration::from_secs(1),
            max_credits: None,
            max_withdrawals: None,
            max_duration: None,
            has_caps: false,
            signal: None,
            kill: None,
            faults: 0.0,
            slowest: Duration::from_millis(600),
            events: 100,
            input_ends: true,
            shuffles: false,
        }
    }
}
