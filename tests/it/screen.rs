//! What a person sees while a run goes on: the real program on a pseudo-terminal, whose screen is read back.

use std::fs::File;
use std::io::Read;
use std::net::TcpListener;
use std::num::NonZeroU16;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer};

use crate::support::{Api, Program, SWIFTLY, ids, kill, list, swift, swiftly, until};

const HOUR: Duration = Duration::from_secs(3_600);
const UTF8: [(&str, &str); 2] = [("TERM", "xterm"), ("LANG", "en_US.UTF-8")];
const ASCII: [(&str, &str); 2] = [("TERM", "xterm"), ("LANG", "C")];
const DUMB: [(&str, &str); 2] = [("TERM", "dumb"), ("LANG", "en_US.UTF-8")];

/// A terminal on which the program runs.
struct Terminal {
    child: Child,
    screen: Arc<Mutex<vt100::Parser>>,
    /// All that was written to it.
    reader: Option<JoinHandle<Vec<u8>>>,
}

impl Terminal {
    fn start(program: &Program, arguments: &str, columns: u16, environment: &[(&str, &str)]) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let window = Winsize { ws_row: 60, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&ours, window).unwrap();
        let theirs = ioctl_tiocgptpeer(&ours, flags).unwrap();
        let mut command = program.command(arguments);
        command.envs(environment.iter().copied()).stdout(Stdio::null()).stderr(theirs);
        let child = command.spawn().unwrap();
        // It holds the other end until here.
        drop(command);
        let size = |count| NonZeroU16::new(count).unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(size(60), size(columns), 0)));
        let (mut ours, shown) = (File::from(ours), Arc::clone(&screen));
        let reader = std::thread::spawn(move || {
            let (mut all, mut bytes) = (Vec::new(), [0; 4_096]);
            // It ends with an error once the program has closed its end.
            while let Ok(count @ 1..) = ours.read(&mut bytes) {
                all.extend(&bytes[..count]);
                shown.lock().unwrap().process(&bytes[..count]);
            }
            all
        });
        Self { child, screen, reader: Some(reader) }
    }

    fn text(&self) -> String {
        shown(self.screen.lock().unwrap().screen())
    }

    /// The screen once it shows this, without its digits. No line of it is longer than the terminal is wide.
    async fn showing(&self, what: &str) -> String {
        until(what, || self.text().contains(what)).await;
        self.whole()
    }

    fn whole(&self) -> String {
        let parser = self.screen.lock().unwrap();
        let screen = parser.screen();
        let last = u16::from(screen.size().1) - 1;
        // A line of the display ends in spaces that lead to the next one.
        let is_full = |row| screen.cell(row, last).is_some_and(|cell| !cell.contents().trim().is_empty());
        // A command that may be copied is left to the terminal.
        let mut is_command = false;
        let mut is_cut = |row| {
            let begins = screen.cell(row, 0).is_some_and(|cell| cell.contents() == "b");
            let is_wrapped = screen.row_wrapped(row) && is_full(row);
            is_command =
                is_wrapped && (is_command || begins && screen.contents_between(row, 0, row, 14) == "bulk-withdraw ");
            is_wrapped && !is_command
        };
        let cut = (0..60).find(|row| is_cut(*row));
        assert_eq!(cut, None, "a line is cut:\n{}", shown(screen));
        without_digits(&shown(screen))
    }

    /// Waits for the end. Returns the screen and all that was written.
    async fn ended(mut self) -> (String, String) {
        until("the end", || self.child.try_wait().unwrap().is_some()).await;
        let all = self.reader.take().unwrap().join().unwrap();
        (self.whole(), String::from_utf8(all).unwrap())
    }
}

/// What stands there, line by line.
fn shown(screen: &vt100::Screen) -> String {
    let columns = screen.size().1.into();
    let rows: Vec<_> = screen.rows(0, columns).map(|row| row.trim_end().to_owned()).collect();
    rows.join("\n").trim_end().to_owned()
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Numbers and the directory differ from run to run: each number becomes one 9, and lines with the directory are left out.
fn without_digits(text: &str) -> String {
    let mut out = String::new();
    let lines = text.trim_end().lines().filter(|line| !line.contains("/report.csv"));
    for c in lines.collect::<Vec<_>>().join("\n").chars() {
        match c {
            '0'..='9' if out.ends_with('9') => {}
            '0'..='9' => out.push('9'),
            c => out.push(c),
        }
    }
    out
}

fn assert_screen(name: &str, shown: &str) {
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, shown) });
}

