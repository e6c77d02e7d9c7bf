//! `man`: prints the main manual page, or writes all of them.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::error::{CommandError, written};
use super::output::OutputError;
use crate::cli;
use crate::config::{self, Layers};
use crate::exit;

/// The day of this version in CHANGELOG.md, as a page's foot shows it.
const RELEASED: &str = "2026-11-26";

pub(crate) fn man(layers: &Layers) -> Result<u8, CommandError> {
    let main = main_command();
    let Some(directory) = layers.get(&config::MAN_DIR) else {
        let (_, page) = page(&main).map_err(CommandError::Stdout)?;
        return written(io::stdout().lock().write_all(&page));
    };
    write_all(&main, &directory).map_err(|source| {
        let path = directory.display().to_string();
        OutputError::Create { what: "the manual pages", path, option: "--dir", why: source }
    })?;
    Ok(exit::FINE)
}

fn main_command() -> clap::Command {
    let mut main = cli::described().disable_help_subcommand(true);
    main.build();
    main
}

fn write_all(main: &clap::Command, directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for command in main.get_subcommands().chain([main]) {
        let (name, page) = page(command)?;
        fs::write(directory.join(name), page)?;
    }
    Ok(())
}

/// A page's file name and its text.
fn page(command: &clap::Command) -> io::Result<(String, Vec<u8>)> {
    let source = concat!("bulk-withdraw ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone().after_help(None::<&str>)).date(RELEASED).source(source).manual("User Commands");
    let mut page = Vec::new();
    man.render(&mut page)?;
    if let Some(notes) = command.get_after_help() {
        let mut section = Roff::new();
        // Tables: their lines stay as they are.
        section.control("SH", ["NOTES"]).control("nf", []);
        for line in notes.to_string().lines() {
            section.text([roman(line)]);
        }
        page.extend(section.control("fi", []).to_roff().into_bytes());
    }
    Ok((man.get_filename(), page))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Command, ENTRIES, Places};

    /// Without roff's escapes.
    fn plain(page: Vec<u8>) -> String {
        String::from_utf8(page).unwrap().replace("\\*(Aq", "'").replace('\\', "")
    }

    #[test]
    fn each_command_s_page_holds_its_options() {
        let main = main_command();
        for command in Command::ALL {
            let (name, page) = page(main.find_subcommand(command.as_str()).unwrap()).unwrap();
            assert_eq!(name, format!("bulk-withdraw-{}.1", command.as_str()));
            let page = plain(page);
            for entry in ENTRIES.iter().filter(|entry| command.takes(entry) || entry.places == Places::GlobalFlag) {
                let name = if entry.places == Places::Argument { entry.name.to_uppercase() } else { entry.flag() };
                assert!(page.contains(&name) && page.contains(entry.help), "{name} is missing:\n{page}");
            }
        }
    }

    #[test]
    fn the_main_page_names_every_command_and_where_credentials_come_from() {
        let (name, page) = page(&main_command()).unwrap();
        assert_eq!(name, "bulk-withdraw.1");
        let page = plain(page);
        for command in Command::ALL {
            assert!(page.contains(&format!("bulk-withdraw-{}(1)", command.as_str())), "{page}");
        }
        assert!(page.contains("LINKUP_API_KEY"), "{page}");
    }

    #[test]
    fn the_date_is_the_version_s() {
        let changes = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("CHANGELOG.md")).unwrap();
        let heading = format!("## [{}] - {RELEASED}\n", env!("CARGO_PKG_VERSION"));
        assert!(changes.contains(&heading), "CHANGELOG.md should have {heading}");
    }
}
