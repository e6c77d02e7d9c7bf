//! The report's file. It grows as `<name>.partial` and gets its name when the run ends, so that a report under its name is
//! always whole.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use tempfile::TempPath;

use crate::files;

/// Attempts at a lock. One fails if the file is renamed or removed meanwhile.
const ATTEMPTS: u32 = 100;

/// Where a report or a summary goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    Stdout,
    /// A file, a pipe or a device.
    Path(PathBuf),
}

#[derive(Debug)]
pub(crate) struct ReportFile {
    out: Out,
    name: PathBuf,
    is_written: bool,
}

#[derive(Debug)]
enum Out {
    Stdout(io::Stdout),
    /// A pipe or a device, which is written directly.
    Direct(File),
    /// A regular file: `file` is `partial` until the end.
    Partial {
        file: File,
        partial: PathBuf,
        replaces: bool,
    },
}

impl ReportFile {
    /// Opens the report. An older `.partial` of this name is replaced, unless another process still writes it.
    pub(crate) fn create(destination: &Destination) -> io::Result<Self> {
        Self::create_for(destination, false)
    }

    /// The same, readable by nobody else.
    pub(crate) fn create_private(destination: &Destination) -> io::Result<Self> {
        Self::create_for(destination, true)
    }

    fn create_for(destination: &Destination, is_private: bool) -> io::Result<Self> {
        let path = match destination {
            Destination::Stdout => {
                return Ok(Self::new(Out::Stdout(io::stdout()), PathBuf::from("standard output")));
            }
            // A link is followed, so that its target is replaced, not the link.
            Destination::Path(path) => files::resolved(path),
        };
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(metadata) if !metadata.is_file() => {
                let file = OpenOptions::new().write(true).open(&path)?;
                return Ok(Self::new(Out::Direct(file), path));
            }
            // The directory's permissions would allow replacing it, but a read-only file is meant to stay.
            Ok(metadata) if metadata.permissions().readonly() => return Err(io::ErrorKind::PermissionDenied.into()),
            Ok(_) | Err(_) => {}
        }
        let partial = Self::partial_name(&path);
        if partial.symlink_metadata().is_ok_and(|metadata| !metadata.is_file()) {
            let what = format!("{} is not a regular file", partial.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
        }
        let file = open_locked(&partial, || open_growing(&partial, is_private))?;
        if file.metadata()?.nlink() > 1 {
            let what = format!("{} is a hard link to another file", partial.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
        }
        file.set_len(0)?;
        if is_private {
            // An older one may have been readable.
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
        Ok(Self::new(Out::Partial { file, partial, replaces: true }, path))
    }

    /// Opens a report under the first of these names that is free, with no finished report and no growing one. It never
    /// replaces a file.
    pub(crate) fn create_unnamed(names: impl IntoIterator<Item = PathBuf>) -> io::Result<Self> {
        for name in names {
            let partial = Self::partial_name(&name);
            if let Some(file) = reserve(&name, &partial)? {
                return Ok(Self::new(Out::Partial { file, partial, replaces: false }, name));
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    const fn new(out: Out, name: PathBuf) -> Self {
        Self { out, name, is_written: false }
    }

    /// What it is called once it is finished.
    pub(crate) fn name(&self) -> &Path {
        &self.name
    }

    /// The name under which a report grows.
    pub(crate) fn partial_name(path: &Path) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(".partial");
        PathBuf::from(name)
    }

    pub(crate) fn names(&self) -> Names {
        let growing = match &self.out {
            Out::Stdout(_) | Out::Direct(_) => None,
            Out::Partial { partial, .. } => Some(partial.clone()),
        };
        Names { name: self.name.clone(), growing }
    }

    /// Writes at once: settled rows must not wait in a buffer.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.is_written = true;
        match &mut self.out {
            Out::Stdout(out) => {
                out.write_all(bytes)?;
                out.flush()
            }
            Out::Direct(file) => file.write_all(bytes),
            Out::Partial { file, partial, .. } => {
                check_is_at(file, partial)?;
                file.write_all(bytes)
            }
        }
    }

    /// Whatever the umask is.
    pub(crate) fn let_others_read(&self) -> io::Result<()> {
        match &self.out {
            Out::Stdout(_) | Out::Direct(_) => Ok(()),
            Out::Partial { file, .. } => file.set_permissions(Permissions::from_mode(0o644)),
        }
    }

    /// Removes the file, since there is nothing to report.
    pub(crate) fn discard(mut self) {
        self.is_written = false;
    }

    /// Makes it durable: synced, then renamed, then the rename synced.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        match &mut self.out {
            Out::Stdout(out) => out.flush(),
            Out::Direct(_) => Ok(()),
            Out::Partial { file, partial, replaces } => {
                check_is_at(file, partial)?;
                file.sync_all()?;
                if *replaces {
                    fs::rename(&*partial, &self.name)?;
                } else {
                    rename_to_new(partial, &self.name)?;
                }
                sync_directory_of(&self.name)
            }
        }
    }
}

/// A growing file that holds nothing would be found later, and tell nobody anything.
impl Drop for ReportFile {
    fn drop(&mut self) {
        if let Out::Partial { file, partial, .. } = &self.out
            && !self.is_written
        {
            // If that fails, it stays, and the next report of this name replaces it.
            drop(check_is_at(file, partial).and_then(|()| fs::remove_file(partial)));
        }
    }
}

/// The names of a report, known longer than it is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    name: PathBuf,
    growing: Option<PathBuf>,
}

