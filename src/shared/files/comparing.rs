//! Whether a file that is written anew is the old one again.

use std::fs::File;
use std::io::{Read, Write};

/// Writes a new file, and notices whether it is the old one again.
pub(super) struct Comparing<'a> {
    pub new: &'a File,
    pub old: Option<&'a File>,
    pub same: bool,
    pub buffer: Vec<u8>,
}

impl Comparing<'_> {
    /// Whether the old file held exactly what was written.
    pub fn is_same(&self) -> std::io::Result<bool> {
        let Some(mut old) = self.old else { return Ok(false) };
        Ok(self.same && old.read(&mut [0])? == 0)
    }
}

impl Write for Comparing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.new.write(bytes)?;
        if self.same {
            self.buffer.resize(written, 0);
            self.same = match self.old {
                Some(mut old) => old.read_exact(&mut self.buffer).is_ok() && self.buffer == bytes[..written],
                None => false,
            };
        }
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.new.flush()
    }
}
