//! What the fuzz targets in `fuzz/` do with their bytes: nothing may panic, and what is asserted here must hold for any.
//!
//! `cargo test` does the same with the seeds in `fuzz/seeds`, found cases included, and with random changes to them.

#![allow(clippy::panic, reason = "a target fails by panicking")]

use std::cell::RefCell;
use std::io::{self, Read};

use csv_core::ReadFieldResult;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::api::{ApiVersion, CallResult, HttpAnswer, InvitationType};
use crate::config;
use crate::input::{Input, InputFormat, InputOptions};
use crate::invitation::{InvitationId, Row, RowError};
use crate::listing::{PersonAddress, read_page, repeats_key};
use crate::policy::{Meaning, SuccessMessages, certain_days, cost, cut, is_younger_by_id, judge, page_cost, sent_at};
use crate::report::{Cell, Column, Paper, Table, TableFormat, encode, harmless, json_line};

/// A target's name and what it does.
pub type Target = (&'static str, fn(&[u8]));

pub const TARGETS: &[Target] = &[
    ("csv", csv),
    ("json", json),
    ("answer_v1", answer_v1),
    ("answer_v2", answer_v2),
    ("page", page),
    ("age", age),
    ("config", configuration),
    ("profile", profile),
    ("id", id),
    ("output", output),
];

/// An input as CSV, its first byte being what the user says about it.
pub fn csv(data: &[u8]) {
    read_both_ways(data, InputFormat::Csv);
}

/// An input as a JSON document or as JSON Lines.
pub fn json(data: &[u8]) {
    let are_lines = data.first().is_some_and(|said| said & 2 != 0);
    read_both_ways(data, if are_lines { InputFormat::JsonLines } else { InputFormat::Json });
}

/// Rows do not depend on how many bytes a read returns.
fn read_both_ways(data: &[u8], format: InputFormat) {
    let Some((said, content)) = data.split_first() else { return };
    let pieces = read_rows(*said, content, 1 + usize::from(*said >> 4), format);
    // Not always: opening an input takes longer than reading a small one.
    if said & 8 != 0 {
        let whole = read_rows(*said, content, content.len().max(1), format);
        assert_eq!(whole, pieces, "read in pieces it says something else");
    }
}

type Rows = Option<Vec<Result<Row, RowError>>>;

fn read_rows(said: u8, content: &[u8], size: usize, format: InputFormat) -> Rows {
    let options = InputOptions {
        id_column: (said & 1 != 0).then(|| "id".to_owned()),
        delimiter: (said & 2 != 0).then_some(b';'),
        format: Some(format),
        accept_rounded_ids: said & 4 != 0,
    };
    let reader = Pieces { content: content.to_vec(), at: 0, size };
    let mut input = match Input::from_reader(reader, "input", None, &options) {
        Ok(input) => input,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    let mut rows = Vec::new();
    let mut line = 0;
    for row in input.by_ref() {
        let row = match row {
            Ok(row) => row,
            Err(error) => panic!("nothing was wrong with reading: {error}"),
        };
        let (number, at) = match &row {
            Ok(row) => (row.number, row.line),
            Err(error) => (error.number, error.line),
        };
        assert_eq!(number, rows.len() as u64 + 1, "each record is one row");
        if let Some(at) = at {
            assert!(at >= line, "line {at} after line {line}");
            line = at;
        }
        match &row {
            Ok(row) => {
                assert!(row.id.is_some() || row.profile_url.is_some(), "a row without anybody: {row:?}");
                row.id.iter().for_each(is_whole);
            }
            Err(error) => assert!(!error.reason.is_empty() && !error.reason.contains(char::is_control), "{error:?}"),
        }
        rows.push(row);
        assert!(rows.len() <= content.len(), "a row takes a byte at least");
    }
    assert!(input.next().is_none(), "it goes on after its end");
    Some(rows)
}

/// Returns at most `size` bytes at a time.
struct Pieces {
    content: Vec<u8>,
    at: usize,
    size: usize,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = &self.content[self.at..];
        let length = rest.len().min(self.size).min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}

/// An ID that prints as something that parses as the same ID, with nothing around its digits.
fn is_whole(id: &InvitationId) {
    let text = id.as_str();
    assert!((1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()), "{text}");
    assert!(text == "0" || !text.starts_with('0'), "{text}");
    for text in [id.to_string(), id.urn(), format!(" '{id}")] {
        assert_eq!(InvitationId::parse(&text).as_ref(), Ok(id), "{text}");
    }
}

pub fn id(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(id) = InvitationId::parse(&text) else { return };
    is_whole(&id);
    assert!(text.contains(id.as_str()), "{id} is not in {text:?}");
    if let Ok(unrounded) = id.clone().unrounded() {
        assert_eq!(unrounded, id);
    }
}

/// The invitation that each answer is about.
const ID: &str = "7329176687475109888";
const STATUSES: [u16; 20] =
    [200, 201, 202, 204, 301, 307, 400, 401, 402, 403, 404, 409, 422, 429, 500, 501, 502, 503, 504, 599];

pub fn answer_v1(data: &[u8]) {
    judge_answer(ApiVersion::V1, data);
}

pub fn answer_v2(data: &[u8]) {
    judge_answer(ApiVersion::V2, data);
}

/// An answer, its first byte being the status.
fn judge_answer(version: ApiVersion, data: &[u8]) {
    let Some((first, body)) = data.split_first() else { return };
    let http_status = STATUSES[usize::from(*first) % STATUSES.len()];
    let result = CallResult::Answered(HttpAnswer { http_status, body: body.to_vec(), ..HttpAnswer::default() });
    let verdict = judge(version, &result, ID, &SuccessMessages::default());
    let words = cut(&verdict.words);
    assert!(!words.contains(char::is_control) && words.chars().count() <= 301, "{words:?}");

    let cost = cost(version, verdict.meaning, &result);
    assert!(cost.charged <= cost.possible, "{cost:?}");
    let page = page_cost(version, &result);
    assert!(page.charged <= page.possible, "{page:?}");

    let why = || format!("{http_status} {:?} means {:?}", String::from_utf8_lossy(body), verdict.meaning);
    match verdict.meaning {
        Meaning::Withdrawn => {
            assert!((200..300).contains(&http_status), "{}", why());
            assert!(is_said_success(version, body), "{}", why());
        }
        Meaning::NotPending => {
            assert!(http_status != 429 && http_status <= 500, "{}", why());
            let said = decoded(body);
            assert!(["accept", "declin", "withdr", "pending"].iter().any(|word| said.contains(word)), "{}", why());
        }
        Meaning::NotSent => panic!("{}", why()),
        Meaning::NotFound
        | Meaning::Rejected
        | Meaning::Refused(_)
        | Meaning::RateLimited
        | Meaning::ServerError
        | Meaning::Lost
        | Meaning::Unclear => {}
    }
}

/// Whether the plain words of a success are there, and nothing that contradicts them. Knows less than the judge.
fn is_said_success(version: ApiVersion, body: &[u8]) -> bool {
    let Ok(Value::Object(members)) = serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)) else {
        return false;
    };
    let claims = match version {
        ApiVersion::V1 => {
            members.get("status").and_then(Value::as_str).is_some_and(|it| it.trim().eq_ignore_ascii_case("success"))
        }
        ApiVersion::V2 => members.get("success") == Some(&Value::Bool(true)),
    };
    let is_confirming = |text: &Value| match text {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty() || text.to_lowercase().contains("withdr"),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    };
    let has_no_error = match members.get("error") {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::Number(number)) => number.as_u64() == Some(0),
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(members)) => members.is_empty(),
        Some(Value::Bool(true)) => false,
    };
    let is_ours = |value: &Value| match value {
        Value::String(text) => text.contains(ID),
        Value::Number(number) => number.as_str() == ID,
        Value::Null => true,
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    };
    let data = members.get("data");
    let of_data = |name: &str| data.and_then(|data| data.get(name));
    claims
        && has_no_error
        && members.get("message").is_none_or(is_confirming)
        && [members.get("invitation_id"), of_data("invitation_id")].into_iter().flatten().all(is_ours)
        && of_data("withdrawn").is_none_or(|it| *it == true || it.is_null())
}

