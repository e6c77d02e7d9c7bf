//! Whole lives of a ledger, each drawn from a seed: runs that are refused, lied to, stopped and killed, one after the other on
//! the same ledger, until a calm one has settled everything.
//!
//! The runner, the pace, the policy and the ledger with its SQLite file are the real ones. Simulated are the API, the report,
//! the clock, and the disk's time: the ledger's thread and the reader's are tasks, so that all of a course happens on one
//! thread, and a seed always takes the same one. A kill comes at the n-th step that can be seen from outside: the runtime is
//! dropped, and the next run finds the ledger's files as they were. (A power cut, which may lose what was written, is not
//! simulated.)
//!
//! * `BULK_WITHDRAW_SEED=7 cargo test runner::tests::simulation -- --nocapture` lives one seed, and prints its steps.
//! * `BULK_WITHDRAW_SEEDS=1000000 cargo test --release runner::tests::simulation` lives a million;
//!   `BULK_WITHDRAW_SEEDS=40000..50000` those from 40,000 on.

mod course;
mod run;
mod server;
mod world;

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use course::RunPlan;
use fastrand::Rng;
use world::{Shared, Step, World};

const SEEDS: u64 = 1_000;
/// One in so many is lived twice.
const TWICE: u64 = 40;

/// The steps of a seed's course, and which promise it broke.
fn live(seed: u64, directory: &Path) -> (Vec<Step>, Option<String>) {
    run::begin(directory);
    fastrand::seed(seed);
    let world = Shared::new(World::new(seed));
    let mut random = Rng::with_seed(!seed);
    let chaos = 0..random.u32(1..=4);
    let mut plans: Vec<_> = chaos.map(|_| (RunPlan::draw(&mut random), pause(&mut random))).collect();
    // A second one finds nothing left to do.
    plans.extend(vec![(RunPlan::calm(), 3_600); if random.u8(..4) == 0 { 2 } else { 1 }]);
    for (plan, pause) in plans {
        run::run(&world, &plan, directory);
        if world.lock().broken.is_some() {
            break;
        }
        run::pass(Duration::from_secs(pause));
    }
    run::check_history(&world, directory);
    let mut world = world.lock();
    world.check_end();
    (std::mem::take(&mut world.steps), world.broken.take())
}

/// Seconds until the next run: it follows at once, later, or the next day.
fn pause(random: &mut Rng) -> u64 {
    let longest = [1, 20, 7_200, 36 * 3_600][random.usize(..4)];
    random.u64(0..=longest)
}

/// A directory in memory, where there is one.
fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap()
}

/// The seeds to live: up to a number, or from one to another.
fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("BULK_WITHDRAW_SEEDS") else { return 0..SEEDS };
    let (from, to) = text.split_once("..").unwrap_or(("0", &text));
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{text:?} is no number of seeds"));
    number(from)..number(to)
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}: {text:?} is no number")))
}

#[test]
#[expect(clippy::print_stdout, reason = "asked for by the variable")]
fn whatever_happens_every_promise_is_kept() {
    if let Some(seed) = number("BULK_WITHDRAW_SEED") {
        let (steps, broken) = live(seed, directory().path());
        steps.iter().for_each(|step| println!("{step:?}"));
        assert_eq!(broken, None, "seed {seed}");
        return;
    }
    let seeds = seeds();
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let directory = directory();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let (steps, broken) = live(seed, directory.path());
            if broken.is_some() {
                next.store(seeds.end, Ordering::Relaxed);
            }
            let command = format!("BULK_WITHDRAW_SEED={seed} cargo test runner::tests::simulation -- --nocapture");
            assert_eq!(broken, None, "seed {seed}; to see every step: {command}");
            if seed.is_multiple_of(TWICE) {
                let (again, _) = live(seed, directory.path());
                let at = steps.iter().zip(&again).position(|(one, other)| one != other);
                assert!(steps == again, "seed {seed} took another course the second time, from step {at:?} on");
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
}
