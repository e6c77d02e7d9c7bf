//! Rows a second, from a list on disk to a report on disk and every outcome in a synced ledger: the real program against
//! the simulated API on loopback, without a limit and without latency. `cargo bench --bench throughput`

#![allow(clippy::expect_used, reason = "a bench ends where it can't go on")]

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bulk_withdraw::sandbox::{Sandbox, SandboxOptions};
use divan::counter::ItemsCount;
use tokio::runtime::Runtime;

const ROWS: u64 = 100_000;

fn main() {
    divan::main();
}

/// Every row is withdrawn. One sample is a whole run, the program's start and the report's fsync included.
#[divan::bench(args = [16, 64], sample_count = 5, sample_size = 1)]
fn withdrawn(bencher: divan::Bencher<'_, '_>, workers: usize) {
    let runtime = Runtime::new().expect("a runtime");
    let dir = list(Order::Sorted);
    bencher
        .counter(ItemsCount::new(ROWS))
        .with_inputs(|| {
            let _ = fs::remove_dir_all(dir.path().join("state"));
            sandbox(&runtime)
        })
        .bench_local_values(|sandbox| {
            run(dir.path(), &sandbox, workers);
            assert_eq!(sandbox.record().charged, ROWS);
        });
}

/// The order of the IDs, which is that of the look-ups in the ledger.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// As a list of invitations comes, by their age.
    Sorted,
    /// The worst for an index on disk.
    Shuffled,
}

/// Every row was settled by an earlier run: nothing is sent.
#[divan::bench(args = [Order::Sorted, Order::Shuffled], sample_count = 5, sample_size = 1)]
fn already_settled(bencher: divan::Bencher<'_, '_>, order: Order) {
    let runtime = Runtime::new().expect("a runtime");
    let dir = list(order);
    let sandbox = sandbox(&runtime);
    run(dir.path(), &sandbox, 64);
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| run(dir.path(), &sandbox, 64));
    assert_eq!(sandbox.record().calls, ROWS);
}

fn list(order: Order) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let mut list = "invitation_id\n".to_owned();
    let mut places: Vec<u64> = (0..ROWS).collect();
    match order {
        Order::Sorted => {}
        Order::Shuffled => fastrand::Rng::with_seed(1).shuffle(&mut places),
    }
    for at in places {
        writeln!(list, "{}", 7_329_176_687_475_109_888 + at * 4_096).expect("text");
    }
    fs::write(dir.path().join("list.csv"), list).expect("a list");
    dir
}

fn sandbox(runtime: &Runtime) -> Sandbox {
    let latency = Duration::ZERO..=Duration::ZERO;
    let options = SandboxOptions { limit: None, latency, record_invitations: false, ..SandboxOptions::default() };
    runtime.block_on(Sandbox::start(options)).expect("the simulated API")
}

fn run(dir: &Path, sandbox: &Sandbox, workers: usize) {
    let status = Command::new(env!("CARGO_BIN_EXE_bulk-withdraw"))
        .args(["run", "list.csv", "--yes", "-qq", "--rate", "unlimited", "-o", "report.csv"])
        .args(["--concurrency", &workers.to_string(), "--base-url", &sandbox.base_url()])
        .args(["--ledger", "state/ledger.db"])
        .env("LINKUP_API_KEY", "bench-key")
        .env("LINKUP_LOGIN_TOKEN", "bench-token")
        .env("XDG_CONFIG_HOME", dir)
        .current_dir(dir)
        .status()
        .expect("the program");
    assert!(status.success(), "{status}");
}
