//! Whether the bucket may be used: it is this installation's, keeps no versions, and answers.

use super::ObjectCopies;
use crate::shared::objects::{ObjectError, ObjectKey, Standing, Stop, Versioning};
use crate::shared::retry::Doubling;

/// The name of the alert that object storage does not answer.
pub const UNREACHABLE: &str = "cloud_unreachable";

/// The alerts that are over when the bucket may be used.
pub const STOPS: [&str; 4] = ["cloud_refused", "cloud_bucket_missing", "cloud_foreign_owner", "cloud_versioned"];

/// The pauses while object storage does not answer or wants fewer requests.
const PAUSES: Doubling = Doubling::new(std::time::Duration::from_secs(1), std::time::Duration::from_secs(5 * 60));

/// After somebody must mend something it is tried again so often, in milliseconds.
const STOPPED_MS: i64 = 60 * 60 * 1000;

/// So often it is looked whether the bucket may still be used, in milliseconds.
const LOOK_MS: i64 = 10 * 60 * 1000;

/// Somebody is told when object storage did not answer for so long, in milliseconds.
const TOLD_AFTER_MS: i64 = 60 * 1000;

/// The shortest pause that is told, in milliseconds: "at once" would be a request without an end.
const SHORTEST_PAUSE_MS: i64 = 1_000;

/// The longest pause that object storage may ask for.
const LONGEST_PAUSE_MS: i64 = 60 * 60 * 1000;

/// Where it is written down which bucket the copies are in. Empty: copies were switched off since.
pub const BUCKET: &str = "objects:bucket";

impl ObjectCopies {
    /// Whether objects may be sent now. Looks at the bucket where that is due.
    ///
    /// # Errors
    /// When the journal or the output folder cannot be used.
    pub async fn is_open(&self) -> anyhow::Result<bool> {
        if let Some(is_open) = self.known_by_now() {
            return Ok(is_open);
        }
        let _alone = self.0.looking.lock().await;
        // Somebody else may have looked meanwhile.
        if let Some(is_open) = self.known_by_now() {
            return Ok(is_open);
        }
        let now_ms = self.now_ms();
        match self.look().await {
            Ok(()) => {}
            Err(Look::Object(error)) => {
                self.note_trouble(&error);
                return Ok(false);
            }
            Err(Look::Other(error)) => return Err(error),
        }
        self.gate().next_look = now_ms + LOOK_MS;
        self.note_success();
        for stop in STOPS {
            self.0.shared.alerts.heal(stop);
        }
        if self.0.objects.standing() != Standing::Working {
            tracing::info!(address = %self.0.objects.address(), "files are copied to object storage");
        }
        self.0.objects.set_standing(Standing::Working);
        Ok(true)
    }

    /// Whether objects may be sent; `None`: it is time to look.
    fn known_by_now(&self) -> Option<bool> {
        let now_ms = self.now_ms();
        match self.0.objects.standing() {
            Standing::Pausing { until, .. } | Standing::Stopped { until, .. } if is_before(now_ms, until) => {
                Some(false)
            }
            Standing::Working | Standing::Pausing { .. } if is_before(now_ms, self.gate().next_look) => {
                self.0.objects.set_standing(Standing::Working);
                Some(true)
            }
            Standing::Stopped { .. } | Standing::Pausing { .. } => {
                self.0.objects.set_standing(Standing::Starting);
                None
            }
            Standing::Starting | Standing::Working => None,
        }
    }

    /// Looks at the bucket now, however it is doing.
    ///
    /// # Errors
    /// As [`ObjectCopies::is_open`].
    pub async fn look_again(&self) -> anyhow::Result<Standing> {
        {
            // A look that has begun before tells of what was before.
            let _alone = self.0.looking.lock().await;
            self.0.objects.set_standing(Standing::Starting);
        }
        self.0.shared.journal.retry_copies().await?;
        self.is_open().await?;
        Ok(self.0.objects.standing())
    }

    async fn look(&self) -> Result<(), Look> {
        let (objects, id) = (&self.0.objects, &self.0.installation);
        self.gate().numbers_uploads = false;
        if objects.versioning().await? == Versioning::Kept {
            return Err(ObjectError::Stopped(Stop::Versioned).into());
        }
        let mut owner = objects.owner().await?;
        if owner.is_none() {
            match objects.set_owner(id, true).await {
                // Somebody was faster; it is read who.
                Ok(()) | Err(ObjectError::Taken) => {}
                Err(error) => return Err(error.into()),
            }
            owner = objects.owner().await?;
        }
        if owner.as_ref() != Some(id) {
            return Err(ObjectError::Stopped(Stop::ForeignOwner).into());
        }
        if self.gate().is_denied {
            // What was denied may have been writing, of which reading says nothing.
            objects.set_owner(id, false).await?;
            self.gate().is_denied = false;
        }
        self.begin_with_bucket().await?;
        Ok(())
    }

