//! What happened, in a sentence, and what to do next.

use maud::{Markup, html};

use super::cost::credits;
use super::frame::text;
use super::page::PageFacts;
use crate::exit;
use crate::outcome::Outcome;
use crate::policy::visible;
use crate::report::next::next;
use crate::report::{Summary, plural};
use crate::stop::{Limit, Refusal, StopReason};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// Nothing is left to do.
    Good,
    /// Something is left to do or to look at.
    Open,
    /// It was stopped by something that is wrong.
    Bad,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Verdict {
    mood: Mood,
    /// A few words.
    headline: String,
    sentence: String,
    next: String,
    /// Whether the next step is the same command again.
    again: bool,
}

/// What a page knows beside the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Whether all of the input, or of the list, was read.
    pub(super) is_whole: bool,
    /// Those of a list that the filters select.
    pub(super) selected: Option<u64>,
}

impl Verdict {
    fn of(summary: &Summary, seen: Seen) -> Self {
        let (headline, mood) = headline(summary);
        let (next, again) = next(summary);
        Self { mood, headline, sentence: sentence(summary, seen), next, again }
    }
}

pub(super) fn verdict(summary: &Summary, seen: Seen, facts: &PageFacts) -> Markup {
    let Verdict { mood, headline, sentence, next, again } = Verdict::of(summary, seen);
    let report = facts.report.as_deref();
    let is_list = summary.facts.command == "list";
    let run_it = report.filter(|report| is_list && !again && *report != "standard output");
    let (class, sign) = match mood {
        Mood::Good => ("good", "✓"),
        Mood::Open => ("open", "!"),
        Mood::Bad => ("bad", "✕"),
    };
    html! {
        section.verdict.(class) id="verdict" aria-labelledby="verdict-title" {
            h2 id="verdict-title" { span.sign aria-hidden="true" { (sign) } " " (headline) }
            p { (sentence) }
            @if let Some(missing) = missing(summary, seen.is_whole) { p { strong { (missing) } } }
            @if let Some(stop) = &summary.stop { p { "It stopped: " (text(&stop.to_string())) " " code { (stop.reason.as_str()) } } }
            @for (account, cause) in summary.stopped_accounts.iter().filter(|(_, cause)| summary.stop.as_ref() != Some(*cause)) {
                p { "Account " strong { (text(account.as_str())) } " stopped: " (text(&cause.to_string())) " " code { (cause.reason.as_str()) } }
            }
            p { strong { "Next: " } (next) "." }
            @if let Some(list) = run_it { (command(&format!("bulk-withdraw run {} --dry-run", quoted(list)))) }
            @if let Some(typed) = &summary.facts.again {
                @if again {
                    (command(typed))
                    (left_out(typed, facts))
                } @else {
                    details { summary { "The command" } (command(typed)) (left_out(typed, facts)) }
                }
            }
            p.facts {
                "Exit code " (summary.exit_code)
                @if let Some(report) = report { " · " @if is_list { "list" } @else { "report" } " " (text(report)) }
            }
        }
    }
}

fn command(line: &str) -> Markup {
    html! { pre { code { @for word in line.split(' ') { span { (visible(word)) } " " } } } }
}

/// What the command needs that is not in its words.
fn left_out(typed: &str, facts: &PageFacts) -> Markup {
    let reads_stdin = typed.split(' ').nth(2) == Some("-");
    let has_ping = facts.settings.iter().any(|[name, _, origin]| name == "ping_url" && origin == "flag");
    html! {
        @if reads_stdin { p.facts { "Pipe the same input into it." } }
        @if has_ping { p.facts { "Without " code { "--ping-url" } ", whose address is a secret: add it." } }
    }
}

