//! The ledger's lock: taken at once, or when another run has ended (`--wait-lock`).

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::error::CommandError;
use super::job::stopped;
use super::target;
use crate::config::Settings;
use crate::ledger::{Ledger, LedgerError};
use crate::report::{RunFacts, human_duration, timestamp};
use crate::stop::Stop;

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(250);

/// Opens the ledger as its only run.
pub(super) async fn take(settings: &Settings, facts: &RunFacts, stop: &Stop) -> Result<Ledger, CommandError> {
    let began = Instant::now();
    let mut is_said = false;
    loop {
        let why = match target::open_ledger(settings, facts, stop) {
            Ok(ledger) => {
                if is_said {
                    let waited = human_duration(began.elapsed());
                    tracing::info!(event = "resumed", reason = "wait_lock", "the other run has ended after {waited}");
                }
                return Ok(ledger);
            }
            // A stop ended the wait for another program's lock.
            Err(LedgerError::Locked { .. }) => return Err(stopped(stop)),
            Err(why @ LedgerError::Held { .. }) => why,
            Err(why) => return Err(why.into()),
        };
        let Some(left) = settings.wait_lock.and_then(|most| most.checked_sub(began.elapsed())) else {
            return Err(why.into());
        };
        if !std::mem::replace(&mut is_said, true) {
            let until = timestamp(Timestamp::now().saturating_add(left).unwrap_or(Timestamp::MAX));
            tracing::info!(
                event = "waiting",
                reason = "wait_lock",
                until,
                wait_s = left.as_secs_f64(),
                "{why}; waiting at most {}",
                human_duration(left)
            );
        }
        if stop.or(tokio::time::sleep(PAUSE.min(left))).await.is_none() {
            return Err(stopped(stop));
        }
    }
}
