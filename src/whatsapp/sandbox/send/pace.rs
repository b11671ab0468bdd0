//! How fast a business may write: to one person, and from one number.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/about-the-platform> (pair rate) and
//! `…/whatsapp/throughput` (2026): 80 messages a second, sent and received; one in 6 s to a person, 45 of them at once.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::error::ApiError;
use super::super::state::World;
use super::memory::{Chat, Sending};

/// Messages to one person that may come at once.
const PAIR_BURST: f64 = 45.0;

/// Seconds after which one more may come.
const PAIR_SECONDS: f64 = 6.0;

/// Messages of a number in a second, in both directions.
const NUMBER_PER_SECOND: usize = 80;

/// Counts a message that a number received.
pub(in super::super) fn count_received(world: &mut World, number: &str, now: DateTime<Utc>) {
    count(&mut world.sending, number, now);
}

fn count(sending: &mut Sending, number: &str, now: DateTime<Utc>) {
    sending.recent.retain(|(_, at)| now - *at < TimeDelta::seconds(1));
    sending.recent.push_back((number.to_owned(), now));
}

/// Whether this number may send to this person now. A message that may go is counted.
pub(super) fn check(world: &mut World, number: &str, person: Option<u64>, now: DateTime<Utc>) -> Result<(), ApiError> {
    if world.sending.ignores_rates {
        return Ok(());
    }
    let is_recent = |at: &DateTime<Utc>| now - *at < TimeDelta::seconds(1);
    let recent = world.sending.recent.iter().filter(|(of, at)| of == number && is_recent(at)).count();
    if recent >= NUMBER_PER_SECOND {
        return Err(ApiError::new(130_429, "Cloud API message throughput has been reached."));
    }
    if let Some(person) = person {
        take_from_pair(world.chat(number, person), now)?;
    }
    count(&mut world.sending, number, now);
    Ok(())
}

fn take_from_pair(chat: &mut Chat, now: DateTime<Utc>) -> Result<(), ApiError> {
    let (left, since) = chat.pace.unwrap_or((PAIR_BURST, now));
    let seconds = (now - since).num_milliseconds().max(0) as f64 / 1000.0;
    let left = (left + seconds / PAIR_SECONDS).min(PAIR_BURST);
    if left < 1.0 {
        return Err(ApiError::new(
            131_056,
            "Too many messages sent from this number to the same person in a short time.",
        ));
    }
    chat.pace = Some((left - 1.0, now));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_five_at_once_and_then_one_in_six_seconds() {
        let (mut chat, mut now) = (Chat::default(), DateTime::<Utc>::UNIX_EPOCH);
        assert!((0..45).all(|_| take_from_pair(&mut chat, now).is_ok()));
        assert_eq!(take_from_pair(&mut chat, now).unwrap_err().code, 131_056);
        now += TimeDelta::seconds(6);
        assert!(take_from_pair(&mut chat, now).is_ok());
        assert!(take_from_pair(&mut chat, now).is_err());
    }
}
