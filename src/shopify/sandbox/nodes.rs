//! The objects of the simulated catalogue as GraphQL sees them, and the links between them.

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::state::{
    DiscountState, PictureState, ProductState, ShopState, Subscription, VariantState, enum_of_topic, gid, parse_gid,
};

/// An object that fields can be read from.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub ty: String,
    pub id: u64,
    /// What else it takes to find it again: an inventory level's item, a code's discount.
    pub owner: u64,
    /// Scalars and small objects; lists and links to other objects are found by [`list`](super::lists::list) and [`linked`].
    pub value: Value,
}

/// A time as GraphQL answers carry it.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Times in REST bodies carry the shop's offset.
pub(super) fn rest_time(at: DateTime<Utc>) -> String {
    match FixedOffset::east_opt(3600) {
        Some(offset) => at.with_timezone(&offset).to_rfc3339_opts(SecondsFormat::Secs, false),
        None => time(at),
    }
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
        "featuredMedia": product.pictures.first().map(picture_value),
        "options": [{"id": gid("ProductOption", product.id), "name": "Title", "position": 1, "values": titles}],
    })
}

fn picture_value(picture: &PictureState) -> Value {
    let PictureState { url, alt, width, height, .. } = picture;
    let image =
        json!({"id": gid("ImageSource", picture.id), "url": url, "altText": alt, "width": width, "height": height});
    json!({"id": gid("MediaImage", picture.id), "alt": alt, "mediaContentType": "IMAGE", "preview": {"image": image}})
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
        Some(Some((number, precision))) => (field, json!({"count": number, "precision": precision})),
        Some(None) => (field, Value::Null),
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
        "Media" => picture_value(shop.products.get(&owner)?.pictures.iter().find(|picture| picture.id == id)?),
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
