//! The HTTP side of the simulated platform: grant screen, token endpoint, GraphQL endpoint, files of bulk operations.
//! Source:
//! <https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant>.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use maud::{DOCTYPE, html};
use serde_json::{Value, json};
use url::Url;

use super::graphql;
use super::run::Request;
use super::state::{
    ACCESS_TOKEN_SECONDS, Closed, Code, Issued, REFRESH_TOKEN_SECONDS, ShopState, TokenCheck, World, random_hex,
};
use super::versions::{self, Served};
use super::{Core, deliver};

const DEAD_TOKEN: &str = "[API] Invalid API key or access token (unrecognized login or wrong password)";
const NON_EXPIRING: &str = "[API] Non-expiring access tokens are no longer accepted for the Admin API";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const OFFLINE_TOKEN: &str = "urn:shopify:params:oauth:token-type:offline-access-token";

/// All routes of the platform.
pub(super) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/{shop}/admin/oauth/authorize", get(show_grant).post(answer_grant))
        .route("/{shop}/admin/oauth/access_token", post(token))
        .route("/{shop}/admin/api/{version}/graphql.json", post(admin))
        .route("/bulk/{file}", get(bulk_file))
        .with_state(core)
}

/// The query of these pairs with its `hmac`: hex of HMAC-SHA256 over the pairs sorted by key, form-encoded with `%20`
/// for a space.
pub(super) fn signed_query(secret: &str, pairs: &[(&str, &str)]) -> String {
    let encode = |pairs: &[(&str, &str)]| {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().replace('+', "%20")
    };
    let mut signed: Vec<_> = pairs.iter().copied().filter(|(key, _)| !matches!(*key, "hmac" | "signature")).collect();
    signed.sort_by_key(|(key, _)| *key);
    let hmac: String = deliver::mac(secret, encode(&signed).as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    let mut query = encode(pairs);
    if !query.is_empty() {
        query.push('&');
    }
    query + "hmac=" + &hmac
}

/// What the app asked for at the grant screen.
struct Grant {
    redirect_uri: Url,
    redirect_text: String,
    scope: String,
    state: String,
}

fn read_grant(core: &Core, shop: &str, pairs: &[(String, String)]) -> Result<Grant, (StatusCode, String)> {
    let text = |wanted: &str| pairs.iter().find(|(key, _)| key == wanted).map_or("", |(_, value)| value.as_str());
    let bad = |sentence: &str| (StatusCode::BAD_REQUEST, format!("Oauth error {sentence}"));
    let world = core.world();
    if !world.shops.contains_key(shop) {
        return Err((StatusCode::NOT_FOUND, "This shop does not exist.".to_owned()));
    }
    if text("client_id") != core.options.client_id {
        return Err(bad("application_cannot_be_found: Application cannot be found"));
    }
    if text("state").is_empty() {
        return Err(bad("invalid_request: state is missing"));
    }
    let redirect_text = text("redirect_uri").to_owned();
    let redirect_uri =
        Url::parse(&redirect_text).map_err(|_| bad("invalid_request: The redirect_uri is missing or not a URL"))?;
    if !world.redirect_uris.is_empty() && !world.redirect_uris.contains(&redirect_text) {
        return Err(bad("invalid_request: The redirect_uri is not whitelisted"));
    }
    Ok(Grant { redirect_uri, redirect_text, scope: text("scope").to_owned(), state: text("state").to_owned() })
}

async fn show_grant(State(core): State<Arc<Core>>, Path(shop): Path<String>, RawQuery(query): RawQuery) -> Response {
    let pairs: Vec<_> = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let grant = match read_grant(&core, &shop, &pairs) {
        Ok(grant) => grant,
        Err(problem) => return problem.into_response(),
    };
    let (auto, refuse) = {
        let world = core.world();
        (world.auto_consent, world.refuse_consent)
    };
    if auto || refuse {
        return conclude(&core, &shop, &grant, !refuse, StatusCode::FOUND);
    }
    let name = core.world().shops.get(&shop).map_or_else(|| shop.clone(), |shop| shop.name.clone());
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "Install app" } link rel="icon" href="data:,"; }
            body {
                h1 { "Install " (core.options.client_id) " on " (name) "?" }
                p { "This is a simulated Shopify. The app asks for:" }
                ul { @for scope in grant.scope.split(',').filter(|scope| !scope.is_empty()) { li { (scope) } } }
                @for (answer, label) in [("install", "Install"), ("cancel", "Cancel")] {
                    form method="post" action=(format!("/{shop}/admin/oauth/authorize")) {
                        input type="hidden" name="client_id" value=(core.options.client_id);
                        input type="hidden" name="scope" value=(grant.scope);
                        input type="hidden" name="redirect_uri" value=(grant.redirect_text);
                        input type="hidden" name="state" value=(grant.state);
                        input type="hidden" name="answer" value=(answer);
                        button type="submit" { (label) }
                    }
                }
            }
        }
    };
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page.into_string()).into_response()
}

