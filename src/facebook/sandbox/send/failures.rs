//! What goes wrong with calls of the Send API, instead of the answer that they would have got.
//!
//! Sources: <https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes> and
//! <https://developers.facebook.com/docs/graph-api/overview/rate-limiting> (2026).

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

use super::super::call::reply;
use super::super::handle::{Person, Sandbox};
use super::super::page::Page;
use super::super::state::{Core, GraphError};
use super::memory::{Plan, SendFailure, Sending};
use crate::shared::channel::simulator;

impl SendFailure {
    /// Whether the message is taken all the same.
    pub(super) fn takes(&self) -> bool {
        matches!(self, Self::TakenRefused(..) | Self::TakenGateway(_) | Self::TakenCut | Self::TakenHang)
    }

    /// The answer, if there is one.
    pub(super) async fn answer(&self, core: &Core, version: &str, account: &str) -> Response {
        match self {
            Self::Refused(code, subcode) | Self::TakenRefused(code, subcode) => {
                reply(core, version, Err(refusal(*code, *subcode)))
            }
            Self::Throttled(code, minutes) => {
                let mut response = reply(core, version, Err(refusal(*code, None)));
                let (name, value) = usage(*code, *minutes, account);
                if let Ok(value) = HeaderValue::from_str(&value) {
                    response.headers_mut().insert(HeaderName::from_static(name), value);
                }
                response
            }
            Self::Gateway(status) | Self::TakenGateway(status) => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
                let page = "<!doctype html><title>Sorry</title><p>Something went wrong.";
                (status, [(header::CONTENT_TYPE, "text/html")], page).into_response()
            }
            Self::Cut | Self::TakenCut => simulator::broken_answer(),
            Self::Hang | Self::TakenHang => {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                StatusCode::GATEWAY_TIMEOUT.into_response()
            }
        }
    }
}

/// The failure that is planned for this call, once less from now on.
pub(super) fn take(sending: &mut Sending, account: &str, person: &str, is_action: bool) -> Option<SendFailure> {
    let matches = |wanted: &Option<String>, id: &str| wanted.as_deref().is_none_or(|wanted| wanted == id);
    let plan = sending.plans.iter_mut().find(|plan| {
        plan.is_for_actions == is_action && matches(&plan.account, account) && matches(&plan.person, person)
    })?;
    if plan.skip > 0 {
        plan.skip -= 1;
        return None;
    }
    plan.times = plan.times.saturating_sub(1);
    let failure = plan.failure.clone();
    sending.plans.retain(|plan| plan.times > 0);
    Some(failure)
}

fn refusal(code: i64, subcode: Option<u32>) -> GraphError {
    let reason = match code {
        1 => "An unknown error occurred",
        2 => "Service temporarily unavailable",
        4 => "Application request limit reached",
        10 => "This message cannot be sent",
        190 => "Error validating access token",
        200 => "Permissions error",
        368 => "The action attempted has been deemed abusive or is otherwise disallowed",
        551 => "This person isn't available right now.",
        613 => "Calls to this API have exceeded the rate limit.",
        1200 => "Temporary send message failure. Please try again later.",
        80_001 | 80_002 | 80_006 => "There have been too many calls to this account. Wait a bit and try again.",
        _ => "The call failed",
    };
    let status = if matches!(code, 1 | 2 | 1200) { 500 } else { 400 };
    GraphError { status, code, subcode, message: format!("(#{code}) {reason}") }
}

/// The header that tells of a limit, and its value: limits of the app have one of their own.
fn usage(code: i64, minutes: u32, account: &str) -> (&'static str, String) {
    if matches!(code, 4 | 17) {
        let value = json!({"call_count": 100, "total_time": 25, "total_cputime": 25});
        return ("x-app-usage", value.to_string());
    }
    let kind = match code {
        80_001 => "pages",
        80_002 => "instagram",
        _ => "messenger",
    };
    let mut value = json!({});
    value[account] = json!([{"type": kind, "call_count": 100, "total_cputime": 20, "total_time": 22,
        "estimated_time_to_regain_access": minutes}]);
    ("x-business-use-case-usage", value.to_string())
}

impl Sandbox {
    /// The next `times` messages, of any account to anybody, fail in this way. Of several plans that fit, the oldest is
    /// used first.
    pub fn fail_sends(&self, times: usize, failure: SendFailure) {
        self.fail_sends_after(0, times, failure);
    }

    /// As [`Sandbox::fail_sends`], after `skip` messages that are answered as ever: the second part of an answer.
    pub fn fail_sends_after(&self, skip: usize, times: usize, failure: SendFailure) {
        self.plan(Plan { account: None, person: None, is_for_actions: false, skip, times, failure });
    }

    /// The next `times` sender actions fail in this way; messages do not.
    pub fn fail_sender_actions(&self, times: usize, failure: SendFailure) {
        self.plan(Plan { account: None, person: None, is_for_actions: true, skip: 0, times, failure });
    }

    /// Forgets all planned failures of the Send API. Those of [`Sandbox::traffic`] are forgotten there.
    pub fn heal_sends(&self) {
        self.core.platform().sending.plans.clear();
    }

    fn plan(&self, plan: Plan) {
        self.core.platform().sending.plans.push(plan);
    }
}

impl Page {
    /// The next `times` messages of this account to this person fail in this way.
    pub fn fail_sends_to(&self, person: &Person, times: usize, failure: SendFailure) {
        let (account, person) = (Some(self.id.clone()), Some(person.id.clone()));
        self.sandbox.plan(Plan { account, person, is_for_actions: false, skip: 0, times, failure });
    }

    /// The next `times` messages of this account fail in this way, whomever they are for.
    pub fn fail_sends(&self, times: usize, failure: SendFailure) {
        let account = Some(self.id.clone());
        self.sandbox.plan(Plan { account, person: None, is_for_actions: false, skip: 0, times, failure });
    }
}
