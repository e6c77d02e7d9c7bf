//! A run in Prometheus' text format, for the textfile collector of node_exporter.

use jiff::Timestamp;

use super::Summary;
use super::summary::Sum;
use crate::exit;
use crate::invitation::AccountName;
use crate::pace::Rate;
use crate::policy::Cost;

const PREFIX: &str = "bulk_withdraw_";

const ENDED: &str = "last_run_timestamp_seconds";
const DURATION: &str = "last_run_duration_seconds";
const EXIT_CODE: &str = "last_run_exit_code";
const SUCCESS: &str = "last_success_timestamp_seconds";
const ROWS: &str = "last_run_rows";
const CALLS: &str = "last_run_calls";
const RETRIES: &str = "last_run_retries";
const REFUSALS: &str = "last_run_rate_limited_calls";
const CHARGED: &str = "last_run_credits_charged";
const POSSIBLE: &str = "last_run_credits_possible";
const PACE: &str = "last_run_calls_per_second_limit";
const LEARNED: &str = "last_run_learned_calls_per_second_limit";
const PENDING: &str = "pending_invitations";

/// Every metric, a gauge each: the values of one run.
const FAMILIES: [(&str, &str); 13] = [
    (ENDED, "When the last run ended, as Unix time."),
    (DURATION, "How long the last run took."),
    (EXIT_CODE, "Exit code of the last run."),
    (SUCCESS, "When the last run with exit code 0 ended, as Unix time."),
    (ROWS, "Rows of the last run by outcome."),
    (CALLS, "API calls of the last run."),
    (RETRIES, "API calls of the last run that repeated an earlier one."),
    (REFUSALS, "API calls of the last run that were refused by a rate limit."),
    (CHARGED, "Credits that the last run was surely charged."),
    (POSSIBLE, "Credits that the last run can have cost at most."),
    (PACE, "Call rate at the end of the last run."),
    (LEARNED, "Call rate that the API key has shown to allow."),
    (PENDING, "Pending connection invitations, as the last complete list counted them before any withdrawal."),
];

/// What tells the series of one job from those of others in the same file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MetricsJob<'a> {
    /// The account to which the job is restricted.
    pub account: Option<&'a AccountName>,
    /// `K/N`, where the job does a share of the work.
    pub share: Option<&'a str>,
}

/// Those that a job has once, whatever its accounts; the others it has for each account.
const OF_JOB: [&str; 6] = [ENDED, DURATION, EXIT_CODE, SUCCESS, PACE, LEARNED];

type Labels = Vec<(String, String)>;

#[derive(Clone, Debug, PartialEq)]
struct Sample {
    name: &'static str,
    labels: Labels,
    value: f64,
}

/// The file's text after this run. `previous` is its text before: other jobs' series in it are kept, and of this one's
/// what this run did not find out.
pub(crate) fn metrics(summary: &Summary, job: MetricsJob<'_>, previous: &str) -> String {
    let new = samples(summary, job);
    let is_kept = |old: &Sample| {
        let is_replaced = new.iter().any(|new| (new.name, &new.labels) == (old.name, &old.labels));
        !is_replaced && (!job.owns(summary, old) || matches!(old.name, SUCCESS | PENDING))
    };
    let mut all: Vec<Sample> = previous.lines().filter_map(parse).filter(is_kept).collect();
    all.extend(new);
    let mut out = String::new();
    for (name, help) in FAMILIES {
        let of_family: Vec<_> = all.iter().filter(|sample| sample.name == name).map(Sample::line).collect();
        if !of_family.is_empty() {
            out.push_str(&format!("# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} gauge\n{}", of_family.concat()));
        }
    }
    out
}

impl MetricsJob<'_> {
    /// Whether the sample is this job's. Figures of the same command and account are the same job's.
    fn owns(&self, summary: &Summary, sample: &Sample) -> bool {
        let label = |name| sample.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str());
        let (account, own) = (label("account"), self.account.map(AccountName::as_str));
        label("command") == Some(summary.facts.command)
            && label("share") == self.share
            && (account == own || own.is_none() && !OF_JOB.contains(&sample.name))
    }

    fn labels(&self, summary: &Summary, account: Option<&str>, outcome: Option<&str>) -> Labels {
        let labels = [
            ("command", Some(summary.facts.command)),
            ("account", account),
            ("outcome", outcome),
            ("share", self.share),
        ];
        labels.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect()
    }
}

