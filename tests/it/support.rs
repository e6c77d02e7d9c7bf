//! What the tests share: the program in a directory of its own, its report, and an API to call.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use bulk_withdraw::sandbox::{Record, Sandbox, SandboxOptions, StockItem};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

pub const DAY: Duration = Duration::from_secs(24 * 3_600);

pub const KEY: &str = "key-0123456789abcdef";
pub const TOKEN: &str = "AQEDAtoken0123456789abcdef";
pub const ACCOUNT_ID: &str = "acc_0123456789";

/// A version of the API, with all that a test needs to know of how they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    V1,
    V2,
}

impl Api {
    pub const BOTH: [Self; 2] = [Self::V1, Self::V2];

    /// Its name for `--api` and in the summary.
    pub fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }

    /// The variable that chooses the account, with the value that the simulated API accepts.
    pub fn login(self) -> (&'static str, &'static str) {
        match self {
            Self::V1 => ("LINKUP_LOGIN_TOKEN", TOKEN),
            Self::V2 => ("LINKUP_ACCOUNT_ID", ACCOUNT_ID),
        }
    }

    /// The variable with the secret that an answer is most likely to repeat.
    pub fn secret(self) -> &'static str {
        match self {
            Self::V1 => "LINKUP_LOGIN_TOKEN",
            Self::V2 => "LINKUP_API_KEY",
        }
    }

    /// That secret.
    pub fn echoed(self) -> &'static str {
        match self {
            Self::V1 => TOKEN,
            Self::V2 => KEY,
        }
    }

    /// The path for withdrawals.
    pub fn withdraw_path(self) -> &'static str {
        match self {
            Self::V1 => "/v1/network/withdraw-invitation",
            Self::V2 => "/v2/network",
        }
    }

    /// The reason to stop if the account is refused.
    pub fn account_refused(self) -> &'static str {
        match self {
            Self::V1 => "login_refused",
            Self::V2 => "account_refused",
        }
    }

    /// The HTTP status of a rate limit.
    pub fn rate_limit_status(self) -> u16 {
        match self {
            Self::V1 => 200,
            Self::V2 => 429,
        }
    }

    /// The most that the recorded withdrawals can have cost: on V1 every call except those answered by the API's own
    /// 500; on V2, where each answer says what it cost, only lost ones are in doubt (`docs/linkup-api.md`, Credits).
    pub fn possible(self, record: &Record) -> u64 {
        match self {
            Self::V1 => record.calls - record.server_errors,
            Self::V2 => record.charged + record.lost,
        }
    }

    /// A confirmed withdrawal.
    pub fn success(self) -> ResponseTemplate {
        ResponseTemplate::new(200).set_body_json(match self {
            Self::V1 => json!({"status": "success", "message": "Connection invitation withdrawn successfully"}),
            Self::V2 => json!({"success": true, "data": {"withdrawn": true}, "metadata": {"credits_consumed": 1}}),
        })
    }

    /// An error with this message; V2's has an unknown code.
    pub fn error(self, status: u16, message: &str) -> ResponseTemplate {
        ResponseTemplate::new(status).set_body_json(match self {
            Self::V1 => json!({"status": "error", "message": message}),
            Self::V2 => json!({
                "success": false, "error": {"code": "FAILED", "message": message}, "metadata": {"credits_consumed": 0}
            }),
        })
    }

    /// A rate limit.
    pub fn rate_limited(self) -> ResponseTemplate {
        self.error(self.rate_limit_status(), "Rate limit exceeded. Please try again later")
    }
}

/// Makes one test per function and version, so that a failure names both: `on_v2::the_function`.
macro_rules! on_both_versions {
    ($($name:ident),* $(,)?) => {
        mod on_v1 {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(crate::support::Api::V1).await;
            })*
        }
        mod on_v2 {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(crate::support::Api::V2).await;
            })*
        }
    };
}
pub(crate) use on_both_versions;

/// Hidden, so that it is not in [`Program::files`].
const LOG: &str = ".stderr";
/// Where the ledger is by default.
pub const LEDGER: &str = ".local/state/bulk-withdraw/ledger.db";

/// The program in a directory of its own, without the caller's environment.
pub struct Program {
    dir: tempfile::TempDir,
    api: Api,
}

impl Program {
    pub fn new() -> Self {
        Self::on(Api::V1)
    }

