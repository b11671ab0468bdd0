//! The handler of `POST /{phone-number-id}/messages`.

use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::super::call::Call;
use super::super::error::ApiError;
use super::super::state::{Core, Shared};
use super::super::{group, media, template};
use super::accept::{Letter, take};
use super::content::Content;
use super::order::{Order, Recipient};
use super::{reading, receipts};
use crate::shared::channel::simulator::json_answer;

/// The person sees that somebody is typing for so long, unless an answer comes.
const TYPING: chrono::TimeDelta = chrono::TimeDelta::seconds(25);

/// Sends a message or marks one as read, unless something else is planned.
pub(in super::super) async fn post(State(core): State<Shared>, request: Request) -> Response {
    match carry_out(&core, request).await {
        Ok(answer) => answer,
        Err(error) => error.answer(),
    }
}

async fn carry_out(core: &Shared, request: Request) -> Result<Response, ApiError> {
    let call = Call::read(core, request).await?;
    call.authorise(core, "whatsapp_business_messaging")?;
    let number = call.object.clone();
    let own = core.world().number(&number)?.display.clone();
    let body = call.body.clone();
    let (recipient, kind, quotes, mark) = match Order::read(&body, &own)? {
        Order::Read { message_id, is_typing } => return mark_read(core, &number, message_id, is_typing),
        Order::Message { recipient, kind, quotes, mark } => (recipient, kind, quotes, mark),
    };
    let (content, category) = read_content(core, &number, &kind, &body)?;
    let letter = Letter { number, recipient, kind, quotes, mark, content, body, category };
    let planned = {
        let mut world = core.world();
        let whom = plan_key(&world, &letter.recipient);
        world.sending.plans.take(&whom)
    };
    let refuse = |code: &i64| ApiError::new(*code, super::super::error::title(*code)).answer();
    if let Some(failure) = planned.as_ref().filter(|failure| !failure.takes()) {
        return Ok(failure.answer(refuse).await);
    }
    let answer = accept(core, letter).await?;
    Ok(match planned {
        Some(failure) => failure.answer(refuse).await,
        None => json_answer(200, &answer),
    })
}

/// What the message says; for a template also its category.
fn read_content(core: &Core, number: &str, kind: &str, body: &Value) -> Result<(Content, Option<String>), ApiError> {
    let world = core.world();
    let (content, category) = if kind == "template" {
        let waba = world.number(number)?.waba.clone();
        let (content, category) = template::read(&world.templates, &waba, &body[kind])?;
        (content, Some(category))
    } else {
        (reading::read(kind, body)?, None)
    };
    match content.uploads.iter().find(|id| !world.media.contains_key(*id)) {
        None => Ok((content, category)),
        Some(id) => Err(ApiError::new(131_009, format!("Param id: {id} is no uploaded media."))),
    }
}

/// What links lead to is fetched after the answer; here a little before, and told after.
async fn fetched(core: &Core, content: &Content) -> Option<ApiError> {
    for (kind, url) in &content.fetched {
        if let Err(error) = media::fetch(core, kind, url).await {
            return Some(error);
        }
    }
    None
}

async fn accept(core: &Shared, letter: Letter) -> Result<Value, ApiError> {
    let (number, input, mark) = (letter.number.clone(), letter.recipient.input().to_owned(), letter.mark.clone());
    let unusable = fetched(core, &letter.content).await;
    let taken = take(&mut core.world(), letter, unusable, core.now())?;
    if let (Recipient::Group(group), None) = (&taken.recipient, &taken.late) {
        let changes = group::statuses(core, &core.world(), &number, group, &taken.id, mark.as_deref());
        receipts::follow(core, changes).await;
        return Ok(taken.answer);
    }
    let changes = match (&taken.late, taken.person) {
        (Some(error), _) => {
            vec![receipts::failed(&core.world(), &number, &taken.id, &input, mark.as_deref(), error, core.now())]
        }
        (None, Some(person)) => receipts::arrive(core, &number, person, &taken.id),
        (None, None) => Vec::new(),
    };
    receipts::follow(core, changes).await;
    Ok(taken.answer)
}

/// Plans name a person by user id.
fn plan_key(world: &super::super::state::World, recipient: &Recipient) -> String {
    let person = recipient.person(world).and_then(|key| world.people.get(&key));
    person.map_or_else(|| recipient.input().to_owned(), |person| person.user_id.clone())
}

/// The call that marks a message and all before it as read, and may show that somebody is typing.
fn mark_read(core: &Core, number: &str, message_id: String, is_typing: bool) -> Result<Response, ApiError> {
    let now = core.now();
    let mut world = core.world();
    let chat =
        world.chats.iter_mut().find(|((of, _), chat)| of == number && chat.seen.iter().any(|m| m.id == message_id));
    let Some((_, chat)) = chat else {
        return Err(ApiError::new(131_009, "Param message_id is no message of this number."));
    };
    let upto = chat.seen.iter().position(|message| message.id == message_id).unwrap_or_default();
    for message in chat.seen[..=upto].iter_mut().filter(|message| !message.from_business) {
        message.is_read = true;
    }
    if is_typing {
        chat.typing_until = Some(now + TYPING);
    }
    world.sending.marked_read.push((message_id, is_typing));
    Ok(json_answer(200, &json!({"success": true})))
}
