//! Where the ledger lies, unless `--ledger` says so.

use std::path::PathBuf;

use super::Environment;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no place for the ledger: set HOME or XDG_STATE_HOME, or name a file with --ledger")]
pub(crate) struct NoLedgerPlace;

/// `$XDG_STATE_HOME/bulk-withdraw/ledger.db`, or below `~/.local/state`. As the XDG specification has it, a relative
/// path counts as none.
pub(crate) fn default_ledger(environment: &Environment) -> Result<PathBuf, NoLedgerPlace> {
    let home = || Some(environment.directory("HOME")?.join(".local/state"));
    let state = environment.directory("XDG_STATE_HOME").or_else(home);
    state.map(|state| state.join("bulk-withdraw/ledger.db")).ok_or(NoLedgerPlace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_ledger_lies() {
        let cases = [
            ("/state", "/home/me", Some("/state/bulk-withdraw/ledger.db")),
            ("", "/home/me", Some("/home/me/.local/state/bulk-withdraw/ledger.db")),
            ("relative", "/home/me", Some("/home/me/.local/state/bulk-withdraw/ledger.db")),
            ("", "", None),
        ];
        for (state, home, expected) in cases {
            let place = default_ledger(&Environment::from([("XDG_STATE_HOME", state), ("HOME", home)]));
            assert_eq!(place.ok(), expected.map(PathBuf::from), "{state:?} {home:?}");
        }
        assert!(default_ledger(&Environment::default()).is_err());
    }
}
