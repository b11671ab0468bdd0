//! Whether files are copied to object storage: asked with the service's own settings, changing nothing.

use std::sync::Arc;

use super::service::{OpenAlert, add_met};
use crate::app::config::Server;
use crate::shared::channel::finding::Finding;
use crate::shared::clock::Clock;
use crate::shared::objects::{ObjectError, ObjectSettings, Objects, Stop, Versioning};
use crate::shared::store::{self, installation};
use crate::shared::telemetry::metrics::Metrics;
use crate::workers::object_copies::{STOPS, UNREACHABLE};

/// Copies that are this far behind are not only paced.
const BEHIND_MS: i64 = 10 * 60 * 1000;

/// What follows while nothing is copied.
const EFFECT: &str = "files are not copied; what changes waits, and nothing is lost";

/// The alerts of the running service that are told here.
pub const TOLD: [&str; 5] = [STOPS[0], STOPS[1], STOPS[2], STOPS[3], UNREACHABLE];

/// Asks the bucket, and the alerts of the running service: whether a bucket takes what it is sent, and gives it back, only
/// shows where something is sent.
pub async fn findings(
    server: &Server,
    settings: &Arc<ObjectSettings>,
    clock: &Clock,
    alerts: &[OpenAlert],
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = behind(server, settings, clock.now_ms()).into_iter().collect();
    let objects = Objects::new(Arc::clone(settings), clock.clone(), &server.timeouts, Metrics::default());
    match objects {
        Ok(objects) => {
            let about = objects.address().to_string();
            findings.extend(bucket(server, &objects).await.err().map(|error| of_error(&about, &error)));
            if objects.is_public().await == Ok(true) {
                findings.push(Finding::error(
                    "cloud_public",
                    about,
                    "anybody can read objects of the bucket without a key",
                    "conversations can be read by whoever guesses or finds their addresses",
                    "take the bucket policy and the public listing away; in DigitalOcean: the bucket > Settings > File Listing: \
                     Restricted, and delete policies and CDN",
                ));
            }
        }
        Err(error) => findings.push(of_error("", &ObjectError::Unreachable(error.to_string()))),
    }
    add_met(&mut findings, alerts, (&settings.bucket, EFFECT), |cause| TOLD.into_iter().find(|code| *code == cause));
    findings
}

async fn bucket(server: &Server, objects: &Objects) -> Result<(), ObjectError> {
    if objects.versioning().await? == Versioning::Kept {
        return Err(ObjectError::Stopped(Stop::Versioned));
    }
    let ours = installation::of_database(&server.tokens_db).ok().flatten();
    match objects.owner().await? {
        // The service writes it at its first start.
        None => Ok(()),
        owner if owner == ours => Ok(()),
        Some(_) => Err(ObjectError::Stopped(Stop::ForeignOwner)),
    }
}

fn of_error(about: &str, error: &ObjectError) -> Finding {
    match error {
        ObjectError::Stopped(stop) => Finding::error(stop.code(), about, stop.cause(), EFFECT, stop.fix()),
        error => Finding::error(
            "cloud_unreachable",
            about,
            error.to_string(),
            EFFECT,
            "see that the address is right and that this machine reaches it; it is tried again by itself",
        ),
    }
}

fn behind(server: &Server, settings: &ObjectSettings, now_ms: i64) -> Option<Finding> {
    let copies = store::inspect(&server.journal_db, now_ms).ok()?.copies;
    let pace_ms = i64::try_from(settings.every.as_millis()).unwrap_or(i64::MAX);
    let waits_ms = now_ms - copies.oldest_at.filter(|_| copies.count > 0)?;
    (waits_ms > BEHIND_MS.saturating_add(pace_ms.saturating_mul(2))).then(|| {
        Finding::warning(
            "cloud_behind",
            settings.bucket.clone(),
            format!("{} files wait for their copy, the oldest for {} minutes", copies.count, waits_ms / 60_000),
            "their copies are as the files were before",
            "`shoptalk cloud status` says what stands in the way; where more changes than a bucket takes, a larger \
             CLOUD_EVERY_SECONDS helps",
        )
    })
}
