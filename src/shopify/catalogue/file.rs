//! Keeps `shop_products.json` the same as the records: written whole where much has changed, and in places where little has.
//!
//! A shop of ten thousand products makes a file of tens of megabytes. A node stands on a line of its own, lists and nodes
//! are in order, so a changed product is found by bisection and exchanged; what stays is copied inside the kernel.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::kinds::{COLLECTION, DISCOUNT, PRODUCT, READ};
use crate::shared::channel::reader::ReadError;
use crate::shared::files::output::{Piece, Written};
use crate::shared::files::stamp::Stamp;
use crate::shared::raw_json::Object;
use crate::shared::store::{Change, Edit};
use crate::shopify::document;
use crate::shopify::document::{SECTIONS, Section};
use crate::shopify::names::NAME;
use crate::shopify::payload::ShopDomain;
use crate::shopify::state::Shopify;

/// The cursor that says which file shows all records of a shop. It is forgotten in the transaction that changes one.
pub const SHOWN: &str = "catalogue";

/// How much of the file is looked at at once.
const LOOK_BYTES: usize = 16 * 1024;

/// Makes these changes, and the file with them. Gives back what changed.
///
/// # Errors
/// When the journal or the file cannot be written. The changes may be stored then; the next call writes the file.
pub async fn change(shopify: &Shopify, shop: &ShopDomain, edits: Vec<Edit>) -> Result<Vec<Change>, ReadError> {
    let _alone = shopify.locks.of(shop).await;
    let shared = &shopify.shared;
    let (changes, shown) = shared.journal.change_records(NAME, shop.as_str(), edits, SHOWN).await?;
    let visible: Vec<Change> =
        changes.iter().filter(|change| [PRODUCT, DISCOUNT, COLLECTION].contains(&change.kind)).cloned().collect();
    if !is_known_whole(shopify, shop).await? {
        return Ok(changes);
    }
    let stamp = match shown {
        Some(shown) if !changes.is_empty() => shown.parse::<Stamp>().ok(),
        _ => None,
    };
    if let Some(stamp) = stamp {
        let (output, path) = (shared.output.clone(), document::products_path(shop));
        let spliced = tokio::task::spawn_blocking(move || {
            output.splice(&path, stamp, |file, bytes| Document(file, bytes).pieces(&visible))
        });
        if let Some(stamp) = spliced.await.map_err(std::io::Error::other)?? {
            shared.journal.save_account_cursor(NAME, shop.as_str(), SHOWN, Some(stamp.to_string())).await?;
            return Ok(changes);
        }
    }
    show(shopify, shop).await?;
    Ok(changes)
}

/// Whether everything of a shop was read once. Until then there is no file of its catalogue: it says of itself that it is
/// complete.
async fn is_known_whole(shopify: &Shopify, shop: &ShopDomain) -> Result<bool, ReadError> {
    Ok(shopify.shared.journal.find_account_cursor(NAME, shop.as_str(), READ).await?.is_some())
}

/// Writes the file anew, whatever is known of it, unless the shop was never read to its end.
///
/// # Errors
/// When the journal or the file cannot be used.
pub async fn rewrite(shopify: &Shopify, shop: &ShopDomain) -> Result<(), ReadError> {
    let _alone = shopify.locks.of(shop).await;
    if !is_known_whole(shopify, shop).await? {
        return Ok(());
    }
    write_whole(shopify, shop).await
}

/// Makes the file show all records, if it does not already and the shop was read to its end once. The caller holds the
/// shop's lock.
///
/// # Errors
/// When the journal or the file cannot be used.
pub async fn show(shopify: &Shopify, shop: &ShopDomain) -> Result<(), ReadError> {
    let shared = &shopify.shared;
    if !is_known_whole(shopify, shop).await? {
        return Ok(());
    }
    if let Some(shown) = shared.journal.find_account_cursor(NAME, shop.as_str(), SHOWN).await? {
        let (output, path) = (shared.output.clone(), document::products_path(shop));
        let stamp = tokio::task::spawn_blocking(move || output.stamp(&path)).await.map_err(std::io::Error::other)??;
        if stamp.is_some_and(|stamp| stamp.to_string() == shown) {
            return Ok(());
        }
    }
    write_whole(shopify, shop).await
}

