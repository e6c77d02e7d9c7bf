//! Which path leads to which file, so that two names of one file are recognized. Opens and changes nothing.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Symbolic links followed in one path: the limit of Linux.
const MAX_LINKS: u8 = 40;

/// Whether `path` still leads to this open file. If the file was renamed or removed, a lock on it excludes nobody: another
/// process would open another file.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(there) => Ok(identity(&there) == identity(&file.metadata()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether both paths lead to the same regular file, or would lead to the same if it existed.
pub(crate) fn same_file(one: &Path, other: &Path) -> bool {
    match (one.metadata(), other.metadata()) {
        (Ok(one), Ok(other)) => one.is_file() && identity(&one) == identity(&other),
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
        (Err(_), Err(_)) => resolved(one) == resolved(other),
    }
}

/// The path with all links resolved, even if nothing exists there: where a file would be created.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    if let Ok(existing) = fs::canonicalize(path) {
        return existing;
    }
    // A link to something without a path, such as `/dev/stdout` to a pipe.
    if path.exists() {
        return path.to_owned();
    }
    std::path::absolute(path).map_or_else(|_| path.to_owned(), |path| follow(&path, &mut MAX_LINKS.clone()))
}

/// Resolves the links of an absolute path, of which the last parts need not exist.
fn follow(path: &Path, links: &mut u8) -> PathBuf {
    let mut at = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Prefix(_) | Component::RootDir => at.push(part),
            Component::CurDir => {}
            Component::ParentDir => drop(at.pop()),
            Component::Normal(name) => at = step(at, name, links),
        }
    }
    at
}

fn step(directory: PathBuf, name: &OsStr, links: &mut u8) -> PathBuf {
    let path = directory.join(name);
    match fs::read_link(&path) {
        Ok(target) if *links > 0 => {
            *links -= 1;
            follow(&directory.join(target), links)
        }
        Ok(_) | Err(_) => path,
    }
}

/// Device and inode, which identify a file while it exists.
pub(crate) fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn two_names_of_one_file_are_recognized() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link, other) = (dir.path().join("a"), dir.path().join("b"), dir.path().join("c"));
        fs::write(&file, "").unwrap();
        fs::hard_link(&file, &link).unwrap();
        assert!(same_file(&file, &link));
        assert!(same_file(&file, &dir.path().join("./a")));
        assert!(!same_file(&file, &other));
        assert!(same_file(&other, &dir.path().join("./c")));
        assert!(!same_file(Path::new("/dev/null"), Path::new("/dev/null")));
    }

    #[test]
    fn a_path_to_nothing_leads_where_it_would_be_created() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        symlink("nowhere/file", root.join("dangling")).unwrap();
        symlink(&root, root.join("self")).unwrap();
        symlink("round", root.join("round")).unwrap();
        let cases = [
            ("file", "file"),
            ("self/self/file", "file"),
            ("new/../file", "file"),
            ("new/../self/deep/file", "deep/file"),
            ("dangling", "nowhere/file"),
            ("self/dangling", "nowhere/file"),
            ("round", "round"),
        ];
        for (path, expected) in cases {
            assert_eq!(resolved(&root.join(path)), root.join(expected), "{path}");
        }
    }

    #[test]
    fn a_file_that_was_moved_is_no_longer_at_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let file = File::create(&path).unwrap();
        assert!(is_at(&file, &path).unwrap());
        fs::rename(&path, dir.path().join("b")).unwrap();
        assert!(!is_at(&file, &path).unwrap());
        fs::write(&path, "").unwrap();
        assert!(!is_at(&file, &path).unwrap());
    }
}
