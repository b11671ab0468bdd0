//! One method per call of Shopify: the grant screen and the Admin GraphQL API, and what its errors mean. The token
//! endpoint is in `token_endpoint.rs`.
//!
//! Source: <https://shopify.dev/docs/api/admin-graphql> ("Status and error codes"),
//! <https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits> (2026).

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Method};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use url::Url;

use super::api_notices::Notices;
use super::budget::{Budgets, Cost, Page};
use super::config::Config;
use super::names::SCOPES;
use super::payload::ShopDomain;
use super::refusal::{self, denied_scopes, error_codes};
use crate::shared::outgoing::http::{Answer, ApiError, Download, Http, Patience};
use crate::shared::telemetry::alerts::Alerts;

/// The header of the access token.
const TOKEN: HeaderName = HeaderName::from_static("x-shopify-access-token");

/// How long to wait where the shop says "too often" and not how long.
const RATE_LIMIT_PAUSE: Duration = Duration::from_secs(2);

/// The code for a bulk file on a host that is not among those that are configured.
pub const UNLISTED_HOST: &str = "a bulk file on a host that is not listed";

/// How long the download of a bulk file may take.
const BULK_TIMEOUT: Duration = Duration::from_secs(600);

/// A query of the Admin API: its text and its name, which the text holds.
#[derive(Debug, Clone, Copy)]
pub struct Query {
    name: &'static str,
    text: &'static str,
    /// How its list is asked for, where it has a variable `first`.
    page: Option<Page>,
}

macro_rules! queries {
    ($($constant:ident = $name:literal in $file:literal $(, $largest:literal at $points:literal)?;)*) => {
        impl Query {
            $(
                #[doc = concat!("`", $name, "`, in `queries/", $file, "`.")]
                pub const $constant: Self = {
                    const PAGES: &[Page] = &[$(Page { largest: $largest, points: $points })?];
                    Self { name: $name, text: include_str!(concat!("queries/", $file)), page: PAGES.first().copied() }
                };
            )*
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$constant),*];
        }
    };
}

// A list has the size of its largest page, and what an item of it costs.
queries! {
    SHOP_INFO = "ShopInfo" in "shop_info.graphql";
    PRODUCT_PAGE = "ProductPage" in "product_page.graphql", 50 at 13.1;
    PRODUCT_BY_ID = "ProductById" in "product_by_id.graphql", 15 at 49.0;
    METAFIELDS_OF_PRODUCT = "MetafieldsOfProduct" in "metafields_of_product.graphql", 100 at 1.1;
    VARIANT_PAGE = "VariantPage" in "variant_page.graphql", 100 at 4.1;
    STOCK_PAGE = "StockPage" in "stock_page.graphql", 25 at 39.1;
    LEVELS_OF_ITEM = "InventoryLevelsOfItem" in "levels_of_item.graphql", 100 at 3.1;
    DISCOUNT_PAGE = "DiscountPage" in "discount_page.graphql", 20 at 30.1;
    CODES_OF_DISCOUNT = "CodesOfDiscount" in "codes_of_discount.graphql", 250 at 1.1;
    COLLECTION_PAGE = "CollectionPage" in "collection_page.graphql", 100 at 2.1;
    PRODUCTS_OF_COLLECTION = "CollectionProducts" in "products_of_collection.graphql", 250 at 1.1;
    PRODUCTS_OF_ITEM = "ProductsOfItem" in "products_of_item.graphql";
    COLLECTION_BY_ID = "CollectionById" in "collection_by_id.graphql";
    DISCOUNT_BY_ID = "DiscountById" in "discount_by_id.graphql";
    PRODUCTS_COUNT = "ProductsCount" in "products_count.graphql";
    PRODUCT_IDS = "ProductIds" in "product_ids.graphql", 250 at 1.1;
    START_BULK = "StartBulk" in "start_bulk.graphql";
    BULK_STATE = "BulkState" in "bulk_state.graphql";
    BULK_OPERATIONS = "BulkOperations" in "bulk_operations.graphql";
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
struct Envelope<'a> {
    /// As it came: what is stored of it keeps its digits and characters.
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    errors: Value,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Deserialize, Default)]
struct Extensions {
    cost: Option<Cost>,
}

/// Shopify. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(super) http: Http,
    pub(super) config: Arc<Config>,
    budgets: Budgets,
    notices: Notices,
}

impl Client {
    /// Calls the platform that is configured.
    #[must_use]
    pub fn new(http: Http, config: Arc<Config>, alerts: Alerts) -> Self {
        let notices = Notices::new(alerts, config.api_version.clone());
        let budgets = Budgets::new(http.clock().clone());
        Self { http, config, budgets, notices }
    }

