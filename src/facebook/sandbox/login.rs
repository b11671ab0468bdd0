//! The login dialog, the token endpoint and `debug_token`.
//!
//! Source: <https://developers.facebook.com/documentation/facebook-login/guides/advanced/manual-flow> (November 2026).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use http::{Method, StatusCode, header};
use maud::{DOCTYPE, html};
use serde_json::{Value, json};
use url::Url;

use super::call::{Call, Caller, reply};
use super::state::{APP_NAME, Core, GraphError, Holder, PERMISSIONS, Platform};

/// Data of a person can be read for this long after the last login.
const DATA_ACCESS_LIFE: TimeDelta = TimeDelta::days(90);

/// Parameters that the dialog's form carries from the page to the button.
const CARRIED: [&str; 7] = ["client_id", "redirect_uri", "state", "scope", "config_id", "auth_type", "response_type"];

/// `GET /dialog/oauth` shows the question, or answers it at once when consent is automatic; `POST` is a button.
pub(super) async fn dialog(State(core): State<Arc<Core>>, request: Request) -> Response {
    let pressed = request.method() == Method::POST;
    let path = request.uri().path().to_owned();
    let call = match Call::read(&core, request).await {
        Ok(call) => call,
        Err(error) => return refused_page(&error.message),
    };
    let mut platform = core.platform();
    let (redirect_uri, scopes) = match check_dialog(&core, &platform, &call) {
        Ok(checked) => checked,
        Err(message) => return refused_page(&message),
    };
    if !pressed && !platform.auto_consent {
        return question(&platform, &call, &path, &scopes);
    }
    let refused = if pressed { call.param("action") != Some("continue") } else { platform.refuses_consent };
    let mut target = redirect_uri.clone();
    if refused {
        target
            .query_pairs_mut()
            .append_pair("error", "access_denied")
            .append_pair("error_code", "200")
            .append_pair("error_description", "Permissions error")
            .append_pair("error_reason", "user_denied");
    } else {
        platform.consent(&scopes, call.param("auth_type") == Some("rerequest"));
        let code = platform.issue_code(call.param("redirect_uri").unwrap_or_default(), core.now());
        target.query_pairs_mut().append_pair("code", &code);
    }
    if let Some(state) = call.param("state") {
        target.query_pairs_mut().append_pair("state", state);
    }
    // Facebook adds this fragment to every redirect, to keep a fragment of its own page out of the app's.
    target.set_fragment(Some("_=_"));
    let status = if pressed { StatusCode::SEE_OTHER } else { StatusCode::FOUND };
    (status, [(header::LOCATION, target.to_string())]).into_response()
}

/// The redirect URI and the scopes of a valid dialog request, or the sentence that the person would read.
fn check_dialog(core: &Core, platform: &Platform, call: &Call) -> Result<(Url, Vec<String>), String> {
    if call.param("client_id") != Some(core.app_id.as_str()) {
        return Err("Invalid App ID: The provided app ID does not look like a valid app ID.".to_owned());
    }
    let asked = call.param("redirect_uri").ok_or("The parameter redirect_uri is required.")?;
    let allowed = platform.redirect_uris.is_empty() || platform.redirect_uris.iter().any(|uri| uri == asked);
    let redirect_uri = Url::parse(asked).ok().filter(|url| allowed && url.has_host()).ok_or(
        "URL Blocked: This redirect failed because the redirect URI is not whitelisted in the app's Client OAuth Settings.",
    )?;
    if call.param("response_type") != Some("code") {
        return Err("Invalid parameter: response_type must be code.".to_owned());
    }
    let scopes: Vec<String> = match (call.param("scope"), call.param("config_id")) {
        // A saved configuration of the app lists the permissions; here it is always the same one.
        (None, Some(_)) => ["pages_show_list", "pages_manage_metadata", "pages_messaging", "pages_read_engagement"]
            .map(str::to_owned)
            .to_vec(),
        (scope, _) => scope
            .unwrap_or_default()
            .split(',')
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect(),
    };
    let invalid: Vec<&str> = scopes.iter().map(String::as_str).filter(|name| !PERMISSIONS.contains(name)).collect();
    if !invalid.is_empty() {
        return Err(format!("Invalid Scopes: {}. This message is only shown to developers.", invalid.join(", ")));
    }
    Ok((redirect_uri, scopes))
}

fn question(platform: &Platform, call: &Call, path: &str, scopes: &[String]) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "Log in with Facebook (simulated)" } link rel="icon" href="data:,"; }
            body {
                h1 { (platform.person_name) ", allow " (APP_NAME) " to use your Pages?" }
                h2 { "Pages" }
                ul { @for page in platform.pages.iter().filter(|page| page.ticked) { li { (page.name()) " (" (page.id) ")" } } }
                h2 { "Permissions" }
                ul { @for scope in scopes { li { (scope) @if platform.declines.contains(scope) { " (will be declined)" } } } }
                form method="post" action=(path) {
                    @for name in CARRIED {
                        @if let Some(value) = call.param(name) { input type="hidden" name=(name) value=(value); }
                    }
                    button type="submit" name="action" value="continue" { "Continue" }
                    " "
                    button type="submit" name="action" value="cancel" { "Cancel" }
                }
            }
        }
    };
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page.into_string()).into_response()
}

