//! The command line: clap's commands and flags, built from the table of options.
//!
//! Owns the commands' descriptions and the help around the options. Reads neither files nor the environment, and holds no
//! option and no default of its own.

use std::ffi::OsString;

use clap::builder::{OsStringValueParser, StringValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches};

use crate::config::{Command, Default, ENTRIES, Entry, LOG_FORMAT, Layer, Places, list_of};
use crate::sandbox;

/// What was typed.
#[derive(Debug)]
pub(crate) struct CommandLine {
    pub(crate) command: Command,
    pub(crate) flags: Layer,
}

const CREDENTIALS: &str = "\
Credentials never come from flags: LINKUP_API_KEY, and LINKUP_LOGIN_TOKEN for V1 of the API or
LINKUP_ACCOUNT_ID for V2. Each can be an environment variable, a file that <NAME>_FILE names, a file
of that name in lower case in $CREDENTIALS_DIRECTORY, or in the configuration file. `bulk-withdraw
config` shows what is set, and where.
A withdrawal can't be undone. Rehearse with --sandbox, look ahead with --dry-run.";

const EXIT_CODES: &str = "\
Exit codes:
  0  every row is fine, or a limit that you set ended the run
  1  some row is not fine       4  stopped: the credits are used up
  2  usage or input error       5  stopped: too many failures in a row, or refused for too long
  3  stopped: key or login refused       6  stopped: report or ledger could not be written
  75  another run holds the ledger; nothing was sent
  129, 130, 143  stopped by SIGHUP, SIGINT, SIGTERM";

const VERIFY_CODES: &str = "\
Exit codes:
  0  nothing differs                     4  stopped: the credits are used up
  1  something differs, or a list is     5  stopped: a page can't be had, or refused for too long
     not whole                           6  stopped: report or ledger could not be written
  2  usage or configuration error        75  another run holds the ledger; nothing was sent
  3  stopped: key or login refused       129, 130, 143  stopped by SIGHUP, SIGINT, SIGTERM";

const CHECK_CODES: &str = "\
Exit codes:
  0  nothing is wrong                    4  no credits left
  2  usage or configuration error        5  no answer, or an unclear one
  3  key, login or account refused       6  output or ledger could not be written
  129, 130, 143  stopped by SIGHUP, SIGINT, SIGTERM";

const fn about(command: Command) -> &'static str {
    match command {
        Command::Run => "Withdraw every invitation listed in a file",
        Command::List => "Print the pending sent invitations, in a form that `run` reads (1 credit per page of 10)",
        Command::Clean => "Withdraw pending invitations older than a given age, or the oldest until N are left",
        Command::History => "Show past withdrawals and credits",
        Command::Verify => "Compare the ledger with each account's list, and correct it (1 credit per page of 10)",
        Command::Check => "Check the key, each account's login, and the balance; withdraws nothing",
        Command::Config => "Show each setting, its value and where it came from; secrets are masked",
        Command::Sandbox => "Run a local simulated LinkUp API for practice",
    }
}

fn after_help(command: Command) -> String {
    match command {
        Command::Run | Command::Clean => EXIT_CODES.to_owned(),
        Command::Verify => VERIFY_CODES.to_owned(),
        Command::Check => CHECK_CODES.to_owned(),
        Command::List | Command::History | Command::Config => String::new(),
        Command::Sandbox => {
            format!("The last three digits of an ID choose the answer and a run's outcome:\n{}", sandbox::help_table())
        }
    }
}

/// The whole command line.
pub(crate) fn command() -> clap::Command {
    let global = ENTRIES.iter().filter(|entry| entry.places == Places::GlobalFlag);
    clap::Command::new("bulk-withdraw")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Withdraws pending LinkedIn connection invitations in bulk through the LinkUp API")
        .max_term_width(100)
        .after_help(CREDENTIALS)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(global.map(|entry| argument(entry)))
        .subcommands(Command::ALL.map(subcommand))
}

fn subcommand(command: Command) -> clap::Command {
    let taken = ENTRIES.iter().filter(|entry| command.takes(entry));
    clap::Command::new(command.as_str())
        .about(about(command))
        .after_help(after_help(command))
        .args(taken.map(|entry| argument(entry)))
}

fn argument(entry: &'static Entry) -> Arg {
    let help = match entry.default {
        Default::None => entry.help.to_owned(),
        Default::Text(default) | Default::Depends(default) => format!("{} [default: {default}]", entry.help),
    };
    let argument = Arg::new(entry.name).help(help).conflicts_with_all(entry.conflicts);
    let flag = argument.clone().help_heading(entry.heading);
    let argument = match entry.places {
        Places::Argument => {
            return argument.required(true).value_name(entry.value).value_parser(OsStringValueParser::new());
        }
        Places::GlobalFlag => flag.global(true),
        Places::Everywhere | Places::File | Places::Flag => flag,
    };
    let argument = argument.long(entry.name.replace('_', "-")).action(action(entry));
    let argument = match entry.short {
        Some(short) => argument.short(short),
        None => argument,
    };
    match (entry.is_switch(), entry.is_list) {
        (true, _) => argument,
        (false, true) => argument.value_name(entry.value).value_parser(StringValueParser::new()),
        (false, false) => argument.value_name(entry.value).value_parser(OsStringValueParser::new()),
    }
}

