//! Several accounts, each within its bounds.

use std::collections::BTreeSet;
use std::sync::mpsc as blocking;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use tokio::runtime::Handle;

use super::*;
use crate::pace::{DailyCap, Gap};
use crate::stop::{Limit, Refusal, StopReason};

fn name(number: u64) -> AccountName {
    AccountName::parse(&format!("account-{number}")).unwrap()
}

/// A row of this account. Its ID holds the number of the row.
fn row_of(account: u64, number: u64) -> Result<Row, RowError> {
    row(number, &number.to_string()).map(|row| Row { account: Some(name(account)), ..row })
}

/// So many rows of each account, sorted by account.
fn sorted(accounts: u64, rows: u64) -> Vec<Result<Row, RowError>> {
    (1..=accounts * rows).map(|number| row_of((number - 1) / rows + 1, number)).collect()
}

fn triage_of(accounts: u64) -> Triage {
    let accounts = (1..=accounts).map(|number| (name(number), Country::default()));
    Triage::new(accounts, Some(AccountName::default()), Lookup::without_ledger().unwrap(), Keep::default())
}

/// Items of an input. The paused clock stands still until they are read, or the reader waits.
struct Gated(std::vec::IntoIter<Result<Row, RowError>>, #[expect(unused)] blocking::Sender<()>);

impl Gated {
    fn new(rows: Vec<Result<Row, RowError>>, runtime: &Handle) -> Self {
        let (read, is_read) = blocking::channel();
        // tokio's clock does not advance while a blocking task runs.
        runtime.spawn_blocking(move || is_read.recv_timeout(Duration::from_millis(100)));
        Self(rows.into_iter(), read)
    }
}

impl Iterator for Gated {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        self.0.next().map(Ok)
    }
}

/// A file of these rows.
fn file(rows: Vec<Result<Row, RowError>>) -> Rows<Gated> {
    let runtime = Handle::current();
    let first = Gated::new(rows.clone(), &runtime);
    Rows { first, again: Some(Box::new(move || Ok(Gated::new(rows.clone(), &runtime)))) }
}

/// A time of day that follows tokio's clock.
fn clock(begins: &str) -> Clock {
    let begins: Zoned = begins.parse::<Timestamp>().unwrap().to_zoned(TimeZone::UTC);
    let began = Instant::now();
    Clock::new(move || begins.clone() + SignedDuration::try_from(began.elapsed()).unwrap())
}

fn anytime() -> Clock {
    clock("2026-03-02T12:00:00Z")
}

fn each(accounts: u64, limits: &AccountLimits) -> Vec<(AccountName, AccountLimits)> {
    (1..=accounts).map(|number| (name(number), limits.clone())).collect()
}

fn with_gap(gap: &str) -> AccountLimits {
    AccountLimits { gap: Some(gap.parse().unwrap()), ..AccountLimits::default() }
}

fn count(ran: &Ran, outcome: Outcome) -> usize {
    ran.settled.iter().filter(|settled| settled.outcome == outcome).count()
}

/// Each row once, and the input's end told once.
fn is_whole(ran: &Ran, rows: u64) {
    let numbers: Vec<_> = ran.outcomes().iter().map(|(row, _)| *row).collect();
    assert_eq!(numbers, (1..=rows).collect::<Vec<_>>());
    assert_eq!((&ran.ends[..], ran.input_complete), (&[rows][..], true));
}

#[tokio::test(start_paused = true)]
async fn a_file_sorted_by_account_keeps_all_accounts_busy() {
    // More rows than their queues hold, too.
    for (accounts, rows) in [(10, 100), (3, 1_700)] {
        let began = Instant::now();
        let setup = Setup { concurrency: 16, ..SETUP };
        let limits = |stop: &Stop| Bounds::new(no_limits(16), each(accounts, &with_gap("1s")), stop, anytime());
        let ran = run_bounded(Table::default(), setup, file(sorted(accounts, rows)), triage_of(accounts), limits).await;
        is_whole(&ran, accounts * rows);
        assert_eq!(count(&ran, Outcome::Withdrawn) as u64, accounts * rows);
        let (took, of_one) = (began.elapsed().as_secs_f64(), rows as f64 * 1.01);
        assert!(took < of_one * 1.15, "{rows} rows: {took} s, one account needs {of_one} s");
    }
}

