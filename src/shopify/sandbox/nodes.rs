//! The simulated catalogue as GraphQL sees it: objects, the lists between them, pages and search filters.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::state::{
    DiscountState, ListLie, ProductState, ShopState, Subscription, VariantState, enum_of_topic, gid, parse_gid,
};

/// An object that fields can be read from.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub ty: String,
    pub id: u64,
    /// What else it takes to find it again: an inventory level's item, a code's discount.
    pub owner: u64,
    /// Scalars and small objects; lists and links to other objects are found by [`list`] and [`linked`].
    pub value: Value,
}

/// An entry of a list, cheap until it is on the page that was asked for.
#[derive(Debug, Clone)]
pub(super) struct Stub {
    ty: &'static str,
    id: u64,
    owner: u64,
    updated_at: DateTime<Utc>,
}

/// One page of a connection, each node with its cursor.
pub(super) struct Page {
    pub nodes: Vec<(Node, String)>,
    pub has_next: bool,
    pub has_previous: bool,
}

/// A time as GraphQL answers carry it.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl Node {
    /// An object that is written out in its parent; it keeps the parent's identity.
    pub fn inline(declared: &str, parent: &Node, value: Value) -> Self {
        let ty = value.get("__typename").and_then(Value::as_str).unwrap_or(declared).to_owned();
        Self { ty, id: parent.id, owner: parent.owner, value }
    }

    fn new(ty: &str, id: u64, owner: u64, value: Value) -> Self {
        Self { ty: ty.to_owned(), id, owner, value }
    }
}

/// The shop object.
pub(super) fn shop_node(shop: &ShopState) -> Node {
    let value = json!({
        "id": gid("Shop", shop.id), "name": shop.name, "myshopifyDomain": shop.domain,
        "primaryDomain": {"id": gid("Domain", shop.id), "host": shop.domain, "url": format!("https://{}", shop.domain), "sslEnabled": true},
        "url": format!("https://{}", shop.domain), "email": format!("owner@{}", shop.domain),
        "contactEmail": format!("hello@{}", shop.domain), "currencyCode": shop.currency, "ianaTimezone": "Europe/Berlin",
        "createdAt": time(shop.created_at), "updatedAt": time(shop.updated_at), "description": null,
        "taxesIncluded": true, "weightUnit": "KILOGRAMS",
        "plan": {"publicDisplayName": "Basic", "displayName": "Basic", "partnerDevelopment": false, "shopifyPlus": false},
    });
    Node::new("Shop", shop.id, 0, value)
}

fn product_value(product: &ProductState) -> Value {
    let total: i64 = product.variants.iter().map(VariantState::available).sum();
    let titles: Vec<_> = product.variants.iter().map(|variant| variant.title.as_str()).collect();
    let default = product.variants.len() == 1 && titles == ["Default Title"];
    let url = (product.status == "ACTIVE").then(|| format!("https://demo.example/products/{}", product.handle));
    json!({
        "id": gid("Product", product.id), "legacyResourceId": product.id.to_string(), "title": product.title,
        "handle": product.handle, "status": product.status, "description": product.description,
        "descriptionHtml": format!("<p>{}</p>", product.description), "productType": product.product_type,
        "vendor": product.vendor, "tags": product.tags, "onlineStoreUrl": url, "totalInventory": total,
        "tracksInventory": true, "hasOnlyDefaultVariant": default, "isGiftCard": false, "templateSuffix": null,
        "createdAt": time(product.created_at), "updatedAt": time(product.updated_at),
        "publishedAt": (product.status == "ACTIVE").then(|| time(product.created_at)),
        "variantsCount": count(product.variants.len()),
        "options": [{"id": gid("ProductOption", product.id), "name": "Title", "position": 1, "values": titles}],
    })
}

