//! Erasures: nothing of an account or a person is sent while they are carried out, what stands in the bucket is deleted, and
//! lists of the bucket show that it is gone.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::ObjectCopies;
use super::turn::REFUSED_FILE;
use crate::shared::files::output::RelativePath;
use crate::shared::journal::{Journal, Scope, place_of};
use crate::shared::objects::{ObjectError, ObjectKey, Stop, account_folder};

/// An upload that was cut may still arrive: after so long it is looked once more.
const LATE_UPLOAD: Duration = Duration::from_secs(10);

/// While this is there, nothing of an account is sent.
pub struct Held {
    copies: ObjectCopies,
    folders: Vec<String>,
    /// Whether there are uploads that were cut or of which nobody knows, and that may still arrive.
    was_cut: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut queue = self.copies.queue();
        for folder in &self.folders {
            queue.let_go(folder);
        }
    }
}

impl ObjectCopies {
    /// Cuts what is being sent of an account, and sends nothing more of it until what is given back is dropped.
    pub async fn hold(&self, channel: &str, account: &str) -> Held {
        let folders: Vec<String> = account_folder(channel, account).collect();
        let mut was_cut = false;
        for folder in &folders {
            // Where it cannot be read, an upload may be on its way.
            was_cut |= self.0.shared.journal.count_wished_copies(folder).await.map_or(true, |count| count > 0);
        }
        {
            let mut queue = self.queue();
            for folder in &folders {
                queue.hold(folder);
                was_cut |= queue.is_busy(folder);
            }
        }
        let held = Held { copies: self.clone(), folders, was_cut };
        self.0.holds.send_modify(|holds| *holds = holds.wrapping_add(1));
        loop {
            let released = self.0.released.notified();
            if !held.folders.iter().any(|folder| self.queue().is_busy(folder)) {
                return held;
            }
            released.await;
        }
    }

    /// Waits until the files of this account are held.
    pub(super) async fn until_held(&self, folder: &str) {
        let mut holds = self.0.holds.subscribe();
        while !self.queue().is_held(folder) {
            // Who holds files has the sender.
            if holds.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Deletes the objects of a scope whose files are gone already, and proves by lists that they are. Gives how many are
    /// gone, and whether that is all: where object storage or the journal cannot be used, the erasure is not done.
    pub async fn erase(&self, scope: &Scope, held: &Held) -> (i64, anyhow::Result<()>) {
        let mut deleted = Deleted::default();
        let done = self.erase_whole(scope, held, &mut deleted).await;
        (i64::try_from(deleted.gone.len()).unwrap_or(i64::MAX), done)
    }

    async fn erase_whole(&self, scope: &Scope, held: &Held, deleted: &mut Deleted) -> anyhow::Result<()> {
        self.erase_once(scope, held, deleted).await?;
        if held.was_cut && deleted.has_prefixes {
            self.0.shared.clock.sleep(LATE_UPLOAD).await;
            self.erase_once(scope, held, deleted).await?;
        }
        // Its sentence may name the account.
        self.0.shared.alerts.heal(REFUSED_FILE);
        for folder in &held.folders {
            match scope {
                Scope::Account { .. } | Scope::Copies { .. } => {
                    for prefix in self.prefixes(folder).await? {
                        self.remove_prefix(&prefix, folder).await?;
                    }
                    if matches!(scope, Scope::Account { .. }) {
                        self.0.shared.journal.forget_copies(folder, None).await?;
                    } else {
                        self.0.shared.journal.disown_copies(folder).await?;
                    }
                    // Who connected the account meanwhile has everything sent anew.
                    self.owners().forget();
                }
                Scope::Person { person, .. } => {
                    self.0.shared.journal.forget_copies(folder, Some(person)).await?;
                    for rest in &deleted.files {
                        self.0.shared.journal.forget_copy(&format!("{folder}/{rest}")).await?;
                    }
                }
                Scope::Mentions { .. } => {}
            }
        }
        Ok(())
    }

    async fn erase_once(&self, scope: &Scope, held: &Held, deleted: &mut Deleted) -> anyhow::Result<()> {
        if matches!(scope, Scope::Mentions { .. }) {
            return Ok(());
        }
        self.0.shared.output.ensure_is_there()?;
        for folder in &held.folders {
            for prefix in self.prefixes(folder).await? {
                deleted.has_prefixes = true;
                let files = std::sync::Mutex::new(BTreeSet::new());
                let which = |key: &ObjectKey| {
                    let rest = key.as_str().strip_prefix(&prefix).unwrap_or_default();
                    let is_wanted = match scope {
                        Scope::Account { .. } | Scope::Copies { .. } => true,
                        Scope::Person { person, .. } => self.is_of_person(folder, rest, person),
                        Scope::Mentions { .. } => false,
                    };
                    if is_wanted && let Ok(mut files) = files.lock() {
                        files.insert(rest.to_owned());
                    }
                    is_wanted
                };
                match self.delete_all(&prefix, &which, &mut deleted.gone).await {
                    // Where there is no bucket, nothing stands in it.
                    Err(ObjectError::Stopped(Stop::NoBucket)) => {}
                    done => done.context("objects cannot be deleted")?,
                }
                deleted.files.extend(files.into_inner().unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Whether an object is a person's: it is called after them, or it is one of their attachments, whose files are gone.
    fn is_of_person(&self, folder: &str, rest: &str, person: &str) -> bool {
        let path = format!("{folder}/{rest}");
        if rest.ends_with(".json") && place_of(&path).is_some_and(|(_, stem)| stem == person) {
            return true;
        }
        let is_gone = |path: &RelativePath| matches!(self.0.shared.output.stamp(path), Ok(None));
        rest.starts_with("media/") && RelativePath::parse(&path).is_ok_and(|path| is_gone(&path))
    }

    async fn prefixes(&self, folder: &str) -> anyhow::Result<Vec<String>> {
        let all = self.0.shared.journal.list_object_prefixes(Some(folder)).await?;
        Ok(all.into_iter().map(|(prefix, _)| prefix).collect())
    }
}

/// What was deleted.
#[derive(Default)]
struct Deleted {
    gone: BTreeSet<ObjectKey>,
    /// The files whose objects these were, below their account's folder.
    files: BTreeSet<String>,
    /// Whether objects may have stood anywhere.
    has_prefixes: bool,
}

/// Where no copies are made any more, nothing that stands in a bucket can be erased: that must be known.
///
/// # Errors
/// When objects of the account may stand in a bucket.
pub async fn ensure_no_objects(journal: &Journal, scope: &Scope) -> anyhow::Result<()> {
    let (channel, account) = scope.account();
    for folder in account_folder(channel, account) {
        ensure!(
            journal.list_object_prefixes(Some(&folder)).await?.is_empty(),
            "copies of this account are in object storage, whose settings were taken out: set SPACES_… again until the \
             erasure is done"
        );
    }
    Ok(())
}
