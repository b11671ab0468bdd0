//! Names for the ids of any platform: one reversible encoding for file names, parts of our URLs and names of cursors.
//!
//! A [`Name`] needs no escaping anywhere: it is a file name that no system hides or reserves, a part of a URL as it stands,
//! and it holds no `:`, which separates the parts of a cursor's name. A channel says with a [`Naming`] what its ids look
//! like, and makes names where it parses them. From there on the journal, files, pages and the API know a person or an
//! account by that name; only the channel turns it back into the id that the platform understands.
//!
//! Two ids of one [`Naming`] never have one name. Names differ in upper and lower case, as ids do: a folder on a file
//! system that does not tell `a` from `A` must not hold names of ids that are text or base64 (ids of digits may lie there).

use std::borrow::Cow;
use std::fmt;
use std::io::ErrorKind;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

/// The file of the output folder that says which installation it belongs to.
pub const MARK: &str = ".shoptalk";

/// The longest name, in bytes.
const MAX_NAME_BYTES: usize = 141;

/// The longest id that stands behind the word for its kind as it is, in bytes.
const MAX_BYTES_BEHIND_KIND: usize = 131;

/// What stands before an id that is written as base64url.
const ENCODED: &str = "b-";

/// What a file is called that holds JSON: a name and this.
const JSON: &str = ".json";

/// The names that Windows keeps for devices. Archives of our files are opened there.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Why a text is no name, or has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A text that could be more than a plain file name.
    #[error("not a plain file name")]
    NotPlain,
    /// An id that is longer than names can hold.
    #[error("an id that is too long for a file name")]
    TooLong,
    /// An id that is not of the form that its platform's ids have.
    #[error("an id of an unknown form")]
    NoSuchId,
}

impl From<NameError> for std::io::Error {
    fn from(error: NameError) -> Self {
        Self::new(ErrorKind::InvalidInput, error)
    }
}

/// A plain name: `[A-Za-z0-9_-][A-Za-z0-9._-]{0,140}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Cow<'static, str>);

impl Name {
    /// Reads a name, for example out of a URL or a table.
    ///
    /// # Errors
    /// [`NameError::NotPlain`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if is_name(text) { Ok(Self(Cow::Owned(text.to_owned()))) } else { Err(NameError::NotPlain) }
    }

    /// A name that stands in the code. Used in constants, so that a wrong one does not compile.
    ///
    /// # Panics
    /// When the text holds anything but lower-case letters, `_` and `.`, or does not begin with a letter.
    #[must_use]
    pub const fn fixed(text: &'static str) -> Self {
        let bytes = text.as_bytes();
        assert!(!bytes.is_empty() && bytes.len() <= 40 && bytes[0].is_ascii_lowercase());
        let mut at = 1;
        while at < bytes.len() {
            assert!(bytes[at].is_ascii_lowercase() || bytes[at] == b'_' || bytes[at] == b'.');
            at += 1;
        }
        Self(Cow::Borrowed(text))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What the ids of a platform look like that stand in names without a kind before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// Text. `[A-Za-z0-9][A-Za-z0-9._-]{0,140}` is its own name (`{0,130}` behind a kind); anything else becomes `b-` and
    /// base64url.
    Text,
    /// Padded base64, as Viber's `dGVzdC11c2VyLTAx/A==`. The name is the same bytes in base64url without padding.
    Base64,
}

/// How a channel's ids become names: some behind the word for what they name (`share-7100`), the others bare.
#[derive(Debug, Clone, Copy)]
pub struct Naming {
    ids: Ids,
    kinds: &'static [&'static str],
}

impl Naming {
    /// Ids that are text, without kinds: those of Facebook, Instagram and Shopify.
    pub const TEXT: Self = Self { ids: Ids::Text, kinds: &[] };

    /// Ids that are base64, without kinds: those of Viber.
    pub const BASE64: Self = Self { ids: Ids::Base64, kinds: &[] };

