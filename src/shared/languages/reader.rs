//! Who reads what a request is answered with. It is known from the request's beginning to its end, and nowhere else.

use std::future::Future;

use super::Language;

tokio::task_local! {
    static LANGUAGE: Language;
}

/// Answers a request whose reader reads this language.
pub async fn read_in<F: Future>(language: Language, answering: F) -> F::Output {
    LANGUAGE.scope(language, answering).await
}

/// The language of the request under way; English where none is, as for logs.
#[must_use]
pub fn current() -> Language {
    LANGUAGE.try_with(|language| *language).unwrap_or_default()
}
