//! `GET /facebook/login` and `/facebook/callback`: from the link to stored connections.
//!
//! Source: <https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow> (2026).

use std::sync::Arc;
use std::time::{Duration, Instant};

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
use super::hourly_check::{self, Ensured};
use super::inbox::{self, NAME, PLATFORM, SCOPES};
use super::state::Facebook;
use super::{metadata, refusal};
use crate::meta::id::Id;
use crate::meta::refusal::APP_UNKNOWN;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::ReadError;
use crate::shared::clock::end_of_life;
use crate::shared::languages::{Fixed, Sentence, say};
use crate::shared::logins;
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shared::secrets::signature::{sign_sha256, to_hex};
use crate::shared::server::error::AppError;
use crate::shared::server::login_answer::{AccountOutcome, LoginAnswer, Shown};
use crate::shared::server::peer::Household;
use crate::shared::server::session;
use crate::shared::server::session::CurrentMerchant;
use crate::shared::store::{NewConnection, Status, StillToCome, Token, TokenKind};
use crate::shared::telemetry::once_per_second::OncePerSecond;

/// Without these nothing works: no list of Pages, no messages, no subscription.
const ESSENTIAL: [&str; 3] = ["pages_show_list", "pages_messaging", "pages_manage_metadata"];

/// The tasks of a person on a Page that do not let them answer messages. `PROFILE_PLUS_` may stand before them.
/// Source: `Page.Tasks` of Meta's Business SDK for v26.0 (November 2026).
const OTHER_TASKS: [&str; 9] = [
    "ADVERTISE",
    "ANALYZE",
    "CASHIER",
    "CREATE_CONTENT",
    "MANAGE_JOBS",
    "MANAGE_LEADS",
    "REVENUE",
    "VIEW_MONETIZATION_INSIGHTS",
    "GLOBAL_STRUCTURE_MANAGEMENT",
];

/// A login asks Facebook for no longer than this about single Pages; the rest is left to read requests.
const LONGEST_LOGIN: Duration = Duration::from_secs(25);

pub fn routes() -> Router<Arc<Facebook>> {
    Router::new().route("/facebook/login", get(login)).route("/facebook/callback", get(callback))
}

/// Sends the merchant to Facebook's dialog.
async fn login(
    State(facebook): State<Arc<Facebook>>,
    merchant: CurrentMerchant,
    household: Household,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let redirect_uri = &facebook.config.redirect_uri;
    if let Some(url) = logins::public_address(redirect_uri, "/facebook/callback", "/facebook/login", &uri, &headers) {
        return Ok(Redirect::to(url.as_str()).into_response());
    }
    let session = merchant.required(say::facebook_shop_first())?;
    let what = say::facebook_what();
    if let Some(sentence) = session::question_before_login(&facebook.shared, &headers, Some(&session), what).await? {
        let proceed = "/facebook/login".to_owned();
        return Ok(LoginAnswer::AskFirst { channel: NAME, sentence, proceed }.into_response());
    }
    let begun = facebook.shared.logins.begin(NAME, (&headers, household), session.merchant.to_string()).await?;
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

/// What came of one Page, and what its login left to be done.
type Outcome = (AccountOutcome, Vec<StillToCome>);

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
    let merchant = merchant
        .filter(|merchant| merchant.to_string() == bound_to)
        .ok_or_else(|| AppError::BadRequest(say::facebook_session_changed()))?;
    if query.error.is_some() {
        return Ok(not_connected("declined", say::facebook_declined()));
    }
    let Some(code) = query.code else { return Err(AppError::BadRequest(say::facebook_no_code())) };

    let user = log_in(&facebook, &code).await?;
    if let Some(missing) = user.scopes.as_ref().and_then(|scopes| missing(&ESSENTIAL, scopes)) {
        return Ok(not_connected("permission_missing", say::facebook_permissions_missing(missing)));
    }
    let asked = find_pages(&facebook, &user).await?;
    let app_to_come = subscribe_app(&facebook).await?;
    let (outcomes, found) = connect_pages(&facebook, merchant, &user, asked.pages, app_to_come).await?;
    let connected = found.len();
    store(&facebook, found).await?;

    tracing::info!(channel = NAME, pages = connected, "a login is done");
    let test = run_self_test(&facebook).await;
    let mut body = told(merchant, &outcomes, connected > 0, &test);
    let mut accounts: Vec<AccountOutcome> = outcomes.into_iter().map(|(one, _)| one).collect();
    if let Some(more) = asked.more_to_come {
        let reason = say::facebook_more_pages_why(more.reason.clone());
        body["still_to_come"] = json!([more]);
        accounts.push(AccountOutcome {
            id: String::new(),
            name: say::facebook_more_pages().told(),
            status: None,
            reason: Some(reason),
        });
    }
    let is_complete = !accounts.is_empty() && accounts.iter().all(|one| one.status.is_some());
    let shown = if is_complete {
        Shown::Home
    } else {
        Shown::Accounts { title: say::facebook_your_pages(), none: say::facebook_no_pages(), accounts }
    };
    Ok(LoginAnswer::Done { body, cookies: Vec::new(), shown })
}

