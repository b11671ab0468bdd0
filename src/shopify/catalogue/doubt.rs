//! Whether as much of an object was read as there is: a nested list that was cut short looks like a whole one.
//!
//! Where the shop tells a number, a list that differs from it and lacks what was there before is not believed: what is
//! stored stays. Where it tells none, or agrees, a list that shrinks to nothing is asked for once more before it is believed.

use std::collections::BTreeSet;

use super::kinds::{COLLECTION, PRODUCT};
use crate::shared::raw_json::{Object, elements};
use crate::shopify::count::Count;

/// What is to be thought of an object that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing speaks against it.
    Whole,
    /// It holds less than it says, and no less than before.
    Short,
    /// It holds less than it says, and lacks what was there before.
    Cut,
    /// A list of it is empty that was not.
    Emptied,
}

impl Verdict {
    /// Whether what is stored is better than what was read.
    #[must_use]
    pub fn keeps_stored(self) -> bool {
        matches!(self, Self::Cut | Self::Emptied)
    }

    /// Whether the number that the shop tells speaks against it.
    #[must_use]
    pub fn is_short(self) -> bool {
        matches!(self, Self::Short | Self::Cut)
    }
}

/// Whether an object, as it came, tells another number than there are in the list of its node.
#[must_use]
pub fn is_short(kind: &str, raw: &str, node: &str) -> bool {
    let told = || {
        let object = Object::parse(raw)?;
        match kind {
            PRODUCT => Count::parse(object.get("variantsCount")?),
            COLLECTION => Count::parse(object.get("productsCount")?),
            _ => Count::parse(object.object("discount")?.get("codesCount")?),
        }
    };
    told().zip(counted(kind, node)).is_some_and(|(told, listed)| !told.agrees(listed.len()))
}

/// What is to be thought of this node beside the one that is stored. `is_short`: as [`is_short()`] found.
#[must_use]
pub fn weigh(kind: &str, is_short: bool, new: &str, stored: Option<&str>) -> Verdict {
    let listed = counted(kind, new).unwrap_or_default();
    let before = stored.and_then(|stored| counted(kind, stored)).unwrap_or_default();
    // Collections and discounts keep their number: one that was as wrong before is wrong for another reason.
    let is_as_before =
        || stored.is_some_and(|stored| missing(kind, stored) == missing(kind, new) && missing(kind, new).is_some());
    match is_short && !is_as_before() {
        true if before.iter().any(|id| !listed.contains(id)) => Verdict::Cut,
        // Of these the next look finds it by itself.
        true if kind != PRODUCT => Verdict::Whole,
        true => Verdict::Short,
        false if listed.is_empty() && !before.is_empty() => Verdict::Emptied,
        false if kind == PRODUCT && stored.is_some_and(|stored| is_emptied(new, stored)) => Verdict::Emptied,
        false => Verdict::Whole,
    }
}

/// The ids in the list of a node that the shop counts. `None`: it has no such list.
fn counted(kind: &str, node: &str) -> Option<BTreeSet<String>> {
    let node = Object::parse(node)?;
    Some(match kind {
        PRODUCT => ids(&node, "variants")?,
        COLLECTION => ids(&node, "products")?,
        _ => ids(&node.object("codeDiscount")?, "codes")?,
    })
}

/// How many a stored collection or discount lacks of what it says that it has.
fn missing(kind: &str, node: &str) -> Option<i64> {
    let object = Object::parse(node)?;
    let told = match kind {
        PRODUCT => return None,
        COLLECTION => Count::parse(object.get("productsCount")?)?,
        _ => Count::parse(object.object("codeDiscount")?.get("codesCount")?)?,
    };
    Some(told.count - i64::try_from(counted(kind, node)?.len()).ok()?)
}

fn ids(object: &Object<'_>, list: &str) -> Option<BTreeSet<String>> {
    let edges = elements(object.object(list)?.get("edges")?)?;
    let id = |edge: &str| Object::parse(edge)?.object("node")?.text("id").map(std::borrow::Cow::into_owned);
    Some(edges.into_iter().filter_map(id).collect())
}

/// Whether a product lost all metafields, or a variant of it all its stock. No number is told of these.
fn is_emptied(new: &str, stored: &str) -> bool {
    let (Some(new), Some(stored)) = (Object::parse(new), Object::parse(stored)) else { return false };
    let is_none = |object: &Object<'_>, list: &str| ids(object, list).map(|ids| ids.is_empty());
    if is_none(&new, "metafields") == Some(true) && is_none(&stored, "metafields") == Some(false) {
        return true;
    }
    let variants = |product: &Object<'_>| -> Option<Vec<(String, bool)>> {
        let edges = elements(product.object("variants")?.get("edges")?)?;
        let variant = |edge: &str| {
            let variant = Object::parse(edge)?.object("node")?;
            let is_none = is_none(&variant.object("inventoryItem")?, "inventoryLevels")?;
            Some((variant.text("id")?.into_owned(), is_none))
        };
        Some(edges.into_iter().filter_map(variant).collect())
    };
    let had: BTreeSet<String> =
        variants(&stored).into_iter().flatten().filter(|(_, none)| !none).map(|(id, _)| id).collect();
    variants(&new).into_iter().flatten().any(|(id, is_none)| is_none && had.contains(&id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collection(count: i64, members: &[u32]) -> String {
        let edges: Vec<String> = members.iter().map(|id| format!("{{\"node\":{{\"id\":\"{id}\"}}}}")).collect();
        format!("{{\"productsCount\":{{\"count\":{count}}},\"products\":{{\"edges\":[{}]}}}}", edges.join(","))
    }

    fn verdict(new: &str, stored: &str) -> Verdict {
        weigh(COLLECTION, is_short(COLLECTION, new, new), new, Some(stored))
    }

    #[test]
    fn what_is_cut_short_is_not_believed_and_what_is_always_wrong_is() {
        let before = collection(3, &[1, 2, 3]);
        assert_eq!(verdict(&before, &before), Verdict::Whole);
        assert_eq!(verdict(&collection(2, &[1, 3]), &before), Verdict::Whole);
        assert_eq!(verdict(&collection(3, &[1, 3]), &before), Verdict::Cut);
        assert_eq!(verdict(&collection(3, &[]), &before), Verdict::Cut);
        assert_eq!(verdict(&collection(0, &[]), &before), Verdict::Emptied);
        // It has always counted one more than it lists.
        assert_eq!(verdict(&collection(3, &[1, 2]), &collection(4, &[1, 2, 3])), Verdict::Whole);
        // It brings more than before, if not all.
        assert_eq!(verdict(&collection(4, &[1, 2, 3]), &collection(4, &[1, 2])), Verdict::Whole);
    }
}
