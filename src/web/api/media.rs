//! `POST /api/v1/media`: takes a file that messages can name.
//!
//! The body goes to disk as it comes, so it may be larger than other bodies, and nothing of it is read before it is known
//! that its sender may upload. What it is, its first bytes say; what its sender says must agree.

use std::pin::pin;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, header};
use http_body::Body as _;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use super::body::refuse_query;
use super::caller::Caller;
use super::problem::{ApiProblem, time};
use super::state::Api;
use crate::answering::uploads::KINDS;
use crate::shared::files::incoming::Incoming;
use crate::shared::files::kinds::{SNIFFED, sniff};
use crate::shared::secrets::signature::to_hex;
use crate::shared::store::api_keys::Scope;
use crate::shared::store::uploads::{NewUpload, NotKept};
use crate::shared::telemetry::once_per_second::OncePerSecond;

/// The largest file, in bytes.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// In how many seconds to come again when as many files come as may come at once.
const BUSY_PAUSE: u64 = 1;

/// What the first box of an MP4 file may name as its brand, by its first letters; other files have the same form of box
/// (HEIC, AVIF, QuickTime). Source: ISO/IEC 14496-12, 4.3, and the registered brands of <https://mp4ra.org>.
const MP4_BRANDS: [&[u8]; 9] = [b"iso", b"mp4", b"avc1", b"M4V", b"M4A", b"M4B", b"MSNV", b"dash", b"mmp4"];

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/media", post(upload))
}

async fn upload(
    State(api): State<Api>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiProblem> {
    caller.require(Scope::Reply)?;
    refuse_query(query.as_deref())?;
    let uploads = &api.answering.uploads;
    if !uploads.can_be_fetched() {
        return Err(refused("public_url"));
    }
    let declared = declared_kind(&headers).ok_or_else(|| refused("type"))?;
    // A body whose length is not told beforehand may have any.
    let length = body.size_hint().exact();
    if length.is_some_and(|length| length > MOST_BYTES) {
        return Err(refused("size"));
    }
    let merchant = caller.merchant();
    let has_room = uploads.kept.has_room(merchant, length.unwrap_or(0)).await;
    if !has_room.map_err(|error| not_stored(&error.into()))? {
        return Err(refused("quota"));
    }
    let _place = api.limits.take_upload(merchant).ok_or(ApiProblem::TooManyRequests { retry_after: BUSY_PAUSE })?;
    let file = uploads.kept.begin().await.map_err(|error| not_stored(&error.into()))?;
    let received = tokio::time::timeout(api.limits.upload_within(), receive(file, body, declared));
    let (file, read) = received.await.map_err(|_| refused("slow"))??;
    let new = NewUpload {
        merchant,
        kind: read.kind,
        extension: read.extension,
        bytes: read.bytes,
        sha256: to_hex(&read.digest.finalize()),
    };
    let kept = uploads.kept.keep(file, new).await.map_err(|error| match error {
        NotKept::OverQuota => refused("quota"),
        error => not_stored(&error),
    })?;
    let answer = json!({
        "id": kept.id, "type": kept.kind, "bytes": kept.bytes, "sha256": kept.sha256, "expires_at": time(kept.expires_at),
    });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// What has come of a file.
struct Read {
    digest: Sha256,
    bytes: u64,
    kind: &'static str,
    extension: &'static str,
}

/// Writes a body to disk, piece by piece.
async fn receive(mut file: Incoming, body: Body, declared: &'static str) -> Result<(Incoming, Read), ApiProblem> {
    let mut body = pin!(body);
    let mut head = Vec::with_capacity(SNIFFED);
    let (mut digest, mut bytes, mut found) = (Sha256::new(), 0_u64, None);
    while let Some(frame) = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let broke_off = |_| ApiProblem::invalid("", "The body broke off before its end.");
        let Ok(piece): Result<Bytes, _> = frame.map_err(broke_off)?.into_data() else { continue };
        bytes = bytes.saturating_add(piece.len() as u64);
        if bytes > MOST_BYTES {
            return Err(refused("size"));
        }
        if found.is_none() {
            head.extend_from_slice(&piece[..piece.len().min(SNIFFED - head.len())]);
            // What is no such file is not taken to its end.
            if head.len() == SNIFFED {
                found = Some(kind_of(&head, declared)?);
            }
        }
        digest.update(&piece);
        file.file.write_all(&piece).await.map_err(|error| not_stored(&error.into()))?;
    }
    let (kind, extension) = match found {
        Some(found) => found,
        None => kind_of(&head, declared)?,
    };
    Ok((file, Read { digest, bytes, kind, extension }))
}

/// What the sender says it is, if that may be uploaded.
fn declared_kind(headers: &HeaderMap) -> Option<&'static str> {
    let mut declared = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(only), None) = (declared.next(), declared.next()) else { return None };
    let essence = only.to_str().ok()?.split(';').next()?.trim();
    KINDS.iter().map(|(kind, ..)| *kind).find(|kind| kind.eq_ignore_ascii_case(essence))
}

