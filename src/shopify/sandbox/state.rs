//! What the simulated platform knows: shops, their catalogues, tokens, scopes, subscriptions and bulk operations.
//!
//! Plain data and the rules that keep it consistent; who may see it is decided in `api` and `graphql`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Duration, SubsecRound, Utc};

/// Access tokens live one hour.
/// Source: <https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens>.
pub(super) const ACCESS_TOKEN_SECONDS: i64 = 3600;
/// Refresh tokens live 90 days.
pub(super) const REFRESH_TOKEN_SECONDS: i64 = 7_776_000;
/// A refresh token that was used, but whose successor was not, works for at most 30 days more.
const REFRESH_RETRY_DAYS: i64 = 30;

/// All shops and what concerns the app as a whole.
#[derive(Default)]
pub(super) struct World {
    pub shops: BTreeMap<String, ShopState>,
    pub auto_consent: bool,
    pub refuse_consent: bool,
    pub granted_scopes: Option<Vec<String>>,
    pub page_limit: Option<usize>,
    pub redirect_uris: Vec<String>,
    pub unknown_queries: Vec<String>,
    pub dearest_query: u64,
    pub points_spent: u64,
    pub throttled: u64,
    /// Result files of bulk operations by name.
    pub files: HashMap<String, String>,
    pub base_url: String,
    /// Codes are exchanged for tokens of the old kind, which do not expire, whatever is asked for.
    pub issues_old_tokens: bool,
    /// The Admin API takes tokens of the old kind, as it does for apps from before April 2026 until the end of the year.
    pub takes_old_tokens: bool,
    /// Answers of the token endpoint leave the lifetimes out.
    pub hides_lifetimes: bool,
    /// The token endpoint refuses the app's credentials.
    pub refuses_client: bool,
    /// Old domains of shops that were renamed.
    pub moved: BTreeMap<String, Moved>,
}

/// Where a shop went, and how its old domain answers.
pub(super) struct Moved {
    pub to: String,
    pub redirects: bool,
}

/// Why a shop does not serve the Admin API.
/// Source: <https://shopify.dev/docs/api/admin-graphql> ("Status and error codes").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// 402: the merchant owes Shopify money.
    Frozen,
    /// 423: Shopify has locked it.
    Locked,
    /// 403: Shopify suspects fraud.
    Forbidden,
    /// 200 with the error code `SHOP_INACTIVE`.
    Inactive,
    /// 404: there is no such shop any more.
    Deleted,
}

/// A code that was handed out and waits for its exchange.
pub(super) struct Code {
    pub scopes: Vec<String>,
    pub used: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenCheck {
    Good,
    /// A non-expiring token, which the Admin API refuses with 403.
    NonExpiring,
    Dead,
}

struct AccessToken {
    value: String,
    /// `None` for the non-expiring kind.
    expires_at: Option<DateTime<Utc>>,
    dead: bool,
}

struct RefreshToken {
    value: String,
    expires_at: DateTime<Utc>,
    first_used_at: Option<DateTime<Utc>>,
    /// The token that was used to get this one.
    parent: Option<String>,
    dead: bool,
}

/// A fresh pair of tokens, as the token endpoint answers it.
pub(super) struct Issued {
    pub access_token: String,
    pub refresh_token: Option<String>,
}

/// A webhook subscription that the app made through the API.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// The number in `gid://shopify/WebhookSubscription/…`.
    pub id: u64,
    /// The topic as it stands in the header: `products/update`.
    pub topic: String,
    /// Where deliveries go.
    pub uri: String,
    /// The API version of the request that created it, which is the version of its payloads.
    pub api_version: String,
    pub(super) name: Option<String>,
    pub(super) filter: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    /// Failed deliveries in a row; after eight the platform deletes the subscription.
    pub(super) failures: u32,
}

pub(super) struct BulkState {
    pub id: u64,
    pub query: String,
    /// Whether children stand below their parents in the result.
    pub grouped: bool,
    pub status: &'static str,
    pub error_code: Option<&'static str>,
    pub objects: usize,
    pub root_objects: usize,
    pub file_size: usize,
    pub url: Option<String>,
    pub created_at: DateTime<Utc>,
    pub completed_at: Option<DateTime<Utc>>,
}

impl BulkState {
    pub fn is_active(&self) -> bool {
        matches!(self.status, "CREATED" | "RUNNING")
    }
}

#[derive(Clone)]
pub(super) struct MetafieldState {
    pub id: u64,
    pub namespace: String,
    pub key: String,
    pub kind: String,
    pub value: String,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone)]
