//! shoptalk keeps a merchant's conversations on every channel and the catalogue of the shop as JSON files, and lets bots answer.
//!
//! # The three paths
//! 1. **A merchant opens a login link**: `login.rs` → [`shared::logins`] makes a one-time state → the platform → the callback
//!    takes the state → `client.rs` exchanges the code → [`shared::secrets`] seals the tokens → [`shared::store`] → what can be
//!    done later becomes read requests.
//! 2. **A platform posts a webhook**: `webhook.rs` checks the signature over the raw bytes → `payload.rs` splits the body
//!    into events → [`shared::journal`] commits them → 200. Apart from that, [`workers`] read on from their cursors and
//!    write files or request reads.
//! 3. **The scheduler polls**: jobs of [`app`] request reads → the channel fetches through `client.rs` → events and records
//!    → files.
//!
//! Paths 2 and 3 meet in the journal: the same message by either road is one event. `docs/architecture.md` is the map.
//!
//! # The modules, from top to bottom
//! - [`demo`]: everything against simulated platforms; [`doctor`]: what is wrong, and how to mend it; [`backup`]: copies, and back.
//! - [`app`]: the wiring, settings and jobs, and the one list that names the channels.
//! - [`commands`]: what changes something beside a running service; [`web`]: our own pages; [`workers`]: what happens because of an
//!   event.
//! - [`answering`]: may somebody answer, what bots are told, who has taken over.
//! - [`facebook`], [`linkedin`], [`shopify`], [`viber`], [`whatsapp`]: a folder for each channel, all with the same file names.
//! - [`shared`]: what a channel is given. It never names one.

pub mod answering;
pub mod app;
pub mod backup;
pub mod commands;
#[cfg(feature = "demo")]
pub mod demo;
pub mod doctor;
pub mod facebook;
#[doc(hidden)]
pub mod fuzzing;
pub mod linkedin;
mod meta;
pub mod shared;
pub mod shopify;
pub mod viber;
pub mod web;
pub mod whatsapp;
pub mod workers;
