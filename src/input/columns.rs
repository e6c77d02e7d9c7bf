//! What a column's or a JSON key's name means, and which invitation a row's ID and URN name.
//!
//! Owns the comparison of names, which names are refused as secrets, and the precedence of ID and URN. Must not know the
//! format.

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use crate::invitation::{IdError, InvitationId};

/// Limits for a message that lists columns: a file without a header may have anything there.
const LISTED: usize = 30;
const LISTED_CHARS: usize = 40;

const SECRET_ENDINGS: [&str; 3] = ["logintoken", "apikey", "cookie"];
/// LinkedIn's session cookie. Only as words of their own: other names may end so.
const SECRET_WORDS: [&str; 2] = ["li", "at"];

/// The name of the ID column, and those that are fixed.
pub(super) struct ColumnNames {
    id: String,
}

/// Positions of the columns that mean something.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Roles {
    pub(super) id: Option<usize>,
    pub(super) entity_urn: Option<usize>,
    pub(super) account: Option<usize>,
    pub(super) country: Option<usize>,
}

impl Roles {
    /// Whether a column is one of the others, which the report carries: it shows account, ID and URN by itself.
    pub(super) fn is_carried(&self, at: usize) -> bool {
        ![self.id, self.entity_urn, self.account].contains(&Some(at))
    }
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{first:?} and {second:?} both name the {meaning}")]
pub(crate) struct Ambiguous {
    first: String,
    second: String,
    meaning: &'static str,
}

impl ColumnNames {
    pub(super) fn new(id_column: Option<&str>) -> Self {
        Self { id: comparable(id_column.unwrap_or("invitation_id")).collect() }
    }

    pub(super) fn is_id(&self, name: &str) -> bool {
        comparable(name).eq(self.id.chars())
    }

    pub(super) fn roles<'a>(&self, names: impl Iterator<Item = &'a str> + Clone) -> Result<Roles, Ambiguous> {
        let mut roles = Roles::default();
        for (index, name) in names.clone().enumerate() {
            let (role, meaning) = if self.is_id(name) {
                (&mut roles.id, "invitation's ID")
            } else if comparable(name).eq("entityurn".chars()) {
                (&mut roles.entity_urn, "entity_urn")
            } else if comparable(name).eq("account".chars()) {
                (&mut roles.account, "account")
            } else if comparable(name).eq("country".chars()) {
                (&mut roles.country, "country")
            } else {
                continue;
            };
            if let Some(first) = role.replace(index) {
                let first = names.clone().nth(first).unwrap_or_default().into();
                return Err(Ambiguous { first, second: name.into(), meaning });
            }
        }
        Ok(roles)
    }
}

/// Whether a column or JSON key of this name holds the address of a profile, as `list` and the API call it.
pub(crate) fn is_profile_url(name: &str) -> bool {
    let known = ["profileurl", "linkedinurl", "recipientprofileurl", "recipientlinkedinurl"];
    known.iter().any(|known| without_dots(name).eq(known.chars()))
}

/// The same for an invitation's ID, as `list` and the API call it.
pub(crate) fn is_invitation_id(name: &str) -> bool {
    without_dots(name).eq("invitationid".chars())
}

/// The one address among a row's; `None` where they differ, so that nobody is compared by the wrong one.
pub(super) fn only_address<'a>(texts: impl Iterator<Item = Cow<'a, str>>) -> Option<Box<str>> {
    let mut texts = texts.filter(|text| !text.trim().is_empty());
    let first = texts.next()?;
    texts.all(|text| text == first).then(|| first.into())
}

/// Whether a cell without a header's help is the address of a profile. Whose, or none's after all, is for others to say.
pub(super) fn is_address(cell: &str) -> bool {
    cell.to_ascii_lowercase().contains("linkedin.com/")
}

/// Whether a column of this name holds a credential, whatever it begins with: `linkup_api_key`, `X-API-Key`.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    let words: Vec<_> = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let letters = words.concat();
    SECRET_ENDINGS.iter().any(|ending| letters.ends_with(ending))
        || words.ends_with(&SECRET_WORDS)
        || letters == SECRET_WORDS.concat()
}

/// Gives every carried column a unique name: `name`, `name_2`; `column_3` where the header's cell is empty.
pub(super) fn unique(columns: impl Iterator<Item = (usize, String)>) -> Vec<Arc<str>> {
    let columns: Vec<_> = columns
        .map(|(index, name)| if name.trim().is_empty() { format!("column_{}", index + 1) } else { name })
        .collect();
    let mut taken: HashSet<String> = HashSet::new();
    let came: HashSet<&str> = columns.iter().map(String::as_str).collect();
    let mut unique = Vec::with_capacity(columns.len());
    for name in &columns {
        let mut chosen = name.clone();
        let mut count = 1_usize;
        // A made-up name must not push aside a column that came with it.
        while taken.contains(&chosen) || (count > 1 && came.contains(chosen.as_str())) {
            count += 1;
            chosen = format!("{name}_{count}");
        }
        unique.push(Arc::from(chosen.as_str()));
        taken.insert(chosen);
    }
    unique
}

