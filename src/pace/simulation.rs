//! Whole runs against simulated limits, on a paused clock: what is refused, and how much of the limit is used.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::{Certainty, Learned, Pace, Past, Refused};
use crate::policy::{Backoff, hold, retry_delay};
use crate::sandbox::{CallCount, Limit};

const WORKERS: u64 = 16;
const BACKOFF: Backoff = Backoff { base: Duration::from_secs(1), max: Duration::from_secs(60) };

/// The API that is called, and what came of it.
struct Server {
    count: CallCount,
    /// The share of calls that are refused whatever the count is.
    stray: f64,
    /// When all are.
    outage: Option<Range<Instant>>,
    calls: u64,
    refused: u64,
    left: u64,
    random: fastrand::Rng,
    sent: Vec<Instant>,
}

struct Run {
    limit: &'static str,
    rate: &'static str,
    /// How long an answer takes, in milliseconds.
    latency: (u64, u64),
    rows: u64,
    seed: u64,
}

struct Came {
    calls: u64,
    refused: u64,
    took: Duration,
    pace: Arc<Pace>,
    sent: Vec<Instant>,
}

impl Run {
    async fn go(&self, server: &Arc<Mutex<Server>>, past: Past) -> Came {
        let pace = Pace::new(self.rate.parse().unwrap(), Duration::from_secs(900), past);
        let begun = Instant::now();
        let before = {
            let mut server = server.lock().unwrap();
            server.left = self.rows;
            server.sent.clear();
            (server.calls, server.refused)
        };
        let workers = (0..WORKERS).map(|_| tokio::spawn(work(Arc::clone(server), Arc::clone(&pace), self.latency)));
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap();
        }
        let server = server.lock().unwrap();
        let (calls, refused) = (server.calls - before.0, server.refused - before.1);
        Came { calls, refused, took: begun.elapsed(), pace, sent: server.sent.clone() }
    }

    fn server(&self) -> Arc<Mutex<Server>> {
        let random = fastrand::Rng::with_seed(self.seed);
        let count = CallCount::new(self.limit.parse().unwrap());
        Arc::new(Mutex::new(Server {
            count,
            stray: 0.0,
            outage: None,
            calls: 0,
            refused: 0,
            left: 0,
            random,
            sent: Vec::new(),
        }))
    }
}

/// Brings rows to their end, as a worker of the pool does.
async fn work(server: Arc<Mutex<Server>>, pace: Arc<Pace>, (fastest, slowest): (u64, u64)) {
    loop {
        {
            let mut server = server.lock().unwrap();
            if server.left == 0 {
                return;
            }
            server.left -= 1;
        }
        let mut refusals = 0;
        loop {
            let permit = pace.acquire().await;
            let (accepted, latency, jitter) = {
                let mut server = server.lock().unwrap();
                server.calls += 1;
                server.sent.push(Instant::now());
                let is_stray = server.random.f64() < server.stray;
                let is_out = server.outage.as_ref().is_some_and(|outage| outage.contains(&Instant::now()));
                let accepted = !is_stray && !is_out && server.count.admit(Instant::now().into_std());
                server.refused += u64::from(!accepted);
                (accepted, server.random.u64(fastest..=slowest), server.random.f64())
            };
            tokio::time::sleep(Duration::from_millis(latency)).await;
            if accepted {
                permit.accepted();
                break;
            }
            let refused = permit.refused(None, |refusals| hold(BACKOFF, refusals, None, jitter));
            assert_ne!(refused, Refused::OutOfPatience);
            refusals += 1;
            if refusals > 1 {
                tokio::time::sleep(retry_delay(BACKOFF, refusals - 1, jitter)).await;
            }
        }
    }
}

/// The share of calls that were refused, and of the allowance that was used, in percent.
fn shares(came: &Came, run: &Run) -> (f64, f64) {
    let Limit { calls, window, .. } = run.limit.parse().unwrap();
    let allowed = f64::from(calls) * came.took.as_secs_f64() / window.as_secs_f64();
    (came.refused as f64 * 100.0 / came.calls as f64, run.rows as f64 * 100.0 / allowed)
}

