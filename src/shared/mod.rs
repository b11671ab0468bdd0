//! Shared
pub mod sandbox;
