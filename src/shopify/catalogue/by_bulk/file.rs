//! The file of a bulk operation: fetched piece by piece, cut into lines, and staged.

use std::borrow::Cow;

use url::Url;

use super::list::List;
use super::trouble::{Failed, Trouble};
use crate::shared::channel::reader::ReadError;
use crate::shared::outgoing::http::{ApiError, Download};
use crate::shared::raw_json::Object;
use crate::shared::store::{Part, Staging};
use crate::shopify::catalogue::kinds::{COLLECTION, DISCOUNT, PRODUCT};
use crate::shopify::catalogue::parts;
use crate::shopify::catalogue::parts::part;
use crate::shopify::catalogue::session::Reading;
use crate::shopify::client::UNLISTED_HOST;

/// The largest file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024 * 1024;

/// The longest line, in bytes: one object without its lists.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// How many lines are staged at once.
const LINES: usize = 1_000;

/// Reads a file line by line into the set. `bytes`: how long it is said to be.
///
/// # Errors
/// A [`Trouble`] where it cannot be had whole, or read.
pub async fn download(
    reading: &Reading<'_>,
    list: List,
    url: &str,
    bytes: Option<u64>,
    staging: &Staging,
) -> Result<(), Failed> {
    let mut download = open(reading, list, url).await?;
    let mut lines = Lines { list, rest: Vec::new(), count: 0 };
    let (mut parts, mut received) = (Vec::new(), 0_u64);
    let spoilt = |error| match error {
        ApiError::Unreadable(why) => Failed::Way(Trouble::Spoilt(list, why)),
        error => error.into(),
    };
    while let Some(chunk) = download.chunk().await? {
        received += chunk.len() as u64;
        if received > MAX_FILE_BYTES {
            return Err(Failed::Way(Trouble::Spoilt(list, "its file is too large")));
        }
        lines.take(&chunk, &mut parts).map_err(spoilt)?;
        if parts.len() >= LINES {
            staging.add(std::mem::take(&mut parts)).await.map_err(ReadError::from)?;
            reading.report(list.what(), lines.count, None);
        }
    }
    // The last line may be whole by chance.
    if bytes.is_some_and(|bytes| received < bytes) {
        return Err(Failed::Way(Trouble::BreaksOff(list)));
    }
    lines.end(&mut parts).map_err(spoilt)?;
    staging.add(parts).await.map_err(ReadError::from)?;
    Ok(())
}

async fn open(reading: &Reading<'_>, list: List, url: &str) -> Result<Download, Failed> {
    let Ok(url) = Url::parse(url) else { return Err(Failed::Way(Trouble::Elsewhere(list))) };
    match reading.shopify.client.open_bulk_file(reading.shop, url).await {
        Err(ApiError::Refused { code }) if code == UNLISTED_HOST => Err(Failed::Way(Trouble::Elsewhere(list))),
        Err(ApiError::Refused { code }) => Err(Failed::Way(Trouble::NotGivenOut(list, code))),
        download => Ok(download?),
    }
}

/// Cuts pieces of a file into lines.
struct Lines {
    list: List,
    rest: Vec<u8>,
    count: usize,
}

impl Lines {
    fn take(&mut self, mut piece: &[u8], parts: &mut Vec<Part>) -> Result<(), ApiError> {
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            let (line, after) = piece.split_at(end);
            piece = &after[1..];
            if self.rest.is_empty() {
                self.line(line, parts)?;
            } else {
                let mut whole = std::mem::take(&mut self.rest);
                whole.extend_from_slice(line);
                self.line(&whole, parts)?;
            }
        }
        self.rest.extend_from_slice(piece);
        if self.rest.len() > MAX_LINE_BYTES {
            return Err(ApiError::Unreadable("a line of the file is too long"));
        }
        Ok(())
    }

    /// The last line may come without its end.
    fn end(&mut self, parts: &mut Vec<Part>) -> Result<(), ApiError> {
        let rest = std::mem::take(&mut self.rest);
        self.line(&rest, parts)
    }

    fn line(&mut self, line: &[u8], parts: &mut Vec<Part>) -> Result<(), ApiError> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let text = std::str::from_utf8(line).map_err(|_| ApiError::Unreadable("a line of the file is no text"))?;
        let object = Object::parse(text).ok_or(ApiError::Unreadable("a line of the file is no JSON object"))?;
        let id = object.text("id").ok_or(ApiError::Unreadable("a line of the file has no id"))?.into_owned();
        let parent = object.text("__parentId").map(Cow::into_owned).unwrap_or_default();
        let kind = self.list.kind_of_part(&id, !parent.is_empty());
        let kind = kind.ok_or(ApiError::Unreadable("a line of the file is of an unknown kind"))?;
        parts.push(parts::part_at(kind, id, parent, object.integer("position"), text));
        self.count += 1;
        Ok(())
    }
}

