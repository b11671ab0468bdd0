//! The body of a call to `/messages`, and whom it is for.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages> (2026) and the
//! page `business-scoped-user-ids`.

use serde::Deserialize;
use serde_json::Value;

use super::super::error::ApiError;
use super::super::state::World;

/// The longest `biz_opaque_callback_data`.
const MAX_MARK_CHARACTERS: usize = 512;

/// The members that every call has. What belongs to a type is read by its type.
#[derive(Debug, Deserialize)]
pub(super) struct Frame {
    messaging_product: Option<String>,
    recipient_type: Option<String>,
    to: Option<String>,
    recipient: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    context: Option<Context>,
    biz_opaque_callback_data: Option<String>,
    status: Option<String>,
    message_id: Option<String>,
    typing_indicator: Option<Typing>,
}

#[derive(Debug, Deserialize)]
struct Context {
    message_id: String,
}

#[derive(Debug, Deserialize)]
struct Typing {
    #[serde(rename = "type")]
    kind: String,
}

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Recipient {
    /// A number as the platform reads it: digits with a country code.
    Number { input: String, digits: String },
    /// A business-scoped user id.
    User(String),
    /// A group.
    Group(String),
}

impl Recipient {
    pub(super) fn input(&self) -> &str {
        match self {
            Self::Number { input, .. } => input,
            Self::User(id) | Self::Group(id) => id,
        }
    }

    /// The person, if somebody has this number or id.
    pub(super) fn person(&self, world: &World) -> Option<u64> {
        match self {
            Self::Number { digits, .. } => world.person_by_number(digits),
            Self::User(id) => world.person_by_user_id(id),
            Self::Group(_) => None,
        }
    }
}

/// What a call wants.
#[derive(Debug)]
pub(super) enum Order {
    /// Marks this message and earlier ones as read; the person may see that somebody is typing.
    Read { message_id: String, is_typing: bool },
    /// Sends a message of this type.
    Message { recipient: Recipient, kind: String, quotes: Option<String>, mark: Option<String> },
}

impl Order {
    /// Reads the members that do not depend on the type. `own_number`: the digits of the business number.
    pub(super) fn read(body: &Value, own_number: &str) -> Result<Self, ApiError> {
        let frame: Frame = serde_json::from_value(body.clone())
            .map_err(|error| ApiError::parameter(format!("The body could not be read: {error}")))?;
        if frame.messaging_product.as_deref() != Some("whatsapp") {
            return Err(ApiError::parameter("The parameter messaging_product is required."));
        }
        if let Some(status) = &frame.status {
            return frame.read_receipt(status);
        }
        let kind = frame.kind.clone().unwrap_or_else(|| "text".to_owned());
        if frame.biz_opaque_callback_data.as_ref().is_some_and(|mark| mark.chars().count() > MAX_MARK_CHARACTERS) {
            return Err(ApiError::parameter("Param biz_opaque_callback_data must be at most 512 characters long."));
        }
        let recipient = frame.recipient(own_number)?;
        let quotes = frame.context.map(|context| context.message_id);
        Ok(Self::Message { recipient, kind, quotes, mark: frame.biz_opaque_callback_data })
    }
}

impl Frame {
    fn read_receipt(&self, status: &str) -> Result<Order, ApiError> {
        if status != "read" {
            return Err(ApiError::parameter("Param status must be one of {read}."));
        }
        let Some(message_id) = self.message_id.clone() else {
            return Err(ApiError::new(131_008, "The parameter message_id is required."));
        };
        if self.typing_indicator.as_ref().is_some_and(|typing| typing.kind != "text") {
            return Err(ApiError::parameter("Param typing_indicator['type'] must be one of {text}."));
        }
        Ok(Order::Read { message_id, is_typing: self.typing_indicator.is_some() })
    }

    fn recipient(&self, own_number: &str) -> Result<Recipient, ApiError> {
        let to = self.to.clone().filter(|text| !text.is_empty());
        match self.recipient_type.as_deref().unwrap_or("individual") {
            "individual" => {}
            "group" => {
                let missing = || ApiError::new(131_008, "The parameter to is required.");
                return to.map(Recipient::Group).ok_or_else(missing);
            }
            _ => return Err(ApiError::parameter("Param recipient_type must be one of {individual, group}.")),
        }
        // With both, `to` wins.
        match (to, self.recipient.clone()) {
            (Some(input), _) => {
                let digits = digits_of(&input, own_number)?;
                if digits == own_number {
                    return Err(ApiError::new(131_021, "The recipient is the sender."));
                }
                Ok(Recipient::Number { input, digits })
            }
            (None, Some(id)) => Ok(Recipient::User(id)),
            (None, None) => Err(ApiError::new(131_008, "The parameter to is required.")),
        }
    }
}

/// A number as the platform reads it. Without a plus sign it takes it for one of the business's own country: here always.
fn digits_of(input: &str, own_number: &str) -> Result<String, ApiError> {
    let digits: String = input.chars().filter(char::is_ascii_digit).collect();
    let is_number = input.chars().all(|c| c.is_ascii_digit() || "+-() ".contains(c));
    if !is_number || !(5..=20).contains(&digits.len()) {
        return Err(ApiError::parameter("Invalid parameter: to is no phone number."));
    }
    if input.starts_with('+') {
        return Ok(digits);
    }
    // Country codes have one to three digits; two are close enough for numbers that nobody has.
    let code = own_number.get(..if own_number.starts_with(['1', '7']) { 1 } else { 2 }).unwrap_or_default();
    Ok(format!("{code}{digits}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_without_a_plus_is_read_as_one_of_the_own_country() {
        assert_eq!(digits_of("+94 55-501 0012", "15550100001").unwrap(), "94555010012");
        assert_eq!(digits_of("94555010012", "15550100001").unwrap(), "194555010012");
        assert_eq!(digits_of("someone", "15550100001").unwrap_err().code, 100);
    }

    #[test]
    fn with_both_the_number_wins() {
        let body = json!({"messaging_product": "whatsapp", "to": "+15550100777", "recipient": "US.1"});
        let Order::Message { recipient, kind, .. } = Order::read(&body, "15550100001").unwrap() else { panic!() };
        assert_eq!((recipient.input(), kind.as_str()), ("+15550100777", "text"));
    }
}
