//! What can be asked of the running platforms.

use clap::{FromArgMatches as _, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::app::channels;

/// A simulated platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
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

    /// Its name, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Facebook => "Messenger",
            Self::Instagram => "Instagram",
            Self::Whatsapp => "WhatsApp",
            Self::Viber => "Viber",
            Self::Linkedin => "LinkedIn",
            Self::Shopify => "Shopify",
        }
    }

    /// Where customers write, as far as the service has a channel for it.
    pub fn messengers() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|platform| *platform != Self::Shopify && platform.is_served())
    }

    /// The platform through whose webhooks it speaks: Instagram's are Facebook's.
    pub(super) fn of_webhooks(self) -> Self {
        match self {
            Self::Instagram => Self::Facebook,
            other => other,
        }
    }

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
    /// The simulated login screens consent by themselves, or ask
    Logins {
        /// Whether by themselves
        what: Happening,
    },
    /// The demo's service is killed in the middle of whatever it does
    KillService,
    /// The demo's service is started again
    StartService,
    /// The demo's customers write by themselves, or wait
    Customers {
        /// Whether by themselves
        what: Happening,
    },
}

/// Whether something happens by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happening {
    /// It happens
    On,
    /// It does not
    Off,
}

impl Verb {
    /// The verbs as the command line describes them: the one list for help, pages and readers.
    #[must_use]
    pub fn described() -> clap::Command {
        let command = clap::Command::new("verbs").no_binary_name(true).disable_help_flag(true);
        Self::augment_subcommands(command.subcommand_required(true))
    }

    /// Reads a verb from its words.
    ///
    /// # Errors
    /// What is wrong, or the help that was asked for, for people.
    pub fn read(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let found = Self::described().try_get_matches_from(words).map_err(|error| error.render().to_string())?;
        Self::from_arg_matches(&found).map_err(|error| error.render().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_verb_or_says_what_is_wrong() {
        let read = |line: &str| Verb::read(line.split_whitespace().map(str::to_owned));
        let text = ["Is", "it", "blue?"].map(str::to_owned).to_vec();
        let said = Verb::Say { platform: Platform::Viber, text, person: Some("Ana".to_owned()) };
        assert_eq!(read("say viber Is it blue? --person Ana"), Ok(said));
        assert_eq!(read("kill-service"), Ok(Verb::KillService));
        for wrong in ["say telegram x", "say viber", "dance", "price classic", ""] {
            assert!(read(wrong).is_err_and(|sentence| !sentence.is_empty()), "{wrong}");
        }
        let help = read("help").unwrap_err();
        for verb in Verb::described().get_subcommands() {
            assert!(help.contains(verb.get_name()) && verb.get_about().is_some(), "{}", verb.get_name());
        }
    }
}
