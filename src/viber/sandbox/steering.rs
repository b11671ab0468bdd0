//! What goes wrong on request, what was delivered, and what the platform remembers of calls.

use serde_json::Value;

use super::deliver;
use super::handle::Sandbox;
use super::send::{SendFailure, Sent};
use super::state::{Callback, Signature};
use crate::shared::channel::simulator::{Queue, Traffic, Webhooks, hmac_sha256_hex, surplus};

impl Sandbox {
    /// The base URL, without a final slash: `VIBER_API_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/pa", self.server.url())
    }

    /// What it received, and what shall go wrong next. For sends see [`Sandbox::fail_sends`].
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.core.traffic
    }

    /// The address that `set_webhook` named.
    #[must_use]
    pub fn webhook(&self) -> Option<String> {
        self.core.world().webhook.as_ref().map(|webhook| webhook.url.clone())
    }

    /// Somebody removed the webhook: sends are refused with 10, and nothing is told.
    pub fn drop_webhook(&self) {
        self.core.world().webhook = None;
    }

    /// Callbacks go here, whatever `set_webhook` said, all of them.
    pub fn deliver_to(&self, address: &str) {
        self.core.world().delivery_url = Some(address.to_owned());
    }

    /// The bot gets another token: the old one is refused with 2, and callbacks are signed with the new one.
    pub fn change_token(&self, token: &str) {
        token.clone_into(&mut self.core.world().token);
    }

    /// Callbacks are signed with this token from now on, whatever the bot's is: after a replacement the old one signs on for a
    /// while. `None`: with the bot's.
    pub fn sign_with(&self, token: Option<&str>) {
        self.core.world().signing_token = token.map(str::to_owned);
    }

    /// Where callbacks carry their signature.
    pub fn set_signature(&self, signature: Signature) {
        self.core.world().signature = signature;
    }

    /// What becomes of callbacks now.
    #[must_use]
    pub fn webhooks(&self) -> Webhooks {
        self.core.world().post.mode()
    }

    /// What becomes of all callbacks from now on.
    pub fn set_webhooks(&self, mode: Webhooks) {
        self.core.world().post.set_mode(mode);
    }

    /// What becomes of `delivered`, `seen` and `failed` from now on.
    pub fn set_receipts(&self, mode: Webhooks) {
        self.core.world().post.set_receipts(mode);
    }

    /// `delivered` comes, and is answered, before the call is answered: for a sender that does not know the token yet.
    pub fn set_receipts_before_answer(&self, yes: bool) {
        self.core.world().receipts_before_answer = yes;
    }

    /// What waits: held, or not answered with 200. In order.
    #[must_use]
    pub fn waiting(&self) -> Vec<Value> {
        self.core.world().post.waiting().into_iter().map(|callback| callback.body).collect()
    }

    /// Sends everything that waits, as the platform does within the hour. What is not answered with 200 waits again. The
    /// result is how each was answered.
    pub async fn release(&self) -> Vec<u16> {
        let waiting = self.core.world().post.release();
        self.send_each(waiting).await
    }

    /// As [`Sandbox::release`], the newest first.
    pub async fn release_reversed(&self) -> Vec<u16> {
        let mut waiting = self.core.world().post.release();
        waiting.reverse();
        self.send_each(waiting).await
    }

    /// Forgets everything that waits: these callbacks are lost, as an hour after they could not be delivered.
    pub fn forget_waiting(&self) {
        self.core.world().post.release();
    }

    async fn send_each(&self, callbacks: Vec<(Queue, Callback)>) -> Vec<u16> {
        let mut answers = Vec::new();
        for (queue, callback) in callbacks {
            answers.extend(deliver::send_or_keep(&self.core, callback, queue).await.map(|(status, _)| status));
        }
        answers
    }

    /// Waits until everything that is being sent by itself was answered.
    pub async fn settled(&self) {
        self.core.tasks.wait().await;
    }

    /// The next `times` messages, to anybody, fail in this way.
    pub fn fail_sends(&self, times: usize, failure: SendFailure) {
        self.fail_sends_after(0, times, failure);
    }

    /// As [`Sandbox::fail_sends`], after `skip` messages that are answered as ever.
    pub fn fail_sends_after(&self, skip: usize, times: usize, failure: SendFailure) {
        self.core.world().plans.plan(None, skip, times, failure);
    }

    /// Forgets all planned failures of sends.
    pub fn heal_sends(&self) {
        self.core.world().plans.heal();
    }

    /// The hundred messages an hour without a reply are not counted.
    pub fn set_ignores_rates(&self, yes: bool) {
        self.core.world().ignores_rates = yes;
    }

    /// Every message that the API took, in order, whatever was answered.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.core.world().sent.clone()
    }

    /// The marks (`tracking_data`) that more than one message carried, a mark for each surplus message.
    #[must_use]
    pub fn sent_twice(&self) -> Vec<String> {
        surplus(self.sent().into_iter().filter_map(|sent| sent.tracking_data))
    }

    /// Bodies of answers to `conversation_started`, and why one was not shown to the person.
    #[must_use]
    pub fn welcomes(&self) -> Vec<(Value, Option<String>)> {
        self.core.world().welcomes.clone()
    }

    /// Answers to callbacks that had a body, with the event: there should be none but welcome messages.
    #[must_use]
    pub fn answers_with_a_body(&self) -> Vec<(String, String)> {
        self.core.world().bodies.clone()
    }

    /// Posts exactly these bytes, correctly signed. The result is the status and the body of the answer.
    ///
    /// # Errors
    /// When no answer came within 10 s, or nobody said where to deliver to.
    pub async fn deliver_raw(&self, body: &[u8]) -> Result<(u16, String), reqwest::Error> {
        deliver::post(&self.core, &self.address(), body).await
    }

    /// Posts exactly these bytes, signed with another token.
    ///
    /// # Errors
    /// As [`Sandbox::deliver_raw`].
    pub async fn deliver_forged(&self, body: &[u8]) -> Result<(u16, String), reqwest::Error> {
        let forged = hmac_sha256_hex("another token", &[body]);
        self.deliver_signed(body, Some(&forged), None).await
    }

    /// Posts exactly these bytes with exactly these signatures: in the header, and as `sig`.
    ///
    /// # Errors
    /// As [`Sandbox::deliver_raw`].
    pub async fn deliver_signed(
        &self,
        body: &[u8],
        header: Option<&str>,
        query: Option<&str>,
    ) -> Result<(u16, String), reqwest::Error> {
        deliver::send_signed(&self.core, &self.address(), body, header, query).await
    }

    fn address(&self) -> String {
        let world = self.core.world();
        let webhook = world.webhook.as_ref().map(|webhook| webhook.url.clone());
        world.delivery_url.clone().or(webhook).unwrap_or_default()
    }

    /// Puts a file where media of people are, and gives its link, as callbacks carry it.
    pub fn put_content(&self, name: &str, content_type: &str, bytes: &[u8]) -> String {
        self.core.world().content.insert(name.to_owned(), (content_type.to_owned(), bytes.to_vec()));
        format!("{}/content/{name}", self.server.url())
    }

    /// The link of a file ends, as after an hour or so: 404 from now on.
    pub fn expire_content(&self, name: &str) {
        self.core.world().content.remove(name);
    }

    /// The signature of this body.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> String {
        hmac_sha256_hex(&self.core.world().token, &[body])
    }
}
