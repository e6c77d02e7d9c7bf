//! `--html`: the page of a run, a list and a history, and its sample.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use bulk_withdraw::sandbox::{Limit, Sandbox, SentTime, StockItem};

use crate::support::{Api, DAY, KEY, LEDGER, Program, TOKEN, ids, list, on_both_versions, swift, swiftly, with_stock};

on_both_versions!(a_page_names_people_and_shows_no_secret, a_list_has_a_page);

/// Names of the sections, in their order.
fn sections(page: &str) -> Vec<&str> {
    page.split("<section ").skip(1).filter_map(|rest| rest.split("id=\"").nth(1)?.split('"').next()).collect()
}

fn mode(program: &Program, name: &str) -> u32 {
    fs::metadata(program.path(name)).unwrap().permissions().mode() & 0o777
}

async fn a_page_names_people_and_shows_no_secret(api: Api) {
    let sandbox = swift(|_| {}).await;
    let program = Program::on(api);
    // Whom a list has shown before, and two who are in doubt.
    let flags = format!("--base-url {} --rate unlimited -o listed.csv", sandbox.base_url());
    program.complete(&format!("list {flags}")).await.ended_with(0);
    let listed = program.read("listed.csv");
    let first = csv::Reader::from_reader(listed.as_bytes()).records().next().unwrap().unwrap();
    let (id, name) = (&first[0], first[3].replace('"', "&quot;"));
    program.write("list.csv", list([id, "7329176687475109107", "x"]));
    // Also one that a run which was killed has left.
    for older in ["page.html", "page.html.partial"] {
        program.write(older, "an older one");
        fs::set_permissions(program.path(older), fs::Permissions::from_mode(0o644)).unwrap();
    }
    let ran = program.complete(&format!("run list.csv {} --html page.html", swiftly(&sandbox))).await;
    ran.ended_with(1);

    let page = program.read("page.html");
    assert_eq!(mode(&program, "page.html"), 0o600);
    assert_eq!(program.files().iter().filter(|name| name.contains("partial")).count(), 0);
    let expected = ["verdict", "withdrawn", "needs", "cost", "calls", "settings", "outcomes"];
    assert_eq!(sections(&page), expected);
    let withdrawn = page.split("id=\"withdrawn\"").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(withdrawn.contains(&name), "{name}: {withdrawn}");
    for text in [
        "Finished; 2 rows need a look",
        "<strong>line 3</strong>",
        "<strong>line 4</strong>",
        "set (masked)",
        "The last 2 runs",
    ] {
        assert!(page.contains(text), "no {text:?}: {page}");
    }
    // The next step can be copied.
    let command = page.split("<pre><code>").nth(1).unwrap().replace("<span>", "").replace("</span>", "");
    assert!(
        command.starts_with("bulk-withdraw run list.csv --output report.csv --summary summary.json --html page.html")
    );
    assert!(!page.contains(KEY) && !page.contains(TOKEN));
}

async fn a_list_has_a_page(api: Api) {
    let sandbox = swift(|_| {}).await;
    let program = Program::on(api);
    let flags = format!("--base-url {} --rate unlimited", sandbox.base_url());
    let ran = program.complete(&format!("list --older-than 30d {flags} --html page.html")).await;
    ran.ended_with(0);
    assert!(ran.stdout.starts_with("invitation_id,"), "{}", ran.stdout);
    let page = program.read("page.html");
    assert_eq!(sections(&page), ["verdict", "pending", "kept", "cost", "backlog", "calls", "settings"]);
    let pending = page.split("id=\"pending\"").nth(1).unwrap().split("</section>").next().unwrap();
    let matching = ran.stdout.lines().count() - 1;
    assert_eq!(pending.matches("<tr><td>").count(), matching);
    assert!(page.contains(&format!("<p>{matching} of ")) && page.contains("<bdi>--older-than 30d</bdi>"), "{page}");

    let ran = program.run("history --html history.html --format csv");
    ran.ended_with(0);
    assert!(ran.stdout.starts_with("day,"));
    assert_eq!(sections(&program.read("history.html")), ["overview", "days", "accounts", "runs", "reinvitable"]);
    assert_eq!(mode(&program, "history.html"), 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_can_not_be_written_is_found_before_anything_is_sent() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(3)));
    let flags = swiftly(&sandbox);
    for (html, code, said) in [
        ("no/page.html", 6, "the page no/page.html can't be written"),
        ("report.csv", 2, "the page would overwrite the report"),
        ("report.csv.partial", 2, "the page would overwrite the report"),
        ("summary.json", 2, "the page would overwrite the summary"),
        ("list.csv", 2, "the page would overwrite the input"),
        (LEDGER, 2, "the page would overwrite the ledger"),
        ("-", 2, "--html must be the path of a file"),
        ("page.html --dry-run", 2, "a dry run does nothing"),
    ] {
        program.complete(&format!("run list.csv {flags} --html {html}")).await.ended_with(code).says(said);
    }
    assert_eq!(sandbox.record().calls, 0);
    program.run("history --html page.html --id 7").ended_with(2);
    // Nothing was begun that stayed empty.
    assert_eq!(program.files().iter().filter(|name| name.contains("partial")).count(), 0);
}

