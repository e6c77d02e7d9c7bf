//! Comparing the ledger with lists that were just fetched, and putting it right.

use std::io;

use super::account_list::ReadList;
use super::job::Job;
use crate::invitation::{AccountName, InvitationId};
use crate::ledger::{Ledger, LedgerError, ListOf};
use crate::outcome::Outcome;
use crate::policy::{Absence, Difference, Evidence, Follows, verify, visible};
use crate::report::{plural, why_unwritten};
use crate::stop::StopReason;

/// What was put right.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    pub(super) try_again: u64,
    pub(super) settled: u64,
    /// Those that are only warned of.
    pub(super) nothing: u64,
    /// Settled invitations that were held against a list.
    pub(super) compared: u64,
}

impl Sum {
    pub(super) fn total(self) -> u64 {
        let Self { try_again, settled, nothing, compared: _ } = self;
        try_again + settled + nothing
    }

    fn add(&mut self, difference: &Difference) {
        match difference.follows {
            Follows::TryAgain => self.try_again += 1,
            Follows::Settled(_) => self.settled += 1,
            Follows::Nothing => self.nothing += 1,
        }
    }

    fn tell(self) {
        let Self { try_again, settled, nothing, compared: _ } = self;
        if try_again > 0 {
            let what = plural(try_again, "invitation");
            tracing::info!("pending on the list, but not in the ledger: {what}; the next run tries again");
        }
        if settled > 0 {
            tracing::info!("no longer on the list, and so settled: {}", plural(settled, "invitation"));
        }
        if nothing > 0 {
            let what = plural(nothing, "invitation");
            tracing::warn!("settled twice and still pending: {what}; only `clean` and `run --recheck` try again");
        }
    }
}

/// What stops the job.
type Failure = (StopReason, String);

/// Puts the ledger right by these lists. What differs is durable before `told` gets it. A failure stops the job.
pub(super) async fn put_right(
    job: &Job<'_>,
    lists: &[ReadList],
    mut told: impl FnMut(&AccountName, &[(InvitationId, Difference)]) -> io::Result<()>,
) -> Sum {
    let mut sum = Sum::default();
    let Some(ledger) = &job.caller.journal else { return sum };
    for list in lists {
        if let Err((reason, said)) = put_right_by(ledger, list, &mut sum, &mut told).await {
            job.stop.request(reason, said);
            break;
        }
    }
    sum.tell();
    sum
}

async fn put_right_by(
    ledger: &Ledger,
    list: &ReadList,
    sum: &mut Sum,
    told: &mut impl FnMut(&AccountName, &[(InvitationId, Difference)]) -> io::Result<()>,
) -> Result<(), Failure> {
    let ReadList { of: ListOf { account, invitation_type }, began_at, ids, is_whole, available, .. } = list;
    let mut beliefs = ledger.beliefs(account).map_err(of_ledger)?;
    beliefs.compared_with(*invitation_type, *began_at, ids.is_empty()).map_err(of_ledger)?;
    let known_since = beliefs.known_since(ids, *began_at).map_err(of_ledger)?;
    let absence = Absence::of_list(*is_whole, *available, known_since);
    let evidence = Evidence { began_at: *began_at, invitation_type: *invitation_type, absence };
    let mut in_doubt = 0;
    loop {
        let group = beliefs.read_group().map_err(of_ledger)?;
        if group.is_empty() {
            break;
        }
        let mut differences = Vec::new();
        for (id, belief) in group {
            let is_listed = ids.contains(&id);
            sum.compared += u64::from(belief.outcome.is_some_and(Outcome::is_final));
            in_doubt += u64::from(belief.answer_lost && !is_listed && !belief.outcome.is_some_and(Outcome::is_final));
            differences.extend(verify(&belief, &evidence, is_listed).map(|difference| (id, difference)));
        }
        if differences.is_empty() {
            continue;
        }
        differences.iter().for_each(|(_, difference)| sum.add(difference));
        let kept = ledger.keep_differences(account.clone(), differences.clone(), *began_at).await;
        kept.await.map_err(of_ledger)?;
        told(account, &differences).map_err(of_report)?;
    }
    if absence == Absence::ProvesNothing && in_doubt > 0 {
        let why = match (is_whole, available) {
            (false, _) => "it is not whole",
            (true, None) => "it has no total to compare it with",
            (true, Some(_)) => "nobody on it was on an earlier list",
        };
        let (name, what) = (visible(account.as_str()), plural(in_doubt, "invitation"));
        tracing::warn!("{name}: the list can't say what became of {what} whose answer was lost: {why}");
    }
    Ok(())
}

fn of_ledger(error: LedgerError) -> Failure {
    (StopReason::LedgerUnwritable, crate::error_chain(&error))
}

fn of_report(error: io::Error) -> Failure {
    let said = format!("the report could not be written: {}", why_unwritten(&error, "-o"));
    (StopReason::ReportUnwritable, said)
}
