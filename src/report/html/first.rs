//! The first people of a group, and how many there are.

use super::person::Person;

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