    /// Ids that are text, and some that stand behind one of these words. Used in constants, so that a wrong word does not
    /// compile.
    ///
    /// # Panics
    /// When a word holds anything but letters, or is `b`.
    #[must_use]
    pub const fn with_kinds(kinds: &'static [&'static str]) -> Self {
        let mut kind = 0;
        while kind < kinds.len() {
            let bytes = kinds[kind].as_bytes();
            assert!(!bytes.is_empty() && bytes.len() <= 10 && !(bytes.len() == 1 && bytes[0] == b'b'));
            let mut at = 0;
            while at < bytes.len() {
                assert!(bytes[at].is_ascii_alphabetic());
                at += 1;
            }
            kind += 1;
        }
        Self { ids: Ids::Text, kinds }
    }

    /// The name of an id that has no kind.
    ///
    /// # Errors
    /// [`NameError`], when the id is too long or not of the platform's form. Then what names it belongs to nobody.
    pub fn name(&self, id: &str) -> Result<Name, NameError> {
        let is_own_name = || is_own_name(id, MAX_NAME_BYTES) && self.split_kind(id).is_none() && !is_device(id);
        let name = match self.ids {
            Ids::Base64 => {
                let bytes = BASE64_STANDARD.decode(id).map_err(|_| NameError::NoSuchId)?;
                BASE64_URL_SAFE_NO_PAD.encode(bytes)
            }
            Ids::Text if is_own_name() => id.to_owned(),
            Ids::Text => encoded(id)?,
        };
        finish(name)
    }

    /// The name of an id of this kind: `share` and `7100` make `share-7100`.
    ///
    /// # Errors
    /// As [`Naming::name`]; also when the naming does not know the kind.
    pub fn name_of_kind(&self, kind: &str, id: &str) -> Result<Name, NameError> {
        if !self.kinds.contains(&kind) {
            return Err(NameError::NoSuchId);
        }
        let id = if is_own_name(id, MAX_BYTES_BEHIND_KIND) { Cow::Borrowed(id) } else { Cow::Owned(encoded(id)?) };
        finish(format!("{kind}-{id}"))
    }

    /// The id that has this name, and its kind if it has one: the way back from [`Naming::name`] and
    /// [`Naming::name_of_kind`].
    ///
    /// # Errors
    /// [`NameError::NoSuchId`] for a name that neither of them gives.
    pub fn id(&self, name: &Name) -> Result<(Option<&'static str>, String), NameError> {
        let (kind, rest) = match self.split_kind(name.as_str()) {
            Some((kind, rest)) => (Some(kind), rest),
            None => (None, name.as_str()),
        };
        let id = match self.ids {
            Ids::Base64 => {
                BASE64_STANDARD.encode(BASE64_URL_SAFE_NO_PAD.decode(rest).map_err(|_| NameError::NoSuchId)?)
            }
            Ids::Text => match rest.strip_prefix(ENCODED) {
                Some(encoded) => {
                    let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| NameError::NoSuchId)?;
                    String::from_utf8(bytes).map_err(|_| NameError::NoSuchId)?
                }
                None => rest.to_owned(),
            },
        };
        let again = match kind {
            Some(kind) => self.name_of_kind(kind, &id),
            None => self.name(&id),
        };
        if again.as_ref() == Ok(name) { Ok((kind, id)) } else { Err(NameError::NoSuchId) }
    }

    /// A name or an id that begins with the word of a kind, and what follows.
    fn split_kind<'a>(&self, text: &'a str) -> Option<(&'static str, &'a str)> {
        let (word, rest) = text.split_once('-')?;
        self.kinds.iter().find(|kind| **kind == word).map(|kind| (*kind, rest))
    }
}

/// A path below the output folder, made of parts that were parsed before: ids and fixed names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelativePath(Vec<String>);

impl RelativePath {
    /// A path of these parts, each a name or a name and `.json`.
    ///
    /// # Errors
    /// When a part could be anything but a plain file name. Ids become [`Name`]s long before; this is the last line of
    /// defence.
    pub fn new(parts: &[&str]) -> std::io::Result<Self> {
        let is_plain = |part: &&str| is_name(part) || part.strip_suffix(JSON).is_some_and(is_name);
        if parts.is_empty() || !parts.iter().all(is_plain) {
            return Err(NameError::NotPlain.into());
        }
        Ok(Self(parts.iter().map(|&part| part.to_owned()).collect()))
    }

    /// The folder or file at the end of these names.
    #[must_use]
    pub fn of<const PARTS: usize>(names: [&Name; PARTS]) -> Self {
        const { assert!(PARTS > 0) };
        Self(names.iter().map(|name| name.as_str().to_owned()).collect())
    }

    /// The JSON document of this name in this folder.
    #[must_use]
    pub fn document(mut self, name: &Name) -> Self {
        self.0.push(format!("{name}{JSON}"));
        self
    }

