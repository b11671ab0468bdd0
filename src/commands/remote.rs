//! Events of a service elsewhere, as its API streams them: `shoptalk tail --url … --key …`.

use std::time::Duration;

use anyhow::Context;
use http::{Method, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::mpsc;
use url::Url;

use super::{EventsWanted, Line, refuse, say};
use crate::shared::clock::Clock;
use crate::shared::outgoing::allowed_addresses::AllowedAddresses;
use crate::shared::outgoing::http::{Http, Timeouts};
use crate::shared::settings::{below, check_url};

/// A stream is silent for 15 seconds at most.
const SILENCE: Duration = Duration::from_secs(60);

/// How long one stream is read before it is opened anew.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The pause before a stream that broke off is opened again.
const PAUSE: Duration = Duration::from_secs(2);

/// The longest line of a stream, in bytes: an event has one megabyte at most.
const LONGEST_LINE: usize = 2 * 1024 * 1024;

/// A service elsewhere, and the key to its API.
pub struct Remote {
    http: Http,
    url: Url,
    key: SecretString,
    /// Those after this number; `None`: what happens from now on.
    after: Option<i64>,
}

/// Why a stream ended.
enum End {
    /// It broke off: it goes on where it was.
    BrokeOff,
    /// The service refuses to show it: why, for people.
    Refused(String),
    /// Nobody listens any more.
    Unheard,
}

impl Remote {
    /// The service at this address.
    ///
    /// # Errors
    /// When the address cannot be used, in words.
    pub fn at(url: &str, key: SecretString, wanted: &EventsWanted) -> anyhow::Result<Self> {
        let base = check_url(url).map_err(|problem| anyhow::anyhow!("--url {}", problem.words))?;
        let timeouts = Timeouts { idle: SILENCE, total: LONGEST, ..Timeouts::default() };
        let http = Http::new(Clock::system(), &timeouts, AllowedAddresses::new([&base]))?;
        let mut url = below(&base, "/api/v1/events");
        if !wanted.kinds.is_empty() {
            let kinds: Vec<&str> = wanted.kinds.iter().map(|kind| kind.as_str()).collect();
            url.query_pairs_mut().append_pair("types", &kinds.join(","));
        }
        Ok(Self { http, url, key, after: wanted.since })
    }

    /// Tells events until nobody listens any more, or the service refuses. Gives whether all went well.
    pub async fn follow(mut self, lines: &mpsc::Sender<Line>) -> bool {
        loop {
            match self.read_stream(lines).await {
                Ok(End::Unheard) => return true,
                Ok(End::Refused(why)) => return refuse(lines, why).await.unwrap_or_default(),
                Ok(End::BrokeOff) => {}
                Err(error) => say(lines, format!("{error:#}; it is tried again")).await,
            }
            tokio::select! {
                () = lines.closed() => return true,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    async fn read_stream(&mut self, lines: &mpsc::Sender<Line>) -> anyhow::Result<End> {
        let mut url = self.url.clone();
        if let Some(after) = self.after {
            url.query_pairs_mut().append_pair("after", &after.to_string());
        }
        let mut bearer = http::HeaderValue::try_from(format!("Bearer {}", self.key.expose_secret()))
            .context("the key holds signs that no key has")?;
        bearer.set_sensitive(true);
        let request = self
            .http
            .request(Method::GET, url)
            .header(header::AUTHORIZATION, bearer)
            .header(header::ACCEPT, "text/event-stream");
        let mut download = self.http.open(request).await.context("the service cannot be reached")?;
        if download.status != StatusCode::OK {
            return match download.status {
                status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                    Err(anyhow::anyhow!("the service answers {status}"))
                }
                status => Ok(End::Refused(refusal(status))),
            };
        }
        let mut rest: Vec<u8> = Vec::new();
        while let Some(chunk) = download.chunk().await.context("the stream broke off")? {
            rest.extend_from_slice(&chunk);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                let Some(event) = data_of(&line) else { continue };
                self.after = event.0.or(self.after);
                if lines.send(event.1).await.is_err() {
                    return Ok(End::Unheard);
                }
            }
            anyhow::ensure!(rest.len() <= LONGEST_LINE, "the stream holds a line that is no event's");
        }
        Ok(End::BrokeOff)
    }
}

/// The event of a line `data: {…}`, with its number.
fn data_of(line: &[u8]) -> Option<(Option<i64>, Line)> {
    let json = std::str::from_utf8(line).ok()?.trim_end().strip_prefix("data:")?.trim_start();
    let event: Value = serde_json::from_str(json).ok()?;
    let id = event["id"].as_str().map(str::to_owned);
    Some((event["n"].as_i64(), Line::Event { id, json: json.to_owned() }))
}

/// What a refusal means, for whoever typed the command.
fn refusal(status: StatusCode) -> String {
    match status {
        StatusCode::UNAUTHORIZED => "the service does not know this key, or it is revoked or expired".to_owned(),
        StatusCode::FORBIDDEN => "this key may not read events: it needs the scope read".to_owned(),
        StatusCode::GONE => {
            "the events after --since are not kept any more; leave it out, or give a later number".to_owned()
        }
        status => format!("the service answers {status}; is --url the address of shoptalk?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_stream_is_an_event_or_nothing() {
        let (n, Line::Event { id, json }) = data_of(b"data: {\"n\":7,\"id\":\"evt_1\"}\r\n").unwrap() else { panic!() };
        assert_eq!((n, id.as_deref(), json.as_str()), (Some(7), Some("evt_1"), "{\"n\":7,\"id\":\"evt_1\"}"));
        for other in [&b": comment\n"[..], b"id: 7\n", b"event: message\n", b"\n", b"data: {\n", b"\xff\n"] {
            assert!(data_of(other).is_none());
        }
    }
}
