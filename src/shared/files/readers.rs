//! Who may read the output folder: the service's user alone, or the members of one group as well (`OUTPUT_GROUP`).
//!
//! Every new file and folder is given to the group while it has no name yet or nothing in it. What was written under another
//! setting is given, or taken back, at the next start; the mode and group of the folder's mark say whether that is done.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::path::MARK;

const FILE: Mode = Mode::RUSR.union(Mode::WUSR);
const FOLDER: Mode = Mode::RWXU;
/// What a group may do with files, and with folders.
const GROUP_FILE: Mode = FILE.union(Mode::RGRP);
const GROUP_FOLDER: Mode = FOLDER.union(Mode::RGRP).union(Mode::XGRP);

/// The file that names the groups of this machine.
const GROUPS: &str = "/etc/group";

/// Who reads beside the service's user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Readers(Option<u32>);

impl Readers {
    /// The members of the group with this number.
    #[must_use]
    pub fn group(id: u32) -> Self {
        Self(Some(id))
    }

    /// The group's number; `None`: nobody else reads.
    #[must_use]
    pub fn group_id(self) -> Option<u32> {
        self.0
    }

    /// The group of this name or number. Names are those of `/etc/group`; a group that a directory service knows is given by
    /// its number.
    ///
    /// # Errors
    /// A sentence that goes on after the setting's name.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Ok(id) = text.parse() {
            return Ok(Self::group(id));
        }
        let groups = std::fs::read_to_string(GROUPS).unwrap_or_default();
        find_group(&groups, text).map(Self::group).ok_or_else(|| {
            format!("names no group of this machine; make it (`groupadd {text}`), or give the group's number")
        })
    }

    /// Lets them read a new file. Nothing is done where nobody else reads.
    ///
    /// # Errors
    /// When the process may not give it to the group.
    pub(super) fn give_file(self, file: impl AsFd) -> std::io::Result<()> {
        self.give(file, GROUP_FILE)
    }

    /// Lets them look into a new folder.
    ///
    /// # Errors
    /// As [`Readers::give_file`].
    pub(super) fn give_folder(self, folder: impl AsFd) -> std::io::Result<()> {
        self.give(folder, GROUP_FOLDER)
    }

    /// The same for a folder that is there: a kill may have come between its making and its giving.
    ///
    /// # Errors
    /// As [`Readers::give_file`].
    pub(super) fn ensure_folder(self, folder: impl AsFd) -> std::io::Result<()> {
        if self.0.is_none() || self.has(&rustix::fs::fstat(&folder)?, GROUP_FOLDER) {
            return Ok(());
        }
        self.give_folder(folder)
    }

    fn give(self, what: impl AsFd, mode: Mode) -> std::io::Result<()> {
        let Some(id) = self.0 else { return Ok(()) };
        rustix::fs::fchown(&what, None, Some(Gid::from_raw(id)))?;
        Ok(rustix::fs::fchmod(&what, mode)?)
    }

    /// Whether something is for these readers already.
    fn has(self, stat: &Stat, mode: Mode) -> bool {
        let found = Mode::from_raw_mode(stat.st_mode);
        match self.0 {
            Some(id) => stat.st_gid == id && found.intersection(Mode::RWXU | Mode::RWXG | Mode::RWXO) == mode,
            None => !found.intersects(Mode::RWXG),
        }
    }

    /// Makes everything below the folder readable by these readers and no other group, unless that was done before. Symbolic
    /// links, hidden names and what belongs to other users are left alone.
    ///
    /// # Errors
    /// When the process may not give the folder to the group, or something cannot be looked at.
    pub(super) fn settle(self, root: &OwnedFd) -> std::io::Result<()> {
        let mark = rustix::fs::statat(root, MARK, AtFlags::SYMLINK_NOFOLLOW).ok();
        let root_is_right = self.0.is_none() || self.has(&rustix::fs::fstat(root)?, GROUP_FOLDER);
        match &mark {
            Some(mark) if root_is_right && self.has(mark, GROUP_FILE) => return Ok(()),
            // A folder that was never marked was never given to a group either.
            None if self.0.is_none() => return Ok(()),
            _ => {}
        }
        let own = rustix::process::geteuid().as_raw();
        self.settle_below(root, own)?;
        self.apply(root, true)?;
        if mark.is_some() {
            let file = rustix::fs::openat(root, MARK, READ, Mode::empty())?;
            self.apply(&file, false)?;
        }
        tracing::info!(group = self.0, "the files of the output folder have other readers now");
        Ok(())
    }

    fn settle_below(self, folder: &OwnedFd, own: u32) -> std::io::Result<()> {
        for entry in rustix::fs::Dir::read_from(folder)? {
            let entry = entry?;
            if entry.file_name().to_bytes().starts_with(b".") {
                continue;
            }
            let found = match rustix::fs::openat(folder, entry.file_name(), READ, Mode::empty()) {
                Ok(found) => found,
                // Gone meanwhile, a symbolic link, a socket, or somebody else's.
                Err(Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::ACCESS) => continue,
                Err(error) => return Err(error.into()),
            };
            let stat = rustix::fs::fstat(&found)?;
            let kind = FileType::from_raw_mode(stat.st_mode);
            if stat.st_uid != own || !(kind.is_dir() || kind.is_file()) {
                continue;
            }
            if kind.is_dir() {
                self.settle_below(&found, own)?;
            }
            self.apply(&found, kind.is_dir())?;
        }
        Ok(())
    }

    /// Gives or takes back.
    fn apply(self, what: &OwnedFd, is_folder: bool) -> std::io::Result<()> {
        let (open, closed) = if is_folder { (GROUP_FOLDER, FOLDER) } else { (GROUP_FILE, FILE) };
        match self.0 {
            Some(_) => self.give(what, open),
            None => Ok(rustix::fs::fchmod(what, closed)?),
        }
    }
}

/// Opened to look at it, without waiting for the other end of a pipe.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// The number of a group in the text of `/etc/group`: `name:password:number:members`. Source: `group(5)`.
fn find_group(groups: &str, name: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        fields.nth(1)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_by_its_name_or_number() {
        let groups = "root:x:0:\nshop:x:1001:sam,kim\nbroken\nshop2:x::\n";
        assert_eq!(find_group(groups, "shop"), Some(1001));
        for none in ["sho", "shop2", "broken", "", "x"] {
            assert_eq!(find_group(groups, none), None, "{none}");
        }
        assert_eq!(Readers::parse("77"), Ok(Readers::group(77)));
        assert!(Readers::parse("no group is called that").is_err());
    }
}
