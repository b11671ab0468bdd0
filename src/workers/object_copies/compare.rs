//! Both sides compared: all files are put in line to be compared and copied (`cloud backfill`), or differences are only told
//! (`cloud check`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::ObjectCopies;
use super::queue::AT_ONCE;
use super::turn::Snapshot;
use crate::shared::files::output::{Output, RelativePath};
use crate::shared::objects::{ObjectError, ObjectKey, account_folder};
use crate::shared::store::Connection;

/// How many files are put in line at once.
const BATCH: usize = 500;

/// What differs between a file and its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// There is no object.
    Missing,
    /// The object has another content.
    Other,
    /// There is no file.
    Extra,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Missing => "has no copy",
            Self::Other => "its copy differs",
            Self::Extra => "a copy without a file",
        })
    }
}

/// What a comparison tells.
#[derive(Debug)]
pub enum Compared {
    /// This file and its object differ.
    Differs(String, Difference),
    /// So many files of so many are compared.
    Progress(usize, usize),
}

/// The files of an account that are in line.
#[derive(Debug)]
pub struct Wished {
    /// The account.
    pub connection: Connection,
    /// The folders of its files.
    pub folders: Vec<String>,
    /// How many there are, objects without a file included.
    pub count: u64,
}

/// Both sides of an account, by what follows the account's folder and the account's name in the bucket.
struct Sides {
    prefix: String,
    folders: Vec<String>,
    /// The paths of files that have objects.
    files: BTreeMap<String, String>,
    objects: BTreeSet<String>,
}

impl Sides {
    /// The paths of objects without a file.
    fn extra(&self) -> impl Iterator<Item = String> {
        let folder = self.folders.first().map_or("", String::as_str);
        self.objects.iter().filter(|rest| !self.files.contains_key(*rest)).map(move |rest| format!("{folder}/{rest}"))
    }
}

impl ObjectCopies {
    /// Puts all files of all accounts in line: see [`ObjectCopies::wish`].
    ///
    /// # Errors
    /// As there.
    pub async fn wish_all(&self) -> anyhow::Result<Vec<Wished>> {
        self.wish(self.0.shared.connections.list().await?).await
    }

    /// Puts all files of these accounts in line, so that each is compared with its object and sent where it
    /// differs; objects without a file too. Killed half-way, the next time begins anew, and what is done already costs a
    /// look each.
    ///
    /// # Errors
    /// When object storage, the output folder or the journal cannot be used.
    pub async fn wish(&self, accounts: Vec<Connection>) -> anyhow::Result<Vec<Wished>> {
        let mut wished = Vec::new();
        for connection in accounts {
            let sides = self.both_sides(&connection).await?;
            let paths: Vec<String> = sides.files.values().cloned().chain(sides.extra()).collect();
            for some in paths.chunks(BATCH) {
                self.0.shared.journal.wish_copies(some.to_vec()).await?;
            }
            wished.push(Wished { connection, folders: sides.folders, count: paths.len() as u64 });
        }
        Ok(wished)
    }

