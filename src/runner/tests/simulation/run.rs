//! One run: the real runner on the real ledger, with the simulated API, and its end, whether in order or by a kill.

use std::cell::Cell;
use std::future::poll_fn;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::task::ready;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep};

use super::super::pool::{Reading, run_reading};
use super::super::*;
use super::course::{Course, Id, RunPlan, SLOWEST_DISK, name};
use super::world::Shared;
use crate::ledger::{DrivenWriter, History, RunInfo};
use crate::pace::{DailyCap, Gap};
use crate::stop::Signal;

/// 2026-03-02, 08:00:52 UTC: the shortest of the accounts' hours end soon.
const BEGIN: Timestamp = Timestamp::constant(1_772_438_452, 0);
const LEDGER: &str = "ledger.db";
static ANCHOR: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);

thread_local! {
    /// How long the simulation had lasted when this run began, and tokio's moment for it.
    static BEGAN: Cell<(Duration, Option<Instant>)> = const { Cell::new((Duration::ZERO, None)) };
}

/// The time since the simulation began.
pub(super) fn moment() -> Duration {
    let (before, began) = BEGAN.get();
    before + began.map_or(Duration::ZERO, |began| began.elapsed())
}

pub(super) fn now() -> Timestamp {
    BEGIN + SignedDuration::try_from(moment()).unwrap()
}

/// The moment as the server's count of calls takes it.
pub(super) fn server_clock(moment: Duration) -> std::time::Instant {
    *ANCHOR + moment
}

/// The beginning: an empty ledger, as the first run would leave it.
pub(super) fn begin(directory: &Path) {
    static EMPTY: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(LEDGER);
        drop(DrivenWriter::open(&path, &info(0, &Stop::default()), now).unwrap());
        std::fs::read(path).unwrap()
    });
    BEGAN.set((Duration::ZERO, None));
    let path = directory.join(LEDGER);
    Files(EMPTY.clone(), Vec::new()).write(&path);
}

fn info(run: usize, stop: &Stop) -> RunInfo {
    let (run_id, api) = (run.to_string(), "https://api.example".to_owned());
    RunInfo { run_id, started_at: now(), command: "run", api, stop: stop.clone() }
}

/// Time that passes while no run works.
pub(super) fn pass(time: Duration) {
    BEGAN.set((moment() + time, None));
}

#[derive(Clone)]
struct Api(Shared);

impl LinkUpApi for Api {
    fn version(&self) -> ApiVersion {
        self.0.lock().course.version
    }

    async fn send(&self, call: ApiCall<'_>) -> CallResult {
        let ApiCall::Withdraw(withdrawal) = call else { panic!("a row is only withdrawn: {call:?}") };
        let id = id_of(&withdrawal.account, withdrawal.id.as_str());
        let (call, there, back) = self
            .0
            .step(|world| {
                let slowest = world.plan.slowest.as_micros() as u64;
                let [there, back] = [(); 2].map(|()| Duration::from_micros(world.random.u64(..=slowest)));
                (world.arrive(id), there, back)
            })
            .await;
        sleep(there).await;
        let result = self.0.step(|world| world.work(call)).await;
        sleep(back).await;
        self.0.step(|world| world.answered(call)).await;
        result
    }

    fn scrub(&self, text: &str) -> String {
        text.to_owned()
    }
}

fn id_of(account: &AccountName, id: &str) -> Id {
    let account = (0..3).find(|number| name(*number) == *account).unwrap();
    (account, id.parse::<u64>().unwrap())
}

/// Runs until the end or the kill.
pub(super) fn run(world: &Shared, plan: &RunPlan, directory: &Path) {
    let path = directory.join(LEDGER);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let _entered = runtime.enter();
    BEGAN.set((moment(), Some(Instant::now())));
    world.lock().begin(plan.clone());
    let killed = Arc::clone(&world.lock().killed);
    let was_killed = runtime.block_on(async {
        tokio::select! {
            biased;
            () = killed.notified() => true,
            () = to_its_end(world, plan, &path) => false,
        }
    });
    let time = moment();
    let left = was_killed.then(|| Files::read(&path));
    drop(runtime);
    BEGAN.set((time, None));
    if let Some(files) = left {
        files.write(&path);
    }
}

/// The ledger's history against what the server and the reports have, and against its own calls.
pub(super) fn check_history(world: &Shared, directory: &Path) {
    let path = directory.join(LEDGER);
    let history = History::open(&path).unwrap().by_day(None).unwrap();
    let sql = "SELECT COALESCE(SUM(credits_charged), 0), COALESCE(SUM(credits_possible), 0), COUNT(outcome) FROM calls";
    let calls = Connection::open(&path).unwrap();
    let calls = calls.query_one(sql, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?])).unwrap();
    world.lock().check_history(&history, calls);
}

/// What a kill leaves of the ledger: a connection that is closed tidies up.
struct Files(Vec<u8>, Vec<u8>);

impl Files {
    fn read(path: &Path) -> Self {
        Self(std::fs::read(path).unwrap(), std::fs::read(path.with_extension("db-wal")).unwrap_or_default())
    }

    fn write(self, path: &Path) {
        std::fs::write(path, self.0).unwrap();
        std::fs::write(path.with_extension("db-wal"), self.1).unwrap();
    }
}

