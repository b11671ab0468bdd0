//! In which language a page is: the one that its reader has chosen, else the one that the browser prefers.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Extension, Router};
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use maud::{Markup, html};

use crate::shared::channel::context::Shared;
use crate::shared::languages::{Language, current, preferred, read_in, say};
use crate::shared::server::cookies;
use crate::shared::server::error::AppError;
use crate::web::form::{OwnAddress, is_from_here};

/// The cookie that keeps a choice, for a year.
const COOKIE: &str = "language";
const KEPT_SECONDS: i64 = 365 * 24 * 3_600;

/// What a form may send at most, in bytes.
const LONGEST: usize = 4_096;

/// The members of a query by which our pages are told apart.
const OF_PAGES: [&str; 4] = ["id", "q", "after", "before"];

tokio::task_local! {
    /// The page that is being shown, to which the form leads back.
    static HERE: Option<Uri>;
}

pub fn routes() -> Router<Shared> {
    Router::new().route("/language", post(choose))
}

/// Whether our pages are https, which decides what our cookies are called.
#[derive(Clone, Copy)]
pub struct Secure(pub bool);

/// A layer around all routes: answers each request in the language of who reads it. What operators see is English.
pub async fn in_their_language(State(Secure(secure)): State<Secure>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path == "/operator" || path.starts_with("/operator/") {
        return read_in(Language::English, HERE.scope(None, next.run(request))).await;
    }
    let language = of(request.headers(), secure);
    let is_page = request.method() == Method::GET;
    let here = Some(if is_page { request.uri().clone() } else { Uri::from_static("/") });
    read_in(language, HERE.scope(here, next.run(request))).await
}

/// The address of a page, with those members of its query by which our pages are told apart. What a login's last step brings
/// stands on no page.
fn address_of(uri: &Uri) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        if OF_PAGES.contains(&&*name) {
            query.append_pair(&name, &value);
        }
    }
    match query.finish() {
        query if query.is_empty() => uri.path().to_owned(),
        query => format!("{}?{query}", uri.path()),
    }
}

fn of(headers: &HeaderMap, secure: bool) -> Language {
    let name = cookies::own_name(COOKIE, secure);
    let chosen = cookies::words(headers, &name).find_map(Language::parse);
    let accepted = || {
        let all = headers.get_all(header::ACCEPT_LANGUAGE).iter();
        all.filter_map(|value| value.to_str().ok()).find_map(preferred)
    };
    chosen.or_else(accepted).unwrap_or_default()
}

/// What the headers of a page say of its language.
pub(super) fn headers() -> [(header::HeaderName, HeaderValue); 2] {
    [
        (header::CONTENT_LANGUAGE, HeaderValue::from_static(current().tag())),
        (header::VARY, HeaderValue::from_static("Accept-Language, Cookie")),
    ]
}

/// The form below a page; `None`: there is no choice.
pub(super) fn form() -> Option<Markup> {
    let here = HERE.try_with(Clone::clone).ok().flatten()?;
    Some(html! {
        form.language method="post" action="/language" {
            input type="hidden" name="back" value=(address_of(&here));
            label for="language" { (say::language()) }
            select id="language" name="language" {
                @for one in Language::OFFERED {
                    option value=(one.tag()) lang=(one.tag()) selected[one == current()] { (one.name()) }
                }
            }
            button.plain { (say::language_change()) }
        }
    })
}

/// `POST /language`: keeps the choice in this browser. It needs no session, and nobody else's data depends on it; a form of
/// another site is refused all the same.
async fn choose(
    State(shared): State<Shared>,
    Extension(OwnAddress(own)): Extension<OwnAddress>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<Response, AppError> {
    if !is_from_here(&headers, own.as_ref()) {
        return Err(AppError::Forbidden(say::form_of_another_site()));
    }
    let fields: Vec<(String, String)> =
        if body.len() <= LONGEST { form_urlencoded::parse(&body).into_owned().collect() } else { Vec::new() };
    let field = |name: &str| fields.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value.as_str());
    let language = Language::parse(field("language")).ok_or(AppError::BadRequest(say::form_incomplete()))?;
    let name = cookies::own_name(COOKIE, shared.is_public);
    let cookie = cookies::set(&name, language.tag(), KEPT_SECONDS, shared.is_public);
    let back = Some(field("back")).filter(|back| is_page_of_ours(back)).unwrap_or("/");
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(back)).into_response())
}

/// Whether an address leads to this host and no other: one slash, and nothing that a browser takes for a second one.
fn is_page_of_ours(address: &str) -> bool {
    address.starts_with('/')
        && !matches!(address.as_bytes().get(1), Some(b'/' | b'\\'))
        && address.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_keeps_what_tells_it_apart_and_nothing_of_a_login() {
        for (asked, kept) in [
            ("/keys", "/keys"),
            ("/catalogue/shopify/a/product?id=7&x=1", "/catalogue/shopify/a/product?id=7"),
            ("/shopify/callback?code=abc&state=d&hmac=e", "/shopify/callback"),
            ("/conversations?q=a%20%26b&before=2", "/conversations?q=a+%26b&before=2"),
        ] {
            assert_eq!(address_of(&asked.parse().expect("an address")), kept);
        }
    }

    #[test]
    fn a_choice_leads_back_to_this_host_alone() {
        for good in ["/", "/keys", "/conversations/facebook/1?q=a+b&before=2"] {
            assert!(is_page_of_ours(good), "{good}");
        }
        for bad in ["", "keys", "//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "/a b"]
        {
            assert!(!is_page_of_ours(bad), "{bad}");
        }
    }
}
