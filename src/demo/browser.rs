//! A browser for the unattended demo: follows redirects and keeps our cookies, nothing more.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use http::{Method, header};
use serde_json::Value;
use url::Url;

use crate::shared::clock::Clock;
use crate::shared::outgoing::allowed_addresses::AllowedAddresses;
use crate::shared::outgoing::http::{Answer, Http, Timeouts};

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

    /// Asks with our cookies, if it is ours that are asked.
    async fn send(&self, mut request: reqwest::RequestBuilder, ours: bool) -> anyhow::Result<Answer> {
        if ours && !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        Ok(self.http.send(request).await?)
    }

    /// Presses a button of the first page: a form with this one field beside the one that every form carries.
    pub async fn press(&self, path: &str, field: (&str, &str)) -> anyhow::Result<()> {
        let request = self.http.request(Method::GET, self.home.clone()).header(header::ACCEPT, "text/html");
        let page = self.send(request, true).await?;
        let page = String::from_utf8_lossy(&page.body).into_owned();
        let token = page.split("name=\"form_token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let token = token.context("the first page has no form")?;
        let form = [("form_token", token), field];
        let answer = self.send(self.http.request(Method::POST, self.home.join(path)?).form(&form), true).await?;
        ensure!(answer.status.is_redirection(), "the button {path} was answered {}", answer.status);
        Ok(())
    }

    /// Opens a path of ours and follows where it leads; gives the JSON at the end.
    pub async fn open(&mut self, path: &str) -> anyhow::Result<Value> {
        let mut url = self.home.join(path)?;
        for _ in 0..MAX_REDIRECTS {
            let request = self.http.request(Method::GET, url.clone()).header(header::ACCEPT, "application/json");
            let ours = url.origin() == self.home.origin();
            let answer = self.send(request, ours).await?;
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
