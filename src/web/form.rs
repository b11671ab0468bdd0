//! Posts of our own pages. Whoever takes a [`Posted`] has what security needs checked: a living session, the form token of
//! that session, and a browser that does not say that the form stood on another site.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{FromRef, FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use subtle::ConstantTimeEq;
use url::Url;

use crate::shared::channel::context::Shared;
use crate::shared::languages::say;
use crate::shared::secrets::vault::Vault;
use crate::shared::server::error::AppError;
use crate::shared::server::session;
use crate::shared::server::session::SignedIn;
use crate::shared::store::Session;

/// The field that carries the form token.
pub const TOKEN: &str = "form_token";

/// Where our pages are reached, if that is configured.
#[derive(Clone)]
pub struct OwnAddress(pub Option<Url>);

/// A form of ours, sent by a merchant who is signed in.
pub struct Posted {
    /// The session.
    pub session: Session,
    fields: BTreeMap<String, String>,
}

impl Posted {
    /// The names of the fields that were sent and hold something.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.as_str())
    }

    /// What a field holds; empty where it was not sent.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl<S> FromRequest<S> for Posted
where
    Shared: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let expired = || AppError::Forbidden(say::form_expired()).into_response();
        let session = session::signed_in(&Shared::from_ref(state), request.headers()).await?;
        let vault = request.extensions().get::<Vault>().cloned().ok_or_else(expired)?;
        let own = request.extensions().get::<OwnAddress>().and_then(|own| own.0.clone());
        let is_ours = is_from_here(request.headers(), own.as_ref());
        let body = Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        let fields: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
        let token = fields.get(TOKEN).map_or("", String::as_str);
        let is_known: bool = session::form_token(&vault, &session).as_bytes().ct_eq(token.as_bytes()).into();
        if is_known && is_ours { Ok(Self { session, fields }) } else { Err(expired()) }
    }
}

/// Whether the browser says that a form stood on a page of ours, as far as it says anything.
///
/// `Origin: null` says nothing: browsers send it for our own forms too, because our pages have `no-referrer`.
/// Source: <https://fetch.spec.whatwg.org/#append-a-request-origin-header> (2026).
#[must_use]
pub fn is_from_here(headers: &HeaderMap, own: Option<&Url>) -> bool {
    let says = |name: &str, good: &dyn Fn(&str) -> bool| {
        headers.get_all(name).iter().all(|value| value.to_str().is_ok_and(good))
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_own = |origin: &str| {
        origin == "null"
            || own.is_some_and(|own| own.origin().ascii_serialization() == origin)
            || origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host)
    };
    says("sec-fetch-site", &|site| matches!(site, "same-origin" | "none")) && says("origin", &is_own)
}

/// A page that only a merchant who is signed in can see.
impl<S> axum::extract::FromRequestParts<S> for SignedIn
where
    Shared: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut http::request::Parts, state: &S) -> Result<Self, Self::Rejection> {
        session::signed_in(&Shared::from_ref(state), &parts.headers).await.map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_another_site_is_recognised_by_what_the_browser_says() {
        let own = Url::parse("https://abc.example").expect("a URL");
        let cases: [(&[(&str, &str)], bool); 10] = [
            (&[], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "null")], true),
            (&[("origin", "https://abc.example")], true),
            (&[("origin", "http://127.0.0.1:5000")], true),
            (&[("origin", "http://127.0.0.1:5001")], false),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "https://abc.example"), ("origin", "https://evil.example")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site"), ("origin", "https://abc.example")], false),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], false),
        ];
        for (sent, good) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, http::HeaderValue::from_static("127.0.0.1:5000"));
            for (name, value) in sent {
                headers.append(*name, value.parse().expect("a value"));
            }
            assert_eq!(is_from_here(&headers, Some(&own)), good, "{sent:?}");
        }
    }
}
