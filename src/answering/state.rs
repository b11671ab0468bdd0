//! May somebody answer in a conversation, who, and until when: what follows from how the conversation stands, the channel's
//! rule, and the time. Nothing is read here.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::times::rfc3339;
use crate::shared::channel::dialogue::{Ability, Profile, WindowRule};
use crate::shared::journal::EventPlace;
use crate::shared::store::{Author, ConversationState, Pause, PausedBy, Standing};

/// Another app answers for so long after the newest sign of it, in milliseconds. Without the person for a day, Meta lets
/// any app answer again.
pub const OWNER_LOST_MS: i64 = 24 * 60 * 60 * 1000;

/// Whether the platform allows answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WindowState {
    /// It does, until the window closes.
    Open,
    /// It does not.
    Closed,
    /// Nobody but the platform knows: it is tried.
    Unknown,
    /// It has no such rule.
    None,
}

/// What may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Allowed {
    /// Anything.
    Free,
    /// A message that the platform approved before.
    Template,
    /// What a human writes.
    Human,
}

impl Allowed {
    /// The word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Template => "template",
            Self::Human => "human",
        }
    }
}

/// The time in which answers are allowed: the member `window` of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Whether the platform allows answers.
    pub state: WindowState,
    /// When it closes or closed, in milliseconds since 1970; `None`: never, or nobody knows.
    #[serde(serialize_with = "as_time")]
    pub closes_at: Option<i64>,
    /// Until when it may be open for longer, because an advertisement brought the person.
    #[serde(serialize_with = "as_time")]
    pub maybe_until: Option<i64>,
    /// What may be sent.
    pub allowed: Vec<Allowed>,
}

impl Window {
    /// Whether this kind of message may be sent.
    #[must_use]
    pub fn allows(&self, wanted: Allowed) -> bool {
        self.allowed.contains(&wanted)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn as_time<S: Serializer>(at: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(rfc3339).serialize(serializer)
}

/// Why a bot may not answer: the member `reason` of the API, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// There is nothing to be answered.
    NotAMessage,
    /// The account cannot send.
    AccountUnavailable,
    /// The person cannot be written to.
    CannotReceive,
    /// Another app answers.
    NotOwner,
    /// A person answers.
    Human,
    /// Bots were silenced by another app or on request.
    Paused,
    /// Something went out after it.
    Answered,
    /// The person wrote again.
    Superseded,
    /// The platform's time for answers is over.
    WindowClosed,
    /// Everybody can read answers there, and the settings do not let bots answer.
    Public,
}

impl Why {
    /// The word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAMessage => "not_a_message",
            Self::AccountUnavailable => "account_unavailable",
            Self::CannotReceive => "cannot_receive",
            Self::NotOwner => "not_owner",
            Self::Human => "human",
            Self::Paused => "paused",
            Self::Answered => "answered",
            Self::Superseded => "superseded",
            Self::WindowClosed => "window_closed",
            Self::Public => "public",
        }
    }
}

impl Serialize for Why {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What stands against a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The account cannot send.
    AccountUnavailable,
    /// The person cannot be written to.
    CannotReceive,
    /// Another app answers.
    NotOwner,
    /// Bots are to be silent.
    Paused,
    /// Everybody could read it, and bots are not to answer in public.
    Public,
    /// Only what humans write may be sent, and that is not switched on.
    HumanIsOff,
    /// The platform's time for answers is over.
    WindowClosed,
}

/// A conversation at a time.
#[derive(Debug, Clone, Copy)]
pub struct AtTime<'a> {
    /// How it stands.
    pub standing: &'a Standing,
    /// What the channel can send; `None`: it is off, or nobody can be answered there.
    pub profile: Option<&'a Profile>,
    /// Whether the account can send.
    pub is_available: bool,
    /// The time, in milliseconds since 1970.
    pub now_ms: i64,
}

