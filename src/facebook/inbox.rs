//! The inboxes of a Page: one row each for Messenger and Instagram.
//!
//! Messages of both come in one shape, over the Page's token and the app's webhook, and go the same ways. What tells them
//! apart is a column here; whatever treats one of them otherwise asks its row, not its name.

use super::config::Config;
pub use super::refusal::PLATFORM;
use crate::meta::id::Id;
use crate::shared::channel::dialogue::TextLimit;
use crate::shared::languages::{Fixed, say};

/// The channel's name in paths, tables and files.
pub const NAME: &str = MESSENGER.name;

/// The permissions that are asked for. `pages_read_engagement` is needed by the Conversations API.
/// Source: <https://developers.facebook.com/docs/messenger-platform/conversations> (2026).
pub const SCOPES: [&str; 4] = ["pages_show_list", "pages_manage_metadata", "pages_messaging", "pages_read_engagement"];

/// The webhook fields that are wanted, on both levels of subscription. One unknown name would fail the whole call.
/// `response_feedback` is left out on purpose: subscribing shows buttons to customers.
/// Source: <https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps> (2026).
pub const FIELDS: [&str; 20] = [
    "messages",
    "message_echoes",
    "message_deliveries",
    "message_reads",
    "message_reactions",
    "message_edits",
    "messaging_postbacks",
    "messaging_referrals",
    "messaging_optins",
    "messaging_handovers",
    "standby",
    "messaging_policy_enforcement",
    "name",
    "category",
    "description",
    "phone",
    "website",
    "hours",
    "location",
    "picture",
];

/// How the Page inbox is called in echoes that public code shows, beside its id in [`MESSENGER`].
const PAGE_INBOX_SHORT: &str = "26390203743090";

/// What is true of one inbox of a Page.
#[derive(Debug)]
pub struct Row {
    /// The channel's name in paths, tables and files; its folder.
    pub name: &'static str,
    /// The platform's name as people know it.
    pub platform: &'static str,
    /// What an account is called.
    pub noun: Fixed,
    /// The title of its entry on the merchant's page.
    pub title: Fixed,
    /// The object in deliveries, and that the app subscribes to.
    pub object: &'static str,
    /// What `platform` says in calls of the Conversations API.
    pub word: &'static str,
    /// The permissions that the login asks for, besides those of the rows before it.
    pub scopes: &'static [&'static str],
    /// The permission without which nothing can be sent.
    pub sends_with: &'static str,
    /// The webhook fields that are wanted.
    pub fields: &'static [&'static str],
    /// Whether the account is an object that is read and kept (`page_metadata.json`), so that a change of it is a reason to
    /// read it again.
    pub has_metadata: bool,
    /// Whether its accounts have tokens of their own; otherwise the Page lends its.
    pub has_tokens: bool,
    /// The platform's own inbox as an app: to it a thread is passed when a human is wanted.
    /// Source: Meta's samples and hand-overs seen in public code (2026).
    pub inbox_app: &'static str,
    /// How long a text may be.
    pub text_limit: TextLimit,
    /// Whether it is switched on.
    pub is_on: fn(&Config) -> bool,
}

/// Messenger: the account is the Page itself.
pub const MESSENGER: Row = Row {
    name: "facebook",
    platform: PLATFORM,
    noun: say::noun_page,
    title: say::facebook_connect,
    object: "page",
    word: "messenger",
    scopes: &SCOPES,
    sends_with: "pages_messaging",
    fields: &FIELDS,
    has_metadata: true,
    has_tokens: true,
    inbox_app: "263902037430900",
    text_limit: TextLimit::Characters(2_000),
    is_on: |_config| true,
};

/// Instagram: the account that belongs to a Page. Echoes come with `messages`; edits and deliveries do not exist. Its changes
/// are comments and mentions, which are not handled.
/// Source: <https://developers.facebook.com/docs/messenger-platform/instagram> (2026).
pub const INSTAGRAM: Row = Row {
    name: "instagram",
    platform: "Instagram",
    noun: say::noun_instagram,
    title: say::instagram_connect,
    object: "instagram",
    word: "instagram",
    scopes: &["instagram_basic", "instagram_manage_messages"],
    sends_with: "instagram_manage_messages",
    fields: &[
        "messages",
        "messaging_postbacks",
        "messaging_seen",
        "message_reactions",
        "messaging_referral",
        "standby",
    ],
    has_metadata: false,
    has_tokens: false,
    inbox_app: "1217981644879628",
    text_limit: TextLimit::Bytes(1_000),
    is_on: |config| config.instagram,
};

/// All rows.
pub static ALL: [Row; 2] = [MESSENGER, INSTAGRAM];

/// The rows that are switched on.
pub fn switched_on(config: &Config) -> impl Iterator<Item = &'static Row> {
    ALL.iter().filter(|row| (row.is_on)(config))
}

/// Whether an app is the platform's own inbox, of whichever row: one tool shows the conversations of all.
#[must_use]
pub fn is_inbox_app(app: &str) -> bool {
    app == PAGE_INBOX_SHORT || ALL.iter().any(|row| row.inbox_app == app)
}

/// The row of this object in deliveries.
#[must_use]
pub fn of_object(object: &str) -> Option<&'static Row> {
    ALL.iter().find(|row| row.object == object)
}

/// Whose conversations are read, and how the platform calls them.
#[derive(Debug, Clone, Copy)]
pub struct Inbox<'a> {
    /// The channel of its events.
    pub channel: &'static str,
    /// The account of its events; the messages name it as their sender or recipient.
    pub account: &'a Id,
    /// The Page that is asked.
    pub page: &'a Id,
    /// What `platform` says in the call.
    pub platform: &'static str,
}

impl<'a> Inbox<'a> {
    /// The Messenger conversations of a Page.
    #[must_use]
    pub fn of_page(page: &'a Id) -> Self {
        Self::of(&MESSENGER, page, page)
    }

    /// The conversations of an account that a Page lends its token to.
    #[must_use]
    pub fn of(row: &Row, account: &'a Id, page: &'a Id) -> Self {
        Self { channel: row.name, account, page, platform: row.word }
    }
}
