//! A call of the Send API, read and checked as far as its own text goes.

use serde_json::Value;

use super::super::call::{Call, Caller};
use super::super::state::{GraphError, PageRecord, Platform};
use super::content::Outgoing;
use super::template::{object, required};

/// Members of a call besides those that carry the token.
const MEMBERS: [&str; 12] = [
    "access_token",
    "appsecret_proof",
    "appsecret_time",
    "message",
    "messaging_type",
    "notification_type",
    "payload",
    "persona_id",
    "recipient",
    "reply_to",
    "sender_action",
    "tag",
];

/// Tags that were taken away on 2026-04-27.
const REMOVED_TAGS: [&str; 3] = ["ACCOUNT_UPDATE", "CONFIRMED_EVENT_UPDATE", "POST_PURCHASE_UPDATE"];

/// What is to be sent, from which account and to whom.
pub(super) struct Order {
    /// The Page or the Instagram account.
    pub account: String,
    pub is_instagram: bool,
    pub person: String,
    pub content: Content,
}

pub(super) enum Content {
    Action(String),
    Message(Box<Letter>),
}

/// A message with what stands around it.
pub(super) struct Letter {
    pub outgoing: Outgoing,
    pub messaging_type: String,
    pub tag: Option<String>,
    pub reply_to: Option<String>,
}

impl Order {
    pub(super) fn read(platform: &Platform, call: &Call) -> Result<Self, GraphError> {
        check_members(call, &MEMBERS)?;
        let (account, person) = parties(platform, call)?;
        let is_instagram = account.instagram_of.is_some();
        let message = json_param(call, "message")?;
        let content = match (call.param("sender_action"), message) {
            (Some(action), None) => Content::Action(read_action(call, action)?),
            (None, Some(message)) => Content::Message(Box::new(Letter {
                outgoing: Outgoing::read(&message, is_instagram)?,
                tag: read_tag(platform, call, is_instagram)?,
                messaging_type: call.param("messaging_type").unwrap_or_default().to_owned(),
                reply_to: read_reply_to(call)?,
            })),
            (Some(_), Some(_)) => {
                return Err(GraphError::parameter("A sender_action must be sent in a request without a message."));
            }
            (None, None) => {
                return Err(GraphError::parameter("The call needs one of the parameters message, sender_action."));
            }
        };
        Ok(Self { account: account.id.clone(), is_instagram, person, content })
    }
}

/// A misspelt parameter would otherwise be ignored in silence.
pub(super) fn check_members(call: &Call, known: &[&str]) -> Result<(), GraphError> {
    match call.names().find(|name| !known.contains(name)) {
        Some(name) => Err(GraphError::parameter(&format!("Invalid parameter \"{name}\""))),
        None => Ok(()),
    }
}

/// A parameter that is JSON: as a member of a body, or as text in a form.
pub(super) fn json_param(call: &Call, name: &str) -> Result<Option<Value>, GraphError> {
    let Some(text) = call.param(name) else { return Ok(None) };
    let value = serde_json::from_str(text);
    value.map(Some).map_err(|_| GraphError::parameter(&format!("Param {name} must be an object.")))
}

/// The account that is spoken for, and the person: who wrote to the Page, or to its Instagram account.
pub(super) fn parties<'a>(platform: &'a Platform, call: &Call) -> Result<(&'a PageRecord, String), GraphError> {
    let missing = || GraphError::missing_object(&call.object);
    let page_id = match &call.caller {
        Caller::Page(id) => id,
        Caller::Person => {
            return Err(GraphError::new(210, "(#210) A page access token is required to request this resource."));
        }
        _ => return Err(missing()),
    };
    let belongs = |page: &&PageRecord| page.id == *page_id || page.instagram_of.as_ref() == Some(page_id);
    let is_page = call.object == "me" || call.object == *page_id;
    let accounts: Vec<&PageRecord> =
        platform.pages.iter().filter(belongs).filter(|page| is_page || page.id == call.object).collect();
    let first = accounts.iter().find(|page| page.id == *page_id).or(accounts.first()).ok_or_else(missing)?;
    let recipient = json_param(call, "recipient");
    let person = recipient.as_ref().ok().and_then(|recipient| recipient.as_ref()?["id"].as_str().map(str::to_owned));
    let knows = |page: &PageRecord| {
        person.as_ref().is_some_and(|id| page.threads.get(id).is_some_and(|one| one.acted_ms.is_some()))
    };
    let known = accounts.iter().find(|page| knows(page));
    let account = known.unwrap_or(first);
    may_send(platform, account)?;
    let recipient = recipient?.ok_or_else(|| GraphError::parameter("The parameter recipient is required."))?;
    required(object(&recipient, "recipient", &["id"])?, "recipient", "id", 64)?;
    match (known, person) {
        (Some(account), Some(person)) => Ok((account, person)),
        _ => Err(GraphError::new(100, "(#100) No matching user found").subcode(2_018_001)),
    }
}

