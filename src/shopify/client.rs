//! One method per call of Shopify: the grant screen and the Admin GraphQL API, and what its errors mean. The token
//! endpoint is in `grants.rs`.
//!
//! Source: <https://shopify.dev/docs/api/admin-graphql> ("Status and error codes"),
//! <https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits> (2026).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderName, Method};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::notices::Notices;
use super::payload::ShopDomain;
use super::{Config, SCOPES};
use crate::shared::alerts::Alerts;
use crate::shared::api::{Answer, ApiError, Http, Patience};

/// The header of the access token.
const TOKEN: HeaderName = HeaderName::from_static("x-shopify-access-token");

/// How long to wait where the shop says "too often" and not how long.
const RATE_LIMIT_PAUSE: Duration = Duration::from_secs(2);

/// How long to leave a shop alone that is frozen, locked, inactive or moved.
const CLOSED_PAUSE: Duration = Duration::from_secs(3600);

const INACTIVE: &str = "this shop is not active at Shopify: paused, or closed. Reading goes on by itself when it is open \
                        again.";

/// Points that are left in a shop's bucket for whoever is not in the background.
const RESERVE: f64 = 50.0;

/// A query of the Admin API: its text and its name, which the text holds.
#[derive(Debug, Clone, Copy)]
pub struct Query {
    name: &'static str,
    text: &'static str,
}

macro_rules! queries {
    ($($constant:ident = $name:literal in $file:literal;)*) => {
        impl Query {
            $(
                #[doc = concat!("`", $name, "`, in `queries/", $file, "`.")]
                pub const $constant: Self = Self { name: $name, text: include_str!(concat!("queries/", $file)) };
            )*
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$constant),*];
        }
    };
}

queries! {
    SHOP_INFO = "ShopInfo" in "shop_info.graphql";
    PRODUCT_PAGE = "ProductPage" in "product_page.graphql";
    PRODUCT_BY_ID = "ProductById" in "product_by_id.graphql";
    METAFIELDS_OF_PRODUCT = "MetafieldsOfProduct" in "metafields_of_product.graphql";
    VARIANT_PAGE = "VariantPage" in "variant_page.graphql";
    STOCK_PAGE = "StockPage" in "stock_page.graphql";
    LEVELS_OF_ITEM = "InventoryLevelsOfItem" in "levels_of_item.graphql";
    DISCOUNT_PAGE = "DiscountPage" in "discount_page.graphql";
    CODES_OF_DISCOUNT = "CodesOfDiscount" in "codes_of_discount.graphql";
    COLLECTION_PAGE = "CollectionPage" in "collection_page.graphql";
    PRODUCTS_OF_COLLECTION = "CollectionProducts" in "products_of_collection.graphql";
    SUBSCRIPTIONS = "Subscriptions" in "subscriptions.graphql";
    SUBSCRIBE = "Subscribe" in "subscribe.graphql";
    RESUBSCRIBE = "Resubscribe" in "resubscribe.graphql";
    UNSUBSCRIBE = "Unsubscribe" in "unsubscribe.graphql";
}

/// What a query brought.
#[derive(Debug)]
pub struct Asked<T> {
    /// The data, as far as it could be had.
    pub data: T,
    /// The scopes whose want left a part of the data empty.
    pub denied: Vec<String>,
}

/// A page of a GraphQL connection.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection<T> {
    /// The items.
    nodes: Vec<T>,
    page_info: PageInfo,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl<T> Connection<T> {
    /// The items, and the cursor of the next page if there is one.
    pub fn into_page(self) -> (Vec<T>, Option<String>) {
        let next = self.page_info.has_next_page.then_some(self.page_info.end_cursor).flatten();
        (self.nodes, next)
    }
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    errors: Value,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Deserialize, Default)]
struct Extensions {
    cost: Option<Cost>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cost {
    #[serde(default)]
    requested_query_cost: f64,
    throttle_status: Option<Throttle>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Throttle {
    currently_available: f64,
    restore_rate: f64,
    #[serde(default)]
    maximum_available: f64,
}

/// What is known of a shop's bucket of points.
#[derive(Default)]
struct Bucket {
    available: f64,
    restore_rate: f64,
    maximum: f64,
    at_ms: i64,
    costs: HashMap<&'static str, f64>,
}

/// Shopify. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(super) http: Http,
    pub(super) config: Arc<Config>,
    buckets: Arc<Mutex<HashMap<ShopDomain, Bucket>>>,
    notices: Notices,
}

impl Client {
    /// Calls the platform that is configured.
    #[must_use]
    pub fn new(http: Http, config: Arc<Config>, alerts: Alerts) -> Self {
        let notices = Notices::new(alerts, config.api_version.clone());
        Self { http, config, buckets: Arc::default(), notices }
    }