    /// What has this name in this folder.
    ///
    /// # Errors
    /// As [`RelativePath::new`].
    pub fn join(&self, name: &str) -> std::io::Result<Self> {
        let parts: Vec<&str> = self.0.iter().map(String::as_str).chain([name]).collect();
        Self::new(&parts)
    }

    /// The path that is written like this, with `/` between its parts.
    ///
    /// # Errors
    /// As [`RelativePath::new`].
    pub fn parse(text: &str) -> std::io::Result<Self> {
        Self::new(&text.split('/').collect::<Vec<_>>())
    }

    /// The folders that an account may have: `<channel>/<account>`, or `<account>` where its name is a domain. No
    /// channel's name has a dot, so no account's own folder is that of a channel.
    #[must_use]
    pub fn folders_of(channel: &str, account: &str) -> Vec<Self> {
        let own = if account.contains('.') { Self::new(&[account]).ok() } else { None };
        own.into_iter().chain(Self::new(&[channel, account]).ok()).collect()
    }

    /// The parts, the file's or innermost folder's last. There is at least one.
    pub(super) fn parts(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("/"))
    }
}

/// Whether a file in a folder belongs to the document `<stem>.json`: it itself, a half-written one
/// (`.<stem>.json.<number>.<number>.tmp`) or one that was moved aside (`<stem>.json.damaged-<number>`). Nothing of a
/// document whose name merely begins the same.
pub(super) fn belongs_to(file: &[u8], stem: &str) -> bool {
    let after = |file: &[u8]| {
        let rest = file.strip_prefix(stem.as_bytes())?.strip_prefix(JSON.as_bytes())?;
        std::str::from_utf8(rest).ok().map(str::to_owned)
    };
    match file.strip_prefix(b".") {
        Some(hidden) => after(hidden).is_some_and(|rest| is_half_written(&rest)),
        None => after(file).is_some_and(|rest| rest.is_empty() || is_aside(&rest)),
    }
}

/// Whether this stands behind the name of a file that was moved aside.
pub(super) fn is_aside(rest: &str) -> bool {
    rest.strip_prefix(".damaged-").is_some_and(|number| number.parse::<i64>().is_ok())
}

