//! `completions`: prints a shell's completion script.

use std::io::{self, Write};

use clap_complete::Shell;

use super::error::{CommandError, written};
use crate::cli;
use crate::config::{self, Layers};

pub(crate) fn completions(layers: &Layers) -> Result<u8, CommandError> {
    written(io::stdout().lock().write_all(script(layers.get_or_default(&config::SHELL)?).as_bytes()))
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::described(), "bulk-withdraw", &mut script);
    // In bash, clap_complete gives a command's state another name than the one by which it looks for its options, where the
    // program's name has a hyphen (clap-rs/clap#6421).
    String::from_utf8_lossy(&script).replace("bulk__subcmd__withdraw", "bulk__withdraw")
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::config::{Command, ENTRIES, Places};

    #[test]
    fn bash_finds_a_command_s_options() {
        let script = script(Shell::Bash);
        let (states, options) = script.split_once("case \"${cmd}\" in").unwrap();
        for command in Command::ALL {
            let state = format!("bulk__withdraw__subcmd__{}", command.as_str());
            assert!(states.contains(&format!("cmd=\"{state}\"")) && options.contains(&format!(" {state})")), "{state}");
        }
    }

    #[test]
    fn each_script_holds_all_commands_options_and_choices() {
        let flags = ENTRIES.iter().filter(|entry| !matches!(entry.places, Places::Argument | Places::File));
        let names = Command::ALL.map(Command::as_str).into_iter().map(str::to_owned);
        let names: Vec<_> = names.chain(flags.map(|entry| entry.name.replace('_', "-"))).collect();
        for shell in Shell::value_variants() {
            let script = script(*shell);
            let words: Vec<_> = script.split(|c: char| !c.is_alphanumeric() && c != '-').collect();
            let has = |name: &str| words.iter().any(|word| word.trim_start_matches('-') == name);
            for name in &names {
                assert!(has(name), "{shell}: {name} is missing");
            }
            // PowerShell's and elvish's scripts complete no values; their texts name them.
            let has_values = matches!(shell, Shell::Bash | Shell::Zsh);
            assert!(script.contains(if has_values { "csv jsonl json" } else { "jsonl" }), "{shell}");
        }
    }
}