/// What a program that logs in is told.
fn told(merchant: Uuid, outcomes: &[Outcome], is_any_connected: bool, test: &Value) -> Value {
    let page = |(one, to_come): &Outcome| {
        let status = one.status.unwrap_or("not_connected");
        let mut page = json!({ "id": one.id, "name": one.name, "status": status, "reason": one.reason });
        if !to_come.is_empty() {
            page["still_to_come"] = json!(to_come);
        }
        page
    };
    json!({
        "user_uuid": merchant,
        "pages": { "data": outcomes.iter().map(page).collect::<Vec<_>>() },
        "webhook_test": [test],
        "sync": if is_any_connected { "started" } else { "nothing to read" },
    })
}

/// Makes the app's webhook subscription. What is wrong with it is said of each Page. But where the app itself is not known,
/// nothing would work.
async fn subscribe_app(facebook: &Facebook) -> Result<Option<StillToCome>, AppError> {
    match hourly_check::ensure_app(facebook, Patience::Person).await {
        Ok(ensured) => match ensured.refused.filter(|code| code == APP_UNKNOWN) {
            Some(code) => Err(failed(ApiError::Refused { code })),
            None => Ok(None),
        },
        Err(ReadError::Api(error)) => {
            hourly_check::request_app_check(facebook).await?;
            Ok(Some(later(say::to_come_subscription, &error)))
        }
        Err(error) => Err(AppError::from(anyhow::Error::from(error))),
    }
}

fn not_connected(reason: &'static str, sentence: Sentence) -> LoginAnswer {
    LoginAnswer::NotConnected { channel: NAME, reason, sentence }
}

/// The person who logged in.
struct User {
    /// Their app-scoped id; `None`: not told yet.
    id: Option<String>,
    token: SecretString,
    expires_in: Option<i64>,
    /// What they granted; `None`: not told yet.
    scopes: Option<Vec<String>>,
    /// The Pages that they ticked, where that is told.
    named: Vec<Id>,
    to_come: Vec<StillToCome>,
}

