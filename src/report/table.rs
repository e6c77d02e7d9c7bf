//! The summary as a table for people.

use std::path::Path;
use std::time::Duration;

use super::Summary;

/// The table on stderr at a run's end. `report` is where the lines stand, if
/// there are any.
pub(crate) fn table(summary: &Summary, report: Option<&Path>) -> String {
    let run = &summary.totals.run;
    let mut out = String::new();
    let mut line = |label: &str, value: String| out.push_str(&format!("{label:<22}{value}\n"));
    if let Some(list) = &summary.totals.list {
        let cost = format!("{} charged, {} possible", list.cost.charged, list.cost.possible);
        line("listed", format!("{} invitations on {} pages; credits: {cost}", list.invitations, list.pages));
    }
    if summary.facts.command != "list" {
        line("rows", run.rows.total().to_string());
    }
    for (outcome, rows) in run.rows.iter().filter(|(_, rows)| *rows > 0) {
        line(&format!("  {outcome}"), rows.to_string());
    }
    let again = match run.rate_limit_answers {
        0 => String::new(),
        limited => format!(", {limited} rate limited"),
    };
    line("calls", format!("{} ({} repeated{again})", run.calls, run.retries));
    line("credits", format!("{} charged, {} possible", run.cost.charged, run.cost.possible));
    let elapsed = Duration::from_secs_f64(summary.elapsed_s().max(0.0));
    line("time", human_duration(elapsed));
    if !summary.input_complete {
        line("input", "not read to its end; rows that were not read are not in the report".to_owned());
    }
    if let Some(stop) = &summary.stop {
        line("stopped", stop.to_string());
    }
    if let Some(report) = report {
        line(if summary.facts.command == "list" { "list" } else { "report" }, report.display().to_string());
    }
    line("exit code", summary.exit_code.to_string());
    out
}

/// A duration for people: `9 s`, `4 min 10 s`, `3 h 05 min`, `2 d 4 h`.
pub(crate) fn human_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{minutes} min {:02} s", seconds % 60),
        3_600..86_400 => format!("{hours} h {:02} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_for_people() {
        let cases = [
            (0.0, "0.0 s"),
            (8.345, "8.3 s"),
            (59.9, "59 s"),
            (250.0, "4 min 10 s"),
            (11_130.0, "3 h 05 min"),
            (187_300.0, "2 d 4 h"),
        ];
        for (seconds, text) in cases {
            assert_eq!(human_duration(Duration::from_secs_f64(seconds)), text);
        }
    }
}
