//! What platforms said of templates, for a minute: of several who ask at once one asks the platform.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::shared::channel::dialogue::{SendError, TemplateSeen};
use crate::shared::journal::Account;

/// For how long an answer of the platform is given again, in milliseconds.
const KEPT_MS: i64 = 60_000;

/// For how long a platform that did not answer is left alone, in milliseconds.
const LEFT_ALONE_MS: i64 = 5_000;

type Answer = Result<Arc<Vec<TemplateSeen>>, SendError>;

/// An answer of a platform, and when it came, in milliseconds since 1970.
type Kept = Option<(i64, Answer)>;

/// What platforms answered last, by account. Cheap to clone.
#[derive(Clone, Default)]
pub struct Templates(Arc<Mutex<HashMap<Account, Arc<tokio::sync::Mutex<Kept>>>>>);

impl Templates {
    /// The templates of this account as the platform told them at most a minute ago. Of several who ask at once one asks the
    /// platform, and an account that is slow holds up no other.
    pub(super) async fn get(
        &self,
        of: Account,
        now_ms: i64,
        ask: impl Future<Output = Result<Vec<TemplateSeen>, SendError>>,
    ) -> Answer {
        let slot = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(of).or_default())
        };
        let mut kept = slot.lock().await;
        if let Some((at, answer)) = &*kept {
            let for_ms = if answer.is_ok() { KEPT_MS } else { LEFT_ALONE_MS };
            if (*at..at.saturating_add(for_ms)).contains(&now_ms) {
                return answer.clone();
            }
        }
        let answer = ask.await.map(Arc::new);
        *kept = Some((now_ms, answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn template(name: &str) -> TemplateSeen {
        TemplateSeen {
            name: name.to_owned(),
            language: "en".to_owned(),
            category: "UTILITY".to_owned(),
            status: "APPROVED".to_owned(),
            parameters: 0,
            text: "Hello".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_platform_is_asked_once_a_minute_for_each_account() {
        let (templates, asked) = (Templates::default(), AtomicUsize::new(0));
        let get = |account: &str, now_ms| {
            let answer = async {
                let number = asked.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok(vec![template(&number.to_string())])
            };
            templates.get(("whatsapp".to_owned(), account.to_owned()), now_ms, answer)
        };
        let name = |answer: Answer| answer.unwrap()[0].name.clone();
        let (one, other) = tokio::join!(get("1", 0), get("1", 0));
        assert_eq!((name(one), name(other)), ("0".to_owned(), "0".to_owned()), "of two at once one asks");
        assert_eq!(name(get("1", KEPT_MS - 1).await), "0");
        assert_eq!(name(get("2", KEPT_MS - 1).await), "1", "another account is another one");
        assert_eq!(name(get("1", KEPT_MS).await), "2");
        assert_eq!(name(get("1", 1).await), "3", "a clock that was set back keeps nothing alive");
    }

    #[tokio::test]
    async fn a_platform_that_fails_is_left_alone_for_seconds_and_not_for_a_minute() {
        let templates = Templates::default();
        let get = |now_ms, answer| templates.get(("whatsapp".to_owned(), "1".to_owned()), now_ms, async { answer });
        let failed = || Err(SendError::NotSent("a planned failure".to_owned()));
        assert!(get(0, failed()).await.is_err());
        assert!(get(LEFT_ALONE_MS - 1, Ok(Vec::new())).await.is_err());
        assert!(get(LEFT_ALONE_MS, Ok(Vec::new())).await.is_ok());
        assert!(get(LEFT_ALONE_MS + 1, failed()).await.is_ok());
    }
}
