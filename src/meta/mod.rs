//! What Facebook, Instagram and WhatsApp have in common: Meta's Graph API and its webhooks. No channel, and of none it
//! knows a name.

pub mod address;
pub mod app;
pub mod budget;
pub mod graph;
pub mod id;
pub mod media;
pub mod refusal;
pub mod send;
pub mod token;
pub mod webhook;