fn is_half_written(rest: &str) -> bool {
    let numbers = rest.strip_prefix('.').and_then(|rest| rest.strip_suffix(".tmp"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.and_then(|numbers| numbers.split_once('.')).is_some_and(|(one, two)| is_number(one) && is_number(two))
}

fn encoded(id: &str) -> Result<String, NameError> {
    match id.len() {
        0 => Err(NameError::NoSuchId),
        // Looked at before a long text is written out.
        1..MAX_NAME_BYTES => Ok(format!("{ENCODED}{}", BASE64_URL_SAFE_NO_PAD.encode(id))),
        MAX_NAME_BYTES.. => Err(NameError::TooLong),
    }
}

fn finish(name: String) -> Result<Name, NameError> {
    match name.len() {
        length if length > MAX_NAME_BYTES => Err(NameError::TooLong),
        _ if is_name(&name) && !is_device(&name) => Ok(Name(Cow::Owned(name))),
        // Base64 of nothing, or by chance the name of a device: no platform has such an id.
        _ => Err(NameError::NoSuchId),
    }
}

/// Whether an id may stand in a name as it is. What begins as an encoded one does is encoded itself.
fn is_own_name(id: &str, max_bytes: usize) -> bool {
    id.len() <= max_bytes
        && id.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && id.bytes().all(is_plain)
        && !id.starts_with(ENCODED)
}

fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME_BYTES
        && text.bytes().next().is_some_and(|first| is_plain(first) && first != b'.')
        && text.bytes().all(is_plain)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Source: <https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file>.
fn is_device(text: &str) -> bool {
    let numbered = |name: &str| {
        text.len() == 4
            && text.get(..3).is_some_and(|front| front.eq_ignore_ascii_case(name))
            && text.ends_with(|last: char| last.is_ascii_digit())
    };
    DEVICES.iter().any(|name| text.eq_ignore_ascii_case(name)) || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const POSTS: Naming = Naming::with_kinds(&["share", "ugcPost", "activity", "conv"]);
    const CHATS: Naming = Naming::with_kinds(&["group"]);

    fn bare(naming: Naming, id: &str) -> String {
        naming.name(id).map_or_else(|error| error.to_string(), |name| name.to_string())
    }

    fn of_kind(naming: Naming, kind: &str, id: &str) -> String {
        naming.name_of_kind(kind, id).map_or_else(|error| error.to_string(), |name| name.to_string())
    }

    #[test]
    fn ids_that_are_plain_names_already_keep_them() {
        for id in
            ["100000000000101", "demo-shop.myshopify.com", "con.myshopify.com", "US.9000000000000001", "US.ENT.900"]
        {
            assert_eq!(bare(Naming::TEXT, id), id);
            assert_eq!(bare(CHATS, id), id);
        }
        let longest = format!("US.ENT.{}", "9".repeat(128));
        assert_eq!(bare(CHATS, &longest), longest);
    }

    #[test]
    fn ids_of_every_platform_have_the_names_that_are_promised() {
        assert_eq!(bare(Naming::BASE64, "dGVzdC11c2VyLTAx/A=="), "dGVzdC11c2VyLTAx_A");
        assert_eq!(bare(Naming::BASE64, "+/+/+/+/"), "-_-_-_-_");
        assert_eq!(of_kind(POSTS, "share", "7100"), "share-7100");
        assert_eq!(of_kind(POSTS, "conv", "conv-test-1"), "conv-conv-test-1");
        assert_eq!(of_kind(POSTS, "conv", "2-a/b="), "conv-b-Mi1hL2I9");
        assert_eq!(of_kind(CHATS, "group", "GROUPTEST01"), "group-GROUPTEST01");
        assert_eq!(bare(Naming::TEXT, "urn:li:share:7100"), "b-dXJuOmxpOnNoYXJlOjcxMDA");
    }

    #[test]
    fn what_could_be_mistaken_for_another_name_is_encoded() {
        for id in
            ["b-", "b-MQ", "_a", "-a", ".a", ".", "..", "a b", "ä", "a/b", "a\0b", "con", "NUL", "Com1", "group-1"]
        {
            let name = bare(CHATS, id);
            assert!(name.starts_with("b-") && name != id, "{id:?} is {name}");
        }
        assert_eq!(of_kind(CHATS, "group", "b-MQ"), "group-b-Yi1NUQ");
    }

    #[test]
    fn what_no_name_can_hold_is_refused() {
        assert_eq!(bare(Naming::TEXT, &"/".repeat(105)), NameError::TooLong.to_string());
        assert_eq!(bare(Naming::TEXT, &"/".repeat(104)).len(), 141);
        assert_eq!(of_kind(CHATS, "group", &"g".repeat(132)), NameError::TooLong.to_string());
        for id in ["", "dGVzdA", "dGVzdA=", "dGVzdB==", "dGVz dA==", "dGVz-A==", "COM1"] {
            assert_eq!(bare(Naming::BASE64, id), NameError::NoSuchId.to_string(), "{id:?}");
        }
        assert_eq!(bare(Naming::TEXT, ""), NameError::NoSuchId.to_string());
        assert_eq!(of_kind(CHATS, "group", ""), NameError::NoSuchId.to_string());
        assert_eq!(of_kind(CHATS, "share", "1"), NameError::NoSuchId.to_string());
    }

    #[test]
    fn a_document_owns_its_leftovers_and_nothing_of_its_neighbours() {
        for file in ["a.json", "a.json.damaged-7", "a.json.damaged--7", ".a.json.12.34.tmp"] {
            assert!(belongs_to(file.as_bytes(), "a"), "{file}");
        }
        for file in [
            "a.b.json",
            "ab.json",
            "a.json.json",
            "a.json.damaged-7.json",
            "a.json.damaged-7.json.damaged-8",
            ".a.json",
            ".a.json.12.34.tmp.json.1.2.tmp",
            ".a.b.json.12.34.tmp",
            "a",
            "A.json",
        ] {
            assert!(!belongs_to(file.as_bytes(), "a"), "{file}");
        }
    }

    #[test]
    fn the_folder_of_an_account_is_never_that_of_a_channel() {
        let folders = |account| RelativePath::folders_of("whatsapp", account).iter().map(ToString::to_string).collect();
        let none: Vec<String> = folders("facebook");
        assert_eq!(none, ["whatsapp/facebook"]);
        let both: Vec<String> = folders("demo-shop.myshopify.com");
        assert_eq!(both, ["demo-shop.myshopify.com", "whatsapp/demo-shop.myshopify.com"]);
    }

    /// Ids as they might come: anything, and what is close to our own forms.
    fn any_id() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[0-9]{1,32}",
            "[A-Z]{2}[.](ENT[.])?[A-Za-z0-9]{1,128}",
            "(b-|group-|share-|conv-|b-b-|group-b-)?[A-Za-z0-9._-]{0,12}",
            "[.]{0,3}(con|nul|COM1|json|tmp|damaged-1)?[.]?[a-z]{0,3}",
            "[ -~]{95,150}",
        ]
    }

    fn any_naming() -> impl Strategy<Value = Naming> {
        prop_oneof![Just(Naming::TEXT), Just(POSTS), Just(CHATS)]
    }

    fn any_named() -> impl Strategy<Value = (Option<&'static str>, String)> {
        (prop_oneof![Just(None), Just(Some("group"))], any_id())
    }

    fn name_of((kind, id): &(Option<&'static str>, String)) -> Result<Name, NameError> {
        kind.map_or_else(|| CHATS.name(id), |kind| CHATS.name_of_kind(kind, id))
    }

    fn is_safe(name: &Name) -> bool {
        let text = name.as_str();
        let path = std::path::Path::new(text);
        let parts: Vec<_> = path.components().collect();
        let url = url::Url::parse(&format!("https://host.example/a/{text}/b")).expect("an address");
        matches!(parts.as_slice(), [std::path::Component::Normal(part)] if *part == text)
            && !text.starts_with('.')
            && text.len() <= MAX_NAME_BYTES
            && !text.contains(':')
            && url.path() == format!("/a/{text}/b")
            && Name::parse(text).as_ref() == Ok(name)
            && RelativePath::new(&["facebook", text, "conversations", &format!("{text}.json")]).is_ok()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 500, ..ProptestConfig::default() })]

        #[test]
        fn every_name_leads_back_to_its_id_and_is_safe(naming in any_naming(), id in any_id()) {
            if let Ok(name) = naming.name(&id) {
                prop_assert!(is_safe(&name), "{name}");
                prop_assert_eq!(naming.id(&name), Ok((None, id.clone())));
            }
            for kind in naming.kinds {
                if let Ok(name) = naming.name_of_kind(kind, &id) {
                    prop_assert!(is_safe(&name), "{name}");
                    prop_assert_eq!(naming.id(&name), Ok((Some(*kind), id.clone())));
                }
            }
        }

        #[test]
        fn bytes_of_any_id_in_base64_lead_back_to_it(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let id = BASE64_STANDARD.encode(&bytes);
            match Naming::BASE64.name(&id) {
                Ok(name) => {
                    prop_assert!(is_safe(&name), "{name}");
                    prop_assert_eq!(Naming::BASE64.id(&name), Ok((None, id)));
                }
                Err(error) => prop_assert!(bytes.is_empty() || bytes.len() > 105 || bytes.len() == 3, "{error}"),
            }
        }

        #[test]
        fn no_two_ids_have_one_name(ids in prop::collection::vec(any_named(), 2..12)) {
            let mut names = HashMap::new();
            for id in ids {
                let Ok(name) = name_of(&id) else { continue };
                let other = names.entry(name).or_insert_with(|| id.clone());
                prop_assert_eq!(&*other, &id);
            }
        }

        #[test]
        fn a_name_that_is_not_ours_names_nobody(naming in any_naming(), text in any_id()) {
            if let Ok(name) = Name::parse(&text)
                && let Ok((kind, id)) = naming.id(&name)
            {
                let again = kind.map_or_else(|| naming.name(&id), |kind| naming.name_of_kind(kind, &id));
                prop_assert_eq!(again, Ok(name));
            }
        }

        #[test]
        fn an_erasure_meets_the_files_of_its_own_document_only(one in any_named(), other in any_named(), number in any::<u32>()) {
            let (Ok(mine), Ok(theirs)) = (name_of(&one), name_of(&other)) else { return Ok(()) };
            for file in [
                format!("{theirs}.json"),
                format!("{theirs}.json.damaged-{number}"),
                format!(".{theirs}.json.{number}.{number}.tmp"),
            ] {
                prop_assert_eq!(belongs_to(file.as_bytes(), mine.as_str()), mine == theirs, "{}", file);
            }
        }
    }
}