/// All texts of a JSON value, in lower case.
fn decoded(body: &[u8]) -> String {
    fn add(value: &Value, to: &mut String) {
        match value {
            Value::String(text) => to.push_str(text),
            Value::Array(items) => items.iter().for_each(|item| add(item, to)),
            Value::Object(members) => members.iter().for_each(|(name, value)| {
                to.push_str(name);
                add(value, to);
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut text = String::new();
    if let Ok(value) = serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)) {
        add(&value, &mut text);
    }
    text.to_lowercase()
}

/// A page of the list, in either version.
pub fn page(data: &[u8]) {
    for version in [ApiVersion::V1, ApiVersion::V2] {
        let Some(page) = read_page(version, InvitationType::Connection, data, str::to_owned) else { continue };
        assert!(!repeats_key(data), "a page of which a key occurs twice");
        assert!(page.entries() <= data.len() as u64);
        for found in &page.found {
            is_whole(&found.id);
            for text in [&found.name, &found.profile_url, &found.headline, &found.invitation_type, &found.sent_time] {
                assert!(!text.contains(char::is_control) && text.chars().count() <= 301, "{text:?}");
            }
        }
    }
}

/// An age in words, and what an ID says of it.
pub fn age(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(days) = certain_days(&text) {
        let digits = |c: char| c.is_ascii_digit();
        let number = text.split(|c| !digits(c)).find(|part| !part.is_empty());
        let count: u64 = number.map_or(1, |number| number.parse().unwrap_or(u64::MAX));
        assert!(u64::from(days) <= count.saturating_mul(365), "{text:?} is {days} days");
        assert_eq!(certain_days(&text.to_ascii_uppercase()), Some(days), "{text:?}");
        if let (Some(number), Some(less)) = (number, count.checked_sub(1)) {
            let younger = certain_days(&text.replacen(number, &less.to_string(), 1));
            assert!(younger.is_some_and(|younger| younger <= days), "{text:?} is {days} days, one less {younger:?}");
        }
    }
    let Some((id, rest)) = data.split_first_chunk::<8>() else { return };
    let id = u64::from_le_bytes(*id);
    let days = rest.first_chunk::<2>().map_or(0, |days| u32::from(u16::from_le_bytes(*days)));
    let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_800_000_000);
    let id_text = id.to_string();
    if let (Some(sent), Some(later)) = (sent_at(&id_text), id.checked_add(1 << 22)) {
        assert!(sent_at(&later.to_string()).is_some_and(|later| later > sent), "{id}");
    }
    if is_younger_by_id(&id_text, days, now) {
        assert!(is_younger_by_id(&id_text, days + 1, now), "{id}: younger than {days} days, not than one more");
    }
}

/// A configuration file.
pub fn configuration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(error) = config::error_of_file(text) {
        assert!(!error.is_empty() && !error.contains(char::is_control), "{error:?}");
    }
}

