//! What the first record says: the delimiter, whether it is a header, and which column means what.
//!
//! Owns the choice between delimiters. Must not read beyond the first record.

use std::sync::Arc;

use super::columns::{ColumnNames, Roles, is_profile_url, is_secret, listed, unique};
use super::csv_framer::Framer;
use super::csv_record::{Record, holds_rows};
use super::error::InputError;
use super::source::InputOptions;
use crate::invitation::{IdError, InvitationId};

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Where a record's cells go.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) id: usize,
    pub(super) roles: Roles,
    pub(super) profile_urls: Vec<usize>,
    pub(super) width: usize,
    /// Which cells are carried, and the names of their columns.
    pub(super) carried: Vec<usize>,
    pub(super) names: Vec<Arc<str>>,
}

/// What the first record is under one delimiter. The later ones are preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Neither,
    Data,
    /// Preferred to [`Verdict::Data`], since a comma makes an ID of `7,32918E+18`.
    RuinedData,
    Header,
}

struct Candidate {
    delimiter: u8,
    verdict: Verdict,
    cells: Vec<String>,
}

/// Settles the framer's delimiter and the layout, and takes the header where there is one. `None` where the input
/// has no record at all.
pub(super) fn settle(framer: &mut Framer, name: &str, options: &InputOptions) -> Result<Option<Layout>, InputError> {
    let names = ColumnNames::new(options.id_column.as_deref());
    let announced = take_announced(framer);
    let delimiters = match options.delimiter.or(announced) {
        Some(delimiter) if !may_delimit(delimiter) => return Err(InputError::Delimiter { delimiter }),
        Some(delimiter) => vec![delimiter],
        None => DELIMITERS.to_vec(),
    };
    let Some(frame) = framer.peek() else { return Ok(None) };
    let broken = InputError::BrokenHeader { name: name.into(), line: frame.line };
    let mut best: Option<Candidate> = None;
    let mut any_broken = false;
    for delimiter in delimiters {
        let Some(candidate) = candidate(framer, delimiter, &names, options) else {
            any_broken = true;
            continue;
        };
        let rank = |candidate: &Candidate| (candidate.verdict, candidate.cells.len());
        if best.as_ref().is_none_or(|best| rank(&candidate) > rank(best)) {
            best = Some(candidate);
        }
    }
    let Some(Candidate { delimiter, verdict, cells }) = best else { return Err(broken) };
    framer.delimiter = delimiter;
    match verdict {
        Verdict::Data | Verdict::RuinedData => Ok(Some(headerless(cells.len()))),
        Verdict::Header => {
            let layout = header(&names, &cells, name)?;
            if holds_rows(&cells, layout.id, layout.width, delimiter) {
                return Err(broken);
            }
            if let Some(frame) = framer.peek() {
                framer.take(&frame);
            }
            Ok(Some(layout))
        }
        Verdict::Neither if any_broken => Err(broken),
        Verdict::Neither => Err(no_id_column(cells, name, options)),
    }
}

/// The delimiter that Excel's first line `sep=;` announces.
fn take_announced(framer: &mut Framer) -> Option<u8> {
    let frame = framer.peek()?;
    let line = framer.bytes(&frame);
    let (key, delimiter) = line.split_at_checked(b"sep=".len())?;
    let &[delimiter] = delimiter else { return None };
    if frame.shape.is_err() || !key.eq_ignore_ascii_case(b"sep=") {
        return None;
    }
    framer.take(&frame);
    Some(delimiter)
}

/// A digit or a letter would cut IDs into other IDs, a byte beyond ASCII would cut characters.
fn may_delimit(byte: u8) -> bool {
    byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'"' | b'\r' | b'\n')
}

fn candidate(framer: &mut Framer, delimiter: u8, names: &ColumnNames, options: &InputOptions) -> Option<Candidate> {
    framer.delimiter = delimiter;
    let frame = framer.peek().filter(|frame| frame.shape.is_ok())?;
    let mut record = Record::new(delimiter);
    record.parse(framer.bytes(&frame));
    let cells = record.cells();
    let verdict = if cells.iter().any(|cell| names.is_id(cell)) {
        Verdict::Header
    } else if options.id_column.is_some() {
        Verdict::Neither
    } else {
        data_verdict(&cells)
    };
    Some(Candidate { delimiter, verdict, cells })
}

fn data_verdict(cells: &[String]) -> Verdict {
    let Some((first, others)) = cells.split_first() else { return Verdict::Neither };
    match InvitationId::parse(first) {
        Ok(_) if is_grouped_number(first, others) => Verdict::Neither,
        Ok(_) => Verdict::Data,
        Err(IdError::Scientific) => Verdict::RuinedData,
        Err(IdError::NotAnId) if is_urn(first) => Verdict::Data,
        Err(IdError::NotAnId | IdError::Missing | IdError::Rounded) => Verdict::Neither,
    }
}

/// `7,329,176`: one number with its thousands set apart, not the invitation 7.
fn is_grouped_number(first: &str, others: &[String]) -> bool {
    let is_group = |cell: &String| cell.len() == 3 && cell.bytes().all(|byte| byte.is_ascii_digit());
    first.len() <= 3 && !others.is_empty() && others.iter().all(is_group)
}

fn is_urn(cell: &str) -> bool {
    cell.trim_start().get(..4).is_some_and(|head| head.eq_ignore_ascii_case("urn:"))
}

fn header(names: &ColumnNames, cells: &[String], name: &str) -> Result<Layout, InputError> {
    refuse_secrets(cells, name)?;
    let roles = names
        .roles(cells.iter().map(String::as_str))
        .map_err(|ambiguous| InputError::AmbiguousColumns { name: name.into(), ambiguous })?;
    let width = cells.len();
    let id = roles.id.unwrap_or_default();
    let is_carried = |at: &usize| *at != id && Some(*at) != roles.account;
    let profile_urls = (0..width).filter(|&at| is_profile_url(&cells[at])).collect();
    let carried: Vec<_> = (0..width).filter(is_carried).collect();
    let names = unique(cells.iter().cloned().enumerate().filter(|(at, _)| is_carried(at)));
    Ok(Layout { id, roles, profile_urls, width, carried, names })
}

fn headerless(width: usize) -> Layout {
    let names = (2..=width).map(|number| format!("column_{number}").into()).collect();
    Layout { width, carried: (1..width).collect(), names, ..Layout::default() }
}

fn refuse_secrets(cells: &[String], name: &str) -> Result<(), InputError> {
    match cells.iter().find(|cell| is_secret(cell)) {
        Some(column) => Err(InputError::Secret { name: name.into(), column: column.trim().into() }),
        None => Ok(()),
    }
}

fn no_id_column(cells: Vec<String>, name: &str, options: &InputOptions) -> InputError {
    if let Err(secret) = refuse_secrets(&cells, name) {
        return secret;
    }
    let (name, columns) = (name.into(), listed(&cells));
    match options.id_column.clone() {
        Some(wanted) => InputError::NoSuchColumn { name, wanted, columns },
        None => InputError::NoIdColumn { name, columns },
    }
}
