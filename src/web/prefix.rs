//! Carries the path of `PUBLIC_URL`. Everything inside speaks of paths from the root; here, at the outermost, the path is
//! taken off a request (a proxy may have done it before) and put before every address that an answer names: in pages, in
//! redirects, in cookies.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::uri::PathAndQuery;
use http::{HeaderValue, StatusCode, Uri, header};
use url::Url;

/// Attributes of our pages that hold an address. What people wrote stands in pages with its quotes escaped, so none of it
/// looks like one of these.
const ATTRIBUTES: [&str; 4] = [" href=\"", " src=\"", " action=\"", " formaction=\""];

/// Marks an answer whose body is a page of ours, with addresses in it.
#[derive(Debug, Clone, Copy)]
pub struct OwnPage;

/// Adds the layer, where the public address has a path.
pub fn carry(router: Router, public_url: Option<&Url>) -> Router {
    let prefix = public_url.map_or("", |url| url.path().trim_end_matches('/'));
    if prefix.is_empty() {
        return router;
    }
    let layer = middleware::from_fn_with_state(Arc::<str>::from(prefix), with_prefix);
    Router::new().fallback_service(router).layer(layer)
}

async fn with_prefix(State(prefix): State<Arc<str>>, mut request: Request, next: Next) -> Response {
    if let Some(uri) = without(request.uri(), &prefix) {
        *request.uri_mut() = uri;
    }
    let mut response = next.run(request).await;
    if let Some(location) = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok())
        && is_from_root(location)
        && let Ok(value) = HeaderValue::try_from(format!("{prefix}{location}"))
    {
        response.headers_mut().insert(header::LOCATION, value);
    }
    if response.headers().contains_key(header::SET_COOKIE)
        && let header::Entry::Occupied(mut entry) = response.headers_mut().entry(header::SET_COOKIE)
    {
        for value in entry.iter_mut() {
            if let Some(below) = value.to_str().ok().and_then(|cookie| cookie_below(cookie, &prefix)) {
                *value = below;
            }
        }
    }
    if response.extensions().get::<OwnPage>().is_none() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // A page is in memory already.
    let Ok(page) = to_bytes(body, usize::MAX).await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(links_below(&String::from_utf8_lossy(&page), &prefix)))
}

/// The address without the prefix, if it has it.
fn without(uri: &Uri, prefix: &str) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(prefix)?;
    let path: PathAndQuery = match rest.chars().next() {
        Some('/') => rest.parse().ok()?,
        None | Some('?') => format!("/{rest}").parse().ok()?,
        Some(_) => return None,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).ok()
}

/// `/…`, but not `//host/…`.
fn is_from_root(address: &str) -> bool {
    address.starts_with('/') && !address.starts_with("//")
}

/// The cookie for paths below the prefix only. One with `__Host-` is for the whole host by definition.
fn cookie_below(cookie: &str, prefix: &str) -> Option<HeaderValue> {
    if cookie.starts_with("__Host-") {
        return None;
    }
    HeaderValue::try_from(cookie.replacen("; Path=/;", &format!("; Path={prefix};"), 1)).ok()
}

/// The page with the prefix before every address from the root.
fn links_below(page: &str, prefix: &str) -> String {
    let mut below = String::with_capacity(page.len() + page.len() / 16);
    let mut rest = page;
    let next = |rest: &str| {
        ATTRIBUTES.iter().filter_map(|attribute| rest.find(attribute).map(|at| at + attribute.len())).min()
    };
    while let Some(end) = next(rest) {
        below.push_str(&rest[..end]);
        rest = &rest[end..];
        if is_from_root(rest) {
            below.push_str(prefix);
        }
    }
    below.push_str(rest);
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_the_public_address_is_taken_off_and_put_on() {
        for (sent, inside) in [
            ("/talk/catalogue?q=/talk", Some("/catalogue?q=/talk")),
            ("/talk", Some("/")),
            ("/talk/", Some("/")),
            ("/talk?done=sync", Some("/?done=sync")),
            ("/talk/talk", Some("/talk")),
            ("/talking", None),
            ("/catalogue", None),
            ("/", None),
        ] {
            let uri = sent.parse::<Uri>().expect("an address");
            assert_eq!(without(&uri, "/talk").map(|uri| uri.to_string()).as_deref(), inside, "{sent}");
        }
        let page = "<a href=\"/x\" src=\"/\">&quot; href=&quot;/y</a><form action=\"/z\"><a href=\"//h/x\" href=\"#a\" href=\"https://h/\">";
        let below = "<a href=\"/talk/x\" src=\"/talk/\">&quot; href=&quot;/y</a><form action=\"/talk/z\"><a href=\"//h/x\" href=\"#a\" href=\"https://h/\">";
        assert_eq!(links_below(page, "/talk"), below);
        let cookie = |cookie: &str| cookie_below(cookie, "/talk").map(|value| value.to_str().expect("text").to_owned());
        assert_eq!(cookie("a=/; Path=/; HttpOnly").as_deref(), Some("a=/; Path=/talk; HttpOnly"));
        assert_eq!(cookie("__Host-a=1; Path=/; Secure"), None);
    }
}
