//! The kinds of records that a catalogue is made of.

/// A product.
pub const PRODUCT: &str = "product";
/// A discount, by code or automatic.
pub const DISCOUNT: &str = "discount";
/// A collection.
pub const COLLECTION: &str = "collection";
/// A product that was deleted not long ago, as it was: a pass under way, or a copy that lags behind, may still show it.
pub const GONE: &str = "gone";

/// The cursor of what was read, and up to when.
pub const READ: &str = "catalogue read";
