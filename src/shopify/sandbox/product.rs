//! Handles that move a product and the collections it is in, and the bodies of its webhooks.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::nodes;
use super::shop::Shop;
use super::state::{CollectionState, MetafieldState, PictureState, ProductState, gid, parse_gid, slug, whole};

/// One product of a shop. Cheap to clone.
#[derive(Clone)]
pub struct Product {
    shop: Shop,
    id: u64,
}

impl Product {
    /// The number in its global id. It lies above 2^53.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// `gid://shopify/Product/…`.
    #[must_use]
    pub fn gid(&self) -> String {
        gid("Product", self.id)
    }

    /// Its title; empty once it was deleted.
    #[must_use]
    pub fn title(&self) -> String {
        self.read(|product| product.title.clone()).unwrap_or_default()
    }

    fn read<T>(&self, look: impl FnOnce(&ProductState) -> T) -> Option<T> {
        self.shop.read(|shop| shop.products.get(&self.id).map(look)).flatten()
    }

    fn change(&self, act: impl FnOnce(&mut ProductState, DateTime<Utc>)) {
        self.shop.change(|shop, now| {
            if let Some(product) = shop.products.get_mut(&self.id) {
                act(product, whole(now));
                product.updated_at = whole(now);
            }
        });
    }

    /// Changes its title; the handle stays.
    pub fn rename(&self, title: &str) {
        self.change(|product, _| product.title = title.to_owned());
    }

    /// Changes its description, in plain text.
    pub fn set_description(&self, text: &str) {
        self.change(|product, _| product.description = text.to_owned());
    }

    /// Changes its tags.
    pub fn set_tags(&self, tags: &[&str]) {
        self.change(|product, _| product.tags = tags.iter().map(|tag| (*tag).to_owned()).collect());
    }

    /// Changes its vendor and its type.
    pub fn set_kind(&self, vendor: &str, product_type: &str) {
        self.change(|product, _| {
            product.vendor = vendor.to_owned();
            product.product_type = product_type.to_owned();
        });
    }

    /// Changes the article number of its first variant.
    pub fn set_sku(&self, sku: &str) {
        self.change(|product, now| {
            if let Some(variant) = product.variants.first_mut() {
                variant.sku = Some(sku.to_owned());
                variant.updated_at = now;
            }
        });
    }

    /// Sets the price of its first variant, a decimal string.
    pub fn set_price(&self, price: &str) {
        self.change(|product, now| {
            if let Some(variant) = product.variants.first_mut() {
                variant.price = price.to_owned();
                variant.updated_at = now;
            }
        });
    }

    /// Sets how much of its first variant is available at the shop's first location.
    pub fn set_stock(&self, available: i64) {
        let first = self.shop.read(|shop| shop.locations.keys().next().copied()).flatten();
        if let Some(location) = first {
            self.set_stock_at(&gid("Location", location), available);
        }
    }

    /// Sets how much of its first variant is available at this location, given by its global id.
    pub fn set_stock_at(&self, location: &str, available: i64) {
        let Some((_, location)) = parse_gid(location) else { return };
        self.change(|product, now| {
            if let Some(variant) = product.variants.first_mut() {
                variant.stock.insert(location, available);
                variant.stock_updated_at = now;
                variant.updated_at = now;
            }
        });
    }

    /// Sets its status: ACTIVE, ARCHIVED, DRAFT or UNLISTED.
    pub fn set_status(&self, status: &str) {
        self.change(|product, _| product.status = status.to_ascii_uppercase());
    }

    /// Adds a variant with 5 in stock at the first location.
    pub fn add_variant(&self, title: &str, price: &str) {
        self.shop.change(|shop, now| shop.add_variant(self.id, title, price, now));
    }

    /// Adds this many variants, as [`Product::add_variant`] adds one.
    pub fn add_variants(&self, count: usize) {
        for number in 1..=count {
            self.add_variant(&format!("Colour {number:04}"), "12.00");
        }
    }

    /// Deletes its last variant, unless it is the only one.
    pub fn delete_last_variant(&self) {
        self.shop.change(|shop, now| {
            let Some(product) = shop.products.get_mut(&self.id).filter(|product| product.variants.len() > 1) else {
                return;
            };
            product.updated_at = whole(now);
            if let Some(variant) = product.variants.pop() {
                shop.variant_product.remove(&variant.id);
                shop.item_variant.remove(&variant.item_id);
            }
        });
    }

    /// Adds a picture, the last of its media: where it lies, and what it shows in words.
    pub fn add_picture(&self, url: &str, alt: Option<&str>) {
        let id = self.shop.change(|shop, _| shop.next_id("MediaImage")).unwrap_or(0);
        self.change(|product, _| {
            let (url, alt) = (url.to_owned(), alt.map(str::to_owned));
            product.pictures.push(PictureState { id, url, alt, width: 800, height: 600 });
        });
    }

    /// Sets a text metafield in the namespace `custom`.
    pub fn set_metafield(&self, key: &str, value: &str) {
        let id = self.shop.change(|shop, _| shop.next_id("Metafield")).unwrap_or(0);
        self.change(|product, now| {
            let known = product.metafields.iter_mut().find(|field| field.namespace == "custom" && field.key == key);
            match known {
                Some(field) => {
                    field.value = value.to_owned();
                    field.updated_at = now;
                }
                None => product.metafields.push(MetafieldState {
                    id,
                    namespace: "custom".to_owned(),
                    key: key.to_owned(),
                    kind: "single_line_text_field".to_owned(),
                    value: value.to_owned(),
                    updated_at: now,
                }),
            }
        });
    }

