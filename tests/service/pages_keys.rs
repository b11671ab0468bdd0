//! `/keys`: a merchant makes, sees and revokes keys of the API for bots (rules A1, A4).

use http::Method;
use shoptalk::shared::erasure;
use shoptalk::shared::store::api_keys::{MOST_LIVING, NewApiKey, Scope};

use crate::api_keys::{Bot, owner, wish};
use crate::pages_leaving::post;
use crate::test_app::{Browser, PAGE, SHOP, TestApp};

/// The key that a page shows.
fn shown(page: &str) -> Option<String> {
    let after = page.split("id=\"new-key\">").nth(1)?;
    Some(after.split('<').next().unwrap().to_owned())
}

/// Makes a key by the form and gives what the page shows then.
async fn make(browser: &Browser, fields: &str) -> (String, String) {
    let answer = post(browser, "/keys", fields).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/keys"), "{}", answer.text());
    let page = browser.get("/keys").await;
    assert_eq!(page.header("cache-control"), "no-store");
    let text = page.text();
    (shown(&text).unwrap_or_else(|| panic!("no key is shown: {text}")), text)
}

async fn me(app: &TestApp, key: &str) -> u16 {
    let bearer = format!("Bearer {key}");
    app.browser().send(Method::GET, "/api/v1/me", &[("authorization", &bearer)], b"").await.status.as_u16()
}

#[tokio::test]
async fn a1_a_merchant_makes_a_key_that_is_shown_once_and_revokes_it() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let empty = browser.get("/keys").await.text();
    assert!(empty.contains("You have no keys."), "{empty}");
    assert!(browser.get("/").await.text().contains("href=\"/keys\""), "the overview leads there");
    let fields = format!("name=Sales+bot&scope-read=on&scope-reply=on&account-facebook-{PAGE}=on&days=90");
    let (key, page) = make(&browser, &fields).await;
    assert!(page.contains("it is shown this once") && page.contains("Never used") && page.contains("Ends"), "{page}");
    assert_eq!(me(&app, &key).await, 200);
    let kept = app.api_keys().list_of(owner(&app, SHOP).await).remove(0);
    assert_eq!((kept.name.as_str(), kept.scopes.len()), ("Sales bot", 2));
    assert_eq!(kept.accounts, [("facebook".to_owned(), PAGE.to_owned())]);
    assert_eq!(kept.expires_at, Some(app.clock.now_ms() + 90 * 24 * 60 * 60 * 1000));
    // Reloading shows the list, and no key.
    let again = browser.get("/keys").await.text();
    assert_eq!(shown(&again), None);
    assert!(!again.contains(&key[15..]) && again.contains(&key[4..14]) && again.contains("Demo Shop"), "{again}");
    assert!(again.contains("Last used"), "{again}");
    // Another browser of nobody learns nothing, and no page gives it away.
    for path in ["/", "/account", &format!("/keys/{}/revoke", kept.id)] {
        assert!(!browser.get(path).await.text().contains(&key[15..]), "{path}");
    }
    let asked = browser.get(&format!("/keys/{}/revoke", kept.id)).await.text();
    assert!(asked.contains("Revoke this key") && me(&app, &key).await == 200, "asking changes nothing: {asked}");
    let answer = post(&browser, &format!("/keys/{}/revoke", kept.id), "").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/keys?done=revoked"));
    assert_eq!(me(&app, &key).await, 401);
    let page = browser.get("/keys?done=revoked").await.text();
    assert!(page.contains("It opens nothing any more") && page.contains("Revoked on"), "{page}");
    assert_eq!(browser.get(&format!("/keys/{}/revoke", kept.id)).await.status, 404);
    app.finish().await;
}

