//! Templates of an account: how they are listed, reviewed, paused, and sent.
//!
//! Sources: <https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview> and
//! `…/webhooks/reference/message_template_status_update` (2026).

use std::collections::BTreeSet;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::account::check_account;
use super::call::{Call, reply};
use super::deliver;
use super::error::ApiError;
use super::handle::{Happened, Number};
use super::records::TemplateRecord;
use super::send::{Choice, Content, Media};
use super::state::{Change, Shared};
use crate::shared::channel::simulator::Queue;

/// The longest text of a body with its parameters.
const MAX_BODY_CHARACTERS: usize = 1024;

/// A template in the hands of a test.
#[derive(Clone)]
pub struct Template {
    number: Number,
    id: u64,
}

impl TemplateRecord {
    fn components(&self) -> Value {
        let mut components = Vec::new();
        if let Some(format) = &self.header {
            components.push(json!({"type": "HEADER", "format": format}));
        }
        components.push(json!({"type": "BODY", "text": self.body}));
        if !self.buttons.is_empty() {
            let buttons: Vec<Value> =
                self.buttons.iter().map(|text| json!({"type": "QUICK_REPLY", "text": text})).collect();
            components.push(json!({"type": "BUTTONS", "buttons": buttons}));
        }
        components.into()
    }

    fn shown(&self) -> Value {
        json!({"name": self.name, "parameter_format": "POSITIONAL", "components": self.components(), "language": self.language,
            "status": self.status, "category": self.category, "id": self.id.to_string()})
    }

    /// How many different `{{n}}` the body has.
    fn parameters(&self) -> usize {
        let names: BTreeSet<&str> = self.body.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()).collect();
        names.len()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    language: Language,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Language {
    code: String,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "type")]
    kind: String,
    sub_type: Option<String>,
    index: Option<Value>,
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    payload: Option<String>,
    image: Option<Media>,
    video: Option<Media>,
    document: Option<Media>,
}

/// Reads the member `template` against the account's templates: what the person will see, and its category in lower case.
pub(super) fn read(templates: &[TemplateRecord], waba: &str, value: &Value) -> Result<(Content, String), ApiError> {
    let wanted: Wanted = serde_json::from_value(value.clone())
        .map_err(|error| ApiError::parameter(format!("Invalid parameter template: {error}.")))?;
    let fits =
        |one: &&TemplateRecord| one.waba == waba && one.name == wanted.name && one.language == wanted.language.code;
    let missing = || {
        let details = format!("template name ({}) does not exist in {}", wanted.name, wanted.language.code);
        ApiError::new(132_001, details)
    };
    let template = templates.iter().find(fits).ok_or_else(missing)?;
    match template.status.as_str() {
        "APPROVED" => {}
        "PAUSED" => return Err(ApiError::new(132_015, "Template is paused due to low quality.")),
        "DISABLED" => return Err(ApiError::new(132_016, "Template is permanently disabled.")),
        _ => return Err(missing()),
    }
    let content = template.filled(wanted.components)?;
    Ok((content, template.category.to_ascii_lowercase()))
}

impl TemplateRecord {
    fn filled(&self, components: Vec<Component>) -> Result<Content, ApiError> {
        let mut content = Content::default();
        let (mut texts, mut payloads, mut has_header) = (Vec::new(), vec![None; self.buttons.len()], false);
        for component in components {
            match component.kind.to_ascii_lowercase().as_str() {
                "body" => texts = component.parameters.iter().map(text_of).collect::<Result<_, _>>()?,
                "header" => has_header = self.header_of(component, &mut content)?,
                "button" => {
                    let at = button_at(&component)?;
                    let payload = component.parameters.first().and_then(|one| one.payload.clone());
                    let place = payloads.get_mut(at);
                    *place.ok_or_else(|| ApiError::new(132_000, "The template has no such button."))? = payload;
                }
                kind => return Err(ApiError::parameter(format!("Param components: {kind} is none."))),
            }
        }
        if texts.len() != self.parameters() {
            let details = format!(
                "body: number of localizable_params ({}) does not match the expected number of params ({})",
                texts.len(),
                self.parameters()
            );
            return Err(ApiError::new(132_000, details));
        }
        if self.header.is_some() != has_header {
            return Err(ApiError::new(132_012, "header: the format does not match what the template expects"));
        }
        content.text = texts
            .iter()
            .enumerate()
            .fold(self.body.clone(), |body, (at, text)| body.replace(&format!("{{{{{}}}}}", at + 1), text));
        if content.text.chars().count() > MAX_BODY_CHARACTERS {
            return Err(ApiError::new(132_005, "body: the text with its parameters is too long"));
        }
        for (title, payload) in self.buttons.iter().zip(payloads) {
            let (id, title) = (payload.unwrap_or_else(|| title.clone()), title.clone());
            content.choices.push(Choice { id, title, description: None, is_row: false, is_template: true });
        }
        Ok(content)
    }

