//! Numbers that a shop tells of its lists.

use crate::shared::raw_json::Object;

/// How many there are of something, as far as the shop says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// The number.
    pub count: i64,
    /// Whether it is exact; otherwise there are at least so many.
    pub is_exact: bool,
}

impl Count {
    /// Reads `{"count": …, "precision": …}`. A precision that is not known is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let object = Object::parse(text)?;
        let is_exact = object.text("precision").is_none_or(|precision| precision == "EXACT");
        Some(Self { count: object.integer("count")?, is_exact })
    }

    /// Whether a list of this length can be the whole.
    #[must_use]
    pub fn agrees(self, length: usize) -> bool {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        if self.is_exact { length == self.count } else { length >= self.count }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_that_is_exact_is_met_exactly() {
        let count = |precision: &str| Count::parse(&json!({ "count": 7, "precision": precision }).to_string());
        let exact = count("EXACT").expect("a count");
        assert!(exact.agrees(7) && !exact.agrees(6) && !exact.agrees(8));
        let at_least = count("AT_LEAST").expect("a count");
        assert!(at_least.agrees(7) && !at_least.agrees(6) && at_least.agrees(8));
        assert_eq!(Count::parse("{}"), None);
    }
}
