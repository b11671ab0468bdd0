//! Delivery and read receipts, by watermark. Instagram knows read receipts only, and names the message that was seen.

use serde_json::{Value, json};

use super::super::handle::{Person, Sandbox};
use super::super::happening::happening;
use super::super::page::Page;
use super::super::state::Core;

/// Everything that the account wrote up to now reached the person; the newest message is named.
pub(super) fn delivery(core: &Core, account: &str, person: &str) -> Value {
    happening(core, account, person, "delivery", |thread| {
        let newest = thread.messages.iter().rev().find(|message| message.from_page);
        let mids: Vec<&str> = newest.iter().map(|message| message.mid.as_str()).collect();
        json!({"mids": mids, "watermark": newest.map_or(thread.last_ms, |message| message.at_ms)})
    })
}

/// The person read everything up to now.
pub(super) fn read(core: &Core, account: &str, person: &str) -> Value {
    let is_instagram = core.platform().page(account).is_some_and(|page| page.instagram_of.is_some());
    happening(core, account, person, "read", |thread| match thread.messages.iter().rev().find(|one| one.from_page) {
        // Instagram names the message that was seen.
        Some(seen) if is_instagram => json!({"mid": seen.mid}),
        _ => json!({"watermark": thread.last_ms}),
    })
}

impl Sandbox {
    /// Whether delivery and read receipts follow every message that is taken from now on, after its echo. They do not,
    /// until this is called.
    pub fn send_receipts(&self, deliveries: bool, reads: bool) {
        let mut platform = self.core.platform();
        platform.sending.sends_deliveries = deliveries;
        platform.sending.sends_reads = reads;
    }
}

impl Page {
    /// The person read everything up to now.
    pub fn read_by(&self, person: &Person) -> Value {
        read(&self.sandbox.core, &self.id, &person.id)
    }

    /// Everything that the Page wrote up to now reached the person; the newest message is named.
    pub fn delivered_to(&self, person: &Person) -> Value {
        delivery(&self.sandbox.core, &self.id, &person.id)
    }

    /// As [`Page::delivered_to`], and sends the receipt. `None`: nobody subscribed to it, as on Instagram, where it does
    /// not exist.
    ///
    /// # Errors
    /// When no answer came within 10 s.
    pub async fn deliver_receipt(&self, person: &Person) -> Result<Option<u16>, reqwest::Error> {
        self.deliver(&[self.delivered_to(person)]).await
    }

    /// As [`Page::read_by`], and sends the receipt.
    ///
    /// # Errors
    /// As [`Page::deliver_receipt`].
    pub async fn deliver_read(&self, person: &Person) -> Result<Option<u16>, reqwest::Error> {
        self.deliver(&[self.read_by(person)]).await
    }
}
