//! `GET /facebook/login` and `/facebook/callback`: from the link to stored connections.
//!
//! Source: <https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow> (2026).

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::{HeaderMap, Uri, header};
use secrecy::SecretString;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use super::client::AccountPage;
use super::inbox::{self, NAME, PLATFORM};
use super::state::Facebook;
use super::{hourly_check, metadata};
use crate::meta::id::Id;
use crate::meta::refusal::APP_UNKNOWN;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::ReadError;
use crate::shared::logins;
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shared::secrets::signature::{sign_sha256, to_hex};
use crate::shared::server::error::AppError;
use crate::shared::server::login_answer::{AccountOutcome, LoginAnswer, Shown};
use crate::shared::server::session::CurrentMerchant;
use crate::shared::store::connections::Token;
use crate::shared::store::{NewConnection, Status, TokenKind};

/// Without these nothing works: no list of Pages, no messages, no subscription.
const ESSENTIAL: [&str; 3] = ["pages_show_list", "pages_messaging", "pages_manage_metadata"];

/// A Page can be connected by a person who has one of these tasks there.
const TASKS: [&str; 2] = ["MESSAGING", "MODERATE"];

pub fn routes() -> Router<Arc<Facebook>> {
    Router::new().route("/facebook/login", get(login)).route("/facebook/callback", get(callback))
}

/// Sends the merchant to Facebook's dialog.
async fn login(
    State(facebook): State<Arc<Facebook>>,
    merchant: CurrentMerchant,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let redirect_uri = &facebook.config.redirect_uri;
    if let Some(url) = logins::public_address(redirect_uri, "/facebook/callback", "/facebook/login", &uri, &headers) {
        return Ok(Redirect::to(url.as_str()).into_response());
    }
    let session = merchant.required("Please connect your shop first; then come back to connect your Page.")?;
    let begun = facebook.shared.logins.begin(NAME, &headers, session.merchant.to_string()).await?;
    // Who declined a permission is asked for it again only if we say so. A login that was refused for it left nothing
    // behind, so no connection at all is a reason too.
    let mut connections = facebook.shared.connections.list_of(session.merchant).await?;
    connections.retain(|one| one.channel == NAME);
    let all_is_well = !connections.is_empty() && connections.iter().all(|one| one.status == Status::Connected);
    let ask_again = !all_is_well;
    let scopes: Vec<&str> = inbox::switched_on(&facebook.config).flat_map(|row| row.scopes).copied().collect();
    let scopes = scopes.join(",");
    tracing::info!(channel = NAME, "a login began");
    let url = facebook.client.dialog_url(&begun.state, &scopes, ask_again);
    Ok(([(header::SET_COOKIE, begun.cookie)], Redirect::to(url.as_str())).into_response())
}

