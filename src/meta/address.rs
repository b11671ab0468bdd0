//! Whether our webhook address answers as Meta wants it, asked from outside.

use http::Method;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::shared::channel::finding::Finding;
use crate::shared::logins::random_hex;
use crate::shared::outgoing::http::Http;

/// Asks a webhook address as Meta does when it verifies it. `variable`: the setting that holds the verify token; `effect`:
/// what follows where the answer is wrong.
pub async fn challenge(
    http: &Http,
    address: &Url,
    (variable, verify_token): (&str, &SecretString),
    effect: &'static str,
) -> Option<Finding> {
    let nonce = random_hex().ok()?;
    let mut url = address.clone();
    url.query_pairs_mut()
        .append_pair("hub.mode", "subscribe")
        .append_pair("hub.verify_token", verify_token.expose_secret())
        .append_pair("hub.challenge", &nonce);
    match http.send(http.request(Method::GET, url)).await {
        Ok(answer) if answer.status.is_success() && answer.body.as_ref() == nonce.as_bytes() => None,
        Ok(answer) if answer.status.as_u16() == 403 => Some(Finding::error(
            "verify_token_differs",
            address.as_str(),
            format!("what answers at the public address has another {variable}"),
            effect,
            "start the service again, so that it reads its settings; see that only one service is behind this address",
        )),
        Ok(answer) => Some(Finding::public_wrong_answer(address, answer.status.as_u16(), effect)),
        Err(error) => Some(Finding::public_unreachable(address, &error, effect)),
    }
}