    /// The API version that the platform answered with last; `None` before its first answer.
    #[must_use]
    pub fn served_version(&self) -> Option<String> {
        self.notices.served_version()
    }

    /// The address of the shop's grant screen. No `grant_options[]`: an offline token is wanted.
    ///
    /// # Errors
    /// When the configured base makes no address; start-up has checked that it does.
    pub fn authorize_url(&self, shop: &ShopDomain, state: &str) -> Result<Url, ApiError> {
        let mut url = self.url(shop, &["admin", "oauth", "authorize"])?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.config.api_key)
            .append_pair("scope", &SCOPES.join(","))
            .append_pair("redirect_uri", self.config.redirect_uri.as_str())
            .append_pair("state", state);
        Ok(url)
    }

    /// Asks the Admin API. Waits where the shop's bucket of points is too low, and where the shop says so.
    ///
    /// # Errors
    /// [`ApiError`]. A scope that is missing for the whole query is [`ApiError::Refused`] with the code `ACCESS_DENIED`.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        patience: Patience,
        shop: &ShopDomain,
        token: &SecretString,
        query: Query,
        variables: Value,
    ) -> Result<Asked<T>, ApiError> {
        let url = self.url(shop, &["admin", "api", &self.config.api_version, "graphql.json"])?;
        let body = json!({ "query": query.text, "operationName": query.name, "variables": variables });
        self.http
            .persist(patience, || async {
                self.wait_for_points(shop, query, patience).await;
                let request = self
                    .http
                    .request(Method::POST, url.clone())
                    .header(TOKEN, token.expose_secret())
                    .header(http::header::ACCEPT, "application/json")
                    .json(&body);
                let answer = self.http.of(shop.as_str()).send(request).await?;
                self.read(shop, query, &answer)
            })
            .await
    }

    fn read<T: DeserializeOwned>(
        &self,
        shop: &ShopDomain,
        query: Query,
        answer: &Answer,
    ) -> Result<Asked<T>, ApiError> {
        if !answer.status.is_success() {
            return Err(self.status_meaning(answer));
        }
        self.notices.note(query.name, &answer.headers);
        let envelope: Envelope = answer.json()?;
        if let Some(cost) = &envelope.extensions.cost {
            self.note_cost(shop, query, cost);
        }
        for code in error_codes(&envelope.errors) {
            match &*code {
                "THROTTLED" => return Err(throttled(envelope.extensions.cost.as_ref())),
                "INTERNAL_SERVER_ERROR" => return Err(ApiError::Unavailable(code)),
                "SHOP_INACTIVE" => return Err(paused(INACTIVE)),
                "ACCESS_DENIED" if !envelope.data.is_null() => {}
                _ => return Err(ApiError::Refused { code }),
            }
        }
        let denied = denied_scopes(&envelope.errors);
        let data = serde_json::from_value(envelope.data)
            .map_err(|_| ApiError::Unreadable("the answer has not the expected shape"))?;
        Ok(Asked { data, denied })
    }

    /// What a status means where it is not 200.
    fn status_meaning(&self, answer: &Answer) -> ApiError {
        let text = answer.json::<Value>().ok().and_then(|body| body["errors"].as_str().map(str::to_owned));
        match answer.status.as_u16() {
            401 => ApiError::TokenRejected {
                reason: "Shopify refuses the stored login: the app was uninstalled, or the login was revoked. Please \
                         connect the shop again.",
            },
            403 if text.is_some_and(|text| text.contains("Non-expiring")) => ApiError::TokenRejected {
                reason: "Shopify does not accept the old kind of login any more. Please connect the shop again.",
            },
            status @ (300..=399 | 402 | 403 | 423) => paused(why_closed(status)),
            429 => self.rate_limited(answer),
            status @ 500.. => ApiError::Unavailable(format!("status {status}")),
            status => ApiError::Refused { code: format!("status {status}") },
        }
    }

    pub(super) fn rate_limited(&self, answer: &Answer) -> ApiError {
        ApiError::RateLimited { retry_after: answer.retry_after(self.http.clock()).unwrap_or(RATE_LIMIT_PAUSE) }
    }

    fn note_cost(&self, shop: &ShopDomain, query: Query, cost: &Cost) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(shop.clone()).or_default();
        if cost.requested_query_cost > 0.0 {
            bucket.costs.insert(query.name, cost.requested_query_cost);
        }
        if let Some(throttle) = &cost.throttle_status {
            bucket.available = throttle.currently_available;
            bucket.restore_rate = throttle.restore_rate;
            bucket.maximum = throttle.maximum_available;
            bucket.at_ms = self.http.clock().now_ms();
        }
    }

    /// Waits until the shop's bucket holds enough for this query, as far as its cost and the bucket are known. Nobody
    /// who waits in person is made to.
    async fn wait_for_points(&self, shop: &ShopDomain, query: Query, patience: Patience) {
        if patience != Patience::Background {
            return;
        }
        let wait = {
            let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(bucket) = buckets.get(shop) else { return };
            let Some(cost) = bucket.costs.get(query.name) else { return };
            if bucket.restore_rate <= 0.0 {
                return;
            }
            #[allow(clippy::cast_precision_loss, reason = "milliseconds of one process's life")]
            let elapsed = (self.http.clock().now_ms() - bucket.at_ms).max(0) as f64 / 1000.0;
            let available = (bucket.available + elapsed * bucket.restore_rate).min(bucket.maximum);
            let wanted = (cost + RESERVE).min(bucket.maximum);
            Duration::from_secs_f64(((wanted - available) / bucket.restore_rate).clamp(0.0, 60.0))
        };
        if !wait.is_zero() {
            self.http.clock().sleep(wait).await;
        }
    }

    pub(super) fn url(&self, shop: &ShopDomain, path: &[&str]) -> Result<Url, ApiError> {
        self.config.admin_url.at(shop, path).ok_or(ApiError::Unreadable("the configured base makes no address"))
    }
}

