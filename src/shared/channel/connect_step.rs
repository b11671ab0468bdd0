//! How a merchant begins to connect an account of a channel: one step of the start page.

use crate::shared::languages::Fixed;

/// How a merchant begins to connect an account of a channel.
#[derive(Debug, Clone)]
pub struct ConnectStep {
    /// The step as a heading: "Connect your Shopify shop".
    pub title: Fixed,
    /// What to do there.
    pub action: ConnectAction,
}

/// What a merchant does in a [`ConnectStep`].
#[derive(Debug, Clone)]
pub enum ConnectAction {
    /// A form with one field.
    Form {
        /// Where it goes (GET).
        action: &'static str,
        /// The field's name.
        field: &'static str,
        /// What the field asks for.
        label: Fixed,
        /// An example of what to type.
        hint: &'static str,
        /// What is said beside the field when what was typed cannot be used. The channel sends a browser back with
        /// [`mistyped`].
        wrong: Fixed,
    },
    /// A link that needs a session.
    Link {
        /// Where it goes.
        href: &'static str,
        /// What it says.
        label: Fixed,
    },
}

/// Where a browser is sent that typed what a channel cannot use: the start page keeps what was typed in its field, and says
/// beside it what is wrong.
#[must_use]
pub fn mistyped(field: &str, typed: &str) -> String {
    const LONGEST: usize = 200;
    let typed: String = typed.chars().take(LONGEST).collect();
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("wrong", field)
        .append_pair("typed", &typed)
        .finish();
    format!("/?{query}")
}
