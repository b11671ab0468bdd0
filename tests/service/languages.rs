//! Merchants read in their language: every file says the same, a browser gets what it prefers or has chosen, and no page holds
//! a sentence that is in no file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use http::Method;
use shoptalk::shared::channel::dialogue::Fault;
use shoptalk::shared::languages::{Language, say};
use shoptalk::shared::store::{SendingBlock, Status, Trouble, TroubleSource};

use crate::pages_leaving::post as press;
use crate::responder::{SAM, Scene, words};
use crate::test_app::{Answer, Browser, PAGE, SHOP, TestApp};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/shared/languages");

/// The messages of a file, each with its variables.
fn messages(tag: &str) -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(format!("{FOLDER}/{tag}.ftl")).unwrap();
    let file = fluent_syntax::parser::parse(text).unwrap_or_else(|(_, errors)| panic!("{tag}: {errors:?}"));
    let mut found = BTreeMap::new();
    for entry in &file.body {
        let Entry::Message(message) = entry else { continue };
        let mut variables = BTreeSet::new();
        add_variables(message.value.as_ref().expect("a text"), &mut variables);
        let is_new = found.insert(message.id.name.clone(), variables).is_none();
        assert!(is_new, "{tag} has {} twice", message.id.name);
    }
    found
}

fn add_variables(pattern: &Pattern<String>, found: &mut BTreeSet<String>) {
    let mut add = |expression: &InlineExpression<String>| match expression {
        InlineExpression::VariableReference { id } => drop(found.insert(id.name.clone())),
        other => panic!("sentences hold variables alone: {other:?}"),
    };
    let mut deeper = Vec::new();
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { .. } => {}
            PatternElement::Placeable { expression: Expression::Inline(one) } => add(one),
            PatternElement::Placeable { expression: Expression::Select { selector, variants } } => {
                add(selector);
                deeper.extend(variants);
            }
        }
    }
    for variant in deeper {
        add_variables(&variant.value, found);
    }
}

#[test]
fn every_language_has_every_sentence_with_the_same_variables() {
    let english = messages("en");
    assert!(english.len() > 500, "{}", english.len());
    for language in Language::OFFERED {
        let other = messages(language.tag());
        for (name, variables) in &english {
            assert_eq!(other.get(name), Some(variables), "{}: {name}", language.tag());
        }
        let extra: Vec<_> = other.keys().filter(|name| !english.contains_key(*name)).collect();
        assert!(extra.is_empty(), "{}: {extra:?}", language.tag());
    }
    let files = std::fs::read_dir(FOLDER).unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let files: BTreeSet<String> = files.filter_map(|name| name.strip_suffix(".ftl").map(str::to_owned)).collect();
    assert_eq!(
        files,
        Language::OFFERED.into_iter().map(|one| one.tag().to_owned()).collect(),
        "each file is a language"
    );
}

/// All source of the service, as one text.
fn source(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source(&path, text);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_sentence_is_said_somewhere() {
    let mut text = String::new();
    source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut text);
    let is_said = |name: &String| {
        let name = format!("say::{}", name.replace('-', "_"));
        text.match_indices(&name).any(|(at, _)| {
            let after = text[at + name.len()..].chars().next().unwrap_or(' ');
            !after.is_alphanumeric() && after != '_'
        })
    };
    let unsaid: Vec<String> = messages("en").into_keys().filter(|name| !is_said(name)).collect();
    assert!(unsaid.is_empty(), "{unsaid:?}");
}

#[test]
fn several_are_said_as_each_language_says_them() {
    let said = |language: Language, count: i64| say::minutes_ago(count).in_language(language);
    assert_eq!(said(Language::English, 1), "a minute ago");
    assert_eq!(said(Language::German, 3), "vor 3 Minuten");
    assert_eq!(said(Language::French, 1), "il y a une minute");
    assert_eq!(said(Language::Vietnamese, 1), "1 phút trước");
    assert!(!said(Language::Mirrored, 3).contains("minutes"), "{}", said(Language::Mirrored, 3));
}

async fn accepting(browser: &Browser, path: &str, accepted: &str) -> Answer {
    browser.send(Method::GET, path, &[("accept-language", accepted)], b"").await
}

