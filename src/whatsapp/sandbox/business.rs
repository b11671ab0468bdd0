//! What happens on the side of the business: its number, its account, the app's dashboard.

use serde_json::Value;

use super::handle::{Number, Sandbox};
use super::state::{AppSubscription, Change, Subscribed, Token, World};
use super::{deliver, error};
use crate::shared::channel::simulator::random_text;

/// The webhook fields that the dashboard ticks at first.
const FIELDS: [&str; 15] = [
    "account_alerts",
    "account_update",
    "calls",
    "history",
    "message_echoes",
    "message_template_quality_update",
    "message_template_status_update",
    "messages",
    "messaging_handovers",
    "phone_number_quality_update",
    "smb_message_echoes",
    "phone_number_name_update",
    "standby",
    "template_category_update",
    "user_preferences",
];

impl Number {
    /// Its id: what the path of the API names.
    #[must_use]
    pub fn id(&self) -> String {
        self.id.clone()
    }

    /// Its digits.
    #[must_use]
    pub fn display(&self) -> String {
        self.sandbox.core.world().numbers.get(&self.id).map(|record| record.display.clone()).unwrap_or_default()
    }

    /// The id of its account.
    #[must_use]
    pub fn waba(&self) -> String {
        self.sandbox.core.world().numbers.get(&self.id).map(|record| record.waba.clone()).unwrap_or_default()
    }

    /// Its account is subscribed to the app, as after `POST /{waba-id}/subscribed_apps`.
    pub fn subscribe_app(&self) {
        let waba = self.waba();
        self.sandbox.core.world().subscribed.insert(waba, Subscribed::default());
    }

    /// Somebody took the account's subscription away.
    pub fn unsubscribe_app(&self) {
        let waba = self.waba();
        self.sandbox.core.world().subscribed.remove(&waba);
    }

    /// Whether the account is subscribed to the app.
    #[must_use]
    pub fn is_subscribed(&self) -> bool {
        let waba = self.waba();
        self.sandbox.core.world().subscribed.contains_key(&waba)
    }

    pub(super) fn change(&self, field: &str, value: Value, world: &World) -> Change {
        let waba = world.numbers.get(&self.id).map(|record| record.waba.clone()).unwrap_or_default();
        Change { waba, number: Some(self.id.clone()), field: field.to_owned(), value }
    }
}

impl Sandbox {
    /// A system user's token that never ends, with both permissions.
    #[must_use]
    pub fn system_user_token(&self) -> String {
        self.token(None, &["whatsapp_business_messaging", "whatsapp_business_management"])
    }

    /// Exactly this text is a system user's token that never ends, with both permissions: for settings that are written before.
    pub fn add_token(&self, text: &str) {
        let token = self.system_user_token();
        let mut world = self.core.world();
        if let Some(record) = world.tokens.remove(&token) {
            world.tokens.insert(text.to_owned(), record);
        }
    }

    /// A token that ends after so many days, with these permissions.
    #[must_use]
    pub fn token(&self, days: Option<i64>, scopes: &[&str]) -> String {
        let now = self.core.now();
        let token = Token {
            dead: None,
            issued_at: now,
            expires_at: days.map(|days| now + chrono::TimeDelta::days(days)),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        };
        let text = format!("EAAB{}{}", random_text(), random_text());
        self.core.world().tokens.insert(text.clone(), token);
        text
    }

    /// All tokens die: error 190.
    pub fn kill_tokens(&self) {
        self.core.world().tokens.values_mut().for_each(|token| token.dead = Some(460));
    }

    /// All tokens live again.
    pub fn revive_tokens(&self) {
        self.core.world().tokens.values_mut().for_each(|token| token.dead = None);
    }

    /// The dashboard: saves the callback address with all fields, after asking it the challenge.
    ///
    /// # Errors
    /// When the address does not answer the challenge: why.
    pub async fn set_callback(&self, address: &str, verify_token: &str) -> Result<(), String> {
        deliver::challenge(&self.core, address, verify_token).await.map_err(|error: error::ApiError| error.details)?;
        let fields = FIELDS.map(str::to_owned).into_iter().collect();
        self.core.world().app_subscription = Some(AppSubscription { callback_url: address.to_owned(), fields });
        Ok(())
    }

    /// The fields that the app is subscribed to.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let world = self.core.world();
        world.app_subscription.as_ref().map(|app| app.fields.iter().cloned().collect()).unwrap_or_default()
    }

    /// Somebody unticks a field in the dashboard.
    pub fn drop_field(&self, field: &str) {
        if let Some(app) = &mut self.core.world().app_subscription {
            app.fields.remove(field);
        }
    }

    /// Somebody removes the app's subscription in the dashboard.
    pub fn drop_app_subscription(&self) {
        self.core.world().app_subscription = None;
    }

    /// Webhooks go here, whatever the subscriptions say.
    pub fn deliver_to(&self, address: &str) {
        self.core.world().delivery_url = Some(address.to_owned());
    }
}
