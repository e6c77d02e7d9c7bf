//! `--partition K/N`: one of N shares of a run, each for a process that knows nothing of the others.
//!
//! Owns which rows are a share's, and its part of a limit that holds for all of them. All of it is arithmetic on K and N,
//! and must not change between versions: shares of one run may be carried out by different ones.

use std::fmt;
use std::str::FromStr;

/// The K-th of N shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    /// From 1.
    number: u32,
    count: u32,
}

/// More processes than this share no run.
const MOST: u32 = 10_000;

/// A value of `--partition`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Partition {
    Share(Share),
    /// Kubernetes' index of this process says which share it is.
    Auto,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a share like 3/8, or auto")]
pub(crate) struct PartitionError(String);

impl Share {
    /// The share of this number, from 1, of so many.
    pub(crate) fn new(number: u32, count: u32) -> Option<Self> {
        (1..=MOST).contains(&count).then_some(())?;
        (1..=count).contains(&number).then_some(Self { number, count })
    }

    /// The share of a process of an Indexed Job: its index counts from 0.
    pub(crate) fn of_job(index: &str, completions: &str) -> Option<Self> {
        Self::new(index.trim().parse::<u32>().ok()?.checked_add(1)?, completions.trim().parse().ok()?)
    }

    pub(crate) const fn number(self) -> u32 {
        self.number
    }

    pub(crate) const fn count(self) -> u32 {
        self.count
    }

    /// Whether it has the rows of this invitation. Not by the account: that is a local name, which may differ between machines.
    pub(crate) fn has_invitation(self, id: &str) -> bool {
        hash(id) % u64::from(self.count) == u64::from(self.number - 1)
    }

    /// Whether it has this row, which names no invitation.
    pub(crate) fn has_row(self, row: u64) -> bool {
        row % u64::from(self.count) == u64::from(self.number % self.count)
    }

    /// Its part of a limit; the first shares have the remainder.
    pub(crate) fn part_of(self, limit: u64) -> u64 {
        let count = u64::from(self.count);
        limit / count + u64::from(u64::from(self.number) <= limit % count)
    }

    /// What tells its files from those of other shares: `-3-of-8`.
    pub(crate) fn suffix(self) -> String {
        format!("-{}-of-{}", self.number, self.count)
    }
}

/// FNV-1a with 64 bits over the ID's digits (no leading zeros); then the last mixing step of MurmurHash3, since FNV's lowest
/// bits depend on each byte's lowest bits only.
fn hash(id: &str) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash = id.bytes().fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^ (hash >> 33)
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

impl FromStr for Partition {
    type Err = PartitionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().eq_ignore_ascii_case("auto") {
            return Ok(Self::Auto);
        }
        let share = text
            .split_once('/')
            .and_then(|(number, count)| Share::new(number.trim().parse().ok()?, count.trim().parse().ok()?));
        share.map(Self::Share).ok_or_else(|| PartitionError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(count: u32) -> impl Iterator<Item = Share> {
        (1..=count).map(move |number| Share::new(number, count).unwrap())
    }

    #[test]
    fn shares_as_people_write_them() {
        let cases = [
            ("3/8", Some("3/8")),
            (" 1 / 1 ", Some("1/1")),
            ("10000/10000", Some("10000/10000")),
            ("AUTO", Some("auto")),
            ("0/8", None),
            ("9/8", None),
            ("1/0", None),
            ("1/10001", None),
            ("-1/8", None),
            ("3", None),
            ("3/", None),
            ("3/8/2", None),
            ("3 of 8", None),
            ("", None),
        ];
        for (text, shown) in cases {
            let read = text.parse::<Partition>().ok().map(|partition| match partition {
                Partition::Share(share) => share.to_string(),
                Partition::Auto => "auto".to_owned(),
            });
            assert_eq!(read.as_deref(), shown, "{text:?}");
        }
    }

    #[test]
    fn a_job_s_index_counts_from_0() {
        let cases = [
            ("0", "8", Some("1/8")),
            ("7", " 8\n", Some("8/8")),
            ("8", "8", None),
            ("", "8", None),
            ("-1", "8", None),
            ("4294967295", "8", None),
            ("0", "0", None),
            ("0", "many", None),
        ];
        for (index, completions, share) in cases {
            let found = Share::of_job(index, completions).map(|share| share.to_string());
            assert_eq!(found.as_deref(), share, "{index} of {completions}");
        }
    }

    /// Another program computed these by the description at [`hash`].
    #[test]
    fn the_hash_is_the_same_for_ever() {
        let cases = [
            ("7329176687475109888", 0x4407_d6e0_0f00_d58f, "8/8 3/3"),
            ("7329176687475113984", 0xb2f5_ebe7_5dc8_f44c, "5/8 3/3"),
            ("2906418534", 0x79f6_5764_d3a3_e92f, "8/8 3/3"),
            ("7", 0xcf48_ffa9_f52b_a797, "8/8 2/3"),
            ("18446744073709551615", 0xa415_ffaf_9360_6d58, "1/8 3/3"),
        ];
        for (id, expected, shares) in cases {
            assert_eq!(hash(id), expected, "{id}");
            let found = [8, 3].map(|count| all(count).find(|share| share.has_invitation(id)).unwrap());
            assert_eq!(found.map(|share| share.to_string()).join(" "), shares, "{id}");
        }
    }

    #[test]
    fn genuine_ids_are_spread_evenly() {
        for count in [2, 3, 8, 10, 16] {
            for share in all(count) {
                let ids = (0..10_000_u64).map(|at| (7_329_176_687_475_109_888 + at * 4_096).to_string());
                let rows = ids.filter(|id| share.has_invitation(id)).count() as f64;
                let even = 10_000.0 / f64::from(count);
                assert!((rows - even).abs() < 4.0 * even.sqrt(), "{share}: {rows} of {even}");
            }
        }
    }

    proptest! {
        #[test]
        fn each_row_is_in_one_share(id in "[1-9][0-9]{0,19}", row in 1_u64.., count in 1..300_u32) {
            prop_assert_eq!(all(count).filter(|share| share.has_invitation(&id)).count(), 1);
            prop_assert_eq!(all(count).filter(|share| share.has_row(row)).count(), 1);
        }

        #[test]
        fn the_parts_of_a_limit_are_the_whole(limit in any::<u64>(), count in 1..300_u32) {
            let parts: Vec<_> = all(count).map(|share| share.part_of(limit)).collect();
            prop_assert_eq!(parts.iter().map(|part| u128::from(*part)).sum::<u128>(), u128::from(limit));
            prop_assert!(parts.is_sorted_by(|one, next| one >= next) && parts[0] - parts[parts.len() - 1] <= 1);
        }
    }
}
