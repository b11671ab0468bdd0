//! One call of the API: what it carries, and who may make it.

use std::collections::{BTreeMap, HashMap};

use axum::RequestExt;
use axum::extract::{Path, Request};
use axum::response::Response;
use http::header;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::state::Core;
use crate::shared::channel::simulator::json_answer;

/// The largest request body that is read.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Versions below this one have ended. Source: <https://developers.facebook.com/docs/graph-api/changelog> (2026).
const OLDEST_VERSION: u32 = 21;

/// One call.
pub(super) struct Call {
    /// The object of the path.
    pub object: String,
    /// Query and form together.
    pub params: BTreeMap<String, String>,
    /// The JSON body; an object even where there is none.
    pub body: Value,
    token: Option<String>,
}

impl Call {
    /// Understands a request, and notes secrets in its URL.
    pub(super) async fn read(core: &Core, mut request: Request) -> Result<Self, ApiError> {
        let unknown = |_| ApiError { code: 2500, subcode: None, details: "Unknown path components".to_owned() };
        let Path(mut names) = request.extract_parts::<Path<HashMap<String, String>>>().await.map_err(unknown)?;
        let (parts, body) = request.into_parts();
        let version = names.remove("version").unwrap_or_default();
        let major = version.strip_prefix('v').and_then(|rest| rest.split_once('.')).and_then(|(n, _)| n.parse().ok());
        if major.is_none_or(|major: u32| major < OLDEST_VERSION) {
            let details =
                format!("(#2635) You are calling a version of the Graph API that has ended or is none: {version}.");
            return Err(ApiError { code: 2635, subcode: None, details });
        }
        let query = parts.uri.query().unwrap_or_default();
        let mut params: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        if params.contains_key("access_token") || params.contains_key("client_secret") {
            core.world().secrets_seen.push(parts.uri.path().to_owned());
        }
        let bytes =
            axum::body::to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| ApiError::new(131_000, "Too large"))?;
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut body = Value::Object(Map::new());
        if kind.starts_with("application/json") && !bytes.is_empty() {
            let unreadable = |error| ApiError::parameter(format!("The body is no JSON object: {error}"));
            body = serde_json::from_slice::<Map<String, Value>>(&bytes).map(Value::Object).map_err(unreadable)?;
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            params.extend(form_urlencoded::parse(&bytes).into_owned());
        }
        let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ")).map(|token| token.trim().to_owned());
        let token = bearer.or_else(|| params.get("access_token").cloned());
        Ok(Self { object: names.remove("object").unwrap_or_default(), params, body, token })
    }

    /// A parameter of the query, the form or the JSON body, as text.
    pub(super) fn param(&self, name: &str) -> Option<String> {
        let in_body = || match self.body.get(name)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        self.params.get(name).cloned().or_else(in_body)
    }

    /// Checks that the token lives and has this permission.
    pub(super) fn authorise(&self, core: &Core, permission: &str) -> Result<(), ApiError> {
        let Some(token) = &self.token else {
            return Err(ApiError { code: 0, subcode: None, details: "An access token is required.".to_owned() });
        };
        let world = core.world();
        let token = world.live_token(token, core.now())?;
        if token.scopes.iter().any(|scope| scope == permission) {
            return Ok(());
        }
        Err(ApiError::new(10, format!("The token lacks the permission {permission}.")))
    }

    /// Checks that the app itself calls: its token is `APP_ID|APP_SECRET`.
    pub(super) fn authorise_app(&self, core: &Core) -> Result<(), ApiError> {
        if self.token.as_deref() == Some(format!("{}|{}", core.app_id, core.app_secret).as_str()) {
            return Ok(());
        }
        Err(ApiError { code: 190, subcode: None, details: "An app access token is required.".to_owned() })
    }
}

/// The answer of a call: JSON, or what is wrong.
pub(super) fn reply(result: Result<Value, ApiError>) -> Response {
    match result {
        Ok(body) => json_answer(200, &body),
        Err(error) => error.answer(),
    }
}
