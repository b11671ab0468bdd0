//! What is known of the bucket and of the accounts whose files are copied. Data alone: those who copy hold it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

/// What is known of the bucket.
#[derive(Default)]
pub struct Gate {
    /// When it is looked at again, in milliseconds since 1970; 0: it was never looked at.
    pub next_look: i64,
    /// How often in a row it did not answer.
    pub failures: i64,
    /// Since when, in milliseconds since 1970.
    pub failing_since: Option<i64>,
    /// Whether uploads are numbered although the bucket keeps no versions, as was found since the last look.
    pub numbers_uploads: bool,
    /// Whether a request was denied, and writing was not proved to be allowed since.
    pub is_denied: bool,
}

/// To whom an account belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The merchant.
    pub merchant: Uuid,
    /// Below which name its objects stand.
    pub prefix: String,
}

/// What is known of accounts, by the folders of their files.
#[derive(Default)]
pub struct Owners {
    /// `None`: it was not read yet.
    pub by_folder: Option<HashMap<String, Owner>>,
    /// Below which names objects may stand: those that are written down.
    pub prefixes: Option<BTreeMap<String, BTreeSet<String>>>,
    /// When it was read, in milliseconds since 1970.
    pub read_at: i64,
    /// Accounts with objects that nobody has connected, and since when that is known.
    pub lost: HashMap<String, i64>,
    /// Whether objects may stand where they do not belong.
    pub has_strays: bool,
}

impl Owners {
    /// To whom the files in this folder belong; `None`: to nobody, or it was not read yet.
    #[must_use]
    pub fn of(&self, folder: &str) -> Option<Owner> {
        self.by_folder.as_ref()?.get(folder).cloned()
    }

    /// Below which names objects of the account with this folder may stand.
    #[must_use]
    pub fn prefixes_of(&self, folder: &str) -> Vec<String> {
        self.prefixes.iter().filter_map(|all| all.get(folder)).flatten().cloned().collect()
    }

    /// They are read again before anything is done.
    pub fn forget(&mut self) {
        self.prefixes = None;
        self.by_folder = None;
    }

    /// Whether that name is written down for the account.
    #[must_use]
    pub fn is_known(&self, folder: &str, prefix: &str) -> bool {
        self.prefixes.as_ref().and_then(|all| all.get(folder)).is_some_and(|of| of.contains(prefix))
    }
}
