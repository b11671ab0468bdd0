//! What a delivery or a poll causes: the shop, its products, discounts and collections are read, each list to its end.
//!
//! Nothing is replaced by a pass that did not read everything. One root connection per request: a missing scope then
//! costs only its own part.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::client::{Asked, Connection, Query};
use super::payload::{PRODUCT_GID, ShopDomain};
use super::subscriptions::{self, Asker, is_granted};
use super::{COLLECTIONS, DISCOUNTS, NAME, PRODUCTS, SHOP, Shopify, document, farewell, watch};
use crate::shared::api::{ApiError, Patience};
use crate::shared::journal::Record;
use crate::shared::{BoxFuture, FAREWELL, ReadError, Reader, WATCH};

/// No list has more pages than this; a server that says otherwise is broken.
const MAX_PAGES: usize = 100_000;

/// The code of a query for which a scope is missing.
const DENIED: &str = "ACCESS_DENIED";

/// Without it, variants come without their inventory items.
const STOCK_SCOPE: &str = "read_inventory";

/// Without it, stock comes without the names of its locations.
const LOCATIONS_SCOPE: &str = "read_locations";

/// Kinds of records.
pub(super) const PRODUCT: &str = "product";
const DISCOUNT: &str = "discount";
const COLLECTION: &str = "collection";

/// Reads shops.
pub struct ShopReader(pub Arc<Shopify>);

impl Reader for ShopReader {
    fn read_again<'a>(&'a self, account: &'a str, object: &'a str) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move {
            let shop = ShopDomain::parse(account).ok_or_else(|| anyhow::anyhow!("a stored account is no shop"))?;
            match object {
                WATCH => watch::run(&self.0, &shop).await,
                farewell if farewell.starts_with(FAREWELL) => farewell::look_into(&self.0, &shop, farewell).await,
                "" => Pass::new(&self.0, &shop).read(object).await,
                _ => {
                    watch::ensure_open(&self.0, &shop).await?;
                    Pass::new(&self.0, &shop).read(object).await
                }
            }
        })
    }

    fn unsubscribe<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move {
            let shop = ShopDomain::parse(account).ok_or_else(|| anyhow::anyhow!("a stored account is no shop"))?;
            subscriptions::delete_ours(&Asker::of_stored(&self.0, &shop)).await
        })
    }

    fn write_documents<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move {
            let shop = ShopDomain::parse(account).ok_or_else(|| anyhow::anyhow!("a stored account is no shop"))?;
            let pass = Pass::new(&self.0, &shop);
            pass.write_metadata().await?;
            pass.write_catalogue().await
        })
    }
}

/// The shop's own query.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShopInfo {
    /// The shop as the platform describes it.
    pub shop: Map<String, Value>,
    /// What was granted.
    pub current_app_installation: Option<Installation>,
}

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

/// One read of one shop.
struct Pass<'a> {
    shopify: &'a Shopify,
    shop: &'a ShopDomain,
    /// Scopes for want of which a part could not be read.
    denied: Mutex<BTreeSet<String>>,
    /// What the shop says was granted, once it was asked.
    access: Mutex<Option<Access>>,
}

/// What may be asked for below a product. A field without its scope is null, and takes everything above it along.
#[derive(Debug, Clone, Copy)]
struct Access {
    stock: bool,
    locations: bool,
}

impl Access {
    fn of(scopes: &[String]) -> Self {
        Self { stock: is_granted(STOCK_SCOPE, scopes), locations: is_granted(LOCATIONS_SCOPE, scopes) }
    }
}

/// A product under way: its node, and what belongs below it.
struct Product {
    node: Map<String, Value>,
    metafields: Vec<Value>,
    variants: Vec<Value>,
}

impl Product {
    fn into_record(self) -> Option<Record> {
        let Self { mut node, metafields, variants } = self;
        node.insert("metafields".to_owned(), document::edges(metafields));
        node.insert("variants".to_owned(), document::edges(variants));
        document::record(&Value::Object(node))
    }
}

impl<'a> Pass<'a> {
    fn new(shopify: &'a Shopify, shop: &'a ShopDomain) -> Self {
        Self { shopify, shop, denied: Mutex::default(), access: Mutex::default() }
    }

