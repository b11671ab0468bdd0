//! What `shoptalk doctor` finds: cause, effect, fix. Made by the doctor itself and by each channel.

use serde::Serialize;
use url::Url;

use crate::shared::outgoing::http::ApiError;

/// What ends within this time is told, in milliseconds.
pub const SOON_MS: i64 = 14 * 24 * 60 * 60 * 1000;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something does not work.
    Error,
    /// It works, but not for long, or not as well as it should.
    Warning,
    /// It is as it can be: something optional is not used.
    Note,
}

/// One fault. No sentence holds a secret, a token or a person's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Names the kind of fault, for scripts: `key_file_open`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about, where that is not clear from the code: a variable, a path, an account.
    pub about: String,
    /// What is the matter.
    pub cause: String,
    /// What follows from it.
    pub effect: String,
    /// What to do.
    pub fix: String,
}

impl Finding {
    /// Something that does not work.
    #[must_use]
    pub fn error(
        code: &'static str,
        about: impl Into<String>,
        cause: impl Into<String>,
        effect: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            about: about.into(),
            cause: cause.into(),
            effect: effect.into(),
            fix: fix.into(),
        }
    }

    /// Something that works, but not for long, or not as well as it should.
    #[must_use]
    pub fn warning(
        code: &'static str,
        about: impl Into<String>,
        cause: impl Into<String>,
        effect: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, about, cause, effect, fix) }
    }

    /// At the public address of our webhooks something else answers.
    #[must_use]
    pub fn public_wrong_answer(address: &Url, status: u16, effect: &str) -> Self {
        Self::error(
            "public_wrong_answer",
            address.as_str(),
            format!("something else than this service answers at the public address (status {status})"),
            effect,
            "see where the tunnel or reverse proxy forwards to, and that it passes path, query, headers and body unchanged",
        )
    }

    /// The public address of our webhooks cannot be reached.
    #[must_use]
    pub fn public_unreachable(address: &Url, error: &ApiError, effect: &str) -> Self {
        Self::error(
            "public_unreachable",
            address.as_str(),
            format!("the public address cannot be reached from here ({error})"),
            effect,
            "see that the tunnel or reverse proxy runs, that the name resolves, and that the certificate is valid",
        )
    }

    /// Something optional that is not used.
    #[must_use]
    pub fn note(
        code: &'static str,
        about: impl Into<String>,
        cause: impl Into<String>,
        effect: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Note, ..Self::error(code, about, cause, effect, fix) }
    }
}
