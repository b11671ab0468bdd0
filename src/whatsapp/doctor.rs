//! What only Meta knows of the number: whether the app, its subscriptions and the token are what they should be.
//!
//! Asks with calls of its own: they change nothing, and spend nothing from the budgets of a running service.

use http::Method;
use secrecy::ExposeSecret;
use url::Url;

use super::config::Config;
use super::{ABOUT, NAME};
use crate::shared::channel::about::About;
use crate::shared::channel::finding::Finding;
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::section::Section;
use crate::shared::logins::random_hex;
use crate::shared::outgoing::http::Http;
use crate::shared::secrets::signature::Secrets;
use crate::shared::settings::is_loopback;
use crate::shared::store::Connections;

impl Section for Config {
    fn channels(&self) -> Vec<&'static About> {
        vec![&ABOUT]
    }

    fn own_addresses(&self) -> Vec<Url> {
        self.asked_addresses()
    }

    fn webhook_address(&self) -> &Url {
        &self.webhook_address
    }

    fn is_simulated(&self) -> bool {
        is_loopback(self.graph_url.host_str().unwrap_or_default())
    }

    fn signing(&self) -> (&'static str, &'static str, &Secrets) {
        (NAME, "WHATSAPP_APP_SECRET_PREVIOUS", &self.app_secret)
    }

    fn registration(&self, base: &str) -> String {
        format!(
            "Meta App Dashboard: WhatsApp, Configuration: callback URL {base}/whatsapp/webhook, verify token as in \
             WHATSAPP_WEBHOOK_VERIFY_TOKEN"
        )
    }

    fn examine_address<'a>(&'a self, http: &'a Http) -> BoxFuture<'a, Option<Finding>> {
        Box::pin(challenge(self, http))
    }

    fn examine<'a>(
        &'a self,
        _http: &'a Http,
        _connections: &'a Connections,
        _now_ms: i64,
    ) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(async { Vec::new() })
    }
}

/// Asks our own webhook address as Meta does when it verifies it.
async fn challenge(config: &Config, http: &Http) -> Option<Finding> {
    let address = &config.webhook_address;
    let nonce = random_hex().ok()?;
    let mut url = address.clone();
    url.query_pairs_mut()
        .append_pair("hub.mode", "subscribe")
        .append_pair("hub.verify_token", config.verify_token.expose_secret())
        .append_pair("hub.challenge", &nonce);
    let effect = "Meta does not accept the address, and no message of WhatsApp arrives";
    match http.send(http.request(Method::GET, url)).await {
        Ok(answer) if answer.status.is_success() && answer.body.as_ref() == nonce.as_bytes() => None,
        Ok(answer) if answer.status.as_u16() == 403 => Some(Finding::error(
            "verify_token_differs",
            address.as_str(),
            "what answers at the public address has another WHATSAPP_WEBHOOK_VERIFY_TOKEN",
            effect,
            "start the service again, so that it reads its settings; see that only one service is behind this address",
        )),
        Ok(answer) => Some(Finding::public_wrong_answer(address, answer.status.as_u16(), effect)),
        Err(error) => Some(Finding::public_unreachable(address, &error, effect)),
    }
}
