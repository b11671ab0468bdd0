//! What the platform's refusals mean: to the service, and in words to the merchant.
//!
//! Source: <https://shopify.dev/docs/api/admin-graphql> ("Status and error codes", 2026).

use std::time::Duration;

use serde_json::Value;

use super::names::PLATFORM;
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::{Answer, ApiError};
use crate::shared::outgoing::words::{ANOTHER, known};

/// How long to leave a shop alone that is frozen, locked, inactive or moved.
pub const CLOSED_PAUSE: Duration = Duration::from_secs(3600);

/// The code of a query for which a scope is missing.
pub const DENIED: &str = "ACCESS_DENIED";

/// The code of a query that costs more than a query may.
pub const TOO_DEAR: &str = "MAX_COST_EXCEEDED";

/// The code of a query that came too soon.
pub const THROTTLED: &str = "THROTTLED";

/// The codes of errors and of bulk operations that may be written down.
/// Source: <https://shopify.dev/docs/api/admin-graphql> ("Status and error codes"), and the validation errors of its server.
const CODES: [&str; 36] = [
    DENIED,
    TOO_DEAR,
    THROTTLED,
    INTERNAL_ERROR,
    "SHOP_INACTIVE",
    "BAD_REQUEST",
    "NOT_FOUND",
    "TIMEOUT",
    "UNAUTHORIZED",
    "INVALID",
    "INVALID_MUTATION",
    "LIMIT_REACHED",
    "OPERATION_IN_PROGRESS",
    "MAX_ALIASES_EXCEEDED",
    "UNPROCESSABLE",
    "EXPIRED",
    "FAILED",
    "CANCELED",
    "argumentLiteralsIncompatible",
    "argumentNotAccepted",
    "cannotSpreadFragment",
    "defaultValueInvalidType",
    "directiveNotAllowed",
    "fieldConflict",
    "missingRequiredArguments",
    "missingRequiredInputObjectAttribute",
    "parseError",
    "selectionMismatch",
    "undefinedArgument",
    "undefinedDirective",
    "undefinedField",
    "undefinedFragment",
    "undefinedType",
    "useAndDefineFragment",
    "variableMismatch",
    "variableNotDefined",
];

/// The scopes that may be written down: those that are asked for, and what they are granted with.
const SCOPE_WORDS: [&str; 8] = [
    "read_products",
    "read_inventory",
    "read_locations",
    "read_discounts",
    "write_products",
    "write_inventory",
    "write_locations",
    "write_discounts",
];

/// What stands for a code where the platform gives none.
const UNNAMED: &str = "error";

/// The code of a query over which the platform failed.
pub const INTERNAL_ERROR: &str = "INTERNAL_SERVER_ERROR";

/// What an answer means whose status is not 200. `None`: to be asked later, as it says itself.
#[must_use]
pub fn meaning(answer: &Answer) -> Option<ApiError> {
    let text = answer.json::<Value>().ok().and_then(|body| body["errors"].as_str().map(str::to_owned));
    Some(match answer.status.as_u16() {
        401 => ApiError::TokenRejected { reason: say::shopify_token_refused() },
        403 if text.as_deref().is_some_and(|text| text.contains("Non-expiring")) => {
            ApiError::TokenRejected { reason: say::shopify_token_old_kind() }
        }
        429 | 430 => return None,
        400.. if text.as_deref().is_some_and(is_throttling) => return None,
        // The platform had no time for it.
        status @ (408 | 425) => ApiError::Unavailable(format!("status {status}")),
        status => closed(status).unwrap_or_else(|| match status {
            500.. => ApiError::Unavailable(format!("status {status}")),
            _ => ApiError::Refused { code: format!("status {status}") },
        }),
    })
}

/// What a status means that concerns the whole shop. `None`: it is none of those.
#[must_use]
pub fn closed(status: u16) -> Option<ApiError> {
    matches!(status, 300..=399 | 402..=404 | 423).then(|| paused(why_closed(status)))
}

/// A shop that is not active, as the code `SHOP_INACTIVE` says.
#[must_use]
pub fn inactive() -> ApiError {
    paused(say::shopify_inactive())
}

/// Whether the platform says that there is no such shop.
#[must_use]
pub fn is_no_shop(error: &ApiError) -> bool {
    matches!(error, ApiError::Paused { reason, .. } if *reason == why_closed(404))
}

