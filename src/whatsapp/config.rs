//! The settings of the WhatsApp channel. The app is one of Meta's, often the one that serves Facebook, too: what is not
//! said here is said there.

use std::sync::OnceLock;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::names::{NUMBER_FIELDS, PLATFORM};
use super::person::digits_of;
use super::refusal;
use crate::meta::app::{self, App, Denial, GRAPH_URL};
use crate::meta::id::Id;
use crate::meta::media::Media;
use crate::shared::languages::Sentence;
use crate::shared::secrets::signature::Secrets;
use crate::shared::settings::{ProblemKind, Settings};

/// The settings of the WhatsApp channel.
#[derive(Debug)]
pub struct Config {
    /// The id of the number: the account.
    pub account: Id,
    /// The id of the WhatsApp Business Account that the number belongs to; `None`: it is not told, so neither templates nor
    /// the subscription can be seen.
    pub business_account: Option<Id>,
    /// The number's digits; `None`: the platform is asked.
    pub number: Option<String>,
    /// A system user's token. Its life was chosen when it was made; nothing renews it.
    pub token: SecretString,
    /// What Meta sends along with the challenge.
    pub verify_token: SecretString,
    /// The app's secret, and during a rotation the one before it.
    pub app_secret: Secrets,
    /// The app's id: that of Facebook's section where the secret is that app's, else as the platform tells it.
    pub app_id: OnceLock<String>,
    /// Where deliveries go.
    pub webhook_address: Url,
    /// The Graph API's base URL.
    pub graph_url: Url,
    /// The Graph API's version: `v26.0`.
    pub graph_version: String,
    /// From where attachments are copied; `None`: they are not.
    pub media: Option<Media>,
}

/// The variables that switch the channel on: with any of them set, all that the channel needs must be.
const NAMES: [&str; 5] = [
    "WHATSAPP_PHONE_NUMBER_ID",
    "WHATSAPP_ACCESS_TOKEN",
    "WHATSAPP_WEBHOOK_VERIFY_TOKEN",
    "WHATSAPP_BUSINESS_ACCOUNT_ID",
    "WHATSAPP_PHONE_NUMBER",
];

/// Those that have a default.
const WITH_DEFAULT: [&str; 7] = [
    "WHATSAPP_APP_SECRET",
    "WHATSAPP_APP_SECRET_PREVIOUS",
    "WHATSAPP_WEBHOOK_ADDRESS",
    "WHATSAPP_GRAPH_URL",
    MEDIA[0],
    MEDIA[1],
    MEDIA[2],
];

/// Whether attachments are copied, from which hosts, and up to how many bytes each.
const MEDIA: [&str; 3] = ["WHATSAPP_MEDIA", "WHATSAPP_MEDIA_HOSTS", "WHATSAPP_MEDIA_MAX_BYTES"];

/// The largest file that people can send: a document.
const MEDIA_MAX_BYTES: u64 = 100 * 1024 * 1024;

/// The paths at which deliveries are taken in: all at which the channel answers.
pub const ROUTES: [&str; 2] = ["/whatsapp/webhook", "/webhooks/whatsapp"];

impl Config {
    /// Whether the channel is on.
    pub fn is_on(settings: &mut Settings<'_>) -> bool {
        settings.is_on(&NAMES, &WITH_DEFAULT)
    }

