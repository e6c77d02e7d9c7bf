//! What a run withdraws: the rows of an input, or those of a list.

use std::vec;

use super::part::Part;
use crate::config::Settings;
use crate::input::{CsvStyle, Input, InputError, InputFormat, ReadError, is_profile_url};
use crate::invitation::{Row, RowError};
use crate::listing::Listed;
use crate::report::{Columns, Format};
use crate::runner::Rows;

/// Rows, and what there is to know about them ahead.
pub(super) enum Intake {
    Input(Box<Input>),
    List(vec::IntoIter<Row>),
}

impl Intake {
    /// The columns that the report carries.
    pub(super) fn columns(&self) -> Columns {
        let style = match self {
            Self::Input(input) => input.csv_style(),
            Self::List(_) => CsvStyle::default(),
        };
        Columns::new(self.column_names(), style)
    }

    pub(super) fn column_names(&self) -> Vec<String> {
        match self {
            Self::Input(input) => input.columns().iter().map(ToString::to_string).collect(),
            Self::List(_) => Listed::CARRIED.map(str::to_owned).to_vec(),
        }
    }

    /// The format of a report that nothing is said about.
    pub(super) fn report_format(&self) -> Format {
        match self {
            Self::Input(input) => match input.format() {
                InputFormat::JsonLines => Format::JsonLines,
                InputFormat::Csv | InputFormat::Json => Format::Csv,
            },
            Self::List(_) => Format::Csv,
        }
    }

    /// Whether its rows may hold profiles' addresses: JSON Lines show only later what they hold.
    pub(super) fn may_hold_profiles(&self) -> bool {
        let is_csv = match self {
            Self::Input(input) => input.format() == InputFormat::Csv,
            Self::List(_) => false,
        };
        !is_csv || self.column_names().iter().any(|name| is_profile_url(name))
    }

    /// Its rows, as the run takes them: more than once, where it can be read again.
    pub(super) fn rows(self, settings: &Settings) -> Rows<OwnRows> {
        type Again = Box<dyn FnMut() -> Result<Intake, InputError> + Send>;
        let part = Part::of(settings);
        let again: Option<Again> = match &self {
            Self::Input(input) => settings.source.clone().filter(|_| input.is_regular_file()).map(|source| {
                let options = settings.input.clone();
                Box::new(move || Ok(Self::Input(Box::new(Input::open(&source, &options)?)))) as Again
            }),
            Self::List(rows) => {
                let rows = rows.clone();
                Some(Box::new(move || Ok(Self::List(rows.clone()))))
            }
        };
        let own = move |intake| OwnRows { intake, part };
        let first = own(self);
        Rows { first, again: again.map(|mut again| Box::new(move || again().map(&own)) as _) }
    }

    /// Whether it surely ends.
    pub(super) fn ends(&self) -> bool {
        match self {
            Self::Input(input) => input.is_regular_file(),
            Self::List(_) => true,
        }
    }
}

/// The rows of this process: all, or its share of them.
pub(super) struct OwnRows {
    intake: Intake,
    part: Option<Part>,
}

impl Iterator for OwnRows {
    type Item = <Intake as Iterator>::Item;

    fn next(&mut self) -> Option<Self::Item> {
        let Self { intake, part } = self;
        match part {
            None => intake.next(),
            Some(part) => intake.find_map(|row| row.map(|row| part.own(row)).transpose()),
        }
    }
}

impl Iterator for Intake {
    type Item = Result<Result<Row, RowError>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Input(input) => input.next(),
            Self::List(rows) => rows.next().map(|row| Ok(Ok(row))),
        }
    }
}
