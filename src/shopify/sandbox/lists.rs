//! The lists between the objects of the simulated catalogue, and their pages.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::nodes::{Node, node, time};
use super::state::{ListLie, ShopState, VariantState, enum_of_topic};

/// An entry of a list, cheap until it is on the page that was asked for.
#[derive(Debug, Clone)]
pub(super) struct Stub {
    pub ty: &'static str,
    pub id: u64,
    pub owner: u64,
    pub updated_at: DateTime<Utc>,
}

/// One page of a connection, each node with its cursor.
pub(super) struct Page {
    pub nodes: Vec<(Node, String)>,
    pub has_next: bool,
    pub has_previous: bool,
}

/// The whole list behind a connection field, before filtering and paging.
pub(super) fn list(shop: &ShopState, parent: &Node, field: &str, args: &Map<String, Value>) -> Vec<Stub> {
    match (parent.ty.as_str(), field) {
        ("QueryRoot", _) => list_of_root(shop, field, args),
        ("Product", "variants") => shop.products.get(&parent.id).map_or_else(Vec::new, |product| {
            product.variants.iter().map(|v| stub("ProductVariant", v.id, product.id, v.updated_at)).collect()
        }),
        ("Product", "metafields") => shop.products.get(&parent.id).map_or_else(Vec::new, |product| {
            let namespace = args.get("namespace").and_then(Value::as_str);
            let fields = product.metafields.iter().filter(|m| namespace.is_none_or(|wanted| m.namespace == wanted));
            fields.map(|m| stub("Metafield", m.id, product.id, m.updated_at)).collect()
        }),
        ("Product", "media") => shop.products.get(&parent.id).map_or_else(Vec::new, |product| {
            product.pictures.iter().map(|picture| stub("Media", picture.id, product.id, product.updated_at)).collect()
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
        ("InventoryItem", "variants") => variants(shop)
            .filter(|(_, variant)| variant.item_id == parent.id)
            .map(|(product, variant)| stub("ProductVariant", variant.id, product, variant.updated_at))
            .collect(),
        ("Location", "inventoryLevels") => variants(shop)
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

/// The lists of the shop itself.
fn list_of_root(shop: &ShopState, field: &str, args: &Map<String, Value>) -> Vec<Stub> {
    match field {
        "products" => shop.products.values().map(|p| stub("Product", p.id, 0, p.updated_at)).collect(),
        "productVariants" => {
            variants(shop).map(|(product, v)| stub("ProductVariant", v.id, product, v.updated_at)).collect()
        }
        "inventoryItems" => variants(shop).map(|(_, v)| stub("InventoryItem", v.item_id, 0, v.updated_at)).collect(),
        "collections" => shop.collections.values().map(|c| stub("Collection", c.id, 0, c.updated_at)).collect(),
        "locations" => shop.locations.values().map(|l| stub("Location", l.id, 0, l.updated_at)).collect(),
        "discountNodes" => shop.discounts.values().map(|d| stub("DiscountNode", d.id, 0, d.updated_at)).collect(),
        "codeDiscountNodes" => {
            let codes = shop.discounts.values().filter(|discount| discount.is_code());
            codes.map(|d| stub("DiscountCodeNode", d.id, 0, d.updated_at)).collect()
        }
        "automaticDiscountNodes" => {
            let automatic = shop.discounts.values().filter(|discount| !discount.is_code());
            automatic.map(|d| stub("DiscountAutomaticNode", d.id, 0, d.updated_at)).collect()
        }
        "webhookSubscriptions" => {
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
        "bulkOperations" => shop.bulks.iter().map(|bulk| stub("BulkOperation", bulk.id, 0, bulk.created_at)).collect(),
        _ => Vec::new(),
    }
}

/// All variants, each with the id of its product.
fn variants(shop: &ShopState) -> impl Iterator<Item = (u64, &VariantState)> {
    shop.products.values().flat_map(|product| product.variants.iter().map(move |variant| (product.id, variant)))
}

fn stub(ty: &'static str, id: u64, owner: u64, updated_at: DateTime<Utc>) -> Stub {
    Stub { ty, id, owner, updated_at }
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
