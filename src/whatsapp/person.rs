//! Whom WhatsApp talks about, and how they are called in files, tables and URLs.
//!
//! Since 2026 everybody has a business-scoped user id (BSUID), and a number may be missing. A conversation stands under the
//! BSUID where one is known, else under the digits of the number; a group under `group-` and its id. The three have forms
//! of which none looks like another, so two ids never have one name.
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids> (2026).

use crate::shared::files::path::{Name, Naming};

/// Groups stand behind this word.
const GROUP: &str = "group";

/// How groups are named; people's ids are their own names.
const NAMING: Naming = Naming::with_kinds(&[GROUP]);

/// The most digits of a number: E.164 allows 15.
const MOST_DIGITS: usize = 20;

/// The longest id behind the country of a BSUID, in characters.
const LONGEST_USER_ID: usize = 128;

/// Somebody with whom the number talks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Person {
    /// A person by BSUID: `US.900000000000000001`.
    User(String),
    /// A person by the digits of a number.
    Number(String),
    /// A group by its id.
    Group(String),
}

impl Person {
    /// A BSUID: two capital letters, a dot, `ENT.` for those of a parent, and up to 128 letters and digits.
    #[must_use]
    pub fn of_user_id(text: &str) -> Option<Self> {
        let (country, rest) = text.split_once('.')?;
        let id = rest.strip_prefix("ENT.").unwrap_or(rest);
        let is_country = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
        let is_id = (1..=LONGEST_USER_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (is_country && is_id).then(|| Self::User(text.to_owned()))
    }

    /// A number, with or without a plus.
    #[must_use]
    pub fn of_number(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let is_number = (1..=MOST_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| Self::Number(digits.to_owned()))
    }

    /// A group. Any id that is not too long for a file name has a name.
    #[must_use]
    pub fn of_group(id: &str) -> Option<Self> {
        let is_nameable = !id.is_empty() && NAMING.name_of_kind(GROUP, id).is_ok();
        is_nameable.then(|| Self::Group(id.to_owned()))
    }

    /// Who has this name in files and URLs.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        if name.starts_with("group-") {
            let (_, id) = NAMING.id(&Name::parse(name).ok()?).ok()?;
            return Self::of_group(&id);
        }
        Self::of_user_id(name).or_else(|| Self::of_number(name).filter(|_| !name.starts_with('+')))
    }

    /// The name in files, tables and URLs.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::User(id) | Self::Number(id) => id.clone(),
            // It was nameable when it was read.
            Self::Group(id) => NAMING.name_of_kind(GROUP, id).map_or_else(|_| String::new(), |name| name.to_string()),
        }
    }
}

/// The digits of a number as people write it: `+1 555-010-0001`. `None`: there are none, or other signs between them.
#[must_use]
pub fn digits_of(text: &str) -> Option<String> {
    let is_separator = |character: char| matches!(character, ' ' | '-' | '(' | ')' | '.' | '\u{a0}');
    let plain: String = text.chars().filter(|character| !is_separator(*character)).collect();
    match Person::of_number(&plain) {
        Some(Person::Number(digits)) => Some(digits),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v3_ids_have_names_and_names_lead_back_to_them() {
        for id in ["US.900000000000000001", "SE.ENT.a1", &format!("DE.{}", "x".repeat(128))] {
            let person = Person::of_user_id(id).unwrap();
            assert_eq!((person.name().as_str(), Person::of_name(id)), (id, Some(person)));
        }
        let number = Person::of_number("+15550100777").unwrap();
        assert_eq!((number.name().as_str(), Person::of_name("15550100777")), ("15550100777", Some(number)));
        for id in ["GROUPTEST01", "a/b", "120363@g.us", "..", "ü"] {
            let group = Person::of_group(id).unwrap();
            assert!(Name::parse(&group.name()).is_ok() && group.name().starts_with("group-"), "{id}");
            assert_eq!(Person::of_name(&group.name()), Some(group));
        }
    }

    #[test]
    fn v3_what_could_be_another_name_is_nobody() {
        for id in ["us.1", "USA.1", "US.", "US", "US.a.b", "US.ENT.", "US.a/b", "US.ü", "US.a\n", " US.a"] {
            assert_eq!(Person::of_user_id(id), None, "{id:?}");
        }
        assert_eq!(Person::of_user_id(&format!("US.{}", "x".repeat(129))), None);
        for number in ["", "+", "++1", "1a", "1 2", "../1", "१२", &"1".repeat(21)] {
            assert_eq!(Person::of_number(number), None, "{number:?}");
        }
        for name in ["", "group-", "group-a/b", "group-b-YQ", "+1", "b-YQ", "conv-1", "GROUP-1"] {
            assert_eq!(Person::of_name(name), None, "{name:?}");
        }
        assert_eq!(Person::of_group(""), None);
        assert_eq!(Person::of_group(&"g".repeat(300)), None);
    }

    #[test]
    fn a_number_is_read_as_people_write_it() {
        assert_eq!(digits_of("+1 (555) 010-0001").as_deref(), Some("15550100001"));
        assert_eq!(digits_of("call me"), None);
    }
}