/// What was passed over was read, so it has its line.
#[tokio::test(start_paused = true)]
async fn rows_before_a_read_error_are_reported_though_they_were_passed_over() {
    let rows = || {
        let broken = ReadError::new("list.csv", 2_002, std::io::Error::other("the disk is gone"));
        let rows = (1..=2_001).map(|number| Ok(row_of(1 + number / 2_000, number)));
        rows.chain([Err(broken)]).collect::<Vec<_>>().into_iter()
    };
    let rows = Rows { first: rows(), again: Some(Box::new(move || Ok(rows()))) };
    let limits = |stop: &Stop| Bounds::new(no_limits(4), each(2, &with_gap("1s")), stop, anytime());
    let ran = run_bounded(Table::default(), SETUP, rows, triage_of(2), limits).await;
    assert_eq!((ran.outcomes().len(), count(&ran, Outcome::Withdrawn)), (2_001, 2_001));
    assert_eq!((ran.ends.len(), ran.input_complete), (0, false));
}

/// A file that is cut while it is read again can't be reported in full.
#[tokio::test(start_paused = true)]
async fn an_input_that_changes_between_two_passes_is_incomplete() {
    let rows = |count| (1..=count).map(|number| Ok(row_of(1 + number / 2_000, number))).collect::<Vec<_>>().into_iter();
    let rows = Rows { first: rows(2_001), again: Some(Box::new(move || Ok(rows(1_500)))) };
    let limits = |stop: &Stop| Bounds::new(no_limits(4), each(2, &with_gap("1s")), stop, anytime());
    let ran = run_bounded(Table::default(), SETUP, rows, triage_of(2), limits).await;
    assert!(!ran.input_complete);
    assert!((1_000..=1_502).contains(&ran.settled.len()), "{} rows", ran.settled.len());
}

#[tokio::test(start_paused = true)]
async fn a_refused_login_stops_its_account_and_no_other() {
    let api = (301..=400).fold(Table::default(), |api, id| api.answering(&id.to_string(), [answer(200, COOKIE)]));
    for gap in [with_gap("1s"), AccountLimits::default()] {
        api.0.lock().unwrap().times.clear();
        let setup = Setup { concurrency: 2, ..SETUP };
        let limits = |stop: &Stop| Bounds::new(no_limits(2), each(10, &gap), stop, anytime());
        let ran = run_bounded(api.clone(), setup, file(sorted(10, 100)), triage_of(10), limits).await;
        is_whole(&ran, 1_000);
        let calls = api.0.lock().unwrap().times.iter().filter(|(account, ..)| *account == name(4)).count();
        assert!((1..=2).contains(&calls), "{calls} calls with a login that was refused");
        assert_eq!((count(&ran, Outcome::Withdrawn), count(&ran, Outcome::Rejected)), (900, calls));
        assert!(ran.of(400).detail.starts_with("its account stopped before this row: login refused"));
        assert_eq!(ran.stop, None);
        assert_eq!(ran.stopped_accounts, BTreeMap::from([(name(4), StopReason::Refused(Refusal::Login))]));
        assert_eq!(crate::exit::of_run(None, ran.stopped_accounts.into_values(), false), 3);
    }
}

/// Not all that are configured.
#[tokio::test(start_paused = true)]
async fn when_every_account_that_has_rows_is_stopped_the_run_is() {
    let api = (1..=200).fold(Table::default(), |api, id| {
        api.answering(&id.to_string(), [answer(200, if id <= 100 { ODD } else { COOKIE })])
    });
    let setup = Setup { max_errors: 5, ..SETUP };
    let limits = |stop: &Stop| Bounds::new(no_limits(1), each(3, &AccountLimits::default()), stop, anytime());
    let ran = run_bounded(api, setup, file(sorted(2, 100)), triage_of(3), limits).await;
    is_whole(&ran, 200);
    assert_eq!((count(&ran, Outcome::Rejected), count(&ran, Outcome::NotAttempted)), (6, 194));
    assert_eq!(ran.stop.unwrap().reason, StopReason::Refused(Refusal::Login));
    assert_eq!(
        ran.stopped_accounts.into_values().collect::<Vec<_>>(),
        [StopReason::TooManyFailures, StopReason::Refused(Refusal::Login)]
    );
}

