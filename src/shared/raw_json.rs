//! Looks into JSON without changing a byte of it.
//!
//! What platforms send is kept as it came: numbers beyond 2^53, duplicate keys, unpaired surrogates, spaces. So it is
//! never parsed into values and written again. These functions find the raw text of members and elements.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object, each with its raw text. Of a repeated key the last one counts, as in most parsers.
pub struct Object<'a>(Vec<(Key, &'a RawValue)>);

/// A member's name as bytes: a name with unpaired surrogates is no `str`, and must not make its object unreadable.
#[derive(PartialEq, Eq)]
struct Key(Vec<u8>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Key;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a name")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Key, E> {
                Ok(Key(bytes.to_vec()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key, E> {
                Ok(Key(text.as_bytes().to_vec()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

impl<'a> Object<'a> {
    /// The members of `text`, if it is an object.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Vec<(Key, &'de RawValue)>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let members = serde::Deserializer::deserialize_map(&mut deserializer, Members).ok()?;
        deserializer.end().ok()?;
        Some(Self(members))
    }

    /// The raw text of a member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(key, _)| key.0 == name.as_bytes()).map(|(_, value)| value.get())
    }

    /// Those of these members that are there, each as it stands in an object: `"name":value`.
    #[must_use]
    pub fn pairs(&self, names: &[&str]) -> Vec<String> {
        names.iter().filter_map(|name| self.get(name).map(|value| format!("\"{name}\":{value}"))).collect()
    }

    /// All members in their order, each name as bytes. Of a repeated key the last one counts.
    pub fn members(&self) -> impl Iterator<Item = (&[u8], &'a str)> {
        let is_last = |index: usize| !self.0[index + 1..].iter().any(|(key, _)| *key == self.0[index].0);
        self.0
            .iter()
            .enumerate()
            .filter(move |(index, _)| is_last(*index))
            .map(|(_, (key, value))| (&*key.0, value.get()))
    }

    /// Whether there is such a member and it is not null.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value != "null")
    }

    /// A member that is an object.
    #[must_use]
    pub fn object(&self, name: &str) -> Option<Self> {
        self.get(name).and_then(Self::parse)
    }

    /// A member that is text, or a number taken as its digits: platforms send ids both ways. Text that no `str` can hold
    /// (unpaired surrogates) comes as the raw text between its quotes.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        text(self.get(name)?)
    }

    /// A member that is text, for people to read: what no `str` can hold (unpaired surrogates) becomes U+FFFD.
    #[must_use]
    pub fn readable(&self, name: &str) -> Option<String> {
        // A name is read as bytes for the same reason.
        let Key(bytes) = serde_json::from_str(self.get(name)?).ok()?;
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            // A surrogate is three such bytes, and one sign is enough.
            let goes_on = chunk.valid().is_empty() && text.ends_with('\u{fffd}');
            if !(chunk.invalid().is_empty() || goes_on) {
                text.push('\u{fffd}');
            }
        }
        Some(text)
    }

    /// A member that is true.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// A whole number, also where it comes as text or with a fraction.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        let text = self.text(name)?;
        let text = text.trim();
        if let Ok(integer) = text.parse() {
            return Some(integer);
        }
        // 2^53: beyond it a float no longer names one integer.
        let float: f64 = text.parse().ok()?;
        #[allow(clippy::cast_possible_truncation, reason = "the range was checked")]
        (float.is_finite() && float.abs() <= 9_007_199_254_740_992.0).then_some(float as i64)
    }
}

