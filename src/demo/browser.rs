//! A browser for the unattended demo: follows redirects and keeps our cookies, nothing more.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use http::{Method, header};
use serde_json::Value;
use url::Url;

use crate::shared::clock::Clock;
use crate::shared::outgoing::allowed_addresses::AllowedAddresses;
use crate::shared::outgoing::http::{Http, Timeouts};

/// A login goes to the platform and back; more redirects than this are a circle.
const MAX_REDIRECTS: usize = 10;

/// Cookies of one host, and a client.
pub struct Browser {
    http: Http,
    home: Url,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// A browser without cookies, for our pages and for those of the simulated platforms.
    pub fn new(home: &str, platforms: &[Url]) -> anyhow::Result<Self> {
        let home = Url::parse(home)?;
        let allowed = AllowedAddresses::new(platforms.iter().chain([&home]));
        let http = Http::new(Clock::system(), &Timeouts::default(), allowed)?;
        Ok(Self { http, home, cookies: BTreeMap::new() })
    }

    /// Opens a path of ours and follows where it leads; gives the JSON at the end.
    pub async fn open(&mut self, path: &str) -> anyhow::Result<Value> {
        let mut url = self.home.join(path)?;
        for _ in 0..MAX_REDIRECTS {
            let mut request = self.http.request(Method::GET, url.clone()).header(header::ACCEPT, "application/json");
            let ours = url.origin() == self.home.origin();
            if ours && !self.cookies.is_empty() {
                let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
                request = request.header(header::COOKIE, pairs.join("; "));
            }
            let answer = self.http.send(request).await?;
            if ours {
                for cookie in answer.headers.get_all(header::SET_COOKIE) {
                    let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
                    if let Some((name, value)) = pair.split_once('=') {
                        self.cookies.insert(name.to_owned(), value.to_owned());
                    }
                }
            }
            if answer.status.is_redirection() {
                let location = answer.headers.get(header::LOCATION).context("a redirect without a target")?;
                url = url.join(location.to_str()?)?;
                continue;
            }
            if !answer.status.is_success() {
                bail!("{} answered {}: {}", url.path(), answer.status, String::from_utf8_lossy(&answer.body));
            }
            return Ok(answer.json()?);
        }
        bail!("{path} redirects in a circle")
    }
}