/// What a merchant reads about an error that lasts.
#[must_use]
pub fn explain(error: &ApiError) -> Sentence {
    match error {
        ApiError::RateLimited { .. } => say::shopify_limits(),
        ApiError::Refused { code } if code == DENIED => say::shopify_denied(),
        ApiError::Refused { code } if code == TOO_DEAR => say::shopify_too_dear(),
        ApiError::Refused { code } => {
            let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ');
            say::shopify_refuses(code.chars().filter(is_plain).collect::<String>())
        }
        error => error.said_of(PLATFORM),
    }
}

/// What a shop that cannot be used for now is told to its merchant.
fn paused(reason: Sentence) -> ApiError {
    ApiError::Paused { reason, retry_after: CLOSED_PAUSE }
}

/// Why a shop answers with this status, for its merchant. A redirect is never followed: the token would travel.
fn why_closed(status: u16) -> Sentence {
    match status {
        402 => say::shopify_frozen(),
        404 => say::shopify_no_such_shop(),
        423 => say::shopify_locked(),
        300..=399 => say::shopify_moved(),
        _ => say::shopify_forbidden(),
    }
}

/// `errors` is a list of objects, an object, or a text. A code is the platform's own where there is one; without one the
/// words decide, as far as they are known.
pub fn error_codes(errors: &Value) -> Vec<String> {
    match errors {
        Value::Null => Vec::new(),
        Value::Array(list) => list
            .iter()
            .map(|error| match error["extensions"]["code"].as_str() {
                Some(code) => code_of(code).to_owned(),
                None => code_of_words(error["message"].as_str().or_else(|| error.as_str()).unwrap_or_default()),
            })
            .collect(),
        words => vec![code_of_words(words.as_str().unwrap_or_default())],
    }
}

/// A code of the platform's, as far as it may be written down.
#[must_use]
pub fn code_of(code: &str) -> &'static str {
    known(code, &CODES).unwrap_or(ANOTHER)
}

fn code_of_words(words: &str) -> String {
    let code = match words {
        words if is_throttling(words) => THROTTLED,
        words if words.trim_start().starts_with("Internal error") => INTERNAL_ERROR,
        _ => UNNAMED,
    };
    code.to_owned()
}

/// Whether words say that the shop was asked too often.
fn is_throttling(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    let is_in = |phrase: &str| words.contains(phrase);
    is_in("throttled") || is_in("too many requests") || is_in("rate limit") || (is_in("exceeded") && is_in("calls per"))
}

/// Whether a refusal says what is wrong with the query itself. Any other answer may be another one later, and is no reason
/// to ask for something dearer instead.
#[must_use]
pub fn is_of_the_query(code: &str) -> bool {
    code != UNNAMED && !code.starts_with("status ")
}

/// The scopes that `requiredAccess` of an error names, in backquotes.
pub fn denied_scopes(errors: &Value) -> Vec<String> {
    let errors = errors.as_array().map(Vec::as_slice).unwrap_or_default();
    errors
        .iter()
        .filter_map(|error| error["extensions"]["requiredAccess"].as_str()?.split('`').nth(1))
        .map(|scope| known(scope, &SCOPE_WORDS).unwrap_or("another permission").to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_come_in_three_shapes() {
        assert_eq!(error_codes(&json!([{"extensions":{"code":"THROTTLED"}},{"message":"x"}])), ["THROTTLED", "error"]);
        assert_eq!(error_codes(&json!({"query":"Required parameter missing or invalid"})), ["error"]);
        assert_eq!(error_codes(&json!("[API] Invalid API key")), ["error"]);
        assert!(error_codes(&Value::Null).is_empty());
        for words in ["Throttled", "Too Many Requests", "Exceeded 2 calls per second for api client. Slow down!"] {
            assert_eq!(error_codes(&json!(words)), [THROTTLED]);
            assert_eq!(error_codes(&json!([{"message":words}])), [THROTTLED]);
        }
        assert_eq!(
            error_codes(&json!([{"message":"Internal error. Looks like something went wrong."}])),
            [INTERNAL_ERROR]
        );
        let denied = json!([{"extensions":{"code":"ACCESS_DENIED","requiredAccess":"`read_discounts` access scope."}}]);
        assert_eq!(denied_scopes(&denied), ["read_discounts"]);
    }
}