async fn to_its_end(world: &Shared, plan: &RunPlan, path: &Path) {
    let stop = Stop::default();
    let run = info(world.lock().run, &stop);
    let (ledger, writer) = DrivenWriter::open(path, &run, now).unwrap();
    let past = match world.lock().course.rate {
        Rate::Calls { calls, window } | Rate::Shared { calls, window, .. } => {
            writer.past(&run, window, calls.get(), now())
        }
        Rate::Unlimited => Past::default(),
    };
    let written = tokio::spawn(write(writer, world.clone()));
    let lookup = ledger.lookup(false).unwrap();
    let (caller, heard) = caller(world, plan, ledger.clone(), &lookup, past, &stop);
    let told = tokio::spawn(report(heard, world.clone()));
    if let Some(after) = plan.signal {
        tokio::spawn(signal(after, stop.clone(), world.clone()));
    }
    let (triage, rows) = input(world, plan, lookup);
    let pool = Pool {
        concurrency: plan.concurrency,
        limits: Limits { retries: plan.retries, patience: plan.patience },
        max_errors: plan.max_errors,
    };
    let complete = run_reading(rows, triage, pool, Arc::new(caller), lists([], Vec::new()).0, |reading| {
        let (done, is_complete) = oneshot::channel();
        let reading = slowly(reading, world.clone());
        tokio::spawn(async move {
            // A run that gave up on it does not ask any more.
            let _ = done.send(reading.await);
        });
        Ok(is_complete)
    })
    .await;
    told.await.unwrap();
    ledger.close().await.unwrap();
    written.await.unwrap();
    world.lock().ended(complete.unwrap(), stop.cause().map(|cause| cause.to_string()));
}

/// A reader that takes its time again and again.
async fn slowly(mut reading: Reading, world: Shared) -> bool {
    let pause = move || Box::pin(sleep(Duration::from_millis(world.lock().random.u64(0..=400))));
    let mut paused = pause();
    poll_fn(move |context| {
        ready!(paused.as_mut().poll(context));
        let read = reading.as_mut().poll(context);
        paused = pause();
        read
    })
    .await
}

fn input(world: &Shared, plan: &RunPlan, lookup: Lookup) -> (Triage, Rows<impl Iterator<Item = Item> + Send + use<>>) {
    let world = world.lock();
    let accounts = (0..world.course.accounts.len()).map(|account| (name(account), Country::default()));
    let triage = Triage::new(accounts, Some(name(0)), lookup, Keep::default());
    let rows = world.course.input();
    let first = rows.clone().into_iter().map(Ok as fn(_) -> Item);
    let again = move || Ok(rows.clone().into_iter().map(Ok as fn(_) -> Item));
    (triage, Rows { first, again: if plan.input_ends { Some(Box::new(again)) } else { None } })
}

fn caller(
    world: &Shared,
    plan: &RunPlan,
    ledger: Ledger,
    lookup: &Lookup,
    past: Past,
    stop: &Stop,
) -> (Caller<Api, Option<Ledger>>, mpsc::Receiver<Event>) {
    let (events, heard) = mpsc::channel(plan.events);
    let world_now = world.lock();
    let caller = Caller {
        api: Api(world.clone()),
        pace: Pace::new(world_now.course.rate, plan.patience, past),
        stop: stop.clone(),
        bounds: Arc::new(bounds(&world_now.course, plan, lookup, stop)),
        backoff: Backoff { base: plan.backoff, max: Duration::from_secs(60) },
        confirming: SuccessMessages::default(),
        events,
        journal: Some(ledger),
    };
    (caller, heard)
}

fn bounds(course: &Course, plan: &RunPlan, lookup: &Lookup, stop: &Stop) -> Bounds {
    let since = now() - SignedDuration::from_hours(24);
    let limits = (0..).zip(&course.accounts).map(|(number, account)| {
        let gap = account.gap.map(|(least, most)| format!("{least}ms..{most}ms").parse::<Gap>().unwrap());
        let recent = lookup.withdrawn_since(&name(number), since, None).unwrap().at;
        let daily_cap = account.cap.filter(|_| plan.has_caps).map(|cap| DailyCap::new(cap, recent));
        (name(number), AccountLimits { gap, hours: account.hours, daily_cap, ..AccountLimits::default() })
    });
    let run = RunLimits {
        concurrency: plan.concurrency,
        max_credits: plan.max_credits,
        max_withdrawals: plan.max_withdrawals,
        latest_start: plan.max_duration.map(|longest| Instant::now() + longest),
    };
    Bounds::new(run, limits.collect::<Vec<_>>(), stop, Clock::new(|| now().to_zoned(TimeZone::UTC)))
}

/// The disk: each commit takes its time, and serves what waits by then.
async fn write(mut writer: DrivenWriter, world: Shared) {
    while writer.has_work().await {
        let slowest = SLOWEST_DISK.as_micros() as u64;
        let takes = world.step(|world| Duration::from_micros(world.random.u64(..=slowest))).await;
        sleep(takes).await;
        let committed = world.step(|world| {
            world.steps.push(super::world::Step::Committed(moment()));
            writer.commit()
        });
        match committed.await {
            Some(open) => writer = open,
            None => return,
        }
    }
}

/// The report: what it has heard, the user may have read.
async fn report(mut heard: mpsc::Receiver<Event>, world: Shared) {
    while let Some(event) = heard.recv().await {
        match event {
            Event::Settled(settled) => world.step(|world| world.told(&settled)).await,
            Event::Called(_)
            | Event::UnknownWords(_)
            | Event::PageRead { .. }
            | Event::ListCounted { .. }
            | Event::Held { .. }
            | Event::Resumed
            | Event::Retrying { .. }
            | Event::Learned(_)
            | Event::InputEnded { .. } => {}
        }
    }
}

async fn signal(after: Duration, stop: Stop, world: Shared) {
    sleep(after).await;
    world
        .step(|world| {
            world.steps.push(super::world::Step::Signal(moment()));
            world.is_stopped = true;
        })
        .await;
    stop.request(StopReason::Signal(Signal::Interrupt), "run the same command again to go on");
}
