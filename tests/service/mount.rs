//! File systems of a test's own: small, removable, and with a plug that can be pulled. They need the right to mount; where
//! it is missing, tests say so and end.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// A mounted file system; unmounted when dropped, also when a test fails.
pub struct Mount {
    point: TempDir,
    image: Option<PathBuf>,
}

impl Mount {
    /// Memory of this size (`2m`). `None`: this process may not mount.
    pub fn memory(size: &str) -> Option<Self> {
        let point = tempfile::tempdir().unwrap();
        let options = format!("size={size},mode=0700");
        let mounted = succeeds(Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(point.path()));
        mounted.then_some(Self { point, image: None })
    }

    /// An image file with this file system. What is written reaches the image when somebody waits for it (`fsync`), and
    /// otherwise as late as the kernel can put it off. `None`: this process may not mount, or cannot make the image.
    pub fn image(image: &Path, file_system: &str) -> Option<Self> {
        let size = if file_system == "xfs" { 320 } else { 96 };
        std::fs::File::create(image).unwrap().set_len(size * 1024 * 1024).unwrap();
        let quick: &[&str] =
            if file_system == "ext4" { &["-q", "-E", "lazy_itable_init=0,lazy_journal_init=0"] } else { &["-q"] };
        let made = succeeds(Command::new(format!("mkfs.{file_system}")).args(quick).arg(image));
        if made { Self::existing(image, file_system) } else { None }
    }

    /// An image file that is there already.
    pub fn existing(image: &Path, file_system: &str) -> Option<Self> {
        let point = tempfile::tempdir().unwrap();
        let options = match file_system {
            "ext4" => "loop,noatime,commit=300",
            // Image and copy carry the same id, and both may be mounted for a moment.
            "xfs" => "loop,noatime,nouuid",
            _ => "loop,noatime",
        };
        let mounted =
            succeeds(Command::new("mount").args(["-t", file_system, "-o", options]).arg(image).arg(point.path()));
        mounted.then_some(Self { point, image: Some(image.to_owned()) })
    }

    pub fn path(&self) -> &Path {
        self.point.path()
    }

    /// Mounts it again with other options: `ro`, `rw`.
    pub fn remount(&self, options: &str) {
        let done = succeeds(Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(self.path()));
        assert!(done, "remounted {options}");
    }

    /// Copies the image as the block device holds it at this moment: what the kernel keeps in memory is not in it.
    pub fn cut_power(&self, copy: &Path) {
        let image = self.image.as_deref().unwrap();
        loop {
            let before = self.writes();
            let copied = succeeds(Command::new("cp").arg("--sparse=always").arg(image).arg(copy));
            assert!(copied, "copied");
            // What reaches the device during the copy may be in it or not, in any order: that is no power cut.
            if before == self.writes() {
                return;
            }
        }
    }

    /// How many writes the device has finished and how many are under way.
    fn writes(&self) -> (u64, u64) {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let point = self.path().to_str().unwrap();
        let device = mounts.lines().find(|line| line.split(' ').nth(1) == Some(point)).unwrap().split(' ').next();
        let name = device.unwrap().strip_prefix("/dev/").unwrap();
        let text = std::fs::read_to_string(format!("/sys/block/{name}/stat")).unwrap();
        let numbers: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
        (numbers[4], numbers[8])
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A process that was just killed may hold it for a moment longer.
        for _ in 0..50 {
            if succeeds(Command::new("umount").arg(self.path())) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        succeeds(Command::new("umount").arg("-l").arg(self.path()));
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Says that a test did not run. Written past the test program, which would show it only for a failed test.
pub fn skipped(why: &str) {
    let mut terminal = std::io::stderr();
    writeln!(terminal, "skipped: {why}").unwrap();
}