fn samples(summary: &Summary, job: MetricsJob<'_>) -> Vec<Sample> {
    let of_job = job.labels(summary, job.account.map(AccountName::as_str), None);
    let mut samples = Vec::new();
    let mut add = |name, labels: &Labels, value| samples.push(Sample { name, labels: labels.clone(), value });
    let ended = seconds(summary.finished_at);
    add(ENDED, &of_job, ended);
    add(DURATION, &of_job, summary.elapsed_s());
    add(EXIT_CODE, &of_job, summary.exit_code.into());
    if summary.exit_code == exit::FINE {
        add(SUCCESS, &of_job, ended);
    }
    for (name, rate) in [(PACE, Some(summary.rate)), (LEARNED, summary.learned)] {
        if let Some(per_second) = rate.and_then(per_second) {
            add(name, &of_job, per_second);
        }
    }
    let mut elsewhere = summary.totals.run.rows;
    for (account, sum) in &summary.totals.accounts {
        elsewhere = elsewhere.less(&sum.rows);
        let is_concerned = job.account.is_none_or(|own| own == account);
        if is_concerned || sum.calls > 0 || sum.rows.total() > 0 {
            let labels = job.labels(summary, Some(account.as_str()), None);
            let Sum {
                rows,
                calls,
                retries,
                repeated: _,
                unsent: _,
                rate_limit_answers,
                cost: Cost { charged, possible },
            } = *sum;
            let sums = [(CALLS, calls), (RETRIES, retries), (REFUSALS, rate_limit_answers), (CHARGED, charged)];
            for (name, count) in sums.into_iter().chain([(POSSIBLE, possible)]) {
                add(name, &labels, count as f64);
            }
            for (outcome, count) in rows.iter() {
                add(ROWS, &job.labels(summary, Some(account.as_str()), Some(outcome.as_str())), count as f64);
            }
        }
    }
    // Rows of no account, or of one that is not configured.
    for (outcome, count) in elsewhere.iter().filter(|(_, count)| *count > 0) {
        add(ROWS, &job.labels(summary, Some(""), Some(outcome.as_str())), count as f64);
    }
    for (account, pending) in &summary.totals.pending {
        add(PENDING, &job.labels(summary, Some(account.as_str()), None), *pending as f64);
    }
    samples
}

fn seconds(moment: Timestamp) -> f64 {
    moment.as_millisecond() as f64 / 1_000.0
}

fn per_second(rate: Rate) -> Option<f64> {
    match rate {
        Rate::Calls { calls, window } => Some(f64::from(calls.get()) / window.as_secs_f64()),
        Rate::Shared { calls, shares, window } => {
            Some(f64::from(calls.get()) / f64::from(shares.get()) / window.as_secs_f64())
        }
        Rate::Unlimited => None,
    }
}

impl Sample {
    fn line(&self) -> String {
        let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<_> = self.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        format!("{PREFIX}{}{{{}}} {}\n", self.name, labels.join(","), self.value)
    }
}

/// Whether a file's text holds nothing but metrics of this program.
pub(crate) fn is_metrics(text: &str) -> bool {
    text.lines().filter(|line| !line.trim().is_empty()).all(|line| {
        let head = ["# HELP ", "# TYPE "].iter().find_map(|head| line.strip_prefix(head));
        head.unwrap_or(line).starts_with(PREFIX)
    })
}