/// What a file is by its first bytes, and the end of its name, if that may be uploaded and is what its sender says.
fn kind_of(head: &[u8], declared: &'static str) -> Result<(&'static str, &'static str), ApiProblem> {
    let is_mp4 = head.get(4..8) == Some(b"ftyp");
    let brand = head.get(8..).unwrap_or_default();
    if is_mp4 && !MP4_BRANDS.iter().any(|known| brand.starts_with(known)) {
        return Err(refused("type"));
    }
    let found = match sniff(head).0 {
        // The same box stands before films and before sounds.
        "video/mp4" if declared == "audio/mp4" => declared,
        found => found,
    };
    let known = KINDS.iter().find(|(kind, ..)| *kind == found && *kind == declared);
    known.map(|(kind, _, extension)| (*kind, *extension)).ok_or_else(|| refused("type"))
}

fn refused(why: &'static str) -> ApiProblem {
    ApiProblem::MediaRefused { why }
}

fn not_stored(error: &NotKept) -> ApiProblem {
    static SAID: OncePerSecond = OncePerSecond::new();
    if let Some(unsaid) = SAID.should_log() {
        tracing::warn!(%error, unsaid, "an uploaded file could not be stored");
    }
    ApiProblem::Unavailable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u1_a_file_is_what_its_bytes_say_and_its_sender_agrees() {
        let of = |head: &[u8], declared| kind_of(head, declared).ok();
        assert_eq!(of(b"\xff\xd8\xff\xe0", "image/jpeg"), Some(("image/jpeg", "jpg")));
        assert_eq!(of(b"\0\0\0\x20ftypisom", "video/mp4"), Some(("video/mp4", "mp4")));
        assert_eq!(of(b"\0\0\0\x20ftypmp42", "audio/mp4"), Some(("audio/mp4", "m4a")));
        assert_eq!(of(b"\0\0\0\x20ftypM4A ", "audio/mp4"), Some(("audio/mp4", "m4a")));
        for (head, declared) in [
            (&b"\xff\xd8\xff\xe0"[..], "image/png"),
            (b"<html>", "image/png"),
            (b"", "image/png"),
            (b"\0\0\0\x20ftypM4A ", "video/mp4"),
            (b"\0\0\0\x20ftypheic", "video/mp4"),
            (b"\0\0\0\x20ftypqt  ", "video/mp4"),
            (b"\0\0\0\x20ftypjp2 ", "video/mp4"),
            (b"RIFF\0\0\0\0WAVE", "audio/mpeg"),
        ] {
            assert_eq!(of(head, declared), None, "{declared}");
        }
    }

    #[test]
    fn what_the_sender_says_is_read_without_its_parameters() {
        let declared =
            |value: &str| declared_kind(&HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]));
        assert_eq!(declared("Audio/OGG; codecs=opus"), Some("audio/ogg"));
        for other in ["", "text/html", "image/svg+xml", "application/octet-stream", "image/jpeg, image/png"] {
            assert_eq!(declared(other), None, "{other}");
        }
        assert_eq!(declared_kind(&HeaderMap::new()), None);
    }
}
