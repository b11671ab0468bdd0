//! The catalogue of a shop: products as cards, with a search, and each product with its variants.

use std::time::{Duration, Instant};

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::{HeaderValue, header};
use maud::{Markup, html};
use serde::Deserialize;

use super::parts::{excerpt, name_or, pill};
use super::{Fronts, Page, Renewal, Tab, owned};
use crate::shared::channel::context::Shared;
use crate::shared::channel::view::{Card, Catalogue, clean, plain_line, shorten, visible};
use crate::shared::journal::Account;
use crate::shared::languages::{bdi, say};
use crate::shared::server::error::AppError;
use crate::shared::server::session::SignedIn;
use crate::shared::store::{Record, Session};
use crate::web::POLICY_WITH_PICTURES;

/// How many products a page shows.
const PER_PAGE: usize = 48;

/// How long a search looks through products before it shows what it has, and offers to go on.
const SEARCH_FOR: Duration = Duration::from_millis(800);

/// The longest words that are looked for, in characters.
const MAX_WORDS: usize = 200;

/// How many variants a product's page shows; Shopify allows more than two thousand.
const MAX_VARIANTS: usize = 250;

pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/catalogue", get(first))
        .route("/catalogue/{channel}/{account}", get(list))
        .route("/catalogue/{channel}/{account}/product", get(product))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    after: Option<String>,
}

#[derive(Deserialize)]
struct AskedProduct {
    #[serde(default)]
    id: String,
}

async fn accounts(shared: &Shared, fronts: &Fronts, session: &Session) -> Result<Vec<(Account, String)>, AppError> {
    let connections = shared.connections.list_of(session.merchant).await?;
    let has_catalogue = |channel: &str| fronts.of(channel).is_some_and(|front| front.view.catalogue.is_some());
    let with = connections.into_iter().filter(|connection| has_catalogue(&connection.channel));
    Ok(with.map(|connection| ((connection.channel, connection.account), connection.name)).collect())
}

/// `GET /catalogue`: that of the first account.
async fn first(
    State(shared): State<Shared>,
    Extension(fronts): Extension<Fronts>,
    SignedIn(session): SignedIn,
) -> Result<Response, AppError> {
    if let Some(((channel, account), _)) = accounts(&shared, &fronts, &session).await?.first() {
        return Ok(Redirect::to(&format!("/catalogue/{channel}/{account}")).into_response());
    }
    let body = html! {
        h1 { (say::catalogue()) }
        p.empty { (say::no_shop(html! { a href="/" { (say::connect_one()) } })) }
    };
    Ok(Page { title: say::catalogue(), tab: Tab::Catalogue, renewal: Renewal::Never, body }.show())
}

