//! The part of the rows that this process takes (`--partition`). The others are passed over: the processes of the other
//! shares report them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::config::Settings;
use crate::invitation::{Row, RowError};
use crate::share::Share;

#[derive(Clone, Copy, Debug)]
pub(super) struct Part(Share);

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
        settings.share.map(Self)
    }

    /// Warns of ledgers that this share does not look at: of runs without `--partition`, or of another number of shares.
    pub(super) fn warn_of_other_ledgers(settings: &Settings) {
        let (Some(share), Some(ledger)) = (settings.share, &settings.ledger) else { return };
        let directory = ledger.parent().filter(|directory| !directory.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        // Whether it can be read shows when the ledger is opened.
        let Ok(entries) = fs::read_dir(directory) else { return };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let others: BTreeSet<_> = names.filter_map(|name| other_ledger(&name, share)).collect();
        if !others.is_empty() {
            tracing::warn!(
                "other ledgers are in {}: {}; what they settled is asked again, and caps don't count it",
                directory.display(),
                others.into_iter().collect::<Vec<_>>().join(", ")
            );
        }
    }

    /// Refuses a row that names no invitation.
    pub(super) fn check(row: &Row) -> Result<(), NoIdError> {
        if row.id.is_some() { Ok(()) } else { Err(NoIdError(row.number)) }
    }

    /// The row, if this share has it. Bad rows are shared out by their numbers, so that each is reported once.
    pub(super) fn own(self, row: Result<Row, RowError>) -> Option<Result<Row, RowError>> {
        let row = row.and_then(with_id);
        let Self(share) = self;
        let is_own = match &row {
            Ok(Row { id: Some(id), .. }) => share.has_invitation(id.as_str()),
            Ok(Row { id: None, number, .. }) | Err(RowError { number, .. }) => share.has_row(*number),
        };
        is_own.then_some(row)
    }
}

/// The name of a ledger that no share of this number of shares has, or what it and its like are called.
fn other_ledger(name: &str, share: Share) -> Option<String> {
    if name == "ledger.db" {
        return Some(name.to_owned());
    }
    let (number, count) = name.strip_prefix("ledger-")?.strip_suffix(".db")?.split_once("-of-")?;
    let other = Share::new(number.parse().ok()?, count.parse().ok()?)?;
    (other.count() != share.count()).then(|| format!("ledger-*-of-{}.db", other.count()))
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
    use crate::invitation::{AccountName, Carried, InvitationId};

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
        let has = |number: &u32| Part(Share::new(*number, 8).unwrap()).own(row.clone()).is_some();
        (1..=8).filter(has).collect()
    }

    #[test]
    fn each_row_has_one_share_whatever_its_spelling_and_its_account_s_local_name() {
        let id = "7329176687475109888";
        let of = |row| shares(&Ok(row));
        let first = of(row(1, id, None));
        assert_eq!(first.len(), 1);
        let urn = "urn:li:invitation:7329176687475109888";
        for same in [row(2, id, Some("sales")), row(3, id, Some("london")), row(4, urn, None)] {
            assert_eq!(of(same), first);
        }
    }

    #[test]
    fn which_ledgers_are_others() {
        let share = Share::new(3, 8).unwrap();
        for (name, other) in [
            ("ledger.db", Some("ledger.db")),
            ("ledger-1-of-4.db", Some("ledger-*-of-4.db")),
            ("ledger-3-of-80.db", Some("ledger-*-of-80.db")),
            ("ledger-3-of-8.db", None),
            ("ledger-7-of-8.db", None),
            ("ledger-1-of-4.db-wal", None),
            ("ledger.db.lock", None),
            ("ledger-x-of-4.db", None),
            ("ledger-2026.db", None),
        ] {
            assert_eq!(other_ledger(name, share).as_deref(), other, "{name}");
        }
    }

    #[test]
    fn a_row_without_an_id_has_the_share_of_its_number_and_is_invalid() {
        for (number, share) in [(1, 1), (7, 7), (8, 8), (9, 1)] {
            let profile = Ok(row(number, "", None));
            assert_eq!(shares(&profile), [share]);
            assert_eq!(shares(&profile.and_then(with_id)), [share]);
        }
        let part = Part(Share::new(1, 1).unwrap());
        let invalid = part.own(Ok(row(5, "", None))).unwrap().unwrap_err();
        assert_eq!((invalid.number, invalid.reason.as_str()), (5, NO_ID));
        assert!(Part::check(&row(5, "", None)).is_err() && Part::check(&row(5, "7", None)).is_ok());
    }
}
