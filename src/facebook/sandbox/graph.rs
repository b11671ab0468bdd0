//! Nodes and edges of the Graph API: the person, Pages, conversations and messages.
//!
//! Sources: <https://developers.facebook.com/docs/graph-api/reference/page> and
//! <https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversations> (November 2026).

use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::call::{Call, Caller};
use super::fields::{Field, narrow, parse_fields};
use super::paging::{Row, Window, with_paging};
use super::state::{APP_NAME, Core, GraphError, Message, PageRecord, Platform, Thread};

/// Only so many of the newest messages of a conversation can be read; of older ones the id is listed.
const READABLE_MESSAGES: usize = 20;

/// Fields that a Page has, whether or not a value is set.
const PAGE_NODE_FIELDS: &str = "id name username about description category category_list website link phone emails \
    single_line_address location hours price_range fan_count followers_count verification_status is_published \
    is_permanently_closed whatsapp_number instagram_business_account picture cover access_token";

/// `GET /{object}`: a person, a Page, a conversation, a message, a customer or the app.
pub(super) fn node(core: &Core, platform: &mut Platform, call: &Call) -> Result<Value, GraphError> {
    let object = call.object.as_str();
    if call.caller == Caller::Person && (object == "me" || object == platform.person_id) {
        return person(platform, call);
    }
    if object == core.app_id {
        return select("Application", object, &call.fields("id,name")?, |field| match field.name.as_str() {
            "name" => Known::Value(APP_NAME.into()),
            "link" | "category" => Known::Absent,
            _ => Known::No,
        });
    }
    if platform.page(object).is_some() || (object == "me" && matches!(call.caller, Caller::Page(_))) {
        return page_node(core, platform, call);
    }
    if let Some((page, thread)) = find_thread(platform, object) {
        may_read_messages(platform, page, call)?;
        return conversation(core, platform, call, page, thread, &call.fields("id,link,updated_time")?);
    }
    if let Some((page, thread, index)) = find_message(platform, object) {
        may_read_messages(platform, page, call)?;
        let fields = call.fields("id,created_time")?;
        if index + READABLE_MESSAGES < thread.messages.len() {
            let message = "(#100) This message has been deleted and can no longer be read.";
            return Err(GraphError::new(100, message).subcode(33));
        }
        return message((core, call), platform, (page, thread), &thread.messages[index], &fields);
    }
    customer(platform, call)
}

fn person(platform: &Platform, call: &Call) -> Result<Value, GraphError> {
    let name = &platform.person_name;
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    select("User", &platform.person_id, &call.fields("id,name")?, |field| match field.name.as_str() {
        "name" => Known::Value(name.as_str().into()),
        "first_name" => Known::Value(first.into()),
        "last_name" => Known::Value(last.into()),
        "email" | "picture" => Known::Absent,
        _ => Known::No,
    })
}

fn customer(platform: &Platform, call: &Call) -> Result<Value, GraphError> {
    let missing = || GraphError::missing_object(&call.object);
    let name = platform.people.get(&call.object).ok_or_else(missing)?;
    let Caller::Page(id) = &call.caller else { return Err(missing()) };
    if !platform.granted("pages_messaging", platform.page(id)) {
        return Err(missing_permission("pages_messaging"));
    }
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    select("UserProfile", &call.object, &call.fields("first_name,last_name,profile_pic")?, |field| {
        match field.name.as_str() {
            "name" => Known::Value(name.as_str().into()),
            "first_name" => Known::Value(first.into()),
            "last_name" => Known::Value(last.into()),
            "profile_pic" => Known::Value(format!("https://cdn.example/{}/profile.jpg", call.object).into()),
            "locale" | "timezone" | "gender" => Known::Absent,
            _ => Known::No,
        }
    })
}

/// `GET /me/permissions`.
pub(super) fn permissions(_core: &Core, platform: &mut Platform, call: &Call) -> Result<Value, GraphError> {
    the_person(platform, call, "permissions")?;
    let rows: Vec<Value> = platform
        .permissions
        .iter()
        .map(|(permission, status)| json!({"permission": permission, "status": status}))
        .collect();
    Ok(json!({ "data": rows }))
}

/// `DELETE /me/permissions`: the app is removed from the person's account.
pub(super) fn remove_app(_core: &Core, platform: &mut Platform, call: &Call) -> Result<Value, GraphError> {
    the_person(platform, call, "permissions")?;
    platform.revoke_tokens(458);
    Ok(json!({"success": true}))
}

