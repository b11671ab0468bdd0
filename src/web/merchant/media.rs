//! `GET /media/{channel}/{account}/{file}`: a copy of what somebody attached, for the merchant whose account it is.
//!
//! A stranger made these bytes. What a file is was told by its bytes when it was copied; pictures of kinds that cannot hold
//! a script are shown, everything else is saved. Should a browser take one for a page after all, it gets a sandbox without
//! scripts, forms or an origin.

use std::fs::File;
use std::io::{self, Read};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use tokio::sync::mpsc::{self, Sender};

use super::export::Sent;
use super::owned;
use crate::shared::channel::context::Shared;
use crate::shared::files::output::RelativePath;
use crate::shared::server::error::AppError;
use crate::shared::server::session::SignedIn;

/// The pictures that browsers show by themselves.
const SHOWN: [&str; 5] = ["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"];

/// What else a copy may call itself.
const SAVED: [&str; 11] = [
    "image/heic",
    "audio/wav",
    "audio/mp4",
    "audio/ogg",
    "audio/amr",
    "audio/mpeg",
    "audio/aac",
    "video/quicktime",
    "video/mp4",
    "video/webm",
    "application/pdf",
];

/// What no list knows.
const BYTES: &str = "application/octet-stream";

/// How large a piece is, in bytes, and how many may wait for being sent.
const PIECE_BYTES: usize = 64 * 1024;
const PIECES: usize = 4;

/// Whether a page shows it as a picture.
pub fn is_shown(content_type: &str) -> bool {
    SHOWN.contains(&content_type)
}

/// Where a copy is shown or saved.
pub fn path(channel: &str, account: &str, file: &str) -> String {
    format!("/media/{channel}/{account}/{file}")
}

pub fn routes() -> Router<Shared> {
    Router::new().route("/media/{channel}/{account}/{file}", get(show))
}

async fn show(
    State(shared): State<Shared>,
    Path((channel, account, file)): Path<(String, String, String)>,
    SignedIn(session): SignedIn,
) -> Result<Response, AppError> {
    let account = (channel, account);
    owned(&shared, &session, &account).await?;
    // Only a name that we gave ourselves becomes part of a path.
    let content_type = shared.journal.find_copy(&account, &file).await?;
    let content_type = content_type.ok_or(AppError::NotFound)?;
    let (channel, account) = account;
    let place = RelativePath::new(&[&channel, &account, "media", &file]).map_err(|_| AppError::NotFound)?;
    let output = shared.output.clone();
    let opened = tokio::task::spawn_blocking(move || output.find(&place)).await.map_err(anyhow::Error::from)?;
    let content = opened.map_err(anyhow::Error::from)?.ok_or(AppError::NotFound)?;
    let length = content.metadata().map_err(anyhow::Error::from)?.len();

    let known = SHOWN.iter().chain(&SAVED).find(|known| **known == content_type);
    let disposition = if is_shown(&content_type) { "inline" } else { "attachment" };
    let name = HeaderValue::try_from(format!("{disposition}; filename=\"{file}\"")).map_err(anyhow::Error::from)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(known.copied().unwrap_or(BYTES))),
        (header::CONTENT_LENGTH, length.into()),
        (header::CONTENT_DISPOSITION, name),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; sandbox; base-uri 'none'; frame-ancestors 'none'"),
        ),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    ];
    let (sender, pieces) = mpsc::channel(PIECES);
    tokio::task::spawn_blocking(move || read(content, length, &sender));
    Ok((headers, Body::new(Sent(pieces))).into_response())
}

/// Reads so many bytes, until the end or until nobody wants more.
fn read(file: File, length: u64, sender: &Sender<io::Result<Bytes>>) {
    let mut file = file.take(length);
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let read = (&mut file).take(PIECE_BYTES as u64).read_to_end(&mut piece);
        let goes_on = matches!(read, Ok(count) if count > 0);
        if matches!(read, Ok(0)) || sender.blocking_send(read.map(|_| piece.into())).is_err() || !goes_on {
            return;
        }
    }
}
