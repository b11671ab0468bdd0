//! What an item of WhatsApp means to whoever answers.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages> (2026).

use super::payload::{kind, sent_of};
use super::refusal;
use crate::shared::channel::dialogue::Reason;
use crate::shared::channel::meaning::{
    Chosen, Control, Kind, Meaning, MediaSeen, Origin, Receipt, Receiving, Said, WentOut,
};
use crate::shared::raw_json::{Object, elements};
use crate::shared::store::Item;

/// Messages that are a file, by their type: the member has the same name.
pub const FILES: [(&str, &str); 5] =
    [("image", "image"), ("video", "video"), ("audio", "audio"), ("document", "file"), ("sticker", "sticker")];

/// What an item means.
#[must_use]
pub fn of(item: &Item) -> Meaning {
    let Some(object) = std::str::from_utf8(&item.payload).ok().and_then(Object::parse) else {
        return Meaning::Unreadable;
    };
    match item.kind.as_str() {
        // What was taken back is not answered; that something was written counts for the window.
        kind::MESSAGE if object.is_true("is_deleted") => Meaning::Activity { opens_window: true },
        kind::MESSAGE => Meaning::Said(said(&object)),
        kind::REVOKE => Meaning::TakesBack,
        kind::ECHO => Meaning::WentOut(went_out(&object, Origin::Inbox)),
        // Another partner of the business, or Meta's own agent: it is not told which.
        kind::STANDBY_ECHO => Meaning::WentOut(went_out(&object, Origin::App(String::new()))),
        kind::COPY => Meaning::WentOut(went_out(&object, Origin::Us)),
        kind::STATUS => status(&object),
        kind::CALL => Meaning::Activity { opens_window: opens_by_call(&object) },
        kind::CALL_STATUS => Meaning::Activity { opens_window: object.text("status").as_deref() == Some("ACCEPTED") },
        kind::HANDOVER => control(&object),
        kind::PREFERENCE => preference(&object),
        _ => Meaning::Activity { opens_window: false },
    }
}

/// A member that is text, if there is any in it.
pub fn text_of(object: &Object<'_>, name: &str) -> Option<String> {
    object.readable(name).filter(|text| !text.is_empty())
}

/// What a message holds, whoever sent it.
pub struct Content {
    /// Its kind.
    pub kind: Kind,
    /// The words.
    pub text: Option<String>,
    /// What was tapped.
    pub choice: Option<Chosen>,
    /// What came with it: the platform's word for it, and where it shows it.
    pub media: Vec<MediaSeen>,
}

/// Reads what a message holds. Of unknown types nothing is known but that they came.
#[must_use]
pub fn content(object: &Object<'_>) -> Content {
    let word = object.text("type").unwrap_or_default();
    let inner = object.object(&word);
    let of = |name: &str| inner.as_ref().and_then(|inner| text_of(inner, name));
    let plain = |kind, text| Content { kind, text, choice: None, media: Vec::new() };
    if let Some((_, kind)) = FILES.iter().find(|(member, _)| *member == word) {
        let media = vec![MediaSeen { kind: (*kind).to_owned(), url: of("link").or_else(|| of("url")) }];
        return Content { kind: Kind::Media, text: of("caption"), choice: None, media };
    }
    match &*word {
        "text" => {
            let product = object.object("context").is_some_and(|context| context.has("referred_product"));
            plain(if product { Kind::Product } else { Kind::Text }, of("body"))
        }
        "button" => {
            let title = of("text");
            let choice = of("payload").map(|id| Chosen { id, title: title.clone() });
            Content { choice, ..plain(Kind::Choice, title) }
        }
        "interactive" => inner.as_ref().map_or_else(|| plain(Kind::Other, None), interactive),
        "location" => plain(Kind::Location, of("name").or_else(|| of("address"))),
        "order" => plain(Kind::Order, of("text")),
        "template" => plain(Kind::Text, of("name")),
        _ => plain(Kind::Other, None),
    }
}