fn variant_value(product: &ProductState, variant: &VariantState) -> Value {
    let position = product.variants.iter().position(|other| other.id == variant.id).map_or(1, |index| index + 1);
    json!({
        "id": gid("ProductVariant", variant.id), "legacyResourceId": variant.id.to_string(), "title": variant.title,
        "displayName": format!("{} - {}", product.title, variant.title), "sku": variant.sku, "barcode": variant.barcode,
        "position": position, "price": variant.price, "compareAtPrice": variant.compare_at_price,
        "availableForSale": variant.available() > 0, "sellableOnlineQuantity": variant.available(),
        "inventoryQuantity": variant.available(), "inventoryPolicy": "DENY",
        "selectedOptions": [{"name": "Title", "value": variant.title}], "taxable": true,
        "createdAt": time(variant.created_at), "updatedAt": time(variant.updated_at),
    })
}

fn discount_value(shop: &ShopState, discount: &DiscountState) -> Value {
    let value = if discount.kind.ends_with("Bxgy") {
        json!({"__typename": "DiscountOnQuantity", "quantity": {"quantity": "1"},
            "effect": {"__typename": "DiscountPercentage", "percentage": discount.percentage}})
    } else if discount.percentage > 1.0 {
        json!({"__typename": "DiscountAmount", "appliesOnEachItem": false,
            "amount": {"amount": format!("{:.1}", discount.percentage), "currencyCode": shop.currency}})
    } else {
        json!({"__typename": "DiscountPercentage", "percentage": discount.percentage})
    };
    let summary = format!("{}% off", discount.percentage * 100.0);
    json!({
        "__typename": discount.kind, "title": discount.title, "status": discount.status,
        "startsAt": time(discount.created_at), "endsAt": null, "createdAt": time(discount.created_at),
        "updatedAt": time(discount.updated_at), "summary": summary, "shortSummary": summary, "usageLimit": null,
        "asyncUsageCount": 0, "appliesOncePerCustomer": false,
        "context": {"__typename": discount.context, "all": "ALL", "segments": [], "customers": []},
        "codesCount": count(discount.codes.len()),
        "customerGets": {"value": value, "appliesOnOneTimePurchase": true, "appliesOnSubscription": false},
    })
}

fn subscription_value(subscription: &Subscription) -> Value {
    let version = &subscription.api_version;
    json!({
        "id": gid("WebhookSubscription", subscription.id), "legacyResourceId": subscription.id.to_string(),
        "topic": enum_of_topic(&subscription.topic), "uri": subscription.uri, "callbackUrl": subscription.uri,
        "format": "JSON", "apiVersion": {"handle": version, "displayName": version, "supported": true},
        "name": subscription.name, "filter": subscription.filter, "includeFields": [], "metafieldNamespaces": [],
        "createdAt": time(subscription.created_at), "updatedAt": time(subscription.updated_at),
    })
}

pub(super) fn count(number: usize) -> Value {
    json!({"count": number, "precision": "EXACT"})
}

/// The numbers that the root tells of the shop.
pub(super) fn root_counts(shop: &ShopState) -> Vec<(&'static str, Value)> {
    let variants = shop.products.values().map(|product| product.variants.len()).sum();
    let truth = [
        ("productsCount", shop.products.len()),
        ("productVariantsCount", variants),
        ("locationsCount", shop.locations.len()),
    ];
    let told = |(field, number): (&'static str, usize)| match shop.lies.counts.get(field) {
        Some((number, precision)) => (field, json!({"count": number, "precision": precision})),
        None => (field, count(number)),
    };
    truth.into_iter().map(told).collect()
}

