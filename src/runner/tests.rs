//! Whole runs against an API that is a table, on a paused clock: what is called how often, and what each row ends as.

mod accounts;
mod simulation;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::call::Journal;
use super::feed::Item;
use super::*;
use crate::api::{ApiCall, ApiVersion, CallResult, HttpAnswer, LinkUpApi, PaceHeaders};
use crate::event::{Called, Event, Settled};
use crate::input::ReadError;
use crate::invitation::{AccountName, Carried, Country, InvitationId, Row, RowError};
use crate::ledger::{CallEnd, CallId, CallIntent, CallState, Key, Ledger, LedgerError, Lookup, Settlement};
use crate::listing::Keep;
use crate::outcome::Outcome;
use crate::pace::{Pace, Past, Rate};
use crate::policy::{Backoff, Cost, SuccessMessages};
use crate::stop::{Refusal, Stop, StopCause, StopReason};

const OK: &str = r#"{"status": "success", "message": "Connection invitation withdrawn successfully"}"#;
const GONE: &str = r#"{"status": "error", "message": "This invitation is no longer pending"}"#;
const MISSING: &str = r#"{"status": "error", "message": "Invitation not found"}"#;
const ODD: &str = r#"{"status": "error", "message": "Something went wrong"}"#;
const LIMIT: &str = r#"{"status": "error", "message": "Rate limit exceeded. Please try again later"}"#;
const COOKIE: &str = r#"{"status": "error", "message": "Invalid or expired LinkedIn cookie"}"#;
const CREDITS: &str = r#"{"status": "error", "message": "Insufficient credits available"}"#;

fn answer(http_status: u16, body: &str) -> CallResult {
    CallResult::Answered(HttpAnswer { http_status, body: body.into(), pace: PaceHeaders::default() })
}

fn lost() -> CallResult {
    CallResult::Lost("no answer in time".into())
}

fn not_sent() -> CallResult {
    CallResult::NotSent("no connection".into())
}

/// Answers each ID's calls in turn, the last answer again and again; an ID that it does not know is withdrawn.
#[derive(Clone, Default)]
struct Table(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    answers: HashMap<String, Vec<CallResult>>,
    calls: Vec<String>,
    /// Each call's account, and when it was sent and answered.
    times: Vec<(AccountName, Instant, Option<Instant>)>,
    /// Credits that the calls can have cost.
    possible: u64,
    /// Calls and what was kept, in order.
    steps: Vec<String>,
    kept: usize,
    /// How long a call takes; 10 ms where nothing is said.
    latency: Option<Duration>,
}

impl Table {
    fn answering(self, id: &str, answers: impl IntoIterator<Item = CallResult>) -> Self {
        self.0.lock().unwrap().answers.insert(id.to_owned(), answers.into_iter().collect());
        self
    }

    fn calls(&self) -> Vec<String> {
        self.0.lock().unwrap().calls.clone()
    }

    fn steps(&self) -> Vec<String> {
        self.0.lock().unwrap().steps.clone()
    }
}

impl LinkUpApi for Table {
    fn version(&self) -> ApiVersion {
        ApiVersion::V1
    }

    async fn send(&self, call: ApiCall<'_>) -> CallResult {
        let ApiCall::Withdraw(withdrawal) = call else { panic!("a row is only withdrawn: {call:?}") };
        let (ending, latency, at) = {
            let mut state = self.0.lock().unwrap();
            let id = withdrawal.id.as_str().to_owned();
            state.calls.push(id.clone());
            state.times.push((withdrawal.account.clone(), Instant::now(), None));
            state.steps.push(format!("call {id}"));
            let latency = state.latency.unwrap_or(Duration::from_millis(10));
            let ending = match state.answers.get_mut(&id) {
                Some(answers) if answers.len() > 1 => Some(answers.remove(0)),
                Some(answers) => answers.first().cloned(),
                None => Some(answer(200, OK)),
            };
            let is_free = matches!(&ending, Some(CallResult::NotSent(_)))
                || ending.as_ref().is_some_and(|ending| ending.http_status() == Some(500));
            state.possible += u64::from(!is_free);
            (ending, latency, state.times.len() - 1)
        };
        if latency > Duration::from_secs(1) {
            // The thread that reads does not follow the paused clock. That stands still while this waits, in real time.
            let _ = tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1))).await;
        }
        tokio::time::sleep(latency).await;
        self.0.lock().unwrap().times[at].2 = Some(Instant::now());
        ending.expect("no answer in the table: the worker breaks")
    }

    fn scrub(&self, text: &str) -> String {
        text.to_owned()
    }
}

