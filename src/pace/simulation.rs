//! Whole runs against simulated limits, on a paused clock: what is refused, and how much of the limit is used.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::{Pace, Past, Refused};
use crate::policy::{Backoff, hold, retry_delay};
use crate::sandbox::{CallCount, Limit};

const WORKERS: u64 = 16;
const BACKOFF: Backoff = Backoff { base: Duration::from_secs(1), max: Duration::from_secs(60) };

/// The API that is called, and what came of it.
struct Server {
    count: CallCount,
    /// The next call that is refused whatever the count is.
    stray: Option<u64>,
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
        Arc::new(Mutex::new(Server { count, stray: None, calls: 0, refused: 0, left: 0, random, sent: Vec::new() }))
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
                let calls = server.calls;
                let is_stray = server.stray.is_some_and(|every| calls.is_multiple_of(every));
                let accepted = !is_stray && server.count.admit(Instant::now().into_std());
                server.refused += u64::from(!accepted);
                (accepted, server.random.u64(fastest..=slowest), server.random.f64())
            };
            tokio::time::sleep(Duration::from_millis(latency)).await;
            if accepted {
                permit.accepted();
                break;
            }
            let refused = permit.refused(None, |refusals| hold(BACKOFF, refusals, None, jitter));
            assert!(matches!(refused, Refused::Held(_)), "out of patience");
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
                    assert!(rows < 3_000 || (90.0..=110.0).contains(&learned), "{said}, learned {learned}");
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

#[tokio::test(start_paused = true)]
async fn a_stray_refusal_is_no_limit() {
    // One refusal among few calls; and one now and then, at the full pace, which is never taken for good.
    for (every, rows, least_used) in [(20, 35, 0.0), (1_000, 6_500, 93.0)] {
        let run = Run { limit: "300/min", rate: "290/min", latency: (200, 600), rows, seed: 3 };
        let server = run.server();
        server.lock().unwrap().stray = Some(every);
        let came = run.go(&server, Past::default()).await;
        let (_, used) = shares(&came, &run);
        let learned = came.pace.learned();
        assert!(came.refused > 0 && learned.is_none(), "{learned:?}");
        assert!(used >= least_used, "{used:.1} % used");
    }
}