/// The object behind a type and a number.
pub(super) fn node(shop: &ShopState, ty: &str, id: u64, owner: u64) -> Option<Node> {
    let value = match ty {
        "Product" => product_value(shop.products.get(&id)?),
        "ProductVariant" => {
            let (product, variant) = shop.variant(id)?;
            variant_value(product, variant)
        }
        "InventoryItem" => {
            let variant = shop.item(id)?;
            json!({"id": gid(ty, id), "legacyResourceId": id.to_string(), "sku": variant.sku, "tracked": true,
                "requiresShipping": true, "createdAt": time(variant.created_at), "updatedAt": time(variant.updated_at)})
        }
        "InventoryLevel" => {
            let variant = shop.item(owner)?;
            variant.stock.get(&id)?;
            json!({"id": level_gid(id, owner), "createdAt": time(variant.created_at),
                "updatedAt": time(variant.stock_updated_at)})
        }
        "Location" => {
            let location = shop.locations.get(&id)?;
            json!({"id": gid(ty, id), "legacyResourceId": id.to_string(), "name": location.name, "isActive": true,
                "createdAt": time(location.created_at), "updatedAt": time(location.updated_at)})
        }
        "Collection" => {
            let collection = shop.collections.get(&id)?;
            json!({"id": gid(ty, id), "legacyResourceId": id.to_string(), "title": collection.title,
                "handle": collection.handle, "description": collection.description,
                "descriptionHtml": format!("<p>{}</p>", collection.description), "sortOrder": "MANUAL",
                "templateSuffix": null, "updatedAt": time(collection.updated_at),
                "productsCount": count(collection.products.len())})
        }
        "DiscountNode" | "DiscountCodeNode" | "DiscountAutomaticNode" => {
            let discount = shop.discounts.get(&id)?;
            match (ty, discount.is_code()) {
                ("DiscountCodeNode", false) | ("DiscountAutomaticNode", true) => return None,
                _ => {}
            }
            let value = discount_value(shop, discount);
            json!({"id": discount.gid(), "discount": value, "codeDiscount": value, "automaticDiscount": value})
        }
        "DiscountRedeemCode" => {
            let (_, code) = shop.discounts.get(&owner)?.codes.iter().find(|(code_id, _)| *code_id == id)?;
            json!({"id": gid(ty, id), "code": code, "asyncUsageCount": 0})
        }
        "Metafield" => {
            let metafield = shop.products.get(&owner)?.metafields.iter().find(|metafield| metafield.id == id)?;
            json!({"id": gid(ty, id), "legacyResourceId": id.to_string(), "namespace": metafield.namespace,
                "key": metafield.key, "type": metafield.kind, "value": metafield.value,
                "createdAt": time(metafield.updated_at), "updatedAt": time(metafield.updated_at)})
        }
        "WebhookSubscription" => subscription_value(shop.subscriptions.iter().find(|one| one.id == id)?),
        "BulkOperation" => {
            let bulk = shop.bulks.iter().find(|bulk| bulk.id == id)?;
            let done = bulk.completed_at.is_some();
            json!({"id": gid(ty, id), "status": bulk.status, "errorCode": bulk.error_code, "type": "QUERY",
                "query": bulk.query, "objectCount": bulk.objects.to_string(),
                "rootObjectCount": bulk.root_objects.to_string(),
                "fileSize": (done && bulk.url.is_some()).then(|| bulk.file_size.to_string()), "url": bulk.url,
                "partialDataUrl": null, "createdAt": time(bulk.created_at), "completedAt": bulk.completed_at.map(time)})
        }
        _ => return None,
    };
    Some(Node::new(ty, id, owner, value))
}

fn level_gid(location: u64, item: u64) -> String {
    format!("{}?inventory_item_id={item}", gid("InventoryLevel", location))
}

/// The object behind a global id, if it is of this type.
pub(super) fn node_by_gid(shop: &ShopState, ty: &str, text: &str) -> Option<Node> {
    let (given, id) = parse_gid(text)?;
    let discount =
        ty.starts_with("Discount") && ["DiscountNode", "DiscountCodeNode", "DiscountAutomaticNode"].contains(&given);
    if given != ty && !discount {
        return None;
    }
    let owner = text.split_once("inventory_item_id=").and_then(|(_, item)| item.parse().ok()).unwrap_or(0);
    node(shop, ty, id, owner)
}