#[tokio::test(start_paused = true)]
async fn accounts_without_a_gap_take_turns() {
    let rows = (1..=1_000).map(|number| row_of(1 + u64::from(number > 900), number)).collect();
    let limits = |stop: &Stop| Bounds::new(no_limits(4), each(2, &AccountLimits::default()), stop, anytime());
    let ran = run_bounded(Table::default(), Setup { concurrency: 4, ..SETUP }, file(rows), triage_of(2), limits).await;
    is_whole(&ran, 1_000);
    let last = ran.settled.iter().rposition(|settled| settled.account == Some(name(2))).unwrap();
    assert!(last < 250, "the second account's 100 rows were done after {last} rows");
}

#[tokio::test(start_paused = true)]
async fn an_account_in_its_back_off_holds_up_no_other() {
    let api = (1..=50).fold(Table::default(), |api, id| api.answering(&id.to_string(), [answer(500, ODD)]));
    let limits = |stop: &Stop| Bounds::new(no_limits(2), each(2, &AccountLimits::default()), stop, anytime());
    let began = Instant::now();
    let setup = Setup { concurrency: 2, ..SETUP };
    let ran = run_bounded(api.clone(), setup, file(sorted(2, 50)), triage_of(2), limits).await;
    is_whole(&ran, 100);
    assert_eq!((count(&ran, Outcome::Failed), count(&ran, Outcome::Withdrawn)), (50, 50));
    let last = {
        let state = api.0.lock().unwrap();
        state.times.iter().filter(|(account, ..)| *account == name(2)).map(|(_, sent, _)| *sent - began).max()
    };
    assert!(last < Some(Duration::from_secs(1)), "50 calls of 10 ms, one after the other at worst: {last:?}");
}

#[tokio::test(start_paused = true)]
async fn credits_are_used_up_and_never_passed() {
    for limit in [0, 1, 100] {
        let refused = |id: u64| id.is_multiple_of(5);
        let api = (1..=300).filter(|id| refused(*id)).fold(Table::default(), |api, id| {
            api.answering(&id.to_string(), [answer(200, LIMIT), answer(200, LIMIT), answer(200, OK)])
        });
        let rows = file((1..=300).map(|id| row_of(1 + id % 2, id)).collect());
        let run = RunLimits { max_credits: Some(limit), ..no_limits(64) };
        let limits = |stop: &Stop| Bounds::new(run, each(2, &AccountLimits::default()), stop, anytime());
        let setup = Setup { concurrency: 64, max_errors: 3, ..SETUP };
        let ran = run_bounded(api.clone(), setup, rows, triage_of(2), limits).await;
        let possible = api.0.lock().unwrap().possible;
        assert!(possible <= limit && possible * 10 >= limit * 9, "{possible} of {limit}");
        assert_eq!(ran.stop.unwrap().reason, StopReason::Limit(Limit::Credits));
        assert_eq!(ran.stopped_accounts, BTreeMap::new(), "rows that it cut short count as no failures");
        for settled in ran.settled {
            let is_cut = settled.outcome == Outcome::RateLimited;
            assert_eq!(settled.cut_by_limit, is_cut, "{settled:?}");
        }
    }
}