/// What a shop that cannot be used for now is told to its merchant.
pub(super) fn paused(reason: &'static str) -> ApiError {
    ApiError::Paused { reason: reason.into(), retry_after: CLOSED_PAUSE }
}

/// Why a shop answers with this status, for its merchant. A redirect is never followed: the token would travel.
pub(super) fn why_closed(status: u16) -> &'static str {
    match status {
        402 => {
            "Shopify has frozen this shop, most often because of an unpaid bill. Reading goes on by itself when it is \
             open again."
        }
        423 => "Shopify has locked this shop. Reading goes on by itself when it is open again.",
        300..=399 => {
            "this shop has another address at Shopify now: it was renamed. Please connect it again under its new name."
        }
        _ => "Shopify forbids the use of this shop at the moment. Reading goes on by itself when that is over.",
    }
}

/// `errors` is a list of objects, an object, or a text. A code is the platform's own where there is one.
pub(super) fn error_codes(errors: &Value) -> Vec<String> {
    match errors {
        Value::Null => Vec::new(),
        Value::Array(list) => list
            .iter()
            .map(|error| error["extensions"]["code"].as_str().unwrap_or("error").chars().take(40).collect())
            .collect(),
        _ => vec!["error".to_owned()],
    }
}

/// The scopes that `requiredAccess` of an error names, in backquotes.
pub(super) fn denied_scopes(errors: &Value) -> Vec<String> {
    let errors = errors.as_array().map(Vec::as_slice).unwrap_or_default();
    errors
        .iter()
        .filter_map(|error| error["extensions"]["requiredAccess"].as_str()?.split('`').nth(1))
        .map(|scope| scope.chars().filter(|c| c.is_ascii_lowercase() || *c == '_').take(60).collect())
        .collect()
}

/// The pause after which the same query can be paid for.
fn throttled(cost: Option<&Cost>) -> ApiError {
    let seconds = cost.and_then(|cost| {
        let throttle = cost.throttle_status.as_ref()?;
        (throttle.restore_rate > 0.0)
            .then(|| (cost.requested_query_cost - throttle.currently_available) / throttle.restore_rate)
    });
    ApiError::RateLimited { retry_after: Duration::from_secs_f64(seconds.unwrap_or(1.0).clamp(1.0, 60.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_holds_its_name() {
        for query in Query::ALL {
            let first = query.text.lines().find(|line| !line.starts_with('#')).unwrap_or_default();
            assert!(first.contains(&format!(" {}", query.name)), "{first}");
        }
    }

    #[test]
    fn errors_come_in_three_shapes() {
        assert_eq!(error_codes(&json!([{"extensions":{"code":"THROTTLED"}},{"message":"x"}])), ["THROTTLED", "error"]);
        assert_eq!(error_codes(&json!({"query":"Required parameter missing or invalid"})), ["error"]);
        assert_eq!(error_codes(&json!("[API] Invalid API key")), ["error"]);
        assert!(error_codes(&Value::Null).is_empty());
        let denied = json!([{"extensions":{"code":"ACCESS_DENIED","requiredAccess":"`read_discounts` access scope."}}]);
        assert_eq!(denied_scopes(&denied), ["read_discounts"]);
    }
}