/// The raw texts of the elements of an array.
#[must_use]
pub fn elements(text: &str) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// How deep the text of a value is nested: 0 for a number, 1 for `{}`.
#[must_use]
pub fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut is_escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match (byte, in_string) {
            _ if is_escaped => is_escaped = false,
            (b'\\', true) => is_escaped = true,
            (b'"', _) => in_string = !in_string,
            (b'{' | b'[', false) => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (b'}' | b']', false) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Whether a value is nested more deeply than any platform nests one: readers of files have limits too.
#[must_use]
pub fn is_too_deep(text: &str) -> bool {
    depth(text) > MAX_DEPTH
}

/// How deep a value may be nested to be written anew.
const MAX_DEPTH: usize = 100;

/// Writes valid JSON in the one form that all equal values have: members sorted by name, no spaces, characters escaped
/// only where they must be. Numbers keep their digits, and half a surrogate pair stays the escape that it is. `None`:
/// the text is no JSON, or nested too deeply.
#[must_use]
pub fn canonical(text: &str) -> Option<String> {
    let raw: &RawValue = serde_json::from_str(text).ok()?;
    let mut out = String::with_capacity(raw.get().len());
    write_canonical(raw.get(), &mut out, MAX_DEPTH, String::push_str)?;
    Some(out)
}

/// As [`canonical`], and numbers of one value have one form, too: `60`, `60.0` and `6e1` are equal. No digit is lost.
#[must_use]
pub fn canonical_value(text: &str) -> Option<String> {
    let raw: &RawValue = serde_json::from_str(text).ok()?;
    let mut out = String::with_capacity(raw.get().len());
    let write = |out: &mut String, raw: &str| match number_form(raw) {
        Some(form) => out.push_str(&form),
        None => out.push_str(raw),
    };
    write_canonical(raw.get(), &mut out, MAX_DEPTH, write)?;
    Some(out)
}

/// The one form of a number: an integer in its digits, where it has not many zeros at its end; anything else as its digits
/// without zeros around them and a power of ten. `None`: it is no number, or its power is out of all reason.
fn number_form(raw: &str) -> Option<String> {
    const MOST_ZEROS: i64 = 30;
    let (sign, unsigned) = raw.strip_prefix('-').map_or(("", raw), |rest| ("-", rest));
    let (mantissa, power) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let mut power = power.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    power = power.checked_add(i64::try_from(digits.len() - significant.len()).ok()?)?;
    Some(match usize::try_from(power) {
        Ok(zeros) if power <= MOST_ZEROS => format!("{sign}{significant}{}", "0".repeat(zeros)),
        _ => format!("{sign}{significant}e{power}"),
    })
}

fn write_canonical(raw: &str, out: &mut String, depth: usize, scalar: impl Fn(&mut String, &str) + Copy) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match raw.as_bytes().first()? {
        b'"' => write_string(raw, out),
        b'{' => {
            let object = Object::parse(raw)?;
            let mut members: Vec<(&[u8], &str)> = object.members().collect();
            members.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (index, (name, value)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                push_name(out, name);
                write_canonical(value, out, depth, scalar)?;
            }
            out.push('}');
        }
        b'[' => {
            out.push('[');
            for (index, element) in elements(raw)?.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(element, out, depth, scalar)?;
            }
            out.push(']');
        }
        _ => scalar(out, raw),
    }
    Some(())
}

/// A member's name with quotes and colon.
pub fn push_name(out: &mut String, name: &[u8]) {
    push_quoted(out, &String::from_utf8_lossy(name));
    out.push(':');
}

fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        push_char(out, c);
    }
    out.push('"');
}

fn push_char(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        c if c < ' ' => push_escape(out, u32::from(c)),
        c => out.push(c),
    }
}

fn push_escape(out: &mut String, unit: u32) {
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        out.extend(char::from_digit((unit >> shift) & 0xf, 16));
    }
}

/// Writes a string, given with its quotes, with as few escapes as can be.
fn write_string(raw: &str, out: &mut String) {
    if !raw.contains('\\') {
        out.push_str(raw);
        return;
    }
    let mut rest = &raw[1..raw.len() - 1];
    out.push('"');
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escaped = rest[at + 1..].chars().next().unwrap_or('\\');
        rest = &rest[at + 1 + escaped.len_utf8()..];
        match escaped {
            'n' => out.push_str("\\n"),
            'r' => out.push_str("\\r"),
            't' => out.push_str("\\t"),
            'b' => out.push_str("\\b"),
            'f' => out.push_str("\\f"),
            'u' => {
                let unit = take_unit(&mut rest);
                let mut after = rest;
                match char::from_u32(unit) {
                    Some(c) => push_char(out, c),
                    // The first half of a pair, if the second one follows.
                    None if unit < 0xdc00 && after.starts_with("\\u") => {
                        after = &after[2..];
                        let low = take_unit(&mut after);
                        match char::decode_utf16([as_u16(unit), as_u16(low)]).next() {
                            Some(Ok(c)) => {
                                out.push(c);
                                rest = after;
                            }
                            _ => push_escape(out, unit),
                        }
                    }
                    None => push_escape(out, unit),
                }
            }
            other => push_char(out, other),
        }
    }
    out.push_str(rest);
    out.push('"');
}

/// The four digits at the beginning.
fn take_unit(rest: &mut &str) -> u32 {
    let (digits, after) = rest.split_at_checked(4).unwrap_or(("", rest));
    *rest = after;
    u32::from_str_radix(digits, 16).unwrap_or(0xfffd)
}

fn as_u16(unit: u32) -> u16 {
    u16::try_from(unit).unwrap_or(u16::MAX)
}

