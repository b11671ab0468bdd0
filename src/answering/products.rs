//! Where products that fit a message are looked for.

use serde_json::Value;
use uuid::Uuid;

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
}

/// Finds nothing: where there is no catalogue.
pub struct NoProducts;

impl Products for NoProducts {
    fn find<'a>(&'a self, _merchant: Uuid, _text: &'a str, _limit: usize) -> BoxFuture<'a, anyhow::Result<Offer>> {
        Box::pin(async { Ok(Offer::default()) })
    }
}
