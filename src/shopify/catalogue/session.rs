//! One read of one shop: asks with a token that works, walks lists to their end, and remembers what was denied.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::shared::channel::reader::ReadError;
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shared::raw_json::Object;
use crate::shopify::client::{Asked, Connection, Query};
use crate::shopify::count::Count;
use crate::shopify::names::{NAME, is_granted};
use crate::shopify::payload::ShopDomain;
use crate::shopify::refusal::{CLOSED_PAUSE, DENIED, INTERNAL_ERROR};
use crate::shopify::state::Shopify;

/// No list has more pages than this; a server that says otherwise is broken.
const MAX_PAGES: usize = 100_000;

/// How many objects a read goes past at most, because the shop cannot show them. Where there are more, something else is
/// the matter.
const MOST_UNSERVED: usize = 20;

/// From this many items on a page is as large as any.
const LARGE_PAGE: u32 = 64;

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
            let reason = say::shopify_renamed(named.to_string());
            Err(ApiError::Paused { reason, retry_after: CLOSED_PAUSE })
        }
        _ => Ok(()),
    }
}

/// How large a catalogue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Products.
    pub products: i64,
    /// Variants of all of them.
    pub variants: i64,
    /// Locations at which they may be in stock; 0 where stock is not read.
    pub locations: i64,
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
    /// Objects that the shop cannot show at the moment, by their ids.
    unserved: Mutex<BTreeSet<String>>,
    /// Objects of which less came than there seems to be, by their ids.
    doubted: Mutex<BTreeSet<String>>,
}

