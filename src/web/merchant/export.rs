//! `GET /export`: everything that is kept of a merchant's accounts, as a zip archive.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use chrono::{DateTime, SecondsFormat};
use http::{HeaderValue, header};
use http_body::Frame;
use serde_json::json;
use uuid::Uuid;

use super::archive::{Pieces, archive};
use crate::shared::channel::context::Shared;
use crate::shared::files::output::RelativePath;
use crate::shared::languages::say;
use crate::shared::server::error::AppError;
use crate::shared::server::session::SignedIn;

/// How many exports may be under way at once; each has a thread.
const AT_ONCE: usize = 16;

pub fn routes() -> Router<Shared> {
    Router::new().route("/export", get(export)).layer(Extension(UnderWay::default()))
}

/// The merchants whose export is under way.
#[derive(Clone, Default)]
struct UnderWay(Arc<Mutex<HashSet<Uuid>>>);

impl UnderWay {
    /// `None`: the merchant has one under way, or there are too many.
    fn begin(&self, merchant: Uuid) -> Option<Begun> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (all.len() < AT_ONCE && all.insert(merchant)).then(|| Begun(self.clone(), merchant))
    }
}

struct Begun(UnderWay, Uuid);

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

async fn export(
    State(shared): State<Shared>,
    Extension(under_way): Extension<UnderWay>,
    SignedIn(session): SignedIn,
) -> Result<Response, AppError> {
    let begun = under_way.begin(session.merchant).ok_or(AppError::Unavailable(say::export_under_way()))?;
    let connections = shared.connections.list_of(session.merchant).await?;
    let former = shared.erasure.former_of(session.merchant).await?;
    let connected = connections.iter().map(|connection| {
        json!({
            "channel": connection.channel,
            "account": connection.account,
            "name": connection.name,
            "status": connection.status.as_str(),
            "scopes": connection.scopes,
            "connected_at": utc(connection.connected_at),
            "last_read_at": connection.last_read_at.map(utc),
        })
    });
    let disconnected = former.iter().map(|((channel, account), former)| {
        json!({
            "channel": channel,
            "account": account,
            "status": "disconnected",
            "connected_at": utc(former.connected_at),
            "disconnected_at": utc(former.disconnected_at),
        })
    });
    let about: Vec<_> = connected.chain(disconnected).collect();
    let about = serde_json::to_vec_pretty(&about).map_err(anyhow::Error::from)?;
    let accounts = connections
        .iter()
        .map(|connection| (connection.channel.as_str(), connection.account.as_str()))
        .chain(former.iter().map(|((channel, account), _)| (channel.as_str(), account.as_str())));
    let folders = accounts.flat_map(|(channel, account)| RelativePath::folders_of(channel, account)).collect();
    tracing::info!(accounts = connections.len() + former.len(), "a merchant exports their data");
    let pieces = archive(shared.output.clone(), folders, vec![("connections.json", about)], begun);
    let name = format!("attachment; filename=\"shoptalk-{}.zip\"", shared.clock.now().format("%Y-%m-%d"));
    let name = HeaderValue::try_from(name).map_err(anyhow::Error::from)?;
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static("application/zip")), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::new(Sent(pieces))).into_response())
}

/// In words for people and programs: `2026-11-21T12:00:00Z`.
fn utc(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The pieces as an answer's body.
pub(super) struct Sent(pub(super) Pieces);

impl http_body::Body for Sent {
    type Data = bytes::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
