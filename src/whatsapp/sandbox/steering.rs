//! What goes wrong on request, what was delivered, and what the platform remembers of calls.

use serde_json::Value;

use super::deliver;
use super::handle::Sandbox;
use super::send::{SendFailure, Sent};
use super::state::Change;
use crate::shared::channel::simulator::{Queue, Traffic, Webhooks, surplus};

impl Sandbox {
    /// The base URL, without a version and without a final slash: `WHATSAPP_GRAPH_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What it received, and what shall go wrong next. For sends see [`Sandbox::fail_sends`].
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.core.traffic
    }

    /// Answers to calls with a number tell the user id, too, from now on.
    pub fn set_answers_tell_user_ids(&self, yes: bool) {
        self.core.world().answers_tell_user_ids = yes;
    }

    /// What becomes of webhooks now.
    #[must_use]
    pub fn webhooks(&self) -> Webhooks {
        self.core.world().post.mode()
    }

    /// What becomes of all webhooks from now on.
    pub fn set_webhooks(&self, mode: Webhooks) {
        self.core.world().post.set_mode(mode);
    }

    /// What becomes of statuses of sent messages from now on.
    pub fn set_receipts(&self, mode: Webhooks) {
        self.core.world().post.set_receipts(mode);
    }

    /// `sent` and `delivered` come, and are answered, before the call is answered: for a sender that does not know the id yet.
    pub fn set_receipts_before_answer(&self, yes: bool) {
        self.core.world().receipts_before_answer = yes;
    }

    /// What waits: held, or not answered with 200. The `value` of each, in order.
    #[must_use]
    pub fn waiting(&self) -> Vec<Value> {
        self.core.world().post.waiting().into_iter().map(|change| change.value).collect()
    }

    /// Sends everything that waits, each in a delivery of its own. What is not answered with 200 waits again. The result is
    /// how each was answered.
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

    /// Sends everything that waits in one body: an entry for each account, neighbours of a kind in one change. `None`: nothing
    /// waited, or nobody answered.
    pub async fn release_together(&self) -> Option<u16> {
        let waiting: Vec<Change> = self.core.world().post.release().into_iter().map(|(_, change)| change).collect();
        deliver::send_together(&self.core, &waiting).await
    }

    /// Forgets everything that waits: these webhooks are lost.
    pub fn forget_waiting(&self) {
        self.core.world().post.release();
    }

    async fn send_each(&self, changes: Vec<(Queue, Change)>) -> Vec<u16> {
        let mut answers = Vec::new();
        for (queue, change) in changes {
            answers.extend(deliver::send_or_keep(&self.core, change, queue).await);
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
        self.core.world().sending.plans.plan(None, skip, times, failure);
    }

    /// Forgets all planned failures of sends.
    pub fn heal_sends(&self) {
        self.core.world().sending.plans.heal();
    }

    /// Refusals for a person's or a window's sake (131047, 131026, …) come as a status `failed` after a 200, as the platform
    /// mostly does; without this they are the answer.
    pub fn set_refuses_late(&self, yes: bool) {
        self.core.world().sending.refuses_late = yes;
    }

    /// Neither the rate of a number nor that of a pair is looked at.
    pub fn set_ignores_rates(&self, yes: bool) {
        self.core.world().sending.ignores_rates = yes;
    }

    /// Every message that the API took, in order, whatever was answered.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.core.world().sending.sent.clone()
    }

    /// The marks (`biz_opaque_callback_data`) that more than one message carried, a mark for each surplus message.
    #[must_use]
    pub fn sent_twice(&self) -> Vec<String> {
        surplus(self.sent().into_iter().filter_map(|sent| sent.mark))
    }

    /// Calls that marked a message as read: its id, and whether they asked for the sign that somebody is typing.
    #[must_use]
    pub fn marked_read(&self) -> Vec<(String, bool)> {
        self.core.world().sending.marked_read.clone()
    }

    /// Calls of `thread_control` that were answered with success: whom they name, and the action.
    #[must_use]
    pub fn control_calls(&self) -> Vec<(String, String)> {
        self.core.world().control_calls.clone()
    }

    /// The app has no role of Conversation Routing: `thread_control` is refused with 10.
    pub fn set_refuses_control(&self, yes: bool) {
        self.core.world().refuses_control = yes;
    }

    /// No list gives more than so many at once, whatever `limit` says.
    pub fn set_part_limit(&self, items: usize) {
        self.core.world().part_limit = Some(items);
    }

    /// Paths of all requests that carried a token or a secret in the URL.
    #[must_use]
    pub fn secrets_seen_in_urls(&self) -> Vec<String> {
        self.core.world().secrets_seen.clone()
    }

    /// Posts exactly these bytes, correctly signed, to where webhooks of a message of the first number go. The result is the
    /// HTTP status.
    ///
    /// # Errors
    /// When no answer came within 10 s, or nobody said where to deliver to.
    pub async fn deliver_raw(&self, body: &[u8]) -> Result<u16, reqwest::Error> {
        let signature = self.sign(body);
        self.deliver_with(body, &[("x-hub-signature-256", &signature)]).await
    }

    /// Posts exactly these bytes, signed with a secret that is not the app's.
    ///
    /// # Errors
    /// As [`Sandbox::deliver_raw`].
    pub async fn deliver_forged(&self, body: &[u8]) -> Result<u16, reqwest::Error> {
        let signature = deliver::sign(&format!("not {}", self.core.app_secret), body);
        self.deliver_with(body, &[("x-hub-signature-256", &signature)]).await
    }

    /// Posts exactly these bytes with exactly these headers; no signature is added.
    ///
    /// # Errors
    /// As [`Sandbox::deliver_raw`].
    pub async fn deliver_with(&self, body: &[u8], headers: &[(&str, &str)]) -> Result<u16, reqwest::Error> {
        let address = {
            let world = self.core.world();
            let app = world.app_subscription.as_ref().map(|app| app.callback_url.clone());
            world.delivery_url.clone().or(app).unwrap_or_default()
        };
        deliver::post(&self.core, &address, body, headers).await
    }

    /// The value of `X-Hub-Signature-256` for this body.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> String {
        deliver::sign(&self.core.app_secret, body)
    }
}
