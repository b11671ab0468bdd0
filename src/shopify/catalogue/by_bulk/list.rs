//! The lists that bulk operations bring, each with its query.

use serde::{Deserialize, Serialize};

use crate::shared::languages::{Sentence, say};
use crate::shopify::catalogue::kinds::{DISCOUNT, PRODUCT};
use crate::shopify::catalogue::parts::part;
use crate::shopify::catalogue::session::Access;

/// What the ids of media hold.
/// Source: <https://shopify.dev/docs/api/admin-graphql/latest/interfaces/Media> (2026).
const MEDIA: [&str; 4] = ["/MediaImage/", "/Video/", "/ExternalVideo/", "/Model3d/"];

/// What one operation brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum List {
    Products,
    Stock,
    Discounts,
    Collections,
}

impl List {
    pub fn of(kinds: &[&'static str], access: Access) -> Vec<Self> {
        let mut lists = Vec::new();
        for &kind in kinds {
            match kind {
                PRODUCT => {
                    lists.push(Self::Products);
                    lists.extend(access.stock.then_some(Self::Stock));
                }
                DISCOUNT => lists.push(Self::Discounts),
                _ => lists.push(Self::Collections),
            }
        }
        lists
    }

    /// The query. A bulk query takes no variables, so what may not be asked for is taken out of its text.
    pub fn query(self, access: Access) -> String {
        let text = match self {
            Self::Products => include_str!("../../queries/bulk_products.graphql"),
            Self::Stock => include_str!("../../queries/bulk_stock.graphql"),
            Self::Discounts => include_str!("../../queries/bulk_discounts.graphql"),
            Self::Collections => include_str!("../../queries/bulk_collections.graphql"),
        };
        let mut text = text.to_owned();
        if !access.stock {
            text = text.replace("inventoryItem { id tracked }", "");
        }
        if !access.locations {
            text = text.replace("location { id name }", "location { id }");
        }
        text
    }

    pub fn what(self) -> Sentence {
        match self {
            Self::Products => say::what_products(),
            Self::Stock => say::what_stock(),
            Self::Discounts => say::what_discounts(),
            Self::Collections => say::what_collections(),
        }
    }

    /// What a line is, by its id and whether it has a parent.
    pub fn kind_of_part(self, id: &str, has_parent: bool) -> Option<u8> {
        match (self, has_parent) {
            (Self::Products, false) => Some(part::PRODUCT),
            (Self::Products, true) if id.contains("/ProductVariant/") => Some(part::VARIANT),
            (Self::Products, true) if id.contains("/Metafield/") => Some(part::METAFIELD),
            (Self::Products, true) => MEDIA.iter().any(|media| id.contains(media)).then_some(part::MEDIA),
            (Self::Stock, false) => Some(part::ITEM),
            (Self::Stock, true) => Some(part::LEVEL),
            (Self::Discounts, false) => Some(part::DISCOUNT),
            (Self::Discounts, true) => Some(part::CODE),
            (Self::Collections, false) => Some(part::COLLECTION),
            (Self::Collections, true) => Some(part::MEMBER),
        }
    }

    /// Children and the parents they must have.
    pub fn families(self) -> &'static [(u8, u8)] {
        match self {
            Self::Products => {
                &[(part::VARIANT, part::PRODUCT), (part::METAFIELD, part::PRODUCT), (part::MEDIA, part::PRODUCT)]
            }
            Self::Stock => &[(part::LEVEL, part::ITEM)],
            Self::Discounts => &[(part::CODE, part::DISCOUNT)],
            Self::Collections => &[(part::MEMBER, part::COLLECTION)],
        }
    }
}
