//! What is believed of an account's invitations, to be compared with its list, and what a list has put right.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::schema::{account_id, from_millis, millis};
use super::{LedgerError, connection, listed};
use crate::api::InvitationType;
use crate::invitation::{AccountName, InvitationId};
use crate::policy::{Belief, Difference, Follows};

/// Beliefs that are read at a time, so that memory does not grow with the ledger.
const GROUP: i64 = 1_000;

/// The beliefs about one account's invitations, in the order of their IDs.
#[derive(Debug)]
pub(crate) struct Beliefs {
    connection: Connection,
    path: PathBuf,
    /// `None` where the ledger knows no such account.
    account_id: Option<i64>,
    /// The ID of the last one read.
    after: String,
    /// The login whose list they are compared with, if that is clear.
    login: Option<i64>,
    /// Whether no list of this type and another login is known.
    is_only_login: bool,
}

impl Beliefs {
    pub(super) fn open(path: &Path, api: &str, account: &AccountName) -> Result<Self, LedgerError> {
        let connection = connection::read_beside_writer(path)?;
        let account_id = account_id(&connection, api, account).map_err(|error| LedgerError::unreadable(path, error))?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            account_id,
            after: String::new(),
            login: None,
            is_only_login: false,
        })
    }

    /// When a list of the account first showed one of these invitations, if that was before this moment.
    pub(crate) fn known_since<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a InvitationId>,
        before: Timestamp,
    ) -> Result<Option<Timestamp>, LedgerError> {
        let Some(account_id) = self.account_id else { return Ok(None) };
        let earliest = || {
            let mut seen = self.connection.prepare_cached(
                "SELECT MIN(first_seen_at) FROM listed
                WHERE account_id = ?1 AND invitation_id = ?2 AND first_seen_at < ?3",
            )?;
            let mut earliest: Option<i64> = None;
            for id in ids {
                let first: Option<i64> = seen.query_one(params![account_id, id, millis(before)], |row| row.get(0))?;
                earliest = earliest.into_iter().chain(first).min();
            }
            earliest.map(from_millis).transpose()
        };
        earliest().map_err(|error| LedgerError::unreadable(&self.path, error))
    }

    /// They are compared with this list, which is at its end.
    pub(crate) fn compared_with(
        &mut self,
        invitation_type: InvitationType,
        began_at: Timestamp,
        is_empty: bool,
    ) -> Result<(), LedgerError> {
        let Some(account_id) = self.account_id else { return Ok(()) };
        let read = || -> rusqlite::Result<(Option<i64>, bool)> {
            let logins = listed::logins(&self.connection, account_id, invitation_type, began_at)?;
            let all: Vec<i64> = self
                .connection
                .prepare_cached(
                    "SELECT DISTINCT login FROM listed WHERE account_id = ?1 AND type = ?2 AND login IS NOT NULL",
                )?
                .query_map(params![account_id, invitation_type], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            // Where nobody is left whom nobody called for, the list may be another login's.
            let vanished: bool = self.connection.query_one(
                "SELECT EXISTS (
                    SELECT 1 FROM listed LEFT JOIN known USING (account_id, invitation_id)
                    WHERE account_id = ?1 AND type = ?2 AND known.invitation_id IS NULL)",
                params![account_id, invitation_type],
                |row| row.get(0),
            )?;
            let is_only = all.len() <= 1 && !(is_empty && vanished);
            let of_list = if is_empty { all.first().filter(|_| is_only) } else { logins.first() };
            Ok((of_list.filter(|_| logins.len() <= 1).copied(), is_only))
        };
        (self.login, self.is_only_login) = read().map_err(|error| LedgerError::unreadable(&self.path, error))?;
        Ok(())
    }

    /// The next ones; empty after the last.
    pub(crate) fn read_group(&mut self) -> Result<Vec<(InvitationId, Belief)>, LedgerError> {
        let Some(account_id) = self.account_id else { return Ok(Vec::new()) };
        let read = || {
            self.connection
                .prepare_cached(
                    "SELECT invitation_id, outcome, at, first_at, answer_lost, listed.type, EXISTS (
                        SELECT 1 FROM differences WHERE differences.account_id = known.account_id
                            AND differences.invitation_id = known.invitation_id AND differences.outcome IS NULL
                            AND believed IN ('withdrawn', 'presumed_withdrawn', 'not_pending')),
                        iif(listed.invitation_id IS NULL, ?4, COALESCE(listed.login = ?5, 0))
                    FROM known LEFT JOIN listed USING (account_id, invitation_id)
                    WHERE account_id = ?1 AND invitation_id > ?2 ORDER BY invitation_id LIMIT ?3",
                )?
                .query_map(params![account_id, self.after, GROUP, self.is_only_login, self.login], |row| {
                    let belief = Belief {
                        outcome: row.get(1)?,
                        at: from_millis(row.get(2)?)?,
                        first_at: from_millis(row.get(3)?)?,
                        answer_lost: row.get(4)?,
                        listed_as: row.get(5)?,
                        was_unsettled: row.get(6)?,
                        is_of_login: row.get(7)?,
                    };
                    Ok((row.get(0)?, belief))
                })?
                .collect::<rusqlite::Result<Vec<(InvitationId, Belief)>>>()
        };
        let group = read().map_err(|error| LedgerError::unreadable(&self.path, error))?;
        if let Some((last, _)) = group.last() {
            self.after = last.to_string();
        }
        Ok(group)
    }
}

