//! The settings of the Viber channel.

use url::Url;

use crate::shared::secrets::signature::Secrets;
use crate::shared::settings::{ProblemKind, Settings};

/// The settings of the Viber channel.
#[derive(Debug)]
pub struct Config {
    /// The bot's authentication token, and during a replacement the one before it. It lets us call, and signs callbacks.
    pub token: Secrets,
    /// The name that people see above an answer; `None`: the bot's own.
    pub sender_name: Option<String>,
    /// The picture beside it.
    pub sender_avatar: Option<Url>,
    /// What somebody reads who opens the chat for the first time; `None`: nothing.
    pub welcome: Option<String>,
    /// Whether answers go out after the free session, where each is charged.
    pub outside_session: bool,
    /// Where callbacks come to.
    pub webhook_address: Url,
    /// The REST API's base URL.
    pub api_url: Url,
    /// Whether `VIBER_PUBLIC_KEY` is set, which nothing needs.
    pub has_public_key: bool,
}

/// Where the REST API is.
const API_URL: &str = "https://chatapi.viber.com/pa";

/// The longest name above an answer, in characters.
/// Source: <https://creators.viber.com/docs/bots-api/resources/messaging/send-message> (2026).
pub const LONGEST_NAME: usize = 28;

/// The longest text, in characters.
pub const LONGEST_TEXT: usize = 7_000;

/// The variables of the section that have no default: with any of them set the channel is on, and the token must be there.
const NAMES: [&str; 5] =
    ["VIBER_BOT_TOKEN", "VIBER_BOT_TOKEN_PREVIOUS", "VIBER_SENDER_NAME", "VIBER_SENDER_AVATAR", "VIBER_WELCOME"];

/// Those that have one, and the one that nothing needs.
const WITH_DEFAULT: [&str; 4] = ["VIBER_OUTSIDE_SESSION", "VIBER_WEBHOOK_ADDRESS", "VIBER_API_URL", "VIBER_PUBLIC_KEY"];

/// The paths at which callbacks are taken in.
pub const ROUTES: [&str; 2] = ["/viber/webhook", "/webhooks/viber"];

impl Config {
    /// The addresses that were configured to be asked, wherever they lead: our own webhook route, and an API that is not
    /// Viber's.
    pub(super) fn asked_addresses(&self) -> Vec<Url> {
        let api = (self.api_url.as_str().trim_end_matches('/') != API_URL).then(|| self.api_url.clone());
        api.into_iter().chain([self.webhook_address.clone()]).collect()
    }

    /// Reads the section; `None`: the channel is off.
    pub fn from_settings(settings: &mut Settings<'_>, public_url: Option<&Url>) -> Option<Self> {
        if !settings.is_on(&NAMES, &WITH_DEFAULT) {
            return None;
        }
        let token = settings.required_secret("VIBER_BOT_TOKEN");
        let previous = settings.secret("VIBER_BOT_TOKEN_PREVIOUS");
        Some(Self {
            token: Secrets::new(token, previous),
            sender_name: settings.checked_or(ProblemKind::Wrong, "VIBER_SENDER_NAME", None, |name| {
                of_length(name, LONGEST_NAME).map(Some)
            }),
            sender_avatar: settings.url("VIBER_SENDER_AVATAR"),
            welcome: settings
                .checked_or(ProblemKind::Wrong, "VIBER_WELCOME", None, |text| of_length(text, LONGEST_TEXT).map(Some)),
            outside_session: settings.parsed_or("VIBER_OUTSIDE_SESSION", false, "refuse or send", |text| match text {
                "send" => Some(true),
                "refuse" => Some(false),
                _ => None,
            }),
            webhook_address: settings.url_below("VIBER_WEBHOOK_ADDRESS", public_url, &ROUTES),
            api_url: settings.base_url_or("VIBER_API_URL", API_URL),
            has_public_key: settings.text("VIBER_PUBLIC_KEY").is_some(),
        })
    }
}

fn of_length(text: &str, most: usize) -> Result<String, String> {
    match text.chars().count() {
        count if count > most => Err(format!("must have at most {most} characters; it has {count}")),
        _ => Ok(text.to_owned()),
    }
}
