//! The service end to end: real HTTP, simulated platforms, steered time.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod process;
mod test_app;

mod configuration;
mod demo;
mod facebook_login;
mod facebook_poll;
mod facebook_webhook;