/// An answer to buttons, a list or a form; or, of what we sent, the buttons themselves.
fn interactive(inner: &Object<'_>) -> Content {
    let word = inner.text("type").unwrap_or_default();
    let part = inner.object(&word);
    let of = |name: &str| part.as_ref().and_then(|part| text_of(part, name));
    let plain = |kind, text| Content { kind, text, choice: None, media: Vec::new() };
    match &*word {
        "button_reply" | "list_reply" => {
            let title = of("title");
            let choice = of("id").map(|id| Chosen { id, title: title.clone() });
            Content { choice, ..plain(Kind::Choice, title) }
        }
        "nfm_reply" => plain(Kind::Other, of("body")),
        _ => {
            let body = inner.object("body").and_then(|body| text_of(&body, "text"));
            let is_card = matches!(&*word, "cta_url" | "carousel");
            plain(
                if is_card {
                    Kind::Product
                } else if body.is_some() {
                    Kind::Text
                } else {
                    Kind::Other
                },
                body,
            )
        }
    }
}

fn reply_to(object: &Object<'_>) -> Option<String> {
    let context = object.object("context")?;
    text_of(&context, "id").or_else(|| text_of(&context, "message_id"))
}

fn said(object: &Object<'_>) -> Said {
    let Content { kind, text, choice, media } = content(object);
    let referral = object.object("referral");
    Said {
        platform_id: text_of(object, "id"),
        kind,
        text,
        choice,
        media,
        reply_to: reply_to(object),
        is_from_ad: referral.as_ref().is_some_and(|one| one.text("source_type").as_deref() == Some("ad")),
        referral: object.get("referral").filter(|_| referral.is_some()).map(str::to_owned),
    }
}

fn went_out(object: &Object<'_>, from: Origin) -> WentOut {
    let call = sent_of(object);
    let sent = call.as_ref().unwrap_or(object);
    let Content { kind, text, media, .. } = content(sent);
    let mark = text_of(sent, "biz_opaque_callback_data");
    WentOut {
        platform_id: text_of(object, "id"),
        common_id: None,
        kind,
        text,
        media,
        reply_to: reply_to(sent),
        from,
        mark,
    }
}

/// What became of a message that went out. Other words than these tell nothing that counts.
fn status(object: &Object<'_>) -> Meaning {
    let what = match object.text("status").as_deref() {
        Some("sent") => Receiving::Sent,
        Some("delivered") => Receiving::Delivered,
        Some("read" | "played") => Receiving::Read,
        Some("failed") => Receiving::Failed,
        _ => return Meaning::Activity { opens_window: false },
    };
    let Some(id) = text_of(object, "id") else { return Meaning::Activity { opens_window: false } };
    let errors = object.get("errors").filter(|_| what == Receiving::Failed).and_then(elements).unwrap_or_default();
    let code = errors.into_iter().find_map(Object::parse).and_then(|error| error.integer("code"));
    let failure = (what == Receiving::Failed).then(|| {
        match code {
            Some(code) => (code.to_string(), refusal::reason_of(code)),
            // A failure without a code says nothing about the account.
            None => (String::new(), Reason::Refused),
        }
    });
    // Of groups it stands inside of the conversation in some examples of the documents.
    let conversation = object.object("conversation");
    let of = |object: &Object<'_>| object.get("pricing").filter(|_| object.has("pricing")).map(str::to_owned);
    let billing = of(object).or_else(|| conversation.as_ref().and_then(of));
    Meaning::Receipt(Receipt {
        mark: text_of(object, "biz_opaque_callback_data"),
        failure,
        refuses_advertising: code == Some(refusal::NO_ADVERTISING),
        billing: billing.and_then(|pricing| serde_json::from_str(&pricing).ok()),
        ..Receipt::of(what, vec![id])
    })
}

/// Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/user_preferences> (2026).
fn preference(object: &Object<'_>) -> Meaning {
    let is_about_advertising = object.text("category").as_deref() == Some("marketing_messages");
    match object.text("value").as_deref().filter(|_| is_about_advertising) {
        Some("stop") => Meaning::Advertising { is_refused: true },
        Some("resume") => Meaning::Advertising { is_refused: false },
        _ => Meaning::Activity { opens_window: false },
    }
}

