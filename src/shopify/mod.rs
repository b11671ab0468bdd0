//! Shopify
pub mod sandbox;
