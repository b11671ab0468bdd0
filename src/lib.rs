//! shoptalk
pub mod facebook;
pub mod shared;
pub mod shopify;
