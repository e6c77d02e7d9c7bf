//! `config`: shows each setting, its value and where it came from.

use std::io::{self, Write};

use super::error::{CommandError, written};
use crate::config::{self, Layers, Setting, Settings, SettingsError};
use crate::policy::visible;
use crate::report::{Cell, Paper, Table, TableFormat, encode};

/// Writes the settings to standard output, and fails where one of them can't be read.
pub(crate) fn config(settings: &Settings, layers: &Layers) -> Result<u8, CommandError> {
    let listing = settings.listing(layers);
    let format = layers.get_or_default(&config::CONFIG_FORMAT)?;
    let paper = Paper::of_stdout();
    let cells = listing.iter().map(|Setting { name, value, origin }| [name, value, origin].map(Cell::own));
    let text = if format == TableFormat::Table && paper != Paper::UNBOUNDED {
        lines(&listing, paper)
    } else {
        encode(format.encoder(Table::new(Vec::new(), Paper::UNBOUNDED)), ["setting", "value", "origin"], cells)?
    };
    let code = written(io::stdout().lock().write_all(text.as_bytes()))?;
    settings.unread().map_or(Ok(code), |error| Err(SettingsError::from(error).into()))
}

/// Below this, name, value and origin stand below each other.
const NARROW: usize = 60;
/// The least room of an origin beside its value.
const ORIGIN: usize = 20;

/// A line for each setting, or more where they must be wrapped.
fn lines(listing: &[Setting], paper: Paper) -> String {
    let of_name = listing.iter().map(|setting| setting.name.chars().count()).max().unwrap_or_default() + 2;
    let room = paper.width.saturating_sub(of_name + ORIGIN + 2);
    let fits = |value: &str| Some(visible(value).chars().count()).filter(|width| *width <= room);
    let of_value = listing.iter().filter_map(|setting| fits(&setting.value)).max().unwrap_or_default() + 2;
    let line = |Setting { name, value, origin }: &Setting| {
        if paper.width < NARROW {
            format!("{name}\n  {}  {}", paper.folded(value, 2), paper.folded(origin, 2))
        } else if fits(value).is_some() {
            let value = visible(value);
            format!("{name:of_name$}{value:of_value$}{}", paper.folded(origin, of_name + of_value))
        } else {
            let (value, origin) = (paper.folded(value, of_name), paper.folded(origin, of_name));
            format!("{name:of_name$}{value}{:of_name$}{origin}", "")
        }
    };
    listing.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_wrapped_at_words() {
        let setting = |name: &str, value: &str, origin: &str| Setting {
            name: name.to_owned(),
            value: value.to_owned(),
            origin: origin.to_owned(),
        };
        let listing = [
            setting("config", "none", "default"),
            setting("api", "v1", "a login token is set: environment variable LINKUP_LOGIN_TOKEN"),
            setting("accounts.default.login_token", "set (masked)", "environment variable LINKUP_LOGIN_TOKEN"),
            setting("ledger", "/home/ada/.local/state/bulk-withdraw/ledger.db", "default"),
        ];
        let at = |width| lines(&listing, Paper { width, ..Paper::UNBOUNDED });
        for width in [120, 80, 60, 40] {
            let text = at(width);
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}\n{text}");
        }
        insta::assert_snapshot!(at(80), @r"
        config                        none          default
        api                           v1            a login token is set: environment
                                                    variable LINKUP_LOGIN_TOKEN
        accounts.default.login_token  set (masked)  environment variable
                                                    LINKUP_LOGIN_TOKEN
        ledger                        /home/ada/.local/state/bulk-withdraw/ledger.db
                                      default
        ");
        insta::assert_snapshot!(at(40), @r"
        config
          none
          default
        api
          v1
          a login token is set: environment
          variable LINKUP_LOGIN_TOKEN
        accounts.default.login_token
          set (masked)
          environment variable
          LINKUP_LOGIN_TOKEN
        ledger
          /home/ada/.local/state/bulk-withdraw/l
          edger.db
          default
        ");
    }
}
