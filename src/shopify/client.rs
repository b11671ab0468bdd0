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
    /// What it costs where it has no pages, as far as the documents tell.
    points: f64,
    /// Under which name its price is learned: one query may be asked in several shapes.
    priced_as: &'static str,
}

macro_rules! queries {
    ($($constant:ident = $name:literal in $file:literal $(, $largest:literal at $points:literal)? $(, costs $cost:literal)?;)*) => {
        impl Query {
            $(
                #[doc = concat!("`", $name, "`, in `queries/", $file, "`.")]
                pub const $constant: Self = {
                    const PAGES: &[Page] = &[$(Page { largest: $largest, points: $points })?];
                    const COSTS: &[f64] = &[$($cost)?];
                    Self {
                        name: $name,
                        text: include_str!(concat!("queries/", $file)),
                        page: PAGES.first().copied(),
                        points: match COSTS.first() {
                            Some(points) => *points,
                            None => 0.0,
                        },
                        priced_as: $name,
                    }
                };
            )*
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$constant),*];
        }
    };
}

// A list has the size of its largest page, and what an item of it costs; everything else what it costs as a whole. These
// prices are used until the first answer of a shop tells its own.
queries! {
    SHOP_INFO = "ShopInfo" in "shop_info.graphql", costs 6.0;
    PRODUCT_PAGE = "ProductPage" in "product_page.graphql", 20 at 49.1;
    PRODUCT_BY_ID = "ProductById" in "product_by_id.graphql", 15 at 52.0;
    PRODUCT_EXISTS = "ProductExists" in "product_exists.graphql", costs 1.0;
    METAFIELDS_OF_PRODUCT = "MetafieldsOfProduct" in "metafields_of_product.graphql", 100 at 1.1;
    VARIANT_PAGE = "VariantPage" in "variant_page.graphql", 100 at 4.1;
    STOCK_PAGE = "StockPage" in "stock_page.graphql", 25 at 39.1;
    LEVELS_OF_ITEM = "InventoryLevelsOfItem" in "levels_of_item.graphql", 100 at 3.1;
    DISCOUNT_PAGE = "DiscountPage" in "discount_page.graphql", 20 at 30.1;
    CODES_OF_DISCOUNT = "CodesOfDiscount" in "codes_of_discount.graphql", 250 at 1.1;
    COLLECTION_PAGE = "CollectionPage" in "collection_page.graphql", 100 at 2.1;
    PRODUCTS_OF_COLLECTION = "CollectionProducts" in "products_of_collection.graphql", 250 at 1.1;
    PRODUCTS_OF_ITEM = "ProductsOfItem" in "products_of_item.graphql", 10 at 2.4;
    COLLECTION_BY_ID = "CollectionById" in "collection_by_id.graphql", costs 2.0;
    DISCOUNT_BY_ID = "DiscountById" in "discount_by_id.graphql", costs 30.0;
    PRODUCTS_COUNT = "ProductsCount" in "products_count.graphql", costs 1.0;
    CATALOGUE_SIZE = "CatalogueSize" in "catalogue_size.graphql", costs 3.0;
    PRODUCT_IDS = "ProductIds" in "product_ids.graphql", 250 at 1.1;
    VARIANT_IDS = "VariantIds" in "variant_ids.graphql", 100 at 2.1;
    ITEM_IDS = "ItemIds" in "item_ids.graphql", 250 at 1.1;
    DISCOUNT_IDS = "DiscountIds" in "discount_ids.graphql", 250 at 1.1;
    COLLECTION_IDS = "CollectionIds" in "collection_ids.graphql", 250 at 1.1;
    START_BULK = "StartBulk" in "start_bulk.graphql", costs 10.0;
    BULK_STATE = "BulkState" in "bulk_state.graphql", costs 1.0;
    BULK_OPERATIONS = "BulkOperations" in "bulk_operations.graphql", 20 at 1.1;
    CANCEL_BULK = "CancelBulk" in "cancel_bulk.graphql", costs 10.0;
    SUBSCRIPTIONS = "Subscriptions" in "subscriptions.graphql", 25 at 2.1;
    SUBSCRIBE = "Subscribe" in "subscribe.graphql", costs 10.0;
    RESUBSCRIBE = "Resubscribe" in "resubscribe.graphql", costs 10.0;
    UNSUBSCRIBE = "Unsubscribe" in "unsubscribe.graphql", costs 10.0;
}

impl Query {
    /// The same query, with pages of at most so many items.
    #[must_use]
    pub fn at_most(self, items: u32) -> Self {
        let page = self.page.map(|page| Page { largest: page.largest.min(items.max(1)), ..page });
        Self { page, ..self }
    }

    /// The same query in another shape, in which an item of its page costs this many points as far as the documents tell.
    #[must_use]
    pub fn shaped(self, priced_as: &'static str, points: f64) -> Self {
        let page = self.page.map(|page| Page { points, ..page });
        Self { page, priced_as, ..self }
    }

    /// What one item of its page costs, or the whole of it where it has none, as far as the documents tell.
    fn price(self) -> f64 {
        self.page.map_or(self.points, |page| page.points)
    }

    /// Whether it asks for a list whose size can be chosen.
    #[must_use]
    pub fn has_pages(self) -> bool {
        self.page.is_some()
    }
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
    /// The items. Null stands for one that the shop could not show.
    nodes: Vec<Option<T>>,
    page_info: PageInfo,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl<T> Connection<T> {
    /// Whether the shop could not show some of the items.
    #[must_use]
    pub fn has_nulls(&self) -> bool {
        self.nodes.iter().any(Option::is_none)
    }

    /// The items that were shown, and the cursor of the next page if there is one.
    ///
    /// # Errors
    /// [`ApiError::Unreadable`] where the page says that there is more and names no cursor: such a list has no end that
    /// could be read, so it is never taken for a whole one.
    pub fn into_page(self) -> Result<(Vec<T>, Option<String>), ApiError> {
        let PageInfo { has_next_page, end_cursor } = self.page_info;
        let nodes = self.nodes.into_iter().flatten().collect();
        match end_cursor.filter(|cursor| !cursor.is_empty()) {
            _ if !has_next_page => Ok((nodes, None)),
            Some(cursor) => Ok((nodes, Some(cursor))),
            None => Err(ApiError::Unreadable("a list has more, and says no way to go on")),
        }
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
                    self.budgets.note_too_dear(shop, query.priced_as, items);
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
        let _turn = self.budgets.turn(shop, query.priced_as, query.price(), items, patience).await;
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
    #[must_use]
    pub fn page_size(&self, shop: &ShopDomain, query: Query) -> u32 {
        query.page.map_or(1, |page| self.budgets.page_size(shop, query.priced_as, page))
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
            self.budgets.note(shop, query.priced_as, items, cost);
        }
        for code in error_codes(&envelope.errors) {
            match &*code {
                refusal::THROTTLED => {
                    let retry_after = cost.map_or(Duration::from_secs(1), Cost::pause);
                    return Err(ApiError::RateLimited { retry_after });
                }
                refusal::INTERNAL_ERROR => return Err(ApiError::Unavailable(code)),
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
            429 | 430 => Err(ApiError::RateLimited { retry_after: RATE_LIMIT_PAUSE }),
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
