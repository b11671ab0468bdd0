//! `GET /shopify/{shop_name}/login`, `/shopify/install` and `/shopify/callback`: from the link to a stored connection.
//!
//! Source: <https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant>
//! (2026).

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query as QueryOf, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Uri, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::catalogue::session::{ShopInfo, ensure_same_shop};
use super::catalogue::{poll, shop_data};
use super::client::Query;
use super::names::{NAME, PLATFORM, SCOPES, is_granted};
use super::payload::ShopDomain;
use super::read_request::OwnRequest;
use super::signed_query::SignedQuery;
use super::state::Shopify;
use super::subscriptions::{self, Asker, Ensured};
use super::token_endpoint::TokenAnswer;
use super::uninstalled::is_login_refused;
use super::{hourly_check, late_login, refusal, tokens, webhook};
use crate::shared::channel::connect_step::mistyped;
use crate::shared::channel::context::Shared;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::ReadError;
use crate::shared::languages::{Fixed, Sentence, say};
use crate::shared::logins;
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shared::secrets::signature::sign_sha256;
use crate::shared::server::error::{AppError, wants_html};
use crate::shared::server::login_answer::{HOME, LoginAnswer, Shown};
use crate::shared::server::peer::Household;
use crate::shared::server::session;
use crate::shared::server::session::CurrentMerchant;
use crate::shared::store::{Connection, NewConnection, Status, StillToCome, Token, TokenKind, TroubleSource};

/// Without this nothing works.
const ESSENTIAL: &str = "read_products";

pub fn routes() -> Router<Arc<Shopify>> {
    Router::new()
        .route("/shopify/login", get(login_by_form))
        .route("/shopify/{shop_name}/login", get(login))
        // A name with a slash in it is a wrong name, not an unknown page.
        .route("/shopify/{shop_name}/{rest}/login", get(async || AppError::BadRequest(say::shopify_wrong_name())))
        .route("/shopify/install", get(install))
        .route("/shopify/callback", get(callback))
}

#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    shop: String,
}

/// The form of the start page: the same as the link, with whatever a merchant has at hand for the name.
async fn login_by_form(
    State(shopify): State<Arc<Shopify>>,
    merchant: CurrentMerchant,
    household: Household,
    uri: Uri,
    headers: HeaderMap,
    QueryOf(form): QueryOf<Form>,
) -> Result<Response, AppError> {
    match ShopDomain::parse_typed(&form.shop) {
        Some(shop) => begin(&shopify, &merchant, (&uri, &headers, household), shop.as_str()).await,
        None if wants_html(&headers) => Ok(Redirect::to(&mistyped("shop", &form.shop)).into_response()),
        None => Err(AppError::BadRequest(say::shopify_wrong_name())),
    }
}

/// Sends the merchant to the shop's grant screen.
async fn login(
    State(shopify): State<Arc<Shopify>>,
    merchant: CurrentMerchant,
    household: Household,
    uri: Uri,
    headers: HeaderMap,
    Path(shop_name): Path<String>,
) -> Result<Response, AppError> {
    begin(&shopify, &merchant, (&uri, &headers, household), &shop_name).await
}

async fn begin(
    shopify: &Shopify,
    merchant: &CurrentMerchant,
    (uri, headers, household): (&Uri, &HeaderMap, Household),
    shop_name: &str,
) -> Result<Response, AppError> {
    let shop = ShopDomain::parse_name(shop_name).ok_or_else(|| AppError::BadRequest(say::shopify_wrong_name()))?;
    let (redirect_uri, login) = (&shopify.config.redirect_uri, format!("/shopify/{shop}/login"));
    if let Some(url) = logins::public_address(redirect_uri, "/shopify/callback", &login, uri, headers) {
        return Ok(Redirect::to(url.as_str()).into_response());
    }
    let what = say::shopify_what(shop.as_str());
    if let Some(sentence) = session::question_before_login(&shopify.shared, headers, merchant.0.as_ref(), what).await? {
        return Ok(LoginAnswer::AskFirst { channel: NAME, sentence, proceed: login }.into_response());
    }
    let begun = shopify.shared.logins.begin(NAME, (headers, household), shop.to_string()).await?;
    tracing::info!(channel = NAME, shop = shop.as_str(), "a login began");
    let url = shopify.client.authorize_url(&shop, &begun.state).map_err(failed)?;
    Ok(([(header::SET_COOKIE, begun.cookie)], Redirect::to(url.as_str())).into_response())
}