/// Edges of a person do not exist on a Page, which is what `me` is with a Page token.
fn the_person(platform: &Platform, call: &Call, edge: &str) -> Result<(), GraphError> {
    match call.caller {
        Caller::Person if call.object == "me" || call.object == platform.person_id => Ok(()),
        Caller::Page(_) if call.object == "me" => Err(no_such_field(edge, "Page")),
        _ => Err(GraphError::missing_object(&call.object)),
    }
}

/// `GET /me/accounts`: the Pages that the person ticked. Without `pages_show_list` the list is empty.
pub(super) fn accounts(core: &Core, platform: &mut Platform, call: &Call) -> Result<Value, GraphError> {
    the_person(platform, call, "accounts")?;
    let fields = call.fields("access_token,category,category_list,name,id,tasks")?;
    let mut rows = Vec::new();
    if platform.granted("pages_show_list", None) {
        let ids: Vec<String> = platform
            .pages
            .iter()
            .filter(|page| page.ticked && page.instagram_of.is_none() && !page.in_portfolio)
            .map(|page| page.id.clone())
            .collect();
        for (index, id) in (0_i64..).zip(ids) {
            // The first Page comes first: lists are in descending order of their key.
            rows.push(Row { key: -index, id: id.clone(), item: id });
        }
    }
    let window = Window::of_call(core, platform, call, "accounts")?;
    let user_token = call.token.clone().unwrap_or_default();
    let (rows, paging) = window.cut(rows);
    let mut data = Vec::new();
    for row in rows {
        let token = platform.page_token(&user_token, &row.item, core.now());
        let Some(page) = platform.page(&row.item) else { continue };
        data.push(select("Page", &page.id, &fields, |field| match field.name.as_str() {
            "tasks" | "perms" if page.hides_tasks => Known::Absent,
            "tasks" | "perms" => Known::Value(json!(page.tasks)),
            _ => page_field(page, field, &token),
        })?);
    }
    Ok(with_paging(data, paging))
}

fn page_node(core: &Core, platform: &mut Platform, call: &Call) -> Result<Value, GraphError> {
    let readable = |platform: &Platform| {
        let page = call.page(platform)?;
        Ok::<_, GraphError>((page.id.clone(), platform.granted("pages_read_engagement", Some(page))))
    };
    let fields = call.fields("id,name")?;
    let (id, granted) = match readable(platform) {
        Ok(readable) => readable,
        // Another Page is public, but reading it takes a feature that this app does not have.
        Err(_) => return Err(missing_permission("pages_read_engagement")),
    };
    if !granted && fields.iter().any(|field| !["id", "name", "access_token"].contains(&field.name.as_str())) {
        return Err(missing_permission("pages_read_engagement"));
    }
    let own = call.token.clone().unwrap_or_default();
    let token = if call.caller == Caller::Person { platform.page_token(&own, &id, core.now()) } else { own };
    let page = platform.page(&id).ok_or_else(|| GraphError::missing_object(&id))?;
    select("Page", &id, &fields, |field| page_field(page, field, &token))
}

fn page_field(page: &PageRecord, field: &Field, token: &str) -> Known {
    match field.name.as_str() {
        "access_token" if page.tasks.is_empty() => Known::Absent,
        "access_token" => Known::Value(token.into()),
        name => match page.fields.get(name) {
            Some(value) => Known::Value(narrow(value, &field.fields)),
            None if PAGE_NODE_FIELDS.split_whitespace().any(|known| known == name) => Known::Absent,
            None => Known::No,
        },
    }
}

fn may_read_messages(platform: &Platform, page: &PageRecord, call: &Call) -> Result<(), GraphError> {
    match &call.caller {
        Caller::Page(id) if *id == page.id || page.instagram_of.as_ref() == Some(id) => {}
        Caller::Person => {
            return Err(GraphError::new(210, "(#210) A page access token is required to request this resource."));
        }
        _ => return Err(GraphError::missing_object(&call.object)),
    }
    for permission in ["pages_messaging", "pages_manage_metadata", "pages_read_engagement"] {
        if !platform.granted(permission, Some(page)) {
            return Err(missing_permission(permission));
        }
    }
    if page.may(&["MESSAGING", "MODERATE"]) {
        Ok(())
    } else {
        Err(GraphError::new(200, "(#200) The user must have the MESSAGING or MODERATE task on the Page"))
    }
}

