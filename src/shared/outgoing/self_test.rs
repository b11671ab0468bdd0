//! A signed self-test of our public webhook address: it proves the tunnel and the secret, and leaves no trace.
//!
//! The body holds a one-time nonce. Our own webhook route recognises it after the signature was checked, and answers
//! without storing anything.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::Method;
use serde::Serialize;
use url::Url;

use super::http::Http;
use crate::shared::logins::random_hex;
use crate::shared::raw_json::Object;

const MEMBER: &str = "shoptalk_self_test";

/// The member of a probe that `shoptalk doctor` sends, which is another process and has no nonce in this one's memory.
const OF_DOCTOR: &str = "shoptalk_doctor";

/// A probe of the doctor with this nonce: to be signed and sent as a delivery. The service stores nothing and answers with
/// the nonce alone.
#[must_use]
pub fn probe(nonce: &str) -> String {
    serde_json::json!({ OF_DOCTOR: nonce }).to_string()
}

/// Longer bodies are none of ours.
const LONGEST: usize = 1024;

/// A body of our own, whose signature is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Own {
    /// A self-test of this process, recognised once.
    Test,
    /// A self-test of another process, or one that was recognised before. It is signed with the app's secret and goes through
    /// strangers' machines, so it must never be anything else.
    OldTest,
    /// A probe of the doctor, with its nonce.
    Probe(String),
}

/// How long a nonce lives.
const LIFETIME: Duration = Duration::from_secs(60);

/// How long the test waits for an answer: as long as the stricter of the platforms would.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came of a self-test.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// The address that was tested.
    pub address: String,
    /// Whether a signed delivery reached this process.
    pub passed: bool,
    /// What happened, in words.
    pub detail: &'static str,
}

/// The nonces under way. Cheap to clone.
#[derive(Clone, Default)]
pub struct SelfTests(Arc<Mutex<HashMap<String, Instant>>>);

impl SelfTests {
    /// What of ours this body is, whose signature is right; `None`: none of ours.
    #[must_use]
    pub fn recognise(&self, body: &[u8]) -> Option<Own> {
        let text = std::str::from_utf8(body).ok().filter(|text| text.len() <= LONGEST)?;
        let object = Object::parse(text)?;
        if object.has(MEMBER) {
            let is_of_this_process = object.text(MEMBER).is_some_and(|nonce| self.take(&nonce, Instant::now()));
            return Some(if is_of_this_process { Own::Test } else { Own::OldTest });
        }
        let nonce = object.text(OF_DOCTOR)?;
        let is_one = nonce.len() == 64 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_one.then(|| Own::Probe(nonce.into()))
    }

    /// Posts a self-test to `address`; `sign` gives the headers of a delivery with this body.
    pub async fn run(
        &self,
        http: &Http,
        address: &Url,
        sign: impl FnOnce(&[u8]) -> Vec<(&'static str, String)>,
    ) -> Outcome {
        let outcome = |passed, detail| Outcome { address: address.to_string(), passed, detail };
        let Ok(nonce) = random_hex() else { return outcome(false, "no random bytes could be had") };
        let body = serde_json::json!({ MEMBER: nonce }).to_string();
        self.issue(&nonce, Instant::now());
        let mut request = http
            .request(Method::POST, address.clone())
            .timeout(PATIENCE)
            .header(http::header::CONTENT_TYPE, "application/json");
        for (name, value) in sign(body.as_bytes()) {
            request = request.header(name, value);
        }
        let answer = http.send(request.body(body)).await;
        let arrived = !self.take(&nonce, Instant::now());
        match answer {
            Ok(answer) if answer.status.is_success() && arrived => {
                outcome(true, "a signed delivery came back to this service")
            }
            Ok(answer) if answer.status.is_success() => {
                outcome(false, "something answered at this address, but it is not this service")
            }
            Ok(answer) if answer.status.as_u16() == 401 => {
                outcome(false, "the delivery arrived, but its signature was refused: the app secret differs")
            }
            Ok(_) => outcome(false, "the address answered with an error: check the tunnel or reverse proxy"),
            Err(_) => outcome(false, "the address could not be reached from here: check the tunnel or reverse proxy"),
        }
    }

    fn issue(&self, nonce: &str, now: Instant) {
        self.nonces().insert(nonce.to_owned(), now + LIFETIME);
    }

    fn take(&self, nonce: &str, now: Instant) -> bool {
        let mut nonces = self.nonces();
        nonces.retain(|_, ends| *ends > now);
        nonces.remove(nonce).is_some()
    }

    fn nonces(&self) -> std::sync::MutexGuard<'_, HashMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w11_a_nonce_is_good_for_one_use_within_a_minute() {
        let (tests, begun) = (SelfTests::default(), Instant::now());
        for nonce in ["used", "late"] {
            tests.issue(nonce, begun);
        }
        let almost = begun + LIFETIME - Duration::from_millis(1);
        assert!(!tests.take("another", almost));
        assert!(tests.take("used", almost));
        assert!(!tests.take("used", almost));
        assert!(!tests.take("late", begun + LIFETIME));
        assert!(!tests.take("late", begun), "nor does it live again when the clock stands still");
    }

    #[test]
    fn w11_what_is_ours_is_told_from_deliveries() {
        let tests = SelfTests::default();
        tests.issue("now", Instant::now());
        let test = |nonce: &str| serde_json::json!({ MEMBER: nonce }).to_string();
        for (body, expected) in [
            (test("now"), Some(Own::Test)),
            (test("now"), Some(Own::OldTest)),
            (test("another"), Some(Own::OldTest)),
            (format!("{{\"{MEMBER}\":1}}"), Some(Own::OldTest)),
            (probe(&"0".repeat(64)), Some(Own::Probe("0".repeat(64)))),
            (probe("short"), None),
            ("{\"object\":\"page\"}".to_owned(), None),
            (format!("{{\"{MEMBER}\":\"{}\"}}", "x".repeat(LONGEST)), None),
            ("not JSON".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(tests.recognise(body.as_bytes()), expected, "{body}");
        }
        assert_eq!(tests.recognise(&[0xff]), None);
    }
}