/// The parts of a whole file that came in these pieces.
fn cut(list: List, pieces: &[&[u8]]) -> Result<Vec<Part>, ApiError> {
    let mut lines = Lines { list, rest: Vec::new(), count: 0 };
    let mut parts = Vec::new();
    for piece in pieces {
        lines.take(piece, &mut parts)?;
    }
    lines.end(&mut parts)?;
    Ok(parts)
}

/// For fuzzers: where pieces end makes no difference, every part knows its line, and what is joined of them is JSON.
pub fn fuzz(bytes: &[u8]) {
    // Two places at which the file is cut, by its own bytes.
    let at = |number: usize| bytes.get(number).map_or(0, |byte| usize::from(*byte) * bytes.len() / 256);
    let (first, second) = (at(0).min(at(1)), at(0).max(at(1)));
    let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
    for list in [List::Products, List::Stock, List::Discounts, List::Collections] {
        let whole = cut(list, &[bytes]);
        let pieced = cut(list, &pieces);
        assert_eq!(whole.is_ok(), pieced.is_ok());
        let (Ok(parts), Ok(pieced)) = (whole, pieced) else { continue };
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        assert!(parts.iter().map(|part| part.payload.as_bytes()).eq(lines));
        let seen = |part: &Part| (part.kind, part.id.clone(), part.parent.clone(), part.place, part.payload.clone());
        assert!(parts.iter().map(seen).eq(pieced.iter().map(seen)));
        for (kind, of) in [(PRODUCT, part::PRODUCT), (COLLECTION, part::COLLECTION), (DISCOUNT, part::DISCOUNT)] {
            for one in parts.iter().filter(|part| part.kind == of) {
                let below = |parent: &str, kind: u8| {
                    let below = parts.iter().filter(|part| part.kind == kind && part.parent == parent);
                    Ok(below.map(|part| part.payload.clone()).collect())
                };
                if let Ok(Some(node)) = parts::node(kind, &one.id, &one.payload, &below) {
                    assert!(serde_json::from_str::<&serde_json::value::RawValue>(&node).is_ok(), "{node}");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_cut_into_lines_wherever_its_pieces_end() {
        let file = concat!(
            r#"{"id":"gid://shopify/Product/1","title":"Tea \n \u2028"}"#,
            "\n",
            r#"{"id":"gid://shopify/ProductVariant/2","position":7,"__parentId":"gid://shopify/Product/1"}"#,
            "\n\n",
            r#"{"id":"gid://shopify/Metafield/3","__parentId":"gid://shopify/Product/1"}"#,
        )
        .as_bytes();
        for at in 0..file.len() {
            let (one, other) = file.split_at(at);
            let parts = cut(List::Products, &[one, other]).expect("a good file");
            let seen: Vec<_> = parts.iter().map(|part| (part.kind, &*part.parent, part.place)).collect();
            let parent = "gid://shopify/Product/1";
            assert_eq!(seen, [(part::PRODUCT, "", 0), (part::VARIANT, parent, 7), (part::METAFIELD, parent, 0)]);
        }
        for bad in ["{\"id\":\"gid://shopify/Product/1\"", "x", "[]", "{}", "{\"id\":1,\"__parentId\":2}", "\u{0}"] {
            assert!(cut(List::Products, &[bad.as_bytes()]).is_err(), "{bad}");
        }
        assert!(cut(List::Products, &[b"\"\xff\""]).is_err());
    }
}
