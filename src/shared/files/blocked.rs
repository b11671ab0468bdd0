//! Where something else than a folder stands where one belongs: nothing can be written below it, and somebody has to be told.

use std::collections::BTreeSet;
use std::io::{Error, ErrorKind};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::shared::telemetry::alerts::Alerts;

/// The cause of the alert.
pub const BLOCKED: &str = "files:blocked";

/// How many names of a path are told: what is below the folder of an account's conversations is named after people.
const TOLD_PARTS: usize = 3;

/// The folders that were in the way, as far as is known.
#[derive(Default)]
pub(super) struct Blocked {
    folders: Mutex<BTreeSet<Vec<String>>>,
    alerts: OnceLock<Alerts>,
}

impl Blocked {
    /// From now on these alerts tell.
    pub fn tell(&self, alerts: Alerts) {
        let _ = self.alerts.set(alerts);
    }

    /// Remembers and tells that something else than a folder stands here, below `root`.
    pub fn note(&self, root: &Path, folder: &[String]) -> Error {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_vec());
        let error = in_the_way(root, folder);
        if let Some(alerts) = self.alerts.get() {
            let sentence = format!("{error}. Nothing is written there, and nothing is lost: put the folder back.");
            alerts.raise(BLOCKED, &sentence);
        }
        error
    }

    /// # Errors
    /// Where something that was in the way still is.
    pub fn ensure_none(&self, root: &Path) -> std::io::Result<()> {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let before = folders.len();
        folders.retain(|folder| {
            let path = folder.iter().fold(root.to_owned(), |path, part| path.join(part));
            path.symlink_metadata().is_ok_and(|found| !found.is_dir())
        });
        if let Some(alerts) = self.alerts.get()
            && folders.is_empty()
            && before > 0
        {
            alerts.heal(BLOCKED);
        }
        folders.first().map_or(Ok(()), |folder| Err(in_the_way(root, folder)))
    }
}

fn in_the_way(root: &Path, folder: &[String]) -> Error {
    let shown = folder.iter().take(TOLD_PARTS).fold(root.to_owned(), |path, part| path.join(part));
    let below = if folder.len() > TOLD_PARTS { "Below " } else { "" };
    let said = format!("{below}{}: a symbolic link or a file stands where a folder belongs", shown.display());
    Error::new(ErrorKind::NotADirectory, said)
}