pub(super) struct PictureState {
    pub id: u64,
    pub url: String,
    pub alt: Option<String>,
    /// In pixels.
    pub width: u32,
    pub height: u32,
}

#[derive(Clone)]
pub(super) struct VariantState {
    pub id: u64,
    pub item_id: u64,
    pub title: String,
    pub sku: Option<String>,
    pub barcode: Option<String>,
    pub price: String,
    pub compare_at_price: Option<String>,
    /// Available pieces by location.
    pub stock: BTreeMap<u64, i64>,
    pub stock_updated_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl VariantState {
    pub fn available(&self) -> i64 {
        self.stock.values().sum()
    }
}

#[derive(Clone)]
pub(super) struct ProductState {
    pub id: u64,
    pub title: String,
    pub handle: String,
    pub status: String,
    pub description: String,
    pub product_type: String,
    pub vendor: String,
    pub tags: Vec<String>,
    pub variants: Vec<VariantState>,
    pub metafields: Vec<MetafieldState>,
    /// In the merchant's order.
    pub pictures: Vec<PictureState>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

pub(super) struct CollectionState {
    pub id: u64,
    pub title: String,
    pub handle: String,
    pub description: String,
    pub products: BTreeSet<u64>,
    pub updated_at: DateTime<Utc>,
}

pub(super) struct DiscountState {
    pub id: u64,
    /// The GraphQL type: `DiscountCodeBasic`, `DiscountAutomaticApp`, …
    pub kind: String,
    pub title: String,
    pub status: String,
    /// A fraction: 0.1 is ten per cent.
    pub percentage: f64,
    pub codes: Vec<(u64, String)>,
    /// The type of `context`: `DiscountBuyerSelectionAll` is open to everybody.
    pub context: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl DiscountState {
    pub fn is_code(&self) -> bool {
        self.kind.starts_with("DiscountCode")
    }

    pub fn gid(&self) -> String {
        gid(if self.is_code() { "DiscountCodeNode" } else { "DiscountAutomaticNode" }, self.id)
    }
}

pub(super) struct LocationState {
    pub id: u64,
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The points that a shop may still spend.
pub(super) struct Bucket {
    pub maximum: f64,
    pub restore_rate: f64,
    pub available: f64,
    pub read_at: DateTime<Utc>,
}

impl Bucket {
    /// Adds what was restored since the last look.
    pub fn restore(&mut self, now: DateTime<Utc>) {
        let millis = (now - self.read_at).num_milliseconds();
        if millis > 0 {
            #[allow(clippy::cast_precision_loss)]
            let restored = millis as f64 / 1000.0 * self.restore_rate;
            self.available = (self.available + restored).min(self.maximum);
            self.read_at = now;
        }
    }
}

/// Changes the text of a file.
pub(super) type Spoil = Box<dyn Fn(&str) -> String + Send>;

/// What is wrong with a list, on purpose.
/// Source: none; the documents promise none of this, and a client has to survive all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListLie {
    /// A page says that there is more, and its `endCursor` is null.
    NoCursor,
    /// Every page after the first one ends with the cursor that it was asked with, and says that there is more.
    SameCursor,
    /// The list ends after so many items, as if there were no more.
    Ends(usize),
    /// Every page after the first one begins one item early: an item comes twice.
    Doubles,
    /// Every page after the first one begins one item late: an item is missing.
    Skips,
    /// A list without a `sortKey` has another order with each page that is asked for.
    Moves,
}

/// How far the platform can show an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unservable {
    /// More than its id, title and time ends in an internal error, on any page and by its id.
    Wholly,
    /// It can be shown where it is the only one on its page.
    AmongOthers,
}

/// What a shop gets wrong, on purpose.
#[derive(Default)]
pub(super) struct Lies {
    /// By type and field, or by the field alone: `Collection.products`, `codes`.
    pub lists: BTreeMap<String, ListLie>,
    /// Numbers and their precision, by the name of the field; `None`: it is null.
    pub counts: BTreeMap<String, Option<(u64, &'static str)>>,
    /// By global id.
    pub unservable: BTreeMap<String, Unservable>,
    /// How many pages of moving lists were asked for.
    pub turns: usize,
}

/// One shop.
pub(super) struct ShopState {
    pub id: u64,
    pub domain: String,
    pub name: String,
    pub currency: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub installed: bool,
    /// Scopes of the latest grant.
    pub scopes: Vec<String>,
    pub codes: HashMap<String, Code>,
    access_tokens: Vec<AccessToken>,
    refresh_tokens: Vec<RefreshToken>,
    pub products: BTreeMap<u64, ProductState>,
    /// Which product a variant belongs to.
    pub variant_product: BTreeMap<u64, u64>,
    /// Which variant an inventory item belongs to.
    pub item_variant: BTreeMap<u64, u64>,
    pub collections: BTreeMap<u64, CollectionState>,
    pub discounts: BTreeMap<u64, DiscountState>,
    pub locations: BTreeMap<u64, LocationState>,
    pub subscriptions: Vec<Subscription>,
    /// The version of the app's deliveries, which no subscription changes.
    pub webhook_version: Option<String>,
    /// A deletion of one of them is answered with success, and changes nothing.
    pub clings: bool,
    /// What was subscribed at the moment of the uninstallation: there the last message goes.
    pub farewell: Vec<Subscription>,
    pub bulks: Vec<BulkState>,
    /// The error code with which the next bulk operation ends.
    pub failing_bulk: Option<&'static str>,
    /// The status with which the next bulk operation ends instead.
    pub ending_bulk: Option<&'static str>,
    /// What becomes of the file of the next bulk operation.
    pub spoiling_bulk: Option<Spoil>,
    /// Whether running bulk operations do not end.
    pub holding_bulk: bool,
    /// Whether bulk operations that were created do not begin.
    pub stalling_bulk: bool,
    /// How many more bulk operations may end while they are held.
    pub releasing_bulk: usize,
    pub lies: Lies,
    pub bucket: Bucket,
    pub closed: Option<Closed>,
    next_ids: HashMap<&'static str, u64>,
}

impl ShopState {
    pub fn new(id: u64, domain: &str, name: &str, now: DateTime<Utc>) -> Self {
        let mut shop = Self {
            id,
            domain: domain.to_owned(),
            name: name.to_owned(),
            currency: "EUR".to_owned(),
            created_at: whole(now),
            updated_at: whole(now),
            installed: false,
            scopes: Vec::new(),
            codes: HashMap::new(),
            access_tokens: Vec::new(),
            refresh_tokens: Vec::new(),
            products: BTreeMap::new(),
            variant_product: BTreeMap::new(),
            item_variant: BTreeMap::new(),
            collections: BTreeMap::new(),
            discounts: BTreeMap::new(),
            locations: BTreeMap::new(),
            subscriptions: Vec::new(),
            webhook_version: None,
            clings: false,
            farewell: Vec::new(),
            bulks: Vec::new(),
            failing_bulk: None,
            ending_bulk: None,
            spoiling_bulk: None,
            holding_bulk: false,
            stalling_bulk: false,
            releasing_bulk: 0,
            lies: Lies::default(),
            bucket: Bucket { maximum: 2000.0, restore_rate: 100.0, available: 2000.0, read_at: now },
            closed: None,
            next_ids: HashMap::new(),
        };
        shop.add_location("Main", now);
        shop
    }

