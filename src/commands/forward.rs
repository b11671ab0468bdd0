//! `shoptalk tail --forward`: events posted to a bot on this machine, signed as those that receivers get.

use std::time::Duration;

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::shared::clock::Clock;
use crate::shared::outgoing::allowed_addresses::AllowedAddresses;
use crate::shared::outgoing::http::{Http, Timeouts};
use crate::shared::outgoing::signed_post;

/// How long the bot may take, as everywhere.
const WITHIN: Duration = Duration::from_secs(15);

/// The pauses between the tries of a post. Who develops a bot does not want to wait for the next event for long.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// Posts events to a bot on this machine.
pub struct Forward {
    url: Url,
    key: Zeroizing<[u8; 32]>,
    http: Http,
}

impl Forward {
    /// To this address, signed with a new secret.
    ///
    /// # Errors
    /// When the address is not one of this machine, or there are no random bytes.
    pub fn to(url: Url) -> anyhow::Result<Self> {
        let is_here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        ensure!(
            is_here && url.scheme() == "http",
            "events are forwarded to this machine only, as to http://127.0.0.1:3000/bot"
        );
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut()).ok().context("the operating system gives no random bytes")?;
        let timeouts = Timeouts { idle: WITHIN, total: WITHIN, ..Timeouts::default() };
        let http = Http::new(Clock::system(), &timeouts, AllowedAddresses::new([&url]))?;
        Ok(Self { url, key, http })
    }

    /// What the bot checks signatures with: `whsec_` and base64.
    #[must_use]
    pub fn secret(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("whsec_{}", STANDARD.encode(self.key.as_ref())))
    }

    /// Posts an event, up to three times.
    ///
    /// # Errors
    /// What was wrong with the last try, in words.
    pub async fn post(&self, id: &str, body: &str) -> Result<(), String> {
        let mut pauses = PAUSES.iter();
        loop {
            let Err(problem) = self.post_once(id, body).await else { return Ok(()) };
            let Some(pause) = pauses.next() else { return Err(problem) };
            tokio::time::sleep(*pause).await;
        }
    }

    async fn post_once(&self, id: &str, body: &str) -> Result<(), String> {
        match signed_post::post(&self.http, &self.url, id, body.to_owned(), &[self.key.as_ref()]).await {
            Ok(answer) if answer.status.is_success() => Ok(()),
            Ok(answer) => Err(format!("it answered {}", answer.status.as_u16())),
            Err(error) => Err(error.to_string()),
        }
    }
}