/// Keeps a difference, and believes from now on what the list says, which began at this moment.
pub(super) fn keep_difference(
    connection: &Connection,
    account_id: i64,
    run_number: i64,
    id: &InvitationId,
    difference: &Difference,
    began_at: Timestamp,
) -> rusqlite::Result<()> {
    let at = millis(began_at);
    let outcome = match difference.follows {
        Follows::Nothing => return Ok(()),
        Follows::TryAgain => {
            connection
                .prepare_cached(
                    "UPDATE known SET outcome = NULL, is_final = 0, answer_lost = 0, first_at = ?3
                    WHERE account_id = ?1 AND invitation_id = ?2",
                )?
                .execute(params![account_id, id, at])?;
            None
        }
        Follows::Settled(outcome) => {
            connection
                .prepare_cached(
                    "UPDATE known SET outcome = ?3, is_final = 1, at = ?4, answer_lost = 0, by_list = 1
                    WHERE account_id = ?1 AND invitation_id = ?2",
                )?
                .execute(params![account_id, id, outcome, at])?;
            Some(outcome)
        }
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO differences (account_id, invitation_id, at, run_number, believed, outcome)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![account_id, id, at, run_number, difference.believed, outcome])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Place, end, id, intent, key, key_of, moment, run_at, settle, settlement_at, standing};
    use super::super::{CallState, Forget, History, Ledger, ListOf, Shown, Standing, forget};
    use super::*;
    use crate::api::InvitationType;
    use crate::outcome::Outcome;
    use crate::policy::Presence;

    const BEFORE: &str = "2026-03-01T10:00:00Z";
    const SETTLED: &str = "2026-03-01T12:00:00Z";
    const LISTED: &str = "2026-03-02T10:00:00Z";

    async fn show(ledger: &Ledger, invitation_type: InvitationType, digits: &[&str], at: &str) {
        let list = ListOf { account: AccountName::default(), invitation_type };
        let shown =
            |digits: &&str| Shown { id: id(digits), name: String::new(), profile_url: String::new(), person: None };
        ledger.keep_page(list, digits.iter().map(shown).collect(), moment(at)).await.await.unwrap();
    }

    /// All that is believed of the default account's invitations.
    fn believed(ledger: &Ledger) -> Vec<(String, Belief)> {
        let mut beliefs = ledger.beliefs(&AccountName::default()).unwrap();
        let mut all = Vec::new();
        loop {
            let group = beliefs.read_group().unwrap();
            if group.is_empty() {
                return all;
            }
            all.extend(group.into_iter().map(|(id, belief)| (id.to_string(), belief)));
        }
    }

    async fn keep(ledger: &Ledger, digits: &str, believed: Outcome, follows: Follows, at: &str) {
        let found = if follows == Follows::TryAgain { Presence::Pending } else { Presence::Gone };
        let differences = vec![(id(digits), Difference { believed, found, follows })];
        ledger.keep_differences(AccountName::default(), differences, moment(at)).await.await.unwrap();
    }

    /// An account's name may get another login and its old one back; lists that show one invitation in common are of one.
    #[tokio::test]
    async fn a_list_speaks_for_its_own_login_only() {
        const CONNECTION: InvitationType = InvitationType::Connection;
        let list = || ListOf { account: AccountName::default(), invitation_type: CONNECTION };
        let day = |day: usize| format!("2026-03-{day:02}T10:00:00Z");
        // The lists, day by day; and of all that were called for, those for whom the last list speaks.
        let cases: [(&[&[&str]], &str); 8] = [
            // As long as one login is known, for everybody.
            (&[&["1", "2"]], "123459"),
            (&[&["1", "2"], &["2", "3"]], "123459"),
            // Another login's, and the first one's again.
            (&[&["1", "2"], &["3", "4"]], "34"),
            (&[&["1", "2"], &["3", "4"], &["1"]], "12"),
            (&[&["1", "2"], &["3", "4"], &["4", "5"]], "345"),
            // In common with both.
            (&[&["1", "2"], &["3", "4"], &["2", "3"]], ""),
            // Empty: perhaps another login's, where one is gone whom nobody called for.
            (&[&["1", "2"], &[]], "123459"),
            (&[&["1", "2", "99"], &[]], ""),
        ];
        for (lists, spoken_for) in cases {
            let place = Place::new();
            let ledger = place.open("a");
            for (at, ids) in (1..).zip(lists) {
                show(&ledger, CONNECTION, ids, &day(at)).await;
                ledger.keep_list_end(list(), moment(&day(at)), true).await.await.unwrap();
            }
            for digits in ["1", "2", "3", "4", "5", "9"] {
                settle(&ledger, &key(digits), &settlement_at(Outcome::Unconfirmed, SETTLED)).await.unwrap();
            }
            let mut beliefs = ledger.beliefs(&AccountName::default()).unwrap();
            beliefs.compared_with(CONNECTION, moment(&day(lists.len())), lists.last().unwrap().is_empty()).unwrap();
            let group = beliefs.read_group().unwrap();
            let of_login = group.iter().filter(|(_, belief)| belief.is_of_login).map(|(id, _)| id.as_str());
            assert_eq!(of_login.collect::<String>(), spoken_for, "{lists:?}");
        }
    }

    #[tokio::test]
    async fn what_is_believed_of_one_account() {
        let place = Place::new();
        let ledger = place.open("a");
        show(&ledger, InvitationType::Organization, &["7", "99"], BEFORE).await;
        for (key, outcome) in [
            (key("7"), Outcome::Withdrawn),
            (key("8"), Outcome::Unconfirmed),
            (key("9"), Outcome::Failed),
            (key_of("second", "6"), Outcome::Withdrawn),
        ] {
            settle(&ledger, &key, &settlement_at(outcome, SETTLED)).await.unwrap();
        }
        let elsewhere = Ledger::open_beside(&place.path, &run_at("b", "https://other.example")).unwrap();
        settle(&elsewhere, &key("5"), &settlement_at(Outcome::Withdrawn, SETTLED)).await.unwrap();
        let belief = |outcome, answer_lost, listed_as| Belief {
            outcome: Some(outcome),
            at: moment(SETTLED),
            first_at: moment(SETTLED),
            answer_lost,
            listed_as,
            // Compared with no list yet.
            is_of_login: false,
            was_unsettled: false,
        };
        let expected = [
            ("7".to_owned(), belief(Outcome::Withdrawn, false, Some(InvitationType::Organization))),
            ("8".to_owned(), belief(Outcome::Unconfirmed, true, None)),
            ("9".to_owned(), belief(Outcome::Failed, false, None)),
        ];
        assert_eq!(believed(&ledger), expected);
        assert!(elsewhere.beliefs(&key_of("third", "1").account).unwrap().read_group().unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_is_open_is_known_since_its_first_call() {
        let place = Place::new();
        let ledger = place.open("a");
        let later = "2026-03-03T12:00:00Z";
        for (digits, outcomes) in [
            ("1", [Outcome::Unconfirmed, Outcome::Rejected]),
            ("2", [Outcome::Failed, Outcome::Unconfirmed]),
            ("3", [Outcome::Failed, Outcome::Withdrawn]),
            ("4", [Outcome::Unconfirmed, Outcome::Unconfirmed]),
        ] {
            settle(&ledger, &key(digits), &settlement_at(outcomes[0], SETTLED)).await.unwrap();
            settle(&ledger, &key(digits), &settlement_at(outcomes[1], later)).await.unwrap();
        }
        // A list has shown it since.
        keep(&ledger, "4", Outcome::Unconfirmed, Follows::TryAgain, LISTED).await;
        let first = believed(&ledger).into_iter().map(|(id, belief)| (id, belief.first_at.to_string()));
        let expected = [("1", SETTLED), ("2", SETTLED), ("3", later), ("4", LISTED)];
        assert_eq!(first.collect::<Vec<_>>(), expected.map(|(id, at)| (id.to_owned(), at.to_owned())));
    }

    #[tokio::test]
    async fn beliefs_are_read_in_groups_while_they_change() {
        let place = Place::new();
        let ledger = place.open("a");
        let many: Vec<_> = (10_000..10_000 + GROUP + 5).map(|number| number.to_string()).collect();
        let mut written = Vec::new();
        for digits in &many {
            let call = ledger.open_call(intent(&key(digits))).await.unwrap();
            let settlement = Some(settlement_at(Outcome::Failed, SETTLED));
            written.push(ledger.close_call(call, end(CallState::Answered), Some(key(digits)), settlement).await);
        }
        for write in written {
            write.await.unwrap();
        }
        let mut beliefs = ledger.beliefs(&AccountName::default()).unwrap();
        let first = beliefs.read_group().unwrap();
        assert_eq!(first.len(), usize::try_from(GROUP).unwrap());
        keep(&ledger, &many[0], Outcome::Failed, Follows::Settled(Outcome::NotPending), LISTED).await;
        let last: Vec<_> = beliefs.read_group().unwrap().into_iter().map(|(id, _)| id.to_string()).collect();
        assert_eq!(last, many[many.len() - 5..]);
        assert!(beliefs.read_group().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_list_is_known_by_whom_earlier_ones_showed() {
        let place = Place::new();
        let ledger = place.open("a");
        show(&ledger, InvitationType::Connection, &["7"], BEFORE).await;
        show(&ledger, InvitationType::Connection, &["6"], "2026-03-01T09:00:00Z").await;
        // As this list is kept, it shows each of them.
        show(&ledger, InvitationType::Connection, &["6", "7", "8"], LISTED).await;
        let beliefs = ledger.beliefs(&AccountName::default()).unwrap();
        let since = |digits: &[&str]| {
            let ids: Vec<_> = digits.iter().map(|digits| id(digits)).collect();
            beliefs.known_since(&ids, moment(LISTED)).unwrap()
        };
        assert_eq!(since(&["7", "8"]), Some(moment(BEFORE)));
        assert_eq!(since(&["8", "7", "6"]), Some(moment("2026-03-01T09:00:00Z")));
        assert_eq!(since(&["8", "9"]), None);
        assert_eq!(since(&[]), None);
    }

    #[tokio::test]
    async fn what_a_list_puts_right_is_believed_from_then_on() {
        let place = Place::new();
        let ledger = place.open("a");
        settle(&ledger, &key("7"), &settlement_at(Outcome::Withdrawn, SETTLED)).await.unwrap();
        settle(&ledger, &key("8"), &settlement_at(Outcome::Unconfirmed, SETTLED)).await.unwrap();
        settle(&ledger, &key("9"), &settlement_at(Outcome::Unconfirmed, SETTLED)).await.unwrap();
        settle(&ledger, &key("10"), &settlement_at(Outcome::Withdrawn, SETTLED)).await.unwrap();
        let bill = History::open(&place.path).unwrap().by_day(None).unwrap();
        keep(&ledger, "7", Outcome::Withdrawn, Follows::TryAgain, LISTED).await;
        keep(&ledger, "8", Outcome::Unconfirmed, Follows::Settled(Outcome::PresumedWithdrawn), LISTED).await;
        keep(&ledger, "9", Outcome::Unconfirmed, Follows::TryAgain, LISTED).await;
        keep(&ledger, "10", Outcome::Withdrawn, Follows::Nothing, LISTED).await;

        let new = Standing::New { lost_before: false };
        assert_eq!(standing(&ledger, &key("7")), new);
        let by_list =
            Standing::Settled { outcome: Outcome::PresumedWithdrawn, settled_at: moment(LISTED), by_list: true };
        assert_eq!(standing(&ledger, &key("8")), by_list);
        // Its doubt has ended, too.
        assert_eq!(standing(&ledger, &key("9")), new);
        assert!(matches!(standing(&ledger, &key("10")), Standing::Settled { by_list: false, .. }));
        let unsettled: Vec<_> =
            believed(&ledger).into_iter().filter(|(_, belief)| belief.was_unsettled).map(|(id, _)| id).collect();
        assert_eq!(unsettled, ["7"]);
        assert_eq!(History::open(&place.path).unwrap().by_day(None).unwrap(), bill);

        // What is settled again afterwards, a call has settled.
        settle(&ledger, &key("7"), &settlement_at(Outcome::Withdrawn, "2026-03-03T10:00:00Z")).await.unwrap();
        assert!(matches!(standing(&ledger, &key("7")), Standing::Settled { by_list: false, .. }));
        let unsettled = believed(&ledger).into_iter().find(|(id, _)| id == "7").unwrap().1;
        assert!(unsettled.was_unsettled, "a second time would not be told from the first");
    }

    #[tokio::test]
    async fn history_shows_what_a_list_put_right_until_it_is_forgotten() {
        let place = Place::new();
        let ledger = place.open("a");
        settle(&ledger, &key("7"), &settlement_at(Outcome::Unconfirmed, SETTLED)).await.unwrap();
        // Calls are sent when the test runs.
        let listed_at = "2100-03-02T10:00:00Z";
        keep(&ledger, "7", Outcome::Unconfirmed, Follows::Settled(Outcome::PresumedWithdrawn), listed_at).await;
        settle(&ledger, &key("8"), &settlement_at(Outcome::Withdrawn, SETTLED)).await.unwrap();
        ledger.close().await.unwrap();
        let [called, listed] = History::open(&place.path).unwrap().of(&id("7")).unwrap().try_into().unwrap();
        assert_eq!((called.outcome, called.believed), (Some(Outcome::Unconfirmed), None));
        assert_eq!((listed.outcome, listed.believed), (Some(Outcome::PresumedWithdrawn), Some(Outcome::Unconfirmed)));
        assert_eq!((listed.at, listed.state, listed.run_id.as_deref()), (moment(listed_at), None, Some("a")));

        assert_eq!(forget(&place.path, &Forget::Before("2026-03-02".parse().unwrap())).unwrap(), 2);
        assert_eq!(History::open(&place.path).unwrap().of(&id("7")).unwrap().len(), 1);
        assert_eq!(forget(&place.path, &Forget::Invitation(id("7"))).unwrap(), 1);
        assert_eq!(History::open(&place.path).unwrap().of(&id("7")).unwrap(), []);
    }
}