    async fn read(&self, object: &str) -> Result<(), ReadError> {
        match object {
            "" => {
                self.read_shop().await?;
                self.read_products().await?;
                self.read_discounts().await?;
                self.read_collections().await?;
                self.write_catalogue().await?;
                self.denied()
            }
            SHOP => self.read_shop().await,
            PRODUCTS => {
                self.read_products().await?;
                self.write_catalogue().await
            }
            DISCOUNTS => {
                self.read_discounts().await?;
                self.write_catalogue().await
            }
            COLLECTIONS => {
                self.read_collections().await?;
                self.write_catalogue().await
            }
            product if product.starts_with(PRODUCT_GID) => {
                match self.read_product(product).await {
                    // What a single query cannot give, the whole pass can.
                    Err(ReadError::Api(ApiError::Refused { .. } | ApiError::Unreadable(_))) => {
                        self.read_products().await?;
                    }
                    outcome => outcome?,
                }
                self.write_catalogue().await
            }
            _ => Err(anyhow::anyhow!("an unknown object of a shop is to be read").into()),
        }
    }

    async fn read_shop(&self) -> Result<(), ReadError> {
        self.report("the shop", 0);
        let info = self.ask_shop().await?;
        store_shop(self.shopify, self.shop, info.shop).await?;
        self.write_metadata().await
    }

