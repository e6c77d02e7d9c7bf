//! Where the ledger lies, unless `--ledger` says so.

use std::env::VarError;
use std::path::PathBuf;

/// Why there is no place for a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no place for the ledger: set HOME or XDG_STATE_HOME, or name a file with --ledger")]
pub struct NoLedgerPlace;

/// `$XDG_STATE_HOME/bulk-withdraw/ledger.db`, or below `~/.local/state`. As the XDG specification has it, a relative
/// path counts as none.
///
/// # Errors
/// Neither `XDG_STATE_HOME` nor `HOME` holds an absolute path.
pub fn default_ledger(environment: impl Fn(&str) -> Result<String, VarError>) -> Result<PathBuf, NoLedgerPlace> {
    let directory = |name| environment(name).ok().map(PathBuf::from).filter(|path| path.is_absolute());
    let state = directory("XDG_STATE_HOME").or_else(|| Some(directory("HOME")?.join(".local/state")));
    state.map(|state| state.join("bulk-withdraw/ledger.db")).ok_or(NoLedgerPlace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_ledger_lies() {
        let cases = [
            (Some("/state"), Some("/home/me"), Some("/state/bulk-withdraw/ledger.db")),
            (None, Some("/home/me"), Some("/home/me/.local/state/bulk-withdraw/ledger.db")),
            (Some("relative"), Some("/home/me"), Some("/home/me/.local/state/bulk-withdraw/ledger.db")),
            (Some(""), None, None),
            (None, None, None),
        ];
        for (state, home, expected) in cases {
            let place = default_ledger(|name| {
                let value = if name == "HOME" { home } else { state };
                value.map(str::to_owned).ok_or(VarError::NotPresent)
            });
            assert_eq!(place.ok(), expected.map(PathBuf::from), "{state:?} {home:?}");
        }
    }
}
