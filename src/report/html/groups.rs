//! People in groups, each with a reason: how many, and the first of them.

use super::person::Person;

/// Different reasons: each may hold words of its own.
const MAX_GROUPS: usize = 40;
/// Beyond them, once for each kind.
const OTHER: &str = "other reasons";

/// The first people of some kind, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct First<const MOST: usize> {
    pub(super) people: Vec<Person>,
    pub(super) count: u64,
}

impl<const MOST: usize> Default for First<MOST> {
    fn default() -> Self {
        Self { people: Vec::new(), count: 0 }
    }
}

impl<const MOST: usize> First<MOST> {
    /// Counts one, and keeps them if they are among the first.
    pub(super) fn add(&mut self, person: impl FnOnce() -> Person) {
        self.count += 1;
        if self.people.len() < MOST {
            self.people.push(person());
        }
    }

    pub(super) const fn more(&self) -> u64 {
        self.count - self.people.len() as u64
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group<K> {
    pub(super) kind: K,
    /// Of the first one.
    pub(super) reason: String,
    pub(super) first: First<20>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Groups<K>(pub(super) Vec<Group<K>>);

impl<K> Default for Groups<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Copy + PartialEq> Groups<K> {
    pub(super) fn of(&mut self, kind: K, reason: &str) -> &mut First<20> {
        let at = |reason: &str, groups: &[Group<K>]| {
            groups.iter().position(|group| group.kind == kind && is_alike(&group.reason, reason))
        };
        let reason = match at(reason, &self.0) {
            None if self.0.len() >= MAX_GROUPS => OTHER,
            Some(_) | None => reason,
        };
        let at = at(reason, &self.0).unwrap_or_else(|| {
            self.0.push(Group { kind, reason: reason.to_owned(), first: First::default() });
            self.0.len() - 1
        });
        &mut self.0[at].first
    }

    pub(super) fn total(&self) -> u64 {
        self.0.iter().map(|group| group.first.count).sum()
    }

    pub(super) fn people_mut(&mut self) -> impl Iterator<Item = &mut Person> {
        self.0.iter_mut().flat_map(|group| &mut group.first.people)
    }
}

/// Whether two reasons differ in their numbers only.
fn is_alike(one: &str, other: &str) -> bool {
    let words = |text: &'_ str| {
        let mut in_number = false;
        text.chars()
            .filter_map(move |c| {
                let was_in_number = std::mem::replace(&mut in_number, c.is_ascii_digit());
                match (c.is_ascii_digit(), was_in_number) {
                    (true, true) => None,
                    (true, false) => Some('0'),
                    (false, _) => Some(c),
                }
            })
            .collect::<String>()
    };
    one == other || one.contains(|c: char| c.is_ascii_digit()) && words(one) == words(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_that_differ_in_numbers_are_one_group() {
        let mut groups = Groups::default();
        for (kind, reason) in [(1, "row 7 is bad"), (1, "row 1234 is bad"), (1, "no ID"), (2, "no ID"), (1, "no ID")] {
            groups.of(kind, reason).add(Person::default);
        }
        let seen: Vec<_> = groups.0.iter().map(|group| (group.kind, &*group.reason, group.first.count)).collect();
        assert_eq!(seen, [(1, "row 7 is bad", 2), (1, "no ID", 2), (2, "no ID", 1)]);
    }

    #[test]
    fn memory_is_bounded_and_everyone_counted() {
        let mut groups = Groups::default();
        for number in 0..100_000_u64 {
            let reason: String = (0..number % 500).map(|_| 'x').collect();
            groups.of(1, &reason).add(Person::default);
        }
        assert_eq!((groups.0.len(), groups.total()), (MAX_GROUPS + 1, 100_000));
        assert!(groups.0.iter().all(|group| group.first.people.len() <= 20));
    }
}