    /// The next id of this type. Products, collections and discounts lie above 2^53, where a float would lose digits.
    pub fn next_id(&mut self, ty: &'static str) -> u64 {
        let first = match ty {
            "Product" => 9_007_199_254_740_993,
            "Collection" => 9_007_199_254_800_001,
            "Discount" => 9_007_199_254_900_001,
            "ProductVariant" => 41,
            "InventoryItem" => 1_077,
            "Location" => 5,
            _ => 101,
        };
        let next = self.next_ids.entry(ty).or_insert(first);
        let id = *next;
        *next += 1;
        id
    }

    pub fn add_location(&mut self, name: &str, now: DateTime<Utc>) -> u64 {
        let id = self.next_id("Location");
        let now = whole(now);
        self.locations.insert(id, LocationState { id, name: name.to_owned(), created_at: now, updated_at: now });
        id
    }

    /// Adds a product with one variant, "Default Title", 10.00, 5 in stock at the first location.
    pub fn add_product(&mut self, title: &str, now: DateTime<Utc>) -> u64 {
        let id = self.next_id("Product");
        let now = whole(now);
        let mut handle = slug(title);
        if self.products.values().any(|product| product.handle == handle) {
            handle = format!("{handle}-{id}");
        }
        let product = ProductState {
            id,
            title: title.to_owned(),
            handle,
            status: "ACTIVE".to_owned(),
            description: format!("About {title}."),
            product_type: "Goods".to_owned(),
            vendor: self.name.clone(),
            tags: vec!["new".to_owned()],
            variants: Vec::new(),
            metafields: Vec::new(),
            pictures: Vec::new(),
            created_at: now,
            updated_at: now,
        };
        self.products.insert(id, product);
        self.add_variant(id, "Default Title", "10.00", now);
        id
    }

