//! What every channel needs. `shared` never names a channel: it receives data.

pub mod channel;
pub mod clock;
pub mod database;
pub mod erasure;
pub mod files;
#[doc(hidden)]
pub mod fuzzing;
pub mod journal;
pub mod languages;
pub mod logins;
pub mod low_priority;
pub mod objects;
pub mod outgoing;
pub mod products;
pub mod raw_json;
pub mod retry;
pub mod secrets;
pub mod server;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod text_fold;
pub mod times;
pub mod under_way;
