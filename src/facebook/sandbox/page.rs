//! A Page as tests and the demo move it: what happens on it, and sending that as webhooks.

use serde_json::{Value, json};

use super::deliver;
use super::handle::{Person, Sandbox};
use super::happening::happening;
use super::send::memory::Reach;
use super::state::{INSTAGRAM_INBOX_APP_ID, Message, PAGE_INBOX_APP_ID, PageRecord, Thread, new_mid};
use crate::shared::channel::simulator::ascii_json;

/// A handle to one Page of the simulator. Cheap to clone.
///
/// Methods named after a happening change what the API tells, and return the item that a webhook would carry. Nothing
/// is sent before one of the `deliver` methods is called with it.
#[derive(Clone)]
pub struct Page {
    pub(super) sandbox: Sandbox,
    pub(super) id: String,
}

impl Page {
    /// The Page's id.
    #[must_use]
    pub fn id(&self) -> String {
        self.id.clone()
    }

    /// What the person may do on the Page. None at all means that the role is lost: Page tokens die with 190/492.
    pub fn set_tasks(&self, tasks: &[&str]) {
        self.change(|page| page.tasks = tasks.iter().map(|task| (*task).to_owned()).collect());
    }

    /// Whether the person ticks this Page in the dialog. Otherwise no permission holds for it and it is not listed.
    pub fn set_ticked(&self, yes: bool) {
        self.change(|page| page.ticked = yes);
    }

    /// The person has the Page through a business portfolio: `debug_token` names it, `/me/accounts` does not.
    pub fn set_in_portfolio(&self, yes: bool) {
        self.change(|page| page.in_portfolio = yes);
    }

    /// Lists no longer tell what the person may do on the Page.
    pub fn hide_tasks(&self) {
        self.change(|page| page.hides_tasks = true);
    }

    /// Changes the name in the metadata; no webhook comes of it.
    pub fn rename(&self, name: &str) {
        self.set_field("name", name.into());
    }

    /// Changes a metadata field, or adds one; `null` takes the value away.
    pub fn set_field(&self, field: &str, value: Value) {
        self.change(|page| {
            if value.is_null() {
                page.fields.remove(field);
            } else {
                page.fields.insert(field.to_owned(), value);
            }
        });
    }

    /// The fields of our app's subscription on this Page; empty if the app is not installed.
    #[must_use]
    pub fn subscribed_fields(&self) -> Vec<String> {
        self.change(|page| page.subscribed.clone()).flatten().unwrap_or_default()
    }

    /// From now on an unsubscription is answered with success, and changes nothing.
    pub fn cling(&self) {
        self.change(|page| page.clings = true);
    }

    /// Meta dropped our subscription on this Page.
    pub fn unsubscribe(&self) {
        self.change(|page| page.subscribed = None);
    }

    /// Another app is subscribed too, and has a row of its own in `subscribed_apps`.
    pub fn add_other_app(&self, id: &str, name: &str, fields: &[&str]) {
        let row = json!({"category": "Business", "name": name, "id": id, "subscribed_fields": fields});
        self.change(|page| page.other_apps.push(row));
    }

    /// The person writes a text.
    pub fn message_from(&self, person: &Person, text: &str) -> Value {
        self.write(person, Draft { text, ..Draft::default() })
    }

    /// The person answers an earlier message.
    pub fn answer_from(&self, person: &Person, text: &str, mid: &str) -> Value {
        self.write(person, Draft { text, reply_to: Some(mid), ..Draft::default() })
    }

    /// A human answers in the account's inbox: the echo.
    pub fn reply_to(&self, person: &Person, text: &str) -> Value {
        let is_instagram = self.sandbox.core.platform().page(&self.id).is_some_and(|one| one.instagram_of.is_some());
        let inbox = if is_instagram { INSTAGRAM_INBOX_APP_ID } else { PAGE_INBOX_APP_ID };
        self.write(person, Draft { text, is_echo: true, app_id: Some(inbox), ..Draft::default() })
    }

    /// Some app answers: the echo, with this `app_id`.
    pub fn reply_by_app(&self, person: &Person, text: &str, app_id: i64) -> Value {
        self.write(person, Draft { text, is_echo: true, app_id: Some(app_id), ..Draft::default() })
    }

    /// The person sends an attachment; `kind` as in webhooks: `image`, `audio`, `video`, `file`, `sticker`, `fallback`.
    pub fn attachment_from(&self, person: &Person, kind: &str, url: &str) -> Value {
        self.write(person, Draft { attachment: Some((kind, url)), ..Draft::default() })
    }

    /// What the API shows in a field of a message of this thread, for example `attachments`: a kind that no document names.
    pub fn show(&self, person: &Person, mid: &str, field: &str, value: Value) {
        self.change(|page| {
            if let Some(message) = page.thread_mut(&person.id).message_mut(mid) {
                message.shown.insert(field.to_owned(), value);
            }
        });
    }

