//! Where the ledger lies: its true path, its directory, and the file with its owner's rights alone.
//!
//! Opens no database.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::LedgerError;
use crate::files::{identity, resolved};

/// What SQLite and the lock add to the ledger's name.
pub(super) const SIDE_FILES: [&str; 4] = ["-wal", "-shm", "-journal", ".lock"];

/// The path to write at: links followed, its directory made if need be. Every name of one ledger comes out as the same
/// path, so that they share one lock.
pub(super) fn to_write(path: &Path) -> Result<PathBuf, LedgerError> {
    let unwritable = |source| LedgerError::unwritable(path, source);
    let absolute = std::path::absolute(path).map_err(unwritable)?;
    refuse_network(&absolute)?;
    if let Ok(existing) = fs::canonicalize(&absolute) {
        refuse_other_names(&existing)?;
        return Ok(existing);
    }
    refuse_link_to_nothing(&absolute)?;
    let (Some(directory), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(unwritable(io::ErrorKind::IsADirectory.into()));
    };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(unwritable)?;
    Ok(fs::canonicalize(directory).map_err(unwritable)?.join(name))
}

/// The path to read at, which must exist.
pub(super) fn to_read(path: &Path) -> Result<PathBuf, LedgerError> {
    match fs::canonicalize(path) {
        Ok(existing) => refuse_other_names(&existing).map(|()| existing),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            refuse_link_to_nothing(path)?;
            Err(LedgerError::Missing { path: path.to_owned() })
        }
        Err(error) => Err(LedgerError::unreadable(path, error)),
    }
}

/// Makes the file, if there is none, before SQLite would with everyone's rights. SQLite gives its side files the same.
pub(super) fn create(path: &Path) -> Result<(), LedgerError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(LedgerError::unwritable(path, error)),
    }
}

/// The files of the ledger at `path`, there or not: what else writes to one of them destroys it.
pub(crate) fn files_of(path: &Path) -> Vec<PathBuf> {
    let path = resolved(path);
    let mut files: Vec<_> = SIDE_FILES.iter().map(|suffix| beside(&path, suffix)).collect();
    files.push(path);
    files
}

/// The path of a file that lies beside the ledger.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// SQLite's log lies beside a name, so a file of two names has two logs, and each knows nothing of the other. A file that
/// is mounted by itself has its other name elsewhere, where its count of links does not tell of it.
fn refuse_other_names(path: &Path) -> Result<(), LedgerError> {
    // Devices are not compared: an overlay, as most containers have for a root, gives a file another one than its
    // directory, and a mount from the same file system has the same.
    if mountinfo().is_some_and(|mountinfo| is_mount_point(path, &mountinfo)) {
        return Err(LedgerError::MountPoint { path: path.to_owned() });
    }
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.nlink() > 1 => {
            Err(LedgerError::HardLinked { path: path.to_owned(), links: metadata.nlink() })
        }
        // What else is wrong with it shows when it is opened.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn refuse_link_to_nothing(path: &Path) -> Result<(), LedgerError> {
    let leads_nowhere = |part: &Path| fs::metadata(part).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    let dangling = |part: &Path| Some((part.to_owned(), fs::read_link(part).ok()?)).filter(|_| leads_nowhere(part));
    match path.ancestors().find_map(dangling) {
        Some((link, target)) => Err(LedgerError::LinkToNothing { path: path.to_owned(), link, target }),
        None => Ok(()),
    }
}

fn refuse_network(path: &Path) -> Result<(), LedgerError> {
    let Some(mountinfo) = mountinfo() else { return Ok(()) };
    let Some(existing) = path.ancestors().find_map(|part| fs::canonicalize(part).ok()) else { return Ok(()) };
    match kind_of(&existing, &mountinfo) {
        Some(kind) if is_network(kind) => {
            Err(LedgerError::NetworkFileSystem { path: path.to_owned(), kind: kind.to_owned() })
        }
        Some(_) | None => Ok(()),
    }
}

/// What is mounted where. Elsewhere than on Linux there is no such file, and SQLite's own refusals must do.
fn mountinfo() -> Option<String> {
    fs::read("/proc/self/mountinfo").ok().map(|text| String::from_utf8_lossy(&text).into_owned())
}

/// Names that Linux gives to file systems of other machines.
const NETWORK: [&str; 16] = [
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "fuse",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "orangefs",
    "smb3",
    "smbfs",
];
/// FUSE file systems that are known to lie on this machine. The others (`sshfs`, `rclone`, `s3fs` and ever more) mostly
/// do not, so an unknown one is taken for another machine's.
const LOCAL_FUSE: [&str; 7] = [
    "fuse.bindfs",
    "fuse.encfs",
    "fuse.fuse-overlayfs",
    "fuse.gocryptfs",
    "fuse.mergerfs",
    "fuse.ntfs-3g",
    "fuse.portal",
];

