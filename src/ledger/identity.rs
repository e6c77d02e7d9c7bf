//! Whether a file that is held open is still the one that its name leads to.
//!
//! What is written into a removed file is durable for nobody, and the disk does not say so.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::files::identity;

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
