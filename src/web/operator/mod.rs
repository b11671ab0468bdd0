//! What an operator sees. For machines: `/api/…` and `GET /metrics`, with `Authorization: Bearer $OPERATOR_TOKEN`. For
//! people: `/operator`, where the same token is entered once and starts a short session.
//!
//! Nothing here changes how the service works, but that work is tried again and events are handed to the workers again; and
//! nothing here shows a token or a secret. What somebody wrote is shown in one place, what an event holds, and only to an
//! operator who asks for it there, which is noted in the log.

mod api;
mod auth;
mod event_api;
mod event_search;
mod events;
mod follow;
mod live;
mod metrics;
mod page;
mod redaction;
mod session;
mod sessions;
mod state;
mod table;
mod times;
mod token;

use std::sync::Arc;

use axum::routing::{MethodRouter, get, post};
use axum::{Router, middleware};
use secrecy::SecretString;
use url::Url;

use self::sessions::Sessions;
pub use self::state::EventKey;
use self::state::Operator;
use self::token::Token;
use crate::shared::channel::context::Shared;
use crate::web::live::OpenPages;

/// The routes below `/api/`, by their paths.
fn api_routes() -> Vec<(&'static str, MethodRouter<Operator>)> {
    vec![
        ("/api/status", get(api::status)),
        ("/api/connections", get(api::connections)),
        ("/api/consumers", get(api::consumers)),
        ("/api/failures", get(api::failures)),
        ("/api/replay", post(api::replay)),
        ("/api/arrivals", get(api::arrivals)),
        ("/api/polls", get(api::polls)),
        ("/api/subscriptions", get(api::subscriptions)),
        ("/api/alerts", get(api::alerts)),
        ("/api/events", get(event_api::events)),
        ("/api/events/replay", post(event_api::replay_since)),
        ("/api/events/{seq}", get(event_api::event)),
        ("/api/events/{seq}/payload", get(event_api::payload)),
        ("/api/events/{seq}/replay", post(event_api::replay_one)),
        ("/api/openapi.json", get(api::openapi)),
    ]
}

/// The operator's routes. Without a token configured they answer as if they were not there.
pub fn router(shared: Shared, token: Option<SecretString>, own: Option<Url>, event_key: EventKey) -> Router {
    let sessions = Sessions::default();
    let operator = Operator {
        shared,
        token: Token::new(token),
        sessions,
        own: own.map(Arc::new),
        event_key,
        open_pages: OpenPages::default(),
    };
    let mut machines = Router::new().route("/metrics", get(metrics::show));
    for (path, route) in api_routes() {
        machines = machines.route(path, route);
    }
    machines
        .route_layer(middleware::from_fn_with_state(operator.clone(), auth::require_bearer))
        .route("/operator", get(page::show))
        .route("/operator/events", get(events::list))
        .route("/operator/events/replay", post(events::replay))
        .route("/operator/events/{seq}", get(events::one))
        .route("/operator/live", get(live::live))
        .route("/operator/login", post(session::login))
        .route("/operator/logout", post(session::logout))
        .route("/operator/replay", post(page::replay))
        .with_state(operator)
}

#[cfg(test)]
mod tests {
    use roas::validation::{Options, Validate};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn every_route_is_described_and_no_other() {
        let described: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
        let mut described: Vec<&str> = described["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut routes: Vec<&str> = api_routes().into_iter().map(|(path, _)| path).collect();
        described.sort_unstable();
        routes.sort_unstable();
        assert_eq!(described, routes);
    }

    /// Adds the places of a document that a copy of it lacks.
    fn list_lost(document: &Value, copy: &Value, place: &str, lost: &mut Vec<String>) {
        match document {
            Value::Object(fields) => {
                for (name, value) in fields {
                    list_lost(value, &copy[name], &format!("{place}/{name}"), lost);
                }
            }
            Value::Array(items) => {
                for (nth, item) in items.iter().enumerate() {
                    list_lost(item, &copy[nth], &format!("{place}/{nth}"), lost);
                }
            }
            _ => {}
        }
        if copy.is_null() && !document.is_null() {
            lost.push(format!("{place} is no field of OpenAPI"));
        }
    }

    /// What a validator of OpenAPI 3.1 finds wrong with a description, a line each.
    fn lint(description: &Value) -> Vec<String> {
        let spec: roas::v3_1::spec::Spec = match serde_json::from_value(description.clone()) {
            Ok(spec) => spec,
            Err(error) => return vec![error.to_string()],
        };
        let found = spec.validate(Options::empty(), None).err().map(|error| error.errors).unwrap_or_default();
        let mut found: Vec<String> = found.iter().map(ToString::to_string).collect();
        // It reads past fields that it does not know: those that it does not give back are none of OpenAPI.
        list_lost(description, &serde_json::to_value(&spec).expect("JSON"), "#", &mut found);
        let operations = description["paths"].as_object().into_iter().flatten();
        for (path, item) in operations {
            let operations = item.as_object().into_iter().flatten();
            // What all operations of a path have in common is none.
            let unnamed = operations
                .filter(|(method, operation)| *method != "parameters" && !operation["operationId"].is_string());
            found.extend(unnamed.map(|(method, _)| format!("{method} {path} has no operationId")));
        }
        if description["servers"].as_array().is_none_or(Vec::is_empty) {
            found.push("no server is named".to_owned());
        }
        found
    }

    #[test]
    fn the_description_for_bots_is_openapi_as_a_validator_wants_it() {
        let described: Value = serde_json::from_str(include_str!("../api/openapi.json")).unwrap();
        // The validator does not follow what a request's body refers to from its members, and takes this for unused.
        let not_followed = "#/components/schemas/Media: unused";
        assert!(described.to_string().contains(r##""$ref":"#/components/schemas/Media""##));
        let mut found = lint(&described);
        found.retain(|line| line != not_followed);
        assert_eq!(found, Vec::<String>::new());
        for (place, wrong) in [
            ("/paths/~1me/get/operationId", Value::Null),
            ("/components/schemas/Account/properties/limits", json!({ "$ref": "#/nowhere" })),
        ] {
            let mut broken = described.clone();
            *broken.pointer_mut(place).expect(place) = wrong;
            assert!(lint(&broken).iter().any(|line| line != not_followed), "{place}");
        }
    }

    #[test]
    fn the_description_is_openapi_as_a_validator_wants_it() {
        let described: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
        assert_eq!(lint(&described), Vec::<String>::new());
        // And it does look.
        let first = json!(described["paths"]["/api/status"]["get"]["operationId"]);
        for (place, wrong) in [
            ("/paths/~1api~1replay/post/operationId", first),
            ("/paths/~1api~1replay/post/operationId", Value::Null),
            ("/paths/~1api~1status/get/responses/200/content/application~1json/schema", json!({ "$ref": "#/nowhere" })),
            ("/paths/~1api~1status/get/responses/200/description", Value::Null),
            ("/servers", json!([])),
            ("/info", json!({ "title": "no version" })),
            ("/info", json!({ "title": "one too many", "version": "1", "author": "nobody" })),
            ("/security/0", json!({ "unknown": [] })),
        ] {
            let mut broken = described.clone();
            *broken.pointer_mut(place).expect(place) = wrong;
            assert_ne!(lint(&broken), Vec::<String>::new(), "{place}");
        }
    }
}
