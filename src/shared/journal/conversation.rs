//! Whom an event is about.

/// A channel and an account of it.
pub type Account = (String, String);
