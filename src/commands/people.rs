//! The lists by which `run` learns which invitations the profiles in its input mean: fetched when the first row asks.

use std::io;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::account_list::{AccountList, ListEnd};
use super::intake::OwnRows;
use super::plan::Plan;
use crate::api::{Client, InvitationType};
use crate::config::Settings;
use crate::invitation::AccountName;
use crate::ledger::Ledger;
use crate::listing::People;
use crate::outcome::Outcome;
use crate::policy::visible;
use crate::runner::{self, Caller, ListRequests, Pool, Rows, Triage};

/// Brings every row to its outcome, and fetches the lists that rows ask for meanwhile. Returns whether the input was read to
/// its end, and how the worst list ended, if there was one.
pub(super) async fn run(
    rows: Rows<OwnRows>,
    triage: Triage,
    pool: Pool,
    caller: Caller<Client, Option<Ledger>>,
    settings: &Settings,
    plan: Option<&Plan>,
) -> io::Result<(bool, Option<ListEnd>)> {
    let caller = Arc::new(caller);
    let all = || settings.accounts.keys().cloned().collect();
    let (wanted, accounts) = plan.map_or_else(|| (Vec::new(), all()), |plan| (plan.lists(), plan.accounts()));
    let (lists, requests) = runner::lists(settings.accounts.keys().cloned(), wanted);
    let (running, ended) = oneshot::channel();
    let serve = serve(requests, Arc::clone(&caller), settings, accounts, ended);
    let run = async {
        let complete = runner::run(rows, triage, pool, caller, lists).await;
        drop(running);
        complete
    };
    let (complete, end) = tokio::join!(run, serve);
    Ok((complete?, end))
}

/// Fetches each list that is asked for, within the hours of one of these accounts, until `ended` says that nobody asks any
/// more. Returns how the worst list ended, if there was one.
async fn serve(
    mut requests: ListRequests,
    caller: Arc<Caller<Client, Option<Ledger>>>,
    settings: &Settings,
    accounts: Vec<AccountName>,
    mut ended: oneshot::Receiver<()>,
) -> Option<ListEnd> {
    let mut worst: Option<ListEnd> = None;
    loop {
        // A call that is under way is never cut off.
        let request = tokio::select! {
            biased;
            _ = &mut ended => None,
            request = requests.next() => request,
        };
        let Some(request) = request else { return worst };
        let (people, end) = if caller.hours_begin(&accounts).await.is_some() {
            let _quiet = requests.quiet(&request.account).await;
            fetch(&caller, settings, &request.account).await
        } else {
            (People::default(), ListEnd::Stopped)
        };
        // Without a list the stop is what there is to say.
        if end != ListEnd::Stopped {
            // If nobody waits for it any more, nobody needs it.
            let _ = request.reply.send(people);
        }
        if worst.as_ref().is_none_or(ListEnd::is_complete) || matches!(end, ListEnd::Unavailable(_)) {
            worst = Some(end);
        }
    }
}

/// The people on one account's list, with what becomes of those who are not.
async fn fetch(
    caller: &Caller<Client, Option<Ledger>>,
    settings: &Settings,
    account: &AccountName,
) -> (People, ListEnd) {
    let name = visible(account.as_str());
    tracing::info!("fetching the list of account {name} to find people by their profiles: 1 credit per page of 10");
    let mut list = AccountList::begin(caller, settings, account, InvitationType::Connection, false);
    let mut people = People::default();
    let end = loop {
        match list.next().await {
            Ok(taken) => taken.new.iter().for_each(|found| people.add(found.id.clone(), &found.profile_url)),
            Err(end) => break end,
        }
    };
    let doubts = list.finish(&format!("the list of account {name}")).await.doubts;
    match &end {
        ListEnd::Complete | ListEnd::BrokenOff if !doubts.is_empty() => {
            let doubts = doubts.join("; ");
            people.leave_others(Outcome::Failed, format!("not found on the list, which may lack people: {doubts}"));
        }
        ListEnd::Unavailable(why) => {
            people.leave_others(Outcome::Failed, format!("not found on the part of the list that was read: {why}"));
        }
        ListEnd::Complete | ListEnd::BrokenOff | ListEnd::NotWanted | ListEnd::Stopped => {}
    }
    (people, end)
}