/// An older page must not pass for that of a run that did not come to one.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_fails_at_once_has_a_page_that_says_so() {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(3))).write("page.html", "an older one").write("keep.txt", "not an ID\n");
    for (arguments, code, said) in [
        ("run nowhere.csv --html page.html", 2, "nowhere.csv"),
        ("run list.csv --html page.html --keep keep.txt", 2, "keep.txt"),
    ] {
        program.complete(&format!("{arguments} {}", swiftly(&sandbox))).await.ended_with(code);
        let page = program.read("page.html");
        assert_eq!(sections(&page), ["verdict"]);
        for text in [said, "Nothing was withdrawn.", &format!("Exit code {code}"), "bulk-withdraw</span>"] {
            assert!(page.contains(text), "no {text:?}: {page}");
        }
        assert_eq!(mode(&program, "page.html"), 0o600);
    }
    // What is named by mistake is spared.
    program
        .complete(&format!("run list.csv {} --html list.csv --keep keep.txt", swiftly(&sandbox)))
        .await
        .ended_with(2);
    assert_eq!(program.read("list.csv"), list(ids(3)));
    assert_eq!(sandbox.record().calls, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_not_written_hides_no_graver_end() {
    for (credits, code, reason) in [(None, 6, "report_unwritable"), (Some(1), 4, "credits_used_up")] {
        let sandbox = swift(|options| options.credits = credits).await;
        let program = Program::new();
        program.write("list.csv", list(ids(3)));
        let ran = program.complete(&format!("run list.csv {} --html /dev/full", swiftly(&sandbox))).await;
        ran.ended_with(code).says("the page /dev/full could not be written");
        let summary = program.summary();
        assert_eq!((&summary["exit_code"], &summary["stop"]["reason"]), (&code.into(), &reason.into()));
    }
}

/// 90 people, the same ones each time, of whom some have answers of their own.
fn people() -> Vec<StockItem> {
    const ENDINGS: [(u64, u64); 7] = [(62, 101), (66, 107), (70, 109), (74, 503), (78, 523), (82, 605), (85, 603)];
    let person = |at: u64| {
        let id = 7_329_176_687_475_109_888 - at * 86_400_000 * 4_194_304 + (at * 389 % 1_024) * 4_096;
        let ending = ENDINGS.into_iter().find(|(nth, _)| *nth == at).map(|(_, digits)| id - id % 1_000 + digits);
        StockItem::new(ending.unwrap_or(id), SentTime::Age(DAY * u32::try_from(1 + at * at / 20).unwrap()))
    };
    (0..90).map(person).collect()
}

/// A list, a first cleaning, and the one of the sample, held back by a rate limit.
async fn sample_page() -> String {
    let stock = people();
    let sandbox: Sandbox = with_stock(&stock, |options| {
        options.limit = Some(Limit::sliding(12, Duration::from_millis(250)));
        options.latency = Duration::from_millis(2)..=Duration::from_millis(15);
        options.seed = Some(7);
    })
    .await;
    let program = Program::new();
    program.write("keep.txt", format!("{}\n{}\n", stock[60].profile_url, stock[81].profile_url));
    let flags = format!("--base-url {} --ledger ledger.db --rate 290/s --concurrency 1", sandbox.base_url());
    let flags = format!("{flags} --retry-base 20ms --retry-max 100ms --retries 2 -qq");
    program.complete(&format!("list {flags} -o pending.csv")).await.ended_with(0);
    let clean = format!("clean {flags} --yes --keep keep.txt");
    program.complete(&format!("{clean} --older-than 180d --max-withdrawals 5 -o first.csv")).await.ended_with(1);
    program.complete(&format!("{clean} --older-than 30d -o clean.csv --html clean.html")).await.ended_with(1);
    program.read("clean.html")
}

/// What is the same each time: the words, without numbers, and without what depends on times and on waits.
fn words(page: &str) -> Vec<String> {
    let without = |page: &str, from: &str, to: &str| {
        let (before, rest) = page.split_once(from).unwrap_or_else(|| panic!("no {from}"));
        format!("{before}{}", rest.split_once(to).unwrap().1)
    };
    let page = without(page, "<p class=\"facts\">", "</p>");
    let page = without(&page, "id=\"calls\"", "id=\"settings\"");
    let page = without(&page, "id=\"cost\"", "id=\"backlog\"");
    let texts = page.split('<').filter_map(|part| Some(part.split_once('>')?.1.trim()));
    let mask = |word: &str| if word.contains(|c: char| c.is_ascii_digit()) { "#".to_owned() } else { word.to_owned() };
    texts.filter(|text| !text.is_empty()).map(|text| text.split(' ').map(mask).collect::<Vec<_>>().join(" ")).collect()
}

/// `.ci/sample-page` writes it anew, and its pictures.
#[tokio::test(flavor = "multi_thread")]
async fn the_sample_is_the_page_that_the_program_writes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/run.html");
    let page = sample_page().await;
    if std::env::var_os("WRITE_SAMPLE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let sample = fs::read_to_string(path).unwrap();
    let (sample, page) = (words(&sample), words(&page));
    let differing = sample.iter().zip(&page).find(|(sample, page)| sample != page);
    assert_eq!((differing, sample.len()), (None, page.len()), "write it anew with .ci/sample-page");
}
