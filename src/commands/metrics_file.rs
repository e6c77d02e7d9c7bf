//! The metrics file: read, brought up to date and replaced, while other jobs may do the same.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::report::{Destination, MetricsJob, ReportFile, Summary, is_metrics, metrics};

/// Between two attempts where another job writes the file.
const PAUSE: Duration = Duration::from_millis(50);
const ATTEMPTS: u32 = 40;

/// Writes the run's values. A file that can't be written is no failure of the run.
pub(super) async fn write(path: PathBuf, summary: &Summary, job: MetricsJob<'_>) {
    for attempt in 1..=ATTEMPTS {
        match try_write(&path, summary, job) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && attempt < ATTEMPTS => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => {
                let path = path.display();
                tracing::warn!(event = "metrics_failed", "the metrics file {path} can't be written: {error}");
                return;
            }
            Ok(()) => return,
        }
    }
}

fn try_write(path: &Path, summary: &Summary, job: MetricsJob<'_>) -> io::Result<()> {
    // A pipe would wait for its reader.
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return Err(io::Error::other("it is not a regular file"));
    }
    // Nothing is created beside a file of somebody else's, nor in its place.
    read(path)?;
    let mut file = ReportFile::create(&Destination::Path(path.to_owned()))?;
    // Under the lock of the file that grows, since another job may have written its values.
    let previous = match read(path) {
        Ok(previous) => previous,
        Err(error) => {
            file.discard();
            return Err(error);
        }
    };
    file.write(metrics(summary, job, &previous).as_bytes())?;
    // For the user of node_exporter; it names no people.
    file.let_others_read()?;
    file.finish()
}

/// The file's text; empty where there is none.
fn read(path: &Path) -> io::Result<String> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        bytes => bytes?,
    };
    let text = String::from_utf8(bytes).ok().filter(|text| is_metrics(text));
    text.ok_or_else(|| io::Error::other("it holds something else than this program's metrics"))
}
