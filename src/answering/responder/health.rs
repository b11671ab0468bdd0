//! How the model is doing and what it costs: what is counted, and which alerts follow from it.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use uuid::Uuid;

use super::completion::Said;
use super::model::ModelError;
use super::{Payer, Question, Responder};
use crate::shared::store::responder::Tokens;

/// The alert that the model does not answer.
pub const UNREACHABLE: &str = "responder:unreachable";

/// The alert that it refuses to be asked.
pub const REFUSED: &str = "responder:refused";

/// How often in a row it must not have answered before somebody is told: one "later" is nobody's matter.
const ENOUGH: u32 = 3;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Responder {
    /// Raises and heals the alerts of the model, by what it said. What is no answer of the model heals nothing.
    pub(super) fn note(&self, said: &Result<Said, ModelError>) {
        let alerts = &self.answering().shared.alerts;
        let silent = &self.0.silent;
        match said {
            Ok(_) => {
                silent.store(0, Ordering::Relaxed);
                alerts.heal(UNREACHABLE);
                alerts.heal(REFUSED);
            }
            Err(ModelError::Later(_)) => {
                if silent.fetch_add(1, Ordering::Relaxed) + 1 >= ENOUGH {
                    alerts.raise(
                        UNREACHABLE,
                        "The bot's model does not answer. Customers wait; it is asked again by itself.",
                    );
                }
            }
            Err(ModelError::Refused(_)) => alerts.raise(
                REFUSED,
                "The bot's model refuses to be asked. Conversations are handed over. See BOT_ENDPOINT, BOT_MODEL and BOT_API_KEY.",
            ),
            Err(ModelError::Declined(_) | ModelError::Unreadable) => {}
        }
    }

    /// Keeps what a round cost.
    pub(super) async fn count(&self, question: &Question<'_>, tokens: Tokens) {
        let shared = &self.answering().shared;
        shared.metrics.bot.count_tokens(tokens.taken_in, tokens.given_out);
        if tokens.sum() > 0
            && question.payer == Payer::Merchant
            && let Err(error) = shared.journal.add_responder_tokens(question.merchant, tokens).await
        {
            tracing::warn!(%error, "what an answer cost could not be stored");
        }
    }

    /// Whether a merchant's answers cost as much today as they may.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn is_over_budget(&self, merchant: Uuid) -> anyhow::Result<bool> {
        let shared = &self.answering().shared;
        let spent = shared.journal.responder_tokens_today(merchant).await?.sum();
        let is_over = spent >= self.settings().daily_tokens;
        if is_over {
            let today = shared.clock.now_ms() / DAY_MS;
            self.0.over_budget.lock().unwrap_or_else(PoisonError::into_inner).insert(merchant, today);
            shared.alerts.raise(
                &budget_alert(merchant),
                "The bot has used up its tokens for today. Conversations are handed over until midnight (UTC).",
            );
        }
        Ok(is_over)
    }

    /// Heals the alerts of yesterday's tokens.
    pub fn begin_day(&self) {
        let shared = &self.answering().shared;
        let today = shared.clock.now_ms() / DAY_MS;
        self.0.over_budget.lock().unwrap_or_else(PoisonError::into_inner).retain(|merchant, day| {
            let is_kept = *day == today;
            if !is_kept {
                shared.alerts.heal(&budget_alert(*merchant));
            }
            is_kept
        });
    }
}

fn budget_alert(merchant: Uuid) -> String {
    format!("responder:budget:{merchant}")
}
