//! Whose the folders are in which everything lies: nobody else may put something there in our name, or take it away.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::bail;

/// Why a folder is not used, and what mends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stranger {
    /// It belongs to another user, with this number.
    Owner(u32),
    /// Everybody, or a group of users, may write to it.
    Writable,
}

/// Who else may write to this folder; `None`: nobody but its owner, who we are, and the system's administrator.
///
/// A group in which nobody else is counts as its user: many systems give each user such a group, and folders that it may
/// write to.
#[must_use]
pub fn stranger(folder: &Metadata) -> Option<Stranger> {
    let us = rustix::process::geteuid().as_raw();
    if folder.uid() != us {
        return Some(Stranger::Owner(folder.uid()));
    }
    let by_group = folder.mode() & 0o020 != 0 && !is_ours_alone(folder.gid());
    (folder.mode() & 0o002 != 0 || by_group).then_some(Stranger::Writable)
}

/// What is wrong with this folder, and what mends it.
#[must_use]
pub fn explained(path: &Path, stranger: Stranger) -> (String, String) {
    let (path, us) = (path.display(), rustix::process::geteuid().as_raw());
    match stranger {
        Stranger::Owner(owner) => (
            format!("the folder {path} belongs to another user (number {owner}; the service runs as {us})"),
            format!("chown -R {us} {path}, or run the service as its owner"),
        ),
        Stranger::Writable => (format!("other users may write to the folder {path}"), format!("chmod go-w {path}")),
    }
}

/// Makes sure that nobody else may write to this folder.
///
/// # Errors
/// Who else may, and what mends it.
pub fn ensure_is_ours(path: &Path, folder: &Metadata) -> anyhow::Result<()> {
    if let Some(stranger) = stranger(folder) {
        let (what, fix) = explained(path, stranger);
        bail!("{what}, so it is not used: whoever may write to it could exchange what is in it. Mend it with: {fix}");
    }
    Ok(())
}

/// Whether this group is ours and nobody else is in it. What cannot be read says no.
fn is_ours_alone(group: u32) -> bool {
    let read = |file| fs::read_to_string(file).unwrap_or_default();
    group == rustix::process::getegid().as_raw()
        && has_one_member(group, rustix::process::geteuid().as_raw(), &read("/etc/group"), &read("/etc/passwd"))
}

/// Whether `user` is the only one whose group this is, in the words of `group(5)` and `passwd(5)`.
fn has_one_member(group: u32, user: u32, groups: &str, users: &str) -> bool {
    let is = |text: &str, number: u32| text.parse() == Ok(number);
    let mut own_name = None;
    for line in users.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, ..] = fields.as_slice() else { continue };
        if is(uid, user) {
            own_name = Some(*name);
        } else if is(gid, group) {
            return false;
        }
    }
    let listed = groups.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields.as_slice() {
            [_, _, gid, members] if is(gid, group) => Some(*members),
            _ => None,
        }
    });
    listed.is_some_and(|members| members.split(',').all(|name| name.is_empty() || Some(name) == own_name))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_group_of_its_own_is_the_user() {
        let users =
            "root:x:0:0::/root:/bin/sh\nkim:x:1000:1000::/home/kim:/bin/sh\nsam:x:1001:100::/home/sam:/bin/sh\n";
        let groups = "root:x:0:\nusers:x:100:kim\nkim:x:1000:\nstaff:x:50:sam,kim\nown:x:51:kim\n";
        for (group, is_alone) in [(1000, true), (100, false), (50, false), (51, true), (7, false)] {
            assert_eq!(has_one_member(group, 1000, groups, users), is_alone, "{group}");
        }
        assert!(!has_one_member(1000, 1000, "", ""), "nothing is known");
    }

    #[test]
    fn f2_a_folder_of_another_user_or_one_that_others_may_write_to_is_not_ours() {
        let folder = tempfile::tempdir().expect("a folder");
        let found = |mode: u32| {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).expect("set");
            ensure_is_ours(folder.path(), &fs::metadata(folder.path()).expect("there"))
                .map_err(|error| error.to_string())
        };
        for good in [0o700, 0o755, 0o750] {
            assert!(found(good).is_ok(), "{good:o}");
        }
        for bad in [0o702, 0o777, 0o1777] {
            assert!(found(bad).is_err_and(|told| told.contains("chmod go-w")), "{bad:o}");
        }
        let another = stranger(&fs::metadata("/proc/1").expect("there"));
        if rustix::process::geteuid().is_root() {
            rustix::fs::chown(folder.path(), Some(rustix::fs::Uid::from_raw(4711)), None).expect("given away");
            assert!(found(0o700).is_err_and(|told| told.contains("number 4711") && told.contains("chown")));
        } else {
            assert_eq!(another, Some(Stranger::Owner(0)));
        }
    }
}
