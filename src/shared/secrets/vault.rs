//! Seals and opens secrets at rest: AES-256-GCM with a key id, a random nonce, and the row's identity authenticated.
//!
//! One master key; HKDF-SHA256 makes one key per purpose out of it, so that no key serves two purposes. A sealed value
//! is `version (1) ‖ key id (4) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`. It opens only in the row and column that it was
//! sealed for.
//!
//! While the master key is rotated there are two: the first seals, both open. What is sealed anew and when the old key
//! goes is decided by the command `keys rotate`.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const HEADER_BYTES: usize = 1 + KEY_ID_BYTES + NONCE_BYTES;

/// Names a master key in everything that it sealed. Says nothing about the key.
pub type KeyId = [u8; KEY_ID_BYTES];

/// What a derived key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Platform tokens in `tokens.db`.
    Tokens,
    /// What a browser session knows, in `sessions.db`.
    Sessions,
    /// The key under which OAuth states are hashed.
    LoginStates,
    /// The key of the form tokens in our pages.
    Forms,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Tokens => b"shoptalk tokens",
            Self::Sessions => b"shoptalk sessions",
            Self::LoginStates => b"shoptalk login states",
            Self::Forms => b"shoptalk forms",
        }
    }
}

/// Where a sealed value lives. A value moved to another place does not open.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The channel, or empty.
    pub channel: &'a str,
    /// The account, or empty.
    pub account: &'a str,
    /// What else names the row.
    pub row: &'a [u8],
}

impl Place<'_> {
    fn associated_data(&self) -> Vec<u8> {
        let mut data = vec![VERSION];
        for part in
            [self.table.as_bytes(), self.column.as_bytes(), self.channel.as_bytes(), self.account.as_bytes(), self.row]
        {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part);
        }
        data
    }
}

/// Why a sealed value does not open. None of these says anything about the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Empty, cut off, or of a version that this program does not know.
    #[error("the sealed value is not readable")]
    Malformed,
    /// Sealed with a key that is not here.
    #[error("the sealed value belongs to another master key")]
    UnknownKey,
    /// Changed, or moved to another row, column or account.
    #[error("the sealed value was changed or moved")]
    Rejected,
}

struct MasterKey {
    id: KeyId,
    bytes: Zeroizing<[u8; 32]>,
}

impl MasterKey {
    fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        let digest = Sha256::new().chain_update(b"shoptalk key id").chain_update(bytes.as_ref()).finalize();
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&digest[..KEY_ID_BYTES]);
        Self { id, bytes }
    }

    fn derive(&self, purpose: Purpose) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        // 32 bytes are far below HKDF's limit of 255 hashes, the only way in which it can fail.
        let _ = Hkdf::<Sha256>::new(None, self.bytes.as_ref()).expand(purpose.label(), key.as_mut());
        key
    }
}

/// Holds the master keys and gives out nothing but sealed and opened values. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Inside>);

struct Inside {
    /// The first one seals. Never empty.
    keys: RwLock<Vec<Arc<MasterKey>>>,
    /// How often was sealed with the first one since the last [`Vault::take_seals`].
    seals: AtomicU64,
}

impl Vault {
    /// A vault with this master key.
    #[must_use]
    pub fn new(master_key: Zeroizing<[u8; 32]>) -> Self {
        Self::with_older(master_key, Vec::new())
    }

    /// A vault that seals with the first key and opens with all.
    #[must_use]
    pub fn with_older(master_key: Zeroizing<[u8; 32]>, older: Vec<Zeroizing<[u8; 32]>>) -> Self {
        let keys = std::iter::once(master_key).chain(older).map(|key| Arc::new(MasterKey::new(key))).collect();
        Self(Arc::new(Inside { keys: RwLock::new(keys), seals: AtomicU64::new(0) }))
    }

