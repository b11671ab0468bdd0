//! Lists of the Graph API: `limit`, cursors, and links to the next part.
//!
//! Source: <https://developers.facebook.com/docs/graph-api/results> (November 2026).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;

use super::call::{Call, Caller, DEFAULT_VERSION};
use super::fields::{Field, text_of};
use super::lie::Lie;
use super::state::{Core, GraphError, Platform};

/// Items of a list without `limit`, and the most that `limit` may ask for.
const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 100;

/// One item of a list with its place in it.
pub(super) struct Row<T> {
    /// Lists are in descending order of key and, within equal keys, of id.
    pub key: i64,
    pub id: String,
    pub item: T,
}

/// Which part of a list is wanted.
pub(super) struct Window {
    limit: usize,
    after: Option<(i64, String)>,
    before: Option<(i64, String)>,
    offset: usize,
    /// The empty part before this one was given.
    was_empty: bool,
    lie: Option<Lie>,
    /// The cursor with which it was asked for.
    told: String,
    /// The list's own address with everything but the cursor.
    link: String,
}

impl Window {
    /// As the parameters of the call say.
    pub(super) fn of_call(core: &Core, platform: &Platform, call: &Call, edge: &str) -> Result<Self, GraphError> {
        let object = match &call.caller {
            Caller::Person if call.object == "me" => &platform.person_id,
            Caller::Page(id) if call.object == "me" => id,
            _ => &call.object,
        };
        let edge = format!("{object}/{edge}");
        let kept = ["fields", "platform", "user_id"];
        let kept: Vec<(&str, &str)> =
            kept.iter().filter_map(|name| call.param(name).map(|value| (*name, value))).collect();
        Self::new(core, platform, call, &edge, &kept, |name| call.param(name))
    }

    /// As the arguments of a nested field say.
    pub(super) fn of_field(
        core: &Core,
        platform: &Platform,
        call: &Call,
        edge: &str,
        field: &Field,
        wanted: &[Field],
    ) -> Result<Self, GraphError> {
        let fields = text_of(wanted);
        let kept = if fields.is_empty() { Vec::new() } else { vec![("fields", fields.as_str())] };
        Self::new(core, platform, call, edge, &kept, |name| field.argument(name))
    }

    fn new<'a>(
        core: &Core,
        platform: &Platform,
        call: &Call,
        edge: &str,
        kept: &[(&str, &str)],
        param: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Self, GraphError> {
        let wanted = match param("limit") {
            Some(text) => match text.parse::<usize>() {
                Ok(limit) if limit > 0 => limit.min(MAX_LIMIT),
                _ => return Err(GraphError::parameter("Param limit must be a positive integer")),
            },
            None => DEFAULT_LIMIT,
        };
        let limit = platform.page_limit.map_or(wanted, |most| wanted.min(most.max(1)));
        let told = param("after").unwrap_or_default();
        let was_empty = told.starts_with(EMPTY);
        let cursor = |name: &str| match param(name).map(|text| text.strip_prefix(EMPTY).unwrap_or(text)) {
            None | Some("") => Ok(None),
            Some(text) => read_cursor(text).map(Some).ok_or_else(|| GraphError::parameter("Invalid cursor")),
        };
        let name = edge.rsplit('/').next().unwrap_or_default();
        let lie = platform.lies.get(name).copied();
        let offset = param("offset").and_then(|text| text.parse().ok()).unwrap_or_default();
        let version = if call.version.is_empty() { DEFAULT_VERSION } else { &call.version };
        let mut link = format!("{}/{version}/{edge}", core.url());
        if let Ok(mut url) = Url::parse(&link) {
            // As in reality, the link carries the token: whoever follows it leaks it.
            url.query_pairs_mut()
                .append_pair("access_token", call.token.as_deref().unwrap_or_default())
                .append_pair("limit", &wanted.to_string())
                .extend_pairs(kept);
            link = url.into();
        }
        let (after, before, told) = (cursor("after")?, cursor("before")?, told.to_owned());
        Ok(Self { limit, after, before, offset, was_empty, lie, told, link })
    }

