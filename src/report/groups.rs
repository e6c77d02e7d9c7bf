//! Things in groups of one reason each, in bounded memory.

use std::collections::BTreeMap;

/// Different reasons: each may hold words of its own.
const MAX_GROUPS: usize = 40;
/// Beyond them, once for each kind.
pub(super) const OTHER: &str = "other reasons";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group<K, V> {
    pub(super) kind: K,
    /// Without its numbers, where they differ.
    pub(super) reason: String,
    pub(super) value: V,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Groups<K, V>(pub(super) Vec<Group<K, V>>, BTreeMap<(K, String), usize>);

impl<K, V> Default for Groups<K, V> {
    fn default() -> Self {
        Self(Vec::new(), BTreeMap::new())
    }
}

impl<K: Copy + Ord, V: Default> Groups<K, V> {
    /// What is known of the group of this reason.
    pub(super) fn of(&mut self, kind: K, reason: &str) -> &mut V {
        let Self(groups, places) = self;
        let mut key = (kind, masked(reason));
        let mut reason = reason;
        if groups.len() >= MAX_GROUPS && !places.contains_key(&key) {
            (reason, key.1) = (OTHER, OTHER.to_owned());
        }
        let at = match places.get(&key) {
            Some(at) => *at,
            None => {
                groups.push(Group { kind, reason: reason.to_owned(), value: V::default() });
                places.insert((kind, key.1.clone()), groups.len() - 1);
                groups.len() - 1
            }
        };
        let group = &mut groups[at];
        // What only some of them say must not be said of all.
        if group.reason != reason {
            group.reason = key.1;
        }
        &mut group.value
    }
}

/// A reason without the numbers that tell one row from another; an HTTP status does not.
fn masked(reason: &str) -> String {
    let mut masked = String::with_capacity(reason.len());
    let mut rest = reason;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(at);
        let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        masked.push_str(before);
        if masked.ends_with("HTTP ") {
            masked.push_str(&number[..end]);
        } else if masked.ends_with("…, ") {
            // However many they are.
            masked.truncate(masked.len() - 2);
        } else {
            masked.push('…');
        }
        rest = &number[end..];
    }
    masked + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_that_differ_in_numbers_are_one_group() {
        let mut groups = Groups::<_, u64>::default();
        let reasons =
            [(1, "row 7 is bad"), (1, "row 1234 is bad"), (1, "no ID"), (2, "no ID"), (1, "no ID"), (2, "5 s")];
        for (kind, reason) in reasons {
            *groups.of(kind, reason) += 1;
        }
        let seen: Vec<_> = groups.0.iter().map(|group| (group.kind, &*group.reason, group.value)).collect();
        assert_eq!(seen, [(1, "row … is bad", 2), (1, "no ID", 2), (2, "no ID", 1), (2, "5 s", 1)]);
    }

    #[test]
    fn what_one_row_s_reason_names_is_never_said_of_another_row() {
        let mut groups = Groups::<_, u64>::default();
        for names in ["7290000000000000001, 7290000000000000002", "7290000000000000003", "7290000000000000004, 5, 6"] {
            *groups.of((), &format!("it may have been {names}, or another")) += 1;
        }
        let seen: Vec<_> = groups.0.iter().map(|group| (&*group.reason, group.value)).collect();
        assert_eq!(seen, [("it may have been …, or another", 3)]);
    }

    #[test]
    fn an_http_status_makes_a_difference() {
        assert_eq!(masked("HTTP 503 (id 17a4)"), "HTTP 503 (id …a…)");
    }

    #[test]
    fn memory_is_bounded_and_all_are_counted() {
        let mut groups = Groups::<_, u64>::default();
        for number in 0..100_000_u64 {
            let reason: String = (0..number % 500).map(|_| 'x').collect();
            *groups.of(1, &reason) += 1;
        }
        assert_eq!((groups.0.len(), groups.0.iter().map(|group| group.value).sum::<u64>()), (MAX_GROUPS + 1, 100_000));
    }
}