fn may_send(platform: &Platform, account: &PageRecord) -> Result<(), GraphError> {
    let page = account.instagram_of.as_deref().and_then(|page| platform.page(page));
    let (code, permission) =
        if account.instagram_of.is_some() { (200, "instagram_manage_messages") } else { (230, "pages_messaging") };
    let page = page.unwrap_or(account);
    if !platform.granted(permission, Some(page)) {
        return Err(GraphError::new(code, format!("(#{code}) Requires {permission} permission to manage the object")));
    }
    if !page.may(&["MESSAGING"]) {
        return Err(GraphError::new(200, "(#200) The user must have the MESSAGING task on the Page"));
    }
    Ok(())
}

fn read_action(call: &Call, action: &str) -> Result<String, GraphError> {
    if !["typing_on", "typing_off", "mark_seen", "react", "unreact"].contains(&action) {
        let known = "{mark_seen, react, typing_off, typing_on, unreact}";
        return Err(GraphError::parameter(&format!("Param sender_action must be one of {known}")));
    }
    for name in ["messaging_type", "notification_type", "reply_to", "tag"] {
        if call.param(name).is_some() {
            return Err(GraphError::parameter(&format!("A sender_action must be sent without {name}.")));
        }
    }
    if ["react", "unreact"].contains(&action) {
        let payload = json_param(call, "payload")?.unwrap_or_default();
        required(object(&payload, "payload", &["message_id", "reaction"])?, "payload", "message_id", usize::MAX)?;
    }
    Ok(action.to_owned())
}

/// The tag, after the type of the message was checked.
fn read_tag(platform: &Platform, call: &Call, is_instagram: bool) -> Result<Option<String>, GraphError> {
    if let Some(kind) = call.param("notification_type")
        && !["REGULAR", "SILENT_PUSH", "NO_PUSH"].contains(&kind)
    {
        return Err(GraphError::parameter("Param notification_type must be one of {NO_PUSH, REGULAR, SILENT_PUSH}"));
    }
    if call.param("payload").is_some() {
        return Err(GraphError::parameter("The parameter payload belongs to a sender_action."));
    }
    let tag = call.param("tag");
    match (call.param("messaging_type"), tag) {
        (None, _) => Err(GraphError::parameter("The parameter messaging_type is required.")),
        (Some("RESPONSE" | "UPDATE"), None) => Ok(None),
        (Some("RESPONSE" | "UPDATE"), Some(_)) => {
            Err(GraphError::parameter("The parameter tag needs the messaging_type MESSAGE_TAG."))
        }
        (Some("MESSAGE_TAG"), None) => Err(GraphError::parameter("The parameter tag is required.")),
        (Some("MESSAGE_TAG"), Some("HUMAN_AGENT")) if platform.sending.human_agent => Ok(tag.map(str::to_owned)),
        (Some("MESSAGE_TAG"), Some("HUMAN_AGENT")) => {
            Err(GraphError::new(10, "(#10) This app has no permission to use the tag HUMAN_AGENT."))
        }
        (Some("MESSAGE_TAG"), Some(removed)) if REMOVED_TAGS.contains(&removed) => {
            Err(GraphError::parameter(&format!("The message tag {removed} is no longer supported.")))
        }
        (Some("MESSAGE_TAG"), Some("CUSTOMER_FEEDBACK")) if !is_instagram => {
            Err(GraphError::parameter("The tag CUSTOMER_FEEDBACK takes the customer feedback template only."))
        }
        (Some("MESSAGE_TAG"), Some(_)) => Err(GraphError::parameter("Param tag is not a known message tag.")),
        (Some("UTILITY"), _) => {
            let message = "(#10) This endpoint requires the 'page_utility_messaging' permission.";
            Err(GraphError::new(10, message))
        }
        (Some(_), _) => {
            Err(GraphError::parameter("Param messaging_type must be one of {MESSAGE_TAG, RESPONSE, UPDATE, UTILITY}"))
        }
    }
}

fn read_reply_to(call: &Call) -> Result<Option<String>, GraphError> {
    let Some(reply_to) = json_param(call, "reply_to")? else { return Ok(None) };
    required(object(&reply_to, "reply_to", &["mid"])?, "reply_to", "mid", usize::MAX).map(|mid| Some(mid.to_owned()))
}
