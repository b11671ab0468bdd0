//! The ids of Viber, and how they become names of files and parts of addresses.
//!
//! People's ids look like base64 and hold `/`, `+` and `=`; the same person has another id with another bot. An account's id
//! is `pa:` and digits.
//! Source: <https://developers.viber.com/docs/api/rest-bot-api/> (Get account info, Callbacks; 2026).

use crate::shared::files::path::{Name, Naming};

/// The channel's name in paths, tables and files.
pub const NAME: &str = "viber";

/// The platform's name as people know it.
pub const PLATFORM: &str = "Viber";

/// How people's ids become names.
const PEOPLE: Naming = Naming::BASE64;

/// What stands before the digits of an account's id.
const ACCOUNT: &str = "pa:";

/// The most digits of an account's id.
const MOST_DIGITS: usize = 32;

/// The account whose id this is, by the digits of it; `None`: it is no such id.
#[must_use]
pub fn account(id: &str) -> Option<Name> {
    let digits = id.strip_prefix(ACCOUNT).unwrap_or(id);
    let is_good = (1..=MOST_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_good { Name::parse(digits).ok() } else { None }
}

/// The person whose id this is, by name; `None`: it is no such id.
#[must_use]
pub fn person(id: &str) -> Option<Name> {
    PEOPLE.name(id).ok()
}

/// The id of the person of this name; `None`: nobody has it.
#[must_use]
pub fn id_of(person: &str) -> Option<String> {
    let (_, id) = PEOPLE.id(&Name::parse(person).ok()?).ok()?;
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v3_only_ids_of_the_platform_have_names() {
        let named = |id: &str| account(id).map(|name| name.to_string());
        assert_eq!(named("pa:75346594275468546724").as_deref(), Some("75346594275468546724"));
        assert_eq!(named("5346594275468546724").as_deref(), Some("5346594275468546724"));
        for bad in ["", "pa:", "pa:12a", "pa:../1", "pa:pa:1", "１２", &"1".repeat(33)] {
            assert_eq!(named(bad), None, "{bad:?}");
        }
        let id = "dGVzdC11c2VyLTAx/A==";
        let name = person(id).map(|name| name.to_string());
        assert_eq!(name.as_deref(), Some("dGVzdC11c2VyLTAx_A"));
        assert_eq!(id_of("dGVzdC11c2VyLTAx_A").as_deref(), Some(id));
        for bad in ["", "no id", "dGVzdA", "../../etc", "dGVz-A=="] {
            assert_eq!(person(bad), None, "{bad:?}");
        }
        for bad in ["", "dGVzdC11c2VyLTAx/A==", "..", "dGVzdC11c2VyLTAx_B"] {
            assert_eq!(id_of(bad), None, "{bad:?}");
        }
    }
}