    /// Reads the master keys from `path`, or makes one there: with mode 0600 and on disk, file and folder, before it is
    /// used. Each line is a key; a second one is there while the key is rotated.
    ///
    /// # Errors
    /// When the file is readable by others, holds no key, or cannot be read or made.
    pub fn from_key_file(path: &Path) -> anyhow::Result<Self> {
        let folder = folder_of(path);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        match fs::File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let key = random_key()?;
                write_keys(path, &[&key])?;
                Ok(Self::new(key))
            }
            Ok(mut file) => {
                let mode = file.metadata()?.mode();
                ensure!(
                    mode & 0o077 == 0,
                    "the key file {} can be read by others (mode {:o}); make it yours alone: chmod 600 {}",
                    path.display(),
                    mode & 0o777,
                    path.display()
                );
                let mut text = Zeroizing::new(String::new());
                file.read_to_string(&mut text)?;
                // One key at least, so that an empty file is named as what it is.
                let mut lines = text.trim().lines();
                let first = parse_key(lines.next().unwrap_or_default());
                let older = lines.map(parse_key).collect::<anyhow::Result<Vec<_>>>();
                let keys = first.and_then(|first| Ok((first, older?)));
                let (first, older) = keys.with_context(|| format!("the key file {} holds no key", path.display()))?;
                Ok(Self::with_older(first, older))
            }
            Err(error) => Err(error).with_context(|| format!("the key file {} cannot be read", path.display())),
        }
    }

    /// Makes a new key in the key file at `path`, before the ones that are there, and seals with it from now on.
    ///
    /// # Errors
    /// When the file cannot be written. Nothing has changed then.
    pub fn add_key(&self, path: &Path) -> anyhow::Result<()> {
        let key = random_key()?;
        let older = self.keys().clone();
        let mut all = vec![&key];
        all.extend(older.iter().map(|older| &older.bytes));
        write_keys(path, &all)?;
        // Only now: what is sealed with a key that is in no file would be lost.
        let mut keys = self.0.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.insert(0, Arc::new(MasterKey::new(key)));
        self.0.seals.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Forgets all keys but the one that seals, first in the key file at `path`.
    ///
    /// # Errors
    /// When the file cannot be written. All keys are still there then.
    pub fn drop_older(&self, path: &Path) -> anyhow::Result<()> {
        let newest = Arc::clone(&self.keys()[0]);
        write_keys(path, &[&newest.bytes])?;
        self.0.keys.write().unwrap_or_else(PoisonError::into_inner).truncate(1);
        Ok(())
    }

    /// The key that seals.
    #[must_use]
    pub fn newest(&self) -> KeyId {
        self.keys()[0].id
    }

    /// Whether there are keys that only open: a rotation is under way.
    #[must_use]
    pub fn has_older(&self) -> bool {
        self.keys().len() > 1
    }

    /// How often was sealed since this was last asked.
    pub fn take_seals(&self) -> u64 {
        self.0.seals.swap(0, Ordering::Relaxed)
    }

    /// What [`Vault::take_seals`] gave could not be written down.
    pub fn give_back_seals(&self, seals: u64) {
        self.0.seals.fetch_add(seals, Ordering::Relaxed);
    }

    fn keys(&self) -> RwLockReadGuard<'_, Vec<Arc<MasterKey>>> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn sealing(&self) -> Arc<MasterKey> {
        Arc::clone(&self.keys()[0])
    }

    /// Seals `plaintext` for this place.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn seal(&self, purpose: Purpose, place: &Place<'_>, plaintext: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).context("the operating system gives no random bytes")?;
        let key = self.sealing();
        self.0.seals.fetch_add(1, Ordering::Relaxed);
        let Ok(cipher) = Aes256Gcm::new_from_slice(key.derive(purpose).as_ref()) else {
            bail!("the derived key has the wrong length")
        };
        let payload = Payload { msg: plaintext, aad: &place.associated_data() };
        let Ok(ciphertext) = cipher.encrypt(&Nonce::from(nonce), payload) else {
            bail!("the value is too long to seal")
        };
        let mut sealed = Vec::with_capacity(HEADER_BYTES + ciphertext.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&key.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }

    /// Opens a value sealed for this place.
    ///
    /// # Errors
    /// [`VaultError`], for every input: this never panics.
    pub fn open(&self, purpose: Purpose, place: &Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        if sealed.len() < HEADER_BYTES + TAG_BYTES || sealed[0] != VERSION {
            return Err(VaultError::Malformed);
        }
        let (header, ciphertext) = sealed.split_at(HEADER_BYTES);
        let (key_id, nonce) = header[1..].split_at(KEY_ID_BYTES);
        let key = self.keys().iter().find(|key| key.id == key_id).map(Arc::clone).ok_or(VaultError::UnknownKey)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| VaultError::Malformed)?;
        let cipher = Aes256Gcm::new_from_slice(key.derive(purpose).as_ref()).map_err(|_| VaultError::Malformed)?;
        let payload = Payload { msg: ciphertext, aad: &place.associated_data() };
        cipher.decrypt(&Nonce::from(nonce), payload).map(Zeroizing::new).map_err(|_| VaultError::Rejected)
    }

    /// A key for HMAC, of this purpose alone. It follows from the master key that seals, so it changes with it.
    #[must_use]
    pub fn derive(&self, purpose: Purpose) -> Zeroizing<[u8; 32]> {
        self.sealing().derive(purpose)
    }
}

