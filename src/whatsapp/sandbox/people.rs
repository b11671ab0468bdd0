//! Numbers and the people who write to them.

use super::handle::{Number, Person, Sandbox};
use super::send::Reach;
use super::state::{NumberRecord, PersonRecord};

impl Sandbox {
    /// Adds a business number: its account's id, its own id, its digits and its verified name.
    pub fn add_number(&self, waba: &str, id: &str, digits: &str, name: &str) -> Number {
        let record = NumberRecord {
            waba: waba.to_owned(),
            display: digits.to_owned(),
            name: name.to_owned(),
            override_url: None,
        };
        self.core.world().numbers.insert(id.to_owned(), record);
        Number { sandbox: self.clone(), id: id.to_owned() }
    }

    /// The business number with this id.
    #[must_use]
    pub fn number(&self, id: &str) -> Option<Number> {
        let is_known = self.core.world().numbers.contains_key(id);
        is_known.then(|| Number { sandbox: self.clone(), id: id.to_owned() })
    }
}

impl Number {
    /// A person with this phone number (digits with the country code) who can write to this business number. Who exists
    /// already is only renamed. The user id is made of the phone number, so that it is the same each time.
    pub fn person(&self, phone: &str, name: &str) -> Person {
        let mut world = self.sandbox.core.world();
        let known = world.person_by_number(phone);
        let key = known.unwrap_or_else(|| world.people.len() as u64 + 1);
        let fresh = PersonRecord {
            number: phone.to_owned(),
            dialled_as: Vec::new(),
            user_id: format!("{}.9{phone:0>17}", country(phone)),
            parent_user_id: None,
            name: None,
            username: None,
            hides_number: false,
            reach: Reach::Open,
            is_online: true,
        };
        world.people.entry(key).or_insert(fresh).name = Some(name.to_owned());
        drop(world);
        Person { number: self.clone(), key }
    }
}

/// The country of a number, as far as user ids need one.
fn country(phone: &str) -> &'static str {
    match phone.get(..2).unwrap_or_default() {
        "94" => "LK",
        "84" => "VN",
        "66" => "TH",
        "49" => "DE",
        "46" => "SE",
        "44" => "GB",
        "55" => "BR",
        "52" => "MX",
        _ => "US",
    }
}
