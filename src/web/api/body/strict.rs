//! JSON with pointers to what does not fit, and with sentences of ours: those of serde repeat what stands in the body,
//! and what a message says belongs into no answer and no log.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use serde_json::{Map, Number, Value};

use crate::answering::content::Misfit;

/// What is said of a member that is there twice: which one counts, every reader decides differently.
pub(super) const TWICE: &str = "This is given twice.";

const UNREADABLE: &str = "This is not JSON in UTF-8, or it holds half of a surrogate pair";

/// The pointer to a member of what `base` points to (RFC 6901).
pub(super) fn pointer_to(base: &str, name: &str) -> String {
    format!("{base}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Reads JSON in which no member is given twice.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Misfit> {
    let found = RefCell::new(None);
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let parsed = At { pointer: String::new(), found: &found }.deserialize(&mut json);
    parsed.and_then(|value| json.end().map(|()| value)).map_err(|error| {
        found.into_inner().unwrap_or_else(|| {
            let message = format!("{UNREADABLE}: line {}, column {}.", error.line(), error.column());
            Misfit::new("", message)
        })
    })
}

/// A place in a body under reading; the first fault found is noted there.
struct At<'a> {
    pointer: String,
    found: &'a RefCell<Option<Misfit>>,
}

impl At<'_> {
    fn below(&self, name: &str) -> Self {
        Self { pointer: pointer_to(&self.pointer, name), found: self.found }
    }

    fn note(&self, pointer: &str, message: &'static str) {
        self.found.borrow_mut().get_or_insert_with(|| Misfit::new(pointer, message));
    }
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let below = self.below(&list.len().to_string());
            let pointer = below.pointer.clone();
            match items.next_element_seed(below) {
                Ok(Some(value)) => list.push(value),
                Ok(None) => return Ok(list.into()),
                Err(error) => {
                    self.note(&pointer, UNREADABLE_HERE);
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let below = self.below(&name);
            let pointer = below.pointer.clone();
            if object.contains_key(&name) {
                self.note(&pointer, TWICE);
                return Err(de::Error::custom(TWICE));
            }
            let value = members.next_value_seed(below).inspect_err(|_| self.note(&pointer, UNREADABLE_HERE))?;
            object.insert(name, value);
        }
        Ok(object.into())
    }
}

const UNREADABLE_HERE: &str = "This is not JSON in UTF-8, or it holds half of a surrogate pair.";

/// Something that does not fit, with the pointer to it as far as it is known yet.
#[derive(Debug)]
pub(super) struct Fault {
    pointer: String,
    message: Cow<'static, str>,
}

impl Fault {
    fn here(message: impl Into<Cow<'static, str>>) -> Self {
        Self { pointer: String::new(), message: message.into() }
    }

    fn at(name: &str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { pointer: pointer_to("", name), message: message.into() }
    }

    /// The same, seen from one level higher.
    fn below(mut self, name: &str) -> Self {
        self.pointer.insert_str(0, &pointer_to("", name));
        self
    }
}

impl From<Fault> for Misfit {
    fn from(Fault { pointer, message }: Fault) -> Self {
        Self { pointer, message }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.pointer, self.message)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::here(message.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::here(format!("This must be {expected}."))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::here(format!("This must be {expected}."))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::here(format!("This must be {expected}."))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::here(format!("This must be one of: {}.", expected.join(", ")))
    }

    fn unknown_field(name: &str, _: &'static [&'static str]) -> Self {
        Self::at(name, "There is no such member.")
    }

    fn missing_field(name: &'static str) -> Self {
        Self::at(name, "This is missing.")
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::at(name, TWICE)
    }
}

/// A value that is given to serde.
pub(super) struct Node {
    value: Value,
    /// Whether numbers and truth values stand in texts.
    is_query: bool,
}

impl Node {
    pub(super) fn body(value: Value) -> Self {
        Self { value, is_query: false }
    }

    pub(super) fn query(value: Value) -> Self {
        Self { value, is_query: true }
    }

    /// The whole number that stands here, if it is one from `least` to `most`.
    fn whole(&self, least: i128, most: i128) -> Result<i128, Fault> {
        let found = match &self.value {
            Value::Number(number) => number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)),
            Value::String(text) if self.is_query && !text.starts_with('+') => text.parse().ok(),
            _ => None,
        };
        found
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| Fault::here(format!("This must be a whole number from {least} to {most}.")))
    }
}

impl IntoDeserializer<'_, Fault> for Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Whole numbers of every size that serde knows.
macro_rules! whole_numbers {
    ($($method:ident $visit:ident $kind:ty),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let number = self.whole(<$kind>::MIN.into(), <$kind>::MAX.into())?;
            // In the range that was just asked for.
            visitor.$visit(<$kind>::try_from(number).map_err(de::Error::custom)?)
        })*
    };
}

impl<'de> Deserializer<'de> for Node {
    type Error = Fault;

    whole_numbers!(
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64
    );

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visitor.visit_seq(Items { items: items.into_iter(), next: 0 }),
            Value::Object(members) => {
                let members = members.into_iter();
                visitor.visit_map(Members { members, value: None, is_query: self.is_query })
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::String(text) if self.is_query && text == "true" => visitor.visit_bool(true),
            Value::String(text) if self.is_query && text == "false" => visitor.visit_bool(false),
            _ => Err(Fault::here("This must be true or false.")),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let number = match &self.value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) if self.is_query => text.parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        };
        visitor.visit_f64(number.ok_or_else(|| Fault::here("This must be a number."))?)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::String(text) => visitor.visit_string(text),
            _ => Err(Fault::here("This must be a text.")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Array(_) => self.deserialize_any(visitor),
            _ => Err(Fault::here("This must be a list.")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Object(_) => self.deserialize_any(visitor),
            _ => Err(Fault::here("This must be an object.")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.value {
            Value::String(name) => visitor.visit_enum(Word(name.into_deserializer())),
            _ => Err(Fault::here("This must be a text.")),
        }
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// One of several words.
struct Word(StringDeserializer<Fault>);

impl<'de> EnumAccess<'de> for Word {
    type Error = Fault;
    type Variant = <StringDeserializer<Fault> as EnumAccess<'de>>::Variant;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), Fault> {
        self.0.variant_seed(seed)
    }
}

struct Items {
    items: std::vec::IntoIter<Value>,
    next: usize,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Some(value) = self.items.next() else { return Ok(None) };
        let index = self.next;
        self.next += 1;
        seed.deserialize(Node::body(value)).map(Some).map_err(|fault| fault.below(&index.to_string()))
    }
}

struct Members {
    members: serde_json::map::IntoIter,
    value: Option<(String, Value)>,
    is_query: bool,
}

impl<'de> MapAccess<'de> for Members {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Some((name, value)) = self.members.next() else { return Ok(None) };
        let key = seed.deserialize(StrDeserializer::new(&name));
        self.value = Some((name, value));
        key.map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let (name, value) = self.value.take().unwrap_or_default();
        seed.deserialize(Node { value, is_query: self.is_query }).map_err(|fault| fault.below(&name))
    }
}
