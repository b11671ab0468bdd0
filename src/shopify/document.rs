//! What we write: `shop_metadata.json` and `shop_products.json`, in one shape however many requests it took and whichever
//! way the data came.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::io::Write;

use super::count::Count;
use super::payload::ShopDomain;
use crate::shared::files::path::{Name, RelativePath};
use crate::shared::raw_json::{Object, canonical, elements, push_name};
use crate::shared::store::Record;

/// Where a shop's metadata file is.
#[must_use]
pub fn metadata_path(shop: &ShopDomain) -> RelativePath {
    RelativePath::of([shop.as_name(), const { &Name::fixed("shop_metadata.json") }])
}

/// Where a shop's catalogue file is.
#[must_use]
pub fn products_path(shop: &ShopDomain) -> RelativePath {
    RelativePath::of([shop.as_name(), const { &Name::fixed("shop_products.json") }])
}

/// `shop_metadata.json`: `{"data":{"shop":{…}}}`.
#[must_use]
pub fn metadata(shop: &Record) -> Vec<u8> {
    format!("{{\"data\":{{\"shop\":{}}}}}\n", shop.payload).into_bytes()
}

/// The lists of the catalogue, in their order.
pub const SECTIONS: [Section; 4] =
    [Section::Products, Section::CodeDiscounts, Section::AutomaticDiscounts, Section::Collections];

/// A list of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Products with variants, stock and metafields.
    Products,
    /// Discounts with a code.
    CodeDiscounts,
    /// Discounts without.
    AutomaticDiscounts,
    /// Collections with their products.
    Collections,
}

impl Section {
    fn name(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::CodeDiscounts => "codeDiscountNodes",
            Self::AutomaticDiscounts => "automaticDiscountNodes",
            Self::Collections => "collections",
        }
    }

    /// The list that a node belongs to.
    #[must_use]
    pub fn of(id: &str, node: &str) -> Self {
        // Members are sorted, so these come first.
        if node.starts_with("{\"codeDiscount\":") {
            Self::CodeDiscounts
        } else if node.starts_with("{\"automaticDiscount\":") {
            Self::AutomaticDiscounts
        } else if id.contains("/Collection/") {
            Self::Collections
        } else {
            Self::Products
        }
    }

    /// The line before the list's first node.
    #[must_use]
    pub fn header(self) -> String {
        format!("\"{}\":{{\"edges\":[", self.name())
    }
}

/// The line after a list's last node. The list is complete, so its `pageInfo` says that nothing follows.
pub const END_OF_LIST: &str = "],\"pageInfo\":{\"hasNextPage\":false,\"endCursor\":null}}";

/// Writes `shop_products.json`, a node a line, each list in the order of [`order`]. `nodes` shows a list's nodes to what
/// it is given.
///
/// # Errors
/// What writing or reading returns.
pub fn write_catalogue<E: From<std::io::Error>>(
    writer: &mut dyn Write,
    mut nodes: impl FnMut(Section, &mut dyn FnMut(&str) -> Result<(), E>) -> Result<(), E>,
) -> Result<(), E> {
    writer.write_all(b"{\"data\":{\n")?;
    for (index, section) in SECTIONS.into_iter().enumerate() {
        writer.write_all(if index == 0 { b"" } else { b",\n" })?;
        writer.write_all(section.header().as_bytes())?;
        let mut is_first = true;
        nodes(section, &mut |node| {
            writer.write_all(if is_first { b"\n" } else { b",\n" })?;
            is_first = false;
            write_line(&mut *writer, node)?;
            Ok(())
        })?;
        writer.write_all(b"\n")?;
        writer.write_all(END_OF_LIST.as_bytes())?;
    }
    writer.write_all(b"\n}}\n")?;
    Ok(())
}

fn write_line(writer: &mut dyn Write, node: &str) -> std::io::Result<()> {
    writer.write_all(b"{\"node\":")?;
    writer.write_all(node.as_bytes())?;
    writer.write_all(b"}")
}

/// A node's line without its end.
#[must_use]
pub fn line(node: &str) -> String {
    format!("{{\"node\":{node}}}")
}

/// The node of a line, with or without what follows it.
#[must_use]
pub fn node_of_line(line: &str) -> Option<&str> {
    let line = line.strip_suffix(',').unwrap_or(line);
    line.strip_prefix("{\"node\":")?.strip_suffix('}')
}

/// The order of nodes in a list: by id, shorter ids first, so that numbers stand in their order.
#[must_use]
pub fn order(a: &str, b: &str) -> Ordering {
    (a.len(), a).cmp(&(b.len(), b))
}