    /// The wanted part of a list, and what `paging` says about the rest.
    pub(super) fn cut<T>(&self, rows: Vec<Row<T>>) -> (Vec<Row<T>>, Option<Value>) {
        let total = rows.len();
        let place = |row: &Row<T>| (row.key, row.id.clone());
        if self.lie == Some(Lie::EmptyParts) && !self.was_empty && !rows.is_empty() {
            let after = format!("{EMPTY}{}", self.told);
            let next = format!("{}&after={after}", self.link);
            return (Vec::new(), Some(json!({"cursors": {"after": after}, "next": next})));
        }
        let start = self.after.as_ref().map_or(0, |cursor| rows.iter().filter(|row| place(row) >= *cursor).count());
        let start = start.max(self.offset);
        let end = self.before.as_ref().map_or(total, |cursor| rows.iter().filter(|row| place(row) > *cursor).count());
        let (start, end) = if self.before.is_some() {
            (end.saturating_sub(self.limit).max(start), end)
        } else {
            (start, end.min(start + self.limit))
        };
        let part: Vec<Row<T>> = rows.into_iter().skip(start).take(end.saturating_sub(start)).collect();
        let (Some(first), Some(last)) = (part.first(), part.last()) else { return (part, None) };
        let (before, after) = (write_cursor(first.key, &first.id), write_cursor(last.key, &last.id));
        let mut paging = json!({"cursors": {"before": before, "after": after}});
        if end < total {
            paging["next"] = format!("{}&after={after}", self.link).into();
            match self.lie {
                Some(Lie::NoCursors) => drop(paging.as_object_mut().and_then(|paging| paging.remove("cursors"))),
                Some(Lie::Offset) => return (part, Some(json!({"next": format!("{}&offset={end}", self.link)}))),
                Some(Lie::StaleCursor) => paging["cursors"]["after"] = self.told.as_str().into(),
                Some(Lie::NoWay) => return (part, Some(json!({ "next": self.link }))),
                Some(Lie::Circle) => {
                    let next = format!("{}&after={}", self.link, self.told);
                    return (part, Some(json!({"cursors": {"after": self.told}, "next": next})));
                }
                Some(Lie::Ends) => drop(paging.as_object_mut().and_then(|paging| paging.remove("next"))),
                Some(Lie::EmptyParts) | None => {}
            }
        }
        if start > 0 {
            paging["previous"] = format!("{}&before={before}", self.link).into();
        }
        (part, Some(paging))
    }
}

/// How the cursor of a part begins before which an empty one was given.
const EMPTY: &str = "QVFE";

fn write_cursor(key: i64, id: &str) -> String {
    format!("QVFI{}", URL_SAFE_NO_PAD.encode(format!("{key}:{id}")))
}

fn read_cursor(text: &str) -> Option<(i64, String)> {
    let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix("QVFI")?).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (key, id) = text.split_once(':')?;
    Some((key.parse().ok()?, id.to_owned()))
}

pub(super) fn with_paging(data: Vec<Value>, paging: Option<Value>) -> Value {
    let mut list = json!({ "data": data });
    if let Some(paging) = paging {
        list["paging"] = paging;
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(part: &[Row<()>]) -> Vec<i64> {
        part.iter().map(|row| row.key).collect()
    }

    #[test]
    fn cursors_lead_through_a_list_in_both_directions() {
        let rows = || (1..=5).rev().map(|key| Row { key, id: format!("t_{key}"), item: () }).collect::<Vec<_>>();
        let window = |after: Option<&Value>, before: Option<&Value>| {
            let read = |cursor: Option<&Value>| cursor.and_then(|cursor| read_cursor(cursor.as_str().unwrap()));
            Window {
                limit: 2,
                after: read(after),
                before: read(before),
                offset: 0,
                was_empty: false,
                lie: None,
                told: String::new(),
                link: "http://sandbox/list?x=1".to_owned(),
            }
        };
        let (first, paging) = window(None, None).cut(rows());
        let paging = paging.unwrap();
        assert_eq!((keys(&first), paging.get("previous")), (vec![5, 4], None));
        let (second, paging) = window(Some(&paging["cursors"]["after"]), None).cut(rows());
        let paging = paging.unwrap();
        assert_eq!(keys(&second), [3, 2]);
        assert!(paging["next"].as_str().unwrap().contains("&after=QVFI") && paging["previous"].is_string());
        let (back, _) = window(None, Some(&paging["cursors"]["before"])).cut(rows());
        assert_eq!(keys(&back), [5, 4]);
        let (last, paging) = window(Some(&paging["cursors"]["after"]), None).cut(rows());
        assert_eq!((keys(&last), paging.unwrap().get("next")), (vec![1], None));
    }

    #[test]
    fn cursors_that_were_not_given_out_are_not_read() {
        assert_eq!(read_cursor(&write_cursor(-3, "t_1")), Some((-3, "t_1".to_owned())));
        assert_eq!(read_cursor("QVFI!"), None);
        assert_eq!(read_cursor("abc"), None);
    }
}
