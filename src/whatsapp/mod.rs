//! WhatsApp.

#[cfg(feature = "demo")]
pub mod sandbox;
