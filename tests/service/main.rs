//! The service end to end: real HTTP, simulated platforms, steered time.

// A panic in a test or in its helpers is a failed test, nothing worse.
#![allow(clippy::unwrap_used)]

mod load;
mod mount;
mod process;
mod test_app;

mod architecture;
mod backup;
mod configuration;
mod crash;
mod demo;
mod disk;
mod doctor;
mod documentation;
mod erasure;
mod export;
mod facebook_deletion;
mod facebook_events;
mod facebook_history;
mod facebook_instagram;
mod facebook_life;
mod facebook_login;
mod facebook_media;
mod facebook_poll;
mod facebook_trouble;
mod facebook_unsend;
mod facebook_webhook;
mod fuzzing;
mod io_errors;
mod journal;
mod journal_checks;
mod journal_properties;
mod journal_retention;
mod keys;
mod limits;
mod logs;
mod operator_alerts;
mod operator_api;
mod operator_docs;
mod operator_metrics;
mod operator_page;
mod outgoing;
mod pages;
mod pages_catalogue;
mod pages_conversations;
mod pages_leaving;
mod pages_many;
mod pages_media;
mod security;
mod shopify_bulk;
mod shopify_changes;
mod shopify_checks;
mod shopify_compliance;
mod shopify_errors;
mod shopify_install;
mod shopify_lag;
mod shopify_life;
mod shopify_login;
mod shopify_poll;
mod shopify_subscriptions;
mod shopify_tokens;
mod shopify_webhook;
mod soak;
mod supply_chain;
