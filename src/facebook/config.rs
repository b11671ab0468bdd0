//! The settings of the Facebook channel.

use secrecy::SecretString;
use url::Url;

use super::{fields, refusal};
use crate::meta::app::{self, App, Denial, GRAPH_URL};
use crate::meta::media::Media;
use crate::shared::channel::job::check_cron;
use crate::shared::languages::Sentence;
use crate::shared::secrets::signature::Secrets;
use crate::shared::settings::{ProblemKind, Settings};

/// The settings of the Facebook channel.
#[derive(Debug)]
pub struct Config {
    /// The app's id.
    pub app_id: String,
    /// The app's secret, and during a rotation the one before it.
    pub app_secret: Secrets,
    /// What Meta sends along with the challenge.
    pub verify_token: SecretString,
    /// Where the login comes back to.
    pub redirect_uri: Url,
    /// Where deliveries go.
    pub webhook_address: Url,
    /// Whether deliveries with only the older SHA-1 signature are refused.
    pub require_sha256: bool,
    /// The Graph API's version: `v26.0`.
    pub graph_version: String,
    /// The Graph API's base URL.
    pub graph_url: Url,
    /// The login dialog's base URL.
    pub dialog_url: Url,
    /// When Pages are polled.
    pub poll_cron: String,
    /// How many calls of the Conversations API are made per second and Page, at most; 0: as many as possible.
    pub calls_per_second: u32,
    /// From where attachments are copied; `None`: they are not.
    pub media: Option<Media>,
    /// Whether the messages of the Pages' Instagram accounts are taken in, too.
    pub instagram: bool,
    /// The saved configuration of Facebook Login for Business, by its id; `None`: the login asks for permissions itself.
    pub login_configuration: Option<String>,
    /// Whether the app may let humans answer for seven days (`HUMAN_AGENT`).
    pub human_agent: bool,
}

/// Meta's limit of attachments is 25 MB.
const MEDIA_MAX_BYTES: u64 = 25 * 1024 * 1024;

/// What Meta allows one Page.
/// Source: <https://developers.facebook.com/docs/messenger-platform/overview/rate-limiting> (2026).
const CALLS_PER_SECOND: u32 = 2;

/// The variables that switch the channel on: with any of them set, all that have no default must be.
const NAMES: [&str; 15] = [
    "FACEBOOK_APP_ID",
    "FACEBOOK_VERIFY_TOKEN",
    "FACEBOOK_REDIRECT_URI",
    "FACEBOOK_WEBHOOK_ADDRESS",
    "FACEBOOK_REQUIRE_SHA256",
    "FACEBOOK_GRAPH_URL",
    "FACEBOOK_DIALOG_URL",
    "FACEBOOK_POLL_CRON",
    "FACEBOOK_CALLS_PER_SECOND",
    "FACEBOOK_HUMAN_AGENT",
    "FACEBOOK_LOGIN_CONFIG_ID",
    "FACEBOOK_INSTAGRAM",
    "FACEBOOK_MEDIA",
    "FACEBOOK_MEDIA_HOSTS",
    "FACEBOOK_MEDIA_MAX_BYTES",
];

/// Those that do so, too, unless another product of Meta's is on: it takes them from this section where its own lacks them.
const SHARED: [&str; 3] = ["FACEBOOK_APP_SECRET", "FACEBOOK_APP_SECRET_PREVIOUS", "FACEBOOK_GRAPH_VERSION"];

/// Another name of one of them.
const SECOND: &str = "FACEBOOK_WEBHOOK_VERIFY_TOKEN";

/// The paths at which deliveries are taken in.
pub const WEBHOOKS: &[&str] = &["/facebook/webhook", "/webhooks/facebook"];

/// All paths at which the channel answers.
pub const ROUTES: [&str; 6] = [
    "/facebook/login",
    "/facebook/callback",
    "/facebook/webhook",
    "/webhooks/facebook",
    "/facebook/deauthorize",
    "/facebook/data-deletion",
];

