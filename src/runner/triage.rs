//! Which rows can be sent, and what the others are reported as.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::api::Withdrawal;
use crate::event::Settled;
use crate::invitation::{AccountName, Carried, Country, InvitationId, Row, RowError};
use crate::ledger::{Key, LedgerError, Lookup, Standing};
use crate::listing::{Keep, KeepStatus, People, PersonAddress, Search};
use crate::outcome::Outcome;

/// Countries that are warned about, at the most: a column of garbage must not fill log and memory.
const MOST_WARNINGS: usize = 20;

/// A list that is no older is not fetched again: a run that was cut off goes on with it.
const FRESH: SignedDuration = SignedDuration::from_hours(1);

const KEPT: &str = "kept: it is on the --keep list";
const MIGHT_BE_KEPT: &str = "not sent: its profile can't be compared with those of the --keep list";
const UNREADABLE: &str = "the run stopped before this row, the ledger can't be read";

/// What to do about a number that may count rows.
pub(crate) const SHORT_ID_ADVICE: &str = "if this column holds row numbers, name the column of IDs with --id-column";

const NO_PERSON: &str = "not a person's profile URL, like https://www.linkedin.com/in/name, that can be compared with those of \
                         the list: correct it, or name the invitation by its ID";

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
    /// Nowhere yet: which invitation it means is on this account's list.
    List(AccountName, Row),
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
    /// Who is on the lists that were fetched.
    people: HashMap<AccountName, People>,
    /// Rows that are not sent since nobody can tell whether they are to be kept.
    perhaps_kept: u64,
    /// Countries that were warned of; `None` where nobody is warned.
    warned_countries: Option<HashSet<Country>>,
    /// Whether the next short ID is warned of.
    warns_of_short_ids: bool,
}

impl Triage {
    /// A triage of these accounts, each with its country; a row that names none takes `account`.
    pub(crate) fn new(
        accounts: impl IntoIterator<Item = (AccountName, Country)>,
        account: Option<AccountName>,
        lookup: Lookup,
        keep: Keep,
    ) -> Self {
        Self {
            accounts: accounts.into_iter().collect(),
            account,
            lookup,
            keep,
            people: HashMap::new(),
            perhaps_kept: 0,
            warned_countries: None,
            warns_of_short_ids: false,
        }
    }

    /// The same, warning of countries that the API does not document.
    pub(crate) fn warning(mut self) -> Self {
        self.warned_countries = Some(HashSet::new());
        self
    }

    /// The same, warning of the first short ID, where no plan has.
    pub(crate) fn warning_of_short_ids(mut self, warns: bool) -> Self {
        self.warns_of_short_ids = warns;
        self
    }

    /// From now on rows of this account name people by this list.
    pub(super) fn learn(&mut self, account: AccountName, people: People) {
        self.people.insert(account, people);
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
        let row = match row {
            Ok(row) => row,
            Err(error) => return Route::NoCall(unsent_error(error, self.account.as_ref())),
        };
        let account = row.account.clone().or_else(|| self.account.clone());
        let Some((account, own)) = account.as_ref().and_then(|account| self.accounts.get_key_value(account)) else {
            let detail = account.as_ref().map_or_else(
                || "which account? The row names none, and several are configured".to_owned(),
                |account| format!("the account {:?} is not configured", account.as_str()),
            );
            return Route::NoCall(unsent_row(row, account, Outcome::Invalid, detail));
        };
        let country = row.country.clone().unwrap_or_else(|| own.clone());
        let account = account.clone();
        match row.id.clone() {
            Some(id) => self.route_invitation(row, Withdrawal { id, account, country }),
            None => self.route_person(row, account, country),
        }
    }

    fn route_person(&mut self, row: Row, account: AccountName, country: Country) -> Route {
        let address = row.profile_url.as_deref().unwrap_or_default();
        // Before a list is paid for. Who is kept by ID shows only then.
        if let Some(why) = self.spare(None, address) {
            let unsent = unsent_row(row, Some(account), Outcome::NotAttempted, why.to_owned());
            return Route::NoCall(Settled { is_kept: true, ..unsent });
        }
        let Some(person) = PersonAddress::parse(address) else {
            return Route::NoCall(unsent_row(row, Some(account), Outcome::Invalid, NO_PERSON.to_owned()));
        };
        match self.find(&account, &person) {
            Ok(Some(Ok(id))) => self.route_invitation(row, Withdrawal { id, account, country }),
            Ok(Some(Err((outcome, why)))) => Route::NoCall(unsent_row(row, Some(account), outcome, why)),
            Ok(None) => Route::List(account, row),
            Err(error) => {
                let unsent = unsent_row(row, Some(account), Outcome::NotAttempted, UNREADABLE.to_owned());
                Route::Unknown(unsent, error)
            }
        }
    }

