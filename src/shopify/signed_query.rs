//! A query that Shopify signs: that of an install link, and that of a login's callback.
//!
//! Source: <https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant>
//! (2026).

use crate::shared::secrets::signature::{Secrets, from_hex};

/// A timestamp may differ from our time by this much, in seconds, as in Shopify's own library.
const FRESH_SECONDS: i64 = 90;

/// A query: all its parameters, decoded, in the order in which they came.
pub struct SignedQuery(Vec<(String, String)>);

impl SignedQuery {
    /// Reads a raw query.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The first parameter of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter that decides something is there more than once: which of them counts would be guesswork.
    #[must_use]
    pub fn repeats_a_parameter(&self) -> bool {
        ["hmac", "shop", "state", "code", "timestamp"]
            .iter()
            .any(|name| self.0.iter().filter(|(key, _)| key == name).count() > 1)
    }

    /// What Shopify signs: all parameters but the signature itself, sorted, encoded as its JavaScript library does it
    /// (form encoding, with a space as `%20`). For letters, digits, `-`, `.` and `_` all its libraries agree, which is
    /// why the state is hex.
    fn message(&self) -> String {
        let encode =
            |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
        let mut pairs: Vec<&(String, String)> =
            self.0.iter().filter(|(key, _)| key != "hmac" && key != "signature").collect();
        pairs.sort();
        pairs.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect::<Vec<_>>().join("&")
    }

    /// Whether `hmac` is 64 characters of lower-case hex and the right signature.
    #[must_use]
    pub fn is_signed(&self, secrets: &Secrets) -> bool {
        let Some(hmac) = self.get("hmac") else { return false };
        let Some(signature) = from_hex(hmac) else { return false };
        secrets.verify_sha256(self.message().as_bytes(), &signature)
    }

    /// Whether `timestamp` is a whole number of seconds close to `now`.
    #[must_use]
    pub fn is_fresh(&self, now: i64) -> bool {
        let timestamp: Option<i64> = self.get("timestamp").and_then(|text| text.parse().ok());
        timestamp.is_some_and(|timestamp| now.abs_diff(timestamp) <= FRESH_SECONDS.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signed_message_is_sorted_and_leaves_the_signature_out() {
        let callback =
            SignedQuery::parse("shop=demo.myshopify.com&hmac=00&code=a%20b+c&signature=1&host=x%3D%3D&b=%C3%A4~*");
        assert_eq!(callback.message(), "b=%C3%A4%7E*&code=a%20b%20c&host=x%3D%3D&shop=demo.myshopify.com");
    }

    #[test]
    fn a_repeated_parameter_is_noticed() {
        assert!(SignedQuery::parse("shop=a&shop=a").repeats_a_parameter());
        assert!(!SignedQuery::parse("shop=a&other=1&other=2").repeats_a_parameter());
    }

    #[test]
    fn a_timestamp_must_be_a_number_close_to_now() {
        for (timestamp, fresh) in
            [("1000", true), ("1090", true), ("910", true), ("1091", false), ("909", false), ("", false), ("x", false)]
        {
            assert_eq!(SignedQuery::parse(&format!("timestamp={timestamp}")).is_fresh(1000), fresh, "{timestamp}");
        }
    }
}
