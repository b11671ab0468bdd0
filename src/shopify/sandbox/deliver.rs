//! Signs and sends webhooks.
//! Sources: <https://shopify.dev/docs/apps/build/webhooks/delivery-structure>,
//! <https://shopify.dev/docs/apps/build/webhooks/verify-deliveries>.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::SecondsFormat;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::redirect::Policy;
use serde_json::Value;
use sha2::Sha256;
use uuid::Uuid;

use super::shop::Shop;
use super::{state::Subscription, versions};

/// A delivery must be answered within five seconds in total.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connecting may take one of them.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// After this many failures in a row the platform deletes a subscription.
const MAX_FAILURES: u32 = 8;

/// A client for deliveries to this machine. It trusts no certificate, so plain HTTP is all it speaks; naming the
/// crypto provider here keeps it independent of whether the process has installed one.
pub(super) fn client() -> Result<reqwest::Client, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(DELIVERY_TIMEOUT)
        .build()
        .map_err(|error| error.to_string())
}

/// HMAC-SHA256 of these bytes. A key of any length is right.
pub(super) fn mac(secret: &str, message: &[u8]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return Vec::new() };
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// Base64 of HMAC-SHA256 over the raw body, keyed with the app's client secret.
pub(super) fn sign(secret: &str, body: &[u8]) -> String {
    STANDARD.encode(mac(secret, body))
}

impl Shop {
    /// Sends one event to every subscription of this topic, each in a delivery of its own, and returns the statuses;
    /// 0 stands for no answer within five seconds. Empty if nothing is subscribed.
    ///
    /// Nothing is repeated here, but failures in a row are counted, and the eighth deletes the subscription. After
    /// [`Shop::uninstall`] the topic `app/uninstalled` still goes where it was subscribed until then.
    pub async fn deliver(&self, topic: &str, body: &Value) -> Vec<u16> {
        let targets = self.subscriptions_for(topic);
        let event_id = Uuid::new_v4().to_string();
        let bytes = body.to_string().into_bytes();
        let mut statuses = Vec::with_capacity(targets.len());
        for target in targets {
            let mut overrides = vec![
                ("X-Shopify-Event-Id", Some(event_id.as_str())),
                ("X-Shopify-API-Version", Some(target.api_version.as_str())),
            ];
            if let Some(name) = &target.name {
                overrides.push(("X-Shopify-Name", Some(name.as_str())));
            }
            let status = self.deliver_to(&target.uri, topic, &bytes, &overrides).await.unwrap_or(0);
            self.count_delivery(&target, (200..300).contains(&status));
            statuses.push(status);
        }
        statuses
    }

    /// Sends a compliance webhook, which no subscription is needed for: its address is set in the app's configuration.
    /// `more` is what the topic adds to the shop: the customer, the orders, the request.
    ///
    /// # Errors
    /// When no answer came within five seconds.
    pub async fn deliver_compliance(&self, url: &str, topic: &str, more: &Value) -> Result<u16, reqwest::Error> {
        let mut body = serde_json::json!({ "shop_id": self.id(), "shop_domain": self.domain() });
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        self.deliver_to(url, topic, body.to_string().as_bytes(), &[]).await
    }

    /// Sends one delivery to this address: rightly signed, with all headers of a true one. `overrides` replaces
    /// headers by name, or removes them where the value is `None`.
    ///
    /// # Errors
    /// When no answer came within five seconds.
    pub async fn deliver_to(
        &self,
        url: &str,
        topic: &str,
        body: &[u8],
        overrides: &[(&str, Option<&str>)],
    ) -> Result<u16, reqwest::Error> {
        let now = self.core.now();
        let mut headers: Vec<(String, String)> = [
            ("Content-Type", "application/json".to_owned()),
            ("X-Shopify-Topic", topic.to_owned()),
            ("X-Shopify-Hmac-Sha256", sign(&self.core.options.client_secret, body)),
            ("X-Shopify-Shop-Domain", self.domain()),
            ("X-Shopify-API-Version", versions::latest(now)),
            ("X-Shopify-Webhook-Id", Uuid::new_v4().to_string()),
            ("X-Shopify-Event-Id", Uuid::new_v4().to_string()),
            ("X-Shopify-Triggered-At", now.to_rfc3339_opts(SecondsFormat::Nanos, true)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        for (name, value) in overrides {
            headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            if let Some(value) = value {
                headers.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
        let mut request = self.core.client.post(url).body(body.to_vec());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        Ok(request.send().await?.status().as_u16())
    }

    fn subscriptions_for(&self, topic: &str) -> Vec<Subscription> {
        let listed = self.read(|shop| {
            let list = if topic == "app/uninstalled" && !shop.installed { &shop.farewell } else { &shop.subscriptions };
            list.iter().filter(|one| one.topic == topic).cloned().collect()
        });
        listed.unwrap_or_default()
    }

    fn count_delivery(&self, target: &Subscription, success: bool) {
        self.change(|shop, _| {
            if let Some(one) = shop.subscriptions.iter_mut().find(|one| one.id == target.id) {
                one.failures = if success { 0 } else { one.failures + 1 };
            }
            shop.subscriptions.retain(|one| one.failures < MAX_FAILURES);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_in_base64() {
        // RFC 4231, test case 2.
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let signed = STANDARD.decode(sign("Jefe", b"what do ya want for nothing?")).unwrap();
        assert_eq!(signed.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), expected);
    }
}