fn text(raw: &str) -> Option<Cow<'_, str>> {
    match raw.as_bytes().first()? {
        b'"' => Some(match serde_json::from_str::<String>(raw) {
            Ok(text) => Cow::Owned(text),
            Err(_) => Cow::Borrowed(&raw[1..raw.len() - 1]),
        }),
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(raw)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_bytes() {
        let object =
            Object::parse(r#" { "big": 900719925474099312345, "a\ud800": 1, "big": 1.0e3 , "x":{"y":[ 1 , 2]}} "#)
                .expect("an object");
        assert_eq!(object.get("big"), Some("1.0e3"));
        assert_eq!(object.get("x"), Some(r#"{"y":[ 1 , 2]}"#));
        assert_eq!(object.integer("big"), Some(1000));
        assert_eq!(elements("[ 1 , \"\\ud800\"]"), Some(vec!["1", "\"\\ud800\""]));
    }

    #[test]
    fn what_is_no_object_is_none() {
        for text in ["", "[]", "1", "{", "{}x", "{\"a\"}", "null"] {
            assert!(Object::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn text_with_an_unpaired_surrogate_comes_raw() {
        let object = Object::parse(r#"{"mid":"m_\ud83d","id":7000000000000001}"#).expect("an object");
        assert_eq!(object.text("mid").as_deref(), Some(r"m_\ud83d"));
        assert_eq!(object.text("id").as_deref(), Some("7000000000000001"));
        assert_eq!(object.text("absent"), None);
        assert_eq!(object.readable("mid").map(|text| text.replace('\u{fffd}', "?")).as_deref(), Some("m_?"));
        assert_eq!(object.readable("id"), None);
    }

    #[test]
    fn equal_values_have_one_form() {
        let form = canonical(r#"{"b":[1.50, 9007199254740993,true ],"a":"\u00e9\/\ud83c\udf75\n","a\u0041":{}}"#);
        assert_eq!(form.as_deref(), Some("{\"a\":\"é/🍵\\n\",\"aA\":{},\"b\":[1.50,9007199254740993,true]}"));
        assert_eq!(canonical(&form.clone().expect("a form")), form, "the form of a form is itself");
        for (raw, expected) in [
            (r#""\ud83c""#, r#""\ud83c""#),
            (r#""\uD83C\u0041""#, r#""\ud83cA""#),
            (r#""\udf75x""#, r#""\udf75x""#),
            (r#""\ud83c\ud83c\udf75""#, "\"\\ud83c🍵\""),
            (r#""\u0000\u001f\u007f\u2028\"\\""#, "\"\\u0000\\u001f\u{7f}\u{2028}\\\"\\\\\""),
            ("1e400", "1e400"),
            ("-0.0", "-0.0"),
        ] {
            assert_eq!(canonical(raw).as_deref(), Some(expected), "{raw}");
        }
        assert_eq!(canonical("{\"a\":1"), None);
        assert_eq!(canonical(&format!("{}{}", "[".repeat(200), "]".repeat(200))), None, "too deep");
    }

    #[test]
    fn numbers_are_compared_by_their_value_and_lose_no_digit() {
        for (equal, form) in [
            (&["60", "60.0", "6e1", "6.0E+1", "0.6e2", "600e-1"][..], "60"),
            (&["0", "-0", "0.00", "0e7", "-0.0e-3"], "0"),
            (&["-1.50", "-15e-1"], "-15e-1"),
            (&["9007199254740993", "9007199254740993.000"], "9007199254740993"),
            (&["9007199254740992"], "9007199254740992"),
            (&["1e400", "10e399"], "1e400"),
            (&["1e99999999999999999999"], "1e99999999999999999999"),
        ] {
            for raw in equal {
                assert_eq!(canonical_value(raw).as_deref(), Some(form), "{raw}");
            }
        }
        assert_eq!(
            canonical_value(r#"{"b":[1.0,true,null,"1.0"],"a":1}"#).as_deref(),
            Some(r#"{"a":1,"b":[1,true,null,"1.0"]}"#)
        );
    }

    #[test]
    fn depth_is_no_danger() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
        assert!(Object::parse(&deep).is_some_and(|object| object.has("a")));
    }

    #[test]
    fn depth_counts_what_is_no_text() {
        for (text, deep) in
            [("1", 0), ("{}", 1), (r#"{"a":"[[[{"}"#, 1), (r#"["\"[",[[]]]"#, 3), (r#"{"a":{"b":[1]}}"#, 3)]
        {
            assert_eq!(depth(text), deep, "{text}");
        }
        assert!(!is_too_deep(&format!("{}{}", "[".repeat(100), "]".repeat(100))));
        assert!(is_too_deep(&format!("{}{}", "[".repeat(101), "]".repeat(101))));
    }
}
