//! How the bot takes part in conversations: what is sent, and how.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use url::Url;

use super::message::LARGEST_BODY;
use super::state::Viber;
use super::{hourly_check, meaning, message, names, refusal};
use crate::shared::channel::dialogue::{
    Ability, AccountFault, Choice, Dialogue, HandOver, LostAnswers, MediaKind, Misfit, Part, PartContent, Profile,
    Rate, Reason, Recipient, SendError, Sent, Signal, TextLimit, Unreachable, WindowRule,
};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::meaning::Meaning;
use crate::shared::channel::reader::ReadError;
use crate::shared::journal::Event;
use crate::shared::languages::say;
use crate::shared::store::Item;

use super::config::LONGEST_TEXT;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

/// The largest media by link, in bytes.
/// Source: Infobip's and the vendor's pages of message types (2026).
const LARGEST_PICTURE: u64 = 1024 * 1024;
const LARGEST_VIDEO: u64 = 26 * 1024 * 1024;
const LARGEST_FILE: u64 = 50 * 1024 * 1024;

/// Room for what stands around a part, beside the person's id and the sender: enough for any of either.
const WIDEST_ID: &str = "________________________________________________________________";

/// The bot takes part in conversations.
pub struct BotDialogue {
    viber: Arc<Viber>,
    profile: Profile,
    /// The marks of parts that a client did not know as they are, and that are sent again for older ones.
    for_old_clients: Mutex<HashSet<String>>,
}

impl BotDialogue {
    /// Of this bot.
    #[must_use]
    pub fn new(viber: Arc<Viber>) -> Self {
        let free = (!viber.config.outside_session).then_some(DAY);
        let profile = Profile {
            can: &[Ability::Text, Ability::Media, Ability::Choices, Ability::Products],
            text: TextLimit::Characters(LONGEST_TEXT),
            choices: 13,
            cards: 6,
            captions: &[(MediaKind::Image, 512)],
            caption_of_products: None,
            // A session is free until a day after the person's last message; outside, each message is charged.
            window: WindowRule { free, after_ad: None, human: None, human_is_off: false },
            rate: Rate { parts: 300, per: MINUTE, heavy: 300 },
            has_echo: false,
            automation_within: None,
            waits_for_delivery: Some(Duration::from_secs(3)),
            person_rate: None,
            without_reply: Some((100, HOUR)),
            lost_answers: LostAnswers::AreReported,
            is_public: false,
        };
        Self { viber, profile, for_old_clients: Mutex::default() }
    }

    fn for_old_clients(&self) -> MutexGuard<'_, HashSet<String>> {
        self.for_old_clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send_part(&self, to: Recipient<'_>, part: &Part, mark: &str) -> Result<Sent, SendError> {
        let viber = &*self.viber;
        let Some(known) = viber.account.known().await.filter(|known| known.id.as_str() == to.account) else {
            // The settings hold the token of one bot, and it is not this one, or nobody knows yet.
            return Err(SendError::Account(AccountFault::needs_login(say::viber_another_bot())));
        };
        let receiver = names::id_of(to.person).ok_or_else(|| unsendable("the person's id"))?;
        let body = message::body(&viber.config, Some(&known.name), &receiver, part, mark);
        let mut body = body.ok_or_else(|| unsendable("content"))?;
        let for_old_client = self.for_old_clients().remove(mark);
        if for_old_client {
            body["min_api_version"] = message::oldest_client(&part.content).into();
        }
        let text = body.to_string();
        if text.len() > LARGEST_BODY {
            return Err(unsendable("size"));
        }
        let answer = viber.client.send_message(to.account, text).await;
        if is_too_new(&answer) && !part.choices.is_empty() && !for_old_client {
            // An old client shows the tap in the chat: that is better than no buttons.
            self.for_old_clients().insert(mark.to_owned());
            return Err(SendError::AtOnce);
        }
        if let Err(SendError::Broken { code, .. }) = &answer
            && *code == refusal::WEBHOOK_NOT_SET.to_string()
        {
            hourly_check::request(viber).await.map_err(|error| SendError::NotSent(error.to_string()))?;
        }
        answer
    }
}

/// Whether the person's client does not know what the message asks for: it was not sent.
fn is_too_new(answer: &Result<Sent, SendError>) -> bool {
    matches!(answer, Err(SendError::Refused { code, .. }) if *code == refusal::TOO_NEW.to_string())
}

/// What is wrong with it is ours, and Viber was not asked.
fn unsendable(code: &str) -> SendError {
    SendError::Refused { code: code.to_owned(), reason: Reason::Refused, is_known: true }
}

impl Dialogue for BotDialogue {
    fn meaning(&self, _account: &str, item: &Item) -> Meaning {
        meaning::of(item)
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn send<'a>(&'a self, to: Recipient<'a>, part: &'a Part, mark: &'a str) -> BoxFuture<'a, Result<Sent, SendError>> {
        Box::pin(self.send_part(to, part, mark))
    }

    fn signal<'a>(&'a self, _to: Recipient<'a>, _signal: Signal) -> BoxFuture<'a, Result<(), SendError>> {
        // Viber has no such signs.
        Box::pin(async { Ok(()) })
    }

    fn read_newest<'a>(
        &'a self,
        _to: Recipient<'a>,
        _quoted: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Event>, ReadError>> {
        // Viber shows no past.
        Box::pin(async { Ok(Vec::new()) })
    }

    fn hand_over<'a>(&'a self, _to: Recipient<'a>, _way: HandOver) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async { Ok(()) })
    }

