//! What a login's callback answers. A channel says what came of it; programs are told as JSON, and the frame of our pages
//! shows the same to a browser.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde_json::Value;

use super::error::AppError;
use crate::shared::languages::Sentence;

/// Where a finished login goes. The fragment is our own: without one, browsers carry Facebook's `#_=_` over.
pub const HOME: &str = "/#connected";

/// What came of a login. As JSON it is the body of [`LoginAnswer::Done`], or a 403 with the sentence.
#[derive(Debug)]
pub enum LoginAnswer {
    /// It went through to its end.
    Done {
        /// For programs.
        body: Value,
        /// The cookies of a session that began with it.
        cookies: Vec<HeaderValue>,
        /// What a browser is shown.
        shown: Shown,
    },
    /// A page of another site began the login in a browser that is signed in here: the person is asked first.
    AskFirst {
        /// The channel.
        channel: &'static str,
        /// What would be connected to what.
        sentence: Sentence,
        /// Where the login begins if that is wished.
        proceed: String,
    },
    /// The person, or the platform for them, said no. To a browser that is a page, not an error.
    NotConnected {
        /// The channel.
        channel: &'static str,
        /// Why, in a word for the log.
        reason: &'static str,
        /// Why, and what to do, for the person.
        sentence: Sentence,
    },
}

/// What a browser is shown in place of an answer in JSON: kept beside the response for the frame of our pages.
#[derive(Debug, Clone)]
pub enum Shown {
    /// The start page.
    Home,
    /// A question, and where yes leads.
    Question {
        /// The question.
        sentence: Sentence,
        /// A path of ours.
        proceed: String,
    },
    /// That nothing was connected, and why.
    NotConnected(Sentence),
    /// What came of each account, because not all could be connected.
    Accounts {
        /// The heading: "Your Pages".
        title: Sentence,
        /// What to say where there is none.
        none: Sentence,
        /// The accounts.
        accounts: Vec<AccountOutcome>,
    },
}

/// What came of one account.
#[derive(Debug, Clone)]
pub struct AccountOutcome {
    /// Its id at the platform.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its connection's status in a word; `None`: it is not connected.
    pub status: Option<&'static str>,
    /// What is wrong with it, in a sentence.
    pub reason: Option<Sentence>,
}

impl IntoResponse for LoginAnswer {
    fn into_response(self) -> Response {
        let (mut response, shown) = match self {
            Self::Done { body, cookies, shown } => {
                let mut response = Json(body).into_response();
                for cookie in cookies {
                    response.headers_mut().append(header::SET_COOKIE, cookie);
                }
                (response, shown)
            }
            Self::AskFirst { channel, sentence, proceed } => {
                tracing::info!(channel, reason = "another_site", "a login was refused");
                (AppError::Forbidden(sentence.clone()).into_response(), Shown::Question { sentence, proceed })
            }
            Self::NotConnected { channel, reason, sentence } => {
                tracing::info!(channel, reason, "a login was refused");
                (AppError::Forbidden(sentence.clone()).into_response(), Shown::NotConnected(sentence))
            }
        };
        response.extensions_mut().insert(shown);
        response
    }
}