impl Names {
    /// Where the lines are now: under the final name, unless the report was never renamed.
    pub(crate) fn current(&self) -> &Path {
        self.growing.as_deref().filter(|growing| growing.exists()).unwrap_or(&self.name)
    }
}

/// Creates the growing file, or opens an older one. Follows no link, also none that came after the place was looked at.
fn open_growing(partial: &Path, is_private: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(if is_private { 0o600 } else { 0o666 });
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(partial)
}

/// Opens the growing file and locks it. Another run that ends meanwhile renames its file and releases the lock, and what
/// we lock then is its finished report.
fn open_locked(partial: &Path, mut open: impl FnMut() -> io::Result<File>) -> io::Result<File> {
    for _ in 0..ATTEMPTS {
        let file = open()?;
        if !lock(&file) {
            break;
        }
        if files::is_at(&file, partial)? {
            return Ok(file);
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "another run writes it"))
}

/// Fails where the growing file has lost its name: what is written to it is lost, and what has its name now is not ours.
fn check_is_at(file: &File, partial: &Path) -> io::Result<()> {
    if files::is_at(file, partial)? {
        return Ok(());
    }
    let what = format!("{} was removed or replaced during the run", partial.display());
    Err(io::Error::new(io::ErrorKind::NotFound, what))
}

/// Opens and locks the growing file of this name; `None` if the name is taken.
fn reserve(name: &Path, partial: &Path) -> io::Result<Option<File>> {
    let is_taken = |path: &Path| path.symlink_metadata().is_ok();
    if is_taken(name) {
        return Ok(None);
    }
    let file = match OpenOptions::new().create_new(true).write(true).open(partial) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        opened => opened?,
    };
    // A run whose user chose this name may have taken it meanwhile.
    if !lock(&file) || !files::is_at(&file, partial)? {
        return Ok(None);
    }
    // Or one may have ended since the first check.
    if is_taken(name) {
        fs::remove_file(partial)?;
        return Ok(None);
    }
    Ok(Some(file))
}

/// Renames, and fails if the name was taken meanwhile.
fn rename_to_new(partial: &Path, name: &Path) -> io::Result<()> {
    let mut path = TempPath::try_from_path(partial)?;
    path.disable_cleanup(true);
    match path.persist_noclobber(name) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists && name.symlink_metadata().is_err() => {
            // A file system without such a rename and without hard links.
            fs::rename(partial, name)
        }
        renamed => renamed.map_err(|error| error.error),
    }
}

/// Whether the file is ours now. Where the file system has no locks, it counts as ours: the lock only keeps two runs from
/// writing one report.
fn lock(file: &File) -> bool {
    match file.try_lock() {
        Ok(()) | Err(TryLockError::Error(_)) => true,
        Err(TryLockError::WouldBlock) => false,
    }
}

