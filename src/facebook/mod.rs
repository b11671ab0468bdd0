//! Facebook
pub mod sandbox;
