//! The page as a whole: its order, that text stays text, its size.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Backlog, Observed, PageFacts, PersonColumns, history_page, page};
use crate::api::CallKind;
use crate::event::{Called, Event, Settled};
use crate::invitation::{AccountName, Carried};
use crate::ledger::{DayLine, Reinvitable, RunLine};
use crate::listing::{Found, Selection};
use crate::outcome::Outcome;
use crate::pace::Rate;
use crate::policy::{Cost, Meaning};
use crate::report::{RunFacts, Summary, Totals};
use crate::stop::{Limit, StopCause, StopReason};

pub(super) fn moment(seconds: i64) -> Timestamp {
    "2026-11-26T05:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

pub(super) fn summary(command: &'static str, totals: Totals, stop: Option<StopCause>, exit_code: u8) -> Summary {
    Summary {
        facts: RunFacts {
            run_id: "20261126T050000Z-1".to_owned(),
            command,
            api: Some("v1"),
            share: None,
            again: Some(EVIL.to_owned()),
            allows_none: false,
            are_invalid_shown: false,
            started_at: moment(0),
        },
        finished_at: moment(90),
        totals,
        rate: Rate::Unlimited,
        learned: None,
        input_complete: true,
        stop,
        stopped_accounts: Default::default(),
        exit_code,
    }
}

pub(super) fn settled(row: u64, outcome: Outcome, detail: &str, cells: &[&str]) -> Settled {
    let carried = Carried::Cells(csv::StringRecord::from(cells.to_vec()));
    let account = Some(AccountName::default());
    let settled = Settled::unsent(row, row.to_string(), account, outcome, detail.to_owned(), carried);
    Settled { line: Some(row + 1), settled_at: moment(1), ..settled }
}

fn called(kind: CallKind, second: i64, is_rate_limited: bool) -> Called {
    Called {
        kind,
        account: AccountName::default(),
        cost: Cost { charged: u64::from(!is_rate_limited), possible: 1 },
        meaning: if is_rate_limited { Meaning::RateLimited } else { Meaning::Withdrawn },
        is_retry: false,
        sent_at: moment(second),
        latency: Duration::from_millis(30),
    }
}

/// The page of these events, with what the totals count of them.
fn page_of(command: &'static str, events: Vec<Event>, backlog: Option<Backlog>) -> String {
    let mut observed = Observed::new(moment(0), Some(30));
    observed.name_by(PersonColumns::new(["name", "profile_url", "headline", "age_days"]));
    let mut totals = Totals::new([AccountName::default()]);
    for event in events {
        observed.take(&event);
        match &event {
            Event::Settled(settled) => totals.add_row(settled),
            Event::Called(called) => totals.add_call(called),
            Event::UnknownWords(words) => totals.add_unknown_words(words.clone()),
            Event::PageRead { .. }
            | Event::ListCounted { .. }
            | Event::Held { .. }
            | Event::Resumed
            | Event::Retrying { .. }
            | Event::Learned(_)
            | Event::InputEnded { .. } => {}
        }
    }
    if let Some(backlog) = backlog {
        observed.set_backlog(backlog);
    }
    let runs = [RunLine {
        run_id: EVIL.to_owned(),
        command: EVIL.to_owned(),
        api: EVIL.to_owned(),
        accounts: EVIL.to_owned(),
        calls: 3,
        started_at: moment(-86_400),
        last_call_at: None,
        withdrawn: 3,
        cost: Cost::default(),
    }];
    let facts = PageFacts {
        settings: vec![[EVIL; 3].map(str::to_owned), ["keep", EVIL, "flag"].map(str::to_owned)],
        is_rehearsal: true,
        asked: vec![EVIL.to_owned()],
        report: Some(EVIL.to_owned()),
        runs: runs.into(),
    };
    let stop = StopCause { reason: StopReason::Limit(Limit::Credits), detail: EVIL.to_owned() };
    page(&summary(command, totals, Some(stop), 1), observed, &facts)
}

const EVIL: &str = "</bdi></title></style><script>alert(1)</script>\"' onload='x' \u{202e}<img src=//evil.example> javascript:alert(2)\0";
const EVIL_ADDRESSES: [&str; 4] =
    [EVIL, "javascript:alert(1)", "https://evil.example/in/ada", "https://www.linkedin.com/in/ada\"><script>"];

/// What a browser would obey: every tag's name, and the value of every attribute that leads somewhere.
fn tags_and_links(page: &str) -> (Vec<&str>, Vec<&str>) {
    let tags = page.split('<').skip(1).map(|rest| rest.split([' ', '>']).next().unwrap());
    let values = |name: &str| {
        page.split(&format!(" {name}=\"")).skip(1).map(|rest| rest.split('"').next().unwrap()).collect::<Vec<_>>()
    };
    let links = ["href", "src", "action", "srcset", "xlink:href", "data", "background"].into_iter().flat_map(values);
    (tags.collect(), links.collect())
}

fn assert_harmless(page: &str) {
    const KNOWN: [&str; 45] = [
        "!DOCTYPE",
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "nav",
        "ul",
        "li",
        "a",
        "main",
        "section",
        "h1",
        "h2",
        "h3",
        "p",
        "strong",
        "code",
        "pre",
        "span",
        "bdi",
        "small",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "figure",
        "figcaption",
        "div",
        "svg",
        "rect",
        "i",
        "details",
        "summary",
        "em",
        "b",
        "ol",
        "dl",
        "dt",
        "dd",
        "hr",
    ];
    let (tags, links) = tags_and_links(page);
    for tag in tags {
        assert!(KNOWN.contains(&tag.trim_start_matches('/')), "<{tag}");
    }
    for link in links {
        let is_own = link.strip_prefix('#').is_some_and(|id| page.contains(&format!(" id=\"{id}\"")));
        assert!(is_own || link.starts_with("https://www.linkedin.com/in/"), "{link}");
    }
    assert!(!page.contains(['\u{202e}', '\0']), "an invisible character");
    assert_eq!(page.matches("<a ").count(), page.matches("<a rel=\"noreferrer\" href=").count());
    let policy =
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline';";
    assert_eq!(page.matches(policy).count(), 1);
    assert_eq!((page.matches("@import").count(), page.matches("url(").count()), (0, 0));
}

#[test]
fn whatever_is_said_stays_text() {
    let mut events = vec![Event::UnknownWords(EVIL.to_owned()), Event::Called(called(CallKind::List, 1, false))];
    for (row, outcome) in (1..).zip(Outcome::ALL) {
        for address in EVIL_ADDRESSES {
            events.push(Event::Settled(settled(row, outcome, EVIL, &[EVIL, address, EVIL, "40"])));
        }
    }
    let ada = ["Ada", "https://www.linkedin.com/in/ada", "", "40"];
    events.push(Event::Settled(settled(99, Outcome::Withdrawn, "", &ada)));
    let mut backlog = Backlog::new(Some(30));
    for selection in [Selection::Selected, Selection::Kept, Selection::AgeUnknown] {
        let found = Found { name: EVIL.to_owned(), profile_url: EVIL.to_owned(), ..Found::bare("7") };
        backlog.add(&found, &AccountName::default(), selection);
    }
    for command in ["run", "clean", "list"] {
        let page = page_of(command, events.clone(), Some(backlog.clone()));
        assert_harmless(&page);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;"));
        let link = "<a rel=\"noreferrer\" href=\"https://www.linkedin.com/in/ada\"><bdi>Ada</bdi></a>";
        assert_eq!(page.matches(link).count(), usize::from(command != "list"), "{command}");
    }
    let person = Reinvitable {
        invitation_id: "7".to_owned(),
        name: EVIL.to_owned(),
        profile_url: EVIL.to_owned(),
        account: AccountName::parse("<b>").unwrap(),
        reinvite_on: "2026-11-26".parse().unwrap(),
        api: EVIL.to_owned(),
    };
    let day = DayLine {
        day: "2026-11-26".parse().unwrap(),
        api: EVIL.to_owned(),
        account: AccountName::parse("<b>").unwrap(),
        withdrawn: 1,
        not_pending: 1,
        failed: 1,
        cost: Cost::default(),
    };
    assert_harmless(&history_page(moment(0), EVIL, &[day], &[], &[person], None));
}

#[test]
fn the_sections_come_in_the_order_of_their_readers() {
    let events = vec![
        Event::Settled(settled(1, Outcome::Withdrawn, "", &["Ada", "", "", "40"])),
        Event::Settled(settled(2, Outcome::Failed, "HTTP 500", &["Bob", "", "", "3"])),
        Event::Called(called(CallKind::Withdraw, 1, true)),
    ];
    let page = page_of("clean", events, Some(Backlog::new(Some(30))));
    let ids: Vec<_> =
        page.split("<section").skip(1).filter_map(|rest| rest.split("id=\"").nth(1)?.split('"').next()).collect();
    let expected = ["verdict", "withdrawn", "needs", "cost", "backlog", "calls", "settings", "outcomes"];
    assert_eq!(ids, expected);
    let links: Vec<_> = page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(links, expected);
    assert!(page.contains("<strong>line 3</strong>"), "{page}");
    // Each chart has a text, and a table right behind it.
    let figures: Vec<_> = page.split("<figure>").skip(1).map(|rest| rest.split("</figure>").next().unwrap()).collect();
    assert_eq!(figures.len(), 5);
    for figure in figures {
        let label = figure.split("role=\"img\" aria-label=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(label.len() > 30 && figure.contains("<table>"), "{figure}");
    }
}

#[test]
fn a_run_of_100_000_rows_is_a_small_page() {
    let mut observed = Observed::new(moment(0), None);
    observed.name_by(PersonColumns::new(["name", "profile_url"]));
    let mut totals = Totals::new([AccountName::default()]);
    let name = "<Ada \"Lovelace\" & Sons>".repeat(20);
    for row in 0..100_000 {
        let outcome = Outcome::ALL[usize::try_from(row % 12).unwrap()];
        let detail = format!("reason {} of row {row}", "x".repeat(usize::try_from(row % 90).unwrap()));
        let row = settled(row, outcome, &detail, &[&name, "https://www.linkedin.com/in/ada-lovelace-0123456789"]);
        totals.add_row(&row);
        observed.take(&Event::Settled(row));
        observed.take(&Event::Called(called(CallKind::Withdraw, 7, false)));
    }
    let facts = PageFacts { report: Some("run.csv".to_owned()), ..PageFacts::default() };
    let page = page(&summary("run", totals, None, 1), observed, &facts);
    assert!(page.len() < 3_000_000, "{}", page.len());
    // 16,668 withdrawn and presumed.
    assert!(page.contains("and 15668 more: see <bdi>run.csv</bdi>"));
}

/// The text of a section, without its tags.
fn section<'a>(page: &'a str, id: &str) -> Option<&'a str> {
    page.split("<section")
        .find(|section| section.split('>').next().is_some_and(|tag| tag.contains(&format!("id=\"{id}\""))))
}