/// Answers that cost nothing give back what was reserved for them, so a budget is not ended by those in flight.
#[tokio::test(start_paused = true)]
async fn a_budget_of_withdrawals_is_for_those_that_may_have_been_made() {
    let api = (1..=60).fold(Table::default(), |api, id| match id % 6 {
        0 => api.answering(&id.to_string(), [answer(200, GONE)]),
        1 => api.answering(&id.to_string(), [answer(500, ODD)]),
        2 => api.answering(&id.to_string(), [lost(), answer(200, GONE)]),
        3 => api.answering(&id.to_string(), [lost()]),
        4 => api.answering(&id.to_string(), [answer(200, LIMIT), answer(200, OK)]),
        _ => api.answering(&id.to_string(), [answer(200, ODD)]),
    });
    let run = RunLimits { max_withdrawals: Some(20), ..no_limits(16) };
    let limits = |stop: &Stop| Bounds::new(run, [], stop, anytime());
    let rows = file((1..=60).map(|id| row(id, &id.to_string())).collect());
    let ran = run_bounded(api, Setup { concurrency: 16, ..SETUP }, rows, triage(), limits).await;
    let kept = [Outcome::Withdrawn, Outcome::PresumedWithdrawn, Outcome::Unconfirmed];
    assert_eq!(kept.map(|outcome| count(&ran, outcome)).iter().sum::<usize>(), 20);
    assert!(ran.settled.iter().all(|settled| !settled.cut_by_limit));
    assert_eq!(ran.stop.unwrap().reason, StopReason::Limit(Limit::Withdrawals));
}

#[tokio::test(start_paused = true)]
async fn no_call_starts_that_could_end_too_late() {
    let run = RunLimits { latest_start: Some(Instant::now() + Duration::from_secs(30)), ..no_limits(4) };
    let limits = |stop: &Stop| Bounds::new(run, each(2, &with_gap("4s")), stop, anytime());
    let api = Table::default();
    let began = Instant::now();
    let ran = run_bounded(api.clone(), SETUP, file(sorted(2, 100)), triage_of(2), limits).await;
    is_whole(&ran, 200);
    let last = api.0.lock().unwrap().times.iter().map(|(_, sent, _)| *sent).max().unwrap();
    assert!(last <= began + Duration::from_secs(30));
    // Nor does it wait for a gap in vain.
    assert_eq!(began.elapsed().as_secs(), 30);
    assert_eq!((count(&ran, Outcome::Withdrawn), ran.stop.unwrap().reason), (16, StopReason::Limit(Limit::Duration)));
}

#[tokio::test(start_paused = true)]
async fn a_daily_cap_counts_any_24_hours_across_runs() {
    let mut known: Vec<Timestamp> = Vec::new();
    for (hours, expected) in [(0, 40), (720, 0), (1_446, 40)].map(|(minutes, rows)| (minutes * 60, rows)) {
        let begins: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
        let clock = clock(&(begins + SignedDuration::from_secs(hours)).to_string());
        let now = clock.clone();
        let limits = AccountLimits { daily_cap: Some(DailyCap::new(40, known.clone())), ..AccountLimits::default() };
        let limits = |stop: &Stop| Bounds::new(no_limits(16), [(AccountName::default(), limits)], stop, clock);
        let rows = file((1..=100).map(|id| row(id, &id.to_string())).collect());
        let ran = run_bounded(Table::default(), Setup { concurrency: 16, ..SETUP }, rows, triage(), limits).await;
        assert_eq!(count(&ran, Outcome::Withdrawn), expected, "after {hours} s");
        assert_eq!(count(&ran, Outcome::NotAttempted), 100 - expected);
        let StopCause { reason, detail } = ran.stop.unwrap();
        assert_eq!(reason, StopReason::Limit(Limit::DailyCap));
        let free_at = if hours < 86_400 { "Retry after 2026-03-03 12:00" } else { "Retry after 2026-03-04 12:06" };
        assert!(detail.contains(free_at), "{detail}");
        known.extend((0..expected).map(|_| now.now().timestamp()));
    }
}

/// The cap's day goes by however the clock is set meanwhile, and no other limit ends it.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_during_the_run_frees_no_daily_cap() {
    for days in [-400, -2, 2, 400] {
        let (begins, began): (Zoned, _) = (Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC), Instant::now());
        let set = SignedDuration::from_hours(days * 24);
        let clock = Clock::new(move || {
            let elapsed = SignedDuration::try_from(began.elapsed()).unwrap();
            let set = if elapsed.as_secs() > 10 { set } else { SignedDuration::ZERO };
            begins.clone() + elapsed + set
        });
        let limits = AccountLimits { daily_cap: Some(DailyCap::new(5, [])), ..with_gap("5s") };
        let limits = |stop: &Stop| Bounds::new(no_limits(4), [(AccountName::default(), limits)], stop, clock);
        let rows = file((1..=9).map(|id| row(id, &id.to_string())).collect());
        let ran = run_bounded(Table::default(), SETUP, rows, triage(), limits).await;
        assert_eq!(count(&ran, Outcome::Withdrawn), 5, "{days}");
        assert_eq!(ran.stop.unwrap().reason, StopReason::Limit(Limit::DailyCap));
        assert_eq!(began.elapsed().as_secs(), 25);
    }
}

