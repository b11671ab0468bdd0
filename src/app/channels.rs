//! Every channel that there is: the one place that names them all. What works for every channel reads these lists.

use url::Url;

use super::config::Config;
use crate::shared::channel::Channel;
use crate::shared::channel::about::About;
use crate::shared::channel::context::Shared;
use crate::shared::channel::section::Section;
use crate::shared::journal::DedupeKey;
use crate::{facebook, linkedin, shopify, viber, whatsapp};

/// All channels, configured or not.
pub const ALL: [&About; 6] =
    [&facebook::ABOUT, &facebook::INSTAGRAM, &linkedin::ABOUT, &shopify::ABOUT, &viber::ABOUT, &whatsapp::ABOUT];

/// All platforms as people know them, each with its section of the settings; `None`: it is not configured.
#[must_use]
pub fn sections(config: &Config) -> [(&'static str, Option<&dyn Section>); 5] {
    [
        (facebook::PLATFORM, config.facebook.as_ref().map(|section| section as &dyn Section)),
        (shopify::PLATFORM, config.shopify.as_ref().map(|section| section as &dyn Section)),
        (whatsapp::PLATFORM, config.whatsapp.as_ref().map(|section| section as &dyn Section)),
        (viber::PLATFORM, config.viber.as_ref().map(|section| section as &dyn Section)),
        (linkedin::PLATFORM, config.linkedin.as_ref().map(|section| section as &dyn Section)),
    ]
}

/// The platforms to which merchants log in and that are not configured. One whose account the settings name is there by
/// being named.
pub fn logins_off(config: &Config) -> impl Iterator<Item = &'static str> {
    [(facebook::PLATFORM, config.facebook.is_none()), (shopify::PLATFORM, config.shopify.is_none())]
        .into_iter()
        .filter_map(|(platform, is_off)| is_off.then_some(platform))
}

/// The sections of the platforms that are configured.
pub fn configured(config: &Config) -> impl Iterator<Item = (&'static str, &dyn Section)> {
    sections(config).into_iter().filter_map(|(platform, section)| Some((platform, section?)))
}

/// The addresses that were configured to be asked, wherever they lead.
#[must_use]
pub fn own_addresses(config: &Config) -> Vec<Url> {
    let platforms = configured(config).flat_map(|(_, section)| section.own_addresses());
    let receiver = config.server.alert_receiver.iter().map(|receiver| receiver.url.clone());
    config.server.public_url.iter().cloned().chain(receiver).chain(platforms).collect()
}

/// The sections, taken out of the settings to be wired.
pub(super) struct Sections {
    shopify: Option<shopify::Config>,
    facebook: Option<facebook::Config>,
    whatsapp: Option<whatsapp::Config>,
    viber: Option<viber::Config>,
    linkedin: Option<linkedin::Config>,
}

impl Sections {
    pub(super) fn take_from(config: &mut Config) -> Self {
        Self {
            shopify: config.shopify.take(),
            facebook: config.facebook.take(),
            whatsapp: config.whatsapp.take(),
            viber: config.viber.take(),
            linkedin: config.linkedin.take(),
        }
    }

    /// Wires the channels that are configured, in the order in which a merchant sees them.
    pub(super) fn wire(self, shared: &Shared) -> Vec<Channel> {
        let shopify = self.shopify.map(|section| vec![shopify::channel(shared, section)]);
        let facebook = self.facebook.map(|section| facebook::channels(shared, section));
        let whatsapp = self.whatsapp.map(|section| vec![whatsapp::channel(shared, section)]);
        let viber = self.viber.map(|section| vec![viber::channel(shared, section)]);
        let linkedin = self.linkedin.map(|section| vec![linkedin::channel(shared, section)]);
        [shopify, facebook, whatsapp, viber, linkedin].into_iter().flatten().flatten().collect()
    }
}

/// The key of the event of an account that has this id at its platform.
pub(super) fn event_key(channel: &str, account: &str, id: &str) -> Option<DedupeKey> {
    let about = ALL.into_iter().find(|about| about.name == channel)?;
    (about.event_key?)(account, id)
}
