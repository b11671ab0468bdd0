//! What a merchant sees of the catalogue: cards, a search, a product with its variants.

use crate::test_app::{SHOP, TestApp};

fn list() -> String {
    format!("/catalogue/shopify/{SHOP}")
}

/// The titles on a page, in its order.
fn titles(page: &str) -> Vec<String> {
    let cards = page.split("<li class=\"product\">").skip(1);
    cards.map(|card| card.split("<bdi>").nth(1).unwrap().split("</bdi>").next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_card_tells_price_currency_stock_and_status() {
    let app = TestApp::start().await;
    let board = app.shop().add_product("Snowboard");
    board.set_price("640.00");
    board.set_stock(3);
    let boots = app.shop().add_product("Boots");
    boots.set_price("229.90");
    boots.add_variant("Wide", "219.90");
    boots.set_stock(0);
    app.shop().add_product("Next season").set_status("DRAFT");
    let browser = app.connect().await.for_pages();
    let page = browser.get(&list()).await.text();
    assert_eq!(titles(&page), ["Next season", "Boots", "Snowboard"], "newest first");
    let card = |title: &str| {
        let card = page.split("<li class=\"product\">").find(|card| card.contains(title)).unwrap();
        card.to_owned()
    };
    assert!(card("Snowboard").contains("640.00 EUR") && card("Snowboard").contains("3 in stock"), "{page}");
    assert!(
        card("Boots").contains("from <data value=\"219.90\" data-currency=\"EUR\">219.90 EUR</data>")
            && card("Boots").contains("2 variants"),
        "{page}"
    );
    assert!(card("Next season").contains("Draft"), "{page}");
    let href = card("Boots").split("href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let product = browser.get(&href).await.text();
    assert!(
        product.contains("Wide") && product.contains("219.90 EUR") && product.contains("<th scope=\"row\">"),
        "{product}"
    );
    assert_eq!(browser.get(&format!("{}/product?id=gid://shopify/Product/0", list())).await.status, 404);
    app.finish().await;
}

#[tokio::test]
async fn a_large_catalogue_is_shown_in_parts_and_searched() {
    let app = TestApp::start().await;
    app.shop().fill(110, 1);
    let browser = app.connect().await.for_pages();
    let (mut seen, mut path) = (Vec::new(), list());
    for _ in 0..5 {
        let page = browser.get(&path).await.text();
        seen.extend(titles(&page));
        let next = page.split(">More products</a>").next().filter(|before| before.len() < page.len());
        let Some(next) = next else { break };
        path = next.rsplit("href=\"").next().unwrap().split('"').next().unwrap().replace("&amp;", "&");
    }
    let mut expected: Vec<String> = (1..=110).map(|number| format!("Product {number:05}")).collect();
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
    let found = browser.get(&format!("{}?q=00107", list())).await.text();
    assert_eq!(titles(&found), ["Product 00107"]);
    let nothing = browser.get(&format!("{}?q=%3Cscript%3E", list())).await.text();
    assert!(
        titles(&nothing).is_empty() && nothing.contains("No product found for “<bdi>&lt;script&gt;</bdi>”"),
        "{nothing}"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_product_shows_its_picture_and_no_other_page_may_load_one() {
    let app = TestApp::start().await;
    let board = app.shop().add_product("Snowboard");
    board.add_picture("https://cdn.example/board.jpg?v=1&w=2", Some("A <blue> \"board\""));
    board.add_picture("https://cdn.example/side.jpg", None);
    app.shop().add_product("Boots").add_picture("http://cdn.example/boots.jpg", None);
    let browser = app.connect().await.for_pages();
    let list_page = browser.get(&list()).await;
    let id = form_urlencoded::byte_serialize(board.gid().as_bytes()).collect::<String>();
    let product_page = browser.get(&format!("{}/product?id={id}", list())).await;
    for page in [&list_page, &product_page] {
        let text = page.text();
        let pictures: Vec<&str> = text.split("<img ").skip(1).map(|img| img.split('>').next().unwrap()).collect();
        assert_eq!(pictures.len(), 1, "{text}");
        for part in [
            "src=\"https://cdn.example/board.jpg?v=1&amp;w=2\"",
            "alt=\"A &lt;blue&gt; &quot;board&quot;\"",
            "loading=\"lazy\"",
            "referrerpolicy=\"no-referrer\"",
        ] {
            assert!(pictures[0].contains(part), "{part} is not in {}", pictures[0]);
        }
        let policy = page.header("content-security-policy");
        assert!(policy.contains("img-src 'self' https:;") && policy.contains("default-src 'none'"), "{policy}");
        assert_eq!(page.headers.get_all("content-security-policy").iter().count(), 1);
    }
    assert!(browser.get("/").await.header("content-security-policy").contains("img-src 'self';"));
    app.finish().await;
}

#[tokio::test]
async fn an_empty_catalogue_says_what_comes_next() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    assert!(browser.get(&list()).await.text().contains("This shop has no products yet"));
    app.finish().await;
}
