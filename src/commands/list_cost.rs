//! What the lists will cost, told before the first page is fetched.

use serde_json::json;

use crate::config::Settings;
use crate::invitation::AccountName;
use crate::ledger::{LedgerError, ListOf, Lookup};
use crate::policy::visible;

/// What the lists cost, by those that were fetched before: the pages of each account's, if that is known.
pub(super) struct ListCost<'a>(Vec<(&'a str, Option<u64>)>);

impl<'a> ListCost<'a> {
    pub(super) fn of(settings: &'a Settings, ledger: &Lookup) -> Result<Self, LedgerError> {
        let pages = |account: &AccountName| {
            let list = ListOf { account: account.clone(), invitation_type: settings.which.invitation_type };
            ledger.last_pages(&list)
        };
        let accounts = settings.listed_accounts();
        accounts.map(|(name, _)| Ok((name.as_str(), pages(name)?))).collect::<Result<_, _>>().map(Self)
    }

    /// Credits, if earlier lists say how many.
    fn possible(&self) -> Option<u64> {
        self.0.iter().map(|(_, pages)| *pages).sum()
    }

    pub(super) fn words(&self) -> String {
        let about = self.possible().map_or_else(String::new, |pages| format!(", about {pages} last time"));
        format!("1 credit per page of 10{about}")
    }

    pub(super) fn table(&self) -> String {
        let line = |(name, pages): &(&str, Option<u64>)| {
            let pages = pages.map_or_else(|| "not known yet".to_owned(), |pages| format!("about {pages}"));
            format!("  {:<20}{pages}", visible(name))
        };
        let lines: Vec<_> = self.0.iter().map(line).collect();
        format!("{:<22}1 per page of 10; each retry may cost 1 more\npages\n{}", "credits", lines.join("\n"))
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        let accounts: serde_json::Map<_, _> =
            self.0.iter().map(|(name, pages)| ((*name).to_owned(), json!({"pages": pages}))).collect();
        json!({"dry_run": true, "credits": {"charged": 0, "possible": self.possible()}, "accounts": accounts})
    }
}