    /// The shop, and with it what is granted at this moment: a merchant can change that without a new login.
    async fn ask_shop(&self) -> Result<ShopInfo, ReadError> {
        let info: ShopInfo = self.ask(Query::SHOP_INFO, json!({})).await?;
        watch::ensure_same_shop(self.shop, &info)?;
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

    async fn access(&self) -> Result<Access, ReadError> {
        loop {
            let access = *self.access.lock().unwrap_or_else(PoisonError::into_inner);
            match access {
                Some(access) => return Ok(access),
                None => self.ask_shop().await.map(drop)?,
            }
        }
    }

    /// All products with variants and stock.
    async fn read_products(&self) -> Result<(), ReadError> {
        let mut products: BTreeMap<String, Product> = BTreeMap::new();
        let mut pages = Pages::new();
        while let Some(after) = pages.next()? {
            let page: Connection<Map<String, Value>> =
                self.ask_root(Query::PRODUCT_PAGE, json!({ "after": after }), "products").await?;
            for node in pages.take(page) {
                let id = text_of(&node, "id")?;
                let product = self.product_of(node).await?;
                products.insert(id, product);
            }
            self.report("products", products.len());
        }

        let access = self.access().await?;
        let mut stock = if access.stock { self.read_stock(access).await? } else { HashMap::new() };
        let mut variants = 0;
        let mut pages = Pages::new();
        while let Some(after) = pages.next()? {
            let page: Connection<Map<String, Value>> = self
                .ask_root(Query::VARIANT_PAGE, json!({ "after": after, "stock": access.stock }), "productVariants")
                .await?;
            for mut node in pages.take(page) {
                let owner = node.remove("product").and_then(|product| product["id"].as_str().map(str::to_owned));
                let item = node.get("inventoryItem").and_then(|item| item["id"].as_str());
                let levels = item.and_then(|item| stock.remove(item));
                if let Some(Value::Object(item)) = node.get_mut("inventoryItem") {
                    item.insert("inventoryLevels".to_owned(), document::edges(levels.unwrap_or_default()));
                }
                variants += 1;
                // A variant of a product that came after the list of products was read: its own event brings it.
                if let Some(product) = owner.and_then(|owner| products.get_mut(&owner)) {
                    product.variants.push(Value::Object(node));
                }
            }
            self.report("variants", variants);
        }
        for product in products.values_mut() {
            sort_by_position(&mut product.variants);
        }
        let records: Option<Vec<Record>> = products.into_values().map(Product::into_record).collect();
        self.replace(PRODUCT, records).await
    }

    async fn product_of(&self, mut node: Map<String, Value>) -> Result<Product, ReadError> {
        let id = text_of(&node, "id")?;
        let first: Connection<Value> = parse(node.remove("metafields").unwrap_or_default())?;
        let metafields = self
            .rest(
                first,
                |after| (Query::METAFIELDS_OF_PRODUCT, json!({ "id": id, "after": after })),
                |data| data["product"]["metafields"].take(),
            )
            .await?;
        Ok(Product { node, metafields, variants: Vec::new() })
    }

    /// Stock by inventory item.
    async fn read_stock(&self, access: Access) -> Result<HashMap<String, Vec<Value>>, ReadError> {
        let mut stock = HashMap::new();
        let mut pages = Pages::new();
        while let Some(after) = pages.next()? {
            let variables = json!({ "after": after, "locations": access.locations });
            let page: Connection<Map<String, Value>> =
                self.ask_root(Query::STOCK_PAGE, variables, "inventoryItems").await?;
            for mut node in pages.take(page) {
                let id = text_of(&node, "id")?;
                let levels = node.remove("inventoryLevels").unwrap_or_default();
                let levels = self.levels_of(&id, levels, access).await?;
                stock.insert(id, levels);
            }
            self.report("stock", stock.len());
        }
        Ok(stock)
    }

    async fn levels_of(&self, item: &str, first: Value, access: Access) -> Result<Vec<Value>, ReadError> {
        let first: Connection<Value> = parse(first)?;
        self.rest(
            first,
            |after| (Query::LEVELS_OF_ITEM, json!({ "id": item, "after": after, "locations": access.locations })),
            |data| data["inventoryItem"]["inventoryLevels"].take(),
        )
        .await
    }

    /// One product with everything below it. A product that is gone is deleted.
    async fn read_product(&self, id: &str) -> Result<(), ReadError> {
        let connection = self.shopify.shared.connections.find(NAME, self.shop.as_str()).await?;
        let access = Access::of(&connection.map(|connection| connection.scopes).unwrap_or_default());
        let variables = |after: Option<String>| json!({ "id": id, "after": after, "stock": access.stock, "locations": access.locations });
        let Asked { mut data, denied } = self.ask_with_gaps::<Value>(Query::PRODUCT_BY_ID, variables(None)).await?;
        let node = match data.as_object_mut().and_then(|data| data.remove("product")) {
            Some(Value::Object(node)) => node,
            // Null for want of a scope that was taken away since the login.
            Some(Value::Null) if !denied.is_empty() => {
                return Err(ApiError::Refused { code: DENIED.to_owned() }.into());
            }
            // Null means gone. No such member means that this is no answer to the question.
            Some(Value::Null) => {
                self.shopify.shared.journal.delete_record(NAME, self.shop.as_str(), PRODUCT, id).await?;
                return self.correct_collections(id, None).await;
            }
            _ => return Err(ApiError::Unreadable("a product that is no object").into()),
        };
        let title = node.get("title").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut product = self.product_of(node).await?;
        let first: Connection<Value> = parse(product.node.remove("variants").unwrap_or_default())?;
        let mut variants = self
            .rest(first, |after| (Query::PRODUCT_BY_ID, variables(after)), |data| data["product"]["variants"].take())
            .await?;
        for variant in &mut variants {
            let Some(item) = variant["inventoryItem"]["id"].as_str().map(str::to_owned) else { continue };
            let levels = self.levels_of(&item, variant["inventoryItem"]["inventoryLevels"].take(), access).await?;
            variant["inventoryItem"]["inventoryLevels"] = document::edges(levels);
        }
        sort_by_position(&mut variants);
        product.variants = variants;
        let record = product.into_record().ok_or(ApiError::Unreadable("a product without id"))?;
        self.shopify.shared.journal.upsert_record(NAME, self.shop.as_str(), PRODUCT, record).await?;
        self.correct_collections(id, Some(title)).await
    }

    /// Collections list their products by title, and no event tells them that one was renamed or deleted (`None`).
    async fn correct_collections(&self, product: &str, title: Option<String>) -> Result<(), ReadError> {
        let journal = &self.shopify.shared.journal;
        for record in journal.list_records(NAME, self.shop.as_str(), COLLECTION).await? {
            if !record.payload.contains(product) {
                continue;
            }
            let mut collection: Value = serde_json::from_str(&record.payload).map_err(anyhow::Error::from)?;
            if let Some(edges) = collection["products"]["edges"].as_array_mut() {
                edges.retain(|edge| title.is_some() || edge["node"]["id"] != product);
                for edge in edges.iter_mut().filter(|edge| edge["node"]["id"] == product) {
                    edge["node"]["title"] = json!(title);
                }
            }
            let record = Record { id: record.id, payload: collection.to_string() };
            journal.upsert_record(NAME, self.shop.as_str(), COLLECTION, record).await?;
        }
        Ok(())
    }

    async fn read_discounts(&self) -> Result<(), ReadError> {
        let mut records = Vec::new();
        let mut pages = Pages::new();
        while let Some(after) = pages.next()? {
            let asked = self.ask_root(Query::DISCOUNT_PAGE, json!({ "after": after }), "discountNodes").await;
            let page: Connection<Map<String, Value>> = match asked {
                Err(error) if is_denied(&error) => {
                    self.deny(["read_discounts".to_owned()]);
                    return Ok(());
                }
                page => page?,
            };
            for mut node in pages.take(page) {
                let id = text_of(&node, "id")?;
                let Some(Value::Object(mut discount)) = node.remove("discount") else { continue };
                let codes = match discount.remove("codes") {
                    Some(first) => {
                        self.rest(
                            parse(first)?,
                            |after| (Query::CODES_OF_DISCOUNT, json!({ "id": id, "after": after })),
                            |data| data["discountNode"]["discount"]["codes"].take(),
                        )
                        .await?
                    }
                    None => Vec::new(),
                };
                records.push(document::record(&document::discount(&json!(id), discount, codes)));
            }
            self.report("discounts", records.len());
        }
        self.replace(DISCOUNT, records.into_iter().collect()).await
    }

    async fn read_collections(&self) -> Result<(), ReadError> {
        let mut records = Vec::new();
        let mut pages = Pages::new();
        while let Some(after) = pages.next()? {
            let page: Connection<Map<String, Value>> =
                self.ask_root(Query::COLLECTION_PAGE, json!({ "after": after }), "collections").await?;
            for mut node in pages.take(page) {
                let id = text_of(&node, "id")?;
                let ask = |after: Option<String>| (Query::PRODUCTS_OF_COLLECTION, json!({ "id": id, "after": after }));
                let products = |data: &mut Value| data["collection"]["products"].take();
                let (query, variables) = ask(None);
                let mut data = self.ask::<Value>(query, variables).await?;
                if data["collection"].is_null() {
                    // Deleted since the list was read.
                    continue;
                }
                let products = self.rest(parse(products(&mut data))?, ask, products).await?;
                node.insert("products".to_owned(), document::edges(products));
                records.push(document::record(&Value::Object(node)));
                self.report("collections", records.len());
            }
        }
        self.replace(COLLECTION, records.into_iter().collect()).await
    }

    /// The rest of a nested list, page by page: `ask` makes the question, `find` takes the list out of the answer.
    async fn rest(
        &self,
        first: Connection<Value>,
        ask: impl Fn(Option<String>) -> (Query, Value),
        find: impl Fn(&mut Value) -> Value,
    ) -> Result<Vec<Value>, ReadError> {
        let mut pages = Pages::new();
        pages.next()?;
        let mut all = pages.take(first);
        while let Some(after) = pages.next()? {
            let (query, variables) = ask(after);
            let mut data = self.ask::<Value>(query, variables).await?;
            all.extend(pages.take(parse(find(&mut data))?));
        }
        Ok(all)
    }

    /// Asks for one root connection.
    async fn ask_root<T: DeserializeOwned>(
        &self,
        query: Query,
        variables: Value,
        root: &str,
    ) -> Result<Connection<T>, ReadError> {
        let mut data = self.ask::<Value>(query, variables).await?;
        parse(data[root].take())
    }

    async fn ask<T: DeserializeOwned>(&self, query: Query, variables: Value) -> Result<T, ReadError> {
        Ok(self.ask_with_gaps(query, variables).await?.data)
    }

    /// Asks, and tells what was denied.
    async fn ask_with_gaps<T: DeserializeOwned>(&self, query: Query, variables: Value) -> Result<Asked<T>, ReadError> {
        let asked = self.shopify.ask(Patience::Background, self.shop, query, variables).await?;
        self.deny(asked.denied.iter().cloned());
        Ok(asked)
    }

    async fn replace(&self, kind: &'static str, records: Option<Vec<Record>>) -> Result<(), ReadError> {
        let records = records.ok_or(ApiError::Unreadable("an object without id"))?;
        self.shopify.shared.journal.replace_records(NAME, self.shop.as_str(), kind, records).await?;
        Ok(())
    }

    async fn write_metadata(&self) -> Result<(), ReadError> {
        let shared = &self.shopify.shared;
        if let Some(record) = shared.journal.list_records(NAME, self.shop.as_str(), SHOP).await?.first() {
            shared.output.write_in_background(document::metadata_path(self.shop)?, document::metadata(record)).await?;
        }
        Ok(())
    }

    async fn write_catalogue(&self) -> Result<(), ReadError> {
        let shared = &self.shopify.shared;
        let list = |kind| shared.journal.list_records(NAME, self.shop.as_str(), kind);
        let file = document::catalogue(&list(PRODUCT).await?, &list(DISCOUNT).await?, &list(COLLECTION).await?);
        shared.output.write_in_background(document::products_path(self.shop)?, file).await?;
        Ok(())
    }

    fn deny(&self, scopes: impl IntoIterator<Item = String>) {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).extend(scopes);
    }

