//! Who is meant by the ids of an item: the user id where one is known, and what else leads to that person.

use crate::shared::journal::Knowing;
use crate::shared::raw_json::Object;
use crate::whatsapp::person::Person;

/// The people that a value names beside its items. An item is never matched by its place: a batch names several people.
pub struct People(Vec<(Option<Person>, Option<Person>)>);

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
            let number = contact.text("wa_id").and_then(|number| Person::of_number(&number));
            let user = contact.text("user_id").and_then(|user| Person::of_user_id(&user));
            Some((number, user))
        };
        Self(contacts.iter().filter_map(read).collect())
    }

    /// Who has this number, this user id, or both. `None`: neither can be read.
    pub fn find(&self, number: Option<&str>, user: Option<&str>) -> Option<Identity> {
        let mut number = number.and_then(Person::of_number);
        let mut user = user.and_then(Person::of_user_id);
        if user.is_none() && number.is_some() {
            user = self.0.iter().find(|(other, _)| *other == number).and_then(|(_, user)| user.clone());
        } else if number.is_none() && user.is_some() {
            number = self.0.iter().find(|(_, other)| *other == user).and_then(|(number, _)| number.clone());
        }
        match (user, number) {
            (Some(person), number) => {
                let names = number.map(|number| (number.name(), Knowing::Leads)).into_iter().collect();
                Some(Identity { person, names })
            }
            (None, Some(person)) => Some(Identity { person, names: Vec::new() }),
            (None, None) => None,
        }
    }
}

impl Identity {
    /// A group: nothing else leads to it.
    pub fn of_group(id: &str) -> Option<Self> {
        Person::of_group(id).map(|person| Self { person, names: Vec::new() })
    }

    /// Somebody whose number or id changed: what stood under the old id is theirs. What stood under the old number is
    /// theirs where no old id is told: the number may have had another owner meanwhile.
    pub fn of_changed(now: Person, former: &[Option<Person>], number: Option<Person>) -> Self {
        let name = now.name();
        let is_former_user = |former: &&Person| matches!(former, Person::User(_)) && **former != now;
        let has_user = former.iter().flatten().any(|former| is_former_user(&former));
        let mut names: Vec<(String, Knowing)> = Vec::new();
        for former in former.iter().flatten() {
            let how = match former {
                Person::Number(_) if has_user => Knowing::Leads,
                _ => Knowing::Succeeds,
            };
            let former = former.name();
            if former != name && !names.iter().any(|(known, _)| *known == former) {
                names.push((former, how));
            }
        }
        if let Some(number) = number.map(|number| number.name()).filter(|number| *number != name) {
            names.retain(|(known, _)| *known != number);
            names.push((number, Knowing::Leads));
        }
        Self { person: now, names }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTACTS: [&str; 3] = [
        r#"{"wa_id":"15550100777","user_id":"US.1"}"#,
        r#"{"profile":{"name":"Bo"},"user_id":"SE.2"}"#,
        r#"{"wa_id":"","user_id":"DE.3"}"#,
    ];

    #[test]
    fn people_of_a_batch_are_found_by_their_ids_and_never_by_their_place() {
        let people = People::new(&CONTACTS);
        let found = |number, user| people.find(number, user).map(|found| (found.person.name(), found.names));
        let leads = |number: &str| vec![(number.to_owned(), Knowing::Leads)];
        assert_eq!(found(Some("15550100777"), None), Some(("US.1".to_owned(), leads("15550100777"))));
        assert_eq!(found(None, Some("US.1")), Some(("US.1".to_owned(), leads("15550100777"))));
        assert_eq!(found(Some(""), Some("SE.2")), Some(("SE.2".to_owned(), Vec::new())));
        assert_eq!(found(Some("15550100888"), None), Some(("15550100888".to_owned(), Vec::new())));
        assert_eq!(found(Some("../etc"), Some("a/b")), None);
        assert_eq!(found(None, None), None);
    }

    #[test]
    fn who_changed_takes_over_what_they_had() {
        let user = |id: &str| Person::of_user_id(id);
        let number = |digits: &str| Person::of_number(digits);
        let now = user("US.9").unwrap();
        let names = |former: &[Option<Person>]| Identity::of_changed(now.clone(), former, number("1778")).names;
        let owned =
            |names: &[(&str, Knowing)]| names.iter().map(|(name, how)| ((*name).to_owned(), *how)).collect::<Vec<_>>();
        let all = [("US.1", Knowing::Succeeds), ("1777", Knowing::Leads), ("1778", Knowing::Leads)];
        assert_eq!(names(&[user("US.1"), number("1777"), user("US.9")]), owned(&all));
        assert_eq!(
            names(&[number("1777"), user("US.9")]),
            owned(&[("1777", Knowing::Succeeds), ("1778", Knowing::Leads)])
        );
    }
}