impl Config {
    /// Reads the section; `None`: none of its variables is set, the channel is off. `has_others`: another product of Meta's is
    /// on, which may take the app's secret and the version from this section.
    pub fn from_settings(settings: &mut Settings<'_>, public_url: Option<&Url>, has_others: bool) -> Option<Self> {
        let is_on = match has_others {
            true => settings.is_on(&NAMES, &[&SHARED[..], &[SECOND]].concat()),
            false => settings.is_on(&[&NAMES[..], &SHARED].concat(), &[SECOND]),
        };
        if !is_on {
            return None;
        }
        let app_id = settings.required("FACEBOOK_APP_ID");
        // Meta's ids are digits today; what matters here is that it is safe in a path.
        if !app_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            settings.problem("FACEBOOK_APP_ID", "must be the app's id, as the App Dashboard shows it");
        }
        let app_secret = settings.required_secret("FACEBOOK_APP_SECRET");
        let previous = settings.secret("FACEBOOK_APP_SECRET_PREVIOUS");
        let verify_token = settings.required_secret_named("FACEBOOK_VERIFY_TOKEN", SECOND);
        let redirect_uri = settings.url_below("FACEBOOK_REDIRECT_URI", public_url, &["/facebook/callback"]);
        let webhook_address = settings.url_below("FACEBOOK_WEBHOOK_ADDRESS", public_url, WEBHOOKS);
        Some(Self {
            app_id,
            app_secret: Secrets::new(app_secret, previous),
            verify_token,
            redirect_uri,
            webhook_address,
            require_sha256: settings
                .parsed_or("FACEBOOK_REQUIRE_SHA256", false, "true or false", |text| text.parse().ok()),
            graph_version: app::graph_version(settings),
            graph_url: settings.base_url_or("FACEBOOK_GRAPH_URL", GRAPH_URL),
            dialog_url: settings.base_url_or("FACEBOOK_DIALOG_URL", "https://www.facebook.com"),
            poll_cron: settings.checked_or(
                ProblemKind::Cron,
                "FACEBOOK_POLL_CRON",
                "17 3 * * *".to_owned(),
                check_cron,
            ),
            calls_per_second: settings.parsed_or(
                "FACEBOOK_CALLS_PER_SECOND",
                CALLS_PER_SECOND,
                "a whole number from 0 to 1000",
                |text| text.parse().ok().filter(|calls| *calls <= 1000),
            ),
            media: Media::from_settings(
                settings,
                ["FACEBOOK_MEDIA", "FACEBOOK_MEDIA_HOSTS", "FACEBOOK_MEDIA_MAX_BYTES"],
                MEDIA_MAX_BYTES,
            ),
            instagram: settings.parsed_or("FACEBOOK_INSTAGRAM", false, "on or off", on_or_off),
            login_configuration: settings.parsed_or(
                "FACEBOOK_LOGIN_CONFIG_ID",
                None,
                "the digits of a configuration's id, as the App Dashboard shows it",
                |text| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| Some(text.to_owned())),
            ),
            human_agent: settings.parsed_or("FACEBOOK_HUMAN_AGENT", false, "on or off", on_or_off),
        })
    }
}

fn on_or_off(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

impl App for Config {
    fn id(&self) -> &str {
        &self.app_id
    }

    fn secret(&self) -> &Secrets {
        &self.app_secret
    }

    fn graph_url(&self) -> &Url {
        &self.graph_url
    }

    fn graph_version(&self) -> &str {
        &self.graph_version
    }

    fn webhook_address(&self) -> &Url {
        &self.webhook_address
    }

    fn platform(&self) -> &'static str {
        refusal::PLATFORM
    }

    fn other_version(&self) -> (&'static str, &'static str) {
        (
            "facebook:version",
            "Facebook answers with another version of the Graph API than FACEBOOK_GRAPH_VERSION says, which is no longer \
             usable. Set it to a current version.",
        )
    }

    fn token_reason(&self, subcode: i64) -> Sentence {
        refusal::token_reason(subcode)
    }

    fn known_field(&self, name: &str) -> Option<&'static str> {
        fields::known(name)
    }

    fn denial_reason(&self, denial: Denial) -> Sentence {
        refusal::denial_reason(denial)
    }
}
