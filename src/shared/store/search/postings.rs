//! How slots stand in a row: those of a term with its weight, and what filters look at.

use super::entry::Price;

/// How many slots are in a block.
pub const BLOCK: u32 = 4096;

/// The block of a slot, and its place within it.
pub fn place(slot: u32) -> (u32, u16) {
    // Below 4,096.
    #[allow(clippy::cast_possible_truncation)]
    let within = (slot % BLOCK) as u16;
    (slot / BLOCK, within)
}

/// The number of a product in the whole index: its shop and its slot.
pub fn number(shop: i64, slot: u32) -> i64 {
    (shop << 32) | i64::from(slot)
}

/// The slot in a product's number.
pub fn slot_of(number: i64) -> u32 {
    u32::try_from(number & i64::from(u32::MAX)).unwrap_or(0)
}

/// The slots of a term in a block with their weights, in order. Damaged bytes give what can be read of them.
pub fn slots_of(packed: &[u8]) -> impl Iterator<Item = (u16, u8)> {
    packed.as_chunks::<3>().0.iter().map(|[low, high, weight]| (u16::from_le_bytes([*low, *high]), *weight))
}

/// The slots of a term after changes, which are in order: a weight of 0 takes a slot out.
pub fn merge(packed: &[u8], changes: &[(u16, u8)]) -> Vec<u8> {
    let mut merged = Vec::with_capacity(packed.len() + 3 * changes.len());
    let mut push = |(slot, weight): (u16, u8)| {
        if weight > 0 {
            let [low, high] = slot.to_le_bytes();
            merged.extend_from_slice(&[low, high, weight]);
        }
    };
    let mut changes = changes.iter().copied().peekable();
    for kept in slots_of(packed) {
        while let Some(change) = changes.next_if(|change| change.0 < kept.0) {
            push(change);
        }
        push(changes.next_if(|change| change.0 == kept.0).unwrap_or(kept));
    }
    changes.for_each(push);
    merged
}

/// What filters look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    pub price: Option<Price>,
    pub available: bool,
}

/// How long the facts of a slot are.
const FACTS: usize = 9;

/// The facts of the slots of a block; `None`: the slot is empty.
pub fn facts_of(packed: &[u8]) -> impl Iterator<Item = Option<Facts>> {
    packed.as_chunks::<FACTS>().0.iter().map(|[price @ .., flags]| {
        let price = u64::from_le_bytes(*price);
        (flags & 1 == 1)
            .then_some(Facts { price: (price != u64::MAX).then_some(Price(price)), available: flags & 2 == 2 })
    })
}

/// Puts the facts of a slot in their place.
pub fn set_facts(packed: &mut Vec<u8>, slot: u16, facts: Option<Facts>) {
    let at = usize::from(slot) * FACTS;
    if packed.len() < at + FACTS {
        packed.resize(at + FACTS, 0);
    }
    let price = facts.and_then(|facts| facts.price).map_or(u64::MAX, |price| price.0);
    let flags = facts.map_or(0, |facts| 1 | u8::from(facts.available) << 1);
    packed[at..at + FACTS - 1].copy_from_slice(&price.to_le_bytes());
    packed[at + FACTS - 1] = flags;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    proptest::proptest! {
        #[test]
        fn merging_is_what_a_map_does(before: BTreeMap<u16, u8>, changes: BTreeMap<u16, u8>) {
            let list = |map: &BTreeMap<u16, u8>| map.iter().map(|(slot, weight)| (*slot, *weight)).collect::<Vec<_>>();
            let packed = merge(&[], &list(&before));
            let merged = merge(&packed, &list(&changes));
            let mut expected = before;
            expected.extend(changes);
            expected.retain(|_, weight| *weight > 0);
            proptest::prop_assert_eq!(slots_of(&merged).collect::<BTreeMap<_, _>>(), expected);
        }
    }

    #[test]
    fn facts_stand_at_their_slots() {
        let mut packed = Vec::new();
        let facts = |price, available| Some(Facts { price, available });
        set_facts(&mut packed, 2, facts(Some(Price(7)), true));
        set_facts(&mut packed, 0, facts(None, false));
        set_facts(&mut packed, 1, facts(None, true));
        set_facts(&mut packed, 1, None);
        let all: Vec<_> = facts_of(&packed).collect();
        assert_eq!(all, [facts(None, false), None, facts(Some(Price(7)), true)]);
        assert_eq!(slot_of(number(7, u32::MAX)), u32::MAX);
        assert_eq!(place(4097), (1, 1));
    }
}
