//! Where products that fit a message are looked for.

use serde_json::Value;
use uuid::Uuid;

use crate::shared::channel::dialogue::ProductCard;
use crate::shared::channel::job::BoxFuture;

/// What fits a message: members of an event.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Offer {
    /// The products, best first.
    pub products: Vec<Value>,
    /// The shop of the first one, else the merchant's only or first one; `None`: there is no shop.
    pub shop: Option<Value>,
}

/// Finds products of a merchant.
pub trait Products: Send + Sync {
    /// What fits this text, `limit` products at most.
    fn find<'a>(&'a self, merchant: Uuid, text: &'a str, limit: usize) -> BoxFuture<'a, anyhow::Result<Offer>>;

    /// The shop of this merchant whose products these are, if all of them may be shown.
    fn shop_of<'a>(&'a self, merchant: Uuid, ids: &'a [String]) -> BoxFuture<'a, anyhow::Result<ShopOf>>;

    /// The cards of products of a shop as the catalogue is now; those that may not be shown are left out.
    fn cards<'a>(&'a self, shop: &'a str, ids: &'a [String]) -> BoxFuture<'a, anyhow::Result<Vec<ProductCard>>>;
}

/// Whose products were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShopOf {
    /// They are this shop's.
    One(String),
    /// These are unknown, or not for sale.
    Unavailable(Vec<String>),
    /// They are of several shops.
    Several,
}
