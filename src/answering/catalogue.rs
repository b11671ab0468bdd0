//! The catalogues of a merchant's shops, for whoever answers: what fits a message, and cards of products.

use serde_json::{Value, json};
use uuid::Uuid;

use super::products::{Offer, Products, ShopOf};
use crate::shared::channel::dialogue::ProductCard;
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::product::Product;
use crate::shared::journal::Account;
use crate::shared::products::Products as Search;
use crate::shared::store::Connections;
use crate::shared::store::search::Query;

/// The catalogues of all merchants.
pub struct Catalogue {
    search: Search,
    connections: Connections,
}

impl Catalogue {
    /// Looks for products here.
    #[must_use]
    pub fn new(search: Search, connections: Connections) -> Self {
        Self { search, connections }
    }

    /// The shops of a merchant, the first connected one first.
    async fn shops_of(&self, merchant: Uuid) -> anyhow::Result<Vec<Account>> {
        let mut shops = self.connections.list_of(merchant).await?;
        shops.retain(|one| self.search.source_of(&one.channel).is_some());
        shops.sort_by_key(|one| one.connected_at);
        Ok(shops.into_iter().map(|one| (one.channel, one.account)).collect())
    }
}

impl Products for Catalogue {
    fn find<'a>(&'a self, merchant: Uuid, text: &'a str, limit: usize) -> BoxFuture<'a, anyhow::Result<Offer>> {
        Box::pin(async move {
            let shops = self.shops_of(merchant).await?;
            let Some(first) = shops.first() else { return Ok(Offer::default()) };
            let query = Query { q: text.to_owned(), available: None, max_price: None, limit };
            let found = match limit == 0 || text.trim().is_empty() {
                true => Vec::new(),
                false => self.search.find(&shops, &query).await?,
            };
            let of_first = found.first().and_then(|hit| shops.iter().find(|(_, shop)| *shop == hit.product.shop));
            let shop = self.search.shop(of_first.unwrap_or(first)).await?;
            let products = found.iter().map(|hit| brief(&hit.product)).collect();
            Ok(Offer { products, shop: shop.map(serde_json::to_value).transpose()? })
        })
    }

    fn shop_of<'a>(&'a self, merchant: Uuid, ids: &'a [String]) -> BoxFuture<'a, anyhow::Result<ShopOf>> {
        Box::pin(async move {
            let shops = self.shops_of(merchant).await?;
            let (mut unavailable, mut shop) = (Vec::new(), None);
            let mut are_several = false;
            for id in ids {
                match self.search.product(&shops, id).await? {
                    None => unavailable.push(id.clone()),
                    Some(found) => {
                        let own = found.product.shop;
                        are_several |= shop.as_ref().is_some_and(|shop| *shop != own);
                        shop = Some(own);
                    }
                }
            }
            Ok(match shop {
                Some(shop) if unavailable.is_empty() && !are_several => ShopOf::One(shop),
                _ if unavailable.is_empty() => ShopOf::Several,
                _ => ShopOf::Unavailable(unavailable),
            })
        })
    }

    fn cards<'a>(&'a self, shop: &'a str, ids: &'a [String]) -> BoxFuture<'a, anyhow::Result<Vec<ProductCard>>> {
        Box::pin(async move {
            let all = self.connections.list().await?;
            let shops: Vec<Account> = all
                .into_iter()
                .filter(|one| one.account == shop && self.search.source_of(&one.channel).is_some())
                .map(|one| (one.channel, one.account))
                .collect();
            let mut cards = Vec::new();
            for id in ids {
                cards.extend(self.search.product(&shops, id).await?.map(|found| card(found.product)));
            }
            Ok(cards)
        })
    }
}

/// What a bot is told of a product that fits.
fn brief(product: &Product) -> Value {
    json!({
        "id": product.id, "title": product.title, "price": product.price, "currency": product.currency,
        "available": product.available, "stock": product.stock, "url": product.url, "image": product.image,
    })
}

fn card(product: Product) -> ProductCard {
    let price = [product.price, product.currency].into_iter().flatten().collect::<Vec<_>>().join(" ");
    ProductCard { title: product.title, price, image: product.image, url: product.url }
}
