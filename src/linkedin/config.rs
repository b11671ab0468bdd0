//! The settings of the LinkedIn channel.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::names;
use crate::shared::files::path::Name;
use crate::shared::secrets::signature::{Secrets, to_hex};
use crate::shared::settings::{ProblemKind, Settings};

/// The settings of the LinkedIn channel.
#[derive(Debug)]
pub struct Config {
    /// The app's client id.
    pub client_id: String,
    /// The app's client secret, and during a rotation the one before it: it signs what LinkedIn posts.
    pub client_secret: Secrets,
    /// The token of the member who administers the page.
    pub access_token: SecretString,
    /// What new ones are made with; only approved programmes have it.
    pub refresh_token: Option<SecretString>,
    /// The page: an organization's id.
    pub organization: Name,
    /// The app's id as the developer portal's addresses show it: with it a subscription can be made that was never there.
    pub application: Option<String>,
    /// The API's version: `202610`.
    pub version: String,
    /// Whether direct messages may be sent, by humans: for partners alone.
    pub messages: bool,
    /// Whether bots may answer comments, where everybody reads it.
    pub answer_comments: bool,
    /// Where notifications come to.
    pub webhook_address: Url,
    /// The API's base URL.
    pub api_url: Url,
    /// The base URL of the token endpoints.
    pub oauth_url: Url,
    /// Whether `LINKEDIN_WEBHOOK_VERIFY_TOKEN` is set, which nothing needs.
    pub has_verify_token: bool,
}

/// The newest version of the API that this program knows. Versions end about a year after their release.
/// Source: <https://learn.microsoft.com/linkedin/marketing/versioning> (2026).
pub const VERSION: &str = "202610";

const API_URL: &str = "https://api.linkedin.com";
const OAUTH_URL: &str = "https://www.linkedin.com/oauth/v2";

/// The variables of the section that have no default: with any of them set the channel is on.
const NAMES: [&str; 7] = [
    "LINKEDIN_CLIENT_ID",
    "LINKEDIN_CLIENT_SECRET",
    "LINKEDIN_CLIENT_SECRET_PREVIOUS",
    "LINKEDIN_ACCESS_TOKEN",
    "LINKEDIN_REFRESH_TOKEN",
    "LINKEDIN_ORGANIZATION_ID",
    "LINKEDIN_APPLICATION_ID",
];

/// Those that have one, and the one that nothing needs.
const WITH_DEFAULT: [&str; 7] = [
    "LINKEDIN_VERSION",
    "LINKEDIN_MESSAGES",
    "LINKEDIN_ANSWER_COMMENTS",
    "LINKEDIN_WEBHOOK_ADDRESS",
    "LINKEDIN_API_URL",
    "LINKEDIN_OAUTH_URL",
    "LINKEDIN_WEBHOOK_VERIFY_TOKEN",
];

/// The paths at which notifications are taken in.
pub const ROUTES: [&str; 2] = ["/linkedin/webhook", "/webhooks/linkedin"];

impl Config {
    /// The addresses that were configured to be asked, wherever they lead: our own webhook route, and what is not LinkedIn's.
    pub(super) fn asked_addresses(&self) -> Vec<Url> {
        let others = [(&self.api_url, API_URL), (&self.oauth_url, OAUTH_URL)];
        let others = others.into_iter().filter(|(url, known)| url.as_str().trim_end_matches('/') != *known);
        others.map(|(url, _)| url.clone()).chain([self.webhook_address.clone()]).collect()
    }

    /// Reads the section; `None`: the channel is off.
    pub fn from_settings(settings: &mut Settings<'_>, public_url: Option<&Url>) -> Option<Self> {
        if !settings.is_on(&NAMES, &WITH_DEFAULT) {
            return None;
        }
        let client_id = settings.required("LINKEDIN_CLIENT_ID");
        let client_secret = settings.required_secret("LINKEDIN_CLIENT_SECRET");
        let previous = settings.secret("LINKEDIN_CLIENT_SECRET_PREVIOUS");
        let organization = settings.required("LINKEDIN_ORGANIZATION_ID");
        let parsed = names::organization(&organization);
        if parsed.is_none() && !organization.is_empty() {
            settings.problem(
                "LINKEDIN_ORGANIZATION_ID",
                "must be the page's id: digits, as its admin pages' addresses show it",
            );
        }
        let switch = |settings: &mut Settings<'_>, name: &str, on: &'static str| {
            settings.parsed_or(name, false, &format!("{on} or off"), |text| match text {
                "off" => Some(false),
                text => (text == on).then_some(true),
            })
        };
        Some(Self {
            client_id,
            client_secret: Secrets::new(client_secret, previous),
            access_token: settings.required_secret("LINKEDIN_ACCESS_TOKEN"),
            refresh_token: settings.secret("LINKEDIN_REFRESH_TOKEN"),
            organization: parsed.unwrap_or(const { Name::fixed("none") }),
            application: settings.checked_or(ProblemKind::Wrong, "LINKEDIN_APPLICATION_ID", None, |text| {
                match names::organization(text) {
                    Some(_) => Ok(Some(text.to_owned())),
                    None => Err("must be digits, as the app's address in the developer portal shows them".to_owned()),
                }
            }),
            version: settings.parsed_of(
                ProblemKind::Version,
                "LINKEDIN_VERSION",
                VERSION.to_owned(),
                "a version such as 202610: year and month",
                |text| month_of(text).map(|_| text.to_owned()),
            ),
            messages: switch(settings, "LINKEDIN_MESSAGES", "partner"),
            answer_comments: switch(settings, "LINKEDIN_ANSWER_COMMENTS", "on"),
            webhook_address: settings.url_below("LINKEDIN_WEBHOOK_ADDRESS", public_url, &ROUTES),
            api_url: settings.base_url_or("LINKEDIN_API_URL", API_URL),
            oauth_url: settings.base_url_or("LINKEDIN_OAUTH_URL", OAUTH_URL),
            has_verify_token: settings.text("LINKEDIN_WEBHOOK_VERIFY_TOKEN").is_some(),
        })
    }

    /// Names the tokens of the settings, without telling them: what was made from others is not used any more.
    #[must_use]
    pub fn tokens_hash(&self) -> String {
        let refresh = self.refresh_token.as_ref().map_or("", |token| token.expose_secret());
        to_hex(&Sha256::digest(format!("{}\n{refresh}", self.access_token.expose_secret())))
    }
}

/// The months since the year 0 of a version: year and month.
#[must_use]
pub fn month_of(version: &str) -> Option<i32> {
    let is_plain = version.len() == 6 && version.bytes().all(|byte| byte.is_ascii_digit());
    let (year, month): (i32, i32) = (version.get(..4)?.parse().ok()?, version.get(4..)?.parse().ok()?);
    (is_plain && year >= 2020 && (1..=12).contains(&month)).then_some(year * 12 + month - 1)
}
