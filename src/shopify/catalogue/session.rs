//! One read of one shop: asks with a token that works, walks lists to their end, and remembers what was denied.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::shared::channel::reader::ReadError;
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shared::raw_json::Object;
use crate::shopify::client::{Asked, Connection, Query};
use crate::shopify::names::NAME;
use crate::shopify::payload::ShopDomain;
use crate::shopify::refusal::{CLOSED_PAUSE, DENIED};
use crate::shopify::state::Shopify;
use crate::shopify::subscriptions::is_granted;

/// No list has more pages than this; a server that says otherwise is broken.
const MAX_PAGES: usize = 100_000;

/// Without it, variants come without their inventory items.
const STOCK_SCOPE: &str = "read_inventory";

/// Without it, stock comes without the names of its locations.
const LOCATIONS_SCOPE: &str = "read_locations";

/// Without it, discounts cannot be read at all.
pub const DISCOUNTS_SCOPE: &str = "read_discounts";

/// An object as it came.
pub type Raw = Box<RawValue>;

/// The shop's own query.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShopInfo {
    /// The shop as the platform describes it.
    pub shop: Map<String, Value>,
    /// What was granted.
    pub current_app_installation: Option<Installation>,
}

/// What was granted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Installation {
    #[serde(default)]
    access_scopes: Vec<Scope>,
}

#[derive(Deserialize)]
struct Scope {
    handle: String,
}

impl ShopInfo {
    /// The shop's name.
    #[must_use]
    pub fn name(&self) -> String {
        self.shop.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The scopes that were granted, where the platform says.
    #[must_use]
    pub fn scopes(&self) -> Option<Vec<String>> {
        let installation = self.current_app_installation.as_ref()?;
        Some(installation.access_scopes.iter().map(|scope| scope.handle.clone()).collect())
    }
}

/// What may be asked for below a product. A field without its scope is null, and takes everything above it along.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    /// Inventory items and their levels.
    pub stock: bool,
    /// The names of locations.
    pub locations: bool,
}

impl Access {
    /// What these scopes allow.
    #[must_use]
    pub fn of(scopes: &[String]) -> Self {
        Self { stock: is_granted(STOCK_SCOPE, scopes), locations: is_granted(LOCATIONS_SCOPE, scopes) }
    }
}

/// A shop whose answers name another domain was renamed. Nothing of it is stored under the old name any more, and the
/// new name is another connection: the merchant makes it by connecting it.
///
/// # Errors
/// [`ApiError::Paused`] with the new name.
pub fn ensure_same_shop(shop: &ShopDomain, info: &ShopInfo) -> Result<(), ApiError> {
    let named = info.shop.get("myshopifyDomain").and_then(Value::as_str).and_then(ShopDomain::parse);
    match named {
        Some(named) if named != *shop => {
            let reason = format!(
                "this shop is called {named} at Shopify now. Please connect it again under its new name; what was read \
                 under the old one stays as it is."
            );
            Err(ApiError::Paused { reason: reason.into(), retry_after: CLOSED_PAUSE })
        }
        _ => Ok(()),
    }
}

/// One read of one shop.
pub struct Reading<'a> {
    /// The channel.
    pub shopify: &'a Shopify,
    /// The shop.
    pub shop: &'a ShopDomain,
    /// Scopes for want of which a part could not be read.
    denied: Mutex<BTreeSet<String>>,
    /// What the shop says was granted, once it was asked.
    access: Mutex<Option<Access>>,
}

impl<'a> Reading<'a> {
    /// A read that has not asked anything yet.
    #[must_use]
    pub fn new(shopify: &'a Shopify, shop: &'a ShopDomain) -> Self {
        Self { shopify, shop, denied: Mutex::default(), access: Mutex::default() }
    }

    /// The shop, and with it what is granted at this moment: a merchant can change that without a new login.
    ///
    /// # Errors
    /// When the shop cannot be asked.
    pub async fn ask_shop(&self) -> Result<ShopInfo, ReadError> {
        let info: ShopInfo = self.ask(Query::SHOP_INFO, json!({})).await?;
        ensure_same_shop(self.shop, &info)?;
        let access = info.scopes().map_or(Access { stock: true, locations: true }, |scopes| Access::of(&scopes));
        *self.access.lock().unwrap_or_else(PoisonError::into_inner) = Some(access);
        if !access.stock {
            self.deny([STOCK_SCOPE.to_owned()]);
        }
        if !access.locations {
            self.deny([LOCATIONS_SCOPE.to_owned()]);
        }
        Ok(info)
    }

    /// How many products the shop has.
    ///
    /// # Errors
    /// When the shop cannot be asked.
    pub async fn count_products(&self) -> Result<i64, ReadError> {
        let data: Raw = self.ask(Query::PRODUCTS_COUNT, json!({})).await?;
        let count = at(data.get(), &["productsCount"]).and_then(Object::parse).and_then(|count| count.integer("count"));
        Ok(count.ok_or(ApiError::Unreadable("the number of products is missing"))?)
    }

    /// What may be asked for.
    ///
    /// # Errors
    /// When the shop cannot be asked.
    pub async fn access(&self) -> Result<Access, ReadError> {
        loop {
            let access = *self.access.lock().unwrap_or_else(PoisonError::into_inner);
            match access {
                Some(access) => return Ok(access),
                None => self.ask_shop().await.map(drop)?,
            }
        }
    }

