//! The command line: clap's commands and flags, built from the table of options.
//!
//! Owns the commands' descriptions and the help around the options. Reads neither files nor the environment, and holds no
//! option and no default of its own.

use std::ffi::OsString;

use clap::builder::{OsStringValueParser, PossibleValuesParser, StringValueParser, ValueHint};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches};

use crate::config::{Command, Default, ENTRIES, Entry, LOG_FORMAT, Layer, Places, list_of};
use crate::exit;
use crate::outcome::{ExitEffect, Outcome};
use crate::sandbox;

/// What was typed.
#[derive(Debug)]
pub(crate) struct CommandLine {
    pub(crate) command: Command,
    pub(crate) flags: Layer,
}

const CREDENTIALS: &str = "\
Credentials never come from flags: set LINKUP_API_KEY, and LINKUP_LOGIN_TOKEN (V1 of
the API) or LINKUP_ACCOUNT_ID (V2), in the environment or the configuration file.
`bulk-withdraw config` shows what is set, and where.
A withdrawal can't be undone: practise with --sandbox, see the plan with --dry-run.
`bulk-withdraw help outcomes` and `help exit-codes` explain how a run ends.";

/// How much of the options a help shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Help {
    Common,
    All,
}

const fn about(command: Command) -> &'static str {
    match command {
        Command::Run => "Withdraw the invitations listed in a file",
        Command::List => "Print the pending invitations, for `run` (1 credit per page of 10)",
        Command::Clean => "Withdraw pending invitations older than a given age",
        Command::History => "Show past withdrawals and credits",
        Command::Verify => "Compare the ledger with the list (1 credit per page of 10)",
        Command::Check => "Check key, login and balance; withdraws nothing",
        Command::Config => "Show each setting, its value and where it came from",
        Command::Sandbox => "Run a local simulated LinkUp API for practice",
        Command::Completions => "Print a completion script for a shell",
        Command::Man => "Print the manual page, or write one per command",
    }
}

/// Commands that a reader may type.
const fn examples(command: Command) -> [&'static str; 3] {
    match command {
        Command::Run => {
            ["run invitations.csv --dry-run", "run invitations.csv", "run samples/invitations.csv --sandbox"]
        }
        Command::List => ["list", "list --older-than 30d -o old.csv", "list --match recruiter"],
        Command::Clean => {
            ["clean --older-than 30d --dry-run", "clean --older-than 30d --keep friends.txt", "clean --max-pending 400"]
        }
        Command::History => ["history", "history --runs --since 2026-11-01", "history --reinvitable"],
        Command::Verify => ["verify --dry-run", "verify", "verify -o differences.csv"],
        Command::Check => ["check", "check --login", "check --format json"],
        Command::Config => ["config", "config --sandbox", "config --format json"],
        Command::Sandbox => ["sandbox", "sandbox --pending 900", "sandbox --faults rate-limited=10%,closed=1%"],
        Command::Completions => ["completions bash", "completions zsh", "completions fish"],
        Command::Man => ["man", "man --dir man1", "man | man -l -"],
    }
}

/// What `help` explains beside the commands.
fn topics() -> [clap::Command; 2] {
    let outcome = |outcome: &Outcome| format!("  {:<18}  {}\n", outcome.as_str(), outcome.meaning());
    let those = |effect| Outcome::ALL.iter().filter(|of| of.exit_effect() == effect).map(outcome).collect::<String>();
    let outcomes = format!(
        "Each row of the report has one outcome.\n\nFine:\n{}\nNot fine (exit code 1). The next run retries these, \
         except `invalid`:\n{}\nThe next run tries it, unless it is on the --keep list:\n{}",
        those(ExitEffect::Fine),
        those(ExitEffect::NotFine),
        those(ExitEffect::FromStop)
    );
    [("outcomes", outcomes), ("exit-codes", exit::help_table())].map(|(name, text)| {
        clap::Command::new(name).hide(true).about(text).help_template("{about}").arg_required_else_help(true)
    })
}
fn after_help(command: Command, help: Help) -> String {
    let mut text = "Examples:\n".to_owned();
    for example in examples(command) {
        text.push_str(&format!("  bulk-withdraw {example}\n"));
    }
    if help == Help::Common {
        return text + "\nAll options and exit codes: --help";
    }
    if command == Command::Sandbox {
        let endings = sandbox::help_table();
        return format!("{text}\nThe last three digits of an ID choose the answer and a run's outcome:\n{endings}");
    }
    if matches!(command, Command::Run | Command::List | Command::Clean | Command::Verify | Command::Check) {
        text.push_str(&format!("\nExit codes:\n{}", exit::help_table()));
    }
    text
}

