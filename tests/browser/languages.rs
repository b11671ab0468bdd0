//! The pages in other languages, and from right to left.

use serde_json::json;

use crate::chromium::Chromium;
use crate::stage::{SAM, connect, customers_write, stage};
use crate::test_app::{PAGE, SHOP, TestApp};

/// Looks at every page of a merchant.
async fn look_around(app: &TestApp, browser: &Chromium, language: &str) {
    let thread = format!("/conversations/facebook/{PAGE}/{}", SAM.0);
    for (name, path) in [
        ("overview", "/".to_owned()),
        ("conversations", format!("/conversations/facebook/{PAGE}")),
        ("search", format!("/conversations/facebook/{PAGE}?q=shipping")),
        ("thread", thread),
        ("catalogue", format!("/catalogue/shopify/{SHOP}")),
        ("keys", "/keys".to_owned()),
        ("account", "/account".to_owned()),
        ("delete", "/account/delete".to_owned()),
        ("disconnect", format!("/connections/facebook/{PAGE}/disconnect")),
        ("not-found", "/nowhere".to_owned()),
    ] {
        browser.open(&format!("{}{path}", app.url)).await;
        let shown = browser.run("return document.documentElement.lang", Vec::new()).await;
        assert_eq!(shown, json!(language), "{path}");
        browser.check(&format!("{language}-{name}")).await;
    }
    browser.open(&format!("{}/catalogue/shopify/{SHOP}", app.url)).await;
    browser.click("Snowboard Classic").await;
    browser.check(&format!("{language}-product")).await;
}

#[tokio::test]
async fn a_language_is_chosen_below_any_page_and_stays() {
    let Some(browser) = Chromium::start().await else { return };
    let app = stage().await;
    connect(&app, &browser).await;
    customers_write(&app).await;
    browser.open(&format!("{}/account", app.url)).await;
    browser.run("document.getElementById('language').value = 'de'", Vec::new()).await;
    browser.click("Change language").await;
    browser.until("Meine Daten exportieren").await;
    assert!(browser.address().await.ends_with("/account"));
    look_around(&app, &browser, "de").await;
    // The browser writes money and days as the language does.
    let price = browser.run("return document.querySelector('data[data-currency]').textContent", Vec::new()).await;
    assert_eq!(price, json!("640,00\u{a0}€"));
    browser.run("document.getElementById('language').value = 'vi'", Vec::new()).await;
    browser.click("Sprache ändern").await;
    browser.until("Danh mục").await;
    look_around(&app, &browser, "vi").await;
    browser.finish_with(&["404", "404"]).await;
    app.finish().await;
}

#[tokio::test]
async fn pages_are_as_good_from_right_to_left() {
    let Some(browser) = Chromium::start().await else { return };
    let app = stage().await;
    connect(&app, &browser).await;
    customers_write(&app).await;
    browser.run("document.cookie = 'language=ar-XB; path=/'", Vec::new()).await;
    look_around(&app, &browser, "ar-XB").await;
    // What the account says stands where a reader of such a language expects it: on the left.
    browser.open(&format!("{}/conversations/facebook/{PAGE}/{}", app.url, SAM.0)).await;
    let place = "(side) => document.querySelector(`.message.${side} .bubble`).getBoundingClientRect().left";
    let is_mirrored = format!("return (({place})('account')) < (({place})('person'))");
    assert_eq!(browser.run(&is_mirrored, Vec::new()).await, json!(true));
    browser.finish_with(&["404"]).await;
    app.finish().await;
}
