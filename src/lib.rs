//! shoptalk keeps a sales bot's view of a merchant's shop and Page complete and current, as JSON files.
//!
//! # The three paths
//! 1. **A merchant opens a login link**: `login.rs` → [`shared::oauth`] makes a one-time state → the platform →
//!    the callback takes the state → `client.rs` exchanges the code → [`shared::vault`] seals the tokens →
//!    [`shared::store::connections`] → webhooks are subscribed, the first read is wished for.
//! 2. **A platform posts a webhook**: `webhook.rs` checks the signature over the raw bytes → `payload.rs` splits the body
//!    into events → [`shared::journal`] commits them → 200. Apart from that, [`shared::consumers`] read on from their
//!    cursors and write files or wish for reads.
//! 3. **The scheduler polls**: [`shared::scheduler`] wishes for reads → `sync.rs` fetches through `client.rs` → events
//!    and records in the journal → files.
//!
//! Paths 2 and 3 meet in the journal: the same message by either road is one event.
//!
//! # The modules
//! - [`app`]: the wiring; [`backup`]: copies, and back; [`config`]: all settings; [`demo`]: everything against simulated platforms; [`doctor`]: what is
//!   wrong, and how to mend it; [`operator`]: what an operator sees.
//! - [`facebook`], [`shopify`]: one folder per channel, all with the same file names.
//! - [`shared`]: what every channel needs. It never names a channel.

pub mod app;
pub mod backup;
pub mod commands;
#[cfg(feature = "demo")]
pub mod demo;
pub mod doctor;
pub mod facebook;
#[doc(hidden)]
pub mod fuzzing;
mod meta;
pub mod shared;
pub mod shopify;
pub mod web;
pub mod workers;
