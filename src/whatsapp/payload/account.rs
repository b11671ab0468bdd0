//! What is told of the business account itself, and of no conversation.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/solution-providers/manage-webhooks> (2026).

use sha2::{Digest, Sha256};

use crate::shared::channel::read_request::ReadRequest;
use crate::shared::journal::{DedupeKey, Effect, Event, short_word};
use crate::whatsapp::names::NAME;
use crate::whatsapp::read_request::OwnRequest;

/// Fields that tell of templates: the list is read again.
const OF_TEMPLATES: [&str; 4] = [
    "message_template_status_update",
    "message_template_quality_update",
    "template_category_update",
    "message_template_components_update",
];

/// Fields that tell of the account or the number: both are looked at again.
const OF_ACCOUNT: [&str; 8] = [
    "account_update",
    "account_alerts",
    "account_review_update",
    "account_settings_update",
    "business_capability_update",
    "phone_number_quality_update",
    "phone_number_name_update",
    "security",
];

/// The event of a change of this field. `raw`: its value, and all of it, as they came. The value is not trusted: what it
/// tells is asked for.
pub fn event(entry: &str, field: &str, time: Option<i64>, raw: (&[u8], &[u8])) -> Event {
    let (value, whole) = raw;
    let request: Option<ReadRequest> = match () {
        () if OF_TEMPLATES.contains(&field) => Some(OwnRequest::Templates.into()),
        () if OF_ACCOUNT.contains(&field) => Some(OwnRequest::Number.into()),
        () => None,
    };
    let event =
        Event::set_aside(NAME, "", format!("change {}", short_word(field)), "a change that is not handled", whole);
    Event {
        key: key("", entry, field, time, value),
        kind: short_word(field).into(),
        effect: request.map_or(event.effect, Effect::Reread),
        occurred_at: time,
        ..event
    }
}

/// The key of what has no id: where it is from, when, and what it says.
pub fn key(account: &str, entry: &str, field: &str, time: Option<i64>, value: &[u8]) -> DedupeKey {
    let time = time.unwrap_or_default().to_be_bytes();
    DedupeKey::new(NAME, account, &[b"change", entry.as_bytes(), field.as_bytes(), &time, &Sha256::digest(value)])
}