/// A switch that every command takes is counted: `-qq`.
fn action(entry: &Entry) -> ArgAction {
    match (entry.is_switch(), entry.places) {
        (false, _) if entry.is_list => ArgAction::Append,
        (false, _) => ArgAction::Set,
        (true, Places::GlobalFlag) => ArgAction::Count,
        (true, Places::Everywhere | Places::File | Places::Flag | Places::Argument) => ArgAction::SetTrue,
    }
}

/// Whether these arguments ask for a JSON log, as far as that can be seen without reading them as a command line.
pub(crate) fn asks_for_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let (mut previous, flag) = (OsString::new(), LOG_FORMAT.entry.flag());
    for argument in arguments {
        let text = argument.to_string_lossy();
        let value = text.strip_prefix(&format!("{flag}=")).or((*previous == *flag).then_some(&*text));
        if value.is_some_and(|value| value.eq_ignore_ascii_case("json")) {
            return true;
        }
        previous = argument;
    }
    false
}

/// What was typed, or the one line that says what is wrong with it. Help and version are printed, and end here.
pub(crate) fn read() -> Result<CommandLine, String> {
    let matches = command().try_get_matches().map_err(|error| {
        let is_help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
        if is_help && asks_for_json(std::env::args_os()) {
            return NO_COMMAND.to_owned();
        }
        if is_help || !error.use_stderr() {
            error.exit();
        }
        one_line(&error.render().to_string())
    })?;
    let named = matches.subcommand().and_then(|(name, matches)| {
        Command::ALL.into_iter().find(|command| command.as_str() == name).map(|command| (command, matches))
    });
    let Some((command, matches)) = named else { return Err(NO_COMMAND.to_owned()) };
    let typed = ENTRIES.iter().filter(|entry| command.takes(entry) || entry.places == Places::GlobalFlag);
    let flags = typed.filter_map(|entry| Some((entry.name, typed_value(entry, matches)?))).collect();
    Ok(CommandLine { command, flags })
}

fn typed_value(entry: &Entry, matches: &ArgMatches) -> Option<std::ffi::OsString> {
    match (entry.is_switch(), entry.places) {
        (false, _) if entry.is_list => {
            let texts = matches.get_many::<String>(entry.name)?;
            Some(list_of(texts.map(String::as_str)).into())
        }
        (false, _) => matches.get_one(entry.name).cloned(),
        (true, Places::GlobalFlag) => {
            Some(matches.get_count(entry.name)).filter(|count| *count > 0).map(|count| count.to_string().into())
        }
        (true, Places::Everywhere | Places::File | Places::Flag | Places::Argument) => {
            matches.get_flag(entry.name).then(|| "true".into())
        }
    }
}

const NO_COMMAND: &str = "a command is missing; see --help";

/// Flags that don't exist, and that somebody with a secret in hand tries.
const SECRET_FLAGS: [&str; 3] = ["'--api-key'", "'--login-token'", "'--account-id'"];

/// clap's paragraph as one line: what is wrong, what was probably meant, where help is.
fn one_line(rendered: &str) -> String {
    let lines = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let wrong = rendered.split("\n\n").next().unwrap_or(rendered);
    let wrong = lines(wrong.trim_start_matches("error: "));
    let meant =
        rendered.lines().filter_map(|line| line.trim().strip_prefix("tip: ")).find(|tip| tip.contains("similar"));
    let meant = meant.map(|tip| format!(" ({tip})")).unwrap_or_default();
    // No tip here: what looks alike would take the secret, and repeat it in its own error.
    if SECRET_FLAGS.iter().any(|flag| wrong.contains(flag)) {
        return format!("{wrong}: credentials never come from flags; see --help");
    }
    format!("{wrong}{meant}; see --help")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        command().debug_assert();
    }

    #[test]
    fn clap_s_paragraphs_become_one_line() {
        let cases = [
            (vec!["run"], "the following required arguments were not provided: <INPUT>; see --help"),
            (
                vec!["run", "x", "--dryrun"],
                "unexpected argument '--dryrun' found (a similar argument exists: '--dry-run'); see --help",
            ),
            (
                vec!["run", "x", "--api-key=hidden"],
                "unexpected argument '--api-key' found: credentials never come from flags; see --help",
            ),
        ];
        for (arguments, expected) in cases {
            let arguments = std::iter::once("bulk-withdraw").chain(arguments);
            let error = command().try_get_matches_from(arguments).unwrap_err();
            assert_eq!(one_line(&error.render().to_string()), expected);
        }
    }
}