    /// The rest of a nested list, page by page: `ask` makes the question, and the list is found in the answer by the names
    /// that lead to it.
    ///
    /// # Errors
    /// When a page cannot be had, or the list has no end.
    pub async fn rest(
        &self,
        first: &str,
        ask: impl Fn(Option<String>) -> (Query, Value),
        path: &[&str],
    ) -> Result<Vec<Raw>, ReadError> {
        let mut pages = Pages::new();
        pages.next()?;
        let mut all = pages.take(parse(first)?);
        while let Some(after) = pages.next()? {
            let (query, variables) = ask(after);
            let data: Raw = self.ask(query, variables).await?;
            let list = at(data.get(), path).ok_or(ApiError::Unreadable("a list is missing"))?;
            all.extend(pages.take(parse(list)?));
        }
        Ok(all)
    }

    /// Asks for one page of a root connection.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn ask_root<T: DeserializeOwned>(
        &self,
        query: Query,
        variables: Value,
        root: &str,
    ) -> Result<Connection<T>, ReadError> {
        let mut data: BTreeMap<String, Raw> = self.ask(query, variables).await?;
        parse(data.remove(root).ok_or(ApiError::Unreadable("a list is missing"))?.get())
    }

    /// Asks for one page of the discounts. `None`: they may not be read, which [`Reading::denied`] tells.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn ask_discounts(&self, after: Option<String>) -> Result<Option<Connection<Raw>>, ReadError> {
        match self.ask_root(Query::DISCOUNT_PAGE, json!({ "after": after }), "discountNodes").await {
            Err(error) if is_denied(&error) => {
                self.deny([DISCOUNTS_SCOPE.to_owned()]);
                Ok(None)
            }
            page => page.map(Some),
        }
    }

    /// Asks, and leaves it to [`Reading::denied`] to tell what was not to be had.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn ask<T: DeserializeOwned>(&self, query: Query, variables: Value) -> Result<T, ReadError> {
        Ok(self.ask_with_gaps(query, variables).await?.data)
    }

    /// Asks, and tells what was denied.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn ask_with_gaps<T: DeserializeOwned>(
        &self,
        query: Query,
        variables: Value,
    ) -> Result<Asked<T>, ReadError> {
        let asked = self.shopify.ask(Patience::Background, self.shop, query, variables).await?;
        self.deny(asked.denied.iter().cloned());
        Ok(asked)
    }

    /// A part cannot be read for want of these scopes.
    pub fn deny(&self, scopes: impl IntoIterator<Item = String>) {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).extend(scopes);
    }

    /// Tells what is missing, after everything else is stored.
    ///
    /// # Errors
    /// [`ApiError::PermissionMissing`] where something was denied.
    pub fn denied(&self) -> Result<(), ReadError> {
        let denied = std::mem::take(&mut *self.denied.lock().unwrap_or_else(PoisonError::into_inner));
        if denied.is_empty() {
            return Ok(());
        }
        let denied = denied.into_iter().collect::<Vec<_>>().join(", ");
        let reason = format!("a permission is missing ({denied}). Connect the shop again to give it.");
        Err(ApiError::PermissionMissing { code: DENIED.to_owned(), reason }.into())
    }

    /// Tells how far the read has come.
    pub fn report(&self, what: &str, done: usize, known: Option<usize>) {
        self.shopify.shared.progress.report(NAME, self.shop.as_str(), what, done, known);
    }
}

/// Walks a list to its end, and notices one that has none.
pub struct Pages {
    next: Option<Option<String>>,
    seen: usize,
}

impl Pages {
    /// A list of which nothing was read.
    #[must_use]
    pub fn new() -> Self {
        Self { next: Some(None), seen: 0 }
    }

    /// The cursor to ask with; `None` when the list is complete.
    ///
    /// # Errors
    /// [`ApiError::Unreadable`] for a list without end.
    #[allow(clippy::should_implement_trait, reason = "it can fail")]
    pub fn next(&mut self) -> Result<Option<Option<String>>, ApiError> {
        self.seen += 1;
        if self.seen > MAX_PAGES {
            return Err(ApiError::Unreadable("a list without end"));
        }
        if self.seen > 1 && self.next == Some(None) {
            return Err(ApiError::Unreadable("a list that repeats its cursor"));
        }
        Ok(self.next.clone())
    }

    /// The items of a page; remembers where the next one begins.
    pub fn take<T>(&mut self, page: Connection<T>) -> Vec<T> {
        let (items, next) = page.into_page();
        let asked_with = self.next.take().flatten();
        // A cursor that repeats would go round for ever; `next` reports it.
        self.next = next.map(|next| (Some(&next) != asked_with.as_ref()).then_some(next));
        items
    }
}

/// Whether a scope is missing for the whole query.
fn is_denied(error: &ReadError) -> bool {
    matches!(error, ReadError::Api(ApiError::Refused { code }) if code == DENIED)
}

/// The text that the names lead to.
#[must_use]
pub fn at<'t>(text: &'t str, path: &[&str]) -> Option<&'t str> {
    path.iter().try_fold(text, |text, name| Object::parse(text)?.get(name))
}

/// A list in the shape that is expected.
///
/// # Errors
/// [`ApiError::Unreadable`].
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, ReadError> {
    Ok(serde_json::from_str(text).map_err(|_| ApiError::Unreadable("a list has not the expected shape"))?)
}

/// The id of an object.
///
/// # Errors
/// [`ApiError::Unreadable`] where it has none.
pub fn id_of(raw: &str) -> Result<String, ReadError> {
    let id = Object::parse(raw).and_then(|object| object.text("id").map(|id| id.into_owned()));
    Ok(id.filter(|id| !id.is_empty() && id.len() <= 200).ok_or(ApiError::Unreadable("an object without id"))?)
}
