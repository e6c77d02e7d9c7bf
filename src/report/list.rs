//! The output of `list`: a record per invitation, in a form that `run` reads.

use std::io;

use super::file::{Names, ReportFile};
use super::format::{Cell, Field, Format, RecordFile};
use super::paper::Paper;
use super::sinks::why_unwritten;
use super::table::{Column, Table};
use crate::input::CsvStyle;
use crate::listing::Listed;
use crate::stop::{Stop, StopReason};

const COLUMNS: [&str; 10] = [
    "invitation_id",
    "entity_urn",
    "account",
    "name",
    "profile_url",
    "headline",
    "invitation_type",
    "sent_time",
    "age_days",
    "sent_on",
];

/// What people see of it; the account where there are several.
fn table(has_accounts: bool, paper: Paper) -> Table {
    let account = has_accounts.then(|| Column::text("account", 3, 8).usually(12));
    let columns = [
        Column::whole("invitation_id", 0).usually(20),
        Column::text("name", 1, 8).usually(28),
        Column::number("age_days", 2),
        Column::text("headline", 4, 16).usually(48),
    ];
    Table::streamed(account.into_iter().chain(columns).collect(), paper)
}

fn record(listed: &Listed) -> impl Iterator<Item = Field<'_>> {
    let Listed { found, account } = listed;
    let cells = [
        Cell::own(found.id.as_str()),
        Cell::own(found.id.urn()),
        // As the user wrote it, so that `run` finds the account again.
        Cell::own(account.as_str()),
        Cell::foreign(&found.name),
        Cell::foreign(&found.profile_url),
        Cell::foreign(&found.headline),
        Cell::foreign(&found.invitation_type),
        Cell::foreign(&found.sent_time),
        Cell::number(listed.age_days()),
        listed.sent_on().map_or(Cell::Absent, |day| Cell::own(day.to_string())),
    ];
    COLUMNS.map(Into::into).into_iter().zip(cells)
}

/// Where the list goes, while somebody reads it.
#[derive(Debug)]
pub(crate) struct ListSink {
    file: Option<RecordFile>,
    names: Names,
    stop: Stop,
}

impl ListSink {
    /// Without a format it is a table for people.
    pub(crate) fn begin(file: ReportFile, format: Option<Format>, has_accounts: bool, stop: Stop) -> io::Result<Self> {
        let names = file.names();
        let encoder = match format {
            Some(format) => format.encoder(CsvStyle::default()),
            None => Box::new(table(has_accounts, Paper::of_stdout())),
        };
        let file = RecordFile::begin(file, encoder, COLUMNS.into_iter())?;
        let mut sink = Self { file: Some(file), names, stop };
        sink.write(&[]);
        Ok(sink)
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Whether more can be written.
    pub(crate) fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Writes a page at once. The sink closes if that fails.
    pub(crate) fn write(&mut self, page: &[Listed]) {
        let Some(file) = &mut self.file else { return };
        let written = page.iter().try_for_each(|listed| file.add(record(listed))).and_then(|()| file.write());
        let Err(error) = written else { return };
        self.file = None;
        if error.kind() == io::ErrorKind::BrokenPipe {
            // As `head` does, which is no failure.
            tracing::info!("output closed; listing stopped");
        } else {
            let said = format!("the list could not be written: {}", why_unwritten(&error, "-o"));
            self.stop.request(StopReason::ReportUnwritable, said);
        }
    }

    /// Finishes the file. One without a page is discarded if the list was stopped, so that an older one of its name stays.
    pub(crate) fn end(self, has_pages: bool) {
        let Some(file) = self.file else { return };
        if !has_pages && self.stop.is_requested() {
            file.file.discard();
        } else if let Err(error) = file.finish() {
            let said = format!("the list could not be finished: {}", why_unwritten(&error, "-o"));
            self.stop.request(StopReason::ReportUnwritable, said);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::csv::Csv;
    use super::super::format::Encoder;
    use super::super::json::JsonLines;
    use super::*;
    use crate::invitation::AccountName;
    use crate::listing::Found;

    fn listed(account: &str) -> Listed {
        Listed {
            found: Found {
                name: "=Ada, L".to_owned(),
                profile_url: "https://www.linkedin.com/in/ada".to_owned(),
                invitation_type: "CONNECTION".to_owned(),
                sent_time: "Sent 3 weeks ago".to_owned(),
                ..Found::bare("7329176687475109889")
            },
            account: AccountName::parse(account).unwrap(),
        }
    }

    fn written(mut encoder: impl Encoder, account: &str) -> String {
        let mut out = Vec::new();
        encoder.head(&mut COLUMNS.into_iter(), &mut out).unwrap();
        encoder.line(&mut record(&listed(account)), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_list_as_lines() {
        insta::assert_snapshot!(written(Csv::default(), "default"), @r#"
        invitation_id,entity_urn,account,name,profile_url,headline,invitation_type,sent_time,age_days,sent_on
        7329176687475109889,urn:li:invitation:7329176687475109889,default,"'=Ada, L",https://www.linkedin.com/in/ada,,CONNECTION,Sent 3 weeks ago,21,2025-05-16
        "#);
        insta::assert_snapshot!(written(JsonLines, "default"), @r#"{"invitation_id":"7329176687475109889","entity_urn":"urn:li:invitation:7329176687475109889","account":"default","name":"=Ada, L","profile_url":"https://www.linkedin.com/in/ada","headline":null,"invitation_type":"CONNECTION","sent_time":"Sent 3 weeks ago","age_days":21,"sent_on":"2025-05-16"}"#);
    }

    #[test]
    fn people_see_the_account_where_there_are_several() {
        let paper = Paper { width: 80, ellipsis: "…" };
        insta::assert_snapshot!(written(table(false, paper), "sales"), @r"
        invitation_id         name                          age_days  headline
        7329176687475109889   =Ada, L                             21
        ");
        insta::assert_snapshot!(written(table(true, paper), "sales"), @r"
        account   invitation_id         name                  age_days  headline
        sales     7329176687475109889   =Ada, L                     21
        ");
    }

    #[test]
    fn an_account_is_written_as_it_is() {
        for name in ["@me", "-sales", "=a", "'b", "c,d"] {
            let out = written(Csv::default(), name);
            let mut read = csv::Reader::from_reader(out.as_bytes());
            let line = read.records().next().unwrap().unwrap();
            assert_eq!((&line[2], &line[3]), (name, "'=Ada, L"));
        }
    }
}
