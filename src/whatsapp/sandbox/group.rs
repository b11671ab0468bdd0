//! Groups: what members write, and what the business writes to all of them.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/groups> (2026): statuses come for each
//! participant.

use serde_json::json;

use super::handle::{Happened, Number, Person};
use super::incoming::Draft;
use super::records::GroupRecord;
use super::send::Seen;
use super::send::receipts;
use super::state::{Change, Core, World, seconds};

/// A group of a business number.
#[derive(Clone)]
pub struct Group {
    number: Number,
    id: String,
}

impl Number {
    /// A group with this id and these members.
    pub fn group(&self, id: &str, members: &[&Person]) -> Group {
        let members = members.iter().map(|person| person.key).collect();
        self.sandbox.core.world().groups.insert(id.to_owned(), GroupRecord { members, seen: Vec::new() });
        Group { number: self.clone(), id: id.to_owned() }
    }
}

impl Group {
    /// A member writes to all.
    pub async fn writes(&self, person: &Person, text: &str) -> Happened {
        let mut draft = Draft::new("text", json!({ "body": text }), text);
        draft.group = Some(self.id.clone());
        person.at(&self.number).send(draft).await
    }

    /// What everybody in the group sees, in order.
    #[must_use]
    pub fn sees(&self) -> Vec<Seen> {
        self.number.sandbox.core.world().groups.get(&self.id).map(|group| group.seen.clone()).unwrap_or_default()
    }
}

/// `sent` for the group, `delivered` for each participant.
pub(super) fn statuses(
    core: &Core,
    world: &World,
    number: &str,
    group: &str,
    id: &str,
    mark: Option<&str>,
) -> Vec<Change> {
    let now = core.now();
    let members = world.groups.get(group).map(|group| group.members.clone()).unwrap_or_default();
    let item = |status: &str| {
        let mut item = json!({"id": id, "status": status, "timestamp": seconds(now), "recipient_id": group, "recipient_type": "group"});
        if let Some(mark) = mark {
            item["biz_opaque_callback_data"] = mark.into();
        }
        item
    };
    let mut changes = vec![receipts::change(world, number, Vec::new(), item("sent"))];
    for person in members.iter().filter_map(|key| world.people.get(key)) {
        let mut item = item("delivered");
        if !person.hides_number {
            item["recipient_participant_id"] = person.number.as_str().into();
        }
        item["recipient_participant_user_id"] = person.user_id.as_str().into();
        changes.push(receipts::change(world, number, Vec::new(), item));
    }
    changes
}