    /// Deletes the product; collections lose it as well.
    pub fn delete(&self) {
        self.shop.change(|shop, _| shop.delete_product(self.id));
    }

    /// The body of `products/create` and `products/update`: the REST shape, the first 100 variants in full. Null once
    /// the product was deleted; `products/delete` carries only its id.
    #[must_use]
    pub fn webhook(&self) -> Value {
        self.read(rest_product).unwrap_or(Value::Null)
    }

    /// The product as GraphQL shows it at this moment, with one page of each of its lists. Null once it was deleted.
    #[must_use]
    pub fn graphql(&self) -> Value {
        let gid = self.gid();
        let truth = self.shop.truth();
        let products = truth["products"].as_array().cloned().unwrap_or_default();
        let Some(mut product) = products.into_iter().find(|product| product["id"] == gid) else { return Value::Null };
        let end = json!({ "hasNextPage": false, "endCursor": null });
        let connect = |list: &mut Value| *list = json!({ "nodes": list.take(), "pageInfo": end });
        if let Some(variants) = product["variants"].as_array_mut() {
            variants.iter_mut().for_each(|variant| connect(&mut variant["inventoryItem"]["inventoryLevels"]));
        }
        connect(&mut product["variants"]);
        connect(&mut product["metafields"]);
        product
    }

    /// The body of `inventory_levels/update` for its first variant at the shop's first location.
    #[must_use]
    pub fn stock_webhook(&self) -> Value {
        let body = self.read(|product| {
            let variant = product.variants.first()?;
            let (location, available) = variant.stock.iter().next()?;
            let id = format!("{}?inventory_item_id={}", gid("InventoryLevel", *location), variant.item_id);
            Some(json!({"inventory_item_id": variant.item_id, "location_id": location, "available": available,
                "updated_at": nodes::rest_time(variant.stock_updated_at), "admin_graphql_api_id": id}))
        });
        body.flatten().unwrap_or(Value::Null)
    }
}

fn rest_product(product: &ProductState) -> Value {
    let variants: Vec<_> = product
        .variants
        .iter()
        .take(FULL_VARIANTS)
        .enumerate()
        .map(|(index, variant)| {
            json!({"id": variant.id, "admin_graphql_api_id": gid("ProductVariant", variant.id),
                "product_id": product.id, "title": variant.title, "sku": variant.sku, "barcode": variant.barcode,
                "position": index + 1, "price": variant.price, "compare_at_price": variant.compare_at_price,
                "inventory_item_id": variant.item_id, "inventory_quantity": variant.available(),
                "updated_at": nodes::rest_time(variant.updated_at)})
        })
        .collect();
    let gids: Vec<_> = product
        .variants
        .iter()
        .map(|variant| {
            let updated_at = variant.updated_at.to_rfc3339_opts(SecondsFormat::Millis, true);
            json!({"admin_graphql_api_id": gid("ProductVariant", variant.id), "updated_at": updated_at})
        })
        .collect();
    json!({"id": product.id, "admin_graphql_api_id": gid("Product", product.id), "title": product.title,
        "handle": product.handle, "status": product.status.to_ascii_lowercase(), "vendor": product.vendor,
        "product_type": product.product_type, "tags": product.tags.join(", "),
        "body_html": format!("<p>{}</p>", product.description), "created_at": nodes::rest_time(product.created_at),
        "updated_at": nodes::rest_time(product.updated_at),
        "published_at": (product.status == "ACTIVE").then(|| nodes::rest_time(product.created_at)), "published_scope": "web",
        "variants": variants, "variant_gids": gids, "images": [], "image": null, "media": []})
}

/// A product's webhook holds this many variants in full; the rest are only named.
const FULL_VARIANTS: usize = 100;

impl Shop {
    /// Adds an active product with one variant, "Default Title": price 10.00, 5 in stock at the first location.
    pub fn add_product(&self, title: &str) -> Product {
        let id = self.change(|shop, now| shop.add_product(title, now)).unwrap_or(0);
        Product { shop: self.clone(), id }
    }

    /// All products by id.
    #[must_use]
    pub fn products(&self) -> Vec<Product> {
        let ids: Vec<u64> = self.read(|shop| shop.products.keys().copied().collect()).unwrap_or_default();
        ids.into_iter().map(|id| Product { shop: self.clone(), id }).collect()
    }

    /// Adds this many products with this many variants each, at least one, and a metafield.
    pub fn fill(&self, products: usize, variants_each: usize) {
        for number in 1..=products {
            let product = self.add_product(&format!("Product {number:05}"));
            for size in 2..=variants_each {
                product.add_variant(&format!("Size {size}"), &format!("{}.50", 10 + size));
            }
            product.set_metafield("origin", &format!("Field {number}"));
        }
    }

    /// Adds a collection of these products and returns its global id.
    pub fn add_collection(&self, title: &str, products: &[&Product]) -> String {
        let made = self.change(|shop, now| {
            let id = shop.next_id("Collection");
            let collection = CollectionState {
                id,
                title: title.to_owned(),
                handle: slug(title),
                description: format!("About {title}."),
                products: products.iter().map(|product| product.id).collect(),
                updated_at: whole(now),
            };
            shop.collections.insert(id, collection);
            gid("Collection", id)
        });
        made.unwrap_or_default()
    }

    /// Puts a product into a collection.
    pub fn add_to_collection(&self, collection: &str, product: &Product) {
        self.change(|shop, now| {
            let found = parse_gid(collection).and_then(|(_, id)| shop.collections.get_mut(&id));
            if let Some(collection) = found {
                collection.products.insert(product.id);
                collection.updated_at = whole(now);
            }
        });
    }
}
