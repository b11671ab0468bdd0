//! What the simulated platform knows: the page, its posts and comments, members, tokens, and what was sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio_util::task::TaskTracker;

use crate::shared::channel::simulator::{Now, Plans, Post, Traffic, lock, random_text};

/// The administrator who connected the app.
pub(super) const ADMIN: &str = "TESTadmin1";

/// The id of the app as a developer application.
pub(super) const APPLICATION: &str = "80000001";

/// How long an access token lives. Source: learn.microsoft.com, `programmatic-refresh-tokens` (2026).
pub(super) const ACCESS_LIFE: TimeDelta = TimeDelta::days(60);

/// How long a refresh token lives; refreshing does not extend it.
pub(super) const REFRESH_LIFE: TimeDelta = TimeDelta::days(365);

/// How notifications tell of comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NoticeShape {
    /// As the documents show them: the words inside `message`, and every URN in whole.
    #[default]
    Documented,
    /// As they were seen to come: the words as a text, and in `generatedActivity` a post without its `urn:li:`.
    Live,
}

/// What handles and request handlers share.
pub(super) struct Core {
    pub client_id: String,
    pub client_secret: String,
    pub organization: String,
    pub name: String,
    pub now: Now,
    pub traffic: Traffic,
    pub http: reqwest::Client,
    pub world: Mutex<World>,
    /// What is being sent by itself.
    pub tasks: TaskTracker,
}

/// Shared by all handlers.
pub(super) type Shared = Arc<Core>;

impl Core {
    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    pub(super) fn organization_urn(&self) -> String {
        format!("urn:li:organization:{}", self.organization)
    }
}

/// A comment, as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentRecord {
    /// Its number.
    pub id: u64,
    /// `urn:li:person:…` or `urn:li:organization:…`.
    pub actor: String,
    /// The text.
    pub text: String,
    /// The comment that it replies to.
    pub parent: Option<u64>,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// It came through the API.
    pub by_api: bool,
}

/// A comment that the API took.
#[derive(Debug, Clone, PartialEq)]
pub struct SentComment {
    /// The URN of the path.
    pub target: String,
    /// The comment's number.
    pub id: u64,
    /// The text.
    pub text: String,
    /// The whole body of the call.
    pub body: Value,
    /// When it was taken.
    pub at: DateTime<Utc>,
}

/// A post of the page.
#[derive(Debug, Clone)]
pub(super) struct PostRecord {
    pub text: String,
    /// The number of the activity; that of the share is the key.
    pub activity: u64,
    pub is_public: bool,
    pub at: DateTime<Utc>,
    pub comments: Vec<CommentRecord>,
}

/// A subscription to the page's activity.
#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub webhook: String,
    pub expires_at: DateTime<Utc>,
}

/// An access token.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub is_revoked: bool,
    pub issued_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub scopes: Vec<String>,
}

/// Everything that changes.
pub(super) struct World {
    pub posts: BTreeMap<u64, PostRecord>,
    pub members: BTreeMap<String, String>,
    pub tokens: BTreeMap<String, Token>,
    /// The refresh token and its end, where the app has the right to one.
    pub refresh: Option<(String, DateTime<Utc>)>,
    /// The address that answered the challenge.
    pub validated: Option<String>,
    /// How often in a row the challenge failed; three block the address.
    pub failed_checks: u32,
    pub subscription: Option<Subscription>,
    /// Notifications go here, whatever was validated and subscribed to.
    pub delivery_url: Option<String>,
    /// The administrator still is one.
    pub is_admin: bool,
    /// The app may send direct messages.
    pub is_partner: bool,
    pub post: Post<Value>,
    pub notice_before_answer: bool,
    pub notice_shape: NoticeShape,
    /// Answers to calls name a comment by the UGC post on which it stands, and not by the activity.
    pub answers_name_ugc_posts: bool,
    /// Every notification ever, for the call that lists them.
    pub notices: Vec<Value>,
    pub sent: Vec<SentComment>,
    pub direct: Vec<Value>,
    pub plans: Plans<u16>,
    next: u64,
}

impl World {
    pub(super) fn new(now: DateTime<Utc>) -> Self {
        let start = u64::from_str_radix(&random_text()[..8], 16).unwrap_or_default();
        let mut world = Self {
            posts: BTreeMap::new(),
            members: BTreeMap::from([(ADMIN.to_owned(), "Page Admin".to_owned())]),
            tokens: BTreeMap::new(),
            refresh: None,
            validated: None,
            failed_checks: 0,
            subscription: None,
            delivery_url: None,
            is_admin: true,
            is_partner: false,
            post: Post::default(),
            notice_before_answer: false,
            notice_shape: NoticeShape::default(),
            answers_name_ugc_posts: false,
            notices: Vec::new(),
            sent: Vec::new(),
            direct: Vec::new(),
            plans: Plans::default(),
            next: 7_100_000_000_000_000_000 + start * 1000,
        };
        let scopes = ["rw_organization_admin", "r_organization_social", "w_organization_social"];
        world.issue(now, &scopes.map(str::to_owned));
        world
    }

    /// A new number, as shares, activities and comments have them.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// A new access token.
    pub(super) fn issue(&mut self, now: DateTime<Utc>, scopes: &[String]) -> String {
        let text = format!("AQ{}{}", random_text(), random_text());
        let token = Token { is_revoked: false, issued_at: now, expires_at: now + ACCESS_LIFE, scopes: scopes.to_vec() };
        self.tokens.insert(text.clone(), token);
        text
    }

    /// The post that a URN of a share, a UGC post or an activity names, and the comment inside it.
    pub(super) fn find(&self, urn: &str) -> Option<(u64, Option<u64>)> {
        if let Some(inner) = urn.strip_prefix("urn:li:comment:(").and_then(|rest| rest.strip_suffix(')')) {
            let (post, comment) = inner.rsplit_once(',')?;
            let (share, _) = self.find(post)?;
            let comment = comment.parse().ok()?;
            let is_there = self.posts.get(&share)?.comments.iter().any(|one| one.id == comment);
            return is_there.then_some((share, Some(comment)));
        }
        let (kind, number) = urn.strip_prefix("urn:li:")?.split_once(':')?;
        let number: u64 = number.parse().ok()?;
        let share = match kind {
            "share" | "ugcPost" => Some(number).filter(|number| self.posts.contains_key(number)),
            "activity" => self.posts.iter().find(|(_, post)| post.activity == number).map(|(share, _)| *share),
            _ => None,
        };
        share.map(|share| (share, None))
    }

    pub(super) fn comment_urn(&self, share: u64, comment: u64) -> String {
        let activity = self.posts.get(&share).map_or(share, |post| post.activity);
        format!("urn:li:comment:(urn:li:activity:{activity},{comment})")
    }
}
