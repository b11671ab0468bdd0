//! What the platform keeps of what was made or uploaded there. Data alone: the state of the platform holds it.

use chrono::{DateTime, Utc};

use super::send::Seen;

/// A group as the platform keeps it.
#[derive(Debug, Clone, Default)]
pub(super) struct GroupRecord {
    pub members: Vec<u64>,
    pub seen: Vec<Seen>,
}

/// A medium.
#[derive(Debug, Clone)]
pub(super) struct MediaRecord {
    pub bytes: Vec<u8>,
    pub mime: String,
    pub until: DateTime<Utc>,
}

/// A template as the platform keeps it.
#[derive(Debug, Clone)]
pub(super) struct TemplateRecord {
    pub id: u64,
    pub waba: String,
    pub name: String,
    pub language: String,
    /// `UTILITY`, `MARKETING` or `AUTHENTICATION`.
    pub category: String,
    /// `APPROVED`, `PAUSED`, …
    pub status: String,
    pub body: String,
    /// `IMAGE`, `VIDEO` or `DOCUMENT`.
    pub header: Option<String>,
    /// Quick replies: their texts.
    pub buttons: Vec<String>,
}
