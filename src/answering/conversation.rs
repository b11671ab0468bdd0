//! Conversations as the API shows them: how each stands, without what was said.

use serde_json::{Map, Value, json};

use super::handle::Answering;
use super::pauses::pause_json;
use crate::shared::journal::Conversation;
use crate::shared::store::{Connection, Outgoing, Thread, ThreadPlace};

/// A place in the list of all conversations of a merchant: what comes after it is the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationPlace {
    at: i64,
    person: String,
    channel: String,
    account: String,
}

impl ConversationPlace {
    /// Reads what [`ConversationPlace::to_text`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '/');
        let at = parts.next()?.parse().ok()?;
        let (channel, account) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        Some(Self { at, person: parts.next()?.to_owned(), channel, account })
    }

    /// As text, for the next request.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}/{}/{}/{}", self.at, self.channel, self.account, self.person)
    }

    fn of(thread: &Thread) -> Self {
        let Thread { channel, account, person, last_at, .. } = thread.clone();
        Self { at: last_at, person, channel, account }
    }

    /// Where the list of one account goes on after this place.
    fn in_account(&self, connection: &Connection) -> ThreadPlace {
        let is_behind = (&connection.channel, &connection.account) < (&self.channel, &self.account);
        // Of two accounts' conversations of one time and person, that of the later account comes first.
        let tie = if is_behind { format!("{}\u{0}", self.person) } else { self.person.clone() };
        ThreadPlace { at: self.at, tie }
    }
}

impl Answering {
    /// The next conversations of these accounts, newest first, and where to go on; `None`: these were all.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_conversations(
        &self,
        connections: Vec<Connection>,
        after: Option<ConversationPlace>,
        limit: usize,
    ) -> anyhow::Result<(Vec<Value>, Option<String>)> {
        let mut threads: Vec<(Thread, &Connection)> = Vec::new();
        for connection in &connections {
            let account = (connection.channel.clone(), connection.account.clone());
            let place = after.as_ref().map(|after| after.in_account(connection));
            let most = i64::try_from(limit + 1).unwrap_or(i64::MAX);
            let listed = self.shared.journal.list_threads(&account, place, most).await?;
            threads.extend(listed.into_iter().map(|thread| (thread, connection)));
        }
        threads.sort_by(|(one, _), (other, _)| {
            let place = |thread: &Thread| {
                let Thread { channel, account, person, last_at, .. } = thread;
                (*last_at, person.clone(), channel.clone(), account.clone())
            };
            place(other).cmp(&place(one))
        });
        let has_more = threads.len() > limit;
        threads.truncate(limit);
        let next = threads.last().filter(|_| has_more).map(|(thread, _)| ConversationPlace::of(thread).to_text());
        let mut conversations = Vec::new();
        for (thread, connection) in threads {
            let Thread { channel, account, person, .. } = thread;
            let conversation = Conversation { channel, account, person };
            conversations.push(Value::Object(self.conversation_json(connection, &conversation).await?));
        }
        Ok((conversations, next))
    }

    /// How a conversation stands.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn conversation_json(
        &self,
        connection: &Connection,
        conversation: &Conversation,
    ) -> anyhow::Result<Map<String, Value>> {
        let journal = &self.shared.journal;
        let standing = journal.load_standing(conversation).await?;
        let name = journal.find_person_name(conversation).await?;
        let now = self.now(connection, &standing);
        let why = now.why_not(standing.state.said);
        let Conversation { channel, account, person } = conversation;
        let shown = json!({
            "channel": channel,
            "account": { "id": account, "name": connection.name },
            "person": { "id": person, "name": name },
            "conversation": format!("/api/v1/{channel}/{account}/conversations/{person}"),
            "window": now.window(),
            "pause": pause_json(now.pause()),
            "owner": if now.is_owner_lost() { "other" } else { "us" },
            "bot_may_answer": why.is_none(),
            "reason": why,
        });
        Ok(match shown {
            Value::Object(shown) => shown,
            _ => Map::new(),
        })
    }
}

/// The messages to this person that are not final.
///
/// # Errors
/// When the journal cannot be read.
pub async fn outgoing_json(answering: &Answering, conversation: &Conversation) -> anyhow::Result<Value> {
    let open = answering.shared.journal.list_open_outgoing(conversation).await?;
    Ok(open.iter().map(Outgoing::to_json).collect())
}