async fn write_whole(shopify: &Shopify, shop: &ShopDomain) -> Result<(), ReadError> {
    let shared = &shopify.shared;
    let (output, path, account) = (shared.output.clone(), document::products_path(shop), shop.to_string());
    let written = shared.journal.look(move |journal| {
        let mut failed = None;
        let written = output.write_from(&path, |writer| {
            document::write_catalogue::<std::io::Error>(writer, |section, show| {
                let kind = match section {
                    Section::Products => PRODUCT,
                    Section::CodeDiscounts | Section::AutomaticDiscounts => DISCOUNT,
                    Section::Collections => COLLECTION,
                };
                let shown = journal.each_record(NAME, &account, kind, |id, node| {
                    if kind == DISCOUNT && Section::of(id, node) != section { Ok(()) } else { show(node) }
                });
                shown.unwrap_or_else(|error| {
                    failed = Some(error);
                    Err(std::io::Error::other("the journal cannot be read"))
                })
            })
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(written),
        }
    });
    let (written, stamp) = written.await??;
    if written == Written::Replaced {
        tracing::debug!(shop = shop.as_str(), "a catalogue was written anew");
    }
    Ok(shared.journal.save_account_cursor(NAME, shop.as_str(), SHOWN, Some(stamp.to_string())).await?)
}

/// Where a node stands in the file: its list, and its id in it.
type Place = (Section, usize, String);

/// A line of the file.
struct Line {
    start: u64,
    /// Past its end, the line break included.
    end: u64,
    text: Vec<u8>,
}

/// A catalogue's file, and its length.
struct Document<'a>(&'a File, u64);

