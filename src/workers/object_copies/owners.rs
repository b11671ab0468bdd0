//! Whose files are whose, and below which names objects of an account may stand.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::ObjectCopies;
use super::known::Owner;
use super::queue::AT_ONCE;
use crate::shared::journal::JournalError;
use crate::shared::objects::{ObjectError, ObjectKey, account_folder};
use crate::shared::store::Connection;

/// How often it is read which accounts are connected, in milliseconds.
const READ_MS: i64 = 2_000;

/// Objects of an account that was disconnected are deleted after so long, in milliseconds, where no request to erase them has
/// done it: such a request counts them.
const LOST_MS: i64 = 60_000;

fn by_folder(connections: Vec<Connection>) -> HashMap<String, Owner> {
    let mut owners = HashMap::new();
    for Connection { channel, account, merchant, .. } in connections {
        for folder in account_folder(&channel, &account) {
            let prefix = ObjectKey::prefix(merchant, &channel, &account);
            owners.insert(folder, Owner { merchant, prefix });
        }
    }
    owners
}

impl ObjectCopies {
    /// Notices that accounts were connected, disconnected or have another owner: what stands elsewhere is due.
    pub(super) async fn follow_owners(&self) -> anyhow::Result<()> {
        if self.owners().prefixes.is_none() {
            let mut prefixes = BTreeMap::<_, BTreeSet<_>>::new();
            for (prefix, folder) in self.0.shared.journal.list_object_prefixes(None).await? {
                prefixes.entry(folder).or_default().insert(prefix);
            }
            self.owners().prefixes = Some(prefixes);
        }
        let now_ms = self.now_ms();
        {
            let mut owners = self.owners();
            let is_fresh = (0..READ_MS).contains(&(now_ms - owners.read_at));
            if owners.by_folder.is_some() && is_fresh {
                return Ok(());
            }
            owners.read_at = now_ms;
        }
        let now = by_folder(self.0.shared.connections.list().await?);
        if self.owners().by_folder.as_ref() == Some(&now) {
            return Ok(());
        }
        for (folder, owner) in self.0.shared.journal.list_copied_folders().await? {
            let wanted = now.get(&folder).map(|owner| owner.merchant.to_string());
            if let Some(wanted) = wanted.filter(|wanted| owner.as_ref() != Some(wanted)) {
                self.0.shared.journal.move_copies(&folder, &wanted).await?;
            }
        }
        let mut owners = self.owners();
        owners.by_folder = Some(now);
        owners.has_strays = true;
        Ok(())
    }

    /// Where no object of an account belongs any more and none is known, a list of the bucket shows whether one is left.
    pub(super) async fn sweep(&self) -> anyhow::Result<()> {
        if !self.owners().has_strays {
            return Ok(());
        }
        let mut is_clean = true;
        for (prefix, folder) in self.0.shared.journal.list_object_prefixes(None).await? {
            let owner = self.owners().of(&folder);
            if owner.as_ref().is_some_and(|owner| owner.prefix == prefix) {
                continue;
            }
            if self.queue().is_held(&folder) || self.queue().is_busy(&folder) || !self.is_over(&prefix, &folder).await?
            {
                is_clean = false;
                continue;
            }
            let mut gone = BTreeSet::new();
            match self.delete_all(&prefix, &|_| true, &mut gone).await {
                Ok(()) => {
                    let count = gone.len();
                    tracing::info!(folder, count, "no object of an account is left where none belongs any more");
                    self.remove_prefix(&prefix, &folder).await?;
                    if owner.is_none() {
                        self.0.shared.journal.disown_copies(&folder).await?;
                        self.owners().lost.remove(&folder);
                    }
                }
                Err(error) => {
                    self.note_trouble(&error);
                    return Ok(());
                }
            }
        }
        self.owners().has_strays = !is_clean;
        Ok(())
    }