    /// Tells what is missing, after everything else is stored.
    fn denied(&self) -> Result<(), ReadError> {
        let denied = std::mem::take(&mut *self.denied.lock().unwrap_or_else(PoisonError::into_inner));
        if denied.is_empty() {
            return Ok(());
        }
        let denied = denied.into_iter().collect::<Vec<_>>().join(", ");
        let reason = format!("a permission is missing ({denied}). Connect the shop again to give it.");
        Err(ApiError::PermissionMissing { code: DENIED.to_owned(), reason }.into())
    }

    fn report(&self, what: &str, done: usize) {
        self.shopify.shared.progress.report(NAME, self.shop.as_str(), what, done, None);
    }
}

/// Stores what is known of a shop.
///
/// # Errors
/// When the journal cannot be written.
pub async fn store_shop(shopify: &Shopify, shop: &ShopDomain, info: Map<String, Value>) -> Result<(), ReadError> {
    let record = Record { id: shop.as_str().to_owned(), payload: Value::Object(info).to_string() };
    shopify.shared.journal.replace_records(NAME, shop.as_str(), SHOP, vec![record]).await?;
    Ok(())
}

/// Walks a list to its end, and notices one that has none.
struct Pages {
    next: Option<Option<String>>,
    seen: usize,
}

impl Pages {
    fn new() -> Self {
        Self { next: Some(None), seen: 0 }
    }