fn quoted(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if name.chars().all(is_plain) { name.to_owned() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

fn headline(summary: &Summary) -> (String, Mood) {
    let is_limit = |reason: StopReason| reason.is_limit();
    let stop = summary.stop.as_ref().map(|stop| stop.reason);
    let not_fine = summary.totals.not_fine;
    match stop.filter(|reason| !is_limit(*reason)) {
        Some(StopReason::Signal(_)) => ("Stopped on request".to_owned(), Mood::Open),
        Some(reason) => (format!("Stopped: {}", stopped_words(reason)), Mood::Bad),
        None if summary.stopped_accounts.values().any(|cause| !is_limit(cause.reason)) => {
            ("Some accounts were stopped".to_owned(), Mood::Bad)
        }
        None if summary.exit_code != 0 && not_fine > 0 => (format!("Finished; {} a look", needs(not_fine)), Mood::Open),
        None if !summary.input_complete && stop.is_none() => ("Finished, but not all was read".to_owned(), Mood::Open),
        None if summary.exit_code != 0 => ("Finished, but something is not fine".to_owned(), Mood::Open),
        None if stop.is_some() || !summary.stopped_accounts.is_empty() => {
            ("Ended at a limit that you set".to_owned(), Mood::Open)
        }
        None => ("Done".to_owned(), Mood::Good),
    }
}

/// What was not read, so that nobody takes a part for the whole.
fn missing(summary: &Summary, is_whole: bool) -> Option<String> {
    match &summary.totals.list {
        Some(list) if !is_whole && summary.facts.command != "run" => Some(format!(
            "The list is not whole (at least {}): pages that were not read are missing below.",
            plural(list.invitations, "invitation")
        )),
        // Why nothing was read is said.
        None if summary.totals.run.rows.total() == 0 && summary.stop.is_some() => None,
        Some(_) | None if !summary.input_complete => {
            Some("Not all was read: rows that were not read are neither counted here nor in the report.".to_owned())
        }
        Some(_) | None => None,
    }
}

fn needs(rows: u64) -> String {
    if rows == 1 { "1 row needs".to_owned() } else { format!("{rows} rows need") }
}

const fn stopped_words(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Refused(Refusal::Key) => "the API key was refused",
        StopReason::Refused(Refusal::Login) => "the login was refused",
        StopReason::Refused(Refusal::Account) => "the account was refused",
        StopReason::Refused(Refusal::Credits) => "the credits are used up",
        StopReason::TooManyFailures => "too many failures in a row",
        StopReason::PatienceExhausted => "rate limited for too long",
        StopReason::ReportUnwritable => "the report could not be written",
        StopReason::LedgerUnwritable => "the ledger could not be written",
        StopReason::Broken => "a bug in this program",
        StopReason::Limit(Limit::Credits) => "--max-credits is reached",
        StopReason::Limit(Limit::Withdrawals) => "--max-withdrawals is reached",
        StopReason::Limit(Limit::Duration) => "--max-duration is over",
        StopReason::Limit(Limit::DailyCap) => "--daily-cap is reached",
        StopReason::Usage => "usage, configuration or input",
        StopReason::LedgerHeld => "another run holds the ledger",
        StopReason::Signal(_) => "a signal",
    }
}

fn sentence(summary: &Summary, Seen { is_whole, selected }: Seen) -> String {
    let cost = credits(summary.totals.run.cost);
    let least = if is_whole { "" } else { "at least " };
    let listed = summary.totals.list.as_ref().map(|list| plural(list.invitations, "pending invitation"));
    let rows = &summary.totals.run.rows;
    let total = rows.total();
    if total == 0 && summary.exit_code == exit::USAGE || summary.exit_code == exit::HELD {
        return "Nothing was withdrawn.".to_owned();
    }
    if total == 0 {
        return match listed {
            Some(listed) if summary.facts.command == "list" => match selected {
                Some(selected) => format!("{selected} of {least}{listed} match, for {cost}."),
                None => format!("{listed} were listed, for {cost}."),
            },
            Some(listed) => format!("{listed} were listed, and none was withdrawn, for {cost}."),
            None => format!("No row was read, for {cost}."),
        };
    }
    let of = |outcomes: &[Outcome]| outcomes.iter().map(|outcome| rows.of(*outcome)).sum::<u64>();
    let withdrawn = of(&[Outcome::Withdrawn, Outcome::PresumedWithdrawn]);
    let presumed = of(&[Outcome::PresumedWithdrawn]);
    let needless = of(&[Outcome::AlreadySettled, Outcome::Duplicate, Outcome::NotPending]);
    let not_tried = of(&[Outcome::NotAttempted]);
    let unsettled = total - withdrawn - needless - not_tried;
    let chosen = match listed.filter(|_| summary.facts.command == "clean") {
        Some(listed) => format!(" chosen from {least}{listed}"),
        None => String::new(),
    };
    let mut said = format!("Withdrew {withdrawn} of {}{chosen}, for {cost}.", plural(total, "invitation"));
    if presumed > 0 {
        said.push_str(&format!(" {presumed} of them presumed: the answer was lost, and nothing is pending any more."));
    }
    let parts = [(needless, "needed no withdrawal"), (unsettled, "not settled"), (not_tried, "not tried")];
    let parts: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
    if !parts.is_empty() {
        said.push_str(&format!(" The others: {}.", parts.join(", ")));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::super::tests::{settled, summary};
    use super::*;
    use crate::api::CallKind;
    use crate::event::Called;
    use crate::invitation::AccountName;
    use crate::policy::Cost;
    use crate::report::Totals;
    use crate::stop::{Signal, StopCause};

    fn totals(rows: &[(Outcome, u64)]) -> Totals {
        let mut totals = Totals::new([AccountName::default()]);
        for (outcome, count) in rows {
            (0..*count).for_each(|row| totals.add_row(&settled(row, *outcome, "", &[])));
        }
        let withdrawn: u64 = rows.iter().map(|(_, count)| count).sum();
        totals.add_call(&Called {
            kind: CallKind::Withdraw,
            account: AccountName::default(),
            cost: Cost { charged: withdrawn, possible: withdrawn + 2 },
            meaning: crate::policy::Meaning::Withdrawn,
            is_retry: false,
            sent_at: jiff::Timestamp::UNIX_EPOCH,
            latency: std::time::Duration::ZERO,
        });
        totals
    }

    #[test]
    fn what_happened_and_what_to_do_next() {
        use Outcome::{Duplicate, Failed, Invalid, NotAttempted, NotPending, Unconfirmed, Withdrawn};
        let stopped = |reason| Some(StopCause { reason, detail: String::new() });
        type Rows = &'static [(Outcome, u64)];
        let cases: [(&str, Rows, Option<StopCause>, u8); 15] = [
            ("run", &[(Withdrawn, 40)], None, 0),
            ("run", &[(Withdrawn, 3), (NotPending, 1), (Duplicate, 2)], None, 0),
            ("run", &[(Withdrawn, 3), (Failed, 1)], None, 1),
            ("run", &[(Withdrawn, 3), (Invalid, 2)], None, 1),
            ("run", &[(Withdrawn, 3), (Unconfirmed, 2), (Invalid, 1)], None, 1),
            ("run", &[], None, 0),
            ("run", &[(Withdrawn, 3), (NotAttempted, 7)], stopped(StopReason::Limit(Limit::Credits)), 0),
            ("run", &[(Withdrawn, 3), (NotAttempted, 7)], stopped(StopReason::Limit(Limit::DailyCap)), 0),
            ("run", &[(Withdrawn, 3), (NotAttempted, 7)], stopped(StopReason::Refused(Refusal::Login)), 3),
            ("run", &[(Withdrawn, 3), (NotAttempted, 7)], stopped(StopReason::Refused(Refusal::Credits)), 4),
            ("run", &[(Withdrawn, 3), (NotAttempted, 7)], stopped(StopReason::PatienceExhausted), 5),
            ("run", &[(Withdrawn, 3), (NotAttempted, 7)], stopped(StopReason::Signal(Signal::Interrupt)), 130),
            ("run", &[(Withdrawn, 3)], stopped(StopReason::LedgerUnwritable), 6),
            ("clean", &[(Withdrawn, 3)], None, 0),
            ("list", &[], None, 0),
        ];
        let said = cases.map(|(command, rows, stop, code)| {
            let mut totals = totals(rows);
            if command != "run" {
                totals.add_page(108);
            }
            let Verdict { mood, headline, sentence, next, again } =
                Verdict::of(&summary(command, totals, stop, code), Seen { is_whole: true, selected: None });
            let again = if again { " [the same command]" } else { "" };
            format!("{code} {mood:?}: {headline}. {sentence}\n  Next: {next}.{again}\n")
        });
        insta::assert_snapshot!(said.concat());
    }
}