/// Where a field leads that returns one object of its own. `None`: the field is written out in its parent.
pub(super) fn linked(shop: &ShopState, parent: &Node, field: &str, args: &Map<String, Value>) -> Option<Option<Node>> {
    let by_id = |ty: &str| args.get("id").and_then(Value::as_str).and_then(|id| node_by_gid(shop, ty, id));
    let found = match (parent.ty.as_str(), field) {
        ("QueryRoot", "shop") => Some(shop_node(shop)),
        ("QueryRoot", "product") => by_id("Product"),
        ("QueryRoot", "productVariant") => by_id("ProductVariant"),
        ("QueryRoot", "collection") => by_id("Collection"),
        ("QueryRoot", "inventoryItem") => by_id("InventoryItem"),
        ("QueryRoot", "inventoryLevel") => by_id("InventoryLevel"),
        ("QueryRoot", "location") => match args.get("id") {
            Some(_) => by_id("Location"),
            None => shop.locations.keys().next().and_then(|id| node(shop, "Location", *id, 0)),
        },
        ("QueryRoot", "discountNode") => by_id("DiscountNode"),
        ("QueryRoot", "codeDiscountNode") => by_id("DiscountCodeNode"),
        ("QueryRoot", "automaticDiscountNode") => by_id("DiscountAutomaticNode"),
        ("QueryRoot", "webhookSubscription") => by_id("WebhookSubscription"),
        ("QueryRoot", "bulkOperation") => by_id("BulkOperation"),
        ("QueryRoot", "currentBulkOperation") => {
            shop.bulks.last().and_then(|bulk| node(shop, "BulkOperation", bulk.id, 0))
        }
        ("ProductVariant", "product") => {
            shop.variant_product.get(&parent.id).and_then(|id| node(shop, "Product", *id, 0))
        }
        ("ProductVariant", "inventoryItem") => {
            shop.variant(parent.id).and_then(|(_, variant)| node(shop, "InventoryItem", variant.item_id, 0))
        }
        ("InventoryItem", "variant") => {
            shop.item_variant.get(&parent.id).and_then(|id| node(shop, "ProductVariant", *id, 0))
        }
        ("InventoryItem", "inventoryLevel") => args
            .get("locationId")
            .and_then(Value::as_str)
            .and_then(parse_gid)
            .and_then(|(_, location)| node(shop, "InventoryLevel", location, parent.id)),
        ("InventoryLevel", "item") => node(shop, "InventoryItem", parent.owner, 0),
        ("InventoryLevel", "location") => node(shop, "Location", parent.id, 0),
        ("Product", "metafield") => {
            let text = |key: &str| args.get(key).and_then(Value::as_str);
            let namespace = text("namespace").unwrap_or("custom");
            shop.products
                .get(&parent.id)
                .and_then(|product| {
                    product.metafields.iter().find(|m| m.namespace == namespace && Some(m.key.as_str()) == text("key"))
                })
                .and_then(|metafield| node(shop, "Metafield", metafield.id, parent.id))
        }
        _ => return None,
    };
    Some(found)
}

/// `quantities(names:)` of an inventory level.
pub(super) fn quantities(shop: &ShopState, level: &Node, args: &Map<String, Value>) -> Value {
    let Some(variant) = shop.item(level.owner) else { return Value::Array(Vec::new()) };
    let available = variant.stock.get(&level.id).copied().unwrap_or(0);
    let names = args.get("names").and_then(Value::as_array).cloned().unwrap_or_default();
    names
        .iter()
        .filter_map(Value::as_str)
        .map(|name| {
            let quantity = if matches!(name, "available" | "on_hand") { available } else { 0 };
            let id =
                format!("gid://shopify/InventoryQuantity/{}?inventory_item_id={}&name={name}", level.id, level.owner);
            json!({"id": id, "name": name, "quantity": quantity, "updatedAt": time(variant.stock_updated_at)})
        })
        .collect()
}