impl Document<'_> {
    /// What must be exchanged so that the file shows these changes. `None`: it does not show what was there before, or too
    /// much changes its place.
    fn pieces(&self, changes: &[Change]) -> std::io::Result<Option<Vec<Piece>>> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut moved = 0;
        for change in changes {
            let Some(node) = change.old.as_deref().or(change.new.as_deref()) else { return Ok(None) };
            let place = (Section::of(&change.id, node), change.id.len(), change.id.clone());
            let (at, found) = self.find(&place)?;
            let piece = match (&change.old, &change.new, found) {
                (Some(old), Some(new), Some(line)) if Section::of(&change.id, new) == place.0 => {
                    self.replacement(&line, old, new)
                }
                (None, Some(new), None) => {
                    moved += 1;
                    self.insertion(at, new)?
                }
                (Some(old), None, Some(line)) if line.node() == Some(old.as_str()) => {
                    moved += 1;
                    Some(self.deletion(&line)?)
                }
                _ => None,
            };
            let Some(piece) = piece else { return Ok(None) };
            pieces.push(piece);
        }
        // Two that come or go side by side would both see to the comma between them.
        if moved > 1 {
            return Ok(None);
        }
        pieces.sort_by_key(|(range, _)| (range.start, range.end));
        Ok(Some(pieces))
    }

    fn replacement(&self, line: &Line, old: &str, new: &str) -> Option<Piece> {
        let shown = line.node()?;
        (shown == old).then(|| {
            let start = line.start;
            (start..start + document::line(old).len() as u64, document::line(new).into_bytes())
        })
    }

    fn insertion(&self, at: u64, new: &str) -> std::io::Result<Option<Piece>> {
        let Some(next) = self.line(at)?.filter(|line| line.start >= 2) else { return Ok(None) };
        let line = document::line(new);
        Ok(Some(if next.node().is_some() {
            (at..at, format!("{line},\n").into_bytes())
        } else if self.byte(at.saturating_sub(2))? == b'[' {
            (at..at, format!("{line}\n").into_bytes())
        } else {
            (at - 1..at - 1, format!(",\n{line}").into_bytes())
        }))
    }

    fn deletion(&self, line: &Line) -> std::io::Result<Piece> {
        let is_last = !line.text.ends_with(b",");
        Ok(if is_last && self.byte(line.start.saturating_sub(2))? == b',' {
            (line.start - 2..line.end, b"\n".to_vec())
        } else {
            (line.start..line.end, Vec::new())
        })
    }

    /// The line of a node; where there is none, where it belongs.
    fn find(&self, wanted: &Place) -> std::io::Result<(u64, Option<Line>)> {
        let (mut low, mut high) = (0, self.1);
        while low < high {
            let middle = low + (high - low) / 2;
            let Some(line) = self.line_from(middle)?.filter(|line| line.start < high) else {
                high = middle;
                continue;
            };
            match self.compare(&line, wanted)? {
                std::cmp::Ordering::Less => low = line.end,
                std::cmp::Ordering::Equal => return Ok((line.start, Some(line))),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok((low, None))
    }

    /// Whether a line stands before or after a place.
    fn compare(&self, line: &Line, wanted: &Place) -> std::io::Result<std::cmp::Ordering> {
        use std::cmp::Ordering::{Greater, Less};
        if let Some(node) = line.node() {
            let id = Object::parse(node).and_then(|node| node.text("id").map(|id| id.into_owned())).unwrap_or_default();
            let section = Section::of(&id, node);
            return Ok((section, id.len(), id).cmp(wanted));
        }
        let text = String::from_utf8_lossy(&line.text);
        if let Some(section) = SECTIONS.into_iter().find(|section| text.ends_with(&section.header())) {
            return Ok(if section <= wanted.0 { Less } else { Greater });
        }
        // The end of a list: the next line begins another one, or ends the file.
        if text.starts_with(document::END_OF_LIST)
            && let Some(next) = self.line(line.end)?
        {
            let text = String::from_utf8_lossy(&next.text).into_owned();
            let next = SECTIONS.into_iter().find(|section| text.ends_with(&section.header()));
            return Ok(if next.is_some_and(|next| next <= wanted.0) { Less } else { Greater });
        }
        Ok(if line.start == 0 { Less } else { Greater })
    }

    /// The first line that begins at this byte or after it.
    fn line_from(&self, at: u64) -> std::io::Result<Option<Line>> {
        if at == 0 || self.byte(at - 1)? == b'\n' {
            return self.line(at);
        }
        match self.line(at)? {
            Some(rest) => self.line(rest.end),
            None => Ok(None),
        }
    }

    /// What stands from this byte to the end of its line.
    fn line(&self, start: u64) -> std::io::Result<Option<Line>> {
        let mut text = Vec::new();
        loop {
            let known = text.len();
            text.resize(known + LOOK_BYTES, 0);
            let read = self.0.read_at(&mut text[known..], start + known as u64)?;
            text.truncate(known + read);
            if let Some(length) = text[known..].iter().position(|byte| *byte == b'\n') {
                text.truncate(known + length);
                return Ok(Some(Line { start, end: start + text.len() as u64 + 1, text }));
            }
            if read == 0 {
                return Ok(None);
            }
        }
    }

    fn byte(&self, at: u64) -> std::io::Result<u8> {
        let mut byte = [0];
        self.0.read_exact_at(&mut byte, at)?;
        Ok(byte[0])
    }
}

impl Line {
    fn node(&self) -> Option<&str> {
        document::node_of_line(std::str::from_utf8(&self.text).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::shared::files::output::{Output, RelativePath};

    type Catalogue = BTreeMap<(Section, usize, String), (&'static str, String)>;

    const KINDS: [(&str, &str, &str); 4] = [
        (PRODUCT, "gid://shopify/Product/", "product"),
        (DISCOUNT, "gid://shopify/DiscountCodeNode/", "codeDiscount"),
        (DISCOUNT, "gid://shopify/DiscountAutomaticNode/", "automaticDiscount"),
        (COLLECTION, "gid://shopify/Collection/", "collection"),
    ];

    fn node(kind: usize, number: u32, length: usize) -> (&'static str, String, String) {
        let (kind, gid, member) = KINDS[kind];
        let id = format!("{gid}{number}");
        let long = "long ".repeat(length);
        let text = match member {
            "product" => format!("{{\"description\":\"{long}\",\"id\":\"{id}\"}}"),
            member => format!("{{\"{member}\":{{\"x\":\"{long}\"}},\"id\":\"{id}\"}}"),
        };
        (kind, id, text)
    }

    fn write(output: &Output, path: &RelativePath, catalogue: &Catalogue) -> Stamp {
        let fill = |writer: &mut dyn std::io::Write| {
            document::write_catalogue::<std::io::Error>(writer, |section, show| {
                catalogue.iter().filter(|((of, ..), _)| *of == section).try_for_each(|(_, (_, node))| show(node))
            })
        };
        output.write_from(path, fill).expect("written").1
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]
        #[test]
        fn a_file_changed_in_places_is_the_file_written_whole(
            before in prop::collection::vec((0..4_usize, 1..200_u32, 0..5_usize), 0..40),
            long in 0..2_usize,
            steps in prop::collection::vec(prop::collection::vec((0..4_usize, 1..200_u32, 0..5_usize, any::<bool>()), 1..4), 1..4),
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let output = Output::open(folder.path()).expect("opened");
            let path = RelativePath::new(&["file.json"]).expect("a path");
            let put = |catalogue: &mut Catalogue, kind, number, length| {
                let (kind, id, node) = node(kind, number, length);
                let place = (Section::of(&id, &node), id.len(), id.clone());
                let old = catalogue.insert(place, (kind, node.clone())).map(|(_, node)| node);
                Change { kind, id, old, new: Some(node) }
            };
            let mut catalogue = Catalogue::new();
            for (kind, number, length) in before {
                put(&mut catalogue, kind, number, length);
            }
            if long == 1 {
                put(&mut catalogue, 0, 100, 20_000);
            }
            let mut stamp = write(&output, &path, &catalogue);
            for step in steps {
                let mut changes: BTreeMap<String, Change> = BTreeMap::new();
                for (kind, number, length, deleted) in step {
                    let (name, id, text) = node(kind, number, length);
                    if changes.contains_key(&id) {
                        continue;
                    }
                    let place = (Section::of(&id, &text), id.len(), id.clone());
                    let change = if deleted {
                        let old = catalogue.remove(&place).map(|(_, node)| node);
                        Change { kind: name, id: id.clone(), old, new: None }
                    } else {
                        put(&mut catalogue, kind, number, length)
                    };
                    if change.old != change.new {
                        changes.insert(id, change);
                    }
                }
                let changes: Vec<Change> = changes.into_values().collect();
                let moved = changes.iter().filter(|change| change.old.is_none() || change.new.is_none()).count();
                let spliced = output
                    .splice(&path, stamp, |file, bytes| Document(file, bytes).pieces(&changes))
                    .expect("the disk works");
                prop_assert_eq!(spliced.is_some(), moved <= 1);
                if let Some(spliced) = spliced {
                    let changed = output.read(&path).expect("read").expect("there").0;
                    stamp = write(&output, &path, &catalogue);
                    prop_assert_eq!(stamp, spliced, "written whole it is the same:\n{}", String::from_utf8_lossy(&changed));
                } else {
                    stamp = write(&output, &path, &catalogue);
                }
            }
        }
    }

    #[test]
    fn a_file_that_does_not_show_what_was_there_is_not_changed_in_places() {
        let folder = tempfile::tempdir().expect("a folder");
        let output = Output::open(folder.path()).expect("opened");
        let path = RelativePath::new(&["file.json"]).expect("a path");
        let (kind, id, old) = node(0, 7, 1);
        let (_, _, new) = node(0, 7, 2);
        let change = |old: &str| [Change { kind, id: id.clone(), old: Some(old.to_owned()), new: Some(new.clone()) }];
        for content in ["", "\n", "{\"data\":{\n", "garbage without a line", "\n\n\n\n", "\u{0}\n]\n"] {
            output.write(&path, content.as_bytes()).expect("written");
            let stamp = output.stamp(&path).expect("looked").expect("there");
            let changes = change(&old);
            let spliced = output.splice(&path, stamp, |file, bytes| Document(file, bytes).pieces(&changes));
            assert_eq!(spliced.expect("the disk works"), None, "{content:?}");
        }
    }
}
