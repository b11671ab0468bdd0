//! The people who write: one person has an id on each platform.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Who is there from the beginning. The first one writes when nobody is named.
pub(crate) const CUSTOMERS: [&str; 4] = ["Sam Doe", "Ana Moreno", "Jörg Weiß", "李小龙"];

/// Everybody who was named, in order.
pub(super) struct Registry(Vec<String>);

impl Default for Registry {
    fn default() -> Self {
        Self(CUSTOMERS.map(str::to_owned).to_vec())
    }
}

/// One person.
pub(super) struct Somebody {
    pub name: String,
    number: usize,
}

impl Registry {
    /// Everybody who was named.
    pub(super) fn all(&self) -> Vec<String> {
        self.0.clone()
    }

    /// The person of this name; who is new gets the next number.
    pub(super) fn find(&mut self, name: Option<&str>) -> Somebody {
        let name = name.unwrap_or(CUSTOMERS[0]);
        let at = self.0.iter().position(|known| known.eq_ignore_ascii_case(name)).unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        });
        Somebody { name: self.0[at].clone(), number: at + 1 }
    }
}

impl Somebody {
    pub(super) fn facebook_id(&self) -> String {
        format!("70000000000{:05}", self.number)
    }

    pub(super) fn instagram_id(&self) -> String {
        format!("90000000000{:05}", self.number)
    }

    pub(super) fn phone(&self) -> String {
        format!("1555010{:04}", 776 + self.number)
    }

    /// Base64 with every character that ids have.
    pub(super) fn viber_id(&self) -> String {
        STANDARD.encode(format!("\u{3ff}?~sandbox person {:02}", self.number))
    }

    pub(super) fn linkedin_id(&self) -> String {
        format!("SANDBOXmember{}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_keeps_the_same_ids() {
        let mut people = Registry::default();
        assert_eq!(people.find(None).phone(), "15550100777");
        assert_eq!(people.find(Some("Ana Moreno")).facebook_id(), "7000000000000002");
        assert_eq!(people.find(Some("Kim")).facebook_id(), "7000000000000005");
        assert_eq!(people.find(Some("sam doe")).phone(), "15550100777");
        assert!(people.find(None).viber_id().contains(['/', '+']));
    }
}
