//! Random bytes of the operating system: the one source of names that nobody can guess.

use super::signature::to_hex;

/// So many random bytes.
///
/// # Errors
/// When the operating system gives none.
fn random_bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the operating system gives no random bytes"))?;
    Ok(bytes)
}

/// So many random bytes as lower-case hex: of 16 a name that is guessed by nobody, of 32 a secret.
///
/// # Errors
/// When the operating system gives none.
pub fn random_hex<const N: usize>() -> anyhow::Result<String> {
    Ok(to_hex(&random_bytes::<N>()?))
}