/// What the dialog sent back.
struct Callback {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

impl Callback {
    fn parse(query: &str) -> Self {
        let value = |name: &str| {
            form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        Self {
            state: value("state"),
            code: value("code").filter(|code| !code.is_empty()),
            error: value("error").or_else(|| value("error_code")).or_else(|| value("error_message")),
        }
    }
}

/// Takes the merchant back: state, code, tokens, Pages, subscriptions, connections.
async fn callback(
    State(facebook): State<Arc<Facebook>>,
    merchant: CurrentMerchant,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<LoginAnswer, AppError> {
    let query = Callback::parse(&query.unwrap_or_default());
    let bound_to = facebook.shared.logins.finish(NAME, &headers, query.state.as_deref()).await?;
    let merchant = merchant.0.map(|session| session.merchant);
    let merchant = merchant.filter(|merchant| merchant.to_string() == bound_to).ok_or_else(|| {
        AppError::bad_request(
            "Your session has ended or changed meanwhile. Please open the start page and log in again.",
        )
    })?;
    if query.error.is_some() {
        return Ok(not_connected(
            "declined",
            "Facebook reports that the permissions were not given, so nothing was connected. To try again, open the \
             start page and choose “Continue with Facebook”.",
        ));
    }
    let Some(code) = query.code else { return Err(AppError::bad_request("The answer of Facebook holds no code.")) };

    let user = log_in(&facebook, &code).await?;
    if let Some(missing) = missing(&ESSENTIAL, &user.scopes) {
        return Ok(not_connected(
            "permission_missing",
            format!(
                "Nothing was connected: these permissions were not given: {missing}. Please open the start page, choose \
                 “Continue with Facebook” and leave them ticked."
            ),
        ));
    }
    let listed = facebook.client.fetch_pages(Patience::Person, &user.token).await;
    if let Some(cut) = listed.cut {
        return Err(failed(cut));
    }
    let pages = listed.items;
    // What is wrong with it is said of each Page. But where the app itself is not known, nothing would work.
    let ensured = hourly_check::ensure_app(&facebook, Patience::Person).await.map_err(not_read)?;
    if let Some(code) = ensured.refused.filter(|code| code == APP_UNKNOWN) {
        return Err(failed(ApiError::Refused { code }));
    }
    let (outcomes, found) = connect_pages(&facebook, merchant, &user, pages).await?;
    let connected = found.len();
    store(&facebook, found).await?;

    tracing::info!(channel = NAME, pages = connected, "a login is done");
    let test = run_self_test(&facebook).await;
    let data: Vec<Value> = outcomes
        .iter()
        .map(|one| {
            let status = one.status.unwrap_or("not_connected");
            json!({ "id": one.id, "name": one.name, "status": status, "reason": one.reason })
        })
        .collect();
    let body = json!({
        "user_uuid": merchant,
        "pages": { "data": data },
        "webhook_test": [test],
        "sync": if connected == 0 { "nothing to read" } else { "started" },
    });
    let is_complete = !outcomes.is_empty() && outcomes.iter().all(|one| one.status.is_some());
    let shown = if is_complete {
        Shown::Home
    } else {
        Shown::Accounts {
            title: "Your Pages",
            none: "Facebook shows no Page of yours to this app, so nothing was connected. Choose your Pages in Facebook's \
                   dialog, or log in as a person who has a role there.",
            accounts: outcomes,
        }
    };
    Ok(LoginAnswer::Done { body, cookie: None, shown })
}

fn not_connected(reason: &'static str, sentence: impl Into<Cow<'static, str>>) -> LoginAnswer {
    LoginAnswer::NotConnected { channel: NAME, reason, sentence: sentence.into() }
}

/// The person who logged in.
struct User {
    id: String,
    token: SecretString,
    expires_in: Option<i64>,
    scopes: Vec<String>,
}

/// Code → short-lived token → long-lived token, and what Facebook says about it. Page tokens made from the long-lived
/// one do not expire.
async fn log_in(facebook: &Facebook, code: &str) -> Result<User, AppError> {
    let client = &facebook.client;
    let short = client.exchange_code(code).await.map_err(|error| match error {
        ApiError::Refused { code } if code == "100" || code.starts_with("100/3600") => AppError::bad_request(
            "Facebook says that this login was used already or has expired. If your Page is shown as connected, all is \
             well; otherwise please start the login again.",
        ),
        error => failed(error),
    })?;
    let long = client.exchange_for_long_lived(&short.access_token).await.map_err(failed)?;
    let info = client.debug_token(Patience::Person, &long.access_token).await.map_err(failed)?;
    if !info.is_valid || info.app_id.0 != facebook.config.app_id {
        tracing::warn!("a token of another app, or an invalid one, came back from a login");
        return Err(AppError::bad_request("Facebook does not confirm this login. Please start it again."));
    }
    Ok(User {
        id: info.user_id.0,
        token: long.access_token,
        expires_in: long.expires_in,
        scopes: info.scopes.unwrap_or_default(),
    })
}

/// A Page that is ready to be stored.
struct Found {
    connection: NewConnection,
    page: Id,
    metadata: Option<Box<RawValue>>,
}

async fn connect_pages(
    facebook: &Facebook,
    merchant: Uuid,
    user: &User,
    pages: Vec<AccountPage>,
) -> Result<(Vec<AccountOutcome>, Vec<Found>), AppError> {
    let mut outcomes = Vec::new();
    let mut found = Vec::new();
    for account in pages {
        let mut outcome =
            AccountOutcome { id: account.id.clone(), name: account.name.clone(), status: None, reason: None };
        match connect_page(facebook, merchant, user, account).await? {
            Ok(one) => {
                outcome.status = Some(one.connection.status.as_str());
                outcome.reason.clone_from(&one.connection.status_reason);
                found.push(one);
            }
            Err(reason) => outcome.reason = Some(reason.to_owned()),
        }
        outcomes.push(outcome);
    }
    Ok((outcomes, found))
}

/// Prepares one Page. The inner error is a sentence: why this Page cannot be connected.
async fn connect_page(
    facebook: &Facebook,
    merchant: Uuid,
    user: &User,
    account: AccountPage,
) -> Result<Result<Found, &'static str>, AppError> {
    let Some(page) = Id::parse(&account.id) else { return Ok(Err("Its id cannot be read.")) };
    let Some(token) = account.access_token else { return Ok(Err("Facebook gives no access to it.")) };
    if !account.tasks.iter().any(|task| TASKS.contains(&task.as_str())) {
        return Ok(Err("You may not answer messages there. Ask for the task “Messages” in the Page's settings."));
    }
    let owner = facebook.shared.connections.find(NAME, page.as_str()).await?;
    if owner.is_some_and(|owner| owner.merchant != merchant) {
        return Ok(Err(
            "It is connected to another shop here already. Log in with that shop to use it there, or ask the operator to \
             release it.",
        ));
    }
    let ensured = hourly_check::ensure_page(facebook, Patience::Person, &page, &token).await.map_err(not_read)?;
    let problem = hourly_check::problem(facebook, &user.scopes, &ensured, Vec::new());
    let metadata = match facebook.client.fetch_page(Patience::Person, &page, &token).await {
        Ok(metadata) => Some(metadata),
        Err(ApiError::Refused { .. } | ApiError::PermissionMissing { .. }) => None,
        Err(error) => return Err(failed(error)),
    };
    let user_token = Token {
        secret: user.token.clone(),
        expires_at: user.expires_in.map(|seconds| facebook.shared.clock.now_ms() + seconds.saturating_mul(1000)),
    };
    Ok(Ok(Found {
        connection: NewConnection {
            channel: NAME,
            account: page.as_str().to_owned(),
            merchant,
            name: account.name,
            scopes: user.scopes.clone(),
            status: if problem.is_none() { Status::Connected } else { Status::Incomplete },
            status_reason: problem,
            platform_user: Some(user.id.clone()),
            tokens: vec![(TokenKind::Access, Token { secret: token, expires_at: None }), (TokenKind::User, user_token)],
        },
        page,
        metadata,
    }))
}

/// Stores all Pages at once, lets their events flow, writes their metadata and requests the first read.
async fn store(facebook: &Facebook, found: Vec<Found>) -> Result<(), AppError> {
    let shared = &facebook.shared;
    let now_ms = shared.clock.now_ms();
    let (connections, pages): (Vec<_>, Vec<_>) =
        found.into_iter().map(|one| (one.connection, (one.page, one.metadata))).unzip();
    for (page, _) in &pages {
        shared.erasure.before_connecting(NAME, page.as_str()).await?;
    }
    shared.connections.upsert(connections, now_ms).await?;
    for (page, object) in &pages {
        let account = page.as_str();
        shared.journal.connect_account(NAME, account).await.map_err(anyhow::Error::from)?;
        shared
            .journal
            .request_read(NAME, account, ReadRequest::Everything, now_ms)
            .await
            .map_err(anyhow::Error::from)?;
        if let Some(object) = object
            && let Err(error) = metadata::store(facebook, page, object).await
        {
            // The first read writes it again.
            tracing::warn!(%error, "a Page's metadata could not be written at login");
        }
    }
    Ok(())
}

async fn run_self_test(facebook: &Facebook) -> Value {
    let config = &facebook.config;
    let sign = |body: &[u8]| {
        let secret = secrecy::ExposeSecret::expose_secret(config.app_secret.current());
        vec![("x-hub-signature-256", format!("sha256={}", to_hex(&sign_sha256(secret.as_bytes(), body))))]
    };
    json!(facebook.shared.self_tests.run(&facebook.shared.http, &config.webhook_address, sign).await)
}

fn missing(wanted: &[&str], granted: &[String]) -> Option<String> {
    let missing: Vec<&str> =
        wanted.iter().copied().filter(|scope| !granted.iter().any(|granted| granted == scope)).collect();
    (!missing.is_empty()).then(|| missing.join(", "))
}

fn not_read(error: ReadError) -> AppError {
    match error {
        ReadError::Api(cause) => failed(cause),
        error => AppError::Internal(error.into()),
    }
}

fn failed(cause: ApiError) -> AppError {
    AppError::Platform { platform: PLATFORM, cause }
}