#[test]
fn nobody_is_shown_another_row_s_ids() {
    let detail = |id: &str| format!("ruined by a spreadsheet (it may have been {id}, or one more than one of these)");
    let (one, other) = ("7290000000000000001, 7290000000000000002", "7290000000000000003");
    let events = [one, other, other].into_iter().zip([9, 3, 5]);
    let events = events.map(|(id, row)| Event::Settled(settled(row, Outcome::Invalid, &detail(id), &["Ada"])));
    let page = page_of("run", events.collect(), None);
    let needs = section(&page, "needs").unwrap();
    let heads: Vec<_> = needs.split("<h3>").skip(1).map(|rest| rest.split("</h3>").next().unwrap()).collect();
    assert_eq!(heads, [format!("3 rows: <bdi>{}</bdi>", detail("…"))]);
    // Each with its own, in the order of the input.
    let lines: Vec<_> = needs.split("<li>").skip(1).collect();
    for (line, (place, id)) in lines.iter().zip([("line 4", other), ("line 6", other), ("line 10", one)]) {
        assert!(line.contains(place) && line.contains(&format!("<small><bdi>{}</bdi></small>", detail(id))), "{line}");
    }
}

#[test]
fn each_row_is_in_the_list_of_what_became_of_it() {
    use Outcome::{
        AlreadySettled, Duplicate, Failed, Invalid, NotAttempted, NotFound, NotPending, PresumedWithdrawn, RateLimited,
        Rejected, Unconfirmed, Withdrawn,
    };
    let stopped = "no answer; then the run stopped, sigint: go on";
    let row = |at, outcome, detail| settled(at, outcome, detail, &[&format!("P{at}.")]);
    let mut events: Vec<_> = [
        (1, Withdrawn, ""),
        (2, PresumedWithdrawn, "lost"),
        (3, NotPending, "accepted"),
        (4, AlreadySettled, "in an earlier run"),
        (5, Duplicate, "of row 1"),
        (6, NotAttempted, "the run stopped before this row, sigint"),
        (7, Failed, "no answer"),
        (8, RateLimited, "too many"),
        (9, Invalid, "no ID"),
        (10, NotFound, "unknown"),
        (11, Rejected, "no"),
        (12, Unconfirmed, "lost"),
        (13, Failed, stopped),
    ]
    .map(|(at, outcome, detail)| Event::Settled(row(at, outcome, detail)))
    .into();
    events.push(Event::Settled(Settled { is_kept: true, ..row(14, NotAttempted, "to be kept") }));
    let page = page_of("run", events, None);
    let named = |id| -> Vec<u64> {
        let names = section(&page, id).unwrap().split("<bdi>P").skip(1);
        names.filter_map(|rest| rest.split('.').next()?.parse().ok()).collect()
    };
    assert_eq!(named("withdrawn"), [1, 2]);
    assert_eq!(named("settled"), [4, 5, 3]);
    assert_eq!(named("kept"), [14]);
    assert_eq!(named("untried"), [6]);
    // The gravest first, and what the stop cut short with what failed before.
    assert_eq!(named("needs"), [12, 11, 10, 9, 7, 13, 8]);
    assert_eq!(section(&page, "withdrawn").unwrap().matches("<em>presumed</em>").count(), 2);
    assert!(
        section(&page, "verdict").unwrap().contains("Withdrew 2 of 14 invitations, for 0 credits. 1 of them presumed")
    );
}

