//! Tables for people.

/// Columns as wide as their widest cell: the first `texts` of them to the left, the counts behind them to the right.
pub(super) fn aligned<const N: usize>(lines: &[[String; N]], texts: usize) -> String {
    let mut out = String::new();
    for line in lines {
        let mut cells = Vec::new();
        for (at, cell) in line.iter().enumerate() {
            let width = lines.iter().map(|line| line[at].chars().count()).max().unwrap_or_default();
            cells.push(if at < texts { format!("{cell:width$}") } else { format!("{cell:>width$}") });
        }
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}
