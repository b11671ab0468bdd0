//! How a shop's catalogue is shown to people: from a product's node, as `shop_products.json` holds it, to a card.

use serde_json::Value;

use super::catalogue::kinds::PRODUCT;
use super::names::SHOP;
use crate::shared::channel::view::{Card, Catalogue, Picture, Variant, View};
use crate::shared::languages::{Fixed, say};

/// How the channel is shown.
pub const VIEW: View = View {
    platform: super::names::PLATFORM,
    noun: say::noun_shop,
    part: say::part_shopify,
    reconnect: Some(|shop| format!("/shopify/{shop}/login")),
    conversations: None,
    catalogue: Some(Catalogue { kind: PRODUCT, account_kind: SHOP, currency, card, matches }),
};

/// The title of the one variant of a product that has no choices.
/// Source: <https://shopify.dev/docs/api/admin-graphql/latest/objects/ProductVariant> (2026).
const ONLY_VARIANT: &str = "Default Title";

fn currency(shop: &str) -> Option<String> {
    let shop: Value = serde_json::from_str(shop).ok()?;
    shop["currencyCode"].as_str().map(str::to_owned)
}

fn card(product: &str) -> Option<Card> {
    let product: Value = serde_json::from_str(product).ok()?;
    let text = |name: &str| product[name].as_str().unwrap_or_default().to_owned();
    let variants: Vec<Variant> = nodes(&product["variants"]).map(variant).collect();
    let counted = variants.iter().filter_map(|variant| variant.stock);
    let stock =
        variants.iter().any(|variant| variant.stock.is_some()).then(|| counted.fold(0_i64, i64::saturating_add));
    let (status, is_live): (Fixed, bool) = match product["status"].as_str().unwrap_or_default() {
        "ACTIVE" => (say::product_active, true),
        "DRAFT" => (say::product_draft, false),
        "ARCHIVED" => (say::product_archived, false),
        "UNLISTED" => (say::product_unlisted, true),
        _ => (say::product_unknown, false),
    };
    Some(Card {
        title: text("title"),
        status,
        is_live,
        kind: [text("vendor"), text("productType")].into_iter().filter(|word| !word.is_empty()).collect(),
        description: text("description"),
        picture: picture(&product["featuredMedia"]["preview"]["image"]),
        stock,
        variants,
    })
}

fn picture(image: &Value) -> Option<Picture> {
    let url = image["url"].as_str().filter(|url| url.starts_with("https://"))?;
    Some(Picture { url: url.to_owned(), alt: image["altText"].as_str().unwrap_or_default().to_owned() })
}

fn variant(variant: &Value) -> Variant {
    let text = |name: &str| variant[name].as_str().unwrap_or_default().to_owned();
    let title = text("title");
    let is_tracked = variant["inventoryItem"]["tracked"].as_bool().unwrap_or(true);
    Variant {
        title: if title == ONLY_VARIANT { String::new() } else { title },
        sku: text("sku"),
        price: text("price"),
        price_before: variant["compareAtPrice"].as_str().map(str::to_owned),
        stock: variant["inventoryQuantity"].as_i64().filter(|_| is_tracked),
        for_sale: variant["availableForSale"].as_bool().unwrap_or(true),
    }
}

/// Whether the words stand in the product's title, vendor, type or tags, or in a number of its variants.
fn matches(product: &str, words: &str) -> bool {
    let Ok(product) = serde_json::from_str::<Value>(product) else { return false };
    let has = |value: &Value| value.as_str().is_some_and(|text| text.to_lowercase().contains(words));
    ["title", "vendor", "productType", "handle"].iter().any(|name| has(&product[name]))
        || product["tags"].as_array().is_some_and(|tags| tags.iter().any(has))
        || nodes(&product["variants"]).any(|variant| has(&variant["sku"]) || has(&variant["title"]))
}

fn nodes(connection: &Value) -> impl Iterator<Item = &Value> {
    connection["edges"].as_array().into_iter().flatten().map(|edge| &edge["node"])
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOARD: &str = r#"{"id":"gid://shopify/Product/1","title":"Snowboard","status":"ACTIVE","vendor":"Demo","tags":["winter"],
        "variants":{"edges":[
          {"node":{"title":"158","price":"640.00","compareAtPrice":"700.00","inventoryQuantity":3,"sku":"SB-158"}},
          {"node":{"title":"162","price":"660.00","inventoryQuantity":-1,"inventoryItem":{"tracked":false}}}]}}"#;

    #[test]
    fn a_card_counts_what_is_counted() {
        let card = card(BOARD).expect("a card");
        assert_eq!(((card.status)(), card.stock, card.variants.len()), (say::product_active(), Some(3), 2));
        assert_eq!(card.variants[0].price_before.as_deref(), Some("700.00"));
        assert_eq!(card.variants[1].stock, None);
        assert!(super::card("[1").is_none());
    }

    #[test]
    fn a_picture_lies_at_a_secure_address_or_is_none() {
        let of = |url: &str| {
            let image = serde_json::json!({"featuredMedia": {"preview": {"image": {"url": url, "altText": null}}}});
            card(&image.to_string()).expect("a card").picture
        };
        let url = "https://cdn.example/board.jpg?v=1".to_owned();
        assert_eq!(of(&url), Some(Picture { url, alt: String::new() }));
        for url in ["http://cdn.example/board.jpg", "javascript:alert(1)", "data:image/png;base64,AA", ""] {
            assert_eq!(of(url), None, "{url}");
        }
    }

    #[test]
    fn a_product_is_found_by_its_words_and_numbers() {
        for words in ["snow", "winter", "sb-158", "162", "demo"] {
            assert!(matches(BOARD, words), "{words}");
        }
        assert!(!matches(BOARD, "640"));
    }
}
