//! A file whose content comes piece by piece, and whose name is known at its end.

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags};

use super::folders::as_io;
use super::output::Output;
use super::path::RelativePath;

impl Output {
    /// Begins a file whose content comes piece by piece and whose name is known at its end. Blocks.
    ///
    /// # Errors
    /// As [`Output::write`].
    pub fn begin(&self, path: &RelativePath) -> std::io::Result<Incoming> {
        let folder = self.folder(path.parts())?;
        let unique = self.unique();
        let temporary = format!(".incoming.{}.{unique}.tmp", std::process::id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, &temporary, flags, Mode::RUSR | Mode::WUSR).map_err(as_io)?;
        let file = tokio::fs::File::from_std(File::from(file));
        let incoming = Incoming { output: self.clone(), path: path.clone(), folder, temporary, file };
        self.readers().give_file(&incoming.file)?;
        Ok(incoming)
    }
}

/// A file that has no name yet. Dropped, it is gone.
pub struct Incoming {
    output: Output,
    /// The path of the folder.
    path: RelativePath,
    folder: OwnedFd,
    temporary: String,
    /// Where the content goes.
    pub file: tokio::fs::File,
}

impl Incoming {
    /// Brings the content to disk and gives it its name in the folder; a file of that name is replaced.
    ///
    /// # Errors
    /// As [`Output::write`]; nothing is left behind then.
    pub async fn finish(mut self, name: &RelativePath) -> std::io::Result<()> {
        use tokio::io::AsyncWriteExt;
        self.file.flush().await?;
        self.file.sync_data().await?;
        let [name] = name.parts() else { return Err(ErrorKind::InvalidInput.into()) };
        let (name, path) = (name.clone(), self.path.join(name)?);
        tokio::task::spawn_blocking(move || {
            let _change = self.output.tell(&path)?;
            rustix::fs::renameat(&self.folder, &self.temporary, &self.folder, name).map_err(as_io)?;
            rustix::fs::fsync(&self.folder).map_err(as_io)
        })
        .await
        .map_err(std::io::Error::other)?
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // After `finish` there is nothing of this name any more. Otherwise best effort: the next start removes the rest.
        let _ = rustix::fs::unlinkat(&self.folder, &self.temporary, AtFlags::empty());
    }
}
