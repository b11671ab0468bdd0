//! HMAC over raw bytes: sign, and verify in constant time. What is signed with what is each channel's own fact.

use std::sync::atomic::{AtomicU64, Ordering};

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::Sha256;

use crate::shared::telemetry::once_per_second::OncePerSecond;

/// Which of the valid secrets made a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// The current one.
    Current,
    /// The one before it: a rotation is not over yet.
    Previous,
}

/// The secrets that are valid at the moment: the current one, and during a rotation also the previous one.
#[derive(Debug)]
pub struct Secrets {
    current: SecretString,
    previous: Option<SecretString>,
    /// How often only the previous one fitted.
    previous_uses: AtomicU64,
}

impl Secrets {
    /// The current secret, and the one before it where a rotation is under way.
    #[must_use]
    pub fn new(current: SecretString, previous: Option<SecretString>) -> Self {
        Self { current, previous, previous_uses: AtomicU64::new(0) }
    }

    /// How often a signature was made with the previous secret since the start; `None` where none is configured. Once
    /// this stands still, the previous one can go.
    #[must_use]
    pub fn previous_uses(&self) -> Option<u64> {
        self.previous.as_ref().map(|_| self.previous_uses.load(Ordering::Relaxed))
    }

    /// The secret to sign with.
    #[must_use]
    pub fn current(&self) -> &SecretString {
        &self.current
    }

    /// All that are valid: the current one first.
    pub fn all(&self) -> impl Iterator<Item = &SecretString> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    /// Whether `signature` is HMAC-SHA256 over `message` with either secret.
    #[must_use]
    pub fn verify_sha256(&self, message: &[u8], signature: &[u8]) -> bool {
        self.find_signer_sha256(message, signature).is_some()
    }

    /// Which secret made `signature` as HMAC-SHA256 over `message`, compared in constant time: any length but 32 is wrong. Both
    /// are always computed.
    #[must_use]
    pub fn find_signer_sha256(&self, message: &[u8], signature: &[u8]) -> Option<Signer> {
        self.find_signer_sha256_of(&[message], signature)
    }

    /// The same over the bytes of these pieces, one behind the other.
    #[must_use]
    pub fn find_signer_sha256_of(&self, pieces: &[&[u8]], signature: &[u8]) -> Option<Signer> {
        self.find(|secret| {
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { return false };
            pieces.iter().for_each(|piece| mac.update(piece));
            mac.verify_slice(signature).is_ok()
        })
    }

    /// Which secret made `signature` as HMAC-SHA1 over `message`. Both are always computed.
    #[must_use]
    pub fn find_signer_sha1(&self, message: &[u8], signature: &[u8]) -> Option<Signer> {
        self.find(|secret| {
            let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret.expose_secret().as_bytes()) else { return false };
            mac.update(message);
            mac.verify_slice(signature).is_ok()
        })
    }

    fn find(&self, check: impl Fn(&SecretString) -> bool) -> Option<Signer> {
        let current = check(&self.current);
        let previous = self.previous.as_ref().is_some_and(check);
        match (current, previous) {
            (true, _) => Some(Signer::Current),
            (false, true) => {
                static SAID: OncePerSecond = OncePerSecond::new();
                let uses = self.previous_uses.fetch_add(1, Ordering::Relaxed) + 1;
                if SAID.should_log().is_some() {
                    tracing::warn!(uses, "a signature was made with the previous secret");
                }
                Some(Signer::Previous)
            }
            (false, false) => None,
        }
    }
}

/// HMAC-SHA256 of `message` under `key`.
#[must_use]
pub fn sign_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    // HMAC takes keys of every length, so the constructor cannot fail; an empty result would verify nothing.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Lower-case hexadecimal.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads lower-case hexadecimal; `None` for an odd length or any other character. Platforms sign in lower case, and a
/// signature has one spelling (rule W2).
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16).and_then(|value| u8::try_from(value).ok());
    if !text.len().is_multiple_of(2) || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    text.as_bytes().chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_example_verifies_and_a_changed_byte_does_not() {
        let secrets = Secrets::new("example_app_secret".into(), None);
        let body = br#"{"object":"page","entry":[{"id":"100000000000101","time":1790000000123,"messaging":[{"sender":{"id":"7000000000000001"},"recipient":{"id":"100000000000101"},"timestamp":1790000000000,"message":{"mid":"m_demo-0001","text":"Caf\u00e9 \u20ac5 https:\/\/shop.example\/p?id=1"}}]}]}"#;
        let sha256 = from_hex("fdc00854ad516a33d9e8e7472617a619718f4dbfc8c240d3c4d12797fd0314f7").unwrap_or_default();
        let sha1 = from_hex("ac65a0fc99aee84c4af22be58d299c7faae7947d").unwrap_or_default();
        assert!(secrets.verify_sha256(body, &sha256));
        assert_eq!(secrets.find_signer_sha1(body, &sha1), Some(Signer::Current));
        assert!(!secrets.verify_sha256(&body[1..], &sha256));
        assert!(!secrets.verify_sha256(body, &sha256[..31]));
        assert!(!secrets.verify_sha256(body, &[]));
    }

    #[test]
    fn w3_a_previous_secret_is_accepted_only_while_it_is_configured_and_its_use_is_counted() {
        let (before, now) = (sign_sha256(b"the secret before", b"body"), sign_sha256(b"the secret now", b"body"));
        let alone = Secrets::new("the secret now".into(), None);
        assert!(!alone.verify_sha256(b"body", &before));
        assert_eq!(alone.previous_uses(), None);
        let both = Secrets::new("the secret now".into(), Some("the secret before".into()));
        assert!(both.verify_sha256(b"body", &now) && !both.verify_sha256(b"other", &before));
        assert_eq!(both.previous_uses(), Some(0));
        assert!(both.verify_sha256(b"body", &before));
        assert_eq!(both.previous_uses(), Some(1));
    }

    #[test]
    fn w3_both_secrets_are_always_computed() {
        let both = Secrets::new("the secret now".into(), Some("the secret before".into()));
        for fits in ["the secret now", "the secret before", "neither"] {
            let computed = std::cell::Cell::new(0);
            let verified = both.find(|secret| {
                computed.set(computed.get() + 1);
                secret.expose_secret() == fits
            });
            assert_eq!((verified.is_some(), computed.get()), (fits != "neither", 2), "{fits}");
        }
    }

    #[test]
    fn hex_of_odd_length_in_upper_case_or_with_signs_is_refused() {
        assert_eq!(from_hex("0aff"), Some(vec![10, 255]));
        assert_eq!(from_hex("0aFf"), None);
        assert_eq!(from_hex("0aF"), None);
        assert_eq!(from_hex("+a"), None);
        assert_eq!(from_hex("0ä"), None);
    }
}
