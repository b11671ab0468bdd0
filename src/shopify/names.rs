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
