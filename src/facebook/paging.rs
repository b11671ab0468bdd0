//! Lists of the Graph API come in parts: what a part says about the next one, and how to go on without following its
//! link, which holds the token and is an address from outside.
//!
//! Whether there is more is said by `paging.next` alone. Where it goes on stands in `paging.cursors.after`, or only in the
//! parameters of that link. A list that has more and does not say where is no whole list: taking it for one would count
//! what is missing as gone.
//!
//! Source: <https://developers.facebook.com/docs/graph-api/results> (2026).

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::shared::outgoing::http::ApiError;
use crate::shared::raw_json::Object;

/// The parameters of a link that say where its part begins; never the token. `after` alone is enough.
const PLACES: [&str; 5] = ["after", "offset", "until", "since", "__paging_token"];

/// The longest place that is kept: cursors have some hundred characters.
const LONGEST_PLACE: usize = 8 * 1024;

/// No list has more parts than this; a server that says otherwise is broken.
const MAX_PARTS: usize = 100_000;

/// A list of the Graph API. What has no `data` is no empty list, it is none.
pub struct List<T> {
    /// The items that can be read.
    pub data: Vec<T>,
    /// How many items cannot: null, or in another shape. They cost their neighbours nothing.
    unreadable: usize,
    paging: Paging,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for List<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Raw {
            data: Vec<Box<RawValue>>,
            #[serde(default, deserialize_with = "read_paging")]
            paging: Paging,
        }
        let Raw { data: items, paging } = Raw::deserialize(deserializer)?;
        let data: Vec<T> = items.iter().filter_map(|item| serde_json::from_str(item.get()).ok()).collect();
        Ok(Self { unreadable: items.len() - data.len(), data, paging })
    }
}

impl<T> List<T> {
    /// How many items cannot be read: what is not among the others may be one of them.
    #[must_use]
    pub fn unreadable(&self) -> usize {
        self.unreadable
    }

    /// Whether the platform says that there is more.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.paging.has_more
    }

    /// Adds the next part.
    pub fn append(&mut self, next: Self) {
        self.data.extend(next.data);
        self.unreadable += next.unreadable;
        self.paging = next.paging;
    }
}

/// What a part says about the next one.
#[derive(Default)]
struct Paging {
    has_more: bool,
    /// Where the next part may begin: the cursor, and what the link says. Both name the same place, unless one is wrong.
    places: Vec<String>,
}

fn read_paging<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Paging, D::Error> {
    Ok(Paging::parse(Box::<RawValue>::deserialize(deserializer)?.get()))
}

impl Paging {
    fn parse(text: &str) -> Self {
        let Some(paging) = Object::parse(text) else {
            // An empty list stands for an empty object here and there. What is anything else cannot be understood.
            let says_nothing = matches!(text, "null" | "[]" | "false");
            return Self { has_more: !says_nothing, places: Vec::new() };
        };
        let has_more = paging.get("next").is_some_and(|next| !matches!(next, "null" | "false"));
        let cursor = paging.object("cursors").and_then(|cursors| cursors.text("after")).map(|after| of_cursor(&after));
        let link = paging.text("next").and_then(|link| of_link(&link));
        let is_place = |place: &String| (1..=LONGEST_PLACE).contains(&place.len());
        Self { has_more, places: cursor.into_iter().chain(link).filter(is_place).collect() }
    }
}

/// A place is a cursor, or, behind a question mark, the parameters of a link.
fn of_cursor(after: &str) -> String {
    match after.starts_with('?') {
        true => form_urlencoded::Serializer::new("?".to_owned()).append_pair("after", after).finish(),
        false => after.to_owned(),
    }
}

