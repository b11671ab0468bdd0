//! What follows from a message that was taken: its echo, and receipts when they come by themselves.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::deliver;
use super::super::handle::Sandbox;
use super::super::state::Core;
use super::memory::{Echoes, SenderAction, Sent};
use super::receipts;

/// Sends the echo of a message as the switch says, and then the receipts that come by themselves.
pub(super) async fn follow(core: &Arc<Core>, account: &str, person: &str, echo: Value) {
    let echoes = core.platform().sending.echoes;
    let copies = match echoes {
        Echoes::Sent | Echoes::BeforeAnswer => vec![echo],
        Echoes::Doubled => vec![echo.clone(), echo],
        Echoes::Held => {
            core.platform().sending.held.push_back((account.to_owned(), echo));
            Vec::new()
        }
        Echoes::Lost => Vec::new(),
    };
    let (inner, account, person) = (Arc::clone(core), account.to_owned(), person.to_owned());
    let work = async move {
        for item in copies {
            send_or_hold(&inner, &account, item).await;
        }
        let (delivery, read) = {
            let sending = &inner.platform().sending;
            (sending.sends_deliveries, sending.sends_reads)
        };
        if delivery {
            let item = receipts::delivery(&inner, &account, &person);
            send_or_hold(&inner, &account, item).await;
        }
        if read {
            let item = receipts::read(&inner, &account, &person);
            send_or_hold(&inner, &account, item).await;
        }
    };
    if echoes == Echoes::BeforeAnswer {
        work.await;
    } else {
        core.tasks.spawn(work);
    }
}

/// Sends an item. What is not answered with 200 is kept, as the platform keeps it for another try.
async fn send_or_hold(core: &Core, account: &str, item: Value) -> bool {
    match deliver::items(core, account, std::slice::from_ref(&item)).await {
        Ok(None | Some(200)) => true,
        Ok(Some(_)) | Err(_) => {
            core.platform().sending.held.push_back((account.to_owned(), item));
            false
        }
    }
}

/// `GET /control/sent`: every message that was taken, for a test in another process.
pub(in super::super) fn sent_list(core: &Core) -> Value {
    let row = |sent: &Sent| {
        json!({"account": sent.account, "person": sent.person, "mid": sent.mid, "metadata": sent.metadata,
            "text": sent.text, "message": sent.message, "messaging_type": sent.messaging_type, "tag": sent.tag,
            "reply_to": sent.reply_to, "at_ms": sent.at_ms})
    };
    let rows: Vec<Value> = core.platform().sending.sent.iter().map(row).collect();
    json!({ "data": rows })
}

impl Sandbox {
    /// What becomes of echoes from now on.
    pub fn set_echoes(&self, echoes: Echoes) {
        self.core.platform().sending.echoes = echoes;
    }

    /// Echoes carry no `metadata` from now on, as if the sends had none.
    pub fn set_echoes_without_metadata(&self, yes: bool) {
        self.core.platform().sending.echoes_without_metadata = yes;
    }

    /// Texts that are sent from now on are shown without what is empty at both ends, and with plain ends of lines.
    pub fn set_trims_texts(&self, yes: bool) {
        self.core.platform().sending.trims_texts = yes;
    }

    /// Echoes that were held, and what nobody answered with 200, in order. Nothing is sent by this.
    #[must_use]
    pub fn held(&self) -> Vec<Value> {
        self.core.platform().sending.held.iter().map(|(_, item)| item.clone()).collect()
    }

    /// Sends everything that was held, in order, each in a delivery of its own. What is not answered with 200 is held
    /// again. The result says how many were answered.
    pub async fn release(&self) -> usize {
        let held = std::mem::take(&mut self.core.platform().sending.held);
        let mut answered = 0;
        for (account, item) in held {
            answered += usize::from(send_or_hold(&self.core, &account, item).await);
        }
        answered
    }

    /// Waits until everything that is being sent by itself was answered: echoes, and receipts.
    pub async fn echoes_arrived(&self) {
        self.core.tasks.wait().await;
    }

    /// Every message that the Send API took, in order, whatever was answered.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.core.platform().sending.sent.clone()
    }

    /// How many messages were taken.
    #[must_use]
    pub fn count_sent(&self) -> usize {
        self.core.platform().sending.sent.len()
    }

    /// The marks (`metadata`) that more than one message carried, a mark for each surplus message.
    #[must_use]
    pub fn sent_twice(&self) -> Vec<String> {
        let mut seen = std::collections::BTreeSet::new();
        let marks = self.sent().into_iter().filter_map(|sent| sent.metadata);
        marks.filter(|mark| !seen.insert(mark.clone())).collect()
    }

    /// Every sender action that was taken, in order.
    #[must_use]
    pub fn sender_actions(&self) -> Vec<SenderAction> {
        self.core.platform().sending.actions.clone()
    }
}
