//! Rows a second, from a list on disk to a report on disk: the real program against the simulated API on loopback,
//! without a limit and without latency. `cargo bench --bench throughput`

#![allow(clippy::expect_used, reason = "a bench prints, and ends where it can't go on")]

use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::time::Duration;

use bulk_withdraw::sandbox::{Sandbox, SandboxOptions};
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// One sample is a whole run, the program's start and the report's fsync included.
#[divan::bench(args = [1, 16, 64], sample_count = 5, sample_size = 1)]
fn rows(bencher: divan::Bencher<'_, '_>, workers: usize) {
    const ROWS: u64 = 100_000;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let dir = tempfile::tempdir().expect("a directory");
    let mut list = "invitation_id\n".to_owned();
    for at in 0..ROWS {
        writeln!(list, "{}", 7_329_176_687_475_109_888 + at * 4_096).expect("text");
    }
    fs::write(dir.path().join("list.csv"), list).expect("a list");
    bencher
        .counter(ItemsCount::new(ROWS))
        .with_inputs(|| {
            let latency = Duration::ZERO..=Duration::ZERO;
            let options =
                SandboxOptions { limit: None, latency, record_invitations: false, ..SandboxOptions::default() };
            runtime.block_on(Sandbox::start(options)).expect("the simulated API")
        })
        .bench_local_values(|sandbox| {
            let status = Command::new(env!("CARGO_BIN_EXE_bulk-withdraw"))
                .args(["run", "list.csv", "--yes", "-qq", "--rate", "unlimited", "-o", "report.csv"])
                .args(["--concurrency", &workers.to_string(), "--base-url", &sandbox.base_url()])
                .env("LINKUP_API_KEY", "bench-key")
                .env("LINKUP_LOGIN_TOKEN", "bench-token")
                .current_dir(dir.path())
                .status()
                .expect("the program");
            assert!(status.success(), "{status}");
            assert_eq!(sandbox.record().charged, ROWS);
        });
}
