//! Handles that move a simulated shop, and the bodies of its webhooks. Its products are in `product`.
//!
//! A handle of something that was deleted stays harmless: changes do nothing, reads are empty.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::nodes::{self, Node};
use super::state::{Closed, DiscountState, ListLie, Moved, ShopState, Subscription, Unservable, gid, parse_gid, whole};
use super::{Core, lists};

/// One shop of the platform. Cheap to clone.
#[derive(Clone)]
pub struct Shop {
    pub(super) core: Arc<Core>,
    domain: String,
}

impl Shop {
    pub(super) fn new(core: Arc<Core>, domain: &str) -> Self {
        Self { core, domain: domain.to_owned() }
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&ShopState) -> T) -> Option<T> {
        self.core.world().shops.get(&self.domain).map(look)
    }

    pub(super) fn change<T>(&self, act: impl FnOnce(&mut ShopState, DateTime<Utc>) -> T) -> Option<T> {
        let now = self.core.now();
        self.core.world().shops.get_mut(&self.domain).map(|shop| act(shop, now))
    }

    /// `demo.myshopify.com`.
    #[must_use]
    pub fn domain(&self) -> String {
        self.domain.clone()
    }

    /// The number in `gid://shopify/Shop/…`, which compliance webhooks carry as `shop_id`.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.read(|shop| shop.id).unwrap_or(0)
    }

    /// Changes a collection's title; the handle stays.
    pub fn rename_collection(&self, collection: &str, title: &str) {
        self.change(|shop, now| {
            let found = parse_gid(collection).and_then(|(_, id)| shop.collections.get_mut(&id));
            if let Some(collection) = found {
                collection.title = title.to_owned();
                collection.updated_at = whole(now);
            }
        });
    }

    /// Deletes a collection; its products stay.
    pub fn delete_collection(&self, collection: &str) {
        self.change(|shop, _| parse_gid(collection).and_then(|(_, id)| shop.collections.remove(&id)));
    }

    /// Adds an active `DiscountCodeBasic` that is open to everybody. `percentage` is a fraction: 0.1 is ten per cent.
    /// Returns its global id.
    pub fn add_code_discount(&self, title: &str, codes: &[&str], percentage: f64) -> String {
        self.add_discount("DiscountCodeBasic", title, codes, percentage)
    }

    /// Adds an active `DiscountAutomaticBasic` and returns its global id.
    pub fn add_automatic_discount(&self, title: &str, percentage: f64) -> String {
        self.add_discount("DiscountAutomaticBasic", title, &[], percentage)
    }

    /// Adds a discount of any GraphQL type (`DiscountCodeBxgy`, `DiscountAutomaticFreeShipping`, …). A `percentage`
    /// above 1 makes it an amount of money. Returns its global id.
    pub fn add_discount(&self, kind: &str, title: &str, codes: &[&str], percentage: f64) -> String {
        let made = self.change(|shop, now| {
            let id = shop.next_id("Discount");
            let codes = codes.iter().map(|code| (shop.next_id("DiscountRedeemCode"), (*code).to_owned())).collect();
            let discount = DiscountState {
                id,
                kind: kind.to_owned(),
                title: title.to_owned(),
                status: "ACTIVE".to_owned(),
                percentage,
                codes,
                context: "DiscountBuyerSelectionAll".to_owned(),
                created_at: whole(now),
                updated_at: whole(now),
            };
            let gid = discount.gid();
            shop.discounts.insert(id, discount);
            gid
        });
        made.unwrap_or_default()
    }

    /// Sets a discount's `status`: ACTIVE, EXPIRED or SCHEDULED.
    pub fn set_discount_status(&self, discount: &str, status: &str) {
        self.change_discount(discount, |discount| discount.status = status.to_owned());
    }

    /// Sets whom a discount is for, by the type of its `context`: `DiscountCustomers`, `DiscountCustomerSegments`, …
    pub fn set_discount_context(&self, discount: &str, context: &str) {
        self.change_discount(discount, |discount| discount.context = context.to_owned());
    }

    /// Adds a code to a discount.
    pub fn add_discount_code(&self, discount: &str, code: &str) {
        let id = self.change(|shop, _| shop.next_id("DiscountRedeemCode")).unwrap_or(0);
        self.change_discount(discount, |discount| discount.codes.push((id, code.to_owned())));
    }

    /// Deletes a discount.
    pub fn delete_discount(&self, discount: &str) {
        self.change(|shop, _| parse_gid(discount).and_then(|(_, id)| shop.discounts.remove(&id)));
    }

    fn change_discount(&self, discount: &str, act: impl FnOnce(&mut DiscountState)) {
        self.change(|shop, now| {
            let found = parse_gid(discount).and_then(|(_, id)| shop.discounts.get_mut(&id));
            if let Some(discount) = found {
                act(discount);
                discount.updated_at = whole(now);
            }
        });
    }

    /// Adds a location and returns its global id. Nothing is in stock there yet.
    pub fn add_location(&self, name: &str) -> String {
        self.change(|shop, now| gid("Location", shop.add_location(name, now))).unwrap_or_default()
    }

    /// Changes the shop's display name.
    pub fn rename(&self, name: &str) {
        self.change(|shop, now| {
            shop.name = name.to_owned();
            shop.updated_at = whole(now);
        });
    }

    /// From now on 401 for every access token issued so far, and `invalid_grant` for every refresh token.
    pub fn revoke_token(&self) {
        self.change(|shop, _| {
            shop.kill_access_tokens();
            shop.kill_refresh_tokens();
        });
    }

    /// From now on 401 for every access token issued so far; refresh tokens keep working.
    pub fn expire_access_token(&self) {
        self.change(|shop, _| shop.kill_access_tokens());
    }

    /// Removes the app: all tokens are dead, all subscriptions gone. Sends nothing; see [`Shop::deliver`].
    pub fn uninstall(&self) {
        self.change(|shop, _| shop.uninstall());
    }

    /// Closes the shop to the Admin API in this way, or opens it again.
    pub fn close(&self, closed: Option<Closed>) {
        self.change(|shop, _| shop.closed = closed);
    }

    /// Gives the shop another domain and returns its new handle; this one is empty from then on. Requests to the old
    /// domain are answered for the new one or, with `redirects`, sent there with 301. Which of the two the true platform
    /// does is not documented.
    #[must_use]
    pub fn move_to(&self, domain: &str, redirects: bool) -> Self {
        let mut world = self.core.world();
        if let Some(mut shop) = world.shops.remove(&self.domain) {
            domain.clone_into(&mut shop.domain);
            world.shops.insert(domain.to_owned(), shop);
            world.moved.insert(self.domain.clone(), Moved { to: domain.to_owned(), redirects });
        }
        drop(world);
        Self::new(Arc::clone(&self.core), domain)
    }

    /// The app's deliveries come in this version, whatever its subscriptions are made or changed with.
    pub fn set_webhook_version(&self, version: &str) {
        self.change(|shop, _| shop.webhook_version = Some(version.to_owned()));
    }

    /// Subscribes a topic (`products/update`) to an address, as another installation of the app would.
    pub fn subscribe(&self, topic: &str, uri: &str, api_version: &str) {
        self.change(|shop, now| {
            let id = shop.next_id("WebhookSubscription");
            shop.subscriptions.push(Subscription {
                id,
                topic: topic.to_owned(),
                uri: uri.to_owned(),
                api_version: api_version.to_owned(),
                name: None,
                filter: None,
                created_at: whole(now),
                updated_at: whole(now),
                failures: 0,
            });
        });
    }

    /// Installs the app with these scopes as a login would, and gives the access token and, with `expiring`, the refresh
    /// token: for tests that begin after the login.
    #[must_use]
    pub fn install(&self, scopes: &[&str], expiring: bool) -> (String, Option<String>) {
        let issued = self.change(|shop, now| {
            shop.scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            shop.installed = true;
            shop.issue(expiring, None, now)
        });
        issued.and_then(Result::ok).map_or_else(Default::default, |issued| (issued.access_token, issued.refresh_token))
    }

    /// Whether a code was exchanged and the app was not uninstalled since.
    #[must_use]
    pub fn installed(&self) -> bool {
        self.read(|shop| shop.installed).unwrap_or(false)
    }

    /// Scopes of the latest grant.
    #[must_use]
    pub fn granted_scopes(&self) -> Vec<String> {
        self.read(|shop| shop.scopes.clone()).unwrap_or_default()
    }

    /// Changes what the installed app may do, as a merchant can do it without a new login.
    pub fn change_scopes(&self, scopes: &[&str]) {
        self.change(|shop, _| shop.scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect());
    }

    /// Sets the bucket, which is full then: its size in points, and the points that come back each second. At first
    /// 2,000 and 100.
    pub fn set_throttle(&self, maximum_available: f64, restore_rate: f64) {
        self.change(|shop, now| {
            shop.bucket.maximum = maximum_available;
            shop.bucket.available = maximum_available;
            shop.bucket.restore_rate = restore_rate;
            shop.bucket.read_at = now;
        });
    }

    /// The next bulk operation to end fails with this code: ACCESS_DENIED, INTERNAL_SERVER_ERROR or TIMEOUT.
    pub fn fail_next_bulk(&self, error_code: &'static str) {
        self.change(|shop, _| shop.failing_bulk = Some(error_code));
    }

    /// The next bulk operation to end has this status: EXPIRED or CANCELED.
    pub fn end_next_bulk(&self, status: &'static str) {
        self.change(|shop, _| shop.ending_bulk = Some(status));
    }

    /// The file of the next bulk operation to end holds what `spoil` makes of it; its size is told as before.
    pub fn spoil_next_bulk(&self, spoil: impl Fn(&str) -> String + Send + 'static) {
        self.change(|shop, _| shop.spoiling_bulk = Some(Box::new(spoil)));
    }

    /// Whether running bulk operations go on running, however often they are looked at.
    pub fn hold_bulk(&self, yes: bool) {
        self.change(|shop, _| shop.holding_bulk = yes);
    }

    /// Lets one more bulk operation end, the oldest that runs, while they are held.
    pub fn release_one_bulk(&self) {
        self.change(|shop, _| shop.releasing_bulk += 1);
    }

    /// Whether bulk operations that were created do not begin, however often they are looked at.
    pub fn stall_bulk(&self, yes: bool) {
        self.change(|shop, _| shop.stalling_bulk = yes);
    }

    /// From now on this list is wrong in this way; `None`: it is right again. The list is named by type and field
    /// (`Collection.products`) or by its field alone (`codes`), bulk operations included.
    pub fn lie_in_list(&self, list: &str, lie: Option<ListLie>) {
        self.change(|shop, _| match lie {
            Some(lie) => shop.lies.lists.insert(list.to_owned(), lie),
            None => shop.lies.lists.remove(list),
        });
    }

    /// From now on this field (`productsCount`) tells this number with this precision, EXACT or AT_LEAST; `None`: it tells
    /// the truth again.
    pub fn lie_in_count(&self, field: &str, lie: Option<(u64, &'static str)>) {
        self.change(|shop, _| match lie {
            Some(lie) => shop.lies.counts.insert(field.to_owned(), Some(lie)),
            None => shop.lies.counts.remove(field),
        });
    }

    /// From now on this field (`productsCount`) is null, as in an answer in part.
    pub fn tell_no_count(&self, field: &str) {
        self.change(|shop, _| shop.lies.counts.insert(field.to_owned(), None));
    }

    /// From now on this object, given by its global id, can be shown only so far; `None`: it can be shown again.
    pub fn cannot_serve(&self, gid: &str, how: Option<Unservable>) {
        self.change(|shop, _| match how {
            Some(how) => shop.lies.unservable.insert(gid.to_owned(), how),
            None => shop.lies.unservable.remove(gid),
        });
    }

    /// All bulk operations, oldest first, with the field names of GraphQL. Looking here does not move them on.
    #[must_use]
    pub fn bulk_operations(&self) -> Vec<Value> {
        let values = self.read(|shop| {
            let nodes = shop.bulks.iter().filter_map(|bulk| nodes::node(shop, "BulkOperation", bulk.id, 0));
            nodes.map(|node| node.value).collect()
        });
        values.unwrap_or_default()
    }

    /// What the app has subscribed.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<Subscription> {
        self.read(|shop| shop.subscriptions.clone()).unwrap_or_default()
    }

    /// From now on the deletion of a subscription is answered with success, and changes nothing.
    pub fn cling(&self) {
        self.change(|shop, _| shop.clings = true);
    }

    /// Deletes the subscriptions of this topic (`products/update`), as the platform does after eight failures.
    pub fn drop_subscription(&self, topic: &str) {
        self.change(|shop, _| shop.subscriptions.retain(|one| one.topic != topic));
    }

    /// The body of `shop/update` and `app/uninstalled`.
    #[must_use]
    pub fn webhook(&self) -> Value {
        let body = self.read(|shop| {
            json!({"id": shop.id, "name": shop.name, "email": format!("owner@{}", shop.domain),
                "myshopify_domain": shop.domain, "domain": shop.domain, "currency": shop.currency,
                "plan_name": "basic", "created_at": nodes::rest_time(shop.created_at), "updated_at": nodes::rest_time(shop.updated_at)})
        });
        body.unwrap_or(Value::Null)
    }

    /// The whole catalogue as the platform knows it, for comparing: every list complete, field names as in GraphQL.
    #[must_use]
    pub fn truth(&self) -> Value {
        self.read(truth).unwrap_or(Value::Null)
    }
}

