//! What we write: `shop_metadata.json` and `shop_products.json`, in one shape however many requests it took.

use serde_json::{Map, Value, json};

use super::payload::ShopDomain;
use crate::shared::journal::Record;
use crate::shared::output::RelativePath;

/// Where a shop's metadata file is.
///
/// # Errors
/// Never for a parsed domain.
pub fn metadata_path(shop: &ShopDomain) -> std::io::Result<RelativePath> {
    RelativePath::new(&[shop.as_str(), "shop_metadata.json"])
}

/// Where a shop's catalogue file is.
///
/// # Errors
/// Never for a parsed domain.
pub fn products_path(shop: &ShopDomain) -> std::io::Result<RelativePath> {
    RelativePath::new(&[shop.as_str(), "shop_products.json"])
}

/// `shop_metadata.json`: `{"data":{"shop":{…}}}`.
#[must_use]
pub fn metadata(shop: &Record) -> Vec<u8> {
    format!("{{\"data\":{{\"shop\":{}}}}}\n", shop.payload).into_bytes()
}

/// `shop_products.json`. Each record's payload is a node as it stands in the file.
#[must_use]
pub fn catalogue(products: &[Record], discounts: &[Record], collections: &[Record]) -> Vec<u8> {
    let is_code = |record: &&Record| record.payload.contains("\"codeDiscount\":");
    let codes: Vec<&Record> = discounts.iter().filter(is_code).collect();
    let automatic: Vec<&Record> = discounts.iter().filter(|record| !is_code(record)).collect();
    let mut text = String::from("{\"data\":{\n");
    push_edges(&mut text, "products", products.iter());
    text.push_str(",\n");
    push_edges(&mut text, "codeDiscountNodes", codes.into_iter());
    text.push_str(",\n");
    push_edges(&mut text, "automaticDiscountNodes", automatic.into_iter());
    text.push_str(",\n");
    push_edges(&mut text, "collections", collections.iter());
    text.push_str("\n}}\n");
    text.into_bytes()
}

/// One connection, an edge a line. It is complete, so its `pageInfo` says that nothing follows.
fn push_edges<'a>(text: &mut String, name: &str, records: impl Iterator<Item = &'a Record>) {
    text.push('"');
    text.push_str(name);
    text.push_str("\":{\"edges\":[");
    for (index, record) in records.enumerate() {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str("{\"node\":");
        text.push_str(&record.payload);
        text.push('}');
    }
    text.push_str("],\"pageInfo\":{\"hasNextPage\":false,\"endCursor\":null}}");
}

/// A complete list as a connection: `{"edges":[{"node":…}]}`.
#[must_use]
pub fn edges(nodes: Vec<Value>) -> Value {
    let edges: Vec<Value> = nodes.into_iter().map(|node| json!({ "node": node })).collect();
    json!({ "edges": edges })
}

/// A discount's node: what the API calls `discount` stands under `codeDiscount` or `automaticDiscount`, by its type.
#[must_use]
pub fn discount(id: &Value, mut discount: Map<String, Value>, codes: Vec<Value>) -> Value {
    let kind = discount.get("__typename").and_then(Value::as_str).unwrap_or_default();
    let name = if kind.starts_with("DiscountAutomatic") {
        "automaticDiscount"
    } else {
        discount.insert("codes".to_owned(), edges(codes));
        "codeDiscount"
    };
    json!({ "id": id, name: discount })
}

/// A record of a node that has an `id`.
#[must_use]
pub fn record(node: &Value) -> Option<Record> {
    Some(Record { id: node["id"].as_str()?.to_owned(), payload: node.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_has_one_shape_and_is_json_also_when_empty() {
        let parse = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).expect("JSON");
        let empty = json!({"edges":[],"pageInfo":{"hasNextPage":false,"endCursor":null}});
        let nothing = parse(catalogue(&[], &[], &[]));
        assert_eq!(nothing["data"]["products"], empty);
        assert_eq!(nothing["data"]["codeDiscountNodes"], empty);

        let code =
            discount(&json!("1"), Map::from_iter([("__typename".to_owned(), json!("DiscountCodeBasic"))]), vec![]);
        let automatic =
            discount(&json!("2"), Map::from_iter([("__typename".to_owned(), json!("DiscountAutomaticApp"))]), vec![]);
        let records: Vec<Record> = [&code, &automatic].into_iter().filter_map(record).collect();
        let file = parse(catalogue(&[], &records, &[]));
        assert_eq!(file["data"]["codeDiscountNodes"]["edges"][0]["node"]["id"], "1");
        assert_eq!(file["data"]["automaticDiscountNodes"]["edges"][0]["node"]["id"], "2");
    }
}
