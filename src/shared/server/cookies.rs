//! Reads and sets our own cookies: hex values and short words only, so no rule of quoting or encoding matters.

use http::{HeaderMap, HeaderValue, header};

/// So many cookies of one name are looked at.
const MOST: usize = 8;

/// The values of all cookies of this name that our own cookies can have: 64 characters of hex. A browser sends several of
/// one name when another path, another program on this host or an older version of this one set one too, and nothing says
/// which is ours; so whoever looks for a cookie tries each.
pub fn all<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let is_ours = |value: &&str| value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    named(headers, name).filter(is_ours).take(MOST)
}

/// The values of all cookies of this name, for one that holds a word of ours: whoever takes one knows all that there are.
pub fn words<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    named(headers, name).take(MOST)
}

fn named<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(move |(found, value)| (found == name).then_some(value))
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
    // Names are ours and values are hex or words of ours, so the text is always a valid header.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        let (one, other) = ("1".repeat(64), "2".repeat(64));
        let mut headers = HeaderMap::new();
        for sent in [
            format!("xsession_id={one}; session_id=; session_id={other}; session_id=ended"),
            format!("session_id={}; session_id={one}", "x".repeat(64)),
        ] {
            headers.append(header::COOKIE, sent.parse().expect("a header"));
        }
        assert_eq!(all(&headers, "session_id").collect::<Vec<_>>(), [&other, &one]);
        assert_eq!(all(&headers, "session").count(), 0);
        let many = format!("session_id={one};").repeat(100);
        headers.append(header::COOKIE, many.parse().expect("a header"));
        assert_eq!(all(&headers, "session_id").count(), MOST);
    }
}
