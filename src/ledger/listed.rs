//! Who was on the account's lists: kept so that people can be named later, and their absence can prove something.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension, params};

use super::schema::{from_millis, millis};
use crate::api::InvitationType;
use crate::invitation::{AccountName, InvitationId};
use crate::outcome::Outcome;

/// The lists of one account and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListOf {
    pub(crate) account: AccountName,
    pub(crate) invitation_type: InvitationType,
}

/// A pending invitation and whom it was for, as a page showed them; texts may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) id: InvitationId,
    pub(crate) name: String,
    pub(crate) profile_url: String,
    /// What tells the person's address from others, in one spelling.
    pub(crate) person: Option<String>,
}

/// An invitation to a person, as far as lists and calls tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Invited {
    pub(super) id: InvitationId,
    pub(super) last_seen_at: Timestamp,
    /// What it was settled as for good, and when.
    pub(super) settled: Option<(Outcome, Timestamp)>,
}

/// All that lists showed of a person.
pub(super) fn invited(connection: &Connection, account_id: i64, person: &str) -> rusqlite::Result<Vec<Invited>> {
    let mut query = connection.prepare_cached(
        "SELECT invitation_id, last_seen_at, iif(is_final, outcome, NULL), at
        FROM listed LEFT JOIN known USING (account_id, invitation_id) WHERE account_id = ?1 AND person = ?2",
    )?;
    let invited = query.query_map(params![account_id, person], |row| {
        let settled = match row.get(2)? {
            Some(outcome) => Some((outcome, from_millis(row.get(3)?)?)),
            None => None,
        };
        Ok(Invited { id: row.get(0)?, last_seen_at: from_millis(row.get(1)?)?, settled })
    })?;
    invited.collect()
}

/// The invitation by which a person is settled at this moment: until they can be invited again, and unless a list has shown
/// them as pending since.
pub(super) fn settled_by(invited: &[Invited], now: Timestamp) -> Option<&InvitationId> {
    let settled = invited.iter().filter_map(|invitation| Some((&invitation.id, invitation.settled?.1)));
    let (id, at) = settled.max_by_key(|(_, at)| *at)?;
    let is_pending_since = invited.iter().any(|invitation| invitation.last_seen_at > at);
    // Nobody can be, however it ended.
    let may_be_invited = Outcome::Withdrawn.reinvite_on(at).is_none_or(|day| now.to_zoned(TimeZone::UTC).date() >= day);
    (!is_pending_since && !may_be_invited).then_some(id)
}

/// When a list was fetched, and the ID and profile of each invitation on it.
pub(crate) type WholeList = (Timestamp, Vec<(InvitationId, String)>);

/// The last list of connections that was read whole, if that was since this moment.
pub(super) fn whole_list(
    connection: &Connection,
    account_id: i64,
    since: Timestamp,
) -> rusqlite::Result<Option<WholeList>> {
    let began_at: Option<i64> = connection
        .prepare_cached("SELECT began_at FROM whole_lists WHERE account_id = ?1 AND type = ?2 AND began_at >= ?3")?
        .query_one(params![account_id, InvitationType::Connection, millis(since)], |row| row.get(0))
        .optional()?;
    let Some(began_at) = began_at else { return Ok(None) };
    let mut query = connection.prepare_cached(
        "SELECT invitation_id, profile_url FROM listed WHERE account_id = ?1 AND type = ?2 AND last_seen_at >= ?3",
    )?;
    let values = params![account_id, InvitationType::Connection, began_at];
    let people = query.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Some((from_millis(began_at)?, people.collect::<rusqlite::Result<_>>()?)))
}

/// Keeps a page. `at` is when it was asked for: whatever is settled later is not contradicted by it.
pub(super) fn keep_page(
    connection: &Connection,
    account_id: i64,
    invitation_type: InvitationType,
    shown: &[Shown],
    at: Timestamp,
) -> rusqlite::Result<()> {
    let mut keep = connection.prepare_cached(
        "INSERT INTO listed (account_id, invitation_id, type, name, profile_url, person, first_seen_at, last_seen_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
        ON CONFLICT DO UPDATE SET
            type = excluded.type,
            name = iif(excluded.name = '', name, excluded.name),
            profile_url = iif(excluded.profile_url = '', profile_url, excluded.profile_url),
            person = iif(excluded.profile_url = '', person, excluded.person),
            last_seen_at = MAX(last_seen_at, excluded.last_seen_at)",
    )?;
    for Shown { id, name, profile_url, person } in shown {
        keep.execute(params![account_id, id, invitation_type, name, profile_url, person, millis(at)])?;
    }
    Ok(())
}

