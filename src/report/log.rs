//! The log's lines: text for people, or one JSON object per line for programs.
//!
//! Owns how a line is written. What is logged is up to the rooms; `docs/logs.md` lists events and fields.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::timestamp;
use crate::policy::{is_obeyed, visible};

/// How the lines of the log are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogLines {
    pub is_json: bool,
    /// Whether a line begins with its time and level. A person sees the time, and needs no level for what is as it should be.
    pub has_time: bool,
}

impl<S, N> FormatEvent<S, N> for LogLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = *event.metadata().level();
        if self.is_json {
            let name = fields.event.unwrap_or_else(|| default_event(level).to_owned());
            return out.write_str(&json_line(level, &name, &fields.message, fields.others));
        }
        let (dim, colour, end) =
            if out.has_ansi_escapes() { ("\u{1b}[2m", colour(level), "\u{1b}[0m") } else { ("", "", "") };
        if self.has_time {
            write!(out, "{dim}{}{end} {colour}{level:>5}{end} ", timestamp(Timestamp::now()))?;
        } else if let Some(label) = label(level) {
            write!(out, "{colour}{label}:{end} ")?;
        }
        write!(out, "{}", visible(&fields.message))?;
        // An event's sentence says it all.
        for (name, value) in fields.others.iter().filter(|_| fields.event.is_none()) {
            let text = value.as_str().map_or_else(|| value.to_string(), visible);
            write!(out, " {name}={text}")?;
        }
        writeln!(out)
    }
}

/// A line of the JSON log.
pub(crate) fn json_line(level: Level, event: &str, message: &str, fields: Map<String, Value>) -> String {
    let mut line = Map::new();
    line.insert("timestamp".to_owned(), timestamp(Timestamp::now()).into());
    line.insert("level".to_owned(), level.as_str().into());
    line.insert("event".to_owned(), event.into());
    line.insert("message".to_owned(), message.into());
    line.extend(fields);
    let mut line = escaped(Value::Object(line).to_string());
    line.push('\n');
    line
}

/// JSON escapes only the oldest of the characters that a terminal obeys. These can only be within its strings.
fn escaped(json: String) -> String {
    if !json.contains(is_obeyed) {
        return json;
    }
    let escape = |c: char| if is_obeyed(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    json.chars().map(escape).collect()
}

/// The event of a line that names none.
const fn default_event(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "notice",
        Level::DEBUG | Level::TRACE => "debug",
    }
}

const fn label(level: Level) -> Option<&'static str> {
    match level {
        Level::ERROR => Some("error"),
        Level::WARN => Some("warning"),
        Level::INFO => None,
        Level::DEBUG | Level::TRACE => Some("debug"),
    }
}

const fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        Level::DEBUG | Level::TRACE => "\u{1b}[34m",
    }
}

/// What a line of the log is made of.
#[derive(Default)]
struct Fields {
    event: Option<String>,
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            ("event", Value::String(text)) => self.event = Some(text),
            (name, value) => drop(self.others.insert(name.to_owned(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
}
