//! Things in groups of one reason each, in bounded memory.

/// Different reasons: each may hold words of its own.
const MAX_GROUPS: usize = 40;
/// Beyond them, once for each kind.
pub(super) const OTHER: &str = "other reasons";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group<K, V> {
    pub(super) kind: K,
    /// Without its numbers, where they differ.
    pub(super) reason: String,
    masked: String,
    pub(super) value: V,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Groups<K, V>(pub(super) Vec<Group<K, V>>);

impl<K, V> Default for Groups<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Copy + PartialEq, V: Default> Groups<K, V> {
    /// What is known of the group of this reason.
    pub(super) fn of(&mut self, kind: K, reason: &str) -> &mut V {
        let masked = masked(reason);
        let at = |masked: &str, groups: &[Group<K, V>]| {
            groups.iter().position(|group| group.kind == kind && group.masked == masked)
        };
        let (reason, masked) = match at(&masked, &self.0) {
            None if self.0.len() >= MAX_GROUPS => (OTHER, OTHER.to_owned()),
            Some(_) | None => (reason, masked),
        };
        match at(&masked, &self.0) {
            Some(at) => {
                let group = &mut self.0[at];
                if group.reason != reason {
                    group.reason.clone_from(&group.masked);
                }
                &mut group.value
            }
            None => {
                self.0.push(Group { kind, reason: reason.to_owned(), masked, value: V::default() });
                let last = self.0.len() - 1;
                &mut self.0[last].value
            }
        }
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
        masked.push_str(if before.ends_with("HTTP ") { &number[..end] } else { "…" });
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
