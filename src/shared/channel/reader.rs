//! How an account is read from its platform, and how that can fail.

use std::time::Duration;

use super::job::BoxFuture;
use super::read_request::ReadRequest;
use crate::shared::journal::JournalError;
use crate::shared::languages::Sentence;
use crate::shared::outgoing::http::{ApiError, Budget};

/// Reads an account of a channel from its platform: once, completely, and again whenever something changed.
pub trait Reader: Send + Sync {
    /// Carries out one request and stores what came. The empty account is the app itself: it is asked for only what the
    /// channel requested.
    ///
    /// # Errors
    /// [`ReadError::UnknownRequest`] for what the channel does not know: a database may be of a newer version.
    fn read_again<'a>(&'a self, account: &'a str, request: &'a ReadRequest) -> BoxFuture<'a, Result<(), ReadError>>;

    /// Carries out several requests of an account, for a channel where reading together is cheaper. Gives one outcome for
    /// each of the first requests, at least one; it is asked again for the rest.
    fn read_several<'a>(
        &'a self,
        account: &'a str,
        requests: &'a [ReadRequest],
    ) -> BoxFuture<'a, Vec<Result<(), ReadError>>> {
        Box::pin(async move {
            match requests.first() {
                Some(request) => vec![self.read_again(account, request).await],
                None => Vec::new(),
            }
        })
    }

    /// Whether a read of this leaves nothing of the account unknown.
    fn is_whole(&self, request: &ReadRequest) -> bool {
        *request == ReadRequest::Everything
    }

    /// Ends the webhook subscriptions of an account at the platform, because its merchant disconnects it, and asks the
    /// platform afterwards what is left of them. A person waits.
    fn unsubscribe<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<Ended, ReadError>>;

    /// Writes the account's documents anew from what is stored, without asking the platform.
    fn write_documents<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<(), ReadError>>;

    /// The service begins to serve: what the app itself needs at the platform is seen to. It must not take long.
    fn begin(&self) -> BoxFuture<'_, Result<(), ReadError>> {
        Box::pin(async { Ok(()) })
    }

    /// What a merchant reads about an error of the platform that lasts: one sentence or two.
    fn explain(&self, error: &ApiError) -> Sentence;

    /// How much of the platform's allowances is used up: the app's and each account's.
    fn budgets(&self) -> Vec<Budget> {
        Vec::new()
    }
}

/// How the webhook subscriptions of an account ended, as its platform tells when it is asked afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// None of ours is there any more.
    Wholly,
    /// These topics or fields are still there.
    Left(Vec<String>),
    /// They are another account's, and end with it.
    WithAnother,
}

impl Ended {
    /// Of what is still there.
    #[must_use]
    pub fn of_left(left: Vec<String>) -> Self {
        if left.is_empty() { Self::Wholly } else { Self::Left(left) }
    }
}

/// Why an account could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The platform.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The disk.
    #[error("a file could not be written: {0}")]
    Output(#[from] std::io::Error),
    /// The platform is still at work, and it is no failure. To be asked again after a while; others go first.
    #[error("the platform is still at work")]
    NotYet {
        /// How long to wait.
        again_in: Duration,
    },
    /// The channel does not know what it was asked for.
    #[error("this version does not know how to read “{0}”")]
    UnknownRequest(ReadRequest),
    /// Anything else of our own.
    #[error("{0:#}")]
    Internal(#[from] anyhow::Error),
}

impl ReadError {
    /// The class in one word, for counting.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Api(error) => error.class(),
            Self::Journal(_) => "not_stored",
            Self::Output(_) => "not_written",
            Self::NotYet { .. } => "not_yet",
            Self::UnknownRequest(_) | Self::Internal(_) => "fault",
        }
    }

    /// The same error, for another read that failed together with this one.
    #[must_use]
    pub fn again(&self) -> Self {
        match self {
            Self::Api(error) => Self::Api(error.clone()),
            Self::Journal(error) => Self::Journal(error.clone()),
            Self::Output(error) => Self::Output(std::io::Error::new(error.kind(), error.to_string())),
            Self::NotYet { again_in } => Self::NotYet { again_in: *again_in },
            Self::UnknownRequest(request) => Self::UnknownRequest(request.clone()),
            Self::Internal(error) => Self::Internal(anyhow::anyhow!("{error:#}")),
        }
    }

    /// Whether the same read will fail again in the same way.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Api(ApiError::Refused { .. } | ApiError::Unreadable(_)) | Self::UnknownRequest(_))
    }
}