    fn misfit(&self, part: &Part) -> Option<Misfit> {
        let of_media = match &part.content {
            PartContent::Media { url, media, bytes, .. } => misfit_of_media(url, *media, *bytes),
            _ => None,
        };
        of_media.or_else(|| misfit_of_size(part))
    }

    /// Nobody is told by a refusal for how long a device will not do, or whether somebody registers again.
    fn unreachable_after(&self, code: &str) -> Option<Unreachable> {
        (code == refusal::NOT_SUBSCRIBED.to_string()).then_some(Unreachable::Altogether("unsubscribed"))
    }

    /// Viber takes 30 KB, and characters that have to be escaped take more than they are.
    fn text_limit(&self, choices: &[Choice]) -> TextLimit {
        let (content, choices) = (PartContent::Text { text: String::new() }, choices.to_vec());
        let around =
            message::size_of(WIDEST_ID, &Part { content, choices, reply_to: None, is_human: false }, WIDEST_ID);
        TextLimit::InJson { characters: LONGEST_TEXT, bytes: LARGEST_BODY.saturating_sub(around) }
    }

    fn own_copy<'a>(
        &'a self,
        to: Recipient<'a>,
        part: &'a Part,
        sent: &'a Sent,
        at_ms: i64,
    ) -> BoxFuture<'a, Option<Event>> {
        Box::pin(async move {
            let receiver = names::id_of(to.person)?;
            let known = self.viber.account.known().await;
            let name = known.as_ref().map(|known| known.name.as_str());
            message::own_copy((to.account, to.person), (&self.viber.config, name), &receiver, part, (sent, at_ms))
        })
    }
}

/// Viber wants the size of videos and files, and goes by the ending of a video's address.
fn misfit_of_media(url: &str, media: MediaKind, bytes: Option<u64>) -> Option<Misfit> {
    let most = match media {
        MediaKind::Image => LARGEST_PICTURE,
        MediaKind::Video => LARGEST_VIDEO,
        MediaKind::Audio | MediaKind::File => LARGEST_FILE,
    };
    let is_unknown = bytes.is_none() && media != MediaKind::Image;
    if is_unknown || bytes.is_some_and(|bytes| bytes == 0 || bytes > most) {
        return Some(Misfit::Media { why: "size" });
    }
    let is_mp4 = Url::parse(url).is_ok_and(|url| url.path().ends_with(".mp4"));
    (media == MediaKind::Video && !is_mp4).then_some(Misfit::Media { why: "type" })
}

/// What is left of a text that was cut, or the choices alone, may still be larger than Viber takes.
fn misfit_of_size(part: &Part) -> Option<Misfit> {
    let PartContent::Text { .. } = part.content else { return None };
    let size = message::size_of(WIDEST_ID, part, WIDEST_ID);
    (size > LARGEST_BODY).then(|| Misfit::Invalid {
        pointer: "/text".to_owned(),
        message: "The text and its choices are larger than the 30 KB that Viber takes.".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::channel::dialogue::Choice;

    #[test]
    fn a_video_or_file_of_unknown_size_and_a_video_that_is_no_mp4_are_refused() {
        let size = Some(Misfit::Media { why: "size" });
        let of = |media, url: &str, bytes| misfit_of_media(url, media, bytes);
        assert_eq!(of(MediaKind::Image, "https://a.example/1.jpg", None), None);
        assert_eq!(of(MediaKind::Image, "https://a.example/1.jpg", Some(LARGEST_PICTURE + 1)), size);
        for media in [MediaKind::Video, MediaKind::Audio, MediaKind::File] {
            assert_eq!(of(media, "https://a.example/1.mp4", None), size);
            assert_eq!(of(media, "https://a.example/1.mp4", Some(0)), size);
            assert_eq!(of(media, "https://a.example/1.mp4?x=1", Some(5)), None);
        }
        assert_eq!(of(MediaKind::Video, "https://a.example/1.mp4", Some(LARGEST_VIDEO + 1)), size);
        assert_eq!(of(MediaKind::Video, "https://a.example/1.mov", Some(5)), Some(Misfit::Media { why: "type" }));
        assert_eq!(of(MediaKind::File, "https://a.example/1.mov", Some(5)), None);
    }

    #[test]
    fn a_text_is_measured_as_it_is_sent() {
        let part = |text: String, choices| {
            misfit_of_size(&Part { content: PartContent::Text { text }, choices, reply_to: None, is_human: false })
        };
        let choices = |count: usize| -> Vec<Choice> {
            (0..count).map(|n| Choice { id: format!("{n}{}", "ж".repeat(198)), title: "x".repeat(20) }).collect()
        };
        assert_eq!(part("😀".repeat(7_000), Vec::new()), None);
        assert_eq!(part("ж".repeat(7_000), choices(13)), None);
        assert!(part("\u{1}".repeat(7_000), Vec::new()).is_some(), "it was to be cut");
        assert!(part("😀".repeat(7_000), choices(13)).is_some());
    }
}