/// The columns found, for a message.
pub(super) fn listed(names: &[String]) -> String {
    let mut shown: Vec<_> = names.iter().take(LISTED).map(|name| cut(name.trim(), LISTED_CHARS)).collect();
    if names.len() > LISTED {
        shown.push("…".into());
    }
    shown.join(", ")
}

/// The first characters of a text, marked where some are left out.
pub(super) fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

fn comparable(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-')).flat_map(char::to_lowercase)
}

/// A nested key may come flattened: `recipient.linkedin_url`.
fn without_dots(name: &str) -> impl Iterator<Item = char> + '_ {
    comparable(name).filter(|c| *c != '.')
}

/// Most characters of an unusable ID that the report shows.
pub(super) const ID_TEXT_CHARS: usize = 100;

/// Why a row names no invitation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoInvitation {
    #[error(transparent)]
    Id(#[from] IdError),
    #[error("the ID and the entity_urn name different invitations: correct the wrong one")]
    Conflict,
}

/// Takes the ID, or the URN where the ID is missing or ruined. `refuse_rounded` unless the user vouches for them.
pub(super) fn resolve(
    id: Option<&str>,
    entity_urn: Option<&str>,
    refuse_rounded: bool,
) -> Result<InvitationId, NoInvitation> {
    let parse = |text: &str| match InvitationId::parse(text) {
        Ok(id) if refuse_rounded => id.unrounded(),
        parsed => parsed,
    };
    // A bare number in `entity_urn` is no URN and may count anything.
    let urn = entity_urn.filter(|text| text.contains(':')).and_then(|text| parse(text).ok());
    match (id.map_or(Err(IdError::Missing), parse), urn) {
        (Ok(id), Some(urn)) if id != urn => Err(NoInvitation::Conflict),
        (Ok(id), _) | (Err(_), Some(id)) => Ok(id),
        (Err(error), None) => Err(error.into()),
    }
}

/// The same, and `None` where ID and URN are empty and a profile's address names the person.
pub(super) fn resolve_or_profile(
    id: Option<&str>,
    entity_urn: Option<&str>,
    profile_url: Option<&str>,
    refuse_rounded: bool,
) -> Result<Option<InvitationId>, NoInvitation> {
    match resolve(id, entity_urn, refuse_rounded) {
        Err(NoInvitation::Id(IdError::Missing))
            if profile_url.is_some() && entity_urn.is_none_or(|urn| urn.trim().is_empty()) =>
        {
            Ok(None)
        }
        resolved => resolved.map(Some),
    }
}

