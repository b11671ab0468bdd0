//! Accepts a message: everything that can be known before it is sent is checked here, in the order of the contract, and
//! then it is stored. Whoever sends goes through here: a bot, a merchant on their page, a command.

use std::sync::Arc;

use serde_json::Value;

use super::content::{Content, Media, Misfit, misfit_of_address};
use super::products::ShopOf;
use super::sending::Sending;
use super::state::{Against, Allowed, AtTime};
use super::uploads::{Unusable, UploadedPart};
use super::{Answering, Unavailable};
use crate::shared::channel::dialogue as channel;
use crate::shared::channel::dialogue::{Ability, Dialogue, Forbidden, Part, PartContent, Profile, Recipient};
use crate::shared::journal::{Conversation, JournalError};
use crate::shared::languages::{Sentence, say};
use crate::shared::raw_json::canonical_value;
use crate::shared::store::{
    Acceptance, Asked, Author, Connection, NewMessage, Outgoing, Overtaken, PartState, Standing,
};

/// How many of a conversation's newest messages are looked through for what is quoted.
const MOST_QUOTED: usize = 500;

/// A wish to send something.
pub struct Wish<'a> {
    /// The account that writes.
    pub connection: &'a Connection,
    /// The person.
    pub person: &'a str,
    /// By which key a repeat is recognised.
    pub key: &'a str,
    /// What is to be said: the body of the request.
    pub body: &'a Value,
}

/// What became of a wish.
#[derive(Debug)]
pub enum Accepted {
    /// The message is stored, and will be sent.
    Stored(Box<Outgoing>),
    /// It was stored before; the text is the first answer, where that is to be given again.
    Repeated(Box<Outgoing>, Option<String>),
}

/// What is known of a wish.
#[derive(Debug)]
pub struct LookedUp {
    /// The person under the name by which their conversation stands.
    pub person: String,
    /// Whether anything is known of the conversation.
    pub is_known: bool,
    earlier: Result<Acceptance, Box<Standing>>,
}

/// What a request led to before.
#[derive(Debug)]
pub enum Earlier {
    /// It is a repeat.
    Repeat(Accepted),
    /// It is the first one with its key; so the conversation stands about which it is.
    Nothing(Box<Standing>),
}

