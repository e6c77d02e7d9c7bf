//! `sandbox`: serves the simulated API until it is asked to stop.

use std::io::{self, Write};

use super::error::CommandError;
use crate::config::{self, Layers};
use crate::exit;
use crate::report::Screen;
use crate::runner::stop_on_signals;
use crate::sandbox::{Sandbox, SandboxOptions};
use crate::stop::Stop;

/// Serves until a signal comes. The address goes to standard output, for scripts.
pub(crate) async fn sandbox(layers: &Layers, screen: &Screen) -> Result<u8, CommandError> {
    let limit = layers.get_or_default(&config::CALL_LIMIT)?;
    let (fastest, slowest) = layers.get_or_default(&config::LATENCY)?;
    let options = SandboxOptions {
        limit: Some(limit).filter(|limit| limit.calls > 0),
        latency: fastest..=slowest,
        faults: layers.get(&config::FAULTS).unwrap_or_default(),
        credits: layers.get(&config::CREDITS),
        pending: layers.get_or_default(&config::PENDING)?,
        list_faults: layers.get(&config::LIST_FAULTS).unwrap_or_default(),
        record_invitations: false,
        ..SandboxOptions::default()
    };
    let stop = Stop::default();
    stop_on_signals(&stop, screen)?;
    let port = layers.get_or_default(&config::PORT)?;
    let sandbox = Sandbox::start_on(port, options).await.map_err(|source| CommandError::Sandbox { port, source })?;
    let url = sandbox.base_url();
    writeln!(io::stdout(), "{url}").map_err(CommandError::Stdout)?;
    screen.print(&format!(
        "The simulated LinkUp API is at this address; Ctrl-C ends it. Its record of calls: {url}/sandbox/record\n\
         In another terminal, try (for V2 with LINKUP_ACCOUNT_ID instead of the token):\n"
    ));
    screen.print_command(&format!(
        "LINKUP_API_KEY=any LINKUP_LOGIN_TOKEN=any bulk-withdraw clean --older-than 30d --base-url {url}"
    ));
    stop.requested().await;
    let record = sandbox.record();
    screen.print(&format!(
        "{} calls, {} withdrawals confirmed; {} calls for lists, {} pages\n",
        record.calls, record.charged, record.list_calls, record.list_charged
    ));
    sandbox.stop().await;
    Ok(exit::FINE)
}