fn truth(shop: &ShopState) -> Value {
    let all = |parent: &Node, field: &str| -> Vec<Node> {
        let stubs = lists::list(shop, parent, field, &Map::new());
        stubs.iter().filter_map(|stub| lists::open(shop, stub)).collect()
    };
    let values = |nodes: Vec<Node>| nodes.into_iter().map(|node| node.value).collect::<Vec<_>>();
    let root = Node { ty: "QueryRoot".to_owned(), id: 0, owner: 0, value: Value::Null };
    let with = |mut value: Value, key: &str, more: Value| {
        value[key] = more;
        value
    };
    let products: Vec<_> = all(&root, "products")
        .into_iter()
        .map(|product| {
            let variants: Vec<_> = all(&product, "variants")
                .into_iter()
                .map(|variant| {
                    let item = nodes::linked(shop, &variant, "inventoryItem", &Map::new()).flatten();
                    let item = item.map_or(Value::Null, |item| {
                        let levels: Vec<_> = all(&item, "inventoryLevels")
                            .into_iter()
                            .map(|level| {
                                let location = nodes::linked(shop, &level, "location", &Map::new()).flatten();
                                let names = json!({"names": ["available"]});
                                let names = names.as_object().cloned().unwrap_or_default();
                                let quantities = nodes::quantities(shop, &level, &names);
                                let value = with(level.value, "location", location.map_or(Value::Null, |l| l.value));
                                with(value, "quantities", quantities)
                            })
                            .collect();
                        with(item.value, "inventoryLevels", json!(levels))
                    });
                    with(variant.value, "inventoryItem", item)
                })
                .collect();
            let metafields = values(all(&product, "metafields"));
            with(with(product.value, "variants", json!(variants)), "metafields", json!(metafields))
        })
        .collect();
    let collections: Vec<_> = all(&root, "collections")
        .into_iter()
        .map(|collection| {
            let ids: Vec<_> =
                all(&collection, "products").into_iter().map(|product| product.value["id"].clone()).collect();
            with(collection.value, "products", json!(ids))
        })
        .collect();
    let discounts: Vec<_> = all(&root, "discountNodes")
        .into_iter()
        .map(|node| {
            let codes = values(all(&node, "codes"));
            let discount = with(node.value["discount"].clone(), "codes", json!(codes));
            json!({"id": node.value["id"], "discount": discount})
        })
        .collect();
    json!({"shop": nodes::shop_node(shop).value, "products": products, "collections": collections,
        "discounts": discounts, "locations": values(all(&root, "locations"))})
}