#[tokio::test]
async fn a_browser_gets_the_language_that_it_prefers() {
    let app = TestApp::start().await;
    let browser = app.browser().for_pages();
    let rubbish = "x".repeat(4_000);
    for (accepted, tag, words) in [
        ("de-AT", "de", "Ihren Shopify-Shop verbinden"),
        ("pt-BR, en;q=0.5", "pt", "Conecte sua loja Shopify"),
        ("fr;q=0.1, vi", "vi", "Kết nối cửa hàng Shopify"),
        ("ja, es;q=0.2", "es", "Conecte su tienda de Shopify"),
        ("fr", "fr", "Connectez votre boutique Shopify"),
        ("en", "en", "Connect your Shopify shop"),
        ("ja", "en", "Connect your Shopify shop"),
        (";;,q=;\u{e4}", "en", "Connect your Shopify shop"),
        (&rubbish, "en", "Connect your Shopify shop"),
    ] {
        let page = accepting(&browser, "/", accepted).await;
        assert_eq!((page.status.as_u16(), page.header("content-language")), (200, tag), "{accepted}");
        assert_eq!(page.header("vary"), "Accept-Language, Cookie");
        let text = page.text();
        assert!(text.contains(words) && text.contains(&format!("<html lang=\"{tag}\" dir=\"ltr\">")), "{text}");
    }
    let missing = accepting(&browser, "/nowhere", "de").await;
    assert_eq!(missing.status, 404);
    assert!(missing.text().contains("Unter dieser Adresse gibt es nichts."), "{}", missing.text());
    // Programs get English, whatever they accept; so do operators.
    let problem = app.browser().send(Method::GET, "/nowhere", &[("accept-language", "de")], b"").await;
    assert_eq!(problem.json()["detail"], "There is nothing at this address.");
    let operator = accepting(&browser, "/operator", "de").await;
    assert!(operator.text().contains("<html lang=\"en\""), "{}", operator.text());
    app.finish().await;
}

#[tokio::test]
async fn a_choice_stays_and_leads_back_to_where_it_was_made() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let shown = browser.get("/keys").await.text();
    assert!(shown.contains("name=\"back\" value=\"/keys\"") && shown.contains("action=\"/language\""), "{shown}");
    let chosen = browser.post_form("/language", "language=de&back=/keys").await;
    assert_eq!((chosen.status.as_u16(), chosen.header("location")), (303, "/keys"));
    let cookie = chosen.header("set-cookie");
    assert_eq!(cookie, "language=de; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax");
    browser.set_cookie("language", "de");
    // It counts more than what the browser prefers.
    let page = accepting(&browser, "/keys", "fr").await.text();
    assert!(page.contains("Schlüssel für Bots") && page.contains("value=\"de\" lang=\"de\" selected"), "{page}");
    for back in ["//evil.example/", "https://evil.example/", "/\\evil.example", "", "keys"] {
        let chosen = browser.post_form("/language", &format!("language=vi&back={back}")).await;
        assert_eq!((chosen.status.as_u16(), chosen.header("location")), (303, "/"), "{back}");
    }
    for refused in ["language=xx&back=/", "language=&back=/", "back=/", ""] {
        assert_eq!(browser.post_form("/language", refused).await.status, 400, "{refused}");
    }
    let form = ("content-type", "application/x-www-form-urlencoded");
    let foreign = [form, ("sec-fetch-site", "cross-site")];
    assert_eq!(browser.send(Method::POST, "/language", &foreign, b"language=vi&back=/").await.status, 403);
    assert_eq!(browser.get("/language").await.status, 405);
    // A cookie that holds anything else is none.
    for value in ["xx", "DE", "../../etc", ""] {
        browser.set_cookie("language", value);
        assert_eq!(browser.get("/").await.header("content-language"), "en", "{value}");
    }
    app.finish().await;
}

/// What is data and not a sentence, or the same in every language.
const UNTRANSLATED: &[&str] = &[
    "shoptalk",
    "UTC",
    "SKU",
    "Facebook",
    "Shopify",
    "WhatsApp",
    "Demo",
    "Shop",
    "Page",
    "Sam",
    "Doe",
    "demo",
    "shop",
    "myshopify",
    "com",
    "EUR",
    "Widget",
    "localhost",
    "small",
    "Deutsch",
    "English",
    "Espa",
    "ol",
    "Fran",
    "ais",
    "Portugu",
    "Ti",
    "ng",
    "Vi",
    "hello",
    "stk",
    "messages",
    "facebook",
    "blue",
    "Is",
    "it",
    "Certainly",
    "program",
    "answers",
    "Sales",
    "Goods",
    "About",
    "Snowboard",
    "Classic",
    "bot",
    "feed",
    "scope",
    "xyz",
    "message",
    "postbacks",
    "my",
];

