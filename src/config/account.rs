//! What is set for one account, beside its credentials.

use super::layers::Sourced;
use crate::invitation::Country;
use crate::pace::{Gap, Hours};
use crate::share::Share;

/// An account's own table in the configuration file.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnSettings {
    pub(super) country: Option<Sourced<Country>>,
    pub(super) gap: Option<Sourced<Gap>>,
    pub(super) daily_cap: Option<Sourced<u64>>,
    pub(super) between: Option<Sourced<Hours>>,
}

/// The settings in force for an account, in a share of a run its part of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AccountSettings {
    /// Of rows without one.
    pub(crate) country: Country,
    pub(crate) gap: Option<Gap>,
    pub(crate) daily_cap: Option<u64>,
    pub(crate) between: Option<Hours>,
}

impl AccountSettings {
    fn shared(self, share: Share) -> Self {
        let (gap, daily_cap) = (self.gap, self.daily_cap);
        Self {
            gap: gap.map(|gap| gap.times(share.count())),
            daily_cap: daily_cap.map(|cap| share.part_of(cap)),
            ..self
        }
    }
}

impl OwnSettings {
    /// Its own settings, and those of all accounts where it has none.
    pub(super) fn or(self, all: &AccountSettings, share: Option<Share>) -> AccountSettings {
        let Self { country, gap, daily_cap, between } = self;
        let whole = AccountSettings {
            country: country.map_or_else(|| all.country.clone(), |own| own.value),
            gap: gap.map(|own| own.value).or(all.gap),
            daily_cap: daily_cap.map(|own| own.value).or(all.daily_cap),
            between: between.map(|own| own.value).or(all.between),
        };
        match share {
            Some(share) => whole.shared(share),
            None => whole,
        }
    }
}
