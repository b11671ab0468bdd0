//! What logins have in common: begin (a new state, tied to this browser) and finish (the state used once).

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use zeroize::Zeroizing;

use super::clock::Clock;
use super::secrets::signature::{sign_sha256, to_hex};
use super::server::cookies;
use super::server::error::AppError;
use super::store::LoginStates;
use super::store::login_states::LIFETIME_MS;

/// The name of the cookie that ties a login to its browser; with `__Host-` before it where our pages are https.
const COOKIE: &str = "shoptalk_login";

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

    /// Begins a login of this channel for the browser that sent `headers`. `bound_to` is what the login is for: it comes
    /// back from [`Logins::finish`], and from nowhere else.
    ///
    /// # Errors
    /// When the database fails or the operating system gives no random bytes.
    pub async fn begin(&self, channel: &'static str, headers: &HeaderMap, bound_to: String) -> Result<Begun, AppError> {
        let state = random_hex()?;
        // A second login in another tab keeps the first one alive: the browser is the same.
        let browser = match self.browser(headers) {
            Some(browser) => browser,
            None => random_hex()?,
        };
        self.states
            .insert(
                self.hash(b"state", &state),
                channel,
                self.hash(b"browser", &browser),
                bound_to,
                self.clock.now_ms(),
            )
            .await?;
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
        const REFUSED: &str = "This login link was used already, has expired, or belongs to another browser. If your \
                               account is shown as connected, all is well; otherwise please start the login again.";
        let (Some(state), Some(browser)) = (state, self.browser(headers)) else {
            return Err(AppError::bad_request(REFUSED));
        };
        self.states
            .take(self.hash(b"state", state), channel, self.hash(b"browser", &browser), self.clock.now_ms())
            .await?
            .ok_or_else(|| AppError::bad_request(REFUSED))
    }

    fn cookie_name(&self) -> String {
        cookies::own_name(COOKIE, self.secure)
    }

    fn browser(&self, headers: &HeaderMap) -> Option<String> {
        let value = cookies::find(headers, &self.cookie_name())?;
        (value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| value.to_owned())
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
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the operating system gives no random bytes"))?;
    Ok(to_hex(&bytes))
}