/// A profile's address: what compares equal to it is only what names the same person in the same way.
pub fn profile(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Some(address) = PersonAddress::parse(&text) else { return };
    let who = address.as_str();
    let is_unclear = |c: char| c.is_whitespace() || c.is_control() || "/?#%".contains(c);
    assert!(!who.is_empty() && !who.contains(is_unclear), "{who:?} of {text:?}");
    let again = PersonAddress::parse(&format!("https://www.linkedin.com/in/{who}"));
    assert_eq!(again.as_ref(), Some(&address), "{text:?}");
}

/// Text of the input or the API, in each output: no spreadsheet executes it, no terminal obeys it, no program stumbles over it.
pub fn output(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    let value = Value::from(text);
    let cells = || [[Cell::Number(7), Cell::Foreign(text), Cell::Json(&value)]];
    let columns = ["invitation_id", "a", "b"];
    let paper = || Paper { width: 60, ellipsis: "…" };
    let written = |format: TableFormat| {
        let table = Table::new(columns.map(|name| Column::whole(name, 0)).into(), paper());
        encode(format.encoder(table), columns, cells()).unwrap_or_else(|error| panic!("{error}"))
    };

    let csv = written(TableFormat::Csv);
    READERS.with_borrow_mut(|readers| {
        for (delimiter, reader) in DELIMITERS.into_iter().zip(readers) {
            for cell in read_cells(&csv, reader) {
                let is_formula = cell.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
                assert!(!is_formula, "{csv:?} by {:?}", char::from(delimiter));
            }
        }
    });

    is_harmless(&written(TableFormat::Table));
    is_harmless(&harmless(text, '\n'));
    is_harmless(&cut(text));
    is_harmless(&paper().folded(text, 4));
    let fields = serde_json::Map::from_iter([("name".to_owned(), value.clone())]);
    let line = json_line(tracing::Level::INFO, "notice", text, fields);
    is_harmless(&line);
    assert_eq!(line.find('\n'), Some(line.len() - 1), "{line:?}");
    let read: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    assert_eq!((&read["message"], &read["name"]), (&value, &value));
    let read: Value = serde_json::from_str(&written(TableFormat::Json)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((&read[0]["a"], &read[0]["b"]), (&value, &value));
}

const DELIMITERS: [u8; 4] = *b",;\t|";

thread_local! {
    /// Those of other programs. Making one takes longer than all that a target does.
    static READERS: RefCell<[csv_core::Reader; 4]> =
        RefCell::new(DELIMITERS.map(|delimiter| csv_core::ReaderBuilder::new().delimiter(delimiter).build()));
}

fn read_cells(csv: &str, reader: &mut csv_core::Reader) -> Vec<String> {
    reader.reset();
    let mut cells = Vec::new();
    let mut cell = vec![0; csv.len() + 1];
    let (mut rest, mut length) = (csv.as_bytes(), 0);
    loop {
        let (result, read, wrote) = reader.read_field(rest, &mut cell[length..]);
        (rest, length) = (&rest[read..], length + wrote);
        match result {
            ReadFieldResult::Field { .. } => {
                cells.push(String::from_utf8_lossy(&cell[..length]).into_owned());
                length = 0;
            }
            ReadFieldResult::InputEmpty => {}
            ReadFieldResult::OutputFull => panic!("a cell that is longer than all"),
            ReadFieldResult::End => return cells,
        }
    }
}

/// Lines that a terminal only shows.
fn is_harmless(lines: &str) {
    let acts =
        |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'));
    assert!(!lines.contains(acts), "{lines:?}");
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    /// The seeds of a target, in the order of their names.
    fn seeds(target: &str) -> Vec<Vec<u8>> {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
        let mut paths: Vec<_> = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| fs::read(path).unwrap()).collect()
    }

    #[test]
    fn seeds_and_found_cases_hold() {
        for (name, target) in TARGETS {
            let seeds = seeds(name);
            assert!(!seeds.is_empty(), "{name}");
            seeds.iter().for_each(|seed| target(seed));
        }
    }

    #[test]
    fn each_target_is_built() {
        let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/Cargo.toml")).unwrap();
        let built: Vec<_> = manifest.lines().filter_map(|line| line.strip_prefix("path = \"targets/")).collect();
        let named: Vec<_> = TARGETS.iter().map(|(name, _)| format!("{name}.rs\"")).collect();
        assert_eq!(built, named);
    }

    /// Puts these bytes in place of some others.
    fn change() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<u8>)> {
        let pieces = prop::sample::select(vec![
            "\"",
            ",",
            ";",
            "\n",
            "\r\n",
            "\0",
            "\u{feff}",
            "{",
            "}",
            "[",
            "]",
            ":",
            "null",
            "true",
            "0",
            "1e99",
            "'",
            "=",
            "E+18",
            "İ",
            "%25",
            "withdrawn",
            "success",
            "error",
            "\"\"",
            "urn:li:invitation:",
            "\\u0000",
            "..",
        ]);
        let bytes = prop_oneof![
            3 => pieces.prop_map(|text| text.as_bytes().to_vec()),
            1 => prop::collection::vec(any::<u8>(), 0..4),
        ];
        (any::<prop::sample::Index>(), 0_usize..6, bytes)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn changed_seeds_hold(
            at in any::<prop::sample::Index>(),
            changes in prop::collection::vec(change(), 0..8),
            noise in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            for (name, target) in TARGETS {
                let seeds = seeds(name);
                let mut data = at.get(&seeds).clone();
                for (at, length, bytes) in &changes {
                    let at = at.index(data.len() + 1);
                    let end = (at + length).min(data.len());
                    data.splice(at..end, bytes.iter().copied());
                }
                target(&data);
                target(&noise);
            }
        }
    }
}