/// Code → short-lived token → long-lived token, and what Facebook says about it. Page tokens made from the long-lived
/// one do not expire. After the code, only a refusal ends the login: what Facebook does not answer is asked again later.
async fn log_in(facebook: &Facebook, code: &str) -> Result<User, AppError> {
    let client = &facebook.client;
    let short = client.exchange_code(code).await.map_err(|error| match error {
        ApiError::Refused { code } if code == "100" || code.starts_with("100/3600") => {
            AppError::BadRequest(say::facebook_login_used())
        }
        error => failed(error),
    })?;
    let mut to_come = Vec::new();
    let token = match client.exchange_for_long_lived(&short.access_token).await {
        Ok(long) => long,
        Err(error) if error.is_refusal() => return Err(failed(error)),
        Err(error) => {
            to_come.push(later(say::to_come_lasting, &error));
            short
        }
    };
    let mut user = User {
        id: None,
        token: token.access_token,
        expires_in: token.expires_in,
        scopes: None,
        named: Vec::new(),
        to_come,
    };
    let info = match client.debug_token(Patience::Person, &user.token).await {
        Ok(info) => info,
        Err(error) if error.is_refusal() => return Err(failed(error)),
        Err(error) => {
            user.to_come.push(later(say::to_come_granted, &error));
            return Ok(user);
        }
    };
    if !info.is_valid || info.app_id.0 != facebook.config.app_id {
        static SAID: OncePerSecond = OncePerSecond::new();
        if let Some(unsaid) = SAID.should_log() {
            tracing::warn!(unsaid, "a token of another app, or an invalid one, came back from a login");
        }
        return Err(AppError::BadRequest(say::facebook_not_confirmed()));
    }
    if info.scopes.is_none() {
        user.to_come.push(later(say::to_come_granted, &ApiError::Unreadable("no scopes")));
    }
    user.id = Some(info.user_id.0).filter(|id| !id.is_empty());
    user.scopes = info.scopes;
    let of_pages = info.granular_scopes.iter().filter(|one| one.scope.starts_with("pages_"));
    for id in of_pages.filter_map(|one| one.target_ids.as_ref()).flatten() {
        if let Some(id) = Id::parse(&id.0).filter(|id| !user.named.contains(id)) {
            user.named.push(id);
        }
    }
    Ok(user)
}

/// What is known of a Page of the person.
enum Asked {
    /// It can be asked with this.
    Page(AccountPage),
    /// The person ticked it, and Facebook did not answer.
    Named(Id, StillToCome),
    /// The person ticked it, and Facebook gives no access.
    Closed(Id),
}

/// The Pages of the person.
struct Found {
    pages: Vec<Asked>,
    /// There may be more, which only another login finds.
    more_to_come: Option<StillToCome>,
}

/// All Pages of the person: those that are listed, and those that the person ticked and that are not, because they belong
/// to a business portfolio or the list was cut short.
/// Source: `granular_scopes` of `debug_token`, and the edge `accounts` of User (2026).
async fn find_pages(facebook: &Facebook, user: &User) -> Result<Found, AppError> {
    let client = &facebook.client;
    let listed = client.fetch_pages(Patience::Person, &user.token).await;
    if let Some(error @ ApiError::TokenRejected { .. }) = listed.cut {
        return Err(failed(error));
    }
    let mut missing = user.named.clone();
    missing.retain(|id| !listed.items.iter().any(|page| page.id == id.as_str()));
    let mut pages: Vec<Asked> = listed.items.into_iter().map(Asked::Page).collect();
    let mut unanswered: Option<ApiError> = None;
    for id in missing {
        let asked = match &unanswered {
            Some(error) => Err(error.clone()),
            None => client.fetch_page_of_person(Patience::Person, &id, &user.token).await,
        };
        pages.push(match asked {
            Ok(page) => Asked::Page(page),
            Err(error @ ApiError::TokenRejected { .. }) => return Err(failed(error)),
            Err(error) if error.is_refusal() => Asked::Closed(id),
            Err(error) => {
                let named = Asked::Named(id, later(say::to_come_access, &error));
                unanswered = Some(error);
                named
            }
        });
    }
    let more_to_come = match listed.cut {
        Some(cut) if pages.is_empty() => return Err(failed(cut)),
        Some(cut) if user.named.is_empty() => Some(later(say::to_come_more_pages, &cut)),
        _ => None,
    };
    Ok(Found { pages, more_to_come })
}

fn later(what: Fixed, error: &ApiError) -> StillToCome {
    StillToCome::new(what(), refusal::explain(error))
}

/// A Page that is ready to be stored.
struct Ready {
    connection: NewConnection,
    page: Id,
    metadata: Option<Box<RawValue>>,
    to_come: Vec<StillToCome>,
}

