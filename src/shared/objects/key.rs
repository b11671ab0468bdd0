//! What objects are called: `users/<uuid>/<channel>/<account>/…`, made of the merchant's id and a file's own path, both
//! parsed.

use std::fmt;

use uuid::Uuid;

use crate::shared::files::output::RelativePath;

/// The object that says to which installation the bucket belongs.
pub const MARKER: &str = "users/.shoptalk-owner";

/// The name of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// The object that says to which installation the bucket belongs.
    #[must_use]
    pub fn marker() -> Self {
        Self(MARKER.to_owned())
    }

    /// Below which name the objects of an account stand that belongs to this merchant. It ends with a slash.
    #[must_use]
    pub fn prefix(merchant: Uuid, channel: &str, account: &str) -> String {
        format!("users/{merchant}/{channel}/{account}/")
    }

    /// The object of the file `rest` in its account's folder.
    ///
    /// # Errors
    /// When the name could be more than plain names with slashes between them. Paths are parsed long before; this is the
    /// last line of defence.
    pub fn below(prefix: &str, rest: &str) -> std::io::Result<Self> {
        let key = format!("{prefix}{rest}");
        RelativePath::parse(&key)?;
        Ok(Self(key))
    }

    /// An object as a list of the bucket names it. `None`: its name would be another one as an address (`a/../b`), so it is
    /// none of ours, and whoever put it there shall not have another one asked for, or deleted, by our hand.
    #[must_use]
    pub fn listed(key: String) -> Option<Self> {
        let is_another = key.split('/').any(|part| matches!(part, "." | ".."));
        (!is_another).then_some(Self(key))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Whether objects of this account's files belong below `<channel>/<account>/`: each of its folders, by its path.
pub fn account_folder(channel: &str, account: &str) -> impl Iterator<Item = String> {
    RelativePath::folders_of(channel, account).into_iter().map(|folder| folder.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k1_an_object_is_named_after_its_merchant_and_its_path_and_nothing_else_is_let_in() {
        let prefix = ObjectKey::prefix(Uuid::nil(), "facebook", "1001");
        assert_eq!(prefix, "users/00000000-0000-0000-0000-000000000000/facebook/1001/");
        let key = ObjectKey::below(&prefix, "conversations/-_.A.json");
        assert_eq!(key.expect("a name").as_str(), format!("{prefix}conversations/-_.A.json"));
        for bad in ["", "../x", "a//b", "/a", "a/", ".a", "a b", "a?b", "a%2fb", "ä", "a\0", "a\n"] {
            assert!(ObjectKey::below(&prefix, bad).is_err(), "{bad:?}");
        }
        for (listed, is_taken) in
            [("a b/%2e%2e/ä", true), ("a/../b", false), ("..", false), ("a/./b", false), ("a/..b", true)]
        {
            assert_eq!(ObjectKey::listed(format!("{prefix}{listed}")).is_some(), is_taken, "{listed}");
        }
    }
}