    /// Whether the bucket keeps versions, asked after an upload was given a number. Cloudflare R2 numbers every upload and keeps
    /// nothing of what was there, and its other answers carry no such number.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub(super) async fn does_keep_versions(&self, key: &ObjectKey) -> Result<bool, ObjectError> {
        if self.gate().numbers_uploads {
            return Ok(false);
        }
        let is_kept = match self.0.objects.versioning().await? {
            Versioning::Kept => true,
            Versioning::Never => false,
            Versioning::Unknown => {
                // One that is gone since says nothing: the next upload asks again.
                let Some(head) = self.0.objects.head(key).await? else { return Ok(false) };
                head.versioning == Versioning::Kept
            }
        };
        self.gate().numbers_uploads = !is_kept;
        Ok(is_kept)
    }

    /// The first time with this bucket, and after copies were off, nobody knows what stands in it: all files are compared.
    async fn begin_with_bucket(&self) -> anyhow::Result<()> {
        let journal = &self.0.shared.journal;
        let (known, address) = (journal.find_cursor(BUCKET).await?, self.0.objects.address().to_string());
        if known.as_ref() == Some(&address) {
            return Ok(());
        }
        let is_other = known.is_some_and(|known| !known.is_empty());
        if is_other {
            tracing::warn!("the bucket is another one than before; what stands in the former one stays there");
        }
        journal.doubt_copies(is_other).await?;
        self.owners().forget();
        self.wish_all().await?;
        Ok(journal.save_cursor(BUCKET, address).await?)
    }

    /// Makes the bucket this installation's, whoever had it.
    ///
    /// # Errors
    /// When object storage or the journal cannot be used.
    pub async fn take_over(&self) -> anyhow::Result<Standing> {
        let alone = self.0.looking.lock().await;
        if self.0.objects.versioning().await? == Versioning::Kept {
            // Whatever is written there stays there: not even a name is.
            self.note_trouble(&ObjectError::Stopped(Stop::Versioned));
            return Ok(self.0.objects.standing());
        }
        self.0.objects.set_owner(&self.0.installation, false).await?;
        drop(alone);
        self.look_again().await
    }

    /// A request was answered as it should be.
    pub(super) fn note_success(&self) {
        let was_failing = {
            let mut gate = self.gate();
            gate.failures = 0;
            gate.failing_since.take().is_some()
        };
        if was_failing {
            tracing::info!("object storage answers again");
        }
        self.0.shared.alerts.heal(UNREACHABLE);
    }

    /// What follows for all copies from an error of one.
    pub(super) fn note_trouble(&self, error: &ObjectError) {
        let now_ms = self.now_ms();
        let standing = match error {
            ObjectError::Stopped(why) => {
                self.gate().is_denied = *why == Stop::Denied;
                let (cause, fix) = (why.cause(), why.fix());
                let sentence =
                    format!("Files are not copied to object storage: {cause}. {fix}. Changes wait, none is lost.");
                self.0.shared.alerts.raise(why.code(), &sentence);
                Standing::Stopped { why: why.clone(), until: now_ms + STOPPED_MS }
            }
            error => {
                let Some(pause_ms) = self.pause_of(error, now_ms) else { return };
                Standing::Pausing { until: now_ms + pause_ms, why: error.to_string() }
            }
        };
        self.0.objects.set_standing(standing);
        self.queue().clear();
    }

    /// How long to pause after this error; `None`: others that were under way with it have said so already.
    fn pause_of(&self, error: &ObjectError, now_ms: i64) -> Option<i64> {
        if !matches!(self.0.objects.standing(), Standing::Starting | Standing::Working) {
            return None;
        }
        let (failures, since) = {
            let mut gate = self.gate();
            gate.failures += 1;
            (gate.failures, *gate.failing_since.get_or_insert(now_ms))
        };
        let told = match error {
            ObjectError::Busy { retry_after } => retry_after.and_then(|wait| i64::try_from(wait.as_millis()).ok()),
            _ => None,
        };
        let told = told.map(|told| told.clamp(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS));
        let pause_ms = told.unwrap_or_else(|| PAUSES.after_ms(failures - 1));
        tracing::warn!(%error, failures, pause_ms, "copies to object storage pause");
        if now_ms - since >= TOLD_AFTER_MS {
            let sentence = format!("Files are not copied to object storage: {error}. Changes wait, none is lost.");
            self.0.shared.alerts.raise(UNREACHABLE, &sentence);
        }
        Some(pause_ms)
    }
}

/// Why a look did not come to its end.
enum Look {
    Object(ObjectError),
    Other(anyhow::Error),
}

impl From<ObjectError> for Look {
    fn from(error: ObjectError) -> Self {
        Self::Object(error)
    }
}

impl From<anyhow::Error> for Look {
    fn from(error: anyhow::Error) -> Self {
        // What compares files with the bucket meets both.
        error.downcast().map_or_else(Self::Other, Self::Object)
    }
}

/// Whether it is not time yet. A clock that was set back keeps nothing waiting for longer than the longest pause.
fn is_before(now_ms: i64, until: i64) -> bool {
    (1..=LONGEST_PAUSE_MS).contains(&(until - now_ms))
}
