//! Programs are an operator's who show the token with each request.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header;

use super::state::Operator;
use crate::shared::server::error::AppError;

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
