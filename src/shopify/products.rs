//! What a shop sells, from the nodes of `shop_products.json` to the products that searches and answers know.

use serde_json::Value;

use super::catalogue::kinds::{DISCOUNT, PRODUCT};
use super::names::SHOP;
use crate::shared::channel::product::{
    Discount, Metafield, Product, ProductOption, ProductRecord, ProductSource, ProductVariant, ShopRecord,
};
use crate::shared::store::search::Price;

/// How the channel's records say what a shop sells.
pub static SOURCE: ProductSource = ProductSource {
    kind: PRODUCT,
    account_kind: SHOP,
    discount_kind: DISCOUNT,
    record_id,
    product_id,
    product,
    shop,
    discount,
};

/// The option and the value of a product that has no choices.
/// Source: <https://shopify.dev/docs/api/admin-graphql/latest/objects/ProductVariant> (2026).
const NO_CHOICE: (&str, &str) = ("Title", "Default Title");

fn record_id(id: &str) -> String {
    if id.starts_with("gid://") { id.to_owned() } else { format!("gid://shopify/Product/{id}") }
}

/// The last part of a global id is the id of the older API. Source: <https://shopify.dev/docs/api/usage/gids> (2026).
fn product_id(record: &str) -> String {
    record.rsplit('/').next().unwrap_or(record).to_owned()
}

fn product(payload: &str) -> Option<ProductRecord> {
    let node: Value = serde_json::from_str(payload).ok()?;
    let text = |name: &str| node[name].as_str().unwrap_or_default().to_owned();
    let nodes: Vec<&Value> = nodes(&node["variants"]).collect();
    let variants: Vec<ProductVariant> = nodes.iter().map(|variant| self::variant(variant)).collect();
    let priced = || nodes.iter().filter_map(|node| Some((Price::parse(node["price"].as_str()?)?, *node)));
    let lowest = priced().min_by_key(|(price, _)| *price);
    let highest = priced().max_by_key(|(price, _)| *price);
    let price_of = |found: Option<(Price, &Value)>| found.and_then(|(_, node)| optional(&node["price"]));
    let before = lowest.and_then(|(price, node)| {
        optional(&node["compareAtPrice"]).filter(|before| Price::parse(before).is_some_and(|before| before > price))
    });
    let counted = || variants.iter().filter_map(|variant| variant.stock);
    let product = Product {
        id: optional(&node["legacyResourceId"]).or_else(|| short_id(&node["id"])).unwrap_or_default(),
        gid: text("id"),
        shop: String::new(),
        title: text("title"),
        handle: text("handle"),
        url: optional(&node["onlineStoreUrl"]),
        image: optional(&node["featuredMedia"]["preview"]["image"]["url"]),
        price: price_of(lowest),
        price_max: price_of(highest),
        compare_at: before,
        currency: None,
        available: variants.iter().any(|variant| variant.available),
        stock: counted().next().map(|_| counted().fold(0, i64::saturating_add)),
        options: options(&nodes),
        kind: text("productType"),
        vendor: text("vendor"),
        tags: node["tags"].as_array().into_iter().flatten().filter_map(optional).collect(),
        variants,
    };
    Some(ProductRecord {
        is_active: node["status"] == "ACTIVE",
        product,
        description: text("description"),
        metafields: self::nodes(&node["metafields"]).map(metafield).collect(),
    })
}

fn variant(node: &Value) -> ProductVariant {
    let is_tracked = node["inventoryItem"]["tracked"].as_bool().unwrap_or(true);
    ProductVariant {
        id: optional(&node["legacyResourceId"]).or_else(|| short_id(&node["id"])).unwrap_or_default(),
        title: node["title"].as_str().unwrap_or_default().to_owned(),
        sku: optional(&node["sku"]).filter(|sku| !sku.is_empty()),
        price: optional(&node["price"]),
        available: node["availableForSale"].as_bool().unwrap_or(true),
        stock: node["inventoryQuantity"].as_i64().filter(|_| is_tracked),
    }
}

fn metafield(node: &Value) -> Metafield {
    let text = |name: &str| node[name].as_str().unwrap_or_default().to_owned();
    Metafield { namespace: text("namespace"), key: text("key"), kind: text("type"), value: text("value") }
}

/// What the variants choose between, in their order.
fn options(variants: &[&Value]) -> Vec<ProductOption> {
    let mut options: Vec<ProductOption> = Vec::new();
    for chosen in variants.iter().filter_map(|variant| variant["selectedOptions"].as_array()).flatten() {
        let (Some(name), Some(value)) = (optional(&chosen["name"]), optional(&chosen["value"])) else { continue };
        let at = options.iter().position(|option| option.name == name).unwrap_or_else(|| {
            options.push(ProductOption { name, values: Vec::new() });
            options.len() - 1
        });
        if !options[at].values.contains(&value) {
            options[at].values.push(value);
        }
    }
    match options.as_slice() {
        [only] if only.name == NO_CHOICE.0 && only.values == [NO_CHOICE.1] => Vec::new(),
        _ => options,
    }
}

fn shop(payload: &str) -> Option<ShopRecord> {
    let shop: Value = serde_json::from_str(payload).ok()?;
    Some(ShopRecord {
        name: optional(&shop["name"])?,
        currency: optional(&shop["currencyCode"]),
        url: optional(&shop["primaryDomain"]["url"]),
    })
}

