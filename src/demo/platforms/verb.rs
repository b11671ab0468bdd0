//! What can be asked of the running platforms.

use clap::{Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::app::channels;

/// A simulated platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// The Page.
    Facebook,
    /// The Page's Instagram account.
    Instagram,
    /// The business number.
    Whatsapp,
    /// The bot.
    Viber,
    /// The organization's page.
    Linkedin,
    /// The shop.
    Shopify,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Facebook, Self::Instagram, Self::Whatsapp, Self::Viber, Self::Linkedin, Self::Shopify];

    /// The name of its channel.
    #[must_use]
    pub fn channel(self) -> &'static str {
        match self {
            Self::Facebook => "facebook",
            Self::Instagram => "instagram",
            Self::Whatsapp => "whatsapp",
            Self::Viber => "viber",
            Self::Linkedin => "linkedin",
            Self::Shopify => "shopify",
        }
    }

    /// Whether the service has a channel for it.
    #[must_use]
    pub fn is_served(self) -> bool {
        channels::ALL.iter().any(|about| about.name == self.channel())
    }
}

/// How sends fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failing {
    /// Not taken: too many messages, try later
    Throttled,
    /// Not taken: the connection is closed
    Cut,
    /// Taken, and then the connection is closed: the answer is lost
    TakenCut,
    /// Not taken: a gateway's page of HTML, 502
    Gateway,
}

/// One thing that people or platforms do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
pub enum Verb {
    /// A customer writes
    Say {
        /// Where
        platform: Platform,
        /// What; words need no quotes
        #[arg(required = true)]
        text: Vec<String>,
        /// Who; somebody new is made
        #[arg(long, value_name = "NAME")]
        person: Option<String>,
    },
    /// A customer taps a button, a row of a list or a quick reply
    Tap {
        /// Where
        platform: Platform,
        /// What stands on it
        #[arg(required = true)]
        title: Vec<String>,
        /// Who
        #[arg(long, value_name = "NAME")]
        person: Option<String>,
    },
    /// A customer reads everything
    Read {
        /// Where
        platform: Platform,
        /// Who
        #[arg(long, value_name = "NAME")]
        person: Option<String>,
    },
    /// A customer blocks the shop, or unsubscribes
    Leave {
        /// Where
        platform: Platform,
        /// Who
        #[arg(long, value_name = "NAME")]
        person: Option<String>,
    },
    /// Somebody of the shop answers by hand, in the platform's own inbox or app
    Human {
        /// Where
        platform: Platform,
        /// What; words need no quotes
        #[arg(required = true)]
        text: Vec<String>,
        /// Whom
        #[arg(long, value_name = "NAME")]
        person: Option<String>,
    },
    /// Show what a customer has received
    Phone {
        /// Where
        platform: Platform,
        /// Whose
        #[arg(long, value_name = "NAME")]
        person: Option<String>,
    },
    /// Show how much was sent, and what was sent twice
    Sent {
        /// Where
        platform: Platform,
    },
    /// All tokens of the platform die
    DieToken {
        /// Where
        platform: Platform,
    },
    /// They live again
    ReviveToken {
        /// Where
        platform: Platform,
    },
    /// Webhooks get lost from now on
    LoseWebhooks {
        /// Where
        platform: Platform,
    },
    /// Webhooks wait from now on
    HoldWebhooks {
        /// Where
        platform: Platform,
    },
    /// Every webhook comes twice from now on
    DoubleWebhooks {
        /// Where
        platform: Platform,
    },
    /// Webhooks come as ever, and those that waited come now
    SendWebhooks {
        /// Where
        platform: Platform,
    },
    /// The next messages of the shop fail
    FailSends {
        /// Where
        platform: Platform,
        /// How
        how: Failing,
        /// How many
        #[arg(default_value = "1")]
        times: usize,
    },
    /// A product gets another price
    Price {
        /// A part of its title
        product: String,
        /// Such as 649.00
        price: String,
    },
}
