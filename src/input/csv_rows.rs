//! Turns CSV records into rows.
//!
//! Owns the choice of the delimiter, what the first record is, and what a cell means once its column is known. Must not
//! decide where a record ends.

use std::sync::Arc;

use csv::StringRecord;

use super::columns::{
    ColumnNames, ID_TEXT_CHARS, Roles, cut, is_address, is_profile_url, is_secret, is_short, listed, only_address,
    resolve_or_profile, unique,
};
use super::csv_records::{CsvRecord, CsvRecords, Malformed};
use super::open::{CsvStyle, InputError, InputOptions};
use crate::invitation::{AccountName, Carried, Country, IdError, InvitationId, Row, RowError};

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

pub(super) struct CsvRows {
    records: CsvRecords,
    columns: CsvColumns,
    refuse_rounded: bool,
    number: u64,
    /// Up to this line, what is read may be the text of a quoted cell.
    doubtful_to: u64,
}

/// The columns by what they mean.
#[derive(Default)]
pub(super) struct CsvColumns {
    roles: Roles,
    profile_urls: Vec<usize>,
    width: usize,
    has_header: bool,
    carried: Vec<usize>,
    /// The carried columns' names.
    pub(super) names: Vec<Arc<str>>,
}

/// What the first record is under one delimiter. The later ones are preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum FirstRecord {
    Unusable,
    Data,
    /// Preferred to [`FirstRecord::Data`], since a comma as delimiter makes an ID of `7,32918E+18`.
    RuinedData,
    Header,
}

impl CsvColumns {
    /// Chooses the records' delimiter and reads the header where there is one. `None` where the input has no record.
    pub(super) fn find(
        records: &mut CsvRecords,
        name: &str,
        options: &InputOptions,
    ) -> Result<Option<Self>, InputError> {
        let names = ColumnNames::new(options.id_column.as_deref());
        let announced = take_announced(records);
        let delimiters = match options.delimiter.or(announced) {
            Some(delimiter) if !may_delimit(delimiter) => return Err(InputError::Delimiter { delimiter }),
            Some(delimiter) => vec![delimiter],
            None => DELIMITERS.to_vec(),
        };
        let Some(first) = records.peek() else { return Ok(None) };
        let line = first.line;
        let broken = InputError::BrokenHeader { name: name.into(), line };
        let (best, any_broken) = best_delimiter(records, delimiters, &names, options);
        let Some((first, cells, delimiter)) = best else { return Err(broken) };
        records.set_delimiter(delimiter);
        match first {
            FirstRecord::Data | FirstRecord::RuinedData if holds_id_and_address(&cells) => {
                Err(InputError::IdAndProfile { name: name.into(), line, delimiter })
            }
            FirstRecord::Data | FirstRecord::RuinedData if holds_several(&cells) => {
                Err(InputError::SeveralIds { name: name.into() })
            }
            FirstRecord::Data | FirstRecord::RuinedData => Ok(Some(Self::without_header(&cells))),
            FirstRecord::Header => {
                let columns = Self::of_header(&names, &cells, name)?;
                if holds_rows(&cells, &columns, delimiter) {
                    return Err(broken);
                }
                records.next();
                Ok(Some(columns))
            }
            FirstRecord::Unusable if any_broken => Err(broken),
            FirstRecord::Unusable => Err(no_id_column(&cells, name, options)),
        }
    }

    fn of_header(names: &ColumnNames, cells: &[String], name: &str) -> Result<Self, InputError> {
        refuse_secrets(cells, name)?;
        let roles = names
            .roles(cells.iter().map(String::as_str))
            .map_err(|ambiguous| InputError::AmbiguousColumns { name: name.into(), ambiguous })?;
        let width = cells.len();
        let is_carried = |at: &usize| roles.is_carried(*at);
        let profile_urls = (0..width).filter(|&at| is_profile_url(&cells[at])).collect();
        let carried = (0..width).filter(is_carried).collect();
        let names = unique(cells.iter().cloned().enumerate().filter(|(at, _)| is_carried(at)));
        Ok(Self { roles, profile_urls, width, has_header: true, carried, names })
    }