    /// The invitation to this person; `None` where only a new list can say.
    fn find(&mut self, account: &AccountName, person: &PersonAddress) -> Result<Option<Search>, LedgerError> {
        let now = Timestamp::now();
        if let Some(id) = self.lookup.settled_person(account, person.as_str(), now)? {
            return Ok(Some(Ok(id)));
        }
        if !self.people.contains_key(account) {
            let since = now.saturating_sub(FRESH).unwrap_or(Timestamp::MIN);
            if let Some((at, list)) = self.lookup.whole_list(account, since)? {
                // The plan said it before, where there is one.
                if self.warned_countries.is_some() {
                    let (time, pending) = (at.strftime("%H:%M"), list.len());
                    tracing::info!("using the list of {time} UTC ({pending} pending); --recheck fetches a new one");
                }
                self.learn(account.clone(), People::remembered(at, list));
            }
        }
        Ok(self.people.get(account).map(|people| people.find(person)))
    }

    fn route_invitation(&mut self, row: Row, withdrawal: Withdrawal) -> Route {
        let Row { number, line, profile_url, is_short, carried, .. } = row;
        let spared = self.spare(Some(&withdrawal.id), profile_url.as_deref().unwrap_or_default());
        let mut row = ReadyRow { number, line, withdrawal, lost_before: false, carried };
        if let Some(why) = spared {
            let unsent = unsent(row, Outcome::NotAttempted, why.to_owned());
            return Route::NoCall(Settled { is_kept: true, ..unsent });
        }
        match self.lookup.standing(&row.key(), number) {
            Ok(Standing::New { lost_before }) => {
                row.lost_before = lost_before;
                self.warn_of(&row.withdrawal.country);
                if is_short && std::mem::take(&mut self.warns_of_short_ids) {
                    let (line, id) = (line.unwrap_or(number), &row.withdrawal.id);
                    tracing::warn!("line {line}: {id} is short for an invitation ID; {SHORT_ID_ADVICE}");
                }
                Route::Call(row)
            }
            Ok(Standing::Duplicate { earlier_row }) => {
                Route::NoCall(unsent(row, Outcome::Duplicate, format!("the same invitation as row {earlier_row}")))
            }
            Ok(Standing::Settled { outcome, settled_at, by_list }) => {
                let detail = if by_list {
                    format!("{outcome}: the list of {} did not show it", settled_at.strftime("%Y-%m-%d %H:%M UTC"))
                } else {
                    format!("{outcome} in an earlier run")
                };
                let unsent = unsent(row, Outcome::AlreadySettled, detail);
                Route::NoCall(Settled { settled_before_as: Some(outcome), settled_at, ..unsent })
            }
            Err(error) => Route::Unknown(unsent(row, Outcome::NotAttempted, UNREADABLE.to_owned()), error),
        }
    }

    /// Why a row is not sent whose invitation or person is to be kept, or may be.
    fn spare(&mut self, id: Option<&InvitationId>, profile_url: &str) -> Option<&'static str> {
        match self.keep.status(id, profile_url) {
            KeepStatus::NotKept => None,
            KeepStatus::Kept => Some(KEPT),
            KeepStatus::Unknown => {
                self.perhaps_kept += 1;
                Some(MIGHT_BE_KEPT)
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

/// A row that names no invitation, or not yet.
fn unsent_row(row: Row, account: Option<AccountName>, outcome: Outcome, detail: String) -> Settled {
    let Row { number, line, id, carried, .. } = row;
    let entity_urn = id.as_ref().map(InvitationId::urn).unwrap_or_default();
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    Settled { line, entity_urn, ..Settled::unsent(number, id, account, outcome, detail, carried) }
}

pub(super) fn unsent(ready: ReadyRow, outcome: Outcome, detail: String) -> Settled {
    let ReadyRow { number, line, withdrawal, carried, lost_before: _ } = ready;
    let (id, entity_urn) = (withdrawal.id.to_string(), withdrawal.id.urn());
    Settled { line, entity_urn, ..Settled::unsent(number, id, Some(withdrawal.account), outcome, detail, carried) }
}