/// `GET /{page}/conversations`: the last one that moved comes first.
pub(super) fn conversations(core: &Core, platform: &mut Platform, call: &Call) -> Result<Value, GraphError> {
    let platform = &*platform;
    let mut page = call.page_by_its_token(platform)?;
    may_read_messages(platform, page, call)?;
    match call.param("platform").map(str::to_ascii_lowercase).as_deref() {
        None | Some("messenger") => {}
        Some("instagram") => {
            if !platform.granted("instagram_manage_messages", Some(page)) {
                return Err(missing_permission("instagram_manage_messages"));
            }
            let account = platform.pages.iter().find(|one| one.instagram_of.as_ref() == Some(&page.id));
            let Some(account) = account else { return Ok(json!({"data": []})) };
            page = account;
        }
        Some(_) => return Err(GraphError::parameter("Param platform must be one of {instagram, messenger}")),
    }
    let fields = call.fields("id,link,updated_time")?;
    let mut rows: Vec<Row<&Thread>> = page
        .threads
        .values()
        .filter(|thread| call.param("user_id").is_none_or(|id| id == thread.person_id))
        .filter_map(|thread| {
            let newest = thread.messages.last()?;
            Some(Row { key: newest.at_ms, id: thread.id.clone(), item: thread })
        })
        .collect();
    rows.sort_by(|a, b| (b.key, &b.id).cmp(&(a.key, &a.id)));
    let (rows, paging) = Window::of_call(core, platform, call, "conversations")?.cut(rows);
    let data = rows
        .into_iter()
        .map(|row| conversation(core, platform, call, page, row.item, &fields))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(with_paging(data, paging))
}

/// `GET /{conversation}/messages`, newest first.
pub(super) fn messages(core: &Core, platform: &mut Platform, call: &Call) -> Result<Value, GraphError> {
    let platform = &*platform;
    let (page, thread) = find_thread(platform, &call.object).ok_or_else(|| GraphError::missing_object(&call.object))?;
    may_read_messages(platform, page, call)?;
    let fields = call.fields("id,created_time")?;
    let window = Window::of_call(core, platform, call, "messages")?;
    message_list((core, call), platform, (page, thread), &fields, window)
}

fn find_thread<'a>(platform: &'a Platform, id: &str) -> Option<(&'a PageRecord, &'a Thread)> {
    let threads = platform.pages.iter().flat_map(|page| page.threads.values().map(move |thread| (page, thread)));
    threads.into_iter().find(|(_, thread)| thread.id == id && !thread.messages.is_empty())
}

fn find_message<'a>(platform: &'a Platform, mid: &str) -> Option<(&'a PageRecord, &'a Thread, usize)> {
    let threads = platform.pages.iter().flat_map(|page| page.threads.values().map(move |thread| (page, thread)));
    threads
        .into_iter()
        .find_map(|(page, thread)| Some((page, thread, thread.messages.iter().position(|found| found.mid == mid)?)))
}

fn conversation(
    core: &Core,
    platform: &Platform,
    call: &Call,
    page: &PageRecord,
    thread: &Thread,
    fields: &[Field],
) -> Result<Value, GraphError> {
    let mut nested = None;
    if let Some(field) = fields.iter().find(|field| field.name == "messages") {
        let wanted = if field.fields.is_empty() { default_fields("id,created_time") } else { field.fields.clone() };
        let window = Window::of_field(core, platform, call, &format!("{}/messages", thread.id), field, &wanted)?;
        nested = Some(message_list((core, call), platform, (page, thread), &wanted, window)?);
    }
    let newest = thread.messages.last();
    select("UnifiedThread", &thread.id, fields, |field| {
        let name = field.name.as_str();
        let value = match name {
            "messages" => return nested.take().map_or(Known::Absent, Known::Value),
            "link" => format!("/{}/inbox/{}/", page.id, thread.id).into(),
            "updated_time" => date(newest.map_or(thread.last_ms, |message| message.at_ms)),
            "snippet" => newest.map_or("", |message| message.text.as_str()).into(),
            "message_count" => thread.messages.len().into(),
            "unread_count" => thread.messages.iter().rev().take_while(|message| !message.from_page).count().into(),
            "participants" => {
                narrow(&json!({"data": [party(platform, &thread.person_id), page_party(page)]}), &field.fields)
            }
            "senders" => narrow(&json!({"data": [party(platform, &thread.person_id)]}), &field.fields),
            "can_reply" | "is_subscribed" => true.into(),
            "folder" => "inbox".into(),
            "scoped_thread_key" => thread.id.as_str().into(),
            "is_owner" => match &thread.owner {
                Some(owner) => (*owner == core.app_id).into(),
                None => return Known::Absent,
            },
            "name" | "former_participants" | "linked_group" | "wallpaper" => return Known::Absent,
            _ => return Known::No,
        };
        Known::Value(value)
    })
}