async fn answer_grant(State(core): State<Arc<Core>>, Path(shop): Path<String>, body: Bytes) -> Response {
    let pairs: Vec<_> = form_urlencoded::parse(&body).into_owned().collect();
    let install = pairs.iter().any(|(key, value)| key == "answer" && value == "install");
    match read_grant(&core, &shop, &pairs) {
        Ok(grant) => conclude(&core, &shop, &grant, install, StatusCode::SEE_OTHER),
        Err(problem) => problem.into_response(),
    }
}

/// Sends the browser back to the app, with a code or with a refusal.
fn conclude(core: &Core, domain: &str, grant: &Grant, install: bool, status: StatusCode) -> Response {
    let now = core.now();
    let timestamp = now.timestamp().to_string();
    let query = if install {
        let Ok(code) = random_hex() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
        let mut world = core.world();
        let asked =
            grant.scope.split(',').map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
        let scopes = world.granted_scopes.clone().unwrap_or(asked);
        let Some(shop) = world.shops.get_mut(domain) else { return StatusCode::NOT_FOUND.into_response() };
        shop.codes.insert(code.clone(), Code { scopes, used: false });
        let store = domain.strip_suffix(".myshopify.com").unwrap_or(domain);
        let host = URL_SAFE_NO_PAD.encode(format!("admin.shopify.com/store/{store}"));
        let pairs = [
            ("code", code.as_str()),
            ("host", &host),
            ("shop", domain),
            ("state", &grant.state),
            ("timestamp", &timestamp),
        ];
        signed_query(&core.options.client_secret, &pairs)
    } else {
        let pairs = [
            ("error", "access_denied"),
            ("error_description", "The merchant declined."),
            ("shop", domain),
            ("state", &grant.state),
            ("timestamp", &timestamp),
        ];
        signed_query(&core.options.client_secret, &pairs)
    };
    let mut target = grant.redirect_uri.clone();
    let query = match target.query() {
        Some(own) if !own.is_empty() => format!("{own}&{query}"),
        _ => query,
    };
    target.set_query(Some(&query));
    (status, [(header::LOCATION, target.to_string())]).into_response()
}

fn oauth_error(status: StatusCode, error: &str, description: &str) -> Response {
    let body = json!({"error": error, "error_description": description});
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// Reads a JSON or a form body into its fields.
fn fields(headers: &HeaderMap, body: &[u8]) -> Option<HashMap<String, String>> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        let body: Value = serde_json::from_slice(body).ok()?;
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        return Some(body.as_object()?.iter().map(|(key, value)| (key.clone(), text(value))).collect());
    }
    kind.starts_with("application/x-www-form-urlencoded").then(|| form_urlencoded::parse(body).into_owned().collect())
}

async fn token(State(core): State<Arc<Core>>, Path(domain): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let bad = |description: &str| oauth_error(StatusCode::BAD_REQUEST, "invalid_request", description);
    let Some(fields) = fields(&headers, &body) else { return bad("The body is neither JSON nor a form") };
    let text = |key: &str| fields.get(key).map_or("", String::as_str);
    let now = core.now();
    let mut world = core.world();
    let domain = match follow_move(&world, domain, "admin/oauth/access_token") {
        Ok(domain) => domain,
        Err(redirect) => return *redirect,
    };
    let (old_kind, hidden, refused) = (world.issues_old_tokens, world.hides_lifetimes, world.refuses_client);
    let Some(shop) = world.shops.get_mut(&domain) else {
        return (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/json")], r#"{"errors":"Not Found"}"#)
            .into_response();
    };
    let known = text("client_id") == core.options.client_id && text("client_secret") == core.options.client_secret;
    if !known || refused {
        let description = "Client authentication failed: unknown client or wrong client secret";
        return oauth_error(StatusCode::UNAUTHORIZED, "invalid_client", description);
    }
    let expiring = matches!(text("expiring"), "1" | "true");
    match text("grant_type") {
        "" | "authorization_code" => {
            let Some(code) = shop.codes.get_mut(text("code")).filter(|code| !code.used) else {
                return bad("The authorization code was not found or was already used");
            };
            code.used = true;
            shop.scopes = code.scopes.clone();
            shop.installed = true;
            issue(shop, expiring && !old_kind, None, now, hidden)
        }
        "refresh_token" => {
            if !shop.installed {
                return oauth_error(
                    StatusCode::BAD_REQUEST,
                    "app_not_installed",
                    "The app is not installed on this shop",
                );
            }
            let used = text("refresh_token").to_owned();
            if !shop.use_refresh_token(&used, now) {
                return oauth_error(
                    StatusCode::BAD_REQUEST,
                    "invalid_grant",
                    "The refresh token is invalid or expired",
                );
            }
            issue(shop, true, Some(used), now, hidden)
        }
        TOKEN_EXCHANGE => {
            if text("subject_token_type") != OFFLINE_TOKEN || text("requested_token_type") != OFFLINE_TOKEN || !expiring
            {
                return bad("Only the exchange of a non-expiring offline token is simulated");
            }
            if !shop.use_non_expiring_token(text("subject_token")) {
                return oauth_error(StatusCode::BAD_REQUEST, "invalid_subject_token", "The subject token is not valid");
            }
            issue(shop, true, None, now, hidden)
        }
        _ => oauth_error(StatusCode::BAD_REQUEST, "unsupported_grant_type", "This grant type is not known"),
    }
}

fn issue(
    shop: &mut ShopState,
    expiring: bool,
    parent: Option<String>,
    now: chrono::DateTime<chrono::Utc>,
    hides_lifetimes: bool,
) -> Response {
    let Ok(Issued { access_token, refresh_token }) = shop.issue(expiring, parent, now) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // A write scope implies its read scope, and the answer then lists only the former.
    let implied = |scope: &str| {
        scope
            .strip_prefix("read_")
            .is_some_and(|rest| shop.scopes.iter().any(|s| s.strip_prefix("write_") == Some(rest)))
    };
    let scopes: Vec<_> = shop.scopes.iter().map(String::as_str).filter(|scope| !implied(scope)).collect();
    let mut body = json!({"access_token": access_token, "scope": scopes.join(",")});
    if let Some(refresh_token) = refresh_token {
        body["refresh_token"] = json!(refresh_token);
        if !hides_lifetimes {
            body["expires_in"] = json!(ACCESS_TOKEN_SECONDS);
            body["refresh_token_expires_in"] = json!(REFRESH_TOKEN_SECONDS);
        }
    }
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// The domain that a request is for, which may have another name by now; or the redirect to that name.
fn follow_move(world: &World, domain: String, path: &str) -> Result<String, Box<Response>> {
    match world.moved.get(&domain) {
        Some(moved) if moved.redirects => {
            let location = format!("{}/{}/{path}", world.base_url, moved.to);
            Err(Box::new((StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, location)]).into_response()))
        }
        Some(moved) => Ok(moved.to.clone()),
        None => Ok(domain),
    }
}

