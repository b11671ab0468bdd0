//! Incoming HTTP below our routes: connections, limits, cookies, and how errors are answered.

pub mod accept;
mod bodies;
mod connections;
pub mod cookies;
pub mod error;
pub mod limits;
pub mod login_answer;
pub mod peer;
pub mod places;
pub mod proxies;
pub mod rates;
pub mod request_id;
pub mod session;
mod turns;
pub mod webhook_intake;
pub mod wire;
