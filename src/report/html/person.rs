//! A person on the page: as much as fits in a line of a table, cut when it is kept.

use std::borrow::Cow;

use jiff::civil::Date;

use crate::event::Settled;
use crate::input::is_profile_url;
use crate::invitation::{AccountName, Carried};
use crate::listing::{Found, Listed, age_days};
use crate::outcome::Outcome;
use crate::policy::cut;
use crate::stop::Stop;

/// Characters of a name.
const MAX_NAME: usize = 120;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) row: u64,
    pub(crate) line: Option<u64>,
    pub(crate) invitation_id: String,
    pub(crate) account: String,
    pub(crate) name: String,
    pub(crate) profile_url: String,
    pub(crate) age_days: Option<u32>,
    pub(crate) reinvite_on: Option<Date>,
    /// Whether that they are withdrawn is likely, not certain.
    pub(crate) is_presumed: bool,
    /// What the report says of the row, without the stop that cut it short.
    pub(crate) detail: String,
}

impl Person {
    pub(super) fn settled(settled: &Settled, columns: &PersonColumns) -> Self {
        let text = |role| columns.cell(&settled.carried, role).unwrap_or_default();
        let name = match text(Role::Name) {
            name if name.trim().is_empty() => format!("{} {}", text(Role::FirstName), text(Role::LastName)).into(),
            name => name,
        };
        Self {
            row: settled.row,
            line: settled.line,
            invitation_id: cut(&settled.invitation_id),
            account: settled.account.as_ref().map_or_else(String::new, |name| short(name.as_str())),
            name: short(&name),
            profile_url: cut(&text(Role::ProfileUrl)),
            age_days: columns.age_days(&settled.carried),
            reinvite_on: settled.reinvite_on(),
            is_presumed: settled.outcome == Outcome::PresumedWithdrawn,
            detail: cut(Stop::without_it(&settled.detail)),
        }
    }

    pub(super) fn found(found: &Found, account: &AccountName) -> Self {
        Self {
            invitation_id: found.id.to_string(),
            account: short(account.as_str()),
            name: short(&found.name),
            profile_url: cut(&found.profile_url),
            age_days: age_days(found),
            ..Self::default()
        }
    }

    /// Takes name and profile from what the ledger knows, where the row has none.
    pub(crate) fn name_by(&mut self, name: &str, profile_url: &str) {
        if self.name.is_empty() {
            self.name = short(name);
        }
        if self.profile_url.is_empty() {
            self.profile_url = cut(profile_url);
        }
    }
}

/// One line of limited length, with nothing that acts instead of being shown.
pub(super) fn short(text: &str) -> String {
    let text = cut(text);
    match text.char_indices().nth(MAX_NAME) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Name,
    FirstName,
    LastName,
    ProfileUrl,
    AgeDays,
}

impl Role {
    fn of(name: &str) -> Option<Self> {
        let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        match plain.as_str() {
            "name" | "fullname" => Some(Self::Name),
            "firstname" => Some(Self::FirstName),
            "lastname" => Some(Self::LastName),
            "agedays" => Some(Self::AgeDays),
            _ if is_profile_url(name) => Some(Self::ProfileUrl),
            _ => None,
        }
    }
}

/// Which of an input's columns tell of the person.
#[derive(Clone, Debug, Default)]
pub(crate) struct PersonColumns(Vec<Option<Role>>);

impl PersonColumns {
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(Role::of).collect())
    }

    /// Those of a list.
    pub(crate) fn of_a_list() -> Self {
        Self::new(Listed::CARRIED)
    }

    fn cell<'a>(&self, carried: &'a Carried, role: Role) -> Option<Cow<'a, str>> {
        match carried {
            Carried::Cells(cells) => {
                let at = self.0.iter().position(|other| *other == Some(role))?;
                cells.get(at).map(Cow::from)
            }
            Carried::Fields(fields) => {
                let value = fields.iter().find_map(|(key, value)| (Role::of(key) == Some(role)).then_some(value))?;
                Some(value.as_str().map_or_else(|| value.to_string().into(), Cow::from))
            }
        }
    }

    pub(super) fn age_days(&self, carried: &Carried) -> Option<u32> {
        self.cell(carried, Role::AgeDays)?.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(columns: &PersonColumns, carried: Carried) -> Person {
        let settled = Settled::unsent(7, "1".to_owned(), None, Outcome::Withdrawn, String::new(), carried);
        Person::settled(&settled, columns)
    }

    #[test]
    fn who_it_is_by_the_input_s_columns() {
        type Cells = &'static [&'static str];
        type Told = (&'static str, &'static str, Option<u32>);
        let cases: [(Cells, Cells, Told); 4] = [
            (
                &["name", "profile_url", "age_days"],
                &["Ada", "linkedin.com/in/ada", "31"],
                ("Ada", "linkedin.com/in/ada", Some(31)),
            ),
            (&["First Name", "Last Name"], &["Ada", "Lovelace"], ("Ada Lovelace", "", None)),
            (&["company", "full_name"], &["X", "Ada\nL"], ("Ada L", "", None)),
            (&["company"], &["X"], ("", "", None)),
        ];
        for (columns, cells, (name, profile_url, age_days)) in cases {
            let carried = Carried::Cells(csv::StringRecord::from(cells.to_vec()));
            let person = person(&PersonColumns::new(columns.iter().copied()), carried);
            assert_eq!(
                (&*person.name, &*person.profile_url, person.age_days),
                (name, profile_url, age_days),
                "{columns:?}"
            );
        }
        let fields = serde_json::json!({"Name": "Ada", "age_days": 31});
        let person = person(&PersonColumns::default(), Carried::Fields(Box::new(fields.as_object().unwrap().clone())));
        assert_eq!((&*person.name, person.age_days), ("Ada", Some(31)));
    }

    #[test]
    fn a_name_has_a_length() {
        let long = "é".repeat(1_000_000);
        let carried = Carried::Cells(csv::StringRecord::from(vec![&*long]));
        assert_eq!(person(&PersonColumns::new(["name"]), carried).name.chars().count(), MAX_NAME + 1);
    }
}