/// A discount that is for everybody. One with many codes is left out: those were given to single customers.
fn discount(payload: &str) -> Option<Discount> {
    let node: Value = serde_json::from_str(payload).ok()?;
    let (discount, code) = match &node["codeDiscount"] {
        Value::Null => (&node["automaticDiscount"], None),
        discount => {
            let codes: Vec<&Value> = nodes(&discount["codes"]).collect();
            let [code] = codes[..] else { return None };
            (discount, Some(optional(&code["code"])?))
        }
    };
    // Automatic discounts are told without whom they are for: they apply by themselves.
    let is_for_all = code.is_none() || discount["context"]["__typename"] == "DiscountBuyerSelectionAll";
    (is_for_all && discount["status"] == "ACTIVE").then(|| Discount {
        id: node["id"].as_str().unwrap_or_default().to_owned(),
        title: discount["title"].as_str().unwrap_or_default().to_owned(),
        summary: optional(&discount["summary"]),
        code,
        starts_at: optional(&discount["startsAt"]),
        ends_at: optional(&discount["endsAt"]),
    })
}

fn optional(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The number at the end of a long id.
fn short_id(gid: &Value) -> Option<String> {
    gid.as_str()?.rsplit('/').next().map(str::to_owned)
}

fn nodes(connection: &Value) -> impl Iterator<Item = &Value> {
    connection["edges"].as_array().into_iter().flatten().map(|edge| &edge["node"])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_product_tells_its_prices_and_stock_as_the_shop_does() {
        let node = json!({
            "id": "gid://shopify/Product/9007199254740993", "legacyResourceId": "9007199254740993", "title": "Board",
            "handle": "board", "status": "ACTIVE", "onlineStoreUrl": null, "tags": ["winter"], "vendor": "Demo",
            "productType": "Boards", "description": "Fast.",
            "featuredMedia": {"preview": {"image": {"url": "https://cdn.example/b.jpg", "altText": null}}},
            "metafields": {"edges": [{"node": {"namespace": "custom", "key": "flex", "type": "number_integer", "value": "7"}}]},
            "variants": {"edges": [
                {"node": {"id": "gid://shopify/ProductVariant/41", "title": "158 / Blue", "price": "1000.00", "sku": "",
                    "availableForSale": false, "inventoryQuantity": -2,
                    "selectedOptions": [{"name": "Size", "value": "158"}, {"name": "Colour", "value": "Blue"}]}},
                {"node": {"id": "gid://shopify/ProductVariant/42", "title": "162 / Blue", "price": "649.00",
                    "compareAtPrice": "700.00", "sku": "B-162", "availableForSale": true, "inventoryQuantity": 9,
                    "inventoryItem": {"tracked": false},
                    "selectedOptions": [{"name": "Size", "value": "162"}, {"name": "Colour", "value": "Blue"}]}},
            ]},
        });
        let record = product(&node.to_string()).expect("a product");
        assert!(record.is_active);
        assert_eq!(
            serde_json::to_value(&record.product).expect("JSON"),
            json!({
                "id": "9007199254740993", "gid": "gid://shopify/Product/9007199254740993", "shop": "", "title": "Board",
                "handle": "board", "url": null, "image": "https://cdn.example/b.jpg", "price": "649.00",
                "price_max": "1000.00", "compare_at": "700.00", "currency": null, "available": true, "stock": -2,
                "options": [{"name": "Size", "values": ["158", "162"]}, {"name": "Colour", "values": ["Blue"]}],
                "variants": [
                    {"id": "41", "title": "158 / Blue", "sku": null, "price": "1000.00", "available": false, "stock": -2},
                    {"id": "42", "title": "162 / Blue", "sku": "B-162", "price": "649.00", "available": true, "stock": null},
                ],
                "type": "Boards", "vendor": "Demo", "tags": ["winter"],
            })
        );
        let only = json!({"status": "DRAFT", "variants": {"edges": [{"node": {"title": "Default Title",
            "selectedOptions": [{"name": "Title", "value": "Default Title"}]}}]}});
        let record = product(&only.to_string()).expect("a product");
        assert!(!record.is_active && record.product.options.is_empty() && record.product.price.is_none());
        for odd in ["", "[", "null", "[1]", "{\"variants\":{\"edges\":7},\"tags\":\"x\"}"] {
            drop(product(odd));
        }
    }

    #[test]
    fn a_discount_is_told_only_where_everybody_may_use_it() {
        let of = |context: &str, status: &str, codes: &[&str]| {
            let codes: Vec<Value> = codes.iter().map(|code| json!({"node": {"code": code}})).collect();
            let node = json!({"id": "d", "codeDiscount": {"title": "T", "status": status, "summary": "10% off",
                "context": {"__typename": context}, "codes": {"edges": codes}}});
            discount(&node.to_string())
        };
        assert_eq!(
            of("DiscountBuyerSelectionAll", "ACTIVE", &["TEN"]).and_then(|one| one.code).as_deref(),
            Some("TEN")
        );
        assert_eq!(of("DiscountCustomers", "ACTIVE", &["TEN"]), None);
        assert_eq!(of("DiscountBuyerSelectionAll", "EXPIRED", &["TEN"]), None);
        assert_eq!(of("DiscountBuyerSelectionAll", "ACTIVE", &["A", "B"]), None);
        let automatic = json!({"id": "a", "automaticDiscount": {"title": "T", "status": "ACTIVE"}});
        assert_eq!(discount(&automatic.to_string()).map(|one| one.code), Some(None));
    }
}
