//! The Facebook login: from the link to stored connections, and every refusal on the way.

use serde_json::json;

use crate::test_app::{PAGE, SHOP, TestApp};

#[tokio::test]
async fn a_merchant_connects_a_page_with_one_click_after_the_shop() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let shop = browser.follow(&format!("/shopify/{SHOP}/login")).await.json();
    let page = browser.follow("/facebook/login").await.json();
    assert_eq!(page["user_uuid"], shop["user_uuid"]);
    assert_eq!(
        page["pages"]["data"],
        json!([{ "id": PAGE, "name": "Demo Shop", "status": "connected", "reason": null }])
    );
    assert_eq!(page["webhook_test"][0]["passed"], true);
    app.settle().await;
    let metadata = app.json(&format!("facebook/{PAGE}/page_metadata.json"));
    assert_eq!(metadata["id"], PAGE);
    assert!(metadata.get("access_token").is_none());
    app.finish().await;
}
