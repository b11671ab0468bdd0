//! How sends go wrong: refused, or without an answer, and then taken or not taken. That is what a sender must tell apart.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

use super::broken_answer;

/// How one valid call fails. `R` is what the platform refuses with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendFailure<R> {
    /// Not taken: the platform says so in its own words.
    Refused(R),
    /// Not taken: this status and a page of HTML.
    Gateway(u16),
    /// Not taken: the connection is closed.
    Cut,
    /// Not taken: no answer ever comes.
    Hang,
    /// Taken, and then this status and a page of HTML.
    TakenGateway(u16),
    /// Taken, and then the connection is closed.
    TakenCut,
    /// Taken, and then no answer ever comes.
    TakenHang,
}

impl<R> SendFailure<R> {
    /// Whether the message is taken all the same.
    #[must_use]
    pub fn takes(&self) -> bool {
        matches!(self, Self::TakenGateway(_) | Self::TakenCut | Self::TakenHang)
    }

    /// The answer, if there is one; `refuse` puts a refusal into the platform's words.
    pub async fn answer(&self, refuse: impl FnOnce(&R) -> Response) -> Response {
        match self {
            Self::Refused(refusal) => refuse(refusal),
            Self::Gateway(status) | Self::TakenGateway(status) => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
                let page = "<!doctype html><title>Sorry</title><p>Something went wrong.";
                (status, [(header::CONTENT_TYPE, "text/html")], page).into_response()
            }
            Self::Cut | Self::TakenCut => broken_answer(),
            Self::Hang | Self::TakenHang => {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                StatusCode::GATEWAY_TIMEOUT.into_response()
            }
        }
    }
}

struct Plan<R> {
    person: Option<String>,
    skip: usize,
    times: usize,
    failure: SendFailure<R>,
}

/// The failures that are planned.
pub struct Plans<R>(Vec<Plan<R>>);

impl<R> Default for Plans<R> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<R: Clone> Plans<R> {
    /// The next `times` sends, after `skip` that are answered as ever, fail in this way: those to this person, or any.
    pub fn plan(&mut self, person: Option<&str>, skip: usize, times: usize, failure: SendFailure<R>) {
        self.0.push(Plan { person: person.map(str::to_owned), skip, times, failure });
    }

    /// The failure that is planned for a send to this person, once less from now on. Of several that fit, the oldest.
    pub fn take(&mut self, person: &str) -> Option<SendFailure<R>> {
        let plan = self
            .0
            .iter_mut()
            .find(|plan| plan.times > 0 && plan.person.as_deref().is_none_or(|wanted| wanted == person))?;
        if plan.skip > 0 {
            plan.skip -= 1;
            return None;
        }
        plan.times -= 1;
        let failure = plan.failure.clone();
        self.0.retain(|plan| plan.times > 0);
        Some(failure)
    }

    /// Forgets all of them.
    pub fn heal(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_for_one_person_or_all_and_ends() {
        let mut plans = Plans::default();
        plans.plan(Some("sam"), 1, 1, SendFailure::Refused(12));
        assert_eq!(plans.take("kim"), None);
        assert_eq!(plans.take("sam"), None);
        assert_eq!(plans.take("sam"), Some(SendFailure::Refused(12)));
        assert_eq!(plans.take("sam"), None);
        plans.plan(None, 0, 2, SendFailure::TakenCut);
        assert!(plans.take("kim").is_some_and(|failure| failure.takes()));
        plans.heal();
        assert_eq!(plans.take("kim"), None);
    }
}
