//! What goes wrong on request, what was delivered, and what the platform remembers of calls.

use serde_json::Value;

use super::deliver;
use super::handle::{Sandbox, SendFailure};
use super::state::NoticeShape;
use super::state::{ADMIN, APPLICATION, REFRESH_LIFE, SentComment, Subscription};
use crate::shared::channel::simulator::{Traffic, Webhooks, hmac_sha256_hex, random_text};

impl Sandbox {
    /// The base URL of the API, without a final slash: `LINKEDIN_API_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The base URL of the token endpoints: `LINKEDIN_OAUTH_URL`.
    #[must_use]
    pub fn oauth_url(&self) -> String {
        format!("{}/oauth/v2", self.server.url())
    }

    /// What it received, and what shall go wrong next. For comments see [`Sandbox::fail_sends`].
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.core.traffic
    }

    /// A new access token of the administrator, for 60 days, with all permissions.
    #[must_use]
    pub fn access_token(&self) -> String {
        self.access_token_for(&["rw_organization_admin", "r_organization_social", "w_organization_social"])
    }

    /// Exactly this text is an access token of the administrator: for settings that are written before.
    pub fn add_token(&self, text: &str) {
        let token = self.access_token();
        let mut world = self.core.world();
        if let Some(record) = world.tokens.remove(&token) {
            world.tokens.insert(text.to_owned(), record);
        }
    }

    /// A new access token with these permissions.
    #[must_use]
    fn access_token_for(&self, scopes: &[&str]) -> String {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let now = self.core.now();
        self.core.world().issue(now, &scopes)
    }

    /// A new refresh token, for 365 days; the app has the right to one from now on.
    #[must_use]
    pub fn refresh_token(&self) -> String {
        let token = format!("AQ{}", random_text());
        let end = self.core.now() + REFRESH_LIFE;
        self.core.world().refresh = Some((token.clone(), end));
        token
    }

    /// All access tokens are revoked: 401. The refresh token lives on.
    pub fn kill_tokens(&self) {
        self.core.world().tokens.values_mut().for_each(|token| token.is_revoked = true);
    }

    /// The refresh token is revoked, too.
    pub fn kill_refresh_token(&self) {
        self.core.world().refresh = None;
    }

    /// All tokens live again.
    pub fn revive_tokens(&self) {
        self.core.world().tokens.values_mut().for_each(|token| token.is_revoked = false);
    }

    /// The portal: registers the address, after asking it the challenge.
    ///
    /// # Errors
    /// When the challenge is not answered rightly within 3 s: why.
    pub async fn validate(&self, address: &str) -> Result<(), String> {
        deliver::challenge(&self.core, address).await?;
        let mut world = self.core.world();
        world.validated = Some(address.to_owned());
        world.failed_checks = 0;
        Ok(())
    }

    /// The check of every two hours. After three failures in a row the address is blocked: nothing is told any more until it
    /// is validated again.
    ///
    /// # Errors
    /// Why the challenge failed, or that no address was validated.
    pub async fn recheck(&self) -> Result<(), String> {
        let address = self.core.world().validated.clone().ok_or("no address was validated")?;
        let checked = deliver::challenge(&self.core, &address).await;
        let mut world = self.core.world();
        world.failed_checks = if checked.is_ok() { 0 } else { world.failed_checks + 1 };
        checked
    }

    /// The administrator subscribes the validated address to the page's activity, as a PUT of the subscription does.
    pub fn subscribe(&self) {
        let expires_at = self.core.now() + chrono::TimeDelta::days(365);
        let mut world = self.core.world();
        world.subscription = world.validated.clone().map(|webhook| Subscription { webhook, expires_at });
    }

    /// The subscription ends silently.
    pub fn drop_subscription(&self) {
        self.core.world().subscription = None;
    }

    /// Whether there is a subscription.
    #[must_use]
    pub fn is_subscribed(&self) -> bool {
        self.core.world().subscription.is_some()
    }

    /// The path of our subscription, below [`Sandbox::url`].
    #[must_use]
    pub fn subscription_path(&self) -> String {
        let organization = &self.core.organization;
        format!(
            "/rest/eventSubscriptions/(developerApplication:urn%3Ali%3AdeveloperApplication%3A{APPLICATION},user:urn%3Ali%3Aperson%3A{ADMIN},\
             entity:urn%3Ali%3Aorganization%3A{organization},eventType:{})",
            deliver::TYPE
        )
    }

    /// The member who connected the app is no administrator any more: nothing is told, and subscribing is refused.
    pub fn set_is_admin(&self, yes: bool) {
        self.core.world().is_admin = yes;
    }

    /// The app is a messaging partner: direct messages are taken.
    pub fn set_is_partner(&self, yes: bool) {
        self.core.world().is_partner = yes;
    }

    /// Notifications go here, whatever was validated and subscribed to.
    pub fn deliver_to(&self, address: &str) {
        self.core.world().delivery_url = Some(address.to_owned());
    }

    /// What becomes of webhooks now.
    #[must_use]
    pub fn webhooks(&self) -> Webhooks {
        self.core.world().post.mode
    }

    /// What becomes of all webhooks from now on.
    pub fn set_webhooks(&self, mode: Webhooks) {
        self.core.world().post.mode = mode;
    }

    /// The notification of the page's own comment comes, and is answered, before the call is answered.
    pub fn set_notice_before_answer(&self, yes: bool) {
        self.core.world().notice_before_answer = yes;
    }

    /// How notifications tell of comments from now on.
    pub fn set_notice_shape(&self, shape: NoticeShape) {
        self.core.world().notice_shape = shape;
    }

    /// From now on answers to calls name comments by the UGC post, where notifications name the activity.
    pub fn set_answers_name_ugc_posts(&self, yes: bool) {
        self.core.world().answers_name_ugc_posts = yes;
    }

    /// What waits: held, or not answered with 2xx. In order.
    #[must_use]
    pub fn waiting(&self) -> Vec<Value> {
        self.core.world().post.waiting()
    }

    /// Sends everything that waits, each in a delivery of its own, as the platform does every five minutes for eight hours. What
    /// is not answered with 2xx waits again. The result is how each was answered.
    pub async fn release(&self) -> Vec<u16> {
        let waiting = self.core.world().post.release();
        let mut answers = Vec::new();
        for notification in waiting {
            answers.extend(deliver::send_or_keep(&self.core, vec![notification]).await);
        }
        answers
    }

    /// As [`Sandbox::release`], but up to ten in one body.
    pub async fn release_together(&self) -> Vec<u16> {
        let waiting = self.core.world().post.release();
        let mut answers = Vec::new();
        for batch in waiting.chunks(10) {
            answers.extend(deliver::send_or_keep(&self.core, batch.to_vec()).await);
        }
        answers
    }

    /// Forgets everything that waits: these webhooks are lost, and only the call that lists notifications still knows them.
    pub fn forget_waiting(&self) {
        self.core.world().post.release();
    }

    /// Waits until everything that is being sent by itself was answered.
    pub async fn settled(&self) {
        self.core.tasks.wait().await;
    }

    /// The next `times` comments through the API fail in this way.
    pub fn fail_sends(&self, times: usize, failure: SendFailure) {
        self.fail_sends_after(0, times, failure);
    }

    /// As [`Sandbox::fail_sends`], after `skip` comments that are answered as ever.
    pub fn fail_sends_after(&self, skip: usize, times: usize, failure: SendFailure) {
        self.core.world().plans.plan(None, skip, times, failure);
    }

    /// Forgets all planned failures of comments.
    pub fn heal_sends(&self) {
        self.core.world().plans.heal();
    }

    /// Every comment that the API took, in order, whatever was answered.
    #[must_use]
    pub fn sent(&self) -> Vec<SentComment> {
        self.core.world().sent.clone()
    }

    /// Every direct message that the API took: the bodies, in order.
    #[must_use]
    pub fn direct_messages(&self) -> Vec<Value> {
        self.core.world().direct.clone()
    }

    /// Posts exactly these bytes, correctly signed. The result is the HTTP status.
    ///
    /// # Errors
    /// When no answer came within 10 s, or nobody said where to deliver to.
    pub async fn deliver_raw(&self, body: &[u8]) -> Result<u16, reqwest::Error> {
        self.deliver_signed(body, &self.sign(body)).await
    }

    /// Posts exactly these bytes with exactly this signature.
    ///
    /// # Errors
    /// As [`Sandbox::deliver_raw`].
    pub async fn deliver_signed(&self, body: &[u8], signature: &str) -> Result<u16, reqwest::Error> {
        let address = {
            let world = self.core.world();
            let subscribed = world.subscription.as_ref().map(|one| one.webhook.clone());
            world.delivery_url.clone().or(subscribed).or(world.validated.clone()).unwrap_or_default()
        };
        deliver::post(&self.core, &address, body, signature).await
    }

    /// The value of `X-LI-Signature` for this body.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> String {
        deliver::sign(&self.core.client_secret, body)
    }

    /// The usual mistake: the signature over the body without its prefix. It must be refused.
    #[must_use]
    pub fn sign_without_prefix(&self, body: &[u8]) -> String {
        hmac_sha256_hex(&self.core.client_secret, &[body])
    }
}