/// Whether a file system of this kind (as `/proc/self/mountinfo` names it) is reached over a network.
pub(super) fn is_network(kind: &str) -> bool {
    NETWORK.contains(&kind) || (kind.starts_with("fuse.") && !LOCAL_FUSE.contains(&kind))
}

/// The kind of file system that holds `path`, an absolute path without links, by the text of `/proc/self/mountinfo`.
pub(super) fn kind_of<'a>(path: &Path, mountinfo: &'a str) -> Option<&'a str> {
    mountinfo
        .lines()
        .filter_map(|line| {
            let (_, system) = line.split_once(" - ")?;
            let point = point_of(line)?;
            path.starts_with(&point).then_some((point.len(), system.split(' ').next()?))
        })
        // Of two mounts on one point the later hides the earlier, and `max_by_key` keeps the later.
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind)
}

/// Whether something is mounted at `path` itself, an absolute path without links.
pub(super) fn is_mount_point(path: &Path, mountinfo: &str) -> bool {
    mountinfo.lines().filter_map(point_of).any(|point| *point == *path.to_string_lossy())
}

/// Where the mount of this line is.
fn point_of(line: &str) -> Option<String> {
    line.split(' ').nth(4).map(unescape)
}

/// Space, tab, line feed and backslash stand there as `\040` and so on.
fn unescape(point: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(point.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

/// A file, by its name and by what it was when it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    path: PathBuf,
    file: (u64, u64),
}

impl Identity {
    /// The file that the name leads to now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: identity(&fs::metadata(path)?) })
    }

    /// Fails where the name leads to another file by now, or to none.
    pub(super) fn check(&self) -> io::Result<()> {
        let name = self.path.display();
        match Self::of(&self.path) {
            Ok(now) if now == *self => Ok(()),
            Ok(_) => Err(io::Error::other(format!("{name} was replaced during the run"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(io::Error::other(format!("{name} was removed during the run")))
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_file_systems_are_another_machine_s() {
        let cases = [
            ("ext4", false),
            ("btrfs", false),
            ("xfs", false),
            ("zfs", false),
            ("tmpfs", false),
            ("overlay", false),
            ("virtiofs", false),
            ("fuseblk", false),
            ("fuse.gocryptfs", false),
            ("nfs", true),
            ("nfs4", true),
            ("cifs", true),
            ("smb3", true),
            ("9p", true),
            ("ceph", true),
            ("fuse", true),
            ("fuse.sshfs", true),
            ("fuse.of-tomorrow", true),
        ];
        for (kind, network) in cases {
            assert_eq!(is_network(kind), network, "{kind}");
        }
    }

    #[test]
    fn the_nearest_and_latest_mount_holds_a_path() {
        let mountinfo = "\
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
22 21 0:40 / /home rw,nosuid - autofs systemd-1 rw
23 22 0:41 / /home rw,nosuid shared:2 master:1 - nfs4 server:/home rw,vers=4.2
24 23 0:42 / /home/ann/with\\040space\\134 rw - tmpfs tmpfs rw
a line of tomorrow
";
        let cases = [
            ("/var/lib/ledger.db", "ext4"),
            ("/homes/ledger.db", "ext4"),
            ("/home/ann/ledger.db", "nfs4"),
            ("/home/ann/with space\\/ledger.db", "tmpfs"),
        ];
        for (path, kind) in cases {
            assert_eq!(kind_of(Path::new(path), mountinfo), Some(kind), "{path}");
        }
        assert_eq!(kind_of(Path::new("/x"), ""), None);
    }

    #[test]
    fn a_file_that_is_mounted_by_itself_is_known() {
        let mountinfo = "\
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
25 21 254:0 /srv/state/ledger.db /state/ledger.db rw,relatime - ext4 /dev/vda rw
26 21 0:42 /my\\040ledger.db /state/my\\040ledger.db rw - tmpfs tmpfs rw
27 21 254:0 /srv/other /other rw,relatime - ext4 /dev/vda rw
a line of tomorrow
";
        let cases = [
            ("/state/ledger.db", true),
            ("/state/my ledger.db", true),
            ("/state/ledger.db-wal", false),
            ("/state/other.db", false),
            ("/other/ledger.db", false),
            ("/srv/state/ledger.db", false),
        ];
        for (path, mounted) in cases {
            assert_eq!(is_mount_point(Path::new(path), mountinfo), mounted, "{path}");
        }
    }

    #[test]
    fn a_file_that_was_replaced_or_removed_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "a").unwrap();
        let identity = Identity::of(&path).unwrap();
        fs::write(&path, "b").unwrap();
        identity.check().unwrap();
        // Kept, so that its inode is not given to the next one.
        fs::rename(&path, dir.path().join("old")).unwrap();
        assert!(identity.check().unwrap_err().to_string().ends_with("was removed during the run"));
        fs::write(&path, "c").unwrap();
        assert!(identity.check().unwrap_err().to_string().ends_with("was replaced during the run"));
    }
}