/// 600 and 3,000 rows under a limit of 100 with 290 configured, counted in every way, with the windows at any phase. The most
/// that may be refused, and the least that must be used, in percent.
async fn a_lower_limit_is_learned(rate: &'static str, unit: &str, latency: (u64, u64), window: Duration) {
    let kinds = [("", 85.0), (",fixed", 85.0), (",bucket=10", 60.0)];
    for (kind, least_used) in kinds {
        for counts in ["", ",counts-refused"] {
            let limit: &'static str = format!("{unit}{kind}{counts}").leak();
            for (rows, most_refused, seeds) in [(600, 3.0, 6), (3_000, 1.0, 2)] {
                for seed in 0..seeds {
                    let run = Run { limit, rate, latency, rows, seed };
                    let server = run.server();
                    // Somebody else's call begins a window of the server's.
                    server.lock().unwrap().count.admit(Instant::now().into_std());
                    tokio::time::sleep(window * seed as u32 / seeds as u32).await;
                    let came = run.go(&server, Past::default()).await;
                    let (refused, used) = shares(&came, &run);
                    let said = format!("{limit}, {rows} rows, seed {seed}: {refused:.2} % refused, {used:.1} % used");
                    assert!(refused <= most_refused && used >= least_used, "{said}");
                    let learned = came.pace.learned().unwrap().calls;
                    assert!(rows < 3_000 || (85.0..=112.0).contains(&learned), "{said}, learned {learned}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lower_limit_in_windows_of_a_minute_is_learned() {
    a_lower_limit_is_learned("290/min", "100/min", (200, 600), Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn a_lower_limit_in_windows_of_six_seconds_is_learned() {
    a_lower_limit_is_learned("290/6s", "100/6s", (20, 80), Duration::from_secs(6)).await;
}

#[tokio::test(start_paused = true)]
async fn at_the_default_rate_nothing_is_refused_and_the_allowance_is_used() {
    for (rate, limit, latency) in [("290/min", "300/min", (200, 3_000)), ("290/6s", "300/6s", (20, 300))] {
        let run = Run { limit, rate, latency, rows: 3_000, seed: 7 };
        let came = run.go(&run.server(), Past::default()).await;
        let (_, used) = shares(&came, &run);
        assert_eq!((came.refused, came.pace.learned()), (0, None), "{limit}");
        assert!(used >= 96.0, "{limit}: {used:.2} % used");
    }
}

/// What a run leaves to one that begins after a pause.
fn left_by(came: &Came, window: Duration) -> Past {
    let ago = came.sent.iter().map(|sent| sent.elapsed()).filter(|ago| *ago < window);
    Past { learned: came.pace.learned().map(|learned| (learned, Duration::ZERO)), calls: ago.collect() }
}

#[tokio::test(start_paused = true)]
async fn the_next_run_begins_with_what_was_learned() {
    let window = Duration::from_secs(60);
    for limit in ["100/min", "100/min,fixed,counts-refused", "100/min,bucket=10"] {
        let first = Run { limit, rate: "290/min", latency: (200, 600), rows: 600, seed: 3 };
        let server = first.server();
        let came = first.go(&server, Past::default()).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let second = Run { rows: 90, ..first };
        let came = second.go(&server, left_by(&came, window)).await;
        assert_eq!(came.refused, 0, "{limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn short_runs_in_a_loop_are_not_refused() {
    let run = Run { limit: "300/min", rate: "290/min", latency: (200, 600), rows: 15, seed: 3 };
    let server = run.server();
    let begun = Instant::now();
    let (mut past, mut earlier, mut runs) = (Past::default(), Vec::new(), 0);
    while begun.elapsed() < Duration::from_secs(120) {
        let came = run.go(&server, past).await;
        assert_eq!(came.refused, 0, "run {runs}");
        earlier.extend(came.sent.iter().copied());
        past = left_by(&Came { sent: earlier.clone(), ..came }, Duration::from_secs(60));
        runs += 1;
    }
    assert!(runs >= 28, "{runs} runs");
}

/// Refusals now and then that have nothing to do with the rate must not slow the run down for good.
#[tokio::test(start_paused = true)]
async fn stray_refusals_are_no_limit() {
    // Their share, and the least of the allowance that is used.
    for (stray, least_used) in [(0.001, 93.0), (0.005, 75.0), (0.01, 70.0)] {
        let run = Run { limit: "300/min", rate: "290/min", latency: (200, 600), rows: 10_000, seed: 3 };
        let server = run.server();
        server.lock().unwrap().stray = stray;
        let came = run.go(&server, Past::default()).await;
        let (_, used) = shares(&came, &run);
        assert!(used >= least_used, "{stray}: {used:.1} % used, {:?}", came.pace.learned());
    }
}

/// A time in which everything is refused, shorter and longer than a window.
#[tokio::test(start_paused = true)]
async fn after_an_outage_the_pace_comes_back() {
    for (begins, seconds, longest) in [(200, 10, 1_500), (200, 65, 1_700), (0, 65, 1_900), (200, 300, 2_000)] {
        let run = Run { limit: "300/min", rate: "290/min", latency: (200, 600), rows: 6_000, seed: 3 };
        let server = run.server();
        let begins = Instant::now() + Duration::from_secs(begins);
        server.lock().unwrap().outage = Some(begins..begins + Duration::from_secs(seconds));
        let came = run.go(&server, Past::default()).await;
        assert!(came.took < Duration::from_secs(longest), "{seconds} s: {:?}, {:?}", came.took, came.pace.learned());
    }
}

/// Another program takes half of what the key allows, and stops again.
#[tokio::test(start_paused = true)]
async fn what_others_take_is_left_to_them_and_taken_back() {
    let run = Run { limit: "300/min", rate: "290/min", latency: (200, 600), rows: 4_000, seed: 3 };
    let server = run.server();
    let other = Arc::clone(&server);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(180)).await;
        for _ in 0..750 {
            other.lock().unwrap().count.admit(Instant::now().into_std());
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
    });
    let came = run.go(&server, Past::default()).await;
    // 13.8 minutes at the full pace, and five at half of it.
    assert!(came.took < Duration::from_secs(1_200), "{:?}", came.took);
    assert!(came.refused < 20 && came.pace.learned().is_none(), "{} refused, {:?}", came.refused, came.pace.learned());
}

/// A run that sends little finds out nothing about the limit.
#[tokio::test(start_paused = true)]
async fn a_limit_that_is_not_reached_is_not_forgotten() {
    let run = Run { limit: "100/min", rate: "290/min", latency: (60_000, 60_000), rows: 320, seed: 3 };
    let learned = Learned { calls: 100.0, window: Duration::from_secs(60), certainty: Certainty::Confirmed, rest: 1 };
    let came = run.go(&run.server(), Past { learned: Some((learned, Duration::ZERO)), calls: Vec::new() }).await;
    assert_eq!((came.refused, came.pace.learned()), (0, Some(learned)));
}