    /// Adds a variant, 5 in stock at the first location. Does nothing if the product is gone.
    pub fn add_variant(&mut self, product: u64, title: &str, price: &str, now: DateTime<Utc>) {
        if !self.products.contains_key(&product) {
            return;
        }
        let id = self.next_id("ProductVariant");
        let item_id = self.next_id("InventoryItem");
        let now = whole(now);
        let stock = self.locations.keys().next().map(|location| (*location, 5)).into_iter().collect();
        let variant = VariantState {
            id,
            item_id,
            title: title.to_owned(),
            sku: Some(format!("SKU-{id}")),
            barcode: None,
            price: price.to_owned(),
            compare_at_price: None,
            stock,
            stock_updated_at: now,
            created_at: now,
            updated_at: now,
        };
        self.variant_product.insert(id, product);
        self.item_variant.insert(item_id, id);
        if let Some(product) = self.products.get_mut(&product) {
            product.variants.push(variant);
            product.updated_at = now;
        }
    }

    pub fn delete_product(&mut self, id: u64) {
        let Some(product) = self.products.remove(&id) else { return };
        for variant in product.variants {
            self.variant_product.remove(&variant.id);
            self.item_variant.remove(&variant.item_id);
        }
        for collection in self.collections.values_mut() {
            collection.products.remove(&id);
        }
    }

    pub fn variant(&self, id: u64) -> Option<(&ProductState, &VariantState)> {
        let product = self.products.get(self.variant_product.get(&id)?)?;
        Some((product, product.variants.iter().find(|variant| variant.id == id)?))
    }

    pub fn item(&self, id: u64) -> Option<&VariantState> {
        self.variant(*self.item_variant.get(&id)?).map(|(_, variant)| variant)
    }

    /// Whether the app may do what `scope` allows. A `write_x` grant implies `read_x`.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| {
            granted == scope
                || matches!((granted.strip_prefix("write_"), scope.strip_prefix("read_")), (Some(a), Some(b)) if a == b)
        })
    }

