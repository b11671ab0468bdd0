//! Who is meant by the ids of an item: the user id where one is known, what else leads to that person, and what they are
//! called.

use crate::shared::journal::Knowing;
use crate::shared::raw_json::Object;
use crate::whatsapp::person::Person;

/// The people that a value names beside its items. An item is never matched by its place: a batch names several people.
pub struct People(Vec<Contact>);

struct Contact {
    ids: Ids,
    /// What the person is called.
    called: Option<String>,
}

/// By what an item says who is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ids {
    /// A number.
    pub number: Option<Person>,
    /// A user id, which is that of one business portfolio.
    pub user: Option<Person>,
    /// The user id that linked portfolios have in common.
    pub parent: Option<Person>,
}

impl Ids {
    /// Reads what stands in these members of an object. What is no id of its kind is left out.
    pub fn of(object: &Object<'_>, number: &str, user: &str, parent: &str) -> Self {
        let user_id = |name: &str| object.text(name).and_then(|text| Person::of_user_id(&text));
        Self {
            number: object.text(number).and_then(|text| Person::of_number(&text)),
            user: user_id(user),
            parent: user_id(parent),
        }
    }

    /// Whether both have an id of one kind, and it is the same.
    fn are_of_one(&self, other: &Self) -> bool {
        let same = |one: &Option<Person>, other: &Option<Person>| one.is_some() && one == other;
        match (&self.user, &self.parent) {
            (Some(_), _) if other.user.is_some() => same(&self.user, &other.user),
            (_, Some(_)) if other.parent.is_some() => same(&self.parent, &other.parent),
            (None, None) => same(&self.number, &other.number),
            _ => false,
        }
    }
}

/// What is kept of what somebody is called, in characters.
const LONGEST_NAME: usize = 200;

/// Somebody, and other names that lead to them.
#[derive(Debug)]
pub struct Identity {
    /// Who it is.
    pub person: Person,
    /// Other names.
    pub names: Vec<(String, Knowing)>,
}

impl People {
    /// Reads `contacts[]`.
    pub fn new(contacts: &[&str]) -> Self {
        let read = |contact: &&str| {
            let contact = Object::parse(contact)?;
            let ids = Ids::of(&contact, "wa_id", "user_id", "parent_user_id");
            let called = contact.object("profile").and_then(|profile| profile.readable("name"));
            let called = called.map(|name| name.chars().take(LONGEST_NAME).collect::<String>());
            Some(Contact { ids, called: called.filter(|name| !name.trim().is_empty()) })
        };
        Self(contacts.iter().filter_map(read).collect())
    }

    /// Who has these ids. `None`: there is none.
    pub fn find(&self, ids: Ids) -> Option<Identity> {
        let contact = self.0.iter().find(|contact| ids.are_of_one(&contact.ids));
        let known = contact.map(|contact| contact.ids.clone()).unwrap_or_default();
        let all = [ids.user.or(known.user), ids.parent.or(known.parent), ids.number.or(known.number)];
        let mut all = all.into_iter().flatten();
        let person = all.next()?;
        let others = all.filter(|other| *other != person).map(|other| (other.name(), Knowing::Leads));
        let called = contact.and_then(|contact| contact.called.clone()).map(|name| (name, Knowing::Called));
        let names = others.chain(called).collect();
        Some(Identity { person, names })
    }
}

/// What is told of somebody whose number or id changed.
#[derive(Default)]
pub struct Changed {
    /// The ids from now on.
    pub now: Ids,
    /// The user id before.
    pub previous: Option<Person>,
    /// The ids that the message itself is from: those of before, or already those of now.
    pub from: Ids,
}

impl Identity {
    /// A group: nothing else leads to it.
    pub fn of_group(id: &str) -> Option<Self> {
        Person::of_group(id).map(|person| Self { person, names: Vec::new() })
    }

    /// Somebody whose number or id changed: what stood under the old id is theirs. What stood under the old number is
    /// theirs where no old id is told: the number may have had another owner meanwhile. Where no new id is told, the person
    /// keeps the old one.
    pub fn of_changed(changed: Changed) -> Option<Self> {
        let Changed { now, previous, from } = changed;
        let is_new = now.user.is_some();
        let is_news = |user: &Person| Some(user) != previous.as_ref();
        let user = now.user.or_else(|| from.user.clone().filter(is_news)).or_else(|| previous.clone());
        let user = user.or(now.parent.clone());
        let Some(person) = user else { return Self::of_changed_number(now.number, from.number) };
        let former_user = [previous, from.user].into_iter().flatten().find(|former| *former != person);
        let how = if is_new && former_user.is_none() { Knowing::Succeeds } else { Knowing::Leads };
        let former_user = former_user.map(|former| (former, Knowing::Succeeds));
        let former_number = from.number.filter(|former| now.number.as_ref() != Some(former));
        let others = [now.parent, now.number].into_iter().flatten().map(|other| (other, Knowing::Leads));
        let names = former_user.into_iter().chain(former_number.map(|former| (former, how))).chain(others);
        let names = names.filter(|(other, _)| *other != person).map(|(other, how)| (other.name(), how)).collect();
        Some(Self { person, names })
    }

