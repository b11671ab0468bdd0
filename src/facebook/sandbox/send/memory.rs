//! What sending leaves behind, and how it is steered. Data alone: the state of the platform holds it.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

/// A message that the Send API took.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The Page or the Instagram account that it is from.
    pub account: String,
    /// Whom it is for.
    pub person: String,
    /// The id that the answer gave, or would have given.
    pub mid: String,
    /// The sender's own mark.
    pub metadata: Option<String>,
    /// Its text; empty if it has none.
    pub text: String,
    /// The member `message` of the call, whole.
    pub message: Value,
    /// `RESPONSE`, `UPDATE` or `MESSAGE_TAG`.
    pub messaging_type: String,
    /// The tag of a `MESSAGE_TAG`.
    pub tag: Option<String>,
    /// The message that it answers.
    pub reply_to: Option<String>,
    /// When it was taken, in ms of the platform's time.
    pub at_ms: i64,
}

/// A sender action that the Send API took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderAction {
    /// The Page or the Instagram account.
    pub account: String,
    /// Whom it is for.
    pub person: String,
    /// `typing_on`, `typing_off`, `mark_seen`, `react` or `unreact`.
    pub action: String,
}

/// A call about the control of a thread that was answered with success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlCall {
    /// `pass_thread_control`, `take_thread_control` or `request_thread_control`.
    pub call: String,
    /// The Page or the Instagram account.
    pub account: String,
    /// With whom the thread is.
    pub person: String,
    /// The app that got control, if the call named one.
    pub target_app_id: Option<String>,
    /// The text that goes along with it.
    pub metadata: Option<String>,
}

/// What becomes of the echoes of messages that the Send API took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Echoes {
    /// Each is sent once, as soon as the message is taken. Nobody waits for it, so it may come before or after the answer.
    #[default]
    Sent,
    /// Each is sent and has been answered before the call itself is answered.
    BeforeAnswer,
    /// Each is sent twice.
    Doubled,
    /// None is sent until they are released.
    Held,
    /// None is ever sent.
    Lost,
}

/// Whether a person can be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Yes.
    #[default]
    Open,
    /// The person blocked the Page: 551.
    Blocked,
    /// The person cannot receive messages: 10/2018108.
    CannotReceive,
    /// The account is deactivated: 200/1545041.
    Deactivated,
}

/// How a call of the Send API fails. The call is valid and authorised, or it is refused as ever and the plan stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendFailure {
    /// Not taken: an error with this code and subcode, status 400; 500 and `is_transient` for the codes 1, 2 and 1200.
    Refused(i64, Option<u32>),
    /// Not taken: a rate code (4, 613, 80006, …), and a usage header at 100 % that gives access back after so many minutes.
    Throttled(i64, u32),
    /// Not taken: this status and a page of HTML.
    Gateway(u16),
    /// Not taken: the connection is closed.
    Cut,
    /// Not taken: no answer ever comes.
    Hang,
    /// Taken, and then an error with this code and subcode all the same.
    TakenRefused(i64, Option<u32>),
    /// Taken, and then this status and a page of HTML.
    TakenGateway(u16),
    /// Taken, and then the connection is closed.
    TakenCut,
    /// Taken, and then no answer ever comes.
    TakenHang,
}

/// A planned failure, and for which calls it is.
pub struct Plan {
    pub account: Option<String>,
    pub person: Option<String>,
    pub is_for_actions: bool,
    pub skip: usize,
    pub times: usize,
    pub failure: SendFailure,
}

/// Everything about sending that changes and belongs to no thread.
#[derive(Default)]
pub struct Sending {
    pub sent: Vec<Sent>,
    pub actions: Vec<SenderAction>,
    pub control_calls: Vec<ControlCall>,
    pub plans: Vec<Plan>,
    pub echoes: Echoes,
    /// Texts are shown without what is empty at both ends, and with plain ends of lines.
    pub trims_texts: bool,
    /// Echoes without `metadata`, as if the send had none.
    pub echoes_without_metadata: bool,
    /// Echoes that were held or that nobody answered with 200: the account and the item.
    pub held: VecDeque<(String, Value)>,
    pub sends_deliveries: bool,
    pub sends_reads: bool,
    /// The app has been reviewed for the tag `HUMAN_AGENT`.
    pub human_agent: bool,
    /// The window after a person's first message from an ad, in days; otherwise it is 24 hours.
    pub ad_window_days: Option<i64>,
    /// `take_thread_control` is refused.
    pub control_stays: bool,
    /// Attachments that may be sent again, by their id: the kind and the link.
    pub uploads: BTreeMap<String, (String, String)>,
}