fn refused_page(message: &str) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "Facebook (simulated)" } link rel="icon" href="data:,"; }
            body { h1 { "Sorry, something went wrong" } p { (message) } }
        }
    };
    (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], page.into_string()).into_response()
}

/// `/oauth/access_token`: a code or a short-lived user token against a user token, and the app token.
pub(super) async fn token(State(core): State<Arc<Core>>, request: Request) -> Response {
    match Call::read(&core, request).await {
        Ok(call) => {
            let issued = issue(&core, &call);
            reply(&core, &call.version, issued)
        }
        Err(error) => reply(&core, "", Err(error)),
    }
}

fn issue(core: &Core, call: &Call) -> Result<Value, GraphError> {
    if call.param("client_id") != Some(core.app_id.as_str()) {
        let message = "Error validating application. Cannot get application info due to a system error.";
        return Err(GraphError::new(101, message));
    }
    if call.param("client_secret") != Some(core.app_secret.as_str()) {
        return Err(GraphError::new(1, "Error validating client secret."));
    }
    let now = core.now();
    let mut platform = core.platform();
    let long_lived = match call.param("grant_type") {
        Some("client_credentials") => {
            return Ok(json!({"access_token": core.app_token(), "token_type": "bearer"}));
        }
        Some("fb_exchange_token") => {
            let Some(old) = call.param("fb_exchange_token") else {
                return Err(GraphError::parameter("The parameter fb_exchange_token is required"));
            };
            if !matches!(platform.live_token(old, now)?.holder, Holder::Person { .. }) {
                return Err(GraphError::new(190, "Error validating access token: it is not a user token."));
            }
            true
        }
        None | Some("authorization_code") => {
            let Some(code) = call.param("code") else {
                return Err(GraphError::new(1, "Missing authorization code"));
            };
            let Some(redirect_uri) = call.param("redirect_uri") else {
                return Err(GraphError::new(191, "Missing redirect_uri parameter."));
            };
            platform.take_code(code, redirect_uri, now)?;
            false
        }
        Some(other) => return Err(GraphError::parameter(&format!("Invalid grant_type: {other}"))),
    };
    let (token, life) = platform.issue_user_token(long_lived, now);
    Ok(json!({"access_token": token, "token_type": "bearer", "expires_in": life.num_seconds()}))
}

/// `/debug_token`: what a token is, also when it is dead.
pub(super) fn debug_token(core: &Core, platform: &mut Platform, call: &Call) -> Result<Value, GraphError> {
    if call.caller != Caller::App {
        return Err(GraphError::parameter(
            "You must provide an app access token, or a user access token that is an owner or developer of the app",
        ));
    }
    let Some(input) = call.param("input_token") else {
        return Err(GraphError::parameter("The parameter input_token is required"));
    };
    if input == core.app_token() {
        let data =
            json!({"app_id": core.app_id, "type": "APP", "application": APP_NAME, "is_valid": true, "scopes": []});
        return Ok(json!({ "data": data }));
    }
    let state = platform.live_token(input, core.now()).map(|_| ());
    let Some(token) = platform.tokens.get(input) else {
        let error = json!({"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"});
        return Ok(json!({"data": {"error": error, "is_valid": false, "scopes": []}}));
    };
    let scopes: Vec<&String> =
        platform.permissions.iter().filter(|(_, status)| **status == "granted").map(|(name, _)| name).collect();
    // Permissions for Pages name Pages, those for Instagram the accounts there.
    let ticked = |on_instagram: bool| -> Vec<&str> {
        let pages = platform.pages.iter().filter(|page| page.ticked && page.instagram_of.is_some() == on_instagram);
        pages.map(|page| page.id.as_str()).collect()
    };
    let granular: Vec<Value> = scopes
        .iter()
        .filter(|name| name.starts_with("pages_") || name.starts_with("instagram_"))
        .map(|name| json!({"scope": name, "target_ids": ticked(name.starts_with("instagram_"))}))
        .collect();
    let mut data = json!({
        "app_id": core.app_id,
        "type": "USER",
        "application": APP_NAME,
        "user_id": platform.person_id,
        "is_valid": state.is_ok(),
        "issued_at": token.issued_at.timestamp(),
        "expires_at": token.expires_at.map_or(0, |expires_at| expires_at.timestamp()),
        "data_access_expires_at": (token.issued_at + DATA_ACCESS_LIFE).timestamp(),
        "scopes": scopes,
        "granular_scopes": granular,
    });
    if let Holder::Page { id, .. } = &token.holder {
        data["type"] = "PAGE".into();
        data["profile_id"] = id.as_str().into();
    }
    if let Err(error) = state {
        data["error"] = json!({"code": error.code, "message": error.message, "subcode": error.subcode});
    }
    Ok(json!({ "data": data }))
}