/// The whole list behind a connection field, before filtering and paging.
pub(super) fn list(shop: &ShopState, parent: &Node, field: &str, args: &Map<String, Value>) -> Vec<Stub> {
    let stub = |ty: &'static str, id: u64, owner: u64, updated_at: DateTime<Utc>| Stub { ty, id, owner, updated_at };
    let variants = || shop.products.values().flat_map(|product| product.variants.iter().map(move |v| (product.id, v)));
    match (parent.ty.as_str(), field) {
        ("QueryRoot", "products") => shop.products.values().map(|p| stub("Product", p.id, 0, p.updated_at)).collect(),
        ("QueryRoot", "productVariants") => {
            variants().map(|(product, v)| stub("ProductVariant", v.id, product, v.updated_at)).collect()
        }
        ("QueryRoot", "inventoryItems") => {
            variants().map(|(_, v)| stub("InventoryItem", v.item_id, 0, v.updated_at)).collect()
        }
        ("QueryRoot", "collections") => {
            shop.collections.values().map(|c| stub("Collection", c.id, 0, c.updated_at)).collect()
        }
        ("QueryRoot", "locations") => {
            shop.locations.values().map(|l| stub("Location", l.id, 0, l.updated_at)).collect()
        }
        ("QueryRoot", "discountNodes") => {
            shop.discounts.values().map(|d| stub("DiscountNode", d.id, 0, d.updated_at)).collect()
        }
        ("QueryRoot", "codeDiscountNodes") => {
            let codes = shop.discounts.values().filter(|discount| discount.is_code());
            codes.map(|d| stub("DiscountCodeNode", d.id, 0, d.updated_at)).collect()
        }
        ("QueryRoot", "automaticDiscountNodes") => {
            let automatic = shop.discounts.values().filter(|discount| !discount.is_code());
            automatic.map(|d| stub("DiscountAutomaticNode", d.id, 0, d.updated_at)).collect()
        }
        ("QueryRoot", "webhookSubscriptions") => {
            let topics = args.get("topics").and_then(Value::as_array);
            let uri = args.get("uri").and_then(Value::as_str);
            shop.subscriptions
                .iter()
                .filter(|one| {
                    topics.is_none_or(|topics| topics.iter().any(|topic| *topic == enum_of_topic(&one.topic)))
                })
                .filter(|one| uri.is_none_or(|uri| one.uri == uri))
                .map(|one| stub("WebhookSubscription", one.id, 0, one.updated_at))
                .collect()
        }
        ("QueryRoot", "bulkOperations") => {
            shop.bulks.iter().map(|bulk| stub("BulkOperation", bulk.id, 0, bulk.created_at)).collect()
        }
        ("Product", "variants") => shop.products.get(&parent.id).map_or_else(Vec::new, |product| {
            product.variants.iter().map(|v| stub("ProductVariant", v.id, product.id, v.updated_at)).collect()
        }),
        ("Product", "metafields") => shop.products.get(&parent.id).map_or_else(Vec::new, |product| {
            let namespace = args.get("namespace").and_then(Value::as_str);
            let fields = product.metafields.iter().filter(|m| namespace.is_none_or(|wanted| m.namespace == wanted));
            fields.map(|m| stub("Metafield", m.id, product.id, m.updated_at)).collect()
        }),
        ("Product", "collections") => {
            let holding = shop.collections.values().filter(|collection| collection.products.contains(&parent.id));
            holding.map(|c| stub("Collection", c.id, 0, c.updated_at)).collect()
        }
        ("Collection", "products") => shop.collections.get(&parent.id).map_or_else(Vec::new, |collection| {
            let products = collection.products.iter().filter_map(|id| shop.products.get(id));
            products.map(|p| stub("Product", p.id, 0, p.updated_at)).collect()
        }),
        ("InventoryItem", "inventoryLevels") => shop.item(parent.id).map_or_else(Vec::new, |variant| {
            let levels = variant.stock.keys();
            levels.map(|id| stub("InventoryLevel", *id, parent.id, variant.stock_updated_at)).collect()
        }),
        ("InventoryItem", "variants") => variants()
            .filter(|(_, variant)| variant.item_id == parent.id)
            .map(|(product, variant)| stub("ProductVariant", variant.id, product, variant.updated_at))
            .collect(),
        ("Location", "inventoryLevels") => variants()
            .filter(|(_, variant)| variant.stock.contains_key(&parent.id))
            .map(|(_, variant)| stub("InventoryLevel", parent.id, variant.item_id, variant.stock_updated_at))
            .collect(),
        (_, "codes") => shop.discounts.get(&parent.id).map_or_else(Vec::new, |discount| {
            let codes = discount.codes.iter();
            codes.map(|(id, _)| stub("DiscountRedeemCode", *id, discount.id, discount.updated_at)).collect()
        }),
        _ => Vec::new(),
    }
}

/// The object of a list entry.
pub(super) fn open(shop: &ShopState, stub: &Stub) -> Option<Node> {
    node(shop, stub.ty, stub.id, stub.owner)
}

