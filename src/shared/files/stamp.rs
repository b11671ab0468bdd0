//! By what a file is recognised that nobody touched.

use std::fmt;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::str::FromStr;

/// What a file was when it was last written: another file, or a changed one, has another stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The length.
    pub(super) bytes: u64,
    inode: u64,
    modified_ns: i64,
}

impl Stamp {
    /// Of an open file.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn of(file: &File) -> std::io::Result<Self> {
        let metadata = file.metadata()?;
        let modified_ns = metadata.mtime().wrapping_mul(1_000_000_000).wrapping_add(metadata.mtime_nsec());
        Ok(Self { bytes: metadata.len(), inode: metadata.ino(), modified_ns })
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} {}", self.bytes, self.inode, self.modified_ns)
    }
}

impl FromStr for Stamp {
    type Err = std::io::Error;

    fn from_str(text: &str) -> std::io::Result<Self> {
        let invalid = || std::io::Error::from(ErrorKind::InvalidData);
        let mut numbers = text.split(' ');
        let mut next = || numbers.next().ok_or_else(invalid);
        Ok(Self {
            bytes: next()?.parse().map_err(|_| invalid())?,
            inode: next()?.parse().map_err(|_| invalid())?,
            modified_ns: next()?.parse().map_err(|_| invalid())?,
        })
    }
}
