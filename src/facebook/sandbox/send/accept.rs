//! A message is taken: the person, the owner of the thread and the window allow it, and what it points at is there.

use serde_json::{Value, json};

use super::super::state::{Content as File, Core, GraphError, Message, Platform, Thread, new_mid, random_text};
use super::content::Attachment;
use super::memory::{SenderAction, Sent};
use super::order::{Content, Letter, Order};
use super::template::is_local;
use super::{owner, window};

/// The largest file that is taken.
const MAX_FILE_BYTES: usize = 25 * 1024 * 1024;

/// The answer of a call, and the item of the echo if there is one.
pub(super) struct Taken {
    pub answer: Value,
    pub echo: Option<Value>,
}

/// Checks what the state of the thread says, and takes the message or the action.
pub(super) async fn carry_out(core: &Core, order: &Order) -> Result<Taken, GraphError> {
    check_thread(core, &core.platform(), order)?;
    match &order.content {
        Content::Action(action) => {
            let (account, person) = (order.account.clone(), order.person.clone());
            core.platform().sending.actions.push(SenderAction { account, person, action: action.clone() });
            Ok(Taken { answer: json!({"recipient_id": order.person}), echo: None })
        }
        Content::Message(letter) => {
            let file = file_of(core, letter).await?;
            // Time has passed while the file was fetched.
            let mut platform = core.platform();
            check_thread(core, &platform, order)?;
            take(core, &mut platform, order, letter, file)
        }
    }
}

fn thread_of<'a>(platform: &'a Platform, order: &Order) -> Result<&'a Thread, GraphError> {
    let thread = platform.page(&order.account).and_then(|account| account.threads.get(&order.person));
    thread.ok_or_else(|| GraphError::missing_object(&order.account))
}

fn check_thread(core: &Core, platform: &Platform, order: &Order) -> Result<(), GraphError> {
    let thread = thread_of(platform, order)?;
    window::check_reach(thread.reach)?;
    owner::check(thread, &core.app_id)?;
    let by_human = matches!(&order.content, Content::Message(letter) if letter.tag.is_some());
    window::check(&platform.sending, thread, by_human, order.is_instagram, core.now())?;
    if let Content::Message(letter) = &order.content
        && let Some(mid) = &letter.reply_to
        && !thread.messages.iter().any(|message| &message.mid == mid)
    {
        return Err(GraphError::parameter("Param reply_to[mid] names no message of this conversation."));
    }
    Ok(())
}

/// The kind of what is attached, its link as the platform shows it, and the id by which it can be sent again.
struct Attached {
    kind: String,
    link: String,
    upload: Option<String>,
}

/// The platform fetches what a link leads to and serves it from its own content network. Only what is on this machine is
/// really fetched.
async fn file_of(core: &Core, letter: &Letter) -> Result<Option<Attached>, GraphError> {
    let (kind, url, is_reusable) = match &letter.outgoing.attachment {
        None => return Ok(None),
        Some(Attachment::Template(_)) => {
            let link = "https://www.facebook.com/".to_owned();
            return Ok(Some(Attached { kind: "template".to_owned(), link, upload: None }));
        }
        Some(Attachment::Sticker(id)) => {
            let link = format!("https://cdn.example/sticker-{id}.png");
            return Ok(Some(Attached { kind: "sticker".to_owned(), link, upload: None }));
        }
        Some(Attachment::Known { kind, id }) => {
            let known = core.platform().sending.uploads.get(id).cloned();
            let (_, link) = known.filter(|(of, _)| of == kind).ok_or_else(|| {
                GraphError::new(100, "(#100) No attachment with this id was found").subcode(2_018_074)
            })?;
            return Ok(Some(Attached { kind: kind.clone(), link, upload: None }));
        }
        Some(Attachment::Link { kind, url, is_reusable }) => (kind.clone(), url, *is_reusable),
    };
    let name = random_text();
    let mut link = format!("https://cdn.example/{name}");
    if is_local(url) {
        let unusable = || GraphError::new(100, "(#100) Failed to fetch the file from the url").subcode(2_018_008);
        let response = core.http.get(url.clone()).send().await.map_err(|_| unusable())?;
        let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or("application/octet-stream").to_owned();
        if response.status() != reqwest::StatusCode::OK {
            return Err(unusable());
        }
        let bytes = response.bytes().await.map_err(|_| unusable())?.to_vec();
        if bytes.len() > MAX_FILE_BYTES {
            return Err(GraphError::new(100, "(#100) Attachment size exceeds allowable limit").subcode(2_018_109));
        }
        let file = File { bytes, content_type, expired: false, leads_to: None };
        core.platform().content.insert(name.clone(), file);
        link = format!("{}/cdn/{name}?oh=00_signature&oe=6A000000", core.url());
    }
    let upload = is_reusable.then(|| {
        let id = core.platform().sending.uploads.len() + 1_000_000_000_001;
        core.platform().sending.uploads.insert(id.to_string(), (kind.clone(), link.clone()));
        id.to_string()
    });
    Ok(Some(Attached { kind, link, upload }))
}