    /// Whether the header is what the template wants.
    fn header_of(&self, component: Component, content: &mut Content) -> Result<bool, ApiError> {
        let mismatch = || ApiError::new(132_012, "header: the format does not match what the template expects");
        let wanted = self.header.as_deref().ok_or_else(mismatch)?.to_ascii_lowercase();
        let parameter =
            component.parameters.into_iter().next().filter(|one| one.kind == wanted).ok_or_else(mismatch)?;
        let media = match wanted.as_str() {
            "image" => parameter.image,
            "video" => parameter.video,
            _ => parameter.document,
        };
        let read = media.ok_or_else(mismatch)?.read(&wanted)?;
        content.links.extend(read.links);
        content.fetched.extend(read.fetched);
        content.uploads.extend(read.uploads);
        Ok(true)
    }
}

fn button_at(component: &Component) -> Result<usize, ApiError> {
    let index = component.index.as_ref().and_then(|index| match index {
        Value::String(text) => text.parse().ok(),
        number => number.as_u64().and_then(|number| usize::try_from(number).ok()),
    });
    let is_known = component.sub_type.as_deref() == Some("quick_reply");
    index.filter(|_| is_known).ok_or_else(|| ApiError::parameter("A button needs sub_type quick_reply and an index."))
}

/// A parameter of a body: a line of text.
fn text_of(parameter: &Parameter) -> Result<String, ApiError> {
    let text = parameter.text.clone().filter(|_| parameter.kind == "text");
    let text = text.ok_or_else(|| ApiError::new(132_012, "body: a parameter is no text"))?;
    if text.contains(['\n', '\t']) || text.contains("     ") || text.is_empty() {
        return Err(ApiError::new(
            132_007,
            "Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
        ));
    }
    Ok(text)
}

/// `GET /{version}/{waba-id}/message_templates`: in parts that a cursor leads through.
pub(super) async fn list(State(core): State<Shared>, request: Request) -> Response {
    let read = async {
        let call = Call::read(&core, request).await?;
        call.authorise(&core, "whatsapp_business_management")?;
        let world = core.world();
        check_account(&world, &call.object)?;
        let number = |name: &str| call.param(name).and_then(|text| text.parse::<usize>().ok());
        let limit = number("limit").unwrap_or(25).min(world.part_limit.unwrap_or(1000)).max(1);
        let after = call.param("after").and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
        let fits = |one: &&TemplateRecord| {
            let has = |name: &str, value: &str| call.param(name).is_none_or(|wanted| wanted == value);
            one.waba == call.object
                && has("status", &one.status)
                && has("name", &one.name)
                && has("language", &one.language)
        };
        let rest: Vec<&TemplateRecord> = world.templates.iter().filter(fits).filter(|one| one.id > after).collect();
        let part: Vec<Value> = rest.iter().take(limit).map(|one| one.shown()).collect();
        let mut body = json!({ "data": part });
        if let (Some(first), Some(last)) = (rest.first(), rest.iter().take(limit).next_back()) {
            let cursors = json!({"before": first.id.to_string(), "after": last.id.to_string()});
            body["paging"] = json!({ "cursors": cursors });
            if rest.len() > limit {
                let path = format!("v26.0/{}/message_templates?limit={limit}&after={}", call.object, last.id);
                body["paging"]["next"] = format!("{}/{path}", core.url()).into();
            }
        }
        Ok(body)
    };
    reply(read.await)
}

