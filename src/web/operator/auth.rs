//! Who is an operator: whoever shows the token, compared in constant time.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::state::Operator;
use crate::shared::server::error::AppError;

/// `OPERATOR_TOKEN`, where it is configured. Cheap to clone.
#[derive(Clone)]
pub(super) struct Token(Option<Arc<SecretString>>);

impl Token {
    pub(super) fn new(token: Option<SecretString>) -> Self {
        Self(token.map(Arc::new))
    }

    /// The token itself.
    ///
    /// # Errors
    /// 404 where none is configured: then there are no operator's routes.
    pub(super) fn expected(&self) -> Result<&SecretString, AppError> {
        self.0.as_deref().ok_or(AppError::NotFound)
    }

    /// Compares what was shown with the token, in constant time.
    ///
    /// # Errors
    /// 404 where none is configured, 401 for another one.
    pub(super) fn check(&self, shown: &str) -> Result<(), AppError> {
        if self.expected()?.expose_secret().as_bytes().ct_eq(shown.as_bytes()).into() {
            Ok(())
        } else {
            Err(AppError::Unauthorized("This needs the operator's token."))
        }
    }
}

/// Lets a request pass that carries `Authorization: Bearer $OPERATOR_TOKEN`. A layer.
pub(super) async fn require_bearer(
    State(operator): State<Operator>,
    request: Request,
    next: Next,
) -> Result<Response, AppError> {
    let shown = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    operator.token.check(shown)?;
    Ok(next.run(request).await)
}