async fn connect_pages(
    facebook: &Facebook,
    merchant: Uuid,
    user: &User,
    pages: Vec<Asked>,
    app_to_come: Option<StillToCome>,
) -> Result<(Vec<Outcome>, Vec<Ready>), AppError> {
    let mut outcomes = Vec::new();
    let mut found = Vec::new();
    let mut dead = None;
    let begun = Instant::now();
    for asked in pages {
        let (id, name) = match &asked {
            Asked::Page(account) => (account.id.clone(), account.name.clone()),
            Asked::Named(id, _) | Asked::Closed(id) => (id.to_string(), String::new()),
        };
        let mut outcome = AccountOutcome { id, name, status: None, reason: None };
        let mut to_come = Vec::new();
        let is_late = begun.elapsed() > LONGEST_LOGIN;
        match connect_page(facebook, merchant, user, asked, (app_to_come.as_ref(), is_late)).await {
            Ok(one) => {
                outcome.status = Some(one.connection.status.as_str());
                outcome.reason.clone_from(&one.connection.status_reason);
                to_come.clone_from(&one.to_come);
                found.push(one);
            }
            Err(Unusable::Because(reason)) => outcome.reason = Some(reason),
            Err(Unusable::Dead(error)) => {
                outcome.reason = Some(refusal::explain(&error));
                dead = Some(error);
            }
            Err(Unusable::Failed(error)) => return Err(error),
        }
        outcomes.push((outcome, to_come));
    }
    match dead {
        Some(error) if found.is_empty() => Err(failed(error)),
        _ => Ok((outcomes, found)),
    }
}

/// Why a Page cannot be connected.
enum Unusable {
    /// A sentence.
    Because(Sentence),
    /// Facebook refuses the token that it has just given.
    Dead(ApiError),
    /// It is no fault of the Page's.
    Failed(AppError),
}

impl<E: Into<anyhow::Error>> From<E> for Unusable {
    fn from(error: E) -> Self {
        Self::Failed(AppError::from(Into::<anyhow::Error>::into(error)))
    }
}

/// Whether the person may answer messages on a Page where they have these tasks. Facebook has several names for each task
/// and makes new ones: only where all are known to be something else it is a no.
fn may_answer(tasks: Option<&Vec<String>>) -> bool {
    let is_other = |task: &String| OTHER_TASKS.contains(&task.strip_prefix("PROFILE_PLUS_").unwrap_or(task));
    tasks.is_none_or(|tasks| !tasks.iter().all(is_other))
}

