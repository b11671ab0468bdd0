//! Media: kept by id, told by a link that lives for minutes, and fetched with the token.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media> (2026).

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::call::Call;
use super::error::ApiError;
use super::handle::{Happened, Person, Sandbox};
use super::incoming::Draft;
use super::records::MediaRecord;
use super::state::{Core, Shared, World};
use crate::shared::channel::simulator::random_text;

/// How long the link to a medium lives.
const LINK_LIFE: TimeDelta = TimeDelta::minutes(5);

/// How long what people sent is kept.
const INCOMING_LIFE: TimeDelta = TimeDelta::days(7);

/// How long what the business uploaded is kept.
const UPLOAD_LIFE: TimeDelta = TimeDelta::days(30);

const MIB: usize = 1024 * 1024;

fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

impl World {
    fn keep_media(&mut self, bytes: &[u8], mime: &str, until: DateTime<Utc>) -> String {
        let id = (410_000_000_000_001 + self.media.len() as u64).to_string();
        self.media.insert(id.clone(), MediaRecord { bytes: bytes.to_vec(), mime: mime.to_owned(), until });
        id
    }
}

/// The fields of a medium, with a new link.
pub(super) fn shown(core: &Core, world: &mut World, id: &str) -> Result<Value, ApiError> {
    let now = core.now();
    let record = world.media.get(id).filter(|record| now < record.until);
    let record = record.cloned().ok_or_else(|| ApiError::missing_object(id))?;
    let ticket = random_text();
    world.media_links.insert(ticket.clone(), (id.to_owned(), now + LINK_LIFE));
    let hash: String = sha256(&record.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(json!({"messaging_product": "whatsapp", "url": format!("{}/whatsapp_business/attachments/{ticket}", core.url()),
        "mime_type": record.mime, "sha256": hash, "file_size": record.bytes.len(), "id": id}))
}

/// `DELETE /{version}/{media-id}`.
pub(super) async fn delete(State(core): State<Shared>, request: Request) -> Response {
    let deleted = async {
        let call = Call::read(&core, request).await?;
        call.authorise(&core, "whatsapp_business_messaging")?;
        let known = core.world().media.remove(&call.object);
        known.map(|_| json!({"success": true})).ok_or_else(|| ApiError::missing_object(&call.object))
    };
    super::call::reply(deleted.await)
}

/// The link itself: only with the token, and for a few minutes.
pub(super) async fn download(State(core): State<Shared>, Path(ticket): Path<String>, headers: HeaderMap) -> Response {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let world = core.world();
    if world.live_token(token, core.now()).is_err() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let link = world.media_links.get(&ticket).filter(|(_, until)| core.now() < *until);
    match link.and_then(|(id, _)| world.media.get(id)) {
        Some(record) => ([(header::CONTENT_TYPE, record.mime.clone())], record.bytes.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The largest size and the types of a kind; no types: any.
fn limits(kind: &str) -> (usize, &'static [&'static str]) {
    match kind {
        "image" => (5 * MIB, &["image/jpeg", "image/png"]),
        "video" => (16 * MIB, &["video/mp4", "video/3gpp"]),
        "audio" => (16 * MIB, &["audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"]),
        "sticker" => (MIB / 2, &["image/webp"]),
        _ => (100 * MIB, &[]),
    }
}

/// Fetches what a message links to, as the platform does after it has answered. Only what is on this machine is really
/// fetched. The error is what the message will fail with.
pub(super) async fn fetch(core: &Core, kind: &str, url: &Url) -> Result<(), ApiError> {
    let is_local = url.host_str().is_some_and(|host| host == "localhost" || host.starts_with("127."));
    if !is_local {
        return Ok(());
    }
    let unreachable =
        |reason: String| ApiError::new(131_053, format!("Downloading media from weblink failed: {reason}"));
    let response = core.http.get(url.clone()).send().await.map_err(|_| unreachable("no answer".to_owned()))?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(unreachable(format!("http code {}", response.status().as_u16())));
    }
    let mime = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mime = mime.split(';').next().unwrap_or_default().trim().to_owned();
    let bytes = response.bytes().await.map_err(|_| unreachable("the answer broke off".to_owned()))?;
    let (max, types) = limits(kind);
    if !types.is_empty() && !types.contains(&mime.as_str()) {
        return Err(ApiError::new(131_053, format!("Unsupported {kind} mime type {mime}.")));
    }
    if bytes.len() > max {
        return Err(ApiError::new(131_052, format!("The {kind} is larger than {max} bytes.")));
    }
    Ok(())
}

impl Sandbox {
    /// A medium that the business has uploaded: its id, for messages that name one. Kept for 30 days.
    pub fn upload(&self, bytes: &[u8], mime: &str) -> String {
        let until = self.core.now() + UPLOAD_LIFE;
        self.core.world().keep_media(bytes, mime, until)
    }

    /// Media in webhooks carry a short-lived `url` besides their id, as newer ones do.
    pub fn set_media_links(&self, yes: bool) {
        self.core.world().tells_media_links = yes;
    }
}

impl Person {
    /// Sends a medium of this kind: `image`, `video`, `audio`, `document` or `sticker`; `beside` are further members such as
    /// `caption`, `filename`, `voice`, `animated`.
    pub async fn sends_media(&self, kind: &str, bytes: &[u8], mime: &str, beside: Value) -> Happened {
        let core = &self.number.sandbox.core;
        let until = core.now() + INCOMING_LIFE;
        let mut content = json!({});
        {
            let mut world = core.world();
            let plain = mime.split(';').next().unwrap_or_default();
            let id = world.keep_media(bytes, plain, until);
            content["id"] = id.as_str().into();
            content["mime_type"] = mime.into();
            content["sha256"] = STANDARD.encode(sha256(bytes)).into();
            if world.tells_media_links {
                let shown = shown(core, &mut world, &id).unwrap_or_default();
                content["url"] = shown["url"].clone();
            }
        }
        for (name, value) in beside.as_object().into_iter().flatten() {
            content[name] = value.clone();
        }
        let text = content["caption"].as_str().unwrap_or_default().to_owned();
        self.send(Draft::new(kind, content, &text)).await
    }

    /// Sends a picture with a caption; an empty one is left out.
    pub async fn sends_image(&self, bytes: &[u8], caption: &str) -> Happened {
        let beside = if caption.is_empty() { json!({}) } else { json!({ "caption": caption }) };
        self.sends_media("image", bytes, "image/jpeg", beside).await
    }

    /// Sends a video with a caption.
    pub async fn sends_video(&self, bytes: &[u8], caption: &str) -> Happened {
        self.sends_media("video", bytes, "video/mp4", json!({ "caption": caption })).await
    }

    /// Sends a voice note.
    pub async fn sends_voice(&self, bytes: &[u8]) -> Happened {
        self.sends_media("audio", bytes, "audio/ogg; codecs=opus", json!({"voice": true})).await
    }

    /// Sends a document.
    pub async fn sends_document(&self, bytes: &[u8], name: &str) -> Happened {
        self.sends_media("document", bytes, "application/pdf", json!({ "filename": name })).await
    }

    /// Sends a sticker.
    pub async fn sends_sticker(&self, bytes: &[u8]) -> Happened {
        self.sends_media("sticker", bytes, "image/webp", json!({"animated": false})).await
    }
}