/// Words of two ASCII letters or more in what a page says to people.
fn plain_words(page: &str) -> Vec<String> {
    let body = page.split("<body>").nth(1).expect("a page").to_owned()
        + page.split("<title>").nth(1).unwrap().split('<').next().unwrap();
    let mut told = String::new();
    let mut rest = body.as_str();
    while let Some((text, after)) = rest.split_once('<') {
        told.push_str(text);
        told.push(' ');
        let (tag, behind) = after.split_once('>').unwrap_or((after, ""));
        for attribute in ["aria-label=\"", "placeholder=\"", "title=\"", "alt=\""] {
            if let Some(value) = tag.split(attribute).nth(1) {
                told.push_str(value.split('"').next().unwrap());
                told.push(' ');
            }
        }
        // What stands in code, or is a stranger's, is data.
        let skipped =
            ["code", "bdi", "blockquote", "option"].into_iter().find(|name| tag.split(' ').next() == Some(*name));
        rest = match skipped {
            Some(name) => behind.split_once(&format!("</{name}>")).map_or("", |(_, behind)| behind),
            None => behind,
        };
    }
    told.push_str(rest);
    let told = told.replace("&amp;", "&").replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    let words = told.split(|letter: char| !letter.is_ascii_alphabetic());
    let is_data = |word: &&str| word.len() < 2 || UNTRANSLATED.contains(word);
    words.filter(|word| !is_data(word)).map(str::to_owned).collect()
}

/// The pages that were looked at, and what of them is not mirrored.
#[derive(Default)]
struct Looked(Vec<String>);

impl Looked {
    /// The page is to be mirrored to its last word.
    fn at(&mut self, what: &str, answer: &Answer) {
        let page = answer.text();
        if !page.contains("<html lang=\"ar-XB\" dir=\"rtl\">") {
            self.0.push(format!("{what}: {} is no mirrored page: {page}", answer.status));
            return;
        }
        let plain = plain_words(&page);
        if !plain.is_empty() {
            self.0.push(format!("{what}: {plain:?}"));
        }
    }
}

#[tokio::test]
async fn no_page_holds_a_sentence_that_is_in_no_file() {
    let Scene { app, model, browser, sam } = Scene::start().await;
    let scene = Scene { app, model, browser: browser.for_pages(), sam };
    let (app, browser) = (&scene.app, &scene.browser);
    let board = app.shop().add_product("Widget");
    board.set_price("640.00");
    board.set_stock(3);
    board.add_variant("Widget", "660.00");
    app.shop().add_product("Widget").set_status("DRAFT");
    let mut looked = Looked::default();
    let stranger = app.browser().for_pages();
    stranger.set_cookie("language", "ar-XB");
    browser.set_cookie("language", "ar-XB");
    for path in
        ["/", "/?session=ended", "/?session=closed", "/?wrong=shop&typed=my+shop", "/nowhere", "/facebook/login"]
    {
        looked.at(path, &stranger.get(path).await);
    }
    looked.at("the last step of a login", &stranger.get("/shopify/callback?state=x").await);
    looked.at("no shop", &stranger.get("/shopify/evil.example/login").await);

    let page = app.page();
    let photo = page.attachment_from(&scene.sam, "image", "http://127.0.0.1/x");
    let items = [page.message_from(&scene.sam, &"hello ".repeat(400)), photo, page.reply_to(&scene.sam, "hello")];
    for item in &items {
        assert_eq!(page.deliver(std::slice::from_ref(item)).await.unwrap(), Some(200));
    }
    let mid = items[0]["message"]["mid"].as_str().unwrap();
    assert_eq!(page.deliver(&[page.reaction_from(&scene.sam, mid, Some("love"))]).await.unwrap(), Some(200));
    app.settle().await;
    let thread = format!("/conversations/facebook/{PAGE}/{SAM}");
    let shown = browser.get(&thread).await;
    looked.at("a conversation", &shown);
    let whole = shown.text().split("dir=\"auto\"").find_map(|part| {
        part.split("<a href=\"")
            .nth(1)
            .map(|link| link.split('"').next().unwrap().to_owned())
            .filter(|link| link.starts_with(&thread))
    });
    looked.at("a whole message", &browser.get(&whole.expect("a long message")).await);
    let catalogue = format!("/catalogue/shopify/{SHOP}");
    let product = browser.get(&catalogue).await.text();
    let product = product.split("<h2><a href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    for path in [
        "/",
        "/?done=sync",
        "/?done=disconnected&channel=facebook",
        "/?done=disconnected-with-another&channel=facebook",
        "/?done=disconnected-unconfirmed&channel=facebook",
        &format!("/conversations/facebook/{PAGE}"),
        &format!("/conversations/facebook/{PAGE}?q=hello"),
        &format!("/conversations/facebook/{PAGE}?q=xyz"),
        &format!("/conversations/facebook/{PAGE}?after=1_1"),
        &format!("{thread}?before=1_1"),
        &catalogue,
        &format!("{catalogue}?q=xyz"),
        &product,
        "/keys",
        "/account",
        "/account/delete",
        "/bot",
        &format!("/connections/facebook/{PAGE}/disconnect"),
        "/nowhere",
    ] {
        let answer = browser.get(path).await;
        assert!(answer.status == 200 || path == "/nowhere", "{path}: {}", answer.status);
        looked.at(path, &answer);
    }
    forms_and_troubles(&scene, &thread, &mut looked).await;
    assert!(looked.0.is_empty(), "{:#?}", looked.0);
    scene.app.finish().await;
}