fn of_link(link: &str) -> Option<String> {
    let (_, query) = link.split_once('?')?;
    let query = query.split('#').next()?;
    let pairs = form_urlencoded::parse(query.as_bytes());
    let mut pairs: Vec<_> = pairs.filter(|(name, value)| PLACES.contains(&&**name) && !value.is_empty()).collect();
    if let Some(index) = pairs.iter().position(|(name, _)| name == "after") {
        return Some(of_cursor(&pairs.swap_remove(index).1));
    }
    if pairs.is_empty() {
        return None;
    }
    Some(format!("?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()))
}

/// The parameters of the call that asks for the part at this place.
#[must_use]
pub fn parameters(place: Option<&str>) -> Vec<(String, String)> {
    match place.map(|place| (place, place.strip_prefix('?'))) {
        None => Vec::new(),
        Some((_, Some(parameters))) => form_urlencoded::parse(parameters.as_bytes()).into_owned().collect(),
        Some((cursor, None)) => vec![("after".to_owned(), cursor.to_owned())],
    }
}

/// The way through the parts of a list. A list that leads back to where it was has no end, and what it gave is not all.
#[derive(Default)]
pub struct Way {
    seen: HashSet<String>,
}

impl Way {
    /// A way that goes on at this place.
    #[must_use]
    pub fn from(place: Option<&str>) -> Self {
        Self { seen: place.map(str::to_owned).into_iter().collect() }
    }

    /// Where to go on after this part; `None`: it was the last one.
    ///
    /// # Errors
    /// [`ApiError::Unreadable`] when there is more and no way on: none is named, it leads back to where the way has been, or
    /// there are more parts than any real list has.
    pub fn next<T>(&mut self, part: &List<T>) -> Result<Option<String>, ApiError> {
        if !part.paging.has_more {
            return Ok(None);
        }
        if self.seen.len() >= MAX_PARTS {
            return Err(ApiError::Unreadable("a list without end"));
        }
        let next = part.paging.places.iter().find(|place| !self.seen.contains(*place)).cloned();
        let next = next.ok_or(ApiError::Unreadable("a list that has more and does not say where"))?;
        self.seen.insert(next.clone());
        Ok(Some(next))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn next(way: &mut Way, paging: Value) -> Result<Option<String>, ApiError> {
        let list = json!({ "data": [1], "paging": paging }).to_string();
        way.next(&serde_json::from_str::<List<u8>>(&list).expect("a list"))
    }

    #[test]
    fn more_is_what_next_says_and_where_stands_in_the_cursor_or_in_the_link() {
        let link = "https://graph.facebook.com/v26.0/1/x?access_token=EAAB&limit=25&after=B%3D%3D#_=_";
        let first = |paging: Value| next(&mut Way::default(), paging);
        for end in [
            json!({"cursors": {"after": "A"}}),
            json!({"next": null, "cursors": {"after": "A"}}),
            json!([]),
            Value::Null,
        ] {
            assert_eq!(first(end.clone()), Ok(None), "{end}");
        }
        assert_eq!(first(json!({"cursors": {"after": "A"}, "next": link})), Ok(Some("A".to_owned())));
        assert_eq!(first(json!({ "next": link })), Ok(Some("B==".to_owned())));
        assert_eq!(first(json!({"cursors": {"before": "A", "after": ""}, "next": link})), Ok(Some("B==".to_owned())));
        assert_eq!(
            first(json!({"next": "https://x.example/?until=17&access_token=EAAB&__paging_token=p%26q&limit=5"})),
            Ok(Some("?until=17&__paging_token=p%26q".to_owned()))
        );
        for dead_end in [
            json!({"next": "https://graph.facebook.com/v26.0/1/x?access_token=EAAB&limit=25"}),
            json!({"next": true}),
            json!({"next": {"after": "A"}, "cursors": []}),
            json!({"next": "https://x.example/?after=", "cursors": {"after": null}}),
            json!("more"),
            json!([1]),
        ] {
            assert!(matches!(first(dead_end.clone()), Err(ApiError::Unreadable(_))), "{dead_end}");
        }
    }

    #[test]
    fn a_cursor_that_was_there_before_is_no_way_on_but_the_link_may_be() {
        let mut way = Way::from(Some("A"));
        let stuck = json!({"cursors": {"after": "A"}, "next": "https://x.example/?after=A"});
        assert!(next(&mut way, stuck.clone()).is_err());
        let stale = json!({"cursors": {"after": "A"}, "next": "https://x.example/?after=B"});
        assert_eq!(next(&mut way, stale), Ok(Some("B".to_owned())));
        assert!(next(&mut way, stuck).is_err());
    }

    #[test]
    fn a_place_becomes_the_parameters_of_the_next_call() {
        let pairs = |place| {
            let parameters = parameters(place);
            parameters.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        assert!(pairs(None).is_empty());
        assert_eq!(pairs(Some("B==")), ["after=B=="]);
        assert_eq!(pairs(Some("?until=17&__paging_token=p%26q")), ["until=17", "__paging_token=p&q"]);
        assert_eq!(pairs(Some(&of_cursor("?odd"))), ["after=?odd"]);
    }
}