/// A complete list as a connection: `{"edges":[{"node":…}]}`.
fn edges(nodes: impl IntoIterator<Item = String>) -> String {
    let mut text = String::from("{\"edges\":[");
    for (index, node) in nodes.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str("{\"node\":");
        text.push_str(&node);
        text.push('}');
    }
    text.push_str("]}");
    text
}

/// The object as it shall stand in the file: in the one form, without some members and with some others.
fn node(raw: &str, without: &[&str], with: Vec<(&str, String)>) -> Option<String> {
    let object = Object::parse(raw)?;
    let mut members: Vec<(&[u8], String)> = Vec::new();
    for (name, value) in object.members() {
        let is_left_out = without.iter().any(|left_out| left_out.as_bytes() == name);
        if !is_left_out && name != b"__parentId" && with.iter().all(|(more, _)| more.as_bytes() != name) {
            members.push((name, canonical(value)?));
        }
    }
    members.extend(with.iter().map(|(name, value)| (name.as_bytes(), value.clone())));
    members.sort_by_key(|(name, _)| *name);
    let mut text = String::with_capacity(raw.len());
    text.push('{');
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_name(&mut text, name);
        text.push_str(value);
    }
    text.push('}');
    Some(text)
}

/// How many of a product's media the file holds: those that were added first. Bulk files promise no order, and the place of a
/// picture among its like is not told; the first one stands in `featuredMedia`.
const MOST_MEDIA: usize = 10;

/// A product's node with its metafields and media, and with its variants as [`variant`] makes them. `None`: it is no object.
#[must_use]
pub fn product(raw: &str, metafields: Vec<String>, mut media: Vec<String>, variants: Vec<String>) -> Option<String> {
    media.sort_by_cached_key(|raw| number_of(raw));
    let nodes = |raw: Vec<String>| raw.iter().map(|raw| node(raw, &[], Vec::new())).collect::<Option<Vec<_>>>();
    let media = nodes(media.into_iter().take(MOST_MEDIA).collect())?;
    let lists = vec![("media", edges(media)), ("metafields", edges(nodes(metafields)?)), ("variants", edges(variants))];
    // How many variants there are is said for whoever reads the list; they stand in it.
    node(raw, &["variantsCount"], lists)
}

/// The number at the end of an object's id, by which the platform sorts.
fn number_of(raw: &str) -> Option<u64> {
    Object::parse(raw)?.text("id")?.rsplit('/').next()?.parse().ok()
}

/// The media that stand in a product as it came; `None`: they come apart, as they do in bulk files.
#[must_use]
pub fn media_within(raw: &str) -> Option<Vec<String>> {
    let product = Object::parse(raw)?;
    let media = product.object("media")?;
    Some(elements(media.get("nodes")?)?.into_iter().map(str::to_owned).collect())
}

/// The inventory item of a variant, if it has one.
#[must_use]
pub fn item_of_variant(raw: &str) -> Option<String> {
    Object::parse(raw)?.object("inventoryItem")?.text("id").map(std::borrow::Cow::into_owned)
}

/// A variant's node with the levels of its inventory item.
#[must_use]
pub fn variant(raw: &str, levels: Vec<String>) -> Option<String> {
    let item = match Object::parse(raw)?.get("inventoryItem") {
        Some(item) if item.starts_with('{') => {
            let levels = levels.iter().map(|raw| node(raw, &[], Vec::new())).collect::<Option<Vec<_>>>()?;
            vec![("inventoryItem", node(item, &[], vec![("inventoryLevels", edges(levels))])?)]
        }
        _ => Vec::new(),
    };
    node(raw, &["product"], item)
}

/// A collection's node with its products.
#[must_use]
pub fn collection(raw: &str, products: Vec<String>) -> Option<String> {
    let products = products.iter().map(|raw| node(raw, &[], Vec::new())).collect::<Option<Vec<_>>>()?;
    node(raw, &[], vec![("products", edges(products))])
}

/// A collection's node with other titles (as JSON) of some of its products, and without those that have none.
#[must_use]
pub fn with_members(node: &str, titles: &HashMap<String, Option<String>>) -> Option<String> {
    let object = Object::parse(node)?;
    let mut members = Vec::new();
    for edge in elements(object.object("products")?.get("edges")?)? {
        let edge = Object::parse(edge)?;
        let member = edge.get("node")?;
        match titles.get(&*edge.object("node")?.text("id")?) {
            None => members.push(member.to_owned()),
            Some(None) => {}
            Some(Some(title)) => members.push(self::node(member, &[], vec![("title", canonical(title)?)])?),
        }
    }
    collection(node, members)
}