    /// Makes a new access token, and with `expiring` a refresh token beside it.
    pub fn issue(
        &mut self,
        expiring: bool,
        parent: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<Issued, getrandom::Error> {
        let access_token = format!("shpat_{}", random_hex()?);
        let refresh_token = if expiring { Some(format!("shprt_{}", random_hex()?)) } else { None };
        self.access_tokens.push(AccessToken {
            value: access_token.clone(),
            expires_at: expiring.then(|| now + Duration::seconds(ACCESS_TOKEN_SECONDS)),
            dead: false,
        });
        if let Some(value) = refresh_token.clone() {
            let expires_at = now + Duration::seconds(REFRESH_TOKEN_SECONDS);
            self.refresh_tokens.push(RefreshToken { value, expires_at, first_used_at: None, parent, dead: false });
        }
        Ok(Issued { access_token, refresh_token })
    }

    /// Takes a refresh token: false if it does not work any more.
    ///
    /// The used token keeps working until its successor is used first, at most 30 days after its first use and never
    /// past its own 90 days, so that a lost answer can be asked for again.
    pub fn use_refresh_token(&mut self, value: &str, now: DateTime<Utc>) -> bool {
        let Some(token) = self.refresh_tokens.iter_mut().find(|token| token.value == value) else { return false };
        let retry_over = token.first_used_at.is_some_and(|first| now >= first + Duration::days(REFRESH_RETRY_DAYS));
        if token.dead || now >= token.expires_at || retry_over {
            return false;
        }
        token.first_used_at.get_or_insert(now);
        let mut ancestor = token.parent.clone();
        while let Some(value) = ancestor {
            let Some(token) = self.refresh_tokens.iter_mut().find(|token| token.value == value) else { break };
            token.dead = true;
            ancestor = token.parent.clone();
        }
        true
    }

    /// Takes a non-expiring token out of use, for its exchange against an expiring one: false if there is no such.
    pub fn use_non_expiring_token(&mut self, value: &str) -> bool {
        let found = self
            .access_tokens
            .iter_mut()
            .find(|token| token.value == value && token.expires_at.is_none() && !token.dead);
        found.map(|token| token.dead = true).is_some()
    }

    pub fn check_token(&self, value: &str, now: DateTime<Utc>, takes_old: bool) -> TokenCheck {
        match self.access_tokens.iter().find(|token| token.value == value && !token.dead) {
            Some(AccessToken { expires_at: None, .. }) if takes_old => TokenCheck::Good,
            Some(AccessToken { expires_at: None, .. }) => TokenCheck::NonExpiring,
            Some(AccessToken { expires_at: Some(at), .. }) if now < *at => TokenCheck::Good,
            _ => TokenCheck::Dead,
        }
    }

    pub fn kill_access_tokens(&mut self) {
        self.access_tokens.iter_mut().for_each(|token| token.dead = true);
    }

    pub fn kill_refresh_tokens(&mut self) {
        self.refresh_tokens.iter_mut().for_each(|token| token.dead = true);
    }

    /// Everything secret that was ever handed out for this shop.
    pub fn secrets(&self) -> Vec<String> {
        let access = self.access_tokens.iter().map(|token| token.value.clone());
        access.chain(self.refresh_tokens.iter().map(|token| token.value.clone())).collect()
    }

    pub fn uninstall(&mut self) {
        self.kill_access_tokens();
        self.kill_refresh_tokens();
        self.codes.clear();
        self.farewell = std::mem::take(&mut self.subscriptions);
        self.installed = false;
    }
}

/// A global id: `gid://shopify/Product/1`.
pub(super) fn gid(ty: &str, id: u64) -> String {
    format!("gid://shopify/{ty}/{id}")
}

/// The type and the number in a global id; a query (`?inventory_item_id=…`) is ignored.
pub(super) fn parse_gid(text: &str) -> Option<(&str, u64)> {
    let (ty, id) = text.strip_prefix("gid://shopify/")?.split_once('/')?;
    let id = id.split_once('?').map_or(id, |(id, _)| id);
    Some((ty, id.parse().ok()?))
}

/// Shopify's times have whole seconds.
pub(super) fn whole(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(0)
}

/// 16 random bytes as lower-case hex.
pub(super) fn random_hex() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// `Green tea` becomes `green-tea`.
pub(super) fn slug(title: &str) -> String {
    let text: String = title.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    text.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// `PRODUCTS_UPDATE` becomes `products/update`.
pub(super) fn topic_of_enum(value: &str) -> String {
    let lower = value.to_ascii_lowercase();
    let resource = ["inventory_levels", "inventory_items", "bulk_operations", "product_listings"]
        .into_iter()
        .find(|prefix| lower.starts_with(&format!("{prefix}_")));
    match (resource, lower.split_once('_')) {
        (Some(resource), _) => format!("{resource}/{}", &lower[resource.len() + 1..]),
        (None, Some((resource, event))) => format!("{resource}/{event}"),
        (None, None) => lower,
    }
}

/// `products/update` becomes `PRODUCTS_UPDATE`.
pub(super) fn enum_of_topic(topic: &str) -> String {
    topic.to_ascii_uppercase().replace('/', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> (ShopState, DateTime<Utc>) {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        (ShopState::new(1, "demo.myshopify.com", "Demo", now), now)
    }

    #[test]
    fn topics_survive_the_way_to_the_enum_and_back() {
        for topic in [
            "products/update",
            "inventory_levels/update",
            "discounts/redeemcode_added",
            "app/scopes_update",
            "bulk_operations/finish",
        ] {
            assert_eq!(topic_of_enum(&enum_of_topic(topic)), topic);
        }
    }

    #[test]
    fn an_old_refresh_token_works_until_the_new_one_is_used() {
        let (mut shop, now) = shop();
        let first = shop.issue(true, None, now).unwrap().refresh_token.unwrap();
        assert!(shop.use_refresh_token(&first, now));
        let second = shop.issue(true, Some(first.clone()), now).unwrap().refresh_token.unwrap();
        assert!(shop.use_refresh_token(&first, now + Duration::days(29)), "a lost answer can be asked for again");
        assert!(!shop.use_refresh_token(&first, now + Duration::days(30)));
        let third = shop.issue(true, Some(second.clone()), now).unwrap().refresh_token.unwrap();
        assert!(shop.use_refresh_token(&third, now));
        assert!(!shop.use_refresh_token(&second, now));
        assert!(!shop.use_refresh_token(&third, now + Duration::days(90)));
    }

    #[test]
    fn a_write_scope_implies_its_read_scope_and_no_other() {
        let (mut shop, _) = shop();
        shop.scopes = vec!["write_products".to_owned()];
        assert!(shop.has_scope("read_products"));
        assert!(!shop.has_scope("read_inventory"));
    }
}
