//! How a merchant leaves: one account disconnected and connected again, or everything deleted.

use crate::chromium::Chromium;
use crate::stage::{SAM, connect, customers_write, stage};
use crate::test_app::{PAGE, SHOP};

fn disconnect_link(account: &str) -> String {
    format!("a[href='/connections/{account}/disconnect']")
}

#[tokio::test]
async fn an_account_is_disconnected_after_a_question_and_can_be_connected_again() {
    let Some(browser) = Chromium::start().await else { return };
    let app = stage().await;
    connect(&app, &browser).await;
    let page = disconnect_link(&format!("facebook/{PAGE}"));
    browser.click_on(&page).await;
    browser.until("The stored login is erased").await;
    browser.check("disconnect").await;
    browser.click("Keep it connected").await;
    browser.until("Everything is connected").await;
    assert!(!app.page().subscribed_fields().is_empty(), "asking changes nothing");
    browser.click_on(&page).await;
    browser.click("Disconnect").await;
    browser.until("Disconnected. Facebook was asked afterwards").await;
    assert!(app.page().subscribed_fields().is_empty());
    let text = browser.text().await;
    assert!(text.contains("Continue with Facebook") && text.contains(SHOP) && !text.contains(PAGE), "{text}");
    browser.check("disconnected").await;

    browser.click("Continue with Facebook").await;
    browser.until("Permissions").await;
    browser.click("Continue").await;
    browser.until("Overview").await;
    app.settle().await;
    assert!(!app.page().subscribed_fields().is_empty());

    browser.open(&app.url).await;
    browser.until("Everything is connected").await;
    browser.click_on(&disconnect_link(&format!("shopify/{SHOP}"))).await;
    browser.click("Disconnect").await;
    browser.until("Disconnected. Shopify was asked afterwards").await;
    let text = browser.text().await;
    assert!(text.contains("Connect your Shopify shop") && text.contains(PAGE) && !text.contains(SHOP), "{text}");
    assert!(app.shop().subscriptions().is_empty(), "{:?}", app.shop().subscriptions());
    browser.fill("shop", "demo-shop").await;
    browser.click("Connect").await;
    browser.until("simulated Shopify").await;
    browser.click("Install").await;
    browser.until("Everything is connected").await;
    app.settle().await;
    assert!(!app.shop().subscriptions().is_empty());
    browser.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn everything_is_deleted_after_a_link_and_a_word_and_the_first_steps_are_back() {
    let Some(browser) = Chromium::start().await else { return };
    let app = stage().await;
    connect(&app, &browser).await;
    customers_write(&app).await;
    let folders = [app.path(&format!("facebook/{PAGE}")), app.path(SHOP)];
    assert!(folders.iter().all(|folder| folder.is_dir()));
    browser.open(&format!("{}/account", app.url)).await;
    browser.click("Delete my data …").await;
    browser.until("This cannot be undone").await;
    browser.check("delete").await;
    browser.fill("word", "yes").await;
    browser.click("Delete everything").await;
    browser.until("Nothing was deleted").await;
    browser.check("delete-wrong-word").await;
    assert!(folders.iter().all(|folder| folder.is_dir()));
    browser.fill("word", "delete").await;
    browser.click("Delete everything").await;
    browser.until("Your request").await;
    browser.check("receipt").await;
    app.settle().await;
    browser.reload().await;
    browser.until("Everything that belongs to this request was erased").await;
    for folder in &folders {
        assert!(!folder.exists(), "{}", folder.display());
    }
    for text in [SAM.0, SAM.1, "Snowboard Classic"] {
        assert!(!app.is_on_disk(text), "{text}");
    }
    assert!(app.page().subscribed_fields().is_empty());
    browser.open(&app.url).await;
    browser.until("Connect your Shopify shop").await;
    let text = browser.text().await;
    assert!(!text.contains("Overview") && text.contains("Comes after the first step"), "{text}");
    browser.finish().await;
    app.finish().await;
}
