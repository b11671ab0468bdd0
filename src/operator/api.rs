//! `GET /api/…` in JSON.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::Operator;
use crate::shared::Shared;
use crate::shared::alerts::Alert;
use crate::shared::error::AppError;
use crate::shared::journal::{History, JournalError, KeptReport, Totals, Unreadable};
use crate::shared::progress::Step;

/// `GET /api/status`: the whole at a glance.
#[derive(Serialize)]
pub(super) struct StatusView {
    connections: Vec<ConnectionView>,
    journal: Totals,
    reads: Vec<Step>,
    alerts: Vec<Alert>,
}

/// A connected account.
#[derive(Serialize)]
pub(super) struct ConnectionView {
    channel: String,
    account: String,
    name: String,
    status: &'static str,
    status_reason: Option<String>,
    scopes: Vec<String>,
    connected_at: i64,
    last_read_at: Option<i64>,
    history: Option<History>,
    unreadable: Unreadable,
    last_poll: Option<KeptReport>,
}

/// `GET /api/status`.
pub(super) async fn status(State(Operator { shared, .. }): State<Operator>) -> Result<Json<StatusView>, AppError> {
    let connections = list_connections(&shared).await?;
    let journal = shared.journal.totals().await.map_err(broken)?;
    Ok(Json(StatusView { connections, journal, reads: shared.progress.list(), alerts: shared.alerts.list() }))
}

/// All connected accounts.
pub(super) async fn list_connections(shared: &Shared) -> Result<Vec<ConnectionView>, AppError> {
    let polls = shared.journal.list_newest_polls().await.map_err(broken)?;
    let mut views = Vec::new();
    for connection in shared.connections.list().await? {
        let (channel, account) = (connection.channel.as_str(), connection.account.as_str());
        views.push(ConnectionView {
            history: shared.journal.find_history(channel, account).await.map_err(broken)?,
            unreadable: shared.journal.count_unreadable(channel, account).await.map_err(broken)?,
            last_poll: polls.iter().find(|poll| poll.channel == channel && poll.account == account).cloned(),
            status: connection.status.as_str(),
            status_reason: connection.status_reason,
            scopes: connection.scopes,
            connected_at: connection.connected_at,
            last_read_at: connection.last_read_at,
            name: connection.name,
            channel: connection.channel,
            account: connection.account,
        });
    }
    Ok(views)
}

fn broken(error: JournalError) -> AppError {
    AppError::Internal(error.into())
}
