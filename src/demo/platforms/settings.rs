//! The settings that lead a service to the simulated platforms.

use std::fmt::Write as _;

use super::{ACCOUNT, BUSINESS, NUMBER, ORGANIZATION, PAGE, Platform, Platforms, SHOP};

pub(super) const APP_ID: &str = "900000000000001";
pub(super) const FACEBOOK_SECRET: &str = "sandbox facebook secret";
pub(super) const SHOPIFY_KEY: &str = "sandbox-app";
pub(super) const SHOPIFY_SECRET: &str = "sandbox shopify secret";
pub(super) const WHATSAPP_SECRET: &str = "sandbox whatsapp secret";
pub(super) const WHATSAPP_TOKEN: &str = "sandbox-whatsapp-token";
pub(super) const WHATSAPP_VERIFY_TOKEN: &str = "sandbox whatsapp verify word";
pub(super) const VIBER_TOKEN: &str = "sandbox-viber-bot-token";
pub(super) const LINKEDIN_CLIENT: &str = "sandbox-linkedin-app";
pub(super) const LINKEDIN_SECRET: &str = "sandbox linkedin secret";
pub(super) const LINKEDIN_TOKEN: &str = "sandbox-linkedin-token";

/// The settings of a service, name and value; of the channels that it has.
pub(super) fn settings(platforms: &Platforms) -> Vec<(&'static str, String)> {
    let own = |text: &str| text.to_owned();
    let mut settings = vec![
        ("PUBLIC_URL", own(platforms.service.as_str().trim_end_matches('/'))),
        ("PORT", platforms.service.port_or_known_default().unwrap_or(5000).to_string()),
        ("FACEBOOK_APP_ID", own(APP_ID)),
        ("FACEBOOK_APP_SECRET", own(FACEBOOK_SECRET)),
        ("FACEBOOK_VERIFY_TOKEN", own("sandbox facebook verify word")),
        ("FACEBOOK_GRAPH_URL", platforms.facebook.url()),
        ("FACEBOOK_DIALOG_URL", platforms.facebook.url()),
        ("FACEBOOK_CALLS_PER_SECOND", own("0")),
        ("FACEBOOK_INSTAGRAM", own("on")),
        ("SHOPIFY_API_KEY", own(SHOPIFY_KEY)),
        ("SHOPIFY_API_SECRET", own(SHOPIFY_SECRET)),
        ("SHOPIFY_ADMIN_URL", platforms.shopify.admin_url()),
        ("SHOPIFY_BULK_HOSTS", platforms.shopify.bulk_host()),
        ("WHATSAPP_BUSINESS_ACCOUNT_ID", own(BUSINESS)),
        ("WHATSAPP_PHONE_NUMBER_ID", own(NUMBER.0)),
        ("WHATSAPP_PHONE_NUMBER", own(NUMBER.1)),
        ("WHATSAPP_ACCESS_TOKEN", own(WHATSAPP_TOKEN)),
        ("WHATSAPP_WEBHOOK_VERIFY_TOKEN", own(WHATSAPP_VERIFY_TOKEN)),
        ("WHATSAPP_APP_SECRET", own(WHATSAPP_SECRET)),
        ("WHATSAPP_GRAPH_URL", platforms.whatsapp.url()),
        ("VIBER_BOT_TOKEN", own(VIBER_TOKEN)),
        ("VIBER_API_URL", platforms.viber.url()),
        ("LINKEDIN_CLIENT_ID", own(LINKEDIN_CLIENT)),
        ("LINKEDIN_CLIENT_SECRET", own(LINKEDIN_SECRET)),
        ("LINKEDIN_ACCESS_TOKEN", own(LINKEDIN_TOKEN)),
        ("LINKEDIN_ORGANIZATION_ID", own(ORGANIZATION)),
        ("LINKEDIN_API_URL", platforms.linkedin.url()),
        ("LINKEDIN_OAUTH_URL", platforms.linkedin.oauth_url()),
    ];
    settings.retain(|(name, _)| Platform::Linkedin.is_served() || !name.starts_with("LINKEDIN_"));
    settings
}

/// What is printed at the start: an `.env`, and what to do with it.
pub(super) fn text(platforms: &Platforms, control: &str) -> String {
    let port = control.rsplit(':').next().unwrap_or_default();
    let flag = if port == super::CONTROL_PORT.to_string() { String::new() } else { format!(" --port {port}") };
    let mut text = String::from(
        "# The simulated platforms run on this machine. Put these lines into the .env of a new folder, and start `shoptalk` there:\n",
    );
    for (name, value) in settings(platforms) {
        let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/".contains(c));
        let line = if is_plain { format!("{name}={value}") } else { format!("{name}='{value}'") };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{line}");
    }
    let service = platforms.service.as_str().trim_end_matches('/');
    let _ = write!(
        text,
        "# Then open {service} and connect {SHOP} and the Page; the login screens consent by themselves.\n\
         # The Page is {PAGE}, its Instagram account {ACCOUNT}. In another terminal, for example:\n\
         #   shoptalk sandbox{flag} say whatsapp Is the blue one in stock?\n\
         #   shoptalk sandbox{flag} phone whatsapp\n\
         #   shoptalk sandbox{flag} die-token whatsapp\n\
         # Every verb: shoptalk sandbox --help. They are heard at {control}. Ctrl-C ends everything."
    );
    text
}