fn backlog_of(people: u64) -> Backlog {
    let mut backlog = Backlog::new(Some(30));
    for id in 0..people {
        backlog.add(&Found::bare(&id.to_string()), &AccountName::default(), Selection::Selected);
    }
    backlog
}

#[test]
fn a_part_of_the_list_is_not_shown_as_the_whole() {
    for (whole, is_whole) in [(Some(30), true), (None, false), (Some(31), false)] {
        let mut backlog = backlog_of(30);
        backlog.end(whole);
        let mut totals = Totals::new([AccountName::default()]);
        totals.add_page(30);
        let mut observed = Observed::new(moment(0), Some(30));
        observed.set_backlog(backlog);
        let facts = PageFacts::default();
        let stop = StopCause { reason: StopReason::Signal(crate::stop::Signal::Interrupt), detail: String::new() };
        let summary = Summary { input_complete: is_whole, ..summary("clean", totals, Some(stop), 130) };
        let page = page(&summary, observed, &facts);
        assert_eq!(section(&page, "verdict").unwrap().contains("not whole (at least 30 invitations)"), !is_whole);
        assert_eq!(section(&page, "backlog").unwrap().contains("At least 30 invitations pending before"), !is_whole);
        // Those who were chosen and not reached are named.
        let untried = section(&page, "untried").unwrap();
        assert!(untried.contains("30 invitations: chosen, but not reached") && untried.contains("and 10 more"));
    }
}

