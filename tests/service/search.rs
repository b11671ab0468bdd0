//! Products are found as people write: in any script, with slips, with signs that mean something elsewhere; and the index
//! follows the records wherever the service is killed.

use std::path::Path;

use http::Method;
use serde_json::{Value, json};
use shoptalk::app::config::Config;
use shoptalk::shared::erasure::Scope;
use shoptalk::shared::products::FoundProduct;
use shoptalk::shared::store::api_keys::{NewApiKey, Scope as KeyScope};
use shoptalk::shared::store::search::{Level, Price, Query};
use shoptalk::shared::store::{Edit, Record};
use shoptalk::shopify::sandbox::Product;

use crate::api_keys::{Bot, is_problem, owner, wish};
use crate::test_app::{OPERATOR_TOKEN, PAGE, SHOP, TestApp};

const OTHER_SHOP: &str = "other-shop.myshopify.com";

fn query(q: &str) -> Query {
    Query { q: q.to_owned(), limit: 10, ..Query::default() }
}

async fn find_in(app: &TestApp, shops: &[&str], query: &Query) -> Vec<FoundProduct> {
    let accounts: Vec<_> = shops.iter().map(|shop| ("shopify".to_owned(), (*shop).to_owned())).collect();
    app.shared().products.find(&accounts, query).await.unwrap()
}

/// The titles that are found, in order.
async fn titles(app: &TestApp, q: &str) -> Vec<String> {
    find_in(app, &[SHOP], &query(q)).await.into_iter().map(|found| found.product.title).collect()
}

/// The titles that are found, each with its level.
async fn levels(app: &TestApp, q: &str) -> Vec<(String, Level)> {
    let found = find_in(app, &[SHOP], &query(q)).await;
    found.into_iter().map(|found| (found.product.title, found.matched.unwrap())).collect()
}

/// A shop with these products, connected.
async fn with_products(titles: &[&str]) -> (TestApp, Vec<Product>) {
    let app = TestApp::start().await;
    let products: Vec<Product> = titles.iter().map(|title| app.shop().add_product(title)).collect();
    products.iter().for_each(|product| product.set_description(""));
    app.connect().await;
    (app, products)
}

/// A webhook says that this product changed, and everything that follows is done.
async fn tell(app: &TestApp, product: &Product) {
    assert_eq!(app.shop().deliver("products/update", &product.webhook()).await, [200]);
    app.settle().await;
}

/// Gives the record of a product another title, as a read of the shop does.
async fn retitle(app: &TestApp, id: &str, title: &str) {
    let payload = app.journal_sql(|sql| {
        sql.query_row("SELECT payload FROM records WHERE id = ?1", [id], |row| row.get::<_, String>(0))
    });
    let mut node: Value = serde_json::from_str(&payload).unwrap();
    node["title"] = title.into();
    let record = Record { id: id.to_owned(), payload: node.to_string() };
    let edits = vec![Edit::Put("product", record)];
    app.shared().journal.change_records("shopify", SHOP, edits, "catalogue").await.unwrap();
}

const COAT: &str = "Áo khoác màu đỏ";
const SHOES: &str = "รองเท้าผ้าใบสีขาว";
const BLUE_BOARD: &str = "蓝色滑雪板";
const SNOWBOARD_JA: &str = "スノーボード";
const SNOWBOARD_KO: &str = "스노보드 세트";
const SNOWBOARD: &str = "Snowboard Classic";