/// The key with whose id a sealed value begins; `None` for what is no sealed value.
#[must_use]
pub fn key_of(sealed: &[u8]) -> Option<KeyId> {
    sealed.get(1..=KEY_ID_BYTES)?.try_into().ok()
}

fn random_key() -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut()).context("the operating system gives no random bytes")?;
    Ok(key)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn write_keys(path: &Path, keys: &[&Zeroizing<[u8; 32]>]) -> anyhow::Result<()> {
    let mut text = Zeroizing::new(String::with_capacity(keys.len() * 45));
    for key in keys {
        text.push_str(&Zeroizing::new(STANDARD.encode(key.as_ref())));
        text.push('\n');
    }
    write_whole(folder_of(path), path, &text)
        .with_context(|| format!("the key file {} cannot be made; is the disk full?", path.display()))
}

/// Writes a file whole or not at all: on a full disk, or when the process is killed meanwhile, no half of a key stays
/// behind, and the keys before are still there.
fn write_whole(folder: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    // Left behind by a process that was killed; the data folder is ours alone.
    let _ = fs::remove_file(&beside);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if let Err(error) = written.and_then(|()| fs::rename(&beside, path)) {
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    fs::File::open(folder)?.sync_all()
}

/// Reads a master key: 32 bytes, base64 with padding.
///
/// # Errors
/// When it is not base64, not 32 bytes, or so uniform that it cannot be random (fewer than 8 distinct bytes).
pub fn parse_key(text: &str) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| anyhow::anyhow!("it is not base64"))?);
    let key: [u8; 32] =
        bytes.as_slice().try_into().map_err(|_| anyhow::anyhow!("it has {} bytes instead of 32", bytes.len()))?;
    let mut distinct = key.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    ensure!(distinct.len() >= 8, "it is not random: fewer than 8 different bytes");
    Ok(Zeroizing::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> Vault {
        let mut key = [0u8; 32];
        key.iter_mut().zip(0u8..).for_each(|(byte, n)| *byte = n);
        Vault::new(Zeroizing::new(key))
    }

    const PLACE: Place<'_> =
        Place { table: "tokens", column: "sealed", channel: "shopify", account: "a.myshopify.com", row: b"access" };

    #[test]
    fn a_sealed_value_opens_only_in_its_place_and_for_its_purpose() {
        let vault = vault();
        let sealed = vault.seal(Purpose::Tokens, &PLACE, b"secret").unwrap_or_default();
        assert_eq!(vault.open(Purpose::Tokens, &PLACE, &sealed).as_deref().map(Vec::as_slice), Ok(&b"secret"[..]));
        for moved in [
            Place { table: "sessions", ..PLACE },
            Place { column: "other", ..PLACE },
            Place { channel: "facebook", ..PLACE },
            Place { account: "b.myshopify.com", ..PLACE },
            Place { row: b"another row", ..PLACE },
        ] {
            assert_eq!(vault.open(Purpose::Tokens, &moved, &sealed), Err(VaultError::Rejected));
        }
        // The same bytes, cut at another place: the lengths are authenticated too.
        let shifted = Place { channel: "shopifya", account: ".myshopify.com", ..PLACE };
        assert_eq!(vault.open(Purpose::Tokens, &shifted, &sealed), Err(VaultError::Rejected));
        assert_eq!(vault.open(Purpose::Sessions, &PLACE, &sealed), Err(VaultError::Rejected));
    }

    #[test]
    fn damaged_values_are_errors_and_never_panics() {
        let vault = vault();
        let sealed = vault.seal(Purpose::Tokens, &PLACE, b"secret").unwrap_or_default();
        for length in 0..sealed.len() {
            assert!(vault.open(Purpose::Tokens, &PLACE, &sealed[..length]).is_err());
        }
        for index in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[index] ^= 1;
            assert!(vault.open(Purpose::Tokens, &PLACE, &flipped).is_err(), "byte {index}");
        }
    }

    #[test]
    fn t5_with_two_keys_the_first_seals_and_both_open() {
        let old = vault();
        let before = old.seal(Purpose::Tokens, &PLACE, b"secret").unwrap();
        let key = |first: u8| Zeroizing::new(std::array::from_fn(|at| first.wrapping_add(at as u8)));
        let both = Vault::with_older(key(100), vec![key(0)]);
        assert_eq!(both.open(Purpose::Tokens, &PLACE, &before).unwrap().as_slice(), b"secret");
        let after = both.seal(Purpose::Tokens, &PLACE, b"secret").unwrap();
        assert_eq!((key_of(&before), key_of(&after)), (Some(old.newest()), Some(both.newest())));
        assert_eq!(old.open(Purpose::Tokens, &PLACE, &after), Err(VaultError::UnknownKey));
        assert_eq!((both.take_seals(), both.take_seals()), (1, 0));
    }

    #[test]
    fn t8_a_key_file_is_only_ever_there_whole_and_for_us_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/master.key");
        // Left behind by a process that was killed while it made the file.
        fs::create_dir(folder.path().join("keys")).unwrap();
        fs::write(path.with_extension("new"), "half a k").unwrap();
        let vault = Vault::from_key_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let first = vault.newest();
        vault.add_key(&path).unwrap();
        let again = Vault::from_key_file(&path).unwrap();
        assert!(again.has_older() && again.newest() == vault.newest() && again.newest() != first);
        vault.drop_older(&path).unwrap();
        let again = Vault::from_key_file(&path).unwrap();
        assert!(!again.has_older() && again.newest() == vault.newest());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(Vault::from_key_file(&path).is_err(), "{mode:o}: others can read it");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(Vault::from_key_file(&path).is_ok());
        for content in ["", "\n", "x", "AAAA\n"] {
            fs::write(&path, content).unwrap();
            assert!(Vault::from_key_file(&path).is_err(), "{content:?}");
        }
    }

    #[test]
    fn two_seals_of_one_value_differ() {
        let vault = vault();
        let seal = || vault.seal(Purpose::Tokens, &PLACE, b"secret").unwrap_or_default();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn a_key_that_is_short_or_uniform_is_refused() {
        assert!(parse_key(&STANDARD.encode([7u8; 32])).is_err());
        assert!(parse_key(&STANDARD.encode([1u8, 2, 3])).is_err());
        assert!(parse_key("not base64!").is_err());
    }
}