#[tokio::test]
async fn a4_making_and_revoking_need_a_session_its_form_and_a_page_of_ours() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let bot = Bot::start(&app, &Scope::ALL).await;
    let revoke = format!("/keys/{}/revoke", bot.key.id);
    let fields = "name=x&scope-read=on";
    // Without the form's token, with another session's, and without a session.
    let stranger = app.connect().await.for_pages();
    let token = {
        let page = stranger.get("/keys").await.text();
        page.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    for path in ["/keys", &revoke] {
        assert_eq!(browser.post_form(path, fields).await.status, 403, "{path}");
        assert_eq!(browser.post_form(path, &format!("form_token={token}&{fields}")).await.status, 403, "{path}");
        assert_eq!(app.browser().post_form(path, fields).await.status, 401, "{path}");
        // A key opens no page.
        let form = [("content-type", "application/x-www-form-urlencoded")];
        assert_eq!(bot.send(Method::POST, path, &form, fields.as_bytes()).await.status, 401, "{path}");
        let page = browser.get("/keys").await.text();
        let own = page.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let foreign = [form[0], ("sec-fetch-site", "cross-site")];
        let body = format!("form_token={own}&{fields}");
        assert_eq!(browser.send(Method::POST, path, &foreign, body.as_bytes()).await.status, 403, "{path}");
    }
    assert_eq!(bot.get("/keys").await.status, 401);
    assert_eq!(app.api_keys().list().len(), 1);
    assert_eq!(bot.get("/api/v1/me").await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn a2_another_merchants_keys_are_not_there_and_their_accounts_cannot_be_named() {
    const OTHER_SHOP: &str = "other-shop.myshopify.com";
    let app = TestApp::start().await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    app.shopify.add_shop(OTHER_SHOP, "Other Shop");
    let other = app.browser();
    assert_eq!(other.follow(&format!("/shopify/{OTHER_SHOP}/login")).await.status, 200);
    let other = other.for_pages();
    let page = other.get("/keys").await.text();
    assert!(!page.contains(&bot.key.id) && !page.contains(PAGE), "{page}");
    let revoke = format!("/keys/{}/revoke", bot.key.id);
    assert_eq!(other.get(&revoke).await.status, 404);
    assert_eq!(post(&other, &revoke, "").await.status, 404);
    assert_eq!(bot.get("/api/v1/me").await.status, 200);
    // What names a foreign account makes no key: least of all one for all accounts.
    let answer = post(&other, "/keys", &format!("name=x&scope-read=on&account-facebook-{PAGE}=on&days=")).await;
    assert!(answer.text().contains("is not connected any more"), "{}", answer.text());
    assert!(app.api_keys().list_of(owner(&app, OTHER_SHOP).await).is_empty());
    app.finish().await;
}

#[tokio::test]
async fn what_cannot_be_made_is_said_in_words_and_keeps_what_was_typed() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    for (fields, words) in [
        ("name=&scope-read=on&days=", "Please give the key a name"),
        ("name=%3Cb%3EBot&days=30", "Please tick at least one thing"),
        ("name=Bot&scope-read=on&days=soon", "Please choose when the key ends"),
    ] {
        let page = post(&browser, "/keys", fields).await;
        let text = page.text();
        assert!(page.status == 200 && text.contains(words) && text.contains("No key was made."), "{text}");
        assert!(!text.contains("<b>Bot"), "{text}");
    }
    assert!(post(&browser, "/keys", "name=%3Cb%3EBot&days=30").await.text().contains("value=\"&lt;b&gt;Bot\""));
    let (merchant, now_ms) = (owner(&app, SHOP).await, app.clock.now_ms());
    for _ in 0..MOST_LIVING {
        app.api_keys().insert(wish(merchant, &[Scope::Read]), now_ms).await.unwrap();
    }
    let full = post(&browser, "/keys", "name=Bot&scope-read=on&days=").await.text();
    assert!(full.contains("You have 20 keys already"), "{full}");
    app.finish().await;
}

#[tokio::test]
async fn with_its_account_or_all_data_erased_a_key_goes_and_never_becomes_one_for_all_accounts() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let (merchant, keys) = (owner(&app, SHOP).await, app.api_keys());
    let limited =
        NewApiKey { accounts: vec![("facebook".to_owned(), PAGE.to_owned())], ..wish(merchant, &[Scope::Read]) };
    let (limited, whole) = (Bot::with(&app, limited).await, Bot::start(&app, &[Scope::Read]).await);
    let scope = erasure::Scope::Account { channel: "facebook".to_owned(), account: PAGE.to_owned() };
    app.shared().erasure.request(vec![scope], "a test", None).await.unwrap();
    app.settle().await;
    assert_eq!(limited.get("/api/v1/me").await.status, 401);
    assert_eq!(whole.get("/api/v1/me").await.status, 200);
    assert!(!app.is_on_disk(&limited.key.id));
    post(&browser, "/account/delete", "word=delete").await;
    assert_eq!(whole.get("/api/v1/me").await.status, 401);
    assert!(keys.list().is_empty());
    app.settle().await;
    assert!(!app.is_on_disk(&whole.key.id));
    app.finish().await;
}
