//! How the API says no.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes> (2026).

use axum::response::Response;
use serde_json::{Value, json};

use crate::shared::channel::simulator::{json_answer, random_text};

/// An error of the API: its code decides, everything else is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    pub code: i64,
    pub subcode: Option<u32>,
    /// What `error_data.details` says.
    pub details: String,
}

/// What an error of the API means by its title.
pub(super) fn title(code: i64) -> &'static str {
    match code {
        0 => "AuthException",
        3 => "API Method",
        4 => "API Too Many Calls",
        10 => "Permission Denied",
        33 => "Parameter value is not valid",
        100 => "Invalid parameter",
        190 => "Access token has expired",
        200 => "API Permission",
        368 => "Temporarily blocked for policies violations",
        2200 => "Callback verification failed",
        80_007 => "Rate limit issues",
        130_429 => "Rate limit hit",
        130_472 => "User's number is part of an experiment",
        131_000 => "Something went wrong",
        131_005 => "Access denied",
        131_008 => "Required parameter is missing",
        131_009 => "Parameter value is not valid",
        131_016 => "Service unavailable",
        131_021 => "Recipient cannot be sender",
        131_026 => "Message undeliverable",
        131_030 => "Recipient phone number not in allowed list",
        131_031 => "Account has been locked",
        131_042 => "Business eligibility payment issue",
        131_047 => "Re-engagement message",
        131_048 => "Spam rate limit hit",
        131_049 => "Meta chose not to deliver",
        131_050 => "User stopped marketing messages",
        131_051 => "Unsupported message type",
        131_052 => "Media download error",
        131_053 => "Media upload error",
        131_056 => "(Business Account, Consumer Account) pair rate limit hit",
        131_057 => "Account in maintenance mode",
        131_060 => "This message is currently unavailable",
        131_062 => "Business-scoped user ids are not supported for this message",
        132_000 => "Template Param Count Mismatch",
        132_001 => "Template does not exist",
        132_005 => "Template Hydrated Text Too Long",
        132_007 => "Template Format Character Policy Violated",
        132_012 => "Template Parameter Format Mismatch",
        132_015 => "Template is Paused",
        132_016 => "Template is Disabled",
        _ => "Unknown error",
    }
}

impl ApiError {
    pub(super) fn new(code: i64, details: impl Into<String>) -> Self {
        Self { code, subcode: None, details: details.into() }
    }

    pub(super) fn parameter(details: impl Into<String>) -> Self {
        Self::new(100, details)
    }

    pub(super) fn missing_object(id: &str) -> Self {
        let details = format!("Unsupported request. Object with ID '{id}' does not exist or cannot be loaded.");
        Self { code: 100, subcode: Some(33), details }
    }

    /// The HTTP status that goes with the code: throttling has 400.
    fn status(&self) -> u16 {
        match self.code {
            0 | 190 => 401,
            3 | 131_000 | 131_016 | 131_057 => 500,
            2 => 503,
            10 | 200..=299 | 368 | 131_005 | 131_031 => 403,
            132_001 => 404,
            _ => 400,
        }
    }

    pub(super) fn body(&self) -> Value {
        let mut error = json!({
            "message": format!("(#{}) {}", self.code, title(self.code)),
            "type": "OAuthException",
            "code": self.code,
            "error_data": {"messaging_product": "whatsapp", "details": self.details},
            "fbtrace_id": format!("A{}", random_text()),
        });
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = subcode.into();
        }
        if matches!(self.code, 131_000 | 131_016) {
            error["is_transient"] = true.into();
        }
        json!({ "error": error })
    }

    pub(super) fn answer(&self) -> Response {
        json_answer(self.status(), &self.body())
    }

    /// As an element of `errors[]` in a webhook.
    pub(super) fn in_webhook(&self) -> Value {
        let title = title(self.code);
        json!({"code": self.code, "title": title, "message": title, "error_data": {"details": self.details},
            "href": "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes"})
    }
}