    /// The points that shops let us spend.
    #[must_use]
    pub fn budgets(&self) -> &Budgets {
        &self.budgets
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
        loop {
            let items = self.page_size(shop, query);
            let asked = self
                .http
                .persist(patience, || self.ask_once(patience, shop, token, query, &variables, url.clone()))
                .await;
            match asked {
                Err(ApiError::Refused { code }) if code == refusal::TOO_DEAR && query.page.is_some() => {
                    if self.page_size(shop, query) < items {
                        // The shop said what it costs: now a smaller page is known that it grants.
                        continue;
                    }
                    self.budgets.note_too_dear(shop, query.name, items);
                    return Err(ApiError::Refused { code });
                }
                asked => return asked,
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one request, put together in one place")]
    async fn ask_once<T: DeserializeOwned>(
        &self,
        patience: Patience,
        shop: &ShopDomain,
        token: &SecretString,
        query: Query,
        variables: &Value,
        url: Url,
    ) -> Result<Asked<T>, ApiError> {
        let items = self.page_size(shop, query);
        let mut variables = variables.clone();
        if query.page.is_some() {
            variables["first"] = json!(items);
        }
        let _turn = self.budgets.turn(shop, query.name, items, patience).await;
        let body = json!({ "query": query.text, "operationName": query.name, "variables": variables });
        let request = self
            .http
            .request(Method::POST, url)
            .header(TOKEN, token.expose_secret())
            .header(http::header::ACCEPT, "application/json")
            .json(&body);
        let answer = self.http.of(shop.as_str()).send(request).await?;
        self.read(shop, query, items, &answer)
    }

    /// How many items of the query's list are asked for at once; 1 where it has none.
    fn page_size(&self, shop: &ShopDomain, query: Query) -> u32 {
        query.page.map_or(1, |page| self.budgets.page_size(shop, query.name, page))
    }

    fn read<T: DeserializeOwned>(
        &self,
        shop: &ShopDomain,
        query: Query,
        items: u32,
        answer: &Answer,
    ) -> Result<Asked<T>, ApiError> {
        if !answer.status.is_success() {
            return Err(refusal::meaning(answer).unwrap_or_else(|| self.rate_limited(answer)));
        }
        self.notices.note(query.name, &answer.headers);
        let envelope: Envelope<'_> = serde_json::from_slice(&answer.body)
            .map_err(|_| ApiError::Unreadable("the answer has not the expected shape"))?;
        let data = envelope.data.map_or("null", RawValue::get);
        let cost = envelope.extensions.cost.as_ref();
        if let Some(cost) = cost {
            self.budgets.note(shop, query.name, items, cost);
        }
        for code in error_codes(&envelope.errors) {
            match &*code {
                "THROTTLED" => {
                    let retry_after = cost.map_or(Duration::from_secs(1), Cost::pause);
                    return Err(ApiError::RateLimited { retry_after });
                }
                "INTERNAL_SERVER_ERROR" => return Err(ApiError::Unavailable(code)),
                "SHOP_INACTIVE" => return Err(refusal::inactive()),
                "ACCESS_DENIED" if data != "null" => {}
                _ => return Err(ApiError::Refused { code }),
            }
        }
        let denied = denied_scopes(&envelope.errors);
        let data =
            serde_json::from_str(data).map_err(|_| ApiError::Unreadable("the answer has not the expected shape"))?;
        Ok(Asked { data, denied })
    }

    /// Opens the file of a bulk operation. It lies on another host, which gets no token, and must be one of those that are
    /// configured.
    ///
    /// # Errors
    /// [`ApiError::Refused`] for another host, with the code [`UNLISTED_HOST`], or when the file is not given out.
    pub async fn open_bulk_file(&self, shop: &ShopDomain, url: Url) -> Result<Download, ApiError> {
        if !self.config.bulk_hosts.allow(&url) {
            return Err(ApiError::Refused { code: UNLISTED_HOST.to_owned() });
        }
        let request = self.http.request(Method::GET, url).timeout(BULK_TIMEOUT);
        let download = self.http.of(shop.as_str()).open(request).await?;
        match download.status.as_u16() {
            200 => Ok(download),
            429 => Err(ApiError::RateLimited { retry_after: RATE_LIMIT_PAUSE }),
            status @ 500.. => Err(ApiError::Unavailable(format!("status {status}"))),
            status => Err(ApiError::Refused { code: format!("status {status}") }),
        }
    }

    pub(super) fn rate_limited(&self, answer: &Answer) -> ApiError {
        ApiError::RateLimited { retry_after: answer.retry_after(self.http.clock()).unwrap_or(RATE_LIMIT_PAUSE) }
    }

    pub(super) fn url(&self, shop: &ShopDomain, path: &[&str]) -> Result<Url, ApiError> {
        self.config.admin_url.at(shop, path).ok_or(ApiError::Unreadable("the configured base makes no address"))
    }
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
}