/// Whether a collection is as it is stored, its products aside, and as many of them are stored as it says that it has.
#[must_use]
pub fn is_same_collection(stored: &str, raw: &str) -> bool {
    let bare = |text: &str| node(text, &["products"], Vec::new());
    holds_all(stored, "productsCount", "products") && bare(stored).is_some_and(|stored| Some(stored) == bare(raw))
}

/// Whether as many objects are in the list of a stored object as it says that it has. Its number is no more than its word:
/// one that never agrees is read again with every look, and nothing else follows.
fn holds_all(stored: &str, count: &str, list: &str) -> bool {
    let told = Object::parse(stored).and_then(|stored| Count::parse(stored.get(count)?));
    let held = || Some(elements(Object::parse(stored)?.object(list)?.get("edges")?)?.len());
    told.zip(held()).is_none_or(|(told, held)| told.agrees(held))
}

/// Whether a discount is as it is stored, its codes aside, and as many of them are stored as it says that it has.
#[must_use]
pub fn is_same_discount(stored: &str, raw: &str) -> bool {
    let bare = |text: &str, name: &str| node(Object::parse(text)?.get(name)?, &["codes"], Vec::new());
    if Object::parse(stored).and_then(|stored| Some(holds_all(stored.get("codeDiscount")?, "codesCount", "codes")))
        == Some(false)
    {
        return false;
    }
    let known = bare(stored, "codeDiscount").or_else(|| bare(stored, "automaticDiscount"));
    known.is_some_and(|known| Some(known) == bare(raw, "discount"))
}

/// A discount's node: what the API calls `discount` stands under `codeDiscount` or `automaticDiscount`, by its type.
#[must_use]
pub fn discount(raw: &str, codes: Vec<String>) -> Option<String> {
    let object = Object::parse(raw)?;
    let discount = object.get("discount")?;
    let (name, with) = if Object::parse(discount)?.text("__typename")?.starts_with("DiscountAutomatic") {
        ("automaticDiscount", Vec::new())
    } else {
        let codes = codes.iter().map(|raw| node(raw, &[], Vec::new())).collect::<Option<Vec<_>>>()?;
        ("codeDiscount", vec![("codes", edges(codes))])
    };
    node(raw, &["discount"], vec![(name, node(discount, &[], with)?)])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn file(all: &[&str]) -> Value {
        let mut bytes = Vec::new();
        write_catalogue::<std::io::Error>(&mut bytes, |section, show| {
            all.iter()
                .filter(|node| Section::of("gid://shopify/Product/1", node) == section)
                .try_for_each(|node| show(node))
        })
        .expect("written");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[test]
    fn the_catalogue_has_one_shape_and_is_json_also_when_empty() {
        let empty = json!({"edges":[],"pageInfo":{"hasNextPage":false,"endCursor":null}});
        let nothing = file(&[]);
        for section in SECTIONS {
            assert_eq!(nothing["data"][section.name()], empty);
        }
        let code = discount(r#"{"id":"1","discount":{"__typename":"DiscountCodeBasic"}}"#, vec![]).expect("a node");
        let automatic =
            discount(r#"{"id":"2","discount":{"__typename":"DiscountAutomaticApp"}}"#, vec![]).expect("a node");
        let file = file(&[&code, &automatic]);
        assert_eq!(file["data"]["codeDiscountNodes"]["edges"][0]["node"]["id"], "1");
        assert_eq!(file["data"]["automaticDiscountNodes"]["edges"][0]["node"]["id"], "2");
    }

    #[test]
    fn members_stand_in_one_order_whatever_the_order_they_came_in() {
        let one = variant(
            r#"{"__parentId":"p","title":"T","id":"v","inventoryItem":{"tracked":true,"id":"i"},"product":{"id":"p"}}"#,
            vec![r#"{"id":"l","__parentId":"i"}"#.to_owned()],
        );
        let other = variant(
            r#"{ "id":"v", "inventoryItem":{"id":"i","tracked":true,"inventoryLevels":{"nodes":[]}},"title":"\u0054"}"#,
            vec![r#"{ "id" : "l" }"#.to_owned()],
        );
        assert_eq!(one, other);
        let expected = r#"{"id":"v","inventoryItem":{"id":"i","inventoryLevels":{"edges":[{"node":{"id":"l"}}]},"tracked":true},"title":"T"}"#;
        assert_eq!(one.as_deref(), Some(expected));
        assert_eq!(variant(r#"{"id":"v"}"#, vec![]).as_deref(), Some(r#"{"id":"v"}"#), "without the scope for stock");
    }
}