    /// The first cell is an ID or a profile's address. The report carries it where the first one is an address.
    fn without_header(first: &[String]) -> Self {
        let width = first.len();
        let has_addresses = first.first().is_some_and(|cell| is_address(cell));
        let address = has_addresses.then(|| Arc::from("profile_url"));
        let names = address.into_iter().chain((2..=width).map(|number| format!("column_{number}").into())).collect();
        let carried = (usize::from(!has_addresses)..width).collect();
        let roles = Roles { id: Some(0), ..Roles::default() };
        Self { roles, profile_urls: vec![0], width, carried, names, has_header: false }
    }

    /// The columns that name a row's person or invitation.
    fn naming(&self) -> impl Iterator<Item = usize> {
        self.roles.id.into_iter().chain(self.profile_urls.iter().copied())
    }
}

/// What the first record is under the delimiter that makes the most of it, and whether it can't be read under some.
fn best_delimiter(
    records: &mut CsvRecords,
    delimiters: Vec<u8>,
    names: &ColumnNames,
    options: &InputOptions,
) -> (Option<(FirstRecord, Vec<String>, u8)>, bool) {
    let mut best: Option<(FirstRecord, Vec<String>, u8)> = None;
    let mut any_broken = false;
    for delimiter in delimiters {
        records.set_delimiter(delimiter);
        if records.peek().is_none_or(|record| record.malformed.is_some()) {
            any_broken = true;
            continue;
        }
        let cells = records.cells();
        let first = first_record(&cells, names, options);
        if best.as_ref().is_none_or(|(best, cells_of_best, _)| (first, cells.len()) > (*best, cells_of_best.len())) {
            best = Some((first, cells, delimiter));
        }
    }
    (best, any_broken)
}

/// Sets the delimiter that the first record shows; a comma where it shows none.
pub(crate) fn detect_delimiter(records: &mut CsvRecords) {
    let delimiters =
        take_announced(records).filter(|byte| may_delimit(*byte)).map_or(DELIMITERS.into(), |one| vec![one]);
    let (best, _) = best_delimiter(records, delimiters, &ColumnNames::new(None), &InputOptions::default());
    let delimiter =
        best.filter(|(first, ..)| *first != FirstRecord::Unusable).map_or(b',', |(.., delimiter)| delimiter);
    records.set_delimiter(delimiter);
}

/// The delimiter that Excel's first line `sep=;` announces.
fn take_announced(records: &mut CsvRecords) -> Option<u8> {
    let record = records.peek()?;
    let (key, delimiter) = records.raw(&record).split_at_checked(b"sep=".len())?;
    let &[delimiter] = delimiter else { return None };
    if record.malformed.is_some() || !key.eq_ignore_ascii_case(b"sep=") {
        return None;
    }
    records.consume(&record);
    Some(delimiter)
}

/// A digit or a letter would cut IDs into other IDs, a byte beyond ASCII would cut characters.
fn may_delimit(byte: u8) -> bool {
    byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'"' | b'\r' | b'\n')
}

fn first_record(cells: &[String], names: &ColumnNames, options: &InputOptions) -> FirstRecord {
    let names_people = options.id_column.is_none() && cells.iter().any(|cell| is_profile_url(cell));
    if names_people || cells.iter().any(|cell| names.is_id(cell)) {
        return FirstRecord::Header;
    }
    let Some((first, others)) = cells.split_first().filter(|_| options.id_column.is_none()) else {
        return FirstRecord::Unusable;
    };
    match InvitationId::parse(first) {
        Ok(_) if is_grouped_number(first, others) => FirstRecord::Unusable,
        Ok(_) => FirstRecord::Data,
        Err(IdError::Scientific) => FirstRecord::RuinedData,
        Err(IdError::NotAnId) if is_urn(first) || is_address(first) => FirstRecord::Data,
        Err(IdError::NotAnId | IdError::Missing | IdError::Rounded { .. }) => FirstRecord::Unusable,
    }
}

