//! Tables for people.

/// Columns as wide as their widest cell; the last one as it is.
pub(super) fn aligned<const N: usize>(lines: &[[String; N]]) -> String {
    let mut out = String::new();
    for line in lines {
        for (at, cell) in line.iter().enumerate() {
            let width = lines.iter().map(|line| line[at].chars().count()).max().unwrap_or_default();
            match at + 1 {
                last if last == N => out.push_str(cell),
                _ => out.push_str(&format!("{cell:width$}  ")),
            }
        }
        out.push('\n');
    }
    out
}
