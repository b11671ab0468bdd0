//! Viber.

#[cfg(feature = "demo")]
pub mod sandbox;