/// The whole command line.
fn with_help(help: Help) -> clap::Command {
    let global = ENTRIES.iter().filter(|entry| entry.places == Places::GlobalFlag);
    clap::Command::new("bulk-withdraw")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Withdraws pending LinkedIn connection invitations in bulk, through the LinkUp API")
        .max_term_width(100)
        .after_help(CREDENTIALS)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_flag(true)
        .arg(
            Arg::new("help")
                .short('h')
                .long("help")
                .action(ArgAction::HelpShort)
                .global(true)
                .help("Show common options (-h) or all of them (--help)"),
        )
        .args(global.map(|entry| argument(entry, help)))
        .subcommands(Command::ALL.map(|command| subcommand(command, help)))
}

/// The same for completions and manual pages, which know what values an option may take. While reading, clap may not: it
/// repeats a wrong value, which may be a secret.
pub(crate) fn described() -> clap::Command {
    let describe = |argument: Arg| {
        let entry = ENTRIES.iter().find(|entry| entry.name == argument.get_id().as_str());
        match entry.map_or("", |entry| entry.value) {
            "PATH" | "FILE" | "INPUT" => argument.value_hint(ValueHint::FilePath),
            "DIR" => argument.value_hint(ValueHint::DirPath),
            choices if choices.contains('|') => {
                let choices: Vec<_> = choices.split('|').collect();
                argument.value_parser(PossibleValuesParser::new(choices)).hide_possible_values(true)
            }
            _ => argument,
        }
    };
    with_help(Help::All)
        .subcommand_help_heading("Commands")
        .mut_args(describe)
        .mut_subcommands(|command| command.mut_args(describe))
}

fn subcommand(command: Command, help: Help) -> clap::Command {
    let taken = ENTRIES.iter().filter(|entry| command.takes(entry));
    clap::Command::new(command.as_str())
        .about(about(command))
        .after_help(after_help(command, help))
        .args(taken.map(|entry| argument(entry, help)))
}

fn argument(entry: &'static Entry, help: Help) -> Arg {
    let is_hidden = help == Help::Common && !entry.is_common;
    // Long placeholders would leave no room for the help beside them.
    let (value, help) = match entry.value.contains('|') {
        true => (
            entry.name.rsplit('_').next().unwrap_or_default(),
            format!("{}: {}", entry.help, entry.value.replace('|', ", ")),
        ),
        false => (entry.value, entry.help.to_owned()),
    };
    let value = value.to_uppercase();
    let help = match entry.default {
        Default::None => help,
        Default::Text(default) | Default::Depends(default) => format!("{help} [default: {default}]"),
    };
    let argument = Arg::new(entry.name).help(help).conflicts_with_all(entry.conflicts);
    // clap's own heading, which its own flags have too, must not be there twice.
    let heading = Some(entry.heading).filter(|heading| *heading != "Options");
    let flag = argument.clone().help_heading(heading).hide(is_hidden);
    let argument = match entry.places {
        Places::Argument => {
            return argument.required(true).value_name(value).value_parser(OsStringValueParser::new());
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
        // A shell gives all files that a pattern means.
        (false, true) if entry.is_path() => {
            argument.value_name(value).value_parser(StringValueParser::new()).num_args(1..)
        }
        (false, true) => argument.value_name(value).value_parser(StringValueParser::new()),
        (false, false) => argument.value_name(value).value_parser(OsStringValueParser::new()),
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
    let help = if std::env::args_os().any(|typed| typed == "-h") { Help::Common } else { Help::All };
    let matches = with_help(help).subcommands(topics()).try_get_matches().map_err(|error| {
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
        with_help(Help::All).subcommands(topics()).debug_assert();
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
            let error = with_help(Help::All).try_get_matches_from(arguments).unwrap_err();
            assert_eq!(one_line(&error.render().to_string()), expected);
        }
    }
}
