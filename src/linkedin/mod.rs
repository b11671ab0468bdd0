//! LinkedIn.

#[cfg(feature = "demo")]
pub mod sandbox;
