//! From `--partition` to the share that this process takes, and the rate that it has.

use std::collections::BTreeMap;

use super::account::OwnSettings;
use super::layers::{Environment, Layers, Sourced, ValueError};
use super::options::{DAILY_CAP, MAX_CREDITS, MAX_WITHDRAWALS};
use crate::invitation::AccountName;
use crate::pace::Rate;
use crate::share::{Partition, Share};

/// Kubernetes sets the first for each process of an Indexed Job; the second has to be set in the Job.
const JOB: [&str; 2] = ["JOB_COMPLETION_INDEX", "JOB_COMPLETIONS"];

#[derive(Debug, thiserror::Error)]
pub(crate) enum PartitionError {
    #[error(transparent)]
    Value(#[from] ValueError),
    #[error("--partition auto: {0} is not set: run it as an Indexed Job of Kubernetes, and set {second} to its completions", second = JOB[1])]
    NoJob(String),
    #[error("--partition auto: {0} and {1} must be whole numbers, the first from 0 and below the second", JOB[0], JOB[1])]
    WrongJob,
    #[error("--partition: {count} shares need a --rate of at least {least} calls in its time, and it is {rate}: take fewer shares", least = 2 * count)]
    SmallRate { count: u32, rate: Rate },
}

/// The share that is asked for.
pub(super) fn this_share(partition: Partition, environment: &Environment) -> Result<Share, PartitionError> {
    match partition {
        Partition::Share(share) => Ok(share),
        Partition::Auto => {
            let [index, completions] =
                JOB.map(|name| environment.text(name)?.ok_or_else(|| PartitionError::NoJob(name.to_owned())));
            Share::of_job(index?, completions?).ok_or(PartitionError::WrongJob)
        }
    }
}

/// A share's part of the rate.
pub(super) fn shared_rate(rate: Rate, share: Share) -> Result<Rate, PartitionError> {
    rate.shared(share).ok_or(PartitionError::SmallRate { count: share.count(), rate })
}

/// Warns of limits that are smaller than the number of shares, where they leave this one nothing.
pub(super) fn warn_of_no_part(layers: &Layers, accounts: &BTreeMap<AccountName, OwnSettings>, share: Share) {
    let of_all = [&MAX_CREDITS, &MAX_WITHDRAWALS, &DAILY_CAP]
        .into_iter()
        .filter_map(|option| Some((&option.entry, layers.find(option)?)));
    let of_accounts = accounts.values().filter_map(|own| Some((&DAILY_CAP.entry, own.daily_cap.clone()?)));
    for (entry, Sourced { value: limit, origin }) in of_all.chain(of_accounts) {
        if limit > 0 && share.part_of(limit) == 0 {
            let (place, count) = (origin.place(entry), share.count());
            tracing::warn!("{place}: {limit} for {count} shares leaves none for share {share}: take at least {count}");
        }
    }
}
