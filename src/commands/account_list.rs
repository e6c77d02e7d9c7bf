//! One account's list, page after page: what it shows is kept in the ledger, so that people can be named later.

use std::collections::HashSet;

use jiff::Timestamp;

use super::job::limits;
use crate::api::{Client, InvitationType, PageRequest};
use crate::config::{Command, Settings, Which};
use crate::event::Event;
use crate::invitation::{AccountName, InvitationId};
use crate::ledger::{DurableWrite, Ledger, ListOf, Shown};
use crate::listing::{Found, Paging, PersonAddress, Taken};
use crate::report::plural;
use crate::runner::{Caller, NoPage};
use crate::stop::{Limit, Stop, StopCause, StopReason};

/// How a list ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ListEnd {
    /// It was read to its end, or as far as was asked for.
    Complete,
    /// Whoever takes it wants no more.
    NotWanted,
    /// Its pages repeat; or, where only a whole list will do, something else is doubtful about it.
    BrokenOff,
    /// A page can't be had; and why.
    Unavailable(String),
    Stopped,
}

impl ListEnd {
    pub(super) fn is_complete(&self) -> bool {
        *self == Self::Complete
    }

    /// Asks for the stop where a page can't be had: once what was read is worked through.
    pub(super) fn stop_if_unavailable(&self, stop: &Stop) {
        if let Self::Unavailable(why) = self {
            stop.request(StopReason::TooManyFailures, why);
        }
    }
}

/// The list of one account, as far as it was read.
#[derive(Debug)]
pub(super) struct ReadList {
    pub(super) of: ListOf,
    /// When its first page was asked for.
    pub(super) began_at: Timestamp,
    pub(super) ids: HashSet<InvitationId>,
    pub(super) is_whole: bool,
    /// For people.
    pub(super) doubts: Vec<String>,
    /// The total that the API gave last.
    pub(super) available: Option<u64>,
}

/// A list that is being read.
pub(super) struct AccountList<'a> {
    caller: &'a Caller<Client, Option<Ledger>>,
    settings: &'a Settings,
    of: ListOf,
    /// Whether it is broken off if anything about it is doubtful.
    needs_whole: bool,
    paging: Paging,
    /// Before the first page was asked for.
    began_at: Timestamp,
    /// Pages are queued for the ledger, and nobody waits for them before the list's end.
    kept: DurableWrite,
}

impl<'a> AccountList<'a> {
    pub(super) fn begin(
        caller: &'a Caller<Client, Option<Ledger>>,
        settings: &'a Settings,
        account: &AccountName,
        invitation_type: InvitationType,
        needs_whole: bool,
    ) -> Self {
        let country = settings.accounts.get(account).map(|own| own.country.clone()).unwrap_or_default();
        let paging = Paging::new(account.clone(), country, invitation_type);
        let of = ListOf { account: account.clone(), invitation_type };
        let (began_at, kept) = (Timestamp::now(), DurableWrite::nothing());
        let name = account.as_str();
        tracing::info!(target: crate::DETAIL, event = "list_started", account = name, "fetching the list of {name}");
        Self { caller, settings, of, needs_whole, paging, began_at, kept }
    }

    /// Fetches the next page, and keeps and tells what is new on it; or says how the list ended.
    pub(super) async fn next(&mut self) -> Result<Taken, ListEnd> {
        let Some(next) = self.paging.next() else { return Err(self.end_here()) };
        let asked_at = Timestamp::now();
        let page = self.caller.page(next, &limits(self.settings)).await.map_err(|none| match none {
            NoPage::Stopped => self.stopped(),
            NoPage::Unavailable(why) => ListEnd::Unavailable(why),
        })?;
        let taken = self.paging.take(page);
        if let Some(ledger) = &self.caller.journal {
            self.kept = ledger.keep_page(self.of.clone(), taken.new.iter().map(shown).collect(), asked_at).await;
        }
        self.caller.tell(Event::PageRead { invitations: taken.new.len() as u64 }).await;
        if let Some(needed) = self.too_dear() {
            self.caller.stop.request(StopReason::Limit(Limit::Credits), "--max-credits is too low for the list");
            self.warn_of_credits(&format!("about {}", plural(needed, "credit")), &needed.to_string());
            return Err(ListEnd::Stopped);
        }
        Ok(taken)
    }

    /// What the list costs if that is more than may be spent: its rest is not fetched, as the next run would begin anew.
    fn too_dear(&self) -> Option<u64> {
        let left = self.caller.bounds.credits_left().filter(|_| self.is_wanted_whole())?;
        self.paging.next()?;
        let unseen = self.paging.available()?.saturating_sub(self.paging.invitations());
        let more = unseen.div_ceil(PageRequest::SIZE.into());
        (more > left).then(|| self.settings.max_credits.unwrap_or_default().saturating_sub(left).saturating_add(more))
    }

    fn is_wanted_whole(&self) -> bool {
        let Which { limit, max_pages, .. } = self.settings.which;
        self.settings.command != Command::List && limit.is_none() && max_pages.is_none()
    }

    /// The stop came before the page. The same command would end there the next time, too, where credits are why.
    fn stopped(&self) -> ListEnd {
        let is_of_credits = |cause: StopCause| cause.reason == StopReason::Limit(Limit::Credits);
        if self.is_wanted_whole() && self.caller.stop.cause().is_some_and(is_of_credits) {
            self.warn_of_credits("more", "its cost");
        }
        ListEnd::Stopped
    }

    fn warn_of_credits(&self, needed: &str, to: &str) {
        let plus = if self.settings.command == Command::Verify { "" } else { " plus 1 per withdrawal" };
        let most = self.settings.max_credits.unwrap_or_default();
        tracing::warn!("--max-credits {most} is too low: the list needs {needed}; raise it to {to}{plus}");
    }

    /// How it ends where no further page is asked for.
    pub(super) fn end_here(&self) -> ListEnd {
        let is_doubtful = self.paging.doubts().broken_off || self.needs_whole && !self.paging.is_whole();
        if is_doubtful { ListEnd::BrokenOff } else { ListEnd::Complete }
    }

    /// Waits until all is durable, and warns of what is doubtful. A ledger that can't be written stops the run.
    pub(super) async fn finish(self, name: &str) -> ReadList {
        let Self { caller, of, paging, began_at, kept, .. } = self;
        let is_whole = paging.is_whole();
        let kept = match &caller.journal {
            // Written after the pages, and so durable only with them.
            Some(ledger) => ledger.keep_list_end(of.clone(), began_at, is_whole).await,
            None => kept,
        };
        if let Err(error) = kept.await {
            caller.stop.request(StopReason::LedgerUnwritable, crate::error_chain(&error));
        }
        let (account, invitations) = (of.account.as_str(), paging.invitations());
        tracing::info!(
            target: crate::DETAIL, event = "list_finished", account, invitations, is_whole,
            "the list of {account}: {}", plural(invitations, "invitation")
        );
        if is_whole && of.invitation_type == InvitationType::default() {
            caller.tell(Event::ListCounted { account: of.account.clone(), pending: invitations }).await;
        }
        let doubts = paging.doubts().words();
        for doubt in &doubts {
            tracing::warn!("{name}: {doubt}");
        }
        ReadList { of, began_at, is_whole, doubts, available: paging.available(), ids: paging.into_ids() }
    }
}

fn shown(found: &Found) -> Shown {
    let person = PersonAddress::parse(&found.profile_url).map(PersonAddress::into_text);
    Shown { id: found.id.clone(), name: found.name.clone(), profile_url: found.profile_url.clone(), person }
}