/// A job that starts at the same minute each day waits for what the one of the day before withdrew a little later.
#[tokio::test(start_paused = true)]
async fn a_cap_that_is_free_again_soon_is_waited_for() {
    let begins: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
    let yesterday = |minute: i64| begins - SignedDuration::from_hours(24) + SignedDuration::from_mins(minute);
    // Minutes after the start at which yesterday's withdrawals were made; how many are made today.
    for (minutes, expected) in [(&[0, 1, 2][..], 3), (&[9, 18, 27], 3), (&[1, 2, 13], 2), (&[11, 12, 13], 0)] {
        let known = minutes.iter().map(|minute| yesterday(*minute));
        let limits = AccountLimits { daily_cap: Some(DailyCap::new(3, known)), ..with_gap("5s") };
        let clock = clock(&begins.to_string());
        let limits = |stop: &Stop| Bounds::new(no_limits(4), [(AccountName::default(), limits)], stop, clock);
        let rows = file((1..=9).map(|id| row(id, &id.to_string())).collect());
        let ran = run_bounded(Table::default(), SETUP, rows, triage(), limits).await;
        assert_eq!(count(&ran, Outcome::Withdrawn), expected, "{minutes:?}");
        assert_eq!(ran.stop.unwrap().reason, StopReason::Limit(Limit::DailyCap));
    }
}