/// `7,329,176`: one number with thousands separators, not the invitation 7.
fn is_grouped_number(first: &str, others: &[String]) -> bool {
    let is_group = |cell: &String| cell.len() == 3 && cell.bytes().all(|byte| byte.is_ascii_digit());
    first.len() <= 3 && !others.is_empty() && others.iter().all(is_group)
}

/// Whether the cells name different invitations: without a header nothing says which of the columns is meant.
fn holds_several(cells: &[String]) -> bool {
    let mut ids = cells.iter().filter_map(|cell| InvitationId::parse(cell).ok());
    let addresses = cells.iter().filter(|cell| is_address(cell)).count();
    holds_id_and_address(cells)
        || (cells.first().is_some_and(|cell| is_address(cell)) && addresses > 1)
        || ids.next().is_some_and(|first| ids.any(|id| id != first))
}

/// Whether the ID may be a row number beside the address of the person who is meant.
fn holds_id_and_address(cells: &[String]) -> bool {
    let is_id = |cell: &String| matches!(InvitationId::parse(cell), Ok(_) | Err(IdError::Scientific));
    cells.iter().any(is_id) && cells.iter().any(|cell| is_address(cell))
}

fn is_urn(cell: &str) -> bool {
    cell.trim_start().get(..4).is_some_and(|head| head.eq_ignore_ascii_case("urn:"))
}

fn refuse_secrets(cells: &[String], name: &str) -> Result<(), InputError> {
    match cells.iter().find(|cell| is_secret(cell)) {
        Some(column) => Err(InputError::Secret { name: name.into(), column: column.trim().into() }),
        None => Ok(()),
    }
}

fn no_id_column(cells: &[String], name: &str, options: &InputOptions) -> InputError {
    if let Err(secret) = refuse_secrets(cells, name) {
        return secret;
    }
    let (name, columns) = (name.into(), listed(cells));
    match options.id_column.clone() {
        Some(wanted) => InputError::NoSuchColumn { name, wanted, columns },
        None => InputError::NoIdColumn { name, columns },
    }
}

impl CsvRows {
    pub(super) fn new(records: CsvRecords, columns: CsvColumns, refuse_rounded: bool) -> Self {
        Self { records, columns, refuse_rounded, number: 0, doubtful_to: 0 }
    }

    pub(super) fn style(&self) -> CsvStyle {
        self.records.style()
    }

    pub(super) fn records(&mut self) -> &mut CsvRecords {
        &mut self.records
    }

    fn row(&self, record: &CsvRecord) -> Result<Row, RowError> {
        let Self { records, columns, number, .. } = self;
        let line = Some(record.line);
        let cell = |at: Option<usize>| records.cell(at?);
        // Without a header it may be an ID or an address.
        let id_cell = cell(columns.roles.id).filter(|cell| columns.has_header || !is_address(cell));
        let account = cell(columns.roles.account).and_then(|name| AccountName::parse(&name));
        let country = cell(columns.roles.country).and_then(|code| Country::parse(&code));
        let entity_urn = cell(columns.roles.entity_urn);
        let profile_url = only_address(
            columns
                .profile_urls
                .iter()
                .filter_map(|&at| records.cell(at).filter(|cell| columns.has_header || is_address(cell))),
        );
        let mut carried = StringRecord::new();
        for &at in &columns.carried {
            let Some(cell) = records.cell(at) else { break };
            // Where the column of addresses has an ID.
            carried.push_field(if columns.roles.id == Some(at) && id_cell.is_some() { "" } else { &cell });
        }
        let carried = Carried::Cells(carried);
        let id = self.check_shape(record).and_then(|()| {
            resolve_or_profile(id_cell.as_deref(), entity_urn.as_deref(), profile_url.as_deref(), self.refuse_rounded)
                .map_err(|error| error.to_string())
        });
        match id {
            Ok(id) => {
                let is_short = is_short(id.as_ref(), id_cell.as_deref(), entity_urn.as_deref());
                Ok(Row { number: *number, line, id, account, country, profile_url, is_short, carried })
            }
            Err(reason) => {
                let id_text = cut(&id_cell.unwrap_or_default(), ID_TEXT_CHARS);
                let urn_text = cut(&entity_urn.unwrap_or_default(), ID_TEXT_CHARS);
                Err(RowError { number: *number, line, id_text, urn_text, account, reason, carried })
            }
        }
    }