    /// How many of these files are still in line.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn count_in_line(&self, wished: &Wished) -> anyhow::Result<u64> {
        let mut count = 0;
        for folder in &wished.folders {
            count += self.0.shared.journal.count_wished_copies(folder).await?;
        }
        Ok(count)
    }

    /// Compares the files of an account with their objects, and tells each difference by the file's path. What changed in
    /// the last minute may differ because it waits. Whoever listens no more does not end it.
    ///
    /// # Errors
    /// When object storage or the output folder cannot be used.
    pub async fn check(&self, connection: Connection, tell: mpsc::Sender<Compared>) -> anyhow::Result<()> {
        let differs = |path, difference| {
            let tell = tell.clone();
            async move { drop(tell.send(Compared::Differs(path, difference)).await) }
        };
        let sides = self.both_sides(&connection).await?;
        for path in sides.extra() {
            differs(path, Difference::Extra).await;
        }
        let all = sides.files.len();
        let (mut compared, mut done) = (JoinSet::new(), 0);
        let mut next = sides.files.into_iter();
        loop {
            while compared.len() < AT_ONCE
                && let Some((rest, path)) = next.next()
            {
                if !sides.objects.contains(&rest) {
                    done += 1;
                    differs(path, Difference::Missing).await;
                    continue;
                }
                let (copies, key) = (self.clone(), ObjectKey::below(&sides.prefix, &rest)?);
                compared.spawn(async move {
                    let is_same = copies.is_same(&key, &path).await;
                    (path, is_same)
                });
            }
            let Some(joined) = compared.join_next().await else { return Ok(()) };
            let (path, is_same) = joined?;
            done += 1;
            if !is_same? {
                differs(path, Difference::Other).await;
            }
            let _ = tell.send(Compared::Progress(done, all)).await;
        }
    }

    /// Below which names objects stand that belong to no account that is connected.
    ///
    /// # Errors
    /// When object storage or the table of connections cannot be used.
    pub async fn list_nobodys(&self) -> anyhow::Result<Vec<String>> {
        let connections = self.0.shared.connections.list().await?;
        let prefix =
            |connection: &Connection| ObjectKey::prefix(connection.merchant, &connection.channel, &connection.account);
        let known: BTreeSet<String> = connections.iter().map(prefix).collect();
        let mut nobodys = Vec::new();
        for merchant in self.list_folders("users/").await? {
            for channel in self.list_folders(&merchant).await? {
                nobodys.extend(self.list_folders(&channel).await?.into_iter().filter(|prefix| !known.contains(prefix)));
            }
        }
        Ok(nobodys)
    }

    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        let (mut folders, mut after) = (Vec::new(), None);
        loop {
            let page = self.0.objects.list(prefix, after.as_deref(), true).await?;
            folders.extend(page.prefixes);
            after = page.next;
            if after.is_none() {
                return Ok(folders);
            }
        }
    }

    async fn is_same(&self, key: &ObjectKey, path: &str) -> anyhow::Result<bool> {
        let (output, path) = (self.0.shared.output.clone(), RelativePath::parse(path)?);
        let file = tokio::task::spawn_blocking(move || Snapshot::take(&output, &path)).await??;
        let head = self.0.objects.head(key).await?;
        Ok(match (file, head) {
            (Some(file), Some(head)) => head.sha256 == Some(file.sha256),
            (file, head) => file.is_none() && head.is_none(),
        })
    }

    async fn both_sides(&self, connection: &Connection) -> anyhow::Result<Sides> {
        let Connection { channel, account, merchant, .. } = connection;
        let prefix = ObjectKey::prefix(*merchant, channel, account);
        let folders: Vec<String> = account_folder(channel, account).collect();
        let (output, of) = (self.0.shared.output.clone(), folders.clone());
        let listed = tokio::task::spawn_blocking(move || list_files(&output, &of));
        let files = listed.await??;
        let objects = self.list_objects(&prefix).await?;
        Ok(Sides { prefix, folders, files, objects })
    }

    async fn list_objects(&self, prefix: &str) -> Result<BTreeSet<String>, ObjectError> {
        let mut rests = BTreeSet::new();
        let mut after = None;
        loop {
            let page = self.0.objects.list(prefix, after.as_deref(), false).await?;
            rests.extend(page.keys.iter().filter_map(|key| key.as_str().strip_prefix(prefix)).map(str::to_owned));
            after = page.next;
            if after.is_none() {
                return Ok(rests);
            }
        }
    }
}

/// The files below these folders that have objects: what follows the folder, and the whole path. What this program did not
/// name, and what was moved aside, has none.
fn list_files(output: &Output, folders: &[String]) -> std::io::Result<BTreeMap<String, String>> {
    output.ensure_is_there()?;
    let mut files = BTreeMap::new();
    for folder in folders {
        output.visit(&RelativePath::parse(folder)?, &mut |rest, _| {
            let path = format!("{folder}/{rest}");
            if RelativePath::parse(&path).is_ok() && !is_moved_aside(&path) {
                files.insert(rest.to_owned(), path);
            }
            Ok(())
        })?;
    }
    Ok(files)
}

/// Whether a file was moved aside because it could not be right.
fn is_moved_aside(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.contains(".damaged-"))
}
