//! What the responder says by itself, in the languages that it can.

use icu_properties::props::Script;
use serde_json::Value;

use crate::shared::text_fold::script_of;

/// What a person reads who sent something that no program understands.
const NOT_UNDERSTOOD: &str = "Thank you! A colleague will look at this and answer you.";

/// A language with letters of its own: the sentence in it. Characters of the second one outweigh those of the first: who
/// writes Japanese also writes Chinese characters.
const BY_SCRIPT: [(Script, &str); 6] = [
    (Script::Han, "谢谢！我们的同事会查看并回复您。"),
    (Script::Hiragana, "ありがとうございます。担当者が確認してお返事します。"),
    (Script::Katakana, "ありがとうございます。担当者が確認してお返事します。"),
    (Script::Hangul, "감사합니다! 담당자가 확인하고 답변드리겠습니다."),
    (Script::Thai, "ขอบคุณค่ะ เจ้าหน้าที่จะดูและตอบกลับคุณ"),
    (Script::Cyrillic, "Спасибо! Наш сотрудник посмотрит и ответит вам."),
];

/// A language in Latin letters: words that are frequent in it and rare in the others, and the sentence.
const BY_WORDS: [(&str, &str); 9] = [
    ("the is you have do can please hello hi thanks what how this are it in stock", NOT_UNDERSTOOD),
    (
        "der die das ist und ich haben sie nicht bitte hallo danke wie noch einen eine auch für mit guten",
        "Danke! Jemand aus unserem Team sieht sich das an und antwortet Ihnen.",
    ),
    (
        "le les est vous avez je bonjour merci une des pour avec dans combien quel ce",
        "Merci ! Un collègue va regarder cela et vous répondra.",
    ),
    (
        "el los las es tiene tienen hola gracias cuánto cuanto una para qué del con por usted",
        "¡Gracias! Un compañero lo verá y le responderá.",
    ),
    (
        "você voces vocês tem têm olá oi obrigado obrigada quanto uma para não do da com por",
        "Obrigado! Um colega vai ver isto e responder.",
    ),
    (
        "il lo gli è avete ciao grazie quanto una per che con della questo",
        "Grazie! Un collega lo guarderà e Le risponderà.",
    ),
    (
        "het een is heeft u jullie hallo bedankt hoeveel niet voor met van dit",
        "Bedankt! Een collega bekijkt dit en antwoordt u.",
    ),
    (
        "czy jest się nie dzień dobry dziękuję ile w na to macie proszę",
        "Dziękujemy! Ktoś z zespołu to obejrzy i odpowie.",
    ),
    (
        "bạn shop có không cho mình hàng còn bao nhiêu ạ ơi này em anh chị là và được",
        "Cảm ơn bạn! Nhân viên của shop sẽ xem và trả lời bạn.",
    ),
];

/// How many words must speak for a language.
const ENOUGH: usize = 2;

/// The sentence in the language in which the person wrote before; in English where nobody can tell.
pub fn not_understood(event: &Value) -> &'static str {
    let past = event["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let said: Vec<&str> =
        past.iter().filter(|one| one["by"] == "person").filter_map(|one| one["text"].as_str()).collect();
    let said = said.join(" ");
    by_script(&said).or_else(|| by_words(&said)).unwrap_or(NOT_UNDERSTOOD)
}

fn by_script(text: &str) -> Option<&'static str> {
    let letters = || text.chars().filter(|character| character.is_alphabetic());
    // Han last: kana and Hangul stand beside it.
    BY_SCRIPT
        .iter()
        .rev()
        .find(|(script, _)| letters().any(|letter| script_of(letter) == *script))
        .map(|(_, said)| *said)
}

fn by_words(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|character: char| !character.is_alphabetic()).collect();
    let count = |frequent: &str| words.iter().filter(|word| frequent.split(' ').any(|one| one == **word)).count();
    let (hits, said) =
        BY_WORDS.iter().rev().map(|(frequent, said)| (count(frequent), *said)).max_by_key(|(hits, _)| *hits)?;
    (hits >= ENOUGH).then_some(said)
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
            assert_eq!(after(english), NOT_UNDERSTOOD, "{english}");
        }
    }
}