/// Sorts, cuts and pages a list as the arguments of its connection say. `limit` is the server's own cap, `lie` what is
/// wrong with it on purpose.
///
/// # Errors
/// A sentence, when a cursor is not one of this list's.
pub(super) fn page(
    shop: &ShopState,
    stubs: Vec<Stub>,
    args: &Map<String, Value>,
    limit: usize,
    lie: Option<ListLie>,
) -> Result<Page, String> {
    let text = |key: &str| args.get(key).and_then(Value::as_str);
    let size = |key: &str| args.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let sort = match text("sortKey") {
        None | Some("RELEVANCE" | "BEST_SELLING" | "MANUAL" | "COLLECTION_DEFAULT") => "ID",
        Some(other) => other,
    };
    let reverse = args.get("reverse").and_then(Value::as_bool).unwrap_or(false);
    let mut keyed: Vec<((String, u64, u64), Stub)> =
        stubs.into_iter().map(|stub| ((sort_text(shop, &stub, sort), stub.id, stub.owner), stub)).collect();
    keyed.sort_by(|(a, _), (b, _)| if reverse { b.cmp(a) } else { a.cmp(b) });
    let total = keyed.len();
    let mut start = 0;
    let mut end = total;
    let moves = lie == Some(ListLie::Moves) && text("sortKey").is_none();
    if moves && total > 0 {
        keyed.rotate_left(shop.lies.turns % total);
    }
    if let Some(after) = text("after") {
        let after = read_cursor(after, sort)?;
        start = if moves {
            keyed.iter().position(|(key, _)| *key == after).map_or(total, |index| index + 1)
        } else {
            keyed.iter().position(|(key, _)| if reverse { *key < after } else { *key > after }).unwrap_or(total)
        };
        match lie {
            Some(ListLie::Doubles) => start = start.saturating_sub(1),
            Some(ListLie::Skips) => start = (start + 1).min(total),
            _ => {}
        }
    }
    if let Some(before) = text("before") {
        let before = read_cursor(before, sort)?;
        end = keyed.iter().position(|(key, _)| if reverse { *key <= before } else { *key >= before }).unwrap_or(total);
    }
    end = end.max(start);
    match (size("first"), size("last")) {
        (Some(first), _) => end = end.min(start + first.min(limit)),
        (None, Some(last)) => start = start.max(end.saturating_sub(last.min(limit))),
        (None, None) => {}
    }
    let nodes = keyed[start..end]
        .iter()
        .filter_map(|((key, id, owner), stub)| {
            let cursor = json!({"last_id": id, "last_owner": owner, "last_value": key, "sort": sort}).to_string();
            Some((open(shop, stub)?, URL_SAFE_NO_PAD.encode(cursor)))
        })
        .collect();
    Ok(Page { nodes, has_next: end < total, has_previous: start > 0 })
}

fn sort_text(shop: &ShopState, stub: &Stub, sort: &str) -> String {
    match sort {
        "ID" | "POSITION" => String::new(),
        "UPDATED_AT" => time(stub.updated_at),
        other => {
            let mut words = other.split('_').map(str::to_ascii_lowercase);
            let first = words.next().unwrap_or_default();
            let rest: String = words.map(|word| word[..1].to_uppercase() + &word[1..]).collect();
            let value = open(shop, stub).map(|node| node.value[format!("{first}{rest}")].clone());
            match value {
                Some(Value::String(text)) => text.to_lowercase(),
                Some(Value::Number(number)) => format!("{:>20}", number.as_i64().unwrap_or(0)),
                _ => String::new(),
            }
        }
    }
}

fn read_cursor(text: &str, sort: &str) -> Result<(String, u64, u64), String> {
    let invalid = || "Invalid cursor for current pagination sort.".to_owned();
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
    if value["sort"] != sort {
        return Err(invalid());
    }
    let key = value["last_value"].as_str().ok_or_else(invalid)?;
    let number = |name: &str| value[name].as_u64().ok_or_else(invalid);
    Ok((key.to_owned(), number("last_id")?, number("last_owner")?))
}

