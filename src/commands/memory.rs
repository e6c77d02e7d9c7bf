//! What a list shows is kept in the ledger, so that people can be named later.

use jiff::Timestamp;

use crate::api::InvitationType;
use crate::invitation::AccountName;
use crate::ledger::{DurableWrite, Ledger, LedgerError, ListOf, Shown};
use crate::listing::{Found, PersonAddress};

/// The memory of one list, page by page. Pages are queued, and nobody waits for them before the list's end.
pub(super) struct Memory {
    /// `None` where no ledger could be opened.
    ledger: Option<Ledger>,
    list: ListOf,
    /// Before the first page was asked for.
    pub(super) began_at: Timestamp,
    last: DurableWrite,
}

impl Memory {
    /// Begins before the first page is asked for.
    pub(super) fn begin(ledger: Option<Ledger>, account: AccountName, invitation_type: InvitationType) -> Self {
        let list = ListOf { account, invitation_type };
        Self { ledger, list, began_at: Timestamp::now(), last: DurableWrite::nothing() }
    }

    /// Keeps what is new on a page that was asked for at this moment.
    pub(super) async fn keep(&mut self, new: &[Found], asked_at: Timestamp) {
        if let Some(ledger) = &self.ledger {
            self.last = ledger.keep_page(self.list.clone(), new.iter().map(shown).collect(), asked_at).await;
        }
    }

    /// Waits until all is durable.
    pub(super) async fn end(self, is_whole: bool) -> Result<(), LedgerError> {
        match &self.ledger {
            // Written after the pages, and so durable only with them.
            Some(ledger) if is_whole => ledger.keep_whole_list(self.list, self.began_at).await.await,
            Some(_) | None => self.last.await,
        }
    }
}

fn shown(found: &Found) -> Shown {
    let person = PersonAddress::parse(&found.profile_url).map(PersonAddress::into_text);
    Shown { id: found.id.clone(), name: found.name.clone(), profile_url: found.profile_url.clone(), person }
}
