//! `GET /linkedin/webhook`: the challenge. `POST /linkedin/webhook`: deliveries — verify, store, answer.
//!
//! LinkedIn asks the challenge again every two hours, wants its answer within 3 seconds, and blocks the address after three
//! failures in a row. So it is answered without any database. What is not answered with 2xx is posted again every five minutes
//! for eight hours.
//! Source: <https://learn.microsoft.com/linkedin/shared/api-guide/webhook-validation> (2026).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use secrecy::ExposeSecret;
use serde_json::json;
use uuid::Uuid;

use super::config::ROUTES;
use super::payload;
use super::state::Linkedin;
use crate::shared::secrets::signature::{Secrets, Signer, from_hex, sign_sha256, to_hex};
use crate::shared::server::peer::Household;
use crate::shared::server::webhook_intake;
use crate::shared::telemetry::metrics::Refusal;

/// The header of the signature.
const SIGNATURE: &str = "x-li-signature";

/// What stands before the body in the signed message, and before the digest in some senders' headers.
const PREFIX: &str = "hmacsha256=";

/// The parameter of the challenge.
pub const CHALLENGE: &str = "challengeCode";

/// How a challenge is written: a UUID with its dashes.
const CHALLENGE_CHARACTERS: usize = 36;

/// The largest delivery that is read: ten notifications.
const MAX_DELIVERY_BYTES: usize = 4 * 1024 * 1024;

pub fn routes(linkedin: &Linkedin) -> Router<Arc<Linkedin>> {
    let observed = || middleware::from_fn_with_state(linkedin.intake.clone(), webhook_intake::observe);
    let route = || -> MethodRouter<Arc<Linkedin>> {
        get(challenge).post(delivery).layer(DefaultBodyLimit::max(MAX_DELIVERY_BYTES)).layer(observed())
    };
    ROUTES.iter().fold(Router::new(), |router, path| router.route(path, route()))
}

/// Answers the challenge. Only a UUID is signed: with anything else this route would sign bodies for strangers.
async fn challenge(State(linkedin): State<Arc<Linkedin>>, household: Household, RawQuery(query): RawQuery) -> Response {
    if !linkedin.challenges.allow(household.address) {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    }
    let query = query.unwrap_or_default();
    let mut codes = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == CHALLENGE);
    let (Some((_, code)), None) = (codes.next(), codes.next()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if code.len() != CHALLENGE_CHARACTERS || Uuid::try_parse(&code).is_err() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let response = answer_to(&linkedin.config.client_secret, &code);
    Json(json!({ CHALLENGE: code, "challengeResponse": response })).into_response()
}

/// What proves that we have the client's secret.
#[must_use]
pub fn answer_to(secret: &Secrets, code: &str) -> String {
    to_hex(&sign_sha256(secret.current().expose_secret().as_bytes(), code.as_bytes()))
}

/// Takes a delivery in. 401 without a right signature, 503 when it cannot be stored; then LinkedIn sends it again.
async fn delivery(State(linkedin): State<Arc<Linkedin>>, headers: HeaderMap, body: Bytes) -> Response {
    match verify(&linkedin.config.client_secret, &headers, &body) {
        Ok(signer) => linkedin.intake.verified(signer),
        Err(reason) => return linkedin.intake.refuse(reason),
    }
    let events = payload::split(&linkedin.config.organization, &body);
    // While this one waits for the disk, hyper makes room for the next request: where the body's was, if it is free.
    drop(body);
    linkedin.intake.store(events).await
}

/// Checks `X-LI-Signature`: the hex of HMAC-SHA256 over `hmacsha256=` and the raw body, keyed with the client's secret. The same
/// prefix before the digest is met in public code, and changes nothing.
///
/// # Errors
/// [`Refusal`], when it is absent, malformed or wrong.
pub fn verify(secret: &Secrets, headers: &HeaderMap, body: &[u8]) -> Result<Signer, Refusal> {
    let mut values = headers.get_all(SIGNATURE).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(Refusal::Missing),
        (Some(value), None) => value.to_str().map_err(|_| Refusal::Malformed)?,
        (Some(_), Some(_)) => return Err(Refusal::Malformed),
    };
    let digest = from_hex(value.strip_prefix(PREFIX).unwrap_or(value)).filter(|digest| digest.len() == 32);
    let digest = digest.ok_or(Refusal::Malformed)?;
    secret.find_signer_sha256_of(&[PREFIX.as_bytes(), body], &digest).ok_or(Refusal::Wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors that were computed for the platform's fact sheet.
    const BODY: &[u8] = br#"{"type":"ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS","notifications":[]}"#;
    const RIGHT: &str = "999fca6286139ac1fef73e6b84c4fdba846f0d519cd2df12d24b8fd08a4cab0c";
    const WITHOUT_PREFIX: &str = "660af68f0adacc99991f19a4f202c38c9bcbc52e3340b8a30d276dd483da6e84";

    fn secrets() -> Secrets {
        Secrets::new("li-test-client-secret".into(), None)
    }

    fn check(values: &[&str], body: &[u8]) -> Result<Signer, Refusal> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(SIGNATURE, value.parse().unwrap());
        }
        verify(&secrets(), &headers, body)
    }

    #[test]
    fn the_prefix_belongs_to_the_signed_message() {
        assert_eq!(check(&[RIGHT], BODY), Ok(Signer::Current));
        assert_eq!(check(&[&format!("{PREFIX}{RIGHT}")], BODY), Ok(Signer::Current));
        assert_eq!(check(&[WITHOUT_PREFIX], BODY), Err(Refusal::Wrong));
        assert_eq!(check(&[RIGHT], &BODY[1..]), Err(Refusal::Wrong));
        assert_eq!(check(&[], BODY), Err(Refusal::Missing));
        assert_eq!(check(&[RIGHT, RIGHT], BODY), Err(Refusal::Malformed));
        for bad in ["", "nonsense", &RIGHT[1..], &format!("sha256={RIGHT}")] {
            assert_eq!(check(&[bad], BODY), Err(Refusal::Malformed), "{bad}");
        }
    }

    #[test]
    fn the_answer_to_a_challenge_is_the_sheets() {
        let answer = answer_to(&secrets(), "b2c9a0de-6f6a-4c0d-9a41-3d5d1f0c7a11");
        assert_eq!(answer, "d64d79f58ab145d1596d8dca0fd28f1b06eeb68c689e8ad8b37fc125f63e0ae2");
    }
}
