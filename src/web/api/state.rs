//! What the handlers of the API are given.

use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::limits::ApiLimits;
use super::one_at_a_time::OneAtATime;
use super::problem::ApiProblem;
use super::stream_pages::StreamPages;
use super::told_templates::Templates;
use crate::answering::Answering;
use crate::answering::sending::Sending;
use crate::shared::channel::about::About;
use crate::shared::channel::context::Shared;
use crate::shared::journal::Conversation;
use crate::shared::store::ApiKeys;

/// How long a request waits for the consumer that finds out how conversations stand.
const LONGEST_BEHIND: Duration = Duration::from_secs(2);

/// What the handlers are given. Every layer of every route holds a clone and makes more of it with each request, so it is one
/// pointer.
#[derive(Clone)]
pub struct Api(Arc<Parts>);

/// What it is made of.
pub struct Parts {
    /// What the service is.
    pub shared: Shared,
    /// Answering people.
    pub answering: Answering,
    /// Sends messages.
    pub outbox: Arc<dyn Sending>,
    /// The keys.
    pub keys: ApiKeys,
    /// What a key and an address may ask for.
    pub limits: Arc<ApiLimits>,
    /// The channels, configured or not.
    pub channels: Arc<[ApiChannel]>,
    /// Lets requests with one `Idempotency-Key` in one by one.
    pub one_at_a_time: OneAtATime,
    /// What platforms said of templates.
    pub templates: Templates,
    /// What streams read together.
    pub stream_pages: StreamPages,
}

/// What the API knows of a channel.
#[derive(Clone)]
pub struct ApiChannel {
    /// Its name, as in paths.
    pub name: &'static str,
    /// Whether people write to its accounts.
    pub has_conversations: bool,
    /// Whether it is configured. Of one that is not what is stored can be read, and nothing is sent.
    pub is_on: bool,
}

impl ApiChannel {
    /// What the API is to know of this channel.
    #[must_use]
    pub fn of(about: &About, is_on: bool) -> Self {
        Self { name: about.name, has_conversations: about.meaning.is_some(), is_on }
    }
}

impl Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl From<Parts> for Api {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Api {
    /// What is known of a channel, configured or not; `None`: there is none of this name.
    #[must_use]
    pub fn channel(&self, name: &str) -> Option<&ApiChannel> {
        self.channels.iter().find(|channel| channel.name == name)
    }

    /// As [`Api::require_person`], and also for people to whom a conversation may begin with a template.
    ///
    /// # Errors
    /// As for [`Api::require_person`].
    pub async fn require_addressee(&self, channel: &str, account: &str, person: &str) -> Result<String, ApiProblem> {
        match self.answering.dialogue(channel) {
            Some(dialogue) if dialogue.may_begin_with(person) => {
                let (of, is_known) = self.resolve(channel, account, person).await?;
                if !is_known {
                    self.caught_up(&of).await?;
                }
                Ok(of.person)
            }
            _ => self.require_person(channel, account, person).await,
        }
    }

    /// Waits until what is known of a conversation follows from its newest event in the journal: a bot that was told by the
    /// platform itself may ask before the consumer has come to it.
    ///
    /// # Errors
    /// [`ApiProblem::Unavailable`] where that takes too long.
    pub async fn caught_up(&self, of: &Conversation) -> Result<(), ApiProblem> {
        let until = Instant::now() + LONGEST_BEHIND;
        let mut pause = Duration::from_millis(5);
        while self.shared.journal.is_feed_behind(of).await? {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ApiProblem::Unavailable);
            }
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
        Ok(())
    }

    /// The conversation under whose name this one stands, and whether anything is known of it.
    async fn resolve(&self, channel: &str, account: &str, person: &str) -> Result<(Conversation, bool), ApiProblem> {
        let of = Conversation { channel: channel.to_owned(), account: account.to_owned(), person: person.to_owned() };
        Ok(self.shared.journal.find_addressee(of).await?)
    }

    /// Lets a request go on that is about a person who has written to the account, and gives the name under which their
    /// conversation stands: an older name leads to it.
    ///
    /// # Errors
    /// [`ApiProblem::NotFound`] for anybody else.
    pub async fn require_person(&self, channel: &str, account: &str, person: &str) -> Result<String, ApiProblem> {
        let (of, is_known) = self.resolve(channel, account, person).await?;
        if is_known {
            return Ok(of.person);
        }
        self.caught_up(&of).await?;
        match self.shared.journal.is_known_conversation(&of).await? {
            true => Ok(of.person),
            false => Err(ApiProblem::NotFound),
        }
    }
}