/// Prepares one Page. What Facebook does not answer is left to a read request.
async fn connect_page(
    facebook: &Facebook,
    merchant: Uuid,
    user: &User,
    asked: Asked,
    (app_to_come, is_late): (Option<&StillToCome>, bool),
) -> Result<Ready, Unusable> {
    let mut to_come = user.to_come.clone();
    let (page, name, token) = match asked {
        Asked::Page(account) => {
            let page = Id::parse(&account.id).ok_or_else(|| Unusable::Because(say::facebook_unreadable_id()))?;
            let token = account.access_token.ok_or_else(|| Unusable::Because(say::facebook_no_access()))?;
            if !may_answer(account.tasks.as_ref()) {
                return Err(Unusable::Because(say::facebook_may_not_answer()));
            }
            (page, account.name, Some(token))
        }
        Asked::Named(page, why) => {
            to_come.push(why);
            (page, String::new(), None)
        }
        Asked::Closed(_) => return Err(Unusable::Because(say::facebook_in_portfolio())),
    };
    let owner = facebook.shared.connections.find(NAME, page.as_str()).await?;
    if owner.is_some_and(|owner| owner.merchant != merchant) {
        return Err(Unusable::Because(say::facebook_of_another_shop()));
    }
    let mut ensured = Ensured::default();
    let mut metadata = None;
    let slow = || ApiError::Unavailable("the login has taken long enough".to_owned());
    match &token {
        Some(token) if !is_late => {
            match hourly_check::ensure_page(facebook, Patience::Person, &page, token).await {
                Ok(done) => ensured = done,
                Err(ReadError::Api(error @ ApiError::TokenRejected { .. })) => return Err(Unusable::Dead(error)),
                Err(ReadError::Api(error)) => to_come.push(later(say::to_come_subscription, &error)),
                Err(error) => return Err(error.into()),
            }
            match facebook.client.fetch_page(Patience::Person, &page, token).await {
                Ok(object) => metadata = Some(object),
                Err(error @ ApiError::TokenRejected { .. }) => return Err(Unusable::Dead(error)),
                Err(error) if error.is_refusal() => {}
                Err(error) => to_come.push(later(say::to_come_page_details, &error)),
            }
        }
        _ => to_come.push(later(say::to_come_subscription, &slow())),
    }
    if let Some(app) = app_to_come.filter(|app| !to_come.iter().any(|one| one.what == app.what)) {
        to_come.push(app.clone());
    }
    let scopes = user.scopes.clone().unwrap_or_else(|| SCOPES.map(str::to_owned).to_vec());
    let problem = hourly_check::problem(facebook, &scopes, &ensured, Vec::new());
    let problem = problem.or_else(|| StillToCome::sentence(&to_come));
    let expires_at = user.expires_in.map(|seconds| end_of_life(facebook.shared.clock.now_ms(), seconds));
    let mut tokens = vec![(TokenKind::User, Token { secret: user.token.clone(), expires_at })];
    tokens.extend(token.map(|secret| (TokenKind::Access, Token { secret, expires_at: None })));
    Ok(Ready {
        connection: NewConnection {
            channel: NAME,
            account: page.as_str().to_owned(),
            merchant,
            name,
            scopes: user.scopes.clone().unwrap_or_default(),
            status: if problem.is_none() { Status::Connected } else { Status::Incomplete },
            status_reason: problem,
            platform_user: user.id.clone(),
            tokens,
        },
        page,
        metadata,
        to_come,
    })
}

/// Stores all Pages at once, lets their events flow, writes their metadata and requests the first read.
async fn store(facebook: &Facebook, found: Vec<Ready>) -> Result<(), AppError> {
    let shared = &facebook.shared;
    let now_ms = shared.clock.now_ms();
    let (connections, pages): (Vec<_>, Vec<_>) =
        found.into_iter().map(|one| (one.connection, (one.page, one.metadata, one.to_come))).unzip();
    for (page, ..) in &pages {
        shared.erasure.before_connecting(NAME, page.as_str()).await?;
    }
    shared.connections.upsert(connections, now_ms).await?;
    for (page, object, to_come) in &pages {
        let account = page.as_str();
        shared.journal.note_still_to_come(NAME, account, to_come).await?;
        shared.journal.connect_account(NAME, account).await?;
        let first = (!to_come.is_empty()).then_some(ReadRequest::HourlyCheck);
        for request in first.into_iter().chain([ReadRequest::Everything]) {
            shared.journal.request_read(NAME, account, request, now_ms).await?;
        }
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

fn failed(cause: ApiError) -> AppError {
    AppError::Platform { platform: PLATFORM, cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tasks_that_are_known_to_be_others_are_a_no() {
        let may = |tasks: &[&str]| may_answer(Some(&tasks.iter().map(|task| (*task).to_owned()).collect()));
        assert!(may_answer(None), "not told");
        for yes in ["MESSAGING", "MODERATE", "MANAGE", "PROFILE_PLUS_MESSAGING", "PROFILE_PLUS_FULL_CONTROL", "NEW_ONE"]
        {
            assert!(may(&["ANALYZE", yes]), "{yes}");
        }
        for no in [&["ANALYZE"][..], &["PROFILE_PLUS_ANALYZE", "ADVERTISE"], &[]] {
            assert!(!may(no), "{no:?}");
        }
    }
}
