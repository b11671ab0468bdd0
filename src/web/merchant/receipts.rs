//! `GET /deletion/{code}`: what became of a request to erase data. Who knows the code sees it; it names nobody.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, SecondsFormat};
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::{Fronts, page};
use crate::shared::channel::context::Shared;
use crate::shared::languages::{Sentence, moment, say};
use crate::shared::server::error::{AppError, wants_html};
use crate::shared::store::erasures::Receipt;

/// Which platforms did not confirm, when everything was deleted, that they stop telling us: their channels, with dots
/// between them. It chooses sentences, and nothing else.
#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    unconfirmed: String,
}

/// Shows a receipt, as a page or as JSON.
///
/// # Errors
/// 404 for a code that was never given.
pub async fn receipt(
    State(shared): State<Shared>,
    Path(code): Path<String>,
    Query(asked): Query<Asked>,
    Extension(fronts): Extension<Fronts>,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let plain = code.len() == 32 && code.bytes().all(|byte| byte.is_ascii_hexdigit());
    let receipt = if plain { shared.erasure.receipt(&code).await? } else { None };
    let receipt = receipt.ok_or(AppError::NotFound)?;
    if !wants_html(&headers) {
        let body = json!({
            "confirmation_code": receipt.code,
            "status": status(&receipt),
            "detail": sentence(&receipt).to_string(),
            "requested_at": time(receipt.requested_at),
            "done_at": receipt.done_at.map(time),
            "erased": receipt.erased,
        });
        return Ok(Json(body).into_response());
    }
    let body = html! {
        h1 { (say::request()) }
        p { (sentence(&receipt)) }
        @for front in fronts.0.iter().filter(|front| asked.unconfirmed.split('.').any(|name| name == front.channel)) {
            p.trouble.warn { (say::receipt_unconfirmed(front.view.platform, (front.view.noun)(), (front.view.part)())) }
        }
        section.panel {
            p { (say::receipt_code(html! { code { (receipt.code) } })) }
            dl.facts {
                div { dt { (say::receipt_received()) } dd { (shown(receipt.requested_at)) } }
                @if let Some(done_at) = receipt.done_at { div { dt { (say::receipt_done()) } dd { (shown(done_at)) } } }
                @if receipt.erased.events > 0 { div { dt { (say::receipt_events()) } dd { (receipt.erased.events) } } }
                @if receipt.erased.files > 0 { div { dt { (say::receipt_files()) } dd { (receipt.erased.files) } } }
                @if receipt.erased.objects > 0 { div { dt { (say::receipt_objects()) } dd { (receipt.erased.objects) } } }
                @if receipt.erased.connections > 0 { div { dt { (say::receipt_connections()) } dd { (receipt.erased.connections) } } }
            }
        }
        p.hint { (say::receipt_keep()) }
    };
    Ok(page(StatusCode::OK, &say::request(), &body))
}

/// A word for programs.
fn status(receipt: &Receipt) -> &'static str {
    match (receipt.what.as_str(), receipt.done_at) {
        ("nothing", _) => "nothing_found",
        ("disconnected", _) => "disconnected",
        (_, Some(_)) => "erased",
        (_, None) => "under_way",
    }
}

/// A sentence for people.
fn sentence(receipt: &Receipt) -> Sentence {
    match status(receipt) {
        "nothing_found" => say::receipt_nothing(),
        "disconnected" => say::receipt_disconnected(),
        "erased" => say::receipt_erased(),
        _ => say::receipt_under_way(),
    }
}

/// For people, with the exact time behind it.
fn shown(ms: i64) -> Markup {
    html! { time datetime=(time(ms)) { (moment(ms)) } }
}

/// For programs.
fn time(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
}