/// Why a wish was refused. Nothing was stored.
#[derive(Debug)]
pub enum Refused {
    /// It does not fit.
    Invalid(Vec<Misfit>),
    /// The key made another message: this one.
    KeyReused(String),
    /// The channel cannot send this.
    Unsupported(&'static [Ability]),
    /// The medium cannot be used: why, in one word.
    Media(&'static str),
    /// Products cannot be shown: why, in one word, and which.
    Products(&'static str, Vec<String>),
    /// The channel's programme does not allow it: a word for it, where there is one, and a sentence.
    NotPermitted(Option<&'static str>, Sentence),
    /// The account cannot send.
    Account(&'static str),
    /// The person cannot be written to: why, in one word.
    CannotReceive(String),
    /// Another app answers.
    NotOwner,
    /// Somebody else answers: who, and until when (milliseconds since 1970).
    Paused(&'static str, Option<i64>),
    /// What is answered is overtaken.
    Overtaken(Overtaken),
    /// The time for answers is over: since when, and what may still be sent.
    WindowClosed(Option<i64>, Vec<Allowed>),
    /// Too much waits already.
    QueueFull,
    /// Nothing can be stored.
    Unavailable(JournalError),
    /// Our own fault.
    Internal(anyhow::Error),
}

impl From<JournalError> for Refused {
    fn from(error: JournalError) -> Self {
        Self::Unavailable(error)
    }
}

impl From<Unusable> for Refused {
    fn from(unusable: Unusable) -> Self {
        match unusable {
            Unusable::OutOfReach => Self::Media("public_url"),
            Unusable::Unknown => Self::Media("unknown"),
            Unusable::Failed(error) => Self::Unavailable(error),
        }
    }
}

impl From<anyhow::Error> for Refused {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl Wish<'_> {
    fn conversation(&self) -> Conversation {
        Conversation {
            channel: self.connection.channel.clone(),
            account: self.connection.account.clone(),
            person: self.person.to_owned(),
        }
    }

    /// What tells this request from others: the address, and the body as a JSON value.
    fn fingerprint(&self) -> String {
        fingerprint(&self.conversation(), &canonical(self.body))
    }
}

fn canonical(body: &Value) -> String {
    let body = body.to_string();
    canonical_value(&body).unwrap_or(body)
}

fn fingerprint(of: &Conversation, body: &str) -> String {
    let Conversation { channel, account, person } = of;
    format!("{channel}/{account}/{person}\n{body}")
}

/// A message that fits.
struct Fitting {
    parts: Vec<Part>,
    /// What was uploaded for it, with its id.
    uploaded: Option<(String, UploadedPart)>,
}

impl LookedUp {
    /// What the request led to before.
    ///
    /// # Errors
    /// [`Refused::KeyReused`].
    pub fn earlier(self) -> Result<Earlier, Refused> {
        match self.earlier {
            Ok(repeat) => settle(repeat).map(Earlier::Repeat),
            Err(standing) => Ok(Earlier::Nothing(standing)),
        }
    }
}

impl Answering {
    /// Finds out what is known of a wish: of its person, and of an earlier request with its key.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn look_up(&self, wish: &Wish<'_>) -> Result<LookedUp, JournalError> {
        let (merchant, body) = (wish.connection.merchant.to_string(), canonical(wish.body));
        let request = move |of: &Conversation| fingerprint(of, &body);
        let found = self.shared.journal.find_repeat(wish.conversation(), &merchant, wish.key, request).await?;
        let (of, is_known, earlier) = found;
        Ok(LookedUp { person: of.person, is_known, earlier: earlier.map_err(Box::new) })
    }

    /// Accepts a message, on disk, or says why not.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn accept(
        &self,
        outbox: &Arc<dyn Sending>,
        wish: &Wish<'_>,
        content: Content,
    ) -> Result<Accepted, Refused> {
        let standing = self.shared.journal.load_standing(&wish.conversation()).await?;
        self.accept_standing(outbox, wish, content, &standing).await
    }

    /// As [`Answering::accept`], for whoever has just found out how the conversation stands.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn accept_standing(
        &self,
        outbox: &Arc<dyn Sending>,
        wish: &Wish<'_>,
        content: Content,
        standing: &Standing,
    ) -> Result<Accepted, Refused> {
        settle(self.store(outbox, wish, content, standing, None).await?)
    }

    /// As [`Answering::accept`], for the built-in responder: only while its turn of this number is still to be answered,
    /// looked at when the message is stored. `None`: it is not, because the account was switched off or the message erased.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn accept_for_turn(
        &self,
        outbox: &Arc<dyn Sending>,
        wish: &Wish<'_>,
        content: Content,
        n: i64,
    ) -> Result<Option<Accepted>, Refused> {
        let standing = self.shared.journal.load_standing(&wish.conversation()).await?;
        match self.store(outbox, wish, content, &standing, Some(n)).await? {
            Acceptance::NotWanted => Ok(None),
            acceptance => settle(acceptance).map(Some),
        }
    }

    async fn store(
        &self,
        outbox: &Arc<dyn Sending>,
        wish: &Wish<'_>,
        content: Content,
        standing: &Standing,
        of_turn: Option<i64>,
    ) -> Result<Acceptance, Refused> {
        let conversation = wish.conversation();
        let connection = wish.connection;
        let asked = self.find_asked(wish, &content).await?;
        self.check_reply_to(&conversation, &content).await?;
        let dialogue = self.dialogue(&connection.channel).ok_or(Refused::Account(Unavailable::Off.as_str()))?;
        let Fitting { parts, uploaded } = self.fit(wish, &content, &**dialogue).await?;
        let to = Recipient { account: &connection.account, person: wish.person };
        let forbidden: Vec<Forbidden> =
            parts.iter().filter_map(|part| dialogue.forbids(to, part, content.author)).collect();
        refuse_programme(&forbidden)?;
        let now = self.now(connection, standing);
        let refused = |against| self.refusal(against, &now, connection);
        now.can_reach().map_err(refused)?;
        if forbidden.contains(&Forbidden::Group) {
            return Err(Refused::CannotReceive("group".to_owned()));
        }
        check_advertising(standing, &**dialogue, &content).await?;
        self.check_without_reply(&conversation, dialogue.profile()).await?;
        now.may_speak(content.author).map_err(refused)?;
        if let Asked::Overtaken(overtaken) = asked {
            return Err(Refused::Overtaken(overtaken));
        }
        now.is_open_to(content.author, content.template.is_some()).map_err(refused)?;
        let takes_over = content.author == Author::Human && self.settings.takeovers.by_human;
        let mut ttl_ms = i64::try_from(content.ttl_seconds).unwrap_or(i64::MAX / 1000).saturating_mul(1000);
        if let Some((id, part)) = &uploaded {
            self.uploads.kept.note_use(id, &conversation).await?;
            // After that time the platform would find nothing.
            ttl_ms = ttl_ms.min(part.expires_at.saturating_sub(self.shared.clock.now_ms()).max(0));
        }
        let new = NewMessage {
            id: new_id(),
            merchant: connection.merchant.to_string(),
            conversation,
            author: content.author,
            answers: content.answers.clone(),
            parts,
            ttl_ms,
            ends_at: now.ends_at(content.author, content.template.is_some()),
            has_room: !outbox.is_full(&connection.channel, &connection.account),
            pauses_for: takes_over.then_some(self.settings.takeovers.pause),
            idempotency: (wish.key.to_owned(), wish.fingerprint()),
            of_turn,
        };
        let acceptance = self.store_and_hand_over(outbox, new).await?;
        if let (Acceptance::Stored(_), Some((channel, _))) =
            (&acceptance, self.dialogues.get_key_value(connection.channel.as_str()))
        {
            self.shared.metrics.replies.count(channel, PartState::Accepted.as_str(), "");
        }
        Ok(acceptance)
    }

    /// Stores a message and hands it to the one who sends. That is brought to its end also where the caller goes meanwhile:
    /// what is stored would wait for the next start otherwise.
    async fn store_and_hand_over(&self, outbox: &Arc<dyn Sending>, new: NewMessage) -> Result<Acceptance, Refused> {
        let (journal, outbox) = (self.shared.journal.clone(), Arc::clone(outbox));
        let stored = tokio::spawn(async move {
            let acceptance = journal.accept_message(new).await?;
            if let Acceptance::Stored(message) = &acceptance {
                outbox.add(message.number, &message.conversation);
                if message.author == Author::Human {
                    // What bots had waiting before it has failed with its pause: nobody waits for their next try.
                    outbox.wake(&message.conversation);
                }
            }
            Ok::<_, JournalError>(acceptance)
        });
        Ok(stored.await.map_err(anyhow::Error::from)??)
    }

    /// The event that is answered, if one is named.
    async fn find_asked(&self, wish: &Wish<'_>, content: &Content) -> Result<Asked, Refused> {
        let Some(id) = &content.answers else { return Ok(Asked::Open) };
        let merchant = wish.connection.merchant.to_string();
        match self.shared.journal.find_asked(&merchant, &wish.conversation(), id).await? {
            Asked::Unknown => Err(unknown_event()),
            asked => Ok(asked),
        }
    }

    /// The parts of a message that fits: what is wrong with the request comes before what this channel cannot send, and that
    /// before what cannot be sent of it.
    async fn fit(&self, wish: &Wish<'_>, content: &Content, dialogue: &dyn Dialogue) -> Result<Fitting, Refused> {
        let (connection, profile) = (wish.connection, dialogue.profile());
        let (medium, uploaded) = match content.medium() {
            None => (None, None),
            Some(Media::Linked { url, kind, name, bytes }) => {
                let (url, media, name, bytes) = (url.clone(), *kind, name.clone(), *bytes);
                (Some(PartContent::Media { url, media, name, caption: None, bytes }), None)
            }
            Some(Media::Uploaded(id)) => {
                let found = self.uploads.part_of(connection.merchant, id).await;
                (found.as_ref().ok().map(|part| part.content.clone()), Some((id.clone(), found)))
            }
        };
        let parts_of = |shop: &str| {
            content.into_parts(dialogue, medium.clone(), shop).map_err(|misfit| Refused::Invalid(vec![misfit]))
        };
        let mut misfits: Vec<Refused> = Vec::new();
        for misfit in parts_of("")?.iter().filter_map(|part| dialogue.misfit(part)) {
            match refusal_of(misfit, profile) {
                invalid @ Refused::Invalid(_) => return Err(invalid),
                other => misfits.push(other),
            }
        }
        if content.needs().any(|ability| !profile.can.contains(&ability)) || content.choices.len() > profile.choices {
            return Err(Refused::Unsupported(profile.can));
        }
        let uploaded = match uploaded {
            Some((id, found)) => Some((id, found?)),
            None => None,
        };
        if let Some(Media::Linked { url, .. }) = content.medium()
            && misfit_of_address(url).is_some()
        {
            return Err(Refused::Media("address"));
        }
        let shop = self.shop_of(connection, content).await?;
        match misfits.into_iter().next() {
            Some(refused) => Err(refused),
            None => Ok(Fitting { parts: parts_of(&shop)?, uploaded }),
        }
    }

    /// Whose the products are that a message shows; empty where it shows none.
    async fn shop_of(&self, connection: &Connection, content: &Content) -> Result<String, Refused> {
        if content.products.is_empty() {
            return Ok(String::new());
        }
        match self.products.shop_of(connection.merchant, &content.products).await? {
            ShopOf::One(shop) => Ok(shop),
            ShopOf::Unavailable(ids) => Err(Refused::Products("unavailable", ids)),
            ShopOf::Several => Err(Refused::Products("several_shops", content.products.clone())),
        }
    }

    /// What a caller is told of what stands against a message.
    fn refusal(&self, against: Against, now: &AtTime<'_>, connection: &Connection) -> Refused {
        match against {
            Against::AccountUnavailable => {
                Refused::Account(self.unavailable(connection).map_or(Unavailable::Off.as_str(), Unavailable::as_str))
            }
            Against::CannotReceive => {
                Refused::CannotReceive(now.standing.state.unreachable.clone().unwrap_or_default())
            }
            Against::NotOwner => Refused::NotOwner,
            Against::Paused => {
                let pause = now.pause();
                Refused::Paused(pause.map_or("api", |pause| pause.by.as_str()), pause.and_then(|pause| pause.until))
            }
            Against::Public => Refused::NotPermitted(Some("public"), say::not_sent_public()),
            Against::HumanIsOff => Refused::NotPermitted(None, say::not_sent_human_window()),
            Against::WindowClosed => {
                let window = now.window();
                Refused::WindowClosed(window.closes_at, window.allowed)
            }
        }
    }

    /// Whether what is quoted was said in this conversation: what another person said is none of this one's. In a
    /// conversation of more messages than are looked through, an older one is the platform's to refuse.
    async fn check_reply_to(&self, of: &Conversation, content: &Content) -> Result<(), Refused> {
        let Some(quoted) = content.reply_to.as_deref() else { return Ok(()) };
        let journal = &self.shared.journal;
        if journal.is_sent_part(of, quoted, None).await? {
            return Ok(());
        }
        let past = journal.read_history(of, MOST_QUOTED, self.meaning()).await?;
        let is_here = past.items.iter().any(|said| said.platform_id.as_deref() == Some(quoted));
        match is_here || !past.is_whole {
            true => Ok(()),
            false => Err(Refused::Invalid(vec![Misfit::new(
                "/reply_to",
                "There is no message with this id in this conversation.",
            )])),
        }
    }

    /// Where a platform limits how much is sent to a person who does not write, and this is reached.
    async fn check_without_reply(&self, of: &Conversation, profile: &Profile) -> Result<(), Refused> {
        let Some((most, within)) = profile.without_reply else { return Ok(()) };
        let since = self.shared.clock.now_ms() - i64::try_from(within.as_millis()).unwrap_or(i64::MAX / 2);
        match self.shared.journal.count_without_reply(of, since).await? < most {
            true => Ok(()),
            false => Err(Refused::CannotReceive("no_reply_limit".to_owned())),
        }
    }
}

/// Whether the person takes advertising, where this is some.
async fn check_advertising(standing: &Standing, dialogue: &dyn Dialogue, content: &Content) -> Result<(), Refused> {
    match &content.template {
        Some(template) if standing.state.refuses_advertising() && dialogue.advertises(template).await => {
            Err(Refused::CannotReceive("opted_out".to_owned()))
        }
        _ => Ok(()),
    }
}

fn refusal_of(misfit: channel::Misfit, profile: &Profile) -> Refused {
    match misfit {
        channel::Misfit::Invalid { pointer, message } => Refused::Invalid(vec![Misfit::new(pointer, message)]),
        channel::Misfit::Unsupported => Refused::Unsupported(profile.can),
        channel::Misfit::Media { why } => Refused::Media(why),
    }
}

/// Refuses what the channel's programme does not allow.
fn refuse_programme(forbidden: &[Forbidden]) -> Result<(), Refused> {
    let sentence = forbidden.iter().find_map(|one| match one {
        Forbidden::NotPermitted { sentence } => Some(sentence.clone()),
        Forbidden::Group => None,
    });
    sentence.map_or(Ok(()), |sentence| Err(Refused::NotPermitted(None, sentence)))
}

fn unknown_event() -> Refused {
    Refused::Invalid(vec![Misfit::new("/answers", "There is no such event in this conversation.")])
}

fn settle(acceptance: Acceptance) -> Result<Accepted, Refused> {
    match acceptance {
        Acceptance::Stored(message) => Ok(Accepted::Stored(message)),
        Acceptance::Repeated(message, answer) => Ok(Accepted::Repeated(message, answer)),
        Acceptance::KeyReused(id) => Err(Refused::KeyReused(id)),
        Acceptance::UnknownEvent => Err(unknown_event()),
        Acceptance::NoParts => {
            Err(Refused::Invalid(vec![Misfit::new("/text", "There is nothing that could be sent.")]))
        }
        Acceptance::Overtaken(overtaken) => Err(Refused::Overtaken(overtaken)),
        Acceptance::QueueFull => Err(Refused::QueueFull),
        // Only what belongs to a turn of the responder can be unwanted.
        Acceptance::NotWanted => Err(Refused::Internal(anyhow::anyhow!("nobody wants this message"))),
    }
}

/// A name that nobody can guess.
fn new_id() -> String {
    format!("msg_{}", uuid::Uuid::new_v4().simple())
}