/// Keeps the entries that a search text names: terms such as `id:1`, `updated_at:>='2026-11-20T00:00:00Z'`,
/// `status:active`, joined by spaces or `AND`; alternatives by `OR`.
/// Source: <https://shopify.dev/docs/api/usage/search-syntax>.
///
/// # Errors
/// A sentence about a term that this simulator does not understand.
pub(super) fn filter(shop: &ShopState, stubs: Vec<Stub>, query: &str) -> Result<Vec<Stub>, String> {
    let alternatives = parse_query(query)?;
    if alternatives.is_empty() {
        return Ok(stubs);
    }
    let mut kept = Vec::new();
    for stub in stubs {
        for terms in &alternatives {
            let mut all = true;
            for term in terms {
                all = all && term.matches(shop, &stub)?;
            }
            if all {
                kept.push(stub);
                break;
            }
        }
    }
    Ok(kept)
}

#[derive(Debug, PartialEq)]
struct Term {
    field: String,
    operator: &'static str,
    value: String,
}

impl Term {
    fn matches(&self, shop: &ShopState, stub: &Stub) -> Result<bool, String> {
        let ordering = match self.field.as_str() {
            "id" => stub.id.cmp(&self.number()?),
            "product_id" => stub.owner.cmp(&self.number()?),
            "updated_at" => stub.updated_at.cmp(&self.time()?),
            field @ ("created_at" | "status" | "title" | "handle" | "vendor" | "product_type" | "sku" | "tag") => {
                let (field, list) = match field {
                    "created_at" => ("createdAt", false),
                    "product_type" => ("productType", false),
                    "tag" => ("tags", true),
                    other => (other, false),
                };
                let Some(node) = open(shop, stub) else { return Ok(false) };
                let value = match stub.ty {
                    "DiscountNode" | "DiscountCodeNode" | "DiscountAutomaticNode" => &node.value["discount"][field],
                    _ => &node.value[field],
                };
                if list {
                    let found = value.as_array().is_some_and(|all| all.iter().any(|tag| *tag == self.value));
                    return Ok(found);
                }
                value.as_str().unwrap_or_default().to_lowercase().cmp(&self.value.to_lowercase())
            }
            other => return Err(format!("search field '{other}' is unknown here")),
        };
        Ok(match self.operator {
            ">=" => ordering.is_ge(),
            "<=" => ordering.is_le(),
            ">" => ordering.is_gt(),
            "<" => ordering.is_lt(),
            _ => ordering.is_eq(),
        })
    }

    fn number(&self) -> Result<u64, String> {
        self.value.parse().map_err(|_| format!("'{}' is not a number", self.value))
    }

    fn time(&self) -> Result<DateTime<Utc>, String> {
        let time = DateTime::parse_from_rfc3339(&self.value).map(|time| time.to_utc());
        time.map_err(|_| format!("'{}' is not a time", self.value))
    }
}

/// Alternatives, each a list of terms that must all hold.
fn parse_query(query: &str) -> Result<Vec<Vec<Term>>, String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in query.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, c) if c.is_whitespace() || c == '(' || c == ')' => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (_, c) => word.push(c),
        }
    }
    if quote.is_some() {
        return Err("a quotation mark is not closed".to_owned());
    }
    if !word.is_empty() {
        words.push(word);
    }
    let mut alternatives: Vec<Vec<Term>> = Vec::new();
    let mut terms = Vec::new();
    for word in words {
        match word.as_str() {
            "AND" => {}
            "OR" => alternatives.push(std::mem::take(&mut terms)),
            term => {
                let (field, value) =
                    term.split_once(':').ok_or_else(|| format!("search term '{term}' is unknown here"))?;
                let operator = [">=", "<=", ">", "<"].into_iter().find(|o| value.starts_with(o)).unwrap_or("");
                let value = value[operator.len()..].to_owned();
                terms.push(Term { field: field.to_owned(), operator, value });
            }
        }
    }
    if !terms.is_empty() {
        alternatives.push(terms);
    }
    Ok(alternatives)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_text_is_read_with_quotes_operators_and_alternatives() {
        let read = parse_query("id:1 OR updated_at:>='2026-11-20T00:00:00Z' AND status:active").unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[1].len(), 2);
        assert_eq!(read[1][0].operator, ">=");
        assert_eq!(read[1][0].value, "2026-11-20T00:00:00Z");
        assert!(parse_query("tea").is_err());
    }
}