    /// From now on the API serves no more than so many messages of this conversation at a time and answers with `code` to
    /// calls for more. `None`: as ever. Ids and times are always told.
    pub fn serve_at_once(&self, person: &Person, most: Option<(usize, i64)>) {
        self.change(|page| page.thread_mut(&person.id).serves_at_once = most);
    }

    /// The API never serves this message of the person's, even alone, or does so again.
    pub fn set_unservable(&self, person: &Person, mid: &str, yes: bool) {
        self.change(|page| {
            if let Some(message) = page.thread_mut(&person.id).message_mut(mid) {
                message.unservable = yes;
            }
        });
    }

    /// The person taps a button. In the conversation it shows as a message with the button's title and the same id.
    pub fn postback_from(&self, person: &Person, title: &str, payload: &str) -> Value {
        let mut item = self.write(person, Draft { text: title, ..Draft::default() });
        let mid = item["message"]["mid"].take();
        if let Some(map) = item.as_object_mut() {
            map.remove("message");
        }
        item["postback"] = json!({"mid": mid, "title": title, "payload": payload});
        item
    }

    /// The person reacts to a message (`love`, `like`, …), or takes the reaction back (`None`).
    pub fn reaction_from(&self, person: &Person, mid: &str, reaction: Option<&str>) -> Value {
        let emoji = match reaction {
            Some("love") => "\u{2764}\u{fe0f}",
            Some("smile") => "\u{1f606}",
            Some("wow") => "\u{1f62e}",
            Some("sad") => "\u{1f622}",
            Some("angry") => "\u{1f620}",
            Some("dislike") => "\u{1f44e}",
            _ => "\u{1f44d}",
        };
        let content = match reaction {
            Some(reaction) => json!({"mid": mid, "action": "react", "reaction": reaction, "emoji": emoji}),
            None => json!({"mid": mid, "action": "unreact"}),
        };
        self.happening(person, "reaction", |thread| {
            if reaction.is_some() {
                thread.acted_ms = Some(thread.last_ms);
            }
            content
        })
    }

    /// The person edits a message.
    pub fn edit(&self, person: &Person, mid: &str, text: &str) -> Value {
        self.happening(person, "message_edit", |thread| {
            let edits = thread.message_mut(mid).map_or(1, |message| {
                text.clone_into(&mut message.text);
                message.edits += 1;
                message.edits
            });
            json!({"mid": mid, "text": text, "num_edit": edits})
        })
    }

    /// The person takes a message back: the content disappears from the API. Documented for Instagram only; no
    /// Messenger event of this kind is.
    pub fn unsend(&self, person: &Person, mid: &str) -> Value {
        self.happening(person, "message", |thread| {
            if let Some(message) = thread.message_mut(mid) {
                message.text.clear();
                message.attachment = None;
                message.shown.clear();
            }
            json!({"mid": mid, "is_deleted": true})
        })
    }

    /// An item of `changes`. The metadata stays as it is: see [`Page::set_field`].
    #[must_use]
    pub fn changed(&self, field: &str, value: Value) -> Value {
        json!({"field": field, "value": value})
    }

    /// How many messages the person and this Page exchanged; postbacks count.
    #[must_use]
    pub fn message_count(&self, person: &Person) -> usize {
        let count = |page: &mut PageRecord| page.threads.get(&person.id).map_or(0, |thread| thread.messages.len());
        self.change(count).unwrap_or_default()
    }

    /// A body with these items under `messaging`.
    #[must_use]
    pub fn envelope(&self, items: &[Value]) -> Value {
        self.sandbox.envelope_of(&[(self, items.to_vec())])
    }

    /// A body with these items under `standby`: another app owns the thread.
    #[must_use]
    pub fn standby_envelope(&self, items: &[Value]) -> Value {
        let time = self.sandbox.core.now().timestamp_millis();
        let object = deliver::object_of(&self.sandbox.core.platform(), &self.id);
        json!({"object": object, "entry": [{"id": self.id, "time": time, "standby": items}]})
    }

    /// A body with these items under `changes`, or with their names only if the app subscribed without values.
    #[must_use]
    pub fn changes_envelope(&self, changes: &[Value]) -> Value {
        let core = &self.sandbox.core;
        let with_values = core.platform().app_subscription.as_ref().is_none_or(|app| app.include_values);
        let entry = deliver::changes_entry(&self.id, core.now().timestamp(), changes, with_values);
        json!({"object": "page", "entry": [entry]})
    }

    /// Sends these items in one body, but only those to whose field both the app and the Page are subscribed. Items of a
    /// thread that another app owns go as standby copies. `None` means that nothing was left to send.
    ///
    /// # Errors
    /// When no answer came within 10 s.
    pub async fn deliver(&self, items: &[Value]) -> Result<Option<u16>, reqwest::Error> {
        deliver::items(&self.sandbox.core, &self.id, items).await
    }