/// A sample that an earlier run wrote; `None` for every other line.
fn parse(line: &str) -> Option<Sample> {
    let (name, rest) = line.strip_prefix(PREFIX)?.split_once('{')?;
    let (name, _) = FAMILIES.into_iter().find(|(family, _)| *family == name)?;
    let mut rest = rest.chars();
    let mut labels = Labels::new();
    loop {
        let label: String = rest.by_ref().take_while(|c| *c != '=').collect();
        let is_name = !label.is_empty() && label.chars().all(|c| c.is_ascii_lowercase());
        if !is_name || rest.next() != Some('"') {
            return None;
        }
        labels.push((label, value(&mut rest)?));
        match rest.next()? {
            ',' => {}
            '}' => break,
            _ => return None,
        }
    }
    let value: f64 = rest.as_str().trim().parse().ok()?;
    value.is_finite().then_some(Sample { name, labels, value })
}

/// A label's value, to its closing quote.
fn value(rest: &mut std::str::Chars<'_>) -> Option<String> {
    let mut value = String::new();
    loop {
        match rest.next()? {
            '"' => return Some(value),
            '\\' => value.push(match rest.next()? {
                'n' => '\n',
                escaped => escaped,
            }),
            plain => value.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::event::Settled;
    use crate::invitation::Carried;
    use crate::outcome::Outcome;
    use crate::report::{RunFacts, Totals};

    fn summary(command: &'static str, ended: i64, exit_code: u8) -> Summary {
        let [sales, quoted] = ["sales", "a\"b\\c"].map(|name| AccountName::parse(name).unwrap());
        let mut totals = Totals::new([sales.clone(), quoted]);
        for (account, outcome) in
            [(Some(&sales), Outcome::Withdrawn), (Some(&sales), Outcome::Unconfirmed), (None, Outcome::Invalid)]
        {
            totals.add_row(&Settled::unsent(
                1,
                String::new(),
                account.cloned(),
                outcome,
                String::new(),
                Carried::default(),
            ));
        }
        let sum = totals.accounts.get_mut(&sales).unwrap();
        (sum.calls, sum.retries, sum.rate_limit_answers) = (4, 2, 1);
        sum.cost = Cost { charged: 1, possible: 3 };
        let at = |second| Timestamp::from_millisecond(second).unwrap();
        Summary {
            facts: RunFacts { started_at: at(ended - 1_500), ..RunFacts::begin(command, None) },
            finished_at: at(ended),
            totals,
            rate: "290/min".parse().unwrap(),
            learned: Some(Rate::of(60.0, Duration::from_secs(60))),
            input_complete: true,
            stop: None,
            stopped_accounts: BTreeMap::new(),
            exit_code,
        }
    }

    #[test]
    fn a_run_as_prometheus_reads_it() {
        let mut first = summary("clean", 1_764_133_200_250, 0);
        first.totals.pending.insert(AccountName::parse("sales").unwrap(), 432);
        let text = metrics(&first, MetricsJob::default(), "");
        insta::assert_snapshot!(text);
        assert_eq!(metrics(&first, MetricsJob::default(), &text), text);
    }

    /// Each sample of this family.
    fn family<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
        let start = format!("{PREFIX}{name}{{");
        text.lines().filter_map(|line| line.strip_prefix(start.as_str())).collect()
    }

    #[test]
    fn what_a_run_did_not_find_out_is_kept() {
        let mut first = summary("clean", 1_000_000, 0);
        first.totals.pending.insert(AccountName::parse("sales").unwrap(), 432);
        let text = metrics(&first, MetricsJob::default(), "");
        let failed = Summary { learned: None, totals: Totals::default(), ..summary("clean", 2_000_000, 75) };
        let text = metrics(&failed, MetricsJob::default(), &text);
        assert_eq!(family(&text, SUCCESS), ["command=\"clean\"} 1000"]);
        assert_eq!(family(&text, ENDED), ["command=\"clean\"} 2000"]);
        assert_eq!(family(&text, EXIT_CODE), ["command=\"clean\"} 75"]);
        assert_eq!(family(&text, PENDING), ["command=\"clean\",account=\"sales\"} 432"]);
        assert_eq!((family(&text, ROWS).len(), family(&text, LEARNED).len()), (0, 0));
    }

    #[test]
    fn labels_are_escaped() {
        let evil = "a\"} 1\nbulk_withdraw_forged{b=\"\\";
        let account = AccountName::parse(evil).unwrap();
        let job = MetricsJob { account: Some(&account), share: None };
        let text = metrics(&summary("clean", 1_000, 0), job, "");
        assert!(!text.lines().any(|line| line.starts_with("bulk_withdraw_forged")), "{text}");
        let line = text.lines().find(|line| line.contains("account=")).unwrap();
        assert!(parse(line).unwrap().labels.contains(&("account".to_owned(), evil.to_owned())), "{line}");
        assert!(is_metrics(&text));
    }

    #[test]
    fn jobs_share_a_file() {
        let sales = AccountName::parse("sales").unwrap();
        let of_sales = MetricsJob { account: Some(&sales), share: None };
        let of_share = MetricsJob { account: None, share: Some("1/4") };
        let mut text = String::new();
        for (number, (command, job)) in
            [("clean", of_sales), ("check", MetricsJob::default()), ("run", of_share), ("clean", of_sales)]
                .into_iter()
                .enumerate()
        {
            text = metrics(&summary(command, (number as i64 + 1) * 1_000, 0), job, &text);
        }
        let expected =
            ["command=\"check\"} 2", "command=\"run\",share=\"1/4\"} 3", "command=\"clean\",account=\"sales\"} 4"];
        assert_eq!(family(&text, ENDED), expected);
        // Each head once.
        assert_eq!(text.matches("# HELP bulk_withdraw_last_run_rows ").count(), 1);
    }

    /// A job that is restricted to an account and one that is not each have an exit code of their own.
    #[test]
    fn a_restricted_job_and_an_unrestricted_one_keep_each_other_s_series() {
        let sales = AccountName::parse("sales").unwrap();
        let (all, of_sales) = (MetricsJob::default(), MetricsJob { account: Some(&sales), share: None });
        for (first, second) in [(all, of_sales), (of_sales, all)] {
            let text = metrics(&summary("clean", 1_000, 5), first, "");
            let failed = Summary { learned: None, totals: Totals::default(), ..summary("clean", 2_000, 75) };
            let text = metrics(&failed, second, &text);
            assert_eq!((family(&text, EXIT_CODE).len(), family(&text, LEARNED).len()), (2, 1), "{text}");
            assert!(family(&text, EXIT_CODE).iter().any(|line| line.ends_with(" 5")), "{text}");
        }
    }

    #[test]
    fn another_program_s_file_is_told_from_ours() {
        let ours = metrics(&summary("run", 1_000, 1), MetricsJob::default(), "");
        for (text, is_ours) in [
            ("", true),
            ("\n \n", true),
            (ours.as_str(), true),
            ("bulk_withdraw_of_tomorrow{a=\"b\"} 7\nbulk_withdraw_cut", true),
            ("name,url\nAnn,x\n", false),
            ("node_load1 0.5\n", false),
            ("# HELP node_load1 1m load average.\n", false),
            ("# bulk_withdraw_x\n", false),
        ] {
            assert_eq!(is_metrics(text), is_ours, "{text}");
        }
        assert!(!is_metrics(&format!("{ours}# my notes\n")));
    }

    #[test]
    fn a_broken_file_is_no_obstacle() {
        let summary = summary("run", 1_000, 1);
        let alone = metrics(&summary, MetricsJob::default(), "");
        for previous in [
            "bulk_withdraw_last_success_timestamp_seconds{command=\"run\"",
            "bulk_withdraw_last_success_timestamp_seconds{command=\"run\"} soon\n",
            "bulk_withdraw_last_success_timestamp_seconds{command=\"run\"} NaN\n",
            "bulk_withdraw_last_success_timestamp_seconds{command=run} 7\n",
            "bulk_withdraw_last_success_timestamp_seconds{} 7\n",
            "bulk_withdraw_no_such_metric{command=\"run\"} 7\n",
        ] {
            assert_eq!(metrics(&summary, MetricsJob::default(), previous), alone, "{previous}");
        }
        let kept = "bulk_withdraw_last_success_timestamp_seconds{command=\"run\"} 7\n";
        assert!(metrics(&summary, MetricsJob::default(), kept).contains(kept));
    }
}
