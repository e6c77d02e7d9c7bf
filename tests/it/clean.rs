//! From the account to the clean account: listed, sifted, withdrawn, and told in one report and one summary.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

use bulk_withdraw::sandbox::{Faults, ListFaults, Sandbox, SandboxOptions, SentTime, StockItem};
use jiff::Timestamp;
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{KEY, Program, Ran, TOKEN, kill, swift, swiftly, until, wait};

const ACCOUNT_ID: &str = "acc_0123456789";
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The versions of the API, by the credential that chooses each.
const VERSIONS: [(&str, &str); 2] = [("LINKUP_LOGIN_TOKEN", TOKEN), ("LINKUP_ACCOUNT_ID", ACCOUNT_ID)];

fn command(program: &Program, (name, value): (&str, &str), arguments: &str) -> Command {
    let mut command = program.bare_command(arguments);
    command.env("LINKUP_API_KEY", KEY).env(name, value).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn run(program: &Program, version: (&str, &str), arguments: &str) -> Ran {
    wait(command(program, version, arguments).spawn().unwrap()).await
}

async fn with_stock(stock: &[StockItem], change: impl FnOnce(&mut SandboxOptions)) -> Sandbox {
    swift(|options| {
        options.account_id = Some(ACCOUNT_ID.to_owned());
        options.stock = Some(stock.to_vec());
        change(options);
    })
    .await
}

/// A thousand pending invitations, newest first; the last third is 31 days old or older.
fn thousand() -> (Vec<StockItem>, BTreeSet<String>) {
    let now = Timestamp::now();
    let age = |at: u32| if at < 667 { DAY * at * 29 / 667 } else { DAY * (31 + at - 667) };
    let stock: Vec<_> = (0..1_000).map(|at| StockItem::aged(age(at) + Duration::from_millis(at.into()), now)).collect();
    let old = stock[667..].iter().map(|item| item.id.to_string()).collect();
    (stock, old)
}

fn withdrawn(sandbox: &Sandbox) -> BTreeSet<String> {
    let record = sandbox.record();
    record.invitations.iter().filter(|(_, known)| known.withdrawn).map(|(id, _)| id.clone()).collect()
}

/// The report names everyone, and both halves' credits are those of the server's record.
fn agrees(program: &Program, sandbox: &Sandbox, stock: &[StockItem], old: &BTreeSet<String>) {
    assert_eq!(withdrawn(sandbox), *old, "not exactly the old ones");
    let (report, summary, record) = (program.report("report.csv"), program.summary(), sandbox.record());
    assert_eq!(report.header[11..], ["name", "profile_url", "headline", "sent_time", "age_days"]);
    assert_eq!(report.lines.len(), old.len());
    for line in report.lines.values() {
        let item = stock.iter().find(|item| item.id.to_string() == line["invitation_id"]).unwrap();
        let plain = |name: &str| line[name].trim_start_matches('\'').to_owned();
        assert_eq!((plain("name"), plain("headline")), (item.name.clone(), item.headline.clone()));
        assert_eq!(line["profile_url"], item.profile_url);
        assert!(line["age_days"].parse::<u32>().unwrap() >= 30, "{line:?}");
        assert!(["withdrawn", "presumed_withdrawn"].contains(&line["outcome"].as_str()), "{line:?}");
    }
    let list = json!({
        "pages": record.list_charged, "invitations": stock.len(),
        "charged": record.list_charged, "possible": record.list_possible,
    });
    assert_eq!(summary["list"], list);
    assert_eq!((report.sum("credits"), report.sum("credits_possible")), (record.charged, record.possible));
    assert_eq!(summary["credits"]["charged"], record.charged + record.list_charged);
    assert_eq!(summary["credits"]["possible"], record.possible + record.list_possible);
    assert_eq!(summary["calls"], record.calls + record.list_calls);
    assert_eq!(summary["rate_limit_answers"], record.rate_limited + record.list_rate_limited);
    assert_eq!(summary["accounts"]["default"]["credits"], summary["credits"]);
    assert_eq!((&summary["command"], &summary["input_complete"]), (&json!("clean"), &json!(true)));
}

async fn a_thousand(version: (&str, &str), faults: Faults) {
    let (stock, old) = thousand();
    let sandbox = with_stock(&stock, |options| (options.faults, options.seed) = (faults, Some(11))).await;
    let program = Program::new();
    let arguments = format!("clean --older-than 30d {} --retries 12", swiftly(&sandbox));
    let ran = run(&program, version, &arguments).await;
    ran.ended_with(0);
    assert!(!ran.stderr.contains("WARN"), "{}", ran.stderr);
    agrees(&program, &sandbox, &stock, &old);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_exactly_the_old_ones_are_withdrawn() {
    for version in VERSIONS {
        a_thousand(version, Faults::default()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_where_the_api_fails_while_it_lists() {
    for version in VERSIONS {
        let faults = Faults { rate_limited: 0.10, server_error: 0.05, ..Faults::default() };
        a_thousand(version, faults).await;
        let faults = Faults { bad_gateway: 0.05, closed: 0.03, truncated: 0.03, ..Faults::default() };
        a_thousand(version, faults).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_might_be_young_is_never_withdrawn_and_is_counted() {
    let now = Timestamp::now();
    let foreign = |days| SentTime::Words { prose: "Gesendet vor 3 Monaten".into(), short: "3 Mon.".into(), days };
    let claims = |days: u64| SentTime::Words { prose: "3 months ago".into(), short: "3mo".into(), days: Some(days) };
    let mut young = StockItem::aged(DAY * 2, now);
    young.sent = claims(90);
    let stock = [
        young,
        StockItem::new(2_906_418_534, foreign(None)),
        // No time in so short an ID, so the words alone speak for it.
        StockItem::new(2_906_418_536, claims(90)),
        StockItem::aged(DAY * 200, now),
    ];
    for version in VERSIONS {
        let sandbox = with_stock(&stock, |_| {}).await;
        let program = Program::new();
        let ran = run(&program, version, &format!("clean --older-than 4w {}", swiftly(&sandbox))).await;
        ran.ended_with(0).says("age can't be read (another language?): 1").says("younger by their IDs: 1");
        let old = stock[2..].iter().map(|item| item.id.to_string()).collect();
        assert_eq!(withdrawn(&sandbox), old);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_to_be_kept_is_kept() {
    let now = Timestamp::now();
    let stock: Vec<_> = (1..=6).map(|months| StockItem::aged(DAY * 40 * months, now)).collect();
    let program = Program::new();
    program.write("keep.txt", format!("# friends\n{}\n{}/?utm=1\n", stock[1].id, stock[3].profile_url.to_uppercase()));
    let kept = [stock[1].id.to_string(), stock[3].id.to_string()];

    let sandbox = with_stock(&stock, |_| {}).await;
    let ran =
        run(&program, VERSIONS[0], &format!("clean --older-than 30d --keep keep.txt {}", swiftly(&sandbox))).await;
    ran.ended_with(0);
    assert_eq!(withdrawn(&sandbox).len(), 4);
    assert!(withdrawn(&sandbox).is_disjoint(&kept.clone().into()));

    // The same for a list that is run, where each row has its line.
    let sandbox = with_stock(&stock, |_| {}).await;
    run(&program, VERSIONS[0], &format!("list --rate unlimited --base-url {} -o list.csv", sandbox.base_url()))
        .await
        .ended_with(0);
    let arguments = format!("run list.csv --keep keep.txt --ledger other.db {}", swiftly(&sandbox));
    run(&program, VERSIONS[0], &arguments).await.ended_with(0);
    assert!(withdrawn(&sandbox).is_disjoint(&kept.into()));
    let report = program.report("report.csv");
    assert_eq!((report.count("withdrawn"), report.count("not_attempted")), (4, 2));
    assert!(report.lines[&2]["detail"].contains("--keep"), "{:?}", report.lines[&2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_whom_to_keep_that_can_not_be_read_stops_everything() {
    let sandbox = with_stock(&[StockItem::aged(DAY * 40, Timestamp::now())], |_| {}).await;
    let program = Program::new();
    program.write("keep.txt", "Ada Lovelace\n").write("list.csv", "invitation_id\n4096\n");
    for command in ["clean --older-than 30d", "run list.csv"] {
        for (file, words) in [("keep.txt", "keep.txt, line 1"), ("missing.txt", "missing.txt can't be read")] {
            let ran = run(&program, VERSIONS[0], &format!("{command} --keep {file} {}", swiftly(&sandbox))).await;
            ran.ended_with(2).says(words);
        }
    }
    assert_eq!((sandbox.record().list_calls, sandbox.record().calls), (0, 0));
}

/// Somebody who is to be kept must not be withdrawn for want of an address to compare.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_might_be_to_be_kept_is_kept() {
    let now = Timestamp::now();
    let mut stock: Vec<_> = (1..=3).map(|months| StockItem::aged(DAY * 40 * months, now)).collect();
    stock[1].profile_url = "/in/ada".to_owned();
    let other: BTreeSet<_> = [0, 2].map(|at| stock[at].id.to_string()).into();
    let program = Program::new();
    program.write("keep.txt", "https://www.linkedin.com/in/ada\n").write("bare.csv", "invitation_id\n4096\n");
    let base = |sandbox: &Sandbox| format!("--keep keep.txt {}", swiftly(sandbox));

    for version in VERSIONS {
        let sandbox = with_stock(&stock, |_| {}).await;
        let ran = run(&program, version, &format!("clean --older-than 30d {}", base(&sandbox))).await;
        ran.ended_with(0).says("addresses can't be compared with those to keep: 1");
        assert_eq!(withdrawn(&sandbox), other);
    }

    // What can't be compared at all is refused, and what can't row by row is not sent.
    let sandbox = with_stock(&stock, |_| {}).await;
    let ran = run(&program, VERSIONS[0], &format!("run bare.csv {}", base(&sandbox))).await;
    ran.ended_with(2).says("the input has no column profile_url");
    let ada = "https://www.linkedin.com/in/ADA";
    program.write(
        "saved.jsonl",
        format!("{{\"invitation_id\": 8192, \"recipient\": {{\"linkedin_url\": \"{ada}\"}}}}\n4096\n"),
    );
    program.write("spaced.csv", format!("invitation_id,Profile URL\n8192,{ada}\n4096,linkedin.com/in/bob\n"));
    for (input, outcomes) in
        [("saved.jsonl", ["not_attempted", "not_attempted"]), ("spaced.csv", ["not_attempted", "withdrawn"])]
    {
        let arguments = format!("run {input} {} --output-format csv", base(&sandbox));
        let ran = run(&program, VERSIONS[0], &arguments).await;
        let is_said = ran.ended_with(0).stderr.contains("1 rows are not sent: their profiles' addresses");
        assert_eq!(program.report("report.csv").outcomes(), outcomes, "{input}");
        assert_eq!(is_said, input == "saved.jsonl", "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_list_shows_is_sent_although_the_ledger_calls_it_settled() {
    let stock = [StockItem::aged(DAY * 40, Timestamp::now())];
    let program = Program::new();
    let sandbox = with_stock(&stock, |_| {}).await;
    run(&program, VERSIONS[0], &format!("clean --older-than 30d {}", swiftly(&sandbox))).await.ended_with(0);
    // Withdrawn, and there it is again: another server with the same address would be too much to ask of a test, so
    // the same ledger is told of it by its only key, the address.
    let port = sandbox.base_url().rsplit(':').next().unwrap().to_owned();
    drop(sandbox);
    let again = with_stock(&stock, |_| {}).await;
    let ledger = program.path(".local/state/bulk-withdraw/ledger.db");
    let ledger = rusqlite::Connection::open(ledger).unwrap();
    let new_port = again.base_url().rsplit(':').next().unwrap().to_owned();
    ledger.execute("UPDATE accounts SET api = REPLACE(api, ?1, ?2)", [&port, &new_port]).unwrap();
    drop(ledger);
    let ran = run(&program, VERSIONS[0], &format!("clean --older-than 30d {}", swiftly(&again))).await;
    ran.ended_with(0).says("the ledger calls 1 of these settled, and the list shows them as pending: they are sent");
    assert_eq!(withdrawn(&again).len(), 1);
    assert_eq!(program.report("report.csv").outcomes(), ["withdrawn"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_bought_where_the_command_can_not_be_carried_out() {
    let sandbox = with_stock(&[StockItem::aged(DAY * 40, Timestamp::now())], |_| {}).await;
    let program = Program::new();
    let base = format!("--base-url {} --rate unlimited", sandbox.base_url());
    let cases = [
        (format!("clean --yes {base}"), "--older-than"),
        (format!("clean --older-than 30 --yes {base}"), "write an age like 30d"),
        (format!("clean --older-than 30d {base}"), "pass --yes"),
        (format!("clean --older-than 30d --yes --summary - -o - {base}"), "both go to standard output"),
        (format!("list --summary - {base}"), "both go to standard output"),
        (format!("list --type people {base}"), "connection, organization or content_series"),
    ];
    for (arguments, words) in cases {
        run(&program, VERSIONS[0], &arguments).await.ended_with(2).says(words);
    }
    assert_eq!(sandbox.record().list_calls, 0);
    assert_eq!(program.files(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_buys_the_list_and_withdraws_nothing() {
    let (stock, _) = thousand();
    // V1's last full page is followed by one more, since only an empty one shows that it was the last.
    for (version, pages) in VERSIONS.into_iter().zip([101, 100]) {
        let sandbox = with_stock(&stock, |_| {}).await;
        let program = Program::new();
        let flags = format!("--base-url {} --rate unlimited --summary summary.json", sandbox.base_url());
        let ran = run(&program, version, &format!("clean --older-than 30d --dry-run {flags}")).await;
        ran.ended_with(0).says("the list has to be bought");
        let shown: Vec<_> = ran.stderr.lines().filter(|line| !line.contains("INFO")).collect();
        insta::with_settings!({snapshot_suffix => version.0}, { insta::assert_snapshot!(shown.join("\n")) });
        let summary = program.summary();
        assert_eq!((&summary["rows"]["to_withdraw"], &summary["list"]["pages"]), (&json!(333), &json!(pages)));
        assert_eq!(summary["credits"], json!({"charged": pages, "possible": pages + 333}));
        let record = sandbox.record();
        assert_eq!((record.list_calls, record.calls), (pages, 0));
        assert_eq!(program.files(), ["summary.json"], "no ledger, no report");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_can_not_be_whole_is_said() {
    let (stock, _) = thousand();
    let cases: [(ListFaults, &str, &[&str]); 4] = [
        (ListFaults { repeat: true, ..ListFaults::default() }, "invitations on more than one page: ", &["v1", "v2"]),
        (ListFaults { miss: true, ..ListFaults::default() }, "fewer entries than expected", &["v1", "v2"]),
        (ListFaults { early_end: true, ..ListFaults::default() }, "the API reports 100 pending", &["v1", "v2"]),
        (ListFaults { total_off: true, ..ListFaults::default() }, "the API reports 50 pending", &["v1", "v2"]),
    ];
    for (list_faults, words, versions) in cases {
        for version in versions {
            let sandbox = with_stock(&stock[..100], |options| options.list_faults = list_faults).await;
            let credential = VERSIONS[usize::from(*version == "v2")];
            let program = Program::new();
            let flags = format!("--base-url {} --rate unlimited -o list.csv", sandbox.base_url());
            run(&program, credential, &format!("list {flags}")).await.ended_with(0).says(words);
            let list = program.read("list.csv");
            let ids: BTreeSet<_> = list.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
            assert_eq!(ids.len(), list.lines().count() - 1, "an invitation stands twice: {list_faults:?}");
        }
    }
}

/// Stops while listing: nothing is withdrawn, and the summary says what the list cost.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_listing_ends_before_the_first_withdrawal() {
    let (stock, _) = thousand();
    for version in VERSIONS {
        let sandbox = with_stock(&stock, |options| options.credits = Some(7)).await;
        let program = Program::new();
        let ran = run(&program, version, &format!("clean --older-than 30d {}", swiftly(&sandbox))).await;
        ran.ended_with(4).says("credits_used_up");
        let (summary, record) = (program.summary(), sandbox.record());
        assert_eq!((&summary["list"]["charged"], &summary["rows"]["total"]), (&json!(7), &json!(0)));
        assert_eq!(summary["credits"]["possible"], record.list_possible);
        assert_eq!((&summary["input_complete"], &summary["exit_code"]), (&json!(false), &json!(4)));
        assert_eq!((record.list_calls, record.calls), (8, 0));

        let sandbox = with_stock(&stock, |options| options.api_key = Some("another".to_owned())).await;
        let program = Program::new();
        let ran = run(&program, version, &format!("clean --older-than 30d {}", swiftly(&sandbox))).await;
        ran.ended_with(3).says("key_refused");

        let sandbox = with_stock(&stock, |options| options.faults.server_error = 1.0).await;
        let program = Program::new();
        let ran = run(&program, version, &format!("clean --older-than 30d --retries 3 {}", swiftly(&sandbox))).await;
        ran.ended_with(5).says("page 1 of the list could not be fetched");
        assert_eq!((&program.summary()["calls"], &program.summary()["retries"]), (&json!(4), &json!(3)));
        assert_eq!((sandbox.record().list_calls, sandbox.record().list_possible), (4, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_while_listing_ends_in_order() {
    let (stock, _) = thousand();
    let sandbox = with_stock(&stock, |options| {
        options.latency = Duration::from_millis(20)..=Duration::from_millis(20);
    })
    .await;
    let program = Program::new();
    let child =
        command(&program, VERSIONS[0], &format!("clean --older-than 30d {}", swiftly(&sandbox))).spawn().unwrap();
    until("a page was bought", || sandbox.record().list_charged > 1).await;
    kill(&child, "TERM");
    wait(child).await.ended_with(143);
    let (summary, record) = (program.summary(), sandbox.record());
    assert_eq!(summary["list"]["charged"], record.list_charged);
    assert!(record.list_calls < 100 && record.calls == 0, "{record:?}");
}

/// `list | run -`, as a shell connects them.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_piped_into_a_run() {
    let (stock, old) = thousand();
    for version in VERSIONS {
        let sandbox = with_stock(&stock, |_| {}).await;
        let program = Program::new();
        let base = format!("--rate unlimited --base-url {}", sandbox.base_url());
        let mut list = command(&program, version, &format!("list --older-than 30d {base}")).spawn().unwrap();
        let rows = list.stdout.take().unwrap();
        let mut run = command(&program, version, &format!("run - {}", swiftly(&sandbox)));
        let run = run.stdin(rows).spawn().unwrap();
        let (list, run) = (wait(list).await, wait(run).await);
        list.ended_with(0);
        run.ended_with(0);
        // What is withdrawn meanwhile shifts the pages, so the list may miss some, and says so.
        let done = withdrawn(&sandbox);
        assert!(done.is_subset(&old) && !done.is_empty());
        assert!(
            done == old || list.stderr.contains("the list:"),
            "{} of {}, and no word: {}",
            done.len(),
            old.len(),
            list.stderr
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_whose_reader_goes_away_buys_no_more_than_a_page_in_vain() {
    let (stock, _) = thousand();
    let sandbox = with_stock(&stock, |options| {
        options.latency = Duration::from_millis(5)..=Duration::from_millis(5);
    })
    .await;
    let program = Program::new();
    let mut list = command(
        &program,
        VERSIONS[0],
        &format!("list --summary summary.json --rate unlimited --base-url {}", sandbox.base_url()),
    )
    .spawn()
    .unwrap();
    until("a page was bought", || sandbox.record().list_charged > 0).await;
    drop(list.stdout.take());
    let pages = sandbox.record().list_calls;
    wait(list).await.ended_with(0).says("nobody reads the list any more");
    assert_eq!(program.summary()["input_complete"], json!(false));
    assert!(sandbox.record().list_calls <= pages + 2, "{} after {pages}", sandbox.record().list_calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_bought_that_can_not_be_told_of() {
    let sandbox = with_stock(&[StockItem::aged(DAY * 40, Timestamp::now())], |_| {}).await;
    let program = Program::new();
    program.write("old.csv", "yesterday's\n");
    let base = format!("--rate unlimited --base-url {}", sandbox.base_url());
    let cases = [
        format!("clean --older-than 30d --yes -o nowhere/x.csv {base}"),
        format!("clean --older-than 30d --yes --summary nowhere/x.json {base}"),
        format!("list -o nowhere/x.csv {base}"),
        format!("list --summary nowhere/x.json {base}"),
    ];
    for arguments in cases {
        run(&program, VERSIONS[1], &arguments).await.ended_with(6).says("nowhere/x.");
    }
    assert_eq!(sandbox.record().list_calls, 0);
    // A list that gets no page leaves an older one of its name alone.
    let nobody = "--base-url http://127.0.0.1:1 --retries 0 --rate unlimited";
    run(&program, VERSIONS[0], &format!("list -o old.csv {nobody}")).await.ended_with(5);
    assert_eq!((program.files(), program.read("old.csv").as_str()), (vec!["old.csv".to_owned()], "yesterday's\n"));
}

/// A pipe that nobody reads, opened or full: a signal ends the wait, and nothing more is bought.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_list_that_nobody_reads() {
    let (stock, _) = thousand();
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::new();
    let base = format!("--rate unlimited --timeout 100ms --base-url {}", sandbox.base_url());
    assert!(Command::new("mkfifo").arg(program.path("pipe")).status().unwrap().success());
    for arguments in [
        format!("list -o pipe {base}"),
        format!("list --summary pipe {base}"),
        format!("clean --older-than 30d --yes --summary pipe {base}"),
    ] {
        let child = command(&program, VERSIONS[0], &arguments).spawn().unwrap();
        // Its signal handlers are there once it has begun to look for its files.
        tokio::time::sleep(Duration::from_millis(300)).await;
        kill(&child, "TERM");
        wait(child).await.ended_with(143);
    }
    assert_eq!(sandbox.record().list_calls, 0);

    let child = command(&program, VERSIONS[0], &format!("list {base}")).spawn().unwrap();
    let mut pages = 0;
    until("the pipe is full", || {
        std::thread::sleep(Duration::from_millis(50));
        let before = std::mem::replace(&mut pages, sandbox.record().list_calls);
        pages > 0 && before == pages
    })
    .await;
    kill(&child, "TERM");
    let mut child = child;
    let code = tokio::task::spawn_blocking(move || child.wait().unwrap().code()).await.unwrap();
    assert_eq!((code, sandbox.record().list_calls), (Some(6), pages));
}

/// The README's crontab line, word for word, in cron's bare environment.
#[tokio::test(flavor = "multi_thread")]
async fn every_monday_as_the_readme_says() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let line = readme.lines().find_map(|line| line.strip_prefix("15 6 * * 1 ")).unwrap();
    let (stock, old) = thousand();
    let sandbox = with_stock(&stock, |_| {}).await;
    let program = Program::new();
    let place = program.path("linkedin");
    std::fs::create_dir(&place).unwrap();
    for (name, secret) in [("api-key", KEY), ("login-token", TOKEN)] {
        std::fs::write(place.join(name), format!("{secret}\n")).unwrap();
        std::fs::set_permissions(place.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_bulk-withdraw")).parent().unwrap();
    let mut cron = Command::new("/bin/sh");
    cron.args(["-c", line]).env_clear().env("HOME", program.path("")).env("PATH", bin);
    cron.env("BULK_WITHDRAW_BASE_URL", sandbox.base_url()).env("BULK_WITHDRAW_RATE", "unlimited");
    let ran = wait(cron.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()).await;
    ran.ended_with(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""), "cron would send a mail");
    assert_eq!(withdrawn(&sandbox), old);
    let log = program.read("linkedin/clean.log");
    assert!(log.contains("withdrawn           333") && !log.contains("WARN"), "{log}");
    let reports = program.files_in("linkedin");
    assert!(reports.iter().any(|name| name.starts_with("clean.results-") && name.ends_with("Z.csv")), "{reports:?}");
    assert!(reports.contains(&"last-monday.json".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_of_a_list_buy_no_page_too_many() {
    let (stock, _) = thousand();
    for version in VERSIONS {
        let cases = [("--limit 15", 15, 2), ("--max-pages 3", 30, 3), ("--older-than 30d --limit 4", 4, 68)];
        for (flags, lines, pages) in cases {
            let sandbox = with_stock(&stock, |_| {}).await;
            let program = Program::new();
            let base = format!("--rate unlimited --base-url {}", sandbox.base_url());
            let ran = run(&program, version, &format!("list {flags} --output-format jsonl {base}")).await;
            ran.ended_with(0);
            assert_eq!((ran.stdout.lines().count(), sandbox.record().pages), (lines, pages), "{flags}");
            assert!(!ran.stderr.contains("WARN"), "{}", ran.stderr);
        }
    }
}

/// An API that knows no pages: one call, and all of it is read, however long its answer.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_on_one_page_are_bought_once() {
    let entries: Vec<_> = (0..10_000)
        .map(|id| json!({"invitation_id": 1_000_000 + id, "sent_time": "2 months ago", "subtitle": "x".repeat(200)}))
        .collect();
    let list = json!({"invitations": entries, "total_available_results": 10_000, "pagination": {"has_more": false}});
    for (version, success) in
        VERSIONS.into_iter().zip([json!({"status": "success", "data": list}), json!({"success": true, "data": list})])
    {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(success)).mount(&server).await;
        let ran = run(&Program::new(), version, &format!("list --rate unlimited --base-url {}", server.uri())).await;
        ran.ended_with(0);
        assert!(!ran.stderr.contains("WARN"), "{}", ran.stderr);
        assert_eq!(ran.stdout.lines().count(), 10_001);
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
}

/// An entry that names two invitations in one is not withdrawn under either name.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_contradicts_itself_is_left_out() {
    let server = MockServer::start().await;
    let list = r#"{"status": "success", "data": {"invitations": [
        {"invitation_id": 1000021, "invitation_id": 1000022, "sent_time": "2 months ago"},
        {"invitation_id": 1000023, "invitation_type": "ORGANIZATION", "sent_time": "2 months ago"}]}}"#;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string(list)).mount(&server).await;
    let arguments = format!("clean --older-than 30d --yes --rate unlimited --base-url {}", server.uri());
    let ran = run(&Program::new(), VERSIONS[0], &arguments).await;
    ran.ended_with(0).says("entries left out: 2");
    assert_eq!(server.received_requests().await.unwrap().len(), 1, "something was withdrawn");
}