/// Calls of a person open the window, also missed ones; calls of ours do once they were taken.
/// Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages> (May 2026).
fn opens_by_call(object: &Object<'_>) -> bool {
    match object.text("direction").as_deref() {
        Some("BUSINESS_INITIATED") => {
            object.text("event").as_deref() == Some("terminate")
                && object.text("status").as_deref() == Some("COMPLETED")
        }
        _ => true,
    }
}

/// Which way control of a thread went.
pub struct Handover {
    /// Whether it came to this app: each notification goes to one side only, that control was passed to the new owner, that it
    /// was taken to the former one.
    pub is_ours: bool,
    /// The roles of the owner before and of the new one, where they are told.
    pub roles: [Option<String>; 2],
}

/// Reads a notification. `None`: control went nowhere, or it cannot be told. The word for it stands in `type`, and is also the
/// name of the member that tells more.
pub fn handover(object: &Object<'_>) -> Option<Handover> {
    const WORDS: [(&str, bool); 2] = [("control_passed", true), ("control_taken", false)];
    let said = text_of(object, "type");
    let is_it = |word: &str| said.as_deref().map_or_else(|| object.has(word), |said| said == word);
    let (word, is_ours) = WORDS.into_iter().find(|(word, _)| is_it(word))?;
    let told = object.object(word);
    let role = |name: &str| told.as_ref().and_then(|told| text_of(told, name));
    let roles = [role("previous_owner_role").or_else(|| role("previous_owner_app_role")), role("new_owner_role")];
    let stays = roles[0].is_some() && roles[0] == roles[1];
    (!stays).then_some(Handover { is_ours, roles })
}

