//! Which files changed: the rows of the table `object_copies`, written where a connection is at hand.

use rusqlite::{Connection, params};

/// When a changed file is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// So long after its last change, in milliseconds.
    pub rest_ms: i64,
    /// At the latest so long after its first change, and not before so long after its last copy, in milliseconds.
    pub every_ms: i64,
}

/// The folder of the account that a file belongs to, and what the file is called without `.json`. `None`: it belongs to no
/// account. The folder is `<channel>/<account>`, or `<account>` where that is a domain.
#[must_use]
pub fn place_of(path: &str) -> Option<(&str, &str)> {
    let (first, rest) = path.split_once('/')?;
    let folder = if first.contains('.') { first } else { path.get(..first.len() + 1 + rest.split_once('/')?.0.len())? };
    let name = path.rsplit('/').next()?;
    Some((folder, name.strip_suffix(".json").unwrap_or(name)))
}

/// Writes down that a file changes, as part of a larger write.
///
/// # Errors
/// When the database fails.
pub(super) fn note_file_change(connection: &Connection, path: &str, now_ms: i64, pace: Pace) -> rusqlite::Result<()> {
    let Some((folder, stem)) = place_of(path) else { return Ok(()) };
    connection
        .prepare_cached(
            "INSERT INTO object_copies (path, folder, stem, first_at, due_at) VALUES (?1, ?2, ?3, ?4, ?4 + min(?5, ?6))
             ON CONFLICT (path) DO UPDATE SET
                generation = generation + 1, first_at = coalesce(first_at, ?4),
                due_at = max(min(?4 + ?5, coalesce(first_at, ?4) + ?6), not_before)",
        )?
        .execute(params![path, folder, stem, now_ms, pace.rest_ms, pace.every_ms])
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::place_of;

    #[test]
    fn a_file_belongs_to_the_folder_of_its_account() {
        for (path, folder, stem) in [
            ("facebook/1/page_metadata.json", "facebook/1", "page_metadata"),
            ("facebook/1/conversations/7.json", "facebook/1", "7"),
            ("facebook/1/media/index/7.json", "facebook/1", "7"),
            ("facebook/1/media/0a.jpg", "facebook/1", "0a.jpg"),
            ("demo-shop.myshopify.com/shop_products.json", "demo-shop.myshopify.com", "shop_products"),
            ("viber/-_A.b/conversations/US.9.json", "viber/-_A.b", "US.9"),
        ] {
            assert_eq!(place_of(path), Some((folder, stem)), "{path}");
        }
        for path in ["", "a.json", "facebook", "facebook/1"] {
            assert_eq!(place_of(path), None, "{path}");
        }
    }
}