    /// Reads the section; `None`: the channel is off.
    pub fn from_settings(settings: &mut Settings<'_>, public_url: Option<&Url>) -> Option<Self> {
        if !Self::is_on(settings) {
            return None;
        }
        let text = settings.required("WHATSAPP_PHONE_NUMBER_ID");
        let account = id_of(settings, "WHATSAPP_PHONE_NUMBER_ID", &text);
        let business = settings.text("WHATSAPP_BUSINESS_ACCOUNT_ID");
        let business_account = business.and_then(|text| id_of(settings, "WHATSAPP_BUSINESS_ACCOUNT_ID", &text));
        let number = settings.parsed_or(
            "WHATSAPP_PHONE_NUMBER",
            None,
            "the number with its country code, such as +1 555 010 0001",
            |text| digits_of(text).map(Some),
        );
        let token = settings.required_secret("WHATSAPP_ACCESS_TOKEN");
        let verify_token = settings.required_secret("WHATSAPP_WEBHOOK_VERIFY_TOKEN");
        let (app_secret, is_of_facebook) = app_secret(settings);
        let app_id = settings.text("FACEBOOK_APP_ID").filter(|_| is_of_facebook);
        let webhook_address = settings.url_below("WHATSAPP_WEBHOOK_ADDRESS", public_url, &ROUTES);
        Some(Self {
            account: account.or_else(|| Id::parse("0"))?,
            business_account,
            number,
            token,
            verify_token,
            app_secret,
            app_id: app_id.map_or_else(OnceLock::new, OnceLock::from),
            webhook_address,
            graph_url: settings.base_url_or("WHATSAPP_GRAPH_URL", GRAPH_URL),
            graph_version: app::graph_version(settings),
            media: Media::from_settings(settings, MEDIA, MEDIA_MAX_BYTES),
        })
    }
}

impl App for Config {
    fn id(&self) -> &str {
        self.app_id.get().map_or("", String::as_str)
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
        PLATFORM
    }

    fn other_version(&self) -> (&'static str, &'static str) {
        (
            "whatsapp:version",
            "WhatsApp answers with another version of the Graph API than FACEBOOK_GRAPH_VERSION says, which is no longer \
             usable. Set it to a current version.",
        )
    }

    fn token_reason(&self, subcode: i64) -> Sentence {
        refusal::token_reason(subcode)
    }

    fn stops_sending(&self, code: i64) -> bool {
        refusal::stops_sending(code)
    }

    fn known_field(&self, name: &str) -> Option<&'static str> {
        NUMBER_FIELDS.into_iter().find(|field| *field == name)
    }

    fn denial_reason(&self, denial: Denial) -> Sentence {
        refusal::denial_reason(denial)
    }
}

fn id_of(settings: &mut Settings<'_>, name: &str, text: &str) -> Option<Id> {
    let id = Id::parse(text);
    // What is missing or a placeholder has its own line.
    if id.is_none() && !text.is_empty() {
        settings.problem(name, "must be the id that WhatsApp Manager shows: digits only");
    }
    id
}

/// The secret that signs deliveries, and whether it is that of Facebook's section: one app may serve both.
fn app_secret(settings: &mut Settings<'_>) -> (Secrets, bool) {
    const OWN: [&str; 2] = ["WHATSAPP_APP_SECRET", "WHATSAPP_APP_SECRET_PREVIOUS"];
    const FACEBOOKS: [&str; 2] = ["FACEBOOK_APP_SECRET", "FACEBOOK_APP_SECRET_PREVIOUS"];
    let of_facebook: [Option<SecretString>; 2] = FACEBOOKS.map(|name| settings.secret(name));
    let same =
        |one: &str, other: &Option<SecretString>| other.as_ref().is_some_and(|other| other.expose_secret() == one);
    // The same app may be named in both sections: that is one secret with one purpose.
    let own: [Option<SecretString>; 2] = OWN.map(|name| match settings.text(name) {
        Some(text) if of_facebook.iter().any(|other| same(&text, other)) => Some(text.into()),
        Some(_) => settings.secret(name),
        None => None,
    });
    let is_own = settings.is_set(OWN[0]);
    let [current, previous] =
        if is_own { own } else { [of_facebook[0].clone(), own[1].clone().or(of_facebook[1].clone())] };
    let is_of_facebook = current.as_ref().is_some_and(|current| same(current.expose_secret(), &of_facebook[0]));
    if !is_own && !settings.is_set(FACEBOOKS[0]) {
        let words = "is missing; set it, or FACEBOOK_APP_SECRET where one app serves both";
        settings.problem_of(ProblemKind::Missing, OWN[0], words);
    }
    (Secrets::new(current.unwrap_or_default(), previous), is_of_facebook)
}