async fn forms_and_troubles(scene: &Scene, thread: &str, looked: &mut Looked) {
    let (app, browser) = (&scene.app, &scene.browser);
    for (what, path, fields) in [
        ("a wrong word", "/account/delete", "word=no"),
        ("a key without a name", "/keys", "name="),
        ("a key that may do nothing", "/keys", "name=bot"),
        ("a key for no time", "/keys", "name=bot&scope-read=on&days=x"),
        ("a switch between yes and no", &format!("/bot/facebook/{PAGE}"), "on=x"),
        ("an answer without words", &format!("{thread}/answer"), "key=xyz&text="),
    ] {
        looked.at(what, &press(browser, path, fields).await);
    }
    looked.at("an expired form", &browser.post_form("/logout", "form_token=0").await);
    press(browser, "/keys", "name=bot&scope-read=on&days=30").await;
    let made = browser.get("/keys").await;
    looked.at("a new key", &made);
    let revoke =
        made.text().split("/revoke\"").next().unwrap().rsplit("href=\"").next().unwrap().to_owned() + "/revoke";
    looked.at("revoking", &browser.get(&revoke).await);
    press(browser, &revoke, "").await;
    looked.at("revoked", &browser.get("/keys?done=revoked").await);

    scene.model.says([words("Certainly.")]);
    looked.at("a question that is tried", &press(browser, "/bot/try", "question=blue").await);
    press(browser, &format!("{thread}/pause"), "").await;
    looked.at("a pause", &browser.get(thread).await);
    press(browser, &format!("{thread}/answer"), "key=xyz&text=hello").await;
    app.settle().await;
    looked.at("an answer", &browser.get(thread).await);

    let shared = app.shared();
    shared.progress.report("shopify", SHOP, say::what_products(), 30, Some(120));
    let connections = &shared.connections;
    for (status, source) in [
        (Status::Incomplete, TroubleSource::Read),
        (Status::Incomplete, TroubleSource::Pause),
        (Status::Incomplete, TroubleSource::Check),
        (Status::NeedsReconnect, TroubleSource::Token),
    ] {
        let trouble = Trouble::new(source, say::facebook_setup("104"));
        connections.set_status("facebook", PAGE, status, Some(trouble)).await.unwrap();
        looked.at(status.as_str(), &browser.get("/").await);
    }
    connections.set_status("facebook", PAGE, Status::Connected, None).await.unwrap();
    let page = connections.find("facebook", PAGE).await.unwrap().unwrap();
    let sentence = say::facebook_restricted();
    let block = SendingBlock { fault: Fault::Blocked, code: String::new(), sentence, until: i64::MAX };
    connections.block_sending(&page, block).await.unwrap();
    shared.journal.note_remark("shopify", SHOP, Some(say::export_consequence(say::export_endless()))).await.unwrap();
    let shown = browser.get("/").await;
    looked.at("what keeps an account from sending, and a remark", &shown);
    connections.unblock_sending("facebook", PAGE).await.unwrap();
    shared.journal.note_remark("shopify", SHOP, None).await.unwrap();
    shared.progress.end("shopify", SHOP);

    let word = say::delete_word().in_language(Language::Mirrored);
    let word: String = form_urlencoded::byte_serialize(word.as_bytes()).collect();
    let gone = press(browser, "/account/delete", &format!("word={word}")).await;
    assert_eq!(gone.status, 303, "{}", gone.text());
    let receipt = gone.header("location").to_owned();
    looked.at("a receipt", &browser.get(&format!("{receipt}?unconfirmed=facebook.shopify")).await);
    app.settle().await;
    looked.at("a receipt of what is done", &browser.get(&receipt).await);
}

#[test]
fn a_page_that_is_not_mirrored_is_noticed() {
    let page = "<html><title>x</title><body><p>ǝɥʇ <code>code</code> \u{202e}sʇop\u{202c}</p></body>";
    assert!(plain_words(page).contains(&"op".to_owned()));
    let page = "<html><title>x</title><body><input placeholder=\"Not translated\"></body>";
    assert_eq!(plain_words(page), ["Not", "translated"]);
}