fn message_list(
    asked: (&Core, &Call),
    platform: &Platform,
    (page, thread): (&PageRecord, &Thread),
    fields: &[Field],
    window: Window,
) -> Result<Value, GraphError> {
    let rows = thread.messages.iter().rev().enumerate().map(|(age, found)| Row {
        key: found.at_ms,
        id: found.mid.clone(),
        item: (age, found),
    });
    let (rows, paging) = window.cut(rows.collect());
    let bare = default_fields("id,created_time");
    let is_bare = fields.iter().all(|field| ["id", "created_time"].contains(&field.name.as_str()));
    let served = rows.iter().filter(|row| row.item.0 < READABLE_MESSAGES);
    let (most, code) = thread.serves_at_once.unwrap_or((usize::MAX, 1));
    if !is_bare && (served.clone().count() > most || served.clone().any(|row| row.item.1.unservable)) {
        let message = match code {
            2 => "An unexpected error has occurred. Please retry your request later.",
            _ => "Please reduce the amount of data you're asking for, then retry your request",
        };
        return Err(GraphError::new(code, message));
    }
    let data = rows
        .into_iter()
        .map(|Row { item: (age, found), .. }| {
            let visible = if age < READABLE_MESSAGES { fields } else { &bare };
            message(asked, platform, (page, thread), found, visible)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(with_paging(data, paging))
}

/// `GET /{message}/attachments` and `/{message}/shares`.
pub(super) fn parts_of_message(core: &Core, platform: &mut Platform, call: &Call) -> Result<Value, GraphError> {
    let platform = &*platform;
    let (page, thread, index) =
        find_message(platform, &call.object).ok_or_else(|| GraphError::missing_object(&call.object))?;
    may_read_messages(platform, page, call)?;
    let edge = call.edge.as_str();
    let whole = shown(&thread.messages[index], edge).unwrap_or_else(|| json!({"data": []}));
    Ok(cut_parts(Window::of_call(core, platform, call, edge)?, &whole))
}

/// A part of a list that belongs to a message.
fn cut_parts(window: Window, whole: &Value) -> Value {
    let Some(items) = whole["data"].as_array() else { return whole.clone() };
    let rows = (0_i64..).zip(items).map(|(index, item)| Row { key: -index, id: index.to_string(), item });
    let (rows, paging) = window.cut(rows.collect());
    let is_whole = paging.as_ref().is_none_or(|paging| paging.get("next").is_none());
    // Lists of a message that are whole have no `paging`.
    with_paging(rows.into_iter().map(|row| row.item.clone()).collect(), paging.filter(|_| !is_whole))
}

/// What the API shows of a message in one of its fields.
fn shown(found: &Message, field: &str) -> Option<Value> {
    let told = polled_attachment(found).filter(|(name, _)| *name == field).map(|(_, value)| value);
    found.shown.get(field).cloned().or(told)
}

fn message(
    (core, call): (&Core, &Call),
    platform: &Platform,
    (page, thread): (&PageRecord, &Thread),
    found: &Message,
    fields: &[Field],
) -> Result<Value, GraphError> {
    let without_mail = default_fields("id,name");
    let person = party(platform, &thread.person_id);
    let (from, to) = if found.from_page { (page_party(page), person) } else { (person, page_party(page)) };
    select("Message", &found.mid, fields, |field| {
        let value = match field.name.as_str() {
            "created_time" => date(found.at_ms),
            "from" => narrow(&from, if field.fields.is_empty() { &without_mail } else { &field.fields }),
            "to" => {
                let wanted = if field.fields.is_empty() { &without_mail } else { &field.fields };
                narrow(&json!({ "data": [to] }), wanted)
            }
            "message" => found.text.as_str().into(),
            "tags" => json!({"data": [{"name": "inbox"}, {"name": "messenger"}]}),
            "reply_to" => match &found.reply_to {
                Some(mid) => json!({"mid": mid, "is_self_reply": false}),
                None => return Known::Absent,
            },
            name @ ("attachments" | "shares") => {
                let edge = format!("{}/{name}", found.mid);
                match (shown(found, name), Window::of_field(core, platform, call, &edge, field, &field.fields)) {
                    (Some(whole), Ok(window)) => narrow(&cut_parts(window, &whole), &field.fields),
                    _ => return Known::Absent,
                }
            }
            "sticker" => match shown(found, "sticker") {
                Some(value) => narrow(&value, &field.fields),
                None => return Known::Absent,
            },
            "is_unsupported" | "reactions" | "story" | "thread_id" => return Known::Absent,
            _ => return Known::No,
        };
        Known::Value(value)
    })
}

/// An attachment in the shape of this API, and the field in which it stands.
fn polled_attachment(found: &Message) -> Option<(&'static str, Value)> {
    let (kind, url) = found.attachment.as_ref()?;
    let id = found.at_ms.to_string();
    let file = |mime: &str| json!({"id": id, "mime_type": mime, "name": format!("{kind}-{id}"), "size": 51234});
    let mut entry = match kind.as_str() {
        "sticker" => return Some(("sticker", url.as_str().into())),
        "fallback" | "post" | "reel" => {
            return Some(("shares", json!({"data": [{"id": id, "link": url, "name": "Shared link"}]})));
        }
        "template" => return Some(("attachments", json!({"data": [template(&id, found.template.as_ref()?)]}))),
        "image" => file("image/jpeg"),
        "video" => file("video/mp4"),
        "audio" => file("audio/mpeg"),
        _ => file("application/pdf"),
    };
    match kind.as_str() {
        "image" => {
            entry["image_data"] = json!({"url": url, "preview_url": url, "width": 800, "height": 600, "max_width": 800,
                "max_height": 600, "image_type": 1, "render_as_sticker": false});
        }
        "video" => {
            entry["video_data"] = json!({"url": url, "preview_url": format!("{url}.jpg"), "width": 640, "height": 360,
                "length": 12, "video_type": 1, "rotation": 0});
        }
        _ => entry["file_url"] = url.as_str().into(),
    }
    Some(("attachments", json!({ "data": [entry] })))
}

/// A template shows its first element.
fn template(id: &str, payload: &Value) -> Value {
    let shown = payload.get("elements").and_then(|elements| elements.get(0)).unwrap_or(payload);
    let mut content = json!({"title": shown.get("title").or_else(|| shown.get("text"))});
    for (name, from) in [("subtitle", "subtitle"), ("media_url", "image_url")] {
        if let Some(value) = shown.get(from) {
            content[name] = value.clone();
        }
    }
    json!({"id": id, "generic_template": content})
}

fn party(platform: &Platform, id: &str) -> Value {
    let name = platform.people.get(id).map_or("Facebook user", String::as_str);
    json!({"name": name, "email": format!("{id}@facebook.com"), "id": id})
}

fn page_party(page: &PageRecord) -> Value {
    json!({"name": page.name(), "email": format!("{}@facebook.com", page.id), "id": page.id})
}

/// ISO 8601 in seconds, with an offset without colon.
fn date(ms: i64) -> Value {
    let time = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    time.format("%Y-%m-%dT%H:%M:%S%z").to_string().into()
}

fn default_fields(text: &str) -> Vec<Field> {
    parse_fields(text).unwrap_or_default()
}

/// What a node knows about one requested field.
enum Known {
    Value(Value),
    /// The field exists and has no value: it is left out.
    Absent,
    /// There is no such field: the whole call fails.
    No,
}

/// The requested fields of a node, and its id.
fn select(kind: &str, id: &str, wanted: &[Field], mut read: impl FnMut(&Field) -> Known) -> Result<Value, GraphError> {
    let mut node = Map::from_iter([("id".to_owned(), id.into())]);
    for field in wanted.iter().filter(|field| field.name != "id") {
        match read(field) {
            Known::Value(value) => {
                node.insert(field.name.clone(), value);
            }
            Known::Absent => {}
            Known::No => return Err(no_such_field(&field.name, kind)),
        }
    }
    Ok(node.into())
}

fn no_such_field(name: &str, kind: &str) -> GraphError {
    GraphError::parameter(&format!("Tried accessing nonexisting field ({name}) on node type ({kind})"))
}

fn missing_permission(permission: &str) -> GraphError {
    let message = format!(
        "(#10) This endpoint requires the '{permission}' permission. Refer to https://developers.facebook.com/docs/apps/review/login-permissions for details."
    );
    GraphError::new(10, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_seconds_and_an_offset_without_colon() {
        assert_eq!(date(1_790_000_020_999), json!("2026-09-21T14:13:40+0000"));
    }
}
