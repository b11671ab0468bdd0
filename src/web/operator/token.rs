//! Who is an operator: whoever shows the token, compared in constant time.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

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
            Err(AppError::Unauthorized("This needs the operator's token.".into()))
        }
    }
}