#[test]
fn the_bill_tells_calls_apart_by_what_they_came_to() {
    let call = |kind, meaning, charged, possible| {
        let is_rate_limited = meaning == Meaning::RateLimited;
        Event::Called(Called { meaning, cost: Cost { charged, possible }, ..called(kind, 1, is_rate_limited) })
    };
    let events = vec![
        call(CallKind::List, Meaning::Withdrawn, 1, 1),
        call(CallKind::List, Meaning::RateLimited, 0, 1),
        call(CallKind::Withdraw, Meaning::Withdrawn, 1, 1),
        call(CallKind::Withdraw, Meaning::RateLimited, 0, 1),
        call(CallKind::Withdraw, Meaning::NotPending, 0, 1),
        call(CallKind::Withdraw, Meaning::ServerError, 0, 0),
        call(CallKind::Balance, Meaning::Withdrawn, 0, 0),
    ];
    let page = page_of("run", events, None);
    let cost = section(&page, "cost").unwrap();
    for (words, cells) in [
        ("Pages of the list", [1, 1, 1]),
        ("Confirmed withdrawals", [1, 1, 1]),
        ("No longer pending", [1, 0, 1]),
        ("Refused by the rate limit", [2, 0, 2]),
        ("The API&#39;s own errors", [1, 0, 0]),
    ] {
        let words = words.replace("&#39;", "'");
        let line: String = cells.iter().map(|cell| format!("<td class=\"number\">{cell}</td>")).collect();
        assert!(cost.contains(&format!("<bdi>{words}</bdi></th>{line}")), "{words}: {cost}");
    }
    assert!(cost.contains("<strong>2 to 5 credits</strong> for 6 calls."), "{cost}");
}