/// A journal that writes into the same list as the API's calls what it was asked to record; after so many times it fails.
#[derive(Clone)]
struct List {
    state: Arc<Mutex<State>>,
    fails_after: usize,
}

type Write = Pin<Box<dyn Future<Output = Result<(), LedgerError>> + Send>>;

impl List {
    /// Notes at once what it is asked to record; the future says later whether that is durable.
    fn note(&self, what: String) -> Write {
        let mut state = self.state.lock().unwrap();
        state.kept += 1;
        state.steps.push(what);
        let kept = state.kept <= self.fails_after;
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            if kept { Ok(()) } else { Err(LedgerError::Closed { path: "ledger.db".into() }) }
        })
    }
}

impl Journal for List {
    type Write = Write;

    async fn open(&self, intent: CallIntent) -> Result<Option<CallId>, LedgerError> {
        self.note(format!("open {}", intent.invitation.unwrap())).await.map(|()| None)
    }

    async fn close(&self, _: Option<CallId>, end: CallEnd, key: Option<Key>, settlement: Option<Settlement>) -> Write {
        let ended = match end.state {
            CallState::Lost => "lost",
            CallState::Open | CallState::Answered | CallState::NotSent => "done",
        };
        let settled = settlement.map(|settlement| format!(" {}", settlement.outcome)).unwrap_or_default();
        self.note(format!("{ended} {}{settled}", key.unwrap().id))
    }

    async fn settle(&self, _: Option<CallId>, key: Key, settlement: Settlement) -> Write {
        self.note(format!("settle {} {}", key.id, settlement.outcome))
    }

    async fn keep_pace(&self, _: Option<crate::pace::Learned>) {}

