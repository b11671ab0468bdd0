//! The simulated WhatsApp.