impl<'a> AtTime<'a> {
    fn state(&self) -> &'a ConversationState {
        &self.standing.state
    }

    /// The pause that holds.
    #[must_use]
    pub fn pause(&self) -> Option<&'a Pause> {
        self.state().pause.as_ref().filter(|pause| pause.holds_at(self.now_ms))
    }

    /// Whether another app answers.
    #[must_use]
    pub fn is_owner_lost(&self) -> bool {
        self.state().owner_lost_at.is_some_and(|at| self.now_ms < at.saturating_add(OWNER_LOST_MS))
    }

    /// Why a bot may not answer what the person said at this place; `None`: it may. `asked`: `None` where there is nothing to be answered.
    #[must_use]
    pub fn why_not(&self, asked: Option<EventPlace>) -> Option<Why> {
        let Some(asked) = asked else { return Some(Why::NotAMessage) };
        if let Some(why) = self.why_silent() {
            return Some(why);
        }
        if self.standing.is_answered(asked) {
            Some(Why::Answered)
        } else if self.standing.is_superseded(asked) {
            Some(Why::Superseded)
        } else if !self.window().allows(Allowed::Free) {
            Some(Why::WindowClosed)
        } else if self.profile.is_some_and(|profile| profile.is_public) {
            Some(Why::Public)
        } else {
            None
        }
    }

    /// Why a bot may send nothing at all to this person, whatever it answers and however the window stands.
    #[must_use]
    fn why_silent(&self) -> Option<Why> {
        if self.profile.is_none() || !self.is_available {
            Some(Why::AccountUnavailable)
        } else if self.state().unreachable.is_some() {
            Some(Why::CannotReceive)
        } else if self.is_owner_lost() {
            Some(Why::NotOwner)
        } else {
            self.pause().map(|pause| if pause.by == PausedBy::Human { Why::Human } else { Why::Paused })
        }
    }

    /// Whether a message may go out now, and then whether the platform is to be told that a human writes. What it answers is
    /// not looked at.
    ///
    /// # Errors
    /// What stands against it, the first that does in the order of the API.
    pub fn may_send(&self, author: Author, is_template: bool) -> Result<bool, Against> {
        self.can_reach()?;
        self.may_speak(author)?;
        self.is_open_to(author, is_template)
    }

    /// The first part of [`AtTime::may_send`]: whether anything of the account reaches this person.
    ///
    /// # Errors
    /// What stands against it.
    pub fn can_reach(&self) -> Result<(), Against> {
        match self.why_silent() {
            Some(Why::AccountUnavailable) => Err(Against::AccountUnavailable),
            Some(Why::CannotReceive) => Err(Against::CannotReceive),
            _ => Ok(()),
        }
    }

    /// The second part: whether nobody else answers.
    ///
    /// # Errors
    /// What stands against it.
    pub fn may_speak(&self, author: Author) -> Result<(), Against> {
        match self.why_silent() {
            None => Ok(()),
            Some(_) if author == Author::Human => Ok(()),
            Some(Why::NotOwner) => Err(Against::NotOwner),
            Some(_) => Err(Against::Paused),
        }
    }

    /// The last part: whether the platform takes it, and then whether it is to be told that a human writes.
    ///
    /// # Errors
    /// What stands against it.
    pub fn is_open_to(&self, author: Author, is_template: bool) -> Result<bool, Against> {
        let is_bot = author == Author::Bot;
        let window = self.window();
        let is_free = window.allows(Allowed::Free) || (is_template && window.allows(Allowed::Template));
        match is_bot {
            true if !is_free => Err(Against::WindowClosed),
            true if self.profile.is_some_and(|profile| profile.is_public) => Err(Against::Public),
            _ if is_free => Ok(false),
            _ if window.allows(Allowed::Human) => Ok(true),
            _ if !is_template && self.would_be_open_to_humans() => Err(Against::HumanIsOff),
            _ => Err(Against::WindowClosed),
        }
    }

    /// Whether humans might write now if the settings let them.
    fn would_be_open_to_humans(&self) -> bool {
        let rule = self.profile.map(|profile| profile.window).filter(|rule| rule.human_is_off);
        let until = |rule: WindowRule| Some(self.state().opened_at?.saturating_add(milliseconds(rule.human?)));
        rule.and_then(until).is_some_and(|until| self.now_ms < until)
    }

    /// Until when a message may go out that may go out now, in milliseconds since 1970; `None`: no end is known.
    #[must_use]
    pub fn ends_at(&self, author: Author, is_template: bool) -> Option<i64> {
        let rule = self.profile.map(|profile| profile.window)?;
        let free = rule.free.filter(|_| !is_template)?;
        let state = self.state();
        let until = |from: Option<i64>, long: Option<Duration>| Some(from?.saturating_add(milliseconds(long?)));
        let of_human = rule.for_humans().filter(|_| author == Author::Human);
        until(state.opened_at, Some(free))
            .max(until(state.ad_at, rule.after_ad))
            .max(until(state.handed_at, Some(free)))
            .max(until(state.opened_at, of_human))
    }

    /// The window.
    #[must_use]
    pub fn window(&self) -> Window {
        let rule = self.profile.map(|profile| profile.window);
        let has_templates = self.profile.is_some_and(|profile| profile.can.contains(&Ability::Template));
        let with_templates = |first: &[Allowed]| -> Vec<Allowed> {
            first.iter().copied().chain(has_templates.then_some(Allowed::Template)).collect()
        };
        let Some(rule) = rule else {
            return Window { state: WindowState::Closed, closes_at: None, maybe_until: None, allowed: Vec::new() };
        };
        let Some(free) = rule.free else {
            let allowed = with_templates(&[Allowed::Free]);
            return Window { state: WindowState::None, closes_at: None, maybe_until: None, allowed };
        };
        let state = self.state();
        let until = |from: Option<i64>, long: Option<Duration>| Some(from?.saturating_add(milliseconds(long?)));
        let closes_at = until(state.opened_at, Some(free));
        let maybe_until = until(state.ad_at, rule.after_ad).filter(|until| Some(*until) > closes_at);
        let is_before = |end: Option<i64>| end.is_some_and(|end| self.now_ms < end);
        // What the person wrote before control was handed over was not seen, and allows answers for as long at most.
        let may_be_open = is_before(maybe_until) || is_before(until(state.handed_at, Some(free)));
        let (state, allowed) = if is_before(closes_at) {
            (WindowState::Open, with_templates(&[Allowed::Free]))
        } else if may_be_open {
            (WindowState::Unknown, with_templates(&[Allowed::Free]))
        } else if is_before(until(state.opened_at, rule.for_humans())) {
            (WindowState::Closed, with_templates(&[Allowed::Human]))
        } else {
            (WindowState::Closed, with_templates(&[]))
        };
        Window { state, closes_at, maybe_until, allowed }
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
