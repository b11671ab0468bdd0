//! What happens because of an event. Each consumer reads the journal in order from its own cursor and is idempotent:
//! a cursor moves after the effect is safe, so a kill at any instant costs nothing.

pub mod alert_webhook;
mod conversation_file;
pub mod conversations;
pub mod reads;
pub mod retention;
pub mod threads;
mod unsend;

/// How many events a consumer takes at a time.
const BATCH: i64 = 2000;

/// How often something is tried before it is parked: kept, shown, and left alone until someone says replay.
const MAX_ATTEMPTS: i64 = 8;

/// The pause before the next attempt, in milliseconds: half a second, doubled each time, at most an hour.
fn backoff_ms(attempts: i64) -> i64 {
    500_i64.saturating_mul(1 << attempts.clamp(0, 20)).min(3_600_000)
}