    /// With credentials for this version.
    pub fn on(api: Api) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), api }
    }

    pub fn api(&self) -> Api {
        self.api
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names in the directory, sorted, without hidden ones such as the ledger's.
    pub fn files(&self) -> Vec<String> {
        self.files_in("")
    }

    pub fn files_in(&self, place: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(place)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    }

    /// The program with these arguments, split at spaces, and credentials.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = self.bare_command(arguments);
        let (name, login) = self.api.login();
        command.env("LINKUP_API_KEY", KEY).env(name, login);
        command
    }

    pub fn bare_command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bulk-withdraw"));
        command.args(arguments.split_whitespace());
        self.set_up(&mut command);
        command
    }

    /// Runs it to its end and blocks meanwhile: not for a run that calls a server of the same test.
    pub fn run(&self, arguments: &str) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    pub fn start(&self, arguments: &str) -> Child {
        spawn(self.command(arguments))
    }

    /// Runs it to its end, while the test's own servers answer.
    pub async fn complete(&self, arguments: &str) -> Ran {
        wait(self.start(arguments)).await
    }

    /// Starts it with stderr in a file, for [`Self::log`].
    pub fn start_logged(&self, arguments: &str) -> Child {
        let log = fs::File::create(self.path(LOG)).unwrap();
        self.command(arguments).stdout(Stdio::piped()).stderr(log).spawn().unwrap()
    }

    /// What it has written to stderr so far.
    pub fn log(&self) -> String {
        self.read(LOG)
    }

    /// The program started by a shell, after these commands.
    pub fn shell(&self, commands: &str, arguments: &str) -> Command {
        let script = format!("{commands}; exec '{}' {arguments}", env!("CARGO_BIN_EXE_bulk-withdraw"));
        let mut command = Command::new("sh");
        command.args(["-c", &script]);
        self.set_up(&mut command);
        let (name, login) = self.api.login();
        command.env("PATH", "/usr/bin:/bin").env("LINKUP_API_KEY", KEY).env(name, login);
        command
    }

    fn set_up(&self, command: &mut Command) {
        command.env_clear().env("HOME", self.dir.path()).current_dir(self.dir.path()).stdin(Stdio::null());
    }

    pub fn make_pipe(&self, name: &str) {
        assert!(Command::new("mkfifo").arg(self.path(name)).status().unwrap().success());
    }

    pub fn report(&self, name: &str) -> Report {
        Report::parse(&self.read(name))
    }

    /// What all calls in the ledger cost, as `history` has it: surely charged, and at the most.
    pub fn bill(&self) -> (u64, u64) {
        let ran = self.run("history --format json");
        ran.ended_with(0);
        let days: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
        let sum = |column: &str| days.iter().map(|day| day[column].as_u64().unwrap()).sum();
        (sum("credits"), sum("credits_possible"))
    }

    pub fn summary(&self) -> Value {
        serde_json::from_str(&self.read("summary.json")).unwrap()
    }
}

/// A run that has ended.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ran {
    #[track_caller]
    pub fn ended_with(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "no {text:?} in: {}", self.stderr);
        self
    }
}

/// A report, by row number.
pub struct Report {
    pub header: Vec<String>,
    pub lines: BTreeMap<u64, BTreeMap<String, String>>,
}

impl Report {
    pub fn parse(text: &str) -> Self {
        let text = text.trim_start_matches('\u{feff}');
        let delimiter = text.strip_prefix("row").unwrap().as_bytes()[0];
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
        let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let mut lines = BTreeMap::new();
        for record in reader.records() {
            let record = record.unwrap();
            let line: BTreeMap<_, _> = header.iter().cloned().zip(record.iter().map(str::to_owned)).collect();
            let row = line["row"].parse().unwrap();
            assert!(lines.insert(row, line).is_none(), "row {row} is there twice");
        }
        Self { header, lines }
    }

    pub fn outcome(&self, row: u64) -> &str {
        &self.lines[&row]["outcome"]
    }

    pub fn outcomes(&self) -> Vec<&str> {
        self.lines.values().map(|line| line["outcome"].as_str()).collect()
    }

    pub fn count(&self, outcome: &str) -> usize {
        self.outcomes().iter().filter(|other| **other == outcome).count()
    }

