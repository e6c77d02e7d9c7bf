//! The report's columns: ours first, then the input's under names that can't be mistaken for ours.

/// The columns that every report begins with (`contract.md`, Results report).
pub(super) const OWN: [&str; 11] = [
    "row",
    "invitation_id",
    "account",
    "outcome",
    "detail",
    "http_status",
    "attempts",
    "credits",
    "credits_possible",
    "settled_at",
    "duration_ms",
];

/// The input's columns: as they are called there, and in the report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Columns {
    carried: Vec<(String, String)>,
}

impl Columns {
    /// The report's columns for an input with these.
    pub(crate) fn new(input: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let input: Vec<String> = input.into_iter().map(Into::into).collect();
        let carried =
            input.iter().map(|name| (name.clone(), report_name(name, |taken| input.iter().any(|n| n == taken))));
        Self { carried: carried.collect() }
    }

    /// The names in the input, in order.
    pub(super) fn in_input(&self) -> impl Iterator<Item = &str> {
        self.carried.iter().map(|(name, _)| name.as_str())
    }

    /// The names in the report, in order.
    pub(super) fn in_report(&self) -> impl Iterator<Item = &str> {
        self.carried.iter().map(|(_, name)| name.as_str())
    }
}

/// The name of an input's column in the report: one that is named like a report column becomes `input_<name>`, again
/// and again where the input has that one too (a report that is used as input).
pub(super) fn report_name(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !OWN.contains(&name) {
        return name.to_owned();
    }
    let mut renamed = format!("input_{name}");
    while is_taken(&renamed) {
        renamed.insert_str(0, "input_");
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_column_is_never_mistaken_for_one_of_ours() {
        let columns = Columns::new(["name", "outcome", "row", "input_row", "Row"]);
        let names: Vec<_> = columns.in_report().collect();
        assert_eq!(names, ["name", "input_outcome", "input_input_row", "input_row", "Row"]);
        let names: Vec<_> = columns.in_input().collect();
        assert_eq!(names, ["name", "outcome", "row", "input_row", "Row"]);
    }
}