/// `GET /catalogue/{channel}/{account}`.
async fn list(
    State(shared): State<Shared>,
    Extension(fronts): Extension<Fronts>,
    Path(account): Path<Account>,
    Query(asked): Query<Asked>,
    SignedIn(session): SignedIn,
) -> Result<Response, AppError> {
    let connection = owned(&shared, &session, &account).await?;
    let catalogue = fronts.of(&account.0).and_then(|front| front.view.catalogue).ok_or(AppError::NotFound)?;
    let words: String = clean(asked.q.trim()).chars().take(MAX_WORDS).collect();
    let lower = words.to_lowercase();
    let wanted = move |product: &str| lower.is_empty() || (catalogue.matches)(product, &lower);
    let is_first = asked.after.is_none();
    let until = Instant::now() + SEARCH_FOR;
    let found = shared.journal.page_records(&account, catalogue.kind, asked.after, PER_PAGE, until, wanted).await?;
    let total = shared.journal.count_records(&account, catalogue.kind).await?;
    let currency = currency(&shared, &account, &catalogue).await?;
    let all = accounts(&shared, &fronts, &session).await?;
    let path = format!("/catalogue/{}/{}", account.0, account.1);
    let escape = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let body = html! {
        h1 { (say::catalogue()) }
        @if all.len() > 1 {
            nav.tabs aria-label=(say::shops()) {
                ul {
                    @for ((channel, one), name) in &all {
                        li { a href={ "/catalogue/" (channel) "/" (one) } aria-current=[(*one == account.1).then_some("true")] { bdi { (name_or(Some(name), one)) } } }
                    }
                }
            }
        }
        p.hint { (say::products_in(total, bdi(name_or(Some(&connection.name), &connection.account)))) }
        form.search role="search" method="get" action=(path) {
            label.unseen for="q" { (say::search_products()) }
            input type="search" id="q" name="q" value=(words) placeholder=(say::search_products()) autocomplete="off" maxlength=(MAX_WORDS);
            button.plain { (say::search()) }
        }
        @if found.records.is_empty() {
            p.empty {
                @if !words.is_empty() { @if found.next.is_some() { (say::no_product_found_so_far(bdi(&words))) } @else { (say::no_product_found(bdi(&words))) } " " a href=(path) { (say::show_all_products()) } }
                @else if connection.last_read_at.is_none() { (say::catalogue_being_read(html! { a href="/" { (say::catalogue_being_read_link()) } })) }
                @else { (say::no_products()) }
            }
        } @else {
            ul.products { @for record in &found.records { (item(record, &catalogue, &currency, &path)) } }
        }
        nav.pager aria-label=(say::pages()) {
            @if !is_first { a.button.plain href={ (path) @if !words.is_empty() { "?q=" (escape(&words)) } } { (say::from_the_beginning()) } }
            @if let Some(next) = &found.next {
                a.button.plain rel="next" href={ (path) "?q=" (escape(&words)) "&after=" (escape(next)) } { @if words.is_empty() { (say::more_products()) } @else { (say::search_on()) } }
            }
        }
    };
    // What is searched for, and parts further down, hold still: who leafs through them would lose the place.
    let renewal = if is_first && words.is_empty() { Renewal::Calm } else { Renewal::Never };
    Ok(with_pictures(Page { title: say::catalogue(), tab: Tab::Catalogue, renewal, body }))
}

async fn currency(shared: &Shared, account: &Account, catalogue: &Catalogue) -> Result<String, AppError> {
    let record = shared.journal.find_record(account, catalogue.account_kind, &account.1).await?;
    Ok(record.and_then(|record| (catalogue.currency)(&record.payload)).unwrap_or_default())
}

fn item(record: &Record, catalogue: &Catalogue, currency: &str, path: &str) -> Markup {
    let Some(card) = (catalogue.card)(&record.payload) else { return html! {} };
    let id: String = form_urlencoded::byte_serialize(record.id.as_bytes()).collect();
    let kind = card.kind.join(" · ");
    html! {
        li.product {
            (picture(&card))
            h2 { a href={ (path) "/product?id=" (id) } { bdi { (title(&card)) } } }
            @if let Some(kind) = visible(&kind) { p.hint { bdi { (shorten(&kind, 80).unwrap_or(&kind)) } } }
            p.price { (price(&card, currency)) }
            p.tags {
                (stock(card.stock))
                @if !card.is_live { (pill("plain", &(card.status)())) }
                @if card.variants.len() > 1 { span.hint { (say::variants_count(card.variants.len())) } }
            }
        }
    }
}

/// A small picture, loaded when it comes into view. One whose words say nothing adds nothing to the title beside it.
fn picture(card: &Card) -> Markup {
    html! {
        @if let Some(picture) = &card.picture {
            img.picture src=(picture.url) alt=(plain_line(&picture.alt)) width="240" height="180" loading="lazy" decoding="async" referrerpolicy="no-referrer";
        }
    }
}

