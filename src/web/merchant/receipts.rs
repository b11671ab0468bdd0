//! `GET /deletion/{code}`: what became of a request to erase data. Who knows the code sees it; it names nobody.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, SecondsFormat};
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::parts::utc;
use super::{Fronts, page};
use crate::shared::channel::context::Shared;
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
            "detail": sentence(&receipt),
            "requested_at": time(receipt.requested_at),
            "done_at": receipt.done_at.map(time),
            "erased": receipt.erased,
        });
        return Ok(Json(body).into_response());
    }
    let body = html! {
        h1 { "Your request" }
        p { (sentence(&receipt)) }
        @for front in fronts.0.iter().filter(|front| asked.unconfirmed.split('.').any(|name| name == front.channel)) {
            p.trouble.warn { (front.view.platform) " did not confirm that it stops telling us about your " (front.view.noun) ". " (front.view.part) }
        }
        section.panel {
            p { "Code: " code { (receipt.code) } }
            dl.facts {
                div { dt { "Received" } dd { (shown(receipt.requested_at)) } }
                @if let Some(done_at) = receipt.done_at { div { dt { "Done" } dd { (shown(done_at)) } } }
                @if receipt.erased.events > 0 { div { dt { "Messages and other events erased" } dd { (receipt.erased.events) } } }
                @if receipt.erased.files > 0 { div { dt { "Files erased" } dd { (receipt.erased.files) } } }
                @if receipt.erased.objects > 0 { div { dt { "Copies in object storage erased" } dd { (receipt.erased.objects) } } }
                @if receipt.erased.connections > 0 { div { dt { "Connections ended" } dd { (receipt.erased.connections) } } }
            }
        }
        p.hint { "This page names nobody. Keep the code if you want to come back to it." }
    };
    Ok(page(StatusCode::OK, "Your request", &body))
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
fn sentence(receipt: &Receipt) -> &'static str {
    match status(receipt) {
        "nothing_found" => {
            "Nothing was found that belongs to this request, so there was nothing to erase. Requests of this kind name the \
             person who connected an account here; messages that somebody sent to a shop's Page are kept by that shop."
        }
        "disconnected" => "The accounts were disconnected: their access is erased, and nothing more is read.",
        "erased" => "Everything that belongs to this request was erased, from databases and files.",
        _ => "The data is being erased. This takes some minutes, and never more than a day.",
    }
}

/// For people, with the exact time behind it.
fn shown(ms: i64) -> Markup {
    html! { time datetime=(time(ms)) { (utc(ms, "%-d %b %Y, %H:%M UTC")) } }
}

/// For programs.
fn time(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
}