fn control(object: &Object<'_>) -> Meaning {
    match handover(object) {
        Some(Handover { is_ours: true, .. }) => Meaning::Control(Control::Back),
        Some(Handover { is_ours: false, .. }) => Meaning::Control(Control::Lost),
        None => Meaning::Activity { opens_window: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, payload: &str) -> Meaning {
        of(&Item { seq: 1, at: 1, kind: kind.to_owned(), payload: payload.as_bytes().to_vec() })
    }

    fn heard(payload: &str) -> Said {
        match read(kind::MESSAGE, payload) {
            Meaning::Said(said) => said,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_person_says_has_a_kind_a_choice_and_media() {
        let tap = heard(
            r#"{"id":"wamid.1","type":"interactive","context":{"id":"wamid.0"},
                "interactive":{"type":"list_reply","list_reply":{"id":"slot-3","title":"Tuesday"}}}"#,
        );
        assert_eq!(
            (tap.kind, tap.text.as_deref(), tap.reply_to.as_deref()),
            (Kind::Choice, Some("Tuesday"), Some("wamid.0"))
        );
        assert_eq!(tap.choice.unwrap().id, "slot-3");
        let button = heard(r#"{"id":"w","type":"button","button":{"payload":"stop","text":"Stop"}}"#);
        assert_eq!((button.kind, button.choice.unwrap().id.as_str()), (Kind::Choice, "stop"));
        let file = heard(r#"{"id":"w","type":"document","document":{"id":"41","filename":"a.pdf","caption":"mine"}}"#);
        assert_eq!((file.kind, file.text.as_deref(), file.media[0].kind.as_str()), (Kind::Media, Some("mine"), "file"));
        let asked = heard(
            r#"{"id":"w","type":"text","text":{"body":"green?"},"context":{"referred_product":{"product_retailer_id":"s"}},
                "referral":{"source_type":"ad","source_id":"7"}}"#,
        );
        assert_eq!((asked.kind, asked.is_from_ad), (Kind::Product, true));
        for odd in [
            r#"{"id":"w","type":"interactive"}"#,
            r#"{"id":"w","type":"unsupported","errors":[]}"#,
            r#"{"id":"w"}"#,
            r#"{"type":"contacts","contacts":[{}]}"#,
        ] {
            assert_eq!((heard(odd).kind, heard(odd).text), (Kind::Other, None), "{odd}");
        }
    }

    #[test]
    fn a_status_tells_what_became_of_which_message_why_and_what_it_costs() {
        let failed = read(
            kind::STATUS,
            r#"{"id":"wamid.9","status":"failed","biz_opaque_callback_data":"msg_1:1",
                "errors":[{"code":131047}],"pricing":{"billable":true,"category":"utility"}}"#,
        );
        let Meaning::Receipt(receipt) = failed else { panic!("a receipt") };
        assert_eq!(receipt.failure, Some(("131047".to_owned(), Reason::WindowClosed)));
        assert_eq!(
            (receipt.mark.as_deref(), receipt.messages.as_slice()),
            (Some("msg_1:1"), &["wamid.9".to_owned()][..])
        );
        assert_eq!(receipt.billing.unwrap()["category"], "utility");
        let Meaning::Receipt(bare) = read(kind::STATUS, r#"{"id":"w","status":"failed"}"#) else { panic!() };
        assert_eq!(bare.failure, Some((String::new(), Reason::Refused)), "nothing is said of the account");
        let nested = r#"{"id":"w","status":"sent","conversation":{"pricing":{"category":"group_service"}}}"#;
        let Meaning::Receipt(nested) = read(kind::STATUS, nested) else { panic!("a receipt") };
        assert_eq!(nested.billing.unwrap()["category"], "group_service");
        let Meaning::Receipt(played) = read(kind::STATUS, r#"{"id":"w","status":"played"}"#) else { panic!() };
        assert_eq!((played.what, played.failure, played.billing), (Receiving::Read, None, None));
        for odd in [r#"{"id":"w","status":"warning"}"#, r#"{"status":"sent"}"#, "{}"] {
            assert_eq!(read(kind::STATUS, odd), Meaning::Activity { opens_window: false }, "{odd}");
        }
    }

    #[test]
    fn who_wants_no_advertising_says_so_and_what_was_taken_back_is_no_question() {
        let said = |value: &str| {
            read(kind::PREFERENCE, &format!(r#"{{"wa_id":"1","category":"marketing_messages","value":"{value}"}}"#))
        };
        assert_eq!(said("stop"), Meaning::Advertising { is_refused: true });
        assert_eq!(said("resume"), Meaning::Advertising { is_refused: false });
        assert_eq!(said("perhaps"), Meaning::Activity { opens_window: false });
        let status = |code: u32| format!(r#"{{"id":"w","status":"failed","errors":[{{"code":{code}}}]}}"#);
        for (code, is_refused) in [(131_050, true), (131_026, false)] {
            let Meaning::Receipt(receipt) = read(kind::STATUS, &status(code)) else { panic!("a receipt") };
            assert_eq!(receipt.refuses_advertising, is_refused, "{code}");
        }
        let left = r#"{"from":"1","id":"w","type":"text","is_deleted":true}"#;
        assert_eq!(read(kind::MESSAGE, left), Meaning::Activity { opens_window: true });
    }

    #[test]
    fn calls_open_the_window_and_control_goes_both_ways() {
        let opens = |payload: &str| read(kind::CALL, payload) == Meaning::Activity { opens_window: true };
        assert!(opens(r#"{"direction":"USER_INITIATED","event":"terminate","status":"FAILED"}"#));
        assert!(opens(r#"{"direction":"BUSINESS_INITIATED","event":"terminate","status":"COMPLETED"}"#));
        assert!(!opens(r#"{"direction":"BUSINESS_INITIATED","event":"terminate","status":"FAILED"}"#));
        assert_eq!(read(kind::HANDOVER, r#"{"type":"control_passed"}"#), Meaning::Control(Control::Back));
        assert_eq!(read(kind::HANDOVER, r#"{"type":"control_taken"}"#), Meaning::Control(Control::Lost));
        let without_a_type =
            r#"{"control_taken":{"previous_owner_role":"customer_service","new_owner_role":"escalation"}}"#;
        assert_eq!(read(kind::HANDOVER, without_a_type), Meaning::Control(Control::Lost));
        let stays = r#"{"type":"control_passed","control_passed":{"previous_owner_role":"utility","new_owner_role":"utility"}}"#;
        for nothing in [stays, "{}", r#"{"type":"control_lent","control_passed":{}}"#] {
            assert_eq!(read(kind::HANDOVER, nothing), Meaning::Activity { opens_window: false }, "{nothing}");
        }
    }
}