    /// The cursor to ask with; `None` when the list is complete.
    #[allow(clippy::should_implement_trait, reason = "it can fail")]
    fn next(&mut self) -> Result<Option<Option<String>>, ApiError> {
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
    fn take<T>(&mut self, page: Connection<T>) -> Vec<T> {
        let (items, next) = page.into_page();
        let asked_with = self.next.take().flatten();
        // A cursor that repeats would go round for ever; `next` reports it.
        self.next = next.map(|next| (Some(&next) != asked_with.as_ref()).then_some(next));
        items
    }
}

fn sort_by_position(variants: &mut [Value]) {
    variants.sort_by_key(|variant| variant["position"].as_i64().unwrap_or(i64::MAX));
}

fn is_denied(error: &ReadError) -> bool {
    matches!(error, ReadError::Api(ApiError::Refused { code }) if code == DENIED)
}

fn parse<T: DeserializeOwned>(value: Value) -> Result<T, ReadError> {
    Ok(serde_json::from_value(value).map_err(|_| ApiError::Unreadable("a list has not the expected shape"))?)
}

fn text_of(node: &Map<String, Value>, name: &str) -> Result<String, ReadError> {
    Ok(node.get(name).and_then(Value::as_str).ok_or(ApiError::Unreadable("an object without id"))?.to_owned())
}