impl Number {
    /// An approved template of the account: its name, language (`en_US`), category (`UTILITY`, `MARKETING`, `AUTHENTICATION`)
    /// and body with `{{1}}`, `{{2}}`.
    pub fn add_template(&self, name: &str, language: &str, category: &str, body: &str) -> Template {
        let waba = self.waba();
        let mut world = self.sandbox.core.world();
        let id = 510_000_000_000_001 + world.templates.len() as u64;
        world.templates.push(TemplateRecord {
            id,
            waba,
            name: name.to_owned(),
            language: language.to_owned(),
            category: category.to_owned(),
            status: "APPROVED".to_owned(),
            body: body.to_owned(),
            header: None,
            buttons: Vec::new(),
        });
        drop(world);
        Template { number: self.clone(), id }
    }
}

impl Template {
    fn with(&self, change: impl FnOnce(&mut TemplateRecord)) {
        let mut world = self.number.sandbox.core.world();
        if let Some(record) = world.templates.iter_mut().find(|one| one.id == self.id) {
            change(record);
        }
    }

    fn record(&self) -> Option<TemplateRecord> {
        self.number.sandbox.core.world().templates.iter().find(|one| one.id == self.id).cloned()
    }

    /// Its id; an integer in webhooks, a text in lists.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// It has a header of this format: `IMAGE`, `VIDEO` or `DOCUMENT`.
    #[must_use]
    pub fn with_header(self, format: &str) -> Self {
        self.with(|record| record.header = Some(format.to_owned()));
        self
    }

    /// It has another quick reply.
    #[must_use]
    pub fn with_button(self, text: &str) -> Self {
        self.with(|record| record.buttons.push(text.to_owned()));
        self
    }

    /// Its status changes without anybody being told.
    pub fn set_status(&self, status: &str) {
        self.with(|record| status.clone_into(&mut record.status));
    }

    /// Its status becomes this one (`APPROVED`, `REJECTED`, `PAUSED`, `DISABLED`, …), and `message_template_status_update` tells so.
    pub async fn becomes(&self, status: &str, reason: Option<&str>) -> Happened {
        self.set_status(status);
        let mut value = self.named();
        value["event"] = status.into();
        value["reason"] = reason.map_or(Value::Null, Value::from);
        if let Some(record) = self.record() {
            value["message_template_category"] = record.category.into();
        }
        self.tell("message_template_status_update", value).await
    }

    /// Its category changes, and `template_category_update` tells so.
    pub async fn changes_category(&self, category: &str) -> Happened {
        let before = self.record().map(|record| record.category).unwrap_or_default();
        self.with(|record| category.clone_into(&mut record.category));
        let mut value = self.named();
        value["previous_category"] = before.into();
        value["new_category"] = category.into();
        self.tell("template_category_update", value).await
    }

    /// Its quality changes: `message_template_quality_update`.
    pub async fn changes_quality(&self, before: &str, now: &str) -> Happened {
        let mut value = self.named();
        value["previous_quality_score"] = before.into();
        value["new_quality_score"] = now.into();
        self.tell("message_template_quality_update", value).await
    }

    fn named(&self) -> Value {
        let record = self.record();
        let text =
            |look: fn(&TemplateRecord) -> &String| record.as_ref().map(|one| look(one).clone()).unwrap_or_default();
        json!({"message_template_id": self.id, "message_template_name": text(|one| &one.name),
            "message_template_language": text(|one| &one.language)})
    }

    async fn tell(&self, field: &str, value: Value) -> Happened {
        let (waba, field) = (self.number.waba(), field.to_owned());
        let change = Change { waba, number: None, field, value: value.clone() };
        let answers = deliver::happen(&self.number.sandbox.core, change, Queue::Event).await;
        Happened { id: String::new(), item: value, answers }
    }
}