/// 40 rows, of which 24 are settled before the API falls silent.
async fn half_a_run() -> (Program, MockServer, String) {
    let server = MockServer::start().await;
    let answer = Api::V1.success();
    Mock::given(any()).respond_with(answer.clone()).up_to_n_times(21).mount(&server).await;
    Mock::given(any()).respond_with(answer.set_delay(HOUR)).mount(&server).await;
    let program = Program::new();
    let twice = ids(2);
    program.write("list.csv", list(ids(37).chain(twice).chain(["none".to_owned()])));
    let flags = "--yes --rate unlimited --timeout 60s -o report.csv";
    let arguments = format!("run list.csv --base-url {} {flags}", server.uri());
    (program, server, arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_and_its_stop_at_every_width() {
    for (name, columns, environment) in
        [("120", 120, UTF8), ("80", 80, UTF8), ("40", 40, UTF8), ("80_ascii", 80, ASCII), ("40_ascii", 40, ASCII)]
    {
        let (program, _server, arguments) = half_a_run().await;
        let terminal = Terminal::start(&program, &arguments, columns, &environment);
        until("24 rows", || terminal.text().contains("24/40")).await;
        assert_screen(&format!("run_{name}"), &terminal.showing(" left").await);
        kill(&terminal.child, "INT");
        until("the stop", || terminal.text().to_lowercase().contains("stopping")).await;
        let last_line = if columns > 60 { "Stopping: 16 calls" } else { "24/40  stopping" };
        until("the stop on the last line", || terminal.text().matches(last_line).count() >= 1).await;
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        assert_screen(&format!("stop_{name}"), &terminal.whole());
        kill(&terminal.child, "INT");
        let (screen, written) = terminal.ended().await;
        assert_screen(&format!("quit_{name}"), &screen);
        if environment == ASCII {
            assert!(written.is_ascii(), "{written}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_ascii_is_written_where_the_locale_has_no_utf_8() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let program = Program::new();
    program.write("list.csv", list(ids(3)) + "7329176687475100000\n");
    let run = format!("run list.csv --base-url http://{closed} {SWIFTLY}");
    let (screen, written) = Terminal::start(&program, &run, 80, &ASCII).ended().await;
    assert!(written.is_ascii(), "{written}");
    assert!(screen.contains("9 x no connection"), "{screen}");
    // Names of people are not ours to change.
    let sandbox = swift(|_| {}).await;
    program.write("list.csv", "invitation_id,account\n1000000,Zoë\n");
    let run = format!("run list.csv {}", swiftly(&sandbox));
    let (screen, _) = Terminal::start(&program, &run, 80, &ASCII).ended().await;
    assert!(screen.contains("Zoë"), "{screen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_for_calls_that_are_refused_together() {
    let server = MockServer::start().await;
    let together = Api::V1.rate_limited().insert_header("retry-after", "1").set_delay(Duration::from_millis(200));
    Mock::given(any()).respond_with(together).up_to_n_times(8).with_priority(1).mount(&server).await;
    Mock::given(any()).respond_with(Api::V1.success()).mount(&server).await;
    let program = Program::new();
    program.write("list.csv", list(ids(8)));
    let run = format!("run list.csv --base-url {} {SWIFTLY} --concurrency 8", server.uri());
    let ran = program.complete(&run).await;
    ran.ended_with(0).says("8 rate limited");
    assert_eq!(ran.stderr.matches("rate limited: the next call").count(), 1, "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_waits_for_is_on_the_screen() {
    let refusing = MockServer::start().await;
    Mock::given(any()).respond_with(Api::V1.rate_limited()).mount(&refusing).await;
    let asking = MockServer::start().await;
    let asked = Api::V1.rate_limited().insert_header("retry-after", "600");
    Mock::given(any()).respond_with(asked).mount(&asking).await;
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = swift(|options| options.latency = HOUR..=HOUR).await;
    // Where it is 10 o'clock now.
    let hour = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).hour();
    let zone = format!("XXX{:+}", hour - 10);
    let run = |address: &str| format!("run list.csv --yes --rate unlimited -o report.csv --base-url {address}");
    let cases = [
        ("refused", format!("{} --retry-base 60s --concurrency 1", run(&refusing.uri())), "giving up in"),
        ("asked_to_wait", format!("{} --concurrency 1", run(&asking.uri())), "asked to wait until"),
        ("no_connection", format!("{} --retry-base 50s", run(&format!("http://{closed}"))), "retry 1 of 5"),
        (
            "outside_the_hours",
            format!("{} --between 12:00-13:00", run(silent.base_url().as_str())),
            "Outside the hours (",
        ),
        ("a_list", format!("clean --older-than 30d {}", swiftly(&silent)), "Fetching the list"),
    ];
    for (name, arguments, says) in cases {
        let program = Program::new();
        program.write("list.csv", list(ids(3)));
        let environment = [UTF8[0], UTF8[1], ("TZ", zone.as_str())];
        let terminal = Terminal::start(&program, &arguments, 80, &environment);
        assert_screen(name, &terminal.showing(says).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_drawn_where_it_can_t_be() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(3)));
    let arguments = format!("run list.csv {}", swiftly(&sandbox));
    let (screen, written) = Terminal::start(&program, &arguments, 40, &DUMB).ended().await;
    assert!(!written.contains('\u{1b}'), "{written:?}");
    assert_screen("dumb", &screen);

    let program = Program::new();
    program.write("list.csv", list(ids(3)).replace('\n', "\nnone\n"));
    let ran = program.complete(&arguments).await;
    assert!(!ran.stderr.contains('\u{1b}'), "{:?}", ran.stderr);
    assert_screen("no_terminal", &without_digits(&ran.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_to_go_on_with_can_be_copied_whole() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let program = Program::new();
    program.write("list.csv", list(ids(1)));
    let run = format!("run list.csv --base-url http://{closed} --retries 0 {SWIFTLY}");
    let (_, written) = Terminal::start(&program, &run, 40, &UTF8).ended().await;
    let parts = [format!("--base-url http://{closed}"), "--retries 0".to_owned(), "--summary".to_owned()];
    let is_command = |line: &str| line.starts_with("bulk-withdraw run list.csv --output report.csv --");
    let command = written.lines().find(|line| is_command(line)).unwrap_or_else(|| panic!("{written}"));
    assert!(parts.iter().all(|part| command.contains(part)), "{written}");
}
