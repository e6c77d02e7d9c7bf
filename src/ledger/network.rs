//! Which file systems are another machine's. Owns the list; refusing is for the caller.

use std::path::Path;

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
            let (mount, system) = line.split_once(" - ")?;
            let point = unescape(mount.split(' ').nth(4)?);
            path.starts_with(&point).then_some((point.len(), system.split(' ').next()?))
        })
        // Of two mounts on one point the later hides the earlier, and `max_by_key` keeps the later.
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind)
}

/// Space, tab, line feed and backslash stand there as `\040` and so on.
fn unescape(point: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(point.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
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
}
