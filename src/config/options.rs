//! The one table of options. Flags, environment variables, keys of the configuration file, `config`'s listing, the help
//! and the table in `docs/` all come from it or are tested against it.
//!
//! A new option is an entry here, a field of [`super::Settings`] and the code that uses it.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use clap_complete::Shell;
use jiff::civil::Date;

use super::option::{Command, Default, Entry, Opt, Places};
use super::values::{
    age, delimiter, duration, duration_range, one_of, parsed, path, string, switch, text, texts, time_limit, workers,
};
use crate::api::{ApiVersion, InvitationType};
use crate::input::{InputFormat, Source};
use crate::invitation::{AccountName, Country, InvitationId};
use crate::pace::{Gap, Hours, Rate};
use crate::ping::PingUrl;
use crate::policy::SuccessMessages;
use crate::report::{Destination, Format, ProgressStyle, TableFormat};
use crate::sandbox::{Faults, Limit, ListFaults};
use crate::share::Partition;

/// How the log on stderr is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// When stderr is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

const RUN: u16 = Command::Run as u16;
const LIST: u16 = Command::List as u16;
const CLEAN: u16 = Command::Clean as u16;
const HISTORY: u16 = Command::History as u16;
const CONFIG: u16 = Command::Config as u16;
const SANDBOX: u16 = Command::Sandbox as u16;
const VERIFY: u16 = Command::Verify as u16;
const CHECK: u16 = Command::Check as u16;
const COMPLETIONS: u16 = Command::Completions as u16;
const MAN: u16 = Command::Man as u16;
/// The commands that call the API, and the one that shows their settings.
const CALLING: u16 = RUN | LIST | CLEAN | VERIFY | CHECK | CONFIG;

const BASE: Entry = Entry {
    name: "",
    short: None,
    value: "",
    default: Default::None,
    help: "",
    wanted: "true or false",
    heading: "Options",
    places: Places::Flag,
    on: 0,
    conflicts: &[],
    is_list: false,
    is_common: false,
    accepts: |_| false,
};
const INPUT: Entry = Entry { heading: "Input", on: RUN, ..BASE };
const WHICH: Entry = Entry { heading: "Which", on: LIST | CLEAN, ..BASE };
const REPORT: Entry = Entry { heading: "Report", on: RUN | LIST | CLEAN | VERIFY, ..BASE };
const NOTIFY: Entry = Entry { heading: "Report", on: CALLING, places: Places::Everywhere, ..BASE };
const SAFETY: Entry = Entry { heading: "Safety", on: RUN | CLEAN | CONFIG, places: Places::Everywhere, ..BASE };
const CALL: Entry = Entry { heading: "Safety", on: RUN | CLEAN, ..BASE };
const PACE: Entry = Entry { heading: "Pace", on: CALLING, places: Places::Everywhere, wanted: TIME, ..BASE };
const LIMITS: Entry = Entry { heading: "Limits", on: RUN | CLEAN | CONFIG, places: Places::Everywhere, ..BASE };
const API: Entry = Entry { heading: "API", on: CALLING, places: Places::Everywhere, ..BASE };
const LOG: Entry = Entry { heading: "Log", places: Places::GlobalFlag, ..BASE };
const LEDGER: Entry = Entry { heading: "Ledger", on: HISTORY, ..BASE };
const SERVER: Entry = Entry { heading: "Server", on: SANDBOX, ..BASE };

const TIME: &str = "a time, like \"500ms\", \"30s\", \"15m\" or \"2h\"";
const AGE: &str = "an age like 30d, 4w, 3mo or 1y (a month is 30 days, a year 365)";
const COUNT: &str = "a whole number, 0 or more";
const SMALL_COUNT: &str = "a whole number from 0 to 4294967295";
const FILE: &str = "the path of a file";
const ADDRESS_FILE: &str = "the path of a file that holds the address to ping";
const PATTERN: &str = "a text that is not empty (in the configuration file, a list of texts)";
pub(super) const PING_WANTED: &str = "an https:// address (http:// for localhost only)";
const TEXTS: &str = "a list of texts, none of them empty";
const DAY: &str = "a day, like 2026-11-22";
const ID: &str = "an invitation's ID: 1 to 20 digits, or its URN";

