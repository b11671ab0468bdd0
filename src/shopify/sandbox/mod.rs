//! Simulated Shopify
