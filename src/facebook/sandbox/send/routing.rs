//! Conversation routing: the calls that pass, take and request the control of a thread, and what other apps do with it.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversation-routing> (2026).

use serde_json::{Value, json};

use super::super::call::Call;
use super::super::handle::{Person, Sandbox};
use super::super::happening::happening;
use super::super::page::Page;
use super::super::state::{Core, GraphError, INSTAGRAM_INBOX_APP_ID, PAGE_INBOX_APP_IDS, Platform};
use super::memory::ControlCall;
use super::order::{check_members, parties};
use super::owner;

/// The longest text that goes along with the control.
const MAX_METADATA: usize = 1000;

const MEMBERS: [&str; 5] = ["access_token", "appsecret_proof", "appsecret_time", "metadata", "recipient"];

/// `POST /{page-id}/pass_thread_control`: another app is to go on.
pub(in super::super) fn pass(core: &Core, platform: &mut Platform, call: &Call) -> Result<Value, GraphError> {
    check_members(call, &[&MEMBERS[..], &["target_app_id"]].concat())?;
    let (account, person) = parties(platform, call)?;
    if let Some(thread) = account.threads.get(&person) {
        owner::check(thread, &core.app_id)?;
    }
    let target = call.param("target_app_id");
    let target = target.ok_or_else(|| GraphError::parameter("The parameter target_app_id is required."))?;
    let page = account.instagram_of.as_deref().and_then(|page| platform.page(page)).unwrap_or(account);
    let is_known = target == core.app_id
        || PAGE_INBOX_APP_IDS.iter().any(|id| id.to_string() == target)
        || (account.instagram_of.is_some() && target == INSTAGRAM_INBOX_APP_ID.to_string())
        || page.other_apps.iter().any(|app| app["id"] == target);
    if !is_known {
        return Err(GraphError::parameter("Param target_app_id must be the id of an app of this Page."));
    }
    let (account, target) = (account.id.clone(), target.to_owned());
    note(platform, call, "pass_thread_control", &account, &person, Some(&target))?;
    set_owner(platform, &account, &person, Some(target));
    Ok(json!({"success": true}))
}

/// `POST /{page-id}/take_thread_control`: this app is to go on. The app that owned the thread is told.
pub(in super::super) fn take(core: &Core, platform: &mut Platform, call: &Call) -> Result<Value, GraphError> {
    check_members(call, &MEMBERS)?;
    let (account, person) = parties(platform, call)?;
    if platform.sending.control_stays {
        return Err(GraphError::new(10, "(#10) This app is not allowed to take the control of the conversation."));
    }
    let account = account.id.clone();
    note(platform, call, "take_thread_control", &account, &person, None)?;
    set_owner(platform, &account, &person, Some(core.app_id.clone()));
    Ok(json!({"success": true}))
}

/// `POST /{page-id}/request_thread_control`: the app that owns the thread is asked for it.
pub(in super::super) fn request(_core: &Core, platform: &mut Platform, call: &Call) -> Result<Value, GraphError> {
    check_members(call, &MEMBERS)?;
    let (account, person) = parties(platform, call)?;
    let account = account.id.clone();
    note(platform, call, "request_thread_control", &account, &person, None)?;
    Ok(json!({"success": true}))
}

fn note(
    platform: &mut Platform,
    call: &Call,
    name: &str,
    account: &str,
    person: &str,
    target: Option<&str>,
) -> Result<(), GraphError> {
    let metadata = call.param("metadata");
    if metadata.is_some_and(|text| text.chars().count() > MAX_METADATA) {
        return Err(GraphError::parameter("Length of param metadata must be less than or equal to 1000"));
    }
    platform.sending.control_calls.push(ControlCall {
        call: name.to_owned(),
        account: account.to_owned(),
        person: person.to_owned(),
        target_app_id: target.map(str::to_owned),
        metadata: metadata.map(str::to_owned),
    });
    Ok(())
}

fn set_owner(platform: &mut Platform, account: &str, person: &str, owner: Option<String>) -> Option<String> {
    let thread = platform.page_mut(account)?.thread_mut(person);
    std::mem::replace(&mut thread.owner, owner)
}

impl Sandbox {
    /// The calls about the control of threads that were answered with success, in order.
    #[must_use]
    pub fn control_calls(&self) -> Vec<ControlCall> {
        self.core.platform().sending.control_calls.clone()
    }

    /// From now on this app may not take control: `take_thread_control` is refused with code 10.
    pub fn refuse_take_control(&self, yes: bool) {
        self.core.platform().sending.control_stays = yes;
    }
}

impl Page {
    /// The app that owns the thread with this person; `None`: no routing is set up, every app may write.
    #[must_use]
    pub fn owner(&self, person: &Person) -> Option<String> {
        self.with_thread(person, |thread| thread.owner.clone())
    }

    /// Sets the owner of the thread; nobody is told. While it is another app, that person's items are delivered as standby
    /// copies, and the Send API refuses with 10/2018300.
    pub fn set_owner(&self, person: &Person, app_id: Option<&str>) {
        self.with_thread(person, |thread| thread.owner = app_id.map(str::to_owned));
    }

    /// The app that owned the thread passes it to our app: the item that tells us.
    pub fn control_passed_to_us(&self, person: &Person, metadata: &str) -> Value {
        let ours = self.sandbox.core.app_id.clone();
        self.control(person, "pass_thread_control", &ours, metadata)
    }

    /// Another app takes the thread: the item that tells us.
    pub fn control_taken_by(&self, person: &Person, app_id: &str, metadata: &str) -> Value {
        self.control(person, "take_thread_control", app_id, metadata)
    }

    /// Another app asks for the thread, which stays where it is: the item that tells us.
    pub fn control_requested_by(&self, person: &Person, app_id: i64, metadata: &str) -> Value {
        let content = json!({"requested_owner_app_id": app_id, "metadata": metadata});
        happening(&self.sandbox.core, &self.id, &person.id, "request_thread_control", |_| content)
    }

    fn control(&self, person: &Person, key: &str, new_owner: &str, metadata: &str) -> Value {
        happening(&self.sandbox.core, &self.id, &person.id, key, |thread| {
            let previous = thread.owner.replace(new_owner.to_owned());
            json!({"previous_owner_app_id": previous, "new_owner_app_id": new_owner, "metadata": metadata})
        })
    }
}
