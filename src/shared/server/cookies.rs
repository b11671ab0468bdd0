//! Reads and sets our own cookies: hex values only, so no rule of quoting or encoding matters.

use http::{HeaderMap, HeaderValue, header};

/// The value of the first cookie of this name.
#[must_use]
pub fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(found, value)| (found == name).then_some(value))
}

/// The name of a cookie of ours: with `__Host-` where our pages are https, so that no other host can set it.
#[must_use]
pub fn own_name(name: &str, secure: bool) -> String {
    if secure { format!("__Host-{name}") } else { name.to_owned() }
}

/// A `Set-Cookie` value: `HttpOnly`, `SameSite=Strict`, for a cookie that no other site ever leads back to.
#[must_use]
pub fn set_strict(name: &str, value: &str, max_age_seconds: i64, secure: bool) -> HeaderValue {
    written(name, value, max_age_seconds, secure, "Strict")
}

/// A `Set-Cookie` value: `HttpOnly`, `SameSite=Lax` (a `Strict` cookie would not come back from the platform's login).
#[must_use]
pub fn set(name: &str, value: &str, max_age_seconds: i64, secure: bool) -> HeaderValue {
    written(name, value, max_age_seconds, secure, "Lax")
}

fn written(name: &str, value: &str, max_age_seconds: i64, secure: bool, same_site: &str) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite={same_site}{secure}");
    // Names are ours and values are hex, so the text is always a valid header.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("xsession_id=1; session_id=2; session_id=3"));
        assert_eq!(find(&headers, "session_id"), Some("2"));
        assert_eq!(find(&headers, "session"), None);
    }
}