    /// Of whom nothing but numbers is told: whoever has the old one has the new one, too.
    fn of_changed_number(now: Option<Person>, former: Option<Person>) -> Option<Self> {
        let person = former.clone().or_else(|| now.clone())?;
        let new = now.filter(|new| *new != person).map(|new| (new.name(), Knowing::Replaces));
        Some(Self { person, names: new.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTACTS: [&str; 3] = [
        r#"{"wa_id":"15550100777","user_id":"US.1","parent_user_id":"US.ENT.1"}"#,
        r#"{"profile":{"name":"Bo"},"user_id":"SE.2"}"#,
        r#"{"wa_id":"","user_id":"DE.3"}"#,
    ];

    fn user(id: &str) -> Option<Person> {
        Person::of_user_id(id)
    }

    fn number(digits: &str) -> Option<Person> {
        Person::of_number(digits)
    }

    fn owned(names: &[(&str, Knowing)]) -> Vec<(String, Knowing)> {
        names.iter().map(|(name, how)| ((*name).to_owned(), *how)).collect()
    }

    #[test]
    fn people_of_a_batch_are_found_by_their_ids_and_never_by_their_place() {
        let people = People::new(&CONTACTS);
        let found = |item: &str| {
            let object = Object::parse(item).unwrap();
            let found = people.find(Ids::of(&object, "from", "from_user_id", "from_parent_user_id"))?;
            Some((found.person.name(), found.names))
        };
        let ada = || {
            let names = owned(&[("US.ENT.1", Knowing::Leads), ("15550100777", Knowing::Leads)]);
            Some(("US.1".to_owned(), names))
        };
        for item in [
            r#"{"from":"15550100777"}"#,
            r#"{"from_user_id":"US.1"}"#,
            r#"{"from_parent_user_id":"US.ENT.1"}"#,
            r#"{"from":"15550100777","from_user_id":"US.1","from_parent_user_id":"US.ENT.1"}"#,
        ] {
            assert_eq!(found(item), ada(), "{item}");
        }
        let bo = owned(&[("Bo", Knowing::Called)]);
        assert_eq!(found(r#"{"from":"","from_user_id":"SE.2"}"#), Some(("SE.2".to_owned(), bo)));
        assert_eq!(found(r#"{"from":"15550100888"}"#), Some(("15550100888".to_owned(), Vec::new())));
        let other = found(r#"{"from":"15550100777","from_user_id":"US.5"}"#);
        assert_eq!(other, Some(("US.5".to_owned(), owned(&[("15550100777", Knowing::Leads)]))), "not Ada's parent");
        let alone = found(r#"{"from":"15550100888","from_parent_user_id":"DE.ENT.8"}"#);
        assert_eq!(alone, Some(("DE.ENT.8".to_owned(), owned(&[("15550100888", Knowing::Leads)]))));
        assert_eq!(found(r#"{"from":"../etc","from_user_id":"a/b"}"#), None);
        assert_eq!(found("{}"), None);
    }

    #[test]
    fn who_changed_takes_over_what_they_had() {
        let names = |user_now: Option<Person>, previous: Option<Person>, from_user: Option<Person>, digits: &str| {
            let now = Ids { number: number("1778"), user: user_now, parent: None };
            let from = Ids { number: number(digits), user: from_user, parent: None };
            let changed = Identity::of_changed(Changed { now, previous, from }).unwrap();
            (changed.person.name(), changed.names)
        };
        let (leads, succeeds) = (Knowing::Leads, Knowing::Succeeds);
        let all = owned(&[("US.1", succeeds), ("1777", leads), ("1778", leads)]);
        assert_eq!(names(user("US.9"), user("US.1"), user("US.9"), "1777"), ("US.9".to_owned(), all.clone()));
        assert_eq!(names(user("US.9"), None, user("US.1"), "1777"), ("US.9".to_owned(), all));
        let by_number = owned(&[("1777", succeeds), ("1778", leads)]);
        assert_eq!(names(user("US.9"), None, user("US.9"), "1777"), ("US.9".to_owned(), by_number));
        // No new id is told: the old one keeps its file.
        let kept = owned(&[("1777", leads), ("1778", leads)]);
        assert_eq!(names(None, user("US.1"), None, "1777"), ("US.1".to_owned(), kept.clone()));
        assert_eq!(names(None, None, user("US.1"), "1777"), ("US.1".to_owned(), kept));
        let replaced = owned(&[("1778", Knowing::Replaces)]);
        assert_eq!(names(None, None, None, "1777"), ("1777".to_owned(), replaced));
        assert_eq!(names(None, None, None, "1778"), ("1778".to_owned(), Vec::new()));
        assert!(Identity::of_changed(Changed::default()).is_none());
    }
}