    pub fn sum(&self, column: &str) -> u64 {
        self.lines.values().map(|line| line[column].parse::<u64>().unwrap()).sum()
    }
}

/// A simulated API of both versions without latency and rate limit.
pub async fn swift(change: impl FnOnce(&mut SandboxOptions)) -> Sandbox {
    let mut options = SandboxOptions {
        limit: None,
        latency: Duration::ZERO..=Duration::ZERO,
        api_key: Some(KEY.to_owned()),
        login_token: Some(TOKEN.to_owned()),
        account_id: Some(ACCOUNT_ID.to_owned()),
        ..SandboxOptions::default()
    };
    change(&mut options);
    Sandbox::start(options).await.unwrap()
}

/// The same with these pending invitations.
pub async fn with_stock(stock: &[StockItem], change: impl FnOnce(&mut SandboxOptions)) -> Sandbox {
    swift(|options| {
        options.stock = Some(stock.to_vec());
        change(options);
    })
    .await
}

/// The invitations that it withdrew.
pub fn withdrawn(sandbox: &Sandbox) -> BTreeSet<String> {
    let record = sandbox.record();
    record.invitations.iter().filter(|(_, known)| known.withdrawn).map(|(id, _)| id.clone()).collect()
}

/// Flags for `run` and `clean` against this API: as fast as possible, without a prompt, with short back-offs.
pub fn swiftly(sandbox: &Sandbox) -> String {
    format!("--base-url {} {SWIFTLY}", sandbox.base_url())
}

/// Flags for `list` against this API.
pub fn unlimited(sandbox: &Sandbox) -> String {
    format!("--base-url {} --rate unlimited", sandbox.base_url())
}

pub const SWIFTLY: &str =
    "--yes --rate unlimited --retry-base 1ms --retry-max 8ms -o report.csv --summary summary.json";

/// `count` genuine-looking IDs: multiples of 4,096, so that none has an ending of the simulated API.
pub fn ids(count: u64) -> impl Iterator<Item = String> {
    (0..count).map(|at| (7_329_176_687_475_109_888 + at * 4_096).to_string())
}

/// A CSV list of these IDs.
pub fn list(ids: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    ids.into_iter().fold("invitation_id\n".to_owned(), |list, id| list + id.as_ref() + "\n")
}

/// Starts it, with its output captured for [`wait`].
pub fn spawn(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// How long a test waits for anything: far longer than it takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// Waits for a child without blocking the runtime on which the simulated API runs.
pub async fn wait(child: Child) -> Ran {
    let pid = child.id();
    let mut output = tokio::task::spawn_blocking(move || Ran::from(child.wait_with_output().unwrap()));
    match tokio::time::timeout(DEADLINE, &mut output).await {
        Ok(ran) => ran.unwrap(),
        Err(_) => {
            kill_process(pid, "KILL");
            let ran = output.await.unwrap();
            panic!("still running after {DEADLINE:?}\nstdout: {}\nstderr: {}", ran.stdout, ran.stderr);
        }
    }
}

/// Sends a signal, as `kill` does.
pub fn kill(child: &Child, signal: &str) {
    kill_process(child.id(), signal);
}

fn kill_process(pid: u32, signal: &str) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status().unwrap();
    assert!(sent.success(), "SIG{signal} could not be sent to process {pid}");
}

/// Whether the process has a thread of this name that sleeps, as one does that waits for the other end of a pipe.
pub fn has_sleeping_thread(child: &Child, name: &str) -> bool {
    let threads = fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
    // A thread may end while it is looked at.
    let stats = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("stat")).ok());
    stats.into_iter().any(|stat| stat.contains(&format!("({name}) S ")))
}

/// Whether a thread of the process waits in a write to a full pipe (proc_pid_wchan(5)).
pub fn waits_in_a_pipe_write(child: &Child) -> bool {
    let threads = fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
    let waits = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("wchan")).ok());
    waits.into_iter().any(|function| function.contains("pipe_write"))
}

/// Sends SIGTERM again and again until the child has ended: one signal may find it in a write that blocks.
pub async fn kill_until_it_ends(child: &mut Child) {
    until("the end", || {
        kill(child, "TERM");
        child.try_wait().unwrap().is_some()
    })
    .await;
}

/// Waits until a condition holds. `what` says in a failure what was waited for.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited {DEADLINE:?} for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