    /// Whether it is time to see that nothing is left below this name: its files stand elsewhere, or nobody has connected the
    /// account for a while.
    async fn is_over(&self, prefix: &str, folder: &str) -> anyhow::Result<bool> {
        if self.owners().of(folder).is_none() {
            let now_ms = self.now_ms();
            let since = *self.owners().lost.entry(folder.to_owned()).or_insert(now_ms);
            return Ok(now_ms - since >= LOST_MS);
        }
        self.owners().lost.remove(folder);
        let owner = prefix.split('/').nth(1).unwrap_or_default();
        Ok(self.0.shared.journal.count_copies_of(folder, owner).await? == 0)
    }

    /// Objects of an account may stand below this name: that is written down before the first of them is sent.
    pub(super) async fn add_prefix(&self, prefix: &str, folder: &str) -> Result<(), JournalError> {
        if self.owners().is_known(folder, prefix) {
            return Ok(());
        }
        self.0.shared.journal.add_object_prefix(prefix, folder).await?;
        if let Some(prefixes) = &mut self.owners().prefixes {
            prefixes.entry(folder.to_owned()).or_default().insert(prefix.to_owned());
        }
        Ok(())
    }

    /// No object stands below this name.
    pub(super) async fn remove_prefix(&self, prefix: &str, folder: &str) -> Result<(), JournalError> {
        self.0.shared.journal.remove_object_prefix(prefix).await?;
        if let Some(prefixes) = &mut self.owners().prefixes
            && let Some(of) = prefixes.get_mut(folder)
        {
            of.remove(prefix);
            if of.is_empty() {
                prefixes.remove(folder);
            }
        }
        Ok(())
    }

    /// Deletes the objects below this name that `which` wants, and lists them again until none is left. What is gone is
    /// added to `gone`, also where others are left.
    ///
    /// # Errors
    /// When object storage cannot be used, or keeps what it said to have deleted.
    pub(super) async fn delete_all(
        &self,
        prefix: &str,
        which: &(dyn Fn(&ObjectKey) -> bool + Sync),
        gone: &mut BTreeSet<ObjectKey>,
    ) -> Result<(), ObjectError> {
        /// How often the list is made: the last time nothing may stand in it.
        const ROUNDS: usize = 5;
        for round in 1..=ROUNDS {
            let mut is_empty = true;
            let mut after = None;
            loop {
                let page = self.0.objects.list(prefix, after.as_deref(), false).await?;
                let wanted: Vec<ObjectKey> = page.keys.into_iter().filter(|key| which(key)).collect();
                is_empty &= wanted.is_empty();
                // What stands in the list was not deleted, whatever was said.
                for key in &wanted {
                    gone.remove(key);
                }
                if round < ROUNDS {
                    self.delete_some(wanted, gone).await?;
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            if is_empty {
                return Ok(());
            }
        }
        Err(ObjectError::Unreadable("what was deleted is still in the list"))
    }

    /// Deletes these, a few at once, and adds to `gone` those of which that was said. After a failure no more are begun; those
    /// under way are waited for.
    async fn delete_some(&self, keys: Vec<ObjectKey>, gone: &mut BTreeSet<ObjectKey>) -> Result<(), ObjectError> {
        let mut keys = keys.into_iter();
        let mut under_way = tokio::task::JoinSet::new();
        let mut done = Ok(());
        loop {
            while done.is_ok()
                && under_way.len() < AT_ONCE
                && let Some(key) = keys.next()
            {
                let objects = self.0.objects.clone();
                under_way.spawn(async move { (objects.delete(&key).await, key) });
            }
            match under_way.join_next().await {
                None => return done,
                Some(Ok((Ok(()), key))) => {
                    gone.insert(key);
                }
                Some(Ok((Err(error), _))) => done = Err(error),
                Some(Err(_)) => done = Err(ObjectError::Unreachable("a request was cut".to_owned())),
            }
        }
    }
}
