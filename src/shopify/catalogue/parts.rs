//! The parts in which objects come, and what is made of them.

use super::kinds::{COLLECTION, PRODUCT};
use super::session::Raw;
use crate::shared::journal::JournalError;
use crate::shared::raw_json::Object;
use crate::shared::store::Part;
use crate::shopify::document;

/// Kinds of parts: what belongs to a product names the product or the inventory item as its parent.
pub mod part {
    /// A product without its lists.
    pub const PRODUCT: u8 = 0;
    /// A metafield of a product.
    pub const METAFIELD: u8 = 1;
    /// A variant of a product.
    pub const VARIANT: u8 = 2;
    /// An inventory item; what matters of it stands in its variant.
    pub const ITEM: u8 = 3;
    /// A level of an inventory item.
    pub const LEVEL: u8 = 4;
    /// A collection without its products.
    pub const COLLECTION: u8 = 5;
    /// A product of a collection.
    pub const MEMBER: u8 = 6;
    /// A discount without its codes.
    pub const DISCOUNT: u8 = 7;
    /// A code of a discount.
    pub const CODE: u8 = 8;
}

/// How far behind a platform's copy may be.
const LONGEST_LAG_MS: i64 = 60 * 60 * 1000;

/// A part of an object. Variants stand by their position, everything else by its id: bulk files promise no order.
#[must_use]
pub fn part(kind: u8, id: String, parent: &str, raw: &Raw) -> Part {
    let position = match kind {
        part::VARIANT => Object::parse(raw.get()).and_then(|object| object.integer("position")),
        _ => None,
    };
    part_at(kind, id, parent.to_owned(), position, raw.get())
}

/// As [`part()`], of an object whose position was looked up.
#[must_use]
pub fn part_at(kind: u8, id: String, parent: String, position: Option<i64>, text: &str) -> Part {
    let place = match kind {
        part::VARIANT => position.unwrap_or(i64::MAX),
        _ => 0,
    };
    Part { kind, id, parent, place, payload: text.to_owned() }
}

/// Whether an object that was read is older than the one that is stored since `at_ms`: platforms answer from copies that
/// lag behind. What still shows an older time after an hour is right all the same.
#[must_use]
pub fn is_outdated(new: &str, old: &str, at_ms: i64, now_ms: i64) -> bool {
    match (updated_at(new), updated_at(old)) {
        (Some(new), Some(old)) => new < old && now_ms - at_ms < LONGEST_LAG_MS,
        _ => false,
    }
}

/// As [`is_outdated`], where the stored object was deleted at `at_ms`: what shows it unchanged is as old.
#[must_use]
pub fn is_of_the_dead(new: &str, old: &str, at_ms: i64, now_ms: i64) -> bool {
    match (updated_at(new), updated_at(old)) {
        (Some(new), Some(old)) => new <= old && now_ms - at_ms < LONGEST_LAG_MS,
        _ => false,
    }
}

/// When the platform last changed an object, in milliseconds since 1970.
#[must_use]
pub fn updated_at(node: &str) -> Option<i64> {
    let object = Object::parse(node)?;
    let object = object.object("codeDiscount").or_else(|| object.object("automaticDiscount")).unwrap_or(object);
    let time = chrono::DateTime::parse_from_rfc3339(&object.text("updatedAt")?).ok()?;
    Some(time.timestamp_millis())
}

/// The kind of the part that an object of this kind begins with.
#[must_use]
pub fn kind_of_part(kind: &str) -> u8 {
    match kind {
        PRODUCT => part::PRODUCT,
        COLLECTION => part::COLLECTION,
        _ => part::DISCOUNT,
    }
}

/// What belongs to an object: the texts of one kind of parts, in their order.
pub type Texts<'a> = dyn Fn(&str, u8) -> Result<Vec<String>, JournalError> + 'a;

/// An object's node with everything below it. `None`: it cannot be understood.
///
/// # Errors
/// What `children` returns.
pub fn node(kind: &str, id: &str, raw: &str, children: &Texts<'_>) -> Result<Option<String>, JournalError> {
    Ok(match kind {
        PRODUCT => {
            let mut variants = Vec::new();
            for raw in children(id, part::VARIANT)? {
                let levels = match document::item_of_variant(&raw) {
                    Some(item) => children(&item, part::LEVEL)?,
                    None => Vec::new(),
                };
                variants.push(document::variant(&raw, levels));
            }
            let metafields = children(id, part::METAFIELD)?;
            variants.into_iter().collect::<Option<_>>().and_then(|all| document::product(raw, metafields, all))
        }
        COLLECTION => document::collection(raw, children(id, part::MEMBER)?),
        _ => document::discount(raw, children(id, part::CODE)?),
    })
}
