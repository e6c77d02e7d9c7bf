//! The list as lines that `run` reads: CSV or JSON Lines.

use std::io;

use jiff::civil::Date;
use serde_json::json;

use super::Found;
use super::filter::age_days;
use crate::invitation::{AccountName, Carried, Row};
use crate::policy::sent_at;
use crate::report::{Format, harmless};

/// The columns (`contract.md`, Output of `list`).
pub(crate) const COLUMNS: [&str; 9] = [
    "invitation_id",
    "account",
    "name",
    "profile_url",
    "headline",
    "invitation_type",
    "sent_time",
    "age_days",
    "sent_on",
];

/// An invitation that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// As its page shows it.
    pub found: Found,
    /// Whose list it stands on.
    pub account: AccountName,
}

impl Listed {
    /// The columns that a report of `clean` carries (`contract.md`, Output of `list`).
    pub(crate) const CARRIED: [&'static str; 5] = ["name", "profile_url", "headline", "sent_time", "age_days"];

    fn age_days(&self) -> Option<u32> {
        age_days(&self.found)
    }

    /// The day on which it was sent, by its ID: an estimate.
    fn sent_on(&self) -> Option<Date> {
        sent_at(self.found.id.as_str()).map(|time| time.to_zoned(jiff::tz::TimeZone::UTC).date())
    }

    /// As a row of a run's input.
    pub(crate) fn into_row(self, number: u64) -> Row {
        let age_days = self.age_days().map_or_else(String::new, |days| days.to_string());
        let Found { id, name, profile_url, headline, sent_time, .. } = self.found;
        let address = (!profile_url.is_empty()).then(|| profile_url.as_str().into());
        let carried = Carried::Cells(csv::StringRecord::from(vec![name, profile_url, headline, sent_time, age_days]));
        Row { number, id, account: Some(self.account), country: None, profile_url: address, carried }
    }
}

/// Writes the list, line by line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines(pub Format);

impl Lines {
    /// What stands above the first line.
    pub(crate) fn head(self, out: &mut Vec<u8>) -> io::Result<()> {
        match self.0 {
            Format::Csv => record(COLUMNS, out),
            Format::JsonLines => Ok(()),
        }
    }

    /// One invitation's line.
    pub(crate) fn line(self, listed: &Listed, out: &mut Vec<u8>) -> io::Result<()> {
        let Listed { found, account } = listed;
        let (age_days, sent_on) = (listed.age_days(), listed.sent_on().map(|day| day.to_string()));
        match self.0 {
            Format::Csv => {
                let texts =
                    [&found.name, &found.profile_url, &found.headline, &found.invitation_type, &found.sent_time];
                // The user's own word, by which `run` finds the account again.
                let mut cells = vec![found.id.to_string(), account.to_string()];
                cells.extend(texts.map(|text| harmless(text)));
                cells.push(age_days.map_or_else(String::new, |days| days.to_string()));
                cells.push(sent_on.unwrap_or_default());
                record(&cells, out)
            }
            Format::JsonLines => {
                let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
                let line = json!({
                    "invitation_id": found.id.as_str(),
                    "account": account.as_str(),
                    "name": text(&found.name),
                    "profile_url": text(&found.profile_url),
                    "headline": text(&found.headline),
                    "invitation_type": text(&found.invitation_type),
                    "sent_time": text(&found.sent_time),
                    "age_days": age_days,
                    "sent_on": sent_on,
                });
                serde_json::to_writer(&mut *out, &line)?;
                out.push(b'\n');
                Ok(())
            }
        }
    }
}

fn record(cells: impl IntoIterator<Item = impl AsRef<[u8]>>, out: &mut Vec<u8>) -> io::Result<()> {
    let mut line = csv::Writer::from_writer(out);
    line.write_record(cells)?;
    line.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invitation::InvitationId;
    use crate::listing::Days;

    fn listed() -> Listed {
        Listed {
            found: Found {
                id: InvitationId::parse("7329176687475109889").unwrap(),
                name: "=Ada, L".to_owned(),
                profile_url: "https://www.linkedin.com/in/ada".to_owned(),
                headline: String::new(),
                invitation_type: "CONNECTION".to_owned(),
                sent_time: "Sent 3 weeks ago".to_owned(),
                sent_time_days: Days::Unsaid,
            },
            account: AccountName::default(),
        }
    }

    #[test]
    fn the_list_as_lines() {
        let lines = |format| {
            let mut out = Vec::new();
            Lines(format).head(&mut out).unwrap();
            Lines(format).line(&listed(), &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        insta::assert_snapshot!(lines(Format::Csv), @r#"
        invitation_id,account,name,profile_url,headline,invitation_type,sent_time,age_days,sent_on
        7329176687475109889,default,"'=Ada, L",https://www.linkedin.com/in/ada,,CONNECTION,Sent 3 weeks ago,21,2025-05-16
        "#);
        insta::assert_snapshot!(lines(Format::JsonLines), @r#"{"invitation_id":"7329176687475109889","account":"default","name":"=Ada, L","profile_url":"https://www.linkedin.com/in/ada","headline":null,"invitation_type":"CONNECTION","sent_time":"Sent 3 weeks ago","age_days":21,"sent_on":"2025-05-16"}"#);
    }

    #[test]
    fn an_account_is_written_as_it_is() {
        for name in ["@me", "-sales", "=a", "'b", "c,d"] {
            let mut out = Vec::new();
            let account = AccountName::parse(name).unwrap();
            let lines = Lines(Format::Csv);
            lines.head(&mut out).unwrap();
            lines.line(&Listed { account, ..listed() }, &mut out).unwrap();
            let mut read = csv::Reader::from_reader(out.as_slice());
            let line = read.records().next().unwrap().unwrap();
            assert_eq!((&line[1], &line[2]), (name, "'=Ada, L"));
        }
    }

    #[test]
    fn a_row_carries_what_the_report_is_to_show() {
        let row = listed().into_row(3);
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
            (row.number, row.id.as_str(), row.account),
            (3, "7329176687475109889", Some(AccountName::default()))
        );
    }
}
