//! What the channel is called, and what it asks for.

/// The channel's name in paths, tables and files.
pub const NAME: &str = "shopify";

/// The platform's name as people know it.
pub const PLATFORM: &str = "Shopify";

/// The scopes that are asked for. The name of a location needs `read_locations`.
/// Source: <https://shopify.dev/docs/api/usage/access-scopes> (2026).
pub const SCOPES: [&str; 4] = ["read_products", "read_inventory", "read_locations", "read_discounts"];

/// The kind of the one record that holds the shop's own data.
pub const SHOP: &str = "shop";

/// The start of a product's global id; the number follows.
pub const PRODUCT_GID: &str = "gid://shopify/Product/";
/// The start of an inventory item's global id.
pub const ITEM_GID: &str = "gid://shopify/InventoryItem/";
/// The start of a collection's global id.
pub const COLLECTION_GID: &str = "gid://shopify/Collection/";
/// The start of a discount's global id; the kind of discount and the number follow.
pub const DISCOUNT_GID: &str = "gid://shopify/Discount";

/// Whether a scope is among those granted; a grant to write implies one to read.
#[must_use]
pub fn is_granted(scope: &str, granted: &[String]) -> bool {
    let write = scope.strip_prefix("read_").map(|rest| format!("write_{rest}"));
    granted.iter().any(|granted| granted == scope || Some(granted) == write.as_ref())
}