macro_rules! options {
    ($($key:ident: $type:ty, $read:expr, $base:ident { $($field:ident: $value:expr),* $(,)? })*) => {
        $(pub(crate) static $key: Opt<$type> = Opt {
            entry: Entry {
                $($field: $value,)*
                accepts: |value| {
                    let read: fn(&OsStr) -> Option<$type> = $read;
                    read(value).is_some()
                },
                ..$base
            },
            read: $read,
        };)*

        /// Every option, in the order of the help and of the configuration file's sample.
        pub(crate) static ENTRIES: &[&Entry] = &[$(&$key.entry),*];
    };
}

options! {
    SOURCE: Source, |value| {
        Some(if value == "-" { Source::Stdin } else { Source::Path(value.into()) })
    }, INPUT {
        name: "input", value: "INPUT", places: Places::Argument,
        help: "File of invitation IDs or profile URLs (- = stdin)",
        wanted: "a file, or - for stdin",
    }
    INPUT_FORMAT: InputFormat, |value| one_of(value, &[
        ("csv", InputFormat::Csv), ("jsonl", InputFormat::JsonLines), ("json", InputFormat::Json),
    ]), INPUT {
        name: "input_format", value: "csv|jsonl|json",
        default: Default::Depends("auto"),
        help: "Input format",
        wanted: "csv, jsonl or json",
    }
    ID_COLUMN: String, string, INPUT {
        name: "id_column", value: "NAME", default: Default::Depends("invitation_id"),
        help: "Column with the IDs",
        wanted: "the name of a column",
    }
    DELIMITER: u8, delimiter, INPUT {
        name: "delimiter", value: "CHAR", default: Default::Depends("auto-detected"),
        help: "CSV delimiter, or \"tab\"",
        wanted: "one ASCII character, or \"tab\"",
    }
    ACCEPT_ROUNDED_IDS: bool, switch, INPUT {
        name: "accept_rounded_ids",
        help: "Accept IDs that look rounded by a spreadsheet",
    }

    OLDER_THAN: u32, age, WHICH {
        name: "older_than", value: "AGE", wanted: AGE,
        help: "Only this old or older: 30d, 4w, 3mo, 1y (approximate)", is_common: true,
    }
    NEWER_THAN: u32, age, WHICH {
        name: "newer_than", value: "AGE", wanted: AGE,
        help: "Only newer than this (approximate)",
    }
    INVITATION_TYPE: InvitationType, parsed, WHICH {
        name: "type", value: "TYPE", on: LIST | CLEAN | VERIFY, default: Default::Text("connection"),
        help: "Type: connection, organization or content_series",
        wanted: "connection, organization or content_series",
    }
    LIMIT: u64, parsed, WHICH {
        name: "limit", value: "N", wanted: COUNT,
        help: "At most N invitations", is_common: true,
    }
    MAX_PAGES: u64, parsed, WHICH {
        name: "max_pages", value: "N", wanted: COUNT,
        help: "Fetch at most N pages (1 credit each)",
    }
    MATCH: Vec<String>, texts, WHICH {
        name: "match", value: "TEXT", on: LIST | CLEAN | CONFIG, places: Places::Everywhere, is_list: true,
        help: "Only if name or headline contains TEXT; repeatable", is_common: true,
        wanted: PATTERN,
    }
    NOT_MATCH: Vec<String>, texts, WHICH {
        name: "not_match", value: "TEXT", on: LIST | CLEAN | CONFIG, places: Places::Everywhere, is_list: true,
        help: "Skip if name or headline contains TEXT; repeatable", is_common: true,
        wanted: PATTERN,
    }
    WITHOUT_NOTE: bool, switch, WHICH {
        name: "without_note",
        help: "Only invitations sent without a note (V1 only)",
    }
    MAX_PENDING: u64, parsed, WHICH {
        name: "max_pending", value: "N", wanted: COUNT, on: CLEAN, conflicts: &["limit", "max_pages"],
        help: "Withdraw the oldest until N are left per account", is_common: true,
    }

    OUTPUT: Destination, destination, REPORT {
        name: "output", short: Some('o'), value: "PATH",
        default: Default::Depends("run, clean: a new file; list, verify: stdout"),
        help: "Report or list (- = stdout)", is_common: true,
        wanted: FILE,
    }
    OUTPUT_FORMAT: Format, |value| one_of(value, &[("csv", Format::Csv), ("jsonl", Format::JsonLines)]), REPORT {
        name: "output_format", value: "csv|jsonl", default: Default::Depends("by extension"),
        help: "Output format",
        wanted: "csv or jsonl",
    }
    SUMMARY: Destination, destination, REPORT {
        name: "summary", value: "PATH", wanted: FILE, on: RUN | LIST | CLEAN | VERIFY | CHECK,
        help: "Write the totals as JSON (- = stdout)", is_common: true,
    }
    HTML: PathBuf, |value| path(value).filter(|path| path.as_os_str() != "-"), REPORT {
        name: "html", value: "FILE", wanted: FILE, on: RUN | LIST | CLEAN | HISTORY,
        help: "Also write a web page about it (one HTML file)", is_common: true,
    }

    METRICS_FILE: PathBuf, path, NOTIFY {
        name: "metrics_file", value: "PATH", wanted: FILE,
        help: "Metrics for Prometheus (node_exporter)",
    }
    PING_URL: PingUrl, parsed, NOTIFY {
        name: "ping_url", value: "URL", wanted: PING_WANTED, conflicts: &["ping_url_file"],
        help: "Address to ping at start and end (a secret)",
    }
    // The address itself would be shown as a path is.
    PING_URL_FILE: PathBuf, |value| path(value).filter(|path| !path.to_string_lossy().contains("://")), NOTIFY {
        name: "ping_url_file", value: "FILE", wanted: ADDRESS_FILE,
        help: "File that holds the address to ping",
    }

    DRY_RUN: bool, switch, CALL {
        name: "dry_run", on: RUN | CLEAN | VERIFY,
        help: "Show plan and cost only (clean pays for its list)", is_common: true,
    }
    YES: bool, switch, CALL {
        name: "yes", short: Some('y'), on: RUN | CLEAN | HISTORY | VERIFY,
        help: "Skip the confirmation prompt", is_common: true,
    }
    RECHECK: bool, switch, CALL {
        name: "recheck",
        help: "Retry settled rows too (costs credits)",
    }
    SIMULATE: bool, switch, SAFETY {
        name: "sandbox", on: CALLING, conflicts: &["base_url"],
        help: "Use a simulated API: no credentials, no real calls", is_common: true,
    }
    MAX_ERRORS: u32, parsed, SAFETY {
        name: "max_errors", value: "N", default: Default::Text("20"), wanted: SMALL_COUNT,
        help: "Stop at N failures in a row (0 = never)",
    }
    LEDGER_PATH: PathBuf, path, SAFETY {
        name: "ledger", value: "PATH", on: RUN | LIST | CLEAN | VERIFY | CHECK | CONFIG,
        default: Default::Depends("$XDG_STATE_HOME/bulk-withdraw/ledger.db"),
        help: "Database that prevents paying twice", is_common: true,
        wanted: FILE,
    }
    WAIT_LOCK: Duration, duration, SAFETY {
        name: "wait_lock", value: "TIME", on: RUN | CLEAN | VERIFY | CONFIG, wanted: TIME,
        help: "Wait this long for another run to end",
    }
    KEEP: PathBuf, path, SAFETY {
        name: "keep", value: "FILE", wanted: FILE,
        help: "IDs or profile URLs never to withdraw, one per line", is_common: true,
    }
    LOGIN: bool, switch, BASE {
        name: "login", on: CHECK,
        help: "Also check V1 logins (1 credit per account)", is_common: true,
    }

    RATE: Rate, parsed, PACE {
        name: "rate", value: "N/TIME", default: Default::Text("290/min"),
        help: "Maximum call rate, or unlimited", is_common: true,
        wanted: "a call rate, like \"290/min\" or \"290/6s\" (or \"unlimited\", for a loopback address)",
    }
    CONCURRENCY: usize, workers, PACE {
        name: "concurrency", value: "N", default: Default::Text("16"),
        help: "Maximum concurrent calls",
        wanted: "a number from 1 to 1000",
    }
    RETRIES: u32, parsed, PACE {
        name: "retries", value: "N", default: Default::Text("5"), wanted: SMALL_COUNT,
        help: "Retries per row",
    }
    RETRY_BASE: Duration, duration, PACE {
        name: "retry_base", value: "TIME", default: Default::Text("1s"),
        help: "Delay before the first retry; doubles",
    }
    RETRY_MAX: Duration, duration, PACE {
        name: "retry_max", value: "TIME", default: Default::Text("60s"),
        help: "Longest delay before a retry",
    }
    PATIENCE: Duration, duration, PACE {
        name: "patience", value: "TIME", default: Default::Text("15m"),
        help: "Give up if rate limited this long",
    }
    TIMEOUT: Duration, time_limit, PACE {
        name: "timeout", value: "TIME", default: Default::Text("60s"),
        help: "Timeout per call",
        wanted: "a time longer than zero, like \"500ms\", \"30s\" or \"15m\"",
    }

    MAX_CREDITS: u64, parsed, LIMITS {
        name: "max_credits", value: "N", on: CALLING, wanted: COUNT,
        help: "Spend at most N credits, lists included", is_common: true,
    }
    MAX_WITHDRAWALS: u64, parsed, LIMITS {
        name: "max_withdrawals", value: "N", wanted: COUNT,
        help: "Stop after N withdrawals", is_common: true,
    }
    MAX_DURATION: Duration, time_limit, LIMITS {
        name: "max_duration", value: "TIME", on: CALLING, wanted: "a time longer than --timeout, like \"30m\" or \"2h\"",
        help: "End within this time (longer than --timeout)",
    }
    GAP: Gap, parsed, LIMITS {
        name: "gap", value: "MIN..MAX", wanted: "two times, the shorter one first, like \"2s..6s\", or one, like \"3s\"",
        help: "Random pause between withdrawals, like 2s..6s", is_common: true,
    }
    DAILY_CAP: u64, parsed, LIMITS {
        name: "daily_cap", value: "N", wanted: COUNT,
        help: "At most N withdrawals per account in any 24 hours", is_common: true,
    }
    BETWEEN: Hours, parsed, LIMITS {
        name: "between", value: "HH:MM-HH:MM", wanted: "hours of the day, like \"09:00-17:00\"",
        help: "Withdraw only at these local hours",
    }
    PARTITION: Partition, parsed, LIMITS {
        name: "partition", value: "K/N", on: RUN, places: Places::Flag,
        help: "Do only share K of N of the rows (or auto)",
        wanted: "a share, like 3/8, or auto",
    }

    ACCOUNT: AccountName, |value| AccountName::parse(text(value)?), API {
        name: "account", value: "NAME", default: Default::Depends("the only configured one"),
        help: "In run for rows without an account; else only this one", is_common: true,
        wanted: "the name of an account",
    }
    COUNTRY: Country, |value| Country::parse(text(value)?), API {
        name: "country", value: "CODE", default: Default::Text("FR"),
        help: "Country of LinkUp's proxy",
        wanted: "a country code, like \"FR\"",
    }
    API_VERSION: ApiVersion, parsed, API {
        name: "api", value: "v1|v2", default: Default::Depends("inferred"),
        help: "API version",
        wanted: "\"v1\" or \"v2\"",
    }
    // Any text: a wrong address may hold a password, which the message about it must not repeat.
    BASE_URL: String, string, API {
        name: "base_url", value: "URL", default: Default::Text("https://api.linkupapi.com"),
        help: "API address",
        wanted: "an address, like \"https://api.example.com\"",
    }
    SUCCESS_MESSAGES: SuccessMessages, |value| SuccessMessages::new(texts(value)?), API {
        name: "success_messages", value: "TEXTS", on: 0, places: Places::File, is_list: true,
        help: "More of the API's messages that confirm a withdrawal",
        wanted: TEXTS,
    }
    CONFIG_FILE: PathBuf, path, API {
        name: "config", value: "PATH", on: CALLING | HISTORY, places: Places::Flag,
        default: Default::Depends("$XDG_CONFIG_HOME/bulk-withdraw/config.toml"),
        help: "Configuration file", is_common: true,
        wanted: FILE,
    }

    LEDGERS: Vec<PathBuf>, |value| Some(texts(value)?.into_iter().map(PathBuf::from).collect()), LEDGER {
        name: "ledger", value: "PATH", is_list: true,
        default: Default::Depends("$XDG_STATE_HOME/bulk-withdraw/ledger.db"),
        help: "Ledgers to read as one, like ledger-*-of-8.db", is_common: true,
        wanted: FILE,
    }
    SINCE: Date, parsed, LEDGER {
        name: "since", value: "YYYY-MM-DD", wanted: DAY,
        help: "Only from this day on (UTC)", is_common: true,
    }
    SHOW_ID: InvitationId, |value| InvitationId::parse(text(value)?).ok(), LEDGER {
        name: "id", value: "ID", wanted: ID, conflicts: &["since", "forget", "forget_before", "html"],
        help: "Show one invitation's history", is_common: true,
    }
    FORGET: InvitationId, |value| InvitationId::parse(text(value)?).ok(), LEDGER {
        name: "forget", value: "ID", wanted: ID, conflicts: &["since", "forget_before", "html"],
        help: "Forget one invitation, so that the next run retries it", is_common: true,
    }
    FORGET_BEFORE: Date, parsed, LEDGER {
        name: "forget_before", value: "YYYY-MM-DD", wanted: DAY, conflicts: &["since", "html"],
        help: "Forget all invitations from before this day (UTC)", is_common: true,
    }
    REINVITABLE: bool, switch, LEDGER {
        name: "reinvitable", conflicts: &["since", "id", "forget", "forget_before", "html"],
        help: "Show who can be invited again (after 21 days)", is_common: true,
    }
    RUNS: bool, switch, LEDGER {
        name: "runs", conflicts: &["id", "forget", "forget_before", "reinvitable", "html"],
        help: "Show one line per run, with its cost and run_id", is_common: true,
    }
    TABLE_FORMAT: Option<TableFormat>, |value| one_of(value, &[
        ("auto", None), ("table", Some(TableFormat::Table)), ("csv", Some(TableFormat::Csv)),
        ("json", Some(TableFormat::Json)),
    ]), LEDGER {
        name: "format", value: "auto|table|csv|json", on: HISTORY | CHECK, default: Default::Text("auto"),
        help: "Output format (auto = table on a terminal, csv elsewhere)", is_common: true, heading: "Output",
        wanted: "auto, table, csv or json",
    }
    CONFIG_FORMAT: TableFormat, |value| one_of(value, &[
        ("table", TableFormat::Table), ("csv", TableFormat::Csv), ("json", TableFormat::Json),
    ]), LEDGER {
        name: "format", value: "table|csv|json", on: CONFIG, default: Default::Text("table"),
        help: "Output format", is_common: true, heading: "Output",
        wanted: "table, csv or json",
    }

    PORT: u16, parsed, SERVER {
        name: "port", value: "N", default: Default::Text("0"),
        help: "Port on 127.0.0.1 (0 = any free one)", is_common: true,
        wanted: "a port number, 0 to 65535",
    }
    FAULTS: Faults, parsed, SERVER {
        name: "faults", value: "RATES",
        help: "Fault rates, like rate-limited=10%,500=5%,closed=1%", is_common: true,
        wanted: "percentages of at most 100% in all, like 500=5%,closed=1%, of rate-limited, 429, 500, 502, closed, truncated, held, endless, web-page and redirect",
    }
    CALL_LIMIT: Limit, parsed, SERVER {
        name: "limit", value: "LIMIT", default: Default::Text("300/min"),
        help: "Calls allowed, like 300/min or 100/6s,fixed (0 = unlimited)", is_common: true,
        wanted: "a limit, like 300/min, 100/6s,fixed or 100/6s,bucket=10,counts-refused (0 = unlimited)",
    }
    LATENCY: (Duration, Duration), duration_range, SERVER {
        name: "latency", value: "MIN..MAX", default: Default::Text("20ms..80ms"),
        help: "Time per answer", is_common: true,
        wanted: "two times, the shorter one first, like 20ms..80ms",
    }
    CREDITS: u64, parsed, SERVER {
        name: "credits", value: "N", default: Default::Depends("unlimited"), wanted: COUNT,
        help: "Credits at the start", is_common: true,
    }
    PENDING: u32, |value| parsed(value).filter(|count| *count <= 100_000), SERVER {
        name: "pending", value: "N", default: Default::Text("40"),
        help: "Pending invitations at the start", is_common: true,
        wanted: "a number from 0 to 100000",
    }
    LIST_FAULTS: ListFaults, parsed, SERVER {
        name: "list_faults", value: "NAMES",
        help: "List faults: any of repeat,miss,early-end,total-off", is_common: true,
        wanted: "any of repeat, miss, early-end, total-off, separated by commas",
    }

    SHELL: Shell, parsed, BASE {
        name: "shell", value: "bash|elvish|fish|powershell|zsh", on: COMPLETIONS, places: Places::Argument,
        help: "Your shell",
        wanted: "bash, elvish, fish, powershell or zsh",
    }
    MAN_DIR: PathBuf, path, BASE {
        name: "dir", value: "DIR", on: MAN,
        help: "Write one page per command to this directory",
        wanted: "a directory",
    }

    PROGRESS: Option<ProgressStyle>, |value| one_of(value, &[
        ("auto", None), ("bar", Some(ProgressStyle::Bar)), ("plain", Some(ProgressStyle::Plain)),
        ("none", Some(ProgressStyle::None)),
    ]), REPORT {
        name: "progress", heading: "Log", value: "auto|bar|plain|none", default: Default::Text("auto"),
        help: "Progress display",
        wanted: "auto, bar, plain or none",
    }
    QUIET: u8, parsed, LOG {
        name: "quiet", short: Some('q'), conflicts: &["verbose"],
        help: "Show only warnings and failures; -qq: only errors",
    }
    VERBOSE: u8, parsed, LOG {
        name: "verbose", short: Some('v'),
        help: "Log every call and its answer",
    }
    LOG_FORMAT: LogFormat, |value| one_of(value, &[("text", LogFormat::Text), ("json", LogFormat::Json)]), LOG {
        name: "log_format", value: "text|json", default: Default::Text("text"),
        help: "Log format",
        wanted: "text or json",
    }
    COLOR: Color, |value| one_of(value, &[
        ("auto", Color::Auto), ("always", Color::Always), ("never", Color::Never),
    ]), LOG {
        name: "color", value: "auto|always|never", default: Default::Text("auto"),
        help: "Colors",
        wanted: "auto, always or never",
    }
}

fn destination(value: &OsStr) -> Option<Destination> {
    Some(if value == "-" { Destination::Stdout } else { Destination::Path(path(value)?) })
}

/// The option that the configuration file knows by this name.
pub(crate) fn setting(name: &str) -> Option<&'static Entry> {
    settings().find(|entry| entry.name == name)
}

/// Whether an option of this name belongs to the commands that read the environment and the file, and is a flag only.
pub(crate) fn is_flag_only(name: &str) -> bool {
    let is_theirs =
        |entry: &Entry| entry.places == Places::GlobalFlag || entry.on & (RUN | LIST | CLEAN | VERIFY | CHECK) != 0;
    name != CONFIG_FILE.entry.name
        && setting(name).is_none()
        && ENTRIES.iter().any(|entry| entry.name == name && is_theirs(entry))
}

/// The options that the configuration file knows.
pub(crate) fn settings() -> impl Iterator<Item = &'static Entry> {
    ENTRIES.iter().copied().filter(|entry| matches!(entry.places, Places::Everywhere | Places::File))
}