/// Whether only a number of few digits names the invitation.
pub(super) fn is_short(invitation: Option<&InvitationId>, id: Option<&str>, entity_urn: Option<&str>) -> bool {
    let has_urn = [id, entity_urn].into_iter().flatten().any(|text| text.contains(':'));
    !has_urn && invitation.is_some_and(InvitationId::is_short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_separators() {
        let names = ColumnNames::new(None);
        for name in ["invitation_id", "invitationId", "Invitation ID", " INVITATION-ID ", "invitationid"] {
            assert!(names.is_id(name), "{name:?}");
        }
        for name in ["id", "invitation", "invitation_id_2", ""] {
            assert!(!names.is_id(name), "{name:?}");
        }
        assert!(ColumnNames::new(Some("Einladungs-ID")).is_id("einladungs_id"));
        assert!(!ColumnNames::new(Some("Einladungs-ID")).is_id("invitation_id"));
    }

    #[test]
    fn no_role_is_given_twice() {
        let roles = |header: &str| ColumnNames::new(None).roles(header.split(','));
        let expected = Roles { id: Some(1), entity_urn: Some(3), account: Some(0), country: Some(2) };
        assert_eq!(roles("Account,invitation_id,COUNTRY,entityUrn,name"), Ok(expected));
        for header in ["invitation_id,invitationId", "account,x,Account", "country,country", "entity_urn,entityUrn"] {
            assert!(roles(header).is_err(), "{header}");
        }
    }

    #[test]
    fn columns_of_addresses() {
        for name in
            ["profile_url", "Profile URL", "profileUrl", "PROFILE-URL", "linkedin_url", "recipient.linkedin_url"]
        {
            assert!(is_profile_url(name), "{name}");
        }
        for name in ["", "url", "profile", "picture_url", "profile_url_2", "recipient", "inviter.linkedin_url"] {
            assert!(!is_profile_url(name), "{name}");
        }
    }

    #[test]
    fn secrets_are_told_by_the_end_of_their_name() {
        for name in [
            "login_token",
            "LoginToken",
            "api_key",
            "X-API-Key",
            "linkup api key",
            "my.login.token",
            "li_at",
            "liAt",
            "LinkedIn li_at",
            "Cookie",
            "session_cookie",
            "sessionCookie",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["token", "key", "api_key_hint", "keyapi", "login", "cookie_consent", "affiliat", "at", "at_li"] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn carried_names_are_unique() {
        let unique = |header: &str| {
            unique(header.split(',').map(str::to_string).enumerate())
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        let cases = [
            ("name,name,name", vec!["name", "name_2", "name_3"]),
            ("name,name,name_2", vec!["name", "name_3", "name_2"]),
            ("a,,", vec!["a", "column_2", "column_3"]),
            ("column_2,", vec!["column_2", "column_2_2"]),
            (" a,a", vec![" a", "a"]),
        ];
        for (header, expected) in cases {
            assert_eq!(unique(header), expected, "{header}");
        }
    }

    #[test]
    fn a_message_lists_names_at_a_readable_length() {
        assert_eq!(listed(&[" a ".into(), "b".repeat(99)]), format!("a, {}…", "b".repeat(LISTED_CHARS)));
        assert!(listed(&vec!["a".to_string(); 99]).ends_with("a, …"));
    }

    #[test]
    fn the_urn_stands_in_for_a_ruined_id_and_must_not_contradict_a_good_one() {
        const ID: &str = "7329176687475109888";
        const URN: &str = "urn:li:fsd_invitation:7329176687475109888";
        const OTHER: &str = "urn:li:fsd_invitation:7329176687475113984";
        const ROUNDED: &str = "7329176687475100000";
        const ROUNDED_URN: &str = "urn:li:invitation:7329176687475100000";
        let id = |text| Ok(InvitationId::parse(text).unwrap());
        let no = |error| Err(NoInvitation::Id(error));
        let rounded = || InvitationId::parse(ROUNDED).unwrap().unrounded().map_err(NoInvitation::Id);
        let cases = [
            (Some(ID), None, true, id(ID)),
            (Some(ID), Some(URN), true, id(ID)),
            (Some(ID), Some(OTHER), true, Err(NoInvitation::Conflict)),
            (Some(ID), Some("urn:li:member:7"), true, id(ID)),
            (Some(ID), Some("8"), true, id(ID)),
            (Some("7.3e18"), Some(URN), true, id(ID)),
            (Some("n/a"), Some(URN), true, id(ID)),
            (Some(""), Some(URN), true, id(ID)),
            (None, Some(URN), true, id(ID)),
            (None, Some(ID), true, no(IdError::Missing)),
            (None, None, true, no(IdError::Missing)),
            (Some(ROUNDED), None, true, rounded()),
            (Some(ROUNDED), None, false, id(ROUNDED)),
            (Some(ROUNDED), Some(URN), true, id(ID)),
            (Some(ROUNDED), Some(URN), false, Err(NoInvitation::Conflict)),
            (Some(ROUNDED), Some(ROUNDED_URN), true, rounded()),
            (Some(ID), Some(ROUNDED_URN), true, id(ID)),
        ];
        for (cell, urn, refuse_rounded, expected) in cases {
            assert_eq!(resolve(cell, urn, refuse_rounded), expected, "{cell:?} {urn:?} {refuse_rounded}");
        }
    }

    #[test]
    fn a_profile_names_the_person_only_where_id_and_urn_are_empty() {
        const ADA: Option<&str> = Some("https://www.linkedin.com/in/ada");
        let no = |error| Err(NoInvitation::Id(error));
        let cases = [
            (None, None, ADA, Ok(None)),
            (Some(" "), Some(" "), ADA, Ok(None)),
            (Some("7"), None, ADA, Ok(Some(InvitationId::parse("7").unwrap()))),
            (None, Some("urn:li:invitation:7"), ADA, Ok(Some(InvitationId::parse("7").unwrap()))),
            // What stands there may be another person's.
            (Some("7.3e18"), None, ADA, no(IdError::Scientific)),
            (Some("n/a"), None, ADA, no(IdError::NotAnId)),
            (None, Some("urn:li:member:7"), ADA, no(IdError::Missing)),
            (None, None, None, no(IdError::Missing)),
        ];
        for (id, urn, profile_url, expected) in cases {
            assert_eq!(resolve_or_profile(id, urn, profile_url, true), expected, "{id:?} {urn:?} {profile_url:?}");
        }
    }
}
