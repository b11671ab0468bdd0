use serde_json::json;

use super::tests::{all_leave, none_leaves, told};
use super::*;

/// A shop that knows boards at 149 to 549 EUR, and nothing else.
fn snowboards() -> Told {
    let mut told = told(&["{\"name\":\"Demo Shop\",\"currency\":\"EUR\"}"]);
    for n in 1..=5 {
        let price = format!("{n}49.00");
        told.add_products(
            &json!([{ "title": format!("Snowboard {n}"), "price": price, "currency": "EUR", "stock": 3 }]),
        );
    }
    told
}

#[test]
fn made_up_promises_in_words_do_not_leave() {
    let shop = snowboards();
    none_leaves(
        &shop,
        Objection::Span,
        &[
            "It takes two days.",
            "two to three days",
            "Delivery takes twenty-five days",
            "Es kommt in zwei Tagen.",
            "in dreißig Tagen",
            "Wir geben zwei Jahre Garantie.",
            "eine zweijährige Garantie",
            "Llega de dos a tres días",
            "trente jours",
            "trinta dias",
            "Giao trong hai ngày",
            "Bảo hành hai năm",
            "三年保証",
            "质保三年",
            "You have it in a week",
            "It will be delivered tomorrow",
            "Llega mañana",
            "明天到货",
            "It has a lifetime warranty",
            "within a few days",
        ],
    );
    none_leaves(
        &shop,
        Objection::Price,
        &[
            "neunundneunzig Euro",
            "Es kostet zweihundert",
            "hundertneunundneunzig €",
            "Fünfundzwanzig Prozent",
            "chín chục ngàn đồng",
            "hai mươi lăm phần trăm",
            "Veinticinco por ciento",
            "dziewięćdziesiąt dziewięć złotych",
            "novantanove euro",
            "negenennegentig euro",
            "nittionio kronor",
            "doksan dokuz lira",
            "구십구 유로",
            "เก้าสิบเก้าบาท",
            "تسعة وتسعون يورو",
            "निन्यानवे रुपये",
            "Sie bekommen ein Geschenk dazu.",
            "You get a gift with it",
            "Vous recevez un cadeau",
            "Le regalamos los guantes",
            "Ganha um brinde",
            "Shop tặng bạn găng tay",
            "打折",
            "今だけ半額",
            "免运费",
            "No delivery charge",
            "Der Versand geht auf uns",
            "Buy one, get one",
            "Just use the code SUMMER",
        ],
    );
    none_leaves(
        &shop,
        Objection::Number,
        &["We have ninety-nine in stock", "Sale a noventa y nueve", "quatre-vingt-dix-neuf", "For example 170 cm"],
    );
    none_leaves(
        &shop,
        Objection::Address,
        &["call zero nine one two three four five six", "e v i l . c o m", "evil,com"],
    );
    none_leaves(
        &shop,
        Objection::Unfinished,
        &[
            "hand_over(reason=\"refund\")",
            "[TOOL_CALLS] []",
            "{\"name\":\"search_products\",\"arguments\":{}}",
            "null",
            "[object Object]",
        ],
    );
    let mut instructed = snowboards();
    instructed.add_instructions("You are the sales assistant of a shop and answer its customers in a chat.\n{shop}");
    none_leaves(
        &instructed,
        Objection::Unfinished,
        &["Sure: You are the sales assistant of a shop and answer its customers in a chat."],
    );
}

#[test]
fn what_was_told_in_words_or_digits_may_be_said_in_either() {
    let mut shop = snowboards();
    shop.add("Delivery takes twenty-five days. Warranty: 2 years.");
    all_leave(
        &shop,
        &[
            "It takes 25 days.",
            "Es dauert fünfundzwanzig Tage.",
            "zwei Jahre Garantie",
            "Bảo hành hai năm",
            "两年质保",
            "It costs one hundred and forty-nine euros.",
            "Es kostet hundertneunundvierzig Euro.",
            "Cuesta ciento cuarenta y nueve euros.",
            "Il coûte cent quarante-neuf euros.",
        ],
    );
    all_leave(
        &snowboards(),
        &[
            "It is one of our boards, in two colours.",
            "Das ist eines von drei Brettern.",
            "Have a nice day! Chúc bạn một ngày tốt lành. Tenha um dia maravilhoso!",
            "Mil gracias. Mille grazie. A thousand thanks!",
            "It makes a great gift for a friend.",
            "Das ist ein schönes Geschenk.",
            "C'est une belle idée de cadeau.",
            "Sorry, there is no discount.",
            "Guten Morgen! Gern.",
            "Come back tomorrow.",
            "We have twelve of them.",
            "Eins davon ist blau.",
            "Have you tried it once?",
        ],
    );
}
