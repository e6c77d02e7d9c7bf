//! Asking a person before something that can't be undone.

use std::io::{self, BufRead, IsTerminal};

use crate::report::Screen;

/// What a withdrawal means, said wherever one is asked for.
pub(super) const WARNING: &str =
    "A withdrawal can't be undone, and the person can't be invited again for up to three weeks.";

/// Whether somebody is there to be asked.
pub(super) fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks, and takes nothing but a yes for one.
pub(super) fn confirmed(screen: &Screen) -> io::Result<bool> {
    screen.print("Go on? [y/N] ");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
