//! How accounts are named on the command line: `facebook/100000000000101`, or the channel and the id in two words.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use shoptalk::app::channels;
use shoptalk::commands::Command;
use shoptalk::shared::store::NamedAccount;

const NO_ACCOUNT: &str = "an account is a channel and an id, as facebook/100000000000101";

/// An account as a person names it: `facebook/100000000000101`, or without its channel.
///
/// # Errors
/// When it is none.
pub fn parse_named(text: &str) -> Result<NamedAccount, String> {
    let named = NamedAccount::from(text);
    if named.id.is_empty() || !named.channel.as_deref().is_none_or(is_channel_alone) {
        return Err(NO_ACCOUNT.to_owned());
    }
    Ok(named)
}

/// Whether a word is the name of a channel, behind which an id is to stand.
pub fn is_channel_alone(word: &str) -> bool {
    channels::ALL.iter().any(|about| about.name == word)
}

/// The channel and the id of an account that is named in one word or two.
///
/// # Errors
/// When it is none.
pub fn account_of(words: &[String]) -> Result<(String, String), String> {
    match parse_named(&words.join("/"))? {
        NamedAccount { channel: Some(channel), id } => Ok((channel, id)),
        NamedAccount { channel: None, .. } => Err(NO_ACCOUNT.to_owned()),
    }
}

/// The same of an option, which may be absent.
///
/// # Errors
/// When it is none.
pub fn account_of_option(words: &[String]) -> Result<Option<(String, String)>, String> {
    if words.is_empty() { Ok(None) } else { account_of(words).map(Some) }
}

/// What is to be read: all of a platform, or an account.
#[derive(Debug, Clone)]
pub enum Place {
    Channel(String),
    Account(NamedAccount),
}

/// `shoptalk sync`.
///
/// # Errors
/// When two accounts are named.
pub fn sync_of(place: Option<Place>, account: Option<NamedAccount>) -> Result<Command, String> {
    match (place, account) {
        (Some(Place::Account(_)), Some(_)) => Err("only one account can be named".to_owned()),
        (Some(Place::Account(account)), None) => {
            Ok(Command::Sync { channel: account.channel.clone(), account: Some(account) })
        }
        (Some(Place::Channel(channel)), account) => Ok(Command::Sync { channel: Some(channel), account }),
        (None, account) => Ok(Command::Sync { channel: None, account }),
    }
}

/// Reads a place, and shows the names of all channels as what it may be.
#[derive(Clone)]
pub struct PlaceParser;

impl TypedValueParser for PlaceParser {
    type Value = Place;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Place, clap::Error> {
        if value.to_str().is_some_and(|value| value.contains('/')) {
            return parse_named.parse_ref(command, argument, value).map(Place::Account);
        }
        let names = PossibleValuesParser::new(channels::ALL.map(|about| about.name));
        names.parse_ref(command, argument, value).map(Place::Channel)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(channels::ALL.into_iter().map(|about| PossibleValue::new(about.name))))
    }
}
