//! What logins have in common: begin (a new state, tied to this browser) and finish (the state used once).

use std::sync::Arc;

use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri, header};
use url::Url;
use zeroize::Zeroizing;

use super::clock::Clock;
use super::languages::say;
use super::secrets::random;
use super::secrets::signature::sign_sha256;
use super::server::cookies;
use super::server::error::AppError;
use super::server::peer::Household;
use super::store::LoginStates;
use super::store::login_states::{LIFETIME_MS, NewState};

/// The name of the cookie that ties a login to its browser; with `__Host-` before it where our pages are https.
const COOKIE: &str = "shoptalk_login";

/// Says that a login was sent to the public address already: a proxy that changes the host must not make a circle.
const MOVED: (&str, &str) = ("at", "public");

/// Where a login begins instead, if the browser is at another host than the one to which the platform sends it back: a
/// browser shows a cookie only to the host that set it. `redirect_uri` leads to our route `callback`; `login` is the path of
/// the login, `asked` and `headers` are the browser's.
#[must_use]
pub fn public_address(
    redirect_uri: &Url,
    callback: &str,
    login: &str,
    asked: &Uri,
    headers: &HeaderMap,
) -> Option<Url> {
    let query = asked.query().unwrap_or_default();
    let has_moved = form_urlencoded::parse(query.as_bytes()).any(|(name, value)| (&*name, &*value) == MOVED);
    let host: Authority = headers.get(header::HOST)?.to_str().ok()?.parse().ok()?;
    let is_same = redirect_uri.host_str().is_some_and(|own| own.eq_ignore_ascii_case(host.host()));
    // Which scheme the browser uses only a proxy knows, so a host without a port may have either one's.
    let is_same_port = host.port_u16().or(redirect_uri.port_or_known_default()) == redirect_uri.port_or_known_default();
    if has_moved || (is_same && is_same_port) {
        return None;
    }
    let mut url = redirect_uri.clone();
    // Where a proxy maps paths, only the host is known.
    let prefix = redirect_uri.path().strip_suffix(callback).unwrap_or_default();
    url.set_path(&format!("{prefix}{login}"));
    url.query_pairs_mut().clear().append_pair(MOVED.0, MOVED.1);
    Some(url)
}

/// Logins under way, for all channels. Cheap to clone.
#[derive(Clone)]
pub struct Logins {
    states: LoginStates,
    key: Arc<Zeroizing<Vec<u8>>>,
    clock: Clock,
    secure: bool,
}

/// A login that has begun.
pub struct Begun {
    /// The `state` parameter: 64 characters of lower-case hex, so that no rule of encoding can change it.
    pub state: String,
    /// The cookie for this browser.
    pub cookie: HeaderValue,
}

impl Logins {
    /// Keeps states in this table, hashed under `key`. `secure`: our pages are reached by https.
    #[must_use]
    pub fn new(states: LoginStates, key: Zeroizing<Vec<u8>>, clock: Clock, secure: bool) -> Self {
        Self { states, key: Arc::new(key), clock, secure }
    }

    /// Begins a login of this channel for the browser that sent `headers` from this household. `bound_to` is what the login
    /// is for: it comes back from [`Logins::finish`], and from nowhere else.
    ///
    /// # Errors
    /// 503 when so many logins are under way that another one would cost somebody theirs; when the database fails or the
    /// operating system gives no random bytes.
    pub async fn begin(
        &self,
        channel: &'static str,
        (headers, household): (&HeaderMap, Household),
        bound_to: String,
    ) -> Result<Begun, AppError> {
        let state = random_hex()?;
        // A second login in another tab keeps the first one alive: the browser is the same.
        let browser = match cookies::all(headers, &self.cookie_name()).next() {
            Some(browser) => browser.to_owned(),
            None => random_hex()?,
        };
        let new = NewState {
            state_hash: self.hash(b"state", &state),
            channel,
            browser_hash: self.hash(b"browser", &browser),
            bound_to,
            household_hash: self.hash(b"household", &household.address.to_string()),
            network_hash: self.hash(b"network", &household.network.to_string()),
        };
        if !self.states.insert(new, self.clock.now_ms()).await? {
            return Err(AppError::Unavailable(say::too_many_logins()));
        }
        let cookie = cookies::set(&self.cookie_name(), &browser, LIFETIME_MS / 1000, self.secure);
        Ok(Begun { state, cookie })
    }

    /// Takes the state that a platform sent back and gives what its login was for.
    ///
    /// # Errors
    /// 400 if there is no state, or if it is another browser's, another channel's, expired, or was taken before.
    pub async fn finish(
        &self,
        channel: &'static str,
        headers: &HeaderMap,
        state: Option<&str>,
    ) -> Result<String, AppError> {
        let (state, now_ms) = (self.hash(b"state", state.unwrap_or_default()), self.clock.now_ms());
        for browser in cookies::all(headers, &self.cookie_name()) {
            let browser = self.hash(b"browser", browser);
            if let Some(bound_to) = self.states.take(state, channel, browser, now_ms).await? {
                return Ok(bound_to);
            }
        }
        Err(AppError::bad_request(say::login_used()))
    }

    fn cookie_name(&self) -> String {
        cookies::own_name(COOKIE, self.secure)
    }

    fn hash(&self, purpose: &[u8], value: &str) -> [u8; 32] {
        sign_sha256(&self.key, &[purpose, b":", value.as_bytes()].concat())
    }
}

/// 32 random bytes as 64 characters of lower-case hex.
///
/// # Errors
/// When the operating system gives no random bytes.
pub fn random_hex() -> anyhow::Result<String> {
    random::random_hex::<32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_begins_at_the_host_to_which_the_platform_leads_back() {
        let leads = |redirect_uri: &str, host: &str, asked: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a header"));
            let (redirect_uri, asked) = (Url::parse(redirect_uri).expect("a URL"), asked.parse().expect("an address"));
            public_address(&redirect_uri, "/x/callback", "/x/login", &asked, &headers).map(String::from)
        };
        for (redirect_uri, host) in [
            ("https://abc.example/x/callback", "abc.example"),
            ("https://abc.example/x/callback", "ABC.example:443"),
            ("https://abc.example:8443/x/callback", "abc.example:8443"),
            ("http://127.0.0.1:5000/x/callback", "127.0.0.1:5000"),
            ("http://[::1]:5000/x/callback", "[::1]:5000"),
        ] {
            assert_eq!(leads(redirect_uri, host, "/x/login"), None, "{host}");
        }
        for (host, redirect_uri, to) in [
            ("127.0.0.1:5000", "https://abc.example/x/callback", "https://abc.example/x/login?at=public"),
            ("localhost:5000", "http://127.0.0.1:5000/x/callback", "http://127.0.0.1:5000/x/login?at=public"),
            ("www.abc.example", "https://abc.example/talk/x/callback", "https://abc.example/talk/x/login?at=public"),
            ("abc.example:8443", "https://abc.example/x/callback", "https://abc.example/x/login?at=public"),
            ("127.0.0.1:5000", "https://abc.example/mapped?y=1", "https://abc.example/x/login?at=public"),
        ] {
            assert_eq!(leads(redirect_uri, host, "/x/login").as_deref(), Some(to), "{host}");
            assert_eq!(leads(redirect_uri, host, "/x/login?at=public"), None, "no circle behind a proxy: {host}");
        }
    }
}