fn sync_directory_of(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_takes_its_name_only_at_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.csv");
        fs::write(&path, "older").unwrap();
        let mut report = ReportFile::create(&Destination::Path(path.clone())).unwrap();
        report.write(b"newer").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "older");
        assert_eq!(fs::read_to_string(dir.path().join("report.csv.partial")).unwrap(), "newer");
        report.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "newer");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_report_that_was_never_written_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let create = || ReportFile::create(&Destination::Path(dir.path().join("report.csv"))).unwrap();
        drop(create());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let mut written = create();
        written.write(b"lines").unwrap();
        drop(written);
        assert_eq!(fs::read_to_string(dir.path().join("report.csv.partial")).unwrap(), "lines");
    }

    #[test]
    fn a_second_run_does_not_write_into_the_first_one_s_report() {
        let dir = tempfile::tempdir().unwrap();
        let destination = Destination::Path(dir.path().join("report.csv"));
        let mut first = ReportFile::create(&destination).unwrap();
        first.write(b"first").unwrap();
        assert_eq!(ReportFile::create(&destination).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        assert_eq!(fs::read_to_string(dir.path().join("report.csv.partial")).unwrap(), "first");
    }

    #[test]
    fn reports_that_nobody_named_never_meet() {
        let dir = tempfile::tempdir().unwrap();
        let name = |number: u32| dir.path().join(format!("report-{number}.csv"));
        let begin = || {
            let mut report = ReportFile::create_unnamed((1..9).map(name)).unwrap();
            report.write(report.name.clone().as_os_str().as_encoded_bytes()).unwrap();
            report
        };
        // One is finished, one crashed, one's growing file is no file, one name was given by the user, two grow.
        begin().finish().unwrap();
        fs::write(dir.path().join("report-2.csv.partial"), "crashed").unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("report-3.csv.partial")).unwrap();
        let named = ReportFile::create(&Destination::Path(name(4))).unwrap();
        let (first, second) = (begin(), begin());
        second.finish().unwrap();
        first.finish().unwrap();
        named.finish().unwrap();
        for number in [1, 5, 6] {
            assert_eq!(fs::read_to_string(name(number)).unwrap(), name(number).display().to_string());
        }
        assert_eq!(fs::read_to_string(dir.path().join("report-2.csv.partial")).unwrap(), "crashed");
        let full = ReportFile::create_unnamed((1..7).map(name)).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_report_that_nobody_named_replaces_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (path, partial) = (dir.path().join("report.csv"), dir.path().join("report.csv.partial"));
        let mut report = ReportFile::create_unnamed([path.clone()]).unwrap();
        report.write(b"lines").unwrap();
        fs::write(&path, "someone else's").unwrap();
        assert_eq!(report.finish().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "someone else's");
        assert_eq!(fs::read_to_string(&partial).unwrap(), "lines");
    }

    #[test]
    fn a_report_that_another_run_finishes_meanwhile_is_not_taken_for_the_growing_one() {
        let dir = tempfile::tempdir().unwrap();
        let (path, partial) = (dir.path().join("report.csv"), dir.path().join("report.csv.partial"));
        fs::write(&partial, "finished").unwrap();
        let mut opened = 0;
        let file = open_locked(&partial, || {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(&partial)?;
            opened += 1;
            if opened == 1 {
                fs::rename(&partial, &path)?;
            }
            Ok(file)
        });
        file.unwrap().set_len(0).unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), opened), ("finished", 2));
    }

    #[test]
    fn what_stands_in_the_growing_file_s_place_and_is_none_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("report.csv"), dir.path().join("other"));
        fs::write(&other, "kept").unwrap();
        let partial = dir.path().join("report.csv.partial");
        std::os::unix::fs::symlink(&other, &partial).unwrap();
        let error = ReportFile::create(&Destination::Path(path)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        // As where the link comes after the place was looked at.
        assert!(open_growing(&partial, false).is_err());
        fs::remove_file(&partial).unwrap();
        fs::hard_link(&other, &partial).unwrap();
        let error = ReportFile::create(&Destination::Path(dir.path().join("report.csv"))).unwrap_err();
        assert!(error.to_string().ends_with("report.csv.partial is a hard link to another file"), "{error}");
        assert_eq!(fs::read_to_string(&other).unwrap(), "kept");
    }

    #[test]
    fn a_growing_report_that_was_removed_or_replaced_is_written_no_more() {
        type Act = fn(ReportFile) -> io::Result<()>;
        let acts: [Act; 2] = [|mut report| report.write(b"more"), ReportFile::finish];
        for (act, replaced) in acts.into_iter().flat_map(|act| [(act, false), (act, true)]) {
            let dir = tempfile::tempdir().unwrap();
            let (path, partial) = (dir.path().join("report.csv"), dir.path().join("report.csv.partial"));
            let mut report = ReportFile::create(&Destination::Path(path.clone())).unwrap();
            report.write(b"lines").unwrap();
            fs::remove_file(&partial).unwrap();
            if replaced {
                fs::write(&partial, "someone else's").unwrap();
            }
            let error = act(report).unwrap_err();
            assert!(
                error.to_string().ends_with("report.csv.partial was removed or replaced during the run"),
                "{error}"
            );
            assert!(!path.exists());
            assert_eq!(fs::read_to_string(&partial).ok().as_deref(), replaced.then_some("someone else's"));
        }
    }

    #[test]
    fn a_link_is_followed_and_a_device_is_written_directly() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target.csv"), dir.path().join("link.csv"));
        fs::write(&target, "older").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let mut report = ReportFile::create(&Destination::Path(link.clone())).unwrap();
        report.write(b"newer").unwrap();
        report.finish().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "newer");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

        let mut null = ReportFile::create(&Destination::Path("/dev/null".into())).unwrap();
        null.write(b"gone").unwrap();
        null.finish().unwrap();
        assert!(!Path::new("/dev/null.partial").exists());
    }

    #[test]
    fn what_can_not_be_written_is_said_before_anything_is_sent() {
        let dir = tempfile::tempdir().unwrap();
        let directory = Destination::Path(dir.path().to_owned());
        assert_eq!(ReportFile::create(&directory).unwrap_err().kind(), io::ErrorKind::IsADirectory);
        let nowhere = Destination::Path(dir.path().join("no/such/report.csv"));
        assert_eq!(ReportFile::create(&nowhere).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
