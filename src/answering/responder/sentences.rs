//! What the responder says by itself, in the languages that it can.

use icu_properties::props::Script;
use serde_json::Value;

use crate::shared::text_fold::script_of;

/// The sentences of one language.
struct Sentences {
    /// What a person reads who sent something that no program understands.
    not_understood: &'static str,
    /// What stands before the first answer to a person.
    disclosure: &'static str,
}

const ENGLISH: Sentences = Sentences {
    not_understood: "Thank you! A colleague will look at this and answer you.",
    disclosure: "You are chatting with an automated assistant.",
};

const JAPANESE: Sentences = Sentences {
    not_understood: "ありがとうございます。担当者が確認してお返事します。",
    disclosure: "自動アシスタントがお答えしています。",
};

/// Languages with letters of their own. Characters of the second one outweigh those of the first: who writes Japanese also
/// writes Chinese characters.
const BY_SCRIPT: [(Script, Sentences); 6] = [
    (
        Script::Han,
        Sentences {
            not_understood: "谢谢！我们的同事会查看并回复您。", disclosure: "您正在与自动助手对话。"
        },
    ),
    (Script::Hiragana, JAPANESE),
    (Script::Katakana, JAPANESE),
    (
        Script::Hangul,
        Sentences {
            not_understood: "감사합니다! 담당자가 확인하고 답변드리겠습니다.",
            disclosure: "자동 응답 도우미와 대화하고 계십니다.",
        },
    ),
    (
        Script::Thai,
        Sentences {
            not_understood: "ขอบคุณค่ะ เจ้าหน้าที่จะดูและตอบกลับคุณ", disclosure: "คุณกำลังสนทนากับผู้ช่วยอัตโนมัติ"
        },
    ),
    (
        Script::Cyrillic,
        Sentences {
            not_understood: "Спасибо! Наш сотрудник посмотрит и ответит вам.",
            disclosure: "Вам отвечает автоматический помощник.",
        },
    ),
];

/// A language in Latin letters: words that are frequent in it and rare in the others, and its sentences.
const BY_WORDS: [(&str, Sentences); 9] = [
    ("the is you have do can please hello hi thanks what how this are it in stock", ENGLISH),
    (
        "der die das ist und ich haben sie nicht bitte hallo danke wie noch einen eine auch für mit guten",
        Sentences {
            not_understood: "Danke! Jemand aus unserem Team sieht sich das an und antwortet Ihnen.",
            disclosure: "Sie schreiben mit einem automatischen Assistenten.",
        },
    ),
    (
        "le les est vous avez je bonjour merci une des pour avec dans combien quel ce",
        Sentences {
            not_understood: "Merci ! Un collègue va regarder cela et vous répondra.",
            disclosure: "Vous discutez avec un assistant automatique.",
        },
    ),
    (
        "el los las es tiene tienen hola gracias cuánto cuanto una para qué del con por usted",
        Sentences {
            not_understood: "¡Gracias! Un compañero lo verá y le responderá.",
            disclosure: "Está chateando con un asistente automático.",
        },
    ),
    (
        "você voces vocês tem têm olá oi obrigado obrigada quanto uma para não do da com por",
        Sentences {
            not_understood: "Obrigado! Um colega vai ver isto e responder.",
            disclosure: "Está a falar com um assistente automático.",
        },
    ),
    (
        "il lo gli è avete ciao grazie quanto una per che con della questo",
        Sentences {
            not_understood: "Grazie! Un collega lo guarderà e Le risponderà.",
            disclosure: "Sta parlando con un assistente automatico.",
        },
    ),
    (
        "het een is heeft u jullie hallo bedankt hoeveel niet voor met van dit",
        Sentences {
            not_understood: "Bedankt! Een collega bekijkt dit en antwoordt u.",
            disclosure: "U chat met een automatische assistent.",
        },
    ),
    (
        "czy jest się nie dzień dobry dziękuję ile w na to macie proszę",
        Sentences {
            not_understood: "Dziękujemy! Ktoś z zespołu to obejrzy i odpowie.",
            disclosure: "Rozmawiasz z automatycznym asystentem.",
        },
    ),
    (
        "bạn shop có không cho mình hàng còn bao nhiêu ạ ơi này em anh chị là và được",
        Sentences {
            not_understood: "Cảm ơn bạn! Nhân viên của shop sẽ xem và trả lời bạn.",
            disclosure: "Bạn đang trò chuyện với trợ lý tự động.",
        },
    ),
];

