//! What is shown while a list is fetched.

use std::cell::Cell;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget};
use jiff::Timestamp;

use super::progress::listing_style;
use super::{ProgressStyle, Screen, human_duration};

/// Time between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(30);

/// Shows how far a list is.
#[derive(Debug)]
pub(crate) struct ListProgress {
    style: ProgressStyle,
    screen: Screen,
    bar: Option<ProgressBar>,
    shown: Cell<Instant>,
}

impl ListProgress {
    pub(crate) fn begin(style: ProgressStyle, screen: &Screen) -> Self {
        let bar = (style == ProgressStyle::Bar).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
            bar.set_style(listing_style());
            bar.set_message("listing what is pending");
            screen.show(Some(bar.clone()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { style, screen: screen.clone(), bar, shown: Cell::new(Instant::now()) }
    }

    /// So much has been listed.
    pub(crate) fn show(&mut self, pages: u64, invitations: u64) {
        self.say(&format!("listing what is pending: {invitations} invitations on {pages} pages"));
    }

    /// A rate limit holds everything back until this moment.
    pub(crate) fn hold(&self, until: Timestamp) {
        let wait = Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default();
        self.say(&format!("listing what is pending: rate limited, asks in {}", human_duration(wait)));
    }

    fn say(&self, text: &str) {
        match (&self.bar, self.style) {
            (Some(bar), _) => bar.set_message(text.to_owned()),
            (None, ProgressStyle::Bar | ProgressStyle::Plain) if self.shown.get().elapsed() >= PLAIN_EVERY => {
                self.shown.set(Instant::now());
                self.screen.print(&format!("{text}\n"));
            }
            (None, ProgressStyle::Bar | ProgressStyle::Plain | ProgressStyle::None) => {}
        }
    }
}

impl Drop for ListProgress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
            self.screen.show(None);
        }
    }
}
