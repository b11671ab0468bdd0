//! The routes, and the calls about the organization and its subscription.

use std::collections::HashMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};

use super::call::{ApiError, check, created, millis, reply};
use super::deliver::TYPE;
use super::state::{ADMIN, APPLICATION, Core, Shared, Subscription};
use super::{oauth, page};

pub(super) fn router(core: Shared) -> Router {
    Router::new()
        .route("/oauth/v2/accessToken", post(oauth::access_token))
        .route("/oauth/v2/introspectToken", post(oauth::introspect))
        .route("/rest/eventSubscriptions", get(subscriptions))
        .route("/rest/eventSubscriptions/{key}", get(subscription).put(subscribe).delete(unsubscribe))
        .route("/rest/organizations/{id}", get(organization))
        .route("/rest/organizationAcls", get(acls))
        .route("/rest/organizationalEntityNotifications", get(page::notifications))
        .route("/rest/posts", get(page::posts))
        .route("/rest/posts/{urn}", get(page::post))
        .route("/rest/socialActions/{urn}/comments", get(page::comments).post(page::comment))
        .route("/rest/socialActions/{urn}/comments/{id}", get(page::one_comment))
        .route("/rest/messages", post(direct_message))
        .route("/v2/messages", post(direct_message))
        .with_state(core)
}

/// One percent-encoded value of a key.
fn decoded(text: &str) -> String {
    form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// A key `(name:value,…)` with encoded values, as it stands in the path.
fn key_of(uri: &Uri) -> HashMap<String, String> {
    let raw = uri.path().rsplit('/').next().unwrap_or_default();
    let inner = raw.replace("%28", "(").replace("%29", ")");
    let inner = inner.trim_start_matches('(').trim_end_matches(')').to_owned();
    let pairs = inner.split(',').filter_map(|pair| pair.split_once(':'));
    pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect()
}

/// Whether the key names our subscription.
fn check_key(core: &Core, key: &HashMap<String, String>) -> Result<(), ApiError> {
    let wanted = [
        ("developerApplication", format!("urn:li:developerApplication:{APPLICATION}")),
        ("user", format!("urn:li:person:{ADMIN}")),
        ("entity", core.organization_urn()),
        ("eventType", TYPE.to_owned()),
    ];
    match wanted.iter().find(|(name, value)| key.get(*name) != Some(value)) {
        None => Ok(()),
        Some((name, _)) => {
            Err(ApiError::new(403, "ACCESS_DENIED", format!("The subscription's {name} is not this caller's")))
        }
    }
}

const ADMIN_SCOPE: [&str; 1] = ["rw_organization_admin"];

fn shown(core: &Core, subscription: &Subscription) -> Value {
    let key = json!({"developerApplication": format!("urn:li:developerApplication:{APPLICATION}"),
        "user": format!("urn:li:person:{ADMIN}"), "entity": core.organization_urn(), "eventType": TYPE});
    json!({"eventSubscriptionKey": key, "webhook": subscription.webhook, "expiresAt": millis(subscription.expires_at)})
}

async fn subscriptions(
    State(core): State<Shared>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let list = check(&core, &headers, &ADMIN_SCOPE).and_then(|()| {
        if query.get("q").map(String::as_str) != Some("subscriberAndEventType") {
            return Err(ApiError::bad("The finder is subscriberAndEventType"));
        }
        let world = core.world();
        let rows: Vec<Value> = world.subscription.iter().map(|one| shown(&core, one)).collect();
        Ok(json!({"elements": rows, "paging": {"count": 10, "start": 0, "links": []}}))
    });
    reply(list)
}

async fn subscription(State(core): State<Shared>, headers: HeaderMap, uri: Uri) -> Response {
    let found = check(&core, &headers, &ADMIN_SCOPE).and_then(|()| {
        check_key(&core, &key_of(&uri))?;
        let world = core.world();
        let one = world.subscription.as_ref().ok_or_else(|| ApiError::not_found("No subscription"))?;
        Ok(shown(&core, one))
    });
    reply(found)
}

async fn subscribe(State(core): State<Shared>, headers: HeaderMap, uri: Uri, body: Bytes) -> Response {
    let made = check(&core, &headers, &ADMIN_SCOPE).and_then(|()| {
        check_key(&core, &key_of(&uri))?;
        let body: Value = serde_json::from_slice(&body).map_err(|_| ApiError::bad("The body is no JSON"))?;
        let webhook = body["webhook"].as_str().ok_or_else(|| ApiError::bad("webhook is required"))?;
        let mut world = core.world();
        if !world.is_admin {
            return Err(ApiError::new(403, "ACCESS_DENIED", "The member is no administrator of the organization"));
        }
        if world.validated.as_deref() != Some(webhook) {
            return Err(ApiError::bad("The webhook has not been validated"));
        }
        let expires_at = core.now() + chrono::TimeDelta::days(365);
        world.subscription = Some(Subscription { webhook: webhook.to_owned(), expires_at });
        Ok(())
    });
    match made {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.answer(),
    }
}

async fn unsubscribe(State(core): State<Shared>, headers: HeaderMap, uri: Uri) -> Response {
    match check(&core, &headers, &ADMIN_SCOPE).and_then(|()| check_key(&core, &key_of(&uri))) {
        Ok(()) => {
            core.world().subscription = None;
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => error.answer(),
    }
}

async fn organization(
    State(core): State<Shared>,
    headers: HeaderMap,
    axum::extract::Path(id): axum::extract::Path<String>,
) -> Response {
    let found = check(&core, &headers, &["rw_organization_admin", "r_organization_social"]).and_then(|()| {
        if id != core.organization {
            return Err(ApiError::planned(403));
        }
        Ok(json!({"id": core.organization.parse::<u64>().unwrap_or_default(), "localizedName": core.name,
            "vanityName": "harbour-cafe", "name": {"localized": {"en_US": core.name}, "preferredLocale": {"country": "US", "language": "en"}}}))
    });
    reply(found)
}

async fn acls(State(core): State<Shared>, headers: HeaderMap) -> Response {
    let list = check(&core, &headers, &ADMIN_SCOPE).map(|()| {
        let row = json!({"role": "ADMINISTRATOR", "organization": core.organization_urn(),
            "roleAssignee": format!("urn:li:person:{ADMIN}"), "state": "APPROVED"});
        let rows: Vec<Value> = if core.world().is_admin { vec![row] } else { Vec::new() };
        json!({"elements": rows, "paging": {"count": 10, "start": 0, "links": []}})
    });
    reply(list)
}

/// A direct message: for partners alone. Its id stands in a header.
async fn direct_message(State(core): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let taken = super::call::authorise(&core, &headers, &[]).and_then(|()| {
        let mut world = core.world();
        if !world.is_partner {
            return Err(ApiError::new(403, "ACCESS_DENIED", "Not enough permissions to access: messages.CREATE"));
        }
        let body: Value = serde_json::from_slice(&body).map_err(|_| ApiError::bad("The body is no JSON"))?;
        let has_thread = body["thread"].is_string();
        if body["recipients"].is_array() == has_thread {
            return Err(ApiError::bad("Either recipients or thread is required"));
        }
        if body["body"].as_str().is_none_or(str::is_empty) {
            return Err(ApiError::bad("body is required"));
        }
        world.direct.push(body);
        Ok(format!("urn:li:message:{}", world.number()))
    });
    match taken {
        Ok(id) => created(&id, None),
        Err(error) => error.answer(),
    }
}