/// Where Shopify sends a merchant who presses "Install", or opens the app: straight on to the grant screen, without
/// asking for the shop's name. The link names a shop and proves nothing about the person, so it logs nobody in: who is
/// not logged in as the shop's merchant goes through the grant screen, which Shopify skips where nothing is to be asked.
async fn install(
    State(shopify): State<Arc<Shopify>>,
    merchant: CurrentMerchant,
    household: Household,
    uri: Uri,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, AppError> {
    let Some(query) = query.filter(|query| !query.is_empty()) else {
        // Somebody who typed the address.
        return Ok(Redirect::to("/").into_response());
    };
    let query = SignedQuery::parse(&query);
    if query.repeats_a_parameter() || !query.is_signed(&shopify.config.api_secret) {
        return Err(AppError::BadRequest(say::shopify_forged_link()));
    }
    if !query.is_fresh(shopify.shared.clock.now().timestamp()) {
        return Err(AppError::BadRequest(say::shopify_old_link()));
    }
    let shop =
        query.get("shop").and_then(ShopDomain::parse).ok_or_else(|| AppError::BadRequest(say::shopify_wrong_name()))?;
    let known = shopify.shared.connections.find(NAME, shop.as_str()).await?;
    let current = merchant.0.as_ref().map(|session| session.merchant);
    let is_complete = |one: &Connection| {
        one.status != Status::NeedsReconnect && SCOPES.iter().all(|scope| is_granted(scope, &one.scopes))
    };
    if known.is_some_and(|one| Some(one.merchant) == current && is_complete(&one)) {
        // Who removes the app and installs it again at once is here before the message about the removal was acted on.
        if !matches!(is_login_refused(&shopify, Patience::Person, &shop).await, Ok(true)) {
            return Ok(Redirect::to(HOME).into_response());
        }
    }
    begin(&shopify, &merchant, (&uri, &headers, household), shop.as_str()).await
}

/// Takes the merchant back. Every check comes before the first request leaves us, in the order of least trust.
async fn callback(
    State(shopify): State<Arc<Shopify>>,
    merchant: CurrentMerchant,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<LoginAnswer, AppError> {
    let query = SignedQuery::parse(&query.unwrap_or_default());
    let bound_to = shopify.shared.logins.finish(NAME, &headers, query.get("state")).await?;
    if query.repeats_a_parameter() {
        return Err(AppError::BadRequest(say::shopify_forged()));
    }
    let Some(code) = query.get("code").filter(|code| !code.is_empty()) else {
        // Nothing follows from a refusal, so it needs no signature.
        return Ok(not_connected("declined", say::shopify_declined()));
    };
    if !query.is_signed(&shopify.config.api_secret) {
        return Err(AppError::BadRequest(say::shopify_forged()));
    }
    if !query.is_fresh(shopify.shared.clock.now().timestamp()) {
        return Err(AppError::BadRequest(say::shopify_old_answer()));
    }
    let shop =
        query.get("shop").and_then(ShopDomain::parse).ok_or_else(|| AppError::BadRequest(say::shopify_wrong_name()))?;
    if shop.as_str() != bound_to {
        return Err(AppError::BadRequest(say::shopify_another_shop()));
    }
    connect(&shopify, merchant, &shop, code).await
}

/// Exchanges the code, makes sure of everything the connection needs, and stores it. After the code, only a refusal ends the
/// login: what the shop does not answer is asked again later.
async fn connect(
    shopify: &Shopify,
    merchant: CurrentMerchant,
    shop: &ShopDomain,
    code: &str,
) -> Result<LoginAnswer, AppError> {
    let shared = &shopify.shared;
    // A read of the shop that is under way leaves it its points.
    let _in_person = shopify.client.budgets().in_person(shop);
    let answer = exchange(shopify, shop, code).await?;
    let with_token = answer.scope.clone();
    let (access, refresh, asked) = ask_shop(shopify, shop, answer).await;
    let mut to_come = Vec::new();
    let info = match asked {
        Ok(info) => Some(info),
        // An answer that nobody knows is none.
        Err(error) if error.is_refusal() && !matches!(error, ApiError::Refused { .. }) => return Err(failed(error)),
        Err(error) => {
            to_come = [say::to_come_shop_details, say::to_come_subscriptions].map(|what| later(what, &error)).to_vec();
            None
        }
    };
    if let Some(info) = &info {
        ensure_same_shop(shop, info).map_err(failed)?;
    }
    let scopes = granted(&with_token, info.as_ref());
    // A list without a single scope tells nothing.
    let is_told = info.is_some() || !scopes.is_empty();
    if is_told && !is_granted(ESSENTIAL, &scopes) {
        return Ok(not_connected("permission_missing", say::shopify_no_products()));
    }
    let ensured = match info {
        Some(_) => subscribe(&Asker::with_token(shopify, shop, &access.secret), &scopes, &mut to_come).await?,
        None => None,
    };
    let refused: &[&str] = ensured.as_ref().map(|ensured| ensured.refused.as_slice()).unwrap_or_default();
    let problem = if is_told { hourly_check::problem(&scopes, refused) } else { None };
    let problem = problem.or_else(|| StillToCome::sentence(&to_come));
    let renamed_from = match &info {
        Some(info) => late_login::renamed_from(shopify, shop, info).await?,
        None => None,
    };
    // Of two logins at once the later one finds what the first has stored, and is its merchant's; and a refresh of the old
    // tokens that is under way does not overwrite the new ones.
    let alone = shopify.tokens.hold(shop).await;
    let known = shared.connections.find(NAME, shop.as_str()).await?;
    let user = owner(shopify, &merchant, shop, known.as_ref().or(renamed_from.as_ref())).await?;
    let mut stored = vec![(TokenKind::Access, access)];
    stored.extend(refresh.map(|refresh| (TokenKind::Refresh, refresh)));
    let known_name = known.as_ref().map(|known| known.name.clone()).unwrap_or_default();
    let connection = NewConnection {
        channel: NAME,
        account: shop.to_string(),
        merchant: user,
        name: info.as_ref().map_or(known_name, ShopInfo::name),
        scopes: scopes.clone(),
        status: if problem.is_some() { Status::Incomplete } else { Status::Connected },
        status_reason: problem,
        platform_user: None,
        tokens: stored,
    };
    shared.erasure.before_connecting(NAME, shop.as_str()).await?;
    shared.connections.upsert(vec![connection], shared.clock.now_ms()).await?;
    drop(alone);
    follow_up(shopify, shop, &scopes, &to_come, ensured.as_ref(), known).await?;
    if let Some(old) = renamed_from {
        // Its old name is over: what was read under it stays, and nothing more is asked there.
        shared.erasure.disconnect(NAME, &old.account, "renamed").await?;
    }
    if let Some(info) = info
        && let Err(error) = shop_data::store(shopify, shop, info.shop).await
    {
        // The first read stores it again.
        tracing::warn!(%error, "a shop's metadata could not be stored at login");
    }
    let cookies = session::start(shared, user, merchant.0).await?;
    tracing::info!(channel = NAME, shop = shop.as_str(), "a login is done");

    let body = told(user, shop, &scopes, &to_come, &run_self_test(shopify).await);
    Ok(LoginAnswer::Done { body, cookies, shown: Shown::Home })
}

/// The scopes that were granted: those that came with the token, and those of the shop's own list. It says more: a grant to
/// write hides the one to read beside the token.
fn granted(with_token: &str, info: Option<&ShopInfo>) -> Vec<String> {
    let mut scopes: Vec<String> =
        with_token.split(',').map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    for scope in info.and_then(ShopInfo::scopes).into_iter().flatten() {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes
}

/// What a program that logs in is told.
fn told(user: Uuid, shop: &ShopDomain, scopes: &[String], to_come: &[StillToCome], test: &Value) -> Value {
    let mut body = json!({
        "user_uuid": user, "shop": shop.as_str(), "scopes": scopes, "webhook_test": test, "sync": "started",
    });
    if !to_come.is_empty() {
        body["still_to_come"] = json!(to_come);
    }
    body
}

async fn exchange(shopify: &Shopify, shop: &ShopDomain, code: &str) -> Result<TokenAnswer, AppError> {
    shopify.client.exchange_code(shop, code).await.map_err(|error| match error {
        ApiError::Refused { code } if code == "invalid_request" || code == "invalid_grant" => {
            AppError::BadRequest(say::shopify_login_used())
        }
        error => failed(error),
    })
}

/// Makes the webhook subscriptions. `None`: that is still to come.
async fn subscribe(
    asker: &Asker<'_>,
    scopes: &[String],
    to_come: &mut Vec<StillToCome>,
) -> Result<Option<Ensured>, AppError> {
    match subscriptions::ensure(asker, scopes).await {
        Ok(ensured) => return Ok(Some(ensured)),
        Err(ReadError::Api(error @ ApiError::TokenRejected { .. })) => return Err(failed(error)),
        Err(ReadError::Api(error)) => to_come.push(later(say::to_come_subscriptions, &error)),
        Err(error) => return Err(AppError::from(anyhow::Error::from(error))),
    }
    Ok(None)
}

async fn run_self_test(shopify: &Shopify) -> Value {
    let sign = |body: &[u8]| {
        let secret = shopify.config.api_secret.current().expose_secret();
        vec![(webhook::SIGNATURE, STANDARD.encode(sign_sha256(secret.as_bytes(), body)))]
    };
    json!(shopify.shared.self_tests.run(&shopify.shared.http, &shopify.config.webhook_address, sign).await)
}

fn not_connected(reason: &'static str, sentence: Sentence) -> LoginAnswer {
    LoginAnswer::NotConnected { channel: NAME, reason, sentence }
}

/// Lets the events of a stored connection flow, and requests what is to be read and done. `known`: how it was before.
async fn follow_up(
    shopify: &Shopify,
    shop: &ShopDomain,
    scopes: &[String],
    to_come: &[StillToCome],
    ensured: Option<&Ensured>,
    known: Option<Connection>,
) -> Result<(), AppError> {
    let Shared { journal, clock, .. } = &shopify.shared;
    let now_ms = clock.now_ms();
    let not_stored = anyhow::Error::from;
    journal.note_still_to_come(NAME, shop.as_str(), to_come).await.map_err(not_stored)?;
    journal.connect_account(NAME, shop.as_str()).await.map_err(not_stored)?;
    if !to_come.is_empty() {
        journal.request_read(NAME, shop.as_str(), ReadRequest::HourlyCheck, now_ms).await.map_err(not_stored)?;
    }
    if let Some(Ensured { created, refused, .. }) = ensured {
        // So that what is lost before the first hourly look is known to be lost.
        let wanted = subscriptions::wanted(scopes);
        journal.note_subscriptions(NAME, shop.as_str(), &wanted, refused, *created > 0).await.map_err(not_stored)?;
        hourly_check::alert_of_subscriptions(shopify, shop, refused);
    }
    let request = what_to_read(shopify, shop, known.as_ref(), scopes, ensured).await?;
    journal.request_read(NAME, shop.as_str(), request, now_ms).await.map_err(not_stored)?;
    Ok(())
}

/// What a login has to be followed by. Everything, except where the shop was read to its end not long ago, has delivered all
/// the while, and grants nothing new: then a look at what has changed brings the same.
async fn what_to_read(
    shopify: &Shopify,
    shop: &ShopDomain,
    known: Option<&Connection>,
    scopes: &[String],
    ensured: Option<&Ensured>,
) -> Result<ReadRequest, AppError> {
    let Some(known) = known.filter(|known| known.status != Status::NeedsReconnect) else {
        return Ok(ReadRequest::Everything);
    };
    // What a read complains of, or a closed shop, ends with a whole read.
    let has_gap = known.is_troubled_by(TroubleSource::Pause) || known.is_troubled_by(TroubleSource::Read);
    let gains = SCOPES.iter().any(|scope| is_granted(scope, scopes) && !is_granted(scope, &known.scopes));
    let has_delivered = ensured.is_some_and(|ensured| ensured.created == 0);
    if has_gap || gains || !has_delivered {
        return Ok(ReadRequest::Everything);
    }
    let account = (NAME.to_owned(), shop.to_string());
    let pending = shopify.shared.journal.list_read_requests(&account).await?;
    let waits = pending.iter().any(|pending| pending.request == ReadRequest::Everything);
    let is_recent = poll::was_read_lately(shopify, shop).await.map_err(anyhow::Error::from)?;
    Ok(if is_recent && !waits { OwnRequest::Changes.into() } else { ReadRequest::Everything })
}

/// Asks the shop what it is, with the tokens of this answer. One of the old kind, which new apps must not use any more, is
/// exchanged first. Gives the tokens to store.
async fn ask_shop(
    shopify: &Shopify,
    shop: &ShopDomain,
    answer: TokenAnswer,
) -> (Token, Option<Token>, Result<ShopInfo, ApiError>) {
    let now_ms = shopify.shared.clock.now_ms();
    let ask = async |token: &SecretString| {
        let asked = shopify.client.ask::<ShopInfo>(Patience::Person, shop, token, Query::SHOP_INFO, json!({})).await;
        asked.map(|asked| asked.data)
    };
    let (access, refresh) = tokens::split(answer, now_ms);
    let asked = ask(&access.secret).await;
    if !matches!(asked, Err(ApiError::TokenRejected { .. })) || refresh.is_some() {
        return (access, refresh, asked);
    }
    match shopify.client.migrate(shop, &access.secret).await {
        Ok(answer) => {
            let (access, refresh) = tokens::split(answer, now_ms);
            let asked = ask(&access.secret).await;
            (access, refresh, asked)
        }
        // Whoever uses it next exchanges it.
        Err(error) => (access, refresh, Err(error)),
    }
}

fn later(what: Fixed, error: &ApiError) -> StillToCome {
    StillToCome::new(what(), refusal::explain(error))
}

/// Whose shop it is. Who can log in to the shop speaks for it, so a shop that is known, under this name or an older one,
/// keeps its merchant, and the browser becomes that merchant's; a new one joins the merchant who is logged in, or makes
/// a new merchant.
async fn owner(
    shopify: &Shopify,
    merchant: &CurrentMerchant,
    shop: &ShopDomain,
    known: Option<&Connection>,
) -> Result<Uuid, AppError> {
    let current = merchant.0.as_ref().map(|session| session.merchant);
    let known = known.map(|known| known.merchant);
    // A shop that comes back is still its merchant's.
    let former = shopify.shared.erasure.former(NAME, shop.as_str()).await?.map(|former| former.merchant);
    Ok(known.or(former).or(current).unwrap_or_else(Uuid::new_v4))
}

fn failed(cause: ApiError) -> AppError {
    match cause {
        ApiError::Paused { reason, .. } => AppError::Forbidden(say::nothing_was_connected(reason)),
        cause => AppError::Platform { platform: PLATFORM, cause },
    }
}
