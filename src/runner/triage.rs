//! Which rows can be sent, and what the others are reported as.

use std::collections::{HashMap, HashSet};

use crate::api::Withdrawal;
use crate::event::Settled;
use crate::invitation::{AccountName, Carried, Country, Row, RowError};
use crate::ledger::{Key, LedgerError, Lookup, Standing};
use crate::listing::{Keep, KeepStatus};
use crate::outcome::Outcome;

/// Countries that are warned about, at the most: a column of garbage must not fill log and memory.
const MOST_WARNINGS: usize = 20;

/// A row on its way to the API.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReadyRow {
    /// Record number in the input, and the line on which it begins.
    pub number: u64,
    pub line: Option<u64>,
    /// What the API is asked.
    pub withdrawal: Withdrawal,
    /// Whether an earlier run lost an answer for it, so that it may have been done already.
    pub lost_before: bool,
    /// The input's other columns.
    pub carried: Carried,
}

impl ReadyRow {
    /// What the ledger knows it by.
    pub(crate) fn key(&self) -> Key {
        Key { account: self.withdrawal.account.clone(), id: self.withdrawal.id.clone() }
    }
}

/// Where a row goes.
#[derive(Debug)]
pub(crate) enum Route {
    Call(ReadyRow),
    /// To the sinks: it needs no call.
    NoCall(Settled),
    /// To the sinks, and nothing more may be sent: whether it needs a call can't be known.
    Unknown(Settled, LedgerError),
}

/// Who may be called for, and what needs no call.
#[derive(Debug)]
pub(crate) struct Triage {
    /// Each with the country of rows without one.
    accounts: HashMap<AccountName, Country>,
    /// Of rows that name none.
    account: Option<AccountName>,
    lookup: Lookup,
    /// Whom never to call for.
    keep: Keep,
    /// Rows that are not sent since nobody can tell whether they are to be kept.
    perhaps_kept: u64,
    /// Countries that were warned of; `None` where nobody is warned.
    warned_countries: Option<HashSet<Country>>,
}

impl Triage {
    /// A triage of these accounts, each with its country; a row that names none takes `account`.
    pub(crate) fn new(
        accounts: impl IntoIterator<Item = (AccountName, Country)>,
        account: Option<AccountName>,
        lookup: Lookup,
    ) -> Self {
        Self {
            accounts: accounts.into_iter().collect(),
            account,
            lookup,
            keep: Keep::default(),
            perhaps_kept: 0,
            warned_countries: None,
        }
    }

    /// The same, letting nobody through who is to be kept.
    pub(crate) fn keeping(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    /// The same, warning of countries that the API does not document.
    pub(crate) fn warning(mut self) -> Self {
        self.warned_countries = Some(HashSet::new());
        self
    }

    /// The account of this row, if it is one that may be called for.
    pub(super) fn account_of(&self, row: &Row) -> Option<&AccountName> {
        let name = row.account.as_ref().or(self.account.as_ref())?;
        self.accounts.get_key_value(name).map(|(name, _)| name)
    }

    /// How many accounts may be called for.
    pub(super) fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// Lets a row through to the API, or says what it is settled as without a call.
    pub(crate) fn route(&mut self, row: Result<Row, RowError>) -> Route {
        let Row { number, line, id, account, country, profile_url, carried } = match row {
            Ok(row) => row,
            Err(error) => return Route::NoCall(unsent_error(error, self.account.as_ref())),
        };
        let account = account.or_else(|| self.account.clone());
        let Some((account, own)) = account.as_ref().and_then(|account| self.accounts.get_key_value(account)) else {
            let detail = account.as_ref().map_or_else(
                || "which account? The row names none, and several are configured".to_owned(),
                |account| format!("the account {:?} is not configured", account.as_str()),
            );
            let (id, entity_urn) = (id.to_string(), id.urn());
            let unsent = Settled::unsent(number, id, account, Outcome::Invalid, detail, carried);
            return Route::NoCall(Settled { line, entity_urn, ..unsent });
        };
        let country = country.unwrap_or_else(|| own.clone());
        let withdrawal = Withdrawal { id, account: account.clone(), country };
        let mut row = ReadyRow { number, line, withdrawal, lost_before: false, carried };
        let kept = self.keep.status(&row.withdrawal.id, profile_url.as_deref().unwrap_or_default());
        self.perhaps_kept += u64::from(kept == KeepStatus::Unknown);
        let spared = match kept {
            KeepStatus::NotKept => None,
            KeepStatus::Kept => Some("kept: it is on the --keep list"),
            KeepStatus::Unknown => Some("not sent: it can't be compared with the profiles of the --keep list"),
        };
        if let Some(why) = spared {
            return Route::NoCall(unsent(row, Outcome::NotAttempted, why.to_owned()));
        }
        match self.lookup.standing(&row.key(), number) {
            Ok(Standing::New { lost_before }) => {
                row.lost_before = lost_before;
                self.warn_of(&row.withdrawal.country);
                Route::Call(row)
            }
            Ok(Standing::Duplicate { earlier_row }) => {
                Route::NoCall(unsent(row, Outcome::Duplicate, format!("the same invitation as row {earlier_row}")))
            }
            Ok(Standing::Settled { outcome, settled_at }) => {
                let unsent = unsent(row, Outcome::AlreadySettled, format!("{outcome} in an earlier run"));
                Route::NoCall(Settled { settled_before_as: Some(outcome), settled_at, ..unsent })
            }
            Err(error) => {
                let detail = "the run stopped before this row, the ledger can't be read".to_owned();
                Route::Unknown(unsent(row, Outcome::NotAttempted, detail), error)
            }
        }
    }

    pub(crate) const fn lookup(&self) -> &Lookup {
        &self.lookup
    }

    /// Says how many rows are not sent since nobody can tell whether they are to be kept, if it is to warn.
    pub(crate) fn warn_of_perhaps_kept(&self) {
        if self.perhaps_kept > 0 && self.warned_countries.is_some() {
            let rows = self.perhaps_kept;
            tracing::warn!("{rows} rows are not sent: their profiles' addresses can't be compared with those to keep");
        }
    }

    fn warn_of(&mut self, country: &Country) {
        if let Some(warned) = &mut self.warned_countries
            && !country.is_documented()
            && warned.len() < MOST_WARNINGS
            && warned.insert(country.clone())
        {
            let (code, known) = (country.as_str(), Country::DOCUMENTED.join(" "));
            tracing::warn!("the API does not document the country {code:?} (it names {known}); sent all the same");
        }
    }
}

fn unsent_error(error: RowError, account: Option<&AccountName>) -> Settled {
    let account = error.account.or_else(|| account.cloned());
    let (line, entity_urn) = (error.line, error.urn_text);
    let unsent = Settled::unsent(error.number, error.id_text, account, Outcome::Invalid, error.reason, error.carried);
    Settled { line, entity_urn, ..unsent }
}

pub(super) fn unsent(ready: ReadyRow, outcome: Outcome, detail: String) -> Settled {
    let ReadyRow { number, line, withdrawal, carried, lost_before: _ } = ready;
    let (id, entity_urn) = (withdrawal.id.to_string(), withdrawal.id.urn());
    Settled { line, entity_urn, ..Settled::unsent(number, id, Some(withdrawal.account), outcome, detail, carried) }
}
