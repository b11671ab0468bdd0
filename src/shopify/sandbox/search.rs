//! The search texts of lists.

use chrono::{DateTime, Utc};

use super::lists::{Stub, open};
use super::state::ShopState;

/// Keeps the entries that a search text names: terms such as `id:1`, `updated_at:>='2026-11-20T00:00:00Z'`,
/// `status:active`, joined by spaces or `AND`; alternatives by `OR`.
/// Source: <https://shopify.dev/docs/api/usage/search-syntax>.
///
/// # Errors
/// A sentence about a term that this simulator does not understand.
pub(super) fn filter(shop: &ShopState, stubs: Vec<Stub>, query: &str) -> Result<Vec<Stub>, String> {
    let alternatives = parse_query(query)?;
    if alternatives.is_empty() {
        return Ok(stubs);
    }
    let mut kept = Vec::new();
    for stub in stubs {
        for terms in &alternatives {
            let mut all = true;
            for term in terms {
                all = all && term.matches(shop, &stub)?;
            }
            if all {
                kept.push(stub);
                break;
            }
        }
    }
    Ok(kept)
}

#[derive(Debug, PartialEq)]
struct Term {
    field: String,
    operator: &'static str,
    value: String,
}

impl Term {
    fn matches(&self, shop: &ShopState, stub: &Stub) -> Result<bool, String> {
        let ordering = match self.field.as_str() {
            "id" => stub.id.cmp(&self.number()?),
            "product_id" => stub.owner.cmp(&self.number()?),
            "updated_at" => stub.updated_at.cmp(&self.time()?),
            field @ ("created_at" | "status" | "title" | "handle" | "vendor" | "product_type" | "sku" | "tag") => {
                let (field, list) = match field {
                    "created_at" => ("createdAt", false),
                    "product_type" => ("productType", false),
                    "tag" => ("tags", true),
                    other => (other, false),
                };
                let Some(node) = open(shop, stub) else { return Ok(false) };
                let value = match stub.ty {
                    "DiscountNode" | "DiscountCodeNode" | "DiscountAutomaticNode" => &node.value["discount"][field],
                    _ => &node.value[field],
                };
                if list {
                    let found = value.as_array().is_some_and(|all| all.iter().any(|tag| *tag == self.value));
                    return Ok(found);
                }
                value.as_str().unwrap_or_default().to_lowercase().cmp(&self.value.to_lowercase())
            }
            other => return Err(format!("search field '{other}' is unknown here")),
        };
        Ok(match self.operator {
            ">=" => ordering.is_ge(),
            "<=" => ordering.is_le(),
            ">" => ordering.is_gt(),
            "<" => ordering.is_lt(),
            _ => ordering.is_eq(),
        })
    }

    fn number(&self) -> Result<u64, String> {
        self.value.parse().map_err(|_| format!("'{}' is not a number", self.value))
    }

    fn time(&self) -> Result<DateTime<Utc>, String> {
        let time = DateTime::parse_from_rfc3339(&self.value).map(|time| time.to_utc());
        time.map_err(|_| format!("'{}' is not a time", self.value))
    }
}

/// Alternatives, each a list of terms that must all hold.
fn parse_query(query: &str) -> Result<Vec<Vec<Term>>, String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in query.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, c) if c.is_whitespace() || c == '(' || c == ')' => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (_, c) => word.push(c),
        }
    }
    if quote.is_some() {
        return Err("a quotation mark is not closed".to_owned());
    }
    if !word.is_empty() {
        words.push(word);
    }
    let mut alternatives: Vec<Vec<Term>> = Vec::new();
    let mut terms = Vec::new();
    for word in words {
        match word.as_str() {
            "AND" => {}
            "OR" => alternatives.push(std::mem::take(&mut terms)),
            term => {
                let (field, value) =
                    term.split_once(':').ok_or_else(|| format!("search term '{term}' is unknown here"))?;
                let operator = [">=", "<=", ">", "<"].into_iter().find(|o| value.starts_with(o)).unwrap_or("");
                let value = value[operator.len()..].to_owned();
                terms.push(Term { field: field.to_owned(), operator, value });
            }
        }
    }
    if !terms.is_empty() {
        alternatives.push(terms);
    }
    Ok(alternatives)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_text_is_read_with_quotes_operators_and_alternatives() {
        let read = parse_query("id:1 OR updated_at:>='2026-11-20T00:00:00Z' AND status:active").unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[1].len(), 2);
        assert_eq!(read[1][0].operator, ">=");
        assert_eq!(read[1][0].value, "2026-11-20T00:00:00Z");
        assert!(parse_query("tea").is_err());
    }
}
