//! What only the reader of shops knows to read, and the words for it in the database.

use std::fmt;

use super::names::{COLLECTION_GID, DISCOUNT_GID, ITEM_GID, PRODUCT_GID};
use crate::shared::channel::read_request::ReadRequest;

/// How the text begins of an object that is read a second time.
const AGAIN: &str = "again:";

/// What only this channel knows: see [`ReadRequest::OfChannel`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnRequest {
    /// What is new, changed or gone since the last look: the daily poll. Its text is `poll`.
    Changes,
    /// The shop's own data, without its catalogue. Its text is `shop`.
    Shop,
    /// All products with their variants and stock. Its text is `products`.
    Products,
    /// All collections. Its text is `collections`.
    Collections,
    /// All discounts. Its text is `discounts`.
    Discounts,
    /// A bulk operation has ended: whoever waits for one looks now. Its text is `bulk`.
    BulkEnd,
    /// One object.
    Single(Single),
}

/// One object of the catalogue: a product, a collection, a discount, or the product of an inventory item. Its text is its
/// global id, after `again:` where it is asked for once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Single {
    /// Its global id: `gid://shopify/Product/1`.
    pub id: String,
    /// Whether it is asked for once more, because the first answer showed no change.
    pub again: bool,
}

impl Single {
    fn parse(words: &str) -> Option<Self> {
        let (id, again) = words.strip_prefix(AGAIN).map_or((words, false), |id| (id, true));
        let is_known = [PRODUCT_GID, ITEM_GID, COLLECTION_GID, DISCOUNT_GID].iter().any(|kind| id.starts_with(kind));
        is_known.then(|| Self { id: id.to_owned(), again })
    }
}

impl OwnRequest {
    /// The request for one object by its global id.
    #[must_use]
    pub fn single(id: impl Into<String>) -> Self {
        Self::Single(Single { id: id.into(), again: false })
    }

    /// Reads the words; `None`: no such request is known here.
    #[must_use]
    pub fn parse(words: &str) -> Option<Self> {
        let list = [Self::Changes, Self::Shop, Self::Products, Self::Collections, Self::Discounts, Self::BulkEnd];
        list.into_iter()
            .find(|request| request.word() == Some(words))
            .or_else(|| Single::parse(words).map(Self::Single))
    }

    fn word(&self) -> Option<&'static str> {
        match self {
            Self::Changes => Some("poll"),
            Self::Shop => Some("shop"),
            Self::Products => Some("products"),
            Self::Collections => Some("collections"),
            Self::Discounts => Some("discounts"),
            Self::BulkEnd => Some("bulk"),
            Self::Single(_) => None,
        }
    }
}

impl fmt::Display for OwnRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single(Single { id, again }) => write!(formatter, "{}{id}", if *again { AGAIN } else { "" }),
            request => formatter.write_str(request.word().unwrap_or_default()),
        }
    }
}

impl From<OwnRequest> for ReadRequest {
    fn from(request: OwnRequest) -> Self {
        Self::OfChannel(request.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_this_channel_comes_out_as_it_went_in() {
        let again = |id: &str| OwnRequest::Single(Single { id: id.to_owned(), again: true });
        for (text, request) in [
            ("poll", OwnRequest::Changes),
            ("shop", OwnRequest::Shop),
            ("products", OwnRequest::Products),
            ("collections", OwnRequest::Collections),
            ("discounts", OwnRequest::Discounts),
            ("bulk", OwnRequest::BulkEnd),
            ("gid://shopify/Product/9007199254740993", OwnRequest::single("gid://shopify/Product/9007199254740993")),
            ("gid://shopify/InventoryItem/1", OwnRequest::single("gid://shopify/InventoryItem/1")),
            ("gid://shopify/Collection/1", OwnRequest::single("gid://shopify/Collection/1")),
            ("gid://shopify/DiscountNode/1", OwnRequest::single("gid://shopify/DiscountNode/1")),
            ("gid://shopify/DiscountCodeNode/1", OwnRequest::single("gid://shopify/DiscountCodeNode/1")),
            ("gid://shopify/DiscountAutomaticNode/1", OwnRequest::single("gid://shopify/DiscountAutomaticNode/1")),
            ("again:gid://shopify/Product/1", again("gid://shopify/Product/1")),
            ("again:gid://shopify/InventoryItem/1", again("gid://shopify/InventoryItem/1")),
            ("again:gid://shopify/DiscountNode/1", again("gid://shopify/DiscountNode/1")),
        ] {
            assert_eq!(OwnRequest::parse(text), Some(request.clone()), "{text}");
            let general = ReadRequest::from(request);
            assert_eq!((general.to_text().as_ref(), &ReadRequest::from_text(text)), (text, &general));
        }
        for text in [
            "",
            "watch",
            "metadata",
            "again:",
            "again:poll",
            "again:again:gid://shopify/Product/1",
            "gid://shopify/Order/1",
        ] {
            assert_eq!(OwnRequest::parse(text), None, "{text}");
        }
    }
}
