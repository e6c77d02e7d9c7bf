use std::sync::Arc;
/// An account's ID at V2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountId(Arc<str>);
impl AccountId {
    /// The ID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