#[tokio::test(start_paused = true)]
async fn outside_its_hours_an_account_waits_without_losing_patience() {
    // The third call is refused just before the hours end, again in the morning, and then not.
    let api = Table::default().answering("3", [answer(200, LIMIT), answer(200, LIMIT), answer(200, OK)]);
    let limits = AccountLimits { hours: Some("09:00-17:00".parse().unwrap()), ..with_gap("20s") };
    let limits = |stop: &Stop| {
        let accounts = [(name(1), limits), (name(2), AccountLimits::default())];
        Bounds::new(no_limits(4), accounts, stop, clock("2026-03-02T16:59:19.5Z"))
    };
    let began = Instant::now();
    let ran = run_bounded(api.clone(), SETUP, file(sorted(2, 5)), triage_of(2), limits).await;
    assert_eq!((count(&ran, Outcome::Withdrawn), ran.stop), (10, None));
    let of_first: Vec<_> = {
        let state = api.0.lock().unwrap();
        let of_first = state.times.iter().filter(|(account, ..)| *account == name(1));
        of_first.map(|(_, sent, _)| (*sent - began).as_secs()).collect()
    };
    let morning = 16 * 3_600 + 40;
    assert_eq!(of_first, [0, 20, 40, morning, morning + 20, morning + 40, morning + 60]);
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_outlasts_the_hours_costs_a_row_no_patience() {
    // The first call is refused half a second before the hours end, again in the morning, and then not.
    let api = Table::default().answering("1", [answer(200, LIMIT), answer(200, LIMIT), answer(200, OK)]);
    let limits = AccountLimits { hours: Some("09:00-17:00".parse().unwrap()), ..AccountLimits::default() };
    let limits = |stop: &Stop| {
        Bounds::new(no_limits(4), [(AccountName::default(), limits)], stop, clock("2026-03-02T16:59:59.5Z"))
    };
    let began = Instant::now();
    let ran = run_bounded(api.clone(), SETUP, file(vec![row(1, "1")]), triage(), limits).await;
    assert_eq!((count(&ran, Outcome::Withdrawn), ran.stop), (1, None));
    let sent: Vec<_> = api.0.lock().unwrap().times.iter().map(|(_, sent, _)| (*sent - began).as_secs()).collect();
    assert_eq!(sent[..2], [0, 16 * 3_600], "{sent:?}");
}

/// What a random run is given. Each row's account and answers; each account's gap in seconds and cap.
type Script = (Vec<(u64, Vec<usize>)>, Vec<(Option<u64>, Option<u64>)>);

fn script() -> impl proptest::strategy::Strategy<Value = Script> {
    use proptest::collection::vec;
    use proptest::option::of;
    (vec((0_u64..4, vec(0_usize..9, 1..4)), 1..60), vec((of(0_u64..4), of(0_u64..8)), 3))
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// No gap, cap or budget is ever passed, and every row leaves once.
    #[test]
    fn each_account_is_within_its_bounds(
        (rows, accounts) in script(),
        concurrency in 1_usize..6,
        max_credits in proptest::option::of(0_u64..60),
        max_withdrawals in proptest::option::of(0_u64..30),
        seconds in proptest::option::of(1_u64..60),
    ) {
        let endings = [
            answer(200, OK), answer(200, OK), answer(200, GONE), answer(200, ODD), answer(200, LIMIT), lost(), not_sent(),
            answer(500, ODD), answer(200, COOKIE),
        ];
        let mut api = Table::default();
        for (number, (_, answers)) in (1..).zip(&rows) {
            let answers = answers.iter().map(|at| endings[*at].clone()).chain([answer(200, OK)]);
            api = api.answering(&u64::to_string(&number), answers);
        }
        // An account beyond those that there are is unknown.
        let rows: Vec<_> = (1..).zip(&rows).map(|(number, (account, _))| row_of(account + 1, number)).collect();
        let count = rows.len() as u64;
        let limits: Vec<_> = (1..).zip(&accounts).map(|(number, (gap, cap))| {
            let gap = gap.map(|gap| format!("{gap}s..{}s", gap + 2).parse::<Gap>().unwrap());
            let daily_cap = cap.map(|cap| DailyCap::new(cap, []));
            (name(number), AccountLimits { gap, daily_cap, ..AccountLimits::default() })
        }).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let (ran, latest) = runtime.block_on(async {
            let latest_start = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
            let run = RunLimits { concurrency, max_credits, max_withdrawals, latest_start };
            let setup = Setup { concurrency, ..SETUP };
            let bounds = |stop: &Stop| Bounds::new(run, limits, stop, anytime());
            (run_bounded(api.clone(), setup, file(rows), triage_of(3), bounds).await, latest_start)
        });
        is_whole(&ran, count);
        let state = api.0.lock().unwrap();
        proptest::prop_assert!(state.possible <= max_credits.unwrap_or(u64::MAX));
        let may_be_withdrawn = |settled: &&Settled| {
            matches!(settled.outcome, Outcome::Withdrawn | Outcome::PresumedWithdrawn | Outcome::Unconfirmed)
        };
        let withdrawn = ran.settled.iter().filter(may_be_withdrawn).count() as u64;
        proptest::prop_assert!(withdrawn <= max_withdrawals.unwrap_or(u64::MAX));
        proptest::prop_assert!(state.times.iter().all(|(_, sent, _)| latest.is_none_or(|latest| *sent <= latest)));
        for (number, (gap, cap)) in (1..).zip(accounts) {
            let of_account = ran.settled.iter().filter(|settled| settled.account == Some(name(number)));
            let withdrawn = of_account.filter(may_be_withdrawn).count() as u64;
            proptest::prop_assert!(withdrawn <= cap.unwrap_or(u64::MAX));
            let times: Vec<_> = state.times.iter().filter(|(account, ..)| *account == name(number)).collect();
            for two in times.windows(2).filter(|_| gap.is_some()) {
                let passed = two[0].2.map(|ended| two[1].1 - ended);
                proptest::prop_assert!(passed >= gap.map(Duration::from_secs), "{passed:?} of {gap:?}");
            }
        }
        // With nothing to stop it, nothing is left over.
        if ran.stop.is_none() && ran.stopped_accounts.is_empty() {
            proptest::prop_assert!(ran.settled.iter().all(|settled| settled.outcome != Outcome::NotAttempted));
        }
        let called: BTreeSet<_> = state.calls.iter().collect();
        let attempted = ran.settled.iter().filter(|settled| settled.attempts > 0).count();
        proptest::prop_assert_eq!(called.len(), attempted);
    }
}
