//! What happens on the side of the business: messages from the phone's app, history, and news about number and account.
//!
//! Sources: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/> with `smb_message_echoes`,
//! `history`, `account_update`, `account_alerts`, `phone_number_quality_update` (2026).

use serde_json::{Value, json};

use super::deliver;
use super::error::ApiError;
use super::handle::{Happened, Number, Person};
use super::state::{Change, contact, new_wamid, seconds};
use crate::shared::channel::simulator::Queue;

impl Number {
    /// Somebody answers from the phone's WhatsApp Business app: `smb_message_echoes`.
    pub async fn app_writes(&self, person: &Person, text: &str) -> Happened {
        self.echoes("smb_message_echoes", person, text).await
    }

    /// Another app of the business answers through the API: `message_echoes`.
    pub async fn other_app_writes(&self, person: &Person, text: &str) -> Happened {
        self.echoes("message_echoes", person, text).await
    }

    async fn echoes(&self, field: &str, person: &Person, text: &str) -> Happened {
        let echo = self.echo(&person.at(self), text);
        let change = {
            let world = self.sandbox.core.world();
            let contacts: Vec<Value> = world.people.get(&person.key).map(contact).into_iter().collect();
            let value = json!({"messaging_product": "whatsapp", "metadata": world.metadata(&self.id), "contacts": contacts,
                "message_echoes": [echo]});
            self.change(field, value, &world)
        };
        let answers = deliver::happen(&self.sandbox.core, change, Queue::Event).await;
        Happened { id: echo["id"].as_str().unwrap_or_default().to_owned(), item: echo, answers }
    }

    /// The history of a chat with a person is handed over, as after a number was connected: texts, oldest first, of the person
    /// (`true`) or of the business, minutes apart and ending a day ago. One chunk of phase 1.
    pub async fn shares_history(&self, person: &Person, texts: &[(bool, &str)]) -> Happened {
        let core = &self.sandbox.core;
        let begin = core.now() - chrono::TimeDelta::days(1) - chrono::TimeDelta::minutes(texts.len() as i64);
        let (phone, own) = (person.phone(), self.display());
        let message = |(at, (is_person, text)): (usize, &(bool, &str))| {
            let time = seconds(begin + chrono::TimeDelta::minutes(at as i64));
            let mut item = json!({ "from": if *is_person { &phone } else { &own } });
            if !is_person {
                item["to"] = phone.as_str().into();
            }
            item["id"] = new_wamid().into();
            item["timestamp"] = time.into();
            item["type"] = "text".into();
            item["text"] = json!({ "body": text });
            item["history_context"] = json!({"status": if *is_person { "READ" } else { "DELIVERED" }});
            item
        };
        let messages: Vec<Value> = texts.iter().enumerate().map(message).collect();
        let history = json!([{"metadata": {"phase": 1, "chunk_order": 1, "progress": 100},
            "threads": [{"id": phone, "messages": messages}]}]);
        self.tells("history", json!({ "history": history })).await
    }

    /// Sharing of the history was declined.
    pub async fn declines_history(&self) -> Happened {
        let error = json!({"code": 2_593_109, "title": "History sync is turned off by the business from the WhatsApp Business App",
            "message": "History sharing is turned off", "error_data": {"details": "History sharing is turned off by the business"}});
        self.tells("history", json!({"history": [{"errors": [error]}]})).await
    }

    /// Something goes wrong that belongs to no message: `errors[]` on the field `messages`.
    pub async fn has_error(&self, code: i64) -> Happened {
        let error = ApiError::new(code, super::error::title(code)).in_webhook();
        self.tells("messages", json!({ "errors": [error] })).await
    }

    /// A status of a message that this app never sent: other tools use the number, too.
    pub async fn tells_foreign_status(&self, person: &Person, status: &str) -> Happened {
        let now = self.sandbox.core.now();
        let item = json!({"id": new_wamid(), "status": status, "timestamp": seconds(now), "recipient_id": person.phone(),
            "recipient_user_id": person.user_id()});
        self.tells("messages", json!({ "statuses": [item] })).await
    }

    /// Any change of this number: `messaging_product` and `metadata` are added.
    pub async fn tells(&self, field: &str, members: Value) -> Happened {
        let (change, value) = {
            let world = self.sandbox.core.world();
            let mut value = json!({"messaging_product": "whatsapp", "metadata": world.metadata(&self.id)});
            for (name, member) in members.as_object().into_iter().flatten() {
                value[name] = member.clone();
            }
            (self.change(field, value.clone(), &world), value)
        };
        let answers = deliver::happen(&self.sandbox.core, change, Queue::Event).await;
        Happened { id: String::new(), item: value, answers }
    }

    /// Any change of the account: exactly this value, without `metadata`.
    pub async fn account_tells(&self, field: &str, value: Value) -> Happened {
        let change = Change { waba: self.waba(), number: None, field: field.to_owned(), value: value.clone() };
        let answers = deliver::happen(&self.sandbox.core, change, Queue::Event).await;
        Happened { id: String::new(), item: value, answers }
    }

    /// The account may not begin conversations for a while: `account_update`.
    pub async fn is_restricted(&self) -> Happened {
        let expires = self.sandbox.core.now().timestamp() + 7 * 86_400;
        let info = json!([{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": expires}]);
        self.account_tells("account_update", json!({"event": "ACCOUNT_RESTRICTION", "restriction_info": info})).await
    }

    /// An alert about the account: `account_alerts`.
    pub async fn has_alert(&self, severity: &str, kind: &str) -> Happened {
        let info = json!({"alert_severity": severity, "alert_status": "ACTIVE", "alert_type": kind,
            "alert_description": "limit not raised yet"});
        let value = json!({"entity_type": "BUSINESS", "entity_id": "810000000000001", "alert_info": info});
        self.account_tells("account_alerts", value).await
    }

    /// The quality of the number fell or rose: `FLAGGED`, `UPGRADE`, …
    pub async fn quality_becomes(&self, event: &str) -> Happened {
        let value = json!({"display_phone_number": self.display(), "event": event, "current_limit": "TIER_2K"});
        self.account_tells("phone_number_quality_update", value).await
    }
}
