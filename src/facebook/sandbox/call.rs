//! One call of the Graph API: what it carries, and how it is answered.

use std::collections::{BTreeMap, HashMap};

use axum::RequestExt;
use axum::extract::{Path, Request};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use super::deliver;
use super::fields::{Field, parse_fields};
use super::state::{Core, GraphError, Holder, PageRecord, Platform};

/// The version that answers a call without a version.
pub(super) const DEFAULT_VERSION: &str = "v26.0";

/// The oldest version that still lives: calls to older ones are answered by it, silently.
const OLDEST_VERSION: &str = "v21.0";

/// The largest request body that is read.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// A time-stamped proof is good for this many seconds.
const PROOF_LIFE_SECONDS: i64 = 300;

/// Whom the token of a call speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Caller {
    Nobody,
    App,
    Person,
    Page(String),
}

/// One call of the API.
pub(super) struct Call {
    /// As in the path; empty if there was none.
    pub version: String,
    /// The object of the path: an id or `me`; empty for routes without one.
    pub object: String,
    /// The last part of the path.
    pub edge: String,
    /// Query and body together.
    params: BTreeMap<String, String>,
    pub token: Option<String>,
    /// Known once the token was looked at.
    pub caller: Caller,
}

impl Call {
    /// Understands a request, and notes secrets in its URL.
    pub(super) async fn read(core: &Core, mut request: Request) -> Result<Self, GraphError> {
        let unreadable = |_| GraphError::new(2500, "Unknown path components");
        let Path(mut names) = request.extract_parts::<Path<HashMap<String, String>>>().await.map_err(unreadable)?;
        let (parts, body) = request.into_parts();
        let version = names.remove("version").unwrap_or_default();
        if !version.is_empty() && !is_version(&version) {
            return Err(GraphError::new(2500, format!("Unknown path components: /{version}")));
        }
        let query = parts.uri.query().unwrap_or_default();
        let mut params: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        // The input of `debug_token` has no other place.
        if ["access_token", "client_secret", "fb_exchange_token"].iter().any(|name| params.contains_key(*name)) {
            core.platform().secrets_seen.push(parts.uri.path().to_owned());
        }
        let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
            return Err(GraphError::new(
                1,
                "Please reduce the amount of data you're asking for, then retry your request",
            ));
        };
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if kind.starts_with("application/json") {
            if let Ok(Value::Object(map)) = serde_json::from_slice(&body) {
                params.extend(map.into_iter().map(|(name, value)| match value {
                    Value::String(text) => (name, text),
                    value => (name, value.to_string()),
                }));
            }
        } else {
            params.extend(form_urlencoded::parse(&body).into_owned());
        }
        let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ")).map(|token| token.trim().to_owned());
        let token = bearer.or_else(|| params.get("access_token").cloned());
        let object = names.remove("object").unwrap_or_default();
        let edge = parts.uri.path().rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Self { version, object, edge, params, token, caller: Caller::Nobody })
    }

    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(String::as_str)
    }

    /// Checks the token and its proof, and refuses parameters that no longer exist.
    pub(super) fn authorise(&mut self, core: &Core, platform: &Platform) -> Result<(), GraphError> {
        if self.param("date_format").is_some() {
            return Err(GraphError::parameter("The parameter date_format is no longer supported"));
        }
        let Some(token) = self.token.clone() else {
            let message = "An active access token must be used to query information about the current user.";
            return Err(GraphError::new(2500, message));
        };
        self.caller = if token == core.app_token() {
            Caller::App
        } else {
            match &platform.live_token(&token, core.now())?.holder {
                Holder::Person { .. } => Caller::Person,
                Holder::Page { id, .. } => Caller::Page(id.clone()),
            }
        };
        let time = self.param("appsecret_time");
        match self.param("appsecret_proof") {
            Some(proof) => {
                let now = core.now().timestamp();
                let fresh = time.is_none_or(|time| {
                    time.parse::<i64>().is_ok_and(|seconds| (now - seconds).abs() <= PROOF_LIFE_SECONDS)
                });
                if !fresh || proof != deliver::appsecret_proof(&core.app_secret, &token, time) {
                    return Err(GraphError::new(104, "Invalid appsecret_proof provided in the API argument"));
                }
            }
            // The app token contains the secret and needs no other proof of it.
            None if platform.proof_required && self.caller != Caller::App => {
                return Err(GraphError::new(104, "API calls from the server require an appsecret_proof argument"));
            }
            None => {}
        }
        Ok(())
    }

    /// The names of all parameters.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.params.keys().map(String::as_str)
    }

    /// A parameter that is a list: separated by commas, or a JSON array.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let text = self.param(name).unwrap_or_default();
        serde_json::from_str::<Vec<String>>(text).unwrap_or_else(|_| {
            text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
        })
    }

    /// The parameter `fields`, or what the API returns without it.
    pub(super) fn fields(&self, default: &str) -> Result<Vec<Field>, GraphError> {
        let text = self.param("fields").filter(|text| !text.is_empty()).unwrap_or(default);
        parse_fields(text).map_err(|rest| {
            GraphError::new(2500, format!("Syntax error \"Expected end of string instead of \"{rest}\".\" at fields"))
        })
    }

    /// The Page that the object of this call names, if this token may speak for it.
    pub(super) fn page<'a>(&self, platform: &'a Platform) -> Result<&'a PageRecord, GraphError> {
        let id = match (&self.caller, self.object.as_str()) {
            (Caller::Page(id), "me") => id,
            (Caller::Page(id), object) if id == object => id,
            (Caller::Person, object) => object,
            _ => return Err(GraphError::missing_object(&self.object)),
        };
        platform.page(id).ok_or_else(|| GraphError::missing_object(&self.object))
    }

    /// As [`Call::page`], but a Page token is a must.
    pub(super) fn page_by_its_token<'a>(&self, platform: &'a Platform) -> Result<&'a PageRecord, GraphError> {
        let page = self.page(platform)?;
        if self.caller == Caller::Person {
            return Err(GraphError::new(210, "(#210) A page access token is required to request this resource."));
        }
        Ok(page)
    }
}

fn is_version(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix('v').and_then(|rest| rest.split_once('.')).is_some_and(|(a, b)| digits(a) && digits(b))
}

/// The answer of every route but the dialog: JSON, the version that really answered, and the usage headers.
pub(super) fn reply(core: &Core, version: &str, result: Result<Value, GraphError>) -> Response {
    let (status, body) = match result {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => (StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST), error.body()),
    };
    let major = |version: &str| version.trim_start_matches('v').split('.').next().and_then(|n| n.parse::<u32>().ok());
    let answered = match version {
        "" => DEFAULT_VERSION,
        version if major(version) < major(OLDEST_VERSION) => OLDEST_VERSION,
        version => version,
    };
    let content_type = [(header::CONTENT_TYPE, "application/json; charset=UTF-8")];
    let mut response = (status, content_type, body.to_string()).into_response();
    let usage = core.platform().usage.clone();
    let headers = usage.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in headers.chain([("facebook-api-version", answered)]) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_v_and_two_numbers() {
        assert!(is_version("v26.0"));
        for text in ["v26", "26.0", "v26.", "v.0", "v26.x", "me"] {
            assert!(!is_version(text), "{text}");
        }
    }
}