    fn check_shape(&self, record: &CsvRecord) -> Result<(), String> {
        let (cells, width) = (self.records.width(), self.columns.width);
        if cells > width {
            return Err(format!(
                "{cells} cells where the first record has {width}: the columns may have shifted; quote the cell that \
                 holds the delimiter"
            ));
        }
        if cells < width && record.line <= self.doubtful_to {
            return Err(format!(
                "line {} follows a quote that is not closed and has fewer cells than a row, so it may be text of that \
                 cell: correct the quotes",
                record.line
            ));
        }
        let delimiter = self.records.delimiter();
        if delimiter == b',' && self.splits_number() {
            return Err(IdError::Scientific.to_string());
        }
        if !self.columns.has_header && width > 1 && holds_several(&self.records.cells()) {
            return Err(
                "several IDs, profile URLs or other numbers in one line without a header: write one per line, or put a \
                        header like invitation_id,name above the columns"
                    .into(),
            );
        }
        if record.lines > 1 && holds_rows(&self.records.cells(), &self.columns, delimiter) {
            return Err(format!(
                "lines {} to {} are one record by their quotes, but look like separate rows (an unclosed quote?): none of \
                 them is sent; correct the quotes",
                record.line,
                record.line + record.lines - 1
            ));
        }
        Ok(())
    }

    /// Whether the delimiter is really the decimal comma of `7,32918E+18`: the 7 before it is no ID.
    fn splits_number(&self) -> bool {
        let cells = self.columns.roles.id.and_then(|id| self.records.cell(id).zip(self.records.cell(id + 1)));
        cells.is_some_and(|(whole, fraction)| {
            whole.len() < 4 && InvitationId::parse(&format!("{whole},{fraction}")) == Err(IdError::Scientific)
        })
    }
}

impl Iterator for CsvRows {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.records.next()?;
        self.number += 1;
        let Some(malformed) = record.malformed else { return Some(self.row(&record)) };
        self.doubtful_to = self.doubtful_to.max(record.reached);
        Some(Err(malformed_row(self.number, record.line, malformed)))
    }
}

/// Nothing of the record is quoted: as its quotes are wrong, any part of it may be another cell's text.
fn malformed_row(number: u64, line: u64, malformed: Malformed) -> RowError {
    let reason = format!(
        "line {line}: the record that begins here {malformed} (an unclosed quote?); reading goes on at line {}",
        line + 1
    );
    let (id_text, urn_text) = (String::new(), String::new());
    RowError { number, line: Some(line), id_text, urn_text, account: None, reason, carried: Carried::default() }
}

/// Whether a line inside a quoted cell looks like a row: an unclosed quote may find its end at any later cell that ends in
/// one (`27"`). Then neither reading of the lines is certain enough for what can't be undone.
fn holds_rows(cells: &[String], columns: &CsvColumns, delimiter: u8) -> bool {
    let width = columns.width;
    cells.iter().enumerate().any(|(at, cell)| {
        // The row in which the quote finds its end has the rest of its cells behind this one.
        let behind = cells.len() - at - 1;
        cell.split(['\n', '\r']).skip(1).any(|line| {
            let parts: Vec<_> = line.split(char::from(delimiter)).collect();
            let is_row = parts.len() > 1 && (parts.len() == width || parts.len() + behind == width);
            let names_somebody = |part: &&str| InvitationId::parse(part).is_ok() || is_address(part);
            is_row && columns.naming().filter_map(|at| parts.get(at)).any(names_somebody)
        })
    })
}
