//! Tables where people look: on a terminal, as wide as it is; elsewhere what programs read.

use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};

use bulk_withdraw::sandbox::StockItem;
use jiff::Timestamp;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::support::{Api, DAY, LEDGER, Program, ids, list, on_both_versions, swift, swiftly, unlimited, with_stock};

on_both_versions!(a_terminal_gets_tables_that_fit_and_a_pipe_gets_csv);

/// What a command writes to a terminal that is so many columns wide.
async fn on_a_terminal(mut command: Command, columns: u16) -> String {
    let mut terminal = File::from(openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap());
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let mut options = File::options();
    options.read(true).write(true).custom_flags(OpenptFlags::NOCTTY.bits().try_into().unwrap());
    let end = options.open(std::ffi::OsStr::from_bytes(name.to_bytes())).unwrap();
    tcsetwinsize(&end, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let mut child = command.stdout(end).stderr(Stdio::null()).spawn().unwrap();
    // It holds the other end of the terminal, too.
    drop(command);
    let read = move || {
        let mut text = Vec::new();
        // Linux calls it an error when nobody has the other end any more.
        let _ = terminal.read_to_end(&mut text);
        child.wait().unwrap();
        String::from_utf8(text).unwrap().replace('\r', "")
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

async fn a_terminal_gets_tables_that_fit_and_a_pipe_gets_csv(api: Api) {
    let stock: Vec<_> = (1..15).map(|age| StockItem::aged(DAY * 30 * age, Timestamp::now())).collect();
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::on(api);
    program.write("list.csv", list(ids(3)));
    program.complete(&format!("run list.csv {}", swiftly(&sandbox))).await;
    for (command, first, rows, csv) in [
        ("list", "invitation_id", stock.len() + 1, "invitation_id,entity_urn,account,name,profile_url,headline,"),
        ("check", "account", 0, "account,key,login,balance,detail\n"),
        (
            "verify --yes",
            "No differences: 3 settled invitations compared.",
            1,
            "invitation_id,entity_urn,account,believed,found,follows\n",
        ),
        ("history", "", 3, "day,account,withdrawn,not_pending,failed,credits,credits_possible,api\n"),
        ("history --runs", "started_at", 0, "run_id,started_at,last_call_at,command,accounts,calls,withdrawn,credits,"),
    ] {
        let typed = if command.starts_with("history") {
            command.to_owned()
        } else {
            format!("{command} {}", unlimited(&sandbox))
        };
        let piped = program.complete(&typed).await;
        assert!(piped.stdout.starts_with(csv), "{command}: {}", piped.stdout);
        for columns in [120, 80, 40] {
            let table = on_a_terminal(program.command(&typed), columns).await;
            assert!(!table.contains(',') || !table.starts_with(csv), "{table}");
            // At 40 columns a run has its ID and its withdrawals.
            assert!(table.starts_with(first) || table.contains("run_id"), "{command}: {table}");
            assert!(rows == 0 || table.lines().count() == rows, "{command}: {table}");
            let widest = table.lines().map(|line| line.width()).max().unwrap();
            assert!(command.starts_with("verify") || widest <= columns.into(), "{command} at {columns}: {table}");
        }
    }
    // No locale says UTF-8.
    let table = on_a_terminal(program.command(&format!("list {}", unlimited(&sandbox))), 40).await;
    assert!(!table.contains('…') && table.contains("..."), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_found_by_the_run_id_of_its_summary() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(7)));
    program.complete(&format!("run list.csv {}", swiftly(&sandbox))).await.ended_with(0);
    let summary = program.summary();
    program.complete(&format!("list {}", unlimited(&sandbox))).await.ended_with(0);
    let ran = program.run("history --runs --format json");
    ran.ended_with(0);
    let runs: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!((&runs[1]["command"], &runs[1]["calls"]), (&"list".into(), &sandbox.record().list_calls.into()));
    let run = runs.iter().find(|run| run["run_id"] == summary["run_id"]).unwrap();
    assert_eq!((&run["command"], &run["accounts"]), (&"run".into(), &"default".into()));
    assert_eq!((&run["calls"], &run["withdrawn"]), (&7.into(), &7.into()));
    assert_eq!(run["credits"], summary["credits"]["charged"]);
    assert_eq!(run["credits_possible"], summary["credits"]["possible"]);
    for (began, count) in [("2000-01-01", 2), ("2999-01-01", 0)] {
        let since = program.run(&format!("history --runs --since {began} --ledger {LEDGER}"));
        assert_eq!(since.ended_with(0).stdout.lines().count(), 1 + count);
    }
}
