//! Peak memory of a run by its number of rows (`VmHWM` of the real program, as Linux keeps it).
//! `cargo bench --bench memory`, or with other numbers of rows `ROWS=10000,10000000 cargo bench --bench memory`

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a bench prints, and ends where it can't go on")]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use bulk_withdraw::sandbox::{Sandbox, SandboxOptions};

#[tokio::main]
async fn main() {
    let dir = tempfile::tempdir().expect("a directory");
    println!("{:>10}  {:>10}  {:>8}", "rows", "peak MiB", "rows/s");
    let rows = std::env::var("ROWS").unwrap_or_else(|_| "10000,1000000".to_owned());
    for rows in rows.split(',').map(|rows| rows.parse().expect("a number of rows")) {
        let _ = fs::remove_dir_all(dir.path().join("state"));
        write_list(&dir.path().join("list.csv"), rows);
        let latency = Duration::ZERO..=Duration::ZERO;
        let options = SandboxOptions { limit: None, latency, record_invitations: false, ..SandboxOptions::default() };
        let sandbox = Sandbox::start(options).await.expect("the simulated API");
        let began = Instant::now();
        let mut program = Command::new(env!("CARGO_BIN_EXE_bulk-withdraw"))
            .args(["run", "list.csv", "--yes", "-qq", "--rate", "unlimited", "--concurrency", "64", "-o", "report.csv"])
            .args(["--base-url", &sandbox.base_url(), "--ledger", "state/ledger.db"])
            .env("LINKUP_API_KEY", "bench-key")
            .env("LINKUP_LOGIN_TOKEN", "bench-token")
            .env("XDG_CONFIG_HOME", dir.path())
            .current_dir(dir.path())
            .spawn()
            .expect("the program");
        let mut peak = 0;
        let status = loop {
            peak = peak.max(peak_kib(program.id()).unwrap_or_default());
            if let Some(status) = program.try_wait().expect("the program's end") {
                break status;
            }
            thread::sleep(Duration::from_millis(20));
        };
        assert!(status.success(), "{status}");
        let seconds = began.elapsed().as_secs_f64();
        println!("{rows:>10}  {:>10.1}  {:>8.0}", peak as f64 / 1024.0, f64::from(rows) / seconds);
    }
}

fn write_list(path: &Path, rows: u32) {
    let mut list = BufWriter::new(File::create(path).expect("a list"));
    writeln!(list, "invitation_id,name").expect("a header");
    for at in 0..u64::from(rows) {
        writeln!(list, "{},Somebody {at}", 7_329_176_687_475_109_888 + at * 4_096).expect("a row");
    }
    list.flush().expect("a whole list");
}

fn peak_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
