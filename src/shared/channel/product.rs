//! The products of an account, as a channel with a catalogue tells them to what searches and answers: from its records to the
//! shapes of this module. Nothing above a channel knows how a platform writes a product.

use serde::Serialize;

/// How a channel's records say what an account sells. A channel without a catalogue has none.
pub struct ProductSource {
    /// The kind of record that a product is.
    pub kind: &'static str,
    /// The kind of record that the account itself is, under the account's own id.
    pub account_kind: &'static str,
    /// The kind of record that a discount is.
    pub discount_kind: &'static str,
    /// The id of a product's record, of the id by which answers name the product: the platform's short or long one.
    pub record_id: fn(&str) -> String,
    /// The short id by which answers name a product, of the id of its record.
    pub product_id: fn(&str) -> String,
    /// A product's record. `None`: it cannot be understood.
    pub product: fn(&str) -> Option<ProductRecord>,
    /// The account's own record. `None`: it cannot be understood.
    pub shop: fn(&str) -> Option<ShopRecord>,
    /// A discount's record. `None`: it is not for everybody, is over or switched off, or cannot be understood.
    pub discount: fn(&str) -> Option<Discount>,
}

/// What a product's record says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductRecord {
    /// Whether customers may be told of it.
    pub is_active: bool,
    /// What a list of products shows, with all variants.
    pub product: Product,
    /// What it says about itself, as plain text.
    pub description: String,
    /// What the shop keeps beside it.
    pub metafields: Vec<Metafield>,
}

/// A product. Prices are decimal texts in the shop's currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Product {
    /// The platform's short id, digits as text.
    pub id: String,
    /// The platform's long id.
    pub gid: String,
    /// The account that sells it. Whoever reads a record fills it in.
    pub shop: String,
    /// Its title.
    pub title: String,
    /// Its name in addresses.
    pub handle: String,
    /// Where customers see it; `None`: it is not published in the online store.
    pub url: Option<String>,
    /// The address of its picture.
    pub image: Option<String>,
    /// The lowest price of its variants; `None`: it has none.
    pub price: Option<String>,
    /// The highest price of its variants.
    pub price_max: Option<String>,
    /// What the variant with the lowest price cost before, where it is reduced.
    pub compare_at: Option<String>,
    /// The shop's currency, an ISO 4217 code. Whoever reads a record fills it in.
    pub currency: Option<String>,
    /// Whether any variant can be bought at the moment.
    pub available: bool,
    /// How many can be sold, all variants together; `None`: not tracked.
    pub stock: Option<i64>,
    /// What a customer chooses by; empty where there is one variant only.
    pub options: Vec<ProductOption>,
    /// What can be bought, in the shop's order.
    pub variants: Vec<ProductVariant>,
    /// The shop's own word for what it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who makes it.
    pub vendor: String,
    /// The shop's own words about it.
    pub tags: Vec<String>,
}

/// What a customer chooses by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProductOption {
    /// Its name: "Colour".
    pub name: String,
    /// What there is to choose, in the order of the variants.
    pub values: Vec<String>,
}

/// A kind of a product that can be bought.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ProductVariant {
    /// The platform's short id, digits as text.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The shop's own number for it; `None`: it has none.
    pub sku: Option<String>,
    /// Its price.
    pub price: Option<String>,
    /// Whether it can be bought at the moment.
    pub available: bool,
    /// How many there are; `None`: not tracked.
    pub stock: Option<i64>,
}

/// A value that the shop keeps beside a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metafield {
    /// What keeps keys of the same name apart.
    pub namespace: String,
    /// Its key.
    pub key: String,
    /// Its type, in the platform's words.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its value as text.
    pub value: String,
}

/// What the account's own record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopRecord {
    /// Its name.
    pub name: String,
    /// Its currency, an ISO 4217 code.
    pub currency: Option<String>,
    /// Where customers see it.
    pub url: Option<String>,
}

/// A discount that everybody may be told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Discount {
    /// The platform's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it gives, in the platform's words.
    pub summary: Option<String>,
    /// What a customer types; `None`: it applies by itself.
    pub code: Option<String>,
    /// When it begins, as the platform writes times.
    pub starts_at: Option<String>,
    /// When it ends; `None`: it does not.
    pub ends_at: Option<String>,
}