    fn nothing() -> Write {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// How a run is set up, where it is not as most are.
#[derive(Clone, Copy)]
struct Setup {
    concurrency: usize,
    retries: u32,
    max_errors: u32,
    patience: Duration,
    /// How often the journal records what it is asked to.
    journal_keeps: usize,
}

const SETUP: Setup =
    Setup { concurrency: 1, retries: 2, max_errors: 0, patience: Duration::from_secs(900), journal_keeps: usize::MAX };

fn row(number: u64, id: &str) -> Result<Row, RowError> {
    let id = InvitationId::parse(id).unwrap();
    let id = Some(id);
    let (account, country, profile_url, carried) = (None, None, None, Carried::default());
    Ok(Row { number, line: None, id, account, country, profile_url, is_short: false, carried })
}

fn bad_row(number: u64) -> Result<Row, RowError> {
    let (id_text, urn_text, reason) = ("x".to_owned(), String::new(), "no ID".to_owned());
    Err(RowError { number, line: None, id_text, urn_text, account: None, reason, carried: Carried::default() })
}

fn no_limits(concurrency: usize) -> RunLimits {
    RunLimits { concurrency, max_credits: None, max_withdrawals: None, latest_start: None }
}

impl<A: LinkUpApi> Caller<A, Option<Ledger>> {
    /// Without limits and without a ledger; and what it tells.
    pub(super) fn bare(api: A) -> (Self, mpsc::Receiver<Event>) {
        let (events, heard) = mpsc::channel(100);
        let (stop, second) = (Stop::default(), Duration::from_secs(1));
        let pace = Pace::new(Rate::Unlimited, second, Past::default());
        let bounds = Arc::new(Bounds::new(no_limits(1), [], &stop, Clock::system()));
        let (backoff, confirming) = (Backoff { base: second, max: second }, SuccessMessages::default());
        (Self { api, journal: None, pace, stop, bounds, backoff, confirming, events }, heard)
    }
}

/// Ends each call with the next of these statuses and bodies; without one nothing was sent.
pub(super) struct Answers(ApiVersion, Mutex<VecDeque<(u16, &'static str)>>);

impl Answers {
    pub(super) fn new(version: ApiVersion, answers: impl IntoIterator<Item = (u16, &'static str)>) -> Self {
        Self(version, Mutex::new(answers.into_iter().collect()))
    }
}

impl LinkUpApi for Answers {
    fn version(&self) -> ApiVersion {
        self.0
    }

    async fn send(&self, _: ApiCall<'_>) -> CallResult {
        let next = self.1.lock().unwrap().pop_front();
        next.map_or_else(not_sent, |(http_status, body)| answer(http_status, body))
    }

    fn scrub(&self, text: &str) -> String {
        text.replace("secret", "***")
    }
}

fn triage() -> Triage {
    let lookup = Lookup::without_ledger().unwrap();
    Triage::new([(AccountName::default(), Country::default())], Some(AccountName::default()), lookup, Keep::default())
}

struct Ran {
    settled: Vec<Settled>,
    called: Vec<Called>,
    /// The rows that were counted at the input's end.
    ends: Vec<u64>,
    stop: Option<StopCause>,
    stopped_accounts: BTreeMap<AccountName, StopReason>,
    input_complete: bool,
}

impl Ran {
    fn outcomes(&self) -> Vec<(u64, Outcome)> {
        let mut outcomes: Vec<_> = self.settled.iter().map(|settled| (settled.row, settled.outcome)).collect();
        outcomes.sort_unstable_by_key(|(row, _)| *row);
        outcomes
    }

    fn of(&self, row: u64) -> &Settled {
        self.settled.iter().find(|settled| settled.row == row).unwrap()
    }
}

async fn run_rows(api: Table, setup: Setup, rows: Vec<Result<Row, RowError>>) -> Ran {
    run_items(api, setup, rows.into_iter().map(Ok).collect()).await
}

async fn run_items(api: Table, setup: Setup, rows: Vec<Item>) -> Ran {
    let copy: Vec<_> = rows.iter().filter_map(|item| item.as_ref().ok().cloned()).collect();
    let again = move || Ok(copy.clone().into_iter().map(Ok).collect::<Vec<_>>().into_iter());
    let rows = Rows { first: rows.into_iter(), again: Some(Box::new(again)) };
    run_bounded(api, setup, rows, triage(), |stop| Bounds::new(no_limits(setup.concurrency), [], stop, Clock::system()))
        .await
}

async fn run_bounded<I: Iterator<Item = Item> + Send + 'static>(
    api: Table,
    setup: Setup,
    rows: Rows<I>,
    triage: Triage,
    bounds: impl FnOnce(&Stop) -> Bounds,
) -> Ran {
    let stop = Stop::default();
    let bounds = Arc::new(bounds(&stop));
    let (events, mut heard) = mpsc::channel(100_000);
    let journal = List { state: Arc::clone(&api.0), fails_after: setup.journal_keeps };
    let caller = Caller {
        api,
        journal,
        pace: Pace::new(Rate::Unlimited, setup.patience, Past::default()),
        stop: stop.clone(),
        bounds: Arc::clone(&bounds),
        backoff: Backoff { base: Duration::from_secs(1), max: Duration::from_secs(60) },
        confirming: SuccessMessages::default(),
        events,
    };
    let pool = Pool {
        concurrency: setup.concurrency,
        limits: Limits { retries: setup.retries, patience: setup.patience },
        max_errors: setup.max_errors,
    };
    let input_complete = run(rows, triage, pool, Arc::new(caller), lists([], Vec::new()).0).await.unwrap();
    let (mut settled, mut called, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(event) = heard.recv().await {
        match event {
            Event::Settled(row) => settled.push(row),
            Event::Called(call) => called.push(call),
            Event::UnknownWords(_)
            | Event::PageRead { .. }
            | Event::ListCounted { .. }
            | Event::Held { .. }
            | Event::Resumed
            | Event::Retrying { .. }
            | Event::Learned(_) => {}
            Event::InputEnded { rows } => ends.push(rows),
        }
    }
    let stopped_accounts = bounds.stopped_accounts().map(|(name, cause)| (name, cause.reason)).collect();
    Ran { settled, called, ends, stop: stop.cause(), stopped_accounts, input_complete }
}

/// The contract's rule for lost answers, and every other way of a row, from its calls to its line.
#[tokio::test(start_paused = true)]
async fn what_a_row_s_calls_come_to() {
    let server_error = || answer(500, r#"{"status": "error", "message": "Internal server error"}"#);
    let page = || answer(502, "<html>Bad Gateway</html>");
    // The answers in turn; the outcome, the calls, and the credits charged and possible.
    let cases: Vec<(Vec<CallResult>, Outcome, u32, u64, u64)> = vec![
        (vec![answer(200, OK)], Outcome::Withdrawn, 1, 1, 1),
        (vec![answer(200, GONE)], Outcome::NotPending, 1, 0, 1),
        (vec![answer(200, MISSING)], Outcome::NotFound, 1, 0, 1),
        (vec![answer(200, ODD)], Outcome::Rejected, 1, 0, 1),
        (vec![server_error(), answer(200, OK)], Outcome::Withdrawn, 2, 1, 1),
        (vec![server_error()], Outcome::Failed, 3, 0, 0),
        (vec![not_sent(), answer(200, OK)], Outcome::Withdrawn, 2, 1, 1),
        (vec![not_sent()], Outcome::Failed, 3, 0, 0),
        (vec![not_sent(), answer(200, GONE)], Outcome::NotPending, 2, 0, 1),
        (vec![lost(), answer(200, OK)], Outcome::Withdrawn, 2, 1, 2),
        (vec![lost(), answer(200, GONE)], Outcome::PresumedWithdrawn, 2, 0, 2),
        (vec![lost(), answer(200, MISSING)], Outcome::Unconfirmed, 2, 0, 2),
        (vec![lost(), answer(200, ODD)], Outcome::Unconfirmed, 2, 0, 2),
        (vec![lost()], Outcome::Unconfirmed, 3, 0, 3),
        (vec![lost(), server_error(), server_error()], Outcome::Unconfirmed, 3, 0, 1),
        (vec![page(), answer(200, GONE)], Outcome::PresumedWithdrawn, 2, 0, 2),
        (vec![answer(200, "{\"stat"), answer(200, GONE)], Outcome::PresumedWithdrawn, 2, 0, 2),
        (vec![server_error(), answer(200, GONE)], Outcome::NotPending, 2, 0, 1),
        (
            vec![answer(200, LIMIT), answer(200, LIMIT), answer(200, LIMIT), answer(200, OK)],
            Outcome::Withdrawn,
            4,
            1,
            4,
        ),
        (vec![lost(), answer(200, LIMIT), answer(200, GONE)], Outcome::PresumedWithdrawn, 3, 0, 3),
    ];
    for (answers, outcome, attempts, charged, possible) in cases {
        let said = format!("{answers:?}");
        let api = Table::default().answering("7", answers);
        let ran = run_rows(api.clone(), SETUP, vec![row(1, "7")]).await;
        let settled = ran.of(1);
        assert_eq!((settled.outcome, settled.attempts), (outcome, attempts), "{said}");
        assert_eq!(settled.cost, Cost { charged, possible }, "{said}");
        assert_eq!(api.calls().len(), attempts as usize, "{said}");
        assert_eq!(ran.stop, None, "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_detail_of_a_presumed_withdrawal_names_the_lost_answer() {
    let api = Table::default().answering("7", [lost(), answer(200, GONE)]);
    let detail = run_rows(api, SETUP, vec![row(1, "7")]).await.of(1).detail.clone();
    assert_eq!(detail, "This invitation is no longer pending; an earlier answer was lost (no answer in time)");
}

#[tokio::test(start_paused = true)]
async fn rows_that_need_no_call_get_none_and_every_row_has_one_outcome() {
    let api = Table::default();
    let mut elsewhere = row(4, "9").unwrap();
    elsewhere.account = AccountName::parse("somebody else");
    let rows = vec![row(1, "7"), bad_row(2), row(3, "7"), Ok(elsewhere), row(5, "8")];
    let ran = run_rows(api.clone(), SETUP, rows).await;
    let expected = [Outcome::Withdrawn, Outcome::Invalid, Outcome::Duplicate, Outcome::Invalid, Outcome::Withdrawn];
    assert_eq!(ran.outcomes(), (1..).zip(expected).collect::<Vec<_>>());
    assert_eq!(ran.of(3).detail, "the same invitation as row 1");
    assert_eq!(api.calls(), ["7", "8"]);
    assert!(ran.input_complete);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_all_stops_the_run_and_wastes_no_more_than_what_is_in_flight() {
    let cases = [
        (answer(200, COOKIE), StopReason::Refused(Refusal::Login), 3),
        (answer(403, ODD), StopReason::Refused(Refusal::Key), 3),
        (answer(200, CREDITS), StopReason::Refused(Refusal::Credits), 4),
    ];
    for (refusal, reason, code) in cases {
        let mut api = Table::default();
        for id in 1_000..1_200 {
            api = api.answering(&id.to_string(), [refusal.clone()]);
        }
        let rows = (0..200).map(|at| row(at + 1, &(1_000 + at).to_string())).collect();
        let ran = run_rows(api.clone(), Setup { concurrency: 8, ..SETUP }, rows).await;
        let stop = ran.stop.as_ref().unwrap();
        assert_eq!((stop.reason, crate::exit::of_stop(stop.reason)), (reason, code));
        assert!(api.calls().len() <= 8, "{} calls", api.calls().len());
        assert_eq!(ran.settled.len(), 200);
        let called = ran.settled.iter().filter(|settled| settled.outcome == Outcome::Rejected).count();
        assert_eq!(called, api.calls().len());
        let unsent = ran.settled.iter().filter(|settled| settled.outcome == Outcome::NotAttempted);
        assert_eq!(unsent.count(), 200 - called);
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_failures_in_a_row_stop_the_run_and_a_success_begins_anew() {
    let failing = |api: Table, ids: std::ops::Range<u64>| {
        ids.fold(api, |api, id| api.answering(&id.to_string(), [answer(200, ODD)]))
    };
    let rows = || (1..=20).map(|id| row(id, &id.to_string())).collect();
    let setup = Setup { max_errors: 5, ..SETUP };

    let api = failing(failing(Table::default(), 1..5), 6..10);
    let ran = run_rows(api.clone(), setup, rows()).await;
    assert_eq!((ran.stop, api.calls().len()), (None, 20));

    let api = failing(Table::default(), 3..21);
    let ran = run_rows(api.clone(), setup, rows()).await;
    assert_eq!(ran.stop.as_ref().unwrap().reason, StopReason::TooManyFailures);
    assert_eq!(api.calls().len(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_beyond_patience_ends_the_run_in_order() {
    let api = Table::default().answering("2", [answer(200, LIMIT)]);
    let rows = (1..=4).map(|id| row(id, &id.to_string())).collect();
    let ran = run_rows(api, Setup { patience: Duration::from_secs(100), ..SETUP }, rows).await;
    assert_eq!(ran.stop.as_ref().unwrap().reason, StopReason::PatienceExhausted);
    let expected = [Outcome::Withdrawn, Outcome::RateLimited, Outcome::NotAttempted, Outcome::NotAttempted];
    assert_eq!(ran.outcomes(), (1..).zip(expected).collect::<Vec<_>>());
    // 1, 2, 4, ... s, each at least half of that: 100 s are used up within so many questions.
    assert!((6..=9).contains(&ran.of(2).attempts), "{} attempts", ran.of(2).attempts);
    assert_eq!(ran.called.iter().filter(|call| call.is_rate_limited()).count(), ran.of(2).attempts as usize);
}

#[tokio::test(start_paused = true)]
async fn while_the_api_refuses_one_worker_asks_for_all() {
    // Each row is refused once; were all 16 workers to ask after each hold, most would be refused again.
    let mut api = Table::default();
    for id in 1..=16 {
        api = api.answering(&id.to_string(), [answer(200, LIMIT), answer(200, OK)]);
    }
    let rows = (1..=16).map(|id| row(id, &id.to_string())).collect();
    let ran = run_rows(api.clone(), Setup { concurrency: 16, ..SETUP }, rows).await;
    assert!(ran.settled.iter().all(|settled| settled.outcome == Outcome::Withdrawn));
    assert_eq!(api.calls().len(), 32);
}

#[tokio::test(start_paused = true)]
async fn a_read_error_ends_the_run_in_order() {
    let broken = ReadError::new("list.csv", 3, std::io::Error::other("the disk is gone"));
    let rows = vec![Ok(row(1, "7")), Ok(row(2, "8")), Err(broken)];
    let ran = run_items(Table::default(), SETUP, rows).await;
    assert_eq!(ran.outcomes(), [(1, Outcome::Withdrawn), (2, Outcome::Withdrawn)]);
    assert!(!ran.input_complete);
    assert_eq!(ran.stop, None);
}

#[tokio::test(start_paused = true)]
async fn the_intent_is_kept_before_the_call_and_the_outcome_before_anyone_is_told() {
    let cases: [(Vec<CallResult>, &[&str]); 5] = [
        (vec![answer(200, OK)], &["open 7", "call 7", "done 7 withdrawn"]),
        // Nothing was done for sure: a crash in the wait must not look like a lost answer.
        (
            vec![answer(500, ODD), answer(200, OK)],
            &["open 7", "call 7", "done 7", "open 7", "call 7", "done 7 withdrawn"],
        ),
        (
            vec![answer(200, LIMIT), answer(200, OK)],
            &["open 7", "call 7", "done 7", "open 7", "call 7", "done 7 withdrawn"],
        ),
        (
            vec![not_sent()],
            &["open 7", "call 7", "done 7", "open 7", "call 7", "done 7", "open 7", "call 7", "done 7 failed"],
        ),
        // It may have been done.
        (
            vec![lost(), answer(200, GONE)],
            &["open 7", "call 7", "lost 7", "open 7", "call 7", "done 7 presumed_withdrawn"],
        ),
    ];
    for (answers, steps) in cases {
        let api = Table::default().answering("7", answers);
        run_rows(api.clone(), SETUP, vec![row(1, "7")]).await;
        assert_eq!(api.steps(), steps);
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_fails_stops_the_run_before_anything_more_is_sent() {
    let rows = || (1..=20).map(|id| row(id, &id.to_string())).collect();
    // It fails at an intent: that call does not leave.
    let api = Table::default();
    let ran = run_rows(api.clone(), Setup { journal_keeps: 4, ..SETUP }, rows()).await;
    assert_eq!(api.calls(), ["1", "2"]);
    assert_eq!(ran.stop.as_ref().unwrap().reason, StopReason::LedgerUnwritable);
    assert_eq!(ran.of(3).outcome, Outcome::NotAttempted);
    assert_eq!(ran.settled.len(), 20);

    // It fails at an outcome: what happened is reported, with a word about it.
    let api = Table::default();
    let ran = run_rows(api.clone(), Setup { journal_keeps: 5, ..SETUP }, rows()).await;
    assert_eq!(api.calls(), ["1", "2", "3"]);
    assert_eq!(ran.of(3).outcome, Outcome::Withdrawn);
    assert!(ran.of(3).detail.contains("could not be recorded"), "{}", ran.of(3).detail);
    assert_eq!(ran.of(4).outcome, Outcome::NotAttempted);
}

/// A panic in one worker ends the run in order: the others' rows are settled and told.
#[tokio::test(start_paused = true)]
async fn a_worker_s_panic_stops_the_run_in_order() {
    let api = Table::default().answering("2", []);
    let rows = (1..=4).map(|id| row(id, &id.to_string())).collect();
    let ran = run_rows(api, Setup { concurrency: 2, ..SETUP }, rows).await;
    assert_eq!(ran.stop.as_ref().unwrap().reason, StopReason::Broken);
    assert_eq!(ran.of(1).outcome, Outcome::Withdrawn);
    assert!(ran.settled.iter().all(|settled| settled.row != 2));
}

#[tokio::test(start_paused = true)]
async fn a_row_that_alone_is_rate_limited_does_not_hold_the_others_for_ever() {
    let api = Table::default().answering("5", [answer(200, LIMIT)]);
    api.0.lock().unwrap().latency = Some(Duration::from_secs(5));
    let rows = (1..=90).map(|id| row(id, &id.to_string())).collect();
    let setup = Setup { concurrency: 4, patience: Duration::from_secs(20), ..SETUP };
    let ran = run_rows(api.clone(), setup, rows).await;
    assert_eq!(ran.stop, None);
    assert_eq!(ran.of(5).outcome, Outcome::RateLimited);
    assert!(ran.of(5).attempts <= 8, "{} refusals were paid for", ran.of(5).attempts);
    assert_eq!(ran.settled.iter().filter(|settled| settled.outcome == Outcome::Withdrawn).count(), 89);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    /// Whatever the API answers and wherever the run stops: each row once, no call after a final answer, and the calls
    /// counted are the calls made.
    #[test]
    fn every_row_leaves_exactly_once(
        script in proptest::collection::vec((0_u64..12, proptest::collection::vec(0_usize..9, 1..5)), 1..30),
        concurrency in 1_usize..6,
        max_errors in 0_u32..4,
    ) {
        let endings = [
            answer(200, OK), answer(200, GONE), answer(200, MISSING), answer(200, ODD), answer(200, LIMIT), lost(),
            not_sent(), answer(500, ODD), answer(200, COOKIE),
        ];
        let mut api = Table::default();
        for (id, answers) in &script {
            // An answer that never changes from "rate limit" would only end with the patience.
            let answers = answers.iter().map(|at| endings[*at].clone()).chain([answer(200, OK)]);
            api = api.answering(&id.to_string(), answers);
        }
        let rows: Vec<_> = (1..).zip(&script).map(|(number, (id, _))| row(number, &id.to_string())).collect();
        let count = rows.len() as u64;
        let setup = Setup { concurrency, max_errors, ..SETUP };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let ran = runtime.block_on(run_rows(api.clone(), setup, rows));
        let numbers: Vec<u64> = ran.outcomes().iter().map(|(row, _)| *row).collect();
        proptest::prop_assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
        let attempts: u32 = ran.settled.iter().map(|settled| settled.attempts).sum();
        proptest::prop_assert_eq!(attempts as usize, api.calls().len());
        proptest::prop_assert_eq!(ran.called.len(), api.calls().len());
        let possible = |costs: &mut dyn Iterator<Item = Cost>| costs.map(|cost| cost.possible).sum::<u64>();
        let (of_calls, of_rows) = (&mut ran.called.iter().map(|call| call.cost), &mut ran.settled.iter().map(|row| row.cost));
        proptest::prop_assert_eq!(possible(of_calls), possible(of_rows));
        for settled in &ran.settled {
            proptest::prop_assert_eq!(settled.outcome == Outcome::NotAttempted, settled.attempts == 0
                && settled.outcome != Outcome::Duplicate);
        }
        if ran.stop.is_none() {
            proptest::prop_assert!(ran.settled.iter().all(|settled| settled.outcome != Outcome::NotAttempted));
        }
    }
}