fn closed_answer(closed: Option<Closed>) -> (StatusCode, Value) {
    match closed {
        Some(Closed::Frozen) => (StatusCode::PAYMENT_REQUIRED, json!({"errors": "Unavailable Shop"})),
        Some(Closed::Locked) => (StatusCode::LOCKED, json!({"errors": "Locked"})),
        Some(Closed::Forbidden) => (StatusCode::FORBIDDEN, json!({"errors": "[API] Access to this shop is forbidden"})),
        Some(Closed::Deleted) => (StatusCode::NOT_FOUND, json!({"errors": "Not Found"})),
        Some(Closed::Inactive) | None => (
            StatusCode::OK,
            json!({"errors": [{"message": "Shop is not active", "extensions": {"code": "SHOP_INACTIVE"}}]}),
        ),
    }
}

async fn admin(
    State(core): State<Arc<Core>>,
    Path((domain, version)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let now = core.now();
    let json_answer = |status: StatusCode, body: &Value| {
        (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body.to_string()).into_response()
    };
    let Served::By(version) = versions::served(&version, now) else {
        return json_answer(StatusCode::NOT_FOUND, &json!({"errors": "Not Found"}));
    };
    let mut world = core.world();
    let domain = match follow_move(&world, domain, &format!("admin/api/{version}/graphql.json")) {
        Ok(domain) => domain,
        Err(redirect) => return *redirect,
    };
    let Some(shop) = world.shops.get(&domain) else {
        return json_answer(StatusCode::NOT_FOUND, &json!({"errors": "Not Found"}));
    };
    let token = headers.get("X-Shopify-Access-Token").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut response = match shop.check_token(token, now, world.takes_old_tokens) {
        TokenCheck::Dead => json_answer(StatusCode::UNAUTHORIZED, &json!({"errors": DEAD_TOKEN})),
        TokenCheck::NonExpiring => json_answer(StatusCode::FORBIDDEN, &json!({"errors": NON_EXPIRING})),
        TokenCheck::Good if shop.closed.is_some() => {
            let (status, body) = closed_answer(shop.closed);
            json_answer(status, &body)
        }
        TokenCheck::Good => {
            let client_id = &core.options.client_id;
            let request = Request { schema: &core.schema, domain: &domain, client_id, version: &version, now };
            let answer = graphql::answer(&mut world, &request, &body);
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = json_answer(status, &answer.body);
            if let Some(Ok(reason)) = answer.deprecated.map(|reason| HeaderValue::from_str(&reason)) {
                response.headers_mut().insert(HeaderName::from_static("x-shopify-api-deprecated-reason"), reason);
            }
            response
        }
    };
    if let Ok(version) = HeaderValue::from_str(&version) {
        response.headers_mut().insert(HeaderName::from_static("x-shopify-api-version"), version);
    }
    response
}

/// The result of a bulk operation. It lies on another host in reality, where the shop's token has no business.
async fn bulk_file(State(core): State<Arc<Core>>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    if headers.contains_key("X-Shopify-Access-Token") {
        return (StatusCode::BAD_REQUEST, "The access token does not belong here.").into_response();
    }
    match core.world().files.get(&file) {
        Some(text) => ([(header::CONTENT_TYPE, "application/jsonl")], text.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