fn take(
    core: &Core,
    platform: &mut Platform,
    order: &Order,
    letter: &Letter,
    file: Option<Attached>,
) -> Result<Taken, GraphError> {
    let now = core.now();
    let with_metadata = !platform.sending.echoes_without_metadata;
    let text = match platform.sending.trims_texts {
        true => letter.outgoing.text.trim().replace("\r\n", "\n"),
        false => letter.outgoing.text.clone(),
    };
    let account = platform.page_mut(&order.account).ok_or_else(|| GraphError::missing_object(&order.account))?;
    let thread = account.thread_mut(&order.person);
    let outgoing = &letter.outgoing;
    let (mid, at_ms) = (new_mid(), thread.next_ms(now));
    let is_self_reply = |mid: &str| thread.messages.iter().any(|message| message.mid == mid && message.from_page);
    let reply_to = letter.reply_to.as_ref().map(|mid| json!({"mid": mid, "is_self_reply": is_self_reply(mid)}));
    let mut content = json!({"mid": mid, "is_echo": true, "app_id": app_id(core)});
    if let Some(metadata) = outgoing.metadata.as_ref().filter(|_| with_metadata) {
        content["metadata"] = metadata.as_str().into();
    }
    if !text.is_empty() {
        content["text"] = text.as_str().into();
    }
    if let Some(file) = &file {
        content["attachments"] = json!([echoed(outgoing.attachment.as_ref(), file)]);
    }
    if let Some(reply_to) = reply_to {
        content["reply_to"] = reply_to;
    }
    let mut answer = json!({"recipient_id": order.person, "message_id": mid});
    if let Some(upload) = file.as_ref().and_then(|file| file.upload.as_deref()) {
        answer["attachment_id"] = upload.into();
    }
    thread.messages.push(Message {
        mid: mid.clone(),
        at_ms,
        from_page: true,
        text,
        attachment: file.map(|file| (file.kind, file.link)),
        reply_to: letter.reply_to.clone(),
        template: match &outgoing.attachment {
            Some(Attachment::Template(payload)) => Some(payload.clone()),
            _ => None,
        },
        quick_replies: outgoing.quick_replies.clone(),
        buttons: outgoing.buttons.clone(),
        ..Message::default()
    });
    platform.sending.sent.push(Sent {
        account: order.account.clone(),
        person: order.person.clone(),
        mid,
        metadata: outgoing.metadata.clone(),
        text: outgoing.text.clone(),
        message: outgoing.raw.clone(),
        messaging_type: letter.messaging_type.clone(),
        tag: letter.tag.clone(),
        reply_to: letter.reply_to.clone(),
        at_ms,
    });
    let (sender, recipient) = (json!({"id": order.account}), json!({"id": order.person}));
    let echo = json!({"sender": sender, "recipient": recipient, "timestamp": at_ms, "message": content});
    Ok(Taken { answer, echo: Some(echo) })
}

/// A number, as echoes carry it.
fn app_id(core: &Core) -> Value {
    core.app_id.parse::<i64>().map_or_else(|_| core.app_id.as_str().into(), Value::from)
}

/// An attachment as the echo carries it.
fn echoed(attachment: Option<&Attachment>, file: &Attached) -> Value {
    match attachment {
        Some(Attachment::Template(payload)) => {
            json!({"type": "template", "title": "", "url": file.link, "payload": payload})
        }
        Some(Attachment::Sticker(id)) => {
            json!({"type": "sticker", "payload": {"url": file.link, "sticker_id": id}})
        }
        _ => json!({"type": file.kind, "payload": {"url": file.link}}),
    }
}
