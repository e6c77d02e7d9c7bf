//! A listed invitation that passed the filter.

use jiff::civil::Date;

use super::Found;
use super::filter::age_days;
use crate::invitation::{AccountName, Carried, Row};
use crate::policy::sent_at;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub found: Found,
    /// The account on whose list it was.
    pub account: AccountName,
}

impl Listed {
    /// The columns that a report of `clean` carries, in the order of [`Listed::into_row`].
    pub(crate) const CARRIED: [&'static str; 5] = ["name", "profile_url", "headline", "sent_time", "age_days"];

    pub(crate) fn age_days(&self) -> Option<u32> {
        age_days(&self.found)
    }

    /// The day on which it was sent, estimated from its ID.
    pub(crate) fn sent_on(&self) -> Option<Date> {
        sent_at(self.found.id.as_str()).map(|time| time.to_zoned(jiff::tz::TimeZone::UTC).date())
    }

    /// As a row of a run's input.
    pub(crate) fn into_row(self, number: u64) -> Row {
        let age_days = self.age_days().map_or_else(String::new, |days| days.to_string());
        let Found { id, name, profile_url, headline, sent_time, .. } = self.found;
        let address = (!profile_url.is_empty()).then(|| profile_url.as_str().into());
        let carried = Carried::Cells(csv::StringRecord::from(vec![name, profile_url, headline, sent_time, age_days]));
        Row {
            number,
            line: None,
            id: Some(id),
            account: Some(self.account),
            country: None,
            profile_url: address,
            is_short: false,
            carried,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invitation::InvitationId;

    #[test]
    fn a_row_carries_what_the_report_is_to_show() {
        let listed = Listed {
            found: Found {
                name: "=Ada, L".to_owned(),
                profile_url: "https://www.linkedin.com/in/ada".to_owned(),
                invitation_type: "CONNECTION".to_owned(),
                sent_time: "Sent 3 weeks ago".to_owned(),
                ..Found::bare("7329176687475109889")
            },
            account: AccountName::default(),
        };
        let row = listed.into_row(3);
        let Carried::Cells(cells) = &row.carried else { panic!("{row:?}") };
        let cells: Vec<_> = Listed::CARRIED.into_iter().zip(cells).collect();
        let expected = [
            ("name", "=Ada, L"),
            ("profile_url", "https://www.linkedin.com/in/ada"),
            ("headline", ""),
            ("sent_time", "Sent 3 weeks ago"),
            ("age_days", "21"),
        ];
        assert_eq!(cells, expected);
        assert_eq!(
            (row.number, row.id.as_ref().map(InvitationId::as_str), row.account),
            (3, Some("7329176687475109889"), Some(AccountName::default()))
        );
    }
}