/// The page, which may load pictures from wherever the shop keeps them.
fn with_pictures(page: Page) -> Response {
    let policy = HeaderValue::from_static(POLICY_WITH_PICTURES);
    let mut response = page.show();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

fn title(card: &Card) -> String {
    name_or(Some(&card.title), &say::untitled_product().told())
}

/// The price, or the lowest of several. Compared as numbers, shown as the shop tells it.
fn price(card: &Card, currency: &str) -> Markup {
    let as_number = |price: &str| price.parse::<f64>().unwrap_or(f64::MAX);
    let prices = || card.variants.iter().map(|variant| variant.price.as_str()).filter(|price| !price.is_empty());
    let lowest = prices().min_by(|one, other| as_number(one).total_cmp(&as_number(other)));
    match lowest {
        None => html! { (say::no_price()) },
        Some(lowest) if prices().all(|price| price == lowest) => amount(lowest, currency),
        Some(lowest) => html! { (say::price_from(amount(lowest, currency))) },
    }
}

/// An amount as the shop tells it, which the script writes as the reader's language does.
fn amount(amount: &str, currency: &str) -> Markup {
    html! { data value=(amount) data-currency=(currency) { (amount) " " (currency) } }
}

fn stock(stock: Option<i64>) -> Markup {
    match stock {
        None => pill("plain", &say::stock_not_counted()),
        Some(..=0) => pill("bad", &say::out_of_stock()),
        Some(count) => pill("good", &say::in_stock(count)),
    }
}

/// `GET /catalogue/{channel}/{account}/product?id=…`.
async fn product(
    State(shared): State<Shared>,
    Extension(fronts): Extension<Fronts>,
    Path(account): Path<Account>,
    Query(asked): Query<AskedProduct>,
    SignedIn(session): SignedIn,
) -> Result<Response, AppError> {
    owned(&shared, &session, &account).await?;
    let catalogue = fronts.of(&account.0).and_then(|front| front.view.catalogue).ok_or(AppError::NotFound)?;
    let record = shared.journal.find_record(&account, catalogue.kind, &asked.id).await?;
    let card = record.and_then(|record| (catalogue.card)(&record.payload)).ok_or(AppError::NotFound)?;
    let currency = currency(&shared, &account, &catalogue).await?;
    let description = visible(&card.description);
    let kind = card.kind.join(" · ");
    let body = html! {
        nav.crumbs aria-label=(say::breadcrumb()) { a href={ "/catalogue/" (account.0) "/" (account.1) } { (say::catalogue()) } }
        h1 { bdi { (title(&card)) } }
        @if let Some(kind) = visible(&kind) { p.hint { bdi { (shorten(&kind, 200).unwrap_or(&kind)) } } }
        (picture(&card))
        p.tags { (pill(if card.is_live { "good" } else { "plain" }, &(card.status)())) (stock(card.stock)) }
        @if let Some(description) = description.as_deref().map(excerpt) {
            p.description dir="auto" { (description.text) @if description.is_cut { "…" } }
        }
        @if card.variants.is_empty() {
            p.empty { (say::nothing_to_buy()) }
        } @else {
            div.scroll tabindex="0" role="region" aria-label=(say::variants()) {
                table {
                    thead { tr { th scope="col" { (say::variant()) } th scope="col" { (say::sku()) } th.number scope="col" { (say::price()) } th.number scope="col" { (say::stock()) } th scope="col" { (say::for_sale()) } } }
                    tbody {
                        @for variant in card.variants.iter().take(MAX_VARIANTS) {
                            tr {
                                th scope="row" { bdi { (name_or(Some(&variant.title), &say::the_product().told())) } }
                                td { bdi { (shorten(&variant.sku, 60).unwrap_or(&variant.sku)) } }
                                td.number {
                                    @if let Some(before) = &variant.price_before { s { span.unseen { (say::price_before()) " " } (before) } " " }
                                    (amount(&variant.price, currency.as_str()))
                                }
                                td.number { @match variant.stock { Some(stock) => (stock), None => (say::not_counted()) } }
                                td { @if variant.for_sale { (say::yes()) } @else { (say::no()) } }
                            }
                        }
                    }
                }
            }
            @if card.variants.len() > MAX_VARIANTS { p.hint { (say::more_variants(card.variants.len() - MAX_VARIANTS)) } }
        }
    };
    let title = plain_line(&title(&card)).into();
    Ok(with_pictures(Page { title, tab: Tab::Catalogue, renewal: Renewal::Calm, body }))
}
