//! Outgoing HTTP: one client, what it may reach, and what spares a platform in trouble.

pub mod allowed_addresses;
pub mod answer;
mod api_error;
pub mod breaker;
pub mod http;
pub mod self_test;
pub mod signed_post;
pub mod words;
