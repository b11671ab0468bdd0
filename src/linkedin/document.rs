//! What we write: the page's own record and its file, and comments that were read back, in the shape of notifications.

use serde_json::{Map, Value, json};

use super::names::{self, NAME, organization_urn};
use super::payload::{self, ADMIN_COMMENT};
use super::state::Linkedin;
use crate::shared::channel::reader::ReadError;
use crate::shared::files::path::{Name, RelativePath};
use crate::shared::journal::{Event, Source};
use crate::shared::outgoing::http::ApiError;
use crate::shared::raw_json::Object;
use crate::shared::store::Record;

/// The kind of a page's record.
const PAGE: &str = "page";

/// Where a page's file is.
fn path(account: &Name) -> RelativePath {
    RelativePath::of([const { &Name::fixed(NAME) }, account, const { &Name::fixed("account_metadata.json") }])
}

/// Stores a page as it was told, and writes its file if it changed.
///
/// # Errors
/// [`ReadError`].
pub async fn store(linkedin: &Linkedin, told: &str) -> Result<(), ReadError> {
    let mut object: Map<String, Value> =
        serde_json::from_str(told).map_err(|_| ApiError::Unreadable("a page that is no object"))?;
    object.sort_keys();
    let payload = serde_json::to_string_pretty(&object).map_err(anyhow::Error::from)?;
    let account = &linkedin.config.organization;
    let record = Record { id: account.to_string(), payload };
    linkedin.shared.journal.replace_records(NAME, account.as_str(), PAGE, vec![record]).await?;
    write(linkedin).await
}

/// Writes the page's file from what is stored.
///
/// # Errors
/// [`ReadError`].
pub async fn write(linkedin: &Linkedin) -> Result<(), ReadError> {
    let account = &linkedin.config.organization;
    let records = linkedin.shared.journal.list_records(NAME, account.as_str(), PAGE).await?;
    let Some(record) = records.into_iter().next() else { return Ok(()) };
    linkedin.shared.output.write_in_background(path(account), record.payload + "\n").await?;
    Ok(())
}

/// A comment of the page on this post, as the notification of it would have come; `None`: somebody else's.
#[must_use]
pub fn own_comment(account: &Name, post: &str, comment: &str) -> Option<Event> {
    let comment = Object::parse(comment)?;
    let own = organization_urn(account.as_str());
    let created = comment.object("created");
    let by = comment.text("actor").or_else(|| created.as_ref().and_then(|created| created.text("actor")))?;
    if by != own {
        return None;
    }
    let urn = urn_of(&comment)?;
    let text = comment.object("message").and_then(|message| message.readable("text")).unwrap_or_default();
    let object = comment.text("object").map_or_else(|| post.to_owned(), |object| object.into_owned());
    let mut inner = json!({ "entity": urn, "owner": own, "object": object, "message": { "text": text } });
    if let Some(parent) = comment.text("parentComment") {
        inner["parentComment"] = json!(parent);
    }
    let mut item = json!({
        "organizationalEntity": own,
        "action": ADMIN_COMMENT,
        "sourcePost": post,
        "generatedActivity": urn,
        "decoratedGeneratedActivity": { "comment": inner },
    });
    if let Some(at) = created.and_then(|created| created.integer("time")) {
        item["lastModifiedAt"] = json!(at);
    }
    Some(payload::notification(account, &item.to_string(), Source::Poll))
}

/// What was read back, in order of time. What is older than the connection of the page is history: nobody is told of it, and nobody
/// answers it. Nothing, where nobody has connected the page.
///
/// # Errors
/// [`ReadError`] when the databases cannot be used.
pub async fn as_read(linkedin: &Linkedin, mut events: Vec<Event>) -> Result<Vec<Event>, ReadError> {
    let Some(connection) = linkedin.shared.connections.find(NAME, linkedin.account()).await? else {
        return Ok(Vec::new());
    };
    for event in &mut events {
        let is_history = event.occurred_at.is_some_and(|at| at < connection.connected_at);
        event.source = if is_history { Source::Import } else { Source::Poll };
    }
    // The newest was seen to come first; of those of one moment the last is the oldest.
    events.reverse();
    events.sort_by_key(|event| event.occurred_at);
    Ok(events)
}

/// The URN of a comment that the API shows: older versions call the member `$URN`.
#[must_use]
pub fn urn_of(comment: &Object<'_>) -> Option<String> {
    let told = ["commentUrn", "$URN"].into_iter().find_map(|name| comment.text(name));
    let made = || Some(format!("urn:li:comment:({},{})", comment.text("object")?, comment.text("id")?));
    let whole = |urn: &str| Some(names::whole(urn).into_owned()).filter(|urn| names::is_comment(urn));
    told.and_then(|urn| whole(&urn)).or_else(|| whole(&made()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::journal::Effect;

    #[test]
    fn a_comment_that_was_read_back_is_the_event_of_its_notification() {
        let account = names::organization("90001").unwrap();
        let comment = r#"{"actor":"urn:li:organization:90001","commentUrn":"urn:li:comment:(urn:li:activity:5,6)","created":{"actor":"urn:li:organization:90001","time":1795219200000},"id":"6","message":{"text":"Yes."},"object":"urn:li:activity:5"}"#;
        let event = own_comment(&account, "urn:li:share:4", comment).unwrap();
        let webhook = r#"{"notificationId":700000007,"organizationalEntity":"urn:li:organization:90001","action":"ADMIN_COMMENT","sourcePost":"urn:li:share:4","generatedActivity":"urn:li:comment:(urn:li:activity:5,6)","lastModifiedAt":1795219206000}"#;
        let told = payload::notification(&account, webhook, Source::Webhook);
        assert_eq!((event.key, &event.effect), (told.key, &told.effect));
        assert_eq!(event.effect, Effect::Conversation { person: "share-4".to_owned(), opens: true });
        assert_eq!(event.occurred_at, Some(1_795_219_200_000));
        let other = comment.replace("organization:90001", "person:T");
        assert!(own_comment(&account, "urn:li:share:4", &other).is_none());
        let urn = |comment: &str| urn_of(&Object::parse(comment).unwrap());
        assert_eq!(
            urn(r#"{"id":"6","object":"urn:li:activity:5"}"#).as_deref(),
            Some("urn:li:comment:(urn:li:activity:5,6)")
        );
        for bare in [r#"{"id":"6"}"#, r#"{"id":"6","object":"nonsense"}"#] {
            assert_eq!(urn(bare), None, "{bare}");
        }
    }
}