/// Keeps of which login a list is whose first page was asked for at this moment, and whether it was read whole. An account's
/// name may get another login, and lists tell them apart: two of one login mostly show some invitations in common.
pub(super) fn keep_end(
    connection: &Connection,
    account_id: i64,
    invitation_type: InvitationType,
    began_at: Timestamp,
    is_whole: bool,
) -> rusqlite::Result<()> {
    let login = match logins(connection, account_id, invitation_type, began_at)?.as_slice() {
        [] => connection
            .prepare_cached("SELECT COALESCE(MAX(login), 0) + 1 FROM listed WHERE account_id = ?1")?
            .query_one([account_id], |row| row.get(0))
            .map(Some)?,
        [login] => Some(*login),
        // The same invitation on the lists of two logins: who sent it is unclear.
        [_, _, ..] => None,
    };
    connection
        .prepare_cached(
            "UPDATE listed SET login = ?4
            WHERE account_id = ?1 AND type = ?2 AND last_seen_at >= ?3 AND login IS NULL",
        )?
        .execute(params![account_id, invitation_type, millis(began_at), login])?;
    if !is_whole {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO whole_lists (account_id, type, began_at) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET began_at = MAX(began_at, excluded.began_at)",
        )?
        .execute(params![account_id, invitation_type, millis(began_at)])?;
    Ok(())
}

/// The logins whose lists showed something of the list that began at this moment.
pub(super) fn logins(
    connection: &Connection,
    account_id: i64,
    invitation_type: InvitationType,
    began_at: Timestamp,
) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare_cached(
            "SELECT DISTINCT login FROM listed
            WHERE account_id = ?1 AND type = ?2 AND last_seen_at >= ?3 AND login IS NOT NULL",
        )?
        .query_map(params![account_id, invitation_type, millis(began_at)], |row| row.get(0))?
        .collect()
}

