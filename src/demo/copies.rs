//! The copies of the demo: a simulated object storage beside the simulated platforms, and what has arrived in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{bail, ensure};
use tokio::sync::mpsc;
use url::Url;

use super::object_store::{Bucket, ObjectStore, Options};
use crate::app::App;
use crate::commands::{CloudWanted, Command, Line};
use crate::shared::channel::simulator::Now;
use crate::shared::logins::random_hex;
use crate::shared::objects::ObjectSettings;

const BUCKET: &str = "demo-copies";
const REGION: &str = "nyc3";

/// Below which name the copies stand.
const USERS: &str = "users/";

/// A file may change between its copy and the comparison: so often both are done.
const ROUNDS: usize = 5;

/// A bucket for the copies of the demo's files. Cheap to clone.
#[derive(Clone)]
pub struct Copies {
    store: ObjectStore,
    bucket: Bucket,
    keys: Arc<(String, String)>,
    told: Arc<AtomicUsize>,
}

impl Copies {
    /// Starts the storage, with an empty bucket.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(now: Now) -> anyhow::Result<Self> {
        let (access_key, secret_key) = (random_hex()?, random_hex()?);
        let keys = Arc::new((access_key.clone(), secret_key.clone()));
        let store = ObjectStore::start(Options { region: REGION.to_owned(), access_key, secret_key, now }).await?;
        let bucket = store.add_bucket(BUCKET);
        Ok(Self { store, bucket, keys, told: Arc::default() })
    }

    /// What the service is told of it.
    ///
    /// # Errors
    /// When it has no address.
    pub fn settings(&self) -> anyhow::Result<Arc<ObjectSettings>> {
        Ok(Arc::new(ObjectSettings {
            bucket: BUCKET.to_owned(),
            region: REGION.to_owned(),
            endpoint: Url::parse(&self.store.url())?,
            has_path_style: true,
            access_key: self.keys.0.clone().into(),
            secret_key: self.keys.1.clone().into(),
            every: Duration::from_secs(60),
        }))
    }

    /// A line about copies that have arrived since it was asked last.
    #[must_use]
    pub fn news(&self) -> Option<String> {
        let all = self.bucket.keys(USERS).into_iter().filter(|key| !key.ends_with(".shoptalk-owner")).count();
        let puts = self.bucket.all_puts();
        let new = puts > self.told.swap(puts, Ordering::Relaxed);
        (new && all > 0).then(|| format!("  {all} files are copied to the simulated object storage."))
    }

    /// Has all files copied now, as `shoptalk cloud backfill` does, and sees that they stand there. Gives how many.
    ///
    /// # Errors
    /// When one is missing or differs.
    pub async fn arrive(&self, app: &App) -> anyhow::Result<usize> {
        let mut differences = String::new();
        for _ in 0..ROUNDS {
            let (sent, said) = carry_out(app, CloudWanted::Backfill { account: None }).await?;
            ensure!(sent, "the files are not copied to object storage: {said}");
            let (is_whole, said) = carry_out(app, CloudWanted::Check).await?;
            if is_whole {
                return Ok(self.bucket.keys(USERS).len().saturating_sub(1));
            }
            differences = said;
        }
        bail!("the copies in object storage are not as the files: {differences}")
    }
}

/// Gives whether it went well, and what was said.
async fn carry_out(app: &App, wanted: CloudWanted) -> anyhow::Result<(bool, String)> {
    let (sender, mut lines) = mpsc::channel(64);
    let runner = app.command_runner().clone();
    let work = tokio::spawn(async move { runner.carry_out(Command::Cloud(wanted), &sender).await });
    let (mut said, mut is_good) = (Vec::new(), false);
    while let Some(line) = lines.recv().await {
        match line {
            Line::Said { text } => said.push(text),
            Line::End { good } => is_good = good,
            _ => {}
        }
    }
    work.await?;
    Ok((is_good, said.join("; ")))
}
