//! The part of the rows that this process takes (`--partition`). The others are passed over: the processes of the other
//! shares report them.

use crate::config::Settings;
use crate::invitation::{AccountName, Row, RowError};
use crate::share::Share;

#[derive(Clone, Debug)]
pub(super) struct Part {
    share: Share,
    /// Of rows that name none.
    account: Option<AccountName>,
}

/// A row whose share only the list of its account would tell.
#[derive(Debug, thiserror::Error)]
#[error(
    "row {0} names a person by the profile URL, and each share would have to fetch the list to find the invitation: run \
     this file without --partition, or give the invitation IDs (`list` prints both)"
)]
pub(crate) struct NoIdError(u64);

const NO_ID: &str = "with --partition a row needs an invitation ID: each share would have to fetch the list to find the \
                     person (`list` prints both)";

impl Part {
    /// `None` where this process takes all rows.
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        settings.share.map(|share| Self { share, account: settings.account.clone() })
    }

    /// Refuses a row that names no invitation.
    pub(super) fn check(row: &Row) -> Result<(), NoIdError> {
        if row.id.is_some() { Ok(()) } else { Err(NoIdError(row.number)) }
    }

    /// The row, if this share has it. Bad rows are shared out by their numbers, so that each is reported once.
    pub(super) fn own(&self, row: Result<Row, RowError>) -> Option<Result<Row, RowError>> {
        let row = row.and_then(with_id);
        let is_own = match &row {
            Ok(Row { id: Some(id), account, .. }) => {
                let account = account.as_ref().or(self.account.as_ref()).map_or("", AccountName::as_str);
                self.share.has_invitation(account, id.as_str())
            }
            Ok(Row { id: None, number, .. }) | Err(RowError { number, .. }) => self.share.has_row(*number),
        };
        is_own.then_some(row)
    }
}

fn with_id(row: Row) -> Result<Row, RowError> {
    if row.id.is_some() {
        return Ok(row);
    }
    let Row { number, line, account, carried, .. } = row;
    let (id_text, urn_text) = Default::default();
    Err(RowError { number, line, id_text, urn_text, account, reason: NO_ID.to_owned(), carried })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invitation::{Carried, InvitationId};

    fn row(number: u64, id: &str, account: Option<&str>) -> Row {
        Row {
            number,
            line: None,
            id: InvitationId::parse(id).ok(),
            account: account.and_then(AccountName::parse),
            country: None,
            profile_url: None,
            is_short: false,
            carried: Carried::default(),
        }
    }

    /// The numbers of the shares that have it.
    fn shares(row: &Result<Row, RowError>) -> Vec<u32> {
        let account = AccountName::parse("sales");
        let has = |number: &u32| {
            let part = Part { share: Share::new(*number, 8).unwrap(), account: account.clone() };
            part.own(row.clone()).is_some()
        };
        (1..=8).filter(has).collect()
    }

    #[test]
    fn each_row_has_one_share_that_its_spelling_does_not_change() {
        let id = "7329176687475109888";
        let of = |row| shares(&Ok(row));
        let first = of(row(1, id, None));
        assert_eq!(first.len(), 1);
        for same in [row(2, id, Some("sales")), row(3, "urn:li:invitation:7329176687475109888", None)] {
            assert_eq!(of(same), first);
        }
        assert_ne!(of(row(4, id, Some("london"))), first, "of another account it is another invitation");
    }

    #[test]
    fn a_row_without_an_id_has_the_share_of_its_number_and_is_invalid() {
        for (number, share) in [(1, 1), (7, 7), (8, 8), (9, 1)] {
            let profile = Ok(row(number, "", None));
            assert_eq!(shares(&profile), [share]);
            assert_eq!(shares(&profile.and_then(with_id)), [share]);
        }
        let part = Part { share: Share::new(1, 1).unwrap(), account: None };
        let invalid = part.own(Ok(row(5, "", None))).unwrap().unwrap_err();
        assert_eq!((invalid.number, invalid.reason.as_str()), (5, NO_ID));
        assert!(Part::check(&row(5, "", None)).is_err() && Part::check(&row(5, "7", None)).is_ok());
    }
}
