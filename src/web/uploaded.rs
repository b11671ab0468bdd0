//! `GET /m/{name}`: a file that a merchant uploaded, for the platforms that send it on. Whoever knows its name may fetch it.
//!
//! A bot made these bytes. Should a browser take them for a page, it gets a sandbox without scripts, forms or an origin.
//! Nothing is said about who asks: no cookie is read or set, and what is not there, not there any more or never could be is
//! one answer.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, Method, header};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::pieces::{self, Step};
use crate::answering::uploads::{KINDS, PATH, Uploads};
use crate::shared::server::error::AppError;

/// How much is read at once, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

const POLICY: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");

/// The route, ready to be joined.
pub fn router(uploads: Uploads) -> Router {
    Router::new().route(&format!("{PATH}/{{name}}"), get(show)).with_state(uploads)
}

async fn show(
    State(uploads): State<Uploads>,
    method: Method,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, AppError> {
    let Path(name) = name.map_err(|_| AppError::NotFound)?;
    let (upload, file) = uploads.kept.open_named(&name).await?.ok_or(AppError::NotFound)?;
    let kind = KINDS.iter().map(|(kind, ..)| *kind).find(|kind| *kind == upload.kind).ok_or(AppError::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_LENGTH, upload.bytes.into()),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    let body = match method {
        Method::HEAD => Body::empty(),
        _ => pieces::body((File::from_std(file), upload.bytes), next),
    };
    Ok((headers, body).into_response())
}

/// The next piece. A file that cannot be read to its end breaks the answer off: its length was told.
fn next((mut file, left): (File, u64)) -> Step<(File, u64)> {
    Box::pin(async move {
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE_BYTES);
        let mut piece = vec![0; wanted];
        let read =
            file.read(&mut piece).await.inspect_err(|error| tracing::warn!(%error, "an uploaded file cannot be read"));
        let read = read.unwrap_or(0);
        if read == 0 {
            return None;
        }
        piece.truncate(read);
        Some((Bytes::from(piece), (file, left.saturating_sub(read as u64))))
    })
}
