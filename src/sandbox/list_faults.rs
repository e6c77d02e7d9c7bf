//! What is wrong with lists on purpose: pages that can't be trusted to show everything once.
//!
//! Owns the names; what they do to a page is for `list`.

use std::str::FromStr;

/// Which unkindnesses the lists have; none by default.
///
/// Parsed from `repeat,miss,early-end,total-off`, each part optional.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListFaults {
    /// A page begins with the last items of the one before it.
    pub repeat: bool,
    /// A full page leaves an item out.
    pub miss: bool,
    /// The pages end half-way, whatever the total says.
    pub early_end: bool,
    pub total_off: bool,
}

impl ListFaults {
    /// The names that [`ListFaults::from_str`] knows.
    const NAMES: [&'static str; 4] = ["repeat", "miss", "early-end", "total-off"];

    fn flag_mut(&mut self, name: &str) -> Option<&mut bool> {
        match name {
            "repeat" => Some(&mut self.repeat),
            "miss" => Some(&mut self.miss),
            "early-end" => Some(&mut self.early_end),
            "total-off" => Some(&mut self.total_off),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown list fault {0:?}: use any of {names}", names = ListFaults::NAMES.join(","))]
pub struct UnknownListFault(String);

impl FromStr for ListFaults {
    type Err = UnknownListFault;

    fn from_str(text: &str) -> Result<Self, UnknownListFault> {
        let mut faults = Self::default();
        for name in text.split(',').map(str::trim) {
            *faults.flag_mut(name).ok_or_else(|| UnknownListFault(name.to_owned()))? = true;
        }
        Ok(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        let all = ListFaults { repeat: true, miss: true, early_end: true, total_off: true };
        assert_eq!(ListFaults::NAMES.join(", ").parse(), Ok(all));
        assert_eq!("miss".parse(), Ok(ListFaults { miss: true, ..ListFaults::default() }));
        for wrong in ["", "miss,", "missing", "Repeat"] {
            assert!(wrong.parse::<ListFaults>().is_err(), "{wrong:?}");
        }
    }
}