impl<'a> Reading<'a> {
    /// A read that has not asked anything yet.
    #[must_use]
    pub fn new(shopify: &'a Shopify, shop: &'a ShopDomain) -> Self {
        Self {
            shopify,
            shop,
            denied: Mutex::default(),
            access: Mutex::default(),
            unserved: Mutex::default(),
            doubted: Mutex::default(),
        }
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

    /// How many products the shop has; `None`: it does not say.
    ///
    /// # Errors
    /// When the shop cannot be asked.
    pub async fn count_products(&self) -> Result<Option<Count>, ReadError> {
        self.count_found(None).await
    }

    /// How many products a search finds; `None` finds all. A shop that answers in part does not say: that is a doubt about
    /// what was read, and no failure.
    ///
    /// # Errors
    /// When the shop cannot be asked.
    pub async fn count_found(&self, filter: Option<&str>) -> Result<Option<Count>, ReadError> {
        let data: Raw = self.ask(Query::PRODUCTS_COUNT, json!({ "filter": filter })).await?;
        Ok(at(data.get(), &["productsCount"]).and_then(Count::parse))
    }

    /// How large the shop's catalogue is.
    ///
    /// # Errors
    /// When the shop cannot be asked.
    pub async fn measure(&self) -> Result<Size, ReadError> {
        let access = self.access().await?;
        let data: Raw = self.ask(Query::CATALOGUE_SIZE, json!({ "locations": access.locations })).await?;
        let count = |field: &str| at(data.get(), &[field]).and_then(Count::parse).map(|count| count.count);
        Ok(Size {
            products: count("productsCount").ok_or(ApiError::Unreadable("the number of products is missing"))?,
            variants: count("productVariantsCount").unwrap_or(0),
            locations: if access.stock { count("locationsCount").unwrap_or(1) } else { 0 },
        })
    }

    /// Goes past an object that the shop cannot show: what is stored of it stays, and it is asked for again later.
    ///
    /// # Errors
    /// The error, where so many objects cannot be shown that it is not for their sake.
    pub fn pass_over(&self, id: String, error: ReadError) -> Result<(), ReadError> {
        let mut unserved = self.unserved.lock().unwrap_or_else(PoisonError::into_inner);
        if unserved.len() >= MOST_UNSERVED && !unserved.contains(&id) {
            return Err(error);
        }
        unserved.insert(id);
        Ok(())
    }

    /// The objects that the shop could not show so far.
    #[must_use]
    pub fn unserved(&self) -> BTreeSet<String> {
        self.unserved.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes that less of an object came than there seems to be: it is to be asked for once more.
    pub fn doubt(&self, id: String) {
        self.doubted.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    }

    /// The objects that are in doubt; from now on none is.
    #[must_use]
    pub fn take_doubted(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.doubted.lock().unwrap_or_else(PoisonError::into_inner))
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
    /// that lead to it. An object that comes twice is there once.
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
        let mut all = pages.take(parse_whole(first)?)?;
        while let Some(after) = pages.next()? {
            let (query, variables) = ask(after);
            let data: Raw = self.ask_for_less(query, variables).await?;
            let list = at(data.get(), path).ok_or(ApiError::Unreadable("a list is missing"))?;
            all.extend(pages.take(parse_whole(list)?)?);
        }
        Ok(all)
    }

    /// Asks, and where the shop fails over what is asked, asks for smaller and smaller pages.
    ///
    /// # Errors
    /// When there is no answer, not even to the smallest page.
    pub async fn ask_for_less<T: DeserializeOwned>(&self, query: Query, variables: Value) -> Result<T, ReadError> {
        Ok(self.ask_for_less_with_gaps(query, variables).await?.data)
    }

    /// As [`Reading::ask_for_less`], and tells what was denied.
    ///
    /// # Errors
    /// When there is no answer, not even to the smallest page.
    pub async fn ask_for_less_with_gaps<T: DeserializeOwned>(
        &self,
        query: Query,
        variables: Value,
    ) -> Result<Asked<T>, ReadError> {
        let mut query = query;
        loop {
            let items = self.shopify.client.page_size(self.shop, query);
            match self.ask_with_gaps(query, variables.clone()).await {
                Err(error) if cannot_serve(&error) && query.has_pages() && items > 1 => {
                    query = query.at_most(items / 2);
                }
                asked => return asked,
            }
        }
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
    async fn ask_with_gaps<T: DeserializeOwned>(&self, query: Query, variables: Value) -> Result<Asked<T>, ReadError> {
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
        let reason = say::shopify_part_denied(denied);
        Err(ApiError::PermissionMissing { code: DENIED.to_owned(), reason }.into())
    }

    /// Tells how far the read has come.
    pub fn report(&self, what: Sentence, done: usize, known: Option<usize>) {
        self.shopify.shared.progress.report(NAME, self.shop.as_str(), what, done, known);
    }
}

/// Walks a list to its end, and notices one that has none.
pub struct Pages {
    next: Option<Option<String>>,
    /// The cursor that was asked with last.
    asked: Option<String>,
    seen: usize,
    /// The cursors that were given so far: a list that comes back to one of them goes round for ever.
    given: HashSet<String>,
}

impl Pages {
    /// A list of which nothing was read.
    #[must_use]
    pub fn new() -> Self {
        Self { next: Some(None), asked: None, seen: 0, given: HashSet::new() }
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
        self.asked = self.next.clone().flatten();
        Ok(self.next.clone())
    }

    /// The page that was taken last is asked for once more.
    fn go_back(&mut self) {
        if let Some(Some(next)) = self.next.replace(self.asked.clone()) {
            self.given.remove(&next);
        }
    }

    /// The items of a page; remembers where the next one begins.
    ///
    /// # Errors
    /// [`ApiError::Unreadable`] where the page says that there is more and no way to go on, or one that was gone already.
    pub fn take<T>(&mut self, page: Connection<T>) -> Result<Vec<T>, ApiError> {
        let (items, next) = page.into_page()?;
        if let Some(next) = &next
            && !self.given.insert(next.clone())
        {
            return Err(ApiError::Unreadable("a list that repeats its cursor"));
        }
        self.next = next.map(Some);
        Ok(items)
    }
}

/// A root list that is walked to its end, past objects that the shop cannot show.
pub struct Walk<'r, 'a> {
    reading: &'r Reading<'a>,
    query: Query,
    /// The same list with ids alone.
    lean: Query,
    root: &'static str,
    pages: Pages,
    /// The size of pages while something on them cannot be shown.
    items: Option<u32>,
    served: usize,
    passed: usize,
    failed: Option<ReadError>,
}

impl<'r, 'a> Walk<'r, 'a> {
    /// The list of this name, asked for by `query`. `lean` brings the same objects with their ids alone.
    #[must_use]
    pub fn new(reading: &'r Reading<'a>, query: Query, lean: Query, root: &'static str) -> Self {
        let pages = Pages::new();
        Self { reading, query, lean, root, pages, items: None, served: 0, passed: 0, failed: None }
    }

    /// The next objects; `None` at the end. An object that the shop fails to show even where it is alone on its page is
    /// named by `owner`, from its id, and passed over.
    ///
    /// # Errors
    /// When a page cannot be had, the list has no end, or so much cannot be shown that it is not for the objects' sake.
    pub async fn next(
        &mut self,
        variables: impl Fn(Option<String>) -> Value,
        owner: impl Fn(&str) -> Result<String, ReadError>,
    ) -> Result<Option<Vec<Raw>>, ReadError> {
        let reading = self.reading;
        loop {
            let Some(after) = self.pages.next()? else {
                // Of several objects not a single one: that is no matter of the objects.
                return match self.failed.take() {
                    Some(error) if self.served == 0 && self.passed > 1 => Err(error),
                    _ => Ok(None),
                };
            };
            let query = self.items.map_or(self.query, |items| self.query.at_most(items));
            let items = reading.shopify.client.page_size(reading.shop, query);
            match reading.ask_root::<Raw>(query, variables(after.clone()), self.root).await {
                Ok(page) => {
                    let taken = self.pages.take(page)?;
                    self.served += taken.len();
                    self.items = self.items.map(|items| items * 2).filter(|items| *items < LARGE_PAGE);
                    return Ok(Some(taken));
                }
                Err(error) if cannot_serve(&error) && items > 1 => self.items = Some(items / 2),
                Err(error) if cannot_serve(&error) => {
                    let variables = json!({ "after": after });
                    let page = reading.ask_root::<Raw>(self.lean.at_most(1), variables, self.root).await?;
                    for raw in self.pages.take(page)? {
                        self.passed += 1;
                        reading.pass_over(owner(raw.get())?, error.again())?;
                    }
                    self.failed = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Walk<'_, '_> {
    /// Asks with another shape of the query from now on, and for the last page once more.
    pub fn ask_again(&mut self, query: Query) {
        self.query = query;
        self.pages.go_back();
    }

    /// Asks with another shape of the query from now on.
    pub fn ask_on(&mut self, query: Query) {
        self.query = query;
    }
}

/// Whether the shop failed over what was asked for, and not altogether: less of it may go well.
#[must_use]
pub fn cannot_serve(error: &ReadError) -> bool {
    matches!(error, ReadError::Api(ApiError::Unavailable(code)) if code == INTERNAL_ERROR)
}

/// Whether a scope is missing for the whole query.
pub fn is_denied(error: &ReadError) -> bool {
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

/// A page of a nested list, all of which the shop could show.
fn parse_whole(text: &str) -> Result<Connection<Raw>, ReadError> {
    let page: Connection<Raw> = parse(text)?;
    if page.has_nulls() {
        return Err(ApiError::Unavailable(INTERNAL_ERROR.to_owned()).into());
    }
    Ok(page)
}

/// The id of an object.
///
/// # Errors
/// [`ApiError::Unreadable`] where it has none.
pub fn id_of(raw: &str) -> Result<String, ReadError> {
    let id = Object::parse(raw).and_then(|object| object.text("id").map(|id| id.into_owned()));
    Ok(id.filter(|id| !id.is_empty() && id.len() <= 200).ok_or(ApiError::Unreadable("an object without id"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(has_next: bool, cursor: Option<&str>) -> Connection<u8> {
        let info = json!({ "hasNextPage": has_next, "endCursor": cursor });
        serde_json::from_value(json!({ "nodes": [1], "pageInfo": info })).expect("a page")
    }

    #[test]
    fn a_list_ends_where_it_says_so_and_nowhere_else() {
        let mut pages = Pages::new();
        assert_eq!(pages.next(), Ok(Some(None)));
        assert_eq!(pages.take(page(true, Some("a"))), Ok(vec![1]));
        assert_eq!(pages.next(), Ok(Some(Some("a".to_owned()))));
        assert_eq!(pages.take(page(true, Some("b"))), Ok(vec![1]));
        pages.go_back();
        assert_eq!(pages.next(), Ok(Some(Some("a".to_owned()))), "the same page once more");
        assert_eq!(pages.take(page(true, Some("b"))), Ok(vec![1]));
        assert!(pages.take(page(true, Some("a"))).is_err(), "it goes round, however long the round is");
        for nowhere in [None, Some("")] {
            assert!(Pages::new().take(page(true, nowhere)).is_err(), "{nowhere:?}");
        }
        assert_eq!(pages.take(page(false, Some("a"))), Ok(vec![1]));
        assert_eq!(pages.next(), Ok(None));
    }
}
