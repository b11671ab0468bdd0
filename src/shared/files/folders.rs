//! What stands in an open folder: found, opened, compared and removed by name, never through a symbolic link.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

/// How folders are opened: as folders alone, and never through a symbolic link.
pub(super) const FOLDER_FLAGS: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A folder in a folder; `None` where there is none, or something else has this name.
pub(super) fn find_folder_in(folder: impl AsFd, name: &str) -> std::io::Result<Option<OwnedFd>> {
    match rustix::fs::openat(folder, name, FOLDER_FLAGS, Mode::empty()) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Shows every file at any depth, in order of names, with its path below the folder.
pub(super) fn visit(
    folder: &OwnedFd,
    below: &str,
    see: &mut dyn FnMut(&str, File) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(folder)? {
        let entry = entry?;
        // Whatever begins with a dot is half-written; and whoever put a name there that is no text, it was not this program.
        match entry.file_name().to_str() {
            Ok(name) if !name.starts_with('.') => names.push(name.to_owned()),
            _ => {}
        }
    }
    // A listing may show a name twice that was replaced meanwhile.
    names.sort_unstable();
    names.dedup();
    for name in names {
        let path = format!("{below}{name}");
        // Without waiting for the other end, should it be a pipe.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(folder, name.as_str(), flags, Mode::empty()) {
            Ok(file) => File::from(file),
            // Gone meanwhile; a symbolic link; something that cannot be read, such as a socket.
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => continue,
            Err(error) => return Err(error.into()),
        };
        let kind = file.metadata()?.file_type();
        if kind.is_dir() {
            visit(&file.into(), &format!("{path}/"), see)?;
        } else if kind.is_file() {
            see(&path, file)?;
        }
    }
    Ok(())
}

/// Removes the files at any depth whose name is wanted, and the folders too if told so. Gives back how many files.
pub(super) fn remove_files(
    folder: &OwnedFd,
    wanted: &dyn Fn(&[u8]) -> bool,
    folders_too: bool,
) -> std::io::Result<usize> {
    let mut removed = 0;
    // Names first: what a listing shows while entries go is not defined.
    let names: Vec<std::ffi::CString> = rustix::fs::Dir::read_from(folder)?
        .map(|entry| entry.map(|entry| entry.file_name().to_owned()))
        .collect::<Result<_, _>>()?;
    for name in names.iter().filter(|name| !matches!(name.to_bytes(), b"." | b"..")) {
        match rustix::fs::openat(folder, name, FOLDER_FLAGS, Mode::empty()) {
            Ok(inner) => {
                removed += remove_files(&inner, wanted, folders_too)?;
                if folders_too {
                    rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?;
                }
            }
            Err(Errno::NOENT) => {}
            Err(_) if wanted(name.to_bytes()) => {
                rustix::fs::unlinkat(folder, name, AtFlags::empty())?;
                removed += 1;
            }
            Err(_) => {}
        }
    }
    rustix::fs::fsync(folder)?;
    Ok(removed)
}

pub(super) fn as_io(error: Errno) -> std::io::Error {
    error.into()
}

/// Opens a plain file for reading; `None` where there is none, or a symbolic link, which is replaced and not followed.
pub(super) fn open_plain(folder: impl AsFd, name: &str) -> std::io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(folder, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if file.metadata()?.is_file() {
        Ok(Some(file))
    } else {
        Err(std::io::Error::new(ErrorKind::AlreadyExists, "something that is no file has this name"))
    }
}

/// Whether the file holds exactly these bytes already.
pub(super) fn holds(folder: impl AsFd, name: &str, document: &[u8]) -> std::io::Result<bool> {
    let Some(mut file) = open_plain(folder, name)? else { return Ok(false) };
    if file.metadata()?.len() != document.len() as u64 {
        return Ok(false);
    }
    let mut buffer = [0; 16 * 1024];
    let mut rest = document;
    while !rest.is_empty() {
        let read = file.read(&mut buffer)?;
        if read == 0 || !rest.starts_with(&buffer[..read]) {
            return Ok(false);
        }
        rest = &rest[read..];
    }
    Ok(true)
}

/// Whether an error says that the disk or the process is out of something, rather than that one file is at fault.
#[must_use]
pub fn is_environment(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::ReadOnlyFilesystem | ErrorKind::QuotaExceeded | ErrorKind::OutOfMemory
    ) || matches!(error.raw_os_error().map(Errno::from_raw_os_error), Some(Errno::IO | Errno::MFILE | Errno::NFILE))
}