/// How many words must speak for a language.
const ENOUGH: usize = 2;

/// What a person reads who sent something that no program understands, in the language in which they wrote before; in
/// English where nobody can tell.
pub fn not_understood(event: &Value) -> &'static str {
    by_language(&said_by_person(event)).unwrap_or(&ENGLISH).not_understood
}

/// What stands before the first answer, in the language in which the person writes; in that of the answer where nobody can
/// tell from a few words.
pub fn disclosure(event: &Value, answer: &str) -> &'static str {
    let language = by_language(&said_by_person(event)).or_else(|| by_language(answer));
    language.unwrap_or(&ENGLISH).disclosure
}

fn said_by_person(event: &Value) -> String {
    let past = event["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let said: Vec<&str> =
        past.iter().filter(|one| one["by"] == "person").filter_map(|one| one["text"].as_str()).collect();
    said.join(" ")
}

fn by_language(text: &str) -> Option<&'static Sentences> {
    by_script(text).or_else(|| by_words(text))
}

fn by_script(text: &str) -> Option<&'static Sentences> {
    let letters = || text.chars().filter(|character| character.is_alphabetic());
    // Han last: kana and Hangul stand beside it.
    let found = BY_SCRIPT.iter().rev().find(|(script, _)| letters().any(|letter| script_of(letter) == *script));
    found.map(|(_, sentences)| sentences)
}

fn by_words(text: &str) -> Option<&'static Sentences> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|character: char| !character.is_alphabetic()).collect();
    let count = |frequent: &str| words.iter().filter(|word| frequent.split(' ').any(|one| one == **word)).count();
    let (hits, sentences) = BY_WORDS
        .iter()
        .rev()
        .map(|(frequent, sentences)| (count(frequent), sentences))
        .max_by_key(|(hits, _)| *hits)?;
    (hits >= ENOUGH).then_some(sentences)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn somebody_who_wrote_before_reads_their_own_language() {
        let after = |text: &str| {
            not_understood(&json!({ "messages": [
                { "by": "person", "text": text }, { "by": "bot", "text": "Yes, gladly." }, { "by": "person", "text": null }
            ] }))
        };
        assert!(after("Guten Tag, haben Sie das blaue Brett auch kleiner?").starts_with("Danke"));
        assert!(after("Shop ơi cho mình hỏi áo khoác màu đỏ còn hàng không ạ").starts_with("Cảm ơn"));
        assert!(after("¿Cuánto cuesta la tabla azul y la tiene en rojo para un niño?").starts_with("¡Gracias"));
        assert!(after("Bonjour, avez-vous une planche bleue ?").starts_with("Merci"));
        assert!(after("파란색 보드 재고 있나요").starts_with("감사"));
        assert!(after("青いボードはありますか").starts_with("ありがとう"));
        assert!(after("蓝色的还有货吗").starts_with("谢谢"));
        for english in ["ok", "", "Do you have the blue snowboard in a smaller size, please?"] {
            assert_eq!(after(english), ENGLISH.not_understood, "{english}");
        }
    }
    #[test]
    fn that_a_program_answers_is_said_in_the_language_of_the_person() {
        let of =
            |text: &str, answer: &str| disclosure(&json!({ "messages": [{ "by": "person", "text": text }] }), answer);
        for (text, begins) in [
            ("Guten Tag, haben Sie das blaue Brett auch kleiner?", "Sie schreiben mit"),
            ("Shop ơi cho mình hỏi áo khoác màu đỏ còn hàng không ạ", "Bạn đang"),
            ("¿Cuánto cuesta la tabla azul y la tiene en rojo?", "Está chateando"),
            ("Bonjour, avez-vous une planche bleue ?", "Vous discutez"),
            ("Olá, você tem a prancha azul?", "Está a falar"),
            ("Do you have the blue snowboard in a smaller size, please?", "You are chatting"),
        ] {
            assert!(of(text, "It is in stock, do you want to see it?").starts_with(begins), "{text}");
        }
        assert!(of("Snowboard 158?", "Ja, das ist da, und wir haben noch drei.").starts_with("Sie schreiben"));
        assert_eq!(of("?", "649 USD"), ENGLISH.disclosure);
    }
}