    /// As [`Page::deliver`], for items of `changes`.
    ///
    /// # Errors
    /// When no answer came within 10 s.
    pub async fn deliver_changes(&self, changes: &[Value]) -> Result<Option<u16>, reqwest::Error> {
        let changes = self.subscribed_of(changes, |change| change["field"].as_str().unwrap_or_default().to_owned());
        if changes.is_empty() { Ok(None) } else { self.force_deliver_changes(&changes).await.map(Some) }
    }

    /// Sends these items whatever the subscriptions say.
    ///
    /// # Errors
    /// When no answer came within 10 s, or nobody said where to deliver to.
    pub async fn force_deliver(&self, items: &[Value]) -> Result<u16, reqwest::Error> {
        self.sandbox.deliver_raw(ascii_json(&self.envelope(items)).as_bytes()).await
    }

    /// Sends these changes whatever the subscriptions say.
    ///
    /// # Errors
    /// When no answer came within 10 s, or nobody said where to deliver to.
    async fn force_deliver_changes(&self, changes: &[Value]) -> Result<u16, reqwest::Error> {
        self.sandbox.deliver_raw(ascii_json(&self.changes_envelope(changes)).as_bytes()).await
    }

    fn subscribed_of(&self, items: &[Value], field_of: impl Fn(&Value) -> String) -> Vec<Value> {
        let platform = self.sandbox.core.platform();
        items.iter().filter(|item| platform.subscribed(&self.id, &field_of(item))).cloned().collect()
    }

    /// Pages are never removed, so there is always a result.
    fn change<T>(&self, change: impl FnOnce(&mut PageRecord) -> T) -> Option<T> {
        self.sandbox.core.platform().page_mut(&self.id).map(change)
    }

    /// Adds a message and returns its item.
    pub(super) fn write(&self, person: &Person, draft: Draft<'_>) -> Value {
        let mid = new_mid();
        let mut content = json!({ "mid": mid });
        if !draft.text.is_empty() {
            content["text"] = draft.text.into();
        }
        if draft.is_echo {
            content["is_echo"] = true.into();
        }
        if let Some(app_id) = draft.app_id {
            content["app_id"] = app_id.into();
        }
        if let Some(reply_to) = draft.reply_to {
            content["reply_to"] = json!({"mid": reply_to, "is_self_reply": false});
        }
        if let Some(payload) = draft.quick_reply {
            content["quick_reply"] = json!({ "payload": payload });
        }
        if let Some((kind, url)) = draft.attachment {
            let payload = match kind {
                "sticker" => json!({"url": url, "sticker_id": 369_239_263_222_822_i64}),
                "fallback" => json!({"url": url, "title": "Shared link"}),
                _ => json!({ "url": url }),
            };
            content["attachments"] = json!([{"type": kind, "payload": payload}]);
        }
        let mut item = self.happening(person, "message", |thread| {
            if let Some(at_ms) = draft.at_ms {
                thread.last_ms = at_ms;
            }
            if !draft.is_echo {
                thread.acted_ms = Some(thread.last_ms);
                thread.reach = Reach::Open;
            }
            thread.messages.push(Message {
                mid,
                at_ms: thread.last_ms,
                from_page: draft.is_echo,
                text: draft.text.to_owned(),
                attachment: draft.attachment.map(|(kind, url)| (kind.to_owned(), url.to_owned())),
                reply_to: draft.reply_to.map(str::to_owned),
                ..Message::default()
            });
            content
        });
        if let Some(at_ms) = draft.at_ms {
            item["timestamp"] = at_ms.into();
        }
        if draft.is_echo
            && let Some(map) = item.as_object_mut()
        {
            map.insert("sender".to_owned(), json!({"id": self.id}));
            map.insert("recipient".to_owned(), json!({"id": person.id}));
        }
        item
    }

    /// Looks into the thread with a person, or changes it. Pages are never removed, so there is always a result.
    pub(super) fn with_thread<T: Default>(&self, person: &Person, change: impl FnOnce(&mut Thread) -> T) -> T {
        self.change(|page| change(page.thread_mut(&person.id))).unwrap_or_default()
    }

    fn happening(&self, person: &Person, key: &str, content: impl FnOnce(&mut Thread) -> Value) -> Value {
        happening(&self.sandbox.core, &self.id, &person.id, key, content)
    }
}

/// What a message consists of before it has an id and a time.
#[derive(Default)]
pub(super) struct Draft<'a> {
    pub text: &'a str,
    pub attachment: Option<(&'a str, &'a str)>,
    pub reply_to: Option<&'a str>,
    /// The payload of the quick reply that was tapped.
    pub quick_reply: Option<&'a str>,
    /// It is from the Page.
    pub is_echo: bool,
    /// The app that wrote it, if an echo names one.
    pub app_id: Option<i64>,
    /// Its time, if it is not now.
    pub at_ms: Option<i64>,
}