#[tokio::test]
async fn every_example_of_the_contract_finds_its_own() {
    let app = TestApp::start().await;
    for title in [COAT, SHOES, BLUE_BOARD, SNOWBOARD_JA, SNOWBOARD_KO, SNOWBOARD] {
        app.shop().add_product(title);
    }
    app.shop().add_product("Straße ½ Øre Łódź").set_sku("SKU-77");
    app.connect().await;
    for (q, title) in [
        ("ao khoac mau do", COAT),
        ("ÁO KHOÁC", COAT),
        ("A\u{301}o khoa\u{301}c", COAT),
        ("ＡＯ　ＫＨＯＡＣ", COAT),
        ("รองเท้า", SHOES),
        ("รองเท้าผ้าใบ", SHOES),
        ("蓝色", BLUE_BOARD),
        ("板", BLUE_BOARD),
        ("スノー", SNOWBOARD_JA),
        ("ｽﾉｰﾎﾞｰﾄﾞ", SNOWBOARD_JA),
        ("보드", SNOWBOARD_KO),
        ("snowbord", SNOWBOARD),
        ("SKU-77", "Straße ½ Øre Łódź"),
        ("sku77", "Straße ½ Øre Łódź"),
        ("strasse lodz", "Straße ½ Øre Łódź"),
        ("ore", "Straße ½ Øre Łódź"),
    ] {
        assert_eq!(titles(&app, q).await, [title], "{q}");
    }
    for nothing in ["zz", "\"", "*", "NEAR(", "-x", "ã", "蓝滑", "%", "_", "' zz=zz --", "🙂", "\u{0}"] {
        assert_eq!(titles(&app, nothing).await, [""; 0], "{nothing}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_level_counts_only_where_the_one_before_found_nothing() {
    let (app, products) =
        with_products(&["Blue Board", "Blue Board Deluxe", "Red Board", "Boardshorts", "Teapot"]).await;
    products[4].set_sku("blue-board");
    tell(&app, &products[4]).await;
    let found = |title: &str, level| (title.to_owned(), level);
    use Level::{Exact, Similar, Some, Words};
    // The handle of one and the number of the other, then all words, whole ones first.
    assert_eq!(
        levels(&app, "blue-board").await,
        [found("Blue Board", Exact), found("Teapot", Exact), found("Blue Board Deluxe", Words)]
    );
    assert_eq!(
        levels(&app, "boards").await,
        [found("Boardshorts", Words)],
        "what is longer than a word is not its beginning"
    );
    assert_eq!(levels(&app, "blue board deluxe").await, [found("Blue Board Deluxe", Words)]);
    assert_eq!(
        levels(&app, "blue board quux").await,
        [found("Blue Board", Some), found("Blue Board Deluxe", Some), found("Teapot", Some)]
    );
    assert_eq!(levels(&app, "deluxe baord").await, [found("Blue Board Deluxe", Similar)]);
    assert_eq!(levels(&app, "teapto").await, [found("Teapot", Similar)]);
    assert_eq!(levels(&app, "Hello, is the teapot there?").await, [found("Teapot", Some)]);
    let id = products[2].id().to_string();
    for q in [id.clone(), products[2].gid(), products[2].gid().to_uppercase(), format!("  {id} ")] {
        assert_eq!(levels(&app, &q).await[0], found("Red Board", Exact), "{q}");
    }
    app.finish().await;
}

#[tokio::test]
async fn words_of_a_question_that_are_in_no_product_do_not_spoil_it() {
    let others =
        ["Wave lamp", "Harbour tent", "Teapot", "Kettle", "Samovar", "Urn", "Lantern", "Oolong", "Ladle", "Pan"];
    let titles_of = [&[SNOWBOARD, "Woolly hat", "Ván trượt tuyết xanh"][..], &others].concat();
    let (app, _) = with_products(&titles_of).await;
    for q in [
        "Do you have snowboards?",
        "do you hav snowbord clasic",
        "Haben Sie Snowboards?",
        "¿Tienen ustedes snowboards?",
        "Vocês vendem snowboards?",
        "Avez-vous des snowboards ?",
        "Shop ơi, bên mình có bán snowboard không ạ?",
    ] {
        assert_eq!(levels(&app, q).await, [(SNOWBOARD.to_owned(), Level::Some)], "{q}");
    }
    assert_eq!(titles(&app, "snowboards").await, [SNOWBOARD]);
    assert_eq!(titles(&app, "Do you have hats?").await, ["Woolly hat"]);
    assert_eq!(titles(&app, "Shop có bán ván trượt tuyết không ạ?").await, ["Ván trượt tuyết xanh"]);
    for nothing in ["Do you have it?", "What do you sell, please?", "zz", "Thank you!"] {
        assert_eq!(titles(&app, nothing).await, [""; 0], "{nothing}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_title_weighs_more_than_tags_and_those_more_than_a_description() {
    let (app, products) = with_products(&["A", "B", "C", "D", "Kettle E", "Kettle F"]).await;
    products[0].set_description("A kettle.");
    products[1].set_kind("Kettle", "Things");
    products[2].set_tags(&["kettle"]);
    products[3].set_sku("kettle 9");
    products[4].set_stock(0);
    for product in &products {
        tell(&app, product).await;
    }
    assert_eq!(titles(&app, "kettle").await, ["Kettle F", "D", "C", "B", "A", "Kettle E"], "sold out comes last");
    app.finish().await;
}

#[tokio::test]
async fn filters_and_limits_hold_and_without_words_all_come_by_title() {
    let (app, products) = with_products(&["éclair", "Bread", "apple", "Zwieback"]).await;
    products[0].set_price("10.00");
    products[1].set_price("9.99");
    products[2].set_price("100");
    products[3].set_stock(0);
    for product in &products {
        tell(&app, product).await;
    }
    assert_eq!(titles(&app, "").await, ["apple", "Bread", "éclair", "Zwieback"]);
    assert_eq!(titles(&app, " \u{3000}\n").await.len(), 4);
    let limited = |change: &dyn Fn(&mut Query)| {
        let mut query = query("");
        change(&mut query);
        query
    };
    for (wanted, expected) in [
        (limited(&|query| query.limit = 2), &["apple", "Bread"][..]),
        (limited(&|query| query.limit = 0), &[]),
        (limited(&|query| query.available = Some(true)), &["apple", "Bread", "éclair"]),
        (limited(&|query| query.available = Some(false)), &["Zwieback"]),
        (limited(&|query| query.max_price = Price::parse("10")), &["Bread", "éclair", "Zwieback"]),
        (limited(&|query| query.max_price = Price::parse("9.99")), &["Bread"]),
    ] {
        let found = find_in(&app, &[SHOP], &wanted).await;
        assert_eq!(found.iter().map(|one| &*one.product.title).collect::<Vec<_>>(), expected, "{wanted:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_list_and_a_product_have_the_shape_of_the_contract() {
    let app = TestApp::start().await;
    let board = app.shop().add_product("Board");
    board.set_price("649.00");
    board.set_tags(&["winter"]);
    board.set_metafield("flex", "7");
    board.set_description("Fast.");
    (0..25).for_each(|number| board.add_variant(&format!("Size {number}"), "700.00"));
    app.shop().add_code_discount("Ten off", &["TEN"], 0.1);
    let private = app.shop().add_code_discount("Secret", &["SECRET"], 0.5);
    app.shop().set_discount_context(&private, "DiscountCustomers");
    app.connect().await;
    let found = find_in(&app, &[SHOP], &query("board")).await;
    let mut list = serde_json::to_value(&found).unwrap();
    let variants = list[0]["variants"].take();
    assert_eq!(variants.as_array().unwrap().len(), 20);
    let members: Vec<&String> = variants[0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["id", "title", "sku", "price", "available", "stock"]);
    let image = list[0]["image"].take();
    assert!(image.is_null() || image.as_str().unwrap().starts_with("https://"), "{image}");
    let mut options = list[0]["options"].take();
    assert_eq!(options[0]["values"].as_array_mut().unwrap().drain(1..).count(), 25);
    assert_eq!(options, json!([{"name": "Title", "values": ["Default Title"]}]));
    let expected = json!([{
        "id": board.id().to_string(), "gid": board.gid(), "shop": SHOP, "title": "Board", "handle": "board",
        "url": "https://demo.example/products/board", "image": null, "price": "649.00", "price_max": "700.00",
        "compare_at": null, "currency": "EUR", "available": true, "stock": list[0]["stock"], "options": null,
        "variants": null, "type": list[0]["type"], "vendor": list[0]["vendor"], "tags": ["winter"], "matched": "exact",
    }]);
    assert_eq!(list, expected);
    let order = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(order(&list[0]), order(&expected[0]), "members stand in the order of the contract");

    let shop = [("shopify".to_owned(), SHOP.to_owned())];
    for id in [board.id().to_string(), board.gid()] {
        let whole = app.shared().products.product(&shop, &id).await.unwrap().unwrap();
        let whole = serde_json::to_value(&whole).unwrap();
        assert_eq!(whole["variants"].as_array().unwrap().len(), 26);
        assert_eq!(whole["description"], "Fast.");
        assert_eq!(whole["metafields"][0]["value"], "7");
        assert_eq!(whole["discounts"].as_array().unwrap().len(), 1, "{}", whole["discounts"]);
        assert_eq!(whole["discounts"][0]["code"], "TEN");
        assert!(whole.get("matched").is_none());
    }
    let facts = app.shared().products.shop(&shop[0]).await.unwrap().unwrap();
    assert_eq!((facts.name.as_str(), facts.currency.as_deref()), ("Demo Shop", Some("EUR")));
    for id in ["1", "", "gid://shopify/Product/1", "gid://shopify/Collection/1", "../x", "\u{0}"] {
        assert_eq!(app.shared().products.product(&shop, id).await.unwrap(), None, "{id}");
    }
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    let metrics = app.browser().send(Method::GET, "/metrics", &[("authorization", &bearer)], b"").await.text();
    assert!(metrics.contains("shoptalk_search_seconds_count 1"), "{metrics}");
    app.finish().await;
}

/// The media of a product in the catalogue's file: the picture that stands for it, and the addresses of all.
fn media_in_file(app: &TestApp, title: &str) -> (Value, Vec<String>) {
    let file = app.json(&format!("{SHOP}/shop_products.json"));
    let edges = file["data"]["products"]["edges"].as_array().unwrap().clone();
    let node = edges.into_iter().map(|edge| edge["node"].clone()).find(|node| node["title"] == title).unwrap();
    let media = node["media"]["edges"].as_array().unwrap();
    let url = |edge: &Value| edge["node"]["preview"]["image"]["url"].as_str().unwrap().to_owned();
    (node["featuredMedia"].clone(), media.iter().map(url).collect())
}

#[tokio::test]
async fn pictures_come_by_pages_by_bulk_and_with_single_products_in_one_shape() {
    let app = TestApp::start().await;
    let board = app.shop().add_product("Board");
    (0..12).for_each(|number| board.add_picture(&format!("https://cdn.example/{number}.jpg"), Some("A board")));
    app.shop().add_product("Bare");
    app.connect().await;
    let first = json!({"preview": {"image":
        {"altText": "A board", "height": 600, "url": "https://cdn.example/0.jpg", "width": 800}}});
    let ten: Vec<String> = (0..10).map(|number| format!("https://cdn.example/{number}.jpg")).collect();
    assert_eq!(media_in_file(&app, "Board"), (first.clone(), ten.clone()));
    assert_eq!(media_in_file(&app, "Bare"), (Value::Null, Vec::new()));
    let by_pages = app.text(&format!("{SHOP}/shop_products.json"));
    board.set_tags(&["changed"]);
    tell(&app, &board).await;
    assert_eq!(media_in_file(&app, "Board"), (first.clone(), ten.clone()));
    board.set_tags(&["new"]);
    tell(&app, &board).await;
    // The same shop read by bulk operations has the same file, but for the times of the changes.
    let app = app
        .restart_with(|config| {
            if let Some(shopify) = &mut config.shopify {
                shopify.bulk_above = 1;
            }
        })
        .await;
    app.shared()
        .journal
        .request_read("shopify", SHOP, shoptalk::shared::channel::read_request::ReadRequest::Everything, 0)
        .await
        .unwrap();
    for _ in 0..20 {
        app.settle().await;
    }
    assert!(!app.shop().bulk_operations().is_empty());
    assert_eq!(media_in_file(&app, "Board"), (first, ten));
    let shape = |text: Option<String>| text.unwrap().split("\"updatedAt\"").next().unwrap().len();
    assert_eq!(shape(app.text(&format!("{SHOP}/shop_products.json"))), shape(by_pages));
    let found = find_in(&app, &[SHOP], &query("board")).await;
    assert_eq!(found[0].product.image.as_deref(), Some("https://cdn.example/0.jpg"));
    app.finish().await;
}

#[tokio::test]
async fn the_index_follows_every_change_of_a_product() {
    let (app, products) = with_products(&["Green tea", "Black tea"]).await;
    products[0].rename("Oolong");
    tell(&app, &products[0]).await;
    assert_eq!(titles(&app, "oolong").await, ["Oolong"]);
    assert_eq!(titles(&app, "green").await, [""; 0]);
    products[0].set_status("DRAFT");
    tell(&app, &products[0]).await;
    assert_eq!(titles(&app, "oolong").await, [""; 0]);
    let shop = [("shopify".to_owned(), SHOP.to_owned())];
    assert_eq!(app.shared().products.product(&shop, &products[0].gid()).await.unwrap(), None, "drafts are not told");
    products[0].set_status("ACTIVE");
    tell(&app, &products[0]).await;
    assert_eq!(titles(&app, "oolong").await, ["Oolong"]);
    let gone = json!({ "id": products[1].id() });
    products[1].delete();
    app.shop().deliver("products/delete", &gone).await;
    app.settle().await;
    assert_eq!(titles(&app, "tea").await, [""; 0]);
    // Bots are told once nothing has changed for a moment.
    app.settle().await;
    let count = |sql: &rusqlite::Connection| {
        sql.query_row("SELECT count(*) FROM record_changes", [], |row| row.get::<_, i64>(0))
    };
    assert_eq!(app.journal_sql(count), 0);
    app.finish().await;
}

#[tokio::test]
async fn merchants_find_their_own_products_only() {
    let app = TestApp::start().await;
    app.shopify.add_shop(OTHER_SHOP, "Other");
    app.shop().add_product("Shared name");
    app.shopify.shop(OTHER_SHOP).unwrap().add_product("Shared name too");
    app.connect().await;
    assert_eq!(app.browser().follow(&format!("/shopify/{OTHER_SHOP}/login")).await.status, 200);
    app.settle().await;
    for (shops, expected) in
        [(&[SHOP][..], &["Shared name"][..]), (&[OTHER_SHOP], &["Shared name too"]), (&[], &[]), (&["none"], &[])]
    {
        let found = find_in(&app, shops, &query("shared")).await;
        assert_eq!(found.iter().map(|one| &*one.product.title).collect::<Vec<_>>(), expected);
    }
    let both = find_in(&app, &[SHOP, OTHER_SHOP], &query("shared name")).await;
    assert_eq!(both.iter().map(|one| &*one.product.shop).collect::<Vec<_>>(), [SHOP, OTHER_SHOP]);
    // Of several shops a better level in one is the level of all.
    let best = find_in(&app, &[SHOP, OTHER_SHOP], &query("shared too")).await;
    assert_eq!(best.iter().map(|one| &*one.product.title).collect::<Vec<_>>(), ["Shared name too"]);
    let page = vec![("facebook".to_owned(), PAGE.to_owned())];
    assert_eq!(app.shared().products.find(&page, &query("shared")).await.unwrap(), []);
    app.finish().await;
}

#[tokio::test]
async fn of_an_erased_shop_no_word_is_left_in_the_index() {
    let app = TestApp::start().await;
    app.shopify.add_shop(OTHER_SHOP, "Other");
    app.shop().fill(60, 2);
    app.shop().add_product("Unforgettable-word");
    app.shopify.shop(OTHER_SHOP).unwrap().add_product("Neighbour");
    app.connect().await;
    assert_eq!(app.browser().follow(&format!("/shopify/{OTHER_SHOP}/login")).await.status, 200);
    app.settle().await;
    assert_eq!(titles(&app, "unforgetable").await, ["Unforgettable-word"]);
    assert!(app.is_on_disk("unforgettable"));
    let scope = Scope::Account { channel: "shopify".to_owned(), account: SHOP.to_owned() };
    app.shared().erasure.request(vec![scope], "a test", None).await.unwrap();
    app.settle().await;
    assert_eq!(titles(&app, "unforgettable").await, [""; 0]);
    for trace in ["nforgettable", SHOP] {
        assert!(!app.is_on_disk(trace), "{trace} is still there");
    }
    let left = find_in(&app, &[OTHER_SHOP], &query("neighbour")).await;
    assert_eq!(left.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_lost_damaged_foreign_or_older_index_is_made_again() {
    let (mut app, products) = with_products(&["Green tea"]).await;
    let remove = |path: &Path| {
        for end in ["", "-wal", "-shm"] {
            drop(std::fs::remove_file(format!("{}{end}", path.display())));
        }
    };
    let foreign = |path: &Path, sql: &str| {
        remove(path);
        rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
    };
    let spoil = |path: &Path, sql: &str| rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
    let kept = std::fs::read(app.path("data/search.db")).unwrap();
    type Harm<'a> = Box<dyn FnOnce(&Path) + 'a>;
    let harms: Vec<(&str, Harm<'_>)> = vec![
        ("lost", Box::new(remove)),
        ("empty", Box::new(|path| std::fs::write(path, "").unwrap())),
        ("no database", Box::new(|path| std::fs::write(path, "x".repeat(9000)).unwrap())),
        (
            "cut off",
            Box::new(|path| {
                let bytes = std::fs::read(path).unwrap();
                std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
            }),
        ),
        ("another program's", Box::new(|path| foreign(path, "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)"))),
        ("of another version", Box::new(|path| spoil(path, "PRAGMA user_version = 99"))),
        ("of another journal", Box::new(|path| spoil(path, "UPDATE state SET identity = 'another'"))),
        ("behind", Box::new(|path| spoil(path, "UPDATE state SET position = 0"))),
        ("ahead", Box::new(|path| spoil(path, "UPDATE state SET position = 1000000"))),
        ("without state", Box::new(|path| spoil(path, "DELETE FROM state"))),
        (
            "an old copy",
            Box::new(move |path| {
                remove(path);
                std::fs::write(path, kept).unwrap();
            }),
        ),
    ];
    for (number, (what, harm)) in harms.into_iter().enumerate() {
        let title = format!("Tea number{number}");
        retitle(&app, &products[0].gid(), &title).await;
        app.work().await;
        app = app.restart_with(|config: &mut Config| harm(&config.server.search_db)).await;
        app.settle().await;
        assert_eq!(titles(&app, &format!("number{number}")).await, [title], "{what}");
        assert_eq!(titles(&app, "green").await, [""; 0], "{what}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_kill_between_a_record_and_the_index_loses_no_change() {
    let (app, products) = with_products(&["Green tea", "Black tea"]).await;
    // Killed after the record, before the index.
    let id = products[0].gid();
    retitle(&app, &id, "Oolong").await;
    let app = app.kill_and_restart_with(|_| {}).await;
    assert_eq!(titles(&app, "oolong").await, [""; 0]);
    app.work().await;
    assert_eq!(titles(&app, "oolong").await, ["Oolong"]);
    // Killed after the index, before the changes were forgotten: they are made once more.
    let changed = |sql: &rusqlite::Connection| {
        sql.query_row("SELECT value FROM cursors WHERE name = 'search_index'", [], |row| row.get::<_, String>(0))
    };
    let followed = app.journal_sql(changed);
    retitle(&app, &id, "Sencha").await;
    let told = app.shared().journal.list_record_changes(0, 10).await.unwrap();
    app.work().await;
    app.journal_sql(|sql| {
        sql.execute("UPDATE cursors SET value = ?1 WHERE name = 'search_index'", [&followed])?;
        sql.execute(
            "INSERT OR REPLACE INTO record_changes VALUES (?1, 'shopify', ?2, 'product', ?3)",
            rusqlite::params![told.last().unwrap().seq, SHOP, id],
        )
    });
    let app = app.kill_and_restart_with(|_| {}).await;
    assert_eq!(titles(&app, "sencha").await, ["Sencha"], "it is not made anew for that");
    app.work().await;
    assert_eq!(titles(&app, "sencha").await, ["Sencha"]);
    assert_eq!(titles(&app, "tea").await, ["Black tea"]);
    // Killed while it is made anew: it goes on.
    let app = app.restart_with(|config| std::fs::remove_file(&config.server.search_db).unwrap()).await;
    let app = app.kill_and_restart_with(|_| {}).await;
    app.work().await;
    assert_eq!(titles(&app, "sencha").await, ["Sencha"]);
    app.finish().await;
}

#[tokio::test]
async fn hostile_texts_find_nothing_they_should_not_and_break_nothing() {
    let (app, _) = with_products(&["Green tea"]).await;
    let long = "tea ".repeat(20_000);
    let odd =
        ["\u{202e}aet", "a\u{300}".repeat(5_000).leak(), "\u{fdfa}", "𝕋𝕖𝕒", "\u{0}tea", "'; DROP TABLE products; --"];
    for q in odd.iter().copied().chain([long.as_str()]) {
        let found = titles(&app, q).await;
        assert!(found.len() <= 1, "{q:.40}");
    }
    assert_eq!(titles(&app, "𝕋𝕖𝕒").await, ["Green tea"], "letters of any shape are letters");
    assert_eq!(titles(&app, &long).await, ["Green tea"]);
    assert_eq!(titles(&app, &"x".repeat(1_000_000)).await, [""; 0]);
    assert_eq!(titles(&app, "tea").await, ["Green tea"]);
    app.finish().await;
}

/// The titles in an answer of the API.
fn told(answer: &Value) -> Vec<&str> {
    answer["products"].as_array().unwrap().iter().map(|product| product["title"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_api_tells_a_merchants_products_and_nobody_elses() {
    let app = TestApp::start().await;
    app.shopify.add_shop(OTHER_SHOP, "Other");
    let tea = app.shop().add_product("Green tea");
    // Ids of simulated shops begin alike.
    let coffee = || app.shopify.shop(OTHER_SHOP).unwrap().add_product("Green coffee");
    let (_, _, other) = (coffee(), coffee(), coffee());
    app.shop().add_product("Hidden tea").set_status("DRAFT");
    app.connect().await;
    assert_eq!(app.browser().follow(&format!("/shopify/{OTHER_SHOP}/login")).await.status, 200);
    app.settle().await;
    let bot = Bot::start(&app, &[KeyScope::Read]).await;
    for (query, expected) in [
        ("", &["Green tea"][..]),
        ("?q=green", &["Green tea"]),
        ("?q=GREEN+t%C3%89a&available=true&max_price=10.00&limit=1", &["Green tea"]),
        ("?q=green&max_price=9.99", &[]),
        ("?q=green&available=false", &[]),
        ("?q=green&shop=&max_price=", &["Green tea"]),
        ("?q=zz", &[]),
        ("?q=%22", &[]),
        ("?q=", &["Green tea"]),
        ("?q=%20%09", &[]),
        ("?q=&available=true", &["Green tea"]),
        ("?q=&available=false", &[]),
        ("?available=true", &["Green tea"]),
        (&format!("?q=tea&shop={SHOP}"), &["Green tea"]),
    ] {
        let answer = bot.get(&format!("/api/v1/products{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        assert_eq!(told(&answer.json()), expected, "{query}");
    }
    let escaped: String = form_urlencoded::byte_serialize(tea.gid().as_bytes()).collect();
    for id in [tea.id().to_string(), escaped] {
        let answer = bot.get(&format!("/api/v1/products/{id}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!((&answer.json()["title"], &answer.json()["shop"]), (&json!("Green tea"), &json!(SHOP)));
    }
    for path in [
        format!("/api/v1/products?shop={OTHER_SHOP}"),
        "/api/v1/products?shop=none".to_owned(),
        format!("/api/v1/products/{}", other.id()),
        "/api/v1/products/1".to_owned(),
        "/api/v1/products/%FF".to_owned(),
    ] {
        is_problem(&bot.get(&path).await, 404, "not-found");
    }
    for (query, pointer) in [
        ("limit=0", "/limit"),
        ("limit=101", "/limit"),
        ("limit=ten", "/limit"),
        ("max_price=cheap", "/max_price"),
        ("max_price=-1", "/max_price"),
        ("available=yes", "/available"),
        ("sort=price", "/sort"),
        ("q=a&q=b", "/q"),
    ] {
        let problem = is_problem(&bot.get(&format!("/api/v1/products?{query}")).await, 422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}");
    }
    is_problem(&bot.get(&format!("/api/v1/products/{}?x=1", tea.id())).await, 422, "invalid");
    let writer = Bot::start(&app, &[KeyScope::Reply]).await;
    assert_eq!(is_problem(&writer.get("/api/v1/products").await, 403, "scope-missing")["scope"], "read");
    // A key of one Page answers there with what the merchant sells; one of another shop sees only that.
    let merchant = owner(&app, SHOP).await;
    let of = |channel: &str, account: &str| NewApiKey {
        accounts: vec![(channel.to_owned(), account.to_owned())],
        ..wish(merchant, &[KeyScope::Read])
    };
    let of_page = Bot::with(&app, of("facebook", PAGE)).await;
    assert_eq!(told(&of_page.get("/api/v1/products?q=tea").await.json()), ["Green tea"]);
    let of_other = Bot::with(&app, of("shopify", OTHER_SHOP)).await;
    assert_eq!(told(&of_other.get("/api/v1/products?q=green").await.json()), [""; 0], "another merchant's by now");
    // Disconnected, a shop is not told any more.
    app.shared().erasure.disconnect("shopify", SHOP, "a test").await.unwrap();
    assert_eq!(told(&bot.get("/api/v1/products").await.json()), [""; 0]);
    app.finish().await;
}