/// How many invitations the last list showed that was read whole.
pub(super) fn last_count(
    connection: &Connection,
    account_id: i64,
    invitation_type: InvitationType,
) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached(
            "SELECT (SELECT COUNT(*) FROM listed WHERE listed.account_id = whole_lists.account_id
                AND listed.type = whole_lists.type AND last_seen_at >= began_at)
            FROM whole_lists WHERE account_id = ?1 AND type = ?2",
        )?
        .query_one(params![account_id, invitation_type], |row| row.get(0))
        .optional()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{API, NOON, Place, id, key, key_of, moment, settle, settlement_at};
    use super::super::{Entry, Forget, History, Ledger, Reinvitable, forget};
    use super::*;

    fn list(account: &str) -> ListOf {
        ListOf { account: AccountName::parse(account).unwrap(), invitation_type: InvitationType::Connection }
    }

    fn shown(digits: &str, name: &str) -> Shown {
        let profile_url = if name.is_empty() { String::new() } else { format!("https://www.linkedin.com/in/{name}") };
        let person = (!name.is_empty()).then(|| name.to_owned());
        Shown { id: id(digits), name: name.to_owned(), profile_url, person }
    }

    async fn keep(ledger: &Ledger, account: &str, people: &[(&str, &str)], at: &str) {
        let shown = people.iter().map(|(digits, name)| shown(digits, name)).collect();
        ledger.keep_page(list(account), shown, moment(at)).await.await.unwrap();
    }

    fn of(place: &Place, digits: &str) -> Vec<Entry> {
        History::open(&place.path).unwrap().of(&id(digits)).unwrap()
    }

    #[tokio::test]
    async fn what_a_list_showed_is_known_with_its_first_and_last_time() {
        let place = Place::new();
        let ledger = place.open("a");
        keep(&ledger, "default", &[("7", "ada"), ("8", "")], "2026-03-01T10:00:00Z").await;
        keep(&ledger, "default", &[("7", "ada-l"), ("8", "bob")], "2026-03-08T10:00:00Z").await;
        // A page that comes late, and one that says less.
        keep(&ledger, "default", &[("7", "")], "2026-03-05T10:00:00Z").await;
        keep(&ledger, "second", &[("7", "eve")], "2026-03-02T10:00:00Z").await;
        settle(&ledger, &key("7"), &settlement_at(Outcome::Withdrawn, NOON)).await.unwrap();
        ledger.close().await.unwrap();

        let [listed, called] = of(&place, "7").try_into().unwrap();
        let seen = called.seen.unwrap();
        assert_eq!((called.run_id.as_deref(), called.outcome), (Some("a"), Some(Outcome::Withdrawn)));
        assert_eq!((seen.name.as_str(), seen.profile_url.as_str()), ("ada-l", "https://www.linkedin.com/in/ada-l"));
        assert_eq!((seen.first, seen.last), (moment("2026-03-01T10:00:00Z"), moment("2026-03-08T10:00:00Z")));
        // No call was made for the other account's.
        assert_eq!((listed.account.as_str(), listed.state, listed.run_id), ("second", None, None));
        assert_eq!((listed.at, listed.seen.unwrap().name), (moment("2026-03-02T10:00:00Z"), "eve".to_owned()));
        assert_eq!(of(&place, "8")[0].seen.as_ref().unwrap().name, "bob");
        assert_eq!(of(&place, "9"), []);
    }

    #[tokio::test]
    async fn the_last_whole_list_of_each_account_and_type_is_known() {
        let place = Place::new();
        let ledger = place.open("a");
        let pages = ListOf { invitation_type: InvitationType::Organization, ..list("default") };
        for (list, at) in [
            (list("default"), "2026-03-08T10:00:00Z"),
            (list("default"), "2026-03-01T10:00:00Z"),
            (pages, "2026-03-02T10:00:00Z"),
            (list("second"), "2026-03-03T10:00:00Z"),
        ] {
            ledger.keep_list_end(list, moment(at), true).await.await.unwrap();
        }
        ledger.close().await.unwrap();
        let connection = Connection::open(&place.path).unwrap();
        let mut query = connection
            .prepare(
                "SELECT account || ' ' || type || ' ' || datetime(began_at / 1000, 'unixepoch') FROM whole_lists
                JOIN accounts ON accounts.id = account_id ORDER BY 1",
            )
            .unwrap();
        let lines: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let expected =
            ["default 0 2026-03-08 10:00:00", "default 1 2026-03-02 10:00:00", "second 0 2026-03-03 10:00:00"];
        assert_eq!(lines, expected);
    }

    fn reinvitable(place: &Place, today: &str) -> Vec<String> {
        let people = History::open(&place.path).unwrap().reinvitable(today.parse().unwrap()).unwrap();
        let line = |person: Reinvitable| {
            let Reinvitable { invitation_id, name, profile_url, account, reinvite_on, api } = person;
            assert_eq!((api.as_str(), profile_url.ends_with(&name)), (API, true));
            format!("{invitation_id} {name} {account} {reinvite_on}")
        };
        people.into_iter().map(line).collect()
    }

    #[tokio::test]
    async fn who_can_be_invited_again() {
        use Outcome::{Failed, NotPending, PresumedWithdrawn, Withdrawn};
        let place = Place::new();
        let ledger = place.open("a");
        let people =
            [("1", "ada"), ("2", "bob"), ("3", "cyd"), ("4", "dan"), ("5", "eve"), ("6", "fay"), ("8", ""), ("9", "")];
        keep(&ledger, "default", &people, "2026-02-28T10:00:00Z").await;
        for (key, outcome, at) in [
            (key("1"), Withdrawn, "2026-03-01T00:00:00Z"),
            (key("2"), PresumedWithdrawn, "2026-03-01T23:59:59Z"),
            (key("3"), NotPending, "2026-03-01T12:00:00Z"),
            (key("4"), Failed, "2026-03-01T12:00:00Z"),
            (key("5"), Withdrawn, "2026-03-01T12:00:00Z"),
            (key("6"), Withdrawn, "2026-03-01T12:00:00Z"),
            (key("7"), Withdrawn, "2026-03-02T00:00:00Z"),
            (key("8"), Withdrawn, "2026-03-02T12:00:00Z"),
            (key("9"), Withdrawn, "2026-03-02T12:00:00Z"),
            (key_of("second", "5"), Withdrawn, "2026-03-01T12:00:00Z"),
        ] {
            settle(&ledger, &key, &settlement_at(outcome, at)).await.unwrap();
        }
        // Number 5 is pending all the same, and number 6 was invited again under another number; two without a profile
        // are not taken for one person.
        keep(&ledger, "default", &[("5", "eve"), ("66", "fay"), ("99", "")], "2026-03-03T10:00:00Z").await;
        ledger.close().await.unwrap();

        assert_eq!(reinvitable(&place, "2026-03-21"), [""; 0]);
        let first_day = ["1 ada default 2026-03-22", "5  second 2026-03-22", "2 bob default 2026-03-22"];
        assert_eq!(reinvitable(&place, "2026-03-22"), first_day);
        let second_day = ["7  default 2026-03-23", "8  default 2026-03-23", "9  default 2026-03-23"];
        assert_eq!(reinvitable(&place, "2026-03-23"), [first_day, second_day].concat());
    }

    async fn keep_person(
        ledger: &Ledger,
        account: &str,
        digits: &str,
        profile_url: &str,
        person: Option<&str>,
        at: &str,
    ) {
        let (name, profile_url, person) = ("ada".to_owned(), profile_url.to_owned(), person.map(str::to_owned));
        let shown = Shown { id: id(digits), name, profile_url, person };
        ledger.keep_page(list(account), vec![shown], moment(at)).await.await.unwrap();
    }

    #[tokio::test]
    async fn who_is_pending_again_by_another_spelling_of_the_address_can_not_be_invited() {
        let place = Place::new();
        let ledger = place.open("a");
        let before = "2026-02-28T10:00:00Z";
        keep_person(&ledger, "default", "1", "https://www.linkedin.com/in/ada", Some("ada"), before).await;
        keep_person(&ledger, "default", "3", "https://www.linkedin.com/pub/ada", None, before).await;
        keep_person(&ledger, "second", "1", "https://www.linkedin.com/in/ada", Some("ada"), before).await;
        for key in [key("1"), key("3"), key_of("second", "1")] {
            settle(&ledger, &key, &settlement_at(Outcome::Withdrawn, "2026-03-01T12:00:00Z")).await.unwrap();
        }
        let since = "2026-03-03T10:00:00Z";
        keep_person(&ledger, "default", "2", "https://linkedin.com/in/Ada/", Some("ada"), since).await;
        // An address of which it was not known whose it is.
        keep_person(&ledger, "default", "4", "https://www.linkedin.com/pub/ada", Some("other"), since).await;
        ledger.close().await.unwrap();
        let people = History::open(&place.path).unwrap().reinvitable("2026-04-01".parse().unwrap()).unwrap();
        let accounts: Vec<_> = people.iter().map(|person| person.account.as_str()).collect();
        assert_eq!(accounts, ["second"]);
    }

    #[tokio::test]
    async fn who_is_forgotten_is_forgotten_under_other_invitations_too() {
        let place = Place::new();
        let ledger = place.open("a");
        let at = "2026-03-01T10:00:00Z";
        keep_person(&ledger, "default", "1", "https://www.linkedin.com/in/ada", Some("ada"), at).await;
        keep_person(&ledger, "default", "2", "https://linkedin.com/in/Ada/", Some("ada"), at).await;
        // Of an older version, which put no person down.
        keep_person(&ledger, "second", "3", "https://www.linkedin.com/in/ada", None, at).await;
        keep(&ledger, "default", &[("4", "bob"), ("5", "")], at).await;
        ledger.keep_list_end(list("second"), moment(at), true).await.await.unwrap();
        ledger.close().await.unwrap();
        assert!(holds(&place, "ada"));

        let one = Forget::Invitation(id("1"));
        let history = History::open(&place.path).unwrap();
        assert_eq!((history.count(&one).unwrap(), history.count_others(&one).unwrap()), (1, 2));
        drop(history);
        assert_eq!(forget(&place.path, &one).unwrap(), 1);
        assert!(!holds(&place, "ada") && !holds(&place, "Ada") && holds(&place, "bob"));
        // That they were pending is still known, yet nobody is to be looked for on that list.
        assert_eq!(of(&place, "2")[0].seen.as_ref().unwrap().name, "");
        let connection = Connection::open(&place.path).unwrap();
        let lists: u64 = connection.query_one("SELECT COUNT(*) FROM whole_lists", [], |row| row.get(0)).unwrap();
        assert_eq!(lists, 0);
    }

    #[test]
    fn until_when_a_person_is_settled() {
        let invited = |digits: &str, last_seen: &str, settled: Option<(Outcome, &str)>| Invited {
            id: id(digits),
            last_seen_at: moment(last_seen),
            settled: settled.map(|(outcome, at)| (outcome, moment(at))),
        };
        const SEEN: &str = "2026-03-01T10:00:00Z";
        const LATER: &str = "2026-03-02T10:00:00Z";
        const DAY_BEFORE: &str = "2026-03-21T23:59:59Z";
        let withdrawn = Some((Outcome::Withdrawn, NOON));
        let gone = Some((Outcome::NotPending, NOON));
        let older = Some((Outcome::Withdrawn, "2026-02-01T12:00:00Z"));
        let cases = [
            (vec![], NOON, None),
            (vec![invited("7", SEEN, None)], NOON, None),
            (vec![invited("7", SEEN, withdrawn)], NOON, Some("7")),
            (vec![invited("7", SEEN, withdrawn)], DAY_BEFORE, Some("7")),
            (vec![invited("7", SEEN, withdrawn)], "2026-03-22T00:00:00Z", None),
            (vec![invited("7", SEEN, gone)], DAY_BEFORE, Some("7")),
            // Pending all the same, or again.
            (vec![invited("7", LATER, withdrawn)], DAY_BEFORE, None),
            (vec![invited("7", SEEN, withdrawn), invited("8", LATER, None)], DAY_BEFORE, None),
            (vec![invited("7", SEEN, withdrawn), invited("6", "2026-01-01T10:00:00Z", older)], DAY_BEFORE, Some("7")),
        ];
        for (invited, now, expected) in cases {
            let settled = settled_by(&invited, moment(now)).map(InvitationId::as_str);
            assert_eq!(settled, expected, "{invited:?} {now}");
        }
    }

    /// Whether the name stands anywhere in the ledger's files.
    fn holds(place: &Place, name: &str) -> bool {
        let holds = |file: &String| {
            let bytes = std::fs::read(place.dir.path().join(file)).unwrap();
            bytes.windows(name.len()).any(|window| window == name.as_bytes())
        };
        place.listing().iter().any(holds)
    }

    #[tokio::test]
    async fn who_is_forgotten_leaves_no_trace_in_the_file() {
        let place = Place::new();
        let ledger = place.open("a");
        let many: Vec<_> = (100..400).map(|at| (at.to_string(), format!("person-{at}"))).collect();
        let many: Vec<_> = many.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
        keep(&ledger, "default", &many, "2026-03-01T10:00:00Z").await;
        keep(&ledger, "second", &[("100", "person-100")], "2026-03-01T10:00:00Z").await;
        keep(&ledger, "default", &[("101", "somebody")], "2026-03-02T10:00:00Z").await;
        ledger.close().await.unwrap();
        assert!(holds(&place, "person-100") && holds(&place, "person-399"));

        let one = Forget::Invitation(id("100"));
        assert_eq!(History::open(&place.path).unwrap().count(&one).unwrap(), 2);
        assert_eq!(forget(&place.path, &one).unwrap(), 2);
        assert!(!holds(&place, "person-100") && holds(&place, "person-399"));
        assert_eq!(of(&place, "100"), []);

        let before = Forget::Before("2026-03-02".parse().unwrap());
        assert_eq!(History::open(&place.path).unwrap().count(&before).unwrap(), 298);
        assert_eq!(forget(&place.path, &before).unwrap(), 298);
        assert!(!holds(&place, "person-") && holds(&place, "somebody"));
    }
}
