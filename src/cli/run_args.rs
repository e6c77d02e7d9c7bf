//! `run`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::shared_args::{KeepingArgs, ReportArgs, SharedArgs};
use super::{destination, with_default};
use crate::config::{Flags, InputRequest, Request, Subject};
use crate::input::{InputFormat, Source};
use crate::report::Destination;

/// `run`
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// CSV, JSON Lines or JSON with the invitations' IDs; - for standard input
    #[arg(value_name = "INPUT")]
    input: PathBuf,

    // No doc comment: to rustdoc the angle brackets are HTML.
    #[arg(short, long, value_name = "PATH", help_heading = "Report", value_parser = destination,
        help = with_default("Report, one line a row; - for standard output", "<INPUT's name>.results-<UTC time>.csv here"))]
    output: Option<Destination>,
    #[command(flatten)]
    report: ReportArgs,

    #[command(flatten)]
    shared: SharedArgs,
    #[command(flatten)]
    keeping: KeepingArgs,
    /// Say what would be done and what it can cost, and send nothing
    #[arg(long, help_heading = "Safety")]
    dry_run: bool,
    /// Don't ask
    #[arg(short, long, help_heading = "Safety")]
    yes: bool,
    /// Ask again about rows that an earlier run settled
    #[arg(long, help_heading = "Safety")]
    recheck: bool,
    /// Input's format [default: by the extension, else by the first character]
    #[arg(long, value_name = "FORMAT", help_heading = "Input")]
    input_format: Option<InputFormatArg>,
    /// Column (or JSON member) that holds the IDs [default: invitation_id]
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    id_column: Option<String>,
    /// CSV delimiter, one character or "tab" [default: found by itself]
    #[arg(long, value_name = "CHAR", help_heading = "Input", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Accept IDs that look rounded by a spreadsheet
    #[arg(long, help_heading = "Input")]
    accept_rounded_ids: bool,
}

/// `--input-format`
#[derive(Clone, Copy, Debug, ValueEnum)]
enum InputFormatArg {
    /// CSV, or a plain list of IDs
    Csv,
    /// One JSON value a line
    Jsonl,
    /// One JSON document
    Json,
}

impl RunArgs {
    /// The flags as the settings take them; `quiet` says how often `-q` stands there.
    pub(crate) fn into_parts(self, quiet: u8) -> (Request, Flags) {
        let mut flags = self.shared.into_flags();
        self.keeping.add_to(&mut flags);
        let subject = Subject::Input(InputRequest {
            source: if self.input.as_os_str() == "-" { Source::Stdin } else { Source::Path(self.input) },
            format: self.input_format.map(|format| match format {
                InputFormatArg::Csv => InputFormat::Csv,
                InputFormatArg::Jsonl => InputFormat::JsonLines,
                InputFormatArg::Json => InputFormat::Json,
            }),
            id_column: self.id_column,
            delimiter: self.delimiter,
            accept_rounded_ids: self.accept_rounded_ids,
        });
        let request = self.report.into_request(subject, self.output, quiet);
        (Request { recheck: self.recheck, dry_run: self.dry_run, yes: self.yes, ..request }, flags)
    }
}

fn delimiter(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        b"tab" | b"\\t" => Ok(b'\t'),
        _ => Err("a delimiter is one ASCII character, or \"tab\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_delimiter_may_be() {
        for (text, expected) in [(";", Ok(b';')), ("tab", Ok(b'\t')), ("\\t", Ok(b'\t')), ("\t", Ok(b'\t'))] {
            assert_eq!(delimiter(text), expected, "{text:?}");
        }
        for text in ["", ";;", "\"", "é", "\n"] {
            assert!(delimiter(text).is_err(), "{text:?}");
        }
    }
}
